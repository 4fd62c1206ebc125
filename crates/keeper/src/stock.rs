//! What surrounds the decisions about a keeper's own tokens: the venue it was told to use, the samples to ask of it, and the
//! price of SOL.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::{saturate, Value};
use plimsoll_engine::price::Price;
use plimsoll_engine::Now;

use crate::chain::Seen;
use crate::config::{JupiterTable, VenueTable};
use crate::decide::Rebalance;
use crate::oracle;
use crate::scene::Leg;
use crate::venue::curve::{Mints, Wanted};
use crate::venue::jupiter::{Jupiter, Settings};
use crate::venue::{Aggregator, Desk, NoVenue, Pools};
use crate::watch::feed_of;

/// Decimals of SOL.
const SOL_DECIMALS: u8 = 9;
/// Lamports in a SOL.
const LAMPORTS: u64 = 1_000_000_000;
/// Sampled sizes keep so many leading bits, so that a price that moves a little asks for no other sizes.
const SIZE_BITS: u32 = 3;

/// The venue of a configuration.
///
/// # Errors
/// Where the file of its key cannot be read.
pub fn desk(table: &VenueTable) -> Result<Desk> {
    Ok(match table {
        VenueTable::None => Desk::Nowhere(NoVenue),
        VenueTable::Pools(program) => Desk::Pools(Pools::new(*program)),
        VenueTable::Jupiter(table) => Desk::Aggregator(Aggregator::new(Jupiter::new(settings(table)?)?)),
    })
}

fn settings(table: &JupiterTable) -> Result<Settings> {
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("expected a key at {}; `api_key_file` in [venue]", path.display()))?;
        Ok::<_, anyhow::Error>(text.trim().to_owned())
    };
    Ok(Settings {
        url: table.url.clone(),
        api_key: table.api_key.as_ref().map(read).transpose()?,
        slippage_bps: table.slippage_bps,
        max_accounts: table.max_accounts,
        timeout: table.timeout,
        samples_per_minute: table.samples_per_minute,
        sample_life: table.sample_life,
    })
}

/// Which samples to ask for: of every pair that a position near its threshold holds, the commonest first, and of those that a
/// keeper's own tokens are brought back by. No more than can be kept fresh.
pub fn wanted(
    near: &BTreeMap<(Pubkey, Pubkey), usize>,
    legs: &[Leg],
    rebalance: Option<&Rebalance>,
    bounded: &[Pubkey],
    table: &JupiterTable,
) -> Vec<Wanted> {
    let leg = |reserve: &Pubkey| legs.iter().find(|leg| leg.reserve.address == *reserve);
    let mut pairs: Vec<(usize, (&Leg, &Leg))> = near
        .iter()
        .filter_map(|((from, to), count)| Some((*count, (leg(from)?, leg(to)?))))
        .filter(|(_, (from, to))| from.reserve.mint() != to.reserve.mint())
        .collect();
    pairs.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    if let Some(home) = rebalance.and_then(|how| legs.iter().find(|leg| leg.reserve.mint() == how.home)) {
        let own = legs.iter().filter(|leg| bounded.contains(&leg.reserve.mint()));
        let others = own.filter(|leg| leg.reserve.address != home.reserve.address);
        pairs.extend(others.flat_map(|leg| [(0, (leg, home)), (0, (home, leg))]));
    }
    let mut all: Vec<Wanted> = Vec::new();
    for (_, (from, to)) in pairs {
        let mints: Mints = (from.reserve.mint(), to.reserve.mint());
        let price = price(from);
        let sizes = table.sizes_nano_usd.iter().map(|size| rounded(price.atoms_floor(Value((*size).into()))));
        for wanted in sizes.map(|amount_in| Wanted { mints, amount_in }) {
            if wanted.amount_in > 0 && !all.contains(&wanted) {
                all.push(wanted);
            }
        }
    }
    let fresh = u128::from(table.samples_per_minute) * u128::from(table.sample_life.as_secs()) / 60;
    all.truncate(usize::try_from(fresh).unwrap_or(usize::MAX).max(1));
    all
}

/// The price of a token by the newer of the offered and the kept reading, whatever its age.
pub fn price(leg: &Leg) -> Price {
    let state = &leg.reserve.state;
    let reading = state.reading.newer(leg.offered.map(|offered| offered.reading));
    reading.price_of(reading.price, state.decimals)
}

/// An amount with its leading bits only.
fn rounded(atoms: u64) -> u64 {
    let dropped = u64::BITS.saturating_sub(atoms.leading_zeros()).saturating_sub(SIZE_BITS);
    atoms >> dropped << dropped
}

/// A SOL in nano-dollars, by a price account: the upper end of what it says, because fees are paid in it.
///
/// # Errors
/// Why the account's price is not taken, in words.
pub fn sol_nano_usd(seen: &Seen, age_max_secs: u64, now: &Now) -> Result<u64, String> {
    let (kind, feed) = feed_of(seen).ok_or("no price account of Pyth")?;
    let reading = oracle::read_any((kind, &feed), &seen.address, &seen.owner, &seen.data, now)?;
    let age_secs = reading.age_secs(now.unix);
    if age_secs > age_max_secs {
        return Err(format!("its price is {age_secs} s old, more than {age_max_secs} s"));
    }
    let upper = reading.price.saturating_add(reading.confidence);
    Ok(saturate(reading.price_of(upper, SOL_DECIMALS).value_ceil(LAMPORTS).0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_keeps_three_bits() {
        for (atoms, kept) in [(0, 0), (7, 7), (8, 8), (9, 8), (1_000, 896), (u64::MAX, 7 << 61)] {
            assert_eq!(rounded(atoms), kept);
        }
    }
}
