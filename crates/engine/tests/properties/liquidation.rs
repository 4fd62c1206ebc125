use num_traits::Zero;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::liquidation::*;
use plimsoll_engine::recovery::RecoverySale;
use plimsoll_engine::state::BonusTerms;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, unhealthy_position, World};

/// Relative noise of a health computed from parts that are each within 2^-40 of the truth: value curve, factors, prices.
pub fn noise() -> Exact {
    pow2_neg(37)
}

/// What rounding to whole atoms and value units may move either side of health by, nano-dollars.
fn grain(world: &World, i: usize, j: usize) -> Exact {
    let units = int(4 * (world.collaterals.len() + world.debts.len()) as u64);
    world.weighted_collateral_slope_max(i) + world.weighted_debt(j, &int(2)) + units
}

impl World {
    /// Most that one atom of a collateral can weigh.
    fn weighted_collateral_slope_max(&self, i: usize) -> Exact {
        self.collateral_price(i) * bps(self.collaterals[i].reserve.risk.maintenance_bps)
    }

    fn target(&self) -> Exact {
        bps(self.market.target_health_bps)
    }

    fn dust(&self) -> Exact {
        nano(self.market.dust())
    }
}

/// Every pair of an unhealthy position with the plan for it at some bound of the repayment and of the throttle.
fn planned(cases: u32, property: impl Fn(&World, (usize, usize), u64, &LiquidationPlan) -> Result<(), TestCaseError>) {
    let repay_max = prop_oneof![2 => Just(u64::MAX), 1 => amount()];
    check(cases, (unhealthy_position(), repay_max, any::<u64>()), |(world, repay_max, share)| {
        let repay_max = repay_max.max(1);
        for (i, j) in world.pairs() {
            // Bounds beyond the debt bind nothing: half of them are a part of it.
            let bound = if share & 1 == 0 { repay_max } else { (repay_max % world.debts[j].atoms).max(1) };
            let world = if share & 6 == 0 { world.narrowed(i, share >> 3) } else { world.clone() };
            match world.plan(i, j, bound) {
                Ok(plan) => property(&world, (i, j), bound, &plan)?,
                Err(
                    EngineError::TakeOtherCollateral
                    | EngineError::Throttled
                    | EngineError::RepayMaxBelowDust
                    | EngineError::NothingToSeize,
                ) => {}
                Err(error) => return Err(TestCaseError::fail(format!("{error:?} is no reason to refuse here"))),
            }
        }
        Ok(())
    });
}

/// Whether a plan leaves health where it was, or higher.
pub fn health_does_not_fall(
    world: &World,
    (i, j): (usize, usize),
    plan: &LiquidationPlan,
) -> Result<(), TestCaseError> {
    let ((before, owed_before), (after, owed_after)) = (world.sides(), world.after(i, j, plan).sides());
    // after/owed_after >= before/owed_before, with the debt's last atom and the noise of k in the borrower's disfavour.
    let least = &before * owed_after / owed_before;
    at_most(&least, &(after + before * noise() + grain(world, i, j)), "health")
}

#[test]
fn outside_the_terminal_state_health_never_falls() {
    planned(1_500, |world, (i, j), _, plan| {
        if plan.is_terminal {
            return Ok(());
        }
        health_does_not_fall(world, (i, j), plan)
    });
}

#[test]
fn a_liquidation_reports_the_health_it_leaves() {
    planned(800, |world, (i, j), _, plan| {
        prop_assert_eq!(plan.health_before, world.health());
        let after = world.after(i, j, plan);
        prop_assert_eq!(plan.health_after, after.health());
        Ok(())
    });
}

/// Whether a plan that nobody bounded restores the target, but for what debt, collateral and dust bound.
pub fn restores_the_target(world: &World, (i, j): (usize, usize), plan: &LiquidationPlan) -> Result<(), TestCaseError> {
    let after = world.after(i, j, plan);
    let (collateral, debt) = after.sides();
    if debt.is_zero() {
        return Ok(());
    }
    let tolerance = (frac(5, 10_000) + noise()) * &debt + grain(world, i, j);
    let aim = world.target() * &debt;
    if !plan.closes_debt && after.collaterals[i].atoms > 0 && !plan.is_throttled {
        at_most(&collateral, &(&aim + &tolerance), "not beyond the target")?;
        return at_most(&aim, &(collateral + tolerance), "not short of the target");
    }
    // All of the debt or of the collateral, or what the throttle leaves of that: no further than dust beyond what the
    // target asks for.
    let (dust, price) = (world.dust(), world.collateral_price(i));
    let spared_debt = world.weighted_debt(j, &(&dust / world.debt_price(j)));
    let spared_collateral = world.weighted_collateral_slope_max(i) * (&dust / price) * factor(plan.gross_factor);
    at_most(
        &collateral,
        &(world.target() * (debt + spared_debt) + tolerance + spared_collateral),
        "not beyond the target by more than dust",
    )
}

#[test]
fn an_unbounded_liquidation_restores_the_target_or_is_bounded_by_debt_collateral_throttle_or_dust() {
    planned(1_500, |world, (i, j), bound, plan| {
        if plan.is_terminal || bound < world.debts[j].atoms {
            return Ok(());
        }
        restores_the_target(world, (i, j), plan)
    });
}

#[test]
fn the_seized_value_never_exceeds_what_the_repayment_buys() {
    planned(1_500, |world, (i, j), _, plan| {
        let seized = world.collateral_price(i) * int(plan.seize_atoms);
        let repaid = world.debt_price(j) * int(plan.repay_atoms);
        at_most(&seized, &(repaid * factor(plan.gross_factor)), "seized value")
    });
}

#[test]
fn limits_of_caller_debt_and_collateral_are_kept() {
    planned(1_500, |world, (i, j), bound, plan| {
        prop_assert!(plan.repay_atoms <= bound && plan.repay_atoms <= world.debts[j].atoms);
        prop_assert!(0 < plan.repay_atoms && 0 < plan.seize_atoms && plan.seize_atoms <= world.collaterals[i].atoms);
        prop_assert_eq!(plan.closes_debt, plan.repay_atoms == world.debts[j].atoms);
        let all =
            world.collaterals.iter().enumerate().all(|(k, leg)| leg.atoms == if k == i { plan.seize_atoms } else { 0 });
        prop_assert_eq!(plan.takes_last_collateral, all);
        Ok(())
    });
}

#[test]
fn no_debt_rest_below_dust_is_left_while_collateral_and_throttle_allow_it() {
    planned(1_500, |world, (i, j), _, plan| {
        let rest = world.debt_price(j) * int(world.debts[j].atoms - plan.repay_atoms);
        if rest.is_zero() || rest >= world.dust() || plan.is_throttled {
            return Ok(());
        }
        let needed = world.debt_price(j) * int(world.debts[j].atoms) * factor(plan.gross_factor);
        let there = world.collateral_price(i) * int(world.collaterals[i].atoms);
        // One atom and the slack of two prices: what pays must be there in whole atoms.
        at_most(
            &there,
            &(needed * (int(1) + noise()) + world.collateral_price(i)),
            "collateral that does not pay for the rest",
        )
    });
}

#[test]
fn the_fee_is_never_more_than_the_bonus() {
    planned(1_000, |_, _, _, plan| {
        let bonus = factor(plan.gross_factor) - int(1);
        at_most(&int(plan.fee_atoms), &(int(plan.repay_atoms) * bonus), "fee")
    });
}

#[test]
fn the_gross_factor_is_bounded_by_solvency_and_by_the_largest_bonus() {
    planned(1_000, |world, (i, j), _, plan| {
        let lb = factor(plan.gross_factor);
        if plan.is_terminal {
            prop_assert_eq!(
                plan.gross_factor,
                Factor::ONE.plus(Factor::from_bps_floor(world.market.bonus_default_bps))
            );
            return Ok(());
        }
        let terms = &world.collaterals[i].config.bonus;
        at_most(&lb, &(int(1) + bps(terms.bonus_max_bps)), "largest bonus")?;
        at_most(&lb, &(nano(plan.collateral_value) / nano(plan.debt_value)), "solvency")?;
        at_most(&(int(1) + bps(terms.bonus_min_bps) - pow2_neg(40)), &lb, "smallest bonus")?;
        // The pair rule: m*k*lb <= h*W, k and h without rounding.
        let (collateral, debt) = world.sides();
        let atoms = int(world.collaterals[i].atoms);
        let given_up = world.weighted_collateral(i, &atoms) / (world.collateral_price(i) * &atoms) * lb;
        let taken_off = collateral / debt * (world.weighted_debt(j, &int(1)) / world.debt_price(j));
        // k is as coarse as the value of the collateral is in units.
        let coarse = int(4) / (world.collateral_price(i) * atoms);
        at_most(&given_up, &(taken_off * (int(1) + noise() + coarse)), "pair rule")
    });
}

#[test]
fn some_pair_is_always_admissible() {
    check(3_000, unhealthy_position(), |world| {
        let outcomes: Vec<_> = world.pairs().into_iter().map(|(i, j)| world.plan(i, j, u64::MAX)).collect();
        prop_assert!(outcomes.iter().any(Result::is_ok), "{:?}", outcomes);
        Ok(())
    });
}

#[test]
fn a_terminal_liquidation_closes_the_pair_at_the_default_bonus() {
    check(1_500, unhealthy_position(), |world| {
        for (i, j) in world.pairs() {
            let Ok(plan) = world.plan(i, j, u64::MAX) else { continue };
            let exposure = world.exposure();
            let terminal = exposure.collateral_value()
                < exposure
                    .debt_value()
                    .times_ceil(Factor::ONE.plus(Factor::from_bps_ceil(world.market.bonus_default_bps)));
            prop_assert_eq!(plan.is_terminal, terminal);
            let all = world.collaterals[i].atoms;
            if terminal && !plan.closes_debt && plan.seize_atoms < all {
                // One of several debts takes its part, by value; the part is rounded to 2^-40, and to an atom.
                prop_assert!(world.debts.len() > 1);
                let part = nano(exposure.debts()[j].plain) / nano(exposure.debt_value());
                let (taken, parts) = (int(plan.seize_atoms), int(world.debts.len() as u64));
                at_most(&taken, &(int(all) * (&part + parts.clone() * pow2_neg(40))), "its part")?;
                at_most(&(int(all) * (part - parts * pow2_neg(40)) - int(1)), &taken, "and all of it")?;
            }
        }
        Ok(())
    });
}

impl World {
    /// What a debt may take of a collateral in a terminal sale, as its position keeps it.
    fn entitled(&self, i: usize, j: usize, plan: &LiquidationPlan) -> u64 {
        let all: u128 = plan.debt_shares_q40.iter().map(|share| u128::from(*share)).sum();
        let first = u128::from(self.collaterals[i].atoms) * u128::from(plan.debt_shares_q40[j]);
        let begun = self.standing.recovery.map(|sale| sale.entitled_atoms);
        begun.unwrap_or_else(|| u64::try_from(first.checked_div(all).unwrap_or(0)).unwrap())
    }
}

#[test]
fn many_calls_on_one_pair_seize_no_more_than_one() {
    check(
        2_000,
        (unhealthy_position(), prop::collection::vec(1u64..1_000, 1..6), any::<[u64; 2]>()),
        |(world, parts, [pair, narrow])| {
            let pairs = world.pairs();
            let (i, j) = pairs[pair as usize % pairs.len()];
            let mut world = if narrow & 1 == 0 { world.narrowed(i, narrow >> 1) } else { world };
            let Ok(first) = world.plan(i, j, u64::MAX) else { return Ok(()) };
            if narrow & 2 == 0 {
                // What one call leaves is just dust: several, at a falling lb, leave a little less or a little more.
                let rest = world.exposure().debts()[j].price.value_floor(world.debts[j].atoms - first.repay_atoms);
                world.market.dust_value =
                    u64::try_from(rest.0 / 1_000).unwrap_or(1 << 50).max(1) * (999 + (narrow >> 2) % 3);
            }
            let Ok(single) = world.plan(i, j, u64::MAX) else { return Ok(()) };
            let (mut now, mut seized, mut calls) = (world.clone(), 0, 0);
            let bounds = parts.iter().map(|part| single.repay_atoms / 1_000 * part + 1).chain([u64::MAX]);
            for bound in bounds {
                if now.collaterals[i].atoms == 0 || now.debts[j].atoms == 0 {
                    break;
                }
                let Ok(plan) = now.plan(i, j, bound) else { continue };
                seized += plan.seize_atoms;
                calls += 1;
                let entitled = now.entitled(i, j, &plan);
                now = now.after(i, j, &plan);
                if plan.is_terminal && now.debts.len() > 1 {
                    let entitled_atoms = entitled - plan.seize_atoms;
                    now.standing.recovery = Some(RecoverySale { fallen: None, entitled_atoms });
                }
                if !plan.is_terminal {
                    now.fill(plan.seize_atoms);
                }
            }
            // Each call rounds its repayment to an atom, and sizing stops within 2^-32 of the goal: that part of the
            // repayment, over the least slope. Where the rest is dust but for so little, the last call closes it, as one
            // call would for a debt of so many atoms more.
            let gap = nano(world.exposure().weighted_debt()) * pow2_neg(30)
                / world.debt_price(j)
                / (world.target() - frac(9_999, 10_000));
            let slack = int(calls + 1) + gap;
            let mut larger = world.clone();
            larger.debts[j].atoms += u64::try_from(slack.ceil().to_integer()).unwrap();
            let larger = larger.plan(i, j, u64::MAX).map_or(0, |plan| plan.seize_atoms);
            // What that is worth, and an atom of collateral a call where that is more than it.
            let price = world.debt_price(j) / world.collateral_price(i);
            let most = int(single.seize_atoms.max(larger)) + slack * price * factor(single.gross_factor) + int(calls);
            at_most(&int(seized), &most, "seized in several calls")
        },
    );
}

#[test]
fn the_bonus_rises_as_health_falls_and_as_time_passes_and_stays_within_its_range() {
    let terms = (0u64..3_000, 0u64..3_000, 1u64..9_999).prop_map(|(least, more, health)| BonusTerms {
        bonus_min_bps: least,
        bonus_max_bps: least + more,
        health_max_bonus_bps: health,
        ..bytemuck::Zeroable::zeroed()
    });
    check(
        5_000,
        (terms, 0..=1u64 << 41, 0..=1u64 << 41, 0u64..2_000, 0u64..2_000, 1u64..1_000),
        |(terms, h1, h2, t1, t2, auction)| {
            let at = |health: u64, secs| bonus(&terms, Factor(health), secs, auction);
            let (least, most) =
                (Factor::from_bps_floor(terms.bonus_min_bps), Factor::from_bps_floor(terms.bonus_max_bps));
            prop_assert!(least <= at(h1, t1) && at(h1, t1) <= most);
            prop_assert!(at(h1.max(h2), t1.min(t2)) <= at(h1.min(h2), t1.max(t2)));
            prop_assert_eq!(at(Factor::from_bps_floor(terms.health_max_bonus_bps).0, 0), most);
            prop_assert_eq!(at(0, auction), most);
            prop_assert_eq!(at(1 << 40, 0), least);
            // Exactly the larger of two lines, within an ulp of each factor.
            let along = |part: Exact| factor(least) + (factor(most) - factor(least)) * part.min(int(1));
            let by_health = along(
                (int(1) - factor(Factor(h1.min(1 << 40))))
                    / (int(1) - factor(Factor::from_bps_floor(terms.health_max_bonus_bps))),
            );
            let line = by_health.max(along(frac(t1, auction)));
            at_most(&factor(at(h1, t1)), &line, "rounded down")?;
            at_most(&line, &(factor(at(h1, t1)) + pow2_neg(39)), "by an ulp")
        },
    );
}

#[test]
fn the_linear_repayment_is_the_smallest_that_reaches_the_target() {
    check(
        5_000,
        (any::<u128>(), 40u32..128, 0u64..1 << 43, 0u64..1 << 43),
        |(shortfall, shift, target_weight, seized_weight)| {
            let shortfall = Value(shortfall >> shift);
            let gain = factor(Factor(target_weight)) - factor(Factor(seized_weight));
            match repayment_step(shortfall, Factor(target_weight), Factor(seized_weight)) {
                None => prop_assert!(gain <= zero()),
                Some(repayment) => {
                    prop_assert!(nano(repayment) * &gain >= nano(shortfall));
                    prop_assert!(repayment == Value::ZERO || (nano(repayment) - int(1)) * gain < nano(shortfall));
                }
            }
            Ok(())
        },
    );
}

#[test]
fn the_positions_these_properties_run_on_are_of_every_kind() {
    let counts = std::cell::RefCell::new(std::collections::BTreeMap::<&str, u32>::new());
    check(1_000, unhealthy_position(), |world| {
        let mut counts = counts.borrow_mut();
        for (i, j) in world.pairs() {
            let mut seen = |kind| *counts.entry(kind).or_default() += 1;
            let plan = match world.plan(i, j, u64::MAX) {
                Ok(plan) => plan,
                Err(EngineError::TakeOtherCollateral) => {
                    seen("take other collateral");
                    continue;
                }
                Err(_) => continue,
            };
            if plan.is_terminal {
                seen("terminal");
                continue;
            }
            if plan.closes_debt {
                seen("closes debt");
            } else if plan.seize_atoms == world.collaterals[i].atoms {
                seen("takes all collateral");
            } else {
                seen("restores the target");
            }
            let terms = &world.collaterals[i].config.bonus;
            let bonus = bonus(terms, plan.health_before, world.standing.auction_secs, world.market.auction_secs);
            let solvent = Factor::ONE.plus(solvent_bonus(bonus, plan.collateral_value, plan.debt_value));
            if plan.gross_factor < solvent {
                seen("bounded by the pair rule");
            } else if solvent < Factor::ONE.plus(bonus) {
                seen("bounded by solvency");
            } else {
                seen("bounded by the bonus");
            }
            if matches!(world.plan(i, j, world.debts[j].atoms - 1), Err(EngineError::RepayMaxBelowDust)) {
                seen("repayment below dust");
            }
        }
        Ok(())
    });
    let counts = counts.into_inner();
    let kinds = [
        "bounded by solvency",
        "bounded by the bonus",
        "bounded by the pair rule",
        "closes debt",
        "repayment below dust",
        "restores the target",
        "take other collateral",
        "takes all collateral",
        "terminal",
    ];
    for kind in kinds {
        crate::assert_seen!(counts.get(kind).is_some_and(|count| *count >= 30), "{kind}: {counts:?}");
    }
}
