//! Taking steps: what both the fuzzer and the books beside the program do.

use std::panic::{catch_unwind, AssertUnwindSafe};

use plimsoll_client::errors::explain;
use plimsoll_testkit::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed};
use solana_instruction_error::InstructionError;
use solana_transaction_error::TransactionError;

use super::scene::Scene;
use super::steps::Step;
use super::verbs::VERBS;

/// Code of both token programs for "insufficient funds".
pub const INSUFFICIENT_FUNDS: u32 = 1;
/// Highest code of a token program.
const TOKEN_CODES: u32 = 64;
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

/// Takes one step. Every refusal has a name.
fn take(scene: &mut Scene, step: &Step) -> Result<(), String> {
    let (name, _, act) = VERBS.iter().find(|(name, ..)| *name == step.verb).ok_or("no such verb")?;
    if step.spoil != 0 {
        let keys = keys(scene);
        scene.world.begin_tampering(spoilt(step.spoil, keys));
    }
    let outcome = act(scene, step);
    scene.world.end_tampering();
    if step.spoil != 0 {
        // Whoever names a vault as the account to be paid to donates; what a vault lacks is no donation.
        scene.world.note_donations();
    }
    let Some(outcome) = outcome else { return Ok(()) };
    let tally = scene.tally.entry(name).or_default();
    match &outcome {
        Ok(_) => tally.accepted += 1,
        Err(refused) => *tally.refused.entry(reason(refused)).or_default() += 1,
    }
    if let Some(unnamed) = outcome.err().and_then(|refused| unnamed(&refused, step.spoil != 0)) {
        return Err(format!("a refusal without a name: {unnamed}"));
    }
    Ok(())
}

/// Takes a sequence of steps, and looks after each. What goes wrong is told with the step it went wrong at.
pub fn play_and(
    scene: &mut Scene,
    steps: &[Step],
    mut look: impl FnMut(&mut Scene) -> Result<(), String>,
) -> Result<(), String> {
    for (index, step) in steps.iter().enumerate() {
        let taken = catch_unwind(AssertUnwindSafe(|| take(scene, step).and_then(|()| look(scene))));
        let taken = taken.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
        });
        taken.map_err(|wrong| format!("step {index}, {step:?}: {wrong}"))?;
    }
    Ok(())
}

/// Tells a line past the capture of tests: what a run went through is of interest where it passed, too.
pub fn tell(line: std::fmt::Arguments) {
    use std::io::Write;
    // Whoever has closed the other end does not want to know.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// How many sequences: `PLIMSOLL_FUZZ_SEQUENCES`, or the test's own. Which: `PLIMSOLL_FUZZ_SEED`, or the same ones every time.
pub fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Sequences of a run. A failing one is played again and again, shorter and shorter.
pub fn config(sequences: u64, seed: u64) -> Config {
    Config {
        cases: u32::try_from(sequences).expect("a count"),
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: u32::try_from(asked("PLIMSOLL_FUZZ_SHRINK", 400)).expect("a count"),
        failure_persistence: None,
        ..Config::default()
    }
}
