//! Native Rust client of Plimsoll: [addresses](address), [instructions], [account decoding](accounts), [events],
//! [errors as sentences](errors), and [quotes].
//!
//! It talks to no network: it turns what a caller wants into an [`Instruction`], and bytes that came back into values.
//!
//! ```
//! use plimsoll_client::{address, instructions::OpenPosition, Pubkey};
//!
//! let (owner, market) = (Pubkey::new_unique(), address::market(1));
//! let instruction = OpenPosition { owner, market, id: 0 }.instruction();
//! assert_eq!(instruction.accounts[2].pubkey, address::position(&market, &owner, 0));
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod accounts;
pub mod address;
pub mod compute_budget;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod quotes;

pub use anchor_lang::prelude::Pubkey;
pub use anchor_lang::solana_program::instruction::{AccountMeta, Instruction};

/// Address of the program.
pub const PROGRAM_ID: Pubkey = plimsoll::ID;
