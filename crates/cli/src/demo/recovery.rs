//! What comes back later goes to those who bore the loss.

use anyhow::Result;
use plimsoll_client::events::Event;
use plimsoll_client::instructions;
use solana_signer::Signer;

use super::cast::Cast;
use super::report::{Report, Step};
use super::story::Supplier;

/// What somebody pays back a week later, whole USDC.
pub const PAID_BACK: u64 = 500;
const WEEK_SECS: i64 = 7 * 86_400;

/// A week later somebody pays back a part, and the lenders claim it, though they redeemed. Returns what was paid back
/// and what is still outstanding, atoms.
pub fn recover(cast: &Cast, report: &mut Report, lenders: &[Supplier], lost_atoms: u64) -> Result<(u64, u64)> {
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
    let repaid = receipt.event(|event| match event {
        Event::RecoveryRepaid(event) => Some(event),
        _ => None,
    })?;
    let step = Step::new(format!("{} is paid back", usdc.token.show(repaid.atoms)))
        .fact("outstanding before", usdc.token.show(outstanding))
        .fact("outstanding after", usdc.token.show(repaid.outstanding_atoms));
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
    Ok((repaid.atoms, usdc.state(chain)?.state.claims.outstanding_atoms()))
}
