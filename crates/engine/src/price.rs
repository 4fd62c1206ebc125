//! A price reading, and the price of one atom that follows from it.

use crate::error::{EngineError, Result};
use crate::fixed::{
    div_ceil, div_floor, power_of_ten, product, saturate, scale_ceil, scale_floor, shr_ceil, shr_floor, widen, Value,
};
use crate::state::state;

/// How far ahead of the clock a publish time may be, seconds.
pub const FUTURE_SECS_MAX: i64 = 5;
/// Exponents a reading may have.
pub const EXPONENTS: core::ops::RangeInclusive<i32> = -18..=4;
/// Largest number of decimals a mint may have.
pub const DECIMALS_MAX: u8 = 18;
/// Powers of ten of the lowest and highest price, in USD for a whole token.
const PRICE_RANGE: (i32, i32) = (-12, 9);

state! {
    /// A price as the oracle published it. All prices are `number * 10^exponent` USD for a whole token.
    #[derive(Default)]
    pub struct Reading {
        /// Spot price.
        pub price: u64,
        /// Confidence interval of the spot price, either way.
        pub confidence: u64,
        /// Exponentially weighted moving average of the price.
        pub average: u64,
        /// Publish time, unix seconds.
        pub publish_time: i64,
        /// Slot in which the program took it.
        pub slot: u64,
        /// Exponent of all three prices.
        pub exponent: i32,
        /// Zero.
        pub reserved: [u32; 3],
    }
}

/// What an oracle account says, before anything was checked.
#[derive(Clone, Copy, Debug)]
pub struct RawPrice {
    /// Spot price.
    pub price: i64,
    /// Confidence.
    pub confidence: u64,
    /// Moving average.
    pub average: i64,
    /// Exponent.
    pub exponent: i32,
    /// Publish time, unix seconds.
    pub publish_time: i64,
}

impl Reading {
    /// Checks what holds for every action: sign, exponent, range, and a publish time at most
    /// [`FUTURE_SECS_MAX`] ahead of the clock. Age and confidence depend on the action, see [`policy`](crate::policy).
    ///
    /// # Errors
    /// `PriceNotPositive`, `PriceOutOfRange`, `PriceFromFuture`.
    pub fn checked(raw: &RawPrice, now: &crate::Now) -> Result<Self> {
        let positive = |x: i64| u64::try_from(x).ok().filter(|x| *x > 0).ok_or(EngineError::PriceNotPositive);
        let (price, average) = (positive(raw.price)?, positive(raw.average)?);
        if !EXPONENTS.contains(&raw.exponent) || !in_range(price, raw.exponent) || !in_range(average, raw.exponent) {
            return Err(EngineError::PriceOutOfRange);
        }
        if raw.publish_time > now.unix.saturating_add(FUTURE_SECS_MAX) {
            return Err(EngineError::PriceFromFuture);
        }
        Ok(Self {
            price,
            confidence: raw.confidence,
            average,
            publish_time: raw.publish_time,
            slot: now.slot,
            exponent: raw.exponent,
            reserved: [0; 3],
        })
    }

    /// The newer of this and an offered reading: nobody picks the nicer of two prices.
    pub fn newer(self, offered: Option<Self>) -> Self {
        offered.filter(|reading| reading.publish_time > self.publish_time).unwrap_or(self)
    }

    /// Age at `unix`, seconds, zero for a reading ahead of the clock.
    pub fn age_secs(&self, unix: i64) -> u64 {
        u64::try_from(unix.saturating_sub(self.publish_time)).unwrap_or(0)
    }

    /// Price of an atom at one of this reading's numbers.
    pub fn price_of(&self, number: u64, decimals: u8) -> Price {
        Price::new(number, self.exponent, decimals)
    }
}

/// The powers of ten that a word holds.
static TENS: [u64; 20] = {
    let mut tens = [1; 20];
    let mut power = 1;
    while power < tens.len() {
        tens[power] = tens[power - 1] * 10;
        power += 1;
    }
    tens
};

/// Whether `number * 10^exponent` lies within [`PRICE_RANGE`].
fn in_range(number: u64, exponent: i32) -> bool {
    let ten = |power: i32| usize::try_from(power).ok().and_then(|p| TENS.get(p)).copied();
    // Compared as integers: number >= 10^(low - exponent), or trivially so where that power is negative (it is at most 6);
    // number <= 10^(high - exponent), or trivially so where that is more than a word holds (it is at least 5).
    let low_enough = ten(PRICE_RANGE.0 - exponent).is_none_or(|least| number >= least);
    let high_enough = ten(PRICE_RANGE.1 - exponent).is_none_or(|most| number <= most);
    low_enough && high_enough
}

/// Value of one atom in nano-dollars: `mantissa * 2^-shift`, mantissa in [2^62, 2^63), or zero.
///
/// The true price lies in `[mantissa, mantissa + 2) * 2^-shift`: the power of ten is low by less than 2^-63 of itself,
/// the product by less than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    pub(crate) mantissa: u64,
    pub(crate) shift: i32,
}

impl Price {
    /// What must be added to the mantissa for an upper bound.
    const SLACK: u64 = 2;

    /// `number * 10^exponent` USD for a whole token of `decimals`, rounded down.
    pub fn new(number: u64, exponent: i32, decimals: u8) -> Self {
        // Nano-dollars: nine more decimals.
        let Some(power) = power_of_ten(exponent.saturating_sub(i32::from(decimals)).saturating_add(9)) else {
            return Self::default();
        };
        let product = product(number, power.mantissa);
        if product == 0 {
            return Self::default();
        }
        let drop = 65u32.saturating_sub(product.leading_zeros());
        Self { mantissa: saturate(product >> drop), shift: -(drop.cast_signed() + power.shift) }
    }

    /// Value of `atoms`, rounded down, at most [`Value::LIMIT`].
    pub fn value_floor(&self, atoms: u64) -> Value {
        Value(scale_floor(product(atoms, self.mantissa), -self.shift)).min(Value::LIMIT)
    }

    /// Value of `atoms`, rounded up, at most [`Value::LIMIT`].
    pub fn value_ceil(&self, atoms: u64) -> Value {
        Value(scale_ceil(product(atoms, self.mantissa.saturating_add(Self::SLACK)), -self.shift)).min(Value::LIMIT)
    }

    /// Value of `atoms` in 2^-40 nano-dollars, rounded up, saturating.
    pub(crate) fn value_q40_ceil(&self, atoms: u64) -> u128 {
        scale_ceil(product(atoms, self.mantissa.saturating_add(Self::SLACK)), 40 - self.shift)
    }

    /// Atoms worth at most `value`, rounded down, saturating; saturated at a price of zero.
    pub fn atoms_floor(&self, value: Value) -> u64 {
        let (normalised, zeros) = normalise(value);
        if normalised == 0 {
            return 0;
        }
        if self.mantissa == 0 {
            return u64::MAX;
        }
        let quotient = div_floor(normalised, widen(self.mantissa.saturating_add(Self::SLACK)));
        saturate(scale_floor(quotient, self.shift - zeros))
    }

    /// Atoms worth at least `value`, rounded up, saturating; saturated at a price of zero.
    pub fn atoms_ceil(&self, value: Value) -> u64 {
        let (normalised, zeros) = normalise(value);
        if normalised == 0 {
            return 0;
        }
        if self.mantissa == 0 {
            return u64::MAX;
        }
        saturate(scale_ceil(div_ceil(normalised, widen(self.mantissa)), self.shift - zeros))
    }
}

/// `value` shifted so that its top bit is set, and by how much: keeps 64 bits in the quotient.
fn normalise(value: Value) -> (u128, i32) {
    let zeros = value.0.leading_zeros();
    (value.0.checked_shl(zeros).unwrap_or(0), zeros.cast_signed())
}

/// `floor(a * b / 2^63)`.
pub(crate) fn times_q63(a: u64, b: u64) -> u64 {
    saturate(shr_floor(product(a, b), 63))
}

/// `ceil(a * b / 2^48)` for factors in Q48.
pub(crate) fn times_q48_ceil(a: u64, b: u64) -> u64 {
    saturate(shr_ceil(product(a, b), 48))
}
