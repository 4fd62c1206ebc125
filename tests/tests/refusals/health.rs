//! What a position's state forbids: too much debt, slots, liquidation, settlement, closing.

use super::common::*;
use plimsoll_engine::claims::CLAIM_BITS;
use plimsoll_engine::state::{MAX_COLLATERALS, MAX_DEBTS};

/// Lets the scene's position default, all but a rest of collateral worth so many USD, at a SOL price of 50 USD.
pub fn leave_a_rest(scene: &mut Scene, worth: &str) {
    scene.price_sol("50");
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
    let all = scene.world.quote_liquidation(&borrower, &sol, &usdc, u64::MAX);
    assert_eq!((all.refusal, all.is_terminal, all.seize_atoms), (0, 1, sol.atoms("100")), "{all:?}");
    // What the rest pays for at the default bonus of 5%.
    let rest = u64::try_from(u128::from(usdc.atoms(worth)) * 100 / 105).expect("little");
    scene.liquidate(Limits::repay_max(all.repay_atoms - rest)).expect("a bounded liquidation");
    assert_eq!(scene.world.position(&scene.borrower).state.collateral_count, 1);
}

#[test]
fn a_borrow_beyond_initial_health_is_refused() {
    let mut scene = Scene::new();
    let (most, one) = (scene.world.quote_position(&scene.borrower).debts[0].borrow_max_atoms, scene.usdc.atoms("1"));
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.borrow(most + one));
    scene.borrow(most - one).expect("within the quote");
}

#[test]
fn a_withdrawal_beyond_initial_health_is_refused() {
    let mut scene = Scene::new();
    let most = scene.world.quote_position(&scene.borrower).collaterals[0].withdraw_max_atoms;
    let (all, tenth) = (scene.sol.atoms("100"), scene.sol.atoms("0.1"));
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.withdraw(most + tenth));
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.withdraw(all));
    scene.withdraw(most - tenth).expect("within the quote");
}

#[test]
fn an_unhealthy_position_opens_no_risk() {
    let mut scene = Scene::unhealthy();
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.borrow(1));
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.withdraw(1));
}

#[test]
fn a_borrow_without_collateral_is_refused() {
    let mut scene = Scene::new();
    let (usdc, empty) = (scene.usdc.clone(), scene.world.borrower());
    scene.world.wallet(&empty, &usdc);
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| scene.world.borrow(&empty, &usdc, usdc.atoms("10")));
}

#[test]
fn a_debt_worth_more_than_values_can_hold_is_refused() {
    let mut scene = Scene::new();
    let rich = scene.add(Spec::stable("RICH", "1"));
    let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
    scene.world.supply(&lender, &rich, rich.atoms("1000000")).expect("a supply");
    scene.world.advance(1);
    scene.world.refresh_prices();
    let last = scene.world.price(&rich);
    let most =
        plimsoll_testkit::Price { spot: 1_000_000_000, average: 1_000_000_000, confidence: 0, exponent: 0, ..last };
    scene.world.publish(&rich, most);
    // A million tokens at 1e9 USD are 1e15 USD.
    scene.refuses(PlimsollError::AmountTooLarge, |scene| scene.world.borrow(&borrower, &rich, rich.atoms("1000000")));
    scene.refuses(PlimsollError::InitialHealthTooLow, |scene| {
        scene.world.borrow(&borrower, &rich, rich.atoms("999999"))
    });
}

#[test]
fn maintenance_health_is_checked_even_where_terms_would_be_laxer_at_the_start() {
    let mut scene = Scene::new();
    let (sol, one) = (scene.sol.clone(), scene.usdc.atoms("1"));
    // No configuration allows this: initial factors are below maintenance factors.
    scene.edit_reserve(&sol, |reserve| reserve.risk.maintenance_bps = 5_000);
    scene.refuses(PlimsollError::MaintenanceHealthTooLow, |scene| scene.borrow(one));
    scene.refuses(PlimsollError::MaintenanceHealthTooLow, |scene| scene.withdraw(1));
}

#[test]
fn a_debt_below_the_smallest_is_refused() {
    let mut scene = Scene::new();
    let (sol, usdc, small) = (scene.sol.clone(), scene.usdc.clone(), scene.world.borrower());
    scene.world.wallet(&small, &usdc);
    scene.world.deposit(&small, &sol, sol.atoms("1")).expect("a deposit");
    // Dust is 1 USD, the smallest debt four times that.
    for atoms in [1, usdc.atoms("3.999999")] {
        scene.refuses(PlimsollError::DebtBelowMin, |scene| scene.world.borrow(&small, &usdc, atoms));
    }
    scene.world.borrow(&small, &usdc, usdc.atoms("4")).expect("the smallest debt");
    scene.world.borrow(&small, &usdc, 1).expect("what counts is the debt after");
    // A repayment may leave less, a further borrow not.
    scene.world.repay(&small, &usdc, usdc.atoms("2")).expect("a repayment");
    scene.refuses(PlimsollError::DebtBelowMin, |scene| scene.world.borrow(&small, &usdc, 1));
}

#[test]
fn one_reserve_is_never_collateral_and_debt_of_a_position() {
    let mut scene = Scene::new();
    let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
    let (lender, borrower, stranger) = (scene.lender.clone(), scene.borrower.clone(), scene.stranger.clone());
    scene.world.supply(&lender, &sol, sol.atoms("100")).expect("a supply");
    scene.refuses(PlimsollError::CollateralIsDebt, |scene| scene.world.borrow(&borrower, &sol, sol.atoms("1")));
    scene.refuses(PlimsollError::CollateralIsDebt, |scene| scene.world.deposit(&borrower, &usdc, usdc.atoms("1")));
    scene.refuses(PlimsollError::CollateralIsDebt, |scene| {
        scene.world.deposit_for(&stranger, &borrower, &usdc, usdc.atoms("1"))
    });
    // A second position of the same owner may do the opposite.
    let second = borrower.numbered(1);
    scene.world.open_position(&second).expect("a position");
    scene.world.deposit(&second, &usdc, usdc.atoms("1000")).expect("a deposit");
    scene.world.borrow(&second, &sol, sol.atoms("1")).expect("a borrow");
}

#[test]
fn a_stranger_opens_no_slot_and_may_add_to_an_open_one() {
    let mut scene = Scene::new();
    let eth = scene.add(Spec::volatile("ETH", "3000"));
    let (sol, borrower, stranger, lender) =
        (scene.sol.clone(), scene.borrower.clone(), scene.stranger.clone(), scene.lender.clone());
    scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.world.deposit_for(&stranger, &borrower, &eth, 1));
    scene.refuses(PlimsollError::SlotNotOpen, |scene| {
        scene.world.deposit_for(&lender, &borrower, &eth, eth.atoms("100"))
    });
    scene.world.deposit_for(&stranger, &borrower, &sol, sol.atoms("1")).expect("a rescue");
    assert_eq!(scene.world.position(&borrower).state.collaterals()[0].atoms, sol.atoms("101"));
    scene.world.check_invariants();
}

#[test]
fn what_was_never_deposited_or_borrowed_cannot_be_withdrawn_repaid_seized_or_uncounted() {
    let mut scene = Scene::unhealthy();
    let (eth, usdt) = (scene.add(Spec::volatile("ETH", "3000")), scene.add(Spec::stable("USDT", "1")));
    let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
    let (borrower, liquidator) = (scene.borrower.clone(), scene.liquidator.clone());
    scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.world.withdraw(&borrower, &eth, 1));
    scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.world.repay(&borrower, &usdt, 1));
    scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.world.uncount(&liquidator, &borrower, &eth));
    for (seized, repaid) in [(&eth, &usdc), (&sol, &usdt), (&eth, &usdt), (&usdc, &sol)] {
        scene.refuses(PlimsollError::SlotNotOpen, |scene| {
            scene.world.liquidate(&liquidator, &borrower, seized, repaid, Limits::NONE)
        });
    }
    for (collateral, debt) in [(1, 0), (0, 1), (8, 0), (0, 4), (255, 255)] {
        scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.quote_liquidation_of(collateral, debt));
    }
}

#[test]
fn a_ninth_collateral_is_refused() {
    let mut scene = Scene::new();
    let borrower = scene.borrower.clone();
    let tokens: Vec<Token> = (1..=MAX_COLLATERALS).map(|i| scene.add(Spec::volatile(&format!("C{i}"), "10"))).collect();
    let (last, others) = tokens.split_last().expect("eight");
    for token in others {
        scene.world.deposit(&borrower, token, token.atoms("1")).expect("a deposit");
    }
    scene.refuses(PlimsollError::CollateralSlotsFull, |scene| scene.world.deposit(&borrower, last, last.atoms("1")));
    scene.world.deposit(&borrower, &others[0], 1).expect("an open slot takes more");
    scene.world.check_invariants();
}

#[test]
fn a_fifth_debt_is_refused() {
    let mut scene = Scene::new();
    let (borrower, lender) = (scene.borrower.clone(), scene.lender.clone());
    let tokens: Vec<Token> = (1..=MAX_DEBTS).map(|i| scene.add(Spec::stable(&format!("D{i}"), "1"))).collect();
    for token in &tokens {
        scene.world.supply(&lender, token, token.atoms("1000")).expect("a supply");
    }
    let (last, others) = tokens.split_last().expect("four");
    for token in others {
        scene.world.borrow(&borrower, token, token.atoms("10")).expect("a borrow");
    }
    scene.refuses(PlimsollError::DebtSlotsFull, |scene| {
        // The program refuses before it looks at legs; the client would offer one leg too many.
        let position = &scene.world.position(&borrower);
        let reserve = &scene.world.reserve(last);
        let borrow =
            ix::Borrow { position, reserve, owner_liquidity: None, amount_atoms: last.atoms("10"), offers: &[] };
        let instruction = borrow.instruction().expect("no offers");
        scene.world.send(&[instruction], &[&borrower])
    });
    scene.world.check_invariants();
}

#[test]
fn a_healthy_position_is_not_liquidated() {
    let mut scene = Scene::new();
    scene.refuses(PlimsollError::Healthy, |scene| scene.liquidate(Limits::NONE));
    // Neither by its owner.
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
    let position = scene.world.position(&borrower);
    scene.refuses(PlimsollError::Healthy, |scene| {
        let liquidate = ix::Liquidate {
            liquidator: borrower.address(),
            position: &position,
            seized: &scene.world.reserve(&sol),
            repaid: &scene.world.reserve(&usdc),
            liquidator_liquidity: None,
            liquidator_collateral: None,
            repay_max_atoms: u64::MAX,
            seize_min_atoms: 0,
            offers: &scene.world.offers(&position, None),
        };
        scene.world.send(&[liquidate.instruction().expect("offers fit")], &[&borrower])
    });
}

#[test]
fn the_errors_of_a_liquidation_come_in_their_order() {
    // Zero before stale before healthy before cooling off.
    let mut scene = Scene::new();
    scene.borrow(1).expect("healthy enough");
    scene.world.advance_slots(1);
    scene.refuses(PlimsollError::Healthy, |scene| scene.liquidate(Limits::NONE));
    scene.world.advance_slots(1);
    let mut stale = clone(&scene);
    stale.world.advance(121);
    stale.refuses(PlimsollError::StalePrice, |scene| scene.liquidate(Limits::NONE));
    stale.refuses(PlimsollError::ZeroAmount, |scene| scene.liquidate(Limits::repay_max(0)));

    // Cooling off before a pair that does not help, and before what the caller wants.
    let usdt = scene.add(Spec::stable("USDT", "1"));
    let (usdc, liquidator, borrower) = (scene.usdc.clone(), scene.liquidator.clone(), scene.borrower.clone());
    scene.world.deposit(&borrower, &usdt, usdt.atoms("500")).expect("a deposit");
    scene.borrow(1).expect("healthy enough");
    let sol = scene.sol.clone();
    scene.world.set_price(&sol, "93");
    let wanting = Limits::seize_min(u64::MAX);
    let other_pair = |scene: &mut Scene| scene.world.liquidate(&liquidator, &borrower, &usdt, &usdc, wanting);
    scene.refuses(PlimsollError::CoolingOff, other_pair);
    scene.refuses(PlimsollError::CoolingOff, |scene| scene.liquidate(wanting));
    scene.world.advance_slots(26);
    scene.refuses(PlimsollError::TakeOtherCollateral, other_pair);
    scene.refuses(PlimsollError::SeizeBelowMin, |scene| scene.liquidate(wanting));
}

#[test]
fn a_position_restored_by_one_liquidator_is_healthy_to_the_next() {
    let mut scene = Scene::unhealthy();
    scene.liquidate(Limits::NONE).expect("a liquidation");
    scene.refuses(PlimsollError::Healthy, |scene| scene.liquidate(Limits::NONE));
}

#[test]
fn a_position_without_debt_is_not_liquidated() {
    let mut scene = Scene::unhealthy();
    scene.repay(u64::MAX).expect("a repayment");
    scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.liquidate(Limits::NONE));
}

#[test]
fn a_position_is_not_liquidated_while_it_cools_off() {
    type Risk = fn(&mut Scene) -> Outcome;
    for risk in [(|scene| scene.borrow(1)) as Risk, |scene| scene.withdraw(1)] {
        let mut scene = Scene::new();
        risk(&mut scene).expect("healthy enough");
        // The market's cool-off is ten slots, the last one included.
        let last = scene.world.clock().slot + 10;
        assert_eq!(scene.world.position(&scene.borrower).state.cooling_until_slot, last);
        scene.price_sol("110");
        scene.refuses(PlimsollError::CoolingOff, |scene| scene.liquidate(Limits::NONE));
        let left = last - scene.world.clock().slot;
        scene.world.advance_slots(left);
        scene.refuses(PlimsollError::CoolingOff, |scene| scene.liquidate(Limits::NONE));
        scene.world.advance_slots(1);
        scene.liquidate(Limits::NONE).expect("one slot later");
    }
}

#[test]
fn a_deposit_or_a_repayment_does_not_delay_a_liquidation() {
    let mut scene = Scene::unhealthy();
    scene.deposit(1).expect("a deposit");
    scene.repay(1).expect("a repayment");
    scene.liquidate(Limits::NONE).expect("no cool-off");
}

#[test]
fn a_repayment_too_small_to_seize_an_atom_is_refused() {
    let mut scene = Scene::new();
    // An atom of this token is worth more than an atom of USDC.
    let coarse = scene.add(Spec::volatile("COARSE", "5").decimals(6));
    let (usdc, borrower, liquidator) = (scene.usdc.clone(), scene.world.borrower(), scene.liquidator.clone());
    scene.world.deposit(&borrower, &coarse, coarse.atoms("1000")).expect("a deposit");
    scene.world.borrow(&borrower, &usdc, usdc.atoms("3000")).expect("a borrow");
    scene.world.pass_cool_off();
    scene.world.set_price(&coarse, "3.7");
    scene.world.refresh_prices();
    for repay_max_atoms in [1, 3] {
        scene.refuses(PlimsollError::NothingToSeize, |scene| {
            scene.world.liquidate(&liquidator, &borrower, &coarse, &usdc, Limits::repay_max(repay_max_atoms))
        });
    }
    scene.world.liquidate(&liquidator, &borrower, &coarse, &usdc, Limits::repay_max(4)).expect("an atom");
    scene.world.check_invariants();
}

#[test]
fn a_bound_that_leaves_no_repayment_above_dust_is_refused() {
    let mut scene = Scene::new();
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.world.borrower());
    scene.world.deposit(&borrower, &sol, sol.atoms("0.05")).expect("a deposit");
    scene.world.borrow(&borrower, &usdc, usdc.atoms("5")).expect("a borrow");
    scene.world.pass_cool_off();
    scene.world.repay(&borrower, &usdc, usdc.atoms("4.5")).expect("the owner may leave a crumb");
    // 0.05 SOL at 12 USD are 0.60 USD, of which 80% count.
    scene.price_sol("12");
    let liquidator = scene.liquidator.clone();
    for atoms in [1, usdc.atoms("0.3"), usdc.atoms("0.499999")] {
        scene.refuses(PlimsollError::RepayMaxBelowDust, |scene| {
            scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::repay_max(atoms))
        });
        // Before what the caller wants to seize.
        let both = Limits { repay_max_atoms: atoms, seize_min_atoms: u64::MAX };
        scene.refuses(PlimsollError::RepayMaxBelowDust, |scene| {
            scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, both)
        });
    }
    scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE).expect("the whole crumb");
}

#[test]
fn a_pair_that_would_not_improve_health_is_refused() {
    let mut scene = Scene::new();
    let usdt = scene.add(Spec::stable("USDT", "1"));
    let (sol, usdc, liquidator, borrower) =
        (scene.sol.clone(), scene.usdc.clone(), scene.liquidator.clone(), scene.borrower.clone());
    scene.world.deposit(&borrower, &usdt, usdt.atoms("500")).expect("a deposit");
    // Health near 0.88 without being terminal: nine tenths of each USDT count, so selling it does not help.
    scene.price_sol("93");
    scene.refuses(PlimsollError::TakeOtherCollateral, |scene| {
        scene.world.liquidate(&liquidator, &borrower, &usdt, &usdc, Limits::NONE)
    });
    scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE).expect("another pair does");
}

#[test]
fn seized_and_repaid_reserve_are_two() {
    let mut scene = Scene::unhealthy();
    let (sol, usdc, borrower, liquidator) =
        (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone(), scene.liquidator.clone());
    for token in [&sol, &usdc] {
        scene.refuses(PlimsollError::SameAccount, |scene| {
            scene.world.liquidate(&liquidator, &borrower, token, token, Limits::NONE)
        });
    }
}

#[test]
fn one_atom_with_a_dead_feed_stops_no_liquidation_and_counts_nothing_in_the_end() {
    let mut scene = Scene::new();
    let dead = scene.add(Spec::volatile("DEAD", "10"));
    let (borrower, stranger, liquidator, usdc) =
        (scene.borrower.clone(), scene.stranger.clone(), scene.liquidator.clone(), scene.usdc.clone());
    scene.world.deposit(&borrower, &dead, 1).expect("a deposit");
    let last = scene.world.price(&dead);
    // An hour later it may be noticed; five hours later it counts nothing.
    scene.world.advance(3_601);
    scene.world.send(&[ix::NoticeStalePrice { reserve: dead.reserve }.instruction()], &[&stranger]).expect("a notice");
    for secs in [0, 9_000, 9_000, 86_400] {
        scene.world.advance(secs);
        scene.price_sol("110");
        scene.world.publish(&dead, last);
        let mut scene = Scene { world: scene.world.clone(), ..clone(&scene) };
        scene.refuses(PlimsollError::StalePrice, |scene| {
            scene.world.liquidate(&liquidator, &borrower, &dead, &usdc, Limits::NONE)
        });
        scene.liquidate(Limits::NONE).unwrap_or_else(|refused| panic!("after {secs} more seconds: {refused:?}"));
        scene.world.check_invariants();
    }
    let sol_alone = scene.world.quote_position(&borrower).collateral_nano_usd;
    assert!(sol_alone.abs_diff(11_000_000_000_000) <= 2, "{sol_alone}: the dead atom counts nothing");
}

/// The same scene again, for a "what if".
fn clone(scene: &Scene) -> Scene {
    Scene {
        world: scene.world.clone(),
        sol: scene.sol.clone(),
        usdc: scene.usdc.clone(),
        lender: scene.lender.clone(),
        borrower: scene.borrower.clone(),
        liquidator: scene.liquidator.clone(),
        stranger: scene.stranger.clone(),
    }
}

#[test]
fn a_healthy_a_solvent_and_a_not_yet_sold_position_are_not_in_default() {
    let mut scene = Scene::new();
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
    // Unhealthy, and worth more than it owes.
    scene.price_sol("110");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
    // Terminal, and still worth more than it owes.
    scene.price_sol("91");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
    // Insolvent, with far more than dust left to sell.
    scene.price_sol("50");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
    // With a little more than dust left.
    leave_a_rest(&mut scene, "1.01");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
    // And with less.
    scene.price_sol("49");
    scene.settle().expect("a default");
    scene.world.check_invariants();
}

#[test]
fn a_position_without_debt_is_not_in_default_whatever_it_holds() {
    let mut scene = Scene::new();
    scene.repay(u64::MAX).expect("a repayment");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
    scene.withdraw(scene.sol.atoms("100")).expect("a withdrawal");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
}

#[test]
fn a_small_healthy_position_is_nobodys_loss() {
    let mut scene = Scene::new();
    let (sol, usdc, borrower, liquidator) =
        (scene.sol.clone(), scene.usdc.clone(), scene.world.borrower(), scene.liquidator.clone());
    scene.world.deposit(&borrower, &sol, sol.atoms("0.05")).expect("a deposit");
    scene.world.borrow(&borrower, &usdc, usdc.atoms("5")).expect("a borrow");
    scene.world.repay(&borrower, &usdc, usdc.atoms("4.9")).expect("a repayment");
    // 0.05 SOL at 10 USD: less than dust, and five times the debt.
    scene.price_sol("10");
    scene.refuses(PlimsollError::NotInDefault, |scene| scene.world.settle_default(&liquidator, &borrower));
}

#[test]
fn a_rest_that_is_worth_something_is_not_settled_at_a_stale_price() {
    for old in ["SOL", "USDC"] {
        let mut scene = Scene::new();
        leave_a_rest(&mut scene, "0.5");
        scene.world.advance(121);
        let young = if old == "SOL" { scene.usdc.clone() } else { scene.sol.clone() };
        let price = plimsoll_testkit::Price { publish_time: scene.world.unix(), ..scene.world.price(&young) };
        scene.world.publish(&young, price);
        scene.refuses(PlimsollError::StalePrice, Scene::settle);
        scene.world.refresh_prices();
        scene.settle().expect("at young prices");
        scene.world.check_invariants();
    }
}

#[test]
fn a_rest_is_not_settled_at_an_unsure_price() {
    let mut scene = Scene::new();
    leave_a_rest(&mut scene, "0.5");
    scene.world.advance(1);
    let sol = scene.sol.clone();
    let price = scene.world.price(&sol);
    let unsure = plimsoll_testkit::Price {
        confidence: price.spot.unsigned_abs() / 16,
        publish_time: scene.world.unix(),
        ..price
    };
    scene.world.publish(&sol, unsure);
    scene.refuses(PlimsollError::ConfidenceTooWide, Scene::settle);
}

#[test]
fn a_default_is_settled_once() {
    let mut scene = Scene::new();
    leave_a_rest(&mut scene, "0.5");
    scene.settle().expect("a default");
    scene.refuses(PlimsollError::NotInDefault, Scene::settle);
}

#[test]
fn collateral_of_a_position_with_debt_stays_counted() {
    let mut scene = Scene::new();
    let (sol, borrower, stranger) = (scene.sol.clone(), scene.borrower.clone(), scene.stranger.clone());
    scene.refuses(PlimsollError::PositionHasDebt, |scene| scene.world.uncount(&stranger, &borrower, &sol));
    scene.repay(u64::MAX).expect("a repayment");
    scene.world.uncount(&stranger, &borrower, &sol).expect("without debt");
}

#[test]
fn a_position_that_holds_anything_is_not_closed() {
    let mut scene = Scene::new();
    let (sol, borrower) = (scene.sol.clone(), scene.borrower.clone());
    scene.refuses(PlimsollError::PositionNotEmpty, |scene| scene.world.close_position(&borrower));
    scene.repay(u64::MAX).expect("a repayment");
    scene.refuses(PlimsollError::PositionNotEmpty, |scene| scene.world.close_position(&borrower));
    scene.withdraw(sol.atoms("100") - 1).expect("all but an atom");
    scene.refuses(PlimsollError::PositionNotEmpty, |scene| scene.world.close_position(&borrower));
    scene.withdraw(1).expect("the last atom");
    scene.world.close_position(&borrower).expect("empty");
    assert!(!scene.world.exists(&scene.world.position_address(&borrower)));
}

#[test]
fn a_lender_account_with_shares_is_not_closed() {
    let mut scene = Scene::new();
    let (usdc, other) = (scene.usdc.clone(), scene.world.lender());
    scene.world.supply(&other, &usdc, usdc.atoms("1")).expect("a supply");
    scene.refuses(PlimsollError::LenderNotEmpty, |scene| scene.world.close_lender(&other, &usdc));
    let shares = scene.world.lender_account(&other, &usdc).state.shares.get();
    scene.world.redeem(&other, &usdc, shares - 1).expect("all but a share");
    scene.refuses(PlimsollError::LenderNotEmpty, |scene| scene.world.close_lender(&other, &usdc));
}

#[test]
fn a_lender_account_with_a_claim_or_recovery_is_not_closed() {
    let mut scene = Scene::new();
    let (usdc, lender) = (scene.usdc.clone(), scene.world.lender());
    scene.world.open_lender(&lender, &usdc).expect("a lender account");
    let key = address::lender(&usdc.reserve, &lender.address());
    let edits: [fn(&mut plimsoll_engine::state::LenderState); 2] =
        [|state| state.claim.lo = 1 << CLAIM_BITS, |state| state.recovered_atoms = 1];
    for edit in edits {
        let good = scene.world.svm.get_account(&key).expect("a lender account");
        scene.edit_account(&key, |data, _| edit(bytemuck::from_bytes_mut(&mut data[8..])));
        scene.refuses(PlimsollError::LenderNotEmpty, |scene| scene.world.close_lender(&lender, &usdc));
        scene.world.svm.set_account(key, good).expect("an account");
    }
    // Less than an atom is given up.
    scene.edit_account(&key, |data, _| {
        let state: &mut plimsoll_engine::state::LenderState = bytemuck::from_bytes_mut(&mut data[8..]);
        (state.claim.lo, state.recovered_rest) = ((1 << CLAIM_BITS) - 1, (1 << CLAIM_BITS) - 1);
    });
    scene.world.close_lender(&lender, &usdc).expect("empty");
}
