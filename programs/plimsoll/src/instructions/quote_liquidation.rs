//! What a liquidation would do now, or the refusal it would meet, as data. Changes nothing.

use anchor_lang::prelude::*;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationRequest};
use plimsoll_engine::quote::{self, LiquidationQuote};

use super::quote_position::Quote;
use super::require_key;
use crate::error::PlimsollError;
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::view_reserve;

pub(crate) fn handle<'info>(
    ctx: Context<'info, Quote<'info>>,
    collateral_slot: u8,
    debt_slot: u8,
    repay_max_atoms: u64,
    offered: u16,
) -> Result<LiquidationQuote> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let market = accounts.market.load()?;
    let position = &accounts.position.load()?.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let (collateral, debt) = (usize::from(collateral_slot), usize::from(debt_slot));
    require!(collateral < position.collaterals().len() && debt < position.debts().len(), PlimsollError::SlotNotOpen);
    let legs = Legs::collect(position, &[], ctx.remaining_accounts, offered, now)?;

    let exposure = legs.exposure(position, OldReadings::Fade)?;
    let sale = view_reserve(legs.account(collateral)?)?.sale_terms(&now);
    let policy = &market.state.policy;
    let standing = position.standing((collateral, debt), policy, &now, legs.prices_for_order(position)?);
    let standing = standing.in_market(&market.state, &now);
    let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms: 0 };
    let plan = plan_liquidation(&exposure, &sale, policy, &standing, &request, &now);
    Ok(quote::quote_liquidation(&exposure, &plan, &sale, &standing, &now))
}
