//! What a fall at once would do: how much could be liquidated, what a forced sale would leave unpaid, and how many more sales
//! each sale brings about.

use anyhow::{anyhow, Result};
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::liquidation::is_terminal;
use plimsoll_engine::price::Reading;
use plimsoll_watch::Weighing;
use rayon::prelude::*;
use serde::Serialize;

use crate::book::Id;
use crate::chain::{Chain, Old};
use crate::generate::Setup;
use crate::screen::health;

/// What a shock does.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Shock {
    /// Part of the price that is lost.
    pub fall: f64,
    /// Positions that could be liquidated, number.
    pub liquidatable: u64,
    /// Their debt, USD.
    pub debt: f64,
    /// Their collateral at the shocked price, USD.
    pub collateral: f64,
    /// What liquidations to target would sell, USD at the shocked price, without the throttle.
    pub sold: f64,
    /// Debt beyond the plain value of collateral, USD.
    pub insolvent: f64,
    /// Debt beyond what a forced sale of each position alone brings: the engine's expected loss, USD.
    pub shortfall: f64,
    /// Debt of positions in the terminal state, USD.
    pub terminal: f64,
}

impl Shock {
    fn plus(self, other: Self) -> Self {
        Self {
            fall: self.fall,
            liquidatable: self.liquidatable + other.liquidatable,
            debt: self.debt + other.debt,
            collateral: self.collateral + other.collateral,
            sold: self.sold + other.sold,
            insolvent: self.insolvent + other.insolvent,
            shortfall: self.shortfall + other.shortfall,
            terminal: self.terminal + other.terminal,
        }
    }
}

/// The market with prices of these tokens lower by a part at once; volatility stays what it was. All prices are of now: who
/// falls is published, and what is kept of a live market may have grown old.
pub fn shocked(setup: &Setup, tokens: &[usize], fall: f64) -> Chain {
    let mut chain = setup.chain.clone();
    for token in tokens {
        let Some(reserve) = chain.reserves.get_mut(*token) else { continue };
        let left = |number: u64| ((number as f64 * (1.0 - fall)) as u64).max(1);
        let old = reserve.reading;
        reserve.reading = Reading { price: left(old.price), average: left(old.average), ..old };
    }
    // A sample of the fall itself would raise volatility too: the next minutes do that, not this question.
    for reserve in &mut chain.reserves {
        reserve.reading.publish_time = chain.now.unix;
        reserve.stale_noticed_at = 0;
        reserve.volatility.sampled_at = reserve.reading.publish_time;
        reserve.volatility.sampled_price = reserve.reading.price;
        reserve.volatility.sampled_exponent = i64::from(reserve.reading.exponent);
        // The throttle is the pace of sales, not their amount.
        reserve.bonus.throttle_share_bps = 10_000;
        reserve.throttle_depth_atoms = u64::MAX / 4;
    }
    chain
}

/// What a fall of these tokens does.
///
/// # Errors
/// What the engine refuses that it never should.
pub fn shock(setup: &Setup, tokens: &[usize], fall: f64) -> Result<Shock> {
    let chain = shocked(setup, tokens, fall);
    let lenses = chain.lenses(|_| Weighing::Sale);
    let none = || Shock { fall, ..Shock::default() };
    let one = |id: Id| -> Result<Shock> {
        if health(&chain.book, &lenses, id).0 >= Factor::ONE {
            return Ok(none());
        }
        of_position(&chain, id, fall)
    };
    chain.book.ids().into_par_iter().map(one).try_reduce(none, |a, b| Ok(a.plus(b)))
}

fn of_position(chain: &Chain, id: Id, fall: f64) -> Result<Shock> {
    let refused = |error| anyhow!("position {id}: {error:?}");
    let usd = |value: Value| value.0 as f64 / 1e9;
    let exposure = chain.exposure(id, Old::Fade).map_err(refused)?;
    let (collateral, debt) = (exposure.collateral_value(), exposure.debt_value());
    // One pair after the other would be sold; the first that goes through says how much.
    let pairs = (0..exposure.collaterals().len()).flat_map(|i| (0..exposure.debts().len()).map(move |j| (i, j)));
    let seized = pairs.filter_map(|pair| {
        let plan = chain.plan(id, &exposure, pair, u64::MAX).ok()?;
        Some(usd(exposure.collaterals().get(pair.0)?.price.value_floor(plan.seize_atoms)))
    });
    let is_lost = is_terminal(collateral, debt, &chain.market.policy);
    Ok(Shock {
        fall,
        liquidatable: 1,
        debt: usd(debt),
        collateral: usd(collateral),
        sold: seized.fold(0.0, f64::max),
        insolvent: usd(debt.minus(collateral)),
        shortfall: usd(exposure.expected_loss()),
        terminal: if is_lost { usd(debt) } else { 0.0 },
    })
}

/// Falls from one part to another, so many.
///
/// # Errors
/// As [`shock`].
pub fn shocks(
    setup: &Setup,
    tokens: &[usize],
    most: f64,
    count: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Shock>> {
    let fall = |index: usize| most * index as f64 / count.max(1) as f64;
    let one = |index| {
        let shock = shock(setup, tokens, fall(index));
        progress(1);
        shock
    };
    (0..=count).map(one).collect()
}
