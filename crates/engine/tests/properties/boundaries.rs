//! Where one side of a comparison ends: what random numbers hardly ever hit, hit on purpose.

use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::liquidation::*;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{MarketPolicy, OraclePolicy, RiskTerms};
use plimsoll_engine::throttle::{urgency, Throttle};
use proptest::prelude::*;

use crate::oracle::*;
use crate::worlds::{unhealthy_position, valid_config, valid_market, World, NOW};
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
