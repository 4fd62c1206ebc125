//! Remaining accounts: a position's reserves and the prices offered, in any number, order, ownership and shape.
//!
//! Input: time, offered mask, number of named accounts, position, accounts (the named ones first).

use anchor_lang::prelude::AccountInfo;
use anchor_lang::Discriminator;
use plimsoll::legs::{Legs, OldReadings};
use plimsoll::oracle;
use plimsoll::state::{view_reserve, Reserve};
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{PositionState, ReserveState, MAX_LEGS};
use plimsoll_engine::Now;

use crate::chain::Stored;
use crate::input::Input;

/// Most accounts that an instruction names itself: the seized and the repaid reserve.
const NAMED_MAX: usize = 2;

pub fn run(bytes: &[u8]) -> bool {
    let mut input = Input::new(bytes);
    let (now, offered, named) = (input.now(), input.pod::<u16>(), usize::from(input.pod::<u8>()));
    let position: PositionState = input.pod();
    let mut stored = Stored::read_all(&mut input);
    let infos: Vec<AccountInfo> = stored.iter_mut().map(Stored::info).collect();
    let (named, remaining) = infos.split_at(named.min(NAMED_MAX).min(infos.len()));
    let named: Vec<&AccountInfo> = named.iter().collect();

    let expected = expected(&position, &named, remaining, offered, &now);
    let collected = Legs::collect(&position, &named, remaining, offered, now);
    assert_eq!(collected.is_ok(), expected.is_some(), "{:?}", collected.err());
    let (Ok(legs), Some(expected)) = (collected, expected) else { return false };
    for (index, (account, _)) in expected.iter().enumerate() {
        assert!(std::ptr::eq(legs.account(index).expect("a leg"), *account), "leg {index} is another account");
        let first = expected.iter().find(|(other, _)| other.key == account.key);
        assert_eq!(legs.offered(account.key), first.and_then(|(_, reading)| reading.as_ref()));
    }
    assert!((expected.len()..MAX_LEGS + 1).all(|index| legs.account(index).is_err()), "a leg too many");
    uses(&legs, position);
    true
}

/// What the documentation of `programs/plimsoll/src/legs.rs` says, in the plainest way: one account and one price a leg, or nothing.
fn expected<'a, 'info>(
    position: &PositionState,
    named: &[&'a AccountInfo<'info>],
    remaining: &'a [AccountInfo<'info>],
    offered: u16,
    now: &Now,
) -> Option<Vec<(&'a AccountInfo<'info>, Option<Reading>)>> {
    let mut rest = remaining.iter();
    let collaterals = position.collaterals().iter().map(|slot| slot.reserve);
    let keys: Vec<[u8; 32]> = collaterals.chain(position.debts().iter().map(|slot| slot.reserve)).collect();
    let mut legs = Vec::new();
    for key in &keys {
        let by_name = named.iter().copied().find(|info| info.key.to_bytes() == *key);
        let account = match by_name {
            Some(account) => account,
            None => rest.next()?,
        };
        let data = account.try_borrow_data().ok()?;
        let is_reserve = *account.owner == plimsoll::ID
            && data.len() == 8 + size_of::<ReserveState>()
            && data[..8] == *Reserve::DISCRIMINATOR;
        if account.key.to_bytes() != *key || !is_reserve {
            return None;
        }
        let reserve: ReserveState = bytemuck::pod_read_unaligned(&data[8..]);
        if reserve.market != position.market {
            return None;
        }
        legs.push((account, None, reserve));
    }
    if (keys.len()..16).any(|bit| offered & 1 << bit != 0) {
        return None;
    }
    for (bit, (_, reading, reserve)) in legs.iter_mut().enumerate() {
        if offered & 1 << bit != 0 {
            *reading = Some(oracle::read(rest.next()?, reserve, now).ok()?);
        }
    }
    let is_all = rest.next().is_none();
    is_all.then(|| legs.into_iter().map(|(account, reading, _)| (account, reading)).collect())
}

/// Everything the program does with legs.
fn uses(legs: &Legs, mut position: PositionState) {
    for old in [OldReadings::Fade, OldReadings::Keep, OldReadings::Favour, OldReadings::Against] {
        let _ = legs.exposure(&position, old).map(|exposure| {
            let _ = legs.initial_totals(&position, &exposure);
            exposure.health()
        });
    }
    let _ = (legs.prices(), legs.prices_for_order(&position));
    let _ = (legs.initial_exposure(&position), legs.rooms(&position));
    let sequences = |legs: &Legs| -> Vec<u64> {
        let reserves = (0..MAX_LEGS).map_while(|index| legs.account(index).ok());
        reserves.map_while(|info| view_reserve(info).ok().map(|reserve| reserve.sequence)).collect()
    };
    let before = sequences(legs);
    let is_writable: Vec<bool> =
        (0..MAX_LEGS).map_while(|index| legs.account(index).ok().map(|info| info.is_writable)).collect();
    let _ = legs.count_collaterals(&mut position);
    for ((before, after), is_writable) in before.iter().zip(sequences(legs)).zip(is_writable) {
        assert!(is_writable || *before == after, "a reserve changed that may not be written");
    }
}
