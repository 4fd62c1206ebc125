//! Protection orders: a borrower lets keepers deleverage early, cheaply. Rescues: a deposit beyond the cap for who needs it.

use super::common::*;

/// Health between one and 1.04.
fn called() -> (Setting, Borrower) {
    called_in(setting())
}

fn called_in(mut setting: Setting) -> (Setting, Borrower) {
    let borrower = setting.borrower("100", "10500");
    setting.world.set_price(&setting.sol, "137");
    let health = setting.world.quote_position(&borrower).maintenance_health_e9;
    assert!((1_005_000_000..1_040_000_000).contains(&health), "{health}");
    (setting, borrower)
}

#[test]
fn a_keeper_acts_on_an_order_before_the_position_is_unhealthy_at_the_orders_bonus() -> Told {
    let (mut setting, borrower) = called();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));

    let receipt = world.set_order(&borrower, 10_400, 50)?;
    let Event::ProtectionOrderSet(set) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((set.trigger_bps, set.bonus_bps, set.owner), (10_400, 50, borrower.address()));
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!((quote.is_protection, quote.is_terminal), (1, 0), "{quote:?}");
    // Half a percent, where the collateral's own least bonus is two.
    assert_eq!(quote.gross_factor_e9, 1_004_999_999, "1.005, rounded down");
    assert!(quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{quote:?}");
    // Above the trigger there is nothing more to do.
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    Ok(())
}

#[test]
fn an_order_acts_below_its_trigger_alone_and_only_at_prices_good_enough_to_borrow() -> Told {
    let (mut setting, borrower) = called();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    let liquidate = |world: &mut World| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE);
    world.set_order(&borrower, 10_050, 50)?;
    world.refuses(PlimsollError::Healthy, liquidate);
    world.set_order(&borrower, 10_400, 50)?;

    let good = world.price(&sol);
    // Old enough to forbid borrowing, young enough to liquidate.
    world.advance(90);
    world.refuses(PlimsollError::StalePrice, liquidate);
    // Confidence between the soft and the hard limit moves the price for the borrower, and forbids borrowing.
    let now = world.unix();
    let wide = Price { publish_time: now, confidence: good.spot.unsigned_abs() / 80, ..good };
    world.publish(&sol, wide);
    world.publish(&usdc, Price { publish_time: now, ..world.price(&usdc) });
    world.refuses(PlimsollError::ConfidenceTooWide, liquidate);
    world.publish(&sol, Price { publish_time: now, average: good.spot / 5 * 6, ..good });
    world.refuses(PlimsollError::PriceOffAverage, liquidate);
    // Removed, it is gone.
    world.publish(&sol, Price { publish_time: now, ..good });
    world.set_order(&borrower, 0, 0)?;
    world.refuses(PlimsollError::Healthy, liquidate);
    world.set_order(&borrower, 10_400, 50)?;
    liquidate(world)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn an_order_is_the_owners_within_its_bounds_and_waits_for_the_cool_off() -> Told {
    let (mut setting, borrower) = called();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    // Target 1.05, default bonus 5%.
    for (trigger, bonus) in
        [(10_000, 50), (10_401, 50), (1, 0), (0, 1), (10_400, 501), (u64::MAX, 50), (10_400, u64::MAX)]
    {
        world.refuses(PlimsollError::InvalidProtectionOrder, |world| world.set_order(&borrower, trigger, bonus));
    }
    for (trigger, bonus) in [(10_001, 0), (10_400, 500), (0, 0)] {
        world.set_order(&borrower, trigger, bonus)?;
    }
    world.set_price(&sol, "148");
    world.set_order(&borrower, 10_400, 100)?;
    world.borrow(&borrower, &usdc, usdc.atoms("10"))?;
    world.set_price(&sol, "137");
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    world
        .refuses(PlimsollError::CoolingOff, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    Ok(())
}

/// The collateral cap of SOL is taken up, and a borrower with 100 of it is called.
fn full() -> (Setting, Borrower, Person) {
    let (mut setting, borrower) = called();
    let (sol, other) = (setting.sol.clone(), setting.world.borrower());
    let friend = setting.world.person("friend");
    // 15,000 SOL.
    setting.world.deposit(&other, &sol, sol.atoms("14900")).expect("up to the cap");
    (setting, borrower, friend)
}

#[test]
fn a_called_position_is_rescued_beyond_the_cap_up_to_the_target() -> Told {
    let (mut setting, borrower, friend) = full();
    let sol = setting.sol.clone();
    let world = &mut setting.world;
    let little = sol.atoms("0.5");
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.deposit(&borrower, &sol, little));
    world.rescue(&friend, &borrower, &sol, little)?;
    world.rescue(&borrower, &borrower, &sol, little)?;
    // Not beyond the target.
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.rescue(&friend, &borrower, &sol, 10 * little));
    let total = world.reserve(&sol).state.collateral_atoms;
    assert_eq!(total, sol.atoms("15001"));
    assert_eq!(world.reserve(&sol).state.counted_atoms, sol.atoms("101"), "last-in, as collateral of a debt");
    world.check_invariants();
    Ok(())
}

#[test]
fn nobody_else_passes_the_cap() -> Told {
    let (mut setting, borrower, friend) = full();
    let sol = setting.sol.clone();
    let world = &mut setting.world;
    let free = world.borrower();
    world.wallet(&free, &sol);
    world.wallet(&friend, &sol);
    let one = sol.atoms("1");
    // Without debt, and with health above the call level.
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.rescue(&free, &free, &sol, one));
    world.set_price(&sol, "150");
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.rescue(&friend, &borrower, &sol, one));
    // At a price nobody can tell anything from.
    world.set_price(&sol, "137");
    world.advance(600);
    world.refuses(PlimsollError::StalePrice, |world| world.rescue(&friend, &borrower, &sol, one));
    world.refresh_prices();
    // With another market's policy, or without the legs.
    let own = world.market;
    world.create_market(2, policy())?;
    world.market = own;
    let other = plimsoll_client::address::market(2);
    let with_other = move |instruction: &mut Instruction| instruction.accounts[7].pubkey = other;
    world.refuses(PlimsollError::WrongMarket, |world| {
        world.tampering(with_other, |world| world.rescue(&friend, &borrower, &sol, one))
    });
    world.refuses(PlimsollError::LegMissing, |world| {
        world.tampering(
            |instruction| instruction.accounts.truncate(10),
            |world| world.rescue(&friend, &borrower, &sol, one),
        )
    });
    Ok(())
}

#[test]
fn a_rescue_ends_at_the_allowance() -> Told {
    let mut world = market();
    // A ten-thousandth of the cap of 15,000 SOL.
    let sol = world.add(Spec::volatile("SOL", "150").with(|config| config.caps.rescue_allowance_bps = 1));
    let usdc = world.add(Spec::stable("USDC", "1"));
    let (lender, liquidator) = (world.lender(), world.liquidator());
    world.supply(&lender, &usdc, usdc.atoms("1000000"))?;
    let (mut setting, borrower) = called_in(Setting { world, sol: sol.clone(), usdc, lender, liquidator });
    let world = &mut setting.world;
    let other = world.borrower();
    world.deposit(&other, &sol, sol.atoms("14900"))?;
    let allowance = sol.atoms("1.5");
    world
        .refuses(PlimsollError::CollateralCapExceeded, |world| world.rescue(&borrower, &borrower, &sol, allowance + 1));
    world.rescue(&borrower, &borrower, &sol, allowance)?;
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.rescue(&borrower, &borrower, &sol, 1));
    world.check_invariants();
    Ok(())
}
