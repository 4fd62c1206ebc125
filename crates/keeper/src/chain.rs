//! RPC endpoints as the keeper needs them: what answers is used, what does not is passed over.

use std::sync::atomic::{AtomicUsize, Ordering};

use anchor_lang::prelude::Clock;
use anyhow::{anyhow, Context, Result};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use plimsoll_client::Pubkey;
use plimsoll_engine::Now;
use serde_json::{json, Value};
use solana_commitment_config::CommitmentConfig;
use solana_message::Hash;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::request::RpcRequest;
use solana_transaction::versioned::VersionedTransaction;

/// Address of the clock.
pub const CLOCK: Pubkey = anchor_lang::prelude::pubkey!("SysvarC1ock11111111111111111111111111111111");
/// Accounts that one request may ask for.
const ACCOUNTS_MAX: usize = 100;

/// An account as an endpoint gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Slot of the answer.
    pub slot: u64,
    /// Address.
    pub address: Pubkey,
    /// Owner.
    pub owner: Pubkey,
    /// Data; none where there is no account.
    pub data: Vec<u8>,
}

/// A part of an account that must be so: what `getProgramAccounts` filters by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Where, bytes.
    pub offset: usize,
    /// What.
    pub bytes: Vec<u8>,
}

impl Filter {
    /// As JSON-RPC has it.
    pub fn json(&self) -> Value {
        json!({ "memcmp": { "offset": self.offset, "bytes": STANDARD.encode(&self.bytes), "encoding": "base64" } })
    }
}

/// What a simulation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The error, as JSON; null where it would succeed.
    pub error: Value,
    /// Compute units.
    pub units: u64,
    /// What the token accounts asked about would hold, atoms; of one that would succeed only.
    pub atoms: Vec<u64>,
}

/// Atoms in a token account from its bytes; zero where there is none.
pub fn token_atoms(data: &[u8]) -> u64 {
    let bytes = data.get(64..72).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u64::from_le_bytes)
}

/// What became of a transaction so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Slot.
    pub slot: u64,
    /// The error, as JSON; null where it succeeded.
    pub error: Value,
    /// Whether it is confirmed.
    pub is_confirmed: bool,
}

/// Several endpoints of one network.
pub struct Chain {
    endpoints: Vec<RpcClient>,
    /// The one that answered last.
    preferred: AtomicUsize,
}

impl Chain {
    /// The endpoints of these addresses, in order of preference. Connects to none yet.
    pub fn new(urls: &[String]) -> Self {
        let connect = |url: &String| RpcClient::new_with_commitment(url.clone(), CommitmentConfig::confirmed());
        Self { endpoints: urls.iter().map(connect).collect(), preferred: AtomicUsize::new(0) }
    }

    /// Asks the endpoint that answered last, and the others where it does not.
    fn ask<T>(&self, what: &str, call: impl Fn(&RpcClient) -> Result<T>) -> Result<T> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut error = anyhow!("no endpoint is configured");
        for step in 0..self.endpoints.len() {
            let index = (first + step) % self.endpoints.len();
            let Some(endpoint) = self.endpoints.get(index) else { continue };
            match call(endpoint) {
                Ok(answer) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(reason) => {
                    metrics::counter!("keeper_rpc_errors_total", "call" => what.to_owned()).increment(1);
                    error = reason.context(format!("{what} at {}", endpoint.url()));
                }
            }
        }
        Err(error)
    }

    fn request(&self, what: &str, request: RpcRequest, params: Value) -> Result<Value> {
        self.ask(what, |endpoint| Ok(endpoint.send::<Value>(request, params.clone())?))
    }

    /// Accounts of a program that pass all filters.
    ///
    /// # Errors
    /// Where no endpoint answers, or an answer is none.
    pub fn program_accounts(&self, program: &Pubkey, filters: &[Filter]) -> Result<Vec<Seen>> {
        let filters: Vec<Value> = filters.iter().map(Filter::json).collect();
        let config =
            json!({ "encoding": "base64", "commitment": "confirmed", "withContext": true, "filters": filters });
        let answer =
            self.request("getProgramAccounts", RpcRequest::GetProgramAccounts, json!([program.to_string(), config]))?;
        let slot = answer["context"]["slot"].as_u64().context("slot of the answer to getProgramAccounts")?;
        let found = answer["value"].as_array().context("accounts in the answer to getProgramAccounts")?;
        found.iter().map(|entry| seen(slot, parse_key(&entry["pubkey"])?, &entry["account"])).collect()
    }

    /// Accounts by address; those that are not there have no data.
    ///
    /// # Errors
    /// As [`Self::program_accounts`].
    pub fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Seen>> {
        let mut all = Vec::with_capacity(addresses.len());
        for some in addresses.chunks(ACCOUNTS_MAX) {
            let keys: Vec<String> = some.iter().map(Pubkey::to_string).collect();
            let config = json!({ "encoding": "base64", "commitment": "confirmed" });
            let answer = self.request("getMultipleAccounts", RpcRequest::GetMultipleAccounts, json!([keys, config]))?;
            let slot = answer["context"]["slot"].as_u64().context("slot of the answer to getMultipleAccounts")?;
            let found = answer["value"].as_array().context("accounts in the answer to getMultipleAccounts")?;
            for (address, account) in some.iter().zip(found) {
                all.push(seen(slot, *address, account)?);
            }
        }
        Ok(all)
    }

    /// Runs a transaction without sending it, at the newest blockhash.
    ///
    /// # Errors
    /// As [`Self::program_accounts`].
    pub fn simulate(&self, transaction: &VersionedTransaction, asked: &[Pubkey]) -> Result<Simulated> {
        let mut config = json!({
            "encoding": "base64", "commitment": "confirmed", "sigVerify": false, "replaceRecentBlockhash": true,
        });
        if !asked.is_empty() {
            let addresses: Vec<String> = asked.iter().map(Pubkey::to_string).collect();
            config["accounts"] = json!({ "encoding": "base64", "addresses": addresses });
        }
        let params = json!([encode(transaction)?, config]);
        let answer = self.request("simulateTransaction", RpcRequest::SimulateTransaction, params)?;
        let value = &answer["value"];
        let units = value["unitsConsumed"].as_u64().context("compute units in the answer to simulateTransaction")?;
        let error = value["err"].clone();
        let mut atoms = Vec::new();
        if error.is_null() && !asked.is_empty() {
            let accounts = value["accounts"].as_array().filter(|accounts| accounts.len() == asked.len());
            for account in accounts.context("the accounts asked for in the answer to simulateTransaction")? {
                let data = account["data"][0].as_str().map(|data| STANDARD.decode(data)).transpose();
                atoms.push(
                    data.context("an account in the answer to simulateTransaction")?
                        .map_or(0, |data| token_atoms(&data)),
                );
            }
        }
        Ok(Simulated { error, units, atoms })
    }

    /// The newest blockhash, and the last block height at which it is good.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn blockhash(&self) -> Result<(Hash, u64)> {
        self.ask("getLatestBlockhash", |endpoint| {
            Ok(endpoint.get_latest_blockhash_with_commitment(CommitmentConfig::confirmed())?)
        })
    }

    /// Block height.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn block_height(&self) -> Result<u64> {
        self.ask("getBlockHeight", |endpoint| {
            Ok(endpoint.get_block_height_with_commitment(CommitmentConfig::confirmed())?)
        })
    }

    /// Whether a blockhash is accepted.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn is_blockhash_known(&self, blockhash: &Hash) -> Result<bool> {
        self.ask("isBlockhashValid", |endpoint| {
            Ok(endpoint.is_blockhash_valid(blockhash, CommitmentConfig::confirmed())?)
        })
    }

    /// What transactions that wrote these accounts paid lately, micro-lamports a unit: the 75th of a hundred.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn unit_price(&self, writable: &[Pubkey]) -> Result<u64> {
        let some = writable.get(..writable.len().min(ACCOUNTS_MAX)).unwrap_or(writable);
        let fees =
            self.ask("getRecentPrioritizationFees", |endpoint| Ok(endpoint.get_recent_prioritization_fees(some)?))?;
        let mut paid: Vec<u64> = fees.into_iter().map(|fee| fee.prioritization_fee).collect();
        paid.sort_unstable();
        Ok(paid.get(paid.len() * 3 / 4).copied().unwrap_or(0))
    }

    /// Sends a signed transaction to all endpoints. Whoever has it already takes it again without harm.
    ///
    /// # Errors
    /// Where none takes it.
    pub fn send(&self, transaction: &VersionedTransaction) -> Result<()> {
        let params = json!([encode(transaction)?, { "encoding": "base64", "skipPreflight": true, "maxRetries": 0 }]);
        let mut taken = Err(anyhow!("no endpoint is configured"));
        for endpoint in &self.endpoints {
            match endpoint.send::<Value>(RpcRequest::SendTransaction, params.clone()) {
                Ok(_) => taken = Ok(()),
                Err(reason) if taken.is_err() => {
                    taken = Err(anyhow!(reason).context(format!("sending at {}", endpoint.url())));
                }
                Err(_) => {}
            }
        }
        taken
    }

    /// What became of a transaction; none while it is in no block. Of the last minutes, or of whatever age with `history`.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn status(&self, signature: &str, history: bool) -> Result<Option<Status>> {
        let params = json!([[signature], { "searchTransactionHistory": history }]);
        let answer = self.request("getSignatureStatuses", RpcRequest::GetSignatureStatuses, params)?;
        let found = &answer["value"][0];
        if found.is_null() {
            return Ok(None);
        }
        let level = found["confirmationStatus"].as_str().unwrap_or_default();
        let is_confirmed = matches!(level, "confirmed" | "finalized");
        Ok(Some(Status { slot: found["slot"].as_u64().unwrap_or(0), error: found["err"].clone(), is_confirmed }))
    }

    /// A confirmed transaction with its meta, as JSON.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn transaction(&self, signature: &str) -> Result<Value> {
        let config = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        self.request("getTransaction", RpcRequest::GetTransaction, json!([signature, config]))
    }

    /// The chain's clock.
    ///
    /// # Errors
    /// Where no endpoint answers.
    pub fn now(&self) -> Result<Now> {
        let seen = self.accounts(&[CLOCK])?.into_iter().next().context("the clock")?;
        clock(&seen.data)
    }
}

impl crate::follow::Answers for Chain {
    fn status(&self, signature: &str, history: bool) -> Result<Option<Status>> {
        Self::status(self, signature, history)
    }

    fn block_height(&self) -> Result<u64> {
        Self::block_height(self)
    }

    fn is_blockhash_known(&self, blockhash: &Hash) -> Result<bool> {
        Self::is_blockhash_known(self, blockhash)
    }
}

/// The clock from its account.
///
/// # Errors
/// Where the data are no clock's.
pub fn clock(data: &[u8]) -> Result<Now> {
    let clock: Clock = bincode::deserialize(data).context("expected the clock")?;
    Ok(Now { unix: clock.unix_timestamp, slot: clock.slot })
}

fn encode(transaction: &VersionedTransaction) -> Result<String> {
    Ok(STANDARD.encode(bincode::serialize(transaction)?))
}

/// An address in JSON.
///
/// # Errors
/// Where it is none.
pub fn parse_key(value: &Value) -> Result<Pubkey> {
    let text = value.as_str().context("expected an address")?;
    text.parse().map_err(|_| anyhow!("expected an address, found {text}"))
}

/// An account in JSON, base64.
///
/// # Errors
/// Where it is none.
pub fn seen(slot: u64, address: Pubkey, account: &Value) -> Result<Seen> {
    if account.is_null() {
        return Ok(Seen { slot, address, owner: Pubkey::default(), data: Vec::new() });
    }
    let data = account["data"][0].as_str().with_context(|| format!("data of account {address}"))?;
    let data = STANDARD.decode(data).with_context(|| format!("data of account {address}"))?;
    // A closed account is announced with no lamports.
    let is_gone = account["lamports"].as_u64() == Some(0);
    let data = if is_gone { Vec::new() } else { data };
    Ok(Seen { slot, address, owner: parse_key(&account["owner"])?, data })
}
