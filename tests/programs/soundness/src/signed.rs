//! i128. Its division was wrong before the overlay covered it: keep this family.

use crate::Operation;

fn divisor(b: i128) -> i128 {
    if b == 0 {
        1
    } else {
        b
    }
}

pub const OPERATIONS: &[Operation] = &[
    ("wrapping_add", |d, a, b| d.i128((a as i128).wrapping_add(b as i128))),
    ("wrapping_sub", |d, a, b| d.i128((a as i128).wrapping_sub(b as i128))),
    ("wrapping_mul", |d, a, b| d.i128((a as i128).wrapping_mul(b as i128))),
    ("wrapping_neg", |d, a, _| d.i128((a as i128).wrapping_neg())),
    ("checked_add", |d, a, b| d.option_i128((a as i128).checked_add(b as i128))),
    ("checked_sub", |d, a, b| d.option_i128((a as i128).checked_sub(b as i128))),
    ("checked_mul", |d, a, b| d.option_i128((a as i128).checked_mul(b as i128))),
    ("checked_div", |d, a, b| d.option_i128((a as i128).checked_div(b as i128))),
    ("checked_rem", |d, a, b| d.option_i128((a as i128).checked_rem(b as i128))),
    ("checked_neg, checked_abs", |d, a, _| {
        d.option_i128((a as i128).checked_neg());
        d.option_i128((a as i128).checked_abs());
    }),
    ("overflowing_add", |d, a, b| {
        let (value, overflowed) = (a as i128).overflowing_add(b as i128);
        d.overflowing((value as u128, overflowed));
    }),
    ("overflowing_sub", |d, a, b| {
        let (value, overflowed) = (a as i128).overflowing_sub(b as i128);
        d.overflowing((value as u128, overflowed));
    }),
    ("overflowing_mul", |d, a, b| {
        let (value, overflowed) = (a as i128).overflowing_mul(b as i128);
        d.overflowing((value as u128, overflowed));
    }),
    ("saturating", |d, a, b| {
        d.i128((a as i128).saturating_add(b as i128));
        d.i128((a as i128).saturating_sub(b as i128));
        d.i128((a as i128).saturating_mul(b as i128));
    }),
    ("div", |d, a, b| d.i128((a as i128).wrapping_div(divisor(b as i128)))),
    ("rem", |d, a, b| d.i128((a as i128).wrapping_rem(divisor(b as i128)))),
    ("div by i64", |d, a, b| d.i128((a as i128).wrapping_div(divisor(i128::from(b as i64))))),
    ("div by constant", |d, a, _| d.i128(a as i128 / 1_000_003)),
    ("div_euclid", |d, a, b| d.i128((a as i128).wrapping_div_euclid(divisor(b as i128)))),
    ("rem_euclid", |d, a, b| d.i128((a as i128).wrapping_rem_euclid(divisor(b as i128)))),
    ("shl", |d, a, b| d.i128((a as i128) << (b & 127))),
    ("shr", |d, a, b| d.i128((a as i128) >> (b & 127))),
    ("shr by constants", |d, a, _| {
        d.i128((a as i128) >> 1);
        d.i128((a as i128) >> 64);
        d.i128((a as i128) >> 127);
    }),
    ("compare", |d, a, b| {
        let (a, b) = (a as i128, b as i128);
        d.bool(a < b);
        d.bool(a <= b);
        d.i64(a.cmp(&b) as i64);
        d.i128(a.max(b));
    }),
    ("abs, signum", |d, a, b| {
        d.u128((a as i128).unsigned_abs());
        d.u128((a as i128).abs_diff(b as i128));
        d.i128((a as i128).signum());
        d.bool((a as i128).is_negative());
    }),
    ("mixed with u128", |d, a, b| {
        d.option(a.checked_add_signed(b as i128));
        d.option_i128((a as i128).checked_add_unsigned(b));
        d.option_i128((a as i128).checked_sub_unsigned(b));
    }),
    ("to i64", |d, a, b| {
        let shifted = (a as i128) >> (b & 127);
        d.i64(shifted as i64);
        d.i64(i64::try_from(shifted).unwrap_or(9));
    }),
];
