//! The flag and its clock: the bonus rises with time in which the position could be liquidated, and with no other.

use super::common::*;

/// Auction time of the test market, and how long a sighting vouches.
const AUCTION_SECS: u64 = 3_600;
const SIGHTING_SECS: i64 = 60;

/// 100 SOL against 10,500 USDC at a price that leaves health a little below one.
fn barely_unhealthy() -> (Setting, Borrower, Person) {
    let mut setting = setting();
    let borrower = setting.borrower("100", "10500");
    let keeper = setting.world.person("keeper");
    setting.world.set_price(&setting.sol, "131");
    let health = setting.world.quote_position(&borrower).maintenance_health_e9;
    assert!((980_000_000..ONE_E9).contains(&health), "{health}");
    (setting, borrower, keeper)
}

/// A keeper looks at the position, by its SOL and its USDC.
fn flag(world: &mut World, keeper: &Person, borrower: &Borrower) -> Outcome {
    let (sol, usdc) = (world.tokens()[0].clone(), world.tokens()[1].clone());
    world.flag(keeper, borrower, &sol, &usdc)
}

/// Looks at the position every `secs`, `times` times, with fresh prices.
fn look(world: &mut World, keeper: &Person, borrower: &Borrower, secs: i64, times: u32) -> Told {
    for _ in 0..times {
        world.advance_with_prices(secs);
        flag(world, keeper, borrower)?;
    }
    Ok(())
}

fn auction_secs(world: &mut World, borrower: &Borrower) -> u64 {
    world.quote_position(borrower).auction_secs
}

#[test]
fn the_bonus_rises_in_a_line_while_the_position_is_seen_and_clears_the_auction_at_its_largest() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    let receipt = flag(world, &keeper, &borrower)?;
    let Event::PositionFlagged(flagged) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((flagged.auction_secs, flagged.flagged_at), (0, world.unix()));
    let at_once = world.quote_liquidation(&borrower, &sol, &usdc, ALL);

    look(world, &keeper, &borrower, SIGHTING_SECS, 30)?;
    assert_eq!(auction_secs(world, &borrower), AUCTION_SECS / 2);
    let halfway = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    // From 2% to 10% over the auction: 6% halfway, more than health alone gives.
    assert_eq!(halfway.gross_factor_e9, 1_059_999_999, "1.06, rounded down: {halfway:?}");
    assert!(at_once.gross_factor_e9 < halfway.gross_factor_e9, "{at_once:?}");

    look(world, &keeper, &borrower, SIGHTING_SECS, 30)?;
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!((quote.gross_factor_e9, quote.auction_secs), (1_099_999_999, AUCTION_SECS), "1.1, rounded down");
    let state = world.position(&borrower).state;
    assert_eq!((state.flagged_at, state.auction_secs), (0, 0), "health is back, the flag gone");
    Ok(())
}

#[test]
fn time_in_which_nobody_looked_counts_as_long_as_a_sighting_vouches() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let world = &mut setting.world;
    flag(world, &keeper, &borrower)?;
    // A day without a look.
    world.advance_with_prices(86_400);
    assert_eq!(auction_secs(world, &borrower), 60);
    flag(world, &keeper, &borrower)?;
    look(world, &keeper, &borrower, 10, 3)?;
    assert_eq!(auction_secs(world, &borrower), 90, "and shorter gaps count as they are");
    world.check_invariants();
    Ok(())
}

#[test]
fn a_liquidation_of_a_part_is_a_sighting_too() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    flag(world, &keeper, &borrower)?;
    world.advance_with_prices(40);
    let little = Limits::repay_max(usdc.atoms("10"));
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), little)?;
    let state = world.position(&borrower).state;
    assert_eq!((state.auction_secs, state.auction_counted_at), (40, world.unix()), "still below one");
    world.check_invariants();
    Ok(())
}

#[test]
fn health_regained_kills_the_flag_and_the_next_one_starts_at_zero() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let sol = setting.sol.clone();
    let world = &mut setting.world;
    flag(world, &keeper, &borrower)?;
    look(world, &keeper, &borrower, SIGHTING_SECS, 5)?;
    assert_eq!(auction_secs(world, &borrower), 300);

    world.set_price(&sol, "150");
    let receipt = flag(world, &keeper, &borrower)?;
    assert!(matches!(receipt.event(), Event::FlagCleared(_)), "{receipt:?}");
    assert_eq!(auction_secs(world, &borrower), 0);
    world.refuses(PlimsollError::Healthy, |world| flag(world, &keeper, &borrower));

    world.set_price(&sol, "131");
    flag(world, &keeper, &borrower)?;
    assert_eq!(auction_secs(world, &borrower), 0);
    world.check_invariants();
    Ok(())
}

#[test]
fn an_action_of_the_owner_that_proves_health_ends_the_auction() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    flag(world, &keeper, &borrower)?;
    look(world, &keeper, &borrower, SIGHTING_SECS, 3)?;
    // A deposit needs no price, so it proves nothing; the borrow after it does.
    world.deposit(&borrower, &sol, sol.atoms("40"))?;
    assert_ne!(world.position(&borrower).state.flagged_at, 0);
    world.borrow(&borrower, &usdc, usdc.atoms("1"))?;
    assert_eq!(world.position(&borrower).state.flagged_at, 0);
    // And so does the end of all debt.
    world.set_price(&sol, "95");
    world.pass_cool_off();
    world.refresh_prices();
    flag(world, &keeper, &borrower)?;
    world.repay(&borrower, &usdc, ALL)?;
    let state = world.position(&borrower).state;
    assert_eq!((state.flagged_at, state.called_at, state.debt_count), (0, 0, 0));
    world.check_invariants();
    Ok(())
}

#[test]
fn a_flag_dies_after_two_auction_times_and_a_new_one_starts_at_zero() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    flag(world, &keeper, &borrower)?;
    look(world, &keeper, &borrower, SIGHTING_SECS, 119)?;
    assert_eq!(auction_secs(world, &borrower), 2 * AUCTION_SECS - 60);
    let first = world.quote_position(&borrower).flagged_at;
    world.advance_with_prices(SIGHTING_SECS);
    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!((quote.auction_secs, world.quote_position(&borrower).flagged_at), (0, 0), "dead: {quote:?}");
    assert!(quote.gross_factor_e9 < 1_060_000_000, "the bonus of health alone: {quote:?}");

    flag(world, &keeper, &borrower)?;
    let quote = world.quote_position(&borrower);
    assert_eq!((quote.auction_secs, quote.flagged_at), (0, world.unix()));
    assert_ne!(quote.flagged_at, first);
    world.check_invariants();
    Ok(())
}

#[test]
fn what_could_not_be_liquidated_is_not_flagged() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    // A price too old.
    let last = world.price(&sol);
    world.advance_with_prices(600);
    world.publish(&sol, last);
    world.refuses(PlimsollError::StalePrice, |world| flag(world, &keeper, &borrower));
    // A price too uncertain.
    let now = world.unix();
    world.publish(&sol, Price { publish_time: now, confidence: dollars("10").unsigned_abs(), ..last });
    world.refuses(PlimsollError::ConfidenceTooWide, |world| flag(world, &keeper, &borrower));
    // A position that cools off.
    world.set_price(&sol, "160");
    world.borrow(&borrower, &usdc, usdc.atoms("10"))?;
    world.set_price(&sol, "131");
    world.refuses(PlimsollError::CoolingOff, |world| flag(world, &keeper, &borrower));
    world.pass_cool_off();
    world.refresh_prices();
    flag(world, &keeper, &borrower)?;
    Ok(())
}

#[test]
fn a_flag_is_not_taken_away_by_an_old_or_uncertain_price_that_looks_healthy() -> Told {
    let (mut setting, borrower, keeper) = barely_unhealthy();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    let healthy_before = Price { spot: dollars("150"), average: dollars("150"), ..world.price(&sol) };
    world.advance_with_prices(20);
    flag(world, &keeper, &borrower)?;
    let clock = |world: &World| {
        let state = world.position(&borrower).state;
        (state.flagged_at, state.auction_secs)
    };
    let flagged = clock(world);
    // Older than the one it was flagged at: the newer, kept one counts.
    world.publish(&sol, healthy_before);
    flag(world, &keeper, &borrower)?;
    assert_eq!(clock(world), flagged);
    // Nothing offered, when what is kept is too old to tell.
    world.advance_with_prices(70);
    world.set_price(&sol, "150");
    let late = Price { publish_time: world.unix() - 65, ..world.price(&sol) };
    world.publish(&sol, late);
    world.refuses(PlimsollError::StalePrice, |world| flag(world, &keeper, &borrower));
    // Uncertain enough to move the price for the borrower.
    let wide = Price { publish_time: world.unix(), confidence: dollars("3").unsigned_abs(), ..late };
    world.publish(&sol, wide);
    world.refuses(PlimsollError::ConfidenceTooWide, |world| flag(world, &keeper, &borrower));
    world.publish(&sol, Price { confidence: 0, ..wide });
    let receipt = world.flag(&keeper, &borrower, &sol, &usdc)?;
    assert!(matches!(receipt.event(), Event::FlagCleared(_)), "{receipt:?}");
    Ok(())
}

#[test]
fn a_borrower_is_called_once_for_each_fall_below_the_call_level() -> Told {
    let mut setting = setting();
    let (sol, borrower) = (setting.sol.clone(), setting.borrower("100", "10000"));
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    world.refuses(PlimsollError::Healthy, |world| flag(world, &keeper, &borrower));
    for _ in 0..2 {
        world.set_price(&sol, "131");
        let receipt = flag(world, &keeper, &borrower)?;
        let Event::MarginCalled(called) = receipt.event() else { panic!("{receipt:?}") };
        assert!(ONE_E9 <= called.health_e9 && called.health_e9 < called.call_level_e9, "{called:?}");
        assert_eq!((called.call_level_e9, called.owner), (1_050_000_000, borrower.address()));
        world.refuses(PlimsollError::Healthy, |world| flag(world, &keeper, &borrower));

        world.set_price(&sol, "150");
        let receipt = flag(world, &keeper, &borrower)?;
        assert!(matches!(receipt.event(), Event::FlagCleared(_)), "{receipt:?}");
        world.refuses(PlimsollError::Healthy, |world| flag(world, &keeper, &borrower));
    }
    Ok(())
}
