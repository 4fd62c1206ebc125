//! Pyth push: the price account itself is the feed.

use super::*;
use crate::constants::PYTH_PUSH_PROGRAM;
use pyth_sdk_solana::state::{load_price_account, PriceStatus, SolanaPriceAccount};

pub(super) fn read(account: &AccountInfo, address: &[u8; 32]) -> Result<RawPrice> {
    require!(*account.owner == PYTH_PUSH_PROGRAM, PlimsollError::WrongPriceOwner);
    require!(account.key.to_bytes() == *address, PlimsollError::WrongFeed);
    let data = account.try_borrow_data()?;
    // The SDK's account types are of another major version, hence the raw bytes.
    let price: &SolanaPriceAccount = load_price_account(&data).map_err(|_| error!(PlimsollError::MalformedPrice))?;
    require!(price.agg.status == PriceStatus::Trading, PlimsollError::PriceNotTrading);
    Ok(RawPrice {
        price: price.agg.price,
        confidence: price.agg.conf,
        average: price.ema_price.val,
        exponent: price.expo,
        publish_time: price.timestamp,
    })
}
