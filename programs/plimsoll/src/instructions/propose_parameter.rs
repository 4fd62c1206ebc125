//! Propose a change that loosens, or has no direction. It waits out the market's delay. Admin or council may.

use anchor_lang::prelude::*;
use plimsoll_engine::governance::{Parameter, ParameterValue};

use super::tighten_parameter::{require_council, target_of, with_subject};
use crate::constants::PROPOSAL_SEED;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, ParameterProposed};
use crate::oracle;
use crate::state::{Market, Proposal, Reserve};

/// Accounts of `propose_parameter`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(parameter: u16)]
pub struct ProposeParameter<'info> {
    /// Admin or council of the market; pays for the account.
    #[account(mut)]
    pub proposer: Signer<'info>,
    /// Market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// Reserve, for a parameter of one; none for a parameter of the market.
    #[account(mut)]
    pub reserve: Option<AccountLoader<'info, Reserve>>,
    /// What the parameter belongs to: the reserve, or the market where there is none.
    /// CHECK: Compared with them.
    pub target: UncheckedAccount<'info>,
    /// The new proposal: one per parameter.
    #[account(init, payer = proposer, space = 8 + std::mem::size_of::<Proposal>(),
        seeds = [PROPOSAL_SEED, target.key().as_ref(), &parameter.to_le_bytes()], bump)]
    pub proposal: AccountLoader<'info, Proposal>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(ctx: Context<ProposeParameter>, parameter: u16, value: [u8; 32]) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require_council(&accounts.market, accounts.proposer.key)?;
    let policy = accounts.market.load()?.state.policy;
    let known = Parameter::of(parameter).or_refuse()?;
    let target = target_of(&accounts.market, &accounts.reserve);
    require_keys_eq!(accounts.target.key(), target, PlimsollError::WrongProposal);

    let event = {
        let proposal = &mut accounts.proposal.load_init()?.state;
        with_subject(&accounts.market, &accounts.reserve, |subject| {
            proposal.write(subject, known, &ParameterValue(value), &policy, &now)
        })?;
        proposal.bump = ctx.bumps.proposal;
        proposal.market = accounts.market.key().to_bytes();
        proposal.target = target.to_bytes();
        proposal.proposer = accounts.proposer.key().to_bytes();
        ParameterProposed {
            market: accounts.market.key(),
            target,
            proposal: accounts.proposal.key(),
            parameter,
            old: proposal.old,
            new: proposal.new,
            ripe_at: proposal.ripe_at,
            expires_at: proposal.expires_at,
            slot: now.slot,
        }
    };
    events::emit(&accounts.event_authority, &event)
}
