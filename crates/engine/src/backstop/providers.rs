//! How a provider comes and goes: slowly, so that nobody is in for the bargains and out for the losses.
//!
//! ```text
//!            deposit           warm_at        + window
//! coming  ------|--- outside ------|--- joins ----|--- starts over ->      may be taken back while outside
//!
//!            request          matures_at      + window
//! going   ------|-- in, absorbs ---|-- may be taken, still absorbs --|--- lapsed: request again ->
//! ```
//!
//! A warming deposit is no part of the pool's D: it neither absorbs nor earns. It joins, at the P and S of that moment, with
//! the first look at its provider in the window that opens at `warm_at`; **anyone** may look ([`BackstopState::join`]). Both
//! matter: if only its owner could let it join, or whenever it liked, a warm deposit would be a free choice to be in just
//! before a bargain. A deposit added to one that is still warming starts the wait of both anew.
//!
//! A requested withdrawal is only a right: what was asked for stays in D, and is paid from what is left of it. One request
//! stands at a time. After its window it lapses, or it would be the same free choice on the way out.

use crate::error::{EngineError, Result};
use crate::policy::check;
use crate::state::*;
use crate::{after, Now};

/// What became of a warming deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// It is in the pool now.
    Joined {
        /// How much, atoms.
        atoms: u64,
    },
    /// Nobody let it join in time: its warm-up started over.
    Restarted {
        /// When it may join.
        warm_at: i64,
    },
}

impl BackstopProviderState {
    /// Whether nothing is left to the provider: the account may be closed. Of a synced provider.
    pub fn is_empty(&self) -> bool {
        self.deposit_atoms == 0 && self.warming_atoms == 0 && self.gain_atoms.iter().all(|atoms| *atoms == 0)
    }
}

impl BackstopState {
    /// Takes a deposit, to warm up. What was warm joins first.
    ///
    /// # Errors
    /// `ZeroAmount`, `BackstopClosed`, `AmountTooLarge`.
    pub fn deposit(&mut self, provider: &mut BackstopProviderState, atoms: u64, now: &Now) -> Result<()> {
        check(atoms > 0, EngineError::ZeroAmount)?;
        check(self.is_open(), EngineError::BackstopClosed)?;
        self.look(provider, now)?;
        let all = self.warming_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        all.checked_add(self.deposit_atoms).ok_or(EngineError::AmountTooLarge)?;
        let warming = provider.warming_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        (self.warming_atoms, provider.warming_atoms) = (all, warming);
        provider.warm_at = after(now.unix, self.policy.warm_up_secs);
        Ok(())
    }

    /// Lets a warm deposit join the pool, or starts its warm-up over where its window is past. Anyone may ask for it.
    ///
    /// # Errors
    /// `NothingWarming`, `BackstopClosed` (it can only be taken back then), `DepositWarming`.
    pub fn join(&mut self, provider: &mut BackstopProviderState, now: &Now) -> Result<Join> {
        check(provider.warming_atoms > 0, EngineError::NothingWarming)?;
        check(self.is_open(), EngineError::BackstopClosed)?;
        self.look(provider, now)?.ok_or(EngineError::DepositWarming)
    }

    /// Books a provider up to now, and lets a warm deposit join.
    fn look(&mut self, provider: &mut BackstopProviderState, now: &Now) -> Result<Option<Join>> {
        self.sync(provider);
        if provider.warming_atoms == 0 || !self.is_open() || now.unix < provider.warm_at {
            return Ok(None);
        }
        if now.unix >= after(provider.warm_at, self.policy.window_secs) {
            provider.warm_at = after(now.unix, self.policy.warm_up_secs);
            return Ok(Some(Join::Restarted { warm_at: provider.warm_at }));
        }
        let atoms = provider.warming_atoms;
        let left = self.warming_atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        let deposits = self.deposit_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        let deposit = provider.deposit_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        (self.warming_atoms, self.deposit_atoms, provider.deposit_atoms) = (left, deposits, deposit);
        (provider.warming_atoms, provider.warm_at) = (0, 0);
        Ok(Some(Join::Joined { atoms }))
    }

    /// Gives back all that is warming up, at once: it never was part of the pool. What was warm joins first, and is not
    /// given back. Returns how much, atoms.
    ///
    /// # Errors
    /// `NothingWarming`, `AmountExceedsBalance`.
    pub fn take_back(&mut self, provider: &mut BackstopProviderState, now: &Now) -> Result<u64> {
        self.look(provider, now)?;
        let atoms = provider.warming_atoms;
        check(atoms > 0, EngineError::NothingWarming)?;
        self.warming_atoms = self.warming_atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        (provider.warming_atoms, provider.warm_at) = (0, 0);
        Ok(atoms)
    }

    /// Requests a withdrawal; it may be taken after the cooldown. Replaces an earlier request.
    ///
    /// # Errors
    /// `ZeroAmount`, `AmountExceedsBalance`.
    pub fn request_withdrawal(&mut self, provider: &mut BackstopProviderState, atoms: u64, now: &Now) -> Result<()> {
        check(atoms > 0, EngineError::ZeroAmount)?;
        self.look(provider, now)?;
        check(atoms <= provider.deposit_atoms, EngineError::AmountExceedsBalance)?;
        provider.requested_atoms = atoms;
        provider.matures_at = after(now.unix, self.policy.cooldown_secs);
        Ok(())
    }

    /// Takes what was requested, or what is left of it. Returns how much, atoms.
    ///
    /// # Errors
    /// `NoWithdrawalRequested`, `WithdrawalCooling`, `WithdrawalLapsed`, `ZeroAmount` where nothing is left,
    /// `AmountExceedsBalance`.
    pub fn withdraw(&mut self, provider: &mut BackstopProviderState, now: &Now) -> Result<u64> {
        check(provider.requested_atoms > 0, EngineError::NoWithdrawalRequested)?;
        check(now.unix >= provider.matures_at, EngineError::WithdrawalCooling)?;
        let lapses_at = after(provider.matures_at, self.policy.window_secs);
        check(now.unix < lapses_at, EngineError::WithdrawalLapsed)?;
        // Before a warm deposit joins: what was asked for is paid from what absorbed.
        self.sync(provider);
        let atoms = provider.requested_atoms.min(provider.deposit_atoms);
        check(atoms > 0, EngineError::ZeroAmount)?;
        self.deposit_atoms = self.deposit_atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        provider.deposit_atoms -= atoms;
        (provider.requested_atoms, provider.matures_at) = (0, 0);
        self.look(provider, now)?;
        Ok(atoms)
    }

    /// Takes all that a provider has gained of one collateral. Returns how much, atoms.
    ///
    /// # Errors
    /// `CollateralNotOptedIn`, `NothingGained`, `AmountExceedsBalance`.
    pub fn claim_gain(&mut self, provider: &mut BackstopProviderState, index: usize, now: &Now) -> Result<u64> {
        self.look(provider, now)?;
        let slot = self.open_collateral(index)?;
        let gain = provider.gain_atoms.get_mut(index).ok_or(EngineError::CollateralNotOptedIn)?;
        check(*gain > 0, EngineError::NothingGained)?;
        slot.atoms = slot.atoms.checked_sub(*gain).ok_or(EngineError::AmountExceedsBalance)?;
        Ok(core::mem::take(gain))
    }
}
