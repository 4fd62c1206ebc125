//! A scenario over a snapshot: the chain says what it knows, the scenario only the rest. Nothing has two sources.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{bail, ensure, Context, Result};
use plimsoll_client::Pubkey as Address;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::state::ReserveState;

use super::{Overrides, Scenario, TokenTerms};
use crate::feed::usd;
use crate::paths::PathTerms;
use crate::snapshot::{file, Snapshot};
use crate::venue::VenueTerms;

/// What of a scenario a snapshot has: the key, and what comes from the chain instead.
const OF_MARKET: [(&str, &str); 3] =
    [("market", "the market's settings"), ("book", "positions"), ("position", "positions")];
/// What of a token its reserve has.
const OF_TOKEN: [&str; 8] = ["class", "decimals", "price", "depth", "set", "utilisation", "insurance", "backstop"];
/// Daily volatility of the calm market below which a reserve is configured as a stable token's, bps.
const STABLE_BPS: u64 = 100;
/// Characters of a mint's address that name a token.
const SHORT: usize = 6;

/// Reads the snapshot and completes the tokens: those that the scenario names first, in its order, then the others.
pub(super) fn complete(scenario: &mut Scenario, table: &toml::Table) -> Result<()> {
    let file = scenario.snapshot.clone().unwrap_or_default();
    for (key, what) in OF_MARKET {
        ensure!(
            !table.contains_key(key),
            "expected no `{key}` over a snapshot, got one: {what} are those of {file}; remove `{key}`, or remove `snapshot` to \
             simulate a market that never was"
        );
    }
    let (_, snapshot) = file::read(&scenario.folder.join(&file))?;
    let given = std::mem::take(&mut scenario.tokens);
    let tables = table.get("token").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let (mut order, mut tokens) = (Vec::new(), Vec::new());
    for (number, (token, table)) in given.into_iter().zip(tables).enumerate() {
        let said = if token.name.is_empty() { format!("token {}", number + 1) } else { token.name.clone() };
        let table = table.as_table().context("expected [[token]] to be a table")?;
        let index = place(&token, table, &snapshot).context(said.clone())?;
        ensure!(
            !order.contains(&index),
            "{said}: expected one [[token]] of a reserve, got a second of {}",
            key(&snapshot, index)
        );
        order.push(index);
        tokens.push((token, table.contains_key("path"), table.contains_key("venue")));
    }
    let others: Vec<usize> = (0..snapshot.reserves.len()).filter(|index| !order.contains(index)).collect();
    let unnamed = others.iter().map(|_| (TokenTerms::unnamed(), false, false));
    tokens.extend(unnamed);
    order.extend(others);
    let names = names(&snapshot);
    for (index, (token, has_path, has_venue)) in order.iter().zip(tokens) {
        let Some(((address, state), name)) = snapshot.reserves.get(*index).zip(names.get(*index)) else { continue };
        let name = if token.name.is_empty() { name.clone() } else { token.name.clone() };
        let path = if has_path { token.path } else { path(state) };
        let venue = if has_venue { token.venue } else { venue(state) };
        let reserve = Some(Address::from(*address).to_string());
        scenario.tokens.push(TokenTerms { name, reserve, path, venue, feed: token.feed, ..known(state) });
    }
    let mut taken = BTreeSet::new();
    for token in &scenario.tokens {
        ensure!(taken.insert(&token.name), "expected a name of its own for each token, got {} twice", token.name);
    }
    let reserves = order.iter().filter_map(|index| snapshot.reserves.get(*index)).copied().collect();
    scenario.live = Some(Arc::new(Snapshot { reserves, ..snapshot }));
    Ok(())
}

/// Which reserve a token of the scenario is.
fn place(token: &TokenTerms, table: &toml::Table, snapshot: &Snapshot) -> Result<usize> {
    for key in OF_TOKEN {
        let Some(value) = table.get(key) else { continue };
        let said = serde_json::to_string(value)?;
        let hint = if key == "set" { "; to see other terms ask `plimsoll sim frontier --vary`" } else { "" };
        bail!("expected no `{key}` over a snapshot, got {said}: its reserve says it; remove the line{hint}");
    }
    let all = snapshot.reserve_names();
    let Some(named) = &token.reserve else {
        bail!("expected `reserve = \"ADDRESS\"` over a snapshot, got none; its reserves are {all}");
    };
    let found = (0..snapshot.reserves.len()).find(|index| key(snapshot, *index) == *named);
    found.with_context(|| format!("expected one of the snapshot's reserves {all}, got {named}"))
}

fn key(snapshot: &Snapshot, index: usize) -> String {
    snapshot.reserves.get(index).map_or_else(String::new, |(key, _)| Address::from(*key).to_string())
}

/// What a token is called where the scenario does not say: the beginning of its mint's address, or all of it where two
/// begin alike.
pub fn names(snapshot: &Snapshot) -> Vec<String> {
    let mints: Vec<String> = snapshot.reserves.iter().map(|(_, state)| Address::from(state.mint).to_string()).collect();
    let short = |mint: &String| mint.chars().take(SHORT).collect::<String>();
    let is_alone = |mint: &String| mints.iter().filter(|other| short(other) == short(mint)).count() == 1;
    mints.iter().map(|mint| if is_alone(mint) { short(mint) } else { mint.clone() }).collect()
}

/// Its price where the scenario does not say: a random walk with the volatility that the reserve has recorded.
pub fn path(reserve: &ReserveState) -> PathTerms {
    PathTerms::Gbm { sigma: sigma(reserve), drift: 0.0 }
}

/// Its market where the scenario does not say: as deep as the reserve is configured; a unit of account where it is
/// configured as a stable token's.
pub fn venue(reserve: &ReserveState) -> VenueTerms {
    VenueTerms { is_cash: reserve.risk.sigma_ref_bps < STABLE_BPS, ..VenueTerms::default() }
}

/// Daily volatility that the reserve has recorded, as a part.
pub fn sigma(reserve: &ReserveState) -> f64 {
    reserve.volatility.sigma_q40 as f64 / Factor::ONE.0 as f64
}

/// What the chain knows of a token.
fn known(reserve: &ReserveState) -> TokenTerms {
    let unit = 10f64.powi(i32::from(reserve.decimals));
    TokenTerms {
        decimals: reserve.decimals,
        price: usd(&reserve.reading),
        depth: reserve.risk.depth_atoms as f64 / unit,
        ..TokenTerms::unnamed()
    }
}

impl TokenTerms {
    fn unnamed() -> Self {
        Self {
            name: String::new(),
            reserve: None,
            class: super::Class::default(),
            decimals: super::nine(),
            price: 0.0,
            depth: 0.0,
            set: Overrides::new(),
            laid: Overrides::new(),
            venue: VenueTerms::default(),
            feed: Default::default(),
            path: PathTerms::default(),
            utilisation: super::four_fifths(),
            insurance: 0.0,
            backstop: 0.0,
        }
    }
}
