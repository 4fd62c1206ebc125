//! The program's rule: every decision is the engine's, taken in the order a keeper takes it (own trade, the backstop's, then
//! what keeps the market safe: settle, mark, flag).

use anyhow::Result;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::health::Exposure;
use plimsoll_engine::liquidation::{is_terminal, LiquidationPlan};
use plimsoll_engine::EngineError;

use crate::book::{AssetId, Id};
use crate::chain::{Old, Pair};
use crate::sim::{Sight, Sim};

/// Most trades with one position in a step.
const TRADES_MAX: usize = 8;
/// How often a liquidator halves a trade that does not pay, because a smaller one moves the price less.
pub(super) const HALVINGS: u32 = 6;
/// Room in a liquidator's money for the fee on top of a repayment.
const FEE_ROOM: f64 = 1.02;

/// A trade that a liquidator would make.
struct Offer {
    who: usize,
    pair: Pair,
    repay_max_atoms: u64,
    plan: LiquidationPlan,
    profit: f64,
}

/// What liquidators make of a pair.
enum Response {
    Offered(Offer),
    Refused(EngineError),
    /// It does not pay. What was planned last; none where nobody was ready.
    Unprofitable(Option<LiquidationPlan>),
}

/// What was planned of a pair, and nobody wanted.
type Unwanted = Option<(Pair, LiquidationPlan)>;

impl Sim {
    pub(super) fn attend_plimsoll(&mut self, sight: &Sight) -> Result<()> {
        // It can do nothing about it, and nothing would be recorded.
        if self.is_blocked(sight) {
            return Ok(());
        }
        let id = sight.id;
        for _ in 0..TRADES_MAX {
            let Ok(exposure) = self.chain.exposure(id, Old::Fade) else { return Ok(()) };
            if exposure.debts().is_empty() || exposure.health() >= Factor::ONE {
                return Ok(());
            }
            let (offer, unwanted) = self.best_offer(sight, &exposure);
            let Some(Offer { who, pair, repay_max_atoms, plan, .. }) = offer else {
                if !self.absorb(id, &exposure) {
                    self.keep_safe(id, &exposure, unwanted);
                }
                return Ok(());
            };
            let Ok(assets) = self.chain.assets(id, pair) else { return Ok(()) };
            let Ok(write_off) = self.chain.apply(id, pair, &plan, repay_max_atoms) else { return Ok(()) };
            self.book_trade(who, id, assets, (plan.repay_atoms, plan.seize_atoms, plan.fee_atoms));
            self.book_write_off(assets.1, &write_off);
            if plan.health_after >= Factor::ONE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The most profitable trade with the position, and the first that nobody wanted; notes whose throttle is empty.
    fn best_offer(&mut self, sight: &Sight, exposure: &Exposure) -> (Option<Offer>, Unwanted) {
        let id = sight.id;
        let (mut best, mut unwanted): (Option<Offer>, Unwanted) = (None, None);
        for pair in self.pairs(id) {
            match self.offer(sight, exposure, pair) {
                Response::Offered(offer) if best.as_ref().is_none_or(|best| offer.profit > best.profit) => {
                    best = Some(offer)
                }
                Response::Refused(EngineError::Throttled) => {
                    let assets = self.chain.assets(id, pair);
                    let flag = assets.ok().and_then(|(seized, _)| self.blocked.get_mut(usize::from(seized)));
                    if let Some(flag) = flag {
                        *flag = true;
                    }
                }
                Response::Unprofitable(Some(plan)) if unwanted.is_none() => unwanted = Some((pair, plan)),
                _ => {}
            }
        }
        (best, unwanted)
    }

    /// The quickest liquidator for whom a pair pays.
    fn offer(&self, &Sight { id, since, .. }: &Sight, exposure: &Exposure, pair: Pair) -> Response {
        let venue = |asset: AssetId| self.venues.get(usize::from(asset));
        let assets = self.chain.assets(id, pair).ok();
        let Some((repaid, sale, purchase)) =
            assets.and_then(|(seized, repaid)| Some((repaid, venue(seized)?, venue(repaid)?)))
        else {
            return Response::Refused(EngineError::LegMismatch);
        };
        let atom_usd = self.oracle_usd(repaid, 1_000_000) / 1e6;
        let mut refusal = Response::Unprofitable(None);
        // What did not pay for one does not for another who wants as much.
        let mut unpaid = f64::INFINITY;
        for who in self.ready(since) {
            let Some(liquidator) = self.liquidators.get(who) else { continue };
            let wanted = liquidator.terms.min_profit + liquidator.terms.cost;
            if wanted >= unpaid {
                continue;
            }
            let mut bound = (liquidator.capital / FEE_ROOM / atom_usd.max(f64::MIN_POSITIVE)) as u64;
            for _ in 0..HALVINGS {
                let plan = match self.chain.plan(id, exposure, pair, bound) {
                    Ok(plan) => plan,
                    Err(error) => {
                        refusal = Response::Refused(error);
                        break;
                    }
                };
                let paid_atoms = plan.repay_atoms.saturating_add(plan.fee_atoms);
                let paid = purchase.quote_purchase(paid_atoms);
                let profit = sale.quote_sale(plan.seize_atoms) - paid - liquidator.terms.cost;
                if profit >= liquidator.terms.min_profit && paid <= liquidator.capital {
                    return Response::Offered(Offer { who, pair, repay_max_atoms: bound, plan, profit });
                }
                refusal = Response::Unprofitable(Some(plan));
                // What would not pay if nothing moved the price does not pay in part either.
                let unmoved = sale.at_spot(plan.seize_atoms) - purchase.at_spot(paid_atoms);
                if unmoved < wanted {
                    break;
                }
                bound = plan.repay_atoms / 2;
            }
            if matches!(refusal, Response::Refused(EngineError::Throttled)) {
                break;
            }
            if matches!(refusal, Response::Unprofitable(_)) {
                unpaid = wanted;
            }
        }
        refusal
    }

    /// Liquidators who have had time to see a position that has been unhealthy since then, the quickest first.
    pub(super) fn ready(&self, since: i64) -> impl Iterator<Item = usize> + '_ {
        let seen_secs = u64::try_from(self.chain.now.unix.saturating_sub(since)).unwrap_or(0);
        let all = self.liquidators.iter().enumerate();
        all.filter(move |(_, it)| it.terms.latency_secs <= seen_secs && it.capital > 1.0).map(|(who, _)| who)
    }

    /// Has the backstop buy what nobody bought. Returns whether it did.
    fn absorb(&mut self, id: Id, exposure: &Exposure) -> bool {
        if self.chain.pools.iter().all(Option::is_none) {
            return false;
        }
        for pair in self.pairs(id) {
            let Ok(assets) = self.chain.assets(id, pair) else { return false };
            if self.chain.plan_absorption(id, exposure, pair).is_err() {
                continue;
            }
            let Ok((plan, write_off)) = self.chain.absorb(id, pair) else { continue };
            self.book_seizure(id, assets, plan.trade.repay_atoms, plan.trade.seize_atoms);
            self.sums.absorbed += self.oracle_usd(assets.1, plan.trade.repay_atoms);
            self.sums.absorptions += 1;
            self.book_write_off(assets.1, &write_off);
            // Slots may have moved.
            return true;
        }
        false
    }

    /// What keeps the market safe: settle, mark, flag, the first that is due.
    fn keep_safe(&mut self, id: Id, exposure: &Exposure, unwanted: Unwanted) {
        if self.may_be_lost(id, exposure) {
            if let Ok(losses) = self.chain.settle(id) {
                losses.iter().for_each(|(asset, write_off)| self.book_write_off(*asset, write_off));
                self.screen.touch(id);
                return;
            }
            if self.chain.is_mark_due(id) == Ok(true) && self.chain.mark(id).is_ok() {
                self.sums.marks += 1;
                return;
            }
        }
        if self.is_sighted(id) {
            return;
        }
        for pair in self.pairs(id) {
            // Outside the terminal state a bound on the repayment changes nothing that a look asks for.
            let planned = unwanted.filter(|(of, plan)| *of == pair && !plan.is_terminal);
            let plan = planned.map_or_else(|| self.chain.plan(id, exposure, pair, u64::MAX), |(_, plan)| Ok(plan));
            if self.chain.flag_seen(id, exposure, pair, &plan).is_ok() {
                self.flagged.insert(id);
                return;
            }
        }
    }

    /// Whether a settlement or a mark may be due: it is terminal, or a mark or a provision stands.
    fn may_be_lost(&self, id: Id, exposure: &Exposure) -> bool {
        let is_marked = self.chain.book.touched(id).is_some_and(|state| {
            state.defaulted_at != 0 || state.debts().iter().any(|slot| slot.provision_shares.get() != 0)
        });
        // Old readings fade here and count in full there, so a faded one says nothing.
        let is_faded = exposure.collaterals().iter().any(|leg| leg.unusable.is_some());
        let (collateral, debt) = (exposure.collateral_value(), exposure.debt_value());
        is_marked || is_faded || is_terminal(collateral, debt, &self.chain.market.policy)
    }

    /// Whether a look at it would count no time yet.
    fn is_sighted(&self, id: Id) -> bool {
        let (policy, now) = (&self.chain.market.policy, &self.chain.now);
        let Some(state) = self.chain.book.touched(id) else { return false };
        let since = now.unix.saturating_sub(state.auction_counted_at);
        state.is_flagged(policy, now) && u64::try_from(since).unwrap_or(0) < policy.sighting_secs
    }
}
