//! The full circle: supply, borrow, price fall, liquidation, default, haircut.

use super::common::*;

/// From the first supply to the last redemption, for each pair of token programs.
fn full_circle(volatile: Spec, stable: Spec) -> Told {
    let mut world = market();
    let (sol, usdc) = (world.add(volatile), world.add(stable));
    let (first, second) = (world.lender(), world.lender());
    world.supply(&first, &usdc, usdc.atoms("30000"))?;
    world.supply(&second, &usdc, usdc.atoms("10000"))?;
    world.check_invariants();

    let borrower = world.borrower();
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    let before = world.purse(&borrower, &usdc);
    world.borrow(&borrower, &usdc, usdc.atoms("10500"))?;
    assert_eq!(world.purse(&borrower, &usdc) - before, usdc.atoms("10500"));
    world.check_invariants();

    // A fall that a part of the collateral pays for.
    let liquidator = world.liquidator();
    world.pass_cool_off();
    world.set_price(&sol, "128");
    let quote = liquidate_as_quoted(&mut world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 0);
    assert!(quote.health_before_e9 < ONE_E9);
    assert!(quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{quote:?}");
    assert_eq!(world.quote_position(&borrower).maintenance_health_e9, quote.health_after_e9);
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));

    // And another one.
    world.set_price(&sol, "115");
    let quote = liquidate_as_quoted(&mut world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert!(quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{quote:?}");

    // A gap: what is left of the collateral no longer covers the debt.
    world.fund_insurance(&first, &usdc, usdc.atoms("100"))?;
    world.set_price(&sol, "40");
    let before = world.reserve(&usdc).state;
    let assets_before = before.assets_atoms();
    let quote = liquidate_as_quoted(&mut world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 1);
    let position = world.position(&borrower).state;
    assert_eq!((position.collateral_count, position.debt_count), (0, 0), "emptied and settled in one");

    let after = world.reserve(&usdc).state;
    assert_eq!(after.debt_shares.get(), 0);
    assert_eq!(after.insurance_atoms, 0, "insurance paid first, all it had");
    let lost = assets_before - after.assets_atoms();
    assert!(lost > 0, "the lenders bear the rest");
    world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&liquidator, &borrower));

    // Lenders redeem, and have lost in proportion.
    let shares = [
        world.lender_account(&first, &usdc).state.shares.get(),
        world.lender_account(&second, &usdc).state.shares.get(),
    ];
    let wallets = [world.purse(&first, &usdc), world.purse(&second, &usdc)];
    world.redeem(&first, &usdc, shares[0])?;
    world.redeem(&second, &usdc, shares[1])?;
    let got = [world.purse(&first, &usdc) - wallets[0], world.purse(&second, &usdc) - wallets[1]];
    assert!(got[0].abs_diff(3 * got[1]) <= 3, "three parts and one part: {got:?}");
    assert!(got[0] < usdc.atoms("30000") && got[1] < usdc.atoms("10000"), "{got:?}");
    let left = world.reserve(&usdc).state.assets_atoms();
    assert!(left <= 2, "what rounding leaves: {left}");
    world.check_invariants();

    // What they lost is not forgotten, and one day somebody pays it back.
    world.refuses(PlimsollError::LenderNotEmpty, |world| world.close_lender(&first, &usdc));
    let lost = world.reserve(&usdc).state.claims.outstanding_atoms();
    world.repay_recovery(&liquidator, &usdc, ALL)?;
    for (lender, part) in [(&first, 3 * (lost / 4)), (&second, lost / 4)] {
        let before = world.purse(lender, &usdc);
        world.claim_recovery(lender, &usdc)?;
        assert!((world.purse(lender, &usdc) - before).abs_diff(part) <= 3, "three parts and one part of {lost}");
        world.close_lender(lender, &usdc)?;
    }
    world.close_position(&borrower)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn a_gap_ends_in_insurance_then_a_haircut_booked_once_with_spl_tokens() -> Told {
    full_circle(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"))
}

#[test]
fn a_gap_ends_in_insurance_then_a_haircut_booked_once_with_token_2022() -> Told {
    full_circle(Spec::volatile("SOL", "150").token_2022(), Spec::stable("USDC", "1").token_2022())
}

#[test]
fn a_gap_ends_in_insurance_then_a_haircut_booked_once_with_swapped_oracles_and_mixed_tokens() -> Told {
    full_circle(Spec::volatile("SOL", "150").push(), Spec::stable("USDC", "1").pull().token_2022())
}
