//! The validator dies with transactions on their way, and another goes on from its accounts.

use std::time::Duration;

use anyhow::{Context, Result};
use solana_commitment_config::CommitmentConfig;

use super::dump::Dump;
use super::ledger::Ledger;
use super::proxy::Proxy;
use super::scene::{Deed, Scene};
use super::validator::Validator;
use crate::chain::{Fate, Order};
use crate::demo::report::{Report, Step};

/// What three borrowers leave of their debts, whole tokens: little enough to stand the price that comes.
const DEBT_LEFT: u64 = 1_000;
/// What lenders supply and borrowers deposit on the way, whole tokens.
const SUPPLIED: u64 = 50;
const DEPOSITED: u64 = 5;
/// In which a transaction that a validator has is in a block: many slots.
const SETTLES: Duration = Duration::from_millis(500);

/// Plays this part, on the validator that there is and on the one that `start` starts. Returns that.
pub fn play(
    scene: &Scene,
    report: &mut Report,
    ledger: &mut Ledger,
    (proxy, old): (&Proxy, Validator),
    start: impl FnOnce() -> Result<Validator>,
) -> Result<Validator> {
    report.heading("The validator dies with transactions on their way");
    let chain = scene.cast.chain;
    let (words, mut orders): (Vec<String>, Vec<Order>) =
        on_their_way(scene)?.into_iter().map(|deed| (deed.words, deed.order)).unzip();
    // Half is sent as ever, and what of it lands is not seen; of the other half the network has everything.
    let half = orders.len() / 2;
    chain.send_due(&mut orders[..half])?;
    std::thread::sleep(SETTLES);
    proxy.hold_all();
    chain.send_due(&mut orders[half..])?;
    std::thread::sleep(SETTLES);

    // A ledger would tell the next validator what has landed. Without one the client asks while there is somebody to ask.
    chain.look(&mut orders)?;
    let mut waiting = Vec::new();
    let mut landed = 0;
    for (words, order) in words.into_iter().zip(orders) {
        let deed = Deed { words, order };
        if matches!(deed.order.fate(), Some(Fate::Landed)) {
            landed += 1;
            deed.done(chain, ledger)?;
        } else {
            waiting.push(deed);
        }
    }
    let dump = Dump::take(chain)?;
    let (unseen, at) = (waiting.len(), old.id());
    old.kill()?;
    let (words, mut orders): (Vec<String>, Vec<Order>) =
        waiting.into_iter().map(|deed| (deed.words, deed.order)).unzip();
    let is_silent = chain.look(&mut orders).is_err();
    report.step(
        Step::new(format!("Validator {at} is killed"))
            .fact("accounts", dump.len())
            .fact("landed unseen", landed)
            .fact("on their way", unseen),
    );
    report.check("transactions on their way", format!("at least {}", orders.len() - half), unseen, unseen >= half);
    report.check(
        "the validator answers no more",
        "an error",
        if is_silent { "an error" } else { "an answer" },
        is_silent,
    );

    let new = start()?;
    proxy.connect(Some(new.rpc.clone()));
    dump.restore(chain)?;
    let restored = Dump::take(chain)?;
    let differing = dump.differing(&restored);
    report.step(Step::new(format!("Validator {} goes on from its accounts", new.id())));
    let (was, is) = (dump.time(), restored.time());
    let goes_on = is.0 >= was.0 && is.1 >= was.1;
    report.check("unix time and slot go on", format!("at least {was:?}"), format!("{is:?}"), goes_on);
    report.equal("accounts that are not as they were", 0, differing.len());

    replay(report, proxy, &orders, scene)?;
    ledger.check(chain, report, &scene.listings(), "after the restart")?;

    let before = chain.effort();
    chain.carry_out(&mut orders).context("what was on its way")?;
    let anew = chain.effort().lost - before.lost;
    for (words, order) in words.into_iter().zip(orders) {
        let done = Deed { words, order }.done(chain, ledger)?;
        report.check(format!("{} after all", done.words), "landed", done.refusal(), done.landed());
    }
    let is_anew = anew >= unseen as u64;
    report.check("transactions the client took for lost and signed anew", format!("at least {unseen}"), anew, is_anew);
    ledger.check(chain, report, &scene.listings(), "after what was on its way")?;
    Ok(new)
}

/// What the network still has of before reaches the new validator, and does nothing there.
fn replay(report: &mut Report, proxy: &Proxy, orders: &[Order], scene: &Scene) -> Result<()> {
    let rpc = scene.cast.chain.rpc();
    let mut known = 0;
    for order in orders {
        known += usize::from(rpc.is_blockhash_valid(&order.blockhash()?, CommitmentConfig::confirmed())?);
    }
    report.equal("blockhashes of before that the new validator accepts", 0, known);
    let replayed = proxy.let_go();
    std::thread::sleep(SETTLES);
    let signatures = orders.iter().map(Order::signature).collect::<Result<Vec<_>>>()?;
    let statuses = rpc.get_signature_statuses(&signatures).context("signature status")?.value;
    report.check("transactions of before that reach the new validator", "above 0", replayed, replayed > 0);
    report.equal("of which it takes", 0, statuses.iter().flatten().count());
    Ok(())
}

/// What is sent before the validator dies: eight transactions of as many people.
pub fn on_their_way<'a>(scene: &'a Scene) -> Result<Vec<Deed<'a>>> {
    let mut deeds = Vec::new();
    for (index, borrower) in scene.borrowers.iter().enumerate().take(3) {
        let listing = scene.debt_of(index);
        let atoms = scene.owed_atoms(borrower)?.saturating_sub(listing.token.whole(DEBT_LEFT));
        let repay = scene.repay(borrower, listing, atoms)?;
        deeds.push(Deed::new(format!("{} repays", borrower.name), repay, &borrower.key));
    }
    for lender in &scene.lenders {
        deeds.push(Deed::new(format!("{} supplies", lender.name), scene.supply(lender, SUPPLIED)?, &lender.key));
    }
    for borrower in &scene.borrowers[3..5] {
        let deposit = scene.deposit(borrower, DEPOSITED)?;
        deeds.push(Deed::new(format!("{} deposits", borrower.name), deposit, &borrower.key));
    }
    // The halves mix them.
    let (even, odd): (Vec<_>, Vec<_>) = deeds.into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
    Ok(even.into_iter().chain(odd).map(|(_, deed)| deed).collect())
}
