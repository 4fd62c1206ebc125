//! The closing balance sheet: for each token, who holds what, and what the ledgers say of the vaults.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;

use super::market::Listing;
use super::report::{Report, Step};
use crate::chain::Chain;

/// Bytes before the supply of a mint.
const MINT_SUPPLY_OFFSET: usize = 36;

/// Prints the sheet of one token and checks that every atom is in it. `minted_atoms` is what the demo handed out.
pub fn account_for(
    chain: &Chain,
    report: &mut Report,
    listing: &Listing,
    holders: &[(&str, Pubkey)],
    minted_atoms: u64,
) -> Result<()> {
    let token = &listing.token;
    let reserve = listing.state(chain)?;
    let state = &reserve.state;
    let mut step = Step::new(format!("Balance sheet of {}", token.symbol));
    let mut total = 0;
    for (name, owner) in holders {
        let atoms = chain.token_atoms(&token.account(owner))?;
        total += atoms;
        step = step.fact(name, token.show(atoms));
    }
    let liquidity = chain.token_atoms(&reserve.liquidity_vault())?;
    let collateral = chain.token_atoms(&reserve.collateral_vault())?;
    total += liquidity + collateral;
    report.step(
        step.fact("liquidity vault", token.show(liquidity))
            .fact("  of which cash of lenders", token.show(state.cash_atoms))
            .fact("  of which insurance", token.show(state.insurance_atoms))
            .fact("  of which protocol fees", token.show(state.fee_atoms))
            .fact("  of which recovered, to be claimed", token.show(state.recovery_atoms))
            .fact("  of which of the backstop", token.show(state.backstop_atoms))
            .fact("collateral vault", token.show(collateral))
            .fact("  of which of positions", token.show(state.collateral_atoms))
            .fact("  of which insurance's", token.show(state.insurance_collateral_atoms))
            .fact("  of which the backstop's gains", token.show(state.backstop_collateral_atoms))
            .fact("sum", token.show(total)),
    );

    let supply = chain.data(&token.mint)?;
    let bytes = supply.get(MINT_SUPPLY_OFFSET..MINT_SUPPLY_OFFSET + 8).and_then(|bytes| bytes.try_into().ok());
    let supply = u64::from_le_bytes(bytes.unwrap_or_default());
    report.equal(format!("{}: holders and vaults hold all that was minted", token.symbol), minted_atoms, total);
    report.equal(format!("{}: the mint's supply says the same", token.symbol), minted_atoms, supply);
    let [(_, of_liquidity), (_, of_collateral)] = plimsoll_audit::owned(&reserve);
    report.equal(format!("{}: the liquidity vault holds its ledgers", token.symbol), of_liquidity, liquidity.into());
    report.equal(format!("{}: the collateral vault holds its ledgers", token.symbol), of_collateral, collateral.into());
    Ok(())
}
