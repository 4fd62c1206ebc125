//! Open a backstop pool for a reserve's debts. The admin alone may.

use anchor_lang::prelude::*;
use plimsoll_engine::backstop::configure_backstop;
use plimsoll_engine::state::{BackstopPolicy, RESERVE_CLOSED};

use super::require_key;
use crate::constants::BACKSTOP_SEED;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, BackstopCreated};
use crate::state::{Backstop, Market, Reserve};

/// Accounts of `create_backstop`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(policy: BackstopPolicy, generation: u8)]
pub struct CreateBackstop<'info> {
    /// Admin of the market; pays for the account.
    #[account(mut)]
    pub admin: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Reserve of the debt token.
    pub reserve: AccountLoader<'info, Reserve>,
    /// The new pool.
    #[account(init, payer = admin, space = 8 + std::mem::size_of::<Backstop>(),
        seeds = [BACKSTOP_SEED, reserve.key().as_ref(), &[generation]], bump)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// The generation before, closed to deposits; none before the first.
    #[account(seeds = [BACKSTOP_SEED, reserve.key().as_ref(), &[generation.wrapping_sub(1)]], bump)]
    pub previous: Option<AccountLoader<'info, Backstop>>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(ctx: Context<CreateBackstop>, policy: &BackstopPolicy, generation: u8) -> Result<()> {
    let accounts = &ctx.accounts;
    let market_policy = {
        let market = &accounts.market.load()?.state;
        require_key(&market.admin, accounts.admin.key, PlimsollError::NotAdmin)?;
        market.policy
    };
    {
        let reserve = &accounts.reserve.load()?.state;
        require_key(&reserve.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
        require!(reserve.status != RESERVE_CLOSED, PlimsollError::ReserveClosed);
    }
    match &accounts.previous {
        Some(previous) => require!(!previous.load()?.state.is_open(), PlimsollError::PreviousBackstopOpen),
        None => require!(generation == 0, PlimsollError::PreviousBackstopMissing),
    }

    {
        let pool = &mut accounts.backstop.load_init()?.state;
        pool.bump = ctx.bumps.backstop;
        pool.generation = generation;
        pool.market = accounts.market.key().to_bytes();
        pool.reserve = accounts.reserve.key().to_bytes();
        configure_backstop(pool, policy, &market_policy).or_refuse()?;
    }

    let event = BackstopCreated {
        market: accounts.market.key(),
        reserve: accounts.reserve.key(),
        backstop: accounts.backstop.key(),
        generation,
        slot: Clock::get()?.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
