//! How long a depth is believed.
//!
//! Depth is measured by people, off the chain, and markets dry up. So admin or council confirms it from time to time; a
//! confirmation keeps it or lowers it, and never raises it. A depth that nobody confirmed in time **expires**: initial health
//! counts half of it at once, maintenance health walks there ([`terms`](super::terms)), neither below its floor. Half is what
//! the collateral cap was judged at, so lenders stay whole. The throttle counts the depth as if it had not expired: a market
//! that nobody looks after must still be able to sell.

use crate::error::{EngineError, Result};
use crate::governance::proposals::tighten;
use crate::governance::{Parameter, ParameterValue, Subject};
use crate::state::{ReserveState, RiskTerms};
use crate::{after, Now};

/// Shortest time for which a depth is believed, seconds: a day.
pub const DEPTH_VALID_SECS_MIN: u64 = 86_400;
/// Longest, seconds: a year.
pub const DEPTH_VALID_SECS_MAX: u64 = 365 * 86_400;

impl RiskTerms {
    /// What is left of the depth when nobody confirms it: half, rounded down, never below the floor, atoms.
    pub fn expired_depth_atoms(&self) -> u64 {
        (self.depth_atoms / 2).max(self.depth_floor_atoms)
    }
}

impl ReserveState {
    /// When the depth expires unless it is confirmed before, unix time.
    pub fn depth_expires_at(&self) -> i64 {
        after(self.depth_confirmed_at, self.depth_valid_secs)
    }

    /// Whether the depth has expired.
    pub fn is_depth_expired(&self, now: &Now) -> bool {
        now.unix >= self.depth_expires_at()
    }
}

/// Confirms the depth of a reserve, as it is signed or lower. What is lower is signed by it, and walks.
///
/// # Errors
/// `NotTighter` where it is higher; `InvalidParameter` where it is no reserve; those of [`Subject::write`].
pub fn confirm_depth(subject: &mut Subject, depth_atoms: u64, now: &Now) -> Result<()> {
    let depth = ParameterValue::number(depth_atoms);
    if subject.read(Parameter::Depth)? != depth {
        tighten(subject, Parameter::Depth, &depth, now)?;
    }
    match subject {
        Subject::Reserve(reserve, _) => reserve.depth_confirmed_at = now.unix,
        Subject::Market(_) => return Err(EngineError::InvalidParameter),
    }
    Ok(())
}
