//! `keeper.toml`: what is missing, unknown or of another kind is refused with line, column, and what to do.

mod desk;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, Context, Result};
use plimsoll_client::{address, Pubkey};
use plimsoll_migrate::amount::{Decimal, USD_DECIMALS};
use plimsoll_migrate::reader::{Amount, Faults, Section};
use plimsoll_migrate::source::{Fault, Placed, Source};
use toml::de::DeTable;

use crate::decide::{Bounds, Lists, Rebalance};
pub use desk::{JupiterTable, VenueTable};

/// A keeper's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Market.
    pub market: Pubkey,
    /// RPC endpoints, in order of preference.
    pub rpc: Vec<String>,
    /// Websocket; none: polling.
    pub websocket: Option<String>,
    /// Between two polls.
    pub poll: Duration,
    /// File of the key that signs and pays.
    pub key: PathBuf,
    /// Nothing is sent.
    pub is_dry_run: bool,
    /// Least profit, nano-dollars.
    pub min_profit_nano_usd: u64,
    /// Whether it does what keeps the market safe at its own cost.
    pub does_chores: bool,
    /// Whether it borrows what it does not have.
    pub uses_flash: bool,
    /// How far the state may move between decision and landing, bps.
    pub tolerance_bps: u64,
    /// Transactions at a time.
    pub parallel: usize,
    /// How old a reserve's kept price may grow while a newer one is at hand, seconds.
    pub refresh_secs: u64,
    /// Most for a compute unit, micro-lamports.
    pub unit_price_max: u64,
    /// Tip, lamports, and to whom.
    pub tip: Option<(u64, Pubkey)>,
    /// A SOL, nano-dollars, for what transactions cost, where no price account says it.
    pub sol_nano_usd: u64,
    /// Price account of SOL, and how old its price may be, seconds.
    pub sol_price: Option<(Pubkey, u64)>,
    /// What it touches.
    pub lists: Lists,
    /// What it holds, per mint.
    pub inventory: BTreeMap<Pubkey, Bounds>,
    /// Where tokens are exchanged.
    pub venue: VenueTable,
    /// How the keeper's own tokens are brought back to their bounds; none: they are not.
    pub rebalance: Option<Rebalance>,
    /// Lookup tables for every transaction.
    pub lookup_tables: Vec<Pubkey>,
    /// The journal.
    pub journal: PathBuf,
    /// Where `/healthz` and `/metrics` are; none: nowhere.
    pub listen: Option<SocketAddr>,
    /// Log filter, as `info` or `plimsoll_keeper=debug`.
    pub log: String,
}

/// Reads a configuration. Paths in it are taken from the folder of the file.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn read(path: &Path) -> Result<Config> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("expected a configuration at {name}; docs/guides/liquidator.md has one to begin with")
    })?;
    parse(Source { name, text })
}

/// The same, of a text.
///
/// # Errors
/// As [`read`].
pub fn parse(source: Source) -> Result<Config> {
    let faults = Faults::default();
    let table = match DeTable::parse(&source.text) {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            source.refuse(vec![Fault::new(at, error.message().to_owned())])?;
            return Err(anyhow!("{}: {}", source.name, error.message()));
        }
    };
    let config = whole(Section::whole(table.get_ref(), &faults), &source, &faults);
    // Every fault is told, not only the first.
    source.refuse(faults.into_inner())?;
    config.context("a configuration without a fault is complete")
}

fn whole(file: Section, source: &Source, faults: &Faults) -> Option<Config> {
    let market = file.number("market").and_then(|id| match u16::try_from(id.value) {
        Ok(id) => Some(address::market(id)),
        Err(_) => {
            faults.add(id.at, format!("`market` should be a number from 0 to 65535; found {}", id.value));
            None
        }
    });
    let network = file.section("network", "[network]".into(), None).map(|section| {
        let rpc = urls(&section, "rpc", &["http://", "https://"], faults);
        if rpc.is_empty() {
            faults.add(
                section.at,
                "[network] lacks `rpc`, one or more addresses such as \"http://127.0.0.1:8899\"; add it",
            );
        }
        let websocket = urls(&section, "websocket", &["ws://", "wss://"], faults).into_iter().next();
        let poll = number_or(&section, "poll_ms", 1_000, 50..=600_000, faults);
        section.finish();
        (rpc, websocket, poll)
    });
    let key = file.section("wallet", "[wallet]".into(), None).and_then(|section| {
        let key = section.text("key", "the path of a key file");
        section.finish();
        key.map(|key| beside(source, &key.value))
    });
    let act = read_act(file.section_if_any("act", "[act]".into(), None), faults);
    let fees = read_fees(&file, faults);
    let lists = file.section_if_any("lists", "[lists]".into(), None).map(|section| {
        let lists = Lists { allow: keys(&section, "allow", faults), deny: keys(&section, "deny", faults) };
        section.finish();
        lists
    });
    let inventory = file.tables_if_any("inventory").into_iter().filter_map(|section| {
        let mint = section.address("mint");
        let (least, most) = (section.number("least_atoms"), section.number("most_atoms"));
        if let (Some(least), Some(most)) = (&least, &most) {
            if least.value > most.value {
                faults.add(least.at, "`least_atoms` is above `most_atoms`; swap them".to_owned());
            }
        }
        let target = section.number_if_any("target_atoms");
        if let (Some(least), Some(most), Some(target)) = (&least, &most, &target) {
            if !(least.value..=most.value).contains(&target.value) && least.value <= most.value {
                faults.add(target.at, "`target_atoms` should lie between `least_atoms` and `most_atoms`".to_owned());
            }
        }
        section.finish();
        let target_atoms = target.map(|target| target.value);
        Some((mint?.value, Bounds { least_atoms: least?.value, most_atoms: most?.value, target_atoms }))
    });
    let inventory: BTreeMap<Pubkey, Bounds> = inventory.collect();
    let venue = desk::read_venue(file.section_if_any("venue", "[venue]".into(), None), source, faults);
    let rebalance_at = file.section_if_any("rebalance", "[rebalance]".into(), None);
    let at = rebalance_at.as_ref().map(|section| section.at);
    let rebalance = desk::read_rebalance(rebalance_at, faults);
    if let (Some(at), VenueTable::None) = (at, &venue) {
        faults.add(at, "[rebalance] needs a place to exchange; add [venue] with `kind`");
    }
    let journal = file.text_if_any("journal", "the path of the journal");
    let listen = file.text_if_any("listen", "an address such as \"127.0.0.1:9464\"").and_then(|listen| {
        let parsed = listen.value.parse().ok();
        if parsed.is_none() {
            let text = format!("`listen` should be an address such as \"127.0.0.1:9464\"; found {:?}", listen.value);
            faults.add(listen.at, text);
        }
        parsed
    });
    let log = file.text_if_any("log", "a log filter such as \"info\"").map_or("info".to_owned(), |log| log.value);
    file.finish();
    let ((rpc, websocket, poll), fees) = (network?, fees?);
    Some(Config {
        market: market?,
        rpc,
        websocket,
        poll: Duration::from_millis(poll),
        key: key?,
        inventory,
        venue,
        rebalance,
        lookup_tables: act.lookup_tables,
        journal: beside(source, &journal.map_or("keeper.db".to_owned(), |journal| journal.value)),
        listen,
        log,
        lists: lists.unwrap_or_default(),
        unit_price_max: fees.unit_price_max,
        tip: fees.tip,
        sol_nano_usd: fees.sol_nano_usd,
        sol_price: fees.sol_price,
        is_dry_run: act.is_dry_run,
        min_profit_nano_usd: act.min_profit_nano_usd,
        does_chores: act.does_chores,
        uses_flash: act.uses_flash,
        tolerance_bps: act.tolerance_bps,
        parallel: act.parallel,
        refresh_secs: act.refresh_secs,
    })
}

/// What `[act]` says, or what holds where it says nothing.
struct Act {
    is_dry_run: bool,
    min_profit_nano_usd: u64,
    does_chores: bool,
    uses_flash: bool,
    tolerance_bps: u64,
    parallel: usize,
    refresh_secs: u64,
    lookup_tables: Vec<Pubkey>,
}

fn read_act(section: Option<Section>, faults: &Faults) -> Act {
    let owned = section;
    let section = owned.as_ref();
    let flag = |key: &str, default: bool| {
        section.and_then(|section| section.flag_if_any(key)).map_or(default, |flag| flag.value)
    };
    let number = |key: &str, default: u64, range| {
        section.map_or(default, |section| number_or(section, key, default, range, faults))
    };
    let usd = |key: &str, default: u64| section.map_or(default, |section| usd_or(section, key, default, faults));
    let act = Act {
        is_dry_run: flag("dry_run", true),
        min_profit_nano_usd: usd("min_profit_usd", 100_000_000),
        does_chores: flag("chores", true),
        uses_flash: flag("flash", true),
        tolerance_bps: number("tolerance_bps", 20, 0..=1_000),
        parallel: usize::try_from(number("parallel", 8, 1..=64)).unwrap_or(1),
        refresh_secs: number("refresh_secs", 600, 1..=604_800),
        lookup_tables: section.map_or_else(Vec::new, |section| addresses(section, "lookup_tables", faults)),
    };
    if let Some(section) = owned {
        section.finish();
    }
    act
}

/// What `[fees]` says.
struct FeeTable {
    unit_price_max: u64,
    tip: Option<(u64, Pubkey)>,
    sol_nano_usd: u64,
    sol_price: Option<(Pubkey, u64)>,
}

fn read_fees(file: &Section, faults: &Faults) -> Option<FeeTable> {
    let section = file.section("fees", "[fees]".into(), None)?;
    let unit_price_max = number_or(&section, "unit_price_max_micro_lamports", 1_000_000, 0..=u64::MAX, faults);
    let tip_lamports = number_or(&section, "tip_lamports", 0, 0..=10_000_000_000, faults);
    let tip_to = section.address_if_any("tip_to");
    if tip_lamports > 0 && tip_to.is_none() {
        faults.add(section.at, "[fees] has `tip_lamports` and lacks `tip_to`, the address that receives them; add it");
    }
    let sol = section.amount("sol_usd").and_then(|amount| nano_usd(&section, "sol_usd", &amount, faults));
    let sol_price = section.address_if_any("sol_price_account");
    let sol_price_age = number_or(&section, "sol_price_age_secs", 120, 1..=86_400, faults);
    section.finish();
    let tip = tip_to.filter(|_| tip_lamports > 0).map(|to| (tip_lamports, to.value));
    let sol_price = sol_price.map(|account| (account.value, sol_price_age));
    Some(FeeTable { unit_price_max, tip, sol_nano_usd: sol?, sol_price })
}

fn number_or(section: &Section, key: &str, default: u64, range: std::ops::RangeInclusive<u64>, faults: &Faults) -> u64 {
    let Some(number) = section.number_if_any(key) else { return default };
    if !range.contains(&number.value) {
        let (title, least, most) = (&section.title, range.start(), range.end());
        faults.add(number.at, format!("`{key}` in {title} should be from {least} to {most}; found {}", number.value));
    }
    number.value
}

fn usd_or(section: &Section, key: &str, default: u64, faults: &Faults) -> u64 {
    let Some(amount) = section.amount_if_any(key) else { return default };
    nano_usd(section, key, &amount, faults).unwrap_or(default)
}

fn nano_usd(section: &Section, key: &str, amount: &Placed<Amount>, faults: &Faults) -> Option<u64> {
    let nano = match amount.value {
        Amount::Number(number) => number.atoms(USD_DECIMALS),
        Amount::Unlimited => None,
    };
    if nano.is_none() {
        let title = &section.title;
        faults.add(amount.at, format!("`{key}` in {title} should be an amount in USD with nine decimals at most"));
    }
    nano
}

fn urls(section: &Section, key: &str, schemes: &[&str], faults: &Faults) -> Vec<String> {
    let what = format!("an address that begins with {}", schemes.join(" or "));
    let all = section.texts(key, &what);
    for url in all.iter().filter(|url| !schemes.iter().any(|scheme| url.value.starts_with(scheme))) {
        faults.add(url.at, format!("`{key}` in {} should be {what}; found {:?}", section.title, url.value));
    }
    all.into_iter().map(|url| url.value).collect()
}

/// An amount in USD as nano-dollars; none where the text is none.
fn nano_usd_of(text: &str) -> Option<u64> {
    Decimal::parse(text)?.atoms(USD_DECIMALS)
}

fn keys(section: &Section, key: &str, faults: &Faults) -> BTreeSet<Pubkey> {
    addresses(section, key, faults).into_iter().collect()
}

fn addresses(section: &Section, key: &str, faults: &Faults) -> Vec<Pubkey> {
    let all = section.texts(key, "a list of addresses in base 58");
    let parse = |text: Placed<String>| match text.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            let what = format!("`{key}` in {} should be addresses in base 58; found {:?}", section.title, text.value);
            faults.add(text.at, what);
            None
        }
    };
    all.into_iter().filter_map(parse).collect()
}

/// A path as the file means it: from its own folder.
fn beside(source: &Source, path: &str) -> PathBuf {
    Path::new(&source.name).parent().unwrap_or(Path::new("")).join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "market = 1\n[network]\nrpc = \"http://127.0.0.1:8899\"\n[wallet]\nkey = \"keeper.json\"\n\
                         [fees]\nsol_usd = \"150\"\n";

    fn source(text: &str) -> Source {
        Source { name: "there/keeper.toml".into(), text: text.into() }
    }

    #[track_caller]
    fn refused(text: &str, expected: &[&str]) {
        let error = parse(source(text)).expect_err("a fault").to_string();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn a_small_file_is_a_careful_keeper() {
        let config = parse(source(SMALL)).expect("a configuration");
        assert!(config.is_dry_run && config.uses_flash && config.does_chores);
        assert_eq!((config.market, config.sol_nano_usd), (address::market(1), 150_000_000_000));
        assert_eq!(config.min_profit_nano_usd, 100_000_000);
        assert_eq!(config.key, Path::new("there/keeper.json"), "beside the file");
        assert_eq!((config.listen, config.websocket, config.tip), (None, None, None));
    }

    #[test]
    fn every_key_is_read() {
        let key = Pubkey::new_from_array([7; 32]);
        let text = format!(
            "market = 2\nlisten = \"127.0.0.1:9464\"\njournal = \"/j.db\"\nlog = \"debug\"\n\
             [network]\nrpc = [\"http://a\", \"https://b\"]\nwebsocket = \"ws://c\"\npoll_ms = 500\n[wallet]\nkey = \"k\"\n\
             [act]\ndry_run = false\nmin_profit_usd = \"0.5\"\nchores = false\nflash = false\ntolerance_bps = 5\n\
             parallel = 2\nrefresh_secs = 9\nlookup_tables = \"{key}\"\n\
             [fees]\nsol_usd = 99\nsol_price_account = \"{key}\"\nsol_price_age_secs = 30\nunit_price_max_micro_lamports = 7\ntip_lamports = 3\ntip_to = \"{key}\"\n\
             [lists]\nallow = [\"{key}\"]\ndeny = []\n\
             [[inventory]]\nmint = \"{key}\"\nleast_atoms = 1\nmost_atoms = 2\n[venue]\npool_program = \"{key}\"\n"
        );
        let config = parse(source(&text)).expect("a configuration");
        assert_eq!(config.rpc, ["http://a", "https://b"]);
        assert_eq!((config.poll, config.parallel, config.refresh_secs), (Duration::from_millis(500), 2, 9));
        assert_eq!((config.is_dry_run, config.uses_flash, config.does_chores), (false, false, false));
        assert_eq!((config.min_profit_nano_usd, config.tolerance_bps, config.unit_price_max), (500_000_000, 5, 7));
        assert_eq!((config.tip, config.venue), (Some((3, key)), VenueTable::Pools(key)));
        assert_eq!(config.inventory[&key], Bounds { least_atoms: 1, most_atoms: 2, target_atoms: None });
        assert_eq!((config.rebalance, config.sol_price, config.lookup_tables), (None, Some((key, 30)), vec![key]));
        assert_eq!((config.lists.allow.len(), config.journal.as_path()), (1, Path::new("/j.db")));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_fix() {
        let at = "there/keeper.toml";
        refused(
            "market = 70000\n[network]\nrpc = \"localhost:8899\"\n[wallet]\n[fees]\nsol_usd = 150.5\n",
            &[
                &format!("{at}:1:10: `market` should be a number from 0 to 65535; found 70000"),
                &format!(
                    "{at}:3:7: `rpc` in [network] should be an address that begins with http:// or https://; \
                     found \"localhost:8899\""
                ),
                &format!("{at}:4:1: [wallet] lacks `key`, the path of a key file; add it"),
                &format!(
                    "{at}:6:11: `sol_usd` should be an amount such as \"1000\", \"0.5\" or \"unlimited\"; found 150.5. \
                     Put it in quotes: a float is not exact"
                )
                .replace("`sol_usd` should", "`sol_usd` in [fees] should"),
            ],
        );
        refused(
            &format!("{SMALL}[act]\ndryrun = false\n"),
            &[&format!("{at}:9:1: [act] has no key `dryrun`; did you mean `dry_run`?")],
        );
        refused(
            &format!("{SMALL}tip_lamports = 5\n"),
            &[&format!(
                "{at}:6:1: [fees] has `tip_lamports` and lacks `tip_to`, the address that receives them; add it"
            )],
        );
        refused(
            &format!("{SMALL}[act]\ntolerance_bps = 5000\n"),
            &[&format!("{at}:9:17: `tolerance_bps` in [act] should be from 0 to 1000; found 5000")],
        );
    }
}
