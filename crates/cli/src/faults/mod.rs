//! `plimsoll faults`: a market's story on a validator behind a network that drops, repeats and reorders transactions, with
//! hours without a price, and a validator that is killed and replaced on the way. How to read it: `docs/testing-faults.md`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{bail, Context, Result};
use plimsoll_client::{Instruction, PROGRAM_ID};

mod agave;
pub(crate) mod dump;
mod first;
pub(crate) mod ledger;
pub(crate) mod proxy;
mod restart;
mod scene;
mod second;
pub(crate) mod validator;

use crate::chain::Chain;
use crate::demo::audit;
use crate::demo::report::{Report, Step};
use ledger::Ledger;
use proxy::Proxy;
use validator::Validator;

/// Code of the framework's refusal of an instruction that the program does not have.
const UNKNOWN_INSTRUCTION: u32 = 101;
/// Length of a slot, milliseconds. Short, so that a blockhash is too old after seconds and not after a minute.
const SLOT_MS: u32 = 25;

/// Longest the story may take, seconds, on Surfpool and on a validator with a ledger.
const WITHIN_SECS: u64 = 300;
const AGAVE_WITHIN_SECS: u64 = 900;

/// Arguments of `plimsoll faults`. `cargo xtask faults` fills them in.
#[derive(clap::Args)]
pub struct Args {
    /// Script that starts Surfpool
    #[arg(long, required_unless_present = "agave", conflicts_with = "agave")]
    surfpool: Option<PathBuf>,
    /// `solana-test-validator`: the story on a validator with a ledger, which is killed and starts again from it
    #[arg(long, value_name = "PATH")]
    agave: Option<PathBuf>,
    /// File that the validators' messages are added to
    #[arg(long)]
    log: PathBuf,
    /// The program
    #[arg(long, default_value = "target/deploy/plimsoll.so")]
    so: PathBuf,
    /// What happens to the first transaction sent, the second, and so on
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Longest it may take, seconds [default: 300; with --agave 900]
    #[arg(long)]
    within_secs: Option<u64>,
    /// One JSON object a step, and a last one with all checks
    #[arg(long)]
    json: bool,
}

/// Plays the story. Fails where a check does.
pub fn run(args: &Args) -> Result<ExitCode> {
    let within_secs = args.within_secs.unwrap_or(if args.agave.is_some() { AGAVE_WITHIN_SECS } else { WITHIN_SECS });
    stop_after(Duration::from_secs(within_secs));
    let mut report = Report::new(args.json);
    match (&args.agave, &args.surfpool) {
        (Some(binary), _) => agave::play(binary, args, &mut report)?,
        (None, Some(script)) => play(script, args, &mut report)?,
        (None, None) => bail!("expected --surfpool or --agave"),
    }
    Ok(if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The story on Surfpool.
fn play(script: &Path, args: &Args, report: &mut Report) -> Result<()> {
    let bytes = std::fs::read(&args.so)
        .with_context(|| format!("expected the program at {}; run `cargo xtask build`", args.so.display()))?;
    let start = || Validator::start(script, &args.log, SLOT_MS);

    let proxy = Proxy::start(args.seed)?;
    let first = start()?;
    proxy.connect(Some(first.rpc.clone()));
    let chain = Chain::connect(&proxy.url)?;
    report.heading("The program is placed");
    place(&chain, report, &bytes, &args.so)?;
    let mut ledger = Ledger::default();
    let mut scene = scene::set(&chain, report, &mut ledger)?;
    first::play(&mut scene, report, &mut ledger)?;
    audit::check(&chain, report, "before the restart")?;
    let second = restart::play(&scene, report, &mut ledger, (&proxy, first), start)?;
    audit::check(&chain, report, "after the restart")?;
    second::play(&mut scene, report, &mut ledger)?;
    audit::check(&chain, report, "at the end")?;
    count(&chain, report, &proxy, args.seed);
    drop(second);
    Ok(())
}

/// Ends this process, and with it the validators, should it hang.
pub(crate) fn stop_after(within: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(within);
        eprintln!("plimsoll: not done after {within:?}; giving up");
        std::process::exit(1);
    });
}

/// Puts the program on the chain and asks it something only it answers so.
pub(crate) fn place(chain: &Chain, report: &mut Report, bytes: &[u8], so: &Path) -> Result<()> {
    let accounts = dump::program(bytes)?;
    dump::place(chain, &accounts)?;
    report.step(
        Step::new(format!("The program of {} is placed", so.display()))
            .fact("program", PROGRAM_ID.to_string())
            .fact("bytes", bytes.len()),
    );
    runs(chain, report)
}

/// Checks that the program answers.
fn runs(chain: &Chain, report: &mut Report) -> Result<()> {
    let unknown = Instruction { program_id: PROGRAM_ID, accounts: Vec::new(), data: vec![0xff; 8] };
    let code = chain.refusal(unknown, &[])?;
    report.equal("it runs: an unknown instruction is refused by its own code", UNKNOWN_INSTRUCTION, code);
    Ok(())
}

/// What the network did, and what it cost the client.
fn count(chain: &Chain, report: &mut Report, proxy: &Proxy, seed: u64) {
    report.heading("What the network did");
    let (did, effort) = (proxy.counts(), chain.effort());
    report.step(
        Step::new("Transactions on their way to the validator")
            .fact("seed", seed)
            .fact("passed on", did.passed)
            .fact("dropped", did.dropped)
            .fact("passed on twice", did.twice)
            .fact("overtaken", did.overtaken)
            .fact("late", did.late)
            .fact("swallowed", did.swallowed),
    );
    report.step(
        Step::new("What the client did")
            .fact("signed", effort.signed)
            .fact("sent", effort.sent)
            .fact("lost and signed anew", effort.lost)
            .fact("unanswered", effort.unanswered),
    );
    let faults = [
        ("dropped", did.dropped),
        ("passed on twice", did.twice),
        ("overtaken", did.overtaken),
        ("swallowed", did.swallowed),
    ];
    for (fault, many) in faults {
        report.check(format!("transactions {fault}"), "above 0", many, many > 0);
    }
    let repeated = effort.sent - effort.signed;
    report.check("sendings repeated", "above 0", repeated, repeated > 0);
    let is_anew = effort.lost >= did.swallowed;
    report.check(
        "each that was swallowed was signed anew",
        format!("at least {}", did.swallowed),
        effort.lost,
        is_anew,
    );
}
