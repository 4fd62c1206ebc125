//! Every scenario that is shipped runs, under every rule, and gives the figures that its file says it gives. How far these are
//! from what is known of the event stands beside them in the file, and in the guide.

use std::path::{Path, PathBuf};

use plimsoll_sim::ask::run::{compare, figure, run, Run};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::outcome::Sums;
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::{Figure, Scenario};

/// What a figure may differ from the file's: logarithms and cosines are not the same to the last bit everywhere, and one
/// liquidation more or less is no other story.
const SLACK: f64 = 0.02;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let entries = std::fs::read_dir(folder).expect("the folder of scenarios");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

#[test]
fn every_scenario_gives_the_figures_its_file_says() {
    let mut wrong = Vec::new();
    for file in files() {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{error:#}"));
        let setup = Setup::new(&scenario).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let done = run(&setup, Rule::Plimsoll, 0, &|_| {}).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        for expected in &scenario.figures {
            let found = figure(&setup, &done, &expected.what).unwrap();
            let off = (found - expected.run).abs() / expected.run.abs().max(1e-9);
            if off > SLACK && (found - expected.run).abs() > 1e-6 {
                wrong.push(format!("{name} {} {found} {}", expected.what, expected.run));
            }
        }
    }
    assert!(wrong.is_empty(), "scenario, figure, found, in the file:\n{}", wrong.join("\n"));
}

/// A number as the guide writes it: `50%`, `5.67M`, `none`.
fn number(text: &str) -> f64 {
    let (digits, unit) = match text.strip_suffix(['%', 'M']) {
        Some(digits) if text.ends_with('%') => (digits, 0.01),
        Some(digits) => (digits, 1e6),
        None => (text, 1.0),
    };
    if text == "none" {
        0.0
    } else {
        digits.parse::<f64>().unwrap_or_else(|_| panic!("a number: {text}")) * unit
    }
}

/// What a figure is called in the guide.
fn named(figure: &Figure) -> String {
    match figure.what.split_once(':') {
        Some((what, token)) => format!("{what} of {token}"),
        None => figure.what.trim_end_matches("_part").replace('_', " "),
    }
}

#[test]
fn the_guide_says_what_is_known_and_how_far_off_a_run_is() {
    let guide = include_str!("../../../docs/guides/risk.md");
    let table = guide.split_once("| scenario | figure | known | run | off |").expect("the table of the scenarios").1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut rows = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    for file in files() {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        for (index, figure) in Scenario::read(&file).unwrap().figures.iter().enumerate() {
            let row = rows.next().unwrap_or_else(|| panic!("the guide lacks {stem}: {}", figure.what));
            let name = if index == 0 { format!("`{stem}`") } else { String::new() };
            assert_eq!((row[0], row[1]), (name.as_str(), named(figure).as_str()));
            // To the three digits, at most, that the guide has room for.
            let is = |text: &str, number_of_file: f64| (number(text) - number_of_file).abs() <= 0.01 * number_of_file;
            assert!(is(row[2], figure.known), "{stem}: known {} and {}", row[2], figure.known);
            assert!(is(row[3], figure.run), "{stem}: run {} and {}", row[3], figure.run);
            let off = figure.run / figure.known - 1.0;
            let off =
                if figure.run == 0.0 || figure.known == 0.0 { String::new() } else { format!("{:+.0}%", off * 100.0) };
            assert_eq!(row[4], off, "{stem}: {}", figure.what);
        }
    }
    assert_eq!(rows.next(), None, "a row of no scenario");
}

/// A scenario, what rules are compared by in it, and what each rule comes to, USD, millions.
type Rivals = (&'static str, fn(&Sums) -> f64, &'static [(&'static str, f64)]);

/// What the guide says of the rules.
const RIVALS: [Rivals; 2] = [
    (
        "2020-03-black-thursday.toml",
        Sums::bad_debt,
        &[("Plimsoll", 9.8), ("fixed close factor", 5.3), ("Aave-v4-like", 8.1), ("Dutch auction", 25.8)],
    ),
    (
        "whale-as-big-as-the-market.toml",
        Sums::borrower_loss,
        &[("Plimsoll, no backstop", 4.3), ("fixed close factor", 15.3), ("Aave-v4-like", 5.3), ("Dutch auction", 52.5)],
    ),
];

#[test]
fn the_other_rules_come_to_what_the_guide_says() {
    let guide = include_str!("../../../docs/guides/risk.md");
    for (name, of, expected) in RIVALS {
        let file = files().into_iter().find(|file| file.ends_with(name)).expect("a scenario");
        let setup = Setup::new(&Scenario::read(&file).unwrap()).unwrap();
        let runs: Vec<Run> = compare(&setup, 0, &|_| {}).unwrap();
        for (rule, expected) in expected {
            let run = runs.iter().find(|run| run.rule == *rule).expect("a run under every rule");
            let found = (of(&run.sums) / 1e5).round() / 10.0;
            assert_eq!(found, *expected, "{name}: {rule}");
            assert!(guide.contains(&format!("{expected:.1}")), "{name}: {rule}: the guide says so");
        }
    }
}

#[test]
fn every_scenario_runs_under_every_rule() {
    for file in files() {
        let setup = Setup::new(&Scenario::read(&file).unwrap()).unwrap();
        let runs = compare(&setup, 0, &|_| {}).unwrap_or_else(|error| panic!("{}: {error:#}", file.display()));
        assert!(runs.len() >= 4, "{}", file.display());
    }
}

#[test]
fn every_event_is_told_with_its_sources() {
    let is_event = |file: &&PathBuf| !file.ends_with("example.toml") && !file.ends_with("new-collateral.toml");
    assert!(files().iter().filter(is_event).count() >= 9, "an event is missing");
    for file in files().iter().filter(is_event) {
        let scenario = Scenario::read(file).unwrap();
        assert!(!scenario.source.is_empty() && !scenario.about.is_empty(), "{}", file.display());
    }
}
