//! `plimsoll keeper rehearse`: keepers as people run them, processes of their own, on a real validator: three of them through
//! a crash, and one through what goes wrong: a network that is cut, a process that is killed, transactions that never arrive, a
//! validator that is replaced. How to read it: `docs/testing-keepers.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anchor_lang::prelude::Pubkey;
use anyhow::{bail, Context, Result};
use clap::ValueEnum;

mod crash;
mod crowd;
mod cut;
mod deeds;
mod fleet;
mod killed;
mod link;
mod pools;
mod replaced;

use crate::chain::Chain;
use crate::demo::audit;
use crate::demo::report::{Report, Step};
use crate::faults::validator::Validator;
use crate::faults::{place, stop_after};
use crowd::Crowd;
use deeds::Deed;
use fleet::{Bot, Terms};

/// Length of a slot, milliseconds: a blockhash is dead after seven seconds and not after a minute.
const SLOT_MS: u32 = 50;
/// Longest that everybody below one may stay there.
const WITHIN: Duration = Duration::from_secs(240);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// Between two publications of the prices.
const PUBLISH: Duration = Duration::from_secs(1);
/// When nobody is dealt with for so long, time passes.
const STALLED: Duration = Duration::from_secs(3);
const PASSED_SECS: i64 = 60;
/// Longest a keeper may take to be at work, and to know what became of everything it sent.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const SETTLES: Duration = Duration::from_secs(60);

/// Arguments of `plimsoll keeper rehearse`. `cargo xtask rehearse` fills them in.
#[derive(clap::Args)]
pub struct Args {
    /// Script that starts Surfpool
    #[arg(long)]
    surfpool: PathBuf,
    /// Folder for the keepers' files and the logs; emptied first
    #[arg(long)]
    folder: PathBuf,
    /// The program
    #[arg(long, default_value = "target/deploy/plimsoll.so")]
    so: PathBuf,
    /// The program of the test market's pools; without it nobody sells, and nobody borrows to liquidate
    #[arg(long)]
    pool_so: Option<PathBuf>,
    /// One act only; all without it
    #[arg(long)]
    act: Vec<Act>,
    /// Positions in the crash
    #[arg(long, default_value_t = 300)]
    positions: usize,
    /// Which positions
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Longest it may take, seconds
    #[arg(long, default_value_t = 900)]
    within_secs: u64,
    /// One JSON object a step, and a last one with all checks
    #[arg(long)]
    json: bool,
}

/// Parts of the rehearsal; each has a market of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Act {
    /// Three keepers after the same positions
    Crash,
    /// The network of one is cut
    Cut,
    /// One is killed with transactions on their way, and its transactions die
    Killed,
    /// The validator of one is replaced
    Replaced,
}

/// What an act has.
struct Stand<'a> {
    chain: &'a Chain,
    rpc: &'a str,
    websocket: &'a str,
    folder: PathBuf,
    pool: Option<&'a [u8]>,
    seed: u64,
}

/// Plays it. Fails where a check does.
pub fn run(args: &Args) -> Result<ExitCode> {
    stop_after(Duration::from_secs(args.within_secs));
    let mut report = Report::new(args.json);
    let read = |path: &PathBuf| {
        fs::read(path).with_context(|| format!("expected a program at {}; run `cargo xtask build`", path.display()))
    };
    let (program, pool) = (read(&args.so)?, args.pool_so.as_ref().map(read).transpose()?);
    // Files of an earlier run would be taken up.
    if args.folder.exists() {
        fs::remove_dir_all(&args.folder).with_context(|| format!("emptying {}", args.folder.display()))?;
    }
    fs::create_dir_all(&args.folder)?;
    let folder = args.folder.canonicalize()?;
    let log = folder.join("validator.log");
    let start = || Validator::start(&args.surfpool, &log, SLOT_MS);
    let mut times = Vec::new();
    for act in Act::value_variants().iter().filter(|act| args.act.is_empty() || args.act.contains(act)) {
        let started = Instant::now();
        // A validator of its own for each: it grows slower with every account.
        let validator = start()?;
        let (rpc, websocket) = (validator.rpc.clone(), validator.websocket.clone());
        let chain = Chain::connect(&rpc)?;
        report.heading("A validator, and the program on it");
        place(&chain, &mut report, &program, &args.so)?;
        let stand = Stand {
            chain: &chain,
            rpc: &rpc,
            websocket: &websocket,
            folder: folder.clone(),
            pool: pool.as_deref(),
            seed: args.seed,
        };
        match act {
            Act::Crash => crash::play(&stand, &mut report, args.positions)?,
            Act::Cut => cut::play(&stand, &mut report)?,
            Act::Killed => killed::play(&stand, &mut report)?,
            Act::Replaced => replaced::play(&stand, &mut report, validator, start)?,
        }
        times.push(vec![format!("{act:?}").to_lowercase(), seconds(started.elapsed()), String::new()]);
    }
    report.table("How long each act took", &["act", "seconds", ""], &times);
    Ok(if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn seconds(time: Duration) -> String {
    format!("{}.{}", time.as_secs(), time.subsec_millis() / 100)
}

/// Waits until something is so.
fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !is_so()? {
        if started.elapsed() >= within {
            bail!("expected within {within:?}: {what}");
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Publishes the prices again and again until nobody is below one. Where nobody is dealt with for long, time passes: a bonus
/// grows with it.
fn until_healthy(crowd: &Crowd, report: &mut Report, title: &str) -> Result<()> {
    let started = Instant::now();
    let (mut published, mut progress) = (None::<Instant>, (usize::MAX, Instant::now()));
    let (mut first, mut passed_secs) = (None, 0);
    loop {
        if published.is_none_or(|at| at.elapsed() >= PUBLISH) {
            crowd.publish()?;
            published = Some(Instant::now());
        }
        let left = crowd.unhealthy()?.len();
        let most = *first.get_or_insert(left);
        if left == 0 {
            let step = Step::new(format!("{title}: nobody is left below one"))
                .fact("below one when it was seen first", most)
                .fact("seconds", seconds(started.elapsed()))
                .fact("time passed beside, seconds", passed_secs);
            report.step(step);
            return Ok(());
        }
        if left < progress.0 {
            progress = (left, Instant::now());
        } else if progress.1.elapsed() >= STALLED {
            crowd.chain.pass_time(PASSED_SECS)?;
            passed_secs += PASSED_SECS;
            (published, progress) = (None, (left, Instant::now()));
        }
        if started.elapsed() >= WITHIN {
            bail!("{title}: {left} of {most} positions are still below one after {WITHIN:?}");
        }
        std::thread::sleep(LOOK);
    }
}

/// A keeper with all it needs, at work: it has opened its token accounts.
fn lone(stand: &Stand, crowd: &Crowd, rpc: &str, websocket: Option<&str>) -> Result<Bot> {
    let terms = Terms {
        name: "lone",
        rpc,
        websocket,
        poll_ms: 500,
        parallel: 4,
        flash: false,
        chores: true,
        min_profit_usd: "0.10",
        unit_price_max: 0,
        war_chest: 400_000,
        keeps: true,
        pools: None,
    };
    let mut bot = Bot::hire(crowd, &stand.folder, &terms)?;
    bot.start()?;
    until("the keeper is at work", STARTS_WITHIN, || {
        crowd.publish()?;
        Ok(crowd.listings().all(|listing| stand.chain.data(&listing.token.account(&bot.address)).is_ok()))
    })?;
    Ok(bot)
}

/// Stops the keepers when they know what became of all they sent, and holds their journals and their money against the chain.
fn close(stand: &Stand, report: &mut Report, crowd: &Crowd, bots: Vec<Bot>) -> Result<()> {
    close_with(stand, report, crowd, bots, Vec::new(), &BTreeSet::new())
}

/// The same with what happened on another validator before, of which they could not see how some ended.
fn close_with(
    stand: &Stand,
    report: &mut Report,
    crowd: &Crowd,
    mut bots: Vec<Bot>,
    before: Vec<Deed>,
    unseen: &BTreeSet<String>,
) -> Result<()> {
    settle(crowd, &bots)?;
    bots.iter_mut().try_for_each(Bot::stop)?;
    let (_, below) = crowd.asked()?;
    let got = format!("{:?}", below.iter().map(ToString::to_string).collect::<Vec<_>>());
    report.check("positions below one, by the program's own quotes", "[]", got, below.is_empty());
    let (mut all, mut rows) = (before, Vec::new());
    for bot in &bots {
        all.extend(deeds::of(stand.chain, bot)?);
        rows.extend(bot.journal()?.rows()?);
    }
    deeds::check_journals(report, &all, &rows, unseen);
    deeds::check_money(report, crowd, &bots, &all, None)?;
    audit::check(stand.chain, report, "at the end")
}

/// Waits until the keepers know what became of everything they sent.
fn settle(crowd: &Crowd, bots: &[Bot]) -> Result<()> {
    until("the keepers know what became of everything they sent", SETTLES, || {
        crowd.publish()?;
        let mut open = 0;
        for bot in bots {
            open += bot.journal()?.open_attempts()?.len();
        }
        Ok(open == 0)
    })
}

/// Tells what somebody is, in a step.
fn introduced(report: &mut Report, bots: &[Bot], program: Option<Pubkey>) {
    let mut step = Step::new("Keepers, each a process with a key and a journal of its own");
    for bot in bots {
        step = step.fact(bot.name, bot.address.to_string());
    }
    let pools = program.map_or("none".to_owned(), |program| program.to_string());
    report.step(step.fact("pools", pools));
}
