//! Kind `sequence`: actions and prices on one market, and every balance at the end.
//!
//! Read first, so that a malformed case is an error before anything is played; then every action is played on a copy of the
//! market, as a transaction is, and kept where it was not refused.

mod actions;
mod config;
mod market;

use anyhow::Result;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::Now;

use super::decimal::ratio;
use super::fields::Fields;
use super::judged::Judged;
use actions::Step;
use market::Market;

/// When a market begins.
const BEGINNING: Now = Now { unix: 1_000_000_000, slot: 1_000 };

/// A time after the beginning, at two slots and a half a second.
fn at(secs: u64) -> Now {
    let later = i64::try_from(secs).unwrap_or(i64::MAX);
    let slots = secs.saturating_mul(5) / 2;
    Now { unix: BEGINNING.unix.saturating_add(later), slot: BEGINNING.slot.saturating_add(slots) }
}

/// Plays a sequence and compares what was refused, and all balances.
pub fn judge(case: &mut Judged) -> Result<()> {
    let mut market = config::market(&case.input)?;
    let steps = actions::steps(&case.input, &market)?;
    for (index, step) in steps.iter().enumerate() {
        play(case, &mut market, (index + 1, step), &at(step.at_secs));
    }
    let last_secs = steps.last().map_or(0, |step| step.at_secs);
    let end_secs = if case.input.has("end_secs") { case.input.integer("end_secs")? } else { last_secs };
    if end_secs < last_secs {
        return Err(case.input.wrong("end_secs", "no earlier than the last action"));
    }
    let now = at(end_secs);
    market.book_interest(&now);
    let mut known = vec!["abs_tol".to_owned()];
    for (name, got) in market.balances(&now) {
        case.balance(&name, got)?;
        known.push(name);
    }
    for (name, got) in reals(&market, &now)? {
        if case.output.has(&name) {
            case.real(&name, ratio(got))?;
        }
        known.push(name);
    }
    // A result nobody compares would pass whatever it says.
    require_known(&case.output, &known)?;
    case.output.object("abs_tol").map_or(Ok(()), |each| require_known(&each, &known))
}

fn require_known(fields: &Fields, known: &[String]) -> Result<()> {
    match fields.names().find(|name| !known.contains(name)) {
        Some(name) => Err(fields.wrong(name, "the name of a result of this market")),
        None => Ok(()),
    }
}

/// Plays one action, and compares where it, or the case, says that it is refused.
fn play(case: &mut Judged, market: &mut Market, (number, step): (usize, &Step), now: &Now) {
    let mut after = market.clone();
    let refusal = after.act(&step.action, now).err().map(|error| format!("{error:?}"));
    if refusal.is_none() {
        *market = after;
    }
    if refusal.is_some() || step.refused.is_some() {
        let name = format!("action {number} {}", step.verb);
        case.word(&name, step.refused.as_deref().unwrap_or("done"), refusal.as_deref().unwrap_or("done"));
    }
}

/// Numbers without a unit; compared where the case names them.
fn reals(market: &Market, now: &Now) -> Result<Vec<(String, Factor)>> {
    let mut reals = Vec::new();
    for (name, reserve) in market.reserves() {
        reals.push((format!("{name}.sigma"), reserve.sigma_initial(&reserve.reading)));
        reals.push((format!("{name}.sigma_maintenance"), reserve.sigma_maintenance(&reserve.reading, now)));
    }
    for (name, health) in market.healths(now) {
        reals.push((format!("{name}.health"), health));
    }
    Ok(reals)
}
