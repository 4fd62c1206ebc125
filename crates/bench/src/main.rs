//! `cargo xtask bench`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use anyhow::{Context, Result};
use clap::Parser;
use plimsoll_bench::baseline::{self, Table};
use plimsoll_bench::limits::{judge, Judged};
use plimsoll_bench::profile::{Profile, Symbols};
use plimsoll_bench::sheet::Sheet;
use plimsoll_bench::{play, report, sizes};

const BASELINE: &str = "benches/compute_units.md";
const PROGRAM: &str = "target/deploy/plimsoll.so";
const RENEW: &str = "renew with `cargo xtask bench --record` and commit benches/compute_units.md";

/// What the program in target/deploy costs. In the workspace's root.
#[derive(Parser)]
struct Cli {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write benches/compute_units.md
    #[arg(long)]
    record: bool,
    /// Only fail where a number grew by more than 1% since benches/compute_units.md, or a limit is not met
    #[arg(long)]
    check: bool,
    /// Fail where a limit is not met
    #[arg(long)]
    limits: bool,
    /// Where the units of one measure go, instead of all measures
    #[arg(long, value_name = "MEASURE", requires = "symbols")]
    profile: Option<String>,
    /// The object that the program was linked from, with debug information
    #[arg(long, value_name = "FILE")]
    symbols: Option<PathBuf>,
    /// Leave states in a folder, for plimsoll-speed, and nothing else
    #[arg(long, value_name = "FOLDER")]
    states: Option<PathBuf>,
    /// The engine's speed, as plimsoll-speed prints it
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    if let (Some(name), Some(symbols)) = (&cli.profile, &cli.symbols) {
        profile(name, symbols)?;
        return Ok(ExitCode::SUCCESS);
    }
    let sheet = play(Sheet::default())?;
    if let Some(folder) = &cli.states {
        fs::create_dir_all(folder)?;
        for (legs, states) in &sheet.states {
            fs::write(folder.join(legs), states)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let measured: Table = sheet.measures.into_iter().map(|(name, measure)| (name.to_owned(), measure)).collect();
    let judged = judge(&measured);
    if cli.check {
        return check(&measured, &judged);
    }
    if cli.record {
        if let Some(folder) = Path::new(BASELINE).parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(BASELINE, baseline::write(&measured)).context(BASELINE)?;
    }
    let program_bytes = fs::metadata(PROGRAM).context(PROGRAM)?.len();
    let host = cli.host.map(|file| serde_json::from_reader(io::BufReader::new(fs::File::open(file)?)).context("speed"));
    let (host, sizes) = (host.transpose()?, sizes::accounts());
    if cli.json {
        println!("{:#}", report::json(&measured, &sizes, program_bytes, host.as_ref()));
    } else {
        report::print_measures(&measured);
        report::print_floors(&measured);
        report::print_limits(&judged);
        report::print_sizes(&sizes, program_bytes);
        if let Some(host) = host {
            println!("\nSpeed of the engine and of a keeper's book on this machine\n{host:#}");
        }
    }
    Ok(if cli.limits && !judged.iter().all(Judged::is_met) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Says what differs from the recorded numbers, and which limits are not met.
fn check(measured: &Table, judged: &[Judged]) -> Result<ExitCode> {
    let is_same = compare(measured)?;
    let are_met = judged.iter().all(Judged::is_met);
    if !are_met {
        report::print_limits(judged);
    }
    Ok(if is_same && are_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether no number grew since it was recorded; says what differs.
fn compare(measured: &Table) -> Result<bool> {
    let text = fs::read_to_string(BASELINE).with_context(|| format!("{BASELINE}; {RENEW}"))?;
    let difference = baseline::compare(&baseline::read(&text)?, measured);
    for note in &difference.notes {
        eprintln!("shrank: {note}; {RENEW}");
    }
    if difference.failures.is_empty() {
        return Ok(true);
    }
    eprintln!("differs from {BASELINE} by more than 1%:");
    for failure in &difference.failures {
        eprintln!("  {failure}");
    }
    eprintln!("where that is meant, {RENEW}");
    Ok(false)
}

fn profile(name: &str, symbols: &Path) -> Result<()> {
    let symbols = Symbols::load(symbols, Path::new(PROGRAM))?;
    let sheet = play(Sheet::tracing(name))?;
    let traced = sheet.traced.with_context(|| format!("no measure is called {name}"))?;
    report::print_profile(name, &Profile::new(&traced.trace, &traced.logs, &symbols)?);
    Ok(())
}
