//! A dozen positions through a crash, and a keeper with a key of its own that has to deal with all of them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use plimsoll_client::{address, instructions};
use plimsoll_keeper::act::Outcome;
use plimsoll_keeper::config;
use plimsoll_keeper::journal::{table, Journal};
use plimsoll_keeper::keeper::{Keeper, Round};
use plimsoll_keeper::serve::Pulse;
use solana_keypair::{write_keypair_file, Keypair};
use solana_signer::Signer;

use super::cast::{Borrower, Cast};
use super::market::{self, Listing};
use super::report::{Report, Step};
use super::tokens::Token;
use crate::chain::Chain;
use crate::prices::Kind;

/// Number of the market.
const MARKET_ID: u16 = 9;
/// Price before and after the crash, cents.
const CALM_CENTS: u64 = 15_000;
const CRASH_CENTS: u64 = 10_000;
/// Longest the keeper may take.
const WITHIN: Duration = Duration::from_secs(120);
/// What each position owes against 100 SOL: the last two stay healthy, the first cannot be made healthy any more.
const DEBTS: [u64; 12] = [9_800, 8_800, 8_700, 8_600, 8_500, 8_400, 8_300, 8_200, 8_100, 8_000, 4_000, 3_000];
/// Of those, how many the crash leaves healthy.
const HEALTHY: usize = 2;

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Plays it.
pub fn play(chain: &Chain, rpc: &str, websocket: Option<&str>, report: &mut Report) -> Result<()> {
    report.heading("A crash, and a keeper");
    let mut cast = open(chain, report)?;
    let usdc = &cast.debts[0];
    let mut borrowers: Vec<Borrower> = Vec::new();
    for debt in DEBTS {
        borrowers.push(cast.enter(report, "borrower", 100, &[(usdc, debt)])?);
    }
    let untouched: Vec<u64> = sequences(chain, &borrowers)?;

    let folder = Folder(std::env::temp_dir().join(format!("plimsoll-keeper-{}", std::process::id())));
    fs::create_dir_all(&folder.0)?;
    let mut dry = Keeper::over_rpc(configuration(&folder, &cast, rpc, websocket, true)?, Arc::new(Pulse::default()))?;
    cast.set_price(CRASH_CENTS)?;

    // A dry run decides the same, and moves nothing.
    let round = first_round(&mut dry)?;
    let is_planned = |what: &str, outcome: &Outcome| what == "liquidate" && *outcome == Outcome::DryRun;
    let planned = round.done.iter().filter(|(_, what, outcome)| is_planned(what, outcome)).count();
    let unhealthy = DEBTS.len() - HEALTHY;
    report.check(
        "a dry run plans and simulates the liquidation of every unhealthy position",
        unhealthy,
        planned,
        planned == unhealthy,
    );
    let same = sequences(chain, &borrowers)? == untouched;
    report.check("and touches none", true, same, same);

    let config = configuration(&folder, &cast, rpc, websocket, false)?;
    let journal = config.journal.clone();
    let mut keeper = Keeper::over_rpc(config, Arc::new(Pulse::default()))?;
    let before = worth(&cast, &keeper.address())?;
    let started = Instant::now();
    let mut left = unhealthy;
    while left > 0 && started.elapsed() < WITHIN {
        let round = keeper.round(Duration::from_millis(200)).context("a round of the keeper")?;
        for (position, what, outcome) in &round.done {
            let step = Step::new(format!("the keeper: {what}")).fact("subject", position.to_string());
            report.step(step.fact("outcome", outcome.name()).fact("detail", outcome.detail()));
        }
        cast.publish()?;
        left = still_unhealthy(&cast, &borrowers)?;
    }
    report.check("no position is left unhealthy", 0, left, left == 0);
    let after = sequences(chain, &borrowers)?;
    let healthy = DEBTS.len() - HEALTHY..;
    let same = after.get(healthy.clone()) == untouched.get(healthy);
    report.check("the healthy ones were left alone", true, same, same);
    let gained = worth(&cast, &keeper.address())?.saturating_sub(before);
    report.check("the keeper is richer, cents", "more than 0", gained, gained > 0);
    let lines = Journal::open(&journal)?.lines(0)?;
    let landed: i64 =
        lines.iter().filter(|line| line.outcome == "landed" && line.what == "liquidate").map(|line| line.count).sum();
    report.check(
        "its journal has every liquidation",
        unhealthy,
        landed,
        usize::try_from(landed).ok() >= Some(unhealthy),
    );
    report.step(Step::new("What the journal says").fact("report", table(&lines)));
    Ok(())
}

/// All that follows from the first snapshot, as one round.
fn first_round<S: plimsoll_keeper::watch::Source>(keeper: &mut Keeper<S>) -> Result<Round> {
    let mut all = Round::default();
    loop {
        let round = keeper.round(Duration::from_millis(200))?;
        all.had_snapshot |= round.had_snapshot;
        let is_finished = round.is_finished();
        all.done.extend(round.done);
        if all.had_snapshot && is_finished {
            return Ok(all);
        }
    }
}

/// How often each position was written.
fn sequences(chain: &Chain, borrowers: &[Borrower]) -> Result<Vec<u64>> {
    borrowers.iter().map(|borrower| Ok(market::position(chain, &borrower.position)?.state.sequence)).collect()
}

fn still_unhealthy(cast: &Cast, borrowers: &[Borrower]) -> Result<usize> {
    let mut count = 0;
    for borrower in borrowers {
        let has_debt = market::position(cast.chain, &borrower.position)?.state.has_debt();
        if has_debt && cast.quote(borrower)?.maintenance_health_e9 < 1_000_000_000 {
            count += 1;
        }
    }
    Ok(count)
}

/// What somebody's tokens are worth at the crash's price, cents.
fn worth(cast: &Cast, owner: &anchor_lang::prelude::Pubkey) -> Result<u64> {
    let atoms = |listing: &Listing| cast.chain.token_atoms(&listing.token.account(owner));
    let sol = u128::from(atoms(&cast.sol)?) * u128::from(CRASH_CENTS) / u128::from(cast.sol.token.whole(1));
    let usdc = u128::from(atoms(&cast.debts[0])?) * 100 / u128::from(cast.debts[0].token.whole(1));
    Ok(u64::try_from(sol + usdc)?)
}

fn configuration(
    folder: &Folder,
    cast: &Cast,
    rpc: &str,
    websocket: Option<&str>,
    is_dry_run: bool,
) -> Result<config::Config> {
    let key = folder.0.join("keeper.json");
    write_keypair_file(&cast.liquidator, &key).map_err(|error| anyhow::anyhow!("writing a key: {error}"))?;
    let websocket = websocket.map(|url| format!("websocket = \"{url}\"\n")).unwrap_or_default();
    let text = format!(
        "market = {MARKET_ID}\njournal = \"{}.db\"\n[network]\nrpc = \"{rpc}\"\n{websocket}poll_ms = 200\n\
         [wallet]\nkey = \"keeper.json\"\n[act]\ndry_run = {is_dry_run}\n[fees]\nsol_usd = \"100\"\n\
         [[inventory]]\nmint = \"{}\"\nleast_atoms = 0\nmost_atoms = {}\n",
        if is_dry_run { "dry" } else { "keeper" },
        cast.sol.token.mint,
        cast.sol.token.whole(10_000),
    );
    let path = folder.0.join("keeper.toml");
    fs::write(&path, text)?;
    config::read(&path)
}

fn open<'a>(chain: &'a Chain, report: &mut Report) -> Result<Cast<'a>> {
    let admin = chain.payer().pubkey();
    let policy = market::policy();
    let create = instructions::CreateMarket { admin, id: MARKET_ID, policy, treasury: admin, immutable: false };
    chain.send(&[create.instruction()], &[])?;
    let address = address::market(MARKET_ID);
    let token = |symbol, decimals| Token::create(chain, symbol, decimals, anchor_spl::token::ID);
    let (sol, _) = Listing::create(chain, &address, token("SOL", 9)?, Kind::Pull, CALM_CENTS, market::volatile)?;
    let (usdc, _) = Listing::create(chain, &address, token("USDC", 6)?, Kind::Push, 100, market::stable)?;
    let (lender, liquidator) = (Keypair::new(), Keypair::new());
    chain.airdrop(&liquidator.pubkey(), 10)?;
    sol.token.give(chain, &liquidator.pubkey(), 0)?;
    usdc.token.give(chain, &liquidator.pubkey(), usdc.token.whole(200_000))?;
    chain.airdrop(&lender.pubkey(), 1)?;
    let (owner, amount_atoms) = (lender.pubkey(), usdc.token.whole(200_000));
    usdc.token.give(chain, &owner, amount_atoms)?;
    let reserve = usdc.state(chain)?;
    let open = instructions::OpenLender { owner, reserve: reserve.address }.instruction();
    let supply = instructions::Supply { owner, reserve: &reserve, owner_liquidity: None, amount_atoms, shares_min: 1 };
    let receipt = chain.send(&[open, supply.instruction()], &[&lender])?;
    report.step(Step::new("A market opens").fact("market", address.to_string()).receipt(&receipt));
    Ok(Cast { chain, market: address, sol, debts: vec![usdc], liquidator, cents: CALM_CENTS })
}
