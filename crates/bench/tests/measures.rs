//! The measures themselves: all there, and the same in every run.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_bench::play;
use plimsoll_bench::sheet::Sheet;

/// Names of the instructions in the IDL, by discriminator.
fn instructions() -> BTreeMap<[u8; 8], String> {
    let idl: serde_json::Value = serde_json::from_str(include_str!("../../../idl/plimsoll.json")).expect("the IDL");
    let discriminator = |instruction: &serde_json::Value| -> [u8; 8] {
        serde_json::from_value(instruction["discriminator"].clone()).expect("eight bytes")
    };
    let all = idl["instructions"].as_array().expect("instructions");
    all.iter().map(|one| (discriminator(one), one["name"].as_str().expect("a name").to_owned())).collect()
}

#[test]
fn every_instruction_is_measured_with_the_pool() {
    let sheet = play(Sheet::default()).expect("every scene plays");
    let instructions = instructions();
    let known: BTreeSet<[u8; 8]> = instructions.keys().copied().collect();
    let missing: Vec<&String> = known.difference(&sheet.discriminators).map(|one| &instructions[one]).collect();
    assert!(missing.is_empty(), "no measure of {missing:?}: add one in crates/bench/src/scenes");
    assert_eq!(sheet.discriminators.difference(&known).count(), 0, "the IDL knows what is measured");
}

#[test]
fn two_runs_give_the_same_numbers_with_the_pool() {
    let [one, other] = [(); 2].map(|()| play(Sheet::default()).expect("every scene plays").measures);
    assert!(one.len() > 60, "{} measures", one.len());
    assert_eq!(one, other);
}
