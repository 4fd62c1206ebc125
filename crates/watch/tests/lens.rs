//! A lens against the engine's own legs, for any terms, reading and moment; and its drift against what became of any leg.

use bytemuck::Zeroable;
use plimsoll_engine::fixed::{mul_div_ceil, mul_div_floor, Factor, Value, Word128, FACTOR_BITS};
use plimsoll_engine::interest::INDEX_ONE;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::{OraclePolicy, ReserveState, RiskTerms, Volatility};
use plimsoll_engine::Now;
use plimsoll_watch::{Lens, Weighing};
use proptest::prelude::*;

const START: Now = Now { unix: 1_800_000_000, slot: 1_000 };
const ONE: u128 = 1 << FACTOR_BITS;

fn risk() -> impl Strategy<Value = RiskTerms> {
    let sale = (0..1_000u64, 0..20_000u64, 1..u64::MAX / 1_000, 1..=1_000u64);
    // z * sigma_cap * sqrt(tau) stays below one half, as of every reserve that the engine accepts.
    let sigma = (1..500u64, 0..2_000u64, 0..2_000u64);
    (1..=10_000u64, 10_000..20_000u64, 0..400u64, 1..3_600u64, sale, sigma).prop_map(
        |(maintenance_bps, debt_weight_bps, z_x100, horizon_secs, sale, sigma)| {
            let (spread_bps, impact_sqrt_bps, depth_atoms, floor_part) = sale;
            RiskTerms {
                maintenance_bps,
                debt_weight_bps,
                z_x100,
                horizon_secs,
                spread_bps,
                impact_sqrt_bps,
                depth_atoms,
                depth_floor_atoms: depth_atoms / floor_part,
                sigma_floor_bps: sigma.0,
                sigma_ref_bps: sigma.0 + sigma.1,
                sigma_cap_bps: sigma.0 + sigma.1 + sigma.2,
                sigma_rise_bps_per_hour: 50,
            }
        },
    )
}

/// A price of any size, of any age, trusted more or less.
fn reading(price: impl Strategy<Value = u64>) -> impl Strategy<Value = Reading> {
    let age_secs = prop_oneof![3 => 0..120i64, 1 => 120..40_000i64];
    (price, 0..600u64, age_secs).prop_map(|(price, confidence_bps, age_secs)| Reading {
        price,
        confidence: (u128::from(price) * u128::from(confidence_bps) / 10_000) as u64,
        average: price,
        publish_time: START.unix - age_secs,
        slot: START.slot,
        exponent: -8,
        reserved: [0; 3],
    })
}

fn policy() -> OraclePolicy {
    OraclePolicy {
        confidence_soft_bps: 100,
        confidence_hard_bps: 500,
        stale_secs: 3_600,
        dead_secs: 21_600,
        ..OraclePolicy::zeroed()
    }
}

fn reserve() -> impl Strategy<Value = ReserveState> {
    let price = prop_oneof![1..1_000u64, 1_000..u64::MAX / 1_000];
    let noticed_secs = prop_oneof![Just(None), (0..40_000i64).prop_map(Some)];
    (risk(), reading(price), 0..=18u8, 0..(u64::MAX >> 20), 1..1_000u128, noticed_secs).prop_map(
        |(risk, reading, decimals, sigma_q40, growth, noticed_secs)| ReserveState {
            decimals,
            risk,
            reading,
            oracle_policy: policy(),
            volatility: Volatility {
                sigma_q40,
                sigma_maintenance_q40: sigma_q40,
                moved_at: START.unix,
                ..Volatility::zeroed()
            },
            debt_index: Word128::new(INDEX_ONE + INDEX_ONE / 1_000 * growth),
            stale_noticed_at: noticed_secs.map_or(0, |secs| START.unix - secs),
            accrued_at: START.unix,
            ..ReserveState::zeroed()
        },
    )
}

/// What becomes of a token: price, depth in ten thousandths, confidence in ten thousandths of the price, impact in
/// hundredths of a percent more, index in thousandths more.
#[derive(Clone, Copy, Debug)]
struct Move {
    price: u64,
    depth: u64,
    confidence_bps: u64,
    impact_bps: u64,
    growth: u128,
}

fn a_move() -> impl Strategy<Value = Move> {
    (5_000..15_000u64, 0..20_000u64, 0..400u64, 0..500u64, 0..100u128).prop_map(
        |(price, depth, confidence_bps, impact_bps, growth)| Move { price, depth, confidence_bps, impact_bps, growth },
    )
}

fn moved(before: &ReserveState, by: &Move) -> ReserveState {
    let part = |of: u64, part: u64| u64::try_from(u128::from(of) * u128::from(part) / 10_000).unwrap_or(u64::MAX);
    let mut after = *before;
    after.reading.price = part(before.reading.price, by.price).max(1);
    after.reading.confidence = part(after.reading.price, by.confidence_bps);
    after.risk.depth_atoms = part(before.risk.depth_atoms, by.depth).max(1);
    after.risk.impact_sqrt_bps += by.impact_bps;
    let index = before.debt_index.get();
    after.debt_index = Word128::new(index + index / 1_000 * by.growth);
    after
}

fn lens(reserve: &ReserveState) -> Lens {
    Lens::new(reserve, &reserve.reading, Weighing::Sale, &START)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn a_lens_says_what_the_engines_legs_say(reserve in reserve(), atoms: u64, shares in 0..u128::MAX >> 32) {
        let lens = lens(&reserve);
        let collateral = reserve.collateral_leg(atoms, &reserve.reading, &START);
        prop_assert_eq!(lens.collateral(atoms), collateral.weighted());
        prop_assert_eq!(lens.plain_collateral(atoms), collateral.plain);
        let debt = reserve.debt_leg(shares, &reserve.reading, &START);
        prop_assert_eq!(lens.debt(shares), debt.weighted());
        prop_assert_eq!(lens.plain_debt(shares), debt.plain);
    }
    #[test]
    fn no_leg_drifts_farther_than_its_lens_says(
        reserve in reserve(),
        by in a_move(),
        atoms: u64,
        shares in 0..u128::MAX >> 32,
    ) {
        let (before, after) = (lens(&reserve), lens(&moved(&reserve, &by)));
        let drift = before.drift(&after).expect("of the same age and exponent");
        prop_assert!(drift.kept <= Factor::ONE && drift.grown >= Factor::ONE);

        // A curve's value is exact but for 2^-40 of it and two units, and the factor takes a unit more; twice.
        let (was, is) = (before.collateral(atoms), after.collateral(atoms));
        let kept = mul_div_floor(was.0, drift.kept.0.into(), ONE).expect("at most what it was");
        prop_assert!(is.0 + (was.0 >> 39) + 6 >= kept, "{was:?} became {is:?}, by the bound {kept}");

        // A debt is rounded up to an atom, its value and its weight to a unit. Values end at a quadrillion dollars.
        let (owed, owes) = (before.debt(shares), after.debt(shares));
        let is_at_limit = before.plain_debt(shares) == Value::LIMIT || after.plain_debt(shares) == Value::LIMIT;
        let atom = after.debt_price.value_ceil(1).times_ceil(Factor::from_bps_ceil(40_000));
        let grown = mul_div_ceil(owed.0, drift.grown.0.into(), ONE).unwrap_or(u128::MAX);
        prop_assert!(is_at_limit || owes.0 <= grown + atom.0 + 2, "{owed:?} became {owes:?}, by the bound {grown}");
    }
}

#[test]
fn no_drift_is_known_from_a_fresh_price_to_an_old_one() {
    let mut reserve = ReserveState { decimals: 9, oracle_policy: policy(), ..ReserveState::zeroed() };
    (reserve.reading.price, reserve.reading.exponent, reserve.reading.publish_time) = (15_000_000_000, -8, START.unix);
    let mut old = reserve;
    old.reading.publish_time -= 121;
    assert!(lens(&reserve).drift(&lens(&old)).is_none());
    assert!(lens(&old).drift(&lens(&old)).is_some());
    old.reading.exponent = -7;
    assert!(lens(&old).drift(&lens(&reserve)).is_none());
}
