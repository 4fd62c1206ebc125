//! 8 to 64 bits. Signed division of these widths does not exist on the chain (the build refuses it): magnitudes are divided.

use crate::Operation;

fn div_by_magnitudes(a: i64, b: i64) -> i64 {
    let quotient = a.unsigned_abs() / b.unsigned_abs().max(1);
    let quotient = quotient as i64;
    if (a < 0) != (b < 0) {
        quotient.wrapping_neg()
    } else {
        quotient
    }
}

pub const OPERATIONS: &[Operation] = &[
    ("u64 add, sub, mul", |d, a, b| {
        let (a, b) = (a as u64, b as u64);
        d.u64(a.wrapping_add(b));
        d.u64(a.wrapping_sub(b));
        d.u64(a.wrapping_mul(b));
    }),
    ("u64 checked", |d, a, b| {
        let (a, b) = (a as u64, b as u64);
        d.option(a.checked_add(b).map(u128::from));
        d.option(a.checked_sub(b).map(u128::from));
        d.option(a.checked_mul(b).map(u128::from));
        d.option(a.checked_div(b).map(u128::from));
        d.option(a.checked_rem(b).map(u128::from));
    }),
    ("u64 div, rem", |d, a, b| {
        let (a, b) = (a as u64, (b as u64).max(1));
        d.u64(a / b);
        d.u64(a % b);
        d.u64(a / 1_000_000_007);
        d.u64(a % 10_000);
        d.u64(a.div_ceil(b));
    }),
    ("u64 shifts", |d, a, b| {
        let (a, by) = (a as u64, (b & 63) as u32);
        d.u64(a << by);
        d.u64(a >> by);
        d.u64(a.rotate_right(by));
        d.i64((a as i64) >> by);
    }),
    ("u64 counts, byte order", |d, a, _| {
        let a = a as u64;
        d.u64(u64::from(a.leading_zeros()));
        d.u64(u64::from(a.trailing_zeros()));
        d.u64(u64::from(a.count_ones()));
        d.u64(a.swap_bytes());
        d.u64(a.reverse_bits());
    }),
    ("u64 isqrt, pow", |d, a, b| {
        let a = a as u64;
        d.u64(a.isqrt());
        d.u64(a.wrapping_pow((b & 31) as u32));
        d.option((a >> 40).checked_pow((b & 3) as u32).map(u128::from));
    }),
    ("u64 full product", |d, a, b| d.u128(u128::from(a as u64) * u128::from(b as u64))),
    ("i64 mul, compare", |d, a, b| {
        let (a, b) = (a as i64, b as i64);
        d.i64(a.wrapping_mul(b));
        d.option_i128(a.checked_mul(b).map(i128::from));
        d.option_i128(a.checked_add(b).map(i128::from));
        d.option_i128(a.checked_sub(b).map(i128::from));
        d.bool(a < b);
        d.i64(a.cmp(&b) as i64);
    }),
    ("i64 full product", |d, a, b| d.i128(i128::from(a as i64) * i128::from(b as i64))),
    ("i64 neg, abs", |d, a, b| {
        let a = a as i64;
        d.i64(a.wrapping_neg());
        d.option_i128(a.checked_neg().map(i128::from));
        d.u64(a.unsigned_abs());
        d.u64(a.abs_diff(b as i64));
    }),
    ("i64 div by magnitudes", |d, a, b| d.i64(div_by_magnitudes(a as i64, b as i64))),
    ("u32", |d, a, b| {
        let (a, b) = (a as u32, b as u32);
        d.u64(u64::from(a.wrapping_add(b)));
        d.u64(u64::from(a.wrapping_mul(b)));
        d.option(a.checked_add(b).map(u128::from));
        d.option(a.checked_sub(b).map(u128::from));
        d.option(a.checked_mul(b).map(u128::from));
        d.u64(u64::from(a / b.max(1)));
        d.u64(u64::from(a % b.max(1)));
        d.u64(u64::from(a >> (b & 31)));
        d.u64(u64::from(a << (b & 31)));
        d.bool(a < b);
    }),
    ("i32", |d, a, b| {
        let (a, b) = (a as i32, b as i32);
        d.i64(i64::from(a.wrapping_mul(b)));
        d.option_i128(a.checked_mul(b).map(i128::from));
        d.option_i128(a.checked_add(b).map(i128::from));
        d.i64(i64::from(a >> (b & 31)));
        d.bool(a < b);
        d.i64(a.cmp(&b) as i64);
    }),
    ("u16", |d, a, b| {
        let (a, b) = (a as u16, b as u16);
        d.option(a.checked_add(b).map(u128::from));
        d.option(a.checked_mul(b).map(u128::from));
        d.u64(u64::from(a / b.max(1)));
        d.u64(u64::from(a.rotate_left(u32::from(b & 15))));
        d.bool(a < b);
    }),
    ("i16", |d, a, b| {
        let (a, b) = (a as i16, b as i16);
        d.i64(i64::from(a.wrapping_mul(b)));
        d.option_i128(a.checked_mul(b).map(i128::from));
        d.option_i128(a.checked_sub(b).map(i128::from));
        d.bool(a < b);
    }),
    ("u8", |d, a, b| {
        let (a, b) = (a as u8, b as u8);
        d.option(a.checked_add(b).map(u128::from));
        d.option(a.checked_mul(b).map(u128::from));
        d.u64(u64::from(a.saturating_sub(b)));
        d.u64(u64::from(a % b.max(1)));
        d.bool(a < b);
    }),
    ("i8", |d, a, b| {
        let (a, b) = (a as i8, b as i8);
        d.i64(i64::from(a.wrapping_mul(b)));
        d.option_i128(a.checked_mul(b).map(i128::from));
        d.option_i128(a.checked_neg().map(i128::from));
        d.bool(a < b);
    }),
    ("widening casts", |d, a, _| {
        d.i64(i64::from(a as i8));
        d.i64(i64::from(a as i16));
        d.i64(i64::from(a as i32));
        d.u64(u64::from(a as i8 as u32));
        d.u64(a as i32 as u64);
        d.i128(i128::from(a as i64));
        d.u128(a as i64 as u128);
    }),
    ("narrowing casts", |d, a, b| {
        let shifted = (a as u64) >> (b & 63);
        d.option(u32::try_from(shifted).ok().map(u128::from));
        d.option(u16::try_from(shifted).ok().map(u128::from));
        d.option(u8::try_from(shifted).ok().map(u128::from));
        d.option(i64::try_from(shifted).ok().map(|value| value as u128));
        d.option(i8::try_from((a as i64) >> (b & 63)).ok().map(|value| value as u128));
    }),
];
