//! How long a book of a million positions takes for a price: `cargo run --release -p plimsoll-keeper --bin keeper_speed`.
//!
//! Prints one JSON object. Nothing in it is random but the machine.

use std::env;
use std::time::Instant;

use anyhow::{anyhow, Context, Result};
use plimsoll_client::accounts::{Account, Position, Reserve};
use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{MarketState, PositionState, ReserveState, LAYOUT_VERSION};
use plimsoll_engine::Now;
use plimsoll_keeper::book::{Book, Offered};
use serde_json::{json, Value};

/// Positions, where no other number is given.
const POSITIONS: usize = 1_000_000;
/// Tokens; the first is every position's.
const TOKENS: usize = 8;
/// Price updates of a kind: enough that the 99th of a hundred is one of them.
const UPDATES: usize = 100;
/// Looks at everybody.
const LOOKS: usize = 5;
const START: Now = Now { unix: 1_800_000_000, slot: 1_000 };
/// A dollar as a price number.
const DOLLAR: u64 = 100_000_000;

fn key(kind: u8, number: usize) -> Pubkey {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Pubkey::new_from_array(bytes)
}

fn reading(price: u64, now: &Now) -> Reading {
    let publish_time = now.unix;
    Reading {
        price,
        confidence: price / 2_000,
        average: price,
        publish_time,
        slot: now.slot,
        exponent: -8,
        reserved: [0; 3],
    }
}

fn reserve(number: usize) -> Reserve {
    let mut state: ReserveState = bytemuck::Zeroable::zeroed();
    (state.version, state.decimals, state.market) = (LAYOUT_VERSION, 9, key(1, 0).to_bytes());
    state.reading = reading(100 * DOLLAR, &START);
    let risk = &mut state.risk;
    (risk.maintenance_bps, risk.debt_weight_bps, risk.z_x100, risk.horizon_secs) = (8_000, 10_000, 200, 600);
    (risk.spread_bps, risk.impact_sqrt_bps) = (10, 1_000);
    (risk.depth_atoms, risk.depth_floor_atoms) = (1_000_000_000_000_000, 10_000_000_000_000);
    (risk.sigma_floor_bps, risk.sigma_cap_bps, risk.sigma_ref_bps) = (200, 3_000, 500);
    risk.sigma_rise_bps_per_hour = 50;
    state.risk_target = state.risk;
    let policy = &mut state.oracle_policy;
    (policy.borrow_age_secs, policy.liquidate_age_secs, policy.sample_secs) = (60, 1 << 20, 1 << 30);
    (policy.confidence_soft_bps, policy.confidence_hard_bps) = (100, 500);
    (policy.stale_secs, policy.dead_secs) = (1 << 21, 1 << 22);
    state.debt_index = Word128::new(1 << 64);
    (state.accrued_at, state.volatility.moved_at) = (START.unix, START.unix);
    Account { address: key(2, number), state }
}

/// One to three collaterals and a debt or two, at a health from 1.1 to 2.
fn position(number: usize) -> Position {
    let mut state: PositionState = bytemuck::Zeroable::zeroed();
    (state.version, state.market, state.owner) = (LAYOUT_VERSION, key(1, 0).to_bytes(), key(5, number).to_bytes());
    let (collaterals, debts) = (1 + number % 3, 1 + number / 3 % 2);
    let atoms = 10_000_000_000 + (number as u64 * 7_919) % 90_000_000_000;
    for (index, slot) in state.collaterals.iter_mut().take(collaterals).enumerate() {
        let token = if index == 0 { 0 } else { 1 + (number + index) % 3 };
        (slot.reserve, slot.atoms) = (key(2, token).to_bytes(), atoms);
    }
    let all = atoms * collaterals as u64;
    // m and the discount leave about 0.79 of a dollar; owed is that over the health.
    let owed = all / 1_000 * 790 / (1_100 + (number as u64 * 104_729) % 900) * 1_000 / debts as u64;
    for (index, slot) in state.debts.iter_mut().take(debts).enumerate() {
        let token = 4 + (number + index) % 4;
        (slot.reserve, slot.shares) = (key(2, token).to_bytes(), Word128::new(u128::from(owed) << 32));
    }
    (state.collateral_count, state.debt_count) = (collaterals as u8, debts as u8);
    Account { address: key(4, number), state }
}

/// What part of looking at everybody a price took: by what was worked, where that is known, because time that passes on a
/// machine with other work says little.
fn ratio(price: &Value, everybody: &Value) -> Value {
    let of = |told: &Value, key: &str| told["worked"][key].as_f64().or_else(|| told[key].as_f64());
    let part = |key: &str| Some((of(price, key)? / of(everybody, "p50_ms")? * 1e3).round() / 1e3);
    json!({ "p50": part("p50_ms"), "p99": part("p99_ms") })
}

/// Time that passed in each of some works, what all threads worked in it, and the largest number that one returned.
fn measured(times: usize, mut work: impl FnMut(usize) -> usize) -> (Value, usize) {
    let (mut taken, mut worked, mut most) = (Vec::with_capacity(times), Vec::with_capacity(times), 0);
    for number in 0..times {
        let (started, before) = (Instant::now(), worked_secs());
        most = work(number).max(most);
        taken.push(started.elapsed().as_secs_f64());
        worked.extend(before.zip(worked_secs()).map(|(before, after)| after - before));
    }
    let mut told = milliseconds(taken);
    told["worked"] = milliseconds(worked);
    (told, most)
}

/// Milliseconds: half of all, 99 of a hundred, and the longest.
fn milliseconds(mut taken: Vec<f64>) -> Value {
    taken.sort_by(f64::total_cmp);
    let at = |percent: usize| taken.get((taken.len() * percent / 100).min(taken.len().saturating_sub(1))).copied();
    let rounded = |at: Option<f64>| at.map(|secs| (secs * 1e6).round() / 1e3);
    json!({ "p50_ms": rounded(at(50)), "p99_ms": rounded(at(99)), "longest_ms": rounded(taken.last().copied()) })
}

/// Seconds that all threads of this process have run so far, where the system says it (Linux).
fn worked_secs() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let ran = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Some(tasks.flatten().filter_map(ran).sum::<u64>() as f64 / 1e9)
}

/// Updates of one token's price, each another part of a hundred thousand.
fn updates(book: &mut Book, token: usize, now: &mut Now, step: impl Fn(usize, u64) -> u64) -> (Value, usize) {
    let mut price = 100 * DOLLAR;
    measured(UPDATES, |update| {
        now.unix += 1;
        now.slot += 2;
        price = step(update, price);
        let offered = Offered { reading: reading(price, now), price: key(6, token) };
        book.price(&key(2, token), offered, now).len()
    })
}

fn main() -> Result<()> {
    let positions = match env::args().nth(1) {
        Some(text) => text.parse().context("expected a number of positions")?,
        None => POSITIONS,
    };
    let mut now = START;
    let mut book = Book::new(key(1, 0));
    let mut market: MarketState = bytemuck::Zeroable::zeroed();
    (market.version, market.policy.call_level_bps) = (LAYOUT_VERSION, 10_500);
    book.market(&Account { address: key(1, 0), state: market }, 1);
    for number in 0..TOKENS {
        book.reserve(&reserve(number), 1, &now);
    }
    let started = Instant::now();
    for number in 0..positions {
        book.position(&position(number), 1);
    }
    let filled = started.elapsed().as_secs_f64();
    let found = book.tick(&now).len();
    if found > 0 {
        return Err(anyhow!("expected every position to begin healthy; {found} do not"));
    }
    let near = book.counts().near;

    // A calm market: a few hundredths of a percent, up and down.
    let (calm, _) =
        updates(&mut book, 0, &mut now, |update, price| price / 10_000 * if update % 2 == 0 { 10_003 } else { 9_997 });
    // A wild one: two percent each time, up and down.
    let (wild, _) =
        updates(&mut book, 0, &mut now, |update, price| price / 100 * if update % 2 == 0 { 98 } else { 102 });
    // A crash: half a percent down each time, until most of all positions are due.
    let (crash, due) = updates(&mut book, 0, &mut now, |_, price| price / 1_000 * 995);
    let (everybody, due_of_everybody) = measured(LOOKS, |_| book.due_of_everybody());
    let found = book.tick(&now).len();
    if found != due_of_everybody {
        return Err(anyhow!("expected {due_of_everybody} positions to be due; the book finds {found}"));
    }
    println!(
        "{:#}",
        json!({
            "positions": positions,
            "threads": rayon::current_num_threads(),
            "filled_in_secs": (filled * 1e3).round() / 1e3,
            "near_at_first": near,
            "calm": calm,
            "wild": wild,
            "crash": crash,
            "due_at_most": due,
            "everybody": everybody,
            "of_everybody": {
                "calm": ratio(&calm, &everybody), "wild": ratio(&wild, &everybody), "crash": ratio(&crash, &everybody),
            },
        })
    );
    Ok(())
}
