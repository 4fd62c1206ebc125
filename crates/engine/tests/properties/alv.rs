use plimsoll_engine::alv::{Curve, IMPACT_SQRT_BPS_MAX};
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::state::RiskTerms;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, quote, risk_terms, Quote};

/// A curve and what it stands for.
#[derive(Clone, Debug)]
struct Pair {
    curve: Curve,
    exact: ExactCurve,
    depth_atoms: u64,
}

fn pairs() -> impl Strategy<Value = Pair> {
    (quote(), (1u64 << 38)..=(1 << 40), amount(), 0..=IMPACT_SQRT_BPS_MAX)
        .prop_map(|(quote, discount, depth, impact)| pair(&quote, discount, depth, impact))
}

fn pair(quote: &Quote, discount: u64, depth_atoms: u64, impact_sqrt_bps: u64) -> Pair {
    let depth_atoms = depth_atoms.max(1);
    let curve = Curve::new(quote.price(), Factor(discount), depth_atoms, impact_sqrt_bps);
    let exact = ExactCurve {
        price: quote.atom_price(),
        discount: factor(Factor(discount)),
        depth: int(depth_atoms),
        impact: bps(impact_sqrt_bps),
    };
    Pair { curve, exact, depth_atoms }
}

/// An amount near the depth, far below or far above it.
fn around(depth: u64, amount: u64, near: u64) -> u64 {
    match near % 3 {
        0 => amount,
        1 => depth.saturating_add(amount >> 32),
        _ => (depth >> (near % 61)).saturating_add(near % 7).max(1),
    }
}

/// The slack of the protocol: 2 value units and 2^-40 of the value.
fn slack(value: &Exact) -> Exact {
    int(2) + value * pow2_neg(40)
}

#[test]
fn the_value_is_a_lower_bound_within_two_units_and_one_part_in_two_to_the_forty() {
    check(12_000, (pairs(), amount(), any::<u64>()), |(pair, atoms, near)| {
        let atoms = around(pair.depth_atoms, atoms, near);
        let (got, exact) = (nano(pair.curve.value(atoms)), pair.exact.value(&int(atoms)));
        let capped = exact.clone().min(nano(Value::LIMIT));
        at_most(&got, &exact, "a lower bound")?;
        at_most(&capped, &(&got + slack(&capped)), "close from below")
    });
}

#[test]
fn the_value_rises_with_the_amount() {
    check(12_000, (pairs(), amount(), amount(), any::<u64>()), |(pair, a, step, near)| {
        let less = around(pair.depth_atoms, a, near);
        // Neighbours as often as strangers: noise shows between neighbours.
        let more = less.saturating_add(if near & 1 == 0 { step } else { step % 4 });
        let (low, high) = (nano(pair.curve.value(less)), nano(pair.curve.value(more)));
        at_most(&low, &(&high + slack(&high)), "monotone")
    });
}

#[test]
fn the_value_is_concave() {
    check(12_000, (pairs(), amount(), amount(), amount(), any::<u64>()), |(pair, a, b, c, near)| {
        let mut points = [
            around(pair.depth_atoms, a, near),
            around(pair.depth_atoms, b, near / 7),
            around(pair.depth_atoms, c, near / 49),
        ];
        points.sort_unstable();
        let [low, middle, high] = points;
        if low == high || pair.curve.value(high) == Value::LIMIT {
            return Ok(());
        }
        let value = |atoms| nano(pair.curve.value(atoms));
        let chord = (value(low) * int(high - middle) + value(high) * int(middle - low)) / int(high - low);
        at_most(&chord, &(value(middle) + slack(&chord)), "concave")
    });
}

#[test]
fn the_value_is_subadditive() {
    check(12_000, (pairs(), amount(), amount(), any::<u64>()), |(pair, a, b, near)| {
        let (a, b) = (around(pair.depth_atoms, a, near) >> 1, around(pair.depth_atoms, b, near / 7) >> 1);
        let value = |atoms| nano(pair.curve.value(atoms));
        let together = value(a + b);
        at_most(&together, &(value(a) + value(b) + slack(&together)), "subadditive")
    });
}

#[test]
fn the_slope_lies_between_the_difference_quotients_on_either_side() {
    check(6_000, (pairs(), amount(), any::<u64>()), |(pair, atoms, near)| {
        let atoms = around(pair.depth_atoms, atoms, near).max(1);
        let (value, slope) = pair.curve.value_and_slope(atoms);
        prop_assert_eq!(value, pair.curve.value(atoms));
        let (here, step) = (int(atoms), int(atoms) / int(1 << 12));
        let quotient = |from: &Exact, to: &Exact| {
            (pair.exact.value(to) - pair.exact.value(from)) / (to - from) / &pair.exact.price
        };
        let (before, after) = (quotient(&(&here - &step), &here), quotient(&here, &(&here + &step)));
        // Five roundings, each at 2^-47 or finer in the worst case of a = 4, and one at 2^-40.
        let noise = pow2_neg(40) + pow2_neg(42);
        at_most(&(after - &noise), &factor(slope), "not flatter than ahead")?;
        at_most(&factor(slope), &(before + noise), "not steeper than behind")
    });
}

#[test]
fn the_inverse_finds_nearly_the_smallest_amount() {
    check(6_000, (pairs(), amount(), any::<u64>()), |(pair, atoms, near)| {
        // Beyond a few depths the curve is flat, and the amount is no longer determined by the value.
        let atoms = around(pair.depth_atoms, atoms, near).min(pair.depth_atoms.saturating_mul(16));
        let value = pair.curve.value(atoms);
        // Nor where the depth is a handful of atoms: dust alone is worth 100,000.
        if pair.depth_atoms < 100_000 || value == Value::LIMIT || value == Value::ZERO {
            return Ok(());
        }
        let found = pair.curve.atoms_for(value);
        let Some(found) = found else {
            return Err(TestCaseError::fail("an amount fetches the value, so one should be found"));
        };
        prop_assert!(pair.curve.value(found) >= value);
        // The value rounds to units and the sold amount to atoms: on the flattest stretch each is worth
        // (1 + a*sqrt(16) + 16)^2 times as much.
        let units = int(3) / (&pair.exact.price * &pair.exact.discount);
        let flat = (int(17) + &pair.exact.impact * int(4)).pow(2) * (units + int(2));
        at_most(&int(found), &(int(atoms) * (int(1) + pow2_neg(28)) + flat), "nearly the smallest")
    });
}

#[test]
fn no_amount_fetches_more_than_the_whole_depth() {
    check(3_000, pairs(), |pair| {
        let all = &pair.exact.price * &pair.exact.discount * &pair.exact.depth;
        let value = Value(u128::try_from(all.ceil().to_integer()).unwrap_or(u128::MAX).saturating_add(1));
        prop_assert_eq!(pair.curve.atoms_for(value), None);
        prop_assert_eq!(pair.curve.atoms_for(Value::ZERO), Some(0));
        Ok(())
    });
}

fn exact_curve(terms: &RiskTerms, quote: &Quote, sigma: &Exact) -> ExactCurve {
    let days = frac(terms.horizon_secs, 86_400);
    let adverse = frac(terms.z_x100, 100) * sigma * sqrt_floor(&days);
    let reference = bps(terms.sigma_ref_bps);
    let shrunk = if *sigma > reference { int(terms.depth_atoms) * reference / sigma } else { int(terms.depth_atoms) };
    ExactCurve {
        price: quote.atom_price(),
        discount: (int(1) - adverse) * (int(1) - bps(terms.spread_bps) / int(2)),
        depth: shrunk.max(int(terms.depth_floor_atoms)),
        impact: bps(terms.impact_sqrt_bps),
    }
}

#[test]
fn risk_terms_give_a_value_within_a_millionth_of_the_formula_and_never_above_it() {
    check(8_000, (risk_terms(), quote(), amount(), any::<u64>(), 0u64..=10_000), |(terms, quote, atoms, near, at)| {
        let span = terms.sigma_cap_bps - terms.sigma_floor_bps;
        let sigma = Factor::from_bps_floor(terms.sigma_floor_bps + span * at / 10_000);
        let atoms = around(terms.depth_atoms, atoms, near);
        let got = nano(terms.curve(quote.price(), sigma).value(atoms));
        let exact = exact_curve(&terms, &quote, &factor(sigma)).value(&int(atoms)).min(nano(Value::LIMIT));
        at_most(&got, &exact, "a lower bound")?;
        // Rounding the depth down to an atom costs up to 1/L of the value, where depth is a handful of atoms.
        let depth = int(terms.effective_depth_atoms(sigma));
        at_most(&exact, &(&got + int(2) + &exact * (frac(1, 1_000_000) + int(1) / depth)), "within a millionth")
    });
}
