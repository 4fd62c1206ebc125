//! A keeper that is killed with transactions on their way, once with such that land and once with such that never arrive; and
//! one that lives on while its transactions die.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use plimsoll_keeper::journal::Open;

use super::crowd::{plans, Crowd};
use super::fleet::Bot;
use super::{close, lone, until, until_healthy, Stand};
use crate::demo::report::{Report, Step};
use crate::faults::proxy::Proxy;

/// Number of the market.
const MARKET_ID: u16 = 3;
const POSITIONS: usize = 20;
/// Prices before each of the three, bps of the first ones.
const FALLS: [[u64; 3]; 3] = [[6_900; 3], [5_900; 3], [5_000; 3]];
/// Longest the keeper may take to send.
const SENDS_WITHIN: Duration = Duration::from_secs(30);
/// Longest a blockhash may live, and some.
const DIES_WITHIN: Duration = Duration::from_secs(60);
/// In which what the network lets go of is in a block.
const LANDS: Duration = Duration::from_secs(2);

/// Plays this act.
pub fn play(stand: &Stand, report: &mut Report) -> Result<()> {
    report.heading("Transactions on their way: the keeper is killed, or they die");
    let proxy = Proxy::faithful()?;
    proxy.connect(Some(stand.rpc.to_owned()));
    let mut crowd = Crowd::open(stand.chain, MARKET_ID, &plans(POSITIONS, stand.seed))?;
    let mut bot = lone(stand, &crowd, &proxy.url, Some(stand.websocket))?;

    let (open, held) = killed(&mut crowd, report, &proxy, &mut bot, 0)?;
    proxy.let_go();
    std::thread::sleep(LANDS);
    bot.start()?;
    until_healthy(&crowd, report, "The network lets go of them, and the keeper is started again")?;
    check_fates(report, &bot, &open, &held)?;

    let (open, _) = killed(&mut crowd, report, &proxy, &mut bot, 1)?;
    proxy.drop_held();
    bot.start()?;
    until_healthy(&crowd, report, "The network loses them, and the keeper is started again")?;
    check_fates(report, &bot, &open, &BTreeSet::new())?;

    expired(&mut crowd, report, &proxy, &bot)?;
    close(stand, report, &crowd, vec![bot])
}

/// Prices fall, the keeper sends, the network holds it all back, and the keeper is killed. Returns what its journal has
/// open, and the signatures of what the network has.
fn killed(
    crowd: &mut Crowd,
    report: &mut Report,
    proxy: &Proxy,
    bot: &mut Bot,
    fall: usize,
) -> Result<(Vec<Open>, BTreeSet<String>)> {
    proxy.hold_all();
    crowd.fall(&FALLS[fall])?;
    until("the keeper sends", SENDS_WITHIN, || {
        crowd.publish()?;
        Ok(!proxy.held().is_empty())
    })?;
    bot.kill()?;
    let (open, held) = (bot.journal()?.open_attempts()?, proxy.held());
    report.step(
        Step::new("Prices fall, the keeper sends, and is killed (SIGKILL) before anything arrives")
            .fact("open in its journal", open.len())
            .fact("of those, sent before it died", held.len()),
    );
    // What it died over is written down and not sent.
    let is_known = held.iter().all(|signature| open.iter().any(|open| open.signature == *signature));
    let name = "its journal knows all that the network has";
    report.check(name, "all of at least 1", format!("{is_known}, of {}", held.len()), is_known && !held.is_empty());
    Ok((open, held))
}

/// Checks what the journal says in the end of what was open: what arrived has landed, the rest can no more.
fn check_fates(report: &mut Report, bot: &Bot, open: &[Open], arrived: &BTreeSet<String>) -> Result<()> {
    until("the blockhashes of before are dead", DIES_WITHIN, || {
        let still = bot.journal()?.open_attempts()?;
        Ok(!still.iter().any(|still| open.iter().any(|open| open.signature == still.signature)))
    })?;
    let (mut told, mut expected) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for row in bot.journal()?.rows()? {
        let Some(open) = open.iter().find(|open| row.signature.as_ref() == Some(&open.signature)) else { continue };
        *told.entry(row.attempt.outcome).or_default() += 1;
        let fate = if arrived.contains(&open.signature) { "landed" } else { "expired" };
        *expected.entry(fate.to_owned()).or_default() += 1;
    }
    let is_told = told == expected && told.values().sum::<usize>() == open.len();
    report.check("what its journal says of them now", format!("{expected:?}"), format!("{told:?}"), is_told);
    Ok(())
}

/// The keeper lives, and what it sends never arrives: it is told, and everybody is dealt with when the network is back.
fn expired(crowd: &mut Crowd, report: &mut Report, proxy: &Proxy, bot: &Bot) -> Result<()> {
    let count = || -> Result<usize> {
        let rows = bot.journal()?.rows()?;
        Ok(rows.iter().filter(|row| row.attempt.outcome == "expired").count())
    };
    let before = count()?;
    proxy.hold_all();
    crowd.fall(&FALLS[2])?;
    until("a transaction dies", DIES_WITHIN, || {
        crowd.publish()?;
        Ok(count()? > before)
    })?;
    let waiting = crowd.unhealthy()?.len();
    proxy.drop_held();
    let dead = count()? - before;
    report.step(Step::new("Prices fall, and nothing that the keeper sends arrives").fact("expired so far", dead));
    report.check("positions below one meanwhile", "above 0", waiting, waiting > 0);
    until_healthy(crowd, report, "The network is back")
}
