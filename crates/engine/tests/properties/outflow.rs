//! The outflow limit against an exact bucket of the same rule, and what it lets out in any stretch of time.

use bytemuck::Zeroable;
use plimsoll_engine::error::EngineError::OutflowLimited;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::outflow::Outflow::{self, Borrow, Redemption};
use plimsoll_engine::state::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::*;

/// Cash to begin with: more than leaves in any of these.
const CASH: u64 = 1 << 62;
/// Largest limit: a hundred flows of twice that fit beside the cash.
const LIMIT_MAX: u64 = 1 << 54;

/// A reserve of which only the outflow limit matters. Nobody pays interest: a share is always worth 2^-20 of an atom.
fn bucket(limit: u64, secs: u64) -> ReserveState {
    let mut reserve = ledger();
    (reserve.caps.outflow_atoms, reserve.caps.outflow_secs) = (limit, secs);
    (reserve.cash_atoms, reserve.accrued_at) = (CASH, NOW.unix);
    reserve.supply_shares = Word128::new(u128::from(CASH) << 20);
    reserve
}

/// Somebody's money comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Supply,
    Repay,
    Out(Outflow),
}

impl Flow {
    fn is_in(self) -> bool {
        matches!(self, Self::Supply | Self::Repay)
    }
}

/// Does it, as the transitions do; of what may not leave, nothing does.
fn flow(reserve: &mut ReserveState, flow: Flow, atoms: u64) -> Result<(), plimsoll_engine::error::EngineError> {
    match flow {
        _ if atoms == 0 => Ok(()),
        Flow::Supply => reserve.supply(atoms, 0).map(|_| ()),
        Flow::Repay => {
            reserve.flow_in(atoms);
            Ok(())
        }
        Flow::Out(Redemption) => reserve.redeem(u128::from(atoms) << 20, 0).map(|paid| assert_eq!(paid, atoms)),
        Flow::Out(Borrow) => reserve.lend(atoms).map(|_| ()),
    }
}

fn pass(reserve: &mut ReserveState, secs: u64) {
    reserve.accrued_at += i64::try_from(secs).unwrap();
}

fn left(reserve: &ReserveState, outflow: Outflow) -> u64 {
    reserve.outflow_left_atoms(outflow, reserve.accrued_at)
}

/// What is in the bucket, below zero too: no redemption fills it beyond the limit.
fn level(reserve: &ReserveState) -> Exact {
    int(reserve.caps.outflow_atoms) - int(left(reserve, Redemption))
}

fn limit() -> impl Strategy<Value = u64> {
    prop_oneof![1 => 1u64..200, 3 => amount().prop_map(|atoms| (atoms % LIMIT_MAX).max(1))]
}

fn period() -> impl Strategy<Value = u64> {
    prop_oneof![Just(60), Just(86_400), 60u64..=604_800]
}

/// A step: a time in parts of the period, a flow, and the seed of its size.
type Step = (u64, Flow, u64);

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let time = prop_oneof![3 => Just(0), 2 => Just(1), 4 => 2u64..90, 1 => 200u64..300];
    let kind = prop_oneof![
        2 => Just(Flow::Supply),
        1 => Just(Flow::Repay),
        2 => Just(Flow::Out(Redemption)),
        1 => Just(Flow::Out(Borrow)),
    ];
    prop::collection::vec((time, kind, any::<u64>()), 1..count)
}

/// Seconds of a step: none, one, or so many 256ths of the period.
fn secs_of(part: u64, period: u64) -> u64 {
    if part < 2 {
        part
    } else {
        period * part / 256
    }
}

/// Atoms of a step: a few, some, all that may leave, or twice the limit.
fn atoms_of(reserve: &ReserveState, kind: Flow, seed: u64) -> u64 {
    let limit = reserve.caps.outflow_atoms;
    let most = match kind {
        Flow::Out(outflow) => left(reserve, outflow),
        _ => 2 * limit,
    };
    let size = match seed % 4 {
        0 => seed >> 8 & 3,
        1 => most,
        _ => (seed >> 8) % (most + 1),
    };
    size.min(most)
}

/// The bucket without rounding, and how far the true one may be from it.
struct Exactly {
    limit: Exact,
    period: Exact,
    level: Exact,
    forgotten: Exact,
    /// The true level is at most this much above, and below.
    above: Exact,
    below: Exact,
    /// The same of `net`, since it went below zero.
    net_above: Exact,
    net_below: Exact,
    touches: u32,
}

impl Exactly {
    fn new(limit: u64, period: u64) -> Self {
        let [level, forgotten, above, below, net_above, net_below] = [(); 6].map(|()| zero());
        let (limit, period) = (int(limit), int(period));
        Self { limit, period, level, forgotten, above, below, net_above, net_below, touches: 0 }
    }

    fn pass(&mut self, secs: u64) {
        if secs == 0 {
            return;
        }
        let part = int(secs) / &self.period;
        if self.level < zero() {
            let leaked = (&self.forgotten - &self.level) * &part;
            self.forgotten += &leaked;
            self.level = (&self.level + leaked).min(zero());
            // What is forgotten goes with `net`, so an error of it is one of what is forgotten in this time.
            self.above += &self.net_below * &part;
            self.below += &self.net_above * &part;
        } else {
            self.level = (&self.level - &self.limit * part).max(zero());
        }
        if self.level >= zero() {
            (self.forgotten, self.net_above, self.net_below) = (zero(), zero(), zero());
        }
        // Each touch rounds up, by less than an atom.
        self.above += int(1);
        self.touches += 1;
    }

    fn flow(&mut self, kind: Flow, atoms: u64) {
        let was_above = self.level >= zero();
        self.level += if kind.is_in() { -int(atoms) } else { int(atoms) };
        if was_above && self.level < zero() {
            self.net_above = self.net_above.clone().max(self.above.clone());
            self.net_below = self.net_below.clone().max(self.below.clone());
        }
    }

    /// Compares; returns after how many touches. At zero rounding decides on which side it is: the exact one follows.
    fn require(&mut self, reserve: &ReserveState) -> Result<u32, TestCaseError> {
        let (level, touches) = (level(reserve), self.touches);
        at_most(&level, &(&self.level + &self.above), "no more than is in it and rounding")?;
        at_most(&(&self.level - &self.below), &level, "and no less")?;
        if &level * &self.level <= zero() {
            let state = reserve.outflow;
            *self = Self { level, forgotten: int(state.forgotten), ..Self::new(1, 1).of(self) };
        }
        Ok(touches)
    }

    fn of(mut self, other: &Self) -> Self {
        (self.limit, self.period) = (other.limit.clone(), other.period.clone());
        self
    }
}

#[test]
fn the_level_is_that_of_an_exact_signed_bucket_however_it_is_touched() {
    let seen = std::cell::RefCell::new((0, 0));
    check(1_500, (limit(), period(), steps(60)), |(limit, period, steps)| {
        let (mut reserve, mut exact) = (bucket(limit, period), Exactly::new(limit, period));
        for (part, kind, seed) in steps {
            let secs = secs_of(part, period);
            pass(&mut reserve, secs);
            reserve.flow_in(0);
            prop_assert!(secs == 0 || reserve.outflow.negative != 0 || reserve.outflow.forgotten == 0, "at zero");
            exact.pass(secs);
            let touches = exact.require(&reserve)?;
            if touches > 3 {
                let mut seen = seen.borrow_mut();
                *if exact.level < zero() { &mut seen.0 } else { &mut seen.1 } += 1;
            }
            let atoms = atoms_of(&reserve, kind, seed);
            prop_assert_eq!(flow(&mut reserve, kind, atoms), Ok(()));
            exact.flow(kind, atoms);
            exact.require(&reserve)?;
            prop_assert!(reserve.outflow.filled > 0 || reserve.outflow.negative == 0, "nothing is not below zero");
        }
        Ok(())
    });
    let seen = seen.into_inner();
    crate::assert_seen!(seen.0 > 2_000 && seen.1 > 1_000, "far from zero for long, below and above: {seen:?}");
}

#[test]
fn in_any_stretch_of_time_no_more_leaves_than_the_limit_what_leaks_and_what_came_in() {
    check(800, (limit(), period(), steps(50)), |(limit, period, steps)| {
        let (mut reserve, mut flows) = (bucket(limit, period), Vec::new());
        for (part, kind, seed) in steps {
            pass(&mut reserve, secs_of(part, period));
            let atoms = atoms_of(&reserve, kind, seed);
            prop_assert_eq!(flow(&mut reserve, kind, atoms), Ok(()));
            flows.push((reserve.accrued_at, kind, atoms));
        }
        // What is in it is rounded up, what it leaks down: there is nothing to allow for rounding.
        for (first, (from, ..)) in flows.iter().enumerate() {
            let recent = flows[..first].iter().filter(|(unix, ..)| unix + i64::try_from(period).unwrap() > *from);
            let mut came: u128 = recent.filter(|(_, kind, _)| kind.is_in()).map(|(.., atoms)| u128::from(*atoms)).sum();
            let mut went = 0u128;
            for (unix, kind, atoms) in &flows[first..] {
                *if kind.is_in() { &mut came } else { &mut went } += u128::from(*atoms);
                let time = u128::try_from(unix - from).unwrap();
                let (limit, period) = (u128::from(limit), u128::from(period));
                prop_assert!(went * period <= limit * (period + time) + came * period, "{went} left, {came} came");
                if *kind == Flow::Out(Borrow) && *atoms > 0 {
                    prop_assert!(2 * went * period <= limit * (period + 2 * time) + 2 * came * period, "a borrow");
                }
            }
        }
        Ok(())
    });
}

#[test]
fn atoms_that_come_and_go_keep_no_old_allowance_alive() {
    let touches = prop::collection::vec((0u64..40, any::<bool>(), 1u64..4), 0..60);
    check(1_000, (limit(), period(), 1u64..LIMIT_MAX, touches), |(limit, period, supplied, touches)| {
        let mut reserve = bucket(limit, period);
        flow(&mut reserve, Flow::Supply, supplied).unwrap();
        prop_assert_eq!(left(&reserve, Redemption), limit + supplied);
        let (mut passed, mut came) = (0, 0);
        for (part, is_in, atoms) in touches {
            let secs = secs_of(part, period).min(period - passed);
            passed += secs;
            pass(&mut reserve, secs);
            let kind = if is_in { Flow::Supply } else { Flow::Out(Redemption) };
            let atoms = atoms.min(if is_in { atoms } else { left(&reserve, Redemption) });
            flow(&mut reserve, kind, atoms).unwrap();
            came += if is_in { atoms } else { 0 };
        }
        pass(&mut reserve, period - passed);
        // Those atoms themselves are the most that is left of an allowance.
        prop_assert!(left(&reserve, Redemption) <= limit + came, "{came} came in since");
        Ok(())
    });
}

#[test]
fn what_comes_in_is_forgotten_in_a_line_whatever_was_forgotten_before() {
    check(
        2_000,
        (limit(), period(), 1u64..LIMIT_MAX, 1u64..LIMIT_MAX, 0u64..=256),
        |(limit, period, old, new, part)| {
            let mut reserve = bucket(limit, period);
            flow(&mut reserve, Flow::Supply, old).unwrap();
            pass(&mut reserve, period);
            prop_assert_eq!(left(&reserve, Redemption), limit);
            flow(&mut reserve, Flow::Supply, new).unwrap();
            let secs = secs_of(part, period);
            pass(&mut reserve, secs);
            let forgotten = (u128::from(new) * u128::from(secs)).div_ceil(u128::from(period));
            prop_assert_eq!(left(&reserve, Redemption), limit + new - u64::try_from(forgotten).unwrap());
            Ok(())
        },
    );
}

/// A reserve after some steps.
fn reached() -> impl Strategy<Value = ReserveState> {
    (limit(), period(), steps(12)).prop_map(|(limit, period, steps)| {
        let mut reserve = bucket(limit, period);
        for (part, kind, seed) in steps {
            pass(&mut reserve, secs_of(part, period));
            let atoms = atoms_of(&reserve, kind, seed);
            flow(&mut reserve, kind, atoms).unwrap();
        }
        reserve
    })
}

#[test]
fn who_comes_and_goes_at_one_moment_changes_nothing_for_others_then_or_later() {
    let trips = prop::collection::vec((any::<[bool; 3]>(), any::<u64>()), 1..6);
    let seen = std::cell::RefCell::new(0);
    check(4_000, (reached(), trips, 0u64..300, 0u64..300), |(mut reserve, trips, before, after)| {
        let period = reserve.caps.outflow_secs;
        pass(&mut reserve, secs_of(before, period));
        let mut circled = reserve;
        for ([out_first, is_borrow, is_all], seed) in trips {
            let (out, back) =
                if is_borrow { (Flow::Out(Borrow), Flow::Repay) } else { (Flow::Out(Redemption), Flow::Supply) };
            let size = |most: u64| if is_all { most } else { seed % (most + 1) };
            if out_first {
                let Flow::Out(outflow) = out else { unreachable!() };
                let atoms = size(left(&circled, outflow));
                flow(&mut circled, out, atoms).unwrap();
                flow(&mut circled, back, atoms).unwrap();
            } else {
                let atoms = size(4 * reserve.caps.outflow_atoms);
                flow(&mut circled, back, atoms).unwrap();
                // A borrow may fill half: the way back is open where there was room before.
                let Flow::Out(outflow) = out else { unreachable!() };
                let open = atoms.min(left(&circled, outflow));
                prop_assert!(open == atoms || left(&reserve, outflow) == 0);
                flow(&mut circled, if open == atoms { out } else { Flow::Out(Redemption) }, atoms).unwrap();
            }
        }
        for outflow in [Redemption, Borrow] {
            prop_assert_eq!(left(&circled, outflow), left(&reserve, outflow));
            let later = reserve.accrued_at + i64::try_from(secs_of(after, period)).unwrap();
            let (there, here) =
                (circled.outflow_left_atoms(outflow, later), reserve.outflow_left_atoms(outflow, later));
            // Touched once more: rounded once more.
            prop_assert!(there <= here && here - there <= 1, "{here} atoms, {there} after circles");
            *seen.borrow_mut() += u32::from(after > 1 && here > reserve.caps.outflow_atoms);
        }
        Ok(())
    });
    let seen = seen.into_inner();
    crate::assert_seen!(seen > 500, "allowances of others, later: {seen}");
}

#[test]
fn a_borrow_fills_half_and_a_redemption_all_and_an_atom_more_is_refused() {
    check(4_000, (reached(), 0u64..300), |(mut reserve, part)| {
        let period = reserve.caps.outflow_secs;
        pass(&mut reserve, secs_of(part, period));
        for (outflow, most) in [(Borrow, reserve.caps.outflow_atoms / 2), (Redemption, reserve.caps.outflow_atoms)] {
            let room = left(&reserve, outflow);
            prop_assert_eq!(int(room), (int(most) - level(&reserve)).max(zero()));
            let before = reserve;
            prop_assert_eq!(flow(&mut reserve, Flow::Out(outflow), room + 1), Err(OutflowLimited));
            prop_assert_eq!(reserve, before);
            flow(&mut reserve, Flow::Out(outflow), room).unwrap();
            prop_assert_eq!(left(&reserve, outflow), 0);
            at_most(&level(&reserve), &level(&before).max(int(most)), "so full and no fuller")?;
        }
        Ok(())
    });
}

#[test]
fn the_wait_ends_in_the_first_second_in_which_so_much_may_leave() {
    let seen = std::cell::RefCell::new([0; 3]);
    let inputs = (reached(), 0u64..100, any::<bool>(), any::<u64>(), 0u64..600);
    check(8_000, inputs, |(mut reserve, part, is_borrow, seed, later)| {
        let period = reserve.caps.outflow_secs;
        pass(&mut reserve, secs_of(part, period));
        let outflow = if is_borrow { Borrow } else { Redemption };
        let most = reserve.caps.outflow_atoms / if is_borrow { 2 } else { 1 };
        let atoms = match seed % 4 {
            0 => left(&reserve, outflow) + (seed >> 8 & 1),
            1 => most + (seed >> 8 & 1),
            _ => (seed >> 8) % (most + 2),
        };
        let unix = reserve.accrued_at;
        let left_in = |secs: u64| reserve.outflow_left_atoms(outflow, unix + i64::try_from(secs).unwrap());
        let wait = reserve.outflow_wait_secs(outflow, atoms, unix);
        seen.borrow_mut()[if wait == u64::MAX { 0 } else { usize::from(wait == 0) + 1 }] += 1;
        if wait == u64::MAX {
            prop_assert!(atoms > most, "more than the limit, {most}");
            prop_assert!(left_in(0) < atoms && left_in(secs_of(later, period)) < atoms && left_in(9 * period) < atoms);
        } else {
            prop_assert!(left_in(wait) >= atoms, "{} after {wait} s", left_in(wait));
            prop_assert!(wait == 0 || left_in(wait - 1) < atoms, "not before {wait} s");
        }
        Ok(())
    });
    let seen = seen.into_inner();
    crate::assert_seen!(seen.iter().all(|count| *count > 400), "never, later, now: {seen:?}");
}

#[test]
fn a_limit_that_is_narrowed_below_what_is_in_the_bucket_lets_it_run_empty_all_the_same() {
    check(1_000, (limit(), period(), 1u64..256), |(limit, period, times)| {
        let filled = limit * times;
        let mut reserve = bucket(filled, period);
        flow(&mut reserve, Flow::Out(Redemption), filled).unwrap();
        reserve.caps.outflow_atoms = limit;
        let empty_in = (u128::from(filled) * u128::from(period)).div_ceil(u128::from(limit));
        let wait = reserve.outflow_wait_secs(Redemption, limit, reserve.accrued_at);
        prop_assert_eq!(u128::from(wait), empty_in);
        let later = |secs: u64| reserve.outflow_left_atoms(Redemption, NOW.unix + i64::try_from(secs).unwrap());
        prop_assert!(later(wait) == limit && later(wait - 1) < limit);
        Ok(())
    });
}

#[test]
fn without_a_limit_nothing_is_refused_or_counted_and_one_that_comes_later_begins_empty() {
    let flows = prop::collection::vec((any::<bool>(), any::<bool>(), any::<u64>(), any::<u32>()), 1..40);
    check(1_000, (flows, limit(), period()), |(flows, limit, period)| {
        let mut reserve = bucket(u64::MAX, period);
        reserve.caps.borrow_atoms = u64::MAX;
        for (is_in, is_borrow, atoms, secs) in flows {
            pass(&mut reserve, secs.into());
            for outflow in [Borrow, Redemption] {
                prop_assert_eq!(left(&reserve, outflow), u64::MAX);
                prop_assert_eq!(reserve.outflow_wait_secs(outflow, u64::MAX, reserve.accrued_at), 0);
            }
            if is_in {
                reserve.flow_in(atoms);
                flow(&mut reserve, Flow::Supply, atoms >> 10).unwrap();
            } else {
                let outflow = if is_borrow { Borrow } else { Redemption };
                let atoms = atoms % (reserve.cash_atoms / 2 + 1);
                prop_assert_eq!(flow(&mut reserve, Flow::Out(outflow), atoms), Ok(()));
            }
            prop_assert_eq!(reserve.outflow, Bucket::zeroed());
        }
        (reserve.caps.outflow_atoms, reserve.caps.outflow_secs) = (limit, period);
        prop_assert_eq!((left(&reserve, Redemption), left(&reserve, Borrow)), (limit, limit / 2));
        Ok(())
    });
}

#[test]
fn no_number_and_no_time_overflows() {
    let word = || prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()];
    let time = || prop_oneof![Just(i64::MIN), Just(0), Just(i64::MAX), any::<i64>()];
    let state = (word(), word(), word(), word(), any::<bool>(), time(), time());
    check(20_000, (state, word()), |((limit, secs, filled, forgotten, is_negative, at, unix), atoms)| {
        let mut reserve = bucket(limit, secs);
        reserve.outflow = Bucket { filled, updated_at: at, negative: u64::from(is_negative), forgotten };
        reserve.accrued_at = unix;
        for outflow in [Borrow, Redemption] {
            let room = reserve.outflow_left_atoms(outflow, unix);
            let wait = reserve.outflow_wait_secs(outflow, atoms, unix);
            prop_assert_eq!(wait == 0, atoms <= room);
            let mut leaves = reserve;
            let paid = leaves.redeem(u128::from(atoms.min(CASH)) << 20, 0);
            prop_assert_eq!(paid == Err(OutflowLimited), atoms > 0 && atoms.min(CASH) > left(&reserve, Redemption));
        }
        reserve.flow_in(atoms);
        Ok(())
    });
}
