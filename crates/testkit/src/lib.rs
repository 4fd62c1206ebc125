//! A world to test in: the real program, real token programs and real Pyth account bytes on LiteSVM.
//!
//! ```no_run
//! use plimsoll_testkit::prelude::*;
//!
//! # fn main() -> Result<(), Box<Refused>> {
//! let mut world = World::with_market();
//! let sol = world.add(Spec::volatile("SOL", "150"));
//! let usdc = world.add(Spec::stable("USDC", "1"));
//! let (lender, borrower) = (world.lender(), world.borrower());
//! world.supply(&lender, &usdc, usdc.atoms("10000"))?;
//! world.deposit(&borrower, &sol, sol.atoms("10"))?;
//! world.borrow(&borrower, &usdc, usdc.atoms("700"))?;
//!
//! let liquidator = world.liquidator();
//! world.refuses(PlimsollError::CoolingOff, |world| {
//!     world.set_price(&sol, "80");
//!     world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
//! });
//! world.check_invariants();
//! # Ok(())
//! # }
//! ```
//!
//! A test tampers with what a method sends through [`World::tampering`], offers fewer prices through
//! [`World::offering`], and builds anything else from [`plimsoll_client`] for [`World::send`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod actions;
mod backstop;
mod flash;
mod governance;
mod invariants;
mod journal;
mod outcome;
mod pauses;
mod pools;
mod prices;
mod roles;
mod snapshot;
mod specs;
mod tokens;
mod world;

pub use actions::{Limits, Offering};
pub use journal::Entry;
pub use outcome::{failed, refused, Call, Outcome, Receipt, Refused};
pub use plimsoll_audit::INVARIANTS;
pub use pool::{PoolError, Swap, TRANSFERS};
pub use pools::{Pool, POOL_PROGRAM};
pub use prices::{dollars, Price, PRICE_EXPONENT};
pub use roles::{Borrower, Lender, Liquidator, Person, Role};
pub use snapshot::Snapshot;
pub use specs::{backstop_policy, policy, stable, volatile, Spec};
pub use tokens::{Kind, Token, Vault, WALLET_TOKENS};
pub use world::{World, GENESIS_UNIX, KEYS_MAX, TRANSACTION_BYTES_MAX};

/// Everything a story needs.
pub mod prelude {
    pub use crate::*;
    pub use plimsoll_client::errors::PlimsollError;
    pub use plimsoll_client::events::Event;
    pub use plimsoll_client::{AccountMeta, Instruction, Pubkey};
    pub use plimsoll_engine::pause::Pausable;
}
