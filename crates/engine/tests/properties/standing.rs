//! Flag, auction clock, margin call and protection order against a model that remembers every sighting.

use bytemuck::Zeroable;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::health::{CollateralLeg, DebtLeg, Exposure};
use plimsoll_engine::liquidation::{bonus, LiquidationPlan};
use plimsoll_engine::standing::{ProtectionOrder, Sighting, Standing};
use plimsoll_engine::state::*;
use plimsoll_engine::throttle::Allowance;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::liquidation::{health_does_not_fall, restores_the_target};
use crate::oracle::*;
use crate::worlds::*;

/// An exposure of a health in bps, by so little above that rounding it down leaves it there.
fn at_health(health_bps: u64) -> Exposure {
    let mut exposure = Exposure::default();
    let alv = Value(u128::from(health_bps) * 1_000_000 + 1);
    exposure.push_collateral(CollateralLeg { alv, maintenance: Factor::ONE, ..Default::default() }).unwrap();
    exposure.push_debt(DebtLeg { plain: Value(10_000_000_000), weight: Factor::ONE, ..Default::default() }).unwrap();
    exposure
}

/// What somebody does to a position.
#[derive(Clone, Debug)]
enum Event {
    /// A look that finds this health, this outcome of a liquidation, and prices that may open risk or may not.
    Look { health_bps: u64, sale: Sale, prices: Result<(), EngineError> },
    /// A liquidation that leaves this health.
    Liquidation { health_bps: u64, sale: Sale },
    /// An action of the owner that is let through at this health.
    Owner { health_bps: u64 },
}

#[derive(Clone, Debug)]
enum Sale {
    Refused(EngineError),
    Planned { is_throttled: bool, share: u64, left: u64 },
}

impl Sale {
    fn plan(&self) -> Result<LiquidationPlan, EngineError> {
        match *self {
            Self::Refused(error) => Err(error),
            Self::Planned { is_throttled, share, left } => {
                let allowance = Allowance { share_atoms: share, left_atoms: left };
                Ok(LiquidationPlan { is_throttled, allowance, ..nothing() })
            }
        }
    }

    /// Nothing refused, and at least half of the share left.
    fn is_sale(&self) -> bool {
        matches!(self, Self::Planned { is_throttled, share, left } if !is_throttled || 2 * u128::from(*left) >= u128::from(*share))
    }
}

/// A plan of no size.
pub fn nothing() -> LiquidationPlan {
    LiquidationPlan {
        repay_atoms: 0,
        seize_atoms: 0,
        fee_atoms: 0,
        gross_factor: Factor::ONE,
        health_before: Factor::ZERO,
        health_after: Factor::ZERO,
        is_terminal: false,
        is_protection: false,
        is_throttled: false,
        allowance: Allowance::default(),
        takes_last_collateral: false,
        closes_debt: false,
        collateral_value: Value::ZERO,
        debt_value: Value::ZERO,
        debt_shares_q40: [0; MAX_DEBTS],
    }
}

fn sale() -> impl Strategy<Value = Sale> {
    use EngineError::{CoolingOff, NothingToSeize, StalePrice, TakeOtherCollateral, Throttled};
    let errors = vec![StalePrice, CoolingOff, TakeOtherCollateral, Throttled, NothingToSeize];
    let planned =
        (any::<bool>(), prop_oneof![0u64..8, amount()], 0u64..=100).prop_map(|(is_throttled, share, per_cent)| {
            let left = u64::try_from(u128::from(share) * u128::from(per_cent) / 100).unwrap();
            Sale::Planned { is_throttled, share, left }
        });
    prop_oneof![1 => prop::sample::select(errors).prop_map(Sale::Refused), 5 => planned]
}

fn event() -> impl Strategy<Value = Event> {
    let any_health = 9_000u64..12_000;
    let look = |health: std::ops::Range<u64>| {
        let prices = prop_oneof![3 => Just(Ok(())), 1 => Just(Err(EngineError::PriceOffAverage))];
        (health, sale(), prices).prop_map(|(health_bps, sale, prices)| Event::Look { health_bps, sale, prices })
    };
    prop_oneof![
        4 => look(5_000..10_000),
        1 => look(9_000..12_000),
        1 => (any_health, sale()).prop_map(|(health_bps, sale)| Event::Liquidation { health_bps, sale }),
        1 => (10_000u64..12_000).prop_map(|health_bps| Event::Owner { health_bps }),
    ]
}

fn market() -> impl Strategy<Value = MarketPolicy> {
    (60u64..1_200, any::<u64>(), 10_000u64..=11_000).prop_map(|(auction_secs, seed, call_level_bps)| MarketPolicy {
        auction_secs,
        sighting_secs: pick(seed, 1, auction_secs.min(600)),
        call_level_bps,
        target_health_bps: 11_000,
        ..valid_market()
    })
}

/// Everything that was seen and still counts.
#[derive(Clone, Debug, Default)]
struct Model {
    /// Sightings of the flag, in order; the first is the flag's.
    sightings: Vec<i64>,
    called_at: Option<i64>,
}

impl Model {
    /// Counted time up to `now`, as the sum over its gaps; `None` without a flag that is alive.
    fn counted(&self, market: &MarketPolicy, now: i64) -> Option<u64> {
        self.sightings.first()?;
        let times = self.sightings.iter().copied().chain([now]).collect::<Vec<_>>();
        let gaps = times.windows(2).map(|pair| u64::try_from(pair[1] - pair[0]).unwrap());
        let counted = gaps.map(|gap| gap.min(market.sighting_secs)).sum();
        (counted < 2 * market.auction_secs).then_some(counted)
    }

    /// A sighting of a flag that is alive.
    fn went_on(&mut self, market: &MarketPolicy, now: i64) -> Option<u64> {
        let counted = self.counted(market, now)?;
        self.sightings.push(now);
        Some(counted)
    }

    fn healthy(&mut self, health_bps: u64, market: &MarketPolicy) {
        self.sightings.clear();
        self.called_at = self.called_at.filter(|_| health_bps < market.call_level_bps);
    }

    fn apply(&mut self, event: &Event, market: &MarketPolicy, now: i64) -> Result<Option<Sighting>, EngineError> {
        match event {
            Event::Look { health_bps: ..10_000, sale, .. } => {
                sale.plan()?;
                if !sale.is_sale() {
                    return Err(EngineError::Throttled);
                }
                self.called_at = self.called_at.or(Some(now));
                let auction_secs = self.went_on(market, now).unwrap_or_else(|| {
                    self.sightings = vec![now];
                    0
                });
                Ok(Some(Sighting::Flagged { auction_secs }))
            }
            Event::Look { health_bps, prices, .. } => {
                let is_called = *health_bps < market.call_level_bps;
                if self.sightings.is_empty() && self.called_at.is_some() == is_called {
                    return Err(EngineError::Healthy);
                }
                (*prices)?;
                self.healthy(*health_bps, market);
                let is_new = is_called && self.called_at.is_none();
                self.called_at = self.called_at.or(is_called.then_some(now));
                Ok(Some(if is_new { Sighting::Called } else { Sighting::Cleared }))
            }
            Event::Liquidation { health_bps: ..10_000, sale } => {
                if sale.is_sale() {
                    self.went_on(market, now);
                }
                Ok(None)
            }
            Event::Liquidation { health_bps, .. } | Event::Owner { health_bps } => {
                self.healthy(*health_bps, market);
                Ok(None)
            }
        }
    }
}

/// The same by the engine.
fn apply(
    position: &mut PositionState,
    event: &Event,
    market: &MarketPolicy,
    now: &Now,
) -> Result<Option<Sighting>, EngineError> {
    match event {
        Event::Look { health_bps, sale, prices } => {
            position.see(&at_health(*health_bps), &sale.plan(), *prices, market, now).map(Some)
        }
        Event::Liquidation { health_bps, sale } => {
            let health_after = at_health(*health_bps).health();
            // What is refused would be too little to count.
            let allowance = Allowance { share_atoms: 3, left_atoms: 1 };
            let plan = sale.plan().unwrap_or(LiquidationPlan { is_throttled: true, allowance, ..nothing() });
            position.see_liquidation(&LiquidationPlan { health_after, ..plan }, market, now);
            Ok(None)
        }
        Event::Owner { health_bps } => {
            position.see_exposure(&at_health(*health_bps), market);
            Ok(None)
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let gap = prop_oneof![2 => Just(0u64), 6 => 1u64..90, 3 => 0u64..700, 1 => 0u64..100_000];
    prop::collection::vec((gap, event()), 1..60)
}

#[test]
fn the_clock_counts_what_consecutive_sightings_vouch_for_and_nothing_else() {
    check(4_000, (market(), steps(), 0u64..2_000), |(market, steps, later)| {
        let (mut position, mut model, mut now) = (PositionState::zeroed(), Model::default(), NOW);
        for (secs, event) in steps {
            now.unix += i64::try_from(secs).unwrap();
            let before = position;
            let expected = model.apply(&event, &market, now.unix);
            prop_assert_eq!(apply(&mut position, &event, &market, &now), expected, "{:?}", event);
            if expected.is_err() {
                prop_assert_eq!(bytemuck::bytes_of(&position), bytemuck::bytes_of(&before));
            }
            prop_assert_eq!(position.called_at, model.called_at.unwrap_or(0));
            prop_assert_eq!(position.flagged_at, model.sightings.first().copied().unwrap_or(0));
            for ahead in [0, later] {
                let now = Now { unix: now.unix + i64::try_from(ahead).unwrap(), ..now };
                let counted = model.counted(&market, now.unix);
                prop_assert_eq!(position.auction_secs_at(&market, &now), counted.unwrap_or(0), "{:?}", event);
                prop_assert_eq!(position.is_flagged(&market, &now), counted.is_some());
                prop_assert_eq!(position.standing((0, 0), &market, &now, Ok(())).auction_secs, counted.unwrap_or(0));
                let real = u64::try_from(now.unix - position.flagged_at).unwrap();
                prop_assert!(counted.unwrap_or(0) <= real, "never more than real time");
            }
        }
        Ok(())
    });
}

#[test]
fn a_margin_call_is_reported_once_a_fall() {
    check(4_000, (market(), steps()), |(market, steps)| {
        let (mut position, mut now, mut reported) = (PositionState::zeroed(), NOW, false);
        for (secs, event) in steps {
            now.unix += i64::try_from(secs).unwrap();
            let was_flagged = position.flagged_at != 0;
            let found = apply(&mut position, &event, &market, &now);
            let (Event::Look { health_bps, .. } | Event::Liquidation { health_bps, .. } | Event::Owner { health_bps }) =
                event;
            if let Event::Look { health_bps: 10_000.., prices: Err(error), .. } = event {
                prop_assert!(found == Err(error) || found == Err(EngineError::Healthy));
                continue;
            }
            let is_above = health_bps >= market.call_level_bps;
            if matches!(event, Event::Look { health_bps: 10_000.., .. }) && !is_above {
                let expected = match (reported, was_flagged) {
                    (false, _) => Ok(Some(Sighting::Called)),
                    (true, true) => Ok(Some(Sighting::Cleared)),
                    (true, false) => Err(EngineError::Healthy),
                };
                prop_assert_eq!(found, expected);
                reported = true;
            }
            // A flag tells the borrower too.
            reported |= matches!(found, Ok(Some(Sighting::Flagged { .. })));
            reported &= !is_above;
            prop_assert_eq!(position.called_at != 0, reported);
        }
        Ok(())
    });
}

#[test]
fn a_protection_order_is_accepted_in_its_range_and_nowhere_else() {
    let near = |edge: u64| prop_oneof![Just(0), edge - 1..=edge + 1, amount()];
    let order = (10_100u64..=20_000, 1u64..500).prop_flat_map(move |(target, default)| {
        let triggers = prop_oneof![near(10_000), near(target - 100)];
        (Just((target, default)), triggers, near(default))
    });
    check(8_000, order, |((target_health_bps, bonus_default_bps), trigger, bonus)| {
        let market = MarketPolicy { target_health_bps, bonus_default_bps, ..valid_market() };
        let mut position = PositionState { protection_trigger_bps: 1, protection_bonus_bps: 2, ..Zeroable::zeroed() };
        let before = position;
        let is_order = trigger > 10_000 && trigger <= target_health_bps - 100 && bonus <= bonus_default_bps;
        let accepted = position.set_order(trigger, bonus, &market);
        if is_order || (trigger, bonus) == (0, 0) {
            prop_assert_eq!(accepted, Ok(()));
            let after = PositionState { protection_trigger_bps: trigger, protection_bonus_bps: bonus, ..before };
            prop_assert_eq!((position, position.has_order()), (after, is_order));
        } else {
            prop_assert_eq!((accepted, position), (Err(EngineError::InvalidProtectionOrder), before));
        }
        Ok(())
    });
}

/// A position at a health of one or more, below the trigger of its owner's order.
pub fn protected_position() -> impl Strategy<Value = World> {
    (unhealthy_position(), any::<[u64; 3]>()).prop_filter_map("no order", |(mut world, seeds)| {
        let highest = world.market.target_health_bps - 100;
        let mut position = PositionState::zeroed();
        let (trigger, bonus) = (pick(seeds[0], 10_001, highest.max(10_001)), world.market.bonus_default_bps);
        position.set_order(trigger, seeds[1] % (bonus + 1), &world.market).ok()?;
        let (collateral, debt) = world.sides();
        let health = int(1) + (bps(trigger) - int(1)) * frac(seeds[2] % 1_000, 1_000);
        for leg in &mut world.debts {
            let owed = int(leg.atoms) * &collateral / &debt / &health;
            leg.atoms = u64::try_from(owed.to_integer()).ok()?.max(1);
        }
        let order = position.standing((0, 0), &world.market, &NOW, Ok(())).order;
        world.standing = Standing { order, ..world.standing };
        (Factor::ONE..Factor::from_bps_floor(trigger)).contains(&world.health()).then_some(world)
    })
}

#[test]
fn a_protection_order_acts_between_one_and_its_trigger_at_its_bonus_and_restores_the_target() {
    check(500, (protected_position(), any::<u64>()), |(world, seed)| {
        let order = world.standing.order.unwrap();
        for (i, j) in world.pairs() {
            let world = if seed & 1 == 0 { world.narrowed(i, seed >> 1) } else { world.clone() };
            let quarter = world.throttle.capacity_atoms / 4;
            let plan = match world.plan(i, j, u64::MAX) {
                Ok(plan) => plan,
                Err(EngineError::Throttled) => {
                    prop_assert!(world.throttle.level_atoms() >= quarter);
                    continue;
                }
                // Less than an atom.
                Err(error) => {
                    prop_assert_eq!(error, EngineError::NothingToSeize);
                    continue;
                }
            };
            prop_assert!(plan.is_protection && !plan.is_terminal);
            prop_assert_eq!(plan.allowance.share_atoms, quarter);
            // Every pair is better than its bonus (m * (1 + b) < 1 <= health, W, 1/k), so it is the order's, in full.
            prop_assert_eq!(plan.gross_factor, Factor::ONE.plus(order.bonus));
            health_does_not_fall(&world, (i, j), &plan)?;
            restores_the_target(&world, (i, j), &plan)?;
            let mut late = world.clone();
            late.standing.auction_secs = seed % 2_000;
            prop_assert_eq!(late.plan(i, j, u64::MAX), Ok(plan));
        }
        Ok(())
    });
}

#[test]
fn a_protection_order_waits_for_its_trigger_its_prices_and_the_cool_off_and_matters_only_above_one() {
    check(600, (protected_position(), unhealthy_position(), any::<u64>()), |(world, unhealthy, seed)| {
        let order = world.standing.order.unwrap();
        let with = |world: &World, order: Option<ProtectionOrder>, cooling_until_slot| {
            let standing = Standing { order, cooling_until_slot, ..world.standing };
            World { standing, ..world.clone() }.plan(0, 0, u64::MAX)
        };
        let healthy = Err(EngineError::Healthy);
        prop_assert_eq!(with(&world, None, 0), healthy);
        let trigger = |trigger| Some(ProtectionOrder { trigger, ..order });
        prop_assert_eq!(with(&world, trigger(world.health()), 0), healthy);
        let just_above = trigger(world.health().plus(Factor(1)));
        prop_assert_eq!(with(&world, just_above, 0), with(&world, Some(order), 0));
        // Prices come before the cool-off, as everywhere.
        for error in [EngineError::StalePrice, EngineError::ConfidenceTooWide, EngineError::PriceOffAverage] {
            let refused = Some(ProtectionOrder { refusal: Some(error), ..order });
            prop_assert_eq!(with(&world, refused, seed), Err(error));
            prop_assert_eq!(with(&unhealthy, refused, 0), with(&unhealthy, None, 0));
        }
        prop_assert_eq!(with(&world, Some(order), NOW.slot), Err(EngineError::CoolingOff));
        prop_assert_eq!(with(&world, Some(order), NOW.slot - 1), with(&world, Some(order), 0));
        Ok(())
    });
}

#[test]
fn the_bonus_of_a_plan_rises_with_counted_time_to_its_largest_and_no_pair_waits_for_it() {
    check(800, (unhealthy_position(), 0u64..1_300, 0u64..1_300), |(world, first, more)| {
        for (i, j) in world.pairs() {
            let at = |auction_secs| {
                let standing = Standing { auction_secs, ..world.standing };
                World { standing, ..world.clone() }.plan(i, j, u64::MAX)
            };
            let (sooner, later) = (at(first), at(first + more));
            let (Ok(sooner), Ok(later)) = (sooner, later) else {
                prop_assert_eq!(sooner.err(), later.err());
                continue;
            };
            prop_assert!(sooner.gross_factor <= later.gross_factor);
            let over = at(world.market.auction_secs).unwrap();
            prop_assert!(first + more < world.market.auction_secs || later == over);
            // Solvency and the pair rule bound it the same at any time: what is left of them is seen at the largest bonus.
            let terms = &world.collaterals[i].config.bonus;
            let rising = bonus(terms, later.health_before, first + more, world.market.auction_secs);
            let bounded = Factor::ONE.plus(rising).min(over.gross_factor);
            prop_assert!(later.is_terminal || later.gross_factor == bounded);
        }
        Ok(())
    });
}
