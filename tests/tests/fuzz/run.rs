//! Takes sequences of steps, and looks after each.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::scene::{Scene, Tally};
use super::steps::{step, Step};
use super::take::{asked, config, play_and, tell};
use super::verbs::{VERBS, WORLD};

/// Most steps of a sequence. (A failing one shrinks to nearly none.)
const LENGTH: usize = 500;
/// Sequences of an ordinary run.
const SEQUENCES: u32 = 220;
/// Steps that these make at least.
const STEPS: u64 = 50_000;

/// Takes a sequence of steps. After each every invariant holds.
pub fn play(scene: &mut Scene, steps: &[Step]) -> Result<(), String> {
    play_and(scene, steps, |scene| {
        let violations = scene.world.violations();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(violations.join("; "))
        }
    })
}

fn show(tally: &BTreeMap<&'static str, Tally>) {
    tell(format_args!(
        "{:<30} {:>9} {:>9} {:>9}  most often refused with",
        "instruction", "executed", "accepted", "refused"
    ));
    for (name, tally) in tally {
        let (accepted, refused) = (tally.accepted, tally.refusals());
        let mut reasons: Vec<_> = tally.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons: Vec<String> = reasons.iter().take(3).map(|(reason, count)| format!("{reason} {count}")).collect();
        tell(format_args!("{name:<30} {:>9} {accepted:>9} {refused:>9}  {}", accepted + refused, reasons.join(", ")));
    }
}

#[test]
fn whatever_anybody_does_every_invariant_holds_and_every_refusal_has_a_name() {
    let (sequences, seed) = (asked("PLIMSOLL_FUZZ_SEQUENCES", SEQUENCES.into()), asked("PLIMSOLL_FUZZ_SEED", 0));
    let template = Scene::new();
    // What goes wrong is told once, shrunk, instead of with every attempt to shrink it.
    std::panic::set_hook(Box::new(|_| ()));
    let total = std::cell::RefCell::new((BTreeMap::<&'static str, Tally>::new(), 0u64, 0u64, false));
    let outcome = TestRunner::new(config(sequences, seed)).run(&prop::collection::vec(step(), 0..=LENGTH), |steps| {
        let mut scene = template.clone();
        let played = play(&mut scene, &steps);
        let (tally, count, done, has_failed) = &mut *total.borrow_mut();
        if *has_failed {
            // It is shrinking.
            return played.map_err(TestCaseError::fail);
        }
        *has_failed = played.is_err();
        for (name, own) in &scene.tally {
            tally.entry(name).or_default().add(own);
        }
        (*count, *done) = (*count + steps.len() as u64, *done + 1);
        if *done % 20 == 0 {
            tell(format_args!("{done} sequences of {sequences}, {count} steps"));
        }
        played.map_err(TestCaseError::fail)
    });
    let (tally, count, ..) = total.into_inner();
    drop(std::panic::take_hook());
    show(&tally);
    tell(format_args!("{count} steps; seed {seed}"));
    if let Err(failure) = outcome {
        panic!("freeze this as a regression (tests/tests/fuzz/regressions.rs):\n{failure}");
    }
    let names: BTreeSet<&str> = VERBS.iter().map(|(name, ..)| *name).filter(|name| !WORLD.contains(name)).collect();
    assert!(count >= STEPS || sequences < SEQUENCES.into(), "only {count} steps");
    let idle: Vec<&&str> = names
        .iter()
        .filter(|name| tally.get(**name).is_none_or(|tally| tally.accepted == 0 || tally.refused.is_empty()))
        .collect();
    // A short run on demand may miss rare ones.
    assert!(idle.is_empty() || sequences < SEQUENCES.into(), "never accepted or never refused: {idle:?}");
}

#[test]
fn every_instruction_of_the_program_is_fuzzed() {
    let idl: serde_json::Value = serde_json::from_str(include_str!("../../../idl/plimsoll.json")).expect("an IDL");
    let instructions = idl["instructions"].as_array().expect("instructions").iter();
    let of_program: BTreeSet<&str> = instructions.map(|it| it["name"].as_str().expect("a name")).collect();
    let fuzzed: BTreeSet<&str> = VERBS.iter().map(|(name, ..)| *name).filter(|name| !WORLD.contains(name)).collect();
    assert_eq!(fuzzed, of_program);
}
