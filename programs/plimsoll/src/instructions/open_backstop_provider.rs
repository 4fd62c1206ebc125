//! Open a provider account in a backstop pool, before the first deposit.

use anchor_lang::prelude::*;
use plimsoll_engine::state::LAYOUT_VERSION;

use crate::constants::BACKSTOP_PROVIDER_SEED;
use crate::events::{self, AccountChanged};
use crate::state::{Backstop, BackstopProvider};

/// Accounts of `open_backstop_provider`.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenBackstopProvider<'info> {
    /// Provider; pays for the account.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// Pool.
    pub backstop: AccountLoader<'info, Backstop>,
    /// The new provider account.
    #[account(init, payer = owner, space = 8 + std::mem::size_of::<BackstopProvider>(),
        seeds = [BACKSTOP_PROVIDER_SEED, backstop.key().as_ref(), owner.key().as_ref()], bump)]
    pub provider: AccountLoader<'info, BackstopProvider>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(ctx: Context<OpenBackstopProvider>) -> Result<()> {
    let accounts = &ctx.accounts;
    let owner = accounts.owner.key();
    {
        let provider = &mut accounts.provider.load_init()?.state;
        provider.version = LAYOUT_VERSION;
        provider.bump = ctx.bumps.provider;
        provider.backstop = accounts.backstop.key().to_bytes();
        provider.owner = owner.to_bytes();
        accounts.backstop.load()?.state.sync(provider);
    }
    let event = AccountChanged { account: accounts.provider.key(), owner, opened: true, slot: Clock::get()?.slot };
    events::emit(&accounts.event_authority, &event)
}
