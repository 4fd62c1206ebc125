//! Let a warm deposit join its pool, or start its warm-up over where its window is past. Anyone may.

use anchor_lang::prelude::*;
use plimsoll_engine::backstop::providers::Join;

use super::deposit_backstop::report;
use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, DepositChange};
use crate::oracle;
use crate::state::{Backstop, BackstopProvider};

/// Accounts of `join_backstop`.
#[event_cpi]
#[derive(Accounts)]
pub struct JoinBackstop<'info> {
    /// Pool.
    #[account(mut)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// Provider account with a deposit that is warm.
    #[account(mut)]
    pub provider: AccountLoader<'info, BackstopProvider>,
}

pub(crate) fn handle(ctx: Context<JoinBackstop>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;

    let (change, atoms) = {
        let provider = &mut accounts.provider.load_mut()?.state;
        require_key(&provider.backstop, &accounts.backstop.key(), PlimsollError::WrongBackstop)?;
        match accounts.backstop.load_mut()?.state.join(provider, &now).or_refuse()? {
            Join::Joined { atoms } => (DepositChange::Joined, atoms),
            Join::Restarted { .. } => (DepositChange::Restarted, provider.warming_atoms),
        }
    };

    let event = report(&accounts.backstop, &accounts.provider, change, atoms)?;
    events::emit(&accounts.event_authority, &event)
}
