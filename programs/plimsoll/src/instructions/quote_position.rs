//! Where a position stands: both healths, values, and what may still be borrowed or withdrawn. Changes nothing.

use anchor_lang::prelude::*;
use plimsoll_engine::quote::{self, PositionQuote};

use super::require_key;
use crate::error::PlimsollError;
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Market, Position};

/// Accounts of `quote_position` and `quote_liquidation`. Remaining accounts: the position's legs, then the offered prices.
#[derive(Accounts)]
pub struct Quote<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    pub position: AccountLoader<'info, Position>,
}

pub(crate) fn handle<'info>(ctx: Context<'info, Quote<'info>>, offered: u16) -> Result<PositionQuote> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let market = accounts.market.load()?;
    let position = &accounts.position.load()?.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let legs = Legs::collect(position, &[], ctx.remaining_accounts, offered, now)?;

    let exposure = legs.exposure(position, OldReadings::Fade)?;
    let initial = legs.initial_exposure(position)?;
    let (rooms, decimals) = legs.rooms(position)?;
    Ok(quote::quote_position(&exposure, &initial, &rooms, &decimals, (position, &market.state.policy), &now))
}
