//! Pauses: who may, how long, how soon again, what each stops, and that nothing else stops.

use super::accounts::{cases, stage_for, Stage};
use super::common::*;
use plimsoll_testkit::policy;
use PlimsollError::*;

/// How long each may be paused in the test market, seconds.
fn longest(action: Pausable) -> u64 {
    match action {
        Pausable::Liquidate => policy().liquidation_pause_max_secs,
        _ => policy().pause_max_secs,
    }
}

/// The pause that stops an instruction, if one does.
fn stopped_by(name: &str) -> Option<Pausable> {
    match name {
        "supply" => Some(Pausable::Supply),
        "borrow" => Some(Pausable::Borrow),
        "liquidate" | "backstop_liquidate" | "flag_position" => Some(Pausable::Liquidate),
        "flash_borrow" => Some(Pausable::FlashBorrow),
        // `withdraw_collateral` is without debt here.
        _ => None,
    }
}

/// Pauses what is not paused yet.
fn pause(stage: &mut Stage, actions: &[Pausable]) {
    let (market, now) = (stage.scene.world.market_account().state, stage.scene.world.now());
    for action in actions.iter().filter(|action| market.paused_until(**action, &now) == 0) {
        stage.scene.world.pause(*action, 600).expect("a pause");
    }
}

/// By construction: every instruction of the program is sent under each pause alone, and under all of them.
#[test]
fn each_pause_stops_its_own_instructions_and_all_together_stop_no_other() {
    let alone = Pausable::ALL.map(|action| vec![action]);
    let (mut stopped, mut went_on) = (0, 0);
    for case in cases() {
        let mut stage = stage_for(case.name);
        let instruction = (case.build)(&stage);
        for paused in alone.iter().chain([&Pausable::ALL.to_vec()]) {
            // What is paused is not paused again; a loan is not returned that is not lent.
            let is_moot = match case.name {
                "pause" => paused.contains(&Pausable::Supply),
                "flash_repay" => paused.contains(&Pausable::FlashBorrow),
                _ => false,
            };
            if is_moot {
                continue;
            }
            let world = stage.scene.world.clone();
            pause(&mut stage, paused);
            let what = format!("{} under {paused:?}", case.name);
            if stopped_by(case.name).is_some_and(|action| paused.contains(&action)) {
                stage.refuses(&what, Paused, &instruction);
                stopped += 1;
            } else {
                stage.send(&instruction).unwrap_or_else(|refused| panic!("{what}: {refused:?}"));
                stage.scene.world.check_invariants();
                went_on += 1;
            }
            stage.scene.world = world;
        }
    }
    assert_eq!(stopped, 2 * 6, "each alone, and with all");
    assert!(went_on > 276, "{went_on}");
}

#[test]
fn collateral_without_debt_leaves_under_every_pause_and_a_healthy_look_is_recorded() {
    let mut stage = Stage::new();
    pause(&mut stage, &Pausable::ALL);
    let (sol, usdc, free) = (stage.scene.sol.clone(), stage.scene.usdc.clone(), stage.free.clone());
    let world = &mut stage.scene.world;
    world.withdraw(&free, &sol, sol.atoms("100")).expect("its own tokens");
    // A call is a record, no sale: health 1.03, below the level of 1.05.
    stage.scene.price_sol("117");
    let (borrower, stranger) = (stage.scene.borrower.clone(), stage.scene.stranger.clone());
    let receipt = stage.scene.world.flag(&stranger, &borrower, &sol, &usdc).expect("a look");
    assert!(matches!(receipt.event(), Event::MarginCalled(_)), "{receipt:?}");
    stage.scene.world.check_invariants();
}

#[test]
fn collateral_of_a_position_with_debt_stays_while_withdrawals_are_paused() {
    let mut scene = Scene::new();
    scene.world.pause(Pausable::Withdraw, 600).expect("a pause");
    let usdc = scene.usdc.clone();
    for left in [600, 1] {
        scene.world.advance_with_prices(600 - left);
        scene.refuses(Paused, |scene| scene.withdraw(1));
    }
    scene.world.advance_with_prices(1);
    scene.withdraw(1).expect("the pause is over");
    // Who repays all does not wait.
    let mut scene = Scene::new();
    scene.world.pause(Pausable::Withdraw, 600).expect("a pause");
    let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
    scene.world.repay_for(&lender, &borrower, &usdc, u64::MAX).expect("a repayment");
    scene.withdraw(scene.sol.atoms("100")).expect("no debt");
}

#[test]
fn a_quote_says_until_when_liquidations_are_paused() {
    let mut scene = Scene::unhealthy();
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
    scene.world.pause(Pausable::Liquidate, 600).expect("a pause");
    let (until, all) = (scene.world.unix() + 600, u64::MAX);
    for left in [600, 1] {
        scene.world.advance_with_prices(until - left - scene.world.unix());
        let quote = scene.world.quote_liquidation(&borrower, &sol, &usdc, all);
        assert_eq!((quote.refusal, quote.retry_unix), (u32::from(Paused), until), "{quote:?}");
        scene.refuses(Paused, |scene| scene.liquidate(Limits::NONE));
    }
    scene.world.advance_with_prices(1);
    let quote = scene.world.quote_liquidation(&borrower, &sol, &usdc, all);
    assert_eq!((quote.refusal, quote.retry_unix), (0, 0), "{quote:?}");
    scene.liquidate(Limits::NONE).expect("in the second that was quoted");
}

#[test]
fn only_the_guardian_pauses_and_lets_go_on() {
    let mut scene = Scene::new();
    scene.world.pause(Pausable::Borrow, 600).expect("a pause");
    let (market, treasury) = (scene.world.market, scene.world.treasury.clone());
    let (stranger, lender) = (scene.stranger.clone(), scene.lender.clone());
    let people: [&dyn Role; 3] = [&stranger, &lender, &treasury];
    for person in people {
        for action in Pausable::ALL {
            let change = ix::ChangePause { guardian: person.address(), market, action };
            for instruction in [change.pause(1), change.unpause()] {
                scene.refuses(NotGuardian, |scene| scene.world.send(&[instruction], &[person]));
            }
        }
    }
}

#[test]
fn a_pause_has_a_length_within_the_markets_and_stops_one_of_five_actions() {
    let mut scene = Scene::new();
    for action in Pausable::ALL {
        for secs in [0, longest(action) + 1, u64::MAX] {
            scene.refuses_case(&format!("{action:?} for {secs} s"), InvalidPause, |scene| {
                scene.world.pause(action, secs)
            });
        }
        scene.refuses_case(&format!("{action:?} runs"), InvalidPause, |scene| scene.world.unpause(action));
    }
    // The number stands behind the eight bytes of the instruction.
    for number in [5, 6, 7, 8, 128, 255] {
        let world = scene.world.clone();
        scene.refuses(InvalidPause, |scene| {
            scene.world.tampering(move |call| call.data[8] = number, |world| world.pause(Pausable::Supply, 60))
        });
        scene.world.pause(Pausable::Supply, 60).expect("a pause");
        scene.refuses(InvalidPause, |scene| {
            scene.world.tampering(move |call| call.data[8] = number, |world| world.unpause(Pausable::Supply))
        });
        scene.world = world;
    }
    // One that has ended by itself is not ended again.
    scene.world.pause(Pausable::Supply, 60).expect("a pause");
    scene.world.advance(60);
    scene.refuses(InvalidPause, |scene| scene.world.unpause(Pausable::Supply));
    for action in [Pausable::Borrow, Pausable::Withdraw, Pausable::Liquidate, Pausable::FlashBorrow] {
        scene.world.pause(action, longest(action)).expect("the longest pause");
    }
}

#[test]
fn the_next_pause_waits_as_long_as_the_last_was_to_last_and_a_day_after_one_of_liquidations() {
    for action in Pausable::ALL {
        for is_ended_early in [false, true] {
            let mut scene = Scene::new();
            let secs = 1_000;
            let gap = if action == Pausable::Liquidate { 86_400 } else { 1_000 };
            let next = scene.world.unix() + 1_000 + gap;
            let receipt = scene.world.pause(action, secs).expect("a pause");
            let Event::ActionPaused(event) = receipt.event() else { panic!("{receipt:?}") };
            assert_eq!((event.action, event.paused_until, event.not_before), (action as u8, next - gap, next));
            scene.refuses(PauseTooSoon, |scene| scene.world.pause(action, 1));
            if is_ended_early {
                scene.world.advance(10);
                let receipt = scene.world.unpause(action).expect("its end");
                let Event::ActionPaused(event) = receipt.event() else { panic!("{receipt:?}") };
                assert_eq!((event.paused_until, event.not_before), (scene.world.unix(), next), "no nearer");
            }
            scene.world.advance(next - 1 - scene.world.unix());
            scene.refuses(PauseTooSoon, |scene| scene.world.pause(action, 1));
            scene.world.advance(1);
            scene.world.pause(action, longest(action)).expect("a pause");
        }
    }
}
