#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod asked;
mod compare;
mod follow;
mod lenders;
mod pool;
mod range;
mod reserve;

use std::collections::BTreeMap;

use plimsoll_audit::Books;
use plimsoll_client::events::Event;
use plimsoll_client::{Instruction, Pubkey};

pub use compare::Tally;
pub use range::Range;

use pool::Pool;
use reserve::Reserve;

/// What is not as it must be, with its numbers.
pub(crate) type Wrong = String;

/// A transaction that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Unix time of it.
    pub unix: i64,
    /// Its instructions, as they were sent.
    pub instructions: Vec<Instruction>,
    /// Events of the program, in order.
    pub events: Vec<Event>,
    /// Every account of the program after it: configuration is read here.
    pub after: Books,
}

/// A debt of a position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Debt {
    pub reserve: Pubkey,
    /// Owed, atoms.
    pub owed: Range,
    /// Provided for, atoms.
    pub provided: Range,
}

/// A position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position {
    /// In slot order: reserve, atoms.
    pub collaterals: Vec<(Pubkey, u64)>,
    /// In slot order.
    pub debts: Vec<Debt>,
    /// When its provisions were last booked.
    pub provisioned_at: i64,
}

/// The books of everybody, kept beside the program.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// How often each event was followed; a loss that lenders bore is counted as `haircut`.
    pub followed: BTreeMap<&'static str, u64>,
    pub(crate) reserves: BTreeMap<Pubkey, Reserve>,
    pub(crate) positions: BTreeMap<Pubkey, Position>,
    pub(crate) pools: BTreeMap<Pubkey, Pool>,
}

/// Whether a whole number is one that the model allows.
pub(crate) fn expect(what: &str, allowed: &Range, found: u64) -> Result<(), Wrong> {
    if allowed.holds(&Range::whole(found)) {
        Ok(())
    } else {
        Err(format!("{what}: {found}, and exactly {allowed}"))
    }
}

/// Whether two numbers without any rounding are the same.
pub(crate) fn exactly<T: PartialEq + std::fmt::Display>(what: &str, exact: T, found: T) -> Result<(), Wrong> {
    if exact == found {
        Ok(())
    } else {
        Err(format!("{what}: {found}, and exactly {exact}"))
    }
}
