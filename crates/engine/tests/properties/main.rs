//! Properties of the engine, against exact rational arithmetic that shares nothing with it.
//!
//! Random inputs have fixed seeds: a failure repeats. Ranges are those of the protocol's section 10 and wider.
//! Tolerances are derived where they stand; none was chosen because it made a test pass.

mod absorption;
mod alv;
mod backstop;
mod backstop_extremes;
mod boundaries;
mod claims;
mod config;
mod counting;
mod depth;
mod extremes;
mod fixed;
mod flash;
mod governance;
mod health;
mod interest;
mod liquidation;
mod marks;
mod oracle;
mod outflow;
mod pause;
mod pools;
mod price;
mod provision;
mod quote;
mod recovery;
mod settlement;
mod shares;
mod stakes;
mod standing;
mod throttle;
mod transitions;
mod volatility;
mod worlds;

use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRunner};

/// Divides the number of random inputs of every property: mutation testing looks quickly first, and thoroughly at what survives.
const DIVISOR: &str = "PLIMSOLL_CASES_DIVISOR";

fn divisor() -> u32 {
    std::env::var(DIVISOR).map_or(1, |text| text.parse().expect("a number that divides the cases"))
}

fn divided(cases: u32) -> u32 {
    (cases / divisor()).max(1)
}

/// Whether every property sees all its inputs.
pub fn sees_all() -> bool {
    divisor() == 1
}

/// Asserts how often a property saw what it is about, where it sees all its inputs.
#[macro_export]
macro_rules! assert_seen {
    ($enough:expr $(, $($message:tt)+)?) => {
        assert!(!$crate::sees_all() || $enough $(, $($message)+)?)
    };
}

/// Runs a property over `cases` random inputs, the same ones every time.
pub fn check<S: proptest::strategy::Strategy>(
    cases: u32,
    strategy: S,
    property: impl Fn(S::Value) -> Result<(), proptest::test_runner::TestCaseError>,
) {
    let cases = divided(cases);
    let config = Config {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(0x504c_494d_534f_4c4c),
        max_global_rejects: cases * 64,
        ..Config::default()
    };
    if let Err(failure) = TestRunner::new(config).run(&strategy, property) {
        panic!("{failure}");
    }
}
