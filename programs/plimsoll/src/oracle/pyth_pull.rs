//! Pyth pull: `PriceUpdateV2`, read by fixed offsets (a third of the cost of decoding it). The receiver SDK's own
//! decoding is the oracle of the tests for these offsets.
//!
//! ```text
//! 0 discriminator | 8 write authority | 40 verification level (1: Full) | 41 feed id | 73 price | 81 conf | 89 exponent
//! 93 publish time | 101 previous publish time | 109 average | 117 average's conf | 125 posted slot | 133
//! ```
//! A partial level takes one byte more and moves everything behind it, which is why only Full may be read this way.

use super::*;
use pyth_solana_receiver_sdk::price_update::PriceUpdateV2;

const LEVEL_OFFSET: usize = 40;
const LEVEL_FULL: u8 = 1;
const LENGTH_MIN: usize = 133;

pub(super) fn read(account: &AccountInfo, feed_id: &[u8; 32]) -> Result<RawPrice> {
    require!(*account.owner == pyth_solana_receiver_sdk::ID, PlimsollError::WrongPriceOwner);
    let data = account.try_borrow_data()?;
    let is_update = data.len() >= LENGTH_MIN && data.starts_with(PriceUpdateV2::DISCRIMINATOR);
    require!(is_update, PlimsollError::MalformedPrice);
    require!(data[LEVEL_OFFSET] == LEVEL_FULL, PlimsollError::PriceUnverified);
    require!(data[41..73] == *feed_id, PlimsollError::WrongFeed);
    Ok(RawPrice {
        price: i64::from_le_bytes(word(&data, 73)),
        confidence: u64::from_le_bytes(word(&data, 81)),
        exponent: i32::from_le_bytes([data[89], data[90], data[91], data[92]]),
        publish_time: i64::from_le_bytes(word(&data, 93)),
        average: i64::from_le_bytes(word(&data, 109)),
    })
}

/// Eight bytes at an offset below [`LENGTH_MIN`].
fn word(data: &[u8], offset: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&data[offset..offset + 8]);
    bytes
}
