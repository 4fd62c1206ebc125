//! Close an empty lender account; its rent goes back to the owner. Less than an atom of a claim is given up with it.

use anchor_lang::prelude::*;

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
        // Without shares no claim grows. An old one may have been recovered meanwhile: `claim_recovery` finds out.
        require!(lender.is_empty(), PlimsollError::LenderNotEmpty);
    }
    let event = AccountChanged { account: ctx.accounts.lender.key(), owner, opened: false, slot: Clock::get()?.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
