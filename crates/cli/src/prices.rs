//! Pyth price accounts in the layout of their programs, both kinds.

use anchor_lang::prelude::Pubkey;
use anchor_lang::AccountSerialize;
use anyhow::Result;
use bytemuck::Zeroable;
use plimsoll_client::instructions::Offer;
use pyth_sdk_solana::state::{PriceStatus, SolanaPriceAccount, MAGIC, VERSION_2};
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, PriceUpdateV2, VerificationLevel};

use crate::chain::Chain;

/// Exponent of all prices here.
const EXPONENT: i32 = -8;
/// `10^8`.
const SCALE: u64 = 100_000_000;
/// Account type of a price, as Pyth numbers them.
const PRICE_ACCOUNT: u32 = 3;

/// Which kind of price account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `PriceUpdateV2`.
    Pull,
    /// Push price account.
    Push,
}

/// A feed and its account.
pub struct Feed {
    kind: Kind,
    /// Price account.
    pub account: Pubkey,
    /// Feed id; of a pull feed.
    id: [u8; 32],
}

impl Feed {
    /// A feed with an account of its own.
    pub fn new(kind: Kind) -> Self {
        Self { kind, account: Pubkey::new_unique(), id: Pubkey::new_unique().to_bytes() }
    }

    /// The pull feed of an id, in an account.
    pub fn pull(account: Pubkey, id: [u8; 32]) -> Self {
        Self { kind: Kind::Pull, account, id }
    }

    /// The push feed that an account is.
    pub fn push(account: Pubkey) -> Self {
        Self { kind: Kind::Push, account, id: [0; 32] }
    }

    /// What a reserve's configuration names: feed id or address.
    pub fn oracle(&self) -> [u8; 32] {
        match self.kind {
            Kind::Pull => self.id,
            Kind::Push => self.account.to_bytes(),
        }
    }

    /// `oracle_kind` of a reserve's configuration.
    pub fn oracle_kind(&self) -> u64 {
        match self.kind {
            Kind::Pull => 0,
            Kind::Push => 1,
        }
    }

    /// The same feed in another account: of several that hold its prices, one is offered.
    pub fn beside(&self) -> Self {
        Self { kind: self.kind, account: Pubkey::new_unique(), id: self.id }
    }

    /// Publishes a price now, in cents. The moving average is the same, as after a calm hour at this price.
    pub fn publish(&self, chain: &Chain, cents: u64) -> Result<()> {
        let (owner, data) = self.account_of(cents, chain.clock()?.unix_timestamp)?;
        chain.write_account(&self.account, &owner, &data)
    }

    /// Owner and bytes of the account that says so, published at `unix`.
    pub fn account_of(&self, cents: u64, unix: i64) -> Result<(Pubkey, Vec<u8>)> {
        let price = i64::try_from(cents * (SCALE / 100))?;
        let confidence = u64::try_from(price)? / 2_000;
        match self.kind {
            Kind::Pull => {
                let update = PriceUpdateV2 {
                    write_authority: Pubkey::default(),
                    verification_level: VerificationLevel::Full,
                    price_message: PriceFeedMessage {
                        feed_id: self.id,
                        price,
                        conf: confidence,
                        exponent: EXPONENT,
                        publish_time: unix,
                        prev_publish_time: unix - 1,
                        ema_price: price,
                        ema_conf: confidence,
                    },
                    posted_slot: 1,
                };
                let mut data = Vec::new();
                update.try_serialize(&mut data)?;
                Ok((pyth_solana_receiver_sdk::ID, data))
            }
            Kind::Push => {
                let mut account = SolanaPriceAccount::zeroed();
                (account.magic, account.ver, account.atype, account.expo) = (MAGIC, VERSION_2, PRICE_ACCOUNT, EXPONENT);
                account.timestamp = unix;
                account.ema_price.val = price;
                account.agg.price = price;
                account.agg.conf = confidence;
                account.agg.status = PriceStatus::Trading;
                account.agg.pub_slot = 1;
                Ok((plimsoll::constants::PYTH_PUSH_PROGRAM, bytemuck::bytes_of(&account).to_vec()))
            }
        }
    }

    /// This feed's account as the offered price of a reserve.
    pub fn offer(&self, reserve: &Pubkey) -> Offer {
        Offer { reserve: *reserve, price: self.account }
    }
}
