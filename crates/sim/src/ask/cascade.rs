//! How far it is to a cascade: by how much a forced sale moves the price, and how much more that move makes others sell.
//!
//! ```text
//! R(f) = (what is sold more for a little more fall at f) * (how far a small sale moves the price)
//! ```
//!
//! Below one a wave of sales dies out; at one each sale brings about another of its size. It is the worst case of timing: everybody
//! sells to target at once, nobody buys back, and neither throttle nor time is counted. Depth is that of the moment before: in a fall
//! that makes markets thin, less of one is needed.

use anyhow::{Context, Result};
use serde::Serialize;

use super::shock::{shocks, Shock};
use crate::generate::Setup;

/// Reproduction number of forced sales after a fall.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reproduction {
    /// Part of the price that is lost.
    pub fall: f64,
    /// What would be sold by then, USD.
    pub sold: f64,
    /// Sales brought about by a sale, as a part of it.
    pub number: f64,
}

/// What there is to know of a cascade.
#[derive(Clone, Debug, Serialize)]
pub struct Cascade {
    /// By fall.
    pub reproduction: Vec<Reproduction>,
    /// The first fall at which a sale brings about one of its size; none within those looked at.
    pub begins_at: Option<f64>,
    /// Impact of a sale of a hundredth of the depth, as a part of the price.
    pub impact: f64,
}

/// Reproduction numbers of one collateral's sales up to a fall.
///
/// # Errors
/// What the engine refuses that it never should.
pub fn cascade(
    setup: &Setup,
    token: usize,
    most: f64,
    count: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Cascade> {
    let shocks = shocks(setup, &[token], most, count, progress)?;
    let price = setup.scenario.tokens[token].price;
    let sim = setup.sim(crate::rules::Rule::Plimsoll);
    let venue = sim.venues.get(token).context("a venue of the token")?;
    let small = venue.depth() * 0.01;
    let decimals = setup.scenario.tokens[token].decimals;
    let moved = {
        let mut after = venue.clone();
        after.sell(crate::terms::atoms(small, decimals));
        1.0 - after.spot() / venue.spot()
    };
    // A part of the price, for a token sold.
    let per_token = moved / small;
    let number = |pair: &[Shock]| -> Option<Reproduction> {
        let [before, after] = pair else { return None };
        // Whole tokens, because the value of what was to be sold anyway falls with the price.
        let tokens = |shock: &Shock| shock.sold / (price * (1.0 - shock.fall));
        let more = (tokens(after) - tokens(before)).max(0.0) / (after.fall - before.fall);
        Some(Reproduction { fall: after.fall, sold: after.sold, number: more * per_token * (1.0 - after.fall) })
    };
    let reproduction: Vec<Reproduction> = shocks.windows(2).filter_map(number).collect();
    let begins_at = reproduction.iter().find(|it| it.number >= 1.0).map(|it| it.fall);
    Ok(Cascade { reproduction, begins_at, impact: moved })
}
