//! Accept a role that an executed proposal promised to the signer.

use anchor_lang::prelude::*;
use plimsoll_engine::governance::proposals::Role;

use crate::error::OrRefuse;
use crate::events::{self, RoleAccepted};
use crate::state::Market;

/// Accounts of `accept_role`.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptRole<'info> {
    /// Who accepts.
    pub holder: Signer<'info>,
    /// Market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

pub(crate) fn handle(ctx: Context<AcceptRole>, role: u8) -> Result<()> {
    let accounts = &ctx.accounts;
    let known = Role::of(role).or_refuse()?;
    accounts.market.load_mut()?.state.accept_role(known, accounts.holder.key.as_array()).or_refuse()?;
    let (market, holder) = (accounts.market.key(), accounts.holder.key());
    events::emit(&accounts.event_authority, &RoleAccepted { market, role, holder, slot: Clock::get()?.slot })
}
