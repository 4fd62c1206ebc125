//! Three other rules, by plain values at the oracle's price: a fixed close factor, a target health with a bonus by health, and
//! a Dutch auction.

use anyhow::Result;
use plimsoll_engine::fixed::{Factor, Value};

use super::plimsoll::HALVINGS;
use crate::book::{AssetId, Id};
use crate::chain::Pair;
use crate::sim::Sim;

/// Most trades with one position in a step.
const TRADES_MAX: usize = 8;

/// Half of the debt (or another fixed part) at a flat bonus, again and again while health is below one.
#[derive(Clone, Debug, PartialEq)]
pub struct CloseFactor {
    /// Part of the debt that may be repaid at once.
    pub part: f64,
    /// Bonus.
    pub bonus: f64,
    /// Liquidation thresholds, by token.
    pub thresholds: Vec<Factor>,
}

/// The repayment that restores target health, at a bonus linear in health.
#[derive(Clone, Debug, PartialEq)]
pub struct Targeted {
    /// Health that is restored.
    pub target: f64,
    /// Bonus at health one.
    pub bonus_min: f64,
    /// Bonus at `health_max_bonus` and below.
    pub bonus_max: f64,
    /// Health at which the bonus is largest.
    pub health_max_bonus: f64,
    /// Liquidation thresholds, by token.
    pub thresholds: Vec<Factor>,
}

/// All collateral goes into an auction whose price begins above the oracle's and falls in steps, until the debt and a penalty
/// are paid; what is left over stays the borrower's.
#[derive(Clone, Debug, PartialEq)]
pub struct AuctionTerms {
    /// First price, as a part of the oracle's.
    pub top: f64,
    /// What a step leaves of the price.
    pub cut: f64,
    /// Length of a step, seconds.
    pub step_secs: u64,
    /// After this time it begins anew, seconds.
    pub tail_secs: u64,
    /// Below this part of the first price it begins anew.
    pub cusp: f64,
    /// Penalty on the debt.
    pub penalty: f64,
    /// Most debt in auctions at a time, as a part of the depth's value.
    pub hole: f64,
    /// Liquidation thresholds, by token.
    pub thresholds: Vec<Factor>,
}

/// An auction that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auction {
    /// When it began, unix time.
    pub began_at: i64,
    /// First price of a whole token, USD.
    pub top: f64,
    /// What is to be paid yet, USD.
    pub tab: f64,
}

/// Values of a position at the oracle's prices, USD.
struct Worth {
    /// Collateral of the first slot.
    collateral: f64,
    /// Weighted collateral.
    weighted: f64,
    /// Debt of the first slot.
    debt: f64,
    /// All debt.
    all_debt: f64,
}

impl Sim {
    fn worth(&self, id: Id) -> Option<Worth> {
        let (collaterals, debts) = self.chain.book.legs(id);
        let lens = |asset: AssetId| self.lenses.get(usize::from(asset));
        let usd = |value: Value| value.0 as f64 / 1e9;
        let first = collaterals.first()?;
        let weighted = collaterals.iter().filter_map(|leg| Some(usd(lens(leg.asset)?.collateral(leg.atoms()))));
        let owed = |leg: &crate::book::Leg| lens(leg.asset).map_or(0.0, |lens| usd(lens.plain_debt(leg.amount)));
        Some(Worth {
            collateral: usd(lens(first.asset)?.plain_collateral(first.atoms())),
            weighted: weighted.sum(),
            debt: owed(debts.first()?),
            all_debt: debts.iter().map(owed).sum(),
        })
    }

    /// Repeats trades of the first pair, each for a repayment that `wanted` names with the bonus, until nobody wants one.
    fn trade_while(&mut self, id: Id, wanted: impl Fn(&Sim, &Worth, AssetId) -> (f64, f64)) -> Result<()> {
        for _ in 0..TRADES_MAX {
            let Some(worth) = self.worth(id) else { break };
            if worth.weighted >= worth.all_debt {
                return Ok(());
            }
            let Ok((seized, _)) = self.chain.assets(id, (0, 0)) else { break };
            let (repay, bonus) = wanted(self, &worth, seized);
            if !self.trade_at(id, &worth, repay, bonus) {
                break;
            }
        }
        self.write_off_if_empty(id)
    }

    /// Whether anybody makes a trade of at most this repayment, USD, at a bonus.
    fn trade_at(&mut self, id: Id, worth: &Worth, repay: f64, bonus: f64) -> bool {
        let dust = self.chain.market.policy.dust_value as f64 / 1e9;
        let mut wanted = repay.min(worth.debt);
        if worth.debt - wanted < dust {
            wanted = worth.debt;
        }
        let ready: Vec<usize> = self.ready(self.unhealthy_since(id)).collect();
        for who in ready {
            let Some(capital) = self.liquidators.get(who).map(|it| it.capital) else { continue };
            let mut part = wanted.min(capital / 1.02);
            for _ in 0..HALVINGS {
                // The collateral bounds it: then all of it, for what it pays.
                let repaid = part.min(worth.collateral / (1.0 + bonus));
                let share = (repaid * (1.0 + bonus) / worth.collateral.max(f64::MIN_POSITIVE)).min(1.0);
                if self.trade_part(who, id, (0, 0), repaid / worth.debt.max(f64::MIN_POSITIVE), share, 0.0) {
                    return true;
                }
                part /= 2.0;
            }
        }
        false
    }

    /// Trades parts of the pair's debt and collateral if that pays. `surplus`: paid on top to insurance, as a part of the debt.
    fn trade_part(&mut self, who: usize, id: Id, pair: Pair, debt: f64, collateral: f64, surplus: f64) -> bool {
        let Ok((seized, repaid)) = self.chain.assets(id, pair) else { return false };
        let position = self.chain.position(id);
        let (Some(has), Some(owes)) = (position.collaterals().get(pair.0), position.debts().get(pair.1)) else {
            return false;
        };
        let index = self.chain.reserve(repaid).map_or(0, |reserve| reserve.debt_index.get());
        let owed_atoms = plimsoll_engine::interest::owed_ceil(owes.shares.get(), index);
        let part = |atoms: u64, part: f64| if part >= 1.0 { atoms } else { (atoms as f64 * part) as u64 };
        let (repay_atoms, seize_atoms) = (part(owed_atoms, debt), part(has.atoms, collateral).min(has.atoms));
        let fee_atoms = (owed_atoms as f64 * surplus) as u64;
        if repay_atoms == 0 || seize_atoms == 0 {
            return false;
        }
        let paid_atoms = repay_atoms.saturating_add(fee_atoms);
        let paid = self.venues.get(usize::from(repaid)).map_or(f64::INFINITY, |it| it.quote_purchase(paid_atoms));
        let brought = self.venues.get(usize::from(seized)).map_or(0.0, |it| it.quote_sale(seize_atoms));
        let pays = self
            .liquidators
            .get(who)
            .is_some_and(|it| brought - paid - it.terms.cost >= it.terms.min_profit && paid <= it.capital);
        if !pays || self.chain.trade(id, pair, repay_atoms, seize_atoms, fee_atoms).is_err() {
            return false;
        }
        self.book_trade(who, id, (seized, repaid), (repay_atoms, seize_atoms, fee_atoms));
        true
    }

    /// Writes a position off that has debt and nothing else.
    fn write_off_if_empty(&mut self, id: Id) -> Result<()> {
        let (collaterals, debts) = self.chain.book.legs(id);
        if debts.is_empty() || collaterals.iter().any(|leg| leg.amount > 0) {
            return Ok(());
        }
        let losses = self.chain.write_off(id).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        losses.iter().for_each(|(asset, write_off)| self.book_write_off(*asset, write_off));
        self.screen.touch(id);
        Ok(())
    }

    pub(super) fn attend_close_factor(&mut self, id: Id, terms: &CloseFactor) -> Result<()> {
        self.trade_while(id, |_, worth, _| (worth.debt * terms.part, terms.bonus))
    }

    pub(super) fn attend_targeted(&mut self, id: Id, terms: &Targeted) -> Result<()> {
        self.trade_while(id, |_, worth, seized| {
            let health = worth.weighted / worth.all_debt.max(f64::MIN_POSITIVE);
            let along = ((1.0 - health) / (1.0 - terms.health_max_bonus)).clamp(0.0, 1.0);
            let bonus = terms.bonus_min + (terms.bonus_max - terms.bonus_min) * along;
            let threshold = terms.thresholds.get(usize::from(seized)).copied().unwrap_or(Factor::ZERO);
            let gain = terms.target - threshold.0 as f64 / Factor::ONE.0 as f64 * (1.0 + bonus);
            let missing = terms.target * worth.all_debt - worth.weighted;
            (if gain > 0.0 { missing / gain } else { worth.debt }, bonus)
        })
    }

    /// Puts a position up for auction, where there is room.
    pub(super) fn begin_auction(&mut self, id: Id, terms: &AuctionTerms) {
        if self.auctions.contains_key(&id) {
            return;
        }
        let (Some(worth), Ok((seized, _))) = (self.worth(id), self.chain.assets(id, (0, 0))) else { return };
        let tab = worth.debt * (1.0 + terms.penalty);
        let running: f64 = self.auctions.values().map(|auction| auction.tab).sum();
        let depth = self.chain.reserve(seized).map_or(0, |reserve| reserve.risk.depth_atoms);
        if running > 0.0 && running + tab > terms.hole * self.oracle_usd(seized, depth) {
            return;
        }
        let top = self.oracle_usd(seized, self.whole(seized)) * terms.top;
        self.auctions.insert(id, Auction { began_at: self.chain.now.unix, top, tab });
    }

    /// Atoms of a whole token.
    fn whole(&self, asset: AssetId) -> u64 {
        self.chain.reserve(asset).map_or(1, |reserve| 10u64.pow(reserve.decimals.into()))
    }

    /// Looks at all auctions that run.
    pub(crate) fn attend_auctions(&mut self) -> Result<()> {
        let super::Rule::Auction(terms) = self.rule.clone() else { return Ok(()) };
        let running: Vec<(Id, Auction)> = self.auctions.iter().map(|(id, auction)| (*id, *auction)).collect();
        for (id, auction) in running {
            let next = self.bid(id, auction, &terms)?;
            match next {
                Some(next) => self.auctions.insert(id, next),
                None => self.auctions.remove(&id),
            };
        }
        Ok(())
    }

    /// What becomes of an auction in this step; none where it is over.
    fn bid(&mut self, id: Id, auction: Auction, terms: &AuctionTerms) -> Result<Option<Auction>> {
        let (Some(worth), Ok((seized, _))) = (self.worth(id), self.chain.assets(id, (0, 0))) else {
            self.write_off_if_empty(id)?;
            return Ok(None);
        };
        let elapsed = u64::try_from(self.chain.now.unix - auction.began_at).unwrap_or(0);
        let steps = i32::try_from(elapsed / terms.step_secs.max(1)).unwrap_or(i32::MAX);
        let price = auction.top * terms.cut.powi(steps);
        let spot = self.oracle_usd(seized, self.whole(seized));
        if elapsed > terms.tail_secs || price < auction.top * terms.cusp {
            return Ok(Some(Auction { began_at: self.chain.now.unix, top: spot * terms.top, ..auction }));
        }
        // What all the collateral costs at the auction's price.
        let whole = worth.collateral * price / spot.max(f64::MIN_POSITIVE);
        let ready: Vec<usize> = self.ready(self.unhealthy_since(id)).collect();
        for who in ready {
            let Some(capital) = self.liquidators.get(who).map(|it| it.capital) else { continue };
            let mut paid = auction.tab.min(whole).min(capital / 1.02);
            for _ in 0..HALVINGS {
                // The debt first, the penalty with what is paid beyond it.
                let (debt, surplus) = (paid.min(worth.debt), (paid - worth.debt).max(0.0));
                let share = paid / whole.max(f64::MIN_POSITIVE);
                let parts = (debt / worth.debt.max(f64::MIN_POSITIVE), surplus / worth.debt.max(f64::MIN_POSITIVE));
                if self.trade_part(who, id, (0, 0), parts.0, share, parts.1) {
                    let tab = auction.tab - paid;
                    self.write_off_if_empty(id)?;
                    let is_open = tab > 1.0 && !self.chain.book.legs(id).1.is_empty();
                    return Ok(is_open.then_some(Auction { tab, ..auction }));
                }
                paid /= 2.0;
            }
        }
        Ok(Some(auction))
    }
}
