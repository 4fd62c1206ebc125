//! From an action to what came of it: simulated, priced, signed once, sent again until it is confirmed or cannot be any more.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use plimsoll_client::errors::program_error;
use plimsoll_client::{compute_budget, AccountMeta, Instruction, Pubkey};
use plimsoll_engine::EngineError;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, Hash, VersionedMessage};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

use crate::build::{shortfall, Built};
use crate::chain::{token_atoms, Chain};
use crate::follow::Underway;
use crate::tables::{message, Size, Tables, BYTES_MAX, LOCKS_MAX};
use crate::venue::{jupiter, NoRoute};

/// Most compute units a transaction may ask for.
pub const UNITS_MAX: u32 = 1_400_000;
/// Between two looks at what became of a transaction.
const LOOK: Duration = Duration::from_millis(200);
/// How long an action is waited for before other things are done beside it.
const PATIENCE: Duration = Duration::from_secs(2);
/// The token programs' refusal of a transfer beyond the balance.
const INSUFFICIENT_FUNDS: u32 = 1;

/// What a keeper pays for speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// Most for a compute unit, micro-lamports.
    pub unit_price_max: u64,
    /// Tip, lamports, and to whom.
    pub tip: Option<(u64, Pubkey)>,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Confirmed.
    Landed(Landed),
    /// It would have: nothing was sent.
    DryRun,
    /// Somebody else changed the position first.
    LostRace,
    /// Nobody did, but it is healthy again.
    HealthyAgain,
    /// The throttle has nothing left.
    Throttled,
    /// A price is too old or too uncertain.
    StalePrice,
    /// Tokens or liquidity are lacking.
    NoFunds,
    /// The blockhash died before it landed.
    Expired,
    /// The transaction is larger than the network takes.
    TooLarge(String),
    /// The venue does not sell.
    NoRoute(NoRoute, String),
    /// No endpoint answers.
    Rpc(String),
    /// Anything else, in words.
    Refused(String),
}

/// Names of all outcomes.
pub const OUTCOMES: [&str; 12] = [
    "landed",
    "dry_run",
    "lost_race",
    "healthy_again",
    "throttled",
    "stale_price",
    "no_funds",
    "expired",
    "too_large",
    "no_route",
    "rpc",
    "refused",
];

/// A confirmed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Signature.
    pub signature: String,
    /// Slot.
    pub slot: u64,
    /// Fee, lamports.
    pub fee_lamports: u64,
    /// What the keeper's token accounts gained and gave, atoms per mint.
    pub changes: Vec<(Pubkey, i128)>,
}

impl Outcome {
    /// Name, for logs, metrics and the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Landed(_) => "landed",
            Self::DryRun => "dry_run",
            Self::LostRace => "lost_race",
            Self::HealthyAgain => "healthy_again",
            Self::Throttled => "throttled",
            Self::StalePrice => "stale_price",
            Self::NoFunds => "no_funds",
            Self::Expired => "expired",
            Self::TooLarge(_) => "too_large",
            Self::NoRoute(..) => "no_route",
            Self::Rpc(_) => "rpc",
            Self::Refused(_) => "refused",
        }
    }

    /// More to say.
    pub fn detail(&self) -> &str {
        match self {
            Self::Landed(landed) => &landed.signature,
            Self::Rpc(text) | Self::Refused(text) | Self::TooLarge(text) | Self::NoRoute(_, text) => text,
            _ => "",
        }
    }

    /// How long the subject is left alone after so many failures in a row, this one included.
    pub fn pause(&self, failures: u32) -> Duration {
        let (first_ms, most_ms) = match self {
            // The book must see what it left; see `Locks::release`.
            Self::Landed(_) => (200, 200),
            // The book should know better by then; where it does not, the endpoint is behind.
            Self::LostRace => (200, 5_000),
            Self::DryRun => (5_000, 5_000),
            Self::HealthyAgain => (500, 5_000),
            Self::StalePrice => (500, 5_000),
            Self::Throttled => (2_000, 60_000),
            Self::NoFunds => (5_000, 300_000),
            Self::Expired => (200, 2_000),
            Self::TooLarge(_) => (5_000, 300_000),
            // Prices move on, and so does who is asked too often.
            Self::NoRoute(NoRoute::BelowMinimum { .. } | NoRoute::Failed { .. } | NoRoute::Slow, _) => (500, 5_000),
            Self::NoRoute(..) => (2_000, 60_000),
            Self::Rpc(_) => (500, 30_000),
            Self::Refused(_) => (2_000, 300_000),
        };
        let doubled = 1u64.checked_shl(failures.saturating_sub(1).min(20)).unwrap_or(u64::MAX);
        Duration::from_millis(u64::saturating_mul(first_ms, doubled).min(most_ms))
    }
}

/// What an error of a transaction means. `changed`: whether the position is another since the decision.
pub fn classify(error: &Value, changed: bool) -> Outcome {
    let Some(code) = error["InstructionError"][1]["Custom"].as_u64().and_then(|code| u32::try_from(code).ok()) else {
        return Outcome::Refused(error.to_string());
    };
    if code == INSUFFICIENT_FUNDS {
        return Outcome::NoFunds;
    }
    let is = |errors: &[EngineError]| errors.iter().any(|error| error.code() == code);
    if is(&[EngineError::StalePrice, EngineError::ConfidenceTooWide, EngineError::PriceFromFuture]) {
        return Outcome::StalePrice;
    }
    if is(&[EngineError::Throttled]) {
        return Outcome::Throttled;
    }
    if is(&[EngineError::InsufficientLiquidity]) {
        return Outcome::NoFunds;
    }
    if changed {
        return Outcome::LostRace;
    }
    if is(&[EngineError::Healthy]) {
        return Outcome::HealthyAgain;
    }
    match program_error(code) {
        Some(refusal) => Outcome::Refused(format!("{refusal:?}: {refusal}")),
        None => Outcome::Refused(error.to_string()),
    }
}

/// What an error of a transaction means, as [`classify`], but for that of an exchange in it: programs number their errors
/// alike.
pub(crate) fn judge(error: &Value, message: &VersionedMessage, changed: bool) -> Outcome {
    let index = error["InstructionError"][0].as_u64().and_then(|index| usize::try_from(index).ok());
    let failed = index.and_then(|index| message.instructions().get(index));
    // Programs are never looked up in a table.
    let program = failed.and_then(|failed| message.static_account_keys().get(usize::from(failed.program_id_index)));
    let code = error["InstructionError"][1]["Custom"].as_u64();
    match (program, code) {
        (Some(program), Some(code)) if *program == jupiter::PROGRAM => {
            let reason = NoRoute::Failed { code };
            let text = reason.to_string();
            Outcome::NoRoute(reason, text)
        }
        _ => classify(error, changed),
    }
}

/// Who is being dealt with, and who is left alone for a while.
#[derive(Debug, Default)]
pub struct Locks {
    held: HashMap<Pubkey, Lock>,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    /// None while it is being dealt with.
    until: Option<Instant>,
    /// Sequence of the subject when it was dealt with; none of what has none.
    sequence: Option<u64>,
    /// Whether the book must know another one first.
    is_changed: bool,
    failures: u32,
}

impl Locks {
    /// Whether a subject may be dealt with now. `sequence`: of what the book knows of it; none of what has none.
    pub fn is_free(&self, subject: &Pubkey, sequence: Option<u64>, now: Instant) -> bool {
        let Some(lock) = self.held.get(subject) else { return true };
        let Some(until) = lock.until else { return false };
        // A state from before one's own transaction would only have it done twice. Half a minute later the book is
        // believed: the chain may have gone back.
        let is_known = !lock.is_changed || lock.sequence != sequence || now > until + Duration::from_secs(30);
        now >= until && is_known
    }

    /// Takes a subject as it is known: with this sequence, none of what has none.
    pub fn hold(&mut self, subject: Pubkey, sequence: Option<u64>) {
        // Failures with an earlier state say nothing of this one.
        let same = self.held.get(&subject).filter(|lock| lock.sequence == sequence);
        let failures = same.map_or(0, |lock| lock.failures);
        self.held.insert(subject, Lock { until: None, sequence, is_changed: false, failures });
    }

    /// Lets go of a subject; it is left alone for a while that depends on what came of it.
    pub fn release(&mut self, subject: Pubkey, outcome: &Outcome, now: Instant) {
        let (before, sequence) = self.held.get(&subject).map_or((0, None), |lock| (lock.failures, lock.sequence));
        let failures = match outcome {
            Outcome::Landed(_) | Outcome::DryRun => 0,
            _ => before.saturating_add(1),
        };
        let is_changed = sequence.is_some() && matches!(outcome, Outcome::Landed(_));
        let until = Some(now + outcome.pause(failures));
        self.held.insert(subject, Lock { until, sequence, is_changed, failures });
    }
}

/// How far an action has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// To its end.
    Done(Outcome),
    /// It was sent, and is open.
    Underway(Underway),
}

/// Sends what was decided.
pub struct Actor<'a> {
    /// Endpoints.
    pub chain: &'a Chain,
    /// Lookup tables.
    pub tables: &'a Tables,
    /// Tables used beside those of a route.
    pub own_tables: &'a [Pubkey],
    /// Who pays and signs.
    pub key: &'a Keypair,
    /// What it pays for speed.
    pub pricing: Pricing,
    /// Whether it only simulates.
    pub is_dry_run: bool,
}

impl Actor<'_> {
    /// Carries an action out, as far as that goes in a moment. `changed` tells whether the subject is another
    /// since the decision; it is asked after a refusal only. `signed` is told signature and last block height of what is about
    /// to be sent; where it fails nothing is sent.
    pub fn carry_out(
        &self,
        built: &Built,
        changed: impl Fn() -> bool,
        signed: impl FnOnce(&str, u64) -> Result<()>,
    ) -> Progress {
        let mut underway = match self.send(built, &changed, signed) {
            Ok(Progress::Underway(underway)) => underway,
            Ok(done) => return done,
            Err(error) => return Progress::Done(Outcome::Rpc(format!("{error:#}"))),
        };
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(outcome) = self.look(&mut underway, &changed) {
                return Progress::Done(outcome);
            }
            std::thread::sleep(LOOK);
        }
        Progress::Underway(underway)
    }

    fn send(
        &self,
        built: &Built,
        changed: impl Fn() -> bool,
        signed: impl FnOnce(&str, u64) -> Result<()>,
    ) -> Result<Progress> {
        let done = |outcome| Ok(Progress::Done(outcome));
        let instructions = &built.instructions;
        let tables = self.tables.get(self.chain, &[self.own_tables, &built.tables].concat())?;
        let unit_price = self.unit_price(instructions);
        let draft = self.message(instructions, &tables, (UNITS_MAX, unit_price), Hash::default())?;
        let size = Size::of(&draft);
        if !size.fits() {
            let Size { bytes, locks } = size;
            let text = format!("{bytes} bytes of {BYTES_MAX} and {locks} accounts of {LOCKS_MAX}");
            return done(Outcome::TooLarge(text));
        }
        let unsigned = VersionedTransaction { signatures: vec![Signature::default()], message: draft };
        let asked: Vec<Pubkey> = built.floors.iter().map(|floor| floor.account).collect();
        let before = self.held(&asked)?;
        let simulated = self.chain.simulate(&unsigned, &asked).context("simulating")?;
        if !simulated.error.is_null() {
            return done(judge(&simulated.error, &unsigned.message, changed()));
        }
        // Another transaction of one's own may land in between: then this one only waits for its next turn.
        if let Some(text) = shortfall(&built.floors, &before, &simulated.atoms) {
            return done(Outcome::NoRoute(NoRoute::Unsafe(text.clone()), text));
        }
        if self.is_dry_run {
            return done(Outcome::DryRun);
        }
        // A quarter more than it took, and some: the state may be another when it lands, and a second later there is interest
        // to book.
        let units = u32::try_from(simulated.units + simulated.units / 4 + 10_000).unwrap_or(UNITS_MAX).min(UNITS_MAX);
        let (blockhash, last_height) = self.chain.blockhash()?;
        let message = self.message(instructions, &tables, (units, unit_price), blockhash)?;
        let transaction = VersionedTransaction::try_new(message, &[self.key]).context("signing")?;
        let signature = transaction.signatures.first().context("a signature")?.to_string();
        signed(&signature, last_height)?;
        // An endpoint that breaks off may have passed it on all the same: from here on only the chain says what became of it.
        if let Err(error) = self.chain.send(&transaction) {
            tracing::warn!(signature, error = format!("{error:#}"), "no endpoint took it; sending it again");
        }
        Ok(Progress::Underway(Underway::sent(transaction, signature, last_height)))
    }

    /// What lies in token accounts, atoms.
    fn held(&self, accounts: &[Pubkey]) -> Result<Vec<u64>> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.chain.accounts(accounts)?.iter().map(|seen| token_atoms(&seen.data)).collect())
    }

    /// What it cost and brought, as far as the endpoint tells.
    pub(crate) fn landed(&self, signature: &str, slot: u64) -> Landed {
        let meta = self.chain.transaction(signature).map(|found| found["meta"].clone()).unwrap_or_default();
        let fee_lamports = meta["fee"].as_u64().unwrap_or(0);
        let changes = changes(&meta, &self.key.pubkey());
        Landed { signature: signature.to_owned(), slot, fee_lamports, changes }
    }

    /// What others paid lately, no more than the cap.
    fn unit_price(&self, instructions: &[Instruction]) -> u64 {
        if self.pricing.unit_price_max == 0 {
            return 0;
        }
        let metas = instructions.iter().flat_map(|instruction| &instruction.accounts);
        let writable: Vec<Pubkey> = metas.filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect();
        let asked = self.chain.unit_price(&writable).unwrap_or(0);
        asked.min(self.pricing.unit_price_max)
    }

    /// `budget`: limit of compute units, and price of one, micro-lamports.
    fn message(
        &self,
        instructions: &[Instruction],
        tables: &[AddressLookupTableAccount],
        budget: (u32, u64),
        blockhash: Hash,
    ) -> Result<VersionedMessage> {
        let (payer, (units, unit_price)) = (self.key.pubkey(), budget);
        let mut all = vec![compute_budget::unit_limit(units)];
        if unit_price > 0 {
            all.push(compute_budget::unit_price(unit_price));
        }
        all.extend_from_slice(instructions);
        all.extend(self.pricing.tip.map(|(lamports, to)| transfer(&payer, &to, lamports)));
        message(&payer, &all, tables, blockhash)
    }
}

/// A transfer of lamports.
fn transfer(from: &Pubkey, to: &Pubkey, lamports: u64) -> Instruction {
    let accounts = vec![AccountMeta::new(*from, true), AccountMeta::new(*to, false)];
    let data = [&2u32.to_le_bytes()[..], &lamports.to_le_bytes()].concat();
    Instruction { program_id: anchor_lang::system_program::ID, accounts, data }
}

/// What an owner's token accounts gained and gave in a transaction, per mint.
fn changes(meta: &Value, owner: &Pubkey) -> Vec<(Pubkey, i128)> {
    let owner = owner.to_string();
    let mut sums: HashMap<Pubkey, i128> = HashMap::new();
    for (side, sign) in [("preTokenBalances", -1), ("postTokenBalances", 1)] {
        for balance in meta[side].as_array().into_iter().flatten().filter(|balance| balance["owner"] == owner.as_str())
        {
            let mint = balance["mint"].as_str().and_then(|mint| mint.parse().ok());
            let atoms = balance["uiTokenAmount"]["amount"].as_str().and_then(|atoms| atoms.parse::<i128>().ok());
            if let (Some(mint), Some(atoms)) = (mint, atoms) {
                *sums.entry(mint).or_default() += sign * atoms;
            }
        }
    }
    let mut changes: Vec<_> = sums.into_iter().filter(|(_, atoms)| *atoms != 0).collect();
    changes.sort_unstable();
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(error: EngineError) -> Value {
        json!({ "InstructionError": [2, { "Custom": error.code() }] })
    }

    #[test]
    fn a_lost_race_is_told_from_a_position_that_recovered() {
        assert_eq!(classify(&refused(EngineError::Healthy), true), Outcome::LostRace);
        assert_eq!(classify(&refused(EngineError::Healthy), false), Outcome::HealthyAgain);
        assert_eq!(classify(&refused(EngineError::SlotNotOpen), true), Outcome::LostRace);
        assert_eq!(classify(&refused(EngineError::Throttled), true), Outcome::Throttled);
        assert_eq!(classify(&refused(EngineError::StalePrice), false), Outcome::StalePrice);
        assert_eq!(classify(&json!({ "InstructionError": [2, { "Custom": 1 }] }), false), Outcome::NoFunds);
        let refusal = classify(&refused(EngineError::TakeOtherCollateral), false);
        assert!(refusal.detail().starts_with("TakeOtherCollateral: "), "{refusal:?}");
        assert_eq!(classify(&json!("AccountInUse"), true).name(), "refused");
    }

    #[test]
    fn an_exchange_that_fails_is_not_taken_for_the_programs_refusal() {
        let instruction = |program_id| Instruction { program_id, accounts: Vec::new(), data: Vec::new() };
        let all = [instruction(plimsoll_client::PROGRAM_ID), instruction(jupiter::PROGRAM)];
        let message = message(&Pubkey::new_from_array([1; 32]), &all, &[], Hash::default()).expect("a message");
        let code = EngineError::StalePrice.code();
        let at = |index: u32| json!({ "InstructionError": [index, { "Custom": code }] });
        assert_eq!(judge(&at(0), &message, true), Outcome::StalePrice);
        let failed = judge(&at(1), &message, true);
        assert_eq!(
            (failed.name(), failed.detail()),
            ("no_route", &*format!("the venue's program refused with {code}"))
        );
    }

    #[test]
    fn who_is_dealt_with_is_nobody_elses_and_who_was_is_seen_again_first() {
        let (subject, now) = (Pubkey::new_from_array([1; 32]), Instant::now());
        let mut locks = Locks::default();
        let (before, after) = (Some(5), Some(6));
        assert!(locks.is_free(&subject, before, now));
        locks.hold(subject, before);
        assert!(!locks.is_free(&subject, after, now + Duration::from_secs(3_600)), "until it is let go of");
        let landed = Landed { signature: String::new(), slot: 9, fee_lamports: 0, changes: Vec::new() };
        locks.release(subject, &Outcome::Landed(landed.clone()), now);
        let soon = now + Duration::from_secs(1);
        assert!(!locks.is_free(&subject, before, soon), "its state is from before");
        assert!(locks.is_free(&subject, after, soon));
        assert!(locks.is_free(&subject, before, now + Duration::from_secs(31)), "nobody is held for ever");
        for (failures, wait) in [(1, 2), (2, 4), (3, 8)] {
            locks.hold(subject, after);
            locks.release(subject, &Outcome::Throttled, now);
            assert!(!locks.is_free(&subject, after, now + Duration::from_secs(wait - 1)), "after {failures}");
            assert!(locks.is_free(&subject, after, now + Duration::from_secs(wait)), "after {failures}");
        }
        locks.hold(subject, Some(7));
        locks.release(subject, &Outcome::Throttled, now);
        assert!(locks.is_free(&subject, Some(7), now + Duration::from_secs(2)), "another state begins anew");
        assert_eq!(Outcome::Throttled.pause(50), Duration::from_secs(60));
        // A reserve has no sequence to wait for.
        let reserve = Pubkey::new_from_array([2; 32]);
        locks.hold(reserve, None);
        locks.release(reserve, &Outcome::Landed(landed), now);
        assert!(locks.is_free(&reserve, None, soon));
    }

    #[test]
    fn every_outcome_has_its_name_in_the_list() {
        let landed = Landed { signature: String::new(), slot: 9, fee_lamports: 0, changes: Vec::new() };
        let all = [
            Outcome::Landed(landed),
            Outcome::DryRun,
            Outcome::LostRace,
            Outcome::HealthyAgain,
            Outcome::Throttled,
            Outcome::StalePrice,
            Outcome::NoFunds,
            Outcome::Expired,
            Outcome::TooLarge(String::new()),
            Outcome::NoRoute(NoRoute::Slow, String::new()),
            Outcome::Rpc(String::new()),
            Outcome::Refused(String::new()),
        ];
        assert_eq!(all.each_ref().map(Outcome::name), OUTCOMES);
    }

    #[test]
    fn what_a_trade_brought_is_read_from_the_balances() {
        let (owner, mint) = (Pubkey::new_from_array([7; 32]), Pubkey::new_from_array([8; 32]));
        let balance = |owner: &Pubkey, amount: &str| json!({ "owner": owner.to_string(), "mint": mint.to_string(), "uiTokenAmount": { "amount": amount } });
        let meta = json!({
            "preTokenBalances": [balance(&owner, "10"), balance(&mint, "99")],
            "postTokenBalances": [balance(&owner, "7"), balance(&mint, "1")],
        });
        assert_eq!(changes(&meta, &owner), vec![(mint, -3)]);
    }
}
