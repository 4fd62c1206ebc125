//! `cargo xtask bench`: what the program costs, by `crates/bench`, and how fast the engine is here.

use std::{
    fs,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};

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
    /// Fail where a limit is not met
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
    let speed = speed(ws)?;
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

/// Runs the engine on the host, optimised, and returns the file that says how fast it was.
fn speed(ws: &Workspace) -> Result<String> {
    ui::note("measuring the engine on this machine");
    let mut speed = cargo(ws);
    speed.args(["run", "--quiet", "--locked", "--release", "--package", "plimsoll-speed", "--", FOLDER]);
    let file = format!("{FOLDER}/speed.json");
    fs::write(ws.path(&file), process::stdout_of(&mut speed)?)?;
    Ok(file)
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
