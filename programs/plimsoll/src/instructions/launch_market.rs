//! Launch a market, for good: from here on a new token starts without a collateral cap, and an immutable market has no roles.
//! The admin alone may.

use anchor_lang::prelude::*;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, MarketLaunched};
use crate::state::Market;

/// Accounts of `launch_market`.
#[event_cpi]
#[derive(Accounts)]
pub struct LaunchMarket<'info> {
    /// Admin of the market.
    pub admin: Signer<'info>,
    /// Market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

pub(crate) fn handle(ctx: Context<LaunchMarket>) -> Result<()> {
    let accounts = &ctx.accounts;
    {
        let market = &mut accounts.market.load_mut()?.state;
        require_key(&market.admin, accounts.admin.key, PlimsollError::NotAdmin)?;
        market.launch().or_refuse()?;
    }
    let event = MarketLaunched { market: accounts.market.key(), slot: Clock::get()?.slot };
    events::emit(&accounts.event_authority, &event)
}
