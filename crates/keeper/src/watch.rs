//! Where the book's accounts come from.
//!
//! [`RpcSource`] takes a snapshot, subscribes, and takes another snapshot whenever a connection was lost and every so often: so
//! nothing is missed for longer than that, and without a websocket it polls. A stream of another kind (Geyser) feeds the same
//! [`Source`].

use std::collections::{BTreeMap, BTreeSet};
use std::mem::offset_of;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};
use plimsoll::constants::PYTH_PUSH_PROGRAM;
use plimsoll_client::accounts::{AccountState, Reserve};
use plimsoll_client::{Pubkey, PROGRAM_ID};
use plimsoll_engine::state::{
    BackstopProviderState, BackstopState, PositionState, ReserveState, ORACLE_PYTH_PULL, ORACLE_PYTH_PUSH,
};
use serde_json::{json, Value};
use tungstenite::Message;

use crate::chain::{parse_key, seen, Chain, Filter, Seen};

/// Bytes before an account's state.
const DISCRIMINATOR_BYTES: usize = 8;
/// Where a pull price says whose feed it is.
const PULL_FEED_OFFSET: usize = 41;
/// The program of pull prices.
pub const PYTH_RECEIVER: Pubkey = anchor_lang::prelude::pubkey!("rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ");
/// Between two attempts to connect, at least and at most.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A subscription is silent for so long at most before its connection is asked whether it lives.
const SILENCE: Duration = Duration::from_secs(15);

/// What came.
#[derive(Debug)]
pub enum Batch {
    /// All there is: what is not among these is gone.
    Snapshot {
        /// The slot of the oldest answer it is made of.
        slot: u64,
        /// Accounts.
        accounts: Vec<Seen>,
    },
    /// Some that changed.
    Changes(Vec<Seen>),
}

/// A stream of accounts.
pub trait Source {
    /// Waits for what is new, at most so long; an empty batch where nothing is. The first is a snapshot.
    ///
    /// # Errors
    /// Where nothing can be learned. The next call tries again.
    fn next(&mut self, timeout: Duration) -> Result<Batch>;
}

/// How an RPC source watches.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Market.
    pub market: Pubkey,
    /// Websocket; without one it polls.
    pub websocket: Option<String>,
    /// Between snapshots, without a websocket or while it is down.
    pub poll: Duration,
    /// Between snapshots while a websocket brings changes.
    pub resnapshot: Duration,
}

/// What a websocket thread says.
enum Said {
    /// Connected, and all subscriptions stand: from now on no change is missed.
    Subscribed,
    /// An account changed.
    Changed(Seen),
    /// The connection is gone.
    Lost,
}

/// The accounts of a market over RPC.
pub struct RpcSource {
    chain: Arc<Chain>,
    settings: Settings,
    /// Feed of each reserve: kind and id.
    feeds: BTreeMap<Pubkey, (u8, [u8; 32])>,
    socket: Option<Receiver<Said>>,
    is_live: bool,
    snapshot_at: Option<Instant>,
}

/// The filters of one kind of account.
fn of_kind<T: AccountState>(rest: &[(usize, Pubkey)]) -> Vec<Filter> {
    let kind = Filter { offset: 0, bytes: T::DISCRIMINATOR.to_vec() };
    let more = rest
        .iter()
        .map(|(offset, key)| Filter { offset: DISCRIMINATOR_BYTES + offset, bytes: key.to_bytes().to_vec() });
    std::iter::once(kind).chain(more).collect()
}

/// What of the program's accounts a market is made of.
fn kinds(market: &Pubkey) -> Vec<Vec<Filter>> {
    vec![
        of_kind::<ReserveState>(&[(offset_of!(ReserveState, market), *market)]),
        of_kind::<PositionState>(&[(offset_of!(PositionState, market), *market)]),
        of_kind::<BackstopState>(&[(offset_of!(BackstopState, market), *market)]),
        of_kind::<BackstopProviderState>(&[]),
    ]
}

impl RpcSource {
    /// A source; asks for nothing yet.
    pub fn new(chain: Arc<Chain>, settings: Settings) -> Self {
        Self { chain, settings, feeds: BTreeMap::new(), socket: None, is_live: false, snapshot_at: None }
    }

    fn snapshot(&mut self) -> Result<Batch> {
        let mut all = self.chain.accounts(&[self.settings.market])?;
        for filters in kinds(&self.settings.market) {
            all.extend(self.chain.program_accounts(&PROGRAM_ID, &filters)?);
        }
        let reserves = all.iter().filter_map(|seen| Reserve::decode_owned(seen.address, &seen.owner, &seen.data).ok());
        let feeds: BTreeMap<_, _> =
            reserves.map(|reserve| (reserve.address, (reserve.state.oracle_kind, reserve.state.oracle))).collect();
        // Another feed is another subscription.
        if feeds != self.feeds {
            self.feeds = feeds;
            self.socket = None;
            self.is_live = false;
        }
        all.extend(self.prices()?);
        let slot = all.iter().map(|seen| seen.slot).min().unwrap_or(0);
        self.snapshot_at = Some(Instant::now());
        Ok(Batch::Snapshot { slot, accounts: all })
    }

    /// The price accounts of all feeds: a push feed is one, a pull feed may have several.
    fn prices(&self) -> Result<Vec<Seen>> {
        let feeds: BTreeSet<&(u8, [u8; 32])> = self.feeds.values().collect();
        let push: Vec<Pubkey> = feeds
            .iter()
            .filter(|(kind, _)| *kind == ORACLE_PYTH_PUSH)
            .map(|(_, key)| Pubkey::new_from_array(*key))
            .collect();
        let mut all = self.chain.accounts(&push)?;
        for (_, feed) in feeds.iter().filter(|(kind, _)| *kind == ORACLE_PYTH_PULL) {
            let filter = Filter { offset: PULL_FEED_OFFSET, bytes: feed.to_vec() };
            all.extend(self.chain.program_accounts(&PYTH_RECEIVER, &[filter])?);
        }
        Ok(all)
    }

    /// Starts the thread of the websocket, where there is to be one.
    fn connect(&mut self) {
        let Some(url) = self.settings.websocket.clone().filter(|_| self.socket.is_none()) else { return };
        let (sender, receiver) = channel();
        let subscriptions = subscriptions(&self.settings.market, &self.feeds);
        self.socket = Some(receiver);
        thread::spawn(move || listen(&url, &subscriptions, &sender));
    }

    fn is_snapshot_due(&self) -> bool {
        let every = if self.is_live { self.settings.resnapshot } else { self.settings.poll };
        self.snapshot_at.is_none_or(|at| at.elapsed() >= every)
    }
}

impl Source for RpcSource {
    fn next(&mut self, timeout: Duration) -> Result<Batch> {
        if self.is_snapshot_due() {
            let snapshot = self.snapshot();
            self.connect();
            return snapshot;
        }
        let until_due = self.snapshot_at.map_or(Duration::ZERO, |at| {
            let every = if self.is_live { self.settings.resnapshot } else { self.settings.poll };
            every.saturating_sub(at.elapsed())
        });
        let wait = timeout.min(until_due);
        let Some(socket) = &self.socket else {
            thread::sleep(wait);
            return Ok(Batch::Changes(Vec::new()));
        };
        let mut changes = Vec::new();
        let mut said = socket.recv_timeout(wait);
        loop {
            match said {
                Ok(Said::Changed(seen)) => changes.push(seen),
                Ok(Said::Subscribed) => {
                    // What changed before the subscriptions stood is in the snapshot that follows.
                    (self.is_live, self.snapshot_at) = (true, None);
                }
                Ok(Said::Lost) => self.is_live = false,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    (self.is_live, self.socket) = (false, None);
                    break;
                }
            }
            let Some(socket) = &self.socket else { break };
            said = socket.recv_timeout(Duration::ZERO);
        }
        metrics::gauge!("keeper_websocket_up").set(f64::from(u8::from(self.is_live)));
        Ok(Batch::Changes(changes))
    }
}

/// What to subscribe to: method and parameters, and the address of an account where the notification does not say it.
fn subscriptions(market: &Pubkey, feeds: &BTreeMap<Pubkey, (u8, [u8; 32])>) -> Vec<(Value, Option<Pubkey>)> {
    let config = |filters: &[Filter]| {
        let filters: Vec<Value> = filters.iter().map(Filter::json).collect();
        json!({ "encoding": "base64", "commitment": "confirmed", "filters": filters })
    };
    let program = |program: Pubkey, filters: &[Filter]| {
        (json!({ "method": "programSubscribe", "params": [program.to_string(), config(filters)] }), None)
    };
    let account = |address: Pubkey| {
        let params = json!([address.to_string(), { "encoding": "base64", "commitment": "confirmed" }]);
        (json!({ "method": "accountSubscribe", "params": params }), Some(address))
    };
    let mut all = vec![account(*market)];
    all.extend(kinds(market).iter().map(|filters| program(PROGRAM_ID, filters)));
    let feeds: BTreeSet<&(u8, [u8; 32])> = feeds.values().collect();
    all.extend(feeds.into_iter().map(|(kind, feed)| match *kind {
        ORACLE_PYTH_PUSH => account(Pubkey::new_from_array(*feed)),
        _ => program(PYTH_RECEIVER, &[Filter { offset: PULL_FEED_OFFSET, bytes: feed.to_vec() }]),
    }));
    all
}

/// Connects again and again, until nobody listens.
fn listen(url: &str, subscriptions: &[(Value, Option<Pubkey>)], to: &Sender<Said>) {
    let mut wait = RECONNECT.0;
    loop {
        let started = Instant::now();
        if let Err(error) = hear(url, subscriptions, to) {
            tracing::warn!(url, error = format!("{error:#}"), "websocket lost; polling until it is back");
        }
        if to.send(Said::Lost).is_err() {
            return;
        }
        // A connection that held begins with a short wait again.
        wait = if started.elapsed() > RECONNECT.1 { RECONNECT.0 } else { (wait * 2).min(RECONNECT.1) };
        thread::sleep(wait);
    }
}

fn hear(url: &str, subscriptions: &[(Value, Option<Pubkey>)], to: &Sender<Said>) -> Result<()> {
    let (mut socket, _) = tungstenite::connect(url).context("connecting")?;
    match socket.get_ref() {
        tungstenite::stream::MaybeTlsStream::Plain(stream) => stream.set_read_timeout(Some(SILENCE))?,
        tungstenite::stream::MaybeTlsStream::Rustls(stream) => stream.sock.set_read_timeout(Some(SILENCE))?,
        _ => {}
    }
    for (id, (call, _)) in subscriptions.iter().enumerate() {
        let mut call = call.clone();
        (call["jsonrpc"], call["id"]) = (json!("2.0"), json!(id));
        socket.send(Message::text(call.to_string()))?;
    }
    let mut addresses: BTreeMap<u64, Option<Pubkey>> = BTreeMap::new();
    let mut is_asked = false;
    loop {
        let message = match socket.read() {
            Ok(message) => message,
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                if is_asked {
                    bail!("no answer for {SILENCE:?}");
                }
                socket.send(Message::Ping(Vec::new().into()))?;
                is_asked = true;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        is_asked = false;
        let Message::Text(text) = message else { continue };
        let value: Value = serde_json::from_str(&text).context("a message of the endpoint")?;
        if let Some(id) = value["id"].as_u64() {
            let Some(subscription) = value["result"].as_u64() else {
                bail!("a subscription was refused: {}", value["error"]);
            };
            let address = usize::try_from(id).ok().and_then(|id| subscriptions.get(id)).and_then(|(_, key)| *key);
            addresses.insert(subscription, address);
            if addresses.len() == subscriptions.len() && to.send(Said::Subscribed).is_err() {
                return Ok(());
            }
            continue;
        }
        let result = &value["params"]["result"];
        let Some(slot) = result["context"]["slot"].as_u64() else { continue };
        let subscription = value["params"]["subscription"].as_u64().unwrap_or(u64::MAX);
        let seen = match addresses.get(&subscription) {
            Some(Some(address)) => seen(slot, *address, &result["value"])?,
            _ => seen(slot, parse_key(&result["value"]["pubkey"])?, &result["value"]["account"])?,
        };
        if to.send(Said::Changed(seen)).is_err() {
            return Ok(());
        }
    }
}

/// Whether an account is a price account, and of which feed.
pub fn feed_of(seen: &Seen) -> Option<(u8, [u8; 32])> {
    if seen.owner == PYTH_PUSH_PROGRAM {
        return Some((ORACLE_PYTH_PUSH, seen.address.to_bytes()));
    }
    let feed = seen.data.get(PULL_FEED_OFFSET..)?.first_chunk::<32>()?;
    (seen.owner == PYTH_RECEIVER).then_some((ORACLE_PYTH_PULL, *feed))
}
