//! Arbitrary bytes into everything that reads bytes nobody vouches for: the targets of coverage-guided fuzzing.
//!
//! A target takes bytes and returns whether the code under attack accepted any of them; it panics where a property does not
//! hold, as the code under attack must never do. `src/main.rs` runs one under libFuzzer (`cargo xtask fuzz`),
//! `tests/regressions.rs` runs all of them on inputs that once broke something, `examples/seeds.rs` makes inputs of real
//! accounts to start from. How to read a run: `docs/testing.md`.
#![warn(missing_docs)]

mod accounts;
mod chain;
mod engine;
mod input;
mod instructions;
mod legs;
mod oracle;

pub use input::Writer;
pub use instructions::ARGUMENTS;

/// What fuzzing attacks.
#[derive(Clone, Copy)]
pub struct Target {
    /// Name on the command line, and of its folders.
    pub name: &'static str,
    /// Runs the target; returns whether anything was accepted.
    pub run: fn(&[u8]) -> bool,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "accounts", run: accounts::run },
    Target { name: "oracle", run: oracle::run },
    Target { name: "legs", run: legs::run },
    Target { name: "instructions", run: instructions::run },
    Target { name: "engine", run: engine::run },
];

/// The target of a name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
