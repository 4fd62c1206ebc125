//! u128: what prices, shares and debts are computed in.

use core::hint::black_box;

use crate::Operation;

fn shift(b: u128) -> u32 {
    (b & 127) as u32
}

pub const OPERATIONS: &[Operation] = &[
    ("wrapping_add", |d, a, b| d.u128(a.wrapping_add(b))),
    ("wrapping_sub", |d, a, b| d.u128(a.wrapping_sub(b))),
    ("wrapping_mul", |d, a, b| d.u128(a.wrapping_mul(b))),
    ("checked_add", |d, a, b| d.option(a.checked_add(b))),
    ("checked_sub", |d, a, b| d.option(a.checked_sub(b))),
    ("checked_mul", |d, a, b| d.option(a.checked_mul(b))),
    ("checked_div", |d, a, b| d.option(a.checked_div(b))),
    ("checked_rem", |d, a, b| d.option(a.checked_rem(b))),
    ("checked_shl", |d, a, b| d.option(a.checked_shl(b as u32))),
    ("checked_pow", |d, a, b| d.option((a >> 100).checked_pow((b & 7) as u32))),
    ("overflowing_add", |d, a, b| d.overflowing(a.overflowing_add(b))),
    ("overflowing_sub", |d, a, b| d.overflowing(a.overflowing_sub(b))),
    ("overflowing_mul", |d, a, b| d.overflowing(a.overflowing_mul(b))),
    ("saturating", |d, a, b| {
        d.u128(a.saturating_add(b));
        d.u128(a.saturating_sub(b));
        d.u128(a.saturating_mul(b));
    }),
    ("div", |d, a, b| d.u128(a / b.max(1))),
    ("rem", |d, a, b| d.u128(a % b.max(1))),
    ("div by u64", |d, a, b| d.u128(a / u128::from((b as u64).max(1)))),
    ("rem by u64", |d, a, b| d.u128(a % u128::from((b as u64).max(1)))),
    ("div by constant", |d, a, _| d.u128(a / 10_000)),
    ("div by 10^18", |d, a, _| d.u128(a / 1_000_000_000_000_000_000)),
    ("rem by constant", |d, a, _| d.u128(a % 1_000_003)),
    ("div_ceil", |d, a, b| d.u128(a.div_ceil(b.max(1)))),
    ("mul then div", |d, a, b| d.option((a >> 64).checked_mul(b >> 64).map(|product| product / ((a ^ b) | 1)))),
    ("shl", |d, a, b| d.u128(a << shift(b))),
    ("shr", |d, a, b| d.u128(a >> shift(b))),
    ("rotate", |d, a, b| d.u128(a.rotate_left(shift(b)))),
    ("shl by constants", |d, a, _| {
        d.u128(a << 1);
        d.u128(a << 64);
        d.u128(a << 96);
    }),
    ("shr by constants", |d, a, _| {
        d.u128(a >> 1);
        d.u128(a >> 64);
        d.u128(a >> 96);
    }),
    ("bits", |d, a, b| {
        d.u128(a & b);
        d.u128(a | b);
        d.u128(!a ^ b);
    }),
    ("counts", |d, a, _| {
        d.u64(u64::from(a.leading_zeros()));
        d.u64(u64::from(a.trailing_zeros()));
        d.u64(u64::from(a.count_ones()));
    }),
    ("byte and bit order", |d, a, _| {
        d.u128(a.swap_bytes());
        d.u128(a.reverse_bits());
        d.u128(u128::from_be_bytes(a.to_le_bytes()));
    }),
    ("compare", |d, a, b| {
        d.bool(a < b);
        d.bool(a <= b);
        d.bool(a == b);
        d.i64(a.cmp(&b) as i64);
        d.u128(a.min(b));
    }),
    ("isqrt", |d, a, _| d.u128(a.isqrt())),
    ("abs_diff", |d, a, b| d.u128(a.abs_diff(b))),
    ("to u64", |d, a, b| {
        let shifted = a >> shift(b);
        d.u64(shifted as u64);
        d.u64(u64::try_from(shifted).unwrap_or(9));
    }),
    ("to i128", |d, a, _| d.option(i128::try_from(a).ok().map(|value| value as u128))),
    ("widening product", |d, a, b| {
        let (low, high) = widening_mul(a, b);
        d.u128(low);
        d.u128(high);
    }),
];

/// 256-bit product from 64-bit halves, as the engine's multiply-divide does it.
#[inline(never)]
fn widening_mul(a: u128, b: u128) -> (u128, u128) {
    const MASK: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = black_box((a >> 64, a & MASK, b >> 64, b & MASK));
    let low = a0 * b0;
    let (middle, carry) = (a1 * b0).overflowing_add(a0 * b1);
    let (low, carry_low) = low.overflowing_add(middle << 64);
    let high = a1 * b1 + (middle >> 64) + (u128::from(carry) << 64) + u128::from(carry_low);
    (low, high)
}
