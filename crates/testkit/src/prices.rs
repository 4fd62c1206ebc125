//! Prices: real account bytes of both Pyth kinds, set by hand.

use anchor_lang::prelude::Pubkey;
use anchor_lang::AccountSerialize;
use plimsoll::constants::PYTH_PUSH_PROGRAM;
use pyth_sdk_solana::state::{AccountType, PriceStatus, PriceType, SolanaPriceAccount, MAGIC, VERSION_2};
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, PriceUpdateV2, VerificationLevel};
use solana_account::Account;

use crate::{Token, World};

/// Exponent of prices set by [`dollars`].
pub const PRICE_EXPONENT: i32 = -8;
/// Confidence of a price set by [`World::set_price`], as a part of it.
const CONFIDENCE_PART: i64 = 2_000;

/// What a price account says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Spot price.
    pub spot: i64,
    /// Confidence, either way.
    pub confidence: u64,
    /// Moving average.
    pub average: i64,
    /// Exponent of all three.
    pub exponent: i32,
    /// Publish time, unix seconds.
    pub publish_time: i64,
}

/// A decimal number as an integer with `decimals` decimals.
#[track_caller]
pub(crate) fn scaled(number: &str, decimals: u32) -> i64 {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = usize::try_from(decimals).expect("few decimals");
    assert!(fraction.len() <= digits, "{number} has more than {decimals} decimals");
    let text = format!("{}{fraction:0<digits$}", whole.replace('_', ""));
    text.parse().unwrap_or_else(|error| panic!("{number}: {error}"))
}

/// Dollars as a price number with [`PRICE_EXPONENT`].
#[track_caller]
pub fn dollars(number: &str) -> i64 {
    scaled(number, PRICE_EXPONENT.unsigned_abs())
}

impl Price {
    /// A calm price: spot equals average, confidence 5 bps.
    #[track_caller]
    pub fn calm(number: &str, publish_time: i64) -> Self {
        let spot = dollars(number);
        let confidence = (spot / CONFIDENCE_PART).unsigned_abs();
        Self { spot, confidence, average: spot, exponent: PRICE_EXPONENT, publish_time }
    }

    /// Bytes of a Pyth pull update, fully verified.
    pub fn pull_update(&self, feed_id: [u8; 32]) -> PriceUpdateV2 {
        PriceUpdateV2 {
            write_authority: Pubkey::new_from_array([3; 32]),
            verification_level: VerificationLevel::Full,
            price_message: PriceFeedMessage {
                feed_id,
                price: self.spot,
                conf: self.confidence,
                exponent: self.exponent,
                publish_time: self.publish_time,
                prev_publish_time: self.publish_time - 1,
                ema_price: self.average,
                ema_conf: self.confidence,
            },
            posted_slot: 1,
        }
    }

    /// Bytes of a Pyth push account, trading.
    pub fn push_account(&self) -> Vec<u8> {
        let mut account = SolanaPriceAccount {
            magic: MAGIC,
            ver: VERSION_2,
            atype: AccountType::Price as u32,
            size: u32::try_from(size_of::<SolanaPriceAccount>()).expect("a small account"),
            ptype: PriceType::Price,
            expo: self.exponent,
            timestamp: self.publish_time,
            ..SolanaPriceAccount::default()
        };
        account.ema_price.val = self.average;
        account.ema_conf.val = i64::try_from(self.confidence).unwrap_or(i64::MAX);
        account.agg.price = self.spot;
        account.agg.conf = self.confidence;
        account.agg.status = PriceStatus::Trading;
        account.agg.pub_slot = 1;
        bytemuck::bytes_of(&account).to_vec()
    }
}

impl World {
    /// Publishes a calm price now. Where the last one was published this very second, a second passes first: the program
    /// takes a price only when it is newer.
    #[track_caller]
    pub fn set_price(&mut self, token: &Token, number: &str) {
        if self.prices.get(&token.price).is_some_and(|last| last.publish_time >= self.unix()) {
            self.advance(1);
        }
        self.publish(token, Price::calm(number, self.unix()));
    }

    /// Publishes any price.
    pub fn publish(&mut self, token: &Token, price: Price) {
        self.prices.insert(token.price, price);
        let (owner, data) = if token.is_pull() {
            let mut data = Vec::new();
            price.pull_update(token.oracle).try_serialize(&mut data).expect("serializes");
            data.resize(PriceUpdateV2::LEN, 0);
            (pyth_solana_receiver_sdk::ID, data)
        } else {
            (PYTH_PUSH_PROGRAM, price.push_account())
        };
        self.put_account(token.price, owner, data);
    }

    /// The last price published.
    pub fn price(&self, token: &Token) -> Price {
        self.prices[&token.price]
    }

    /// Publishes every token's last price again, as of now.
    pub fn refresh_prices(&mut self) {
        let publish_time = self.unix();
        for token in self.tokens.clone() {
            let price = self.price(&token);
            self.publish(&token, Price { publish_time, ..price });
        }
    }

    /// Edits a price account's raw bytes, owner or address, for refusals.
    pub fn edit_price_account(&mut self, token: &Token, edit: impl FnOnce(&mut Account)) {
        let mut account = self.svm.get_account(&token.price).expect("a price account");
        edit(&mut account);
        self.svm.set_account(token.price, account).expect("an account");
    }
}
