//! Exact decimals: vectors are read and compared without a float.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use plimsoll_engine::fixed::{Factor, Value, FACTOR_BITS};

/// Longest exponent a decimal may carry: more is a typing error, and would take long to expand.
const EXPONENT_MAX: i32 = 400;

/// `digits * 10^exponent`, the digits without trailing zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub digits: BigInt,
    pub exponent: i32,
}

impl Decimal {
    /// Reads `-12.50`, `3`, `1e-6`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unsigned = whole.strip_prefix('-').unwrap_or(whole);
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if unsigned.is_empty() || !all_digits(unsigned) || !all_digits(fraction) {
            return None;
        }
        let mut digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
        let mut exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let ten = BigInt::from(10);
        while !digits.is_zero() && (&digits % &ten).is_zero() {
            digits /= &ten;
            exponent += 1;
        }
        if digits.is_zero() {
            exponent = 0;
        }
        (exponent.abs() <= EXPONENT_MAX).then_some(Self { digits, exponent })
    }

    /// The number itself.
    pub fn rational(&self) -> BigRational {
        let ten = BigRational::from_integer(BigInt::from(10));
        BigRational::from_integer(self.digits.clone()) * ten.pow(self.exponent)
    }

    /// The digits at a lower exponent, as an oracle would publish them.
    pub fn number_at(&self, exponent: i32) -> Option<u64> {
        let more = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        (&self.digits * BigInt::from(10).pow(more)).to_u64()
    }
}

/// At most `places` decimals, cut off, without trailing zeros.
pub fn show(number: &BigRational, places: u32) -> String {
    let scaled = (number.abs() * BigRational::from_integer(BigInt::from(10).pow(places))).to_integer();
    let padded = format!("{scaled:0>width$}", width = places as usize + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places as usize);
    let sign = if number.is_negative() && !scaled.is_zero() { "-" } else { "" };
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

/// A whole number as a rational.
pub fn whole(number: u64) -> BigRational {
    BigRational::from_integer(BigInt::from(number))
}

/// The whole number that a rational is; `None` where it is none or does not fit.
pub fn whole_of(number: &BigRational) -> Option<u64> {
    number.is_integer().then(|| number.to_integer().to_u64()).flatten()
}

/// A value in USD.
pub fn usd(value: Value) -> BigRational {
    BigRational::new(BigInt::from(value.0), BigInt::from(Value::PER_USD))
}

/// A factor as a number.
pub fn ratio(factor: Factor) -> BigRational {
    BigRational::new(BigInt::from(factor.0), BigInt::from(1u64 << FACTOR_BITS))
}

/// A factor, rounded down; `None` outside its range.
pub fn factor_floor(number: &BigRational) -> Option<Factor> {
    scaled(number, BigInt::from(1u64 << FACTOR_BITS)).floor().to_integer().to_u64().map(Factor)
}

/// A factor, rounded up; `None` outside its range.
pub fn factor_ceil(number: &BigRational) -> Option<Factor> {
    scaled(number, BigInt::from(1u64 << FACTOR_BITS)).ceil().to_integer().to_u64().map(Factor)
}

/// A value, rounded down; `None` outside its range.
pub fn value_floor(number: &BigRational) -> Option<Value> {
    scaled(number, BigInt::from(Value::PER_USD)).floor().to_integer().to_u128().map(Value)
}

/// A value, rounded up; `None` outside its range.
pub fn value_ceil(number: &BigRational) -> Option<Value> {
    scaled(number, BigInt::from(Value::PER_USD)).ceil().to_integer().to_u128().map(Value)
}

/// The number in whole basis points; `None` where it is not one.
pub fn bps(number: &BigRational) -> Option<u64> {
    whole_of(&scaled(number, BigInt::from(plimsoll_engine::fixed::BPS)))
}

fn scaled(number: &BigRational, by: BigInt) -> BigRational {
    number * BigRational::from_integer(by)
}
