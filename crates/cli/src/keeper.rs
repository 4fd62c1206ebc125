//! `plimsoll keeper`: a liquidator, and what it earned. Guide: `docs/guides/liquidator.md`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, ensure, Context, Result};
use clap::Subcommand;
use plimsoll_keeper::journal::{table, Journal};
use plimsoll_keeper::{config, keeper, serve};
use solana_keypair::{write_keypair_file, Keypair};
use solana_signer::Signer;

use crate::rehearse;

/// Arguments of `plimsoll keeper`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Watch a market and deal with its positions, until SIGTERM. Sends nothing unless the configuration says so
    Run {
        /// Configuration
        #[arg(long, default_value = "keeper.toml")]
        config: PathBuf,
        /// One look at the market, and what follows from it
        #[arg(long)]
        once: bool,
        /// End at once when standard input closes, that is, when whoever started it has died
        #[arg(long, hide = true)]
        exit_with_stdin: bool,
    },
    /// Make a key for a keeper, and tell its address. Never overwrites a file
    Key {
        /// Where to write it
        #[arg(long, default_value = "keeper.json")]
        out: PathBuf,
    },
    /// Keepers on a local validator: a crash, a cut, a kill, another validator. `cargo xtask rehearse` fills this in
    Rehearse(rehearse::Args),
    /// What was tried, what came of it, and what it earned
    Report {
        /// Configuration; its journal is read
        #[arg(long, default_value = "keeper.toml")]
        config: PathBuf,
        /// Of the last so many hours; all without it
        #[arg(long)]
        hours: Option<u32>,
    },
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.verb {
        Verb::Run { config, once, exit_with_stdin } => {
            if *exit_with_stdin {
                std::thread::spawn(end_with_stdin);
            }
            keeper::run(config::read(config)?, *once)?;
        }
        Verb::Key { out } => {
            ensure!(!out.exists(), "expected no file at {}; there is one, and it may be a key", out.display());
            let key = Keypair::new();
            write_keypair_file(&key, out).map_err(|error| anyhow!("writing {}: {error}", out.display()))?;
            println!("{}", key.pubkey());
        }
        Verb::Rehearse(args) => return rehearse::run(args),
        Verb::Report { config, hours } => {
            let journal = Journal::open(&config::read(config)?.journal)?;
            let since = hours.map_or(Some(0), |hours| serve::unix_ms().checked_sub(i64::from(hours) * 3_600_000));
            print!("{}", table(&journal.lines(since.context("so many hours ago")?)?));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn end_with_stdin() {
    // However it ends, nobody is there any more.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    std::process::exit(1);
}
