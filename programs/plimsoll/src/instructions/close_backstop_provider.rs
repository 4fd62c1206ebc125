//! Close an empty provider account; its rent goes back to the owner.

use anchor_lang::prelude::*;

use super::deposit_backstop::require_provider;
use crate::error::PlimsollError;
use crate::events::{self, AccountChanged};
use crate::state::{Backstop, BackstopProvider};

/// Accounts of `close_backstop_provider`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseBackstopProvider<'info> {
    /// Provider; receives the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// Pool.
    pub backstop: AccountLoader<'info, Backstop>,
    /// Provider account without deposit and gains.
    #[account(mut, close = owner)]
    pub provider: AccountLoader<'info, BackstopProvider>,
}

pub(crate) fn handle(ctx: Context<CloseBackstopProvider>) -> Result<()> {
    let accounts = &ctx.accounts;
    let owner = accounts.owner.key();
    require_provider(&accounts.backstop, &accounts.provider, &owner)?;
    {
        let provider = &mut accounts.provider.load_mut()?.state;
        accounts.backstop.load()?.state.sync(provider);
        require!(provider.is_empty(), PlimsollError::ProviderNotEmpty);
    }
    let event = AccountChanged { account: accounts.provider.key(), owner, opened: false, slot: Clock::get()?.slot };
    events::emit(&accounts.event_authority, &event)
}
