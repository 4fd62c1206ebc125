//! How fast the simulator is on this machine: many positions through many steps, and many futures of a thousand positions,
//! each beside the same work without screening (every position worked out in every step, by the engine's own legs).

use std::time::Instant;

use anyhow::Result;
use rayon::prelude::*;
use serde_json::{json, Value};

use crate::generate::Setup;
use crate::rules::Rule;
use crate::scenario::Scenario;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Positions of the large market.
    pub positions: usize,
    /// Its steps.
    pub steps: usize,
    /// Futures of the small one.
    pub futures: u64,
    /// The variant without screening is measured on one part of the steps and of the futures, because it takes so long.
    pub parts: u64,
}

impl Scale {
    /// A million positions through a thousand steps, ten thousand futures.
    pub const WHOLE: Self = Self { positions: 1_000_000, steps: 1_000, futures: 10_000, parts: 50 };
    /// What a bench has time for.
    pub const SMALL: Self = Self { positions: 100_000, steps: 300, futures: 300, parts: 10 };
}

/// Moves of a price: a fall by two fifths in three days and a half, on which every position near its
/// threshold crosses it, and volatility that comes in clusters.
const FALL: &str = r#"kind = "crash", at_secs = 3600, fall = 0.4, fall_secs = 290000, sigma = 0.04"#;
const CLUSTERS: &str = r#"kind = "garch", sigma = 0.06, alpha = 0.1, beta = 0.85"#;

fn scenario(positions: usize, steps: usize, total: f64, path: &str) -> Result<Scenario> {
    Scenario::parse(&format!(
        r#"
name = "speed"
step_secs = 300
steps = {steps}
[[token]]
name = "SOL"
price = 150.0
depth = 100_000_000.0
path = {{ {path} }}
[[token]]
name = "USDC"
class = "stable"
decimals = 6
price = 1.0
depth = 5_000_000_000.0
venue = {{ is_cash = true }}
[book]
positions = {positions}
collaterals = {{ SOL = 1.0 }}
debts = {{ USDC = 1.0 }}
total = {total}
[[liquidator]]
count = 3
capital = 50e6
"#
    ))
}

/// Seconds by the clock and of all threads together.
struct Took {
    wall: f64,
    user: f64,
}

fn user_secs() -> f64 {
    // Field 14 of /proc/self/stat, in hundredths of a second, after the name in brackets; zero where there is no such file.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    rest.split_whitespace().nth(11).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) / 100.0
}

/// Largest memory of this process so far, MiB.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Took)> {
    let (start, before) = (Instant::now(), user_secs());
    let done = work()?;
    Ok((done, Took { wall: start.elapsed().as_secs_f64(), user: user_secs() - before }))
}

/// Runs the first steps of a future.
fn steps(setup: &Setup, path: u64, count: usize, looks_at_all: bool) -> Result<(u64, u64)> {
    let mut sim = setup.sim(Rule::Plimsoll);
    sim.looks_at_all = looks_at_all;
    let prices = setup.paths.path(path);
    for step in prices.chunks(setup.paths.tokens()).take(count) {
        sim.step(setup.paths.step_secs, step)?;
    }
    sim.finish()?;
    Ok((sim.screen.looked + sim.screen.reordered, sim.sums().liquidations))
}

fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// Measures. Ratios say more than seconds of a machine nobody else has.
///
/// # Errors
/// What a run refuses.
pub fn measure(scale: Scale) -> Result<Value> {
    let mut kinds = serde_json::Map::new();
    for (name, path) in [("falling", FALL), ("clusters", CLUSTERS)] {
        kinds.insert(name.into(), one_path(scale, path)?);
    }
    let small = Setup::new(&scenario(1_000, 288, 2e7, CLUSTERS)?)?;
    let futures = |count: u64, looks_at_all: bool| {
        let each = |path| steps(&small, path, 288, looks_at_all);
        timed(|| (0..count).into_par_iter().map(each).collect::<Result<Vec<_>>>())
    };
    let (all, screened) = futures(scale.futures, false)?;
    let count = (scale.futures / scale.parts.max(1)).max(1);
    let (_, plain) = futures(count, true)?;
    let per_path = |took: &Took, count: u64| took.user / count as f64;
    Ok(json!({
        "one_path": kinds,
        "futures": {
            "futures": scale.futures,
            "positions": 1_000,
            "steps": 288,
            "seconds": rounded(screened.wall),
            "seconds_of_all_threads": rounded(screened.user),
            "liquidations": all.iter().map(|(_, count)| count).sum::<u64>(),
            "plain_to_screened": rounded(per_path(&plain, count) / per_path(&screened, scale.futures)),
        },
        "peak_mib": rounded(peak_mib()),
    }))
}

fn one_path(scale: Scale, path: &str) -> Result<Value> {
    // Depth and collateral keep their proportion, whatever the number.
    let (market, made) = timed(|| Setup::new(&scenario(scale.positions, scale.steps, 2e9, path)?))?;
    let ((looks, liquidations), screened) = timed(|| steps(&market, 0, scale.steps, false))?;
    let few = (scale.steps / usize::try_from(scale.parts.max(1))?).max(1);
    let (_, screened_few) = timed(|| steps(&market, 0, few, false))?;
    let (_, plain_few) = timed(|| steps(&market, 0, few, true))?;
    Ok(json!({
        "positions": scale.positions,
        "steps": scale.steps,
        "seconds_to_make_the_book": rounded(made.wall),
        "seconds": rounded(screened.wall),
        "seconds_of_all_threads": rounded(screened.user),
        "looks": looks,
        "liquidations": liquidations,
        "plain_to_screened_in_the_first_steps": rounded(plain_few.user / screened_few.user.max(0.01)),
    }))
}
