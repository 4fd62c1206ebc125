//! Everything a refusal must leave as it was.

use std::collections::{BTreeMap, BTreeSet};

use anchor_lang::prelude::Pubkey;
use plimsoll_client::PROGRAM_ID;

use crate::outcome::{refused, Outcome};
use crate::{Kind, World};

/// All bytes and lamports of the program's accounts, mints and token accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<Pubkey, (u64, Vec<u8>)>);

impl Snapshot {
    /// Asserts that nothing changed since this was taken.
    #[track_caller]
    pub fn assert_unchanged(&self, world: &World) {
        let now = world.snapshot();
        let keys: BTreeSet<&Pubkey> = self.0.keys().chain(now.0.keys()).collect();
        let changed: Vec<String> =
            keys.into_iter().filter(|key| self.0.get(key) != now.0.get(key)).map(|key| world.name_of(key)).collect();
        assert!(changed.is_empty(), "changed by what should change nothing: {changed:?}");
    }
}

impl World {
    /// Takes a snapshot.
    pub fn snapshot(&self) -> Snapshot {
        let owners = [PROGRAM_ID, Kind::Spl.program(), Kind::Token2022.program()];
        let accounts = owners.iter().flat_map(|owner| self.svm.get_program_accounts(owner));
        Snapshot(accounts.map(|(address, account)| (address, (account.lamports, account.data))).collect())
    }

    /// Asserts that an action is refused with exactly this code, and that nothing changed.
    ///
    /// What the action itself sets up first (a clock moved, a price published) is not the program's and may change;
    /// a wallet or lender account opened on the way may not: open it before.
    #[track_caller]
    pub fn refuses(&mut self, expected: impl Into<u32>, action: impl FnOnce(&mut Self) -> Outcome) {
        let before = self.snapshot();
        refused(action(self), expected);
        before.assert_unchanged(self);
    }
}
