//! Before the restart: lending, borrowing, and two liquidators after the same positions in the same moment.

use anyhow::Result;
use plimsoll_client::instructions;
use solana_signer::Signer;

use super::ledger::Ledger;
use super::scene::{all_land, together, Deed, Done, Lender, Scene, BORROWERS, LENDERS};
use crate::demo::cast::Borrower;
use crate::demo::market::Listing;
use crate::demo::report::Report;

/// Price after the first fall, cents.
pub const FALLEN_CENTS: u64 = 11_200;
/// Supplied twice in the same words, whole tokens.
const TWIN: u64 = 100;
/// What each liquidator dares to repay where neither wants all, whole tokens.
const PART: u64 = 100;
/// Borrowers who fall below one, of whom the last is liquidated in parts first.
const FALLEN: usize = 3;

/// Plays this part.
pub fn play(scene: &mut Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    report.heading("Lending and borrowing, all at the same time");
    open(scene, report, ledger)?;
    // One debt after the other: the second of a position is a leg that the first has yet to make.
    for debt in 0..scene.cast.debts.len() {
        scene.cast.publish()?;
        borrow(scene, report, ledger, debt)?;
    }
    twins(scene, report, ledger)?;

    report.heading("The price falls; two liquidators want the same");
    scene.cast.set_price(FALLEN_CENTS)?;
    let fallen: Vec<usize> = unhealthy(scene)?;
    report.equal("borrowers below one", format!("{:?}", [0, 1, 2]), format!("{fallen:?}"));
    scene.cast.publish()?;
    parts(scene, report, ledger)?;
    scene.cast.publish()?;
    let rivals = contest(scene, report, ledger, &fallen, "Both liquidators send for all three")?;
    for (index, pair) in fallen.iter().zip(&rivals) {
        one_wins(report, scene.borrowers[*index].name, pair, "Healthy");
    }
    none_is_unhealthy(scene, report)
}

/// Lenders supply, borrowers deposit.
pub fn open(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let chain = scene.cast.chain;
    let mut deeds = Vec::new();
    for (lender, (name, debt, tokens)) in scene.lenders.iter().zip(LENDERS) {
        let (owner, reserve) = (lender.key.pubkey(), scene.cast.debts[debt].reserve);
        let open = instructions::OpenLender { owner, reserve }.instruction();
        let supply = scene.supply(lender, tokens)?;
        deeds.push(Deed::of(format!("{name} supplies"), vec![open, supply], &lender.key));
    }
    for (borrower, (name, sol, _)) in scene.borrowers.iter().zip(BORROWERS) {
        let owner = borrower.key.pubkey();
        let open = instructions::OpenPosition { owner, market: scene.cast.market, id: 0 }.instruction();
        let deposit = scene.deposit(borrower, sol)?;
        deeds.push(Deed::of(format!("{name} deposits"), vec![open, deposit], &borrower.key));
    }
    all_land(chain, report, ledger, "Three lenders supply, six borrowers deposit", deeds)?;
    ledger.check(chain, report, &scene.listings(), "after that")
}

/// Borrowers take what they want of one debt token.
pub fn borrow(scene: &Scene, report: &mut Report, ledger: &mut Ledger, debt: usize) -> Result<()> {
    let listing = &scene.cast.debts[debt];
    let mut deeds = Vec::new();
    for (borrower, (name, _, debts)) in scene.borrowers.iter().zip(BORROWERS) {
        if debts[debt] > 0 {
            let words = format!("{name} borrows {}", listing.token.symbol);
            deeds.push(Deed::new(words, scene.borrow(borrower, listing, debts[debt])?, &borrower.key));
        }
    }
    let title = format!("Borrowers take {}", listing.token.symbol);
    all_land(scene.cast.chain, report, ledger, &title, deeds)?;
    ledger.check(scene.cast.chain, report, &scene.listings(), "after that")
}

/// Two wishes of the same words are two: each lender supplies twice as much as one of them says, and not once.
pub fn twins(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let left = |lender: &Lender| {
        let token = &scene.cast.debts[lender.debt].token;
        scene.cast.chain.token_atoms(&token.account(&lender.key.pubkey()))
    };
    let before = scene.lenders.iter().map(left).collect::<Result<Vec<_>>>()?;
    let mut deeds = Vec::new();
    for lender in &scene.lenders {
        for _ in 0..2 {
            deeds.push(Deed::new(format!("{} supplies again", lender.name), scene.supply(lender, TWIN)?, &lender.key));
        }
    }
    all_land(scene.cast.chain, report, ledger, "Each lender supplies more, twice in the same words", deeds)?;
    for (lender, before) in scene.lenders.iter().zip(before) {
        let both = scene.cast.debts[lender.debt].token.whole(2 * TWIN);
        report.equal(format!("{} has paid both, and each once", lender.name), before - both, left(lender)?);
    }
    Ok(())
}

/// Neither liquidator wants all of a position: both get a part, within their bounds.
fn parts(scene: &Scene, report: &mut Report, ledger: &mut Ledger) -> Result<()> {
    let borrower = &scene.borrowers[FALLEN - 1];
    let listing = scene.debt_of(FALLEN - 1);
    let before = scene.collateral_atoms(borrower)?;
    let most_atoms = listing.token.whole(PART);
    let deeds = rivals(scene, borrower, listing, most_atoms)?;
    let title = format!("Both liquidators repay a part for {}", borrower.name);
    let done = all_land(scene.cast.chain, report, ledger, &title, deeds)?;
    let sales = done.iter().map(sale).collect::<Result<Vec<_>>>()?;
    for (_, repaid) in &sales {
        report.check("a part is within its bound", format!("at most {most_atoms}"), repaid, *repaid <= most_atoms);
    }
    let seized: u64 = sales.iter().map(|(seized, _)| seized).sum();
    let gone = before - scene.collateral_atoms(borrower)?;
    report.equal("the position gave what both received", seized, gone);
    Ok(())
}

/// What a liquidation seized and repaid, atoms.
fn sale(done: &Done) -> Result<(u64, u64)> {
    let Ok(receipt) = &done.result else { return Ok((0, 0)) };
    receipt.event(|event| match event {
        plimsoll_client::events::Event::PositionLiquidated(it) => Some((it.seize_atoms, it.repay_atoms)),
        _ => None,
    })
}

fn rivals<'a>(scene: &'a Scene, borrower: &Borrower, listing: &Listing, most_atoms: u64) -> Result<Vec<Deed<'a>>> {
    let deed = |(number, key)| {
        let liquidate = scene.cast.liquidation_by(Signer::pubkey(key), borrower, listing, (most_atoms, 1))?;
        Ok(Deed::new(format!("liquidator {} for {}", number + 1, borrower.name), liquidate, key))
    };
    scene.liquidators().into_iter().enumerate().map(deed).collect()
}

/// Both liquidators send liquidations of the same positions, each without bound, in the same moment; of every debt of each.
/// Returns what came of each pair.
pub fn contest(
    scene: &Scene,
    report: &mut Report,
    ledger: &mut Ledger,
    borrowers: &[usize],
    title: &str,
) -> Result<Vec<Vec<Done>>> {
    let mut before = Vec::new();
    let mut deeds = Vec::new();
    let mut pairs = Vec::new();
    for index in borrowers {
        let borrower = &scene.borrowers[*index];
        before.push(scene.collateral_atoms(borrower)?);
        for (listing, _) in scene.cast.debts.iter().zip(BORROWERS[*index].2).filter(|(_, tokens)| *tokens > 0) {
            deeds.extend(rivals(scene, borrower, listing, u64::MAX)?);
            pairs.push(*index);
        }
    }
    let mut done = together(scene.cast.chain, report, ledger, title, deeds)?.into_iter();
    let rivals: Vec<Vec<Done>> = pairs.iter().map(|_| done.by_ref().take(2).collect()).collect();
    for (index, before) in borrowers.iter().zip(before) {
        let of_it = pairs.iter().zip(&rivals).filter(|(of, _)| *of == index).flat_map(|(_, pair)| pair);
        let seized: u64 = of_it.map(|done| Ok(sale(done)?.0)).collect::<Result<Vec<_>>>()?.into_iter().sum();
        let borrower = &scene.borrowers[*index];
        let gone = before - scene.collateral_atoms(borrower)?;
        report.equal(format!("{} gave what the liquidators received, once", borrower.name), seized, gone);
    }
    Ok(rivals)
}

/// Checks that one of two won, and that the other was refused by this name.
pub fn one_wins(report: &mut Report, of: &str, pair: &[Done], refusal: &str) {
    let mut outcomes: Vec<String> = pair.iter().map(Done::refusal).collect();
    outcomes.sort_by_key(|outcome| outcome != "landed");
    let name = format!("{of}: one wins, the other is told why not");
    report.equal(name, format!("landed, {refusal}"), outcomes.join(", "));
}

/// Which borrowers are below one.
pub fn unhealthy(scene: &Scene) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for (index, borrower) in scene.borrowers.iter().enumerate() {
        if scene.cast.quote(borrower)?.maintenance_health_e9 < 1_000_000_000 {
            found.push(index);
        }
    }
    Ok(found)
}

/// Checks that nobody is left unhealthy.
pub fn none_is_unhealthy(scene: &Scene, report: &mut Report) -> Result<()> {
    let left: Vec<&str> = unhealthy(scene)?.into_iter().map(|index| scene.borrowers[index].name).collect();
    let got = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
    report.check("borrowers below one after that", "none", got, left.is_empty());
    Ok(())
}
