//! `plimsoll sim snapshot`: a market that runs, taken from a cluster, as a file to ask about.

use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail, ensure, Context, Result};
use plimsoll_client::accounts::{AccountState, Market};
use plimsoll_client::{Pubkey, PROGRAM_ID};
use plimsoll_engine::state::{BackstopState, MarketState, PositionState, ReserveState};
use plimsoll_keeper::chain::{clock, Chain, Filter, Seen, CLOCK};
use plimsoll_sim::feed::usd;
use plimsoll_sim::report::{percent, usd as money};
use plimsoll_sim::scenario::live;
use plimsoll_sim::snapshot::file::{self, Header};
use plimsoll_sim::snapshot::gather::{is_part, Gathered};
use plimsoll_sim::snapshot::{starting, Snapshot};
use serde_json::{json, Value};

/// Commitment of all that is read.
const COMMITMENT: &str = "confirmed";
/// How often accounts are read until they agree with each other.
const TRIES: usize = 5;
/// Between two of these.
const PAUSE: Duration = Duration::from_millis(500);
/// Where a reserve, a position and a backstop pool say whose they are, bytes: the same place, so one question finds them all.
const MARKET_OFFSET: usize = 8 + offset_of!(ReserveState, market);
const _: () = assert!(
    offset_of!(PositionState, market) == offset_of!(ReserveState, market)
        && offset_of!(BackstopState, market) == offset_of!(ReserveState, market)
);

/// Arguments of `plimsoll sim snapshot`.
#[derive(clap::Args)]
pub struct Args {
    /// JSON-RPC address
    #[arg(long, default_value = "http://127.0.0.1:8899")]
    rpc: String,
    /// Address of the market
    #[arg(long, value_name = "ADDRESS")]
    market: Pubkey,
    /// The file; packed where its name ends in `.gz`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write a scenario over it too, to start from
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
}

/// A market's accounts, as they were read and as a snapshot.
pub struct Taken {
    /// When and how.
    pub header: Header,
    /// Accounts: the market, reserves, pools, positions, each by address.
    pub accounts: Vec<Seen>,
    /// What they are.
    pub snapshot: Snapshot,
}

/// Takes a snapshot.
pub fn run(args: &Args) -> Result<ExitCode> {
    if let Some(scenario) = &args.scenario {
        let is_there = scenario.try_exists().with_context(|| scenario.display().to_string())?;
        ensure!(
            !is_there,
            "expected no file at {}, got one, which may have been edited; remove it or name another",
            scenario.display()
        );
    }
    let taken = take(&args.rpc, &args.market)?;
    taken.write(&args.out)?;
    if let Some(scenario) = &args.scenario {
        let text = starting::scenario(&taken.snapshot, &seen_from(scenario, &args.out)?);
        std::fs::write(scenario, text).with_context(|| format!("cannot write {}", scenario.display()))?;
    }
    if args.json {
        println!("{:#}", taken.json(args));
    } else {
        taken.tell(args);
    }
    Ok(ExitCode::SUCCESS)
}

/// How a scenario names a file: by its name alone where both lie in one folder.
fn seen_from(scenario: &Path, file: &Path) -> Result<String> {
    let folder = |path: &Path| -> Result<PathBuf> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        parent.canonicalize().with_context(|| format!("folder of {}", path.display()))
    };
    let name = file.file_name().with_context(|| format!("{} names no file", file.display()))?;
    let (from, to) = (folder(scenario)?, folder(file)?);
    let path = if from == to { PathBuf::from(name) } else { to.join(name) };
    Ok(path.to_string_lossy().into_owned())
}

/// Reads a market's accounts until they agree with each other. Reserves, positions and pools are from one answer, and so of
/// one slot; the market's settings and the clock are from the next.
///
/// # Errors
/// Where the endpoint does not answer, the market is none, or the accounts never agree.
pub fn take(rpc: &str, market: &Pubkey) -> Result<Taken> {
    let chain = Chain::new(&[rpc.to_owned()]);
    for _ in 1..TRIES {
        if let Ok(taken) = read(&chain, market)? {
            return Ok(taken);
        }
        std::thread::sleep(PAUSE);
    }
    let told =
        || format!("expected accounts of one moment within {TRIES} tries; does {rpc} answer from several nodes?");
    read(&chain, market)?.with_context(told)
}

/// Reads them once. The inner error: they do not agree with each other.
fn read(chain: &Chain, market: &Pubkey) -> Result<Result<Taken>> {
    let of_market = Filter { offset: MARKET_OFFSET, bytes: market.to_bytes().to_vec() };
    let mut accounts = chain.program_accounts(&PROGRAM_ID, &[of_market])?;
    let head = chain.accounts(&[*market, CLOCK])?;
    let [settings, time] = head.as_slice() else {
        bail!("expected the market and the clock, got {} accounts", head.len())
    };
    ensure!(
        !settings.data.is_empty(),
        "expected the market {market}, got no account there; is this the right cluster?"
    );
    Market::decode_owned(*market, &settings.owner, &settings.data)?;
    let first = accounts.iter().map(|seen| seen.slot).min().unwrap_or(settings.slot);
    accounts.push(settings.clone());
    accounts.retain(|seen| is_part(&seen.data));
    accounts.sort_by_key(|seen| (rank(&seen.data), seen.address));
    let header = Header {
        market: *market,
        commitment: COMMITMENT.into(),
        read_slots: (first, settings.slot),
        now: clock(&time.data)?,
    };
    let mut gathered = Gathered::default();
    for seen in &accounts {
        gathered.add(seen.address, &seen.data)?;
    }
    if settings.slot < first {
        return Ok(Err(anyhow!("the answers went from slot {first} back to slot {}", settings.slot)));
    }
    let snapshot = gathered.finish(*market, header.now)?;
    let agree = snapshot.check();
    Ok(agree.map(|()| Taken { header, accounts, snapshot }))
}

/// Who comes first in a file: the market, reserves, pools, positions.
fn rank(data: &[u8]) -> usize {
    let kinds = [MarketState::DISCRIMINATOR, ReserveState::DISCRIMINATOR, BackstopState::DISCRIMINATOR];
    kinds.iter().position(|kind| data.starts_with(kind)).unwrap_or(kinds.len())
}

impl Taken {
    /// Writes the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        file::write(path, &self.header, self.accounts.iter().map(|seen| (seen.address, seen.data.as_slice())))
    }

    fn tell(&self, args: &Args) {
        let Header { market, commitment, read_slots, now } = &self.header;
        println!("Market {market} at slot {}, unix time {}", now.slot, now.unix);
        println!(
            "Reserves, positions and pools of slot {}, the market's settings and the clock of slot {}, {commitment}",
            read_slots.0, read_slots.1
        );
        let (positions, pools) = (self.snapshot.positions.len(), self.snapshot.pools.len());
        println!("{positions} positions, {pools} backstop pools; the ledgers agree with each other\n");
        for (name, (key, state)) in live::names(&self.snapshot).iter().zip(&self.snapshot.reserves) {
            let price = usd(&state.reading);
            let worth = |atoms: u64| money(atoms as f64 / 10f64.powi(i32::from(state.decimals)) * price);
            println!(
                "{name}: reserve {}\n  {price} USD, {} s old; volatility {} a day; {} USD of collateral, {} USD of debt",
                Pubkey::from(*key),
                state.reading.age_secs(now.unix),
                percent(live::sigma(state)),
                worth(state.collateral_atoms),
                worth(state.total_debt_atoms()),
            );
        }
        println!("\nwrote {}", args.out.display());
        if let Some(scenario) = &args.scenario {
            println!("wrote {}; ask for instance: plimsoll sim shock {}", scenario.display(), scenario.display());
        }
    }

    fn json(&self, args: &Args) -> Value {
        let Header { market, commitment, read_slots, now } = &self.header;
        let reserve = |(key, state): &([u8; 32], ReserveState)| {
            json!({
                "reserve": Pubkey::from(*key).to_string(),
                "mint": Pubkey::from(state.mint).to_string(),
                "price": usd(&state.reading),
                "price_age_secs": state.reading.age_secs(now.unix),
                "sigma": live::sigma(state),
                "collateral_atoms": state.collateral_atoms,
                "debt_atoms": state.total_debt_atoms(),
            })
        };
        json!({
            "market": market.to_string(),
            "slot": now.slot,
            "unix": now.unix,
            "read_slots": read_slots,
            "commitment": commitment,
            "positions": self.snapshot.positions.len(),
            "pools": self.snapshot.pools.len(),
            "reserves": self.snapshot.reserves.iter().map(reserve).collect::<Vec<_>>(),
            "file": args.out.display().to_string(),
            "scenario": args.scenario.as_ref().map(|file| file.display().to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_names_its_file_by_name_in_its_own_folder_and_in_full_from_another() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let named = |scenario: &Path, file: &Path| seen_from(scenario, file).expect("folders that there are");
        assert_eq!(named(&here.join("a.toml"), &here.join("src/../market.json")), "market.json");
        assert_eq!(named(Path::new("a.toml"), Path::new("market.json")), "market.json");
        let apart = named(&here.join("src/a.toml"), &here.join("market.json"));
        assert_eq!(Path::new(&apart), here.canonicalize().expect("this folder").join("market.json"));
        let error = seen_from(&here.join("none/a.toml"), Path::new("market.json")).expect_err("no such folder");
        assert_eq!(error.to_string(), format!("folder of {}", here.join("none/a.toml").display()));
    }

    #[test]
    fn accounts_are_in_the_order_of_their_kinds() {
        let kinds = [
            PositionState::DISCRIMINATOR,
            BackstopState::DISCRIMINATOR,
            ReserveState::DISCRIMINATOR,
            MarketState::DISCRIMINATOR,
        ];
        assert_eq!(kinds.map(rank), [3, 2, 1, 0]);
    }
}
