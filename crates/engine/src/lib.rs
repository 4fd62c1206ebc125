//! State, formulas and transitions of Plimsoll.
//!
//! Decisions are made here, by pure integer functions, and everybody calls them: the program, the clients, the keeper,
//! the simulator and the page. Nothing here knows Anchor, Solana, a clock or a float, and nothing panics.
//!
//! | quantity | rounded | because |
//! |---|---|---|
//! | debt owed, repayment asked, debt value for health | up | nobody repays less than is owed |
//! | collateral value, asset liquidation value, health | down | health is never flattered |
//! | collateral seized, liquidation fee, shares minted on supply, assets paid on redeem | down | no free atom |
//! | fee of a flash loan | up | no free loan |
//! | debt shares minted on borrow | up | no free atom |
//! | debt shares burned on repay | down | no free atom |
//! | deposit and gain of a backstop provider, tip of a backstop liquidation | down | the sum of claims stays within what is held |
//! | loss booked | up | the residue is the lenders' |
//! | claim for a loss | up | so that what was recovered of it is rounded down |
// The derives that describe types to the IDL want std; nothing that decides is built with that feature.
#![cfg_attr(not(any(test, feature = "idl")), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod alv;
pub mod backstop;
pub mod claims;
pub mod error;
pub mod fixed;
pub mod flash;
pub mod governance;
pub mod health;
pub mod interest;
pub mod liquidation;
pub mod oracle_policy;
pub mod outflow;
pub mod pause;
pub mod policy;
pub mod price;
pub mod provision;
pub mod quote;
pub mod recovery;
pub mod settlement;
pub mod shares;
pub mod standing;
pub mod state;
pub mod throttle;
pub mod transitions;
pub mod volatility;

pub use error::{EngineError, Result};

/// What the engine knows of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix time, seconds.
    pub unix: i64,
    /// Slot.
    pub slot: u64,
}

/// `secs` after `unix`.
pub(crate) fn after(unix: i64, secs: u64) -> i64 {
    unix.saturating_add(i64::try_from(secs).unwrap_or(i64::MAX))
}
