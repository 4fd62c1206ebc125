//! What it takes to watch a million positions, for the keeper that watches real ones and the simulator that makes them up: each
//! token as it counts at one moment ([`lens`]), and a position's state without its zeros ([`packed`]).

pub mod lens;
pub mod packed;

pub use lens::{Drift, Lens, Weighing};
pub use packed::Packed;
