//! How much debt goes bad within a time: many futures, each of them the whole market.

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;

use super::run::sums;
use super::tail;
use crate::generate::Setup;
use crate::outcome::Sums;
use crate::rules::Rule;

/// What many futures came to.
#[derive(Clone, Debug, Serialize)]
pub struct BadDebt {
    /// Futures, number.
    pub paths: u64,
    /// Seconds of each.
    pub horizon_secs: u64,
    /// All debt at the start, USD.
    pub debt: f64,
    /// Bad debt on average, USD.
    pub mean: f64,
    /// Standard error of that, USD.
    pub error: f64,
    /// In nineteen of twenty futures no more than this, USD.
    pub quantile_95: f64,
    /// In 99 of 100 no more than this, USD.
    pub quantile_99: f64,
    /// The mean of the worst hundredth, USD.
    pub shortfall_99: f64,
    /// The worst, USD.
    pub worst: f64,
    /// Part of futures with any bad debt worth a dollar.
    pub frequency: f64,
    /// Sums on average.
    pub mean_sums: MeanSums,
    /// Bad debt of every future, in order of size, USD.
    #[serde(skip)]
    pub ordered: Vec<f64>,
}

/// Some sums on average, USD.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct MeanSums {
    /// Debt repaid.
    pub repaid: f64,
    /// Lost by borrowers.
    pub borrower_loss: f64,
    /// Earned by liquidators.
    pub liquidator_profit: f64,
    /// Borne by lenders.
    pub haircut: f64,
    /// Worst displacement of a price, as a part of it.
    pub impact_max: f64,
}

/// Runs many futures of a market under a rule.
///
/// # Errors
/// What the engine refuses, or an invariant that does not hold at the end of one.
pub fn bad_debt(setup: &Setup, rule: &Rule, paths: u64, progress: &(dyn Fn(u64) + Sync)) -> Result<BadDebt> {
    let one = |path| {
        let sums = sums(setup, rule.clone(), path);
        progress(1);
        sums
    };
    let all: Vec<Sums> = (0..paths).into_par_iter().map(one).collect::<Result<_>>()?;
    let count = all.len().max(1) as f64;
    let mean = |of: fn(&Sums) -> f64| all.iter().map(of).sum::<f64>() / count;
    let mut ordered: Vec<f64> = all.iter().map(Sums::bad_debt).collect();
    ordered.sort_unstable_by(f64::total_cmp);
    let average = mean(Sums::bad_debt);
    let variance = ordered.iter().map(|loss| (loss - average).powi(2)).sum::<f64>() / count;
    let (quantile_99, shortfall_99) = tail(&ordered, 0.99);
    Ok(BadDebt {
        paths,
        horizon_secs: setup.paths.step_secs * setup.paths.steps as u64,
        debt: super::run::totals(setup).1,
        mean: average,
        error: (variance / count).sqrt(),
        quantile_95: tail(&ordered, 0.95).0,
        quantile_99,
        shortfall_99,
        worst: ordered.last().copied().unwrap_or(0.0),
        frequency: ordered.iter().filter(|loss| **loss >= 1.0).count() as f64 / count,
        mean_sums: MeanSums {
            repaid: mean(|sums| sums.repaid),
            borrower_loss: mean(Sums::borrower_loss),
            liquidator_profit: mean(|sums| sums.liquidator_profit),
            haircut: mean(|sums| sums.haircut),
            impact_max: mean(|sums| sums.impact_max),
        },
        ordered,
    })
}
