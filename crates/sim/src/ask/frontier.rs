//! Which parameters lose least for what borrowing power: the same borrowers, who use the same part of what they may borrow,
//! under different terms of one collateral. Over a snapshot nobody borrows anew: it is the book as it was.

use anyhow::{Context, Result};
use plimsoll_watch::Weighing;
use serde::Serialize;

use super::bad_debt::bad_debt;
use crate::generate::Setup;
use crate::rules::Rule;
use crate::scenario::{Overrides, Scenario};

/// A set of parameters, and what it comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// What differs from the scenario.
    pub set: Overrides,
    /// What a position of the median size may owe, as a part of its collateral, before it can be liquidated.
    pub power: f64,
    /// Debt at the start, USD.
    pub debt: f64,
    /// Bad debt on average, as a part of the debt.
    pub mean: f64,
    /// Bad debt in the worst of a hundred futures, as a part of the debt.
    pub quantile_99: f64,
    /// What borrowers lost by liquidations on average, as a part of the debt.
    pub borrower_loss: f64,
    /// No other set loses less at no less power.
    pub is_efficient: bool,
}

/// What every combination of these values of a collateral's settings comes to, in the market that there is. Healths of the book are drawn alike, so who
/// may borrow more does; those of a snapshot's positions are what its debts make of them.
///
/// # Errors
/// A combination that the engine refuses, by its values; what a run refuses.
pub fn frontier(
    scenario: &Scenario,
    token: usize,
    grid: &[(String, Vec<u64>)],
    paths: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Point>> {
    let mut sets = vec![Overrides::new()];
    for (name, values) in grid {
        let with = |set: &Overrides| {
            let each = |value: &u64| {
                let mut set = set.clone();
                set.insert(name.clone(), *value);
                set
            };
            values.iter().map(each).collect::<Vec<_>>()
        };
        sets = sets.iter().flat_map(with).collect();
    }
    let mut points = Vec::new();
    for set in sets {
        points.push(point(scenario, token, &set, paths, progress).with_context(|| format!("{set:?}"))?);
    }
    let dominated = |point: &Point| {
        let better = |other: &Point| {
            let is_no_worse = other.power >= point.power && other.quantile_99 <= point.quantile_99;
            is_no_worse && (other.power > point.power || other.quantile_99 < point.quantile_99)
        };
        points.iter().any(better)
    };
    let efficient: Vec<bool> = points.iter().map(|point| !dominated(point)).collect();
    points.iter_mut().zip(efficient).for_each(|(point, is)| point.is_efficient = is);
    Ok(points)
}

fn point(
    scenario: &Scenario,
    index: usize,
    set: &Overrides,
    paths: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Point> {
    let mut changed = scenario.clone();
    let terms = changed.tokens.get_mut(index).context("a token")?;
    terms.laid.clone_from(set);
    let setup = Setup::new(&changed)?;
    let lost = bad_debt(&setup, &Rule::Plimsoll, paths, progress)?;
    let lens = setup.lenses(Weighing::Sale);
    let lens = lens.get(index).context("a lens")?;
    let token = &changed.tokens[index];
    let size = setup.scenario.live.as_ref().and_then(|_| setup.median_size(index)).unwrap_or(changed.book.size_median);
    let atoms = crate::terms::atoms(size / token.price, token.decimals);
    let power = lens.collateral(atoms).0 as f64 / lens.plain_collateral(atoms).0.max(1) as f64;
    let part = |usd: f64| usd / lost.debt.max(f64::MIN_POSITIVE);
    Ok(Point {
        set: set.clone(),
        power,
        debt: lost.debt,
        mean: part(lost.mean),
        quantile_99: part(lost.quantile_99),
        borrower_loss: part(lost.mean_sums.borrower_loss),
        is_efficient: false,
    })
}
