//! The world's accounts before the auditor.

use plimsoll_audit::{changes, owned, Books, Tokens, Transaction};
use plimsoll_client::{Pubkey, PROGRAM_ID};

use crate::outcome::Receipt;
use crate::{Kind, World};

/// What the invariants compare with what was before.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) books: Books,
    violations: Vec<String>,
    /// Asserted when the world ends.
    pub(crate) is_asserted: bool,
}

impl Drop for World {
    fn drop(&mut self) {
        if self.history.is_asserted && !std::thread::panicking() {
            self.check_invariants();
        }
    }
}

impl World {
    /// Compares the accounts with what they were before the transaction, and remembers what is wrong for
    /// [`Self::check_invariants`].
    pub(crate) fn remember(&mut self, receipt: &Receipt, signers: &[Pubkey]) {
        let (books, now) = (self.books(), self.now());
        let transaction = Transaction { events: &receipt.events, signers, now };
        self.history.violations.extend(changes(&self.history.books, &books, &transaction));
        self.history.books = books;
    }

    /// Asserts every invariant of `docs/invariants.md`; names each one that does not hold, with its numbers.
    #[track_caller]
    pub fn check_invariants(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "invariants do not hold:\n  {}", violations.join("\n  "));
    }

    /// Has every invariant asserted when this world ends, and when its copies do: no story can forget to.
    pub fn check_invariants_at_end(&mut self, is_asserted: bool) {
        self.history.is_asserted = is_asserted;
    }

    /// Every invariant that does not hold, with its numbers.
    pub fn violations(&self) -> Vec<String> {
        [self.history.violations.clone(), self.books().violations(&self.token_accounts())].concat()
    }

    /// Every account of the program, for the auditor.
    pub fn books(&self) -> Books {
        let mut accounts = self.svm.get_program_accounts(&PROGRAM_ID);
        accounts.sort_by_key(|(address, _)| *address);
        let bytes = accounts.iter().map(|(address, account)| (*address, account.data.as_slice()));
        Books::of(bytes).named(self.names.clone())
    }

    /// Takes what vaults hold beyond their ledgers for donated: after a call that may have sent somebody's own tokens there.
    pub fn note_donations(&mut self) {
        for reserve in self.books().reserves {
            for (vault, owned) in owned(&reserve) {
                let surplus = u128::from(self.atoms_in(&vault)).saturating_sub(owned);
                self.donations.insert(vault, surplus);
            }
        }
    }

    fn token_accounts(&self) -> Tokens {
        let mut tokens = Tokens { donated: self.donations.clone(), ..Tokens::default() };
        for kind in [Kind::Spl, Kind::Token2022] {
            for (address, account) in self.svm.get_program_accounts(&kind.program()) {
                tokens.add(address, &account.data);
            }
        }
        tokens
    }
}
