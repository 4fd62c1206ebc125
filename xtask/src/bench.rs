//! `cargo xtask bench`: what the program costs, by `crates/bench`, and how fast the engine and a keeper's book are here.

use std::{
    fs,
    process::{Command, ExitCode},
};

use anyhow::{ensure, Context, Result};
use serde_json::Value;

use crate::{build, cargo::cargo, process, toolchain::Toolchain, ui, workspace::Workspace};

/// Where the states of the measured liquidations and the engine's speed go on their way from one program to the other.
const FOLDER: &str = "target/bench";

#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
    /// Write the numbers to benches/compute_units.md
    #[arg(long)]
    record: bool,
    /// Fail where a limit is not met, of the keeper's book too
    #[arg(long)]
    limits: bool,
    /// Where the units of one measure go: by phase, file, system call and function
    #[arg(long, value_name = "MEASURE", conflicts_with_all = ["json", "record", "limits"])]
    profile: Option<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    let compiler = build::program(ws)?;
    let compiler = compiler.context("the bench needs a compiler for the chain; see the warning above")?;
    build::pool(ws, &compiler)?;
    if let Some(measure) = &args.profile {
        return profile(ws, &compiler, measure);
    }
    // States first: the engine's speed is measured on them.
    process::shown(bench(ws).args(["--states", FOLDER]))?;
    let speed = speed(ws, args.limits)?;
    let mut report = bench(ws);
    report.args(["--host", &speed]);
    for (flag, is_set) in [("--json", args.json), ("--record", args.record), ("--limits", args.limits)] {
        if is_set {
            report.arg(flag);
        }
    }
    finish(&mut report)
}

/// Fails where a number grew by more than 1% since it was recorded, or a limit is not met.
pub fn check(ws: &Workspace, compiler: &Toolchain) -> Result<()> {
    build::pool(ws, compiler)?;
    process::shown(bench(ws).args(["--check"]))
}

fn profile(ws: &Workspace, compiler: &Toolchain, measure: &str) -> Result<ExitCode> {
    let object = build::symbols(ws, compiler)?;
    finish(bench(ws).args(["--profile", measure, "--symbols"]).arg(object))
}

/// Most that a price may take to be carried to a million positions in a crash, for 99 of a hundred prices, milliseconds. What
/// all threads work is held against it, as if there were one core: time that passes says more of a machine's other work.
const BOOK_P99_MS: f64 = 250.0;

/// Runs the engine and a keeper's book on the host, optimised, and returns the file that says how fast they were.
fn speed(ws: &Workspace, must_meet_limit: bool) -> Result<String> {
    ui::note("measuring the engine on this machine");
    let mut all: Value = serde_json::from_str(&optimised(ws, &["--package", "plimsoll-speed", "--", FOLDER])?)?;
    ui::note("measuring a keeper's book of a million positions on this machine");
    let book = optimised(ws, &["--package", "plimsoll-keeper", "--bin", "keeper_speed"])?;
    let book: Value = serde_json::from_str(&book).context("what keeper_speed prints")?;
    let crash = &book["crash"];
    let p99_ms = crash["worked"]["p99_ms"].as_f64().or_else(|| crash["p99_ms"].as_f64());
    let p99_ms = p99_ms.context("p99_ms of the crash")?;
    ensure!(
        !must_meet_limit || p99_ms <= BOOK_P99_MS,
        "expected 99 of 100 prices of a crash to take {BOOK_P99_MS} ms of work at most; they took {p99_ms} ms"
    );
    all["keeper_book"] = book;
    let file = format!("{FOLDER}/speed.json");
    fs::write(ws.path(&file), all.to_string())?;
    Ok(file)
}

/// Standard output of an optimised program.
fn optimised(ws: &Workspace, arguments: &[&str]) -> Result<String> {
    let mut run = cargo(ws);
    run.args(["run", "--quiet", "--locked", "--release"]).args(arguments);
    process::stdout_of(&mut run)
}

fn bench(ws: &Workspace) -> Command {
    let mut bench = cargo(ws);
    bench.args(["run", "--quiet", "--locked", "--package", "plimsoll-bench", "--"]);
    bench
}

fn finish(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().context("starting the bench")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
