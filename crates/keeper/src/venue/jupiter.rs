//! Jupiter's swap interface over HTTP: `GET /quote`, `POST /swap-instructions`.
//!
//! Its answers are somebody else's words about one's own money. So an answer must be about what was asked, and of the
//! instructions only those are signed that a route needs: one call of Jupiter's program that names the trader's own account
//! of the token bought, and the opening of associated token accounts. Nothing in them may ask for another signature. What a
//! route brings is bounded by the program: the least amount follows from the quote and the slippage that are sent back to it.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use plimsoll_client::accounts::Reserve;
use plimsoll_client::{AccountMeta, Instruction, Pubkey};
use plimsoll_engine::fixed::{mul_div_floor, saturate, BPS};
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{json, Value};

use super::curve::{Curves, Wanted};
use super::{NoRoute, Route, Sale};

/// Jupiter's program.
pub const PROGRAM: Pubkey = anchor_lang::prelude::pubkey!("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4");
/// The program of associated token accounts.
const ASSOCIATED_TOKEN: Pubkey = anchor_lang::prelude::pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/// Compute units that a route is expected to use: several exchanges, each of which computes.
pub const UNITS: u32 = 300_000;
/// Largest answer, bytes.
const ANSWER_MAX: u64 = 1 << 20;
/// Most of an answer's words that a reason carries.
const WORDS_MAX: usize = 200;
/// A quote is used again for so long: what is decided twice within a round is asked once.
const QUOTE_LIFE: Duration = Duration::from_millis(1_000);
/// What it answers with where there is no route. The first is of a size, the others of a token.
const NO_ROUTE_CODES: [&str; 4] =
    ["COULD_NOT_FIND_ANY_ROUTE", "NO_ROUTES_FOUND", "TOKEN_NOT_TRADABLE", "ROUTE_PLAN_DOES_NOT_CONSUME_ALL_THE_AMOUNT"];

/// How it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where, without the last slash: `https://api.jup.ag/swap/v1`.
    pub url: String,
    /// Key of the interface.
    pub api_key: Option<String>,
    /// Most that a sale may bring less than its quote, bps.
    pub slippage_bps: u64,
    /// Most accounts of a route, roughly.
    pub max_accounts: u64,
    /// An answer is waited for no longer than this.
    pub timeout: Duration,
    /// Samples in a minute.
    pub samples_per_minute: u64,
    /// A sample counts for so long.
    pub sample_life: Duration,
}

/// A quote with what is sent back for its instructions.
#[derive(Clone, Debug)]
struct Quote {
    out: u64,
    answer: Value,
}

/// What is known, and what is wanted.
#[derive(Debug, Default)]
struct Samples {
    curves: Curves,
    wanted: Vec<Wanted>,
    /// No sample before this: it said that it is asked too often.
    quiet_until: Option<Instant>,
}

/// The interface.
#[derive(Debug)]
pub struct Jupiter {
    settings: Settings,
    client: Client,
    quotes: Mutex<HashMap<Wanted, (Instant, Quote)>>,
    samples: Mutex<Samples>,
}

/// What a lock guards is good whoever held it: every change of it is a single insertion.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Jupiter {
    /// A client; connects to nothing yet.
    ///
    /// # Errors
    /// Where this machine has no HTTP client to give.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        // A key goes to whom it was given for, and nowhere else.
        let client = Client::builder().timeout(settings.timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { settings, client, quotes: Mutex::default(), samples: Mutex::default() })
    }

    /// Settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which samples to keep fresh, most wanted first. Whether these are the first.
    pub(super) fn want(&self, wanted: Vec<Wanted>) -> bool {
        let mut samples = lock(&self.samples);
        let is_first = samples.wanted.is_empty() && !wanted.is_empty();
        samples.wanted = wanted;
        is_first
    }

    /// What is known of prices, and not too old.
    pub fn known(&self) -> Curves {
        lock(&self.samples).curves.younger_than(self.settings.sample_life, Instant::now())
    }

    /// The sample to take next: one never taken, or else the oldest that has lived half its life.
    pub(super) fn next_sample(&self, now: Instant) -> Option<Wanted> {
        let samples = lock(&self.samples);
        if samples.quiet_until.is_some_and(|until| now < until) {
            return None;
        }
        let age = |wanted: &Wanted| {
            let taken_at = samples.curves.taken_at(wanted);
            taken_at.map_or(Duration::MAX, |at| now.saturating_duration_since(at))
        };
        // Of several as old the first: they come in the order in which they are wanted.
        let oldest = samples.wanted.iter().rev().max_by_key(|wanted| age(wanted));
        oldest.filter(|wanted| age(wanted) >= self.settings.sample_life / 2).copied()
    }

    /// Takes a sample. An answer that is none leaves what was known until it is too old.
    ///
    /// # Errors
    /// Why there is none, but where there is no route: that is known then.
    pub fn sample(&self, wanted: &Wanted) -> Result<(), NoRoute> {
        let out = match self.quote(wanted) {
            Ok(quote) => Some(quote.out),
            Err(NoRoute::NotTraded) => None,
            Err(error) => {
                let is_throttled = error == NoRoute::Throttled;
                let pause = if is_throttled { self.settings.sample_life / 2 } else { self.settings.timeout };
                lock(&self.samples).quiet_until = Some(Instant::now() + pause);
                return Err(error);
            }
        };
        let mut samples = lock(&self.samples);
        samples.curves = samples.curves.younger_than(self.settings.sample_life, Instant::now());
        samples.curves.take(wanted, out, Instant::now());
        Ok(())
    }

    /// The exact route of a sale, for at least so much.
    ///
    /// # Errors
    /// [`NoRoute`].
    pub fn swap(&self, trader: &Pubkey, from: &Reserve, to: &Reserve, sale: Sale) -> Result<Route, NoRoute> {
        let Sale { amount_in, amount_out_min: least_atoms } = sale;
        let Quote { out, mut answer } = self.quote(&Wanted { mints: (from.mint(), to.mint()), amount_in })?;
        if out < least_atoms {
            return Err(NoRoute::BelowMinimum { offered_atoms: out, least_atoms });
        }
        // The program takes its least from the quote less the slippage, so that one follows from what is asked for here.
        let spare = mul_div_floor((out - least_atoms).into(), BPS.into(), out.max(1).into()).map_or(0, saturate);
        let slippage_bps = spare.min(self.settings.slippage_bps);
        let least = mul_div_floor(out.into(), BPS.saturating_sub(slippage_bps).into(), BPS.into()).map_or(0, saturate);
        answer["slippageBps"] = json!(slippage_bps);
        answer["otherAmountThreshold"] = json!(least.max(least_atoms).to_string());
        let body = json!({
            "userPublicKey": trader.to_string(),
            // What is seized lies in a token account, wrapped SOL too, and stays in one.
            "wrapAndUnwrapSol": false,
            "quoteResponse": answer,
        });
        let request = self.client.post(format!("{}/swap-instructions", self.settings.url));
        let text = body.to_string();
        let answer = self.ask("swap-instructions", request.header("content-type", "application/json").body(text))?;
        route(&answer, trader, from, to)
    }

    /// A quote, or the same again where it was asked a moment ago.
    fn quote(&self, wanted: &Wanted) -> Result<Quote, NoRoute> {
        let known = lock(&self.quotes).get(wanted).filter(|(at, _)| at.elapsed() < QUOTE_LIFE).cloned();
        if let Some((_, quote)) = known {
            return Ok(quote);
        }
        let Wanted { mints: (from, to), amount_in } = wanted;
        let Settings { url, slippage_bps, max_accounts, .. } = &self.settings;
        let address = format!(
            "{url}/quote?inputMint={from}&outputMint={to}&amount={amount_in}&slippageBps={slippage_bps}\
             &swapMode=ExactIn&restrictIntermediateTokens=true&maxAccounts={max_accounts}"
        );
        let answer = self.ask("quote", self.client.get(address))?;
        let is_same = |key: &str, expected: &str| answer[key].as_str() == Some(expected);
        if !(is_same("inputMint", &from.to_string())
            && is_same("outputMint", &to.to_string())
            && is_same("inAmount", &amount_in.to_string())
            && is_same("swapMode", "ExactIn"))
        {
            return Err(NoRoute::Malformed("a quote of something else".to_owned()));
        }
        let out = answer["outAmount"].as_str().and_then(|out| out.parse().ok());
        let out = out.ok_or_else(|| NoRoute::Malformed("no `outAmount` in a quote".to_owned()))?;
        let quote = Quote { out, answer };
        let mut quotes = lock(&self.quotes);
        quotes.retain(|_, (at, _)| at.elapsed() < QUOTE_LIFE);
        quotes.insert(*wanted, (Instant::now(), quote.clone()));
        Ok(quote)
    }

    /// Asks, and counts what came of it.
    fn ask(&self, call: &'static str, request: RequestBuilder) -> Result<Value, NoRoute> {
        let answer = self.try_ask(request);
        let outcome = answer.as_ref().err().map_or("ok", NoRoute::name);
        metrics::counter!("keeper_venue_requests_total", "call" => call, "outcome" => outcome).increment(1);
        answer
    }

    fn try_ask(&self, request: RequestBuilder) -> Result<Value, NoRoute> {
        let request = match &self.settings.api_key {
            Some(key) => request.header("x-api-key", key),
            None => request,
        };
        let response = request.send().map_err(|error| transport(&error))?;
        let status = response.status().as_u16();
        let mut text = String::new();
        response.take(ANSWER_MAX).read_to_string(&mut text).map_err(|error| interrupted(&error))?;
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        let code = answer.as_ref().and_then(|answer| answer["errorCode"].as_str()).unwrap_or_default();
        match status {
            200 => answer.ok_or_else(|| NoRoute::Malformed(words(&text))),
            429 => Err(NoRoute::Throttled),
            _ if NO_ROUTE_CODES.contains(&code) => Err(NoRoute::NotTraded),
            _ => Err(NoRoute::Refused { status, text: words(&text) }),
        }
    }
}

/// What a request met on its way. Its address stays out of the words: it may carry a key.
fn transport(error: &reqwest::Error) -> NoRoute {
    if error.is_timeout() {
        return NoRoute::Slow;
    }
    let what = if error.is_connect() { "no connection" } else { "the connection broke" };
    NoRoute::Unreachable(what.to_owned())
}

/// What the reading of an answer met.
fn interrupted(error: &std::io::Error) -> NoRoute {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    match (error.kind(), inner) {
        (std::io::ErrorKind::TimedOut, _) => NoRoute::Slow,
        (std::io::ErrorKind::InvalidData, _) => NoRoute::Malformed("not UTF-8".to_owned()),
        (_, Some(inner)) => transport(inner),
        _ => NoRoute::Unreachable("the connection broke".to_owned()),
    }
}

/// The beginning of an answer.
fn words(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(WORDS_MAX).collect()
}

/// The route in an answer to `/swap-instructions`, if it is one that a keeper signs.
fn route(answer: &Value, trader: &Pubkey, from: &Reserve, to: &Reserve) -> Result<Route, NoRoute> {
    let list = |key: &str| answer[key].as_array().map(Vec::as_slice).unwrap_or_default();
    if !answer["cleanupInstruction"].is_null() || !list("otherInstructions").is_empty() {
        return Err(NoRoute::Unsafe("instructions that nobody asked for".to_owned()));
    }
    let own = [from.token_account(trader), to.token_account(trader)];
    let mut instructions = Vec::new();
    for setup in list("setupInstructions") {
        let setup = instruction(setup, trader)?;
        // Only the two kinds that open an account; there are others.
        if setup.program_id != ASSOCIATED_TOKEN || !matches!(setup.data[..], [] | [0 | 1]) {
            return Err(NoRoute::Unsafe(format!("a call of {} before the exchange", setup.program_id)));
        }
        // The keeper has these.
        if !setup.accounts.get(1).is_some_and(|opened| own.contains(&opened.pubkey)) {
            instructions.push(setup);
        }
    }
    let swap = instruction(&answer["swapInstruction"], trader)?;
    if swap.program_id != PROGRAM {
        return Err(NoRoute::Unsafe(format!("an exchange by {}", swap.program_id)));
    }
    let [pays, receives] = own;
    for (account, what) in [(pays, "sold"), (receives, "bought")] {
        if !swap.accounts.iter().any(|meta| meta.pubkey == account && meta.is_writable) {
            return Err(NoRoute::Unsafe(format!("an exchange without one's own account of the token {what}")));
        }
    }
    instructions.push(swap);
    let tables = list("addressLookupTableAddresses").iter().map(key).collect::<Result<_, _>>()?;
    Ok(Route { instructions, tables })
}

fn instruction(value: &Value, trader: &Pubkey) -> Result<Instruction, NoRoute> {
    let malformed = |what: &str| NoRoute::Malformed(format!("no {what} in an instruction"));
    let accounts = value["accounts"].as_array().ok_or_else(|| malformed("accounts"))?;
    let meta = |account: &Value| {
        let flag = |name: &str| account[name].as_bool().ok_or_else(|| malformed(name));
        let (pubkey, is_signer, is_writable) = (key(&account["pubkey"])?, flag("isSigner")?, flag("isWritable")?);
        if is_signer && pubkey != *trader {
            return Err(NoRoute::Unsafe(format!("a signature of {pubkey}")));
        }
        Ok(AccountMeta { pubkey, is_signer, is_writable })
    };
    let data = value["data"].as_str().and_then(|data| STANDARD.decode(data).ok());
    Ok(Instruction {
        program_id: key(&value["programId"])?,
        accounts: accounts.iter().map(meta).collect::<Result<_, _>>()?,
        data: data.ok_or_else(|| malformed("data"))?,
    })
}

fn key(value: &Value) -> Result<Pubkey, NoRoute> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| NoRoute::Malformed(format!("no address: {}", words(&value.to_string()))))
}
