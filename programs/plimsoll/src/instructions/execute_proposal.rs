//! Execute a ripe proposal. Anyone may. Its rent goes back to whom it came from.

use anchor_lang::prelude::*;
use plimsoll_engine::state::ProposalState;

use super::require_key;
use super::tighten_parameter::{target_of, with_subject};
use crate::error::PlimsollError;
use crate::events::{self, ParameterChanged};
use crate::oracle;
use crate::state::{Market, Proposal, Reserve};

/// Accounts of `execute_proposal`.
#[event_cpi]
#[derive(Accounts)]
pub struct ExecuteProposal<'info> {
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

/// A copy of a proposal, after checking that it is of this target and proposer.
pub(super) fn require_proposal(
    proposal: &AccountLoader<Proposal>,
    target: &Pubkey,
    proposer: &Pubkey,
) -> Result<Box<ProposalState>> {
    let state = Box::new(proposal.load()?.state);
    require_key(&state.target, target, PlimsollError::WrongProposal)?;
    require_key(&state.proposer, proposer, PlimsollError::WrongProposal)?;
    Ok(state)
}

pub(crate) fn handle(ctx: Context<ExecuteProposal>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let target = target_of(&accounts.market, &accounts.reserve);
    let proposal = require_proposal(&accounts.proposal, &target, accounts.proposer.key)?;

    with_subject(&accounts.market, &accounts.reserve, |subject| proposal.execute(subject, &now))?;

    let event = ParameterChanged {
        market: accounts.market.key(),
        target,
        parameter: proposal.parameter,
        old: proposal.old,
        new: proposal.new,
        slot: now.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
