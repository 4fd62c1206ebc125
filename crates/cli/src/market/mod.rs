//! `plimsoll market`: what `migrations/README.md` tells. The work is `plimsoll-migrate`'s; here are arguments, a network,
//! and what is printed.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail, Context, Result};
use plimsoll_migrate::apply::apply;
use plimsoll_migrate::file::File;
use plimsoll_migrate::invariants::check;
use plimsoll_migrate::plan::{plan, Plan};
use plimsoll_migrate::source::Refused;
use serde_json::{json, Value};
use solana_keypair::{read_keypair_file, Keypair};

mod network;
mod stage;

use network::Network;

/// Arguments of `plimsoll market`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Read a file and judge it, without a network
    Check(Target),
    /// Say what there is to do on a chain, and do nothing
    Plan {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        network: At,
        /// Key that would sign; the market's admin where none is given
        #[arg(long)]
        keypair: Option<PathBuf>,
    },
    /// Say what there is to do, ask, do it, and look whether it is done
    Apply {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        network: At,
        /// Key that signs and pays
        #[arg(long)]
        keypair: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// On a local Surfpool validator: make the mints and publish the prices that a file names, and fund a key
    Stage {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        network: At,
        /// Key to fund; made where there is none
        #[arg(long)]
        keypair: PathBuf,
    },
}

#[derive(clap::Args)]
struct Target {
    /// The file
    file: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct At {
    /// JSON-RPC address
    #[arg(long, default_value = "http://127.0.0.1:8899")]
    rpc: String,
}

/// Runs a verb. A file that is refused is told line by line.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (json, outcome) = match &args.verb {
        Verb::Check(target) => (target.json, check_file(target)),
        Verb::Plan { target, network, keypair } => (target.json, plan_file(target, network, keypair.as_deref())),
        Verb::Apply { target, network, keypair, yes } => (target.json, apply_file(target, network, keypair, *yes)),
        Verb::Stage { file, network, keypair } => {
            (false, read(file).and_then(|file| stage::stage(&file, &network.rpc, keypair)))
        }
    };
    match outcome.map_err(|error| error.downcast::<Refused>()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Ok(refused)) => {
            if json {
                print(&json!({ "result": "refused", "refused": refused.lines }).to_string());
            } else {
                eprintln!("{refused}");
            }
            Ok(ExitCode::FAILURE)
        }
        Err(Err(error)) if json => {
            print(&json!({ "result": "failed", "error": format!("{error:#}") }).to_string());
            Ok(ExitCode::FAILURE)
        }
        Err(Err(error)) => Err(error),
    }
}

/// Prints; a reader that stops early, as `head` does, is no error.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn read(path: &Path) -> Result<File> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    Ok(File::read(&name, &text)?)
}

fn check_file(target: &Target) -> Result<()> {
    let file = read(&target.file)?;
    let checked = check(&file)?;
    if target.json {
        print(&json!({ "result": "ok", "skipped": checked.skipped }).to_string());
        return Ok(());
    }
    for skipped in &checked.skipped {
        print(&format!("not checked: {skipped}"));
    }
    print(&format!("{}: market {} with {} reserves is valid", file.source.name, file.id.value, file.reserves.len()));
    Ok(())
}

fn plan_file(target: &Target, at: &At, keypair: Option<&Path>) -> Result<()> {
    let file = read(&target.file)?;
    let network = match keypair {
        Some(keypair) => Network::with_key(&at.rpc, read_key(keypair)?)?,
        None => Network::to_look(&at.rpc, file.id.value)?,
    };
    show(&file, &plan(&file, &network)?, target.json, json!("planned"));
    Ok(())
}

fn apply_file(target: &Target, at: &At, keypair: &Path, yes: bool) -> Result<()> {
    let file = read(&target.file)?;
    let mut network = Network::with_key(&at.rpc, read_key(keypair)?)?;
    let planned = plan(&file, &network)?;
    if !target.json {
        show(&file, &planned, false, Value::Null);
    }
    if planned.steps.is_empty() {
        if target.json {
            show(&file, &planned, true, json!("ok"));
        }
        return Ok(());
    }
    if !yes && !(asked(planned.steps.len())?) {
        bail!("nothing was sent");
    }
    let mut sent = Vec::new();
    let left = apply(&file, &mut network, &planned, |step, name| {
        if !target.json {
            print(&format!("done     {:<10} {}: {name}", step.subject, step.action));
        }
        sent.push(
            json!({ "subject": step.subject, "action": step.action, "change": step.change, "transaction": name }),
        );
    })?;
    if target.json {
        let report = json!({ "result": "ok", "sent": sent, "waiting": left.waiting, "notes": left.notes });
        print(&report.to_string());
    } else {
        let waits = left.waiting.len();
        print(&format!("read back: {} transactions sent, nothing left to do now, {waits} changes wait", sent.len()));
    }
    Ok(())
}

fn show(file: &File, plan: &Plan, json: bool, result: Value) {
    if json {
        let Plan { steps, waiting, notes } = plan;
        let report = json!({
            "result": result, "file": file.source.name, "market": file.id.value,
            "steps": steps, "waiting": waiting, "notes": notes,
        });
        return print(&report.to_string());
    }
    for line in plan.lines() {
        print(&line);
    }
    if plan.steps.is_empty() {
        print("nothing to do now");
    }
}

fn asked(steps: usize) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("expected --yes, or a terminal to ask on; nothing was sent");
    }
    eprint!("send {steps} transactions? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("reading the answer")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

fn read_key(path: &Path) -> Result<Keypair> {
    read_keypair_file(path).map_err(|error| anyhow!("expected a key at {}: {error}", path.display()))
}
