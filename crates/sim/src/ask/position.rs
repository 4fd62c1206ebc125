//! How likely a given position is liquidated within a time: its health along many price paths, with the volatility that the
//! reserves would have observed on each.

use anyhow::{ensure, Result};
use plimsoll_engine::fixed::Factor;
use plimsoll_watch::Weighing;
use rayon::prelude::*;
use serde::Serialize;

use crate::generate::Setup;
use crate::rules::Rule;
use crate::screen::health;

/// How likely.
#[derive(Clone, Debug, Serialize)]
pub struct Odds {
    /// Health at the start.
    pub health: f64,
    /// Futures, number.
    pub paths: u64,
    /// By the end of each of these times, seconds: part of the futures in which it could be liquidated.
    pub by: Vec<(u64, f64)>,
    /// Median of the lowest health within the last of these times.
    pub lowest_median: f64,
}

/// Odds of the first position of a market by these times, seconds of the run. Nobody trades: one position moves no price.
///
/// # Errors
/// A market without a position.
pub fn position(setup: &Setup, times: &[u64], paths: u64, progress: &(dyn Fn(u64) + Sync)) -> Result<Odds> {
    ensure!(!setup.chain.book.is_empty(), "expected a position");
    let lenses = setup.lenses(Weighing::Sale);
    let start = health(&setup.chain.book, &lenses, 0).0;
    let number = |factor: Factor| factor.0 as f64 / Factor::ONE.0 as f64;
    let one = |path: u64| {
        let mut sim = setup.sim(Rule::Plimsoll);
        sim.liquidators.clear();
        let (mut first, mut lowest) = (u64::MAX, start);
        let prices = setup.paths.path(path);
        for (index, step) in prices.chunks(setup.paths.tokens().max(1)).enumerate() {
            sim.observe(setup.paths.step_secs, step);
            let now = health(&sim.chain.book, &sim.chain.lenses(|_| Weighing::Sale), 0).0;
            lowest = lowest.min(now);
            if now < Factor::ONE && first == u64::MAX {
                first = (index as u64 + 1) * setup.paths.step_secs;
            }
        }
        progress(1);
        (first, number(lowest))
    };
    let all: Vec<(u64, f64)> = (0..paths).into_par_iter().map(one).collect();
    let part = |by: u64| all.iter().filter(|(first, _)| *first <= by).count() as f64 / all.len().max(1) as f64;
    let mut lowest: Vec<f64> = all.iter().map(|(_, lowest)| *lowest).collect();
    lowest.sort_unstable_by(f64::total_cmp);
    Ok(Odds {
        health: number(start),
        paths,
        by: times.iter().map(|by| (*by, part(*by))).collect(),
        lowest_median: lowest.get(lowest.len() / 2).copied().unwrap_or(0.0),
    })
}
