//! Hand newer prices to reserves and book their interest. Anyone may.
//!
//! A borrower refreshes the reserves of other collaterals, so that nobody can liquidate at a reading grown old.

use anchor_lang::prelude::*;

use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, ReservesRefreshed};
use crate::oracle;
use crate::state::edit_reserve;

/// Accounts of `refresh_reserves`. Remaining accounts: pairs of (reserve, its price account), reserves writable.
#[event_cpi]
#[derive(Accounts)]
pub struct RefreshReserves {}

pub(crate) fn handle<'info>(ctx: Context<'info, RefreshReserves<'info>>) -> Result<()> {
    let now = oracle::now()?;
    let (pairs, rest) = ctx.remaining_accounts.as_chunks::<2>();
    require!(!pairs.is_empty(), PlimsollError::LegMissing);
    require!(rest.is_empty(), PlimsollError::OfferMismatch);

    let (mut reserves, mut prices) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
    for [account, price] in pairs {
        let mut reserve = edit_reserve(account)?;
        reserve.require_no_flash().or_refuse()?;
        let reading = oracle::read(price, &reserve, &now)?;
        reserve.keep_reading(Some(&reading), &now);
        reserve.accrue(now.unix);
        reserve.walk_terms(&now);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        reserves.push(*account.key);
        prices.push((&reserve.reading).into());
    }

    events::emit(&ctx.accounts.event_authority, &ReservesRefreshed { reserves, prices, slot: now.slot })
}
