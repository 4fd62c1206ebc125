//! What nobody thought of: every account of every instruction replaced by every other account of its kind that there is on
//! the chain, every signer by everybody else, every writable account by every other writable one. Generated from the IDL
//! and from the chain, so an instruction is covered the day it has a [case](super::cases).
//!
//! Which error such a call ends in is not said here, but that it ends in one and changes nothing; or that it goes through,
//! where a table says that any such account will do, and keeps every invariant: among them that nobody but the owner takes
//! (I20), and that roles sign (I21).

use std::collections::BTreeSet;

use super::super::common::*;
use super::places::{Case, Replaced};
use super::{cases, stage_for, Stage};

const IDL: &str = include_str!("../../../../idl/plimsoll.json");

/// Accepted although no table says so: (instruction, account), and why that harms nobody.
const HARMLESS: &[(&str, &str)] = &[
    // Another empty one of the same owner.
    ("close_position", "position"),
    // Another reserve of the market with as much depth.
    ("confirm_depth", "reserve"),
    // Another market's reserve, of the same feed.
    ("refresh_reserves", "leg 2"),
];

/// Named accounts of an instruction in the IDL: name, whether it signs, whether it is written.
fn in_idl(name: &str) -> Vec<(String, bool, bool)> {
    let idl: serde_json::Value = serde_json::from_str(IDL).expect("an IDL");
    let instructions = idl["instructions"].as_array().expect("instructions");
    let instruction = instructions.iter().find(|instruction| instruction["name"] == name).expect("the instruction");
    let flag = |account: &serde_json::Value, flag: &str| account[flag].as_bool().unwrap_or(false);
    let accounts = instruction["accounts"].as_array().expect("accounts");
    accounts
        .iter()
        .map(|account| {
            (account["name"].as_str().expect("a name").into(), flag(account, "signer"), flag(account, "writable"))
        })
        .collect()
}

/// What an account is: whose, how long, and how it begins, or whose token it is.
fn kind_of(stage: &Stage, key: &Pubkey) -> Option<(Pubkey, usize, Vec<u8>)> {
    let account = stage.scene.world.svm.get_account(key)?;
    // The states of the token programs begin with keys, and are told apart by their length.
    let is_state = account.owner == plimsoll_client::PROGRAM_ID;
    let start = if is_state { account.data.get(..8).unwrap_or_default().to_vec() } else { Vec::new() };
    Some((account.owner, account.data.len(), start))
}

/// Every other account of the same kind, but for those of the system.
fn others_of_its_kind(stage: &Stage, key: &Pubkey) -> Vec<Pubkey> {
    let Some(kind) = kind_of(stage, key).filter(|(_, size, _)| *size > 0) else { return Vec::new() };
    let accounts = stage.scene.world.svm.get_program_accounts(&kind.0);
    let others = accounts.into_iter().map(|(address, _)| address).filter(|address| address != key);
    others.filter(|address| kind_of(stage, address).as_ref() == Some(&kind)).collect()
}

fn is_vault(stage: &Stage, key: &Pubkey) -> bool {
    let reserves = stage.scene.world.books().reserves;
    reserves.iter().any(|reserve| [reserve.liquidity_vault(), reserve.collateral_vault()].contains(key))
}

fn people(stage: &Stage) -> Vec<Pubkey> {
    let scene = &stage.scene;
    let all: [&dyn Role; 5] =
        [&scene.lender, &scene.borrower, &scene.liquidator, &scene.stranger, &scene.world.admin()];
    all.iter().map(|role| role.address()).collect()
}

/// Tries a call with another account in one's place. Returns whether it went through; then all invariants held, and the stage
/// is as it was before.
fn goes_through(stage: &mut Stage, what: &str, call: &Instruction, with: &Pubkey) -> bool {
    let (world, before) = (stage.scene.world.clone(), stage.scene.world.snapshot());
    if stage.send(call).is_err() {
        before.assert_unchanged(&stage.scene.world);
        return false;
    }
    let mut violations = stage.scene.world.violations();
    if is_vault(stage, with) {
        // Whoever has its own tokens sent to a vault donates them: there is more in it than its ledgers say.
        violations.retain(|violation| !violation.starts_with("I2: ") && !violation.starts_with("I3: "));
    }
    assert!(violations.is_empty(), "{what} went through, and\n  {}", violations.join("\n  "));
    stage.scene.world = world;
    true
}

/// What was tried and accepted.
#[derive(Default)]
struct Tally {
    tried: usize,
    accepted: BTreeSet<(String, String)>,
}

impl Tally {
    fn try_all(&mut self, case: &Case, stage: &mut Stage, call: &Instruction, index: usize, with: &[Pubkey]) {
        let account = case.accounts.get(index).map_or_else(|| format!("leg {index}"), |(name, _)| (*name).to_owned());
        let original = call.accounts[index].pubkey;
        for key in with.iter().filter(|key| **key != original) {
            let mut changed = call.clone();
            changed.accounts[index].pubkey = *key;
            self.tried += 1;
            let what = format!("{} with {} for {account}", case.name, stage.scene.world.name_of(key));
            if goes_through(stage, &what, &changed, key) {
                self.accepted.insert((case.name.to_owned(), account.clone()));
            }
        }
    }

    /// Whether what was accepted is what tables accept.
    fn assert_expected(&self, at_least: usize) {
        let said: BTreeSet<(String, String)> = cases()
            .iter()
            .flat_map(|case| {
                let accepted = case
                    .accounts
                    .iter()
                    .filter(|(_, places)| places.iter().any(|place| matches!(place, Replaced::Accepted(..))));
                accepted.map(|(account, _)| (case.name.to_owned(), (*account).to_owned())).collect::<Vec<_>>()
            })
            .chain(HARMLESS.iter().map(|(name, account)| ((*name).to_owned(), (*account).to_owned())))
            .collect();
        let unsaid: Vec<_> = self.accepted.difference(&said).collect();
        assert!(unsaid.is_empty(), "accepted, and no table says so: {unsaid:?}");
        assert!(self.tried >= at_least, "only {} were tried", self.tried);
    }
}

#[test]
fn every_case_names_the_accounts_of_the_idl_in_their_order_and_signs_and_writes_no_other() {
    for case in cases() {
        let stage = stage_for(case.name);
        let call = (case.build)(&stage);
        let named = in_idl(case.name);
        assert_eq!(named.len(), case.accounts.len(), "{}", case.name);
        for (index, (name, signs, writes)) in named.iter().enumerate() {
            let account = case.accounts[index].0.trim_start_matches("optional_");
            let meta = &call.accounts[index];
            assert_eq!((account, meta.is_signer), (name.as_str(), *signs), "{}", case.name);
            // What is left out is the program itself, which is not written.
            let is_left_out = meta.pubkey == plimsoll_client::PROGRAM_ID;
            assert!(is_left_out || meta.is_writable == *writes, "{}: {name}", case.name);
        }
    }
}

#[test]
fn any_other_account_of_its_kind_in_the_place_of_any_is_refused_or_said_to_be_harmless() {
    let mut tally = Tally::default();
    for case in cases() {
        let mut stage = stage_for(case.name);
        let call = (case.build)(&stage);
        for index in 0..call.accounts.len() {
            if !call.accounts[index].is_signer {
                let others = others_of_its_kind(&stage, &call.accounts[index].pubkey);
                tally.try_all(&case, &mut stage, &call, index, &others);
            }
        }
    }
    tally.assert_expected(1_000);
}

#[test]
fn anybody_else_in_the_place_of_a_signer_is_refused_or_said_to_be_harmless() {
    let mut tally = Tally::default();
    for case in cases() {
        let mut stage = stage_for(case.name);
        let call = (case.build)(&stage);
        for index in (0..call.accounts.len()).filter(|index| call.accounts[*index].is_signer) {
            let people = people(&stage);
            tally.try_all(&case, &mut stage, &call, index, &people);
        }
    }
    tally.assert_expected(140);
}

#[test]
fn a_writable_account_in_the_place_of_another_is_refused_or_said_to_be_harmless() {
    let mut tally = Tally::default();
    for case in cases() {
        let mut stage = stage_for(case.name);
        let call = (case.build)(&stage);
        let writable: Vec<usize> = (0..call.accounts.len())
            .filter(|index| call.accounts[*index].is_writable && !call.accounts[*index].is_signer)
            .collect();
        for &index in &writable {
            let with: Vec<Pubkey> = writable.iter().map(|other| call.accounts[*other].pubkey).collect();
            tally.try_all(&case, &mut stage, &call, index, &with);
        }
    }
    tally.assert_expected(150);
}
