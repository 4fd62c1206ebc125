//! `plimsoll vectors FILE`: evaluates golden cases through the engine. The schema is in `vectors/README.md`.

mod claims;
pub(crate) mod decimal;
mod fields;
mod judged;
mod kinds;
mod plan;
mod product_sum;
mod sequence;
mod terms;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{json, Value as Json};

use fields::Fields;
use judged::Comparison;

/// What to evaluate and how to report it.
#[derive(clap::Args)]
pub struct Args {
    /// File of cases; its schema is in `vectors/README.md`.
    file: PathBuf,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// A case with what became of it.
struct Outcome {
    number: usize,
    kind: String,
    note: String,
    comparisons: Vec<Comparison>,
}

/// How many cases ended how.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

/// Evaluates a file and reports. Success unless a case failed.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (report, code) = answer(args)?;
    print(&report)?;
    Ok(code)
}

/// What the command prints, and how it exits.
fn answer(args: &Args) -> Result<(String, ExitCode)> {
    let name = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {name}"))?;
    let outcomes = evaluate(&text).with_context(|| format!("{name} is not a file of vectors"))?;
    let tally = Tally::of(&outcomes);
    let report = if args.json {
        serde_json::to_string_pretty(&report(&outcomes, &tally))?
    } else {
        let lines: String = outcomes.iter().map(|outcome| outcome.line() + "\n").collect();
        format!("{lines}{} passed, {} failed", tally.passed, tally.failed)
    };
    Ok((report, if tally.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }))
}

/// Prints a report; a reader that stops early, as `head` does, is no error.
fn print(report: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{report}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot print the report"),
    }
}

fn evaluate(text: &str) -> Result<Vec<Outcome>> {
    let file: Json = serde_json::from_str(text)?;
    let cases = file.get("cases").and_then(Json::as_array).context("cases should be a list")?;
    anyhow::ensure!(!cases.is_empty(), "cases should not be empty");
    cases.iter().enumerate().map(|(i, case)| evaluate_case(i + 1, case)).collect()
}

fn evaluate_case(number: usize, case: &Json) -> Result<Outcome> {
    let fields = Fields::new(format!("case {number}"), case)?;
    let (kind, note) = (fields.text("kind")?, fields.text("note")?);
    let fields = Fields::new(format!("case {number} ({kind})"), case)?;
    let comparisons = kinds::evaluate(kind, &fields)?;
    Ok(Outcome { number, kind: kind.to_owned(), note: note.to_owned(), comparisons })
}

impl Outcome {
    fn status(&self) -> &'static str {
        if self.comparisons.iter().all(|comparison| comparison.passed) {
            "pass"
        } else {
            "FAIL"
        }
    }

    fn line(&self) -> String {
        let Self { number, kind, note, comparisons } = self;
        let head = format!("{} {number} {kind} ({note})", self.status());
        let results = comparisons.iter().map(Comparison::line).collect::<Vec<_>>().join("; ");
        if results.is_empty() {
            head
        } else {
            format!("{head}: {results}")
        }
    }
}

impl Comparison {
    fn line(&self) -> String {
        let Self { name, expected, got, passed } = self;
        let sign = if *passed { "" } else { " <- differs" };
        format!("{name} expected {expected} got {got}{sign}")
    }
}

impl Tally {
    fn of(outcomes: &[Outcome]) -> Self {
        outcomes.iter().fold(Self::default(), |mut tally, outcome| {
            match outcome.status() {
                "pass" => tally.passed += 1,
                _ => tally.failed += 1,
            }
            tally
        })
    }
}

fn report(outcomes: &[Outcome], tally: &Tally) -> Json {
    let comparison = |Comparison { name, expected, got, passed }: &Comparison| json!({ "name": name, "expected": expected, "got": got, "passed": passed });
    let case = |outcome: &Outcome| {
        let results: Vec<Json> = outcome.comparisons.iter().map(comparison).collect();
        json!({ "number": outcome.number, "kind": outcome.kind, "note": outcome.note, "status": outcome.status(), "results": results })
    };
    let cases: Vec<Json> = outcomes.iter().map(case).collect();
    json!({ "cases": cases, "passed": tally.passed, "failed": tally.failed })
}
