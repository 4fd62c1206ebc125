//! How fast the simulator is on this machine: a million positions through a thousand steps, and ten thousand futures of a
//! thousand positions, each beside the same work without screening (every position worked out in every step, by the engine's
//! own legs). `cargo run --release -p plimsoll-sim --bin sim_speed [PARTS]`: the plain variant of the first is measured on one
//! part of its steps and of the second on one part of its futures, because it takes so long (20 where nothing is said).

use std::time::Instant;

use anyhow::{Context, Result};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::Scenario;
use rayon::prelude::*;
use serde_json::json;

/// SOL against USDC. Two moves of its price: a fall by two fifths in three days and a half, on which every position near its
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

fn main() -> Result<()> {
    let parts =
        std::env::args().nth(1).map_or(Ok(20), |parts| parts.parse::<u64>()).context("expected a number of parts")?;
    let whole = usize::try_from(parts.max(1))?;

    let (large, made) = timed(|| Setup::new(&scenario(1_000_000, 1_000, 2e9, FALL)?))?;
    let ((looked, liquidations), screened) = timed(|| steps(&large, 0, 1_000, false))?;
    let few = 1_000 / whole;
    let (_, screened_few) = timed(|| steps(&large, 0, few, false))?;
    let (_, plain_few) = timed(|| steps(&large, 0, few, true))?;
    let per_step = |took: &Took, count: usize| took.user / count as f64;
    let one_path = json!({
        "seconds": rounded(screened.wall),
        "seconds_of_all_threads": rounded(screened.user),
        "seconds_to_make_the_book": rounded(made.wall),
        "looks": looked,
        "liquidations": liquidations,
        "peak_mib": rounded(peak_mib()),
        "plain_to_screened": rounded(per_step(&plain_few, few) / per_step(&screened, 1_000)),
        "plain_to_screened_same_steps": rounded(plain_few.user / screened_few.user),
    });
    drop(large);
    eprintln!("{one_path:#}");

    let small = Setup::new(&scenario(1_000, 288, 2e7, CLUSTERS)?)?;
    let futures = |count: u64, looks_at_all: bool| {
        timed(|| {
            (0..count).into_par_iter().map(|path| steps(&small, path, 288, looks_at_all)).collect::<Result<Vec<_>>>()
        })
    };
    let (all, screened) = futures(10_000, false)?;
    let count = 10_000 / parts.max(1);
    let (_, plain) = futures(count, true)?;
    let per_path = |took: &Took, count: u64| took.user / count as f64;
    let many_paths = json!({
        "seconds": rounded(screened.wall),
        "seconds_of_all_threads": rounded(screened.user),
        "liquidations": all.iter().map(|(_, count)| count).sum::<u64>(),
        "peak_mib": rounded(peak_mib()),
        "plain_to_screened": rounded(per_path(&plain, count) / per_path(&screened, 10_000)),
    });
    println!("{:#}", json!({ "million_positions_thousand_steps": one_path, "ten_thousand_futures": many_paths }));
    Ok(())
}
