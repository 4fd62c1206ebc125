//! Observed volatility, and the two speeds at which it enters health (protocol, section 3).
//!
//! ```text
//! r        = ln(p / p0), clipped to 4 * sigma_cap * sqrt(dt)      return since the last sample, dt in days
//! variance = variance + w * (r^2 / dt - variance),  w = dt / (dt + 1 day)
//! ```
//!
//! A sample is taken at most once per grid interval, from the kept reading, and not while its confidence is wide: many
//! updates in a second are one, and a feed silent for days gives one sample of at most a day's weight (one half). The clip
//! bounds what one bad print does: its share of the variance is at most `16 * w * sigma_cap^2`.
//!
//! *Initial* health uses the observed volatility at once. *Maintenance* health follows it down at once and up at a bounded
//! speed, because a threshold that jumps in a panic makes the panic.

use crate::fixed::{div_floor, product, root, saturate, widen, Factor, BPS, FACTOR_BITS};
use crate::price::Reading;
use crate::state::{ReserveState, RiskTerms};
use crate::Now;

/// Seconds of a day, the unit of volatility and the time constant of the average.
pub const DAY_SECS: u64 = 86_400;
/// A sample's return counts up to this many times the largest volatility.
const CLIP_SIGMAS: u64 = 4;
/// ln 2, Q40: no return counts more.
const LN_2_Q40: u64 = 762_123_384_785;

/// `|ln(a / b)|` for positive numbers, at most ln 2, within 1e-6. Q40.
///
/// `ln(a/b) = 2 * artanh(z)`, `z = (a - b)/(a + b)`; below a ratio of 2, z is at most 1/3 and five terms of the series
/// `z + z^3/3 + z^5/5 + ...` leave an error below `2 * z^11 / 11 * 9/8 < 1.2e-6`.
pub fn log_ratio(a: u128, b: u128) -> Factor {
    let (most, least) = (a.max(b), a.min(b));
    if most / 2 >= least {
        return Factor(LN_2_Q40);
    }
    // 80 bits leave room for Q40 and lose less than 2^-79 of either.
    let shift = 48u32.saturating_sub(most.leading_zeros());
    let (most, least) = (most >> shift, least >> shift);
    let z = Factor(saturate(div_floor((most - least) << FACTOR_BITS, (most + least).max(1))));
    let square = z.times_floor(z);
    let (mut power, mut sum) = (z, z.0);
    for odd in [3, 5, 7, 9] {
        power = power.times_floor(square);
        sum = sum.saturating_add(power.0 / odd);
    }
    Factor(sum.saturating_mul(2)).min(Factor(LN_2_Q40))
}

/// Two prices with exponents of their own, on one scale; `None` where they are too far apart to matter.
fn on_one_scale((a, a_exponent): (u64, i32), (b, b_exponent): (u64, i32)) -> Option<(u128, u128)> {
    let least = a_exponent.min(b_exponent);
    let scaled = |number: u64, exponent: i32| {
        let power = u32::try_from(exponent.checked_sub(least)?).ok()?;
        // A feed keeps its exponent, nearly always.
        if power == 0 {
            return Some(widen(number));
        }
        widen(number).checked_mul(10u128.checked_pow(power)?)
    };
    Some((scaled(a, a_exponent)?, scaled(b, b_exponent)?))
}

impl RiskTerms {
    /// By how much maintenance volatility may have risen in a time, rounded down.
    fn sigma_rise(&self, elapsed_secs: u64) -> Factor {
        let bps = product(self.sigma_rise_bps_per_hour, elapsed_secs);
        Factor(saturate(div_floor(bps.min(1 << 64) << FACTOR_BITS, widen(BPS * 3_600))))
    }
}

impl ReserveState {
    /// Observed volatility, the sample that `reading` makes included. So a quote knows what the action will observe.
    fn sigma_observed(&self, reading: &Reading) -> Factor {
        self.risk.sigma_within(self.sigma_unbounded(reading))
    }

    /// The same without its limits.
    fn sigma_unbounded(&self, reading: &Reading) -> Factor {
        match self.secs_since_sample(reading) {
            Some(elapsed) => Factor(root(widen(self.variance_after(reading, elapsed).0) << FACTOR_BITS)),
            None => Factor(self.volatility.sigma_q40),
        }
    }

    /// Volatility in maintenance health: follows the observed one down at once and up at a bounded speed.
    pub fn sigma_maintenance(&self, reading: &Reading, now: &Now) -> Factor {
        self.sigma_following(self.sigma_observed(reading), now)
    }

    /// Maintenance volatility that follows an observed one.
    fn sigma_following(&self, observed: Factor, now: &Now) -> Factor {
        // What was observed before bounds it too: room to rise must not gather while there is nothing to follow.
        self.sigma_rising(now).min(self.risk.sigma_within(Factor(self.volatility.sigma_q40))).min(observed)
    }

    /// Volatility in initial health: the larger of both, so that initial is never laxer than maintenance.
    pub fn sigma_initial(&self, reading: &Reading) -> Factor {
        self.sigma_initial_within(&self.risk.tighter(&self.risk_target), reading)
    }

    /// The same, within the limits of the [terms of initial health](Self::initial_risk).
    pub(crate) fn sigma_initial_within(&self, initial: &RiskTerms, reading: &Reading) -> Factor {
        // Maintenance volatility is never above the observed one, nor its limits above the tighter ones.
        initial.sigma_within(self.sigma_unbounded(reading))
    }

    /// How far maintenance volatility may have risen by now.
    fn sigma_rising(&self, now: &Now) -> Factor {
        let elapsed = u64::try_from(now.unix.saturating_sub(self.volatility.moved_at)).unwrap_or(0);
        let risen = Factor(self.volatility.sigma_maintenance_q40).plus(self.risk.sigma_rise(elapsed));
        self.risk.sigma_within(risen)
    }

    /// Starts observing from a reading, at a volatility.
    pub fn begin_observation(&mut self, sigma: Factor, now: &Now) {
        self.volatility.sigma_q40 = sigma.0;
        self.volatility.sigma_maintenance_q40 = sigma.0;
        self.volatility.moved_at = now.unix;
        self.take_sample();
    }

    fn take_sample(&mut self) {
        let reading = self.reading;
        self.volatility.sampled_at = reading.publish_time;
        self.volatility.sampled_price = reading.price;
        self.volatility.sampled_exponent = i64::from(reading.exponent);
    }

    /// Samples the kept reading, if the grid allows and its confidence is not wide. Returns whether it did.
    pub fn observe(&mut self, now: &Now) -> bool {
        let reading = self.reading;
        if self.secs_since_sample(&reading).is_none() {
            return false;
        }
        let observed = self.sigma_observed(&reading);
        let maintenance = self.sigma_following(observed, now);
        self.volatility.sigma_q40 = observed.0;
        self.volatility.sigma_maintenance_q40 = maintenance.0;
        self.volatility.moved_at = now.unix;
        self.take_sample();
        true
    }

    /// Time from the last sample to a reading that makes a new one.
    fn secs_since_sample(&self, reading: &Reading) -> Option<u64> {
        let elapsed = reading.publish_time.checked_sub(self.volatility.sampled_at)?;
        let elapsed = u64::try_from(elapsed).ok()?;
        let is_due = elapsed >= self.oracle_policy.sample_secs.max(1) && self.oracle_policy.is_confident(reading);
        is_due.then_some(elapsed)
    }

    /// Daily variance after a sample, `elapsed_secs` after the last one. Rounded down.
    fn variance_after(&self, reading: &Reading, elapsed_secs: u64) -> Factor {
        let Reading { price, exponent, .. } = *reading;
        let sampled_exponent = i32::try_from(self.volatility.sampled_exponent).unwrap_or(exponent);
        let scaled = on_one_scale((price, exponent), (self.volatility.sampled_price, sampled_exponent));
        let moved = scaled.map_or(Factor(LN_2_Q40), |(a, b)| log_ratio(a, b));
        let cap = Factor::from_bps_ceil(self.risk.sigma_cap_bps.saturating_mul(CLIP_SIGMAS));
        let clipped = moved.min(cap.times_ceil(crate::policy::root_days(elapsed_secs)));

        let sigma = Factor(self.volatility.sigma_q40);
        let (old, square) = (sigma.times_floor(sigma), clipped.times_floor(clipped));
        let sample = saturate(div_floor(product(square.0, DAY_SECS), widen(elapsed_secs.max(1))));
        let weight_secs = elapsed_secs.min(DAY_SECS);
        let toward = |distance: u64| saturate(div_floor(product(distance, weight_secs), widen(weight_secs + DAY_SECS)));
        if sample >= old.0 {
            Factor(old.0 + toward(sample - old.0))
        } else {
            Factor(old.0 - toward(old.0 - sample))
        }
    }
}
