//! What keeps the market safe, and mostly pays nothing.

use plimsoll_client::accounts::{Backstop, BackstopProvider};
use plimsoll_engine::health::Exposure;
use plimsoll_engine::settlement::{require_default, require_known_prices};
use plimsoll_engine::standing::Sighting;
use plimsoll_engine::{EngineError, Now};

use super::trade::{self, signed};
use super::{units, Action, Reason, Terms, Verdict, What};
use crate::scene::{Leg, Old, Scene};

/// What to do about a position that nobody trades with: settle, mark, flag, in this order.
pub(super) fn decide_chore(scene: &Scene, terms: &Terms, verdict: &mut Verdict) -> Option<Action> {
    let kept = scene.exposure(Old::Keep, None).ok()?;
    let subject = scene.position.address;
    let steps: [(&'static str, Step); 3] =
        [("settle_default", settle), ("mark_default", mark), ("flag_position", flag)];
    for (name, step) in steps {
        match step(scene, &kept) {
            Ok(chore) => {
                let profit_nano_usd = chore.earned_nano_usd - terms.fees.cost_nano_usd(units::CHORE);
                if let Err(reason) = trade::pays_or_is_chore(profit_nano_usd, terms) {
                    verdict.skip(subject, name, chore.pair, reason);
                    continue;
                }
                let Chore { what, pair, .. } = chore;
                let health = Some(kept.health());
                let offers = scene.offers(pair);
                return Some(Action { subject, pair, what, offers, profit_nano_usd, health });
            }
            // What is not due is no opportunity.
            Err(Reason::Refused(EngineError::NotInDefault | EngineError::NotTerminal | EngineError::Healthy)) => {}
            Err(reason) => verdict.skip(subject, name, None, reason),
        }
    }
    None
}

/// What finds out whether one is due.
type Step = fn(&Scene, &Exposure) -> Result<Chore, Reason>;

/// One of them.
struct Chore {
    what: What,
    pair: Option<(usize, usize)>,
    earned_nano_usd: i128,
}

fn settle(scene: &Scene, kept: &Exposure) -> Result<Chore, Reason> {
    require_default(kept, &scene.market.state.policy).map_err(Reason::Refused)?;
    Ok(Chore { what: What::Settle, pair: None, earned_nano_usd: 0 })
}

fn mark(scene: &Scene, kept: &Exposure) -> Result<Chore, Reason> {
    let (policy, now) = (&scene.market.state.policy, &scene.now);
    let favourable = scene.exposure(Old::Favour, None).map_err(Reason::Refused)?;
    require_known_prices(&favourable).map_err(Reason::Refused)?;
    let before = &scene.position.state;
    let mut position = *before;
    position.mark(&favourable, kept, policy, now).map_err(Reason::Refused)?;
    // A mark is booked anew well before it lapses, and what is provided for is let go once an auction time.
    let is_new = position.is_marked(policy, now) && !before.is_marked(policy, now);
    let silent_secs = u64::try_from(now.unix.saturating_sub(before.provisioned_at)).unwrap_or(0);
    if !is_new && silent_secs < policy.auction_secs {
        return Err(Reason::TooSoon);
    }
    let tip_atoms = tip(scene, &favourable, position).unwrap_or(0);
    let price = kept.debts().first().map(|leg| leg.price).unwrap_or_default();
    Ok(Chore { what: What::Mark { tip_atoms }, pair: None, earned_nano_usd: signed(price.value_floor(tip_atoms)) })
}

/// What the program will pay for the mark: its own steps for the first debt, on copies.
fn tip(scene: &Scene, favourable: &Exposure, mut position: plimsoll_engine::state::PositionState) -> Option<u64> {
    let (policy, now) = (&scene.market.state.policy, &scene.now);
    let against = scene.exposure(Old::Against, None).ok()?;
    let leg = scene.debts().first()?;
    let mut reserve = leg.reserve.state;
    reserve.keep_reading(leg.offered.map(|offered| offered.reading).as_ref(), now);
    reserve.accrue(now.unix);
    let loss = position.expect_loss(favourable, &against, 0);
    let provided_atoms = position.provide(0, loss, &mut reserve, policy, now).ok()?;
    let price = scene.exposure(Old::Keep, None).ok()?.debts().first()?.price;
    Some(position.pay_marker(provided_atoms, price, &mut reserve, policy))
}

fn flag(scene: &Scene, _: &Exposure) -> Result<Chore, Reason> {
    let (policy, now) = (&scene.market.state.policy, &scene.now);
    let before = &scene.position.state;
    let mut refusal = Reason::Refused(EngineError::Healthy);
    for pair in scene.pairs() {
        let Some(mut view) = scene.view(pair) else { continue };
        view.standing.order = None;
        let plan = trade::plan(scene, &view, u64::MAX);
        let mut position = *before;
        match position.see(&view.exposure, &plan, view.prices, policy, now) {
            Ok(Sighting::Flagged { .. }) if !is_sighting_due(scene) => return Err(Reason::TooSoon),
            Ok(_) => return Ok(Chore { what: What::Flag, pair: Some(pair), earned_nano_usd: 0 }),
            Err(error) => refusal = Reason::Refused(error),
        }
    }
    Err(refusal)
}

/// Whether a new sighting would count time: a live flag is vouched for that long.
fn is_sighting_due(scene: &Scene) -> bool {
    let (policy, now, position) = (&scene.market.state.policy, &scene.now, &scene.position.state);
    let since = u64::try_from(now.unix.saturating_sub(position.auction_counted_at)).unwrap_or(0);
    !position.is_flagged(policy, now) || since >= policy.sighting_secs
}

/// What to do about a reserve: walk its terms and take a newer price where that is due, or notice that its price is old.
/// `refresh_secs`: how old its kept price may grow while a newer one is at hand.
pub fn decide_reserve(leg: &Leg, refresh_secs: u64, now: &Now, terms: &Terms) -> Verdict {
    let mut verdict = Verdict::default();
    let (subject, state) = (leg.reserve.address, &leg.reserve.state);
    let offers = |leg: &Leg| {
        let offer = |offered: crate::book::Offered| plimsoll_client::instructions::Offer {
            reserve: leg.reserve.address,
            price: offered.price,
        };
        leg.offered.map(offer).into_iter().collect::<Vec<_>>()
    };
    let mut walked = *state;
    let is_due = walked.walk_terms(now) || state.reading.age_secs(now.unix) > refresh_secs;
    let what = match leg.offered {
        Some(_) if is_due => What::Refresh,
        None if walked.notice_stale(now).is_ok() => What::Notice,
        _ => return verdict,
    };
    let profit_nano_usd = -terms.fees.cost_nano_usd(units::CHORE);
    if !terms.does_chores {
        verdict.skip(subject, what.name(), None, Reason::NotPaid);
        return verdict;
    }
    let action = Action { subject, pair: None, what, offers: offers(leg), profit_nano_usd, health: None };
    verdict.actions.push(action);
    verdict
}

/// Whether a provider's deposit may join its pool.
pub fn decide_join(pool: &Backstop, provider: &BackstopProvider, now: &Now, terms: &Terms) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut after, mut joined) = (pool.state, provider.state);
    if after.join(&mut joined, now).is_err() {
        return verdict;
    }
    let (subject, what) = (provider.address, What::Join);
    if !terms.does_chores {
        verdict.skip(subject, what.name(), None, Reason::NotPaid);
        return verdict;
    }
    let profit_nano_usd = -terms.fees.cost_nano_usd(units::CHORE);
    verdict.actions.push(Action { subject, pair: None, what, offers: Vec::new(), profit_nano_usd, health: None });
    verdict
}
