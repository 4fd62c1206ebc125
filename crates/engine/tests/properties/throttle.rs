//! The sales throttle against a leaky bucket without rounding, and what a liquidation may do with it.

use bytemuck::Zeroable;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::liquidation::LiquidationPlan;
use plimsoll_engine::state::*;
use plimsoll_engine::throttle::{urgency, Throttle};
use plimsoll_engine::transitions::apply_liquidation;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::liquidation::health_does_not_fall;
use crate::oracle::*;
use crate::worlds::*;

/// A reserve of which only the throttle matters: all of its depth may be sold in a window.
fn bucket(capacity_atoms: u64, window_secs: u64) -> ReserveState {
    let mut reserve = ReserveState { debt_index: ledger().debt_index, caps: ledger().caps, ..ReserveState::zeroed() };
    reserve.throttle_depth_atoms = capacity_atoms;
    reserve.bonus.throttle_share_bps = 10_000;
    reserve.bonus.throttle_window_secs = window_secs;
    reserve
}

fn later(now: &Now, secs: u64) -> Now {
    Now { unix: now.unix + i64::try_from(secs).unwrap(), ..*now }
}

/// A window that `validate` accepts.
fn window() -> impl Strategy<Value = u64> {
    prop_oneof![Just(60), Just(3_600), 60u64..=86_400]
}

/// A capacity that `validate` accepts; many fills of all of it do not overflow.
fn capacity() -> impl Strategy<Value = u64> {
    prop_oneof![1 => 4u64..100, 3 => amount().prop_map(|atoms| (atoms >> 8).max(4))]
}

/// Any urgency: from a quarter to one.
fn part() -> impl Strategy<Value = Factor> {
    (1u64 << 38..=1 << 40).prop_map(Factor)
}

/// The bucket without rounding.
struct Exactly {
    capacity: Exact,
    window: Exact,
    level: Exact,
    fills: u64,
}

impl Exactly {
    fn new(capacity: u64, window: u64) -> Self {
        Self { capacity: int(capacity), window: int(window), level: zero(), fills: 0 }
    }

    fn leak(&mut self, secs: u64) {
        self.level = (&self.level - &self.capacity * int(secs) / &self.window).max(zero());
    }

    fn fill(&mut self, atoms: u64) {
        self.level += int(atoms);
        self.fills += 1;
    }

    /// What is kept is a time in 2^-32 seconds, rounded up at each fill: so much more may be thought to be in it.
    fn rounding(&self) -> Exact {
        &self.capacity / &self.window * int(self.fills) * pow2_neg(32)
    }

    fn require(&self, throttle: &Throttle) -> Result<(), TestCaseError> {
        let level = int(throttle.level_atoms());
        at_most(&self.level, &level, "never less than is in it")?;
        at_most(&level, &(&self.level + self.rounding() + int(1)), "nor an atom more, but for the time's last bit")
    }
}

#[test]
fn the_level_is_that_of_an_exact_leaky_bucket_however_it_is_filled() {
    let steps = prop::collection::vec((prop_oneof![Just(0), Just(1), 0u64..20_000], amount()), 1..80);
    check(600, (capacity(), window(), steps), |(capacity, window, steps)| {
        let (mut reserve, mut exact, mut now) = (bucket(capacity, window), Exactly::new(capacity, window), NOW);
        for (secs, atoms) in steps {
            now = later(&now, secs);
            exact.leak(secs);
            exact.require(&reserve.throttle_at(&now))?;
            reserve.fill_throttle(atoms % (capacity + 1), &now);
            exact.fill(atoms % (capacity + 1));
            exact.require(&reserve.throttle_at(&now))?;
            // The moment it reports to be empty at is the first whole second at which it is.
            let at = reserve.throttle.empty_at_unix();
            let level_at = |unix: i64| reserve.throttle_at(&Now { unix, ..now }).level_atoms();
            prop_assert_eq!(level_at(at), 0);
            prop_assert!(at <= now.unix || level_at(at - 1) > 0);
        }
        Ok(())
    });
}

#[test]
fn in_any_stretch_of_time_no_more_is_sold_than_one_share_and_what_leaks_in_it() {
    let steps = prop::collection::vec((prop_oneof![Just(0), 0u64..20_000], part(), any::<u64>()), 1..60);
    check(1_000, (capacity(), window(), part(), steps), |(capacity, window, most, steps)| {
        let (mut reserve, mut now, mut sales) = (bucket(capacity, window), NOW, Vec::new());
        for (secs, urgency, amount) in steps {
            now = later(&now, secs);
            let left = reserve.throttle_at(&now).allowance(urgency.min(most)).left_atoms;
            // All of it, or some.
            let sold = if amount & 1 == 0 { left } else { amount % (left + 1) };
            reserve.fill_throttle(sold, &now);
            sales.push((now.unix, sold));
        }
        // What is in it never exceeds the share, and never lies below the truth: so there is nothing to allow for rounding.
        let share = (u128::from(capacity) * u128::from(most.0)) >> 40;
        for (first, (from, _)) in sales.iter().enumerate() {
            let mut sold = 0u128;
            for (unix, atoms) in &sales[first..] {
                sold += u128::from(*atoms);
                let leaked = u128::from(capacity) * u128::try_from(unix - from).unwrap();
                prop_assert!(sold * u128::from(window) <= share * u128::from(window) + leaked, "{sold} sold");
            }
        }
        Ok(())
    });
}

#[test]
fn selling_every_atom_in_every_second_does_not_stop_the_leak() {
    check(50, (4u64..5_000, 60u64..3_000, part()), |(capacity, window, urgency)| {
        let (mut reserve, mut exact, mut now) = (bucket(capacity, window), Exactly::new(capacity, window), NOW);
        for _ in 0..=2 * window {
            let allowance = reserve.throttle_at(&now).allowance(urgency);
            if allowance.left_atoms > 0 {
                reserve.fill_throttle(allowance.left_atoms, &now);
                exact.fill(allowance.left_atoms);
            }
            // What cannot be sold is less than an atom: the true bucket is as full as it may be.
            let share = int(allowance.share_atoms);
            at_most(&exact.level, &share, "within the share")?;
            at_most(&(share - int(1) - exact.rounding()), &exact.level, "and no atom short of it")?;
            now = later(&now, 1);
            exact.leak(1);
        }
        Ok(())
    });
}

#[test]
fn urgency_rises_in_a_line_as_health_falls_from_a_quarter_to_one() {
    check(8_000, (1u64..10_000, 0..=(1u64 << 40) + 5, 0..=1u64 << 41), |(bps_of_most, low, more)| {
        let terms = BonusTerms { health_max_bonus_bps: bps_of_most, ..Zeroable::zeroed() };
        let at = |health: u64| factor(urgency(&terms, Factor(health)));
        prop_assert!(at(low + more) <= at(low));
        let clamped = |part: Exact| part.min(int(1)).max(frac(1, 4));
        // Against the terms as written, and against them in 40 bits: rounded down, by the last of them.
        let line = (int(1) - factor(Factor(low))) / (int(1) - bps(bps_of_most));
        let coarse = (int(1) - factor(Factor(low))) / (int(1) - factor(Factor::from_bps_floor(bps_of_most)));
        at_most(&at(low), &clamped(line), "rounded down")?;
        at_most(&clamped(coarse), &(at(low) + pow2_neg(40)), "by the last bit")
    });
}

#[test]
fn the_wait_ends_in_the_first_second_in_which_an_atom_may_be_sold() {
    let throttle = (capacity(), window(), any::<u64>()).prop_map(|(capacity_atoms, window_secs, seed)| {
        // Up to twice full: governance may have narrowed it.
        Throttle { capacity_atoms, empty_in_q32: seed % (window_secs << 33), window_secs }
    });
    check(8_000, (throttle, part()), |(throttle, urgency)| {
        let after = |secs: u64| {
            let empty_in_q32 = throttle.empty_in_q32.saturating_sub(secs << 32);
            Throttle { empty_in_q32, ..throttle }.allowance(urgency).left_atoms
        };
        let wait = throttle.wait_secs(urgency);
        prop_assert!(after(wait) > 0, "nothing after {wait} s");
        prop_assert!(wait == 0 || after(wait - 1) == 0, "not before {wait} s");
        Ok(())
    });
}

impl World {
    /// The same with a throttle that is narrow for this collateral, and filled to some part.
    pub fn narrowed(&self, collateral: usize, seed: u64) -> World {
        let mut world = self.clone();
        let window_secs = pick(seed, 60, 86_400);
        // Half of them nearly empty or nearly full to a share.
        let full = window_secs << (32 - seed % 3);
        let part = if seed & 8 == 0 { pick(seed >> 8, 0, full) } else { full - pick(seed >> 8, 0, full >> 8) };
        let capacity_atoms = (self.collaterals[collateral].atoms >> (seed >> 4 & 15)).max(4);
        world.throttle = Throttle { capacity_atoms, empty_in_q32: part, window_secs };
        world
    }

    /// Books a sale, as its reserve does.
    pub fn fill(&mut self, atoms: u64) {
        let mut reserve = bucket(self.throttle.capacity_atoms, self.throttle.window_secs);
        reserve.throttle.empty_at_q32 = (u64::try_from(NOW.unix).unwrap() << 32) + self.throttle.empty_in_q32;
        reserve.fill_throttle(atoms, &NOW);
        self.throttle = reserve.throttle_at(&NOW);
    }

    /// What one fill's rounding may add, atoms.
    fn fill_rounding(&self) -> u64 {
        u64::try_from(u128::from(self.throttle.capacity_atoms).div_ceil(u128::from(self.throttle.window_secs) << 32))
            .unwrap()
    }
}

#[test]
fn a_plan_seizes_no_more_than_its_allowance_but_in_the_terminal_state() {
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::<&str, u32>::new());
    check(1_000, (unhealthy_position(), any::<u64>()), |(world, seed)| {
        for (i, j) in world.pairs() {
            let (narrow, see) = (world.narrowed(i, seed), |kind| *seen.borrow_mut().entry(kind).or_default() += 1);
            let (wide, plan) = (world.plan(i, j, u64::MAX), narrow.plan(i, j, u64::MAX));
            let Ok(wide) = wide else {
                prop_assert_eq!(plan, wide);
                continue;
            };
            if wide.is_terminal {
                see("terminal");
                prop_assert_eq!(plan, Ok(wide));
                continue;
            }
            let allowance = narrow.throttle.allowance(urgency(&world.collaterals[i].config.bonus, wide.health_before));
            let Ok(plan) = plan else {
                see("nothing left");
                prop_assert_eq!((plan, allowance.left_atoms), (Err(EngineError::Throttled), 0));
                continue;
            };
            prop_assert_eq!(plan.allowance, allowance);
            if wide.seize_atoms <= allowance.left_atoms {
                see("wide enough");
                prop_assert_eq!(LiquidationPlan { allowance: wide.allowance, ..plan }, wide);
            } else {
                see(if wide.closes_debt && !plan.closes_debt { "a closure cut" } else { "throttled" });
                prop_assert!(plan.is_throttled && !wide.is_throttled);
                prop_assert_eq!(plan.seize_atoms, allowance.left_atoms);
                prop_assert!(plan.repay_atoms <= wide.repay_atoms);
            }
            health_does_not_fall(&narrow, (i, j), &plan)?;
        }
        Ok(())
    });
    let seen = seen.into_inner();
    for kind in ["terminal", "nothing left", "wide enough", "throttled", "a closure cut"] {
        crate::assert_seen!(seen.get(kind).is_some_and(|count| *count >= 30), "{kind}: {seen:?}");
    }
}

#[test]
fn a_liquidation_fills_the_throttle_by_what_it_seizes_and_a_terminal_one_leaves_it_alone() {
    let atoms = (capacity(), window(), any::<u64>(), any::<u64>());
    check(3_000, (unhealthy_position(), atoms), |(world, (capacity, window, seized_seed, filled_seed))| {
        let Ok(plan) = world.plan(0, 0, u64::MAX) else { return Ok(()) };
        let plan = LiquidationPlan { seize_atoms: seized_seed % (2 * capacity) + 1, ..plan };
        let (mut seized, mut repaid, mut position) = (bucket(capacity, window), ledger(), PositionState::zeroed());
        seized.fill_throttle(filled_seed % capacity, &NOW);
        seized.take_collateral(plan.seize_atoms, true, false).unwrap();
        repaid.supply(plan.repay_atoms, 0).unwrap();
        position.collateral_slot(&[1; 32], true).unwrap();
        position.add_collateral(0, plan.seize_atoms, true).unwrap();
        position.debt_slot(&[2; 32]).unwrap();
        position.add_debt(0, repaid.lend(plan.repay_atoms).unwrap()).unwrap();
        let (before, level) = (seized.throttle, seized.throttle_at(&NOW).level_atoms());
        let both = (&mut seized, &mut repaid);
        apply_liquidation(&plan, &mut position, (0, 0), both, &world.market, &NOW).unwrap();
        if plan.is_terminal {
            prop_assert_eq!(seized.throttle, before);
            return Ok(());
        }
        let after = seized.throttle_at(&NOW).level_atoms();
        prop_assert!(after >= level + plan.seize_atoms, "{after} after {level}");
        // The last bit of the time that is kept, in atoms: less than one up to four billion atoms a second.
        let rounding = int(capacity) / int(window) * pow2_neg(32);
        at_most(&int(after), &(int(level) + int(plan.seize_atoms) + rounding.ceil()), "by one atom more")
    });
}

/// One collateral and one debt of these reserves, so many atoms at this health (or a little below it).
fn member(world: &World, atoms: u64, health: &Exact) -> Option<World> {
    let mut member = world.clone();
    member.collaterals.truncate(1);
    member.debts.truncate(1);
    member.collaterals[0].atoms = atoms;
    let owed = member.weighted_collateral(0, &int(atoms)) / health / member.weighted_debt(0, &int(1));
    member.debts[0].atoms = u64::try_from(owed.to_integer()).ok()?.checked_add(1)?;
    Some(member)
}

#[test]
fn barely_unhealthy_positions_together_leave_three_quarters_to_urgent_ones() {
    let members = prop::collection::vec((0u32..10, 0u64..1_000), 1..12);
    let seen = std::cell::RefCell::new((0, 0));
    check(800, (unhealthy_position(), 1u64..=10_000, members), |(mut world, share_bps, members)| {
        let mut reserve = world.collaterals[0].reserve;
        reserve.bonus.throttle_share_bps = share_bps;
        world.throttle = reserve.throttle_at(&NOW);
        let capacity = world.throttle.capacity_atoms;
        if capacity < 4 {
            return Ok(());
        }
        let terms = reserve.bonus;
        let span = int(1) - bps(terms.health_max_bonus_bps);
        let mut most = capacity / 4;
        for (shift, along) in members {
            let atoms = (world.collaterals[0].atoms >> shift).max(1);
            let health = int(1) - &span * frac(along, 4_000);
            let Some(mut member) = member(&world, atoms, &health) else { continue };
            member.throttle = reserve.throttle_at(&NOW);
            let Ok(plan) = member.plan(0, 0, u64::MAX) else { continue };
            if plan.is_terminal || urgency(&terms, plan.health_before).0 > 1 << 38 {
                continue;
            }
            seen.borrow_mut().0 += 1;
            prop_assert_eq!(plan.allowance.share_atoms, capacity / 4);
            most += member.fill_rounding();
            reserve.fill_throttle(plan.seize_atoms, &NOW);
            let level = reserve.throttle_at(&NOW).level_atoms();
            prop_assert!(level <= most, "a quarter is {most}, and {level} is in it");
        }
        // At the health of the largest bonus all of it may be used. One atom for rounding that health.
        let health = bps(terms.health_max_bonus_bps);
        let Some(mut urgent) = member(&world, world.collaterals[0].atoms, &health) else { return Ok(()) };
        urgent.throttle = reserve.throttle_at(&NOW);
        if urgent.health() >= Factor::ONE || urgency(&terms, urgent.health()) < Factor::ONE || capacity <= most {
            return Ok(());
        }
        seen.borrow_mut().1 += 1;
        match urgent.plan(0, 0, u64::MAX) {
            Ok(plan) => prop_assert!(plan.is_terminal || plan.allowance.left_atoms >= capacity - most),
            Err(error) => prop_assert_ne!(error, EngineError::Throttled),
        }
        Ok(())
    });
    let seen = seen.into_inner();
    crate::assert_seen!(seen.0 > 2_000 && seen.1 > 400, "{seen:?}");
}
