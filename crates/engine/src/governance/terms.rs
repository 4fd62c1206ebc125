//! Risk terms in force, and the walk to those that were signed.
//!
//! Maintenance health counts with the terms in force. They walk to the signed ones in steps: at most one an hour, each by at
//! most a thousandth of the value in force (and at least a unit, or small numbers would never arrive): however far away the
//! target is, so that nobody hurries a walk by signing what is absurd. Anyone may take a step,
//! by `refresh_reserves` or `accrue_interest`; no step is made up for, so a reserve that was left alone does not jump. The
//! instruction that signs a change makes none: nobody is liquidatable by a signature.
//!
//! Initial health counts, term by term, with the tighter of both: the door closes at once.

use crate::state::{ReserveState, RiskTerms};
use crate::Now;

/// Shortest time between two steps, seconds.
const STEP_SECS: i64 = 3_600;
/// A step is at most this part of the value in force.
const STEP_PARTS: u64 = 1_000;

/// One step of a term toward its target.
fn step(current: u64, target: u64) -> u64 {
    let most = (current / STEP_PARTS).max(1);
    if target > current {
        target.min(current.saturating_add(most))
    } else {
        target.max(current.saturating_sub(most))
    }
}

impl RiskTerms {
    /// Each term as `pick` chooses it of both; the second argument says whether a larger one is tighter.
    fn merge(&self, other: &Self, pick: impl Fn(u64, u64, bool) -> u64) -> Self {
        let Self {
            maintenance_bps,
            debt_weight_bps,
            z_x100,
            horizon_secs,
            spread_bps,
            impact_sqrt_bps,
            depth_atoms,
            depth_floor_atoms,
            sigma_floor_bps,
            sigma_cap_bps,
            sigma_ref_bps,
            sigma_rise_bps_per_hour,
        } = *other;
        Self {
            maintenance_bps: pick(self.maintenance_bps, maintenance_bps, false),
            debt_weight_bps: pick(self.debt_weight_bps, debt_weight_bps, true),
            z_x100: pick(self.z_x100, z_x100, true),
            horizon_secs: pick(self.horizon_secs, horizon_secs, true),
            spread_bps: pick(self.spread_bps, spread_bps, true),
            impact_sqrt_bps: pick(self.impact_sqrt_bps, impact_sqrt_bps, true),
            depth_atoms: pick(self.depth_atoms, depth_atoms, false),
            depth_floor_atoms: pick(self.depth_floor_atoms, depth_floor_atoms, false),
            sigma_floor_bps: pick(self.sigma_floor_bps, sigma_floor_bps, true),
            sigma_cap_bps: pick(self.sigma_cap_bps, sigma_cap_bps, true),
            sigma_ref_bps: pick(self.sigma_ref_bps, sigma_ref_bps, false),
            sigma_rise_bps_per_hour: pick(self.sigma_rise_bps_per_hour, sigma_rise_bps_per_hour, true),
        }
    }

    /// The tighter of both, term by term.
    pub fn tighter(&self, other: &Self) -> Self {
        self.merge(other, |a, b, larger_is_tighter| if larger_is_tighter { a.max(b) } else { a.min(b) })
    }
}

impl ReserveState {
    /// Where the terms in force walk: to the signed ones, but for a depth that has [expired](super::depth).
    fn destination(&self, now: &Now) -> RiskTerms {
        let depth_atoms = if self.is_depth_expired(now) {
            self.risk_target.expired_depth_atoms()
        } else {
            self.risk_target.depth_atoms
        };
        RiskTerms { depth_atoms, ..self.risk_target }
    }

    /// Takes a step of the terms in force toward the signed ones, if one is due. Returns whether it did.
    pub fn walk_terms(&mut self, now: &Now) -> bool {
        let destination = self.destination(now);
        let is_there = self.risk == destination && self.throttle_depth_atoms == self.risk_target.depth_atoms;
        if is_there || now.unix < self.ramped_at.saturating_add(STEP_SECS) {
            return false;
        }
        self.risk = self.risk.merge(&destination, |current, target, _| step(current, target));
        self.throttle_depth_atoms = step(self.throttle_depth_atoms, self.risk_target.depth_atoms);
        self.ramped_at = now.unix;
        true
    }

    /// Terms of initial health: the tighter of those in force and those they walk to.
    pub fn initial_risk(&self, now: &Now) -> RiskTerms {
        let destination = self.destination(now);
        if self.risk == destination {
            return destination;
        }
        self.risk.tighter(&destination)
    }

    /// The terms in force as the invariants of a configuration judge them: with the depth as if it had not expired, since
    /// they count with half of it anyway.
    pub(crate) fn unexpired_risk(&self) -> RiskTerms {
        RiskTerms { depth_atoms: self.throttle_depth_atoms, ..self.risk }
    }
}
