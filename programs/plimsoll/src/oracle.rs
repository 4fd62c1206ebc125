//! The only code that knows a price account, and the only code that makes a [`Reading`].
//!
//! What holds for every action is checked here: owner program, feed, verification level, trading status, sign,
//! exponent, range, and a publish time at most 5 s ahead. Age, confidence and distance from the average depend on the
//! action and are judged by the engine's `policy`.

use anchor_lang::prelude::*;
use plimsoll_engine::price::{RawPrice, Reading};
use plimsoll_engine::state::{ReserveState, ORACLE_PYTH_PULL, ORACLE_PYTH_PUSH};
use plimsoll_engine::Now;

use crate::error::{OrRefuse, PlimsollError};

mod pyth_pull;
mod pyth_push;

/// Reads a price account against an oracle kind and its feed id or address.
pub fn read_feed(account: &AccountInfo, oracle_kind: u8, oracle: &[u8; 32], now: &Now) -> Result<Reading> {
    let raw = match oracle_kind {
        ORACLE_PYTH_PULL => pyth_pull::read(account, oracle)?,
        ORACLE_PYTH_PUSH => pyth_push::read(account, oracle)?,
        _ => return err!(PlimsollError::InvalidOraclePolicy),
    };
    Reading::checked(&raw, now).or_refuse()
}

/// Reads the price account offered for a reserve.
pub fn read(account: &AccountInfo, reserve: &ReserveState, now: &Now) -> Result<Reading> {
    read_feed(account, reserve.oracle_kind, &reserve.oracle, now)
}

/// The clock, as the engine knows it.
pub fn now() -> Result<Now> {
    let clock = Clock::get()?;
    Ok(Now { unix: clock.unix_timestamp, slot: clock.slot })
}
