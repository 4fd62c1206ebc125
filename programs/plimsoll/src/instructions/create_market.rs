//! Create a market: roles and policy, no reserve yet. Anyone may; the signer becomes its admin, guardian and council.

use anchor_lang::prelude::*;
use plimsoll_engine::state::{MarketPolicy, LAYOUT_VERSION};

use crate::constants::MARKET_SEED;
use crate::error::OrRefuse;
use crate::events::{self, MarketCreated};
use crate::state::Market;

/// Accounts of `create_market`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(id: u16)]
pub struct CreateMarket<'info> {
    /// Pays for the account and becomes admin, guardian and council.
    #[account(mut)]
    pub admin: Signer<'info>,
    /// The new market.
    #[account(init, payer = admin, space = 8 + std::mem::size_of::<Market>(), seeds = [MARKET_SEED, &id.to_le_bytes()], bump)]
    pub market: AccountLoader<'info, Market>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(
    ctx: Context<CreateMarket>,
    id: u16,
    policy: MarketPolicy,
    treasury: Pubkey,
    immutable: bool,
) -> Result<()> {
    let admin = ctx.accounts.admin.key();

    policy.validate().or_refuse()?;

    {
        let market = &mut ctx.accounts.market.load_init()?.state;
        market.version = LAYOUT_VERSION;
        market.bump = ctx.bumps.market;
        market.id = id;
        market.admin = admin.to_bytes();
        market.guardian = admin.to_bytes();
        market.council = admin.to_bytes();
        market.treasury = treasury.to_bytes();
        market.policy = policy;
        if immutable {
            market.make_immutable();
        }
    }

    let event = MarketCreated { market: ctx.accounts.market.key(), admin, immutable, slot: Clock::get()?.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
