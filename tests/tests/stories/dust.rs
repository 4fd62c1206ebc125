//! No crumbs: rests too small to liquidate later are not left behind. Dust is one dollar in the test market.

use super::common::*;

/// A borrower of five dollars at health 0.9: the target asks for 4.41, which would leave 0.59.
fn small_debt(setting: &mut Setting) -> Borrower {
    let borrower = setting.borrower("1", "5");
    let (usdc, sol) = (setting.usdc.clone(), setting.sol.clone());
    let world = &mut setting.world;
    // Nearly all of the collateral goes out again; the price does the rest.
    let most = world.quote_position(&borrower).collaterals[0].withdraw_max_atoms;
    world.withdraw(&borrower, &sol, most).expect("a withdrawal within the quote");
    world.pass_cool_off();
    let health = world.quote_position(&borrower).maintenance_health_e9;
    let price = u128::from(150 * 100_000_000u64) * 900_000_000 / u128::from(health);
    let price = format!("{}.{:08}", price / 100_000_000, price % 100_000_000);
    world.set_price(&sol, &price);
    let quote = world.quote_position(&borrower);
    assert!(quote.maintenance_health_e9.abs_diff(900_000_000) < 2_000_000, "{quote:?}");
    assert!(quote.debts[0].owed_atoms.abs_diff(usdc.atoms("5")) < 10, "{quote:?}");
    borrower
}

#[test]
fn a_debt_rest_below_dust_is_repaid_too() -> Told {
    let mut setting = setting();
    let borrower = small_debt(&mut setting);
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let quote = liquidate_as_quoted(&mut setting.world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(setting.world.position(&borrower).state.debt_count, 0, "{quote:?}");
    assert_eq!(setting.world.position(&borrower).state.collateral_count, 1, "what is left stays the borrower's");
    Ok(())
}

#[test]
fn a_bound_that_would_leave_dust_leaves_exactly_dust_or_is_refused() -> Told {
    let mut setting = setting();
    let borrower = small_debt(&mut setting);
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;

    let bound = Limits::repay_max(usdc.atoms("4.6"));
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), bound)?;
    let rest = world.quote_position(&borrower).debts[0].owed_atoms;
    assert!((usdc.atoms("1")..=usdc.atoms("1") + 2).contains(&rest), "{rest} of {quote:?}");

    // Down to half a dollar by the owner, who may; then no bound below the whole fits.
    world.repay(&borrower, &usdc, usdc.atoms("0.5"))?;
    let health = world.quote_position(&borrower).maintenance_health_e9;
    let spot = u128::try_from(world.price(&sol).spot).expect("a positive price") * 950_000_000 / u128::from(health);
    world.set_price(&sol, &format!("{}.{:08}", spot / 100_000_000, spot % 100_000_000));
    world.refuses(PlimsollError::RepayMaxBelowDust, |world| {
        world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::repay_max(usdc.atoms("0.4")))
    });
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(world.position(&borrower).state.debt_count, 0);
    Ok(())
}

/// 300 BONK at a dollar beside 9 SOL; what of the BONK a liquidation takes depends on how far SOL falls.
fn two_collaterals(setting: &mut Setting) -> (Token, Borrower) {
    let bonk = setting.world.add(Spec::volatile("BONK", "1"));
    let borrower = setting.world.borrower();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    world.deposit(&borrower, &bonk, bonk.atoms("300")).expect("a deposit");
    world.deposit(&borrower, &sol, sol.atoms("9")).expect("a deposit");
    world.borrow(&borrower, &usdc, usdc.atoms("1150")).expect("a borrow");
    world.pass_cool_off();
    (bonk, borrower)
}

#[test]
fn a_collateral_rest_below_dust_is_seized_too() -> Told {
    let mut setting = setting();
    let (bonk, borrower) = two_collaterals(&mut setting);
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    // The lower SOL, the more BONK restores health; between 299 and 300 nothing is ever asked for.
    let mut cents = 13_150u64;
    let quote = loop {
        world.set_price(&sol, &format!("{}.{:02}", cents / 100, cents % 100));
        world.refresh_prices();
        let quote = world.quote_liquidation(&borrower, &bonk, &usdc, ALL);
        if quote.seize_atoms == bonk.atoms("300") {
            break quote;
        }
        assert!(quote.seize_atoms <= bonk.atoms("299"), "{quote:?}");
        cents -= 1;
    };
    assert!(quote.health_after_e9 > TARGET_E9, "more than the target asks for: {quote:?}");
    assert!(quote.health_after_e9 < TARGET_E9 + TARGET_SLACK_E9, "but a dollar of 1,150: {quote:?}");
    // The repayment is what all of the collateral is worth, over the gross factor, rounded up.
    // The quoted factor is rounded down to 1e-9: up to that much a repaid atom is missing from the product.
    let paid = u128::from(quote.repay_atoms) * (u128::from(quote.gross_factor_e9) + 1);
    let worth = u128::from(usdc.atoms("300")) * u128::from(ONE_E9);
    assert!(
        paid >= worth && paid < worth + 2 * u128::from(quote.gross_factor_e9) + u128::from(quote.repay_atoms),
        "{quote:?}"
    );
    liquidate_as_quoted(world, &liquidator, &borrower, (&bonk, &usdc), Limits::NONE)?;
    assert_eq!(world.position(&borrower).state.collateral_count, 1);
    Ok(())
}

#[test]
fn a_bound_on_the_repayment_may_leave_collateral_dust_and_the_next_call_takes_it_whole() -> Told {
    let mut setting = setting();
    let (bonk, borrower) = two_collaterals(&mut setting);
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    world.set_price(&sol, "118");
    world.refresh_prices();
    let wanted = world.quote_liquidation(&borrower, &bonk, &usdc, ALL);
    assert_eq!((wanted.refusal, wanted.seize_atoms), (0, bonk.atoms("300")), "{wanted:?}");

    let bound = wanted.repay_atoms - usdc.atoms("0.6");
    let bounded = liquidate_as_quoted(world, &liquidator, &borrower, (&bonk, &usdc), Limits::repay_max(bound))?;
    assert!(bounded.seize_atoms < bonk.atoms("300"), "`repay_max` is hard: {bounded:?}");
    let rest = liquidate_as_quoted(world, &liquidator, &borrower, (&bonk, &usdc), Limits::NONE)?;
    assert_eq!(bounded.seize_atoms + rest.seize_atoms, bonk.atoms("300"));
    assert_eq!(world.position(&borrower).state.collateral_count, 1);
    Ok(())
}
