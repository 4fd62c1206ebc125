//! What the guardian may pause, and for how long (protocol, section 8).
//!
//! A pause ends by itself, and the next of the same action may not begin before it has been running again for as long; for
//! liquidations, for a day. So whoever holds the guardian's key can delay, and take nothing: paying back, deposits,
//! redemptions, withdrawals without debt, settlements and claims cannot be paused at all.

use crate::error::{EngineError, Result};
use crate::policy::check;
use crate::state::{MarketState, Pause, PAUSABLE_ACTIONS};
use crate::{after, Now};

/// After a pause of liquidations the next may not begin for so long: at most one within a day.
const LIQUIDATION_GAP_SECS: u64 = 86_400;

/// An action that may be paused. Nothing else may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Pausable {
    /// `supply`.
    Supply = 0,
    /// `borrow`.
    Borrow = 1,
    /// `withdraw_collateral` from a position with debt.
    Withdraw = 2,
    /// `liquidate`, `backstop_liquidate`, and the looks that would count as liquidatable time.
    Liquidate = 3,
    /// `flash_borrow`.
    FlashBorrow = 4,
}

impl Pausable {
    /// All of them, each at its number.
    pub const ALL: [Self; 5] = [Self::Supply, Self::Borrow, Self::Withdraw, Self::Liquidate, Self::FlashBorrow];

    /// The action of a number.
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    fn index(self) -> usize {
        self as usize
    }
}

const _: () = assert!(Pausable::ALL.len() <= PAUSABLE_ACTIONS);

impl MarketState {
    /// Until when an action is paused, unix time; 0 where it is not.
    pub fn paused_until(&self, action: Pausable, now: &Now) -> i64 {
        let pause = self.pauses.get(action.index());
        pause.map(|pause| pause.paused_until).filter(|until| now.unix < *until).unwrap_or(0)
    }

    /// When the last pause of liquidations ended, or will end; 0 where there was none.
    pub fn liquidation_resumed_at(&self) -> i64 {
        self.pauses.get(Pausable::Liquidate.index()).map_or(0, |pause| pause.paused_until)
    }

    /// Whether an action may go on.
    ///
    /// # Errors
    /// `Paused`.
    pub fn require_running(&self, action: Pausable, now: &Now) -> Result<()> {
        check(self.paused_until(action, now) == 0, EngineError::Paused)
    }

    /// Pauses an action for `secs`. Returns its times.
    ///
    /// # Errors
    /// `InvalidPause`, `PauseTooSoon`.
    pub fn pause(&mut self, action: Pausable, secs: u64, now: &Now) -> Result<Pause> {
        let (longest, gap_secs) = match action {
            Pausable::Liquidate => (self.policy.liquidation_pause_max_secs, secs.max(LIQUIDATION_GAP_SECS)),
            _ => (self.policy.pause_max_secs, secs),
        };
        check((1..=longest).contains(&secs), EngineError::InvalidPause)?;
        let pause = self.pauses.get_mut(action.index()).ok_or(EngineError::InvalidPause)?;
        check(now.unix >= pause.not_before, EngineError::PauseTooSoon)?;
        let paused_until = after(now.unix, secs);
        *pause = Pause { paused_until, not_before: after(paused_until, gap_secs) };
        Ok(*pause)
    }

    /// Ends a pause early. When the next may begin stays as it was. Returns its times.
    ///
    /// # Errors
    /// `InvalidPause` where the action is not paused.
    pub fn unpause(&mut self, action: Pausable, now: &Now) -> Result<Pause> {
        check(self.paused_until(action, now) != 0, EngineError::InvalidPause)?;
        let pause = self.pauses.get_mut(action.index()).ok_or(EngineError::InvalidPause)?;
        pause.paused_until = now.unix;
        Ok(*pause)
    }
}
