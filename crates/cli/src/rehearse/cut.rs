//! A keeper whose network is cut for some seconds while prices fall.

use std::time::Duration;

use anyhow::Result;

use super::crowd::{plans, Crowd};
use super::link::Link;
use super::{close, lone, until, until_healthy, Stand};
use crate::demo::report::{Report, Step};

/// Number of the market.
const MARKET_ID: u16 = 2;
const POSITIONS: usize = 20;
/// Prices before, during and after the cut, bps of the first ones.
const FALLS: [[u64; 3]; 3] = [[7_200; 3], [6_000; 3], [5_100; 3]];
/// How long nothing comes through.
const CUT: Duration = Duration::from_secs(5);
/// Longest the websocket may take to be back: it waits longer with every attempt.
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Plays this act.
pub fn play(stand: &Stand, report: &mut Report) -> Result<()> {
    report.heading("The network is cut");
    let (rpc, websocket) = (Link::to(stand.rpc)?, Link::to(stand.websocket)?);
    let mut crowd = Crowd::open(stand.chain, MARKET_ID, &plans(POSITIONS, stand.seed))?;
    let bot = lone(stand, &crowd, &rpc.url("http"), Some(&websocket.url("ws")))?;
    crowd.fall(&FALLS[0])?;
    until_healthy(&crowd, report, "Prices fall")?;

    let used = rpc.through();
    let (requests, streams) = (rpc.cut(), websocket.cut());
    crowd.fall(&FALLS[1])?;
    crowd.publish()?;
    let fallen = crowd.unhealthy()?;
    std::thread::sleep(CUT);
    let waiting = crowd.unhealthy()?;
    report.step(
        Step::new(format!("Nothing comes through for {CUT:?}, and prices fall"))
            .fact("connections dropped", requests + streams)
            .fact("positions that fell below one", fallen.len()),
    );
    // The websocket stands open all the time; a request may just have ended.
    report.check("requests that went this way before", "at least 1", used, used >= 1);
    report.check("websockets dropped", "at least 1", streams, streams >= 1);
    let is_cut = waiting == fallen && !fallen.is_empty();
    report.check("nobody is dealt with meanwhile", fallen.len(), waiting.len(), is_cut);

    rpc.mend(stand.rpc)?;
    websocket.mend(stand.websocket)?;
    until_healthy(&crowd, report, "The line is mended; who fell meanwhile is found")?;
    until("the websocket is back", BACK_WITHIN, || {
        crowd.publish()?;
        Ok(websocket.through() > 0)
    })?;
    crowd.fall(&FALLS[2])?;
    until_healthy(&crowd, report, "The websocket is back, and prices fall once more")?;
    let logged = bot.logged()?;
    for words in ["this round failed; trying again", "websocket lost; polling until it is back"] {
        report.check("the log tells", words, logged.contains(words), logged.contains(words));
    }
    close(stand, report, &crowd, vec![bot])
}
