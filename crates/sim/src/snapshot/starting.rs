//! A scenario to start from: what a snapshot leaves open, with what counts where nobody says otherwise.

use std::fmt::Write as _;

use plimsoll_client::Pubkey as Address;
use plimsoll_engine::state::ReserveState;

use super::Snapshot;
use crate::agents::LiquidatorTerms;
use crate::feed::{usd, FeedTerms};
use crate::report::{percent, usd as money};
use crate::scenario::live::{names, sigma, venue};

/// Days that a run of it takes.
const DAYS: u64 = 1;
/// Seconds of a day.
const DAY_SECS: u64 = 86_400;

/// The text of a scenario over a snapshot in `file`. It says what would count without its tokens too: to be changed.
pub fn scenario(snapshot: &Snapshot, file: &str) -> String {
    let step_secs = snapshot.market.policy.sighting_secs.max(1);
    let mut text = format!(
        "# A market as it was on the chain at slot {slot}, unix time {unix}. The snapshot says what the chain knows: prices,\n\
         # decimals, terms, positions, what lenders, insurance and backstop have; what stands here is what it does not know.\n\
         name = \"Market {market} at slot {slot}\"\n\
         snapshot = {file:?}\n\
         seed = 1\n\
         step_secs = {step_secs}                # what the market's sightings vouch for; longer steps make them vouch for longer\n\
         steps = {steps}\n",
        slot = snapshot.now.slot,
        unix = snapshot.now.unix,
        market = snapshot.address,
        steps = (DAYS * DAY_SECS).div_ceil(step_secs),
    );
    for ((key, state), name) in snapshot.reserves.iter().zip(names(snapshot)) {
        text += &token(&Address::from(*key), state, &name);
    }
    let LiquidatorTerms { count, capital, latency_secs, min_profit, cost, turnaround_secs } =
        LiquidatorTerms::default();
    let _ = write!(
        text,
        "\n# Who liquidates: how many of the kind, and of each its money, USD, and patience.\n\
         [[liquidator]]\n\
         count = {count}\n\
         capital = {capital:?}\n\
         latency_secs = {latency_secs}\n\
         min_profit = {min_profit:?}\n\
         cost = {cost:?}\n\
         turnaround_secs = {turnaround_secs}\n"
    );
    text
}

fn token(address: &Address, state: &ReserveState, name: &str) -> String {
    let unit = 10f64.powi(i32::from(state.decimals));
    let price = usd(&state.reading);
    let worth = |atoms: u64| money(atoms as f64 / unit * price);
    let venue = venue(state);
    let feed = FeedTerms::default();
    format!(
        "\n# Mint {mint}: {price} USD, {decimals} decimals, {collateral} USD of collateral, {debt} USD of debt;\n\
         # volatility {sigma_part} a day as recorded, depth {depth} tokens as configured.\n\
         [[token]]\n\
         reserve = \"{address}\"\n\
         name = {name:?}                # the chain knows none: call it what you like\n\
         path = {{ kind = \"gbm\", sigma = {sigma:?} }}\n\
         venue = {{ depth_ratio = {depth_ratio:?}, refill_secs = {refill_secs:?}, permanent = {permanent:?}, is_cash = {is_cash} }}\n\
         feed = {{ delay_secs = {delay_secs}, confidence_bps = {confidence_bps}, confidence_move = {confidence_move:?} }}\n",
        mint = Address::from(state.mint),
        decimals = state.decimals,
        collateral = worth(state.collateral_atoms),
        debt = worth(state.total_debt_atoms()),
        sigma_part = percent(sigma(state)),
        depth = state.risk.depth_atoms as f64 / unit,
        sigma = sigma(state),
        depth_ratio = venue.depth_ratio,
        refill_secs = venue.refill_secs,
        permanent = venue.permanent,
        is_cash = venue.is_cash,
        delay_secs = feed.delay_secs,
        confidence_bps = feed.confidence_bps,
        confidence_move = feed.confidence_move,
    )
}
