//! A token whose feed is dead must neither make a position immortal nor hand good collateral away.

use super::common::*;

#[test]
fn one_atom_of_a_token_with_a_dead_feed_does_not_stop_a_liquidation() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let dead = setting.world.add(Spec::volatile("DEAD", "10"));
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.deposit(&borrower, &dead, 1)?;
    world.borrow(&borrower, &usdc, usdc.atoms("10500"))?;
    let dead_price = world.price(&dead);

    // Seven hours later nobody has published it again.
    world.advance_with_prices(7 * 3_600);
    world.publish(&dead, dead_price);
    world.set_price(&sol, "125");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert!(quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{quote:?}");
    assert_eq!(world.position(&borrower).state.collateral_count, 2);

    // The dead one itself cannot be priced, so it cannot be seized.
    world.wallet(&liquidator, &dead);
    world.refuses(PlimsollError::StalePrice, |world| {
        world.liquidate(&liquidator, &borrower, &dead, &usdc, Limits::NONE)
    });
    Ok(())
}

/// 100 SOL at 150 and 100 OLD at 100 against 15,000 USDC.
fn sol_and_old(setting: &mut Setting) -> (Token, Borrower) {
    let old = setting.world.add(Spec::volatile("OLD", "100"));
    let borrower = setting.world.borrower();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, sol.atoms("100")).expect("a deposit");
    world.deposit(&borrower, &old, old.atoms("100")).expect("a deposit");
    world.borrow(&borrower, &usdc, usdc.atoms("15000")).expect("a borrow");
    world.pass_cool_off();
    (old, borrower)
}

/// Time passes, and every feed but one goes on.
fn advance_without(world: &mut World, secs: i64, dead: &Token) {
    let last = world.price(dead);
    world.advance_with_prices(secs);
    world.publish(dead, last);
}

#[test]
fn an_old_reading_of_other_collateral_fades_in_a_line_from_the_notice_on() -> Told {
    let mut setting = setting();
    let (old, borrower) = sol_and_old(&mut setting);
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    // What OLD counts: everything but the SOL, rounded down.
    let counts =
        |world: &mut World| world.quote_position(&borrower).collateral_nano_usd.saturating_sub(15_000 * DOLLAR);
    let whole = 10_000 * DOLLAR;

    world.refuses(PlimsollError::PriceNotStale, |world| world.notice_stale_price(&keeper, &old));
    advance_without(world, 3_600, &old);
    world.refuses(PlimsollError::PriceNotStale, |world| world.notice_stale_price(&keeper, &old));
    advance_without(world, 6 * 3_600, &old);
    assert!(counts(world).abs_diff(whole) <= 2, "left alone it does not fade");

    let receipt = world.notice_stale_price(&keeper, &old)?;
    assert!(matches!(receipt.event(), Event::StalePriceNoticed(event) if event.dead_at == world.unix() + 5 * 3_600));
    world.refuses(PlimsollError::PriceNotStale, |world| world.notice_stale_price(&keeper, &old));
    for left in [4, 3, 2, 1, 0, 0] {
        advance_without(world, 3_600, &old);
        let value = counts(world);
        assert!(value.abs_diff(whole * left / 5) <= 20, "{value} with {left} of 5 hours left");
    }

    // A newer price makes it whole at once.
    world.advance_with_prices(1);
    assert!(counts(world).abs_diff(whole) <= 2);
    world.check_invariants();
    Ok(())
}

#[test]
fn good_collateral_behind_a_dead_feed_is_not_settled_away() -> Told {
    let mut setting = setting();
    let (old, borrower) = sol_and_old(&mut setting);
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    advance_without(world, 2 * 3_600, &old);
    world.notice_stale_price(&liquidator, &old)?;
    advance_without(world, 5 * 3_600, &old);
    world.set_price(&sol, "100");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 1, "faded collateral counts nothing in a liquidation: {quote:?}");
    assert_eq!(world.position(&borrower).state.collateral_count, 1);
    world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&liquidator, &borrower));

    // The feed comes back, and with it the position's health.
    world.advance_with_prices(60);
    world.wallet(&liquidator, &old);
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &old, &usdc, Limits::NONE));
    assert_eq!(world.position(&borrower).state.collaterals()[0].atoms, old.atoms("100"));
    Ok(())
}

#[test]
fn a_grain_behind_a_dead_feed_blocks_a_settlement_only_until_it_was_noticed_and_has_faded() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let grain = setting.world.add(Spec::volatile("GRAIN", "1"));
    let borrower = setting.borrower("100", "10000");
    let world = &mut setting.world;
    world.deposit(&borrower, &grain, grain.atoms("0.5"))?;
    advance_without(world, 2 * 3_600, &grain);
    world.set_price(&sol, "50");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 1);
    world.refuses(PlimsollError::StalePrice, |world| world.settle_default(&liquidator, &borrower));

    world.notice_stale_price(&liquidator, &grain)?;
    advance_without(world, 3_600, &grain);
    world.refuses(PlimsollError::StalePrice, |world| world.settle_default(&liquidator, &borrower));
    advance_without(world, 4 * 3_600, &grain);
    world.settle_default(&liquidator, &borrower)?;
    let position = world.position(&borrower).state;
    assert_eq!((position.collateral_count, position.debt_count), (0, 0));
    world.check_invariants();
    Ok(())
}
