//! When collateral is not enough.

use super::common::*;

/// SOL against two stable debts, with insurance in one of them.
fn two_debts() -> (Setting, Token, Borrower) {
    let mut setting = setting();
    let usdt = setting.world.add(Spec::stable("USDT", "1"));
    let (lender, sol, usdc) = (setting.lender.clone(), setting.sol.clone(), setting.usdc.clone());
    let world = &mut setting.world;
    world.supply(&lender, &usdt, usdt.atoms("50000")).expect("a supply");
    world.fund_insurance(&lender, &usdt, usdt.atoms("300")).expect("insurance");
    let borrower = world.borrower();
    world.deposit(&borrower, &sol, sol.atoms("100")).expect("a deposit");
    world.borrow(&borrower, &usdc, usdc.atoms("6000")).expect("a borrow");
    world.borrow(&borrower, &usdt, usdt.atoms("4000")).expect("a borrow");
    world.pass_cool_off();
    (setting, usdt, borrower)
}

#[test]
fn a_default_with_two_debts_is_settled_debt_by_debt() -> Told {
    let (mut setting, usdt, borrower) = two_debts();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    world.set_price(&sol, "50");
    world.refresh_prices();
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    // Three fifths by value; shares are fixed with 2^-40, and the first is rounded down.
    assert_eq!((quote.is_terminal, sol.atoms("60") - quote.seize_atoms < 1_000), (1, true), "{quote:?}");
    world.refuses(PlimsollError::NothingToSeize, |world| {
        world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
    });
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdt), Limits::NONE)?;
    let position = world.position(&borrower).state;
    assert_eq!(
        (position.collaterals().iter().map(|slot| slot.atoms).sum::<u64>() <= 1, position.debt_count),
        (true, 2),
        "an atom of two roundings at most; the other debt is not writable in a liquidation"
    );

    let owed = world.quote_position(&borrower).debts;
    let before = [world.reserve(&usdc).state, world.reserve(&usdt).state];
    let receipt = world.settle_default(&liquidator, &borrower)?;
    let Event::DefaultSettled(event) = receipt.event() else { panic!("not a settlement: {receipt:?}") };
    let after = [world.reserve(&usdc).state, world.reserve(&usdt).state];
    for index in 0..2 {
        let loss = &event.losses[index];
        assert_eq!(loss.written_off_atoms, owed[index].owed_atoms);
        assert_eq!(
            loss.insurance_atoms + loss.haircut_atoms,
            loss.written_off_atoms,
            "insurance pays, lenders bear the rest"
        );
        assert_eq!(loss.total_assets_atoms, after[index].assets_atoms());
        let fell = before[index].assets_atoms() - after[index].assets_atoms();
        assert!(fell <= loss.haircut_atoms && fell + 2 >= loss.haircut_atoms, "{fell} is the haircut of {loss:?}");
        assert_eq!(after[index].debt_shares.get(), 0);
    }
    assert_eq!(
        event.losses[1].insurance_atoms,
        before[1].insurance_atoms + before[1].insurance_accrued_atoms,
        "all insurance there was"
    );
    let position = world.position(&borrower).state;
    assert_eq!((position.collateral_count, position.debt_count), (0, 0));
    world.check_invariants();

    world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&liquidator, &borrower));
    world.deposit(&borrower, &sol, sol.atoms("1"))?;
    world.withdraw(&borrower, &sol, sol.atoms("1"))?;
    world.close_position(&borrower)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn a_grain_of_collateral_does_not_block_a_settlement_and_becomes_the_insurances() -> Told {
    let (mut setting, usdt, borrower) = two_debts();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    let grain = world.add(Spec::volatile("GRAIN", "1").token_2022());
    world.deposit(&borrower, &grain, grain.atoms("0.9"))?;
    world.set_price(&sol, "50");
    world.refresh_prices();
    let keeper = world.person("keeper");
    world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&keeper, &borrower));
    for debt in [&usdc, &usdt] {
        liquidate_as_quoted(world, &liquidator, &borrower, (&sol, debt), Limits::NONE)?;
    }
    let vault = world.atoms_in(&grain.vault(Vault::Collateral));

    let receipt = world.settle_default(&keeper, &borrower)?;
    let Event::DefaultSettled(event) = receipt.event() else { panic!("not a settlement: {receipt:?}") };
    assert_eq!(event.forfeited_atoms.last(), Some(&grain.atoms("0.9")));
    let reserve = world.reserve(&grain).state;
    assert_eq!((reserve.insurance_collateral_atoms, reserve.collateral_atoms), (grain.atoms("0.9"), 0));
    assert_eq!(world.atoms_in(&grain.vault(Vault::Collateral)), vault, "no token moved");
    world.check_invariants();
    Ok(())
}

#[test]
fn insurance_that_covers_the_loss_spares_the_lenders() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10500");
    let world = &mut setting.world;
    world.fund_insurance(&liquidator, &usdc, usdc.atoms("50000"))?;
    world.set_price(&sol, "60");
    world.accrue_interest(&liquidator, &usdc)?;
    let assets = world.reserve(&usdc).state.assets_atoms();
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 1);
    let reserve = world.reserve(&usdc).state;
    assert!(reserve.assets_atoms() >= assets, "{} after, {assets} before", reserve.assets_atoms());
    assert!(reserve.insurance_atoms < usdc.atoms("50000"), "{}", reserve.insurance_atoms);
    assert_eq!(world.position(&borrower).state.debt_count, 0);
    world.check_invariants();
    Ok(())
}

#[test]
fn a_reserve_that_lost_everything_closes_and_can_still_be_redeemed_from() -> Told {
    let mut world = market();
    let (sol, usdc) = (world.add(Spec::volatile("SOL", "150")), world.add(Spec::stable("USDC", "1")));
    let (lender, liquidator, borrower) = (world.lender(), world.liquidator(), world.borrower());
    world.supply(&lender, &usdc, usdc.atoms("10000"))?;
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("10000"))?;
    world.pass_cool_off();
    // Worth a thousandth of a cent each: all but nothing comes back.
    world.set_price(&sol, "0.00001");
    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!((quote.refusal, quote.is_terminal), (0, 1), "{quote:?}");
    liquidate_as_quoted(&mut world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    let reserve = world.reserve(&usdc).state;
    assert_eq!(reserve.status, plimsoll_engine::state::RESERVE_CLOSED, "{} left", reserve.assets_atoms());

    world.refuses(PlimsollError::ReserveClosed, |world| world.supply(&lender, &usdc, usdc.atoms("1")));
    let shares = world.lender_account(&lender, &usdc).state.shares.get();
    let before = world.purse(&lender, &usdc);
    world.redeem(&lender, &usdc, shares)?;
    assert!(world.purse(&lender, &usdc) > before, "the rest is redeemable");
    world.check_invariants();
    Ok(())
}

#[test]
fn two_terminal_collaterals_are_closed_one_after_the_other() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let bonk = setting.world.add(Spec::volatile("BONK", "100"));
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, sol.atoms("50"))?;
    world.deposit(&borrower, &bonk, bonk.atoms("50"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("8500"))?;
    world.pass_cool_off();
    world.set_price(&sol, "70");
    world.refresh_prices();
    for (token, count) in [(&sol, 1), (&bonk, 0)] {
        let quote = liquidate_as_quoted(world, &liquidator, &borrower, (token, &usdc), Limits::NONE)?;
        assert_eq!(
            (quote.is_terminal, quote.gross_factor_e9),
            (1, 1_050_000_000 - 1),
            "the default bonus, rounded down"
        );
        assert_eq!(world.position(&borrower).state.collateral_count, count);
    }
    assert_eq!(world.position(&borrower).state.debt_count, 0, "the last one settled it");
    Ok(())
}
