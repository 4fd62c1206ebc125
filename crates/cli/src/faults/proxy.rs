//! The network between client and validator: drops transactions, passes some on twice, holds some back until later ones have
//! overtaken them, and swallows some for good. Everything else it passes on as it is.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand::seq::SliceRandom;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{json, Value};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What is done to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Drop,
    Twice,
    Hold,
    /// This and every later sending of it.
    Swallow,
}

/// How often each is done, of forty sendings: drawn from a shuffled deck, so that a short run meets all of them.
const DECK: [(Fault, usize); 5] =
    [(Fault::None, 12), (Fault::Drop, 10), (Fault::Twice, 7), (Fault::Hold, 10), (Fault::Swallow, 1)];
/// What is held back goes on after so many later ones.
const OVERTAKEN_BY: u64 = 2;
/// Or after this time, where there are none.
const HELD_AT_MOST: Duration = Duration::from_millis(900);
const TICK: Duration = Duration::from_millis(25);
/// Longest the validator may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What was done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Passed on as they came.
    pub passed: u64,
    /// Dropped, and answered as if accepted.
    pub dropped: u64,
    /// Passed on twice.
    pub twice: u64,
    /// Held back, and overtaken by later transactions before any sending of them went on.
    pub overtaken: u64,
    /// Held back until another sending of the same had gone on, or for long.
    pub late: u64,
    /// Transactions of which no sending went on, ever.
    pub swallowed: u64,
}

/// A sending that is held back.
struct Held {
    signature: String,
    body: Bytes,
    /// Sendings passed on before it came.
    passed: u64,
    at: Instant,
}

struct State {
    /// Address of the validator; none while there is none.
    upstream: Option<String>,
    random: ChaCha8Rng,
    deck: Vec<Fault>,
    held: VecDeque<Held>,
    swallowed: BTreeSet<String>,
    /// Signatures of which a sending went on.
    forwarded: BTreeSet<String>,
    passed: u64,
    /// Everything is held back, for as long as this says.
    holds_all: bool,
    /// No faults are drawn.
    is_faithful: bool,
    counts: Counts,
}

struct Shared {
    client: reqwest::Client,
    state: Mutex<State>,
}

/// The proxy, on a port of its own; ends when dropped.
pub struct Proxy {
    /// Its address.
    pub url: String,
    shared: Arc<Shared>,
    runtime: Runtime,
}

impl Proxy {
    /// Listens on a free port of this machine. The seed fixes what happens to the first sending, the second, and so on.
    pub fn start(seed: u64) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("a runtime")?;
        let listener =
            runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).context("a free port for the proxy")?;
        let url = format!("http://{}", listener.local_addr()?);
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN).build().context("a client for the proxy")?;
        let shared = Arc::new(Shared { client, state: Mutex::new(State::new(seed)) });
        runtime.spawn(serve(listener, shared.clone()));
        runtime.spawn(release(shared.clone()));
        Ok(Self { url, shared, runtime })
    }

    /// One that passes everything on as it is, until it is told to hold it back.
    pub fn faithful() -> Result<Self> {
        let proxy = Self::start(0)?;
        proxy.shared.state().is_faithful = true;
        Ok(proxy)
    }

    /// Sends everything to this validator from now on; without one nobody answers.
    pub fn connect(&self, upstream: Option<String>) {
        self.shared.state().upstream = upstream;
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// How many sendings were passed on so far.
    pub fn passed_on(&self) -> u64 {
        self.shared.state().passed
    }

    /// Holds every transaction back from now on.
    pub fn hold_all(&self) {
        self.shared.state().holds_all = true;
    }

    /// Signatures of what is held back.
    pub fn held(&self) -> BTreeSet<String> {
        self.shared.state().held.iter().map(|held| held.signature.clone()).collect()
    }

    /// Loses everything held back, and holds nothing more back.
    pub fn drop_held(&self) {
        let mut state = self.shared.state();
        state.holds_all = false;
        state.held.clear();
    }

    /// Lets go of everything held back, to the validator that there is now; waits until it has it. Returns how many.
    pub fn let_go(&self) -> usize {
        let held: Vec<Held> = {
            let mut state = self.shared.state();
            state.holds_all = false;
            std::iter::from_fn(|| state.let_go(0)).collect()
        };
        let many = held.len();
        self.runtime.block_on(async {
            for held in held {
                self.shared.forward(held.body).await;
            }
        });
        many
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the validator. None where it does not answer.
    async fn forward(&self, body: Bytes) -> Option<Bytes> {
        let upstream = self.state().upstream.clone()?;
        let request = self.client.post(upstream).header("content-type", "application/json").body(body);
        request.send().await.ok()?.bytes().await.ok()
    }

    /// Passes a transaction on.
    async fn pass(&self, signature: &str, body: Bytes) -> Option<Bytes> {
        {
            let mut state = self.state();
            state.passed += 1;
            state.forwarded.insert(signature.to_owned());
        }
        self.forward(body).await
    }

    /// What a client is told of a transaction, and what is done with it.
    async fn send(&self, signature: String, id: &Value, body: Bytes) -> Option<Bytes> {
        // As the validator says it of what it took in.
        let accepted = Bytes::from(json!({ "jsonrpc": "2.0", "result": signature, "id": id }).to_string());
        let fault = self.state().decide(&signature, &body);
        match fault {
            Fault::Drop | Fault::Swallow | Fault::Hold => Some(accepted),
            Fault::None => self.pass(&signature, body).await,
            Fault::Twice => {
                let answer = self.pass(&signature, body.clone()).await;
                self.pass(&signature, body).await;
                answer
            }
        }
    }
}

impl State {
    fn new(seed: u64) -> Self {
        Self {
            upstream: None,
            random: ChaCha8Rng::seed_from_u64(seed),
            deck: Vec::new(),
            held: VecDeque::new(),
            swallowed: BTreeSet::new(),
            forwarded: BTreeSet::new(),
            passed: 0,
            holds_all: false,
            is_faithful: false,
            counts: Counts::default(),
        }
    }

    /// Draws what is done to a sending, and counts it.
    fn decide(&mut self, signature: &str, body: &Bytes) -> Fault {
        if self.swallowed.contains(signature) {
            return Fault::Swallow;
        }
        let fault = if self.holds_all { Fault::Hold } else { self.draw() };
        // To swallow is to have passed nothing on, not even what is held back.
        let is_known = self.forwarded.contains(signature) || self.held.iter().any(|held| held.signature == signature);
        let fault = if fault == Fault::Swallow && is_known { Fault::None } else { fault };
        match fault {
            Fault::None => self.counts.passed += 1,
            Fault::Drop => self.counts.dropped += 1,
            Fault::Twice => self.counts.twice += 1,
            Fault::Swallow => {
                self.swallowed.insert(signature.to_owned());
                self.counts.swallowed += 1;
            }
            Fault::Hold => {
                let (signature, body) = (signature.to_owned(), body.clone());
                self.held.push_back(Held { signature, body, passed: self.passed, at: Instant::now() });
            }
        }
        fault
    }

    fn draw(&mut self) -> Fault {
        if self.is_faithful {
            return Fault::None;
        }
        if self.deck.is_empty() {
            self.deck = DECK.iter().flat_map(|(fault, many)| std::iter::repeat_n(*fault, *many)).collect();
            self.deck.shuffle(&mut self.random);
        }
        self.deck.pop().unwrap_or(Fault::None)
    }

    /// Takes one out of those held back, and counts it. From now on it is known as passed on: a sending of the same that comes
    /// before the validator has it must not be swallowed.
    fn let_go(&mut self, at: usize) -> Option<Held> {
        let held = self.held.remove(at)?;
        let is_overtaken = self.passed > held.passed && !self.forwarded.contains(&held.signature);
        *(if is_overtaken { &mut self.counts.overtaken } else { &mut self.counts.late }) += 1;
        self.passed += 1;
        self.forwarded.insert(held.signature.clone());
        Some(held)
    }

    /// The first that was held back for long enough.
    fn ripe(&mut self) -> Option<Held> {
        let is_ripe = |held: &Held| self.passed >= held.passed + OVERTAKEN_BY || held.at.elapsed() >= HELD_AT_MOST;
        let at = self.held.iter().position(is_ripe).filter(|_| !self.holds_all)?;
        self.let_go(at)
    }
}

/// Lets go, again and again, of what was held back for long enough.
async fn release(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(TICK).await;
        loop {
            let Some(held) = shared.state().ripe() else { break };
            shared.forward(held.body).await;
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // A listener that fails ends the proxy; the client then says that nobody answers.
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&shared, request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let answered = match request.into_body().collect().await.map(|body| body.to_bytes()) {
        Ok(body) => match transaction_of(&body) {
            Some((signature, id)) => shared.send(signature, &id, body).await,
            None => shared.forward(body).await,
        },
        Err(_) => None,
    };
    let mut response = Response::new(Full::new(answered.clone().unwrap_or_default()));
    if answered.is_none() {
        *response.status_mut() = StatusCode::BAD_GATEWAY;
    }
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Signature and request id, where a request sends a transaction.
fn transaction_of(body: &Bytes) -> Option<(String, Value)> {
    // Cheaper than to read a program of two megabytes as JSON.
    let is_small = body.len() < 10_000;
    let request: Value = is_small.then(|| serde_json::from_slice(body).ok()).flatten()?;
    if request["method"] != "sendTransaction" {
        return None;
    }
    let text = request["params"][0].as_str()?;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).ok()?;
    // One byte says how many signatures follow; the first is the transaction's name.
    let signature = bytes.get(1..65)?;
    Some((bs58::encode(signature).into_string(), request["id"].clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_sendings_meet_every_fault_in_an_order_that_the_seed_fixes() {
        let draw = |seed| {
            let mut state = State::new(seed);
            (0..40).map(|_| state.draw()).collect::<Vec<_>>()
        };
        let first = draw(7);
        for (fault, many) in DECK {
            assert_eq!(first.iter().filter(|drawn| **drawn == fault).count(), many, "{fault:?}");
        }
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
    }

    #[test]
    fn what_is_swallowed_never_goes_on_and_what_went_on_is_never_swallowed() {
        let mut state = State::new(1);
        let body = Bytes::from_static(b"{}");
        state.deck = vec![Fault::None, Fault::None, Fault::Swallow];
        assert_eq!(state.decide("a", &body), Fault::Swallow);
        assert_eq!(state.decide("a", &body), Fault::Swallow);
        assert_eq!(state.decide("b", &body), Fault::None);
        state.forwarded.insert("b".into());
        state.deck = vec![Fault::Swallow];
        assert_eq!(state.decide("b", &body), Fault::None);
        assert_eq!((state.counts.swallowed, state.counts.passed), (1, 2));
    }

    #[test]
    fn what_is_held_back_goes_on_after_later_ones() {
        let mut state = State::new(1);
        state.deck = vec![Fault::Hold];
        state.decide("a", &Bytes::from_static(b"{}"));
        assert!(state.ripe().is_none());
        state.passed += OVERTAKEN_BY;
        assert_eq!(state.ripe().map(|held| held.signature), Some("a".to_owned()));
        assert_eq!(state.counts.overtaken, 1);
        assert!(state.ripe().is_none());
        // It may be on its way to the validator still.
        state.deck = vec![Fault::Swallow];
        assert_eq!(state.decide("a", &Bytes::from_static(b"{}")), Fault::None);
    }
}
