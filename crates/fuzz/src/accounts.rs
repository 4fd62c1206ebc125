//! Accounts and events as clients and the auditor decode them from bytes of a chain.
//!
//! Input: accounts, each an address and counted bytes; the audit compares the first half of them with all.

use anchor_lang::prelude::Pubkey;
use plimsoll_audit::{changes, Books, Tokens, Transaction};
use plimsoll_client::accounts::{
    Account, AccountState, Backstop, BackstopProvider, Lender, Market, Position, Proposal, Reserve,
};
use plimsoll_client::events::{Event, EventError};
use plimsoll_client::PROGRAM_ID;
use plimsoll_engine::state::{MAX_COLLATERALS, MAX_DEBTS};
use plimsoll_engine::Now;

use crate::input::Input;

/// Most accounts of one input.
const ACCOUNTS_MAX: usize = 24;

pub fn run(bytes: &[u8]) -> bool {
    let mut input = Input::new(bytes);
    let mut accounts = Vec::new();
    while !input.is_empty() && accounts.len() < ACCOUNTS_MAX {
        accounts.push((input.key(), input.counted()));
    }
    let (mut known, mut events) = (0, Vec::new());
    for (address, data) in &accounts {
        known += decodings(*address, data);
        events.extend(event(data));
    }
    let accepted = known > 0 || !events.is_empty();
    audit(&accounts, &events);
    accepted
}

/// How many kinds the bytes decode as: one at most. What decodes is those bytes and nothing else.
fn decodings(address: Pubkey, data: &[u8]) -> usize {
    fn decode<T: AccountState>(address: Pubkey, data: &[u8]) -> usize {
        let Ok(account) = Account::<T>::decode(address, data) else { return 0 };
        assert_eq!(account.address, address);
        assert_eq!(&data[..8], T::DISCRIMINATOR);
        assert_eq!(&data[8..], bytemuck::bytes_of(&account.state));
        assert!(Account::<T>::decode_owned(address, &address, data).is_err(), "the owner is not looked at");
        1
    }
    let kinds = [
        decode::<<Market as Kind>::State>(address, data),
        decode::<<Reserve as Kind>::State>(address, data),
        decode::<<Position as Kind>::State>(address, data),
        decode::<<Lender as Kind>::State>(address, data),
        decode::<<Backstop as Kind>::State>(address, data),
        decode::<<BackstopProvider as Kind>::State>(address, data),
        decode::<<Proposal as Kind>::State>(address, data),
    ];
    let known = kinds.iter().sum();
    assert!(known <= 1, "one account decodes as {known} kinds");
    if let Ok(position) = Position::decode_checked(address, &PROGRAM_ID, data) {
        assert!(position.state.collaterals().len() <= MAX_COLLATERALS && position.state.debts().len() <= MAX_DEBTS);
        let legs = position.legs().count();
        assert_eq!(legs, usize::from(position.state.collateral_count) + usize::from(position.state.debt_count));
    }
    if let Ok(reserve) = Reserve::decode(address, data) {
        let _ = reserve.token_program();
    }
    known
}

/// State of an account type.
trait Kind {
    type State: AccountState;
}

impl<T: AccountState> Kind for Account<T> {
    type State = T;
}

/// An event decodes from its exact bytes: not from one fewer, not from one more.
fn event(data: &[u8]) -> Option<Event> {
    let event = Event::decode(data).ok()?;
    let malformed = |data: &[u8]| matches!(Event::decode(data), Err(EventError::Malformed { .. }));
    assert!(malformed(&data[..data.len() - 1]), "{} decodes without its last byte", event.name());
    assert!(malformed(&[data, &[0]].concat()), "{} decodes with a byte behind it", event.name());
    Some(event)
}

/// The auditor reads any accounts, and finds what is wrong with them rather than its own end.
fn audit(accounts: &[(Pubkey, &[u8])], events: &[Event]) {
    let mut tokens = Tokens::default();
    for (address, data) in accounts {
        tokens.add(*address, data);
    }
    let before = Books::of(accounts[..accounts.len() / 2].iter().copied());
    let after = Books::of(accounts.iter().copied());
    let _ = after.violations(&tokens);
    let signers: Vec<Pubkey> = accounts.iter().map(|(address, _)| *address).collect();
    let now = Now { unix: 1_800_000_000, slot: 1_000 };
    for (before, after) in [(&before, &after), (&after, &before), (&after, &after)] {
        let _ = changes(before, after, &Transaction { events, signers: &signers, now });
    }
}
