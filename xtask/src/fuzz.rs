//! `cargo xtask fuzz`: coverage-guided fuzzing of `crates/fuzz` by libFuzzer.
//!
//! rustc as it is installed marks where the code went (`-Cpasses=sancov-module`, no nightly needed); libFuzzer, which comes as
//! C++ sources in a crate, chooses what to try next. Hence the C++ compiler.

use std::{
    fs,
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use anyhow::{bail, ensure, Context, Result};

use crate::{
    build,
    cargo::cargo,
    process, toolchain,
    ui::{self, Task},
    workspace::Workspace,
};

/// Targets, in the order of `crates/fuzz/src/lib.rs`, which says what each attacks.
const TARGETS: [&str; 5] = ["accounts", "oracle", "legs", "instructions", "engine"];
/// Seconds of a target where nothing else is asked for: what a contributor waits for after a change.
const SECONDS: u64 = 150;
/// Seconds of a target among all checks: as many run at a time as there are cores.
pub const SECONDS_IN_TEST: u64 = 120;
/// Longest input: a market of eight reserves.
const LENGTH_MAX: u32 = 40_000;
/// Seconds after which a single input counts as hanging; all take milliseconds.
const HANGS_AFTER: u32 = 10;
/// What the compiler adds: counters at every edge, and what comparisons compare.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// Work of a run, all of it rebuilt when missing.
const FOLDER: &str = "target/fuzz";

#[derive(clap::Args)]
pub struct Args {
    /// Only this target; all without one
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// Run one file, and say what breaks
    #[arg(long, value_name = "FILE", requires = "target")]
    replay: Option<PathBuf>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    if let (Some(target), Some(file)) = (&args.target, &args.replay) {
        return replay(ws, target, file);
    }
    build::program(ws)?;
    let chosen = args.target.as_deref();
    let targets: Vec<&str> = TARGETS.into_iter().filter(|target| chosen.is_none_or(|one| one == *target)).collect();
    all(ws, &targets, args.seconds)?;
    Ok(ExitCode::SUCCESS)
}

/// Every target, for so many seconds each; the program must be built.
pub fn every_target(ws: &Workspace, seconds: u64) -> Result<()> {
    all(ws, &TARGETS, seconds)
}

/// Fuzzes each, as many at a time as there are cores; fails after the last where one of them broke something.
fn all(ws: &Workspace, targets: &[&str], seconds: u64) -> Result<()> {
    let fuzzer = fuzzer(ws)?;
    let seeds = ws.path(FOLDER).join("seeds");
    write_seeds(ws, &seeds)?;
    let jobs = thread::available_parallelism().map_or(1, usize::from).min(targets.len());
    let each = ui::seconds(Duration::from_secs(seconds));
    let title = format!("fuzzing {} for {each} each, {jobs} at a time", targets.join(", "));
    let next = AtomicUsize::new(0);
    let broken = ui::task(&title, |task| {
        // Takes the next target until there is none; names those that broke.
        let work = || {
            let mut broken = Vec::new();
            while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                match fuzz(ws, &fuzzer, target, seconds, task) {
                    Ok(done) => task.note(&done),
                    Err(error) => {
                        task.note(&format!("error: {}", ui::chain(&error)));
                        broken.push(*target);
                    }
                }
            }
            broken
        };
        let broken = thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        Ok::<Vec<&str>, anyhow::Error>(broken)
    })?;
    ensure!(broken.is_empty(), "expected no input to break anything; found some for {}", broken.join(", "));
    Ok(())
}

/// Builds the fuzzer; returns its file.
fn fuzzer(ws: &Workspace) -> Result<PathBuf> {
    toolchain::cxx()?;
    let host = host(ws)?;
    let build = ws.path(FOLDER).join("build");
    ui::task("building the fuzzer", |task| {
        let mut cargo = cargo(ws);
        // With a target named, what runs while building (macros, build scripts) goes without the flags.
        cargo.args(["build", "--locked", "--profile", "fuzz", "--target", &host]);
        cargo.args(["--package", "plimsoll-fuzz", "--features", "libfuzzer", "--bin", "plimsoll-fuzz"]);
        cargo.env("CARGO_TARGET_DIR", &build).env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\x1f"));
        process::checked(&mut cargo, task).map(drop)
    })?;
    Ok(build.join(host).join("fuzz/plimsoll-fuzz"))
}

/// What the compiler compiles for here.
fn host(ws: &Workspace) -> Result<String> {
    let mut rustc = process::command("rustc");
    let verbose = process::stdout_of(rustc.arg("-vV").current_dir(ws.root()))?;
    let host = verbose.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("expected a host in `rustc -vV`; found none")?.to_owned())
}

/// Inputs of real accounts to start from.
fn write_seeds(ws: &Workspace, folder: &Path) -> Result<()> {
    ui::task("making inputs of real accounts", |task| {
        let mut seeds = cargo(ws);
        seeds
            .args(["run", "--quiet", "--locked", "--package", "plimsoll-fuzz", "--example", "seeds", "--"])
            .arg(folder);
        process::checked(&mut seeds, task).map(drop)
    })
}

fn command(fuzzer: &Path, target: &str) -> Command {
    let mut command = process::command(fuzzer);
    // What the program logs is of no interest here, thousands of times a second.
    command.env("PLIMSOLL_FUZZ_TARGET", target).env("RUST_BACKTRACE", "1").arg("-close_fd_mask=1");
    command.arg(format!("-timeout={HANGS_AFTER}")).arg(format!("-max_len={LENGTH_MAX}"));
    command
}

/// One target. What it learns stays in `target/fuzz/corpus`, and the next run begins with it. Returns what was done.
fn fuzz(ws: &Workspace, fuzzer: &Path, target: &str, seconds: u64, task: &Task) -> Result<String> {
    let folder = |name: &str| ws.path(FOLDER).join(name).join(target);
    let (corpus, seeds, crashes) = (folder("corpus"), folder("seeds"), folder("crashes"));
    for folder in [&corpus, &crashes] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut command = command(fuzzer, target);
    command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
    command.arg(format!("-artifact_prefix={}/", crashes.display())).args([&corpus, &seeds]);
    let regressions = ws.path("crates/fuzz/regressions").join(target);
    if regressions.is_dir() {
        command.arg(&regressions);
    }
    let (status, output) = process::collect(&mut command, task)?;
    let after =
        |mark: &str| output.lines().rev().find_map(|line| line.split_once(mark).map(|(_, rest)| rest.to_owned()));
    if !status.success() {
        let file = after("Test unit written to ").unwrap_or_else(|| "no file".to_owned());
        let said =
            output.lines().skip_while(|line| !line.contains("panicked at")).take(2).collect::<Vec<_>>().join("\n");
        bail!(
            "{target} is broken by {file} ({status})\n{said}\n\
             see it break: cargo xtask fuzz {target} --replay {file}\n\
             keep it from coming back: mend what it shows, copy the file to crates/fuzz/regressions/{target}/ under a name that \
             says what it does; `cargo test --package plimsoll-fuzz` runs it from then on"
        );
    }
    let edges = |line: &str| line.split_once("cov: ").and_then(|(_, rest)| rest.split(' ').next()).map(str::to_owned);
    let began = output.lines().find(|line| line.contains("INITED")).and_then(edges).unwrap_or_default();
    let ended = output.lines().rev().find(|line| line.contains("DONE")).and_then(edges).unwrap_or_default();
    let runs = after("stat::number_of_executed_units: ").unwrap_or_default();
    Ok(format!("{target}: {} inputs, edges from {began} to {ended}, nothing broke", runs.trim()))
}

/// One input, with all it prints.
fn replay(ws: &Workspace, target: &str, file: &Path) -> Result<ExitCode> {
    ensure!(file.is_file(), "expected a file to replay; found none at {}", file.display());
    let fuzzer = fuzzer(ws)?;
    let status = command(&fuzzer, target).arg(file).status().context("starting the fuzzer")?;
    ui::note(if status.success() { "nothing breaks" } else { "it breaks: see above" });
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
