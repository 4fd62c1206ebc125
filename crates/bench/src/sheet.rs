//! What is measured: names, and what each cost.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_testkit::{policy, Receipt, World};

use crate::profile::trace::with_sections;
use crate::profile::{Trace, Tracer};

/// Units of the two compute-budget instructions of every transaction, 150 each.
const COMPUTE_BUDGET_UNITS: u64 = 300;

/// What one transaction cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Compute units of the instruction: what the runtime's log says the program consumed, its calls of the token programs
    /// and of itself included.
    pub compute_units: u64,
    /// Compute units of the whole transaction, both compute-budget instructions included.
    pub transaction_units: u64,
    /// Bytes of the serialized transaction: one signature, both compute-budget instructions, no lookup table.
    pub bytes: usize,
    /// Account keys of the transaction.
    pub keys: usize,
}

/// A transaction that a profile is wanted of.
pub struct Traced {
    /// Everything it executed.
    pub trace: Trace,
    /// Its logs.
    pub logs: Vec<String>,
}

/// All measures.
#[derive(Default)]
pub struct Sheet {
    /// By name.
    pub measures: BTreeMap<&'static str, Measure>,
    /// Discriminators of all instructions measured.
    pub discriminators: BTreeSet<[u8; 8]>,
    /// States of liquidations, by their legs, for the engine's speed.
    pub states: BTreeMap<&'static str, Vec<u8>>,
    /// The one noted last: where to look when a scene is refused.
    pub last: &'static str,
    wanted: Option<(String, Tracer)>,
    /// The transaction that was wanted.
    pub traced: Option<Traced>,
}

impl Sheet {
    /// A sheet that keeps the trace of one measure. Slower: every transaction is interpreted.
    pub fn tracing(name: &str) -> Self {
        Self { wanted: Some((name.to_owned(), Tracer::default())), ..Self::default() }
    }

    /// A world with an empty market under the [`policy`] of tests.
    pub fn world(&self) -> World {
        let mut world = match &self.wanted {
            Some((_, tracer)) => World::on(tracer.chain(), with_sections),
            None => World::new(),
        };
        world.create_market(1, policy()).expect("a valid policy makes a market");
        world
    }

    /// Notes what a transaction with one instruction of the program cost.
    ///
    /// # Panics
    /// When there are several, or the name is taken.
    #[track_caller]
    pub fn note(&mut self, name: &'static str, receipt: &Receipt) {
        assert_eq!(receipt.calls.len(), 1, "{name}: one instruction of the program");
        self.note_call(name, receipt, 0);
    }

    /// Notes one instruction of a transaction with several.
    #[track_caller]
    pub fn note_call(&mut self, name: &'static str, receipt: &Receipt, index: usize) {
        let call = receipt.calls[index];
        self.discriminators.insert(call.discriminator);
        self.keep(name, receipt, call.compute_units);
    }

    /// Notes a transaction with one instruction of another program.
    #[track_caller]
    pub fn note_other(&mut self, name: &'static str, receipt: &Receipt) {
        assert!(receipt.calls.is_empty(), "{name}: another program's instruction");
        self.keep(name, receipt, receipt.compute_units - COMPUTE_BUDGET_UNITS);
    }

    #[track_caller]
    fn keep(&mut self, name: &'static str, receipt: &Receipt, compute_units: u64) {
        self.last = name;
        let measure = Measure {
            compute_units,
            transaction_units: receipt.compute_units,
            bytes: receipt.bytes,
            keys: receipt.keys,
        };
        assert!(self.measures.insert(name, measure).is_none(), "{name} is measured twice");
        if let Some((wanted, tracer)) = &self.wanted {
            if wanted == name {
                self.traced = Some(Traced { trace: tracer.take(), logs: receipt.logs.clone() });
            }
        }
    }
}
