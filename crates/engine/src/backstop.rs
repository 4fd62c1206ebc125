//! The backstop: a pool of the debt token that buys collateral nobody else buys (protocol, section 5.1).
//!
//! Providers deposit, the pool spends deposits on repayments and receives collateral, every provider in proportion. Three
//! parts: the accounts of that proportion ([`sums`]), how a provider comes and goes ([`providers`]), and the purchase
//! itself ([`absorption`]). A fourth is here: what a pool is configured with, and its ledgers in the reserves.
//!
//! No token moves within the protocol: deposits lie in the liquidity vault of the debt token's reserve and become its cash,
//! collateral stays in its vault and changes the ledger. Only a caller's tip, and what a provider puts in or takes out, are
//! transfers.

pub mod absorption;
pub mod providers;
pub mod sums;

use crate::error::{EngineError, Result};
use crate::fixed::{Word128, BPS};
use crate::policy::check;
use crate::state::*;
use crate::{after, Now};

/// Largest share of the bonus that is the caller's tip, bps.
pub const TIP_SHARE_BPS_MAX: u64 = 5_000;
/// Longest warm-up, seconds.
pub const WARM_UP_SECS_MAX: u64 = 30 * 86_400;
/// Shortest window, seconds: time enough for somebody to send a transaction.
pub const WINDOW_SECS_MIN: u64 = 300;
/// A cooldown is at least this many windows: who keeps a request always running may leave in a fifth of the time at most.
const WINDOWS_IN_COOLDOWN: u64 = 4;

impl BackstopPolicy {
    /// Checks ranges and order.
    ///
    /// # Errors
    /// `InvalidBackstopPolicy`.
    pub fn validate(&self, market: &MarketPolicy) -> Result<()> {
        // A flag lives two auction times. Who sees one must not be out before the pool is asked to buy.
        let flag_life_secs = market.auction_secs.saturating_mul(2);
        let trigger = (1..BPS).contains(&self.trigger_health_bps) && (1..flag_life_secs).contains(&self.trigger_secs);
        let times = self.warm_up_secs <= WARM_UP_SECS_MAX
            && self.cooldown_secs <= self.warm_up_secs
            && flag_life_secs <= self.cooldown_secs
            && (WINDOW_SECS_MIN..=self.cooldown_secs / WINDOWS_IN_COOLDOWN).contains(&self.window_secs);
        let rest = self.tip_share_bps <= TIP_SHARE_BPS_MAX && self.reserved == [0; 2];
        check(trigger && times && rest, EngineError::InvalidBackstopPolicy)
    }
}

/// A new pool's state from its policy. Keys, bump and generation are the caller's to fill.
///
/// # Errors
/// `InvalidBackstopPolicy`.
pub fn configure_backstop(pool: &mut BackstopState, policy: &BackstopPolicy, market: &MarketPolicy) -> Result<()> {
    policy.validate(market)?;
    pool.version = LAYOUT_VERSION;
    pool.product = Word128::new(sums::PRODUCT_ONE);
    pool.policy = *policy;
    Ok(())
}

impl BackstopCollateral {
    /// The concentration cap in force, atoms.
    pub fn cap_at(&self, now: &Now) -> u64 {
        if self.next_cap_at != 0 && now.unix >= self.next_cap_at {
            self.next_cap_atoms
        } else {
            self.cap_atoms
        }
    }

    /// Sets the cap: a lower one at once; a higher one of a launched market after its delay, by itself. What waited before is
    /// forgotten. Returns when the cap is in force.
    fn set_cap(&mut self, cap_atoms: u64, market: &MarketState, now: &Now) -> i64 {
        self.cap_atoms = self.cap_at(now);
        (self.next_cap_atoms, self.next_cap_at) = (0, 0);
        if cap_atoms > self.cap_atoms && market.is_launched() {
            let in_force_at = after(now.unix, market.policy.loosen_delay_secs);
            (self.next_cap_atoms, self.next_cap_at) = (cap_atoms, in_force_at);
            return in_force_at;
        }
        self.cap_atoms = cap_atoms;
        now.unix
    }
}

impl BackstopState {
    /// Used collateral slots.
    pub fn collaterals(&self) -> &[BackstopCollateral] {
        self.collaterals.get(..usize::from(self.collateral_count)).unwrap_or(&self.collaterals)
    }

    /// Slot of a collateral.
    ///
    /// # Errors
    /// `CollateralNotOptedIn`.
    pub fn collateral_index(&self, reserve: &Pubkey) -> Result<usize> {
        let is_it = |slot: &BackstopCollateral| slot.reserve == *reserve;
        self.collaterals().iter().position(is_it).ok_or(EngineError::CollateralNotOptedIn)
    }

    /// Opts in to a collateral, or changes its concentration cap; a cap of zero opts out. Returns when the cap is in force:
    /// now, but that a higher one in a launched market waits out the delay, in which providers may leave.
    ///
    /// A slot is never freed: a provider who sleeps finds its gains there.
    ///
    /// # Errors
    /// `CollateralIsDebt`, `BackstopCollateralsFull`; `CollateralNotOptedIn` for a cap of zero on what was never opted in.
    pub fn opt_in(&mut self, reserve: &Pubkey, cap_atoms: u64, market: &MarketState, now: &Now) -> Result<i64> {
        check(self.reserve != *reserve, EngineError::CollateralIsDebt)?;
        let index = match self.collateral_index(reserve) {
            Ok(index) => index,
            Err(never) => {
                check(cap_atoms > 0, never)?;
                let index = usize::from(self.collateral_count);
                let slot = self.collaterals.get_mut(index).ok_or(EngineError::BackstopCollateralsFull)?;
                *slot = BackstopCollateral { reserve: *reserve, ..bytemuck::Zeroable::zeroed() };
                self.collateral_count += 1;
                index
            }
        };
        Ok(self.open_collateral(index)?.set_cap(cap_atoms, market, now))
    }

    /// A used collateral slot.
    fn open_collateral(&mut self, index: usize) -> Result<&mut BackstopCollateral> {
        let open = self.collaterals.get_mut(..usize::from(self.collateral_count));
        open.and_then(|open| open.get_mut(index)).ok_or(EngineError::CollateralNotOptedIn)
    }
}

impl ReserveState {
    /// Takes a provider's deposit into the ledger.
    ///
    /// # Errors
    /// `ReserveClosed`, `AmountTooLarge`.
    pub fn receive_backstop(&mut self, atoms: u64) -> Result<()> {
        check(self.status != RESERVE_CLOSED, EngineError::ReserveClosed)?;
        self.backstop_atoms = self.backstop_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        Ok(())
    }

    /// Takes what a provider withdraws, or the pool spends, out of the ledger.
    ///
    /// # Errors
    /// `AmountExceedsBalance`.
    pub fn give_backstop(&mut self, atoms: u64) -> Result<()> {
        self.backstop_atoms = self.backstop_atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        Ok(())
    }

    /// Takes what the pool bought into the ledger of gains.
    ///
    /// # Errors
    /// `AmountTooLarge`.
    pub fn receive_backstop_gain(&mut self, atoms: u64) -> Result<()> {
        let all = self.backstop_collateral_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        self.backstop_collateral_atoms = all;
        Ok(())
    }

    /// Takes what a provider claims out of the ledger of gains.
    ///
    /// # Errors
    /// `AmountExceedsBalance`.
    pub fn give_backstop_gain(&mut self, atoms: u64) -> Result<()> {
        let left = self.backstop_collateral_atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        self.backstop_collateral_atoms = left;
        Ok(())
    }
}
