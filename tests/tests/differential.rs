//! The program beside books that are kept in exact rationals (`crates/model`): the sequences of the fuzzer, every ledger, every
//! lender's, borrower's and provider's number after each step. How to run and read it: `crates/model/README.md`.

// The fuzzer's own; not all of it is needed here.
#[allow(dead_code)]
mod fuzz {
    pub mod scene;
    pub mod steps;
    pub mod take;
    pub mod verbs;
}

use std::cell::RefCell;
use std::collections::BTreeMap;

use fuzz::scene::Scene;
use fuzz::steps::{step, Step};
use fuzz::take::{asked, config, play_and, tell};
use plimsoll_engine::governance::Parameter;
use plimsoll_model::{Accepted, Model, Tally};
use plimsoll_testkit::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

/// Most steps of a sequence.
const LENGTH: usize = 500;
/// Sequences of an ordinary run.
const SEQUENCES: u64 = 360;
/// Steps that these make at least.
const STEPS: u64 = 75_000;

/// What a run must have been through, or it proves little: how often at least.
const MUST_FOLLOW: &[(&str, u64)] = &[
    ("SupplyChanged", 300),
    ("DebtChanged", 300),
    ("PositionLiquidated", 100),
    ("PositionAbsorbed", 5),
    ("DefaultMarked", 10),
    ("DefaultSettled", 1),
    ("BackstopDepositChanged", 100),
    ("FeesCollected", 10),
    ("haircut", 10),
    ("RecoveryRepaid", 10),
    ("RecoveryClaimed", 1),
    ("BackstopGainClaimed", 1),
    ("FlashRepaid", 50),
    ("ParameterChanged", 20),
];

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
    tell(format_args!("{:<32} {:>9} {:>9} {:>24}", "compared", "times", "narrow", "widest bound, atoms"));
    for (what, (count, narrow, widest)) in &tally.of {
        tell(format_args!("{what:<32} {count:>9} {narrow:>9} {widest:>24}"));
    }
}

#[test]
fn whatever_anybody_does_the_program_keeps_the_books_that_exact_arithmetic_keeps() {
    let (sequences, seed) = (asked("PLIMSOLL_FUZZ_SEQUENCES", SEQUENCES), asked("PLIMSOLL_FUZZ_SEED", 0));
    let template = Pair::new();
    // What goes wrong is told once, shrunk, instead of with every attempt to shrink it.
    std::panic::set_hook(Box::new(|_| ()));
    let total = RefCell::new((Tally::default(), 0u64, BTreeMap::<&str, u64>::new()));
    let outcome = TestRunner::new(config(sequences, seed)).run(&prop::collection::vec(step(), 0..=LENGTH), |steps| {
        let (mut pair, mut tally) = (template.clone(), Tally::default());
        let played = play(&mut pair, &steps, &mut tally);
        let (total, count, followed) = &mut *total.borrow_mut();
        total.add(&tally);
        *count += steps.len() as u64;
        for (what, times) in &pair.model.followed {
            let before = template.model.followed.get(what).copied().unwrap_or(0);
            *followed.entry(*what).or_default() += times - before;
        }
        played.map_err(TestCaseError::fail)
    });
    let (tally, count, followed) = total.into_inner();
    drop(std::panic::take_hook());
    show(&tally);
    tell(format_args!("followed: {followed:?}"));
    tell(format_args!("{count} steps; seed {seed}"));
    if let Err(failure) = outcome {
        panic!("the program and the books differ:\n{failure}");
    }
    if sequences < SEQUENCES {
        // A short run on demand may miss rare ones.
        return;
    }
    assert!(count >= STEPS, "only {count} steps");
    let missed: Vec<_> =
        MUST_FOLLOW.iter().filter(|(what, least)| followed.get(what).is_none_or(|it| it < least)).collect();
    assert!(missed.is_empty(), "followed too seldom: {missed:?}");
    // Bounds that allow anything prove nothing.
    let vague: Vec<_> = tally.of.iter().filter(|(_, (count, narrow, _))| narrow * 10 < count * 9).collect();
    assert!(vague.is_empty(), "bounds are wide more often than in one of ten: {vague:?}");
}

#[test]
fn one_atom_in_any_ledger_is_told() {
    use plimsoll_engine::fixed::Word128;
    let Pair { scene, model } = Pair::new();
    let told = |what: &str, change: &dyn Fn(&mut plimsoll_audit::Books)| {
        let mut books = scene.world.books();
        change(&mut books);
        let differences = model.differences(&books, &mut Tally::default());
        assert!(differences.iter().any(|it| it.starts_with(what)), "{what}: {differences:?}");
    };
    assert_eq!(model.differences(&scene.world.books(), &mut Tally::default()), Vec::<String>::new());
    let more = |word: &mut Word128, by: u128| *word = Word128::new(word.get() + by);
    told("cash", &|books| books.reserves[0].state.cash_atoms += 1);
    told("insurance", &|books| books.reserves[0].state.insurance_atoms += 1);
    told("fees", &|books| books.reserves[0].state.fee_atoms += 1);
    told("insurance accrued", &|books| books.reserves[0].state.insurance_accrued_atoms += 1);
    told("backstop deposits", &|books| books.reserves[0].state.backstop_atoms += 1);
    told("recovery", &|books| books.reserves[0].state.recovery_atoms += 1);
    told("outstanding", &|books| more(&mut books.reserves[0].state.claims.outstanding, 1));
    told("collateral", &|books| books.reserves[0].state.collateral_atoms += 1);
    told("debt index", &|books| {
        let owed = books.reserves.iter_mut().find(|it| it.state.debt_shares.get() > 0).expect("a debt");
        more(&mut owed.state.debt_index, 1 << 40);
    });
    told("supply shares", &|books| more(&mut books.lenders[0].state.shares, 1));
    told("recovered", &|books| books.lenders[0].state.recovered_atoms += 1);
    told("claim", &|books| more(&mut books.lenders[0].state.claim, 1 << 48));
    told("collaterals", &|books| books.positions[0].state.collaterals[0].atoms += 1);
    // An atom is 2^32 shares.
    told("debt", &|books| more(&mut books.positions[0].state.debts[0].shares, 1 << 32));
    told("provision", &|books| more(&mut books.positions[0].state.debts[0].provision_shares, 1 << 32));
    told("deposits of a pool", &|books| books.pools[0].state.deposit_atoms += 1);
    told("deposit of a provider", &|books| books.providers[0].state.deposit_atoms += 1);
    told("gain of a provider", &|books| books.providers[0].state.gain_atoms[0] += 1);
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

#[test]
fn not_a_share_of_a_new_debt_is_lost_by_paying_it_in_pieces() {
    let Pair { mut scene, mut model } = Pair::new();
    let (borrower, token) = (scene.borrower(0).expect("a position"), scene.token(0));
    let world = &mut scene.world;
    world.repay(&borrower, &token, u64::MAX).expect("all of it");
    let atoms = world.reserve(&token).state.cash_atoms / 50;
    world.borrow(&borrower, &token, atoms).expect("a new debt");
    // No second passes: no interest hides a share.
    for pieces in 1..=30 {
        world.repay(&borrower, &token, pieces).expect("a piece");
    }
    assert_eq!(look(&mut scene, &mut model, &mut Tally::default()), Ok(()));
}

#[test]
fn a_loss_after_a_part_of_an_earlier_one_was_paid_back_is_owed_in_full() {
    let Pair { mut scene, mut model } = Pair::new();
    let (token, lender, stranger) = (scene.token(0), scene.lenders[1].clone(), scene.stranger.clone());
    let (one, other) = (scene.borrower(0).expect("a position"), scene.borrower(2).expect("a position"));
    let (sol, micro) = (scene.token(2), scene.token(4));
    let world = &mut scene.world;
    world.advance(60);
    world.set_price(&sol, "0.00015");
    world.set_price(&micro, "0.00000001");
    world.settle_default(&stranger, &one).expect("a default");
    let outstanding = world.reserve(&token).state.claims.outstanding_atoms();
    assert!(outstanding > 0, "no lender lost anything");
    world.repay_recovery(&lender, &token, outstanding / 3).expect("a third of it");
    world.settle_default(&stranger, &other).expect("another default");
    world.repay_recovery(&lender, &token, outstanding / 3).expect("as much again");
    assert_eq!(look(&mut scene, &mut model, &mut Tally::default()), Ok(()));
}
