//! A validator as this command sees it: transactions in, balances and accounts out.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anchor_lang::prelude::{Clock, Pubkey};
use anchor_lang::solana_program::instruction::Instruction;
use anyhow::{bail, ensure, Context, Result};
use plimsoll_client::compute_budget::unit_limit;
use plimsoll_client::events::Event;
use serde_json::{json, Value};
use solana_account::Account;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::{Keypair, Signature};
use solana_message::Message;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::client_error::ErrorKind;
use solana_rpc_client_api::request::RpcRequest;
use solana_signer::Signer;
use solana_transaction::Transaction;

mod order;

pub use order::{refused, Effort, Fate, Order};

/// How long an airdrop may take to be confirmed, and a confirmed transaction to be found.
const CONFIRM_WITHIN: Duration = Duration::from_secs(60);
const CONFIRM_POLL: Duration = Duration::from_millis(20);
/// Compute units that a transaction asks for where nothing else is said.
pub const UNITS: u32 = 300_000;
/// What of a program fits in one request.
const PROGRAM_CHUNK: usize = 200_000;
/// Address of the clock.
const CLOCK: Pubkey = anchor_lang::prelude::pubkey!("SysvarC1ock11111111111111111111111111111111");

/// What a confirmed transaction left.
pub struct Receipt {
    /// Signature.
    pub signature: Signature,
    /// Compute units of the whole transaction.
    pub compute_units: u64,
    /// Bytes of the transaction on the wire.
    pub bytes: usize,
    /// Data of all inner instructions: the events are among them.
    pub inner_data: Vec<Vec<u8>>,
    /// Slot.
    pub slot: u64,
}

impl Receipt {
    /// The first of the program's events that `pick` takes.
    pub fn event<T>(&self, pick: impl FnMut(Event) -> Option<T>) -> Result<T> {
        let mut events = self.inner_data.iter().filter_map(|data| Event::decode(data).ok()).filter_map(pick);
        events.next().context("expected another event of the program in the transaction")
    }
}

/// Why a transaction was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Code of the program's error, where it was one.
    pub code: Option<u32>,
    /// The validator's words.
    pub text: String,
}

/// A connection, with the account that pays for transactions.
pub struct Chain {
    rpc: RpcClient,
    payer: Keypair,
    /// Every signature given so far.
    signed: Mutex<HashSet<Signature>>,
    effort: Mutex<Effort>,
}

impl Chain {
    /// Connects and funds a new payer by airdrop.
    pub fn connect(url: &str) -> Result<Self> {
        let chain = Self::with_payer(url, Keypair::new())?;
        chain.airdrop(&chain.payer.pubkey(), 100_000)?;
        Ok(chain)
    }

    /// Connects with a payer that has what it needs.
    pub fn with_payer(url: &str, payer: Keypair) -> Result<Self> {
        let rpc = RpcClient::new_with_commitment(url.to_owned(), CommitmentConfig::confirmed());
        rpc.get_version()
            .with_context(|| format!("expected a validator at {url}; start one with `cargo xtask surfpool`"))?;
        Ok(Self { rpc, payer, signed: Mutex::default(), effort: Mutex::default() })
    }

    /// The payer.
    pub fn payer(&self) -> &Keypair {
        &self.payer
    }

    /// The raw client.
    pub fn rpc(&self) -> &RpcClient {
        &self.rpc
    }

    /// Gives an account SOL for fees and rent.
    pub fn airdrop(&self, to: &Pubkey, sol: u64) -> Result<()> {
        let signature = self.rpc.request_airdrop(to, sol * 1_000_000_000).context("airdrop")?;
        self.confirm(&signature)
    }

    /// How often was signed and sent so far.
    pub fn effort(&self) -> Effort {
        *self.effort.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, add: impl FnOnce(&mut Effort)) {
        add(&mut self.effort.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes a signature; false where it was given before.
    fn is_new(&self, signature: Signature) -> bool {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner).insert(signature)
    }

    /// Sends instructions, signed by the payer and `signers`; an error unless it succeeds.
    pub fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Receipt> {
        self.try_send(instructions, signers)?.map_err(|refusal| refused(&refusal))
    }

    /// Sends instructions; a refusal by the program is a result, not an error.
    pub fn try_send(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<std::result::Result<Receipt, Refusal>> {
        let mut orders = [Order::new(instructions.to_vec(), signers)];
        self.carry_out(&mut orders)?;
        let [order] = orders;
        match order.refusal() {
            Some(refusal) => Ok(Err(refusal.clone())),
            None => Ok(Ok(self.receipt_of(&order)?)),
        }
    }

    /// Sends what ought to be refused. Returns the code of the program's error, 0 where it was not refused by one.
    pub fn refusal(&self, instruction: Instruction, signers: &[&Keypair]) -> Result<u32> {
        let refusal = self.try_send(&[unit_limit(UNITS), instruction], signers)?.err();
        Ok(refusal.and_then(|refusal| refusal.code).unwrap_or(0))
    }

    /// Waits until an airdrop is confirmed, or refused.
    fn confirm(&self, signature: &Signature) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < CONFIRM_WITHIN {
            let status =
                self.rpc.get_signature_statuses(&[*signature]).context("signature status")?.value.pop().flatten();
            match status.map(|status| (status.satisfies_commitment(CommitmentConfig::confirmed()), status.err)) {
                Some((_, Some(error))) => bail!("airdrop refused: {error:?}"),
                Some((true, None)) => return Ok(()),
                _ => std::thread::sleep(CONFIRM_POLL),
            }
        }
        bail!("airdrop {signature} was not confirmed within {CONFIRM_WITHIN:?}; is the validator still running?")
    }

    fn receipt(&self, signature: Signature, bytes: usize) -> Result<Receipt> {
        let found = self.transaction(&signature)?;
        let meta = &found["meta"];
        let inner = meta["innerInstructions"].as_array().into_iter().flatten();
        let data = inner.flat_map(|group| group["instructions"].as_array().cloned().unwrap_or_default());
        let inner_data = data.filter_map(|ix| bs58::decode(ix["data"].as_str()?).into_vec().ok()).collect();
        Ok(Receipt {
            signature,
            compute_units: meta["computeUnitsConsumed"].as_u64().context("compute units in the transaction's meta")?,
            bytes,
            inner_data,
            slot: found["slot"].as_u64().unwrap_or(0),
        })
    }

    /// A confirmed transaction with what it left. A validator writes that down a moment after it has the transaction's status.
    fn transaction(&self, signature: &Signature) -> Result<Value> {
        let config = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        let params = json!([signature.to_string(), config]);
        let started = Instant::now();
        loop {
            let found = self.rpc.send::<Value>(RpcRequest::GetTransaction, params.clone());
            let is_final = match &found {
                Ok(found) => !found.is_null(),
                // An error in words is an answer; no answer is no reason to give up.
                Err(error) => matches!(error.kind(), ErrorKind::RpcError(_)),
            };
            if is_final || started.elapsed() >= CONFIRM_WITHIN {
                let found = found.with_context(|| format!("reading transaction {signature}"))?;
                ensure!(!found.is_null(), "{signature} is confirmed, and was not found within {CONFIRM_WITHIN:?}");
                return Ok(found);
            }
            std::thread::sleep(CONFIRM_POLL);
        }
    }

    /// Simulates one instruction and returns its return data.
    pub fn view(&self, instruction: &Instruction) -> Result<Vec<u8>> {
        let budget = unit_limit(1_400_000);
        let message = Message::new(&[budget, instruction.clone()], Some(&self.payer.pubkey()));
        let blockhash = self.rpc.get_latest_blockhash()?;
        let transaction = Transaction::new(&[&self.payer], message, blockhash);
        let answer: Value = self
            .rpc
            .send(
                RpcRequest::SimulateTransaction,
                json!([encoded(&transaction)?, { "encoding": "base64", "commitment": "confirmed" }]),
            )
            .context("simulating a quote")?;
        let value = &answer["value"];
        if !value["err"].is_null() {
            bail!("quote refused: {} {}", value["err"], value["logs"]);
        }
        let data = value["returnData"]["data"][0].as_str().context("return data of the quote")?;
        Ok(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data)?)
    }

    /// Bytes of an account.
    pub fn data(&self, address: &Pubkey) -> Result<Vec<u8>> {
        Ok(self.rpc.get_account(address).with_context(|| format!("reading account {address}"))?.data)
    }

    /// Atoms in a token account.
    pub fn token_atoms(&self, address: &Pubkey) -> Result<u64> {
        let data = self.data(address)?;
        let bytes = data.get(64..72).and_then(|bytes| bytes.try_into().ok()).context("expected a token account")?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The chain's clock.
    pub fn clock(&self) -> Result<Clock> {
        Ok(bincode::deserialize(&self.data(&CLOCK)?)?)
    }

    /// Writes an account's bytes: how a local validator gets a price that only the oracle network could sign elsewhere.
    pub fn write_account(&self, address: &Pubkey, owner: &Pubkey, data: &[u8]) -> Result<()> {
        let (lamports, data) = (10_000_000, data.to_vec());
        self.put_account(address, &Account { lamports, data, owner: *owner, executable: false, rent_epoch: 0 })
    }

    /// Puts an account as it is.
    pub fn put_account(&self, address: &Pubkey, account: &Account) -> Result<()> {
        let hex: String = account.data.iter().map(|byte| format!("{byte:02x}")).collect();
        let (lamports, owner) = (account.lamports, account.owner.to_string());
        let account = json!({ "lamports": lamports, "owner": owner, "executable": account.executable, "data": hex });
        let _: Value = self
            .rpc
            .send(RpcRequest::Custom { method: "surfnet_setAccount" }, json!([address.to_string(), account]))
            .context("writing an account needs a Surfpool validator (`cargo xtask surfpool`)")?;
        Ok(())
    }

    /// Writes a program where it is to be, past the loader: for what does not test deployment.
    pub fn write_program(&self, address: &Pubkey, program: &[u8]) -> Result<()> {
        for (index, chunk) in program.chunks(PROGRAM_CHUNK).enumerate() {
            let hex: String = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let _: Value = self
                .rpc
                .send(
                    RpcRequest::Custom { method: "surfnet_writeProgram" },
                    json!([address.to_string(), hex, index * PROGRAM_CHUNK]),
                )
                .context("writing a program needs a Surfpool validator (`cargo xtask surfpool`)")?;
        }
        Ok(())
    }

    /// Stops the clock, so that what `read` sees still holds when the next transaction runs; [`Self::resume`] starts it.
    pub fn at_rest<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        let _: Value = self
            .rpc
            .send(RpcRequest::Custom { method: "surfnet_pauseClock" }, json!([]))
            .context("stopping the clock")?;
        read()
    }

    /// Starts the clock again.
    pub fn resume(&self) -> Result<()> {
        let _: Value = self
            .rpc
            .send(RpcRequest::Custom { method: "surfnet_resumeClock" }, json!([]))
            .context("starting the clock")?;
        Ok(())
    }

    /// Moves the clock ahead.
    pub fn pass_time(&self, secs: i64) -> Result<()> {
        let to_millis = (self.clock()?.unix_timestamp + secs) * 1_000;
        let _: Value = self
            .rpc
            .send(RpcRequest::Custom { method: "surfnet_timeTravel" }, json!([{ "absoluteTimestamp": to_millis }]))
            .context("moving the clock")?;
        Ok(())
    }
}

/// The program's error code in the validator's words, `Custom(n)`.
fn custom_code(text: &str) -> Option<u32> {
    text.split("Custom(").nth(1)?.split(')').next()?.parse().ok()
}

/// A transaction as it is sent.
fn encoded(transaction: &Transaction) -> Result<String> {
    Ok(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bincode::serialize(transaction)?))
}
