//! What came of a transaction, and assertions of exactly that.

use std::fmt;

use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use plimsoll_client::errors::{custom_code, explain, Failure};
use plimsoll_client::events::{Event, EventError};
use solana_transaction_error::TransactionError;

/// A transaction's receipt, or its refusal.
pub type Outcome = Result<Receipt, Box<Refused>>;

/// What a successful transaction leaves behind.
#[derive(Debug)]
pub struct Receipt {
    /// Compute units of the whole transaction, compute-budget instructions included.
    pub compute_units: u64,
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

impl Receipt {
    /// Reads LiteSVM's metadata.
    pub(crate) fn new(meta: TransactionMetadata, bytes: usize, keys: usize) -> Self {
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
