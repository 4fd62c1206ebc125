//! After the restart: hours without a price, a default, and everybody leaves.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use plimsoll_client::instructions;
use solana_signer::Signer;

use super::first::{contest, none_is_unhealthy, one_wins, unhealthy};
use super::ledger::Ledger;
use super::scene::{all_land, together, Deed, Done, Scene};
use crate::demo::audit;
use crate::demo::cast::Borrower;
use crate::demo::market;
use crate::demo::report::Report;
use crate::demo::sheet;

/// How long the oracles are silent, seconds: longer than a price may be old for anything, shorter than it takes to be dead.
const SILENT_SECS: i64 = 4 * 3_600;
/// Price when they speak again, cents: the sixth borrower's collateral is worth less than its debts.
const GAP_CENTS: u64 = 5_500;
/// Amounts of this part, whole tokens.
const SOME: u64 = 10;
/// The borrower who has two debts, the one who stays, and the one who has paid everything back.
const DEFAULTER: usize = 5;
const STAYS: usize = 3;
const PAID: usize = 4;

/// Plays this part.
pub fn play(scene: &mut Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    report.heading("The oracles are silent for hours");
    // Whose debt is gone needs no price.
    let paid = &scene.borrowers[PAID];
    let repay = scene.repay(paid, scene.debt_of(PAID), u64::MAX)?;
    let deeds = vec![Deed::new(format!("{} repays all", paid.name), repay, &paid.key)];
    all_land(scene.cast.chain, report, ledger, "Borrower 5 pays everything back", deeds)?;
    scene.cast.chain.pass_time(SILENT_SECS)?;
    needs_a_price(scene, report, ledger)?;
    needs_none(scene, report, ledger)?;
    ledger.check(scene.cast.chain, report, &scene.listings(), "after the silence")?;

    report.heading("Prices again, and one position is worth less than its debts");
    scene.cast.set_price(GAP_CENTS)?;
    let fallen = unhealthy(scene)?;
    report.equal("borrowers below one", format!("{:?}", [DEFAULTER]), format!("{fallen:?}"));
    default(scene, report, ledger)?;
    none_is_unhealthy(scene, report)?;
    audit::check(scene.cast.chain, report, "after the default")?;
    goes_on(scene, report, ledger)?;
    ledger.check(scene.cast.chain, report, &scene.listings(), "after the default")?;

    report.heading("Everybody leaves");
    leave(scene, report, ledger)?;
    ledger.check(scene.cast.chain, report, &scene.listings(), "at the end")?;
    close(scene, report, ledger)
}

fn needs_a_price(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let (stays, defaulter) = (&scene.borrowers[STAYS], &scene.borrowers[DEFAULTER]);
    let mut deeds = vec![
        Deed::new("borrow", scene.borrow(stays, scene.debt_of(STAYS), SOME)?, &stays.key),
        Deed::new("withdraw with debt", scene.withdraw(stays, scene.cast.sol.token.whole(1))?, &stays.key),
    ];
    for key in scene.liquidators() {
        let limits = (u64::MAX, 1);
        let liquidate = scene.cast.liquidation_by(key.pubkey(), defaulter, scene.debt_of(DEFAULTER), limits)?;
        deeds.push(Deed::new("liquidate", liquidate, key));
    }
    let done = together(scene.cast.chain, report, ledger, "What needs a price is tried", deeds)?;
    for done in done {
        report.equal(format!("{} is refused", done.words), "StalePrice".to_owned(), done.refusal());
    }
    Ok(())
}

fn needs_none(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let (stays, paid) = (&scene.borrowers[STAYS], &scene.borrowers[PAID]);
    let (first, last) = (&scene.lenders[0], &scene.lenders[2]);
    let listing = scene.debt_of(STAYS);
    let deeds = vec![
        Deed::new("repay", scene.repay(stays, listing, listing.token.whole(SOME))?, &stays.key),
        Deed::new("deposit", scene.deposit(stays, 1)?, &stays.key),
        Deed::new("withdraw without debt", scene.withdraw(paid, scene.cast.sol.token.whole(1))?, &paid.key),
        Deed::new("supply", scene.supply(first, SOME)?, &first.key),
        Deed::new("redeem", scene.redeem(last, scene.shares(last)? / 100)?, &last.key),
    ];
    let title = "What needs none goes through: repay, deposit, supply, redeem, withdraw without debt";
    all_land(scene.cast.chain, report, ledger, title, deeds)?;
    Ok(())
}

/// Both liquidators send for both debts, and two keepers settle what is left.
fn default(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let chain = scene.cast.chain;
    scene.cast.publish()?;
    let rivals = contest(scene, report, ledger, &[DEFAULTER], "Both liquidators send for both debts of borrower 6")?;
    for (pair, listing) in rivals.iter().zip(&scene.cast.debts) {
        one_wins(report, &format!("borrower 6, {}", listing.token.symbol), pair, "NothingToSeize");
    }
    let defaulter = &scene.borrowers[DEFAULTER];
    let position = market::position(chain, &defaulter.position)?;
    let offers = scene.cast.offers(defaulter)?;
    let settle = || instructions::SettleDefault { position: &position, offers: &offers }.instruction();
    // In the same words: whoever may, may.
    let deeds = vec![Deed::new("settle", settle()?, chain.payer()), Deed::new("settle", settle()?, chain.payer())];
    let done: Vec<Done> = together(chain, report, ledger, "Two keepers settle its default", deeds)?;
    // The second offers prices for legs that are gone with the first.
    one_wins(report, "the settlement", &done, "OfferMismatch");
    for listing in &scene.cast.debts {
        let (lost, haircut) = (ledger.written_off_atoms(listing), ledger.haircut_atoms(listing));
        report.check(format!("{}: a loss was written off", listing.token.symbol), "above 0", lost, lost > 0);
        let is_shared = (haircut > 0) == (listing.token.symbol == "USDT") && haircut <= lost;
        let expected = "no haircut in USDC, whose insurance has enough; one in USDT";
        report.check(format!("{}: who bears it", listing.token.symbol), expected, haircut, is_shared);
    }
    Ok(())
}

fn goes_on(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let stays = &scene.borrowers[STAYS];
    scene.cast.publish()?;
    let deeds = vec![Deed::new("borrow", scene.borrow(stays, scene.debt_of(STAYS), SOME)?, &stays.key)];
    all_land(scene.cast.chain, report, ledger, "Borrowing goes on", deeds)?;
    let deeds =
        vec![Deed::new("withdraw with debt", scene.withdraw(stays, scene.cast.sol.token.whole(1))?, &stays.key)];
    all_land(scene.cast.chain, report, ledger, "And so does withdrawing", deeds)?;
    Ok(())
}

/// Everybody takes what is theirs, and nothing is left.
pub fn leave(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let chain = scene.cast.chain;
    let mut repayments = Vec::new();
    for borrower in &scene.borrowers {
        let position = market::position(chain, &borrower.position)?;
        for listing in &scene.cast.debts {
            if position.legs().any(|leg| leg == listing.reserve) {
                let repay = scene.repay(borrower, listing, u64::MAX)?;
                let words = format!("{} repays all its {}", borrower.name, listing.token.symbol);
                repayments.push(Deed::new(words, repay, &borrower.key));
            }
        }
    }
    all_land(chain, report, ledger, "Borrowers pay everything back", repayments)?;
    let mut withdrawals = Vec::new();
    for borrower in &scene.borrowers {
        let atoms = scene.collateral_atoms(borrower)?;
        if atoms > 0 {
            let withdraw = scene.withdraw(borrower, atoms)?;
            withdrawals.push(Deed::new(format!("{} withdraws all", borrower.name), withdraw, &borrower.key));
        }
    }
    all_land(chain, report, ledger, "and take their collateral", withdrawals)?;
    let mut last = Vec::new();
    for borrower in &scene.borrowers {
        last.push(Deed::new(format!("{} closes", borrower.name), close_position(borrower), &borrower.key));
    }
    for lender in &scene.lenders {
        let redeem = scene.redeem(lender, scene.shares(lender)?)?;
        last.push(Deed::new(format!("{} redeems all", lender.name), redeem, &lender.key));
    }
    all_land(chain, report, ledger, "Positions are closed, lenders redeem all they have", last)?;
    for listing in &scene.cast.debts {
        ledger.check_lenders(report, listing);
        let state = listing.state(chain)?.state;
        report.equal(format!("{}: no debt is left", listing.token.symbol), 0, state.total_debt_atoms());
        report.equal(format!("{}: no supply share is left", listing.token.symbol), 0, state.supply_shares.get());
    }
    report.equal("SOL: no collateral is left", 0, scene.cast.sol.state(chain)?.state.collateral_atoms);
    Ok(())
}

fn close_position(borrower: &Borrower) -> plimsoll_client::Instruction {
    instructions::ClosePosition { owner: borrower.key.pubkey(), position: borrower.position }.instruction()
}

/// The closing balance sheet.
pub fn close(scene: &Scene, report: &mut Report, ledger: &Ledger) -> Result<()> {
    report.heading("Every atom is accounted for");
    let cast = &scene.cast;
    let people = [
        ("liquidator 1", cast.liquidator.pubkey()),
        ("liquidator 2", scene.rival.pubkey()),
        ("treasury", cast.chain.payer().pubkey()),
    ];
    let lenders = scene.lenders.iter().map(|lender| (lender.name, lender.key.pubkey()));
    let borrowers = scene.borrowers.iter().map(|borrower| (borrower.name, borrower.key.pubkey()));
    let people: Vec<(&str, Pubkey)> = people.into_iter().chain(lenders).chain(borrowers).collect();
    for listing in scene.listings() {
        let of_it: Vec<(&str, Pubkey)> =
            people.iter().copied().filter(|(_, owner)| ledger.has_account(owner, listing)).collect();
        sheet::account_for(cast.chain, report, listing, &of_it, ledger.minted_atoms(listing))?;
    }
    Ok(())
}
