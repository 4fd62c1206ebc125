//! The program beside books that are kept in exact rationals (`crates/model`): the sequences of the fuzzer, every ledger, every
//! lender's, borrower's and provider's number after each step. How to run and read it: `crates/model/README.md`.

mod fuzz {
    pub mod scene;
    pub mod steps;
    pub mod take;
    pub mod verbs;
}

use std::cell::RefCell;

use fuzz::scene::Scene;
use fuzz::steps::{step, Step};
use fuzz::take::{asked, config, play_and};
use plimsoll_engine::governance::Parameter;
use plimsoll_model::{Accepted, Model, Tally};
use plimsoll_testkit::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

/// Most steps of a sequence.
const LENGTH: usize = 500;
/// Sequences of an ordinary run.
const SEQUENCES: u64 = 45;
/// Steps that these make at least.
const STEPS: u64 = 10_000;

/// A scene, and the books beside it.
#[derive(Clone)]
struct Pair {
    scene: Scene,
    model: Model,
}

impl Pair {
    /// The fuzzer's scene; the books are kept from its first instruction on.
    fn new() -> Self {
        let mut world = World::with_market();
        world.keep_journal();
        let mut pair = Self { scene: Scene::in_world(world), model: Model::default() };
        look(&mut pair.scene, &mut pair.model, &mut Tally::default()).expect("the setting");
        pair
    }
}

/// Follows what was accepted since the last look, and compares after each transaction.
fn look(scene: &mut Scene, model: &mut Model, tally: &mut Tally) -> Result<(), String> {
    for entry in scene.world.take_journal() {
        let Entry { unix, instructions, events, books } = entry;
        let accepted = Accepted { unix, instructions, events, after: books };
        model.follow(&accepted)?;
        let differences = model.differences(&accepted.after, tally);
        if !differences.is_empty() {
            return Err(format!("after {:?}: {}", accepted.events, differences.join("; ")));
        }
    }
    Ok(())
}

fn play(pair: &mut Pair, steps: &[Step], tally: &mut Tally) -> Result<(), String> {
    let Pair { scene, model } = pair;
    play_and(scene, steps, |scene| look(scene, model, tally))
}

fn show(tally: &Tally) {
    println!("{:<32} {:>9} {:>9} {:>24}", "compared", "times", "narrow", "widest bound, atoms");
    for (what, (count, narrow, widest)) in &tally.of {
        println!("{what:<32} {count:>9} {narrow:>9} {widest:>24}");
    }
}

#[test]
fn whatever_anybody_does_the_program_keeps_the_books_that_exact_arithmetic_keeps() {
    let (sequences, seed) = (asked("PLIMSOLL_FUZZ_SEQUENCES", SEQUENCES), asked("PLIMSOLL_FUZZ_SEED", 0));
    let template = Pair::new();
    // What goes wrong is told once, shrunk, instead of with every attempt to shrink it.
    std::panic::set_hook(Box::new(|_| ()));
    let total = RefCell::new((Tally::default(), 0u64));
    let outcome = TestRunner::new(config(sequences, seed)).run(&prop::collection::vec(step(), 0..=LENGTH), |steps| {
        let (mut pair, mut tally) = (template.clone(), Tally::default());
        let played = play(&mut pair, &steps, &mut tally);
        let (total, count) = &mut *total.borrow_mut();
        total.add(&tally);
        *count += steps.len() as u64;
        played.map_err(TestCaseError::fail)
    });
    let (tally, count) = total.into_inner();
    drop(std::panic::take_hook());
    show(&tally);
    println!("{count} steps; seed {seed}");
    if let Err(failure) = outcome {
        panic!("the program and the books differ:\n{failure}");
    }
    assert!(count >= STEPS || sequences < SEQUENCES, "only {count} steps");
}

#[test]
fn a_rate_that_is_changed_is_charged_from_the_change_on() {
    let Pair { mut scene, mut model } = Pair::new();
    let tally = &mut Tally::default();
    let token = scene.token(0);
    let of = scene.world.parameter(Some(&token), Parameter::BaseRate);
    let (admin, stranger) = (scene.world.admin(), scene.stranger.clone());
    scene.world.propose(&admin, &of, 1_000).expect("a proposal");
    let delay_secs = i64::try_from(plimsoll_testkit::policy().loosen_delay_secs).expect("a time");
    scene.world.advance(delay_secs);
    scene.world.execute(&stranger, &of).expect("a ripe proposal");
    assert_eq!(look(&mut scene, &mut model, tally), Ok(()));
    scene.world.advance(delay_secs);
    scene.world.accrue_interest(&stranger, &token).expect("interest");
    assert_eq!(look(&mut scene, &mut model, tally), Ok(()));
}
