//! A market to simulate, as a person writes it down: a TOML file.

pub mod live;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{bail, ensure, Context, Result};
use plimsoll_engine::state::{MarketPolicy, ReserveConfig};
use serde::{Deserialize, Serialize};

use crate::agents::{BorrowerTerms, LiquidatorTerms};
use crate::feed::FeedTerms;
use crate::paths::{PathTerms, Paths, TokenPath};
use crate::sim::Thinning;
use crate::snapshot::Snapshot;
use crate::terms;
use crate::venue::VenueTerms;

/// Settings by name, in the units of the program's configuration.
pub type Overrides = BTreeMap<String, u64>;

/// A scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub about: String,
    /// Where its figures are from.
    #[serde(default)]
    pub source: Vec<String>,
    /// Seed of all that is random.
    #[serde(default = "one")]
    pub seed: u64,
    /// Seconds of a step.
    pub step_secs: u64,
    /// Steps.
    pub steps: usize,
    /// File of a live market's accounts, from the folder of the scenario, in place of all that is made up: settings, prices,
    /// terms, positions, what lenders, insurance and backstop have.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Settings of the market that differ from the usual ones.
    #[serde(default)]
    pub market: Overrides,
    /// Tokens. Over a snapshot these are all its reserves, once the scenario is read.
    #[serde(default, rename = "token")]
    pub tokens: Vec<TokenTerms>,
    /// Positions drawn at random.
    #[serde(default)]
    pub book: BookTerms,
    /// Positions by hand.
    #[serde(default, rename = "position")]
    pub positions: Vec<PositionTerms>,
    /// Liquidators.
    #[serde(default = "usual_liquidators", rename = "liquidator")]
    pub liquidators: Vec<LiquidatorTerms>,
    /// Borrowers.
    #[serde(default)]
    pub borrowers: BorrowerTerms,
    /// Thin markets.
    #[serde(default, rename = "thin")]
    pub thinnings: Vec<Thinning>,
    /// What is known of the event, and what a run of this file gives.
    #[serde(default, rename = "figure")]
    pub figures: Vec<Figure>,
    /// Folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
    /// What the snapshot's file holds, its reserves in the order of the tokens.
    #[serde(skip)]
    pub live: Option<Arc<Snapshot>>,
}

fn one() -> u64 {
    1
}

fn usual_liquidators() -> Vec<LiquidatorTerms> {
    vec![LiquidatorTerms::default()]
}

/// Which terms a token has where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// As SOL.
    #[default]
    Volatile,
    /// As USDC.
    Stable,
}

/// A token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenTerms {
    /// Name. Over a snapshot the beginning of the mint's address, where none is given.
    #[serde(default)]
    pub name: String,
    /// Address of its reserve in the snapshot, which says all of it that the chain knows.
    #[serde(default)]
    pub reserve: Option<String>,
    /// Usual terms.
    #[serde(default)]
    pub class: Class,
    /// Decimals.
    #[serde(default = "nine")]
    pub decimals: u8,
    /// First price, USD.
    #[serde(default)]
    pub price: f64,
    /// Depth that the reserve is configured with, whole tokens.
    #[serde(default)]
    pub depth: f64,
    /// Settings that differ from the usual ones.
    #[serde(default)]
    pub set: Overrides,
    /// Settings that a question lays over those: the market about the reserve stays what it is without them.
    #[serde(skip)]
    pub laid: Overrides,
    /// Its market.
    #[serde(default)]
    pub venue: VenueTerms,
    /// Its feed.
    #[serde(default)]
    pub feed: FeedTerms,
    /// Its price.
    #[serde(default)]
    pub path: PathTerms,
    /// Part of what is supplied that is borrowed.
    #[serde(default = "four_fifths")]
    pub utilisation: f64,
    /// Insurance, as a part of what is borrowed.
    #[serde(default)]
    pub insurance: f64,
    /// Backstop, as a part of what is borrowed.
    #[serde(default)]
    pub backstop: f64,
}

fn nine() -> u8 {
    9
}

fn four_fifths() -> f64 {
    0.8
}

/// Positions drawn at random: lognormal sizes and lognormal distances from liquidation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BookTerms {
    /// Number.
    pub positions: usize,
    /// Weights of collaterals, by token.
    pub collaterals: BTreeMap<String, f64>,
    /// Weights of debts, by token.
    pub debts: BTreeMap<String, f64>,
    /// Part of positions with a second collateral.
    pub second_collateral: f64,
    /// Median collateral of a position, USD.
    pub size_median: f64,
    /// Standard deviation of its logarithm.
    pub size_sigma: f64,
    /// All collateral together, USD; sizes are scaled to it. 0: they are as drawn.
    pub total: f64,
    /// Largest collateral of one position as a part of all, where that is given.
    pub size_max: f64,
    /// Median of health beyond `health_min`.
    pub excess_median: f64,
    /// Standard deviation of its logarithm.
    pub excess_sigma: f64,
    /// Lowest health.
    pub health_min: f64,
}

impl Default for BookTerms {
    fn default() -> Self {
        Self {
            positions: 0,
            collaterals: BTreeMap::new(),
            debts: BTreeMap::new(),
            second_collateral: 0.0,
            size_median: 5_000.0,
            size_sigma: 1.8,
            total: 0.0,
            size_max: 0.05,
            excess_median: 0.4,
            excess_sigma: 0.9,
            health_min: 1.02,
        }
    }
}

/// A position by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionTerms {
    /// Token and whole tokens.
    pub collateral: BTreeMap<String, f64>,
    /// Token and whole tokens; where that is 0, as much as leaves `health`.
    pub debt: BTreeMap<String, f64>,
    /// Health it begins with, where a debt is not given.
    #[serde(default)]
    pub health: f64,
}

/// A figure of the event and of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Which: see [`crate::ask::run::figure`].
    pub what: String,
    /// What is known of the event.
    pub known: f64,
    /// What a run of this file gives, as pinned by a test.
    pub run: f64,
    /// Where the known figure is from, and how sure it is.
    pub note: String,
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::parse_in(&text, folder).with_context(|| format!("{} is no scenario", file.display()))
    }

    /// From a text. Files that it names are looked for from the working folder.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_in(text, PathBuf::new())
    }

    fn parse_in(text: &str, folder: PathBuf) -> Result<Self> {
        let mut scenario: Self = toml::from_str(text)?;
        scenario.folder = folder;
        ensure!(
            scenario.step_secs > 0 && scenario.steps > 0,
            "expected at least one step of at least a second, got steps = {} and step_secs = {}",
            scenario.steps,
            scenario.step_secs
        );
        if scenario.snapshot.is_some() {
            live::complete(&mut scenario, &toml::from_str(text)?)?;
        } else {
            scenario.check_made_up()?;
        }
        Ok(scenario)
    }

    fn check_made_up(&self) -> Result<()> {
        ensure!((1..=16).contains(&self.tokens.len()), "expected 1 to 16 tokens, got {}", self.tokens.len());
        for (index, token) in self.tokens.iter().enumerate() {
            let name = &token.name;
            ensure!(!name.is_empty(), "expected a name of every token");
            let is_taken = self.tokens.iter().take(index).any(|other| other.name == *name);
            ensure!(!is_taken, "expected a name of its own of every token, got {name} twice");
            ensure!(
                token.reserve.is_none(),
                "{name}: expected no `reserve` without a snapshot, got one: name the snapshot's file with `snapshot = \"FILE\"`, \
                 or give a price and a depth in its place"
            );
            ensure!(token.price > 0.0 && token.depth > 0.0, "{name}: expected a price and a depth above zero");
            let used = token.utilisation > 0.0 && token.utilisation <= 1.0;
            ensure!(used, "{name}: expected a utilisation above 0 and at most 1, got {}", token.utilisation);
        }
        Ok(())
    }

    /// Number of a token by its name or its reserve's address.
    ///
    /// # Errors
    /// That there is none of the name.
    pub fn token(&self, name: &str) -> Result<usize> {
        let names = || self.tokens.iter().map(|token| token.name.as_str()).collect::<Vec<_>>().join(", ");
        let is_it = |token: &TokenTerms| token.name == name || token.reserve.as_deref() == Some(name);
        let found = self.tokens.iter().position(is_it);
        found.with_context(|| format!("expected one of the tokens {}, got {name}", names()))
    }

    /// The market's policy. A keeper looks once a step, so that is how long a sighting vouches.
    ///
    /// # Errors
    /// A setting that there is none of.
    pub fn policy(&self) -> Result<MarketPolicy> {
        let mut policy = self.live.as_ref().map_or_else(terms::policy, |live| live.market.policy);
        // No longer than the program allows.
        let most_secs = policy.auction_secs.min(600).max(policy.sighting_secs);
        policy.sighting_secs = self.step_secs.clamp(policy.sighting_secs, most_secs);
        for (name, value) in &self.market {
            let place = match name.as_str() {
                "target_health_bps" => &mut policy.target_health_bps,
                "call_level_bps" => &mut policy.call_level_bps,
                "dust_value" => &mut policy.dust_value,
                "bonus_default_bps" => &mut policy.bonus_default_bps,
                "auction_secs" => &mut policy.auction_secs,
                "sighting_secs" => &mut policy.sighting_secs,
                "recovery_margin_bps" => &mut policy.recovery_margin_bps,
                "provision_release_bps_per_hour" => &mut policy.provision_release_bps_per_hour,
                "mark_tip_value" => &mut policy.mark_tip_value,
                other => bail!("a market has no setting {other}"),
            };
            *place = *value;
        }
        Ok(policy)
    }

    /// Paths of all tokens.
    ///
    /// # Errors
    /// What is wrong with one.
    pub fn paths(&self) -> Result<Paths> {
        let path = |token: &'_ TokenTerms| -> (String, f64, PathTerms) {
            (token.name.clone(), token.price, token.path.clone())
        };
        let tokens: Vec<_> = self.tokens.iter().map(path).collect();
        let tokens: Vec<TokenPath> =
            tokens.iter().map(|(name, price, terms)| TokenPath { name, price: *price, terms }).collect();
        Paths::new(&tokens, self.seed, self.step_secs, self.steps, &self.folder)
    }
}

impl TokenTerms {
    /// Configuration of the token's reserve.
    ///
    /// # Errors
    /// A setting that there is none of.
    pub fn config(&self) -> Result<ReserveConfig> {
        let mut config = self.market()?;
        self.lay(&self.laid, &mut config)?;
        Ok(config)
    }

    /// The same without what a question lays over it: what the market about it is made by.
    ///
    /// # Errors
    /// As [`Self::config`].
    pub fn market(&self) -> Result<ReserveConfig> {
        let class = match self.class {
            Class::Volatile => terms::volatile,
            Class::Stable => terms::stable,
        };
        let mut config = class(self.decimals, self.depth);
        self.lay(&self.set, &mut config)?;
        Ok(config)
    }

    fn lay(&self, set: &Overrides, config: &mut ReserveConfig) -> Result<()> {
        for (name, value) in set {
            *setting(config, name).with_context(|| format!("{}: a reserve has no setting {name}", self.name))? = *value;
        }
        Ok(())
    }
}

/// A setting of a reserve by its name.
pub fn setting<'a>(config: &'a mut ReserveConfig, name: &str) -> Option<&'a mut u64> {
    let ReserveConfig { risk, initial, bonus, oracle_policy, rates, caps, .. } = config;
    Some(match name {
        "maintenance_bps" => &mut risk.maintenance_bps,
        "debt_weight_bps" => &mut risk.debt_weight_bps,
        "z_x100" => &mut risk.z_x100,
        "horizon_secs" => &mut risk.horizon_secs,
        "spread_bps" => &mut risk.spread_bps,
        "impact_sqrt_bps" => &mut risk.impact_sqrt_bps,
        "depth_atoms" => &mut risk.depth_atoms,
        "depth_floor_atoms" => &mut risk.depth_floor_atoms,
        "sigma_floor_bps" => &mut risk.sigma_floor_bps,
        "sigma_cap_bps" => &mut risk.sigma_cap_bps,
        "sigma_ref_bps" => &mut risk.sigma_ref_bps,
        "sigma_rise_bps_per_hour" => &mut risk.sigma_rise_bps_per_hour,
        "initial_bps" => &mut initial.initial_bps,
        "initial_debt_weight_bps" => &mut initial.debt_weight_bps,
        "bonus_min_bps" => &mut bonus.bonus_min_bps,
        "bonus_max_bps" => &mut bonus.bonus_max_bps,
        "health_max_bonus_bps" => &mut bonus.health_max_bonus_bps,
        "fee_share_bps" => &mut bonus.fee_share_bps,
        "throttle_share_bps" => &mut bonus.throttle_share_bps,
        "throttle_window_secs" => &mut bonus.throttle_window_secs,
        "borrow_age_secs" => &mut oracle_policy.borrow_age_secs,
        "liquidate_age_secs" => &mut oracle_policy.liquidate_age_secs,
        "confidence_soft_bps" => &mut oracle_policy.confidence_soft_bps,
        "confidence_hard_bps" => &mut oracle_policy.confidence_hard_bps,
        "ema_band_bps" => &mut oracle_policy.ema_band_bps,
        "sample_secs" => &mut oracle_policy.sample_secs,
        "kink_rate_bps" => &mut rates.kink_rate_bps,
        "max_rate_bps" => &mut rates.max_rate_bps,
        "collateral_atoms" => &mut caps.collateral_atoms,
        "sigma_bps" => &mut config.sigma_bps,
        _ => return None,
    })
}
