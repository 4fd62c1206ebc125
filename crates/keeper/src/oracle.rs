//! Price accounts, read by the program's own reader: what it refuses is refused here, in its words.

use plimsoll::oracle::read_feed;
use plimsoll_client::Pubkey;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::Now;

/// Reads the price account offered for a reserve.
///
/// # Errors
/// Why the program would not take it, in words.
pub fn read(
    reserve: &ReserveState,
    address: &Pubkey,
    owner: &Pubkey,
    data: &[u8],
    now: &Now,
) -> Result<Reading, String> {
    read_any((reserve.oracle_kind, &reserve.oracle), address, owner, data, now)
}

/// Reads the price account of any feed: its kind, and its id.
///
/// # Errors
/// As [`read`].
pub fn read_any(
    (kind, feed): (u8, &[u8; 32]),
    address: &Pubkey,
    owner: &Pubkey,
    data: &[u8],
    now: &Now,
) -> Result<Reading, String> {
    let (mut lamports, mut data) = (1, data.to_vec());
    let info = anchor_lang::prelude::AccountInfo::new(address, false, false, &mut lamports, &mut data, owner, false);
    read_feed(&info, kind, feed, now).map_err(|error| match error {
        anchor_lang::error::Error::AnchorError(error) => error.error_msg,
        other => other.to_string(),
    })
}
