//! Confirm the depth of a token's market, as it is signed or lower. Admin or council may.
//!
//! Depth is measured off the chain, by people; one that nobody confirms expires.

use anchor_lang::prelude::*;
use plimsoll_engine::governance::depth;
use plimsoll_engine::governance::Subject;

use super::require_key;
use super::tighten_parameter::require_council;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, DepthConfirmed};
use crate::oracle;
use crate::state::{Market, Reserve};

/// Accounts of `confirm_depth`.
#[event_cpi]
#[derive(Accounts)]
pub struct ConfirmDepth<'info> {
    /// Admin or council of the market.
    pub authority: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Reserve.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
}

pub(crate) fn handle(ctx: Context<ConfirmDepth>, depth_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require_council(&accounts.market, accounts.authority.key)?;

    let event = {
        let market = &accounts.market.load()?.state;
        let reserve = &mut accounts.reserve.load_mut()?.state;
        require_key(&reserve.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
        let before_atoms = reserve.risk_target.depth_atoms;
        depth::confirm_depth(&mut Subject::Reserve(reserve, market), depth_atoms, &now).or_refuse()?;
        DepthConfirmed {
            market: accounts.market.key(),
            reserve: accounts.reserve.key(),
            before_atoms,
            depth_atoms,
            expires_at: reserve.depth_expires_at(),
            slot: now.slot,
        }
    };
    events::emit(&accounts.event_authority, &event)
}
