//! The validator dies with a keeper at work, and another goes on from its accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};

use super::crowd::{plans, Crowd};
use super::link::Link;
use super::{close_with, deeds, lone, until, until_healthy, Stand};
use crate::chain::Chain;
use crate::demo::report::{Report, Step};
use crate::faults::dump::Dump;
use crate::faults::validator::Validator;

/// Number of the market.
const MARKET_ID: u16 = 4;
const POSITIONS: usize = 20;
/// Prices with the first validator and with the second, bps of the first ones.
const FALLS: [[u64; 3]; 2] = [[6_200; 3], [5_200; 3]];
/// Longest the keeper may take until something has landed.
const LANDS_WITHIN: Duration = Duration::from_secs(60);
/// In which what the validator has is in a block.
const SETTLES: Duration = Duration::from_millis(500);

/// Plays this act.
pub fn play(
    stand: &Stand,
    report: &mut Report,
    old: Validator,
    start: impl FnOnce() -> Result<Validator>,
) -> Result<()> {
    report.heading("The validator dies, and another goes on");
    let (rpc, websocket) = (Link::to(stand.rpc)?, Link::to(stand.websocket)?);
    let mut crowd = Crowd::open(stand.chain, MARKET_ID, &plans(POSITIONS, stand.seed))?;
    let bot = lone(stand, &crowd, &rpc.url("http"), Some(&websocket.url("ws")))?;
    crowd.fall(&FALLS[0])?;
    until("something lands", LANDS_WITHIN, || {
        crowd.publish()?;
        Ok(bot.journal()?.rows()?.iter().any(|row| row.attempt.outcome == "landed"))
    })?;
    // Nothing more gets in, so that the dump is of one moment.
    let dropped = rpc.cut() + websocket.cut();
    std::thread::sleep(SETTLES);
    let left = crowd.unhealthy()?.len();
    let before = deeds::of(stand.chain, &bot)?;
    let dump = Dump::take(stand.chain)?;
    let at = old.id();
    old.kill()?;
    let known: BTreeSet<String> = bot
        .journal()?
        .rows()?
        .iter()
        .filter(|row| row.attempt.outcome == "landed")
        .filter_map(|row| row.signature.clone())
        .collect();
    let unseen: BTreeSet<String> = before
        .iter()
        .filter(|deed| deed.landed && !known.contains(&deed.signature))
        .map(|deed| deed.signature.clone())
        .collect();
    report.step(
        Step::new(format!("Validator {at} is killed with the keeper at work"))
            .fact("connections dropped", dropped)
            .fact("accounts", dump.len())
            .fact("positions still below one", left)
            .fact("landed, and the keeper had no time to see it", unseen.len()),
    );

    let new = start()?;
    let chain = Chain::with_payer(&new.rpc, stand.chain.payer().insecure_clone())?;
    dump.restore(&chain)?;
    let restored = Dump::take(&chain)?;
    report.equal("accounts that are not as they were", 0, dump.differing(&restored).len());
    let (was, is) = (dump.time(), restored.time());
    let goes_on = is.0 >= was.0 && is.1 >= was.1;
    report.check("unix time and slot go on", format!("at least {was:?}"), format!("{is:?}"), goes_on);

    rpc.mend(&new.rpc)?;
    websocket.mend(&new.websocket)?;
    let mut crowd = Crowd { chain: &chain, ..crowd };
    crowd.publish()?;
    until_healthy(&crowd, report, &format!("Validator {} goes on from its accounts", new.id()))?;
    crowd.fall(&FALLS[1])?;
    until_healthy(&crowd, report, "Prices fall once more")?;
    let after = deeds::of(&chain, &bot)?;
    let anew = after.iter().filter(|deed| deed.landed).count();
    report.check("transactions on the second validator", "above 0", anew, anew > 0);
    let stand = Stand { chain: &chain, folder: stand.folder.clone(), ..*stand };
    close_with(&stand, report, &crowd, vec![bot], before, &unseen).context("closing")
}
