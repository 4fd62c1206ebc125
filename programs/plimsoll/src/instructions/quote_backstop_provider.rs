//! Where a provider stands: deposit, gains by collateral, what is coming and going. Changes nothing.

use anchor_lang::prelude::*;
use plimsoll_engine::quote::{self, BackstopProviderQuote};

use super::require_key;
use crate::error::PlimsollError;
use crate::oracle;
use crate::state::{Backstop, BackstopProvider};

/// Accounts of `quote_backstop_provider`.
#[derive(Accounts)]
pub struct QuoteBackstopProvider<'info> {
    /// Pool.
    pub backstop: AccountLoader<'info, Backstop>,
    /// Provider account in it.
    pub provider: AccountLoader<'info, BackstopProvider>,
}

pub(crate) fn handle(ctx: Context<QuoteBackstopProvider>) -> Result<BackstopProviderQuote> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let provider = &accounts.provider.load()?.state;
    require_key(&provider.backstop, &accounts.backstop.key(), PlimsollError::WrongBackstop)?;
    Ok(quote::quote_backstop_provider(&accounts.backstop.load()?.state, provider, &now))
}
