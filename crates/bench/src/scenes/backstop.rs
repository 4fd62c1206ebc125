//! The backstop pool: providers, and what it buys.

use plimsoll::constants::BACKSTOP_PROVIDER_SEED;
use plimsoll_client::address;
use plimsoll_client::instructions::BackstopProviding;
use plimsoll_testkit::prelude::*;

use super::liquidating::Stage;
use super::Played;
use crate::sheet::Sheet;

const HOUR: i64 = 3_600;

pub fn play(sheet: &mut Sheet) -> Played {
    let mut stage = Stage::new(sheet, 1, 1, Kind::Spl)?.indebted("1000")?;
    let (sol, usdc) = (stage.collaterals[0].clone(), stage.debts[0].clone());
    let (borrower, keeper) = (stage.borrower.clone(), stage.liquidator.clone());
    let pool = address::backstop(&usdc.reserve, 0);
    let world = &mut stage.world;
    sheet.note("create_backstop", &world.create_backstop(&usdc, backstop_policy())?);
    sheet.note("set_backstop_collateral", &world.opt_in(&usdc, &sol, sol.atoms("1000"))?);
    world.skip_keys_until(|owner| super::is_first(&[BACKSTOP_PROVIDER_SEED, pool.as_ref(), owner.as_ref()]));
    let provider = world.person("provider");
    for token in [&sol, &usdc] {
        world.wallet(&provider, token);
    }
    sheet.note("open_backstop_provider", &world.open_backstop_provider(&provider, &usdc)?);
    sheet.note("deposit_backstop", &world.deposit_backstop(&provider, &usdc, usdc.atoms("5000"))?);
    sheet.note("cancel_backstop_deposit", &world.cancel_backstop_deposit(&provider, &usdc)?);
    world.deposit_backstop(&provider, &usdc, usdc.atoms("5000"))?;
    world.advance_with_prices(4 * HOUR);
    sheet.note("join_backstop", &world.join_backstop(&keeper, &provider, &usdc)?);

    stage.keep_prices()?;
    // Below the pool's trigger: health 0.95.
    stage.fall(10, "112");
    let world = &mut stage.world;
    sheet.note("backstop_liquidate", &world.backstop_liquidate(&keeper, &borrower, &sol, &usdc, 1)?);
    let quote = BackstopProviding { owner: provider.address(), reserve: &world.reserve(&usdc), generation: 0 }.quote();
    sheet.note("quote_backstop_provider", &world.ask(quote)?);
    sheet.note("claim_backstop_gain", &world.claim_backstop_gain(&provider, &usdc, &sol)?);
    let rest = world.quote_backstop_provider(&provider, &usdc).deposit_atoms;
    sheet.note("request_backstop_withdrawal", &world.request_backstop_withdrawal(&provider, &usdc, rest)?);
    world.advance_with_prices(4 * HOUR);
    sheet.note("withdraw_backstop", &world.withdraw_backstop(&provider, &usdc)?);
    sheet.note("close_backstop_provider", &world.close_backstop_provider(&provider, &usdc)?);
    Ok(())
}
