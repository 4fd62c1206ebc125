//! The sales throttle: a market sells no faster than its depth allows, and whoever cannot wait goes first.

use super::common::*;

/// A market whose SOL may be sold at 100 SOL an hour.
fn narrow() -> Setting {
    let mut world = market();
    let sol = world.add(Spec::volatile("SOL", "150").with(|config| config.bonus.throttle_share_bps = 1));
    let usdc = world.add(Spec::stable("USDC", "1"));
    let (lender, liquidator) = (world.lender(), world.liquidator());
    world.supply(&lender, &usdc, usdc.atoms("1000000")).expect("a supply");
    Setting { world, sol, usdc, lender, liquidator }
}

fn code(error: PlimsollError) -> u32 {
    error.into()
}

#[test]
fn a_cascade_is_paced_and_every_quote_says_when_more_comes() -> Told {
    let mut setting = narrow();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrowers: Vec<Borrower> = (0..3).map(|_| setting.borrower("100", "10500")).collect();
    let world = &mut setting.world;
    world.set_price(&sol, "125");
    let pair = (&sol, &usdc);

    // Health 0.94 fills the bucket to 60 of its 100 SOL: the first takes what it wants, the second the rest.
    let first = liquidate_as_quoted(world, &liquidator, &borrowers[0], pair, Limits::NONE)?;
    assert_eq!((first.is_throttled, first.is_terminal), (0, 0), "{first:?}");
    assert!(first.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{first:?}");
    let second = liquidate_as_quoted(world, &liquidator, &borrowers[1], pair, Limits::NONE)?;
    assert_eq!((second.is_throttled, second.seize_atoms), (1, second.throttle_left_atoms), "{second:?}");
    assert!(second.throttle_share_atoms - first.seize_atoms >= second.throttle_left_atoms, "{second:?}");
    assert!(second.health_before_e9 < second.health_after_e9 && second.health_after_e9 < ONE_E9, "{second:?}");

    // The third must wait, and is told until when.
    let third = world.quote_liquidation(&borrowers[2], &sol, &usdc, ALL);
    assert_eq!((third.refusal, third.throttle_left_atoms, third.seize_atoms), (code(PlimsollError::Throttled), 0, 0));
    world.refuses(PlimsollError::Throttled, |world| {
        world.liquidate(&liquidator, &borrowers[2], &sol, &usdc, Limits::NONE)
    });
    let wait = third.retry_unix - world.unix();
    assert!((1..60).contains(&wait), "it leaks 28 million atoms a second: {third:?}");
    world.advance_with_prices(wait);
    assert_eq!(world.quote_liquidation(&borrowers[2], &sol, &usdc, ALL).refusal, 0);

    // Half an hour empties half of it.
    world.advance_with_prices(1_800);
    let third = liquidate_as_quoted(world, &liquidator, &borrowers[2], pair, Limits::NONE)?;
    assert!(third.seize_atoms > sol.atoms("35"), "{third:?}");
    Ok(())
}

#[test]
fn a_crowd_of_barely_unhealthy_positions_leaves_three_quarters_to_an_urgent_one() -> Told {
    let mut setting = narrow();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let crowd: Vec<Borrower> = (0..4).map(|_| setting.borrower("100", "10500")).collect();
    let urgent = setting.borrower("100", "11000");
    let world = &mut setting.world;
    world.set_price(&sol, "131");
    let mut sold = 0;
    for borrower in &crowd {
        if world.quote_liquidation(borrower, &sol, &usdc, ALL).refusal == 0 {
            sold += liquidate_as_quoted(world, &liquidator, borrower, (&sol, &usdc), Limits::NONE)?.seize_atoms;
        } else {
            world.wallet(&liquidator, &sol);
            world.refuses(PlimsollError::Throttled, |world| {
                world.liquidate(&liquidator, borrower, &sol, &usdc, Limits::NONE)
            });
        }
    }
    let quarter = sol.atoms("25");
    assert!(quarter.abs_diff(sold) <= 1, "a quarter of 100 SOL, rounded: {sold}");
    let quote = liquidate_as_quoted(world, &liquidator, &urgent, (&sol, &usdc), Limits::NONE)?;
    assert!(quote.seize_atoms > quarter, "{quote:?}");
    Ok(())
}

#[test]
fn a_terminal_position_neither_waits_for_the_throttle_nor_fills_it() -> Told {
    let mut setting = narrow();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let (whale, hopeless) = (setting.borrower("1000", "105000"), setting.borrower("100", "10900"));
    let world = &mut setting.world;
    // The whale fills what its urgency allows; at 113 USD the other is worth less than its debt and the default bonus.
    world.set_price(&sol, "113");
    let filled = liquidate_as_quoted(world, &liquidator, &whale, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(filled.is_throttled, 1, "{filled:?}");
    let before = world.reserve(&sol).state.throttle;
    let quote = liquidate_as_quoted(world, &liquidator, &hopeless, (&sol, &usdc), Limits::NONE)?;
    assert_eq!((quote.is_terminal, quote.seize_atoms), (1, sol.atoms("100")), "{quote:?}");
    assert_eq!(world.reserve(&sol).state.throttle, before);
    Ok(())
}

#[test]
fn dust_waits_for_the_throttle_and_goes_when_there_is_room() -> Told {
    let mut setting = narrow();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let whale = setting.borrower("1000", "105000");
    let small = setting.borrower("0.0395", "4.1");
    // Repaid down to a debt below dust, on less collateral.
    setting.world.repay(&small, &usdc, usdc.atoms("3.2"))?;
    setting.world.withdraw(&small, &sol, sol.atoms("0.03085"))?;
    setting.world.pass_cool_off();
    let world = &mut setting.world;
    world.set_price(&sol, "125");
    liquidate_as_quoted(world, &liquidator, &whale, (&sol, &usdc), Limits::NONE)?;
    world.refuses(PlimsollError::Throttled, |world| world.liquidate(&liquidator, &whale, &sol, &usdc, Limits::NONE));
    world.refuses(PlimsollError::Throttled, |world| world.liquidate(&liquidator, &small, &sol, &usdc, Limits::NONE));
    // A minute after its first atom would fit, its hundredth of a SOL does.
    let wait = world.quote_liquidation(&small, &sol, &usdc, ALL).retry_unix - world.unix();
    world.advance_with_prices(wait + 60);
    let quote = liquidate_as_quoted(world, &liquidator, &small, (&sol, &usdc), Limits::NONE)?;
    assert_eq!((quote.is_throttled, world.position(&small).state.debt_count), (0, 0), "{quote:?}");
    Ok(())
}

#[test]
fn the_auction_waits_while_the_throttle_leaves_less_than_half_a_share() -> Told {
    let mut setting = narrow();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let (whale, keeper) = (setting.borrower("1000", "105000"), setting.world.person("keeper"));
    let world = &mut setting.world;
    world.set_price(&sol, "130");
    world.flag(&keeper, &whale, &sol, &usdc)?;
    world.advance_with_prices(60);
    let sold = liquidate_as_quoted(world, &liquidator, &whale, (&sol, &usdc), Limits::NONE)?;
    assert_eq!((sold.is_throttled, sold.auction_secs), (1, 60), "{sold:?}");
    // Its share leaks out at 100 SOL an hour; until half of it is free again, no time counts.
    let share_secs = i64::try_from(sold.throttle_share_atoms * 36 / sol.atoms("1")).expect("less than an hour");
    world.advance_with_prices(share_secs / 2 - 30);
    world.refuses(PlimsollError::Throttled, |world| world.flag(&keeper, &whale, &sol, &usdc));
    world.advance_with_prices(60);
    world.flag(&keeper, &whale, &sol, &usdc)?;
    assert_eq!(world.position(&whale).state.auction_secs, 120, "what the last sighting vouched for, no more");
    world.check_invariants();
    Ok(())
}
