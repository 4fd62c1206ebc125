//! From a snapshot to a market at rest: the accounts as they were, and around them the world of the scenario.

use std::sync::Arc;

use anyhow::{bail, ensure, Context, Result};
use plimsoll_client::Pubkey as Address;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::state::{Caps, MarketPolicy, PositionState, ReserveConfig, ReserveState};
use plimsoll_engine::Now;
use plimsoll_watch::Weighing;

use super::{refused, Setup};
use crate::book::{Book, Id};
use crate::chain::Chain;
use crate::feed::Feed;
use crate::scenario::{live, setting, Overrides, Scenario};
use crate::snapshot::{agrees, Snapshot};
use crate::terms;
use crate::venue::Venue;

impl Setup {
    /// The market of a scenario over a snapshot. Settings of a token are laid over its reserve's.
    pub(super) fn live(scenario: &Scenario, snapshot: &Arc<Snapshot>) -> Result<Self> {
        let mut chain = snapshot.chain();
        agrees(&chain)?;
        chain.market.policy = scenario.policy()?;
        chain.market.policy.validate().map_err(refused).context("the market")?;
        let mut setup = Self {
            scenario: scenario.clone(),
            paths: scenario.paths()?,
            safe_caps: Vec::new(),
            feeds: Vec::new(),
            venues: Vec::new(),
            flagged: flagged(&chain),
            chain,
        };
        let (policy, now) = (setup.chain.market.policy, setup.chain.now);
        for (index, token) in scenario.tokens.iter().enumerate() {
            let reserve = setup.chain.reserves.get_mut(index).context("a reserve of every token")?;
            // The market about a reserve is what it is, whatever its terms.
            let sigma = live::sigma(reserve);
            setup.venues.push(Venue::new(token.venue, &reserve.risk, reserve.decimals, token.price, sigma));
            setup.feeds.push(Feed::after(token.feed.clone(), &reserve.reading));
            lay(reserve, &token.laid, &policy, &now).with_context(|| format!("token {}", token.name))?;
            setup.safe_caps.push(safe_cap(reserve, &policy));
        }
        Ok(setup)
    }

    /// Leaves one position of a snapshot in the book and nobody else, for questions about it alone: the reserves' ledgers
    /// still count all of them. It is named by its address, or by its owner's where that has no other.
    ///
    /// # Errors
    /// A market that is no snapshot, an address that is none of its positions', a position without debt.
    pub fn only(&mut self, name: &str) -> Result<()> {
        let snapshot = self.scenario.live.clone();
        let snapshot =
            snapshot.context("expected a scenario over a snapshot: positions that are made up have no address")?;
        let named: Address =
            name.parse().ok().with_context(|| format!("expected the address of a position, got {name}"))?;
        let (address, state) = found(&snapshot, &named)?;
        ensure!(!state.debts().is_empty(), "expected a position with debt, got {address}, which owes nothing");
        self.chain.book = Book::of_states(Arc::new(vec![*state]), &self.chain.keys);
        self.flagged = flagged(&self.chain);
        self.scenario.name = format!("{}, {address}", self.scenario.name);
        Ok(())
    }

    /// Median of what positions with debt have of a token, USD; none where none has any.
    pub fn median_size(&self, token: usize) -> Option<f64> {
        let lens = *self.lenses(Weighing::Sale).get(token)?;
        let held = |id: Id| {
            let (collaterals, debts) = self.chain.book.legs(id);
            let leg = collaterals.iter().find(|leg| usize::from(leg.asset) == token && !debts.is_empty())?;
            Some(lens.plain_collateral(leg.atoms()).0 as f64 / 1e9)
        };
        let mut sizes: Vec<f64> = self.chain.book.ids().filter_map(held).collect();
        sizes.sort_unstable_by(f64::total_cmp);
        sizes.get(sizes.len() / 2).copied()
    }
}

/// The position of an address, or the only one of an owner.
fn found<'a>(snapshot: &'a Snapshot, named: &Address) -> Result<(&'a Address, &'a PositionState)> {
    let all = || snapshot.addresses.iter().zip(snapshot.positions.iter());
    if let Some(found) = all().find(|(address, _)| *address == named) {
        return Ok(found);
    }
    let owned: Vec<_> = all().filter(|(_, state)| state.owner == named.to_bytes()).collect();
    match owned.as_slice() {
        [one] => Ok(*one),
        [] => {
            let count = snapshot.positions.len();
            bail!("expected one of the snapshot's {count} positions, got {named}; it may be of another market, or younger")
        }
        several => {
            let names: Vec<String> = several.iter().map(|(address, _)| address.to_string()).collect();
            bail!("expected one position, got the owner of {}: {}; name one of them", names.len(), names.join(", "))
        }
    }
}

/// Positions that come with a flag, which ends when they are seen healthy.
fn flagged(chain: &Chain) -> Vec<Id> {
    let is_flagged = |id: &Id| chain.book.touched(*id).is_some_and(|state| state.flagged_at != 0);
    chain.book.ids().filter(is_flagged).collect()
}

/// Lays settings over a reserve as if they had been in force for long; of a ramp under way the end is taken.
fn lay(reserve: &mut ReserveState, set: &Overrides, policy: &MarketPolicy, now: &Now) -> Result<()> {
    if set.is_empty() {
        return Ok(());
    }
    let before = reserve.config();
    let mut config = before;
    for (name, value) in set {
        *setting(&mut config, name).with_context(|| format!("a reserve has no setting {name}"))? = *value;
    }
    // What others hold already is not asked: a new cap judges what comes in.
    let judged = if set.contains_key("collateral_atoms") { config } else { uncapped(&config) };
    judged.validate(policy, reserve.decimals, &reserve.reading).map_err(refused)?;
    if config.risk != before.risk {
        (reserve.risk, reserve.risk_target, reserve.ramped_at) = (config.risk, config.risk, now.unix);
    }
    if set.contains_key("sigma_bps") {
        reserve.begin_observation(config.risk.sigma_within(Factor::from_bps_ceil(config.sigma_bps)), now);
    }
    reserve.initial = config.initial;
    reserve.bonus = config.bonus;
    reserve.oracle_policy = config.oracle_policy;
    reserve.rates = config.rates;
    reserve.caps = config.caps;
    Ok(())
}

fn uncapped(config: &ReserveConfig) -> ReserveConfig {
    ReserveConfig { caps: Caps { collateral_atoms: 0, ..config.caps }, ..*config }
}

/// The largest collateral cap that the engine accepts of a reserve; all there is where it refuses every one for another
/// reason, such as a price at which dust is too few atoms.
fn safe_cap(reserve: &ReserveState, policy: &MarketPolicy) -> u64 {
    let config = reserve.config();
    if uncapped(&config).validate(policy, reserve.decimals, &reserve.reading).is_err() {
        return u64::MAX;
    }
    terms::safe_cap(&config, policy, reserve.decimals, &reserve.reading)
}
