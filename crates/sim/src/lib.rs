//! The simulator: markets that never were, under the program's own rules.
//!
//! ```text
//!   paths ──── prices ────┐
//!                         v
//!   venues  (depth, impact, refill)  ── spot ──>  feeds  (delay, confidence, silence)
//!      ^                                            │ readings
//!      │ what is seized is sold                     v
//!   agents  (liquidators, borrowers) <─ plans ──  chain  (reserves, positions, pools: the engine's states and functions)
//! ```
//!
//! Everything the program decides is decided by the engine, in integers; the world around it (prices, depth, patience, money)
//! is a model in floats, and decides nothing of it. A run is the same for any number of threads.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod agents;
pub mod ask;
pub mod audit;
pub mod book;
pub mod chain;
pub mod feed;
pub mod generate;
mod ids;
pub mod outcome;
pub mod paths;
pub mod report;
pub mod rules;
pub mod scenario;
pub mod screen;
pub mod sim;
pub mod snapshot;
pub mod speed;
pub mod terms;
pub mod tokens;
pub mod venue;
