//! The keeper's own tokens, brought back to their bounds: what is too much is sold for one token, what is too little is
//! bought with it.

use plimsoll_client::accounts::Reserve;
use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::Value;
use plimsoll_engine::price::Price;
use plimsoll_engine::Now;

use super::trade::{less, signed};
use super::{Action, Reason, Terms, Verdict, What};
use crate::scene::Leg;

/// What cannot be exchanged whole is tried by half so often.
const HALVINGS: u32 = 6;

/// How the keeper's tokens are brought back to their bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebalance {
    /// Mint of the token that all others are sold for and bought with.
    pub home: Pubkey,
    /// Most that an exchange may bring less than the oracles' prices say, bps.
    pub slippage_bps: u64,
    /// Nothing smaller is exchanged, nano-dollars.
    pub least_nano_usd: u64,
}

/// An exchange to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Reserve of the token sold.
    pub from: Pubkey,
    /// Reserve of the token bought.
    pub to: Pubkey,
    /// Sold, atoms.
    pub amount_in: u64,
    /// Expected, atoms.
    pub amount_out: u64,
    /// Least, atoms.
    pub amount_out_min: u64,
}

/// A token with its price.
struct Priced<'a> {
    reserve: &'a Reserve,
    price: Price,
}

impl<'a> Priced<'a> {
    /// None where the price is not good enough to borrow at: nor is it to sell at.
    fn of(leg: &'a Leg, now: &Now) -> Result<Self, Reason> {
        let state = &leg.reserve.state;
        let reading = state.reading.newer(leg.offered.map(|offered| offered.reading));
        state.oracle_policy.permit_borrow(&reading, now).map_err(Reason::Refused)?;
        Ok(Self { reserve: &leg.reserve, price: reading.price_of(reading.price, state.decimals) })
    }
}

/// What to exchange, at most once for each token that has bounds. `legs`: all reserves.
pub fn decide_rebalance(legs: &[Leg], how: &Rebalance, now: &Now, terms: &Terms) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(home) = legs.iter().find(|leg| leg.reserve.mint() == how.home) else { return verdict };
    let mut budget = terms.purse.spendable(&how.home);
    for leg in legs.iter().filter(|leg| leg.reserve.mint() != how.home) {
        let mint = leg.reserve.mint();
        let (surplus, shortage) = (terms.purse.surplus(&mint), terms.purse.shortage(&mint));
        if surplus == 0 && shortage == 0 {
            continue;
        }
        match exchange(leg, home, (surplus, shortage), budget, how, now, terms) {
            Ok(Some((exchange, profit_nano_usd))) => {
                if exchange.from == home.reserve.address {
                    budget = budget.saturating_sub(exchange.amount_in);
                }
                let what = What::Rebalance(exchange);
                let (offers, health) = (Vec::new(), None);
                verdict.actions.push(Action { subject: mint, pair: None, what, offers, profit_nano_usd, health });
            }
            Ok(None) => {}
            Err(reason) => verdict.skip(mint, "rebalance", None, reason),
        }
    }
    verdict
}

/// The exchange of one token, and what it earns. None where it is too small to be worth one.
fn exchange(
    leg: &Leg,
    home: &Leg,
    (surplus, shortage): (u64, u64),
    budget: u64,
    how: &Rebalance,
    now: &Now,
    terms: &Terms,
) -> Result<Option<(Exchange, i128)>, Reason> {
    if terms.lists.deny.contains(&leg.reserve.mint()) {
        return Err(Reason::Denied);
    }
    let (own, home) = (Priced::of(leg, now)?, Priced::of(home, now)?);
    let is_worth = |value: Value| value.0 >= how.least_nano_usd.into();
    if surplus > 0 {
        if !is_worth(own.price.value_floor(surplus)) {
            return Ok(None);
        }
        return largest(&own, &home, surplus, how, terms).map(Some);
    }
    let worth = own.price.value_floor(shortage);
    if !is_worth(worth) {
        return Ok(None);
    }
    // No more than is short, by the oracles' prices: what is bought above it would be sold again.
    let amount_in = home.price.atoms_floor(worth).min(budget);
    if !is_worth(home.price.value_floor(amount_in)) {
        return Err(Reason::NoFunds);
    }
    largest(&home, &own, amount_in, how, terms).map(Some)
}

/// The largest exchange within the slippage, of the whole, its half, a quarter, and so on.
fn largest(from: &Priced, to: &Priced, whole: u64, how: &Rebalance, terms: &Terms) -> Result<(Exchange, i128), Reason> {
    let mut refusal = Reason::NoExit;
    for halving in 0..=HALVINGS {
        let amount_in = whole >> halving;
        let worth = from.price.value_floor(amount_in);
        if worth.0 < how.least_nano_usd.into() {
            break;
        }
        let Some(amount_out) = terms.venue.quote(from.reserve, to.reserve, amount_in) else { continue };
        let least = less(to.price.atoms_floor(worth), how.slippage_bps);
        if amount_out < least {
            refusal = Reason::Slippage;
            continue;
        }
        let amount_out_min = least.max(less(amount_out, terms.tolerance_bps));
        let cost = terms.fees.cost_nano_usd(terms.venue.units());
        let paid = signed(from.price.value_ceil(amount_in));
        let profit_nano_usd = signed(to.price.value_floor(amount_out)) - paid - cost;
        let (from, to) = (from.reserve.address, to.reserve.address);
        return Ok((Exchange { from, to, amount_in, amount_out, amount_out_min }, profit_nano_usd));
    }
    Err(refusal)
}
