//! Opt a backstop pool in to a collateral, change its concentration cap, or opt out with a cap of zero. The admin alone may.
//! A higher cap in a launched market waits out the delay of proposals.

use anchor_lang::prelude::*;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, BackstopCollateralSet};
use crate::oracle;
use crate::state::{Backstop, Market, Reserve};

/// Accounts of `set_backstop_collateral`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetBackstopCollateral<'info> {
    /// Admin of the market.
    pub admin: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Pool.
    #[account(mut)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// Reserve of the collateral.
    pub collateral_reserve: AccountLoader<'info, Reserve>,
}

pub(crate) fn handle(ctx: Context<SetBackstopCollateral>, cap_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let (market, collateral) = (accounts.market.key(), accounts.collateral_reserve.key());
    let now = oracle::now()?;
    require_key(&accounts.market.load()?.state.admin, accounts.admin.key, PlimsollError::NotAdmin)?;
    require_key(&accounts.collateral_reserve.load()?.state.market, &market, PlimsollError::WrongMarket)?;

    let event = {
        let pool = &mut accounts.backstop.load_mut()?.state;
        require_key(&pool.market, &market, PlimsollError::WrongMarket)?;
        let market = &accounts.market.load()?.state;
        let in_force_at = pool.opt_in(collateral.as_array(), cap_atoms, market, &now).or_refuse()?;
        pool.sequence = pool.sequence.wrapping_add(1);
        BackstopCollateralSet {
            backstop: accounts.backstop.key(),
            collateral_reserve: collateral,
            cap_atoms,
            in_force_at,
            sequence: pool.sequence,
            slot: now.slot,
        }
    };
    events::emit(&accounts.event_authority, &event)
}
