//! Lending and borrowing, and the quotes.

use plimsoll_client::instructions::{QuoteLender, QuoteLenderExposure, QuotePosition};
use plimsoll_testkit::prelude::*;

use super::liquidating::Stage;
use super::Played;
use crate::sheet::Sheet;

pub fn play(sheet: &mut Sheet) -> Played {
    lenders(sheet)?;
    borrowers(sheet)?;
    token_2022(sheet)?;
    largest(sheet)
}

/// One transfer of the other token program in each.
fn token_2022(sheet: &mut Sheet) -> Played {
    let mut stage = Stage::new(sheet, 1, 1, Kind::Token2022)?;
    let (sol, usdc) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let (world, borrower) = (&mut stage.world, stage.borrower.clone());
    let lender = super::lender(world, &usdc);
    world.wallet(&lender, &usdc);
    world.open_lender(&lender, &usdc)?;
    sheet.note("supply_token_2022", &world.supply(&lender, &usdc, usdc.atoms("1000"))?);
    sheet.note("redeem_token_2022", &world.redeem(&lender, &usdc, 1 << 40)?);
    sheet.note("deposit_token_2022", &world.deposit(&borrower, &sol, sol.atoms("10"))?);
    sheet.note("withdraw_token_2022", &world.withdraw(&borrower, &sol, sol.atoms("1"))?);
    world.advance_with_prices(10);
    sheet.note("borrow_token_2022", &world.borrow(&borrower, &usdc, usdc.atoms("1000"))?);
    world.advance_with_prices(10);
    sheet.note("repay_token_2022", &world.repay(&borrower, &usdc, usdc.atoms("10"))?);
    Ok(())
}

fn lenders(sheet: &mut Sheet) -> Played {
    let mut world = sheet.world();
    let (usdc, created) = super::add(&mut world, Spec::stable("USDC", "1"));
    sheet.note("create_reserve", &created);
    let (lender, keeper) = (super::lender(&mut world, &usdc), world.person("keeper"));
    world.wallet(&keeper, &usdc);
    world.wallet(&lender, &usdc);
    sheet.note("open_lender", &world.open_lender(&lender, &usdc)?);
    sheet.note("supply", &world.supply(&lender, &usdc, usdc.atoms("100000"))?);
    sheet.note("fund_insurance", &world.fund_insurance(&keeper, &usdc, usdc.atoms("5"))?);
    let quote = QuoteLender { owner: lender.address(), reserve: usdc.reserve };
    sheet.note("quote_lender", &world.ask(quote.instruction())?);
    let shares = world.lender_account(&lender, &usdc).state.shares.get();
    sheet.note("redeem", &world.redeem(&lender, &usdc, shares / 2)?);
    world.redeem(&lender, &usdc, shares - shares / 2)?;
    sheet.note("close_lender", &world.close_lender(&lender, &usdc)?);
    Ok(())
}

fn borrowers(sheet: &mut Sheet) -> Played {
    let mut stage = Stage::new(sheet, 1, 1, Kind::Spl)?;
    let (sol, usdc) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let (world, borrower, keeper) = (&mut stage.world, stage.borrower.clone(), stage.liquidator.clone());
    let id = (1..).find(|id: &u16| {
        let (owner, market) = (borrower.address(), world.market);
        super::is_first(&[super::POSITION_SEED, market.as_ref(), owner.as_ref(), &id.to_le_bytes()])
    });
    let second = borrower.numbered(id.expect("one in two"));
    sheet.note("open_position", &world.open_position(&second)?);
    sheet.note("close_position", &world.close_position(&second)?);
    sheet.note("deposit", &world.deposit(&borrower, &sol, sol.atoms("90"))?);
    sheet.note("withdraw", &world.withdraw(&borrower, &sol, sol.atoms("1"))?);
    world.advance_with_prices(10);
    sheet.note("borrow", &world.borrow(&borrower, &usdc, usdc.atoms("5000"))?);
    let mut sampled = world.clone();
    sampled.advance_with_prices(400);
    sheet.note("borrow_sampled", &sampled.borrow(&borrower, &usdc, usdc.atoms("10"))?);
    world.advance_with_prices(10);
    sheet.note("borrow_again", &world.borrow(&borrower, &usdc, usdc.atoms("10"))?);
    sheet.note("deposit_with_debt", &world.deposit(&borrower, &sol, sol.atoms("1"))?);
    world.advance_with_prices(10);
    sheet.note("withdraw_with_debt", &world.withdraw(&borrower, &sol, sol.atoms("1"))?);
    world.advance_with_prices(10);
    sheet.note("repay", &world.repay(&borrower, &usdc, usdc.atoms("10"))?);
    world.advance_with_prices(10);
    sheet.note("accrue_interest", &world.accrue_interest(&keeper, &usdc)?);
    sheet.note("refresh_reserves_1", &world.refresh_reserves(&keeper, &[&sol])?);
    world.advance_with_prices(10);
    sheet.note("refresh_reserves_2", &world.refresh_reserves(&keeper, &[&sol, &usdc])?);
    world.advance_with_prices(400);
    sheet.note("refresh_reserves_2_sampled", &world.refresh_reserves(&keeper, &[&sol, &usdc])?);
    quote(sheet, world, &borrower, "quote_position_1_1", true)?;
    sheet.note("collect_fees", &{
        world.advance_with_prices(30 * 86_400);
        world.accrue_interest(&keeper, &usdc)?;
        let treasury = world.treasury.clone();
        world.wallet(&treasury, &usdc);
        world.collect_fees(&keeper, &usdc)?
    });
    world.repay(&borrower, &usdc, u64::MAX)?;
    sheet.note("uncount_position", &world.uncount(&keeper, &borrower, &sol)?);
    world.advance(7 * 3_600);
    sheet.note("notice_stale_price", &world.notice_stale_price(&keeper, &sol)?);
    Ok(())
}

/// Where a position stands, by the prices offered or kept.
fn quote(sheet: &mut Sheet, world: &mut World, borrower: &Borrower, name: &'static str, is_offered: bool) -> Played {
    let position = &world.position(borrower);
    let offers = if is_offered { world.offers(position, None) } else { Vec::new() };
    let quote = QuotePosition { position, offers: &offers };
    sheet.note(name, &world.ask(quote.instruction().expect("offers fit"))?);
    Ok(())
}

/// What a position with every slot taken costs.
fn largest(sheet: &mut Sheet) -> Played {
    let mut stage = Stage::new(sheet, 8, 4, Kind::Spl)?.indebted("100")?;
    stage.world.advance_with_prices(10);
    stage.keep_prices()?;
    let (world, borrower) = (&mut stage.world, stage.borrower.clone());
    let (sol, usdc) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let pair = [&sol, &usdc];
    world.advance_with_prices(10);
    sheet.note("borrow_8_4", &world.offering(&pair, |world| world.borrow(&borrower, &usdc, usdc.atoms("1")))?);
    world.advance_with_prices(10);
    sheet.note(
        "withdraw_with_debt_8_4",
        &world.offering(&pair, |world| world.withdraw(&borrower, &sol, sol.atoms("0.1")))?,
    );
    quote(sheet, world, &borrower, "quote_position_8_4", false)
}

/// What a lender has at stake in a position.
pub fn exposure(sheet: &mut Sheet, world: &mut World, lender: &Lender, token: &Token, borrower: &Borrower) -> Played {
    let (owner, position) = (lender.address(), world.position_address(borrower));
    let quote = QuoteLenderExposure { owner, reserve: token.reserve, position };
    sheet.note("quote_lender_exposure", &world.ask(quote.instruction())?);
    Ok(())
}
