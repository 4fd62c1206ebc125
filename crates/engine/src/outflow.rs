//! The outflow limit of a reserve: a broken price drains a slice, not the pool (protocol, section 6).
//!
//! A signed bucket. What leaves lenders' liquidity by `redeem` and `borrow` fills it, what comes in by `supply` and `repay`
//! empties it, and below zero it is an allowance for more to leave. It runs toward zero from both sides:
//!
//! ```text
//! above zero:  level(t) = level - limit * dt / T                   a full bucket is empty after T
//! below zero:  level(t) = level + net * dt / T                     whatever came in is forgotten after T
//! ```
//!
//! `net` is what came in less what left since it was last at zero: the level as it would be with nothing forgotten. (With a
//! slope of its own level every touch would make the line a curve that never arrives, and an atom supplied now and then would
//! keep an old allowance alive. With a slope of the lowest level since, who supplies and redeems much in one transaction would
//! make others' allowance go at once.) So in any stretch of time
//!
//! ```text
//! outflow <= limit * (1 + time / T) + what came in during it and the T before
//! ```
//!
//! Signed, because a bucket that counts what leaves alone is filled for free, by supplying and redeeming in circles, and then
//! nobody can leave. A borrow may fill it to half: who lent can leave when who borrows no longer can. Liquidation and
//! settlement neither wait nor count.

use crate::error::{EngineError, Result};
use crate::fixed::{div_ceil, div_floor, mul_div_ceil, product, saturate, widen};
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

/// What is in the bucket at a moment.
#[derive(Clone, Copy)]
struct Level {
    /// Magnitude, atoms.
    atoms: u64,
    /// Whether that is below zero.
    is_negative: bool,
    /// What of `net` is forgotten, atoms.
    forgotten: u64,
}

impl ReserveState {
    fn is_outflow_limited(&self) -> bool {
        self.caps.outflow_atoms != u64::MAX
    }

    /// Up to what the bucket may be filled in this way, atoms.
    fn outflow_limit_atoms(&self, outflow: Outflow) -> u64 {
        match outflow {
            Outflow::Redemption => self.caps.outflow_atoms,
            Outflow::Borrow => self.caps.outflow_atoms / 2,
        }
    }

    /// Seconds since the bucket was last touched.
    fn outflow_age_secs(&self, unix: i64) -> u64 {
        u64::try_from(unix.saturating_sub(self.outflow.updated_at)).unwrap_or(0)
    }

    /// What is in the bucket when interest is booked up to `unix`. Rounded up.
    fn outflow_level(&self, unix: i64) -> Level {
        let Bucket { filled, negative, forgotten, .. } = self.outflow;
        let is_negative = negative != 0;
        let age_secs = self.outflow_age_secs(unix);
        if age_secs == 0 {
            return Level { atoms: filled, is_negative, forgotten };
        }
        let (age, whole) = (widen(age_secs), widen(self.caps.outflow_secs.max(1)));
        if !is_negative {
            let leaked = saturate(div_floor(product(self.caps.outflow_atoms, age_secs), whole));
            return Level { atoms: filled.saturating_sub(leaked), is_negative, forgotten: 0 };
        }
        let leaked = saturate(div_ceil((widen(filled) + widen(forgotten)) * age, whole));
        let atoms = filled.saturating_sub(leaked);
        Level { atoms, is_negative, forgotten: if atoms > 0 { forgotten.saturating_add(leaked) } else { 0 } }
    }

    /// How much more may leave in this way once interest is booked up to `unix`, rounded down, atoms.
    pub fn outflow_left_atoms(&self, outflow: Outflow, unix: i64) -> u64 {
        if !self.is_outflow_limited() {
            return u64::MAX;
        }
        let (limit, level) = (self.outflow_limit_atoms(outflow), self.outflow_level(unix));
        if level.is_negative {
            limit.saturating_add(level.atoms)
        } else {
            limit.saturating_sub(level.atoms)
        }
    }

    /// Seconds until so much may leave in this way, if nothing else leaves or comes in; 0 where it may now; the largest `u64`
    /// where it never may then, because it is more than the limit.
    pub fn outflow_wait_secs(&self, outflow: Outflow, atoms: u64, unix: i64) -> u64 {
        if atoms <= self.outflow_left_atoms(outflow, unix) {
            return 0;
        }
        // What is missing is above zero: an allowance only shrinks.
        let Some(level) = self.outflow_limit_atoms(outflow).checked_sub(atoms) else { return u64::MAX };
        let surplus = widen(self.outflow.filled.saturating_sub(level));
        mul_div_ceil(surplus, widen(self.caps.outflow_secs.max(1)), widen(self.caps.outflow_atoms.max(1)))
            .map_or(u64::MAX, saturate)
            .saturating_sub(self.outflow_age_secs(unix))
    }

    /// Counts what leaves. Interest must be booked up to now.
    ///
    /// # Errors
    /// `OutflowLimited`.
    pub(crate) fn flow_out(&mut self, outflow: Outflow, atoms: u64) -> Result<()> {
        if !self.is_outflow_limited() {
            return Ok(());
        }
        check(atoms <= self.outflow_left_atoms(outflow, self.accrued_at), EngineError::OutflowLimited)?;
        let level = self.outflow_level(self.accrued_at);
        self.set_outflow(match level.is_negative {
            true if atoms < level.atoms => Level { atoms: level.atoms - atoms, ..level },
            true => Level { atoms: atoms - level.atoms, is_negative: false, ..level },
            // Within the limit, so it fits.
            false => Level { atoms: level.atoms.saturating_add(atoms), ..level },
        });
        Ok(())
    }

    /// Counts what comes in. Interest must be booked up to now.
    pub fn flow_in(&mut self, atoms: u64) {
        if !self.is_outflow_limited() {
            return;
        }
        let level = self.outflow_level(self.accrued_at);
        self.set_outflow(match level.is_negative {
            false if atoms <= level.atoms => Level { atoms: level.atoms - atoms, ..level },
            false => Level { atoms: atoms - level.atoms, is_negative: true, ..level },
            true => Level { atoms: level.atoms.saturating_add(atoms), ..level },
        });
    }

    fn set_outflow(&mut self, level: Level) {
        self.outflow = Bucket {
            filled: level.atoms,
            updated_at: self.accrued_at,
            negative: u64::from(level.is_negative && level.atoms > 0),
            forgotten: level.forgotten,
        };
    }
}
