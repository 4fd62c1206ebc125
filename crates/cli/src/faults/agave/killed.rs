//! The validator is killed, and started again on its ledger.

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, Context, Result};
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Signature;

use super::site::{Node, Site};
use crate::chain::{Chain, Order};
use crate::demo::report::{Report, Step};
use crate::faults::ledger::Ledger;
use crate::faults::proxy::Proxy;
use crate::faults::restart;
use crate::faults::scene::{Deed, Scene};

/// How many are in a block, of what is on its way, when the validator dies.
const IN_A_BLOCK: usize = 2;
/// Sendings that the validator gets of an act before it dies in it.
const SENDINGS: u64 = 2;
/// Longest that takes.
const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);
/// Signatures that one request may ask for.
const STATUSES_MAX: usize = 256;

/// The validator, where it is at home, and the network before it.
pub struct Host<'a> {
    /// Its ledger.
    pub site: &'a Site,
    /// The network.
    pub proxy: &'a Proxy,
    /// What runs.
    pub node: Node,
    /// Slot in which it was killed last.
    pub killed_at: u64,
}

/// Half of eight transactions is sent as ever, and what of it lands is not seen; of the other half the network has everything.
pub fn on_their_way<'a>(scene: &Scene, report: &mut Report, ledger: &mut Ledger, host: Host<'a>) -> Result<Host<'a>> {
    let (chain, Host { site, proxy, mut node, .. }) = (scene.cast.chain, host);
    let (words, mut orders): (Vec<String>, Vec<Order>) =
        restart::on_their_way(scene)?.into_iter().map(|deed| (deed.words, deed.order)).unzip();
    let half = orders.len() / 2;
    let (before, swallowed) = (chain.effort(), proxy.counts().swallowed);
    let started = Instant::now();
    loop {
        chain.send_due(&mut orders[..half])?;
        let landed = blocks_of(chain, &signatures(&orders[..half])?)?.into_iter().flatten().count();
        if landed >= IN_A_BLOCK {
            break;
        }
        if started.elapsed() >= WITHIN {
            bail!("expected {IN_A_BLOCK} transactions in a block within {WITHIN:?}; there are {landed}");
        }
        std::thread::sleep(POLL);
    }
    proxy.hold_all();
    chain.send_due(&mut orders[half..])?;
    let first = signatures(&orders)?;
    let blocks = blocks_of(chain, &first)?;
    let slot = chain.rpc().get_slot_with_commitment(CommitmentConfig::processed())?;
    node.kill()?;
    let is_silent = chain.look(&mut orders).is_err();
    let in_a_block = blocks.iter().flatten().count();
    report.step(
        Step::new("The validator is killed")
            .fact("slot", slot)
            .fact("on their way", orders.len())
            .fact("of which in a block", in_a_block)
            .fact("and confirmed", blocks.iter().flatten().filter(|is_confirmed| **is_confirmed).count()),
    );
    let is_some = (1..orders.len()).contains(&in_a_block);
    report.check("some are in a block, and some are not", format!("1 to {}", orders.len() - 1), in_a_block, is_some);
    let answer = if is_silent { "an error" } else { "an answer" };
    report.check("the validator answers no more", "an error", answer, is_silent);

    // The client goes on as if nothing had happened; the network lets go of what it has as soon as somebody listens.
    node = site.start()?;
    std::thread::scope(|scope| -> Result<()> {
        let network = scope.spawn(|| {
            node.reach(0, CommitmentConfig::processed())?;
            Ok::<_, anyhow::Error>(proxy.let_go())
        });
        chain.carry_out(&mut orders).context("what was on its way")?;
        let late = network.join().map_err(|_| anyhow!("the network stopped"))??;
        report.check("transactions of before that reach it late", "above 0", late, late > 0);
        Ok(())
    })?;
    signed_once(chain, report, &orders, (&first, &blocks))?;
    let (lost, swallowed) = (chain.effort().lost - before.lost, proxy.counts().swallowed - swallowed);
    report.equal("signed anew are those that the network swallowed, and no others", swallowed, lost);
    for (words, order) in words.into_iter().zip(orders) {
        let done = Deed { words, order }.done(chain, ledger)?;
        report.check(format!("{} after all", done.words), "landed", done.refusal(), done.landed());
    }
    let mut host = Host { site, proxy, node, killed_at: slot };
    survived(scene, report, ledger, &mut host)?;
    Ok(host)
}

/// Everything is confirmed, and nothing is on its way.
pub fn at_rest<'a>(scene: &Scene, report: &mut Report, ledger: &mut Ledger, host: Host<'a>) -> Result<Host<'a>> {
    let Host { site, proxy, node, .. } = host;
    let rpc = scene.cast.chain.rpc();
    let finalized = rpc.get_slot_with_commitment(CommitmentConfig::finalized())?;
    let confirmed = rpc.get_slot()?;
    let slot = rpc.get_slot_with_commitment(CommitmentConfig::processed())?;
    node.kill()?;
    report.step(
        Step::new("The validator is killed")
            .fact("slot", slot)
            .fact("confirmed", confirmed)
            .fact("finalized", finalized),
    );
    let mut host = Host { site, proxy, node: site.start()?, killed_at: slot };
    survived(scene, report, ledger, &mut host)?;
    Ok(host)
}

/// The validator dies in an act, when it has got some of what is sent in it, and starts again; the act goes on.
pub fn under<'a, T>(
    scene: &Scene,
    report: &mut Report,
    host: Host<'a>,
    act: impl FnOnce(&mut Report) -> Result<T>,
) -> Result<(Host<'a>, T)> {
    let Host { site, proxy, node, .. } = host;
    let (since, rpc) = (proxy.passed_on(), scene.cast.chain.rpc());
    let (node, result, slot) = std::thread::scope(|scope| -> Result<_> {
        let reaper = scope.spawn(move || {
            let started = Instant::now();
            // Asked before it is looked whether the time has come: then nothing may be confirmed any more.
            let mut slot = rpc.get_slot_with_commitment(CommitmentConfig::processed())?;
            while proxy.passed_on() < since + SENDINGS {
                if started.elapsed() >= WITHIN {
                    bail!("expected {SENDINGS} sendings within {WITHIN:?}");
                }
                std::thread::sleep(POLL);
                slot = rpc.get_slot_with_commitment(CommitmentConfig::processed())? + 1;
            }
            node.kill()?;
            Ok((site.start()?, slot))
        });
        let result = act(report)?;
        let (node, slot) = reaper.join().map_err(|_| anyhow!("the kill stopped"))??;
        Ok((node, result, slot))
    })?;
    report.step(Step::new("The validator was killed in it").fact("slot", slot));
    Ok((Host { site, proxy, node, killed_at: slot }, result))
}

/// Checks that the ledger has every transaction that was seen to land, and everybody what they must have.
pub fn survived(scene: &Scene, report: &mut Report, ledger: &Ledger, host: &mut Host) -> Result<()> {
    let chain = scene.cast.chain;
    let started = Instant::now();
    // A validator that was started again answers of an older state until its first block is confirmed.
    let slot = host.node.reach(host.killed_at, CommitmentConfig::finalized())?;
    let took = started.elapsed();
    report.step(
        Step::new("The validator goes on from its ledger")
            .fact("finalized", slot)
            .fact("waited_ms", u64::try_from(took.as_millis())?),
    );
    let mut gone = 0;
    for some in ledger.landed.chunks(STATUSES_MAX) {
        let statuses = chain.rpc().get_signature_statuses_with_history(some).context("signature status")?.value;
        let there = statuses.iter().flatten().filter(|status| status.err.is_none()).count();
        gone += some.len() - there;
    }
    let name = format!("transactions seen to land, of {}, that its ledger does not have", ledger.landed.len());
    report.check(name, 0, gone, gone == 0 && !ledger.landed.is_empty());
    ledger.check(chain, report, &scene.listings(), "after the restart")
}

fn signatures(orders: &[Order]) -> Result<Vec<Signature>> {
    orders.iter().map(Order::signature).collect()
}

/// Whether each is confirmed; none where it is in no block.
fn blocks_of(chain: &Chain, signatures: &[Signature]) -> Result<Vec<Option<bool>>> {
    let statuses = chain.rpc().get_signature_statuses(signatures).context("signature status")?.value;
    let confirmed = CommitmentConfig::confirmed();
    Ok(statuses.into_iter().map(|status| status.map(|status| status.satisfies_commitment(confirmed))).collect())
}

/// Checks that nothing that was in a block was signed anew, and that of what was signed anew the first never landed.
fn signed_once(
    chain: &Chain,
    report: &mut Report,
    orders: &[Order],
    (first, blocks): (&[Signature], &[Option<bool>]),
) -> Result<()> {
    let mut anew = Vec::new();
    let mut anew_though_in_a_block = 0;
    for ((order, first), block) in orders.iter().zip(first).zip(blocks) {
        if order.signature()? != *first {
            anew.push(*first);
            anew_though_in_a_block += usize::from(block.is_some());
        }
    }
    report.equal("in a block before the kill, and signed anew", 0, anew_though_in_a_block);
    let landed = blocks_of(chain, &anew)?.into_iter().flatten().count();
    report.equal(format!("signed anew, {}, of which the first landed too", anew.len()), 0, landed);
    Ok(())
}
