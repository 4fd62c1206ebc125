//! Numbers: Q40 factors, USD values, wide products. Every rounding names its direction.
//!
//! | type | unit | scale | largest |
//! |---|---|---|---|
//! | [`Factor`] | ratio | 2^-40 | 2^24 |
//! | [`Value`] | USD | 1e-9 | 2^96 in sums; one collateral saturates at 1e15 USD |
//! | [`Word128`] | any `u128` in account memory | – | 2^128 - 1 |
//!
//! Binary scales, because a shift costs a tenth of a division on chain.

use crate::state::wire;

mod wide;

#[cfg(test)]
mod tests;

pub(crate) use wide::{div_ceil, div_floor, divide_normalised, product, root, root_word};
use wide::{div_rem, divide_limb, mul_wide, mul_word};

wire! {
    /// A `u128` in account memory: two little-endian halves, because the alignment of `u128` differs between targets.
    #[derive(Default)]
    pub struct Word128 {
        /// Low 64 bits.
        pub lo: u64,
        /// High 64 bits.
        pub hi: u64,
    }
}

impl Word128 {
    /// Zero.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };

    /// From a `u128`.
    pub const fn new(value: u128) -> Self {
        Self { lo: low(value), hi: high(value) }
    }

    /// As a `u128`.
    pub const fn get(self) -> u128 {
        (widen(self.hi) << 64) | widen(self.lo)
    }
}

/// `u64` to `u128` where `From` is not `const`.
pub(crate) const fn widen(x: u64) -> u128 {
    x as u128
}

/// The low 64 bits. (A cast, because the compiler for the chain takes a number apart into bytes and those together again.)
const fn low(x: u128) -> u64 {
    x as u64
}

/// The high 64 bits.
const fn high(x: u128) -> u64 {
    (x >> 64) as u64
}

/// `x` as `u64`, or the largest `u64`.
pub fn saturate(x: u128) -> u64 {
    u64::try_from(x).unwrap_or(u64::MAX)
}

/// `2^shift * x`, or the largest `u128`.
fn shl_saturating(x: u128, shift: u32) -> u128 {
    if shift <= x.leading_zeros() && shift < 128 {
        x << shift
    } else if x == 0 {
        0
    } else {
        u128::MAX
    }
}

/// `floor(x / 2^shift)` for any shift.
pub fn shr_floor(x: u128, shift: u32) -> u128 {
    x.checked_shr(shift).unwrap_or(0)
}

/// `ceil(x / 2^shift)` for any shift.
pub fn shr_ceil(x: u128, shift: u32) -> u128 {
    let floor = shr_floor(x, shift);
    // A floor of zero with x above it is a proper fraction; otherwise shift < 128 and shifting back is exact.
    let exact = if floor == 0 { x == 0 } else { floor << shift == x };
    if exact {
        floor
    } else {
        floor.saturating_add(1)
    }
}

/// `floor(x * 2^shift)` for a shift of either sign, saturating.
pub fn scale_floor(x: u128, shift: i32) -> u128 {
    if shift >= 0 {
        shl_saturating(x, shift.unsigned_abs())
    } else {
        shr_floor(x, shift.unsigned_abs())
    }
}

/// `ceil(x * 2^shift)` for a shift of either sign, saturating.
pub fn scale_ceil(x: u128, shift: i32) -> u128 {
    if shift >= 0 {
        shl_saturating(x, shift.unsigned_abs())
    } else {
        shr_ceil(x, shift.unsigned_abs())
    }
}

/// `(floor(a * b / c), remainder != 0)`, or `None` where `c` is zero or the quotient exceeds 128 bits.
pub(crate) fn mul_div(a: u128, b: u128, c: u128) -> Option<(u128, bool)> {
    if c == 0 {
        return None;
    }
    let (hi, lo) = mul_wide(a, b);
    if hi == 0 {
        let (quotient, rest) = div_rem(lo, c);
        return Some((quotient, rest != 0));
    }
    if hi >= c {
        return None;
    }
    let shift = c.leading_zeros();
    let divisor = c << shift;
    let top = if shift == 0 { hi } else { (hi << shift) | (lo >> (128 - shift)) };
    let bottom = lo << shift;
    let (q1, rest) = divide_limb(top, high(bottom), divisor);
    let (q0, rest) = divide_limb(rest, low(bottom), divisor);
    Some(((widen(q1) << 64) | widen(q0), rest != 0))
}

/// `floor(a * b / c)` with a 256-bit product; `None` where `c` is zero or the result exceeds 128 bits.
pub fn mul_div_floor(a: u128, b: u128, c: u128) -> Option<u128> {
    mul_div(a, b, c).map(|(quotient, _)| quotient)
}

/// `ceil(a * b / c)` with a 256-bit product; `None` where `c` is zero or the result exceeds 128 bits.
pub fn mul_div_ceil(a: u128, b: u128, c: u128) -> Option<u128> {
    let (quotient, inexact) = mul_div(a, b, c)?;
    quotient.checked_add(u128::from(inexact))
}

/// `(floor(a * b / 2^shift), inexact)` for `0 < shift < 128`; `None` elsewhere and where the result exceeds 128 bits.
fn mul_shift(a: u128, b: u128, shift: u32) -> Option<(u128, bool)> {
    let (hi, lo) = mul_wide(a, b);
    if shift == 0 || shift >= 128 || hi >> shift != 0 {
        return None;
    }
    Some(((hi << (128 - shift)) | (lo >> shift), lo << (128 - shift) != 0))
}

/// `floor(a * b / 2^shift)` with a 256-bit product, `0 < shift < 128`; `None` elsewhere and where the result exceeds 128 bits.
pub fn mul_shift_floor(a: u128, b: u128, shift: u32) -> Option<u128> {
    mul_shift(a, b, shift).map(|(result, _)| result)
}

/// `ceil(a * b / 2^shift)` with a 256-bit product, `0 < shift < 128`; `None` elsewhere and where the result exceeds 128 bits.
pub fn mul_shift_ceil(a: u128, b: u128, shift: u32) -> Option<u128> {
    let (result, inexact) = mul_shift(a, b, shift)?;
    result.checked_add(u128::from(inexact))
}

/// `(floor(a * 2^40 / c), inexact)`; `None` where `c` is zero or the result exceeds 128 bits.
fn shifted_div(a: u128, c: u128) -> Option<(u128, bool)> {
    // Values up to 3e17 USD: no product is needed.
    if a >> (128 - FACTOR_BITS) == 0 && c != 0 {
        let (quotient, rest) = div_rem(a << FACTOR_BITS, c);
        return Some((quotient, rest != 0));
    }
    mul_div(a, 1 << FACTOR_BITS, c)
}

/// Basis points in one.
pub const BPS: u64 = 10_000;

/// Fractional bits of a [`Factor`].
pub const FACTOR_BITS: u32 = 40;

/// A ratio in Q40: 2^40 is one. Forty bits, because sizing divides by differences of factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(pub u64);

impl Factor {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(1 << FACTOR_BITS);
    /// The largest, standing for everything beyond it.
    pub const MAX: Self = Self(u64::MAX);

    /// From basis points, rounded down.
    pub fn from_bps_floor(bps: u64) -> Self {
        // Any that a configuration allows: one division of words.
        if bps >> (64 - FACTOR_BITS) == 0 {
            return Self((bps << FACTOR_BITS) / BPS);
        }
        Self(saturate(div_floor(widen(bps) << FACTOR_BITS, widen(BPS))))
    }

    /// From basis points, rounded up.
    pub fn from_bps_ceil(bps: u64) -> Self {
        Self::of_ceil(bps, BPS)
    }

    /// `number / whole` for a whole above zero, rounded up, saturating.
    #[inline(always)]
    pub(crate) fn of_ceil(number: u64, whole: u64) -> Self {
        if number >> (64 - FACTOR_BITS) == 0 {
            return Self((number << FACTOR_BITS).div_ceil(whole));
        }
        Self(saturate(div_ceil(widen(number) << FACTOR_BITS, widen(whole))))
    }

    /// `numerator / denominator`, rounded down, saturating; [`Factor::MAX`] for a zero denominator.
    pub fn ratio_floor(numerator: u128, denominator: u128) -> Self {
        Self(shifted_div(numerator, denominator).map_or(u64::MAX, |(quotient, _)| saturate(quotient)))
    }

    /// The product, rounded down, saturating.
    pub fn times_floor(self, other: Self) -> Self {
        Self(saturate(product(self.0, other.0) >> FACTOR_BITS))
    }

    /// The product, rounded up, saturating.
    pub fn times_ceil(self, other: Self) -> Self {
        Self(saturate(shr_ceil(product(self.0, other.0), FACTOR_BITS)))
    }

    /// The sum, saturating.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// In basis points, rounded down.
    pub fn to_bps_floor(self) -> u64 {
        saturate(product(self.0, BPS) >> FACTOR_BITS)
    }
}

/// An amount of USD, in nano-dollars (1e-9 USD).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub u128);

impl Value {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// 1e15 USD: one collateral counts at most this much, and no debt may be opened beyond it.
    pub const LIMIT: Self = Self(1_000_000_000_000_000_000_000_000);
    /// Nano-dollars in a dollar.
    pub const PER_USD: u64 = 1_000_000_000;

    /// Times a factor: rounded down, saturating, and whether that is less than the product.
    fn times(self, factor: Factor) -> (u128, bool) {
        let (top, bottom) = mul_word(self.0, factor.0);
        if top >> FACTOR_BITS != 0 {
            return (u128::MAX, false);
        }
        ((widen(top) << (128 - FACTOR_BITS)) | (bottom >> FACTOR_BITS), bottom << (128 - FACTOR_BITS) != 0)
    }

    /// Times a factor, rounded down, saturating.
    pub fn times_floor(self, factor: Factor) -> Self {
        Self(self.times(factor).0)
    }

    /// Times a factor, rounded up, saturating.
    pub fn times_ceil(self, factor: Factor) -> Self {
        let (floor, inexact) = self.times(factor);
        Self(floor.saturating_add(u128::from(inexact)))
    }

    /// Divided by a factor, rounded up, saturating; the largest value for a zero factor.
    pub fn over_ceil(self, factor: Factor) -> Self {
        let quotient = shifted_div(self.0, widen(factor.0));
        Self(quotient.map_or(u128::MAX, |(floor, inexact)| floor.saturating_add(u128::from(inexact))))
    }

    /// Divided by a factor, rounded down, saturating; the largest value for a zero factor.
    pub fn over_floor(self, factor: Factor) -> Self {
        Self(shifted_div(self.0, widen(factor.0)).map_or(u128::MAX, |(floor, _)| floor))
    }

    /// The sum, saturating.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// What part `self` is of `whole`, rounded down; [`Factor::MAX`] for a zero whole.
    pub fn of_floor(self, whole: Self) -> Factor {
        Factor::ratio_floor(self.0, whole.0)
    }
}

/// `10^exponent` as `mantissa * 2^shift`, mantissa in [2^63, 2^64), rounded down.
#[derive(Clone, Copy)]
pub(crate) struct Power {
    pub mantissa: u64,
    pub shift: i32,
}

/// Smallest exponent of [`power_of_ten`].
pub(crate) const POWER_MIN: i32 = -30;
const POWER_COUNT: usize = 51;

/// `10^exponent` for exponents from -30 to 20.
pub(crate) fn power_of_ten(exponent: i32) -> Option<Power> {
    usize::try_from(exponent.checked_sub(POWER_MIN)?).ok().and_then(|i| POWERS.get(i)).copied()
}

static POWERS: [Power; POWER_COUNT] = powers();

const fn powers() -> [Power; POWER_COUNT] {
    let mut table = [Power { mantissa: 0, shift: 0 }; POWER_COUNT];
    let mut i = 0;
    let mut exponent = POWER_MIN;
    while i < POWER_COUNT {
        table[i] = power(exponent);
        i += 1;
        exponent += 1;
    }
    table
}

const fn power(exponent: i32) -> Power {
    let ten = 10u128.pow(exponent.unsigned_abs());
    if exponent >= 0 {
        // 10^20 < 2^67: all powers here are below 2^67, so this is exact up to 10^19 and rounds down at 10^20.
        let zeros = ten.leading_zeros();
        let normalised = ten << zeros;
        return Power { mantissa: high(normalised), shift: 64 - zeros.cast_signed() };
    }
    // Long division of 2^k by 10^n, one bit a step, until the quotient has 64 bits.
    let (mut quotient, mut rest, mut shift) = (0u64, 1u128, 0i32);
    while quotient >> 63 == 0 {
        rest <<= 1;
        quotient <<= 1;
        shift -= 1;
        if rest >= ten {
            rest -= ten;
            quotient |= 1;
        }
    }
    Power { mantissa: quotient, shift }
}
