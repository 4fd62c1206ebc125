//! Numbers that are known within a bound: two exact rationals, between which what is exact and what the program holds both are.
//!
//! The ends are multiples of 2^-192. Sums, differences and products with whole numbers are exact; a product of two ranges or
//! a quotient is rounded outward by less than 2^-192. (Without that the numerator of an index would double its length with
//! every touch: utilisation divides by a debt which that index multiplied.)

use std::fmt;
use std::ops::{Add, Mul, Sub};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

/// Fractional bits of an end.
const BITS: u32 = 192;

/// A number between two exact ones, both included.
#[derive(Clone, PartialEq, Eq)]
pub struct Range {
    low: BigInt,
    high: BigInt,
}

fn down(value: &BigInt) -> BigInt {
    value.div_floor(&(BigInt::from(1) << BITS))
}

fn up(value: &BigInt) -> BigInt {
    -down(&-value)
}

fn decimal(value: &BigInt) -> String {
    let thousandths: BigInt = (value * BigInt::from(1_000)).div_floor(&(BigInt::from(1) << BITS));
    let (whole, rest) = thousandths.div_mod_floor(&BigInt::from(1_000));
    format!("{whole}.{rest:0>3}")
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (decimal(&self.low), decimal(&self.high));
        if low == high {
            write!(formatter, "{low}")
        } else {
            write!(formatter, "{low} to {high}")
        }
    }
}

impl Default for Range {
    fn default() -> Self {
        Self::whole(0u64)
    }
}

impl Range {
    /// Exactly a whole number.
    pub fn whole(value: impl Into<BigInt>) -> Self {
        Self::binary(value.into(), 0)
    }

    /// Exactly `value / 2^bits`, `bits` at most 192.
    pub fn binary(value: BigInt, bits: u32) -> Self {
        let end = value << (BITS - bits.min(BITS));
        Self { low: end.clone(), high: end }
    }

    /// Exactly `2^-bits`.
    pub fn unit(bits: u32) -> Self {
        Self::binary(BigInt::from(1), bits)
    }

    /// A fraction, within 2^-192.
    pub fn ratio(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Self {
        Self::whole(numerator).over(&Self::whole(denominator))
    }

    /// Anything between two whole numbers.
    pub fn wholes((low, high): (BigInt, BigInt)) -> Self {
        Self { low: low << BITS, high: high << BITS }
    }

    /// From the low end of one to the high end of another.
    pub fn from_to(low: &Self, high: &Self) -> Self {
        Self { low: low.low.clone(), high: high.high.clone() }
    }

    /// Its low end, exactly.
    pub fn low(&self) -> Self {
        Self { low: self.low.clone(), high: self.low.clone() }
    }

    /// Its high end, exactly.
    pub fn high(&self) -> Self {
        Self { low: self.high.clone(), high: self.high.clone() }
    }

    /// What a rounding down may have taken off, at most.
    pub fn less(&self, at_most: &Self) -> Self {
        Self { low: &self.low - &at_most.high, high: self.high.clone() }
    }

    /// What a rounding up may have put on, at most.
    pub fn more(&self, at_most: &Self) -> Self {
        Self { low: self.low.clone(), high: &self.high + &at_most.high }
    }

    /// Divided by something above zero; both not below zero.
    pub fn over(&self, other: &Self) -> Self {
        Self { low: (&self.low << BITS).div_floor(&other.high), high: -(-(&self.high << BITS)).div_floor(&other.low) }
    }

    /// `self * numerator / denominator`, whole numbers, the latter above zero.
    pub fn part(&self, numerator: &BigInt, denominator: &BigInt) -> Self {
        Self {
            low: (&self.low * numerator).div_floor(denominator),
            high: -(-(&self.high * numerator)).div_floor(denominator),
        }
    }

    /// At least zero.
    pub fn positive(&self) -> Self {
        self.max(&Self::default())
    }

    /// The larger.
    pub fn max(&self, other: &Self) -> Self {
        Self { low: (&self.low).max(&other.low).clone(), high: (&self.high).max(&other.high).clone() }
    }

    /// The smaller.
    pub fn min(&self, other: &Self) -> Self {
        Self { low: (&self.low).min(&other.low).clone(), high: (&self.high).min(&other.high).clone() }
    }

    /// What both allow. (Where there is no such number the low end is above the high one, and nothing is within.)
    pub fn and(&self, other: &Self) -> Self {
        Self { low: (&self.low).max(&other.low).clone(), high: (&self.high).min(&other.high).clone() }
    }

    /// Rounded down to whole numbers.
    pub fn floor(&self) -> Self {
        Self::wholes((down(&self.low), down(&self.high)))
    }

    /// Rounded up to whole numbers.
    pub fn ceil(&self) -> Self {
        Self::wholes((up(&self.low), up(&self.high)))
    }

    /// Whether another lies within.
    pub fn holds(&self, other: &Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// Whether all of it is below another.
    pub fn is_below(&self, other: &Self) -> bool {
        self.high < other.low
    }

    /// Whether it is nothing but zero.
    pub fn is_zero(&self) -> bool {
        self.low.is_zero() && self.high.is_zero()
    }

    /// How far apart the ends are, in whole numbers, rounded up.
    pub fn width(&self) -> u64 {
        up(&(&self.high - &self.low)).to_u64().unwrap_or(u64::MAX)
    }

    /// Whether the ends are no farther apart than this part of the number, or of one: `2^-bits`.
    pub fn is_narrow(&self, bits: u32) -> bool {
        (&self.high - &self.low) << bits <= self.high.abs().max(BigInt::from(1) << BITS)
    }
}

impl Add for &Range {
    type Output = Range;
    fn add(self, other: &Range) -> Range {
        Range { low: &self.low + &other.low, high: &self.high + &other.high }
    }
}

impl Sub for &Range {
    type Output = Range;
    fn sub(self, other: &Range) -> Range {
        Range { low: &self.low - &other.high, high: &self.high - &other.low }
    }
}

/// Of numbers not below zero.
impl Mul for &Range {
    type Output = Range;
    fn mul(self, other: &Range) -> Range {
        Range { low: down(&(&self.low * &other.low)), high: up(&(&self.high * &other.high)) }
    }
}

impl<'a> std::iter::Sum<&'a Range> for Range {
    fn sum<I: Iterator<Item = &'a Range>>(ranges: I) -> Range {
        ranges.fold(Range::default(), |sum, range| &sum + range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_rounded_outward_and_hold_what_is_exact() {
        let third = Range::ratio(1u8, 3u8);
        assert!(third.low != third.high && third.is_narrow(190));
        let one = &third * &Range::whole(3u8);
        assert!(one.holds(&Range::whole(1u8)) && one.floor() == Range::wholes((0.into(), 1.into())));
        assert!(Range::whole(1u8).part(&2.into(), &3.into()).holds(&(&third.low() + &third.low())));
        assert!(Range::whole(2u8).over(&Range::whole(4u8)) == Range::unit(1));
    }

    #[test]
    fn a_rounding_moves_one_end() {
        let (five, unit) = (Range::whole(5u8), Range::unit(3));
        assert!(five.more(&unit).holds(&five) && !five.more(&unit).holds(&(&five - &unit)));
        assert!(five.less(&unit).holds(&(&five - &unit)) && !five.less(&unit).holds(&(&five + &unit)));
        assert!(five.less(&unit).floor() == Range::wholes((4.into(), 5.into())));
        assert!(five.more(&unit).ceil() == Range::wholes((5.into(), 6.into())));
        assert!((&Range::default() - &five).positive().is_zero());
    }
}
