//! Migrations: one readable file says what a market is to be. This crate reads it, has the engine judge it, compares it
//! with a chain, and does what is missing, through governance where the market exists already.
//!
//! Three rules:
//!
//! - *No second opinion.* Whether a configuration is valid, a change tightens, or a proposal may be executed is asked of the
//!   engine, on a copy of the chain's state; nothing of it is written here again.
//! - *Plan, then act.* [`plan::plan`] sends nothing. [`apply::apply`] sends exactly what a plan says, and then expects the
//!   plan to be empty.
//! - *Every word has a place.* What is refused is refused with file, line and column.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod amount;
pub mod apply;
pub mod chain;
pub mod file;
mod govern;
pub mod invariants;
mod managed;
mod numbers;
pub mod plan;
mod program;
pub mod reader;
mod reserve;
pub mod source;
mod time;
