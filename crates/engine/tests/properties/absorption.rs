//! Purchases by the backstop: when, how much, whose.

use bytemuck::Zeroable;
use plimsoll_engine::backstop::absorption::*;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::liquidation::LiquidationPlan;
use plimsoll_engine::price::Reading;
use plimsoll_engine::standing::{ProtectionOrder, Standing};
use plimsoll_engine::state::*;
use plimsoll_engine::transitions::apply_liquidation;
use plimsoll_engine::Now;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::check;
use crate::oracle::*;
use crate::pools::{empty_pool, valid_backstop_policy};
use crate::worlds::*;

/// A pool that buys at any health below one, of 8 collaterals as a position has.
fn eager_pool(deposit_atoms: u64) -> BackstopState {
    let policy = BackstopPolicy { trigger_health_bps: 9_999, trigger_secs: 1, ..valid_backstop_policy() };
    BackstopState { deposit_atoms, policy, ..empty_pool(8) }
}

/// A purchase of one pair by `pool`, whose slots are those of the position.
fn purchase(world: &World, pool: &BackstopState, (i, j): (usize, usize)) -> Result<AbsorptionPlan, EngineError> {
    let request = AbsorptionRequest { collateral: i, debt: j, tip_min_atoms: 0 };
    ask(world, &Buyer { pool, slot: i, prices: Ok(()) }, &request)
}

fn ask(world: &World, buyer: &Buyer, request: &AbsorptionRequest) -> Result<AbsorptionPlan, EngineError> {
    let sale = world.sale(request.collateral);
    plan_absorption(buyer, &world.exposure(), &sale, &world.market, &world.standing, request, &NOW)
}

/// Every pair of an unhealthy position that is triggered, with a pool of some size and room, and what it buys.
fn purchases(
    cases: u32,
    property: impl Fn(&World, &BackstopState, (usize, usize), &AbsorptionPlan) -> Result<(), TestCaseError>,
) {
    check(cases, (unhealthy_position(), any::<[u64; 4]>()), |(mut world, seeds)| {
        world.standing.auction_secs = world.standing.auction_secs.max(1);
        for (i, j) in world.pairs() {
            let mut pool = eager_pool(u64::MAX);
            if seeds[0] & 1 == 0 {
                pool.deposit_atoms = seeds[1] % world.debts[j].atoms + 2;
            }
            if seeds[0] & 2 == 0 {
                let held = seeds[3] >> 1;
                (pool.collaterals[i].cap_atoms, pool.collaterals[i].atoms) =
                    (held + seeds[2] % world.collaterals[i].atoms + 1, held);
            } else if let Some(single) = world.plan(i, j, u64::MAX).ok().filter(|_| seeds[0] & 4 == 0) {
                // An atom less than it would be, which may cost as much.
                pool.collaterals[i].cap_atoms = (single.seize_atoms - 1).max(1);
            }
            match purchase(&world, &pool, (i, j)) {
                Ok(plan) => property(&world, &pool, (i, j), &plan)?,
                Err(
                    EngineError::TakeOtherCollateral
                    | EngineError::RepayMaxBelowDust
                    | EngineError::NothingToSeize
                    | EngineError::GainTooLarge,
                ) => {}
                Err(error) => return Err(TestCaseError::fail(format!("{error:?} is no reason to refuse here"))),
            }
        }
        Ok(())
    });
}

#[test]
fn the_pool_buys_what_a_liquidator_would_as_far_as_it_can() {
    purchases(4_000, |world, pool, (i, j), plan| {
        let AbsorptionPlan { trade, gain_atoms, tip_atoms } = *plan;
        let single = world.plan(i, j, u64::MAX).unwrap();
        let (spendable, held) = (pool.deposit_atoms - 1, pool.collaterals[i]);
        prop_assert!(trade.repay_atoms <= spendable.min(single.repay_atoms), "spends more than it may");
        prop_assert!(held.atoms + trade.seize_atoms <= held.cap_atoms, "holds more than it may");
        prop_assert_eq!(gain_atoms + tip_atoms, trade.seize_atoms);
        prop_assert_eq!((trade.fee_atoms, trade.gross_factor), (0, single.gross_factor));
        if single.repay_atoms <= spendable && single.seize_atoms <= held.cap_atoms - held.atoms {
            prop_assert_eq!(trade, LiquidationPlan { fee_atoms: 0, ..single });
        } else {
            prop_assert!(trade.repay_atoms < single.repay_atoms || trade.seize_atoms < single.seize_atoms);
        }
        // A liquidator who repays as much gets as much.
        let same = world.plan(i, j, trade.repay_atoms).unwrap();
        prop_assert!(trade.seize_atoms <= same.seize_atoms);
        prop_assert!(
            trade.is_terminal
                || trade.health_after.0.saturating_add(trade.health_before.0 >> 37) >= trade.health_before.0
        );
        prop_assert_eq!({ *pool }.offset(i, trade.repay_atoms, gain_atoms), Ok(()));
        Ok(())
    });
}

#[test]
fn the_tip_is_a_share_of_what_is_seized_beyond_the_repayment() {
    purchases(4_000, |world, pool, (i, j), plan| {
        let seized = int(plan.trade.seize_atoms) * world.collateral_price(i);
        let repaid = int(plan.trade.repay_atoms) * world.debt_price(j);
        let bonus = (&seized - &repaid) / world.collateral_price(i);
        let tip = int(plan.tip_atoms);
        // A price has 62 digits, a value is a whole nano-dollar.
        let noise = (int(plan.trade.seize_atoms) * pow2_neg(58) + int(2)) + int(2) / world.collateral_price(i);
        let share = bps(pool.policy.tip_share_bps);
        if plan.tip_atoms > 0 {
            at_most(&tip, &(&bonus * &share), "no more than its share")?;
            at_most(&repaid, &(int(plan.gain_atoms) * world.collateral_price(i)), "no less than was spent")?;
        }
        at_most(&((bonus - noise) * share - int(1)), &tip, "rounded down by an atom")
    });
}

#[test]
fn a_hundred_small_calls_seize_and_tip_no_more_than_one_large() {
    let parts = prop::collection::vec(1u64..20, 100);
    check(400, (unhealthy_position(), parts, any::<prop::sample::Index>()), |(mut world, parts, pair)| {
        world.standing.auction_secs = world.standing.auction_secs.max(1);
        let pairs = world.pairs();
        let (i, j) = pairs[pair.index(pairs.len())];
        let Ok(single) = purchase(&world, &eager_pool(u64::MAX), (i, j)) else { return Ok(()) };
        let (mut now, mut seized, mut tips, mut calls) = (world.clone(), 0, 0, 0);
        for part in parts {
            // The pool of the moment has only this much.
            let pool = eager_pool(single.trade.repay_atoms / 1_000 * part + 2);
            let Ok(plan) = purchase(&now, &pool, (i, j)) else { continue };
            seized += plan.trade.seize_atoms;
            tips += plan.tip_atoms;
            calls += 1;
            now = now.after(i, j, &plan.trade);
            if now.collaterals[i].atoms == 0 || now.debts[j].atoms == 0 {
                break;
            }
        }
        // As of many liquidations: a debt atom's worth a call, and what sizing stops short of.
        let one = world.debt_price(j) / world.collateral_price(i) * factor(single.trade.gross_factor) + int(1);
        let gap = nano(world.exposure().weighted_debt()) * pow2_neg(30)
            / world.collateral_price(i)
            / (bps(world.market.target_health_bps) - frac(9_999, 10_000));
        let more = one * int(calls) + gap;
        at_most(&int(seized), &(int(single.trade.seize_atoms) + &more), "seized in several calls")?;
        at_most(&int(tips), &(int(single.tip_atoms) + more), "tipped in several calls")
    });
}

/// A position of 10 tokens whose health is `bps`, as closely as an atom of debt allows, or lower.
fn at_health(bps: u64) -> World {
    let reserve = valid_reserve();
    let leg = |atoms| Leg { config: valid_config(), reserve, reading: valid_reading(), atoms };
    let mut world = World {
        market: valid_market(),
        standing: Standing::default(),
        throttle: WIDE,
        collaterals: vec![leg(10_000_000_000)],
        debts: vec![leg(1_000_000_000)],
    };
    let (collateral, debt) = world.sides();
    let atoms = collateral / debt * int(1_000_000_000) * int(10_000) / int(bps);
    world.debts[0].atoms = u64::try_from(atoms.ceil().to_integer()).unwrap();
    world
}

#[test]
fn the_pool_waits_for_its_trigger() {
    let market = valid_market();
    let pool = BackstopState { deposit_atoms: 1 << 40, ..empty_pool(1) };
    let verdict = |health, auction_secs| {
        let mut world = at_health(health);
        world.standing.auction_secs = auction_secs;
        purchase(&world, &pool, (0, 0)).map(|_| ())
    };
    assert_eq!(verdict(9_499, 0), Ok(()));
    assert_eq!(verdict(9_501, 0), Err(EngineError::BackstopNotTriggered));
    assert_eq!(verdict(9_501, 899), Err(EngineError::BackstopNotTriggered));
    assert_eq!(verdict(9_501, 900), Ok(()));
    assert_eq!(verdict(10_001, 900), Err(EngineError::Healthy));
    // A flag of two auction times is dead and counts nothing.
    let counted = |auction_secs| {
        let flagged = PositionState { flagged_at: 1, auction_secs, auction_counted_at: NOW.unix, ..Zeroable::zeroed() };
        flagged.standing((0, 0), &market, &NOW, Ok(())).auction_secs
    };
    assert_eq!((counted(1_199), counted(1_200)), (1_199, 0));
    assert_eq!(verdict(9_501, counted(1_199)), Ok(()));
    assert_eq!(verdict(9_501, counted(1_200)), Err(EngineError::BackstopNotTriggered));
}

#[test]
fn a_protection_order_is_no_business_of_the_pool() {
    let mut world = at_health(10_100);
    let order =
        ProtectionOrder { trigger: Factor::from_bps_floor(10_300), bonus: Factor::from_bps_floor(100), refusal: None };
    world.standing = Standing { order: Some(order), auction_secs: 1_000, ..Standing::default() };
    assert!(world.plan(0, 0, u64::MAX).unwrap().is_protection);
    assert_eq!(purchase(&world, &eager_pool(1 << 40), (0, 0)), Err(EngineError::Healthy));
}

#[test]
fn what_keeps_the_pool_from_buying_has_its_name_in_this_order() {
    let mut world = at_health(9_000);
    world.standing.cooling_until_slot = NOW.slot;
    let mut pool = eager_pool(1);
    pool.collateral_count = 0;
    let mut request = AbsorptionRequest { collateral: 0, debt: 0, tip_min_atoms: u64::MAX };
    let stale = Err(EngineError::StalePrice);
    assert_eq!(ask(&world, &Buyer { pool: &pool, slot: 0, prices: stale }, &request), Err(EngineError::StalePrice));
    let verdict = |world: &World, pool: &BackstopState, request: &AbsorptionRequest| {
        ask(world, &Buyer { pool, slot: 0, prices: Ok(()) }, request).map(|_| ())
    };
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::CollateralNotOptedIn));
    pool.collateral_count = 1;
    pool.policy.trigger_health_bps = 8_000;
    assert_eq!(verdict(&at_health(10_001), &pool, &request), Err(EngineError::Healthy));
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::BackstopNotTriggered));
    pool.policy.trigger_health_bps = 9_500;
    pool.collaterals[0].cap_atoms = 0;
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::BackstopEmpty));
    pool.deposit_atoms = 1 << 40;
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::ConcentrationCapReached));
    (pool.collaterals[0].cap_atoms, pool.collaterals[0].atoms) = (u64::MAX, u64::MAX - 1);
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::CoolingOff));
    world.standing.cooling_until_slot = 0;
    world.throttle.capacity_atoms = 0;
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::Throttled));
    world.throttle = WIDE;
    pool.collaterals[0].atoms = 0;
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::TipBelowMin));
    request.tip_min_atoms = purchase(&world, &pool, (0, 0)).unwrap().tip_atoms;
    assert_eq!(verdict(&world, &pool, &request), Ok(()));
    pool.collaterals[0].sums[0] = plimsoll_engine::fixed::Word128::new((1 << 127) - 1);
    assert_eq!(verdict(&world, &pool, &request), Err(EngineError::GainTooLarge));
    assert_eq!(verdict(&world, &pool, &AbsorptionRequest { debt: 1, ..request }), Err(EngineError::LegMismatch));
}

#[test]
fn the_cap_binds_in_the_terminal_state_too_where_the_throttle_does_not() {
    let world = at_health(7_000);
    let mut pool = eager_pool(1 << 60);
    let all = purchase(&world, &pool, (0, 0)).unwrap().trade;
    assert!(all.is_terminal && all.takes_last_collateral);
    pool.collaterals[0].cap_atoms = 3_000_000_000;
    let capped = purchase(&world, &pool, (0, 0)).unwrap().trade;
    assert!(capped.is_terminal && !capped.takes_last_collateral);
    assert_eq!(capped.seize_atoms, 3_000_000_000);
}

#[test]
fn the_pair_needs_soft_confidence_and_a_quarter_of_the_liquidation_age() {
    let policy = valid_config().oracle_policy;
    let reading = valid_reading();
    let verdict = |age: i64, confidence| {
        let now = Now { unix: NOW.unix + age, ..NOW };
        policy.permit_absorption(&Reading { confidence, ..reading }, &now)
    };
    let soft = reading.price / 100;
    assert_eq!(verdict(15, soft), Ok(()));
    assert_eq!(verdict(16, 0), Err(EngineError::StalePrice));
    assert_eq!(verdict(15, soft + 1), Err(EngineError::ConfidenceTooWide));
    // Where nobody may liquidate, the pool does not buy.
    check(5_000, (any::<[u64; 5]>(), 0i64..200), |([price, confidence, soft, hard, age_max], age)| {
        let policy = OraclePolicy {
            confidence_soft_bps: soft % 500,
            confidence_hard_bps: soft % 500 + hard % 500,
            liquidate_age_secs: age_max % 400,
            ..policy
        };
        let reading = Reading { price, confidence: confidence >> (confidence % 64), ..reading };
        let now = Now { unix: NOW.unix + age, ..NOW };
        if policy.permit_absorption(&reading, &now).is_ok() {
            prop_assert_eq!(policy.permit_liquidation(&reading, &now), Ok(()));
            prop_assert!(4 * u64::try_from(age).unwrap() <= policy.liquidate_age_secs);
            prop_assert_eq!(policy.confidence_excess(&reading), 0);
        }
        Ok(())
    });
}

#[test]
fn a_purchase_moves_ledgers_only_and_the_tip_alone_leaves() {
    check(3_000, (amount(), amount(), amount(), any::<[u64; 4]>()), |(owed, held, deposits, seeds)| {
        let (owed, held, deposits) = (owed / 4 + 1, held / 4 + 1, deposits / 4 + 2);
        let (mut seized, mut repaid) = (valid_reserve(), ledger());
        seized.caps.collateral_atoms = u64::MAX;
        repaid.supply(owed, 0).unwrap();
        let shares = repaid.lend(owed).unwrap();
        repaid.receive_backstop(deposits).unwrap();
        seized.take_collateral(held, true, false).unwrap();
        let mut position = PositionState::zeroed();
        position.collateral_slot(&[1; 32], true).unwrap();
        position.debt_slot(&[2; 32]).unwrap();
        position.add_debt(0, shares).unwrap();
        position.add_collateral(0, held, true).unwrap();
        let mut pool = eager_pool(deposits);
        // The plan of some purchase, with other amounts.
        let trade = purchase(&at_health(9_000), &eager_pool(1 << 40), (0, 0)).unwrap().trade;
        let repay_atoms = seeds[0] % owed.min(deposits - 1) + 1;
        let seize_atoms = seeds[1] % held.min(repay_atoms.saturating_mul(1 << 40)) + 1;
        let tip_atoms = seeds[2] % (seize_atoms + 1);
        let trade = LiquidationPlan { repay_atoms, seize_atoms, is_terminal: seeds[3] & 1 == 0, ..trade };
        let plan = AbsorptionPlan { trade, gain_atoms: seize_atoms - tip_atoms, tip_atoms };
        let market = valid_market();

        let before = (seized, repaid, position);
        let both = (&mut seized, &mut repaid);
        apply_absorption(&plan, &mut position, (0, 0), both, (&mut pool, 3), &market, &NOW).unwrap();

        prop_assert_eq!(repaid.backstop_atoms, deposits - repay_atoms);
        prop_assert_eq!(repaid.cash_atoms + repaid.backstop_atoms, before.1.cash_atoms + before.1.backstop_atoms);
        prop_assert_eq!(seized.backstop_collateral_atoms, plan.gain_atoms);
        prop_assert_eq!(seized.collateral_atoms + seized.backstop_collateral_atoms + tip_atoms, held);
        prop_assert_eq!((pool.deposit_atoms, pool.collaterals[3].atoms), (repaid.backstop_atoms, plan.gain_atoms));
        // All else as by a liquidator who paid no fee: position, debt, Q, throttle.
        let (mut as_if, mut to, mut from) = (before.2, before.1, before.0);
        apply_liquidation(&trade, &mut as_if, (0, 0), (&mut from, &mut to), &market, &NOW).unwrap();
        prop_assert_eq!(position, as_if);
        prop_assert_eq!(seized, ReserveState { backstop_collateral_atoms: plan.gain_atoms, ..from });
        prop_assert_eq!(repaid, ReserveState { backstop_atoms: deposits - repay_atoms, ..to });
        prop_assert_eq!(seized.throttle == before.0.throttle, trade.is_terminal);
        Ok(())
    });
}

#[test]
fn a_purchase_the_ledgers_do_not_cover_is_refused() {
    let world = at_health(9_000);
    let plan = purchase(&world, &eager_pool(1 << 40), (0, 0)).unwrap();
    let (mut seized, mut repaid) = (ledger(), ledger());
    let mut position = PositionState::zeroed();
    let mut pool = eager_pool(1 << 40);
    let both = (&mut seized, &mut repaid);
    let refused = apply_absorption(&plan, &mut position, (0, 0), both, (&mut pool, 0), &valid_market(), &NOW);
    assert_eq!(refused, Err(EngineError::AmountExceedsBalance));
}

#[test]
fn the_purchases_these_properties_run_on_are_of_every_kind() {
    let counts = std::cell::RefCell::new(std::collections::BTreeMap::<&str, u32>::new());
    purchases(1_000, |world, pool, (i, j), plan| {
        let (mut counts, single) = (counts.borrow_mut(), world.plan(i, j, u64::MAX).unwrap());
        let mut seen = |kind, is_it: bool| *counts.entry(kind).or_default() += u32::from(is_it);
        let is_capped = plan.trade.seize_atoms == pool.collaterals[i].cap_atoms - pool.collaterals[i].atoms;
        seen("whole", plan.trade.repay_atoms == single.repay_atoms);
        seen("all the pool may spend", plan.trade.repay_atoms == pool.deposit_atoms - 1);
        seen("all the cap leaves", is_capped);
        seen("terminal", plan.trade.is_terminal);
        seen("bounded and terminal", plan.trade.is_terminal && is_capped);
        seen("tipped", plan.tip_atoms > 0);
        Ok(())
    });
    let counts = counts.into_inner();
    crate::assert_seen!(counts.len() == 6 && counts.values().all(|count| *count >= 5), "{counts:?}");
}
