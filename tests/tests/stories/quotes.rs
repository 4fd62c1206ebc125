//! Quotes are tight: what they offer succeeds, a little more does not. And they change nothing.

use super::common::*;

/// Shares and values round an atom each way, and the quote takes two atoms off.
const BORROW_SLACK_ATOMS: u64 = 4;

#[test]
fn what_is_quoted_as_the_most_to_borrow_can_be_borrowed_and_no_more() -> Told {
    for (sol_amount, price) in [("3", "150"), ("777.123456789", "163.41"), ("9000", "87.5")] {
        let mut setting = setting();
        let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
        let borrower = setting.borrower(sol_amount, "100");
        let world = &mut setting.world;
        world.set_price(&sol, price);
        world.refresh_prices();
        let max = world.quote_position(&borrower).debts[0].borrow_max_atoms;
        let more = max + BORROW_SLACK_ATOMS;
        world.refuses(PlimsollError::InitialHealthTooLow, |world| world.borrow(&borrower, &usdc, more));
        world.borrow(&borrower, &usdc, max)?;
        assert!(world.quote_position(&borrower).debts[0].borrow_max_atoms <= BORROW_SLACK_ATOMS);
        world.check_invariants();
    }
    Ok(())
}

#[test]
fn a_quote_bound_by_liquidity_knows_what_a_borrow_books_first() -> Told {
    let mut setting = setting();
    let usdc = setting.usdc.clone();
    let borrower = setting.borrower("14000", "900000");
    let world = &mut setting.world;
    // A month of interest is not booked yet; its parts for insurance and protocol leave cash before a loan does.
    world.advance_with_prices(2_592_000);
    let max = world.quote_position(&borrower).debts[0].borrow_max_atoms;
    let cash = world.reserve(&usdc).state.cash_atoms;
    assert!(0 < max && max <= cash, "{max} of {cash}");
    world.refuses(PlimsollError::InsufficientLiquidity, |world| world.borrow(&borrower, &usdc, cash + 1));
    world.borrow(&borrower, &usdc, max)?;
    assert_eq!(world.reserve(&usdc).state.cash_atoms, 0, "bound by liquidity, to the atom");
    world.check_invariants();
    Ok(())
}

#[test]
fn what_is_quoted_as_the_most_to_withdraw_can_be_withdrawn_and_no_more() -> Told {
    for (sol_amount, debt) in [("3", "100"), ("777.123456789", "31415.926535"), ("9000", "400000")] {
        let mut setting = setting();
        let sol = setting.sol.clone();
        // Another borrower's collateral stands before this one's.
        setting.borrower("1234.5", "50000");
        let borrower = setting.borrower(sol_amount, debt);
        let world = &mut setting.world;
        world.refresh_prices();
        let max = world.quote_position(&borrower).collaterals[0].withdraw_max_atoms;
        assert!(max > 0);
        // The curve is inverted to 2^-30 of what stays; a price has 64 bits.
        let more = max + (sol.atoms(sol_amount) >> 28) + 2;
        world.refuses(PlimsollError::InitialHealthTooLow, |world| world.withdraw(&borrower, &sol, more));
        world.withdraw(&borrower, &sol, max)?;
        world.check_invariants();
    }
    Ok(())
}

#[test]
fn the_quoted_liquidation_price_is_where_liquidation_begins() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10000");
    let world = &mut setting.world;
    world.refresh_prices();
    let quoted = world.quote_position(&borrower).collaterals[0].liquidation_price_nano_usd;
    // Prices have eight decimals, the quote nine. The second until the next price costs an atom of interest, a part of 1e-10.
    let (above, below) = (quoted / 10 + 3, quoted / 10 - 3);
    let at = |number: u64| format!("{}.{:08}", number / 100_000_000, number % 100_000_000);
    world.set_price(&sol, &at(above));
    world.publish(&usdc, Price { publish_time: world.unix(), ..world.price(&usdc) });
    let quote = world.quote_position(&borrower);
    assert!(quote.maintenance_health_e9 >= ONE_E9, "at {above}: {quote:?}");
    assert_eq!(world.quote_liquidation(&borrower, &sol, &usdc, ALL).refusal, u32::from(PlimsollError::Healthy));
    world.set_price(&sol, &at(below));
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    Ok(())
}

#[test]
fn quotes_change_nothing_and_refuse_by_data() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let borrower = setting.borrower("100", "10000");
    let world = &mut setting.world;
    let before = world.snapshot();
    let quote = world.quote_position(&borrower);
    assert_eq!((quote.initial_refusal, quote.is_called), (0, 0), "{quote:?}");
    assert_eq!(world.quote_liquidation(&borrower, &sol, &usdc, ALL).refusal, u32::from(PlimsollError::Healthy));
    assert_eq!(world.quote_liquidation(&borrower, &sol, &usdc, 0).refusal, u32::from(PlimsollError::ZeroAmount));

    world.advance(600);
    let quote = world.quote_position(&borrower);
    assert_eq!(quote.initial_refusal, u32::from(PlimsollError::StalePrice), "{quote:?}");
    assert_eq!((quote.initial_health_e9, quote.debts[0].borrow_max_atoms), (0, 0));
    assert!(quote.maintenance_health_e9 > ONE_E9);
    assert_eq!(world.quote_liquidation(&borrower, &sol, &usdc, ALL).refusal, u32::from(PlimsollError::StalePrice));
    before.assert_unchanged(world);

    world.set_price(&sol, "122");
    let quote = world.quote_position(&borrower);
    assert_eq!(quote.is_called, 1, "margin call below the call level: {quote:?}");
    Ok(())
}

#[test]
fn an_older_offer_is_no_error_and_changes_nothing() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10000");
    let world = &mut setting.world;
    let old = world.price(&sol);
    world.set_price(&sol, "110");
    world.refresh_reserves(&liquidator, &[&sol])?;
    let kept = world.reserve(&sol).state.reading;
    // The nicer, older price is offered: the kept one counts.
    world.publish(&sol, old);
    let quote = world.quote_position(&borrower);
    assert!(quote.maintenance_health_e9 < ONE_E9, "{quote:?}");
    world.refresh_reserves(&liquidator, &[&sol])?;
    assert_eq!(world.reserve(&sol).state.reading, kept);
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    Ok(())
}
