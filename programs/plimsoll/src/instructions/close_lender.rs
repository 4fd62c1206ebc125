//! Close an empty lender account; its rent goes back to the owner.

use anchor_lang::prelude::*;
use plimsoll_engine::fixed::Word128;

use super::require_key;
use crate::error::PlimsollError;
use crate::events::{self, AccountChanged};
use crate::state::Lender;

/// Accounts of `close_lender`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseLender<'info> {
    /// Lender; receives the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// Lender account without shares and claims.
    #[account(mut, close = owner)]
    pub lender: AccountLoader<'info, Lender>,
}

pub(crate) fn handle(ctx: Context<CloseLender>) -> Result<()> {
    let owner = ctx.accounts.owner.key();
    {
        let lender = &ctx.accounts.lender.load()?.state;
        require_key(&lender.owner, &owner, PlimsollError::NotOwner)?;
        let is_empty = lender.shares == Word128::ZERO && lender.claim == Word128::ZERO && lender.recovered_atoms == 0;
        require!(is_empty, PlimsollError::LenderNotEmpty);
    }
    let event = AccountChanged { account: ctx.accounts.lender.key(), owner, opened: false, slot: Clock::get()?.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
