//! Three competing keepers through a crash in steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use plimsoll_client::events::Event;
use plimsoll_keeper::journal::{table, Row};

use super::crowd::{plans, Crowd};
use super::deeds::{self, Deed};
use super::fleet::{Bot, Terms};
use super::{introduced, pools, settle, until_healthy, Stand};
use crate::demo::audit;
use crate::demo::report::{Report, Step};

/// Number of the market.
const MARKET_ID: u16 = 1;
/// Prices of the collaterals after each step, bps of the first ones. The last step leaves some worth less than their debts.
const STEPS: [[u64; 3]; 3] = [[7_600, 8_000, 7_400], [6_800, 7_200, 6_700], [6_400, 6_700, 3_900]];

/// Plays this act.
pub fn play(stand: &Stand, report: &mut Report, positions: usize) -> Result<()> {
    report.heading("Three keepers, and a crash in steps");
    let started = Instant::now();
    let mut crowd = Crowd::open(stand.chain, MARKET_ID, &plans(positions, stand.seed))?;
    let program = stand.pool.as_ref().map(|bytes| pools::open(&crowd, bytes)).transpose()?;
    report.step(
        Step::new(format!("A market opens with {positions} positions"))
            .fact("market", crowd.market.to_string())
            .fact("seconds", super::seconds(started.elapsed())),
    );
    audit::check(stand.chain, report, "before the crash")?;
    let mut bots = fleet(stand, &crowd, program)?;
    bots.iter_mut().try_for_each(Bot::start)?;
    introduced(report, &bots, program);
    for (number, to_bps) in STEPS.iter().enumerate() {
        crowd.fall(to_bps)?;
        if let Some(program) = &program {
            pools::follow(&crowd, program)?;
        }
        until_healthy(&crowd, report, &format!("Step {}", number + 1))?;
    }
    settle(&crowd, &bots)?;
    bots.iter_mut().try_for_each(Bot::stop)?;
    check(stand, report, &crowd, &bots, program.as_ref())
}

/// One lives on what it has and listens; one has nothing, borrows, and sells at once; one is slow and poor.
fn fleet(stand: &Stand, crowd: &Crowd, program: Option<Pubkey>) -> Result<Vec<Bot>> {
    let rich = Terms {
        name: "rich",
        rpc: stand.rpc,
        websocket: Some(stand.websocket),
        poll_ms: 500,
        parallel: 6,
        flash: false,
        chores: true,
        min_profit_usd: "0.10",
        unit_price_max: 0,
        war_chest: 400_000,
        keeps: true,
        pools: None,
    };
    let flash = Terms { name: "flash", parallel: 4, flash: true, war_chest: 0, keeps: false, pools: program, ..rich };
    let slow = Terms {
        name: "slow",
        websocket: None,
        poll_ms: 1_500,
        parallel: 2,
        chores: false,
        min_profit_usd: "2",
        unit_price_max: 10_000,
        war_chest: 30_000,
        ..rich
    };
    [rich, flash, slow].iter().map(|terms| Bot::hire(crowd, &stand.folder, terms)).collect()
}

fn check(stand: &Stand, report: &mut Report, crowd: &Crowd, bots: &[Bot], program: Option<&Pubkey>) -> Result<()> {
    report.heading("Nobody is left, nothing counts twice");
    let (free, below) = crowd.asked()?;
    let got = format!("{:?}", below.iter().map(ToString::to_string).collect::<Vec<_>>());
    report.check("positions below one, by the program's own quotes", "[]", got, below.is_empty());
    let (mut all, mut rows) = (Vec::new(), Vec::new());
    for bot in bots {
        all.extend(deeds::of(stand.chain, bot)?);
        rows.extend(bot.journal()?.rows()?);
    }
    count(report, &all, free, crowd.positions.len() / 4);
    deeds::check_journals(report, &all, &rows, &BTreeSet::new());
    deeds::check_positions(report, crowd, &all, &rows)?;
    deeds::check_money(report, crowd, bots, &all, program)?;
    races(report, &all, &rows);
    audit::check(stand.chain, report, "after the crash")?;
    for bot in bots {
        let journal = bot.journal()?;
        report.step(Step::new(format!("The journal of {}", bot.name)).fact("report", table(&journal.lines(0)?)));
    }
    closing(report, bots)
}

/// What happened to the positions, by the events: at least so many fell below one.
fn count(report: &mut Report, all: &[Deed], free: usize, least: usize) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut fallen, mut terminal) = (BTreeSet::new(), 0);
    for event in all.iter().flat_map(|deed| &deed.events) {
        *counts.entry(event.name()).or_default() += 1;
        if let Event::PositionLiquidated(it) = event {
            fallen.extend((it.health_before_e9 < 1_000_000_000).then_some(it.position));
            terminal += usize::from(it.is_terminal);
        }
    }
    let mut step = Step::new("What the keepers' transactions did")
        .fact("positions that fell below one", fallen.len())
        .fact("sales of positions beyond rescue", terminal)
        .fact("positions without debt now", free);
    for (name, many) in &counts {
        step = step.fact(name, *many);
    }
    report.step(step);
    let expected = format!("at least {least}");
    report.check("positions that fell below one", expected, fallen.len(), fallen.len() >= least);
    let settled = counts.get("DefaultSettled").copied().unwrap_or(0);
    let lost = settled + terminal;
    report.check("positions worth less than their debts were wound up", "above 0", lost, lost > 0);
}

/// Whoever lost a race knows it as that, and not as an error.
fn races(report: &mut Report, all: &[Deed], rows: &[Row]) {
    let failed: BTreeSet<&str> = all.iter().filter(|deed| !deed.landed).map(|deed| deed.signature.as_str()).collect();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.signature.as_deref().is_some_and(|it| failed.contains(it))) {
        *told.entry(row.attempt.outcome.as_str()).or_default() += 1;
    }
    let many: usize = told.values().sum();
    let lost = told.get("lost_race").copied().unwrap_or(0);
    report.check(
        format!("{} transactions failed on the chain, and the journals call them", failed.len()),
        // Where time was let pass between sending and landing, the price offered has grown old.
        "lost races, but for old prices where time passed",
        format!("{told:?}"),
        many == failed.len() && lost > 0 && told.keys().all(|outcome| matches!(*outcome, "lost_race" | "stale_price")),
    );
    let of = |outcome: &str| rows.iter().filter(|row| row.attempt.outcome == outcome).count();
    let races = of("lost_race");
    report.check("races lost, with those lost before sending", "above 0", races, races > 0);
    let errors: Vec<String> = rows
        .iter()
        .filter(|row| matches!(row.attempt.outcome.as_str(), "refused" | "rpc"))
        .map(|row| format!("{} {}: {}", row.attempt.what, row.attempt.outcome, row.attempt.detail))
        .collect();
    let got = if errors.is_empty() { "none".to_owned() } else { errors.join("; ") };
    report.check("attempts that ended in an error", "none", got, errors.is_empty());
}

fn closing(report: &mut Report, bots: &[Bot]) -> Result<()> {
    let mut rows = Vec::new();
    for bot in bots {
        let all = bot.journal()?.rows()?;
        let of = |outcome: &str| all.iter().filter(|row| row.attempt.outcome == outcome).count();
        let (landed, lost) = (of("landed"), of("lost_race"));
        let realised: i64 = all.iter().filter_map(|row| row.attempt.realised_nano_usd).sum();
        let mut late: Vec<i64> = all.iter().filter_map(|row| row.attempt.latency_ms).collect();
        late.sort_unstable();
        rows.push(vec![
            bot.name.to_owned(),
            all.len().to_string(),
            landed.to_string(),
            lost.to_string(),
            (all.len() - landed - lost).to_string(),
            format!("${}", realised / 1_000_000_000),
            format!("{} ms", late.get(late.len() / 2).copied().unwrap_or(0)),
        ]);
    }
    let columns = ["keeper", "attempts", "landed", "lost", "other", "realised", "median latency"];
    report.table("The keepers", &columns, &rows);
    Ok(())
}
