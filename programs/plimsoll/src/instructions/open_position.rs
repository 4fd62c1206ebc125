//! Open an empty position. Its owner pays, and gets the rent back on closing.

use anchor_lang::prelude::*;
use plimsoll_engine::state::LAYOUT_VERSION;

use crate::constants::POSITION_SEED;
use crate::events::{self, AccountChanged};
use crate::state::{Market, Position};

/// Accounts of `open_position`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(id: u16)]
pub struct OpenPosition<'info> {
    /// Owner; pays for the account.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// The new position.
    #[account(init, payer = owner, space = 8 + std::mem::size_of::<Position>(),
        seeds = [POSITION_SEED, market.key().as_ref(), owner.key().as_ref(), &id.to_le_bytes()], bump)]
    pub position: AccountLoader<'info, Position>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(ctx: Context<OpenPosition>, id: u16) -> Result<()> {
    let owner = ctx.accounts.owner.key();
    {
        let position = &mut ctx.accounts.position.load_init()?.state;
        position.version = LAYOUT_VERSION;
        position.bump = ctx.bumps.position;
        position.id = id;
        position.market = ctx.accounts.market.key().to_bytes();
        position.owner = owner.to_bytes();
    }
    let event = AccountChanged { account: ctx.accounts.position.key(), owner, opened: true, slot: Clock::get()?.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
