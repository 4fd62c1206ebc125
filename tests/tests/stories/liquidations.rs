//! When a position may be liquidated, by whom, and how far.

use super::common::*;

#[test]
fn a_position_cools_off_until_the_quoted_slot() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, sol.atoms("10"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("1000"))?;
    let borrowed_in = world.clock().slot;
    world.set_price(&sol, "120");

    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!(quote.refusal, u32::from(PlimsollError::CoolingOff));
    assert_eq!(quote.retry_slot, borrowed_in + policy().cool_off_slots + 1);
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    world.advance_slots(quote.retry_slot - 1 - world.clock().slot);
    world
        .refuses(PlimsollError::CoolingOff, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    world.advance_slots(1);
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    Ok(())
}

#[test]
fn a_liquidators_bounds_are_kept() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10500");
    let world = &mut setting.world;
    world.set_price(&sol, "125");

    let bound = usdc.atoms("250");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::repay_max(bound))?;
    assert_eq!(quote.repay_atoms, bound);
    assert!(quote.health_before_e9 < quote.health_after_e9 && quote.health_after_e9 < ONE_E9, "{quote:?}");

    let offered = world.quote_liquidation(&borrower, &sol, &usdc, ALL).seize_atoms;
    world.refuses(PlimsollError::SeizeBelowMin, |world| {
        world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::seize_min(offered + 1))
    });
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::seize_min(offered))?;
    assert_eq!(quote.seize_atoms, offered);
    assert!(quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{quote:?}");
    Ok(())
}

#[test]
fn many_small_liquidations_seize_no_more_than_one_large_one() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("1000", "105000");
    setting.world.set_price(&sol, "125");
    let mut at_once = setting.world.clone();
    let large = liquidate_as_quoted(&mut at_once, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;

    let world = &mut setting.world;
    let (mut repaid, mut seized) = (0, 0);
    let step = large.repay_atoms / 7;
    while world.quote_liquidation(&borrower, &sol, &usdc, step).refusal == 0 {
        let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::repay_max(step))?;
        assert!(quote.health_after_e9 > quote.health_before_e9, "health rises each time: {quote:?}");
        (repaid, seized) = (repaid + quote.repay_atoms, seized + quote.seize_atoms);
    }
    let refusal = world.quote_liquidation(&borrower, &sol, &usdc, step).refusal;
    assert_eq!(refusal, u32::from(PlimsollError::Healthy));
    assert!(seized <= large.seize_atoms, "{seized} in steps, {} at once", large.seize_atoms);
    assert!(repaid <= large.repay_atoms, "{repaid} in steps, {} at once", large.repay_atoms);
    Ok(())
}

#[test]
fn anyone_may_rescue_a_position_by_deposit_or_repayment() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("10", "1050");
    let friend = setting.world.person("friend");
    let world = &mut setting.world;
    world.set_price(&sol, "125");
    assert!(world.quote_position(&borrower).maintenance_health_e9 < ONE_E9);

    let mut other = world.clone();
    world.deposit_for(&friend, &borrower, &sol, sol.atoms("2"))?;
    assert!(world.quote_position(&borrower).maintenance_health_e9 > ONE_E9);
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));

    other.repay_for(&friend, &borrower, &usdc, usdc.atoms("200"))?;
    assert!(other.quote_position(&borrower).maintenance_health_e9 > ONE_E9);
    other.repay_for(&friend, &borrower, &usdc, ALL)?;
    assert_eq!(other.position(&borrower).state.debt_count, 0, "more than is owed pays what is owed");
    world.check_invariants();
    other.check_invariants();
    Ok(())
}

#[test]
fn a_fee_on_the_bonus_goes_to_the_insurance_of_the_repaid_reserve() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10500");
    let world = &mut setting.world;
    world.set_price(&sol, "125");
    world.accrue_interest(&liquidator, &usdc)?;
    let insurance = world.reserve(&usdc).state.insurance_atoms;

    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;

    let bonus_e9 = u128::from(quote.gross_factor_e9 - ONE_E9);
    let fee = u128::from(quote.repay_atoms) * bonus_e9 / u128::from(ONE_E9) / 10;
    assert!(
        u128::from(quote.fee_atoms).abs_diff(fee) <= 1 + u128::from(quote.repay_atoms) / u128::from(ONE_E9),
        "{quote:?}"
    );
    assert!(world.reserve(&usdc).state.insurance_atoms >= insurance + quote.fee_atoms);
    Ok(())
}
