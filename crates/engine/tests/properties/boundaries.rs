//! Where one side of a comparison ends: what random numbers hardly ever hit, hit on purpose.

use plimsoll_engine::backstop::absorption::{plan_absorption, AbsorptionRequest, Buyer};
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::health::Exposure;
use plimsoll_engine::liquidation::*;
use plimsoll_engine::price::Reading;
use plimsoll_engine::standing::{Sighting, Standing};
use plimsoll_engine::state::*;
use plimsoll_engine::throttle::{urgency, Throttle};
use plimsoll_engine::transitions::PaidFor;
use plimsoll_engine::volatility::log_ratio;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::oracle::*;
use crate::pools::*;
use crate::worlds::*;
use crate::{assert_seen, check};

/// Value that is left of a debt and of a collateral, as the engine counts dust.
fn rests(world: &World, (i, j): (usize, usize), plan: &LiquidationPlan) -> (Value, Value) {
    let exposure = world.exposure();
    let (collateral, debt) = (exposure.collaterals()[i], exposure.debts()[j]);
    let owed = debt.price.value_ceil(debt.owed_atoms - plan.repay_atoms);
    (owed, collateral.price.value_ceil(collateral.atoms - plan.seize_atoms))
}

fn with_dust(world: &World, dust: Value) -> Option<World> {
    let market = MarketPolicy { dust_value: u64::try_from(dust.0).ok()?, ..world.market };
    Some(World { market, ..world.clone() })
}

/// Every pair of an unhealthy position with its plan, where next to nothing is dust.
fn planned(cases: u32, property: impl Fn(&World, (usize, usize), &LiquidationPlan) -> Result<(), TestCaseError>) {
    check(cases, unhealthy_position(), |world| {
        let world = with_dust(&world, Value(1)).expect("a word");
        for pair in world.pairs() {
            if let Ok(plan) = world.plan(pair.0, pair.1, u64::MAX) {
                property(&world, pair, &plan)?;
            }
        }
        Ok(())
    });
}

#[test]
fn a_rest_of_exactly_dust_may_stay_and_a_unit_less_may_not() {
    let seen = std::cell::Cell::new(0);
    planned(3_000, |world, (i, j), plan| {
        let (owed, held) = rests(world, (i, j), plan);
        if plan.is_terminal || owed == Value::ZERO || held == Value::ZERO || owed == held {
            return Ok(());
        }
        let Some(dusty) = with_dust(world, owed.min(held)) else { return Ok(()) };
        let same = dusty.plan(i, j, u64::MAX).expect("as before");
        prop_assert_eq!((same.repay_atoms, same.seize_atoms), (plan.repay_atoms, plan.seize_atoms));
        let Some(dustier) = with_dust(world, Value(owed.min(held).0 + 1)) else { return Ok(()) };
        let whole = dustier.plan(i, j, u64::MAX).expect("as before");
        let exposure = world.exposure();
        let all = exposure.collaterals()[i].atoms;
        if owed < held {
            // Closed where the collateral pays for it: it is worth more than what the rest of the debt buys.
            prop_assert!(whole.closes_debt || whole.seize_atoms == plan.seize_atoms);
        } else {
            prop_assert!(whole.seize_atoms == all || whole.seize_atoms == plan.seize_atoms);
        }
        seen.set(seen.get() + u32::from(whole.seize_atoms != plan.seize_atoms));
        Ok(())
    });
    assert_seen!(seen.get() > 300, "{} closed", seen.get());
}

#[test]
fn a_throttle_that_leaves_what_is_wanted_cuts_nothing() {
    let seen = std::cell::Cell::new(0);
    planned(2_000, |world, (i, j), plan| {
        if plan.is_terminal {
            return Ok(());
        }
        let part = urgency(&world.sale(i).bonus, plan.health_before);
        let with = |capacity_atoms| Throttle { capacity_atoms, empty_in_q32: 0, window_secs: 3_600 };
        let left = |capacity_atoms| with(capacity_atoms).allowance(part).left_atoms;
        // What is left rises by at most an atom an atom of capacity: there is one that leaves exactly what is wanted.
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            (low, high) = if left(middle) < plan.seize_atoms { (middle + 1, high) } else { (low, middle) };
        }
        prop_assert_eq!(left(low), plan.seize_atoms);
        let exact = World { throttle: with(low), ..world.clone() }.plan(i, j, u64::MAX).expect("as before");
        prop_assert_eq!((exact.repay_atoms, exact.seize_atoms), (plan.repay_atoms, plan.seize_atoms));
        prop_assert!(!exact.is_throttled);
        match (World { throttle: with(low - 1), ..world.clone() }).plan(i, j, u64::MAX) {
            Ok(less) => prop_assert!(less.is_throttled && less.seize_atoms < plan.seize_atoms),
            Err(error) => prop_assert_eq!((error, plan.seize_atoms), (EngineError::Throttled, 1)),
        }
        seen.set(seen.get() + 1);
        Ok(())
    });
    assert_seen!(seen.get() > 500, "{} cut", seen.get());
}

#[test]
fn a_bound_below_the_debt_leaves_dust_or_nothing_is_sold() {
    let seen = std::cell::Cell::new(0);
    check(3_000, unhealthy_position(), |world| {
        for (i, j) in world.pairs() {
            let Ok(plan) = world.plan(i, j, u64::MAX) else { continue };
            let exposure = world.exposure();
            let (owed, price) = (exposure.debts()[j].owed_atoms, exposure.debts()[j].price);
            let rest = price.atoms_ceil(world.market.dust());
            if !plan.closes_debt || owed < 2 || rest >= owed {
                continue;
            }
            // An atom less than all would leave an atom: dust. So dust is left.
            match world.plan(i, j, owed - 1) {
                Ok(bounded) => prop_assert_eq!(bounded.repay_atoms, owed - rest),
                Err(error) => prop_assert_eq!(error, EngineError::NothingToSeize, "for less than an atom"),
            }
            seen.set(seen.get() + 1);
            // Where all of the debt is what dust is worth, nothing can be left.
            let all = [price.value_floor(owed), price.value_ceil(owed)];
            for dust in all.into_iter().filter(|dust| price.atoms_ceil(*dust) == owed) {
                let Some(dusty) = with_dust(&world, dust) else { continue };
                prop_assert_eq!(dusty.plan(i, j, owed - 1), Err(EngineError::RepayMaxBelowDust));
            }
        }
        Ok(())
    });
    assert_seen!(seen.get() > 500, "{} bounded", seen.get());
}

#[test]
fn who_asks_for_exactly_what_is_seized_gets_it_and_for_an_atom_more_nothing() {
    check(1_000, unhealthy_position(), |world| {
        for (collateral, debt) in world.pairs() {
            let Ok(plan) = world.plan(collateral, debt, u64::MAX) else { continue };
            let asked = |seize_min_atoms| {
                let request = LiquidationRequest { collateral, debt, repay_max_atoms: u64::MAX, seize_min_atoms };
                let sale = world.sale(collateral);
                plan_liquidation(&world.exposure(), &sale, &world.market, &world.standing, &request, &NOW)
            };
            prop_assert_eq!(asked(plan.seize_atoms), Ok(plan));
            prop_assert_eq!(asked(plan.seize_atoms - 1), Ok(plan));
            prop_assert_eq!(asked(plan.seize_atoms + 1), Err(EngineError::SeizeBelowMin));
        }
        Ok(())
    });
}

#[test]
fn the_fee_is_its_share_of_the_bonus_and_an_only_debt_has_no_shares() {
    planned(2_000, |world, (i, j), plan| {
        let share = bps(world.collaterals[i].config.bonus.fee_share_bps);
        let exact = share * (factor(plan.gross_factor) - int(1)) * int(plan.repay_atoms);
        at_most(&int(plan.fee_atoms), &exact, "fee")?;
        // An atom, and a unit of the factor.
        at_most(&exact, &(int(plan.fee_atoms) + int(1) + pow2_neg(40) * int(plan.repay_atoms)), "the exact fee")?;
        let is_shared = plan.is_terminal && world.debts.len() > 1;
        prop_assert_eq!(plan.debt_shares_q40.iter().any(|share| *share > 0), is_shared, "debt {}", j);
        Ok(())
    });
}

#[test]
fn what_pays_exactly_its_debt_and_the_default_bonus_is_not_terminal() {
    check(2_000, (1..u64::MAX, 1..=500u64), |(debt, bonus_default_bps)| {
        let market = MarketPolicy { bonus_default_bps, ..valid_market() };
        let debt = Value(debt.into());
        let enough = debt.times_ceil(Factor::ONE.plus(Factor::from_bps_ceil(bonus_default_bps)));
        prop_assert!(!is_terminal(enough, debt, &market));
        prop_assert!(is_terminal(Value(enough.0 - 1), debt, &market));
        Ok(())
    });
}

#[test]
fn no_step_leads_to_a_target_that_selling_does_not_come_nearer() {
    check(1_000, (any::<u64>(), any::<u64>()), |(weight, shortfall)| {
        prop_assert_eq!(repayment_step(Value(shortfall.into()), Factor(weight), Factor(weight)), None);
        Ok(())
    });
}

#[test]
fn the_adverse_move_ends_at_one_half() {
    let risk = RiskTerms { z_x100: 500, horizon_secs: 86_400, ..valid_config().risk };
    let half = Factor(Factor::ONE.0 / 2);
    assert!(risk.adverse_move(Factor::from_bps_floor(900)) < half);
    for sigma_bps in [1_000, 2_000, 100_000] {
        assert_eq!(risk.adverse_move(Factor::from_bps_ceil(sigma_bps)), half, "{sigma_bps}");
    }
}

#[test]
fn a_confidence_is_judged_by_its_part_of_any_price() {
    let is_confident = |price, confidence, confidence_soft_bps| {
        let policy = OraclePolicy { confidence_soft_bps, ..valid_config().oracle_policy };
        policy.is_confident(&Reading { price, confidence, ..Reading::default() })
    };
    for shift in 0..64 {
        let price = 1u64 << shift;
        for bps in [1, 100, 10_000, 1 << 15, 1 << 16, 1 << 48, u64::MAX] {
            let most = u64::try_from(u128::from(price) * u128::from(bps) / 10_000).unwrap_or(u64::MAX);
            assert!(is_confident(price, most, bps), "2^{shift}, {bps}");
            assert!(most == u64::MAX || !is_confident(price, most + 1, bps), "2^{shift}, {bps}");
        }
    }
}

#[test]
fn a_health_of_exactly_one_is_healthy_and_one_at_the_call_level_is_not_called() {
    let market = MarketPolicy { call_level_bps: 12_500, ..valid_market() };
    let see = |exposure: &Exposure, plan| {
        let mut position: PositionState = bytemuck::Zeroable::zeroed();
        let seen = position.see(exposure, &plan, Ok(()), &market, &NOW);
        (seen, position.called_at)
    };
    let refused = EngineError::Throttled;
    assert_eq!(see(&even(100, 100), Err(refused)), (Ok(Sighting::Called), NOW.unix));
    assert_eq!(see(&even(99, 100), Err(refused)), (Err(refused), 0));
    assert_eq!(see(&even(125, 100), Err(refused)), (Err(EngineError::Healthy), 0));
    assert_eq!(see(&even(124, 100), Err(refused)), (Ok(Sighting::Called), NOW.unix));
}

#[test]
fn a_liquidation_ends_a_sale_but_in_the_terminal_state() {
    let seen = std::cell::Cell::new(0);
    check(500, unhealthy_position(), |world| {
        let Ok(plan) = world.plan(0, 0, u64::MAX) else { return Ok(()) };
        for is_terminal in [false, true] {
            let mut position: PositionState = bytemuck::Zeroable::zeroed();
            let slot = position.debt_slot(&[2; 32]).unwrap();
            position.add_debt(slot, 1).unwrap();
            (position.defaulted_at, position.debts[slot].share_at_default_q40) = (NOW.unix, 7);
            position.see_liquidation(&LiquidationPlan { is_terminal, ..plan }, &world.market, &NOW);
            let kept = if is_terminal { (NOW.unix, 7) } else { (0, 0) };
            prop_assert_eq!((position.defaulted_at, position.debts[slot].share_at_default_q40), kept);
        }
        seen.set(seen.get() + 1);
        Ok(())
    });
    assert_seen!(seen.get() > 100);
}

#[test]
fn caps_and_least_shares_bind_from_the_atom_beyond_them_on() {
    let mut reserve = ledger();
    (reserve.caps.supply_atoms, reserve.caps.borrow_atoms) = (1_000, 400);
    let shares = reserve.clone().supply(1_000, 0).unwrap();
    assert_eq!(reserve.clone().supply(1_001, 0), Err(EngineError::SupplyCapExceeded));
    assert_eq!(reserve.clone().supply(1_000, shares + 1), Err(EngineError::SharesBelowMin));
    assert_eq!(reserve.supply(1_000, shares), Ok(shares));
    assert_eq!(reserve.clone().lend(401), Err(EngineError::BorrowCapExceeded));
    assert_eq!(reserve.lend(400), Ok(400 << 32));
}

#[test]
fn a_supply_is_lost_below_a_millionth_of_the_first_price_and_not_at_it() {
    let mut reserve = ledger();
    reserve.cash_atoms = 41;
    // (assets + 1) / (shares + 2^20) = 1e-6 / 2^20.
    let shares = 42 * (1u128 << 20) * 1_000_000 - (1 << 20);
    for (more, is_lost) in [(0, false), (1, true)] {
        reserve.supply_shares = Word128::new(shares + more);
        assert_eq!(reserve.is_supply_lost(), is_lost, "{more} shares more");
    }
}

#[test]
fn a_position_that_loses_its_last_debt_or_is_cleared_keeps_nothing_and_one_of_several_keeps_all() {
    let mut position: PositionState = bytemuck::Zeroable::zeroed();
    position.collateral_slot(&[1; 32], true).unwrap();
    position.add_collateral(0, 10, false).unwrap();
    for reserve in [[2; 32], [3; 32]] {
        let slot = position.debt_slot(&reserve).unwrap();
        position.add_debt(slot, 5).unwrap();
    }
    (position.called_at, position.flagged_at, position.defaulted_at, position.is_mark_paid) = (1, 2, 3, 1);
    position.taken_atoms[1][0] = 4;
    let marks = |it: &PositionState| (it.called_at, it.flagged_at, it.defaulted_at, it.is_mark_paid);
    let mut one = position;
    one.remove_debt(0, 5, PaidFor::Collateral).unwrap();
    assert_eq!((marks(&one), one.debt_count, one.debts[0].reserve), ((1, 2, 3, 1), 1, [3; 32]));
    one.remove_debt(0, 5, PaidFor::Collateral).unwrap();
    assert_eq!((marks(&one), one.debt_count), ((0, 0, 0, 0), 0));
    position.clear();
    assert_eq!(marks(&position), (0, 0, 0, 0));
    assert_eq!((position.collateral_count, position.debt_count, position.taken_atoms[1][0]), (0, 0, 0));
    assert_eq!((position.collaterals[0].atoms, position.debts[1].shares), (0, Word128::ZERO));
}

#[test]
fn a_provider_with_anything_left_is_not_empty() {
    let nothing: BackstopProviderState = bytemuck::Zeroable::zeroed();
    assert!(nothing.is_empty());
    let mut of_gains = nothing;
    of_gains.gain_atoms[7] = 1;
    for left in [
        BackstopProviderState { deposit_atoms: 1, ..nothing },
        BackstopProviderState { warming_atoms: 1, ..nothing },
        of_gains,
    ] {
        assert!(!left.is_empty());
    }
}

#[test]
fn a_pool_buys_below_one_and_below_its_trigger_not_at_them() {
    let policy = BackstopPolicy { trigger_health_bps: 5_000, trigger_secs: 0, ..valid_backstop_policy() };
    let pool = BackstopState { deposit_atoms: 1_000, policy, ..empty_pool(1) };
    let asked = |exposure: &Exposure| {
        let request = AbsorptionRequest { collateral: 0, debt: 0, tip_min_atoms: 0 };
        let buyer = Buyer { pool: &pool, slot: 0, prices: Ok(()) };
        let sale = SaleTerms { bonus: valid_config().bonus, throttle: WIDE };
        plan_absorption(&buyer, exposure, &sale, &valid_market(), &Standing::default(), &request, &NOW).map(|_| ())
    };
    assert_eq!(asked(&even(100, 100)), Err(EngineError::Healthy));
    assert_eq!(asked(&even(99, 100)), Err(EngineError::BackstopNotTriggered));
    assert_eq!(asked(&even(50, 100)), Err(EngineError::BackstopNotTriggered));
    assert_ne!(asked(&even(49, 100)), Err(EngineError::BackstopNotTriggered));
}

#[test]
fn the_logarithm_of_two_is_exact_and_that_of_large_numbers_too() {
    const LN_2_Q40: u64 = 762_123_384_785;
    assert_eq!(log_ratio(2, 1), Factor(LN_2_Q40));
    for shift in 0..126 {
        let seen = log_ratio(3 << shift, 2 << shift).0 as f64 / (1u64 << 40) as f64;
        assert!((seen - 1.5f64.ln()).abs() < 1.2e-6, "2^{shift}: {seen}");
        assert_eq!(log_ratio(2 << shift, 1 << shift), Factor(LN_2_Q40), "2^{shift}");
    }
}

#[test]
fn a_feed_that_changes_its_exponent_has_not_moved_and_volatility_rises_by_its_rate() {
    let mut reserve = valid_reserve();
    let later = Now { unix: NOW.unix + 3_600, ..NOW };
    let reading = Reading { publish_time: later.unix, slot: later.slot, ..valid_reading() };
    (reserve.volatility.sampled_price, reserve.volatility.sampled_at) = (reading.price, NOW.unix);
    reserve.volatility.sampled_exponent = reading.exponent.into();
    let same = reserve.sigma_initial(&reading);
    (reserve.volatility.sampled_price, reserve.volatility.sampled_exponent) =
        (reading.price / 1_000, i64::from(reading.exponent) + 3);
    assert_eq!((reading.price % 1_000, reserve.sigma_initial(&reading)), (0, same));

    // Observed at its cap, maintenance volatility at its floor: an hour later a rate of 50 bps more.
    let (floor, cap) = (reserve.risk.sigma_floor_bps, reserve.risk.sigma_cap_bps);
    reserve.risk.sigma_rise_bps_per_hour = 50;
    reserve.volatility.sigma_q40 = Factor::from_bps_ceil(cap).0;
    (reserve.volatility.sigma_maintenance_q40, reserve.volatility.moved_at) =
        (Factor::from_bps_ceil(floor).0, NOW.unix);
    reserve.volatility.sampled_at = later.unix;
    let risen = reserve.sigma_maintenance(&reading, &later).0;
    let exact = Factor::from_bps_ceil(floor).0 + Factor::from_bps_floor(50).0;
    assert!(risen.abs_diff(exact) <= 1, "{risen} instead of {exact}");
}

#[test]
fn nothing_is_deposited_withdrawn_or_claimed_where_there_is_nothing() {
    let (mut pool, mut provider): (_, BackstopProviderState) = (empty_pool(1), bytemuck::Zeroable::zeroed());
    let before = (pool, provider);
    assert_eq!(pool.deposit(&mut provider, 0, &NOW), Err(EngineError::ZeroAmount));
    assert_eq!((pool, provider), before);
    assert_eq!(pool.deposit(&mut provider, 1, &NOW), Ok(()));
    assert_eq!(pool.claim_gain(&mut provider, 0, &NOW), Err(EngineError::NothingGained));
    // Asked for while it was there, and lost since.
    let mut lost = BackstopProviderState { requested_atoms: 5, matures_at: NOW.unix, ..bytemuck::Zeroable::zeroed() };
    assert_eq!(empty_pool(1).withdraw(&mut lost, &NOW), Err(EngineError::ZeroAmount));
}
