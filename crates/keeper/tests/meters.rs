//! What the alerts, the dashboard and the guide ask a keeper for, it has; and what it counts is written down.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use metrics_exporter_prometheus::PrometheusBuilder;
use plimsoll_keeper::meters::{begin, Kind, METERS};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every word that begins as a keeper's metric does.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("keeper_") && *word != "keeper_speed").map(str::to_owned).collect()
}

/// All that `/metrics` may have a line of.
fn lines() -> BTreeSet<String> {
    let of = |meter: &plimsoll_keeper::meters::Meter| match meter.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", meter.name)).to_vec(),
        _ => vec![meter.name.to_owned()],
    };
    METERS.iter().flat_map(of).collect()
}

#[track_caller]
fn asks_only_for(file: &str, known: &BTreeSet<String>) {
    let asked = named(&text(&root().join(file)));
    assert!(asked.len() > 5, "{file} asks for {asked:?}");
    let unknown: Vec<_> = asked.difference(known).collect();
    assert!(unknown.is_empty(), "{file} asks for {unknown:?}; a keeper has {known:?}");
}

#[test]
fn alerts_dashboard_and_guide_ask_for_what_there_is() {
    asks_only_for("ops/keeper-alerts.yml", &lines());
    asks_only_for("ops/keeper-dashboard.json", &lines());
    let mut described = lines();
    described.extend(METERS.iter().map(|meter| meter.name.to_owned()));
    asks_only_for("docs/guides/liquidator.md", &described);
}

#[test]
fn the_guide_describes_all_of_them() {
    let described = named(&text(&root().join("docs/guides/liquidator.md")));
    let missing: Vec<_> = METERS.iter().filter(|meter| !described.contains(meter.name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Source files of a folder, at any depth.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let expand = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(expand).collect()
}

#[test]
fn what_the_code_counts_is_written_down_and_nothing_else_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files =
        sources(&folder).into_iter().filter(|path| !path.ends_with("meters.rs") && !path.ends_with("keeper_speed.rs"));
    let counted: BTreeSet<String> = files.flat_map(|path| named(&text(&path))).collect();
    let known: BTreeSet<String> = METERS.iter().map(|meter| meter.name.to_owned()).collect();
    assert_eq!(counted, known);
}

#[test]
fn attempts_begin_at_zero() {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, begin);
    let page = recorder.handle().render();
    assert!(page.contains("# HELP keeper_actions_total Attempts, "), "{page}");
    assert!(page.contains("keeper_actions_total{what=\"liquidate\",outcome=\"no_funds\"} 0"), "{page}");
    assert!(page.contains("keeper_actions_total{what=\"rebalance\",outcome=\"no_route\"} 0"), "{page}");
}
