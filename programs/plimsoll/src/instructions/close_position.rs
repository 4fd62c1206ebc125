//! Close an empty position; its rent goes back to the owner.

use anchor_lang::prelude::*;

use super::require_key;
use crate::error::PlimsollError;
use crate::events::{self, AccountChanged};
use crate::state::Position;

/// Accounts of `close_position`.
#[event_cpi]
#[derive(Accounts)]
pub struct ClosePosition<'info> {
    /// Owner; receives the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// Position without collateral and debt.
    #[account(mut, close = owner)]
    pub position: AccountLoader<'info, Position>,
}

pub(crate) fn handle(ctx: Context<ClosePosition>) -> Result<()> {
    let owner = ctx.accounts.owner.key();
    {
        let position = &ctx.accounts.position.load()?.state;
        require_key(&position.owner, &owner, PlimsollError::NotOwner)?;
        require!(position.collateral_count == 0 && position.debt_count == 0, PlimsollError::PositionNotEmpty);
    }
    let event = AccountChanged { account: ctx.accounts.position.key(), owner, opened: false, slot: Clock::get()?.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
