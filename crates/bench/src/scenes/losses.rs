//! Defaults: marked, sold, settled, and what comes back.

use plimsoll_testkit::prelude::*;

use super::liquidating::Stage;
use super::Played;
use crate::sheet::Sheet;

const TERMINAL: &str = "50";

pub fn play(sheet: &mut Sheet) -> Played {
    let mut stage = Stage::new(sheet, 1, 1, Kind::Spl)?.indebted("1000")?;
    let (keeper, borrower, usdc) = (stage.liquidator.clone(), stage.borrower.clone(), stage.debts[0].clone());
    let lender = super::lender(&mut stage.world, &usdc);
    stage.world.supply(&lender, &usdc, usdc.atoms("1000"))?;
    super::lending::exposure(sheet, &mut stage.world, &lender, &usdc, &borrower)?;
    stage.fall(10, TERMINAL);
    sheet.note("mark_default", &stage.world.mark_default(&keeper, &borrower)?);
    stage.world.advance_with_prices(600);
    stage.keep_prices()?;
    stage.world.advance_with_prices(10);
    sheet.note("liquidate_marked", &stage.liquidate()?);

    let world = &mut stage.world;
    sheet.note("repay_recovery", &world.repay_recovery(&keeper, &usdc, usdc.atoms("10"))?);
    sheet.note("supply_after_recovery", &world.supply(&lender, &usdc, usdc.atoms("1"))?);
    sheet.note("claim_recovery", &world.claim_recovery(&lender, &usdc)?);
    world.repay_recovery(&keeper, &usdc, usdc.atoms("10"))?;
    sheet.note("redeem_after_recovery", &world.redeem(&lender, &usdc, 1 << 40)?);

    // The tip for marking is paid in the debt's token.
    let mut stage = Stage::new(sheet, 8, 4, Kind::Spl)?.indebted("2000")?;
    stage.fall(10, TERMINAL);
    stage.keep_prices()?;
    let (keeper, borrower, usdc) = (stage.liquidator.clone(), stage.borrower.clone(), stage.debts[0].clone());
    let mark = |world: &mut World| world.mark_default_for_tip(&keeper, &borrower, &usdc);
    sheet.note("mark_default_8_4_for_tip", &stage.world.offering(&[], mark)?);

    // Two debts, all collateral sold: nothing is left but to settle.
    let mut stage = Stage::new(sheet, 1, 2, Kind::Spl)?.indebted("500")?;
    stage.fall(10, TERMINAL);
    let (sol, keeper, borrower) = (stage.collaterals[0].clone(), stage.liquidator.clone(), stage.borrower.clone());
    for debt in stage.debts.clone() {
        stage.world.liquidate(&keeper, &borrower, &sol, &debt, Limits::NONE)?;
    }
    sheet.note("settle_default_2_debts", &stage.world.settle_default(&keeper, &borrower)?);
    Ok(())
}
