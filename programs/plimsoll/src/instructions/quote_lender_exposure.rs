//! What a lender has at stake in one position: its part of the debt, and of the loss provided for. Changes nothing.

use anchor_lang::prelude::*;
use plimsoll_engine::quote::{self, LenderExposureQuote};

use super::require_key;
use crate::error::PlimsollError;
use crate::oracle;
use crate::state::{Lender, Position, Reserve};

/// Accounts of `quote_lender_exposure`.
#[derive(Accounts)]
pub struct QuoteLenderExposure<'info> {
    /// Reserve.
    pub reserve: AccountLoader<'info, Reserve>,
    /// Lender account in it.
    pub lender: AccountLoader<'info, Lender>,
    /// Position that owes to it.
    pub position: AccountLoader<'info, Position>,
}

pub(crate) fn handle(ctx: Context<QuoteLenderExposure>) -> Result<LenderExposureQuote> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let reserve_key = accounts.reserve.key();
    let lender = &accounts.lender.load()?.state;
    require_key(&lender.reserve, &reserve_key, PlimsollError::WrongReserve)?;
    let position = &accounts.position.load()?.state;
    let debt = position.debt_index(reserve_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    Ok(quote::quote_lender_exposure(&accounts.reserve.load()?.state, lender, position, debt, &now))
}
