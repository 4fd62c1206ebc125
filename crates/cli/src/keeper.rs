//! `plimsoll keeper`: a liquidator, and what it earned. Guide: `docs/guides/liquidator.md`.

mod picture;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail, ensure, Context, Result};
use clap::Subcommand;
use plimsoll_keeper::journal::{table, Journal};
use plimsoll_keeper::report::{day_table, days};
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
        /// Draw profit and latencies: `.svg` for the picture alone, `.html` for a page with the tables too
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
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
        Verb::Report { config, hours, out } => {
            let journal = Journal::open(&config::read(config)?.journal)?;
            let since = hours.map_or(Some(0), |hours| serve::unix_ms().checked_sub(i64::from(hours) * 3_600_000));
            report(&journal, since.context("so many hours ago")?, out.as_deref())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn end_with_stdin() {
    // However it ends, nobody is there any more.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    std::process::exit(1);
}

/// Prints the tables of a journal since a time, and draws it where that is asked for.
fn report(journal: &Journal, since_ms: i64, out: Option<&Path>) -> Result<()> {
    let attempts = journal.attempts(since_ms)?;
    let tables = format!("{}\n{}", table(&journal.lines(since_ms)?), day_table(&days(&attempts)));
    print!("{tables}");
    let Some(out) = out else { return Ok(()) };
    let text = match out.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => picture::draw(&attempts)?,
        // Before anything landed the tables say all there is.
        Some("html") => page(&tables, &picture::draw(&attempts).unwrap_or_else(|none| format!("<p>{none}</p>"))),
        _ => bail!("expected --out to end with .svg or .html; found {}", out.display()),
    };
    std::fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))
}

/// A page that needs nothing else. What stands in the tables comes from the keeper's own words, but for characters that a page
/// reads otherwise.
fn page(tables: &str, svg: &str) -> String {
    let tables = tables.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Keeper</title>\n<style>body {{ max-width: \
         1200px; margin: 2em auto; font-family: sans-serif }} svg {{ width: 100%; height: auto }} pre {{ overflow-x: auto \
         }}</style></head>\n<body><h1>Keeper</h1>\n{svg}\n<pre>{tables}</pre>\n</body></html>\n"
    )
}
