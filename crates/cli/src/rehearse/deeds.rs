//! What the chain says the keepers did, and whether their journals and their money say the same.

use std::collections::{BTreeMap, BTreeSet};

use anchor_lang::prelude::Pubkey;
use anyhow::{Context, Result};
use plimsoll_client::events::Event;
use plimsoll_client::PROGRAM_ID;
use plimsoll_keeper::journal::Row;
use serde_json::{json, Value};
use solana_rpc_client_api::request::RpcRequest;

use super::crowd::Crowd;
use super::fleet::Bot;
use super::pools;
use crate::chain::Chain;
use crate::demo::report::Report;
use crate::faults::ledger::Ledger;

/// Signatures that one request may ask for.
const SIGNATURES_MAX: usize = 1_000;

/// A transaction of a keeper that is in a block.
pub struct Deed {
    /// Signature.
    pub signature: String,
    /// Who signed it.
    pub keeper: Pubkey,
    /// Whether it succeeded.
    pub landed: bool,
    /// Events of the program.
    pub events: Vec<Event>,
    meta: Value,
}

/// Signatures of the transactions that name an address, with whether each succeeded.
pub fn signatures(chain: &Chain, address: &Pubkey) -> Result<Vec<(String, bool)>> {
    let mut all = Vec::new();
    let mut before: Option<String> = None;
    loop {
        let config = json!({ "commitment": "confirmed", "limit": SIGNATURES_MAX, "before": before });
        let found: Vec<Value> = chain
            .rpc()
            .send(RpcRequest::GetSignaturesForAddress, json!([address.to_string(), config]))
            .with_context(|| format!("signatures of {address}"))?;
        for entry in &found {
            let signature = entry["signature"].as_str().context("a signature")?.to_owned();
            all.push((signature, entry["err"].is_null()));
        }
        if found.len() < SIGNATURES_MAX {
            return Ok(all);
        }
        before = all.last().map(|(signature, _)| signature.clone());
    }
}

/// All transactions of a keeper in which the program took part.
pub fn of(chain: &Chain, bot: &Bot) -> Result<Vec<Deed>> {
    let (mut deeds, program) = (Vec::new(), PROGRAM_ID.to_string());
    for (signature, landed) in signatures(chain, &bot.address)? {
        let config = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        let found: Value = chain
            .rpc()
            .send(RpcRequest::GetTransaction, json!([signature, config]))
            .with_context(|| format!("reading transaction {signature}"))?;
        let keys = found["transaction"]["message"]["accountKeys"].as_array().context("accounts of a transaction")?;
        let calls_program = keys.iter().any(|key| key.as_str() == Some(program.as_str()));
        let is_signed = keys.first().and_then(Value::as_str) == Some(bot.address.to_string().as_str());
        if !is_signed || !calls_program {
            continue;
        }
        let inner = found["meta"]["innerInstructions"].as_array().into_iter().flatten();
        let all = inner.flat_map(|group| group["instructions"].as_array().into_iter().flatten());
        let data = all.filter_map(|instruction| bs58::decode(instruction["data"].as_str()?).into_vec().ok());
        let events = data.filter_map(|data| Event::decode(&data).ok()).filter(|_| landed).collect();
        deeds.push(Deed { signature, keeper: bot.address, landed, events, meta: found["meta"].clone() });
    }
    Ok(deeds)
}

/// Checks journals against the chain: every transaction that landed is there once, as landed, and nothing else is. `unseen`:
/// those that landed on a validator that died before the keeper could ask it.
pub fn check_journals(report: &mut Report, deeds: &[Deed], rows: &[Row], unseen: &BTreeSet<String>) {
    let is_unseen = |row: &Row| row.signature.as_ref().is_some_and(|signature| unseen.contains(signature));
    let landed: Vec<&Row> = rows.iter().filter(|row| row.attempt.outcome == "landed" || is_unseen(row)).collect();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &landed {
        *told.entry(row.signature.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let on_chain: BTreeSet<&str> =
        deeds.iter().filter(|deed| deed.landed).map(|deed| deed.signature.as_str()).collect();
    let unknown = told.keys().filter(|signature| !on_chain.contains(*signature)).count();
    let untold = on_chain.iter().filter(|signature| !told.contains_key(*signature)).count();
    let twice = told.values().filter(|many| **many > 1).count();
    report.check(
        format!("{} landed actions of the journals are {} transactions on the chain", landed.len(), on_chain.len()),
        "none unknown to the chain, none untold, none twice",
        format!("{unknown} unknown, {untold} untold, {twice} twice"),
        unknown + untold + twice == 0 && !landed.is_empty(),
    );
}

/// Checks that what changed the positions is what the journals say of each of them: by the signatures of the positions.
pub fn check_positions(report: &mut Report, crowd: &Crowd, deeds: &[Deed], rows: &[Row]) -> Result<()> {
    let landed: Vec<&Row> = rows.iter().filter(|row| row.attempt.outcome == "landed").collect();
    let known: BTreeSet<&str> = deeds.iter().map(|deed| deed.signature.as_str()).collect();
    let (mut differing, mut many) = (Vec::new(), 0);
    for position in &crowd.positions {
        let name = position.to_string();
        let all = signatures(crowd.chain, position)?;
        // What opened it is its owner's.
        let of_keepers: BTreeSet<String> =
            all.into_iter().filter(|(it, landed)| *landed && known.contains(it.as_str())).map(|(it, _)| it).collect();
        let rows = landed.iter().filter(|row| row.attempt.subject == name);
        let told: Vec<&String> = rows.filter_map(|row| row.signature.as_ref()).collect();
        many += told.len();
        let is_same = told.len() == of_keepers.len() && told.iter().all(|signature| of_keepers.contains(*signature));
        if !is_same {
            differing.push(format!("{name}: {} transactions, {} in the journals", of_keepers.len(), told.len()));
        }
    }
    let got = if differing.is_empty() { "none".to_owned() } else { differing.join("; ") };
    let name = format!("positions, of {}, with other transactions than the journals' {many}", crowd.positions.len());
    report.check(name, "none", got, differing.is_empty() && many > 0);
    Ok(())
}

/// Checks that every keeper has what it began with and what the events of its transactions and the pools say, to the atom.
pub fn check_money(
    report: &mut Report,
    crowd: &Crowd,
    bots: &[Bot],
    deeds: &[Deed],
    program: Option<&Pubkey>,
) -> Result<()> {
    let mut ledger = Ledger::default();
    for bot in bots {
        crowd.debts.iter().for_each(|it| ledger.give(bot.address, it.reserve, it.token.whole(bot.war_chest)));
    }
    let owners: BTreeSet<String> = program.map_or_else(BTreeSet::new, |program| {
        let pairs = crowd.collaterals.iter().flat_map(|one| crowd.debts.iter().map(move |other| (one, other)));
        pairs.map(|(one, other)| pools::authority(program, one, other).to_string()).collect()
    });
    for deed in deeds.iter().filter(|deed| deed.landed) {
        for event in &deed.events {
            ledger.book_event(event);
            if let Event::DefaultMarked(it) = event {
                let first = it.provisions.first().map(|provision| provision.reserve);
                first.into_iter().for_each(|reserve| ledger.add(deed.keeper, reserve, it.tip_atoms.into()));
            }
        }
        // What the pools gave the keeper got, and the other way round.
        for listing in crowd.listings() {
            let gave = deed.gained(&owners, &listing.token.mint);
            if gave != 0 {
                ledger.add(deed.keeper, listing.reserve, -gave);
            }
        }
    }
    let listings: Vec<_> = crowd.listings().collect();
    ledger.check(crowd.chain, report, &listings, "the keepers' money")
}

impl Deed {
    /// What the token accounts of some owners gained of a mint, atoms.
    fn gained(&self, owners: &BTreeSet<String>, mint: &Pubkey) -> i128 {
        let mint = mint.to_string();
        let side = |side: &str| -> i128 {
            let all = self.meta[side].as_array().into_iter().flatten();
            let theirs = all.filter(|balance| balance["mint"] == mint.as_str());
            let theirs = theirs.filter(|balance| balance["owner"].as_str().is_some_and(|it| owners.contains(it)));
            let atoms = |balance: &Value| balance["uiTokenAmount"]["amount"].as_str()?.parse::<i128>().ok();
            theirs.filter_map(atoms).sum()
        };
        side("postTokenBalances") - side("preTokenBalances")
    }
}
