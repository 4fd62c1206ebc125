//! Initial health counts a position's collateral last in, behind everybody else's that backs debt.

use super::common::*;

/// What a new borrower with so much SOL may borrow.
fn borrow_max(setting: &mut Setting, sol: &str) -> (Borrower, u64) {
    let borrower = setting.world.borrower();
    let (token, usdc) = (setting.sol.clone(), setting.usdc.clone());
    setting.world.deposit(&borrower, &token, token.atoms(sol)).expect("a deposit");
    setting.world.borrow(&borrower, &usdc, usdc.atoms("4.1")).expect("a small borrow opens the slot");
    let max = setting.world.quote_position(&borrower).debts[0].borrow_max_atoms;
    (borrower, max)
}

#[test]
fn splitting_a_position_does_not_raise_what_can_be_borrowed() -> Told {
    let (mut whole, mut split) = (setting(), setting());
    let usdc = whole.usdc.clone();
    let (_, once) = borrow_max(&mut whole, "12000");
    let mut sum = 0;
    for _ in 0..4 {
        let (borrower, max) = borrow_max(&mut split, "3000");
        split.world.borrow(&borrower, &split.usdc.clone(), max)?;
        sum += max + usdc.atoms("4.1");
    }
    let once = once + usdc.atoms("4.1");
    assert!(sum <= once, "{sum} in four positions, {once} in one");
    assert!(once - sum < once / 1_000, "and it telescopes: {sum} in four positions, {once} in one");
    split.world.check_invariants();
    Ok(())
}

#[test]
fn collateral_of_a_repaid_position_counts_until_somebody_uncounts_it() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let first = setting.borrower("10000", "100000");
    let keeper = setting.world.person("keeper");
    let (second, crowded) = borrow_max(&mut setting, "3000");
    let world = &mut setting.world;
    world.refuses(PlimsollError::PositionHasDebt, |world| world.uncount(&keeper, &first, &sol));

    world.repay(&first, &usdc, ALL)?;
    assert_eq!(world.reserve(&sol).state.counted_atoms, sol.atoms("13000"), "counted lazily");
    let still = world.quote_position(&second).debts[0].borrow_max_atoms;
    assert!(still <= crowded, "{still} {crowded}");

    world.uncount(&keeper, &first, &sol)?;
    assert_eq!(world.reserve(&sol).state.counted_atoms, sol.atoms("3000"));
    let free = world.quote_position(&second).debts[0].borrow_max_atoms;
    assert!(free > crowded, "{free} uncounted, {crowded} before");
    world.check_invariants();

    // Without debt it comes out at no price at all, whatever its feed says.
    world.advance(86_400);
    world.withdraw(&first, &sol, sol.atoms("10000"))?;
    world.close_position(&first)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn withdrawing_with_debt_keeps_both_healths_at_one() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let borrower = setting.borrower("100", "5000");
    let world = &mut setting.world;
    world.refuses(PlimsollError::InitialHealthTooLow, |world| world.withdraw(&borrower, &sol, sol.atoms("90")));
    world.withdraw(&borrower, &sol, sol.atoms("40"))?;
    let quote = world.quote_position(&borrower);
    assert!(quote.initial_health_e9 >= ONE_E9 && quote.maintenance_health_e9 > quote.initial_health_e9, "{quote:?}");
    assert_eq!(world.position(&borrower).state.cooling_until_slot, world.clock().slot + policy().cool_off_slots);
    let reserve = world.reserve(&sol).state;
    assert_eq!((reserve.collateral_atoms, reserve.counted_atoms), (sol.atoms("60"), sol.atoms("60")));

    world.repay(&borrower, &usdc, ALL)?;
    world.withdraw(&borrower, &sol, sol.atoms("60"))?;
    assert_eq!(world.reserve(&sol).state.counted_atoms, 0, "what leaves is not counted any more");
    world.check_invariants();
    Ok(())
}

#[test]
fn collateral_added_to_a_position_with_debt_counts_at_once() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let borrower = setting.borrower("100", "5000");
    let friend = setting.world.person("friend");
    let bonk = setting.world.add(Spec::volatile("BONK", "1"));
    let world = &mut setting.world;
    world.deposit_for(&friend, &borrower, &sol, sol.atoms("5"))?;
    world.wallet(&friend, &bonk);
    world.refuses(PlimsollError::SlotNotOpen, |world| world.deposit_for(&friend, &borrower, &bonk, 1));
    world.deposit(&borrower, &bonk, bonk.atoms("7"))?;
    assert_eq!(world.reserve(&sol).state.counted_atoms, sol.atoms("105"));
    assert_eq!(world.reserve(&bonk).state.counted_atoms, bonk.atoms("7"));
    world.refresh_prices();
    world.borrow(&borrower, &usdc, usdc.atoms("10"))?;
    world.check_invariants();
    Ok(())
}
