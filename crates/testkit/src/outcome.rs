//! What came of a transaction, and assertions of exactly that.

use std::fmt;

use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use plimsoll_client::errors::{custom_code, explain, Failure};
use plimsoll_client::events::{Event, EventError};
use plimsoll_client::{Instruction, PROGRAM_ID};
use solana_transaction_error::TransactionError;

/// A transaction's receipt, or its refusal.
pub type Outcome = Result<Receipt, Box<Refused>>;

/// What a successful transaction leaves behind.
#[derive(Debug)]
pub struct Receipt {
    /// Compute units of the whole transaction, compute-budget instructions included.
    pub compute_units: u64,
    /// The program's instructions among the transaction's own, with the units each consumed, in order.
    pub calls: Vec<Call>,
    /// Bytes of the serialized transaction.
    pub bytes: usize,
    /// Account keys of the transaction.
    pub keys: usize,
    /// Events of the program, in order.
    pub events: Vec<Event>,
    /// Return data.
    pub return_data: Vec<u8>,
    /// Logs.
    pub logs: Vec<String>,
}

/// One of the program's instructions in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// First bytes of its data, which say what it is.
    pub discriminator: [u8; 8],
    /// Compute units it consumed, all it called included.
    pub compute_units: u64,
}

/// Units of each of a transaction's own invocations of the program, from its logs.
fn units_of_calls(logs: &[String]) -> Vec<u64> {
    let program = PROGRAM_ID.to_string();
    let mut depth = 0u32;
    let mut units = Vec::new();
    for line in logs {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["Program", _, "invoke", _] => depth += 1,
            ["Program", _, "success"] => depth -= 1,
            ["Program", id, "consumed", number, ..] if depth == 1 && id == program => {
                units.push(number.parse().expect("a number of units"));
            }
            _ => {}
        }
    }
    units
}

impl Receipt {
    /// Reads LiteSVM's metadata.
    pub(crate) fn new(meta: TransactionMetadata, instructions: &[Instruction], bytes: usize, keys: usize) -> Self {
        let own = instructions.iter().filter(|instruction| instruction.program_id == PROGRAM_ID);
        let first = |data: &[u8]| *data.first_chunk().expect("data of an instruction begin with what it is");
        let calls = own.zip(units_of_calls(&meta.logs));
        let calls = calls.map(|(own, compute_units)| Call { discriminator: first(&own.data), compute_units }).collect();
        let inner = meta.inner_instructions.iter().flatten();
        let events = inner
            .filter_map(|inner| match Event::decode(&inner.instruction.data) {
                Ok(event) => Some(event),
                Err(EventError::NotAnEvent) => None,
                Err(error) => panic!("the client cannot read an event of the program: {error}"),
            })
            .collect();
        Self {
            compute_units: meta.compute_units_consumed,
            calls,
            bytes,
            keys,
            events,
            return_data: meta.return_data.data,
            logs: meta.logs,
        }
    }

    /// The one event of a transaction with one instruction of the program.
    #[track_caller]
    pub fn event(&self) -> &Event {
        assert_eq!(self.events.len(), 1, "exactly one event per instruction: {:?}", self.logs);
        &self.events[0]
    }
}

/// A transaction that failed.
#[derive(Clone)]
pub struct Refused {
    /// The error.
    pub error: TransactionError,
    /// Logs up to it.
    pub logs: Vec<String>,
}

impl Refused {
    pub(crate) fn new(failed: FailedTransactionMetadata) -> Box<Self> {
        Box::new(Self { error: failed.err, logs: failed.meta.logs })
    }

    /// Custom code of the error.
    pub fn code(&self) -> Option<u32> {
        custom_code(&self.error)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  {}", Failure::from(self.error.clone()), self.logs.join("\n  "))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Failure::from(self.error.clone()))
    }
}

impl std::error::Error for Refused {}

/// Asserts that a transaction was refused with exactly this code: a [`PlimsollError`](plimsoll_client::errors::PlimsollError),
/// an Anchor [`ErrorCode`](anchor_lang::error::ErrorCode), or a token program's number.
#[track_caller]
pub fn refused(outcome: Outcome, expected: impl Into<u32>) {
    let expected = expected.into();
    let name = explain(expected).map_or_else(|| expected.to_string(), |refusal| refusal.to_string());
    match outcome {
        Ok(receipt) => panic!("expected a refusal, {name}, but it succeeded: {:?}", receipt.events),
        Err(refused) => assert!(refused.code() == Some(expected), "expected {name}, but: {refused:?}"),
    }
}

/// Asserts that a transaction failed with exactly this error of the runtime.
#[track_caller]
pub fn failed(outcome: Outcome, expected: TransactionError) {
    match outcome {
        Ok(receipt) => panic!("expected {expected}, but it succeeded: {:?}", receipt.events),
        Err(refused) => assert!(refused.error == expected, "expected {expected}, but: {refused:?}"),
    }
}
