//! `[venue]` and `[rebalance]`: where tokens are exchanged, and what the keeper's own are brought back to.

use std::path::PathBuf;
use std::time::Duration;

use plimsoll_client::Pubkey;
use plimsoll_migrate::reader::{Faults, Section};
use plimsoll_migrate::source::Source;

use super::{beside, nano_usd_of, number_or, usd_or};
use crate::decide::Rebalance;

/// Jupiter's own address.
const JUPITER_URL: &str = "https://api.jup.ag/swap/v1";
/// Sizes that are sampled, where the file names none.
const SIZES_USD: [&str; 4] = ["100", "1000", "10000", "100000"];
/// Most sizes: each is a request for each pair.
const SIZES_MAX: usize = 8;

/// Where tokens are exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VenueTable {
    /// Nowhere.
    None,
    /// In the test market's pools, of this program.
    Pools(Pubkey),
    /// Over Jupiter.
    Jupiter(JupiterTable),
}

/// How Jupiter is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JupiterTable {
    /// Where.
    pub url: String,
    /// File of the interface's key.
    pub api_key: Option<PathBuf>,
    /// Most that a sale may bring less than its quote, bps.
    pub slippage_bps: u64,
    /// Most accounts of a route, roughly.
    pub max_accounts: u64,
    /// An answer is waited for no longer than this.
    pub timeout: Duration,
    /// Samples in a minute.
    pub samples_per_minute: u64,
    /// A sample counts for so long.
    pub sample_life: Duration,
    /// Sampled sizes, nano-dollars.
    pub sizes_nano_usd: Vec<u64>,
}

/// Reads `[venue]`. Without a kind, a program of pools says which it is.
pub(super) fn read_venue(section: Option<Section>, source: &Source, faults: &Faults) -> VenueTable {
    let Some(section) = section else { return VenueTable::None };
    let kind = section.text_if_any("kind", "\"pools\", \"jupiter\" or \"none\"");
    let is_pools = kind.is_none() || kind.as_ref().is_some_and(|kind| kind.value == "pools");
    let table = match kind.as_ref().map(|kind| kind.value.as_str()) {
        Some("none") => VenueTable::None,
        Some("jupiter") => VenueTable::Jupiter(read_jupiter(&section, source, faults)),
        _ if is_pools => section.address("pool_program").map_or(VenueTable::None, |it| VenueTable::Pools(it.value)),
        _ => {
            let (at, found) = kind.map_or((section.at, String::new()), |kind| (kind.at, kind.value));
            let text = "`kind` in [venue] should be \"pools\", \"jupiter\" or \"none\"";
            faults.add(at, format!("{text}; found {found:?}"));
            return VenueTable::None;
        }
    };
    section.finish();
    table
}

fn read_jupiter(section: &Section, source: &Source, faults: &Faults) -> JupiterTable {
    let url = section.text_if_any("url", "an address such as \"https://api.jup.ag/swap/v1\"");
    let is_url = |url: &str| ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    if let Some(url) = url.as_ref().filter(|url| !is_url(&url.value)) {
        let text = "`url` in [venue] should begin with http:// or https://, such as \"https://api.jup.ag/swap/v1\"";
        faults.add(url.at, format!("{text}; found {:?}", url.value));
    }
    let url = url.map_or(JUPITER_URL.to_owned(), |url| url.value);
    let api_key = section.text_if_any("api_key_file", "the path of a file with the key of the interface");
    let number = |key: &str, default, range| number_or(section, key, default, range, faults);
    JupiterTable {
        url: url.trim_end_matches('/').to_owned(),
        api_key: api_key.map(|path| beside(source, &path.value)),
        slippage_bps: number("slippage_bps", 50, 0..=1_000),
        max_accounts: number("max_accounts", 20, 8..=64),
        timeout: Duration::from_millis(number("timeout_ms", 1_500, 50..=60_000)),
        samples_per_minute: number("samples_per_minute", 60, 1..=6_000),
        sample_life: Duration::from_secs(number("sample_secs", 60, 1..=3_600)),
        sizes_nano_usd: read_sizes(section, faults),
    }
}

/// Sizes, from small to large.
fn read_sizes(section: &Section, faults: &Faults) -> Vec<u64> {
    let found = section.texts("sizes_usd", "a list of amounts in USD such as [\"100\", \"1000\"]");
    if found.len() > SIZES_MAX {
        let text = format!("`sizes_usd` in [venue] has {} amounts; leave {SIZES_MAX} at most", found.len());
        faults.add(section.at, text);
    }
    let mut sizes = Vec::new();
    for text in &found {
        match nano_usd_of(&text.value).filter(|size| *size > 0) {
            Some(size) => sizes.push(size),
            None => faults.add(
                text.at,
                format!("`sizes_usd` in [venue] should be amounts above zero, as \"1000\"; found {:?}", text.value),
            ),
        }
    }
    if found.is_empty() {
        sizes = SIZES_USD.iter().filter_map(|size| nano_usd_of(size)).collect();
    }
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// Reads `[rebalance]`.
pub(super) fn read_rebalance(section: Option<Section>, faults: &Faults) -> Option<Rebalance> {
    let section = section?;
    let home = section.address("mint");
    let slippage_bps = number_or(&section, "slippage_bps", 50, 0..=1_000, faults);
    let least_nano_usd = usd_or(&section, "min_usd", 10_000_000_000, faults);
    section.finish();
    Some(Rebalance { home: home?.value, slippage_bps, least_nano_usd })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{parse, Config};
    use super::*;

    const SMALL: &str = "market = 1\n[network]\nrpc = \"http://127.0.0.1:8899\"\n[wallet]\nkey = \"keeper.json\"\n\
                         [fees]\nsol_usd = \"150\"\n";

    fn read(more: &str) -> anyhow::Result<Config> {
        parse(Source { name: "there/keeper.toml".into(), text: format!("{SMALL}{more}") })
    }

    #[track_caller]
    fn refused(more: &str, expected: &str) {
        assert_eq!(
            read(more).expect_err("a fault").to_string().trim(),
            format!("there/keeper.toml:{expected}"),
            "{more}"
        );
    }

    #[test]
    fn every_key_of_the_venue_and_of_rebalancing_is_read() {
        let key = Pubkey::new_from_array([7; 32]);
        let text = format!(
            "[venue]\nkind = \"jupiter\"\nurl = \"http://127.0.0.1:8080/\"\napi_key_file = \"api.key\"\nslippage_bps = 30\n\
             max_accounts = 24\ntimeout_ms = 900\nsamples_per_minute = 600\nsample_secs = 20\n\
             sizes_usd = [\"5000\", \"50\", \"0.5\"]\n\
             [rebalance]\nmint = \"{key}\"\nslippage_bps = 40\nmin_usd = \"25\"\n\
             [[inventory]]\nmint = \"{key}\"\nleast_atoms = 1\nmost_atoms = 9\ntarget_atoms = 4\n"
        );
        let config = read(&text).expect("a configuration");
        let VenueTable::Jupiter(table) = config.venue else { panic!("{:?}", config.venue) };
        assert_eq!((table.url.as_str(), table.slippage_bps, table.max_accounts), ("http://127.0.0.1:8080", 30, 24));
        assert_eq!(table.api_key.as_deref(), Some(Path::new("there/api.key")));
        assert_eq!((table.timeout, table.sample_life), (Duration::from_millis(900), Duration::from_secs(20)));
        assert_eq!(table.samples_per_minute, 600);
        assert_eq!(table.sizes_nano_usd, [500_000_000, 50_000_000_000, 5_000_000_000_000]);
        let rebalance = Rebalance { home: key, slippage_bps: 40, least_nano_usd: 25_000_000_000 };
        assert_eq!((config.rebalance, config.inventory[&key].target_atoms), (Some(rebalance), Some(4)));
    }

    #[test]
    fn a_venue_may_be_left_out_and_its_keys_too() {
        assert_eq!(read("").expect("a configuration").venue, VenueTable::None);
        assert_eq!(read("[venue]\nkind = \"none\"\n").expect("a configuration").venue, VenueTable::None);
        let config = read("[venue]\nkind = \"jupiter\"\n").expect("a configuration");
        let VenueTable::Jupiter(table) = config.venue else { panic!("{:?}", config.venue) };
        assert_eq!((table.url.as_str(), table.api_key), (JUPITER_URL, None));
        assert_eq!(table.sizes_nano_usd.len(), SIZES_USD.len());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_fix() {
        refused(
            "[venue]\nkind = \"orca\"\n",
            "9:8: `kind` in [venue] should be \"pools\", \"jupiter\" or \"none\"; found \"orca\"",
        );
        refused("[venue]\nkind = \"pools\"\n", "8:1: [venue] lacks `pool_program`, an address in base 58; add it");
        refused(
            "[venue]\nkind = \"jupiter\"\nurl = \"api.jup.ag\"\n",
            "10:7: `url` in [venue] should begin with http:// or https://, such as \"https://api.jup.ag/swap/v1\"; \
             found \"api.jup.ag\"",
        );
        refused(
            "[venue]\nkind = \"jupiter\"\nsizes_usd = [\"0\"]\n",
            "10:14: `sizes_usd` in [venue] should be amounts above zero, as \"1000\"; found \"0\"",
        );
        refused(
            "[venue]\nkind = \"jupiter\"\nslippage_bps = 2000\n",
            "10:16: `slippage_bps` in [venue] should be from 0 to 1000; found 2000",
        );
        refused(
            "[rebalance]\nmint = \"11111111111111111111111111111111\"\n",
            "8:1: [rebalance] needs a place to exchange; add [venue] with `kind`",
        );
        refused(
            "[[inventory]]\nmint = \"11111111111111111111111111111111\"\nleast_atoms = 1\nmost_atoms = 2\ntarget_atoms = 3\n",
            "12:16: `target_atoms` should lie between `least_atoms` and `most_atoms`",
        );
    }
}
