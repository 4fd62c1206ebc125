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
    world.refuses(PlimsollError::StalePrice, |world| world.liquidate(&liquidator, &borrower, &dead, &usdc, Limits::NONE));
    Ok(())
}

#[test]
fn old_readings_of_other_collateral_fade_between_stale_and_dead() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let old = setting.world.add(Spec::volatile("OLD", "100"));
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.deposit(&borrower, &old, old.atoms("100"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("15000"))?;
    let keeper = world.person("keeper");
    let published = world.unix();
    // SOL and USDC live on, OLD does not.
    let mut plain = |world: &mut World, at_secs: i64| {
        world.advance(published + at_secs - world.unix());
        let last = world.price(&old);
        world.refresh_prices();
        world.publish(&old, last);
        world.refresh_reserves(&keeper, &[&sol, &usdc]).expect("a refresh");
        let all = world.quote_position(&borrower).collateral_nano_usd;
        all - 15_000 * DOLLAR
    };
    // Stale after an hour, dead after six: a line between.
    assert_eq!(plain(world, 3_600).abs_diff(10_000 * DOLLAR) / DOLLAR, 0);
    for (hours, part) in [(2, 4), (3, 3), (4, 2), (5, 1)] {
        let value = plain(world, hours * 3_600);
        assert!(value.abs_diff(10_000 * DOLLAR * part / 5) <= DOLLAR * 2, "{value} after {hours} h");
    }
    assert_eq!(plain(world, 6 * 3_600), 0);
    assert_eq!(plain(world, 7 * 3_600), 0);
    world.check_invariants();
    Ok(())
}

#[test]
fn good_collateral_behind_a_dead_feed_is_not_settled_away() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let old = setting.world.add(Spec::volatile("OLD", "100"));
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.deposit(&borrower, &old, old.atoms("100"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("15000"))?;
    let last = world.price(&old);
    world.advance_with_prices(7 * 3_600);
    world.publish(&old, last);
    world.set_price(&sol, "100");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 1, "faded collateral counts nothing in a liquidation: {quote:?}");
    assert_eq!(world.position(&borrower).state.collateral_count, 1);
    world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&liquidator, &borrower));

    // The feed comes back: it is seized like any other.
    world.advance_with_prices(60);
    liquidate_as_quoted(world, &liquidator, &borrower, (&old, &usdc), Limits::NONE)?;
    Ok(())
}
