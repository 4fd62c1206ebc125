//! What happens in a scenario: one path, told step by step; and the same under other rules.

use anyhow::{bail, Result};
use rayon::prelude::*;
use serde::Serialize;

use crate::generate::Setup;
use crate::outcome::{Moment, Sums};
use crate::rules::Rule;

/// Moments that are kept of a run, at most: as many as a picture shows.
const MOMENTS: usize = 720;

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Rule.
    pub rule: String,
    /// What it came to.
    pub sums: Sums,
    /// How it went.
    pub moments: Vec<Moment>,
    /// Positions, number.
    pub positions: usize,
    /// All collateral at the start, USD.
    pub collateral: f64,
    /// All debt at the start, USD.
    pub debt: f64,
}

/// Called with every step.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Runs a path of a market under a rule.
///
/// # Errors
/// What the engine refuses, or an invariant that does not hold at the end.
pub fn run(setup: &Setup, rule: Rule, path: u64, progress: Progress) -> Result<Run> {
    let mut sim = setup.sim(rule);
    let (collateral, debt) = totals(setup);
    let prices = setup.paths.path(path);
    let width = setup.paths.tokens();
    let stride = setup.paths.steps.div_ceil(MOMENTS).max(1);
    let mut moments = Vec::new();
    for (index, step) in prices.chunks(width.max(1)).enumerate() {
        sim.step(setup.paths.step_secs, step)?;
        if index % stride == 0 || index + 1 == setup.paths.steps {
            moments.push(sim.moment());
        }
        progress(1);
    }
    let sums = sim.finish()?;
    let name = sim.rule.name().to_owned();
    Ok(Run { rule: name, sums, moments, positions: setup.chain.book.len(), collateral, debt })
}

/// Only what a path comes to.
///
/// # Errors
/// As [`run`].
pub fn sums(setup: &Setup, rule: Rule, path: u64) -> Result<Sums> {
    let mut sim = setup.sim(rule);
    let prices = setup.paths.path(path);
    for step in prices.chunks(setup.paths.tokens().max(1)) {
        sim.step(setup.paths.step_secs, step)?;
    }
    sim.finish()
}

/// What is compared: the program's rule, the same without its backstop where it has one, and the others, which have none. Each
/// with its market and its name.
pub fn compared(setup: &Setup) -> Vec<(Setup, Rule, String)> {
    let mut bare = setup.clone();
    bare.close_pools();
    let named = |setup: &Setup, rule: Rule| (setup.clone(), rule.clone(), rule.name().to_owned());
    let mut all = vec![named(setup, Rule::Plimsoll)];
    if setup.chain.pools.iter().any(Option::is_some) {
        all.push((bare.clone(), Rule::Plimsoll, format!("{}, no backstop", Rule::Plimsoll.name())));
    }
    all.extend(bare.rules().into_iter().skip(1).map(|rule| named(&bare, rule)));
    all
}

/// Runs the same path under every rule, and under the program's without its backstop.
///
/// # Errors
/// As [`run`].
pub fn compare(setup: &Setup, path: u64, progress: Progress) -> Result<Vec<Run>> {
    let one = |(setup, rule, name): (Setup, Rule, String)| Ok(Run { rule: name, ..run(&setup, rule, path, progress)? });
    compared(setup).into_par_iter().map(one).collect()
}

/// All collateral and all debt at the start, USD.
pub fn totals(setup: &Setup) -> (f64, f64) {
    let usd = |index: usize, atoms: u64| {
        let token = &setup.scenario.tokens[index];
        atoms as f64 / 10f64.powi(i32::from(token.decimals)) * token.price
    };
    let reserves = || setup.chain.reserves.iter().enumerate();
    let collateral = reserves().map(|(index, reserve)| usd(index, reserve.collateral_atoms)).sum();
    let debt = reserves().map(|(index, reserve)| usd(index, reserve.total_debt_atoms())).sum();
    (collateral, debt)
}

/// A figure of a run by its name, as scenarios compare them with what is known of the event.
///
/// # Errors
/// That there is none of the name.
pub fn figure(setup: &Setup, run: &Run, what: &str) -> Result<f64> {
    let (name, token) = what.split_once(':').unwrap_or((what, ""));
    let lowest = |prices: fn(&Moment) -> &Vec<f64>| -> Result<f64> {
        let index = setup.scenario.token(token)?;
        Ok(run.moments.iter().filter_map(|it| prices(it).get(index)).copied().fold(f64::INFINITY, f64::min))
    };
    let highest = |prices: fn(&Moment) -> &Vec<f64>| -> Result<f64> {
        let index = setup.scenario.token(token)?;
        Ok(run.moments.iter().filter_map(|it| prices(it).get(index)).copied().fold(0.0, f64::max))
    };
    let first = || -> Result<f64> { Ok(setup.scenario.tokens[setup.scenario.token(token)?].price) };
    Ok(match name {
        "fall" => 1.0 - lowest(|it| &it.spot)? / first()?,
        "rise" => highest(|it| &it.spot)? / first()? - 1.0,
        "low" => lowest(|it| &it.spot)?,
        "high" => highest(|it| &it.spot)?,
        "bad_debt" => run.sums.bad_debt(),
        "bad_debt_part" => run.sums.bad_debt() / run.debt,
        "repaid" => run.sums.repaid,
        "seized" => run.sums.seized,
        "repaid_part" => run.sums.repaid / run.debt,
        "liquidations" => run.sums.liquidations as f64,
        "impact_max" => run.sums.impact_max,
        other => bail!("a run has no figure {other}"),
    })
}
