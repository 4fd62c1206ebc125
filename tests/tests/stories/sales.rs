//! The recovery sale of a marked position: its price falls until somebody takes it, alike for large and small purchases.

use super::common::*;

/// Auction time of the test market, seconds.
const AUCTION_SECS: i64 = 3_600;
/// Default bonus of 5%, and a margin of 10% below what a forced sale brings.
const FIRST_E9: u64 = 1_050_000_000;

/// 1,000 SOL at 80 USD against 100,000 USDC, marked.
fn on_sale() -> (Setting, Borrower, Person) {
    let mut setting = setting();
    let borrower = setting.borrower("1000", "100000");
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    world.set_price(&setting.sol, "80");
    world.refresh_prices();
    world.mark_default(&keeper, &borrower).expect("a mark");
    (setting, borrower, keeper)
}

#[test]
fn the_price_falls_from_the_default_bonus_to_what_a_forced_sale_brings_less_a_margin() -> Told {
    let (mut setting, borrower, _) = on_sale();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    let at_once = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!((at_once.refusal, at_once.is_terminal, at_once.seize_atoms), (0, 1, sol.atoms("1000")), "{at_once:?}");
    assert!(at_once.gross_factor_e9.abs_diff(FIRST_E9) <= 50_000, "a second has passed: {at_once:?}");

    world.advance_with_prices(AUCTION_SECS / 2);
    let halfway = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    world.advance_with_prices(AUCTION_SECS);
    let last = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert!(at_once.repay_atoms > halfway.repay_atoms && halfway.repay_atoms > last.repay_atoms);
    let middle = (at_once.repay_atoms + last.repay_atoms) / 2;
    assert!(halfway.repay_atoms.abs_diff(middle) < middle / 1_000, "in a line: {halfway:?}");
    // Nine tenths of the asset liquidation value.
    let alv = world.quote_position(&borrower).collaterals[0].alv_nano_usd;
    assert!((last.repay_atoms * 1_000).abs_diff(alv / 10 * 9) < alv / 1_000, "{alv} {last:?}");

    let loss = world.quote_position(&borrower).debt_nano_usd / 1_000 - last.repay_atoms;
    let receipt = world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("{receipt:?}") };
    assert!(event.written_off_atoms.abs_diff(loss) <= 2, "settled at once: {event:?}");
    assert_eq!(world.reserve(&usdc).state.provision_atoms(), 0);
    world.check_invariants();
    Ok(())
}

#[test]
fn a_hundred_small_purchases_at_one_moment_pay_what_one_large_one_pays() -> Told {
    let (mut setting, borrower, _) = on_sale();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    setting.world.advance_with_prices(AUCTION_SECS / 2);
    let world = &mut setting.world;
    let one = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let (mut repaid, mut seized) = (0, 0);
    let slice = Limits::repay_max(one.repay_atoms / 100);
    while seized < one.seize_atoms {
        let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), slice)?;
        assert!(quote.repay_atoms > slice.repay_max_atoms / 2 || seized + quote.seize_atoms == one.seize_atoms);
        (repaid, seized) = (repaid + quote.repay_atoms, seized + quote.seize_atoms);
    }
    assert_eq!(seized, one.seize_atoms);
    // Each purchase is rounded up to an atom, to the lenders' advantage.
    assert!(repaid >= one.repay_atoms && repaid < one.repay_atoms + 200, "{repaid} {}", one.repay_atoms);
    world.check_invariants();
    Ok(())
}

#[test]
fn one_of_two_debts_does_not_take_all_the_collateral() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    let eur = world.add(Spec::stable("EURC", "1.25"));
    let (lender, borrower, keeper) = (world.lender(), world.borrower(), world.person("keeper"));
    world.supply(&lender, &eur, eur.atoms("100000"))?;
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("7500"))?;
    world.borrow(&borrower, &eur, eur.atoms("2000"))?;
    world.pass_cool_off();
    world.set_price(&sol, "80");
    world.refresh_prices();
    world.mark_default(&keeper, &borrower)?;

    // Three quarters and one quarter, by value.
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert!(quote.seize_atoms.abs_diff(sol.atoms("75")) < sol.atoms("0.001"), "{quote:?}");
    world.wallet(&liquidator, &eur);
    world.refuses(PlimsollError::NothingToSeize, |world| {
        world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
    });
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &eur), Limits::NONE)?;
    assert!(quote.seize_atoms.abs_diff(sol.atoms("25")) < sol.atoms("0.001"), "{quote:?}");
    world.settle_default(&keeper, &borrower)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn a_mark_nobody_renews_lapses_and_the_next_begins_a_new_sale() -> Told {
    let (mut setting, borrower, keeper) = on_sale();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    world.advance_with_prices(2 * AUCTION_SECS + 60);
    let at_first = |world: &mut World| {
        let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
        assert!(quote.gross_factor_e9.abs_diff(FIRST_E9) <= 100_000, "{quote:?}");
    };
    at_first(world);
    world.mark_default(&keeper, &borrower)?;
    assert_eq!(world.position(&borrower).state.defaulted_at, world.unix());
    at_first(world);
    // Renewed in time, it goes on.
    for _ in 0..3 {
        world.advance_with_prices(AUCTION_SECS);
        world.mark_default(&keeper, &borrower)?;
    }
    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert!(quote.gross_factor_e9 > 1_100_000_000, "{quote:?}");
    world.check_invariants();
    Ok(())
}

#[test]
fn a_mark_ends_where_the_position_can_pay_again() -> Told {
    let (mut setting, borrower, keeper) = on_sale();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    world.advance_with_prices(AUCTION_SECS);
    // Unhealthy, but worth more than debt and default bonus: an ordinary liquidation, and the mark is gone with it.
    world.set_price(&sol, "120");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 0, "{quote:?}");
    assert!(quote.gross_factor_e9 <= 1_100_000_000, "{quote:?}");
    assert_eq!(world.position(&borrower).state.defaulted_at, 0);
    // The next fall begins a new sale, at its beginning.
    world.set_price(&sol, "60");
    world.refresh_prices();
    world.mark_default(&keeper, &borrower)?;
    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert!(quote.gross_factor_e9.abs_diff(FIRST_E9) <= 50_000, "{quote:?}");
    world.check_invariants();
    Ok(())
}
