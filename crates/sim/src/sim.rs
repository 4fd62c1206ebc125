//! A market in time: what the chain holds, the venues and feeds about it, and who acts on it.

use std::collections::BTreeMap;

use anyhow::{anyhow, Context, Result};
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::liquidation::is_terminal;
use plimsoll_engine::settlement::WriteOff;
use plimsoll_watch::{Lens, Weighing};

use crate::agents::{character, BorrowerTerms, Liquidator};
use crate::book::{AssetId, Id, Leg, FETCHED};
use crate::chain::{Chain, Pair};
use crate::feed::{usd, Feed};
use crate::ids::{Ids, Since};
use crate::outcome::{Moment, Sums};
use crate::rules::{Auction, Rule};
use crate::screen::{health, Screen};
use crate::venue::Venue;

/// How much of a market's depth is left for a while.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thinning {
    /// From, seconds of the run.
    pub from_secs: u64,
    /// To, seconds of the run.
    pub to_secs: u64,
    /// Part of the depth that is left.
    pub left: f64,
}

/// What is seen of an unhealthy position before anybody acts.
pub(crate) struct Sight {
    pub id: Id,
    /// Since when it has been seen unhealthy, unix time.
    pub since: i64,
    /// Plain value of its debts.
    debt: Value,
    /// Its one collateral, where it passes the throttle of that only as others do: it is not in the terminal state.
    pub waits_for: Option<AssetId>,
}

/// A market in time.
#[derive(Clone, Debug)]
pub struct Sim {
    /// What the program has.
    pub chain: Chain,
    /// Markets, by token.
    pub venues: Vec<Venue>,
    /// Feeds, by token.
    pub feeds: Vec<Feed>,
    /// Liquidators, the quickest first.
    pub liquidators: Vec<Liquidator>,
    /// Borrowers.
    pub borrowers: BorrowerTerms,
    /// Thin markets.
    pub thinnings: Vec<Thinning>,
    /// What liquidations follow.
    pub rule: Rule,
    /// Works every position out in every step, without lenses: what screening is measured against.
    pub looks_at_all: bool,
    /// Who is looked at.
    pub screen: Screen,
    pub(crate) sums: Sums,
    pub(crate) run_secs: u64,
    /// Since when positions have been seen unhealthy, unix time.
    pub(crate) since: Since,
    /// Tokens whose throttle refused somebody in this step.
    pub(crate) blocked: Vec<bool>,
    /// Auctions that run, of the rule that has them.
    pub(crate) auctions: BTreeMap<Id, Auction>,
    pub(crate) fundamentals: Vec<f64>,
    pub(crate) lenses: Vec<Lens>,
    /// Flagged, and not seen healthy since.
    pub(crate) flagged: Ids,
    liquidated: Ids,
    /// What backstops held in collateral at the beginning, by token, atoms.
    gains_before: Vec<u64>,
    called: Since,
    answered: Ids,
    unhealthy: (u64, f64),
}

impl Sim {
    /// A market at rest. Prices of the venues are those of the reserves.
    pub fn new(
        chain: Chain,
        venues: Vec<Venue>,
        feeds: Vec<Feed>,
        liquidators: Vec<Liquidator>,
        borrowers: BorrowerTerms,
    ) -> Self {
        let screen = Screen::new(&chain.book);
        let (count, positions) = (chain.reserves.len(), chain.book.len());
        let fundamentals = venues.iter().map(Venue::spot).collect();
        let gains_before = chain.reserves.iter().map(|reserve| reserve.backstop_collateral_atoms).collect();
        Self {
            chain,
            venues,
            feeds,
            liquidators,
            borrowers,
            thinnings: Vec::new(),
            rule: Rule::Plimsoll,
            looks_at_all: false,
            screen,
            sums: Sums::default(),
            run_secs: 0,
            since: Since::none_of(positions),
            blocked: vec![false; count],
            auctions: BTreeMap::new(),
            fundamentals,
            lenses: Vec::new(),
            flagged: Ids::none_of(positions),
            liquidated: Ids::none_of(positions),
            gains_before,
            called: Since::none_of(positions),
            answered: Ids::none_of(positions),
            unhealthy: (0, 0.0),
        }
    }

    /// Sums so far.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Time goes on to the next prices, by token; then everybody acts.
    ///
    /// # Errors
    /// What the engine refuses that it never should.
    pub fn step(&mut self, secs: u64, fundamentals: &[f64]) -> Result<()> {
        self.go_on(secs, fundamentals);
        let level = self.level();
        let below = self.below(level)?;
        let unhealthy = below.partition_point(|(health, _)| *health < Factor::ONE);
        let (unhealthy, called) = below.split_at(unhealthy);
        let sights = self.see(unhealthy);
        self.end_flags();
        for sights in sights.chunks(FETCHED) {
            self.chain.book.fetch(sights.iter().filter(|sight| !self.is_blocked(sight)).map(|sight| sight.id));
            for sight in sights {
                self.attend(sight).with_context(|| format!("position {}", sight.id))?;
            }
        }
        self.attend_auctions()?;
        self.answer(unhealthy, called)?;
        let impact = self.venues.iter().map(|venue| venue.dislocation().abs()).fold(0.0, f64::max);
        self.sums.impact_max = self.sums.impact_max.max(impact);
        Ok(())
    }

    /// Time goes on, and nobody acts.
    pub fn observe(&mut self, secs: u64, fundamentals: &[f64]) {
        self.go_on(secs, fundamentals);
    }

    fn go_on(&mut self, secs: u64, fundamentals: &[f64]) {
        self.run_secs += secs;
        let left = self.thinnings.iter().filter(|it| (it.from_secs..it.to_secs).contains(&self.run_secs));
        let thin = left.fold(1.0f64, |thin, it| thin.min(it.left));
        let mut now = self.chain.now;
        now.unix = now.unix.saturating_add(i64::try_from(secs).unwrap_or(i64::MAX));
        let mut readings = Vec::with_capacity(self.venues.len());
        for (asset, (venue, feed)) in self.venues.iter_mut().zip(&mut self.feeds).enumerate() {
            let sigma = self.chain.reserves.get(asset).map_or(0, |reserve| reserve.volatility.sigma_q40);
            let fundamental = fundamentals.get(asset).copied().unwrap_or(1.0);
            venue.go_on(secs as f64, fundamental, sigma as f64 / Factor::ONE.0 as f64, thin);
            readings.push(feed.publish(venue.spot(), self.run_secs, &now));
        }
        self.fundamentals.clear();
        self.fundamentals.extend_from_slice(fundamentals);
        self.chain.refresh(secs, &readings);
        self.chain.notice_all();
        let unix = self.chain.now.unix;
        self.liquidators.iter_mut().for_each(|liquidator| liquidator.go_on(unix));
        self.blocked.fill(false);
        self.lenses = self.lenses_of_now();
    }

    fn lenses_of_now(&self) -> Vec<Lens> {
        let weighing = |asset: usize| match &self.rule {
            Rule::Plimsoll => Weighing::Sale,
            other => Weighing::Plain(other.threshold(asset)),
        };
        self.chain.lenses(weighing)
    }

    /// Health below which a position matters: the call level where borrowers answer, else one.
    fn level(&self) -> Factor {
        if self.borrowers.answering > 0.0 {
            Factor::from_bps_ceil(self.chain.market.policy.call_level_bps)
        } else {
            Factor::ONE
        }
    }

    fn below(&mut self, level: Factor) -> Result<Vec<(Factor, Id)>> {
        if self.looks_at_all {
            return self.all_below(level);
        }
        Ok(self.screen.below(level, &self.chain.book, &self.lenses))
    }

    /// The same without screening and lenses, from the engine's legs.
    fn all_below(&self, level: Factor) -> Result<Vec<(Factor, Id)>> {
        let health_of = |id: Id| {
            let health = match self.rule {
                Rule::Plimsoll => self.chain.exposure(id, crate::chain::Old::Fade).map(|exposure| exposure.health()),
                _ => Ok(health(&self.chain.book, &self.lenses, id).0),
            };
            health.map(|health| (health, id)).map_err(|error| anyhow!("position {id}: {error:?}"))
        };
        let ids: Vec<Id> = self.chain.book.ids().collect();
        let mut all =
            self.chain.book.each(&ids, |id| *id, |id| Some(health_of(*id))).into_iter().collect::<Result<Vec<_>>>()?;
        all.retain(|(health, _)| *health < level);
        all.sort_unstable();
        Ok(all)
    }

    /// Remembers since when each has been unhealthy, and how much debt that is.
    fn see(&mut self, unhealthy: &[(Factor, Id)]) -> Vec<Sight> {
        self.since.renew(unhealthy.iter().map(|(_, id)| *id), self.chain.now.unix);
        let sights = self.chain.book.each(unhealthy, |(_, id)| *id, |(_, id)| Some(self.sight(*id)));
        self.unhealthy = (unhealthy.len() as u64, sights.iter().map(|sight| sight.debt.0 as f64 / 1e9).sum());
        self.sums.unhealthy_max = self.sums.unhealthy_max.max(self.unhealthy.1);
        sights
    }

    /// What is to be seen of a position by lenses.
    fn sight(&self, id: Id) -> Sight {
        let (collaterals, debts) = self.chain.book.legs(id);
        let lens = |leg: &Leg| self.lenses.get(usize::from(leg.asset));
        let debt = debts
            .iter()
            .fold(Value::ZERO, |sum, leg| sum.plus(lens(leg).map_or(Value::ZERO, |lens| lens.plain_debt(leg.amount))));
        let waits_for = match collaterals {
            [only] => {
                let collateral = lens(only).map_or(Value::ZERO, |lens| lens.plain_collateral(only.atoms()));
                (!is_terminal(collateral, debt, &self.chain.market.policy)).then_some(only.asset)
            }
            _ => None,
        };
        Sight { id, since: self.unhealthy_since(id), debt, waits_for }
    }

    /// Whether a position waits for a throttle that has refused somebody at least as urgent in this step.
    pub(crate) fn is_blocked(&self, sight: &Sight) -> bool {
        sight.waits_for.is_some_and(|asset| self.blocked.get(usize::from(asset)).copied().unwrap_or(false))
    }

    /// Since when a position has been seen unhealthy, unix time: since now at the latest.
    pub(crate) fn unhealthy_since(&self, id: Id) -> i64 {
        self.since.get(id).unwrap_or(self.chain.now.unix)
    }

    /// Flags of positions that are healthy again are taken away, as a keeper does.
    fn end_flags(&mut self) {
        if self.rule != Rule::Plimsoll {
            return;
        }
        let healthy: Vec<Id> = self.flagged.without(self.since.set()).collect();
        for id in healthy {
            // What cannot be seen yet, for want of a good price, is seen later.
            let is_seen = self.chain.flag(id, (0, 0)).is_ok();
            let is_flagged = self.chain.book.touched(id).is_some_and(|state| state.flagged_at != 0);
            if is_seen || !is_flagged {
                self.flagged.remove(id);
            }
        }
    }

    /// Borrowers who were called long enough ago repay a part.
    fn answer(&mut self, unhealthy: &[(Factor, Id)], called: &[(Factor, Id)]) -> Result<()> {
        if self.borrowers.answering <= 0.0 {
            return Ok(());
        }
        let unix = self.chain.now.unix;
        let answering = self.borrowers.answering;
        let answers = unhealthy.iter().chain(called).map(|(_, id)| *id).filter(|id| character(*id) < answering);
        self.called.renew(answers, unix);
        let wait = i64::try_from(self.borrowers.answer_secs).unwrap_or(i64::MAX);
        let is_due = |(id, since): &(Id, i64)| unix.saturating_sub(*since) >= wait && !self.answered.has(*id);
        let mut due: Vec<Id> = self.called.iter().filter(is_due).map(|(id, _)| id).collect();
        due.sort_unstable();
        for id in due {
            let Some((asset, shares)) = self.chain.book.legs(id).1.first().map(|leg| (leg.asset, leg.amount)) else {
                continue;
            };
            let index = self.chain.reserve(asset).map_or(0, |reserve| reserve.debt_index.get());
            let owed = plimsoll_engine::interest::owed_ceil(shares, index);
            let atoms = (owed as f64 * self.borrowers.answer_part) as u64;
            if let Ok(paid) = self.chain.repay(id, 0, atoms) {
                self.sums.answered += self.market_usd(asset, paid);
                self.screen.touch(id);
            }
            self.answered.insert(id);
        }
        Ok(())
    }

    /// Decimals of a token as a divisor.
    fn unit(&self, asset: AssetId) -> f64 {
        self.chain.reserve(asset).map_or(1.0, |reserve| 10f64.powi(i32::from(reserve.decimals)))
    }

    /// Atoms at the oracle's price, USD.
    pub(crate) fn oracle_usd(&self, asset: AssetId, atoms: u64) -> f64 {
        let price = self.chain.reserve(asset).map_or(0.0, |reserve| usd(&reserve.reading));
        atoms as f64 / self.unit(asset) * price
    }

    /// Atoms at the price the market has without forced sales, USD.
    pub(crate) fn market_usd(&self, asset: AssetId, atoms: u64) -> f64 {
        atoms as f64 / self.unit(asset) * self.fundamentals.get(usize::from(asset)).copied().unwrap_or(0.0)
    }

    /// Pairs of a collateral that is not empty and a debt.
    pub(crate) fn pairs(&self, id: Id) -> Vec<Pair> {
        let (collaterals, debts) = self.chain.book.legs(id);
        let held = collaterals.iter().enumerate().filter(|(_, leg)| leg.amount > 0);
        held.flat_map(|(collateral, _)| (0..debts.len()).map(move |debt| (collateral, debt))).collect()
    }

    /// Books a trade of a liquidator that happened, and takes it to the market.
    pub(crate) fn book_trade(
        &mut self,
        who: usize,
        id: Id,
        (seized, repaid): (AssetId, AssetId),
        (repay_atoms, seize_atoms, fee_atoms): (u64, u64, u64),
    ) {
        self.book_seizure(id, (seized, repaid), repay_atoms, seize_atoms);
        self.sums.fees += self.oracle_usd(repaid, fee_atoms);
        let paid_atoms = repay_atoms.saturating_add(fee_atoms);
        let paid = self.venues.get_mut(usize::from(repaid)).map_or(0.0, |venue| venue.buy(paid_atoms));
        let brought = self.venues.get_mut(usize::from(seized)).map_or(0.0, |venue| venue.sell(seize_atoms));
        self.sums.sold += brought;
        let unix = self.chain.now.unix;
        if let Some(liquidator) = self.liquidators.get_mut(who) {
            liquidator.trade(paid, brought, unix);
            self.sums.liquidator_profit += brought - paid - liquidator.terms.cost;
        }
        self.sums.liquidations += 1;
    }

    /// Books what was repaid and seized, whoever did it.
    pub(crate) fn book_seizure(
        &mut self,
        id: Id,
        (seized, repaid): (AssetId, AssetId),
        repay_atoms: u64,
        seize_atoms: u64,
    ) {
        self.sums.repaid += self.oracle_usd(repaid, repay_atoms);
        self.sums.seized += self.oracle_usd(seized, seize_atoms);
        self.sums.seized_at_market += self.market_usd(seized, seize_atoms);
        self.sums.liquidated_positions += u64::from(self.liquidated.insert(id));
        self.screen.touch(id);
    }

    /// Books what was written off of a debt.
    pub(crate) fn book_write_off(&mut self, asset: AssetId, write_off: &WriteOff) {
        self.sums.written_off += self.market_usd(asset, write_off.owed_atoms);
        self.sums.insured += self.market_usd(asset, write_off.insurance_atoms);
        self.sums.haircut += self.market_usd(asset, write_off.haircut_atoms);
        self.sums.settlements += u64::from(write_off.owed_atoms > 0);
    }

    /// The market at the end of a step.
    pub fn moment(&self) -> Moment {
        Moment {
            secs: self.run_secs,
            fundamental: self.fundamentals.clone(),
            spot: self.venues.iter().map(Venue::spot).collect(),
            oracle: self.chain.reserves.iter().map(|reserve| usd(&reserve.reading)).collect(),
            unhealthy: self.unhealthy.0,
            unhealthy_debt: self.unhealthy.1,
            sums: self.sums,
        }
    }

    /// Ends a run: what is not covered at market prices, what the backstop's providers have, and the audit.
    ///
    /// # Errors
    /// An invariant that does not hold.
    pub fn finish(&mut self) -> Result<Sums> {
        self.sums.uncovered = self.chain.book.ids().map(|id| self.uncovered(id)).sum();
        // Each reserve's ledger is the sum of what the pools hold of it.
        let gains = self.chain.reserves.iter().zip(&self.gains_before).enumerate();
        let gained = gains.map(|(asset, (reserve, before))| {
            let asset = AssetId::try_from(asset).unwrap_or(AssetId::MAX);
            self.market_usd(asset, reserve.backstop_collateral_atoms.saturating_sub(*before))
        });
        self.sums.backstop_result = gained.sum::<f64>() - self.sums.absorbed;
        self.chain.audit()?;
        Ok(self.sums)
    }

    /// What a position owes beyond what it has, at market prices, USD.
    fn uncovered(&self, id: Id) -> f64 {
        let (collaterals, debts) = self.chain.book.legs(id);
        if debts.is_empty() {
            return 0.0;
        }
        let owed = |leg: &Leg| {
            let index = self.chain.reserve(leg.asset).map_or(0, |reserve| reserve.debt_index.get());
            self.market_usd(leg.asset, plimsoll_engine::interest::owed_ceil(leg.amount, index))
        };
        let has = |leg: &Leg| self.market_usd(leg.asset, leg.atoms());
        let debt: f64 = debts.iter().map(owed).sum();
        let collateral: f64 = collaterals.iter().map(has).sum();
        (debt - collateral).max(0.0)
    }
}
