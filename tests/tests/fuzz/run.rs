//! Takes sequences of steps, and looks after each.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{catch_unwind, AssertUnwindSafe};

use plimsoll_client::errors::explain;
use plimsoll_testkit::prelude::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestRunner};
use solana_instruction_error::InstructionError;
use solana_transaction_error::TransactionError;

use super::scene::{Scene, Tally};
use super::steps::{step, Step};
use super::verbs::{VERBS, WORLD};

/// Code of both token programs for "insufficient funds".
pub const INSUFFICIENT_FUNDS: u32 = 1;
/// Highest code of a token program.
const TOKEN_CODES: u32 = 64;
/// Most steps of a sequence. (A failing one shrinks to nearly none.)
const LENGTH: usize = 500;
/// Sequences of an ordinary run.
const SEQUENCES: u32 = 220;
/// Steps that these make at least.
const STEPS: u64 = 50_000;
/// Code of the system program for an account that is there already.
const ACCOUNT_IN_USE: u32 = 0;

/// Spoils a call: another account, a missing flag, other data. Never a key that would have to sign.
fn spoilt(spoil: u32, keys: Vec<Pubkey>) -> impl Fn(&mut Instruction) + Send + Sync + 'static {
    move |call: &mut Instruction| {
        let (kind, seed) = (spoil % 8, usize::try_from(spoil >> 3).unwrap_or(0));
        if call.accounts.is_empty() {
            return;
        }
        let at = seed % call.accounts.len();
        match kind {
            0..=2 if !call.accounts[at].is_signer => call.accounts[at].pubkey = keys[(seed / 16) % keys.len()],
            3 => call.accounts[at].is_writable = false,
            4 => {
                call.accounts.pop();
            }
            5 => call.accounts.push(AccountMeta::new(keys[seed % keys.len()], false)),
            6 if call.data.len() > 8 => {
                let byte = 8 + (seed / 16) % (call.data.len() - 8);
                call.data[byte] ^= 1 << (seed % 8);
            }
            7 => {
                let other = (seed / 16) % call.accounts.len();
                if !call.accounts[at].is_signer && !call.accounts[other].is_signer {
                    call.accounts.swap(at, other);
                }
            }
            _ => {}
        }
    }
}

/// Every account that a call may be spoilt with.
fn keys(scene: &Scene) -> Vec<Pubkey> {
    let books = scene.world.books();
    let mut keys: Vec<Pubkey> = Vec::new();
    keys.extend(books.markets.iter().map(|it| it.address));
    for reserve in &books.reserves {
        keys.extend([reserve.address, reserve.liquidity_vault(), reserve.collateral_vault(), reserve.mint()]);
    }
    keys.extend(books.positions.iter().map(|it| it.address));
    keys.extend(books.lenders.iter().map(|it| it.address));
    keys.extend(books.pools.iter().map(|it| it.address));
    keys.extend(books.providers.iter().map(|it| it.address));
    keys.extend(books.proposals.iter().map(|it| it.address));
    keys.extend(scene.tokens.iter().map(|token| token.price));
    keys.push(plimsoll_client::PROGRAM_ID);
    keys
}

/// Why a refusal is none that a user should see.
fn unnamed(refused: &Refused, is_spoilt: bool) -> Option<String> {
    let TransactionError::InstructionError(_, error) = &refused.error else {
        return (!is_spoilt).then(|| format!("{refused:?}"));
    };
    let is_named = match error {
        InstructionError::Custom(code) => {
            explain(*code).is_some()
                || [ACCOUNT_IN_USE, INSUFFICIENT_FUNDS].contains(code)
                || (is_spoilt && *code < TOKEN_CODES)
        }
        // A panic, and what is out of all bounds.
        InstructionError::ProgramFailedToComplete
        | InstructionError::ComputationalBudgetExceeded
        | InstructionError::UnbalancedInstruction
        | InstructionError::ExternalAccountDataModified
        | InstructionError::ExternalAccountLamportSpend => false,
        _ => is_spoilt,
    };
    (!is_named).then(|| format!("{refused:?}"))
}

/// The name of a refusal.
fn reason(refused: &Refused) -> String {
    let name = refused.code().and_then(explain).map(|refusal| refusal.name.to_owned());
    name.unwrap_or_else(|| match refused.code() {
        Some(code) => format!("code {code}"),
        None => "the runtime's".to_owned(),
    })
}

/// Takes one step.
fn take(scene: &mut Scene, step: &Step) -> Result<(), String> {
    let (name, _, act) = VERBS.iter().find(|(name, ..)| *name == step.verb).ok_or("no such verb")?;
    if step.spoil != 0 {
        let keys = keys(scene);
        scene.world.begin_tampering(spoilt(step.spoil, keys));
    }
    let outcome = act(scene, step);
    scene.world.end_tampering();
    let Some(outcome) = outcome else { return Ok(()) };
    let tally = scene.tally.entry(name).or_default();
    match &outcome {
        Ok(_) => tally.accepted += 1,
        Err(refused) => *tally.refused.entry(reason(refused)).or_default() += 1,
    }
    if let Some(unnamed) = outcome.err().and_then(|refused| unnamed(&refused, step.spoil != 0)) {
        return Err(format!("a refusal without a name: {unnamed}"));
    }
    if step.spoil != 0 {
        // Whoever names a vault as the account to be paid to donates; what a vault lacks is no donation.
        scene.world.note_donations();
    }
    let violations = scene.world.violations();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations.join("; "))
    }
}

/// Takes a sequence of steps. What goes wrong is told with the step it went wrong at.
pub fn play(scene: &mut Scene, steps: &[Step]) -> Result<(), String> {
    for (index, step) in steps.iter().enumerate() {
        let taken = catch_unwind(AssertUnwindSafe(|| take(scene, step)));
        let taken = taken.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
        });
        taken.map_err(|wrong| format!("step {index}, {step:?}: {wrong}"))?;
    }
    Ok(())
}

/// How many sequences: `PLIMSOLL_FUZZ_SEQUENCES`, or 200. Which: `PLIMSOLL_FUZZ_SEED`, or the same ones every time.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn show(tally: &BTreeMap<&'static str, Tally>) {
    println!("{:<30} {:>9} {:>9} {:>9}  most often refused with", "instruction", "executed", "accepted", "refused");
    for (name, tally) in tally {
        let (accepted, refused) = (tally.accepted, tally.refusals());
        let mut reasons: Vec<_> = tally.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons: Vec<String> = reasons.iter().take(3).map(|(reason, count)| format!("{reason} {count}")).collect();
        println!("{name:<30} {:>9} {accepted:>9} {refused:>9}  {}", accepted + refused, reasons.join(", "));
    }
}

#[test]
fn whatever_anybody_does_every_invariant_holds_and_every_refusal_has_a_name() {
    let (sequences, seed) = (asked("PLIMSOLL_FUZZ_SEQUENCES", SEQUENCES.into()), asked("PLIMSOLL_FUZZ_SEED", 0));
    let template = Scene::new();
    // What goes wrong is told once, shrunk, instead of with every attempt to shrink it.
    std::panic::set_hook(Box::new(|_| ()));
    let total = std::cell::RefCell::new((BTreeMap::<&'static str, Tally>::new(), 0u64, 0u64, false));
    let config = Config {
        cases: u32::try_from(sequences).expect("a count"),
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        // A failing sequence is played again and again, shorter and shorter.
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step(), 0..=LENGTH), |steps| {
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
            println!("{done} sequences of {sequences}, {count} steps");
        }
        played.map_err(TestCaseError::fail)
    });
    let (tally, count, ..) = total.into_inner();
    drop(std::panic::take_hook());
    show(&tally);
    println!("{count} steps; seed {seed}");
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
