//! Every scenario that is shipped runs, under every rule, and gives the figures that its file says it gives. How far these are
//! from what is known of the event stands beside them in the file.

use std::path::{Path, PathBuf};

use plimsoll_sim::ask::run::{figure, run};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::Scenario;

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

#[test]
fn every_event_is_told_with_its_sources() {
    let told = files().iter().filter(|file| !file.ends_with("example.toml")).count();
    assert!(told >= 9, "an event is missing");
    for file in files().iter().filter(|file| !file.ends_with("example.toml")) {
        let scenario = Scenario::read(file).unwrap();
        assert!(!scenario.source.is_empty() && !scenario.about.is_empty(), "{}", file.display());
    }
}
