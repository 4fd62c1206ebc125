//! The backstop: a pool that buys what nobody else buys, and what its providers make of it.

use super::common::*;
use plimsoll_client::quotes::BackstopProviderQuote;

const HOUR: i64 = 3_600;

/// The market with a pool of USDC that buys SOL, 30,000 USDC of one provider and 10,000 of another in it.
struct Pool {
    setting: Setting,
    large: Person,
    small: Person,
    keeper: Person,
}

impl Pool {
    fn new() -> Self {
        Self::of(setting())
    }

    fn of(mut setting: Setting) -> Self {
        let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
        let world = &mut setting.world;
        world.create_backstop(&usdc, backstop_policy()).expect("a pool");
        world.opt_in(&usdc, &sol, sol.atoms("1000")).expect("a collateral");
        let (large, small) = (world.person("large provider"), world.person("small provider"));
        let keeper = world.person("keeper");
        world.wallet(&keeper, &sol);
        world.deposit_backstop(&large, &usdc, usdc.atoms("30000")).expect("a deposit");
        world.deposit_backstop(&small, &usdc, usdc.atoms("10000")).expect("a deposit");
        world.advance_with_prices(4 * HOUR);
        for provider in [&large, &small] {
            world.join_backstop(&keeper, provider, &usdc).expect("a warm deposit");
        }
        world.check_invariants();
        Self { setting, large, small, keeper }
    }

    fn quote(&mut self, provider: &Person) -> BackstopProviderQuote {
        let usdc = self.setting.usdc.clone();
        self.setting.world.quote_backstop_provider(provider, &usdc)
    }

    /// The keeper lets the pool buy SOL of a borrower.
    fn absorb(&mut self, borrower: &Borrower, tip_min_atoms: u64) -> Outcome {
        let (sol, usdc) = (self.setting.sol.clone(), self.setting.usdc.clone());
        self.setting.world.backstop_liquidate(&self.keeper, borrower, &sol, &usdc, tip_min_atoms)
    }

    fn price_sol(&mut self, number: &str) {
        self.setting.world.set_price(&self.setting.sol, number);
        self.setting.world.refresh_prices();
    }
}

#[test]
fn the_pool_buys_below_its_trigger_and_providers_share_what_it_bought() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc) = (pool.setting.sol.clone(), pool.setting.usdc.clone());
    let borrower = pool.setting.borrower("100", "10000");
    let (large, small, keeper) = (pool.large.clone(), pool.small.clone(), pool.keeper.clone());
    pool.price_sol("116");
    let quote = pool.setting.world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let cash = pool.setting.world.reserve(&usdc).state.cash_atoms;

    let receipt = pool.absorb(&borrower, 1)?;

    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.repay_atoms, event.gain_atoms + event.tip_atoms), (quote.repay_atoms, quote.seize_atoms));
    assert_eq!(event.health_after_e9, quote.health_after_e9);
    // A fifth of what is seized beyond the repayment, at 116 and 1 USD, each amount rounded against the tip.
    let repaid_in_sol = u128::from(event.repay_atoms) * 1_000_000_000 / 116_000_000;
    let bonus = u128::from(quote.seize_atoms) - repaid_in_sol;
    assert!(u128::from(event.tip_atoms).abs_diff(bonus / 5) <= 1, "{} of {bonus}", event.tip_atoms);
    let world = &mut pool.setting.world;
    assert_eq!(world.purse(&keeper, &sol), WALLET_TOKENS * 1_000_000_000 + event.tip_atoms);
    assert_eq!(
        world.reserve(&usdc).state.cash_atoms,
        cash + event.repay_atoms,
        "deposits became cash in their own vault"
    );
    assert_eq!(world.backstop(&usdc).state.deposit_atoms, usdc.atoms("40000") - event.repay_atoms);
    world.check_invariants();

    // Three to one, rounded down: an atom and two steps each (`docs/default.md`).
    let (three, one) = (pool.quote(&large), pool.quote(&small));
    assert!((event.repay_atoms * 3 / 4).abs_diff(usdc.atoms("30000") - three.deposit_atoms) <= 1, "{three:?}");
    assert!((event.repay_atoms / 4).abs_diff(usdc.atoms("10000") - one.deposit_atoms) <= 1, "{one:?}");
    let gains = three.gain_atoms[0] + one.gain_atoms[0];
    assert!(event.gain_atoms - gains <= 2 && three.gain_atoms[0].abs_diff(event.gain_atoms * 3 / 4) <= 1, "{gains}");

    let world = &mut pool.setting.world;
    for (provider, gain) in [(&large, three.gain_atoms[0]), (&small, one.gain_atoms[0])] {
        let before = world.purse(provider, &sol);
        world.claim_backstop_gain(provider, &usdc, &sol)?;
        assert_eq!(world.purse(provider, &sol) - before, gain);
        world.refuses(PlimsollError::NothingGained, |world| world.claim_backstop_gain(provider, &usdc, &sol));
    }
    world.check_invariants();
    Ok(())
}

#[test]
fn the_same_with_token_2022() -> Told {
    let tokens = (Spec::volatile("SOL", "150").token_2022(), Spec::stable("USDC", "1").token_2022());
    let mut pool = Pool::of(setting_of(market(), tokens.0, tokens.1));
    let (sol, usdc, large) = (pool.setting.sol.clone(), pool.setting.usdc.clone(), pool.large.clone());
    let borrower = pool.setting.borrower("100", "10000");
    pool.price_sol("116");
    pool.absorb(&borrower, 1)?;
    let gain = pool.quote(&large).gain_atoms[0];
    let world = &mut pool.setting.world;
    let before = world.purse(&large, &sol);
    world.claim_backstop_gain(&large, &usdc, &sol)?;
    assert_eq!(world.purse(&large, &sol) - before, gain);
    world.check_invariants();
    Ok(())
}

#[test]
fn a_barely_unhealthy_position_is_left_to_liquidators_for_half_an_hour() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc, keeper) = (pool.setting.sol.clone(), pool.setting.usdc.clone(), pool.keeper.clone());
    let borrower = pool.setting.borrower("100", "10500");
    pool.price_sol("131");
    let refused = |world: &mut World| world.backstop_liquidate(&keeper, &borrower, &sol, &usdc, 0);
    pool.setting.world.refuses(PlimsollError::BackstopNotTriggered, refused);
    // Half an hour in which nobody looks is none.
    pool.setting.world.flag(&keeper, &borrower, &sol, &usdc)?;
    pool.setting.world.advance_with_prices(1_800);
    pool.setting.world.refuses(PlimsollError::BackstopNotTriggered, refused);

    let mut seen = pool.setting.world.quote_position(&borrower).auction_secs;
    while seen < 1_800 {
        pool.setting.world.flag(&keeper, &borrower, &sol, &usdc)?;
        pool.setting.world.refuses(PlimsollError::BackstopNotTriggered, refused);
        pool.setting.world.advance_with_prices(60);
        seen = pool.setting.world.quote_position(&borrower).auction_secs;
    }
    let quote = pool.setting.world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let receipt = pool.absorb(&borrower, 1)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.auction_secs, event.gross_factor_e9), (seen, quote.gross_factor_e9), "the bonus of the moment");
    assert_eq!(event.gain_atoms + event.tip_atoms, quote.seize_atoms);
    pool.setting.world.check_invariants();
    Ok(())
}

#[test]
fn who_joins_just_before_a_bargain_has_no_part_in_it() -> Told {
    let mut pool = Pool::new();
    let usdc = pool.setting.usdc.clone();
    let borrower = pool.setting.borrower("100", "10000");
    let late = pool.setting.world.person("late provider");
    // The price falls, somebody sees the bargain and puts in as much as the pool has.
    pool.price_sol("116");
    pool.setting.world.deposit_backstop(&late, &usdc, usdc.atoms("40000"))?;
    pool.setting.world.refuses(PlimsollError::DepositWarming, |world| world.join_backstop(&late, &late, &usdc));
    pool.absorb(&borrower, 1)?;
    let quote = pool.quote(&late);
    assert_eq!((quote.deposit_atoms, quote.warming_atoms, quote.gain_atoms), (0, usdc.atoms("40000"), [0; 16]));
    // It may have its money back at once, and no more.
    let before = pool.setting.world.purse(&late, &usdc);
    pool.setting.world.cancel_backstop_deposit(&late, &usdc)?;
    assert_eq!(pool.setting.world.purse(&late, &usdc) - before, usdc.atoms("40000"));
    pool.setting.world.check_invariants();
    pool.setting.world.close_backstop_provider(&late, &usdc)?;
    Ok(())
}

#[test]
fn a_warm_deposit_that_waits_for_a_bargain_starts_over_once_its_window_is_past() -> Told {
    let mut pool = Pool::new();
    let usdc = pool.setting.usdc.clone();
    let (late, keeper) = (pool.setting.world.person("late provider"), pool.keeper.clone());
    pool.setting.world.deposit_backstop(&late, &usdc, usdc.atoms("40000"))?;
    pool.setting.world.advance_with_prices(5 * HOUR);
    let borrower = pool.setting.borrower("100", "10000");
    pool.price_sol("116");
    // Now there is a bargain; too late to join.
    let receipt = pool.setting.world.join_backstop(&late, &late, &usdc)?;
    let Event::BackstopDepositChanged(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!(event.standing.warm_at, pool.setting.world.unix() + 4 * HOUR);
    assert_eq!(event.pool_deposit_atoms, usdc.atoms("40000"));
    pool.absorb(&borrower, 1)?;
    assert_eq!(pool.quote(&late).gain_atoms, [0; 16]);
    // The next time anybody lets it join as soon as it is warm, whether its owner likes it or not.
    pool.setting.world.advance_with_prices(4 * HOUR);
    pool.setting.world.join_backstop(&keeper, &late, &usdc)?;
    assert_eq!(pool.quote(&late).deposit_atoms, usdc.atoms("40000"));
    pool.setting.world.check_invariants();
    Ok(())
}

#[test]
fn who_asks_to_leave_just_before_a_purchase_still_takes_its_part() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc, large, small) =
        (pool.setting.sol.clone(), pool.setting.usdc.clone(), pool.large.clone(), pool.small.clone());
    let borrower = pool.setting.borrower("400", "40000");
    pool.price_sol("116");
    // A quarter of the pool wants out before it is asked to buy.
    pool.setting.world.request_backstop_withdrawal(&small, &usdc, usdc.atoms("10000"))?;
    pool.setting.world.refuses(PlimsollError::WithdrawalCooling, |world| world.withdraw_backstop(&small, &usdc));
    let receipt = pool.absorb(&borrower, 1)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    let (three, one) = (pool.quote(&large), pool.quote(&small));
    assert!((event.repay_atoms / 4).abs_diff(usdc.atoms("10000") - one.deposit_atoms) <= 1);
    assert_eq!(one.withdrawal_atoms, one.deposit_atoms, "what is left of it");
    // Gains are in proportion: rounded down once each, to an atom and two steps of less than one.
    assert!(three.gain_atoms[0].abs_diff(one.gain_atoms[0] * 3) <= 3, "{three:?} {one:?}");

    pool.setting.world.advance_with_prices(4 * HOUR);
    let before = pool.setting.world.purse(&small, &usdc);
    pool.setting.world.withdraw_backstop(&small, &usdc)?;
    assert_eq!(pool.setting.world.purse(&small, &usdc) - before, one.deposit_atoms);
    pool.setting.world.claim_backstop_gain(&small, &usdc, &sol)?;
    pool.setting.world.close_backstop_provider(&small, &usdc)?;
    pool.setting.world.check_invariants();
    Ok(())
}

#[test]
fn a_withdrawal_nobody_takes_lapses_and_absorbs_on() -> Told {
    let mut pool = Pool::new();
    let (usdc, small) = (pool.setting.usdc.clone(), pool.small.clone());
    pool.setting.world.request_backstop_withdrawal(&small, &usdc, usdc.atoms("10000"))?;
    pool.setting.world.advance_with_prices(5 * HOUR);
    assert_eq!(pool.quote(&small).withdrawal_atoms, 0);
    pool.setting.world.refuses(PlimsollError::WithdrawalLapsed, |world| world.withdraw_backstop(&small, &usdc));
    let borrower = pool.setting.borrower("100", "10000");
    pool.price_sol("116");
    let receipt = pool.absorb(&borrower, 1)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert!((event.repay_atoms / 4).abs_diff(usdc.atoms("10000") - pool.quote(&small).deposit_atoms) <= 1);
    Ok(())
}

#[test]
fn a_hundred_calls_sell_the_pool_no_more_than_one_and_earn_no_more_tips() -> Told {
    // A throttle of 100 SOL an hour, so that one call does not do it.
    let narrow = Spec::volatile("SOL", "150").with(|config| config.bonus.throttle_share_bps = 1);
    let mut pool = Pool::of(setting_of(market(), narrow, Spec::stable("USDC", "1")));
    let (sol, usdc) = (pool.setting.sol.clone(), pool.setting.usdc.clone());
    let whale = pool.setting.borrower("300", "30000");
    pool.price_sol("116");
    let share = pool.setting.world.quote_liquidation(&whale, &sol, &usdc, ALL).throttle_left_atoms;
    let (mut sold, mut calls) = (0, 0);
    for _ in 0..100 {
        match pool.absorb(&whale, 0) {
            Ok(receipt) => {
                let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
                (sold, calls) = (sold + event.gain_atoms + event.tip_atoms, calls + 1);
                assert!(event.health_after_e9 > event.health_before_e9, "{event:?}");
            }
            Err(refused_now) => {
                refused(Err(refused_now), PlimsollError::Throttled);
                break;
            }
        }
    }
    assert_eq!((calls, sold), (1, share), "one call takes what the throttle leaves, and the next nothing");
    pool.setting.world.check_invariants();
    Ok(())
}

#[test]
fn the_pool_holds_no_more_of_a_collateral_than_its_cap() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc) = (pool.setting.sol.clone(), pool.setting.usdc.clone());
    let (large, keeper) = (pool.large.clone(), pool.keeper.clone());
    pool.setting.world.opt_in(&usdc, &sol, sol.atoms("10"))?;
    let borrower = pool.setting.borrower("100", "10000");
    pool.price_sol("116");
    let receipt = pool.absorb(&borrower, 1)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    // The cap bounds what is seized, tip included: the pool may hold the tip's part more.
    assert!(event.gain_atoms + event.tip_atoms <= sol.atoms("10"));
    let left = sol.atoms("10") - event.gain_atoms;
    let receipt = pool.absorb(&borrower, 0)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert!(event.gain_atoms + event.tip_atoms <= left);
    // Out of it: nothing more is bought, and what was gained is still there.
    pool.setting.world.opt_in(&usdc, &sol, 0)?;
    pool.setting.world.refuses(PlimsollError::ConcentrationCapReached, |world| {
        world.backstop_liquidate(&keeper, &borrower, &sol, &usdc, 0)
    });
    pool.setting.world.claim_backstop_gain(&large, &usdc, &sol)?;
    pool.setting.world.check_invariants();
    Ok(())
}

#[test]
fn the_pool_wants_better_prices_than_a_liquidator_who_chooses_the_moment() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc, keeper) = (pool.setting.sol.clone(), pool.setting.usdc.clone(), pool.keeper.clone());
    let (borrower, liquidator) = (pool.setting.borrower("100", "10000"), pool.setting.liquidator.clone());
    pool.price_sol("116");
    let absorb = |world: &mut World| world.backstop_liquidate(&keeper, &borrower, &sol, &usdc, 0);
    let world = &mut pool.setting.world;
    // A quarter of the liquidation age of 120 seconds.
    world.advance(30);
    world.simulate(&[world.absorption(&keeper, &borrower, &sol, &usdc, 0)], &[&keeper])?;
    world.advance(1);
    world.refuses(PlimsollError::StalePrice, absorb);
    // Soft confidence is 1%.
    world.refresh_prices();
    let calm = world.price(&sol);
    let confidence = u64::try_from(calm.spot).expect("a price") / 100;
    world.publish(&sol, Price { confidence: confidence + 1, publish_time: world.unix(), ..calm });
    world.refuses(PlimsollError::ConfidenceTooWide, absorb);
    world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    Ok(())
}

#[test]
fn the_pool_buys_in_a_recovery_sale_at_the_price_of_liquidators_and_settles_what_it_empties() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc, keeper) = (pool.setting.sol.clone(), pool.setting.usdc.clone(), pool.keeper.clone());
    let (insurer, lender) = (pool.setting.world.person("insurer"), pool.setting.lender.clone());
    let borrower = pool.setting.borrower("300", "30000");
    pool.setting.world.fund_insurance(&insurer, &usdc, usdc.atoms("500"))?;
    pool.price_sol("80");
    pool.setting.world.mark_default(&keeper, &borrower)?;
    let stake = pool.setting.world.quote_lender_exposure(&lender, &usdc, &borrower);
    assert!(stake.own_provided_atoms > 0 && stake.own_provided_atoms <= stake.provided_atoms, "{stake:?}");
    assert!(stake.provided_atoms - stake.own_provided_atoms <= 1, "the only lender bears it all: {stake:?}");
    pool.setting.world.advance_with_prices(HOUR / 2);
    let quote = pool.setting.world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let receipt = pool.absorb(&borrower, 0)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert!(event.is_terminal);
    assert_eq!((event.repay_atoms, event.gain_atoms + event.tip_atoms), (quote.repay_atoms, quote.seize_atoms));
    // What nobody paid: insurance first, lenders the rest.
    assert!(event.insurance_atoms >= usdc.atoms("500"), "with interest of an hour: {event:?}");
    assert_eq!(pool.setting.world.reserve(&usdc).state.insurance_atoms, 0);
    assert_eq!(event.written_off_atoms, event.insurance_atoms + event.haircut_atoms);
    assert!(event.haircut_atoms > 0);
    let state = pool.setting.world.position(&borrower).state;
    assert_eq!((state.collateral_count, state.debt_count), (0, 0));
    let claim = pool.setting.world.quote_lender(&lender, &usdc).outstanding_atoms;
    assert!(event.haircut_atoms - claim <= 1, "rounded down, less the virtual shares' part: {claim}");
    pool.setting.world.check_invariants();
    Ok(())
}

#[test]
fn the_pool_spends_all_but_its_last_atom_and_says_so() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc, keeper) = (pool.setting.sol.clone(), pool.setting.usdc.clone(), pool.keeper.clone());
    let whale = pool.setting.borrower("3000", "300000");
    pool.price_sol("116");
    let receipt = pool.absorb(&whale, 1)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.repay_atoms, event.pool_deposit_atoms), (usdc.atoms("40000") - 1, 1));
    pool.setting
        .world
        .refuses(PlimsollError::BackstopEmpty, |world| world.backstop_liquidate(&keeper, &whale, &sol, &usdc, 0));
    // Newcomers come into a pool of one atom, and share what it buys next with that atom.
    let (large, next) = (pool.large.clone(), pool.setting.world.person("next provider"));
    pool.setting.world.deposit_backstop(&next, &usdc, usdc.atoms("5000"))?;
    pool.setting.world.advance_with_prices(4 * HOUR);
    pool.setting.world.join_backstop(&keeper, &next, &usdc)?;
    let before = pool.quote(&large).gain_atoms[0];
    let receipt = pool.absorb(&whale, 0)?;
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    let (old, new) = (pool.quote(&large).gain_atoms[0] - before, pool.quote(&next).gain_atoms[0]);
    let of_the_atom = event.gain_atoms.div_ceil(5_000_000_001);
    assert!(event.gain_atoms - new <= of_the_atom + 3 && old <= of_the_atom, "{old} and {new} of {event:?}");
    pool.setting.world.check_invariants();
    Ok(())
}
