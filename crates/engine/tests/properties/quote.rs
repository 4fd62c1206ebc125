use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::health::*;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::price::Reading;
use plimsoll_engine::quote::*;
use plimsoll_engine::state::*;
use plimsoll_engine::throttle::urgency;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::standing::protected_position;
use crate::worlds::*;

/// A position that may open risk, with collateral of others before its own.
#[derive(Clone, Debug)]
struct Standing {
    world: World,
    others: Vec<u64>,
}

/// Healthy by both measures as often as not.
fn standing() -> impl Strategy<Value = Standing> {
    (unhealthy_position(), prop::collection::vec(amount(), MAX_COLLATERALS), 1u64..16).prop_map(
        |(mut world, others, relief)| {
            for leg in world.collaterals.iter_mut().chain(&mut world.debts) {
                // Within the soft limit.
                leg.reading.confidence /= 4;
            }
            for debt in &mut world.debts {
                debt.atoms = (debt.atoms / relief).max(1);
            }
            let others =
                world.collaterals.iter().zip(others).map(|(leg, others)| others % (leg.atoms / 4 + 1)).collect();
            Standing { world, others }
        },
    )
}

impl Standing {
    fn initial(&self) -> InitialExposure {
        let mut initial = InitialExposure::default();
        for (i, leg) in self.world.collaterals.iter().enumerate() {
            let first = leg.reserve.initial_collateral_leg(leg.atoms, self.others[i], &leg.reading, &NOW).unwrap();
            let curve = leg.reserve.initial_curve(first.price, &leg.reading, &NOW);
            initial.collaterals[i] = InitialCollateral { leg: first, curve, others_atoms: self.others[i] };
        }
        for (j, leg) in self.world.debts.iter().enumerate() {
            initial.debts[j] = leg.reserve.initial_debt_leg(leg.atoms, &leg.reading, &NOW).unwrap();
        }
        initial
    }

    fn quote(&self) -> PositionQuote {
        let rooms = [LendingRoom { atoms: u64::MAX }; MAX_DEBTS];
        let mut decimals = [0; MAX_COLLATERALS];
        for (slot, leg) in decimals.iter_mut().zip(&self.world.collaterals) {
            *slot = leg.reserve.decimals;
        }
        let position = bytemuck::Zeroable::zeroed();
        let market = (&position, &valid_market());
        quote_position(&self.world.exposure(), &Ok(self.initial()), &rooms, &decimals, market, &NOW)
    }

    fn is_healthy(&self) -> bool {
        let (initial, mut totals) = (self.initial(), InitialTotals::default());
        (0..self.world.collaterals.len()).for_each(|i| totals.add_collateral(&initial.collaterals[i].leg));
        (0..self.world.debts.len()).for_each(|j| totals.add_debt(&initial.debts[j]));
        require_healthy(&totals, &self.world.exposure()).is_ok()
    }
}

#[test]
fn what_is_quoted_as_withdrawable_can_be_withdrawn() {
    check(1_500, standing(), |standing| {
        let quote = standing.quote();
        for i in 0..standing.world.collaterals.len() {
            let most = quote.collaterals[i].withdraw_max_atoms;
            let mut after = standing.clone();
            after.world.collaterals[i].atoms -= most;
            prop_assert!(
                most == 0 || after.is_healthy(),
                "withdrawing {} of {}",
                most,
                standing.world.collaterals[i].atoms
            );
            // And a thousandth of the collateral more cannot.
            let more = standing.world.collaterals[i].atoms / 1_000 + 10;
            if after.world.collaterals[i].atoms > more {
                after.world.collaterals[i].atoms -= more;
                prop_assert!(!after.is_healthy(), "the quote {} is too small", most);
            }
        }
        Ok(())
    });
}

#[test]
fn what_is_quoted_as_borrowable_can_be_borrowed() {
    check(1_500, standing(), |standing| {
        let quote = standing.quote();
        for j in 0..standing.world.debts.len() {
            prop_assert_eq!(quote.debts[j].owed_atoms, standing.world.debts[j].atoms);
            let most = quote.debts[j].borrow_max_atoms;
            if most > u64::MAX / 2 {
                continue;
            }
            let mut after = standing.clone();
            // Shares round the debt up by an atom.
            after.world.debts[j].atoms += most + 1;
            prop_assert!(most == 0 || after.is_healthy(), "borrowing {}", most);
            after.world.debts[j].atoms += (most + standing.world.debts[j].atoms) / 1_000 + 10;
            prop_assert!(!after.is_healthy(), "the quote {} is too small", most);
        }
        Ok(())
    });
}

#[test]
fn a_position_is_liquidatable_just_below_its_liquidation_price_and_not_above() {
    check(1_500, standing(), |standing| {
        let quote = standing.quote();
        for i in 0..standing.world.collaterals.len() {
            let price = quote.collaterals[i].liquidation_price_nano_usd;
            let exposure = standing.world.exposure();
            let (leg, debt) = (&exposure.collaterals()[i], exposure.weighted_debt());
            let others = exposure.weighted_collateral().minus(leg.weighted());
            prop_assert_eq!(price == 0, debt <= others, "others pay for it, or they do not");
            if price > 0 && leg.weighted() > Value::ZERO {
                let token =
                    standing.world.collateral_price(i) * ten(i32::from(standing.world.collaterals[i].reserve.decimals));
                let exact = token * nano(debt.minus(others)) / nano(leg.weighted());
                at_most(&exact.clone().min(int(u64::MAX)), &int(price), "rounded up")?;
                at_most(&int(price), &(exact * (int(1) + pow2_neg(50)) + int(1)), "by a unit")?;
            }
            let at = |price: u64| {
                let mut world = standing.world.clone();
                world.collaterals[i].reading = Reading {
                    price,
                    average: price,
                    confidence: 0,
                    exponent: -9,
                    publish_time: NOW.unix,
                    ..Reading::default()
                };
                world.exposure()
            };
            // A nano-dollar must be less than a part in a million of the price, and of what the collateral counts at it.
            let resolved =
                (1_000_000..u64::MAX >> 8).contains(&price) && at(price).collaterals()[i].weighted() > Value(1_000_000);
            if !resolved {
                continue;
            }
            let is_healthy = |exposure: &Exposure| exposure.weighted_collateral() >= exposure.weighted_debt();
            prop_assert!(is_healthy(&at(price + price / 100_000)), "above {}", price);
            prop_assert!(!is_healthy(&at(price - price / 100_000)), "below {}", price);
        }
        Ok(())
    });
}

#[test]
fn a_quote_says_what_health_says() {
    check(500, standing(), |standing| {
        let (quote, exposure) = (standing.quote(), standing.world.exposure());
        prop_assert_eq!(quote.maintenance_health_e9, to_e9(exposure.health()));
        prop_assert_eq!(quote.is_called == 1, exposure.health() < Factor::from_bps_ceil(10_500));
        prop_assert_eq!(quote.collateral_nano_usd, u64::try_from(exposure.collateral_value().0).unwrap_or(u64::MAX));
        prop_assert_eq!(quote.debt_nano_usd, u64::try_from(exposure.debt_value().0).unwrap_or(u64::MAX));
        prop_assert_eq!(
            (quote.initial_refusal, quote.initial_health_e9 >= 1_000_000_000),
            (0, standing.is_healthy() || quote.initial_health_e9 >= 1_000_000_000)
        );
        Ok(())
    });
}

#[test]
fn a_price_that_forbids_borrowing_is_a_reason_and_no_room() {
    let reserve = valid_reserve();
    let mut exposure = Exposure::default();
    exposure.push_collateral(reserve.collateral_leg(1_000_000_000, &valid_reading(), &NOW)).unwrap();
    exposure.push_debt(reserve.debt_leg_of(1, &valid_reading(), &NOW)).unwrap();
    let refusal = Err(plimsoll_engine::EngineError::StalePrice);
    let position = bytemuck::Zeroable::zeroed();
    let market = (&position, &valid_market());
    let quote = quote_position(&exposure, &refusal, &Default::default(), &[9; MAX_COLLATERALS], market, &NOW);
    assert_eq!((quote.initial_refusal, quote.initial_health_e9), (6100, 0));
    assert_eq!((quote.collaterals[0].withdraw_max_atoms, quote.debts[0].borrow_max_atoms), (0, 0));
    // Without debt everything can go, whatever the price.
    let mut free = Exposure::default();
    free.push_collateral(reserve.collateral_leg(1_000_000_000, &valid_reading(), &NOW)).unwrap();
    let quote = quote_position(&free, &refusal, &Default::default(), &[9; MAX_COLLATERALS], market, &NOW);
    assert_eq!((quote.maintenance_health_e9, quote.collaterals[0].withdraw_max_atoms), (u64::MAX, 1_000_000_000));
    assert_eq!(quote.collaterals[0].liquidation_price_nano_usd, 0);
}

/// What a quote says of a plan or a refusal, field by field.
fn expected(world: &World, i: usize, plan: &Result<LiquidationPlan, EngineError>) -> LiquidationQuote {
    let exposure = world.exposure();
    let nano_usd = |value: Value| u64::try_from(value.0).unwrap_or(u64::MAX);
    let common = LiquidationQuote {
        health_before_e9: to_e9(exposure.health()),
        collateral_nano_usd: nano_usd(exposure.collateral_value()),
        debt_nano_usd: nano_usd(exposure.debt_value()),
        auction_secs: world.standing.auction_secs,
        ..LiquidationQuote::default()
    };
    match plan {
        Ok(plan) => LiquidationQuote {
            is_terminal: u32::from(plan.is_terminal),
            is_protection: u32::from(plan.is_protection),
            is_throttled: u32::from(plan.is_throttled),
            throttle_share_atoms: plan.allowance.share_atoms,
            throttle_left_atoms: plan.allowance.left_atoms,
            repay_atoms: plan.repay_atoms,
            fee_atoms: plan.fee_atoms,
            seize_atoms: plan.seize_atoms,
            gross_factor_e9: to_e9(plan.gross_factor),
            health_after_e9: to_e9(plan.health_after),
            ..common
        },
        Err(error) => {
            let allowance = world.throttle.allowance(urgency(&world.collaterals[i].config.bonus, exposure.health()));
            LiquidationQuote {
                refusal: error.code(),
                throttle_share_atoms: allowance.share_atoms,
                throttle_left_atoms: allowance.left_atoms,
                ..common
            }
        }
    }
}

#[test]
fn a_liquidation_quote_is_its_plan_or_its_refusal_and_when_that_ends() {
    let worlds = prop_oneof![3 => unhealthy_position(), 1 => protected_position()];
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::<u32, u32>::new());
    check(1_200, (worlds, any::<[u64; 3]>(), amount()), |(mut world, [cooling, throttle, order], repay_max)| {
        if cooling % 4 == 0 {
            world.standing.cooling_until_slot = NOW.slot - 5 + cooling % 50;
        }
        if order % 8 == 0 {
            world.standing.order = None;
        }
        for (i, j) in world.pairs() {
            let world = if throttle & 1 == 0 { world.narrowed(i, throttle >> 1) } else { world.clone() };
            let repay_max = if order & 1 == 0 { u64::MAX } else { repay_max.max(1) };
            let plan = world.plan(i, j, repay_max);
            let exposure = world.exposure();
            let quote = quote_liquidation(&exposure, &plan, &world.sale(i), &world.standing, &NOW);
            *seen.borrow_mut().entry(quote.refusal).or_default() += 1;
            let (cools, throttled) = (Err(EngineError::CoolingOff), Err(EngineError::Throttled));
            let (retry_slot, retry_unix) = (quote.retry_slot, quote.retry_unix);
            prop_assert_eq!(LiquidationQuote { retry_slot, retry_unix, ..expected(&world, i, &plan) }, quote);
            prop_assert_eq!((retry_slot > 0, retry_unix > 0), (plan == cools, plan == throttled));
            if retry_slot > 0 {
                let request =
                    LiquidationRequest { collateral: i, debt: j, repay_max_atoms: repay_max, seize_min_atoms: 0 };
                let at = |slot| {
                    let now = Now { slot, ..NOW };
                    plan_liquidation(&exposure, &world.sale(i), &world.market, &world.standing, &request, &now)
                };
                prop_assert!(at(retry_slot) != cools && at(retry_slot - 1) == cools);
            }
            if retry_unix > 0 {
                // The same prices and debts; the throttle alone grows older.
                let at = |unix: i64| {
                    let mut later = world.clone();
                    let secs = u64::try_from(unix - NOW.unix).unwrap();
                    later.throttle.empty_in_q32 = world.throttle.empty_in_q32.saturating_sub(secs << 32);
                    later.plan(i, j, repay_max)
                };
                prop_assert!(at(retry_unix) != throttled && at(retry_unix - 1) == throttled);
            }
        }
        Ok(())
    });
    let seen = seen.into_inner();
    for error in [EngineError::CoolingOff, EngineError::Throttled, EngineError::Healthy] {
        crate::assert_seen!(seen.get(&error.code()).is_some_and(|count| *count >= 100), "{error:?}: {seen:?}");
    }
    assert_eq!((to_e9(Factor::MAX), to_e9(Factor::ONE), to_e9(Factor::ZERO)), (u64::MAX, 1_000_000_000, 0));
}

#[test]
fn a_quote_says_who_is_called_and_flagged_and_how_long() {
    let mut position: PositionState = bytemuck::Zeroable::zeroed();
    let quoted = |position: &PositionState, call_level_bps| {
        let market = MarketPolicy { call_level_bps, ..valid_market() };
        let rooms = [LendingRoom::default(); MAX_DEBTS];
        quote_position(
            &even(125, 100),
            &Err(EngineError::StalePrice),
            &rooms,
            &[0; MAX_COLLATERALS],
            (position, &market),
            &NOW,
        )
    };
    for (level_bps, is_called) in [(12_499, 0), (12_500, 0), (12_501, 1), (20_000, 1)] {
        let quote = quoted(&position, level_bps);
        assert_eq!((quote.is_called, quote.call_level_e9), (is_called, level_bps * 100_000), "{level_bps}");
        assert_eq!((quote.flagged_at, quote.auction_secs), (0, 0));
    }
    assert_eq!((bps_to_e9(1), bps_to_e9(u64::MAX)), (100_000, u64::MAX));
    (position.flagged_at, position.auction_counted_at, position.auction_secs) = (NOW.unix - 90, NOW.unix - 30, 60);
    let (quote, market) = (quoted(&position, 12_500), MarketPolicy { call_level_bps: 12_500, ..valid_market() });
    assert!(position.is_flagged(&market, &NOW));
    assert_eq!((quote.flagged_at, quote.auction_secs), (NOW.unix - 90, position.auction_secs_at(&market, &NOW)));
    assert!(quote.auction_secs >= 60);
}

#[test]
fn a_quote_says_what_is_terminal_and_until_when_is_paused() {
    let seen = std::cell::Cell::new(0);
    check(1_000, crate::recovery::on_sale(), |(mut world, _)| {
        let plan = world.plan(0, 0, u64::MAX);
        let quote = quote_liquidation(&world.exposure(), &plan, &world.sale(0), &world.standing, &NOW);
        prop_assert_eq!(quote.is_terminal, u32::from(plan.is_ok_and(|plan| plan.is_terminal)));
        seen.set(seen.get() + quote.is_terminal);
        world.standing.paused_until = NOW.unix + 77;
        let paused = world.plan(0, 0, u64::MAX);
        let quote = quote_liquidation(&world.exposure(), &paused, &world.sale(0), &world.standing, &NOW);
        prop_assert_eq!((quote.refusal, quote.retry_unix), (EngineError::Paused.code(), NOW.unix + 77));
        Ok(())
    });
    crate::assert_seen!(seen.get() > 500, "{} terminal", seen.get());
}

#[test]
fn a_reserve_lends_its_cash_up_to_its_cap_and_nothing_once_closed() {
    check(2_000, (any::<[u32; 3]>(), 0i64..100_000_000), |([cash, lent, cap], secs)| {
        let mut reserve = ledger();
        reserve.rates = valid_config().rates;
        reserve.supply(u64::from(cash) + u64::from(lent) + 2, 0).unwrap();
        reserve.lend(u64::from(lent) + 1).unwrap();
        reserve.caps.borrow_atoms = u64::from(cap) * 2;
        let now = Now { unix: secs, ..NOW };
        let (debt, left) = reserve.projected_debt_and_cash(secs);
        let room = left.min(reserve.caps.borrow_atoms.saturating_sub(debt));
        prop_assert_eq!(reserve.lending_room(&now).atoms, room);
        reserve.status = RESERVE_CLOSED;
        prop_assert_eq!(reserve.lending_room(&now).atoms, 0);
        Ok(())
    });
}
