//! From a scenario to a market at rest: reserves by the engine's own configuration, a book drawn from the stated
//! distributions, lenders, insurance, a backstop. Whatever is booked is booked by the engine. Or the accounts of a
//! [live] market.

mod live;

use std::collections::BTreeMap;

use anyhow::{anyhow, ensure, Context, Result};
use bytemuck::Zeroable;
use plimsoll_engine::backstop::configure_backstop;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::state::*;
use plimsoll_engine::transitions::configure_reserve;
use plimsoll_engine::{EngineError, Now};
use plimsoll_watch::{Lens, Weighing};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::agents::Liquidator;
use crate::book::{AssetId, Book, Id, Leg};
use crate::chain::Chain;
use crate::feed::{number, Feed};
use crate::paths::{lognormal, stream, Paths};
use crate::rules::{AuctionTerms, CloseFactor, Rule, Targeted};
use crate::scenario::{BookTerms, PositionTerms, Scenario};
use crate::sim::Sim;
use crate::terms;
use crate::tokens::{Actor, Tokens, Vault};
use crate::venue::Venue;

/// When a simulated market begins.
pub const GENESIS: Now = Now { unix: 1_800_000_000, slot: 1_000 };
/// Positions that share a stream of random numbers.
const CHUNK: usize = 4_096;
/// Streams from here on are the book's; those below are paths'.
const BOOK_STREAM: u64 = 1 << 62;
/// Smallest collateral of a random position, in the smallest debts.
const SIZE_MIN_DEBTS: f64 = 3.0;

/// A market at rest, and what a run of it needs.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it was made from.
    pub scenario: Scenario,
    /// Prices to come.
    pub paths: Paths,
    /// The market.
    pub chain: Chain,
    /// Largest collateral cap that the engine accepts, by token, atoms.
    pub safe_caps: Vec<u64>,
    feeds: Vec<Feed>,
    venues: Vec<Venue>,
    /// Positions that begin with a flag.
    flagged: Vec<Id>,
}

/// What the engine refuses.
fn refused(error: EngineError) -> anyhow::Error {
    anyhow!("the engine refuses it: {error:?}")
}

impl Setup {
    /// The market of a scenario.
    ///
    /// # Errors
    /// What is wrong with the scenario, or what the engine refuses.
    pub fn new(scenario: &Scenario) -> Result<Self> {
        if let Some(snapshot) = &scenario.live {
            return Self::live(scenario, snapshot).context("the market of the snapshot");
        }
        let policy = scenario.policy()?;
        policy.validate().map_err(refused).context("the market")?;
        let market = MarketState { version: LAYOUT_VERSION, policy, ..MarketState::zeroed() };
        let count = scenario.tokens.len();
        let mut setup = Self {
            scenario: scenario.clone(),
            paths: scenario.paths()?,
            chain: Chain {
                market,
                reserves: Vec::new(),
                keys: (0..count).map(|index| [u8::try_from(index + 1).unwrap_or(u8::MAX); 32]).collect(),
                book: Book::default(),
                pools: vec![None; count],
                lenders: vec![LenderState::zeroed(); count],
                tokens: Tokens::new(count),
                now: GENESIS,
                journal: None,
            },
            safe_caps: Vec::new(),
            feeds: Vec::new(),
            venues: Vec::new(),
            flagged: Vec::new(),
        };
        for index in 0..count {
            let name = &scenario.tokens[index].name;
            setup.add_reserve(index).with_context(|| format!("token {name}"))?;
        }
        let totals = setup.fill_book()?;
        for (index, (collateral, debt)) in totals.iter().enumerate() {
            let name = &scenario.tokens[index].name;
            setup.fund(index, *collateral, *debt).with_context(|| format!("token {name}"))?;
        }
        Ok(setup)
    }

    fn add_reserve(&mut self, index: usize) -> Result<()> {
        let token = &self.scenario.tokens[index];
        let (policy, now) = (&self.chain.market.policy, &self.chain.now);
        let feed = Feed::new(token.feed.clone(), number(token.price), now.unix);
        let calm = Feed::new(Default::default(), number(token.price), now.unix);
        let reading = calm.calm(now).map_err(refused)?;
        let mut config = token.config()?;
        let own_cap = config.caps.collateral_atoms;
        config.caps.collateral_atoms = 0;
        config.validate(policy, token.decimals, &reading).map_err(refused)?;
        let safe_cap = terms::safe_cap(&config, policy, token.decimals, &reading);
        let mut reserve = ReserveState { decimals: token.decimals, ..ReserveState::zeroed() };
        configure_reserve(&mut reserve, &config, policy, &reading, now).map_err(refused)?;
        reserve.mint = self.chain.keys[index];
        // A book may be larger than the program would let in: what happens then is a question to ask.
        reserve.caps.collateral_atoms = if own_cap == 0 { u64::MAX } else { own_cap };
        let market = token.market()?;
        let sigma = market.sigma_bps as f64 / 1e4;
        self.venues.push(Venue::new(token.venue, &market.risk, token.decimals, token.price, sigma));
        self.chain.reserves.push(reserve);
        self.safe_caps.push(safe_cap);
        self.feeds.push(feed);
        Ok(())
    }

    /// Lenses of the market at rest.
    pub fn lenses(&self, weighing: Weighing) -> Vec<Lens> {
        self.chain.lenses(|_| weighing)
    }

    /// Draws all positions. Returns collateral and debt of each token, atoms.
    fn fill_book(&mut self) -> Result<Vec<(u64, u64)>> {
        let lenses = self.lenses(Weighing::Sale);
        let mut totals = vec![(0u64, 0u64); lenses.len()];
        let draws = self.draws()?;
        for draw in &draws {
            let token = |asset: AssetId| &self.scenario.tokens[usize::from(asset)];
            let atoms = |usd: f64, asset: AssetId| terms::atoms(usd / token(asset).price, token(asset).decimals);
            let first = (draw.collateral, atoms(draw.size * (1.0 - draw.second_part), draw.collateral));
            let second = draw.second.map(|asset| (asset, atoms(draw.size * draw.second_part, asset)));
            let collaterals: Vec<_> = [Some(first), second].into_iter().flatten().collect();
            self.push(&lenses, &collaterals, &[(draw.debt, 0)], draw.health, &mut totals)?;
        }
        for terms in self.scenario.positions.clone() {
            self.push_by_hand(&lenses, &terms, &mut totals)?;
        }
        Ok(totals)
    }

    fn push_by_hand(&mut self, lenses: &[Lens], position: &PositionTerms, totals: &mut [(u64, u64)]) -> Result<()> {
        let legs = |tokens: &BTreeMap<String, f64>| {
            let leg = |(name, count): (&String, &f64)| {
                let index = self.scenario.token(name)?;
                let atoms = terms::atoms(*count, self.scenario.tokens[index].decimals);
                Ok((AssetId::try_from(index)?, atoms))
            };
            tokens.iter().map(leg).collect::<Result<Vec<_>>>()
        };
        let (collaterals, debts) = (legs(&position.collateral)?, legs(&position.debt)?);
        ensure!(
            collaterals.len() <= MAX_COLLATERALS && debts.len() <= MAX_DEBTS,
            "a position by hand has too many legs"
        );
        self.push(lenses, &collaterals, &debts, position.health, totals)
    }

    /// Adds a position; a debt of zero atoms becomes as much as leaves the health.
    fn push(
        &mut self,
        lenses: &[Lens],
        collaterals: &[(AssetId, u64)],
        debts: &[(AssetId, u64)],
        health: f64,
        totals: &mut [(u64, u64)],
    ) -> Result<()> {
        let weighted = collaterals
            .iter()
            .fold(Value::ZERO, |sum, (asset, atoms)| sum.plus(lenses[usize::from(*asset)].collateral(*atoms)));
        let health = Factor((health.max(0.01) * Factor::ONE.0 as f64) as u64);
        let mut collateral_legs = Vec::with_capacity(collaterals.len());
        for (asset, atoms) in collaterals {
            collateral_legs.push(Leg { asset: *asset, amount: (*atoms).into() });
            let total = &mut totals[usize::from(*asset)].0;
            *total = total.checked_add(*atoms).context("more collateral than a ledger holds")?;
        }
        let mut debt_legs = Vec::with_capacity(debts.len());
        for (asset, atoms) in debts {
            let atoms =
                if *atoms > 0 { *atoms } else { lenses[usize::from(*asset)].debt_for(weighted.over_floor(health)) };
            let shares = self.chain.reserves[usize::from(*asset)].debt_shares_ceil(atoms).map_err(refused)?;
            debt_legs.push(Leg { asset: *asset, amount: shares });
            let total = &mut totals[usize::from(*asset)].1;
            *total = total.checked_add(atoms).context("more debt than a ledger holds")?;
        }
        self.chain.book.push(&collateral_legs, &debt_legs);
        Ok(())
    }

    fn draws(&self) -> Result<Vec<Draw>> {
        let book = &self.scenario.book;
        if book.positions == 0 {
            return Ok(Vec::new());
        }
        let (collaterals, debts) = (self.weights(&book.collaterals)?, self.weights(&book.debts)?);
        let least = SIZE_MIN_DEBTS * self.chain.market.policy.debt_min().0 as f64 / 1e9;
        let chunks = book.positions.div_ceil(CHUNK);
        let chunk = |chunk: usize| {
            let mut rng = stream(self.scenario.seed, BOOK_STREAM + chunk as u64);
            let count = CHUNK.min(book.positions - chunk * CHUNK);
            (0..count).map(|_| Draw::new(&mut rng, book, &collaterals, &debts)).collect::<Vec<_>>()
        };
        let mut draws: Vec<Draw> = (0..chunks).into_par_iter().flat_map_iter(chunk).collect();
        if book.total > 0.0 {
            let most = book.total * book.size_max;
            let drawn: f64 = draws.iter().map(|draw| draw.size).sum();
            draws.iter_mut().for_each(|draw| draw.size = (draw.size / drawn * book.total).min(most));
        }
        draws.iter_mut().for_each(|draw| draw.size = draw.size.max(least));
        Ok(draws)
    }

    fn weights(&self, weights: &BTreeMap<String, f64>) -> Result<Vec<(AssetId, f64)>> {
        let all: f64 = weights.values().sum();
        ensure!(all > 0.0, "a random book needs weights of its collaterals and debts");
        let weight =
            |(name, weight): (&String, &f64)| Ok((AssetId::try_from(self.scenario.token(name)?)?, weight / all));
        weights.iter().map(weight).collect()
    }

    /// Books what positions hold and owe, and what lenders, insurance and backstop have.
    fn fund(&mut self, index: usize, collateral: u64, debt: u64) -> Result<()> {
        let asset = AssetId::try_from(index)?;
        let token = self.scenario.tokens[index].clone();
        let part = |part: f64| (debt as f64 * part) as u64;
        let reserve = &mut self.chain.reserves[index];
        let tokens = &mut self.chain.tokens;
        if collateral > 0 {
            reserve.take_collateral(collateral, true, false).map_err(refused)?;
            tokens.take_in(asset, Vault::Collateral, Actor::Borrowers, collateral);
        }
        if debt == 0 {
            return Ok(());
        }
        let supplied = (debt as f64 / token.utilisation).ceil() as u64 + 1;
        let shares = reserve.supply(supplied, 0).map_err(refused)?;
        self.chain.lenders[index].shares = Word128::new(shares);
        tokens.take_in(asset, Vault::Liquidity, Actor::Lenders, supplied);
        reserve.lend(debt).map_err(refused)?;
        tokens.pay_out(asset, Vault::Liquidity, Actor::Borrowers, debt);
        let insurance = part(token.insurance);
        reserve.receive_insurance(insurance).map_err(refused)?;
        tokens.take_in(asset, Vault::Liquidity, Actor::Lenders, insurance);
        let deposit = part(token.backstop);
        if deposit > 1 {
            self.open_pool(index, deposit)?;
        }
        Ok(())
    }

    /// Opens the backstop of a token with a warm deposit, for all volatile collaterals that it is not.
    fn open_pool(&mut self, index: usize, deposit: u64) -> Result<()> {
        let (market, now) = (self.chain.market, self.chain.now);
        let policy = terms::backstop_policy();
        let warming = Now { unix: now.unix - i64::try_from(policy.warm_up_secs).unwrap_or(0), ..now };
        let mut pool = BackstopState { reserve: self.chain.keys[index], ..BackstopState::zeroed() };
        configure_backstop(&mut pool, &policy, &market.policy).map_err(refused)?;
        for other in (0..self.chain.keys.len()).filter(|other| *other != index) {
            pool.opt_in(&self.chain.keys[other], u64::MAX, &market, &now).map_err(refused)?;
        }
        let mut provider = BackstopProviderState { product: pool.product, ..BackstopProviderState::zeroed() };
        self.chain.reserves[index].receive_backstop(deposit).map_err(refused)?;
        pool.deposit(&mut provider, deposit, &warming).map_err(refused)?;
        pool.join(&mut provider, &now).map_err(refused)?;
        self.chain.pools[index] = Some(pool);
        self.chain.tokens.take_in(AssetId::try_from(index)?, Vault::Liquidity, Actor::Providers, deposit);
        Ok(())
    }

    /// Gives back what the backstops hold, to whom it belongs.
    pub fn close_pools(&mut self) {
        for index in 0..self.chain.pools.len() {
            let Some(closed) = self.chain.pools.get_mut(index).and_then(Option::take) else { continue };
            let deposits = closed.deposit_atoms.saturating_add(closed.warming_atoms);
            self.give_to_providers(index, Vault::Liquidity, deposits);
            for gain in closed.collaterals() {
                let reserve = self.chain.keys.iter().position(|key| *key == gain.reserve);
                reserve.into_iter().for_each(|index| self.give_to_providers(index, Vault::Collateral, gain.atoms));
            }
        }
    }

    fn give_to_providers(&mut self, index: usize, vault: Vault, atoms: u64) {
        let Some(reserve) = self.chain.reserves.get_mut(index) else { return };
        let given = match vault {
            Vault::Liquidity => reserve.give_backstop(atoms),
            Vault::Collateral => reserve.give_backstop_gain(atoms),
        };
        if given.is_ok() {
            let asset = AssetId::try_from(index).unwrap_or(AssetId::MAX);
            self.chain.tokens.pay_out(asset, vault, Actor::Providers, atoms);
        }
    }

    /// The market about to run under a rule.
    pub fn sim(&self, rule: Rule) -> Sim {
        let liquidators = Liquidator::all(&self.scenario.liquidators);
        let (venues, feeds) = (self.venues.clone(), self.feeds.clone());
        let mut sim = Sim::new(self.chain.clone(), venues, feeds, liquidators, self.scenario.borrowers);
        sim.thinnings = self.scenario.thinnings.clone();
        sim.rule = rule;
        for id in &self.flagged {
            sim.flagged.insert(*id);
        }
        sim
    }

    /// The fixed factors at which the whole book could borrow what it can under the program's health, by token.
    pub fn comparable_thresholds(&self) -> Vec<Factor> {
        let lenses = self.lenses(Weighing::Sale);
        let mut sums = vec![(0f64, 0f64); lenses.len()];
        let (mut weighted_debt, mut plain_debt) = (0f64, 0f64);
        for id in self.chain.book.ids() {
            let (collaterals, debts) = self.chain.book.legs(id);
            for leg in collaterals {
                let (lens, atoms) = (&lenses[usize::from(leg.asset)], leg.atoms());
                let sum = &mut sums[usize::from(leg.asset)];
                sum.0 += lens.collateral(atoms).0 as f64;
                sum.1 += lens.plain_collateral(atoms).0 as f64;
            }
            for leg in debts {
                let lens = &lenses[usize::from(leg.asset)];
                weighted_debt += lens.debt(leg.amount).0 as f64;
                plain_debt += lens.plain_debt(leg.amount).0 as f64;
            }
        }
        let weight = if plain_debt > 0.0 { weighted_debt / plain_debt } else { 1.0 };
        let threshold = |(weighted, plain): &(f64, f64)| {
            let part = if *plain > 0.0 { weighted / plain / weight } else { 0.5 };
            Factor((part * Factor::ONE.0 as f64) as u64)
        };
        sums.iter().map(threshold).collect()
    }

    /// The rules to compare, the program's first.
    pub fn rules(&self) -> Vec<Rule> {
        let thresholds = self.comparable_thresholds();
        let policy = &self.chain.market.policy;
        vec![
            Rule::Plimsoll,
            Rule::CloseFactor(CloseFactor { part: 0.5, bonus: 0.05, thresholds: thresholds.clone() }),
            Rule::Targeted(Targeted {
                target: policy.target_health_bps as f64 / 1e4,
                bonus_min: 0.01,
                bonus_max: 0.1,
                health_max_bonus: 0.9,
                thresholds: thresholds.clone(),
            }),
            Rule::Auction(AuctionTerms {
                top: 1.2,
                cut: 0.99,
                step_secs: 90,
                tail_secs: 8_400,
                cusp: 0.4,
                penalty: 0.13,
                hole: 0.1,
                thresholds,
            }),
        ]
    }
}

/// A random position.
#[derive(Clone, Copy, Debug)]
struct Draw {
    collateral: AssetId,
    second: Option<AssetId>,
    second_part: f64,
    debt: AssetId,
    size: f64,
    health: f64,
}

impl Draw {
    fn new(rng: &mut ChaCha8Rng, book: &BookTerms, collaterals: &[(AssetId, f64)], debts: &[(AssetId, f64)]) -> Self {
        let pick = |rng: &mut ChaCha8Rng, weights: &[(AssetId, f64)]| {
            let mut left: f64 = rng.random();
            let found = weights.iter().find(|(_, weight)| {
                left -= weight;
                left <= 0.0
            });
            found.or(weights.last()).map_or(0, |(asset, _)| *asset)
        };
        let (collateral, debt) = (pick(rng, collaterals), pick(rng, debts));
        let other = pick(rng, collaterals);
        let has_second = rng.random::<f64>() < book.second_collateral && other != collateral && other != debt;
        let size = lognormal(rng, book.size_median, book.size_sigma);
        let health = book.health_min + lognormal(rng, book.excess_median, book.excess_sigma);
        // No token is collateral and debt of one position.
        let collateral = if collateral == debt {
            collaterals.iter().find(|it| it.0 != debt).map_or(0, |it| it.0)
        } else {
            collateral
        };
        let second = (has_second && other != collateral).then_some(other);
        Self { collateral, second, second_part: if second.is_some() { 0.3 } else { 0.0 }, debt, size, health }
    }
}
