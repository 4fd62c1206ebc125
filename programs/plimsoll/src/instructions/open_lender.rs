//! Open a lender account for one reserve, before the first supply.

use anchor_lang::prelude::*;
use plimsoll_engine::state::LAYOUT_VERSION;

use crate::constants::LENDER_SEED;
use crate::events::{self, AccountChanged};
use crate::state::{Lender, Reserve};

/// Accounts of `open_lender`.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenLender<'info> {
    /// Lender; pays for the account.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// Reserve to supply.
    pub reserve: AccountLoader<'info, Reserve>,
    /// The new lender account.
    #[account(init, payer = owner, space = 8 + std::mem::size_of::<Lender>(),
        seeds = [LENDER_SEED, reserve.key().as_ref(), owner.key().as_ref()], bump)]
    pub lender: AccountLoader<'info, Lender>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(ctx: Context<OpenLender>) -> Result<()> {
    let owner = ctx.accounts.owner.key();
    {
        let claims = ctx.accounts.reserve.load()?.state.claims;
        let lender = &mut ctx.accounts.lender.load_init()?.state;
        lender.version = LAYOUT_VERSION;
        lender.bump = ctx.bumps.lender;
        lender.reserve = ctx.accounts.reserve.key().to_bytes();
        lender.owner = owner.to_bytes();
        lender.follow(&claims);
    }
    let event = AccountChanged { account: ctx.accounts.lender.key(), owner, opened: true, slot: Clock::get()?.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
