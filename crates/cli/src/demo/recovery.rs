//! A loss is booked before anyone can run from it, and what comes back later goes to those who bore it.

use anyhow::{Context, Result};
use plimsoll_client::events::Event;
use plimsoll_client::{instructions, quotes};
use solana_signer::Signer;

use super::cast::{Borrower, Cast, UNITS};
use super::chain::compute_limit;
use super::market;
use super::report::{Report, Step};
use super::story::Supplier;

/// What somebody pays back a week later, whole USDC.
pub const PAID_BACK: u64 = 500;
const WEEK_SECS: i64 = 7 * 86_400;

/// Marks a position in default: what lenders redeem for falls by the loss that is expected.
pub fn mark(cast: &Cast, report: &mut Report, borrower: &Borrower, lender: &Supplier) -> Result<()> {
    let (chain, usdc) = (cast.chain, cast.usdc());
    let quote = || -> Result<quotes::LenderQuote> {
        let quote = instructions::QuoteLender { owner: lender.key.pubkey(), reserve: usdc.reserve };
        Ok(quotes::lender_quote(&chain.view(&quote.instruction())?)?)
    };
    cast.publish()?;
    let (position, offers) = (market::position(chain, &borrower.position)?, cast.offers(borrower)?);
    let mark = instructions::MarkDefault { position: &position, tip: None, offers: &offers }.instruction()?;
    let receipt = chain.send(&[compute_limit(UNITS), mark], &[])?;
    let marked = receipt.inner_data.iter().find_map(|data| match Event::decode(data) {
        Ok(Event::DefaultMarked(event)) => Some(event),
        _ => None,
    });
    let marked = marked.context("expected the event DefaultMarked in the transaction")?;
    let provided = marked.provisions.first().context("expected a provision for the debt")?;
    let after = quote()?;
    let step = Step::new(format!("Anybody marks {} in default: the expected loss is booked", borrower.name))
        .fact("provision", usdc.token.show(provided.provided_atoms))
        .fact(&format!("{}: shares are worth", lender.name), usdc.token.show(after.assets_atoms))
        .fact(&format!("{}: would redeem for", lender.name), usdc.token.show(after.redeem_atoms));
    report.step(step.receipt(&receipt));
    let kept = after.assets_atoms.saturating_sub(after.redeem_atoms);
    report.check("who leaves now leaves its part of the loss behind", "more than 0", kept, kept > 0);
    Ok(())
}

/// A week later somebody pays back a part, and the lenders claim it, though they redeemed.
pub fn recover(cast: &Cast, report: &mut Report, lenders: &[Supplier], lost_atoms: u64) -> Result<()> {
    report.heading("A week later a part of the loss comes back");
    let (chain, usdc) = (cast.chain, cast.usdc());
    chain.pass_time(WEEK_SECS)?;
    let (payer, amount_atoms_max) = (chain.payer().pubkey(), usdc.token.whole(PAID_BACK));
    usdc.token.give(chain, &payer, amount_atoms_max)?;
    let reserve = usdc.state(chain)?;
    let outstanding = reserve.state.claims.outstanding_atoms();
    report.equal("what lenders bore is outstanding", lost_atoms, outstanding);
    let repay = instructions::RepayRecovery { payer, reserve: &reserve, payer_liquidity: None, amount_atoms_max };
    let receipt = chain.send(&[repay.instruction()], &[])?;
    let step = Step::new(format!("{} is paid back", usdc.token.show(amount_atoms_max)))
        .fact("outstanding before", usdc.token.show(outstanding));
    report.step(step.receipt(&receipt));

    let mut claimed = Vec::new();
    for lender in lenders.iter().filter(|lender| lender.is_usdc) {
        let owner = lender.key.pubkey();
        let before = chain.token_atoms(&usdc.token.account(&owner))?;
        let claim = instructions::ClaimRecovery { owner, reserve: &reserve, owner_liquidity: None };
        let receipt = chain.send(&[claim.instruction()], &[&lender.key])?;
        let atoms = chain.token_atoms(&usdc.token.account(&owner))? - before;
        report.step(Step::new(format!("{} claims {}", lender.name, usdc.token.show(atoms))).receipt(&receipt));
        claimed.push(atoms);
    }
    // Three quarters and one quarter of all shares bore the loss, but for the virtual ones and an atom of rounding each.
    let (three, one) = (claimed[0], claimed[1] * 3);
    report.check("to those who bore the loss, three to one", three, one, three.abs_diff(one) <= 4);
    let all = claimed.iter().sum::<u64>();
    report.check("all of it, but for the last atoms", amount_atoms_max, all, amount_atoms_max - all <= 4);
    Ok(())
}
