//! The loop: hear, decide, act, write down.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anchor_spl::associated_token::spl_associated_token_account::instruction::create_associated_token_account_idempotent;
use anyhow::{anyhow, Context, Result};
use plimsoll_client::accounts::Reserve;
use plimsoll_client::{Instruction, Pubkey, PROGRAM_ID};
use plimsoll_engine::Now;
use rayon::prelude::*;
use solana_keypair::{read_keypair_file, Keypair};
use solana_signer::Signer;

use crate::act::{Actor, Locks, Outcome, Pricing, Progress};
use crate::book::{Book, Offered, Update};
use crate::build::{self, Built};
use crate::chain::{token_atoms, Chain, Seen};
use crate::config::{Config, VenueTable};
use crate::decide::{
    decide, decide_join, decide_rebalance, decide_reserve, Action, Fees, Purse, Skipped, Terms, Verdict, What,
};
use crate::journal::{Attempt, Journal};
use crate::oracle;
use crate::scene::Leg;
use crate::serve::{collect, serve, unix_ms, Pulse};
use crate::stock;
use crate::tables::Tables;
use crate::venue::Desk;
use crate::watch::{feed_of, Batch, RpcSource, Settings, Source};

mod job;
mod pending;

use job::Job;
use pending::{Origin, Pending};

/// Lamports of a signature.
const SIGNATURE_LAMPORTS: u64 = 5_000;
/// Between two looks at a quiet market.
const QUIET: Duration = Duration::from_secs(1);
/// Between two looks at what is on its way.
const BUSY: Duration = Duration::from_millis(200);
/// Between two snapshots while a websocket brings changes.
const RESNAPSHOT: Duration = Duration::from_secs(60);
/// Between two looks at which prices of the venue are wanted.
const WANTED: Duration = Duration::from_secs(5);
/// Positions that are decided about in one round: in a crash more may be due than anybody could deal with before the next
/// price. The others have their turn in the rounds that follow.
const DECIDED_MAX: usize = 8_192;
/// Token accounts that one transaction opens.
const WALLETS_AT_ONCE: usize = 6;

/// What a round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Whether it began with a snapshot.
    pub had_snapshot: bool,
    /// Actions with what came of them.
    pub done: Vec<(Pubkey, &'static str, Outcome)>,
    /// What was left alone.
    pub skipped: Vec<Skipped>,
    /// Actions that had to wait for the next round.
    pub left: usize,
    /// Transactions on their way.
    pub underway: usize,
}

impl Round {
    /// Whether all that was decided is done.
    pub fn is_finished(&self) -> bool {
        self.left == 0 && self.underway == 0
    }

    /// How long the next round may wait for news.
    fn patience(&self) -> Duration {
        match (self.left, self.underway) {
            (0, 0) => QUIET,
            (_, 0) => Duration::ZERO,
            _ => BUSY,
        }
    }
}

/// A keeper at work.
pub struct Keeper<S> {
    config: Config,
    chain: Arc<Chain>,
    key: Keypair,
    source: S,
    book: Book,
    locks: Locks,
    desk: Desk,
    tables: Tables,
    /// Where those whose turn it is begin.
    looked: usize,
    /// When the venue was last told what is wanted of it.
    wanted_at: Option<Instant>,
    /// A SOL, nano-dollars, for what transactions cost.
    sol_nano_usd: u64,
    journal: Journal,
    pending: Vec<Pending>,
    pulse: Arc<Pulse>,
    /// Token accounts that are there.
    wallets: HashSet<Pubkey>,
    /// The keeper's tokens when they were last counted.
    purse: Purse,
    /// The slot of that.
    purse_slot: u64,
}

/// Runs a keeper until it is told to stop, or for one round.
///
/// # Errors
/// Where it cannot begin: key, journal, address. What happens later is logged, and tried again.
pub fn run(config: Config, once: bool) -> Result<()> {
    start_logs(&config.log)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, stop.clone()).context("listening to signals")?;
    }
    let pulse = Arc::new(Pulse::default());
    if let Some(listen) = config.listen {
        // Three polls unheard, and no less than half a minute.
        let poll_ms = i64::try_from(config.poll.as_millis()).unwrap_or(i64::MAX);
        let address = serve(listen, collect()?, pulse.clone(), poll_ms.saturating_mul(3).max(30_000))?;
        tracing::info!(%address, "serving /healthz and /metrics");
    }
    let mut keeper = Keeper::over_rpc(config, pulse)?;
    tracing::info!(
        keeper = %keeper.key.pubkey(), market = %keeper.config.market, dry_run = keeper.config.is_dry_run, "watching"
    );
    let (mut patience, mut has_looked, mut known) = (QUIET, false, HashSet::new());
    while !stop.load(Ordering::Relaxed) {
        match keeper.round(patience) {
            Ok(round) => {
                has_looked |= round.had_snapshot;
                if once {
                    // What was only simulated is due again in a while; one look deals with each once.
                    let is_news = round.done.iter().filter(|(subject, ..)| known.insert(*subject)).count() > 0;
                    if has_looked && (round.is_finished() || (round.underway == 0 && !is_news)) {
                        break;
                    }
                }
                patience = round.patience();
            }
            Err(error) if once => return Err(error),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "this round failed; trying again");
                std::thread::sleep(QUIET);
            }
        }
    }
    tracing::info!("stopped");
    Ok(())
}

fn start_logs(filter: &str) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| anyhow!("`log` should be a log filter such as \"info\": {error}"))?;
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(|error| anyhow!("logs: {error}"))
}

impl Keeper<RpcSource> {
    /// A keeper that watches over RPC.
    ///
    /// # Errors
    /// Where there is no key or journal.
    pub fn over_rpc(config: Config, pulse: Arc<Pulse>) -> Result<Self> {
        let chain = Arc::new(Chain::new(&config.rpc));
        let settings = Settings {
            market: config.market,
            websocket: config.websocket.clone(),
            poll: config.poll,
            resnapshot: RESNAPSHOT.max(config.poll),
        };
        let source = RpcSource::new(chain.clone(), settings);
        Self::new(config, chain, source, pulse)
    }
}

impl<S: Source> Keeper<S> {
    /// A keeper of any source.
    ///
    /// # Errors
    /// Where there is no key or journal.
    pub fn new(config: Config, chain: Arc<Chain>, source: S, pulse: Arc<Pulse>) -> Result<Self> {
        let path = config.key.display();
        let key = read_keypair_file(&config.key).map_err(|error| {
            anyhow!("expected a key at {path}: {error}. Make one with `solana-keygen new -o {path}`, or name another in [wallet]")
        })?;
        let journal = Journal::open(&config.journal)?;
        let mut locks = Locks::default();
        Ok(Self {
            book: Book::new(config.market),
            desk: stock::desk(&config.venue)?,
            tables: Tables::default(),
            looked: 0,
            wanted_at: None,
            sol_nano_usd: config.sol_nano_usd,
            pending: pending::left_behind(&journal, &mut locks)?,
            locks,
            wallets: HashSet::new(),
            purse: Purse::default(),
            purse_slot: 0,
            config,
            chain,
            key,
            source,
            journal,
            pulse,
        })
    }

    /// The keeper's address.
    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    /// Waits for news at most so long, then does what there is to do.
    ///
    /// # Errors
    /// Where no endpoint answers, or the journal cannot be written.
    pub fn round(&mut self, timeout: Duration) -> Result<Round> {
        let batch = self.source.next(timeout)?;
        let now = self.chain.now()?;
        let had_snapshot = matches!(batch, Batch::Snapshot { .. });
        self.take(batch, &now);
        self.pulse.beat();
        if self.book.market_state().is_none() {
            tracing::warn!(market = %self.config.market, "there is no such market here yet");
            return Ok(Round { had_snapshot, ..Round::default() });
        }
        let mut done = Vec::new();
        self.look_at_pending(&mut done)?;
        let due = self.book.tick(&now);
        let counts = self.book.counts();
        for (name, number) in [
            ("keeper_positions", counts.positions),
            ("keeper_positions_near", counts.near),
            ("keeper_positions_due", due.len()),
            ("keeper_reserves", counts.reserves),
        ] {
            metrics::gauge!(name).set(number as f64);
        }
        metrics::gauge!("keeper_slot").set(now.slot as f64);
        // Only who may spend must know what there is.
        if had_snapshot || !due.is_empty() {
            self.purse = self.count_purse(&now)?;
        }
        self.ask_venue();
        let mut purse = self.purse.clone();
        self.set_aside(&mut purse);
        let mut verdict = self.decide(&due, &purse, &now);
        // Trades first: what they leave is counted anew with the next snapshot.
        if had_snapshot && !verdict.actions.iter().any(|action| matches!(action.what, What::Liquidate(_))) {
            verdict.merge(self.rebalance(&purse, &now));
        }
        for Skipped { subject, what, reason, .. } in &verdict.skipped {
            metrics::counter!("keeper_skipped_total", "what" => *what, "reason" => reason.name()).increment(1);
            tracing::debug!(%subject, what, reason = reason.name(), "left alone");
        }
        let left = self.act(verdict.actions, purse, &now, &mut done)?;
        Ok(Round { had_snapshot, done, skipped: verdict.skipped, left, underway: self.pending.len() })
    }

    fn take(&mut self, batch: Batch, now: &Now) {
        let (accounts, snapshot_slot) = match batch {
            Batch::Snapshot { slot, accounts } => (accounts, Some(slot)),
            Batch::Changes(accounts) => (accounts, None),
        };
        // Reserves first: a price means nothing without its reserve.
        for seen in accounts.iter().filter(|seen| seen.owner == PROGRAM_ID || seen.data.is_empty()) {
            let Seen { slot, address, owner, data } = seen;
            let update = Update { slot: *slot, address: *address, owner: *owner, data };
            if let Err(error) = self.book.take(&update, now) {
                tracing::warn!(%address, %error, "an account of the program cannot be read");
            }
        }
        for seen in &accounts {
            self.take_price(seen, now);
        }
        if let Some(slot) = snapshot_slot {
            let present: HashSet<Pubkey> = accounts.iter().map(|seen| seen.address).collect();
            self.book.forget_missing(&present, slot);
        }
    }

    fn take_price(&mut self, seen: &Seen, now: &Now) {
        let Some((kind, feed)) = feed_of(seen) else { return };
        let priced: Vec<Reserve> = self
            .book
            .reserves()
            .map(|leg| leg.reserve)
            .filter(|reserve| reserve.state.oracle_kind == kind && reserve.state.oracle == feed)
            .collect();
        for reserve in priced {
            match oracle::read(&reserve.state, &seen.address, &seen.owner, &seen.data, now) {
                Ok(reading) => {
                    self.book.price(&reserve.address, Offered { reading, price: seen.address }, now);
                }
                Err(reason) => {
                    tracing::debug!(price = %seen.address, reason, "a price that the program would not take")
                }
            }
        }
    }

    /// Tells an aggregator which of its prices are wanted, and takes over those it gave.
    fn ask_venue(&mut self) {
        let (Desk::Aggregator(venue), VenueTable::Jupiter(table)) = (&mut self.desk, &self.config.venue) else {
            return;
        };
        if self.wanted_at.is_none_or(|at| at.elapsed() >= WANTED) {
            self.wanted_at = Some(Instant::now());
            let legs: Vec<Leg> = self.book.reserves().collect();
            let bounded: Vec<Pubkey> = self.config.inventory.keys().copied().collect();
            let near = self.book.near_pairs();
            venue.want(stock::wanted(&near, &legs, self.config.rebalance.as_ref(), &bounded, table));
        }
        venue.look();
    }

    /// What to exchange of the keeper's own tokens.
    fn rebalance(&self, purse: &Purse, now: &Now) -> Verdict {
        let Some(how) = &self.config.rebalance else { return Verdict::default() };
        let (legs, at): (Vec<Leg>, Instant) = (self.book.reserves().collect(), Instant::now());
        let mut verdict = self.with_terms(purse, |terms| decide_rebalance(&legs, how, now, terms));
        // Counted before the last exchange was seen, they would only be exchanged twice.
        verdict.actions.retain(|action| self.locks.is_free(&action.subject, Some(self.purse_slot), at));
        verdict
    }

    /// Takes what the price account of SOL says; where it says nothing good, what the file says.
    fn price_sol(&mut self, seen: &Seen, now: &Now) {
        let Some((_, age_max_secs)) = self.config.sol_price else { return };
        let price = stock::sol_nano_usd(seen, age_max_secs, now);
        metrics::gauge!("keeper_sol_price_fallback").set(f64::from(u8::from(price.is_err())));
        self.sol_nano_usd = price.unwrap_or_else(|reason| {
            tracing::warn!(account = %seen.address, reason, "the price of SOL is the file's");
            self.config.sol_nano_usd
        });
    }

    /// The keeper's tokens, what lies in the pools of the test market, and what a SOL costs.
    fn count_purse(&mut self, now: &Now) -> Result<Purse> {
        let reserves: Vec<Reserve> = self.book.reserves().map(|leg| leg.reserve).collect();
        let owner = self.key.pubkey();
        let wallets: Vec<Pubkey> = reserves.iter().map(|reserve| reserve.token_account(&owner)).collect();
        let mut asked = wallets.clone();
        if let Desk::Pools(pools) = &self.desk {
            let pairs = reserves.iter().flat_map(|one| reserves.iter().map(move |other| (one, other)));
            let vaults = pairs
                .filter(|(one, other)| one.address != other.address)
                .map(|(one, other)| pools.vaults(one, other).0);
            asked.extend(vaults.collect::<BTreeSet<_>>());
        }
        asked.extend(self.config.sol_price.map(|(account, _)| account));
        let mut found = self.chain.accounts(&asked)?;
        if let Some(seen) = self.config.sol_price.and_then(|_| found.pop()) {
            self.price_sol(&seen, now);
        }
        let atoms = |seen: &Seen| token_atoms(&seen.data);
        let mut purse = Purse { atoms: BTreeMap::new(), bounds: self.config.inventory.clone() };
        for ((reserve, wallet), seen) in reserves.iter().zip(&wallets).zip(&found) {
            purse.atoms.insert(reserve.mint(), atoms(seen));
            if !seen.data.is_empty() {
                self.wallets.insert(*wallet);
            }
        }
        self.purse_slot = found.iter().map(|seen| seen.slot).min().unwrap_or(0);
        if let Desk::Pools(pools) = &mut self.desk {
            for seen in found.iter().skip(wallets.len()) {
                pools.see(seen.address, atoms(seen));
            }
        }
        self.open_wallets(&reserves)?;
        Ok(purse)
    }

    /// Opens the token accounts that are missing: a seizure has to go somewhere.
    fn open_wallets(&mut self, reserves: &[Reserve]) -> Result<()> {
        let owner = self.key.pubkey();
        let missing: Vec<&Reserve> =
            reserves.iter().filter(|reserve| !self.wallets.contains(&reserve.token_account(&owner))).collect();
        if self.config.is_dry_run {
            return Ok(());
        }
        for some in missing.chunks(WALLETS_AT_ONCE) {
            let open = |reserve: &&Reserve| {
                create_associated_token_account_idempotent(&owner, &owner, &reserve.mint(), &reserve.token_program())
            };
            let instructions: Vec<Instruction> = some.iter().map(open).collect();
            let progress = self.actor().carry_out(&Built::from(instructions), || false, |_, _| Ok(()));
            let Progress::Done(outcome) = progress else {
                return Err(anyhow!("opening token accounts: not confirmed yet"));
            };
            tracing::info!(
                count = some.len(),
                outcome = outcome.name(),
                detail = outcome.detail(),
                "opening token accounts"
            );
            if let Outcome::Rpc(error) | Outcome::Refused(error) = &outcome {
                return Err(anyhow!("opening token accounts: {error}. Has {owner} SOL for rent and fees?"));
            }
            if outcome == Outcome::NoFunds {
                return Err(anyhow!(
                    "opening token accounts: {owner} has too little SOL for rent and fees; send it some"
                ));
            }
        }
        Ok(())
    }

    fn actor(&self) -> Actor<'_> {
        let pricing = Pricing { unit_price_max: self.config.unit_price_max, tip: self.config.tip };
        Actor {
            chain: &self.chain,
            tables: &self.tables,
            own_tables: &self.config.lookup_tables,
            key: &self.key,
            pricing,
            is_dry_run: self.config.is_dry_run,
        }
    }

    fn with_terms<T>(&self, purse: &Purse, then: impl FnOnce(&Terms) -> T) -> T {
        let fees = Fees {
            signature_lamports: SIGNATURE_LAMPORTS,
            // What it may come to, so that no profit hangs on a guess.
            unit_price_micro_lamports: self.config.unit_price_max,
            tip_lamports: self.config.tip.map_or(0, |(lamports, _)| lamports),
            sol_nano_usd: self.sol_nano_usd,
        };
        then(&Terms {
            min_profit_nano_usd: self.config.min_profit_nano_usd.into(),
            does_chores: self.config.does_chores,
            uses_flash: self.config.uses_flash,
            tolerance_bps: self.config.tolerance_bps,
            fees,
            purse,
            lists: &self.config.lists,
            venue: self.desk.venue(),
        })
    }

    /// What to do about all that is due and free, most profitable first.
    fn decide(&mut self, due: &[Pubkey], purse: &Purse, now: &Now) -> Verdict {
        let (mut verdict, at) = (Verdict::default(), Instant::now());
        self.with_terms(purse, |terms| {
            let is_free = |position: &&Pubkey| self.locks.is_free(position, self.book.position_sequence(position), at);
            let free: Vec<Pubkey> = due.iter().filter(is_free).copied().collect();
            let some = turn(&free, self.looked, DECIDED_MAX);
            let scenes = some.par_iter().filter_map(|position| self.book.scene(position, *now));
            verdict.merge_all(scenes.map(|scene| decide(&scene, terms)).collect::<Vec<_>>());
            for leg in self
                .book
                .reserves()
                .filter(|leg| self.locks.is_free(&leg.reserve.address, Some(leg.reserve.state.sequence), at))
            {
                verdict.merge(decide_reserve(&leg, self.config.refresh_secs, now, terms));
            }
            let pools: Vec<_> = self.book.pools().collect();
            for provider in self.book.providers().filter(|it| self.locks.is_free(&it.address, None, at)) {
                let key = Pubkey::new_from_array(provider.state.backstop);
                if let Some(pool) = pools.iter().find(|pool| pool.address == key) {
                    verdict.merge(decide_join(pool, &provider, now, terms));
                }
            }
        });
        self.looked = self.looked.wrapping_add(DECIDED_MAX);
        verdict
    }

    /// Carries out the best of what was decided, as many as may be on their way at a time. The others come again in the next
    /// round, which knows what these left. Each is decided once more with the money that is left by then. Returns how many have
    /// to wait.
    fn act(
        &mut self,
        actions: Vec<Action>,
        mut purse: Purse,
        now: &Now,
        done: &mut Vec<(Pubkey, &'static str, Outcome)>,
    ) -> Result<usize> {
        let room = self.config.parallel.saturating_sub(self.pending.len());
        if room == 0 {
            return Ok(actions.len());
        }
        let (mut jobs, mut actions) = (Vec::new(), actions.into_iter());
        for action in actions.by_ref() {
            let (subject, what) = (action.subject, action.what.name());
            match self.job(action, &mut purse, now) {
                Ok(Some(job)) => jobs.push(job),
                Ok(None) => {}
                Err(error) => tracing::warn!(%subject, what, %error, "no transaction can be made of it"),
            }
            if jobs.len() >= room {
                break;
            }
        }
        jobs.iter().for_each(|job| self.locks.hold(job.action.subject, job.sequence));
        let (actor, venue, journal) = (self.actor(), self.desk.venue(), &self.journal);
        let carried_out: Vec<(Progress, Option<i64>)> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                jobs.iter().map(|job| scope.spawn(|| job.carry_out(&actor, venue, journal))).collect();
            let failed = || (Progress::Done(Outcome::Refused("the thread of this action failed".to_owned())), None);
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| failed())).collect()
        });
        let mut written = Ok(());
        for (job, (progress, row)) in jobs.into_iter().zip(carried_out) {
            let subject = job.action.subject;
            let outcome = match (progress, row) {
                (Progress::Underway(underway), Some(row)) => {
                    self.pending.push(Pending { row, subject, underway, origin: Origin::Job(Box::new(job)) });
                    continue;
                }
                (Progress::Done(outcome), _) => outcome,
                // Nothing is sent without a row.
                (Progress::Underway(_), None) => Outcome::Expired,
            };
            self.locks.release(subject, &outcome, Instant::now());
            // A journal that cannot be written must not leave the others held for ever.
            written = written.and(self.write_down(&job, &outcome, row));
            done.push((subject, job.action.what.name(), outcome));
        }
        written.map(|()| actions.count())
    }

    /// What is to be done for an action. None where the money it counted on is spent by those before it.
    fn job(&self, action: Action, purse: &mut Purse, now: &Now) -> Result<Option<Job>, build::Unbuildable> {
        let at_ms = unix_ms();
        let job = |action, scene, legs, built, sequence| Ok(Some(Job { action, scene, legs, built, sequence, at_ms }));
        match action.what {
            What::Refresh | What::Notice => {
                let built = build::reserve_instructions(&action)?;
                let reserve = self.book.reserves().find(|leg| leg.reserve.address == action.subject);
                let sequence = reserve.map(|leg| leg.reserve.state.sequence);
                return job(action, None, Vec::new(), Some(built), sequence);
            }
            What::Rebalance(exchange) => {
                let leg = |reserve: Pubkey| self.book.reserves().find(|leg| leg.reserve.address == reserve);
                let legs = [leg(exchange.from), leg(exchange.to)].into_iter().flatten().collect();
                return job(action, None, legs, None, Some(self.purse_slot));
            }
            What::Join => {
                let provider = self.book.providers().find(|provider| provider.address == action.subject);
                let provider = provider.ok_or(build::Unbuildable::Misfit)?;
                let pool = self.book.pools().find(|pool| pool.address.to_bytes() == provider.state.backstop);
                let pool = pool.ok_or(build::Unbuildable::Misfit)?;
                let reserve = self.book.reserves().find(|leg| leg.reserve.address.to_bytes() == pool.state.reserve);
                let reserve = reserve.ok_or(build::Unbuildable::Misfit)?.reserve;
                let built = build::join_instructions(&pool, &provider, &reserve);
                return job(action, None, Vec::new(), Some(built), None);
            }
            _ => {}
        }
        let scene = self.book.scene(&action.subject, *now).ok_or(build::Unbuildable::Misfit)?;
        let again = self.with_terms(purse, |terms| decide(&scene, terms));
        let Some(action) = again.actions.into_iter().next() else { return Ok(None) };
        let (legs, sequence) = (scene.legs.clone(), Some(scene.position.state.sequence));
        let job = Job { action, scene: Some(scene), legs, built: None, sequence, at_ms };
        job.spend(purse);
        Ok(Some(job))
    }

    /// Writes down what came of an action: in its row, where it was sent.
    fn write_down(&self, job: &Job, outcome: &Outcome, row: Option<i64>) -> Result<()> {
        let what = job.action.what.name();
        let landed = match outcome {
            Outcome::Landed(landed) => Some(landed),
            _ => None,
        };
        let realised = landed.map(|landed| job.realised_nano_usd(landed, self.sol_nano_usd));
        let latency_ms = landed.and_then(|_| job.latency_ms(unix_ms()));
        metrics::counter!("keeper_actions_total", "what" => what, "outcome" => outcome.name()).increment(1);
        if let Some(ms) = latency_ms {
            metrics::histogram!("keeper_trigger_latency_seconds").record(ms as f64 / 1_000.0);
        }
        if let Some(realised) = realised {
            metrics::gauge!("keeper_realised_profit_usd").increment(realised as f64 / 1e9);
        }
        let attempt = job.attempt().decided(outcome, realised, latency_ms);
        tracing::info!(
            subject = %job.action.subject, what, outcome = outcome.name(), detail = outcome.detail(),
            expected_nano_usd = attempt.expected_nano_usd, realised_nano_usd = realised, latency_ms, "done"
        );
        match row {
            Some(row) => self.journal.decide(row, &attempt),
            None => self.journal.record(&attempt),
        }
    }
}

/// So many of all, from a place on, and round to the front where the end is reached.
fn turn(all: &[Pubkey], from: usize, most: usize) -> Vec<Pubkey> {
    if all.len() <= most {
        return all.to_vec();
    }
    all.iter().cycle().skip(from % all.len()).take(most).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_his_turn() {
        let all: Vec<Pubkey> = (0..10).map(|number| Pubkey::new_from_array([number; 32])).collect();
        assert_eq!(turn(&all, 7, 10), all, "few are all decided about");
        let mut seen = HashSet::new();
        for round in 0..4 {
            seen.extend(turn(&all, round * 3, 3));
        }
        assert_eq!(seen.len(), 10);
        assert_eq!(turn(&all, 9, 3), [all[9], all[0], all[1]]);
    }
}
