//! Sending as a client must where transactions are dropped, repeated and overtaken: signed once, the same bytes sent again
//! and again until they are in a confirmed block or never can be, and only then signed anew. The same bytes cannot count
//! twice, whoever repeats them; two signatures for one wish can.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anchor_lang::solana_program::instruction::Instruction;
use anyhow::{anyhow, bail, Context, Result};
use plimsoll_client::errors::explain;
use serde_json::{json, Value};
use solana_commitment_config::CommitmentConfig;
use solana_keypair::{Keypair, Signature};
use solana_message::{Hash, Message};
use solana_rpc_client_api::client_error::{Error as ClientError, ErrorKind};
use solana_rpc_client_api::request::RpcRequest;
use solana_signer::Signer;
use solana_transaction::Transaction;

use super::{custom_code, encoded, Chain, Receipt, Refusal};

/// How long orders may take, all of a batch together. A blockhash of a real network lives for a minute or so: time for two.
const WITHIN: Duration = Duration::from_secs(180);
/// Time between two looks at what has become of them.
const POLL: Duration = Duration::from_millis(20);
/// Time between two sendings of the same bytes.
const RESEND: Duration = Duration::from_millis(400);
/// Below this age nobody asks whether a blockhash is still accepted.
const YOUNG: Duration = Duration::from_secs(1);
/// Sendings at one time.
const AT_ONCE: usize = 16;
/// Signatures that one request may ask for.
const STATUSES_MAX: usize = 256;

/// What has become of a transaction.
#[derive(Debug)]
pub enum Fate {
    /// In a confirmed block.
    Landed,
    /// In a confirmed block, and refused.
    Refused(Refusal),
    /// In no block, and its blockhash is too old for it to come into one.
    Lost,
}

/// How often was signed and sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Signatures made.
    pub signed: u64,
    /// Sendings; those beyond one for each signature were repeated.
    pub sent: u64,
    /// Transactions that were lost, and signed anew.
    pub lost: u64,
    /// Requests that the validator did not answer.
    pub unanswered: u64,
}

/// A blockhash, and the slot of the state that it was read from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Recent {
    hash: Hash,
    slot: u64,
}

/// Blockhashes that are accepted no longer.
#[derive(Default)]
struct Outdated {
    hashes: BTreeSet<Hash>,
    /// Latest slot of a state that says so.
    slot: u64,
}

/// A transaction on its way.
struct Underway {
    signature: Signature,
    blockhash: Recent,
    /// As it is sent.
    text: String,
    bytes: usize,
    signed_at: Instant,
    sent_at: Option<Instant>,
}

/// Something to be done once: instructions, and who signs beside the payer.
pub struct Order<'a> {
    instructions: Vec<Instruction>,
    signers: Vec<&'a Keypair>,
    underway: Option<Underway>,
    fate: Option<Fate>,
}

impl<'a> Order<'a> {
    /// An order that nothing has been done for.
    pub fn new(instructions: Vec<Instruction>, signers: &[&'a Keypair]) -> Self {
        Self { instructions, signers: signers.to_vec(), underway: None, fate: None }
    }

    /// Signature of the transaction that is on its way, or was decided on.
    pub fn signature(&self) -> Result<Signature> {
        Ok(self.underway.as_ref().context("expected an order that was sent")?.signature)
    }

    /// Blockhash of that transaction.
    pub fn blockhash(&self) -> Result<Hash> {
        Ok(self.underway.as_ref().context("expected an order that was sent")?.blockhash.hash)
    }

    /// What has become of it; none while that is open.
    pub fn fate(&self) -> Option<&Fate> {
        self.fate.as_ref()
    }

    /// Why it was refused; none where it was not.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.fate {
            Some(Fate::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    fn is_open(&self) -> bool {
        self.fate.is_none()
    }

    /// Whether it is time to send it, for the first time or again.
    fn is_due(&self) -> bool {
        let waits = |underway: &Underway| underway.sent_at.is_some_and(|at| at.elapsed() < RESEND);
        self.is_open() && !self.underway.as_ref().is_some_and(waits)
    }
}

impl Chain {
    /// Carries orders out, all at the same time: each has landed or was refused afterwards, once.
    ///
    /// # Errors
    /// Where that takes too long; with the last thing that went wrong.
    pub fn carry_out(&self, orders: &mut [Order]) -> Result<()> {
        for order in orders.iter() {
            self.message_of(order)?;
        }
        let started = Instant::now();
        loop {
            // A validator that does not answer is no reason to give up, nor to sign anew.
            let tried = self.send_due(orders).and_then(|()| self.look(orders));
            for order in orders.iter_mut().filter(|order| matches!(order.fate, Some(Fate::Lost))) {
                (order.fate, order.underway) = (None, None);
                self.count(|effort| effort.lost += 1);
            }
            let open = orders.iter().filter(|order| order.is_open()).count();
            if open == 0 {
                return Ok(());
            }
            if let Err(error) = &tried {
                self.count(|effort| effort.unanswered += 1);
                if started.elapsed() >= WITHIN {
                    bail!("{open} of {} transactions are open after {WITHIN:?}: {error:#}", orders.len());
                }
            } else if started.elapsed() >= WITHIN {
                bail!("{open} of {} transactions did not land within {WITHIN:?}, sent again and again", orders.len());
            }
            std::thread::sleep(POLL);
        }
    }

    /// Signs what is not signed, and sends what is due, all at the same time. What the validator says of it decides nothing:
    /// what [`Self::look`] finds does.
    pub fn send_due(&self, orders: &mut [Order]) -> Result<()> {
        let mut due: Vec<&mut Order> = orders.iter_mut().filter(|order| order.is_due()).collect();
        if due.iter().any(|order| order.underway.is_none()) {
            let mut blockhash = self.recent()?;
            for order in due.iter_mut().filter(|order| order.underway.is_none()) {
                order.underway = Some(self.sign(order, &mut blockhash)?);
            }
        }
        for some in due.chunks_mut(AT_ONCE) {
            std::thread::scope(|scope| {
                for underway in some.iter_mut().filter_map(|order| order.underway.as_mut()) {
                    scope.spawn(|| self.send_bytes(underway));
                }
            });
        }
        Ok(())
    }

    /// Signs an order. Two orders of the same words under one blockhash would be one transaction, of which both would think
    /// that it is theirs; so that the second waits for the next blockhash.
    fn sign(&self, order: &Order, blockhash: &mut Recent) -> Result<Underway> {
        let (message, all) = self.message_of(order)?;
        let started = Instant::now();
        loop {
            let mut transaction = Transaction::new_unsigned(message.clone());
            transaction.try_sign(&all, blockhash.hash).context("signing")?;
            let signature = *transaction.signatures.first().context("expected a signed transaction")?;
            if self.is_new(signature) {
                self.count(|effort| effort.signed += 1);
                let bytes = 1 + 64 * transaction.signatures.len() + transaction.message_data().len();
                let text = encoded(&transaction)?;
                let blockhash = *blockhash;
                let signed_at = Instant::now();
                return Ok(Underway { signature, blockhash, text, bytes, signed_at, sent_at: None });
            }
            if started.elapsed() >= WITHIN {
                bail!("expected another blockhash within {WITHIN:?}; the validator makes no blocks");
            }
            std::thread::sleep(POLL);
            *blockhash = self.recent()?;
        }
    }

    /// The latest blockhash.
    fn recent(&self) -> Result<Recent> {
        let config = json!([{ "commitment": "confirmed" }]);
        let answer: Value = self.rpc().send(RpcRequest::GetLatestBlockhash, config).context("latest blockhash")?;
        let hash = answer["value"]["blockhash"].as_str().and_then(|text| text.parse().ok());
        Ok(Recent { hash: hash.context("expected a blockhash")?, slot: slot_of(&answer)? })
    }

    /// What is signed for an order, and by whom.
    ///
    /// # Errors
    /// Where other signers are named than its instructions ask for.
    fn message_of<'b>(&'b self, order: &Order<'b>) -> Result<(Message, Vec<&'b Keypair>)> {
        let message = Message::new(&order.instructions, Some(&self.payer().pubkey()));
        let mut all: Vec<&Keypair> = vec![self.payer()];
        all.extend(order.signers.iter().filter(|signer| signer.pubkey() != self.payer().pubkey()));
        let (asked, given) = (message.signer_keys(), all.iter().map(|signer| signer.pubkey()).collect::<Vec<_>>());
        if asked.len() != given.len() || !asked.iter().all(|key| given.contains(key)) {
            bail!("the instructions ask for the signatures of {asked:?}; there are those of {given:?}");
        }
        Ok((message, all))
    }

    fn send_bytes(&self, underway: &mut Underway) {
        let config = json!({ "encoding": "base64", "skipPreflight": true });
        let answer: std::result::Result<String, _> =
            self.rpc().send(RpcRequest::SendTransaction, json!([underway.text, config]));
        underway.sent_at = Some(Instant::now());
        self.count(|effort| {
            effort.sent += 1;
            // An error in words is an answer: that it has the transaction already, for one.
            let is_answer = |error: ClientError| matches!(error.kind(), ErrorKind::RpcError(_));
            effort.unanswered += u64::from(answer.is_err_and(|error| !is_answer(error)));
        });
    }

    /// Finds out what has become of orders that were sent, and sends nothing.
    pub fn look(&self, orders: &mut [Order]) -> Result<()> {
        let mut open: Vec<&mut Order> =
            orders.iter_mut().filter(|order| order.is_open() && order.underway.is_some()).collect();
        for some in open.chunks_mut(STATUSES_MAX) {
            // In this order: what is in no block although its blockhash was too old before is in none to come.
            let outdated = self.outdated(some)?;
            let signatures = some.iter().map(|order| order.signature()).collect::<Result<Vec<_>>>()?;
            // Without history a validator answers for the last minutes only; whoever slept that long would sign anew.
            let statuses = match outdated.hashes.is_empty() {
                true => self.rpc().get_signature_statuses(&signatures),
                false => self.rpc().get_signature_statuses_with_history(&signatures),
            };
            let statuses = statuses.context("signature status")?;
            // Nor does "in no block" mean anything of blocks that whoever says it does not have yet.
            let has_seen = statuses.context.slot >= outdated.slot;
            for (order, status) in some.iter_mut().zip(statuses.value) {
                order.fate = match status {
                    Some(status) if !status.satisfies_commitment(CommitmentConfig::confirmed()) => None,
                    Some(status) => Some(match status.err {
                        None => Fate::Landed,
                        Some(error) => {
                            let text = format!("{error:?}");
                            Fate::Refused(Refusal { code: custom_code(&text), text })
                        }
                    }),
                    None if has_seen && outdated.hashes.contains(&order.blockhash()?) => Some(Fate::Lost),
                    None => None,
                };
            }
        }
        Ok(())
    }

    /// Which blockhashes are accepted no longer.
    fn outdated(&self, orders: &[&mut Order]) -> Result<Outdated> {
        let underway = orders.iter().filter_map(|order| order.underway.as_ref());
        let old = underway.filter(|underway| underway.signed_at.elapsed() >= YOUNG);
        let old: BTreeSet<Recent> = old.map(|underway| underway.blockhash).collect();
        let mut outdated = Outdated::default();
        for blockhash in old {
            let params = json!([blockhash.hash.to_string(), { "commitment": "confirmed" }]);
            let answer: Value = self
                .rpc()
                .send(RpcRequest::IsBlockhashValid, params)
                .context("asking whether a blockhash is accepted")?;
            if is_outdated(&answer, blockhash.slot)? {
                outdated.hashes.insert(blockhash.hash);
                outdated.slot = outdated.slot.max(slot_of(&answer)?);
            }
        }
        Ok(outdated)
    }

    /// What an order that landed left.
    ///
    /// # Errors
    /// Where it was refused or is open.
    pub fn receipt_of(&self, order: &Order) -> Result<Receipt> {
        match (&order.fate, &order.underway) {
            (Some(Fate::Landed), Some(underway)) => self.receipt(underway.signature, underway.bytes),
            (Some(Fate::Refused(refusal)), _) => Err(refused(refusal)),
            _ => bail!("expected a transaction that landed; it is open or lost"),
        }
    }
}

/// Slot of the state that an answer is of.
fn slot_of(answer: &Value) -> Result<u64> {
    answer["context"]["slot"].as_u64().context("expected the slot that the answer is of")
}

/// Whether an answer says that a blockhash, read at `slot`, is too old. A validator that was started again answers before it has
/// gone through its ledger, and of an older state; so does one that lags. That a blockhash is unknown there means that it is
/// not known yet, and the transaction may be in a block, or get into one.
fn is_outdated(answer: &Value, slot: u64) -> Result<bool> {
    let is_accepted = answer["value"].as_bool().context("expected whether a blockhash is accepted")?;
    Ok(!is_accepted && slot_of(answer)? >= slot)
}

/// A refusal as an error, by its name where it is the program's.
pub fn refused(refusal: &Refusal) -> anyhow::Error {
    match refusal.code.and_then(explain) {
        Some(sentence) => anyhow!("transaction refused: {sentence}"),
        None => anyhow!("transaction refused: {}", refusal.text),
    }
}

#[cfg(test)]
mod tests {
    use solana_rpc_client::mock_sender::MocksMap;
    use solana_rpc_client::rpc_client::RpcClient;

    use super::*;

    fn answer(slot: u64, is_accepted: bool) -> Value {
        json!({ "context": { "slot": slot }, "value": is_accepted })
    }

    #[test]
    fn a_blockhash_is_too_old_only_for_whoever_has_seen_the_slot_it_is_of() {
        assert!(is_outdated(&answer(100, false), 100).expect("an answer"));
        assert!(is_outdated(&answer(300, false), 100).expect("an answer"));
        // Of before the blockhash: it is unknown there, not old.
        assert!(!is_outdated(&answer(99, false), 100).expect("an answer"));
        assert!(!is_outdated(&answer(300, true), 100).expect("an answer"));
    }

    /// An order that was signed with a blockhash of slot 100, some time ago, and a chain that answers so: whether that is still
    /// accepted, and in which slot it was in no block.
    fn asked(accepted: &[Value], slots: &[u64]) -> (Chain, Keypair) {
        let latest = json!({ "context": { "slot": 100 }, "value": { "blockhash": Hash::default().to_string() } });
        let mut mocks = MocksMap::default();
        mocks.insert(RpcRequest::GetLatestBlockhash, latest);
        for answer in accepted {
            mocks.insert(RpcRequest::IsBlockhashValid, answer.clone());
        }
        for slot in slots {
            mocks.insert(RpcRequest::GetSignatureStatuses, json!({ "context": { "slot": slot }, "value": [null] }));
        }
        let rpc = RpcClient::new_mock_with_mocks_map("succeeds", mocks);
        (Chain { rpc, payer: Keypair::new(), signed: Default::default(), effort: Default::default() }, Keypair::new())
    }

    #[test]
    fn nothing_is_lost_by_the_word_of_a_validator_that_has_not_seen_enough() {
        // Started again, and not through with its ledger; through with it; beside one that lags; and in agreement.
        let accepted = [answer(40, false), answer(120, true), answer(300, false), answer(300, false)];
        let (chain, signer) = asked(&accepted, &[41, 121, 299, 300]);
        let pay = solana_system_interface::instruction::transfer(&signer.pubkey(), &chain.payer().pubkey(), 1);
        let mut orders = [Order::new(vec![pay], &[&signer])];
        chain.send_due(&mut orders).expect("to be sent");
        let underway = orders[0].underway.as_mut().expect("to be signed");
        underway.signed_at = underway.signed_at.checked_sub(2 * YOUNG).expect("a clock that runs for seconds");
        for _ in 0..3 {
            chain.look(&mut orders).expect("an answer");
            assert!(orders[0].fate().is_none());
        }
        chain.look(&mut orders).expect("an answer");
        assert!(matches!(orders[0].fate(), Some(Fate::Lost)));
    }

    #[test]
    fn an_answer_without_its_slot_decides_nothing() {
        assert!(is_outdated(&json!({ "value": false }), 0).is_err());
        assert!(is_outdated(&json!({ "context": { "slot": 1 } }), 0).is_err());
    }
}
