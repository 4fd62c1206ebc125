//! `cargo xtask mutants`: does a test fail where the engine is wrong? cargo-mutants changes it in one place at a time.
//!
//! Two rounds. The first runs every property on a fiftieth of its inputs, without those that count what they saw: seconds a
//! mutant, and enough for most. What survives it runs against all tests in full. What survives that too must be explained in
//! `crates/engine/mutants.toml`, or the command fails.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{bail, ensure, Context, Result};
use serde::{Deserialize, Serialize};

use crate::{cargo::cargo, process, toolchain::locked_part, ui, workspace::Workspace};

/// Of cargo-mutants.
const VERSION: &str = "27.1.0";
/// The one package that is changed, and whose tests run.
const PACKAGE: &str = "plimsoll-engine";
/// Survivors that are no gap in the tests, and why.
const EXPLAINED: &str = "crates/engine/mutants.toml";
/// Reports and logs of the last run.
const FOLDER: &str = "target/mutants";
/// What is compiled for it.
const BUILD: &str = "target/mutants/build";
/// By what the first round divides the number of inputs; read by `crates/engine/tests/properties/main.rs`.
const DIVISOR: (&str, &str) = ("PLIMSOLL_CASES_DIVISOR", "50");
/// One case of ten thousand events, which nothing divides.
const SLOW: &str = "backstop::ten_thousand_events_leave_no_more_than_dust";
/// Seconds after which a mutant counts as hanging: many times what the tests of a round take on two busy cores.
const TIMEOUTS: (u32, u32) = (60, 900);
/// The part of all mutants that is tried among all checks, always the same: some six, or two minutes.
const SHARD_IN_TEST: &str = "7/600";

#[derive(Clone, Default, clap::Args)]
pub struct Args {
    /// Only part K of N of all mutants, spread over all files
    #[arg(long, value_name = "K/N", conflicts_with = "changed")]
    shard: Option<String>,
    /// Only where lines changed since the branch left main
    #[arg(long)]
    changed: bool,
    /// Mutants tried at a time
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// A mutant, apart from where it stands: lines move.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Survivor {
    /// Source file, from the workspace's root.
    file: String,
    /// The line, as it stands in the file, without indentation.
    line: String,
    /// What was done to it.
    change: String,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    caught: usize,
    missed: usize,
    timeout: usize,
    unviable: usize,
    /// Caught and hanging, in parts of a hundred of all that compile.
    score_percent: f64,
    survivors: Vec<Judged>,
}

#[derive(Debug, Serialize)]
struct Judged {
    #[serde(flatten)]
    survivor: Survivor,
    name: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Explanations {
    #[serde(default)]
    explained: Vec<Explained>,
}

#[derive(Deserialize)]
struct Explained {
    #[serde(flatten)]
    survivor: Survivor,
    reason: String,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    let report = mutate(ws, args)?;
    let text = text(&report);
    let folder = ws.path(FOLDER);
    fs::write(folder.join("report.txt"), &text)?;
    let json = serde_json::to_string_pretty(&report)?;
    fs::write(folder.join("report.json"), &json)?;
    println!("{}", if args.json { &json } else { &text });
    let unexplained = report.survivors.iter().filter(|judged| judged.reason.is_none()).count();
    if unexplained > 0 {
        bail!(
            "{unexplained} mutants survive every test and are not explained. Add a test that fails with each (see \
             {FOLDER}/full/*/mutants.out/diff), or, where no test can tell, its reason to {EXPLAINED}"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A fixed part of all mutants, as one of all checks.
pub fn check(ws: &Workspace) -> Result<()> {
    run(ws, &Args { shard: Some(SHARD_IN_TEST.into()), jobs: 1, ..Args::default() }).map(drop)
}

fn mutate(ws: &Workspace, args: &Args) -> Result<Report> {
    let tool = ensure(ws)?;
    let (quick, full) = (ws.path(FOLDER).join("quick"), ws.path(FOLDER).join("full"));
    for folder in [&quick, &full] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
    }
    let skipped = quick_skips(ws)?;
    let mut first = command(ws, &tool, &quick, args.jobs, TIMEOUTS.0);
    first.env(DIVISOR.0, DIVISOR.1);
    if let Some(shard) = &args.shard {
        first.args(["--sharding", "round-robin", "--shard", shard]);
    }
    let diff = if args.changed { vec!["--in-diff".into(), changes(ws)?.into_os_string()] } else { vec![] };
    first.args(&diff);
    first.args(["--", "--locked", "--", "--exact"]);
    first.args(skipped.iter().flat_map(|test| ["--skip", test]));
    let mut outcomes = round(&mut first, "first round: every property on a part of its inputs", &quick)?;

    let survivors: Vec<String> = names(&outcomes, "MissedMutant").map(|outcome| outcome.name.clone()).collect();
    if !survivors.is_empty() {
        let all = listed(ws, &tool, &diff)?;
        let mut again = BTreeMap::new();
        for (number, name) in survivors.iter().enumerate() {
            let index = all.iter().position(|listed| listed == name);
            let index = index.with_context(|| format!("expected `{name}` among all mutants; found {}", all.len()))?;
            let folder = full.join(number.to_string());
            fs::create_dir_all(&folder)?;
            let mut second = command(ws, &tool, &folder, 1, TIMEOUTS.1);
            // Optimised: what it costs to build is less than what it saves in running everything.
            second.args(["--profile", "dev"]).args(&diff);
            // Chosen by its number: `--re` lets every mutant through that leaves out a field.
            second.args(["--sharding", "round-robin", "--shard", &format!("{index}/{}", all.len())]);
            second.args(["--", "--locked"]);
            let title = format!("second round: every test in full, survivor {} of {}", number + 1, survivors.len());
            again.extend(
                round(&mut second, &title, &folder)?.into_iter().map(|outcome| (outcome.name.clone(), outcome)),
            );
        }
        for outcome in &mut outcomes {
            if let Some(newer) = again.get(&outcome.name) {
                *outcome = newer.clone();
            }
        }
    }
    judge(ws, &outcomes)
}

/// Names of all mutants, in the order of their numbers.
fn listed(ws: &Workspace, tool: &Path, diff: &[OsString]) -> Result<Vec<String>> {
    let mut list = process::command(tool);
    list.current_dir(ws.root()).args(["mutants", "--list", "--package", PACKAGE, "--colors", "never"]).args(diff);
    Ok(process::stdout_of(&mut list)?.lines().map(str::to_owned).collect())
}

/// Installs cargo-mutants into the cache; returns the program.
fn ensure(ws: &Workspace) -> Result<PathBuf> {
    let title = "compiling cargo-mutants (about two minutes, once)";
    let folder = locked_part(ws, "mutants", VERSION, title, |folder, task| {
        let mut install = cargo(ws);
        // Outside the workspace, so that its settings do not reach the tool's build.
        install
            .current_dir(folder)
            .args(["install", "cargo-mutants", "--locked", "--version", VERSION, "--root"])
            .arg(folder);
        process::checked(&mut install, task).map(drop)
    })?;
    Ok(folder.join("bin/cargo-mutants"))
}

fn command(ws: &Workspace, tool: &Path, output: &Path, jobs: u32, timeout: u32) -> Command {
    let mut command = process::command(tool);
    command.current_dir(ws.root()).args(["mutants", "--package", PACKAGE, "--colors", "never", "--no-shuffle"]);
    // The baseline is run by us, or by the tests before.
    command.args(["--baseline", "skip", "--timeout", &timeout.to_string(), "--jobs", &jobs.to_string()]);
    command.arg("--output").arg(output);
    if jobs == 1 {
        // Or what the engine depends on would be compiled for every round anew. Several jobs would wait for each other here.
        command.env("CARGO_TARGET_DIR", ws.path(BUILD));
    }
    command
}

/// What cannot pass on few inputs: tests that count the kinds they saw. They are those that fail here, on the engine as it is.
fn quick_skips(ws: &Workspace) -> Result<Vec<String>> {
    let mut test = cargo(ws);
    test.args(["test", "--locked", "--profile", "mutants", "--package", PACKAGE, "--test", "properties", "--"]);
    test.args(["--exact", "--skip", SLOW]).env(DIVISOR.0, DIVISOR.1).env("CARGO_TARGET_DIR", ws.path(BUILD));
    let (_, output) =
        ui::task("finding the tests that need all their inputs", |task| process::collect(&mut test, task))?;
    let outcome = |line: &str| {
        line.strip_prefix("test ")?.split_once(" ... ").map(|(name, how)| (name.to_owned(), how.to_owned()))
    };
    let outcomes: Vec<(String, String)> = output.lines().filter_map(outcome).collect();
    ensure!(
        outcomes.iter().any(|(_, how)| how == "ok"),
        "expected the engine's tests to run; found\n{}",
        process::tail(&output)
    );
    let failed = outcomes.into_iter().filter(|(_, how)| how == "FAILED").map(|(name, _)| name);
    Ok(failed.chain([SLOW.to_owned()]).collect())
}

/// The lines changed since the branch left main, and not committed yet, as a file.
fn changes(ws: &Workspace) -> Result<PathBuf> {
    let git = |arguments: &[&str]| process::stdout_of(process::command("git").current_dir(ws.root()).args(arguments));
    let base = git(&["merge-base", "HEAD", "origin/main"]).or_else(|_| git(&["merge-base", "HEAD", "main"]));
    let base = base.context("expected a git checkout with a branch main or origin/main; found neither. Use --shard")?;
    let file = ws.path(FOLDER).join("changed.diff");
    fs::write(&file, git(&["diff", base.trim(), "--", "crates/engine"])?)?;
    Ok(file)
}

#[derive(Clone, Debug)]
struct Outcome {
    name: String,
    file: String,
    line: usize,
    summary: String,
}

fn names<'a>(outcomes: &'a [Outcome], summary: &'a str) -> impl Iterator<Item = &'a Outcome> {
    outcomes.iter().filter(move |outcome| outcome.summary == summary)
}

/// Runs cargo-mutants, and reads what came of every mutant.
fn round(command: &mut Command, title: &str, folder: &Path) -> Result<Vec<Outcome>> {
    let (status, output) = ui::task(title, |task| process::collect(command, task))?;
    // 0: all caught. 2: some missed. 3: some hang. Anything else is no result.
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants ended with {status}:\n{}", process::tail(&output));
    let file = folder.join("mutants.out/outcomes.json");
    if !file.exists() {
        // Nothing to change.
        return Ok(Vec::new());
    }
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let outcomes = json["outcomes"].as_array().context("expected outcomes of cargo-mutants")?;
    let outcome = |outcome: &serde_json::Value| -> Option<Outcome> {
        let mutant = outcome["scenario"].get("Mutant")?;
        Some(Outcome {
            name: mutant["name"].as_str()?.to_owned(),
            file: mutant["file"].as_str()?.to_owned(),
            line: usize::try_from(mutant["span"]["start"]["line"].as_u64()?).ok()?,
            summary: outcome["summary"].as_str()?.to_owned(),
        })
    };
    Ok(outcomes.iter().filter_map(outcome).collect())
}

/// Counts, and looks up why survivors survive.
fn judge(ws: &Workspace, outcomes: &[Outcome]) -> Result<Report> {
    let file = ws.path(EXPLAINED);
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let Explanations { explained } = toml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
    let count = |summary: &str| names(outcomes, summary).count();
    let mut report = Report {
        caught: count("CaughtMutant"),
        missed: count("MissedMutant"),
        timeout: count("Timeout"),
        unviable: count("Unviable"),
        ..Report::default()
    };
    let (found, all) = (report.caught + report.timeout, report.caught + report.timeout + report.missed);
    report.score_percent = (found * 1_000).checked_div(all).map_or(100.0, |thousandths| thousandths as f64 / 10.0);
    for outcome in names(outcomes, "MissedMutant") {
        let source = fs::read_to_string(ws.path(&outcome.file))?;
        let line = source.lines().nth(outcome.line.saturating_sub(1)).unwrap_or_default().trim().to_owned();
        // `file:line:column: what`
        let change = outcome.name.splitn(4, ':').nth(3).unwrap_or(&outcome.name).trim().to_owned();
        let survivor = Survivor { file: outcome.file.clone(), line, change };
        let reason = explained.iter().find(|known| known.survivor == survivor).map(|known| known.reason.clone());
        report.survivors.push(Judged { survivor, name: outcome.name.clone(), reason });
    }
    Ok(report)
}

fn text(report: &Report) -> String {
    let Report { caught, missed, timeout, unviable, score_percent, survivors } = report;
    let mut text = format!(
        "mutants that a test catches {caught}, that hang {timeout}, that survive {missed}, that do not compile {unviable}: \
         {score_percent:.1}% of those that compile are found\n"
    );
    for Judged { survivor, name, reason } in survivors {
        let reason = reason.as_deref().unwrap_or("NOT EXPLAINED");
        text += &format!("\n{name}\n    {}\n    {reason}\n", survivor.line);
    }
    text
}
