//! `cargo xtask mutants`: does a test fail where the engine is wrong? cargo-mutants changes it in one place at a time.
//!
//! Two rounds. The first runs every unit test, and every property on a twentieth of its inputs: seconds a mutant, and enough
//! for most. What survives it runs against all tests in full. What survives that too must be explained in
//! `crates/engine/mutants.toml`, or the command fails.

mod found;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{bail, ensure, Context, Result};
use serde::{Deserialize, Serialize};

use self::found::Found;
use crate::{cargo::cargo, process, toolchain::locked_part, ui, workspace::Workspace};

/// Of cargo-mutants.
const VERSION: &str = "27.1.0";
/// The one package that is changed, and whose tests run.
const PACKAGE: &str = "plimsoll-engine";
/// Its sources.
const ENGINE: &str = "crates/engine/src";
/// Survivors that are no gap in the tests, and why.
const EXPLAINED: &str = "crates/engine/mutants.toml";
/// Reports and logs of the last run.
const FOLDER: &str = "target/mutants";
/// What is compiled for it.
const BUILD: &str = "target/mutants/build";
/// By what the first round divides the number of inputs; read by `crates/engine/tests/properties/main.rs`.
const DIVISOR: (&str, &str) = ("PLIMSOLL_CASES_DIVISOR", "20");
/// What takes longer than the rest together, however few its inputs: left to the second round.
const SLOW: [&str; 4] = [
    "backstop::ten_thousand_events_leave_no_more_than_dust",
    "backstop::a_pool_whose_scales_are_used_up_refuses_deposits_and_still_buys_and_pays",
    "backstop::deposits_and_gains_are_the_exact_fractions_but_for_dust",
    "backstop::sequences_of_any_length_leave_no_more_than_dust",
];
/// The first test that fails decides; the rest need not run. The flag is not stable yet, so the harness must be told twice.
const FAIL_FAST: [&str; 3] = ["-Z", "unstable-options", "--fail-fast"];
/// Several tests fail with most mutants, and the first of them is sooner found in a mixed order than in that of the alphabet.
const MIXED: [&str; 2] = ["--shuffle-seed", "7"];
/// What cargo-mutants calls a mutant that no test found.
const MISSED: &str = "MissedMutant";
/// Seconds after which a mutant counts as hanging: many times what the tests of a round take on two busy cores.
const TIMEOUTS: (u32, u32) = (60, 900);
/// And after which a build does: the compiler computes constants, and a mutant of what they are made by need not end. The first
/// round's dependencies are built before it; the second round's are not.
const BUILD_TIMEOUTS: (u32, u32) = (40, 300);
/// The part of all mutants that is tried among all checks, always the same: ten of 1,923.
const SHARD_IN_TEST: &str = "7/200";

#[derive(Clone, Default, clap::Args)]
pub struct Args {
    /// Only part K of N of all mutants, spread over all files
    #[arg(long, value_name = "K/N", conflicts_with = "changed")]
    shard: Option<String>,
    /// Only where lines changed since the branch left main
    #[arg(long)]
    changed: bool,
    /// Go on from an earlier run, interrupted or not: try what it did not try, and what survived it
    #[arg(long)]
    resume: bool,
    /// Mutants tried at a time
    #[arg(long, default_value_t = 1)]
    jobs: u32,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// A mutant that no test found.
#[derive(Clone, Debug)]
struct Survivor {
    name: String,
    place: Place,
}

/// A mutant, apart from the number of its line: lines move.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Place {
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
    /// Outside the shard, and not found by the runs this one goes on from.
    untried: usize,
    /// Caught and hanging, in parts of a hundred of all that compile.
    score_percent: f64,
    survivors: Vec<Judged>,
}

#[derive(Debug, Serialize)]
struct Judged {
    #[serde(flatten)]
    survivor: Place,
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
    place: Place,
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
    let mut found = if args.resume { Found::load(ws)? } else { Found::new(ws)? };
    for folder in [&quick, &full] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
    }
    found.save(ws)?;
    let diff = if args.changed { vec!["--in-diff".into(), changes(ws)?.into_os_string()] } else { vec![] };
    let explained = explanations(ws)?;
    let is_explained = |survivor: &Survivor| explanation(&explained, survivor).is_some();
    let mut survivors: Vec<Survivor> = found.survived.iter().map(|name| survivor(ws, name)).collect::<Result<_>>()?;
    survivors.retain(is_explained);
    let outcomes = first_round(ws, args, &tool, &diff, (&found, &survivors))?;
    found.take(&outcomes);
    found.save(ws)?;

    let all = listed(ws, &tool, &diff)?;
    for outcome in outcomes.iter().filter(|outcome| outcome.summary == MISSED) {
        survivors.push(survivor(ws, &outcome.name)?);
    }
    let doubtful: Vec<Survivor> = survivors.iter().filter(|it| !is_explained(it)).cloned().collect();
    for (number, survivor) in doubtful.iter().enumerate() {
        let index = all.iter().position(|listed| *listed == survivor.name);
        let index = index.with_context(|| format!("expected `{}` among all {} mutants", survivor.name, all.len()))?;
        let title = format!("second round: every test in full, survivor {} of {}", number + 1, doubtful.len());
        let folder = full.join(number.to_string());
        let mut second = second_round(ws, &tool, &diff, &folder, (index, all.len()), number == 0)?;
        let outcomes = round(&mut second, &title, &folder)?;
        found.take(&outcomes);
        found.save(ws)?;
    }
    survivors.retain(|survivor| !found.outcomes.contains_key(&survivor.name));
    Ok(report(&found, survivors, &explained, all.len()))
}

fn first_round(
    ws: &Workspace,
    args: &Args,
    tool: &Path,
    diff: &[OsString],
    (found, explained): (&Found, &[Survivor]),
) -> Result<Vec<Outcome>> {
    let folder = ws.path(FOLDER).join("quick");
    let mut first = command(ws, tool, &folder, args.jobs, (TIMEOUTS.0, BUILD_TIMEOUTS.0), true);
    first.env(DIVISOR.0, DIVISOR.1);
    if let Some(shard) = &args.shard {
        first.args(["--sharding", "round-robin", "--shard", shard]);
    }
    if args.resume {
        found.tell(&folder, explained)?;
        first.arg("--iterate");
    }
    first
        .args(diff)
        .args(["--", "--locked", "--lib", "--test", "properties", "--", "--exact"])
        .args(FAIL_FAST)
        .args(MIXED);
    first.args(SLOW.iter().flat_map(|test| ["--skip", test]));
    round(&mut first, "first round: every property on a part of its inputs", &folder)
}

/// The command for one mutant, by its number among all.
fn second_round(
    ws: &Workspace,
    tool: &Path,
    diff: &[OsString],
    folder: &Path,
    (index, all): (usize, usize),
    baseline: bool,
) -> Result<Command> {
    fs::create_dir_all(folder)?;
    let mut second = command(ws, tool, folder, 1, (TIMEOUTS.1, BUILD_TIMEOUTS.1), baseline);
    // Optimised: what it costs to build is less than what it saves in running everything.
    second.args(["--profile", "dev"]).args(diff);
    // Chosen by its number: `--re` lets every mutant through that leaves out a field.
    second.args(["--sharding", "round-robin", "--shard", &format!("{index}/{all}")]);
    second.args(["--", "--locked", "--"]).args(FAIL_FAST);
    Ok(second)
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

/// `baseline`: the tests must pass on the engine as it is, or every mutant would seem caught.
fn command(
    ws: &Workspace,
    tool: &Path,
    output: &Path,
    jobs: u32,
    (test, build): (u32, u32),
    baseline: bool,
) -> Command {
    let mut command = process::command(tool);
    command.current_dir(ws.root()).args(["mutants", "--package", PACKAGE, "--colors", "never", "--no-shuffle"]);
    // For `FAIL_FAST`, on a stable compiler.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.args(["--baseline", if baseline { "run" } else { "skip" }, "--jobs", &jobs.to_string()]);
    command.args(["--timeout", &test.to_string(), "--build-timeout", &build.to_string()]);
    command.arg("--output").arg(output);
    if jobs == 1 {
        // Or what the engine depends on would be compiled for every round anew. Several jobs would wait for each other here.
        command.env("CARGO_TARGET_DIR", ws.path(BUILD));
    }
    command
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

/// What came of a mutant.
#[derive(Clone, Debug)]
struct Outcome {
    /// `file:line:column: what`
    name: String,
    /// In cargo-mutants' words.
    summary: String,
}

/// Runs cargo-mutants, and reads what came of every mutant.
fn round(command: &mut Command, title: &str, folder: &Path) -> Result<Vec<Outcome>> {
    let (status, output) = ui::task(title, |task| process::collect(command, task))?;
    // 0: all caught. 2: some missed. 3: some hang. Anything else is no result.
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants ended with {status}:\n{}", process::tail(&output));
    outcomes(folder)
}

/// What cargo-mutants wrote down in a folder so far: nothing where there was nothing to change.
fn outcomes(folder: &Path) -> Result<Vec<Outcome>> {
    let file = folder.join("mutants.out/outcomes.json");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let outcomes = json["outcomes"].as_array().context("expected outcomes of cargo-mutants")?;
    let outcome = |outcome: &serde_json::Value| -> Option<Outcome> {
        let mutant = outcome["scenario"].get("Mutant")?;
        Some(Outcome { name: mutant["name"].as_str()?.to_owned(), summary: outcome["summary"].as_str()?.to_owned() })
    };
    Ok(outcomes.iter().filter_map(outcome).collect())
}

fn survivor(ws: &Workspace, name: &str) -> Result<Survivor> {
    let mut parts = name.splitn(4, ':');
    let (Some(file), Some(line), Some(_), Some(change)) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        bail!("expected `file:line:column: change` of cargo-mutants; found `{name}`");
    };
    let number: usize = line.parse().with_context(|| format!("expected a line's number in `{name}`"))?;
    let source = fs::read_to_string(ws.path(file))?;
    let line = source.lines().nth(number.saturating_sub(1)).unwrap_or_default().trim().to_owned();
    Ok(Survivor {
        name: name.to_owned(),
        place: Place { file: file.to_owned(), line, change: change.trim().to_owned() },
    })
}

fn explanations(ws: &Workspace) -> Result<Vec<Explained>> {
    let file = ws.path(EXPLAINED);
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let Explanations { explained } = toml::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
    Ok(explained)
}

fn explanation<'a>(explained: &'a [Explained], survivor: &Survivor) -> Option<&'a str> {
    explained.iter().find(|known| known.place == survivor.place).map(|known| known.reason.as_str())
}

/// Counts, and says why survivors survive.
fn report(found: &Found, survivors: Vec<Survivor>, explained: &[Explained], all: usize) -> Report {
    let count = |summary: &str| found.outcomes.values().filter(|known| *known == summary).count();
    let (caught, timeout, unviable) = (count("CaughtMutant"), count("Timeout"), count("Unviable"));
    let (caught_all, missed) = (caught + timeout, survivors.len());
    let thousandths = (caught_all * 1_000).checked_div(caught_all + missed);
    let survivors = survivors.into_iter().map(|survivor| {
        let reason = explanation(explained, &survivor).map(str::to_owned);
        Judged { survivor: survivor.place, name: survivor.name, reason }
    });
    Report {
        caught,
        missed,
        timeout,
        unviable,
        untried: all.saturating_sub(caught_all + missed + unviable),
        score_percent: thousandths.map_or(100.0, |thousandths| thousandths as f64 / 10.0),
        survivors: survivors.collect(),
    }
}

fn text(report: &Report) -> String {
    let Report { caught, missed, timeout, unviable, untried, score_percent, survivors } = report;
    let mut text = format!(
        "mutants that a test catches {caught}, that hang {timeout}, that survive {missed}, that do not compile {unviable}: \
         {score_percent:.1}% of those that compile are found; not tried {untried}\n"
    );
    for Judged { survivor, name, reason } in survivors {
        let reason = reason.as_deref().unwrap_or("NOT EXPLAINED");
        text += &format!("\n{name}\n    {}\n    {reason}\n", survivor.line);
    }
    text
}
