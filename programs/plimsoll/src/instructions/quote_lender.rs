//! Where a lender stands: what its shares are worth, what it is owed of its losses, and what was recovered. Changes nothing.

use anchor_lang::prelude::*;
use plimsoll_engine::quote::{self, LenderQuote};

use super::require_key;
use crate::error::PlimsollError;
use crate::oracle;
use crate::state::{Lender, Reserve};

/// Accounts of `quote_lender`.
#[derive(Accounts)]
pub struct QuoteLender<'info> {
    /// Reserve.
    pub reserve: AccountLoader<'info, Reserve>,
    /// Lender account in it.
    pub lender: AccountLoader<'info, Lender>,
}

pub(crate) fn handle(ctx: Context<QuoteLender>) -> Result<LenderQuote> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let lender = &accounts.lender.load()?.state;
    require_key(&lender.reserve, &accounts.reserve.key(), PlimsollError::WrongReserve)?;
    Ok(quote::quote_lender(&accounts.reserve.load()?.state, lender, &now))
}
