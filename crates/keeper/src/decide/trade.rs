//! Trades: a liquidation with own or borrowed money, and one with the backstop's.

use plimsoll_engine::backstop::absorption::{plan_absorption, AbsorptionRequest, Buyer};
use plimsoll_engine::fixed::{mul_div_floor, saturate, Factor, Value, BPS};
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::state::RESERVE_CLOSED;
use plimsoll_engine::EngineError;

use super::{units, Action, Exit, Funding, Reason, Terms, Trade, Verdict, What};
use crate::scene::{Leg, Scene, View};

/// A value as a signed number of nano-dollars.
pub(super) fn signed(value: Value) -> i128 {
    i128::try_from(value.0).unwrap_or(i128::MAX)
}

/// So much less, by bps, rounded down.
pub(super) fn less(atoms: u64, bps: u64) -> u64 {
    let kept = BPS.saturating_sub(bps);
    mul_div_floor(atoms.into(), kept.into(), BPS.into()).map_or(0, saturate)
}

/// So much more, by bps, rounded up.
fn more(atoms: u64, bps: u64) -> u64 {
    atoms.saturating_add((atoms - less(atoms, bps)).saturating_add(1))
}

/// What the engine plans for a bound on the repayment.
///
/// # Errors
/// The engine's.
pub(super) fn plan(scene: &Scene, view: &View, repay_max_atoms: u64) -> Result<LiquidationPlan, EngineError> {
    let (collateral, debt) = view.pair;
    let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms: 0 };
    let policy = &scene.market.state.policy;
    plan_liquidation(&view.exposure, &view.sale, policy, &view.standing, &request, &scene.now)
}

/// The most profitable liquidation of the position.
pub(super) fn liquidations(scene: &Scene, terms: &Terms, verdict: &mut Verdict) -> Option<Action> {
    best(scene, "liquidate", verdict, |view| {
        let pair = Pair::of(scene, terms, view).ok_or(Reason::Refused(EngineError::LegMismatch))?;
        let whole = plan(scene, view, u64::MAX).map_err(Reason::Refused)?;
        terms.lists.permit(&pair.seized.reserve)?;
        let (trade, profit_nano_usd) = pair.trade(&whole)?;
        Ok((What::Liquidate(trade), profit_nano_usd))
    })
}

/// The best of all pairs, and a reason for each of the others that was refused.
fn best(
    scene: &Scene,
    what: &'static str,
    verdict: &mut Verdict,
    each: impl Fn(&View) -> Result<(What, i128), Reason>,
) -> Option<Action> {
    let mut best: Option<Action> = None;
    let subject = scene.position.address;
    for pair in scene.pairs() {
        let Some(view) = scene.view(pair) else { continue };
        match each(&view) {
            Ok((what, profit_nano_usd)) => {
                let health = Some(view.exposure.health());
                let action = Action { subject, pair: Some(pair), what, offers: view.offers, profit_nano_usd, health };
                if best.as_ref().is_none_or(|best| profit_nano_usd > best.profit_nano_usd) {
                    if let Some(second) = best.replace(action) {
                        verdict.skip(subject, second.what.name(), second.pair, Reason::Later);
                    }
                } else {
                    verdict.skip(subject, action.what.name(), action.pair, Reason::Later);
                }
            }
            // Nothing is left alone where there is nothing.
            Err(Reason::Refused(EngineError::Healthy)) => {}
            Err(reason) => verdict.skip(subject, what, Some(pair), reason),
        }
    }
    best
}

/// A pair with all that its trade depends on.
struct Pair<'a> {
    scene: &'a Scene,
    terms: &'a Terms<'a>,
    view: &'a View,
    seized: &'a Leg,
    repaid: &'a Leg,
}

impl<'a> Pair<'a> {
    fn of(scene: &'a Scene, terms: &'a Terms<'a>, view: &'a View) -> Option<Self> {
        let (seized, repaid) = (scene.collaterals().get(view.pair.0)?, scene.debts().get(view.pair.1)?);
        Some(Self { scene, terms, view, seized, repaid })
    }

    /// The most profitable way to pay for it and to get rid of the collateral.
    fn trade(&self, whole: &LiquidationPlan) -> Result<(Trade, i128), Reason> {
        let ways = [self.with_own(whole), self.with_flash(whole)];
        let paying = ways.iter().flatten().max_by_key(|(_, profit)| *profit);
        let Some((trade, profit)) = paying else {
            // The reason worth telling: what own money met, unless there is none and borrowing got further.
            let [own, flash] = ways;
            return Err(match (own.err(), flash.err()) {
                (Some(Reason::NoFunds), Some(reason)) | (Some(reason), _) | (None, Some(reason)) => reason,
                (None, None) => Reason::NoFunds,
            });
        };
        if *profit < self.terms.min_profit_nano_usd {
            return Err(Reason::Unprofitable);
        }
        Ok((*trade, *profit))
    }

    /// With own money: all that is planned, or as much of it as there is money for.
    fn with_own(&self, whole: &LiquidationPlan) -> Result<(Trade, i128), Reason> {
        let mint = self.repaid.reserve.mint();
        let funds = self.terms.purse.spendable(&mint);
        let asked = whole.repay_atoms.saturating_add(whole.fee_atoms);
        let (plan, repay_max_atoms) = if asked <= funds {
            let slack = more(whole.repay_atoms, self.terms.tolerance_bps);
            // What a second of interest adds must not fail for want of an atom, nor for want of money.
            (*whole, slack.min(funds.saturating_sub(whole.fee_atoms)))
        } else {
            let part = mul_div_floor(funds.into(), whole.repay_atoms.into(), asked.max(1).into());
            let bound = part.map_or(0, saturate);
            if bound == 0 {
                return Err(Reason::NoFunds);
            }
            let plan = plan(self.scene, self.view, bound).map_err(|error| match error {
                EngineError::RepayMaxBelowDust | EngineError::NothingToSeize => Reason::NoFunds,
                error => Reason::Refused(error),
            })?;
            if plan.repay_atoms.saturating_add(plan.fee_atoms) > funds {
                return Err(Reason::NoFunds);
            }
            (plan, bound)
        };
        let seize_min_atoms = less(plan.seize_atoms, self.terms.tolerance_bps);
        let (exit, worth, swap_units) = self.exit(&plan, seize_min_atoms)?;
        let paid = self.debt_value(plan.repay_atoms.saturating_add(plan.fee_atoms));
        let cost = self.terms.fees.cost_nano_usd(units::LIQUIDATE + swap_units);
        let trade = Trade { plan, repay_max_atoms, seize_min_atoms, funding: Funding::Own, exit };
        Ok((trade, worth - paid - cost))
    }

    /// With borrowed money: only where the sale of the collateral pays it back at once.
    fn with_flash(&self, whole: &LiquidationPlan) -> Result<(Trade, i128), Reason> {
        let market = &self.scene.market.state;
        let reserve = &self.view.repaid;
        let is_running = market.require_running(Pausable::FlashBorrow, &self.scene.now).is_ok();
        if !self.terms.uses_flash || !is_running || reserve.status == RESERVE_CLOSED || reserve.flash.is_open() {
            return Err(Reason::NoFunds);
        }
        let spent = whole.repay_atoms.saturating_add(whole.fee_atoms);
        let principal_atoms = more(spent, self.terms.tolerance_bps);
        let taken = reserve.insurance_accrued_atoms.saturating_add(reserve.fee_accrued_atoms);
        if principal_atoms > reserve.cash_atoms.saturating_sub(taken) {
            return Err(Reason::NoFunds);
        }
        let loan_fee_atoms = market.policy.flash_fee_atoms(principal_atoms);
        let seize_min_atoms = less(whole.seize_atoms, self.terms.tolerance_bps);
        let amount_out = self.sale(seize_min_atoms).ok_or(Reason::NoExit)?;
        let owed = spent.saturating_add(loan_fee_atoms);
        // Paid back out of the sale, whatever the slack of the loan leaves.
        let amount_out_min = less(amount_out, self.terms.tolerance_bps).max(owed);
        if amount_out < owed {
            return Err(Reason::Unprofitable);
        }
        let exit = Exit::Sell { amount_in: seize_min_atoms, amount_out, amount_out_min };
        let repay_max_atoms = more(whole.repay_atoms, self.terms.tolerance_bps).min(principal_atoms);
        let cost = self.terms.fees.cost_nano_usd(units::LIQUIDATE + units::FLASH + self.terms.venue.units());
        let profit = signed(self.debt_price().value_floor(amount_out)) - self.debt_value(owed) - cost;
        let funding = Funding::Flash { principal_atoms };
        Ok((Trade { plan: *whole, repay_max_atoms, seize_min_atoms, funding, exit }, profit))
    }

    /// Sold or kept, whichever is worth more, what it is worth, and the units a sale takes.
    fn exit(&self, plan: &LiquidationPlan, amount_in: u64) -> Result<(Exit, i128, u32), Reason> {
        let sold = self.sale(amount_in).map(|amount_out| {
            let amount_out_min = less(amount_out, self.terms.tolerance_bps);
            let worth = signed(self.debt_price().value_floor(amount_out));
            (Exit::Sell { amount_in, amount_out, amount_out_min }, worth, self.terms.venue.units())
        });
        let has_room = plan.seize_atoms <= self.terms.purse.room(&self.seized.reserve.mint());
        // What a forced sale would fetch: nobody should book more for a token he did not sell.
        let leg = self.view.exposure.collaterals().get(self.view.pair.0).filter(|_| has_room);
        let kept = leg.map(|leg| (Exit::Keep, signed(leg.curve.value(plan.seize_atoms)), 0));
        sold.into_iter().chain(kept).max_by_key(|(_, worth, _)| *worth).ok_or(Reason::NoExit)
    }

    fn sale(&self, amount_in: u64) -> Option<u64> {
        self.terms.venue.quote(&self.seized.reserve, &self.repaid.reserve, amount_in)
    }

    fn debt_price(&self) -> plimsoll_engine::price::Price {
        self.view.exposure.debts().get(self.view.pair.1).map(|leg| leg.price).unwrap_or_default()
    }

    fn debt_value(&self, atoms: u64) -> i128 {
        signed(self.debt_price().value_ceil(atoms))
    }
}

/// The purchase by a backstop pool with the largest tip.
pub(super) fn absorptions(scene: &Scene, terms: &Terms, verdict: &mut Verdict) -> Option<Action> {
    best(scene, "backstop_liquidate", verdict, |view| {
        if view.exposure.health() >= Factor::ONE {
            return Err(Reason::Refused(EngineError::Healthy));
        }
        let (seized_leg, repaid_leg) = match (scene.collaterals().get(view.pair.0), scene.debts().get(view.pair.1)) {
            (Some(seized), Some(repaid)) => (seized, repaid),
            _ => return Err(Reason::Refused(EngineError::LegMismatch)),
        };
        let key = repaid_leg.reserve.address.to_bytes();
        let pools = scene.pools.iter().filter(|pool| pool.state.reserve == key);
        // The newest one that has money; an old one may still have some.
        let pool = pools.max_by_key(|pool| (pool.state.spendable_atoms() > 0, pool.state.generation));
        let pool = pool.ok_or(Reason::NoBackstop)?;
        let slot = pool.state.collateral_index(seized_leg.reserve.address.as_array()).map_err(Reason::Refused)?;
        let permit = |reserve: &plimsoll_engine::state::ReserveState| {
            reserve.oracle_policy.permit_absorption(&reserve.reading, &scene.now)
        };
        let buyer = Buyer { pool: &pool.state, slot, prices: permit(&view.seized).and(permit(&view.repaid)) };
        let request = AbsorptionRequest { collateral: view.pair.0, debt: view.pair.1, tip_min_atoms: 0 };
        let policy = &scene.market.state.policy;
        // The pool's business begins below a protection order.
        let standing = plimsoll_engine::standing::Standing { order: None, ..view.standing };
        let plan = plan_absorption(&buyer, &view.exposure, &view.sale, policy, &standing, &request, &scene.now)
            .map_err(Reason::Refused)?;
        let tip =
            view.exposure.collaterals().get(view.pair.0).map_or(Value::ZERO, |leg| leg.curve.value(plan.tip_atoms));
        let profit = signed(tip) - terms.fees.cost_nano_usd(units::LIQUIDATE);
        pays_or_is_chore(profit, terms)?;
        Ok((What::Absorb { pool: pool.address, plan }, profit))
    })
}

/// Whether it pays, or is done for the market's sake.
pub(super) fn pays_or_is_chore(profit_nano_usd: i128, terms: &Terms) -> Result<(), Reason> {
    if profit_nano_usd >= terms.min_profit_nano_usd || terms.does_chores {
        Ok(())
    } else {
        Err(Reason::NotPaid)
    }
}
