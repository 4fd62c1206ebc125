//! Cancel a proposal. Admin or council may, and the guardian, but for its own replacement; anyone, once it can no longer be executed.

use anchor_lang::prelude::*;
use plimsoll_engine::governance::Parameter;

use super::execute_proposal::require_proposal;
use super::tighten_parameter::{target_of, with_subject};
use crate::error::PlimsollError;
use crate::events::{self, ProposalCancelled};
use crate::oracle;
use crate::state::{Market, Proposal, Reserve};

/// Accounts of `cancel_proposal`.
#[event_cpi]
#[derive(Accounts)]
pub struct CancelProposal<'info> {
    /// Who cancels.
    pub authority: Signer<'info>,
    /// Market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// Reserve, for a parameter of one; none for a parameter of the market.
    #[account(mut)]
    pub reserve: Option<AccountLoader<'info, Reserve>>,
    /// Proposal.
    #[account(mut, close = proposer)]
    pub proposal: AccountLoader<'info, Proposal>,
    /// Who proposed; receives the rent.
    /// CHECK: Compared with the proposal's.
    #[account(mut)]
    pub proposer: UncheckedAccount<'info>,
}

pub(crate) fn handle(ctx: Context<CancelProposal>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let target = target_of(&accounts.market, &accounts.reserve);
    let proposal = require_proposal(&accounts.proposal, &target, accounts.proposer.key)?;
    let is_role = {
        let (market, signer) = (&accounts.market.load()?.state, accounts.authority.key.as_array());
        // A guardian whose key was stolen does not keep itself in office.
        let guards = market.guardian == *signer && proposal.parameter != Parameter::Guardian as u16;
        [&market.admin, &market.council].contains(&signer) || guards
    };
    let is_over = with_subject(&accounts.market, &accounts.reserve, |subject| Ok(proposal.is_over(subject, &now)))?;
    require!(is_role || is_over, PlimsollError::MayNotCancel);

    let event = ProposalCancelled {
        market: accounts.market.key(),
        target,
        parameter: proposal.parameter,
        by: accounts.authority.key(),
        slot: now.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
