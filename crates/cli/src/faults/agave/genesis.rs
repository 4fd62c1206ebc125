//! What is on the chain from its first slot on: prices. Only an oracle network signs those, and nobody writes accounts here.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use plimsoll_engine::state::{OraclePolicy, ReserveConfig};
use serde_json::{json, Value};

use crate::faults::first::FALLEN_CENTS;
use crate::faults::scene::LISTED;
use crate::prices::Feed;

/// Time between a feed's first price and its second, seconds; the second is as old when the chain begins.
const BETWEEN_SECS: i64 = 600;
/// Ages that the story's prices are allowed, seconds: nobody publishes another.
const YOUNG_ENOUGH_SECS: u64 = 6 * 3_600;
const DEAD_SECS: u64 = 86_400;
/// Lamports of a byte for ever, and bytes that an account has beside its data.
const LAMPORTS_PER_BYTE: usize = 6_960;
const BYTES_BESIDE: usize = 128;

/// An account that the chain begins with.
pub struct Placed {
    /// Its address.
    pub address: Pubkey,
    owner: Pubkey,
    data: Vec<u8>,
}

/// Feeds of the story.
pub struct Feeds {
    /// Of what is listed, in that order, at the first prices.
    pub first: [Feed; 3],
    /// The collateral's at its price after the fall.
    pub fallen: Feed,
}

impl Placed {
    fn of(feed: &Feed, cents: u64, unix: i64) -> Result<Self> {
        let (owner, data) = feed.account_of(cents, unix)?;
        Ok(Self { address: feed.account, owner, data })
    }

    /// As the validator reads it from a file.
    pub fn json(&self) -> Value {
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &self.data);
        json!({
            "pubkey": self.address.to_string(),
            "account": {
                "lamports": (BYTES_BESIDE + self.data.len()) * LAMPORTS_PER_BYTE,
                "data": [data, "base64"],
                "owner": self.owner.to_string(),
                "executable": false,
                "rentEpoch": 0,
                "space": self.data.len(),
            },
        })
    }
}

/// Feeds, and the accounts that say their prices, as published before `unix`.
pub fn begin(unix: i64) -> Result<(Feeds, Vec<Placed>)> {
    let first = LISTED.map(|(_, _, _, kind, _, _)| Feed::new(kind));
    let [collateral, ..] = &first;
    let fallen = collateral.beside();
    let mut accounts = vec![Placed::of(&fallen, FALLEN_CENTS, unix - BETWEEN_SECS)?];
    for (feed, (_, _, _, _, cents, _)) in first.iter().zip(LISTED) {
        accounts.push(Placed::of(feed, cents, unix - 2 * BETWEEN_SECS)?);
    }
    Ok((Feeds { first, fallen }, accounts))
}

/// The demo's terms, with prices that may be as old as these become.
pub fn patient(terms: ReserveConfig) -> ReserveConfig {
    let oracle_policy = OraclePolicy {
        borrow_age_secs: YOUNG_ENOUGH_SECS,
        liquidate_age_secs: YOUNG_ENOUGH_SECS,
        stale_secs: YOUNG_ENOUGH_SECS,
        dead_secs: DEAD_SECS,
        ..terms.oracle_policy
    };
    ReserveConfig { oracle_policy, ..terms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallen_price_is_a_later_one_of_the_same_feed() {
        let (feeds, genesis) = begin(1_000_000).expect("a genesis");
        assert_eq!(feeds.fallen.oracle(), feeds.first[0].oracle());
        assert_ne!(feeds.fallen.account, feeds.first[0].account);
        let time = |feed: &Feed| {
            let account = genesis.iter().find(|account| account.address == feed.account).expect("its account");
            let bytes = account.data.get(93..101).and_then(|bytes| bytes.try_into().ok()).expect("a time");
            i64::from_le_bytes(bytes)
        };
        assert_eq!((time(&feeds.first[0]), time(&feeds.fallen)), (998_800, 999_400));
    }

    #[test]
    fn an_account_is_written_as_the_validator_reads_it() {
        let (feeds, genesis) = begin(1_000_000).expect("a genesis");
        assert_eq!(genesis.len(), 4);
        let account = genesis.first().expect("an account");
        let json = account.json();
        assert_eq!(json["pubkey"], feeds.fallen.account.to_string());
        assert_eq!(json["account"]["owner"], pyth_solana_receiver_sdk::ID.to_string());
        let text = json["account"]["data"][0].as_str().expect("its data");
        let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64");
        assert_eq!((&data, json["account"]["space"].as_u64()), (&account.data, Some(data.len() as u64)));
        assert_eq!(json["account"]["data"][1], "base64");
        assert_eq!(json["account"]["executable"], false);
    }
}
