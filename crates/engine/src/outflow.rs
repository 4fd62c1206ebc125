//! The outflow limit of a reserve: a broken price drains a slice, not the pool (protocol, section 6).
//!
//! A signed bucket. What leaves lenders' liquidity by `redeem` and `borrow` fills it, what comes in by `supply` and `repay`
//! empties it, and below zero it is an allowance for more to leave. It runs toward zero from both sides:
//!
//! ```text
//! above zero:  level(t) = level - limit * dt / T                   a full bucket is empty after T
//! below zero:  level(t) = level + peak * dt / T                    whatever came in is forgotten after T
//! ```
//!
//! `peak` is the lowest it was since it was last at zero. (With a slope of its own level every touch would make the line a
//! curve that never arrives, and an atom supplied now and then would keep an old allowance alive.) So in any stretch of time
//!
//! ```text
//! outflow <= limit * (1 + time / T) + what came in during it and the T before
//! ```
//!
//! Signed, because a bucket that counts what leaves alone is filled for free, by supplying and redeeming in circles, and then
//! nobody can leave. A borrow may fill it to half: who lent can leave when who borrows no longer can. Liquidation and
//! settlement neither wait nor count.

use crate::error::{EngineError, Result};
use crate::fixed::{mul_div_ceil, saturate, widen};
use crate::policy::check;
use crate::state::{Bucket, Caps, ReserveState};

/// Shortest and longest time in which the bucket runs empty, seconds.
const OUTFLOW_SECS: core::ops::RangeInclusive<u64> = 60..=7 * 86_400;

/// What leaves a reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outflow {
    /// A lender redeems: may fill the bucket.
    Redemption,
    /// Somebody borrows: may fill half of it.
    Borrow,
}

impl Caps {
    /// Whether the outflow limit is one: above zero, over a time within bounds.
    pub(crate) fn limits_outflow(&self) -> bool {
        self.outflow_atoms > 0 && OUTFLOW_SECS.contains(&self.outflow_secs)
    }
}

impl ReserveState {
    /// What is in the bucket when interest is booked up to `unix`: magnitude, and whether it is below zero. Rounded up.
    fn outflow_level(&self, unix: i64) -> (u64, bool) {
        let Bucket { filled, updated_at, negative, peak } = self.outflow;
        let elapsed_secs = u64::try_from(unix.saturating_sub(updated_at)).unwrap_or(0).min(self.caps.outflow_secs);
        let whole = widen(self.caps.outflow_secs.max(1));
        let leaked = |from: u64| (widen(from) * widen(elapsed_secs), whole);
        if negative != 0 {
            let (part, whole) = leaked(peak);
            return (filled.saturating_sub(saturate(part.div_ceil(whole))), true);
        }
        let (part, whole) = leaked(self.caps.outflow_atoms);
        (filled.saturating_sub(saturate(part / whole)), false)
    }

    /// How much more may leave in this way once interest is booked up to `unix`, rounded down, atoms.
    pub fn outflow_left_atoms(&self, outflow: Outflow, unix: i64) -> u64 {
        let limit = match outflow {
            Outflow::Redemption => self.caps.outflow_atoms,
            Outflow::Borrow => self.caps.outflow_atoms / 2,
        };
        match self.outflow_level(unix) {
            (allowance, true) => limit.saturating_add(allowance),
            (level, false) => limit.saturating_sub(level),
        }
    }

    /// Seconds until so much may leave in this way, rounded up; 0 where it may now; the largest `u64` where it never may
    /// unless something comes in.
    pub fn outflow_wait_secs(&self, outflow: Outflow, atoms: u64, unix: i64) -> u64 {
        let missing = atoms.saturating_sub(self.outflow_left_atoms(outflow, unix));
        let (level, is_negative) = self.outflow_level(unix);
        if missing == 0 {
            return 0;
        }
        if is_negative || missing > level {
            return u64::MAX;
        }
        mul_div_ceil(widen(missing), widen(self.caps.outflow_secs), widen(self.caps.outflow_atoms.max(1)))
            .map_or(u64::MAX, saturate)
    }

    /// Counts what leaves. Interest must be booked up to now.
    ///
    /// # Errors
    /// `OutflowLimited`.
    pub(crate) fn flow_out(&mut self, outflow: Outflow, atoms: u64) -> Result<()> {
        if self.caps.outflow_atoms == u64::MAX {
            return Ok(());
        }
        check(atoms <= self.outflow_left_atoms(outflow, self.accrued_at), EngineError::OutflowLimited)?;
        let (level, is_negative) = self.outflow_level(self.accrued_at);
        let next = match is_negative {
            true if atoms < level => (level - atoms, true),
            true => (atoms - level, false),
            // Within the limit, so it fits.
            false => (level.saturating_add(atoms), false),
        };
        self.set_outflow(next);
        Ok(())
    }

    /// Counts what comes in. Interest must be booked up to now.
    pub fn flow_in(&mut self, atoms: u64) {
        let (level, is_negative) = self.outflow_level(self.accrued_at);
        let next = match is_negative {
            false if atoms <= level => (level - atoms, false),
            false => (atoms - level, true),
            true => (level.saturating_add(atoms), true),
        };
        self.set_outflow(next);
    }

    fn set_outflow(&mut self, (filled, is_negative): (u64, bool)) {
        let is_negative = is_negative && filled > 0;
        let before = if self.outflow.negative != 0 { self.outflow.peak } else { 0 };
        let peak = if is_negative { before.max(filled) } else { 0 };
        self.outflow = Bucket { filled, updated_at: self.accrued_at, negative: u64::from(is_negative), peak };
    }
}
