//! What became of a transaction that was sent: looked for again and again, sent again until its blockhash is dead, and never
//! signed a second time.

use std::time::{Duration, Instant};

use anyhow::Result;
use solana_message::Hash;
use solana_transaction::versioned::VersionedTransaction;

use crate::act::{classify, judge, Actor, Outcome};
use crate::journal::Open;

/// Between two broadcasts.
const BROADCAST: Duration = Duration::from_secs(2);
/// Between two questions for the block height.
const HEIGHT: Duration = Duration::from_secs(2);
/// From this age on a blockhash that the endpoint does not know is dead too.
const OLD: Duration = Duration::from_secs(10);
/// And from this age on where its state is of before the signing: one that was started again answers before it has gone
/// through its ledger, and has caught up by then, or is of a chain that was begun anew.
const BEHIND: Duration = Duration::from_secs(60);

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Underway {
    /// Signature.
    pub signature: String,
    /// Last block height at which its blockhash is good.
    pub last_height: u64,
    /// The transaction, unless it is known from the journal only: then it is not sent again.
    transaction: Option<VersionedTransaction>,
    since: Instant,
    sent_at: Instant,
    asked_at: Instant,
    is_dead: bool,
}

impl Underway {
    /// One that was sent just now.
    pub fn sent(transaction: VersionedTransaction, signature: String, last_height: u64) -> Self {
        Self { transaction: Some(transaction), ..Self::remembered(signature, last_height) }
    }

    /// One that an earlier process sent.
    pub fn found(open: &Open) -> Self {
        Self::remembered(open.signature.clone(), open.last_height)
    }

    fn remembered(signature: String, last_height: u64) -> Self {
        let now = Instant::now();
        Self { signature, last_height, transaction: None, since: now, sent_at: now, asked_at: now, is_dead: false }
    }

    fn blockhash(&self) -> Option<Hash> {
        self.transaction.as_ref().map(|transaction| *transaction.message.recent_blockhash())
    }
}

/// What is asked about a transaction, apart so that answers can be played.
pub trait Answers {
    /// What became of it; none while it is in no block. `history`: of whatever age.
    ///
    /// # Errors
    /// Where nobody answers.
    fn status(&self, signature: &str, history: bool) -> Result<Option<crate::chain::Status>>;

    /// Block height.
    ///
    /// # Errors
    /// Where nobody answers.
    fn block_height(&self) -> Result<u64>;

    /// Whether a blockhash is accepted.
    ///
    /// # Errors
    /// Where nobody answers.
    fn is_blockhash_known(&self, blockhash: &Hash) -> Result<bool>;
}

/// What is known of a transaction after a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing yet.
    Open,
    /// Confirmed, in this slot.
    Landed(u64),
    /// Confirmed, and failed with this error.
    Failed(serde_json::Value),
    /// In no block, and in none to come.
    Expired,
}

/// One look. In this order: what is in no block although its blockhash was dead before is in none to come.
pub fn look(answers: &impl Answers, underway: &mut Underway) -> Fate {
    if !underway.is_dead && underway.asked_at.elapsed() >= HEIGHT {
        underway.asked_at = Instant::now();
        underway.is_dead = is_dead(answers, underway);
    }
    // Whoever does not answer says nothing of the transaction: it may have landed.
    match answers.status(&underway.signature, underway.is_dead) {
        // What one validator saw fail may have succeeded on the chain that is confirmed.
        Ok(Some(status)) if !status.is_confirmed => Fate::Open,
        Ok(Some(status)) if status.error.is_null() => Fate::Landed(status.slot),
        Ok(Some(status)) => Fate::Failed(status.error),
        Ok(None) if underway.is_dead => Fate::Expired,
        Ok(None) | Err(_) => Fate::Open,
    }
}

fn is_dead(answers: &impl Answers, underway: &Underway) -> bool {
    let Ok(height) = answers.block_height() else { return false };
    if height > underway.last_height {
        return true;
    }
    // At a height that it could not have been signed at.
    let is_behind = height + LIFETIME < underway.last_height;
    if underway.since.elapsed() < if is_behind { BEHIND } else { OLD } {
        return false;
    }
    // The journal keeps no blockhash.
    match underway.blockhash() {
        Some(blockhash) => answers.is_blockhash_known(&blockhash).is_ok_and(|is_known| !is_known),
        None => is_behind,
    }
}

/// Blocks that a blockhash is good for.
const LIFETIME: u64 = 150;

impl Actor<'_> {
    /// Looks at a transaction on its way, and sends it again where that is due. None while it is open.
    pub fn look(&self, underway: &mut Underway, changed: impl Fn() -> bool) -> Option<Outcome> {
        match look(self.chain, underway) {
            Fate::Landed(slot) => return Some(Outcome::Landed(self.landed(&underway.signature, slot))),
            Fate::Failed(error) => {
                let message = underway.transaction.as_ref().map(|transaction| &transaction.message);
                return Some(match message {
                    Some(message) => judge(&error, message, changed()),
                    None => classify(&error, changed()),
                });
            }
            Fate::Expired => return Some(Outcome::Expired),
            Fate::Open => {}
        }
        if let Some(transaction) = underway.transaction.as_ref().filter(|_| !underway.is_dead) {
            if underway.sent_at.elapsed() >= BROADCAST {
                // What the endpoints say of it decides nothing: what is found does.
                let _ = self.chain.send(transaction);
                underway.sent_at = Instant::now();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Status;
    use anyhow::bail;
    use serde_json::{json, Value};

    /// An endpoint's answers; none: it does not answer.
    #[derive(Clone, Default)]
    struct Told {
        status: Option<Option<Status>>,
        height: Option<u64>,
        is_known: Option<bool>,
    }

    impl Answers for Told {
        fn status(&self, _: &str, _: bool) -> Result<Option<Status>> {
            match &self.status {
                Some(status) => Ok(status.clone()),
                None => bail!("nobody answers"),
            }
        }

        fn block_height(&self) -> Result<u64> {
            self.height.ok_or_else(|| anyhow::anyhow!("nobody answers"))
        }

        fn is_blockhash_known(&self, _: &Hash) -> Result<bool> {
            self.is_known.ok_or_else(|| anyhow::anyhow!("nobody answers"))
        }
    }

    /// Sent so long ago, good until height 100.
    fn aged(secs: u64) -> Underway {
        let before = Instant::now().checked_sub(Duration::from_secs(secs)).expect("a machine that runs for a minute");
        let mut underway = Underway::sent(VersionedTransaction::default(), "one".into(), 100);
        (underway.since, underway.asked_at) = (before, before);
        underway
    }

    fn status(error: Value, is_confirmed: bool) -> Option<Option<Status>> {
        Some(Some(Status { slot: 7, error, is_confirmed }))
    }

    #[test]
    fn it_is_expired_only_when_somebody_said_that_it_is_nowhere_after_its_blockhash_had_died() {
        let dead = Told { status: Some(None), height: Some(101), is_known: None };
        assert_eq!(look(&dead, &mut aged(3)), Fate::Expired);
        assert_eq!(look(&Told { height: Some(100), ..dead.clone() }, &mut aged(3)), Fate::Open, "good at this height");
        assert_eq!(look(&Told { height: None, ..dead.clone() }, &mut aged(3)), Fate::Open, "the height is not known");
        let mut underway = aged(3);
        assert_eq!(look(&Told { status: None, ..dead.clone() }, &mut underway), Fate::Open, "nobody said so");
        let landed = Told { status: status(Value::Null, true), ..dead.clone() };
        assert_eq!(look(&landed, &mut underway), Fate::Landed(7), "in the last block");
        assert_eq!(look(&dead, &mut aged(0)), Fate::Open, "it was sent just now");
    }

    #[test]
    fn on_a_chain_begun_anew_it_is_expired_when_its_blockhash_is_unknown_for_long() {
        let anew = Told { status: Some(None), height: Some(5), is_known: Some(false) };
        assert_eq!(look(&anew, &mut aged(9)), Fate::Open, "just signed");
        assert_eq!(look(&anew, &mut aged(11)), Fate::Expired);
        assert_eq!(look(&Told { is_known: Some(true), ..anew.clone() }, &mut aged(11)), Fate::Open);
    }

    #[test]
    fn an_endpoint_of_a_past_state_knows_nothing_of_it_for_a_minute() {
        let past = Told { status: Some(None), height: Some(5), is_known: Some(false) };
        let signed = |last_height: u64, secs: u64| Underway { last_height, ..aged(secs) };
        assert_eq!(look(&past, &mut signed(156, 59)), Fate::Open, "it has not gone through its ledger yet");
        assert_eq!(look(&past, &mut signed(155, 59)), Fate::Expired, "it could have been signed at this height");
        assert_eq!(look(&past, &mut signed(156, 61)), Fate::Expired, "the chain was begun anew");
        let found = |last_height: u64, secs: u64| Underway { transaction: None, ..signed(last_height, secs) };
        assert_eq!(look(&past, &mut found(156, 59)), Fate::Open);
        assert_eq!(look(&past, &mut found(156, 61)), Fate::Expired, "of an earlier process");
        assert_eq!(look(&past, &mut found(155, 61)), Fate::Open, "its blockhash may be known");
    }

    #[test]
    fn what_is_not_confirmed_decides_nothing() {
        let error = json!({ "InstructionError": [2, { "Custom": 6_000 }] });
        let told = |is_confirmed| Told { status: status(error.clone(), is_confirmed), ..Told::default() };
        assert_eq!(look(&told(false), &mut aged(3)), Fate::Open);
        assert_eq!(look(&told(true), &mut aged(3)), Fate::Failed(error.clone()));
    }
}
