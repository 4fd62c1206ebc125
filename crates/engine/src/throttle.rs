//! The sales throttle: how much of one collateral liquidations may sell in a window (protocol, section 4.6).
//!
//! A leaky bucket of `share * L` atoms (L, not the depth that shrinks with volatility) that runs empty in a line over one
//! window. What is kept is the time at which it will be empty, so that no time is lost to rounding however often it is filled with little (each adds 2^-32 s at most):
//!
//! ```text
//! level(t) = capacity * (empty_at - t) / window        filling q moves empty_at by q * window / capacity
//! ```
//!
//! A position may fill it up to a part given by its urgency, so that a crowd of barely unhealthy positions leaves three
//! quarters to those that cannot wait.

use crate::fixed::{div_ceil, mul_div_ceil, mul_div_floor, product, saturate, widen, Factor, FACTOR_BITS};
use crate::policy::bps_of;
use crate::state::{BonusTerms, ReserveState, SalesThrottle};
use crate::Now;

/// Part of the bucket that the least urgent liquidation may fill it to: one quarter.
const PART_MIN: Factor = Factor(Factor::ONE.0 / 4);
/// Binary digits below a second in `empty_at_q32`.
const TIME_BITS: u32 = 32;

/// The throttle of one reserve at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// What fits in, atoms.
    pub capacity_atoms: u64,
    /// Time until it is empty, Q32 seconds.
    pub empty_in_q32: u64,
    /// Time in which a full bucket runs empty, seconds.
    pub window_secs: u64,
}

/// What the throttle leaves to one liquidation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Up to which this liquidation may fill the bucket, atoms. Rounded down.
    pub share_atoms: u64,
    /// How much of that is free now, atoms. Rounded down.
    pub left_atoms: u64,
}

impl Throttle {
    /// What is in it, rounded up, atoms.
    pub fn level_atoms(&self) -> u64 {
        if self.empty_in_q32 == 0 {
            return 0;
        }
        let window = widen(self.window_secs.max(1)) << TIME_BITS;
        saturate(div_ceil(product(self.empty_in_q32, self.capacity_atoms), window))
    }

    /// What it leaves to a liquidation of this urgency.
    pub fn allowance(&self, urgency: Factor) -> Allowance {
        let share_atoms = saturate(product(self.capacity_atoms, urgency.0) >> FACTOR_BITS);
        Allowance { share_atoms, left_atoms: share_atoms.saturating_sub(self.level_atoms()) }
    }

    /// Seconds until the allowance of this urgency has an atom left, rounded up; 0 where it has one now.
    pub fn wait_secs(&self, urgency: Factor) -> u64 {
        let allowance = self.allowance(urgency);
        if allowance.left_atoms > 0 {
            return 0;
        }
        // Empty enough where level <= share - 1: (share - 1) / capacity of the window before it is empty.
        let (room, window) = (widen(allowance.share_atoms.saturating_sub(1)), widen(self.window_secs) << TIME_BITS);
        let spare_q32 = mul_div_floor(room, window, widen(self.capacity_atoms.max(1))).unwrap_or(u128::MAX);
        saturate(widen(self.empty_in_q32).saturating_sub(spare_q32).div_ceil(1 << TIME_BITS))
    }
}

/// How much of the bucket a liquidation may fill: `max(1/4, min(1, (1 - h) / (1 - h_max_bonus)))`, by health before the
/// call. Rounded down.
pub fn urgency(terms: &BonusTerms, health: Factor) -> Factor {
    let span = Factor::ONE.minus(Factor::from_bps_floor(terms.health_max_bonus_bps));
    let along = widen(Factor::ONE.minus(health).0);
    let part =
        mul_div_floor(along, widen(Factor::ONE.0), widen(span.0)).map_or(Factor::ONE, |part| Factor(saturate(part)));
    part.min(Factor::ONE).max(PART_MIN)
}

impl BonusTerms {
    /// What the throttle holds in a market of this depth, rounded down, atoms.
    pub(crate) fn throttle_atoms(&self, depth_atoms: u64) -> u64 {
        bps_of(depth_atoms, self.throttle_share_bps)
    }
}

impl SalesThrottle {
    /// Unix time at which it will be empty, rounded up; long past where it is.
    pub fn empty_at_unix(&self) -> i64 {
        i64::try_from(self.empty_at_q32.div_ceil(1 << TIME_BITS)).unwrap_or(i64::MAX)
    }
}

impl ReserveState {
    /// The throttle now.
    pub fn throttle_at(&self, now: &Now) -> Throttle {
        Throttle {
            capacity_atoms: self.bonus.throttle_atoms(self.throttle_depth_atoms),
            empty_in_q32: self.throttle.empty_at_q32.saturating_sub(to_q32(now)),
            window_secs: self.bonus.throttle_window_secs,
        }
    }

    /// Books a sale of `atoms`.
    pub fn fill_throttle(&mut self, atoms: u64, now: &Now) {
        let throttle = self.throttle_at(now);
        let window = widen(self.bonus.throttle_window_secs) << TIME_BITS;
        let longer = mul_div_ceil(widen(atoms), window, widen(throttle.capacity_atoms.max(1)));
        let longer = longer.map_or(u64::MAX, saturate);
        self.throttle.empty_at_q32 = self.throttle.empty_at_q32.max(to_q32(now)).saturating_add(longer);
    }
}

/// Unix time in Q32 seconds; good until 2106.
fn to_q32(now: &Now) -> u64 {
    saturate(widen(u64::try_from(now.unix).unwrap_or(0)) << TIME_BITS)
}
