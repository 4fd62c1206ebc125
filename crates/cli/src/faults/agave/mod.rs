//! The story on a validator with a ledger: killed between transactions, while two liquidators send for the same positions, and with
//! transactions on their way, and started again on its ledger each time.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use plimsoll_client::PROGRAM_ID;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Keypair;
use solana_signer::Signer;

mod genesis;
mod killed;
mod site;

use self::genesis::Feeds;
use self::killed::Host;
use self::site::Site;
use super::first::{self, contest, none_is_unhealthy, one_wins, unhealthy, FALLEN_CENTS};
use super::ledger::Ledger;
use super::proxy::Proxy;
use super::scene::{self, Scene};
use super::{count, runs, second, Args};
use crate::chain::Chain;
use crate::demo::audit;
use crate::demo::report::{Report, Step};

/// A program of the genesis can be called from this slot on.
const READY: u64 = 2;

/// Plays it.
pub fn play(binary: &Path, args: &Args, report: &mut Report) -> Result<()> {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).context("the time")?.as_secs();
    let (feeds, accounts) = genesis::begin(i64::try_from(unix)?)?;
    let payer = Keypair::new();
    report.heading("A validator with a ledger");
    let site = Site::new(binary, &args.log, &args.so, payer.pubkey(), accounts)?;
    let proxy = Proxy::start(args.seed)?;
    let mut node = site.start()?;
    node.reach(READY, CommitmentConfig::confirmed())?;
    proxy.connect(Some(site.rpc()));
    let chain = Chain::with_payer(&proxy.url, payer)?;
    let version = chain.rpc().get_version().context("the validator's version")?.solana_core;
    report.step(
        Step::new("It begins with the program and with prices that nobody will publish anew")
            .fact("version", version)
            .fact("rpc", site.rpc())
            .fact("program", PROGRAM_ID.to_string()),
    );
    runs(&chain, report)?;

    let mut ledger = Ledger::default();
    let Feeds { first, fallen } = feeds;
    let mut scene = scene::set_under(&chain, report, &mut ledger, first, genesis::patient)?;
    let host = Host { site: &site, proxy: &proxy, node, killed_at: 0 };
    let host = lend(&scene, report, &mut ledger, host)?;
    (scene.cast.sol.feed, scene.cast.cents) = (fallen, FALLEN_CENTS);
    let host = fall(&scene, report, &mut ledger, host)?;

    report.heading("It dies with transactions on their way, and the client goes on as if nothing had happened");
    let host = killed::on_their_way(&scene, report, &mut ledger, host)?;
    audit::check(&chain, report, "after that")?;

    report.heading("Everybody leaves");
    second::leave(&scene, report, &mut ledger)?;
    ledger.check(&chain, report, &scene.listings(), "at the end")?;
    second::close(&scene, report, &ledger)?;
    audit::check(&chain, report, "at the end")?;
    count(&chain, report, &proxy, args.seed);
    drop(host);
    Ok(())
}

/// Lending and borrowing; the validator dies in between.
fn lend<'a>(scene: &Scene, report: &mut Report, ledger: &mut Ledger, host: Host<'a>) -> Result<Host<'a>> {
    let chain = scene.cast.chain;
    report.heading("Lending and borrowing, all at the same time");
    first::open(scene, report, ledger)?;
    for debt in 0..scene.cast.debts.len() {
        first::borrow(scene, report, ledger, debt)?;
    }
    audit::check(chain, report, "before the first kill")?;

    report.heading("The validator dies when everything has just been confirmed, and starts again from its ledger");
    first::twins(scene, report, ledger)?;
    let host = killed::at_rest(scene, report, ledger, host)?;
    audit::check(chain, report, "after that")?;
    Ok(host)
}

/// The price falls; the validator dies while two liquidators want the same.
fn fall<'a>(scene: &Scene, report: &mut Report, ledger: &mut Ledger, host: Host<'a>) -> Result<Host<'a>> {
    report.heading("The price falls; the validator dies while two liquidators want the same");
    let fallen: Vec<usize> = unhealthy(scene)?;
    report.equal("borrowers below one", format!("{:?}", [0, 1, 2]), format!("{fallen:?}"));
    let title = "Both liquidators send for all of them";
    let (mut host, rivals) =
        killed::under(scene, report, host, |report| contest(scene, report, ledger, &fallen, title))?;
    for (index, pair) in fallen.iter().zip(&rivals) {
        one_wins(report, scene.borrowers[*index].name, pair, "Healthy");
    }
    killed::survived(scene, report, ledger, &mut host)?;
    none_is_unhealthy(scene, report)?;
    audit::check(scene.cast.chain, report, "after the liquidations")?;
    Ok(host)
}
