//! The keeper: watches a market, decides what to do about its positions, and does it.
//!
//! ```text
//!   watch  ---- accounts with slots ---->  book  ---- scenes ---->  decide  ---- actions ---->  act
//!   (RPC)                                  (memory)                 (pure)                      (simulate, send, confirm)
//! ```
//!
//! - [`book`] holds the market in memory. A price concerns only the positions that hold its token, and of those only the ones
//!   that may have crossed a threshold are looked at.
//! - [`mod@decide`] is pure: a [`scene::Scene`] and the keeper's own [`decide::Terms`] make ranked [`decide::Action`]s, each with
//!   the engine's plan of what the program will do, and a [`decide::Reason`] for everything it leaves alone. The simulator
//!   calls it too.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod act;
pub mod book;
pub mod build;
pub mod chain;
pub mod config;
pub mod decide;
pub mod follow;
pub mod journal;
pub mod keeper;
pub mod meters;
pub mod oracle;
pub mod report;
pub mod scene;
pub mod serve;
pub mod stock;
pub mod tables;
pub mod venue;
pub mod watch;
