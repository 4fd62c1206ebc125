//! Price accounts: the program reads them by offsets, in a third of the time that decoding takes.
//!
//! Input: time, oracle kind, feed, the account.

use plimsoll::constants::PYTH_PUSH_PROGRAM;
use plimsoll::oracle::read_feed;
use plimsoll_engine::price::{RawPrice, Reading};
use plimsoll_engine::state::{ORACLE_PYTH_PULL, ORACLE_PYTH_PUSH};
use plimsoll_engine::Now;
use pyth_solana_receiver_sdk::price_update::{PriceUpdateV2, VerificationLevel};

use anchor_lang::AccountDeserialize;

use crate::chain::Stored;
use crate::input::Input;

pub fn run(bytes: &[u8]) -> bool {
    let mut input = Input::new(bytes);
    let (now, kind, feed) = (input.now(), input.pod::<u8>(), input.pod::<[u8; 32]>());
    let mut account = Stored::read(&mut input);
    let info = account.info();
    let read = read_feed(&info, kind, &feed, &now).ok();
    let data = info.try_borrow_data().expect("nobody else borrows");
    let raw = match kind {
        ORACLE_PYTH_PULL if *info.owner == pyth_solana_receiver_sdk::ID => pull(&data, &feed),
        ORACLE_PYTH_PUSH if *info.owner == PYTH_PUSH_PROGRAM && info.key.to_bytes() == feed => push(&data),
        _ => None,
    };
    let expected = raw.filter(|raw| is_sound(raw, &now));
    match (read, expected) {
        (Some(reading), Some(raw)) => assert_same(&reading, &raw, &now),
        (None, None) => {}
        (read, expected) => panic!("the program reads {read:?}, the account says {expected:?}"),
    }
    read.is_some()
}

/// What the receiver's own decoding makes of an update that is fully verified and of this feed.
fn pull(data: &[u8], feed: &[u8; 32]) -> Option<RawPrice> {
    let update = PriceUpdateV2::try_deserialize(&mut &data[..]).ok()?;
    let message = &update.price_message;
    (update.verification_level == VerificationLevel::Full && message.feed_id == *feed).then_some(RawPrice {
        price: message.price,
        confidence: message.conf,
        average: message.ema_price,
        exponent: message.exponent,
        publish_time: message.publish_time,
    })
}

/// What a push account says, by the offsets that Pyth documents for its C structure; the program goes through the SDK.
fn push(data: &[u8]) -> Option<RawPrice> {
    const LENGTH: usize = 3_312;
    const HEADER: [u32; 3] = [0xa1b2_c3d4, 2, 3];
    // The C structure has four bytes here; the SDK looks at the first.
    const TRADING: u8 = 1;
    let word = |offset: usize| Input::new(&data[offset..]).pod::<u32>();
    let long = |offset: usize| Input::new(&data[offset..]).pod::<u64>();
    if data.len() < LENGTH || [0, 4, 8].map(word) != HEADER || data[224] != TRADING {
        return None;
    }
    Some(RawPrice {
        price: long(208).cast_signed(),
        confidence: long(216),
        average: long(48).cast_signed(),
        exponent: word(20).cast_signed(),
        publish_time: long(96).cast_signed(),
    })
}

/// Sign, range (1e-12 to 1e9 USD) and time, counted in 1e-18 USD: nothing here is shared with the engine.
fn is_sound(raw: &RawPrice, now: &Now) -> bool {
    let in_range = |price: i64| {
        let scale = u32::try_from(raw.exponent.saturating_add(18))
            .ok()
            .filter(|scale| *scale <= 22)
            .map(|scale| 10u128.pow(scale));
        let scaled = u128::try_from(price).ok().zip(scale).and_then(|(price, scale)| price.checked_mul(scale));
        scaled.is_some_and(|scaled| (10u128.pow(6)..=10u128.pow(27)).contains(&scaled))
    };
    in_range(raw.price) && in_range(raw.average) && raw.publish_time <= now.unix.saturating_add(5)
}

fn assert_same(reading: &Reading, raw: &RawPrice, now: &Now) {
    assert_eq!(i128::from(reading.price), i128::from(raw.price));
    assert_eq!(i128::from(reading.average), i128::from(raw.average));
    assert_eq!(reading.confidence, raw.confidence);
    assert_eq!(reading.exponent, raw.exponent);
    assert_eq!((reading.publish_time, reading.slot, reading.reserved), (raw.publish_time, now.slot, [0; 3]));
}
