//! Interest over time, and who gets it.

use super::common::*;

const YEAR_SECS: i64 = 31_536_000;

#[test]
fn a_year_of_interest_is_exact() -> Told {
    let mut setting = setting();
    let (usdc, sol) = (setting.usdc.clone(), setting.sol.clone());
    let borrower = setting.borrower("10000", "400000");
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    // 40% used; the curve says 10% at 80%, so 5% a year.
    let before = world.reserve(&usdc).state;
    assert_eq!(before.accrued_at, world.unix(), "nothing has accrued yet");
    world.advance(YEAR_SECS);
    world.accrue_interest(&keeper, &usdc)?;

    let after = world.reserve(&usdc).state;
    let interest = usdc.atoms("20000");
    let owed = after.total_debt_atoms() - usdc.atoms("400000");
    // The rate is rounded up to 2^-40, the debt to an atom.
    assert!((interest..=interest + 2).contains(&owed), "{owed}");
    assert_eq!(after.insurance_atoms - before.insurance_atoms, owed / 10);
    assert_eq!(after.fee_atoms - before.fee_atoms, owed / 20);
    let gain = after.assets_atoms() - before.assets_atoms();
    assert!(gain.abs_diff(usdc.atoms("17000")) <= 2, "{gain}");
    world.check_invariants();

    world.refresh_prices();
    assert_eq!(world.quote_position(&borrower).debts[0].owed_atoms, after.total_debt_atoms());
    world.repay(&borrower, &usdc, ALL)?;
    let reserve = world.reserve(&usdc).state;
    assert_eq!((reserve.debt_shares.get(), reserve.total_debt_atoms()), (0, 0));
    world.withdraw(&borrower, &sol, sol.atoms("10000"))?;
    world.check_invariants();
    Ok(())
}

#[test]
fn touching_often_never_earns_a_lender_less() -> Told {
    let mut setting = setting();
    let usdc = setting.usdc.clone();
    setting.borrower("10000", "900000");
    let keeper = setting.world.person("keeper");
    let mut seldom = setting.world.clone();
    let often = &mut setting.world;
    for _ in 0..52 {
        often.advance(YEAR_SECS / 52);
        often.accrue_interest(&keeper, &usdc)?;
    }
    seldom.advance(YEAR_SECS / 52 * 52);
    seldom.accrue_interest(&keeper, &usdc)?;
    let (compound, simple) = (often.reserve(&usdc).state.assets_atoms(), seldom.reserve(&usdc).state.assets_atoms());
    assert!(compound > simple, "{compound} touched weekly, {simple} touched once");
    often.check_invariants();
    seldom.check_invariants();
    Ok(())
}

#[test]
fn a_fully_lent_pool_owes_its_fees_and_pays_them_later() -> Told {
    let mut setting = setting();
    let usdc = setting.usdc.clone();
    let borrower = setting.borrower("13000", "1000000");
    let keeper = setting.world.person("keeper");
    let lender = setting.lender.clone();
    let world = &mut setting.world;
    assert_eq!(world.reserve(&usdc).state.cash_atoms, 0);
    world.advance(YEAR_SECS / 10);
    world.accrue_interest(&keeper, &usdc)?;
    let reserve = world.reserve(&usdc).state;
    assert_eq!((reserve.insurance_atoms, reserve.fee_atoms), (0, 0), "no cash to pay them from");
    let owed = (reserve.insurance_accrued_atoms, reserve.fee_accrued_atoms);
    assert!(owed.0 > 0 && owed.1 > 0);
    world.wallet(&world.treasury.clone(), &usdc);
    world.refuses(PlimsollError::ZeroAmount, |world| world.collect_fees(&keeper, &usdc));
    let shares = world.lender_account(&lender, &usdc).state.shares.get();
    world.refuses(PlimsollError::InsufficientLiquidity, |world| world.redeem(&lender, &usdc, shares / 2));

    world.repay(&borrower, &usdc, usdc.atoms("300000"))?;
    let reserve = world.reserve(&usdc).state;
    assert_eq!((reserve.insurance_accrued_atoms, reserve.fee_accrued_atoms), (0, 0));
    assert_eq!((reserve.insurance_atoms, reserve.fee_atoms), owed);
    let treasury = world.treasury.clone();
    let before = world.balance(&treasury, &usdc);
    world.collect_fees(&keeper, &usdc)?;
    assert_eq!(world.balance(&treasury, &usdc) - before, owed.1);
    world.check_invariants();
    Ok(())
}

#[test]
fn interest_alone_can_make_a_position_liquidatable() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("8000", "820000");
    let world = &mut setting.world;
    let health = |world: &mut World| world.quote_position(&borrower).maintenance_health_e9;
    let mut last = health(world);
    assert!(last > ONE_E9);
    while last >= ONE_E9 {
        world.advance_with_prices(YEAR_SECS / 50);
        let now = health(world);
        assert!(now < last, "interest alone lowers health");
        last = now;
    }
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 0);
    assert!(quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{quote:?}");
    Ok(())
}
