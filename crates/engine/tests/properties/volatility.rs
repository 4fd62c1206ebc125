//! Observed volatility against floating-point logarithms, and what no sequence of readings can do.

use plimsoll_engine::fixed::{Factor, FACTOR_BITS};
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::volatility::{log_ratio, DAY_SECS};
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::worlds::*;

const ONE: f64 = (1u64 << FACTOR_BITS) as f64;

fn real(factor: Factor) -> f64 {
    factor.0 as f64 / ONE
}

fn observed(reserve: &ReserveState) -> f64 {
    real(Factor(reserve.volatility.sigma_q40))
}

fn maintenance(reserve: &ReserveState) -> f64 {
    real(Factor(reserve.volatility.sigma_maintenance_q40))
}

/// The reserve after a price, `secs` after its kept reading.
fn after(mut reserve: ReserveState, price: u64, secs: u64) -> ReserveState {
    let publish_time = reserve.reading.publish_time + i64::try_from(secs).unwrap();
    let reading = Reading { price, average: price, confidence: 0, publish_time, ..reserve.reading };
    reserve.keep_reading(Some(&reading), &Now { unix: publish_time, slot: 1 });
    reserve
}

/// What a quiet grid interval is in `valid_config`.
fn grid(reserve: &ReserveState) -> u64 {
    reserve.oracle_policy.sample_secs
}

#[test]
fn the_logarithm_is_right_to_a_millionth_and_stops_at_ln_2() {
    check(20_000, (1u64..=u64::MAX, 1u64..=u64::MAX, 0u32..64), |(a, b, near)| {
        // Mostly close to each other, where returns live.
        let b = if near > 8 { a.saturating_add(b >> near).max(1) } else { b };
        let exact = (a as f64 / b as f64).ln().abs().min(std::f64::consts::LN_2);
        let got = real(log_ratio(a.into(), b.into()));
        prop_assert!((got - exact).abs() <= 1.3e-6, "ln({a}/{b}): expected {exact}, got {got}");
        Ok(())
    });
}

#[test]
fn a_steady_swing_is_observed_as_what_it_is() {
    // A return of r every grid interval is a daily volatility of r / sqrt(interval in days), whatever came before.
    let mut reserve = valid_reserve();
    let (low, interval) = (reserve.reading.price, grid(&valid_reserve()));
    let cap = reserve.risk.sigma_cap_bps as f64 / 10_000.0;
    let days = interval as f64 / DAY_SECS as f64;
    let swing = cap / 2.0 * days.sqrt();
    let high = (low as f64 * swing.exp()).round() as u64;
    for step in 0..4_000 {
        reserve = after(reserve, if step % 2 == 0 { high } else { low }, interval);
    }
    let expected = (high as f64 / low as f64).ln() / days.sqrt();
    let got = observed(&reserve);
    // Each average leaves e^-w of the past: 4,000 steps of w = 1/289 leave a millionth. Roundings are of the same size.
    assert!((got / expected - 1.0).abs() < 1e-4, "expected {expected}, got {got}");
}

#[test]
fn a_calm_market_comes_down_to_the_floor_and_maintenance_with_it_at_once() {
    let mut reserve = valid_reserve();
    let (price, interval) = (reserve.reading.price, grid(&reserve));
    for _ in 0..4_000 {
        reserve = after(reserve, price, interval);
        assert!(maintenance(&reserve) <= observed(&reserve) + 1e-12);
    }
    let floor = reserve.risk.sigma_floor_bps as f64 / 10_000.0;
    assert!((observed(&reserve) - floor).abs() < 1e-9 && (maintenance(&reserve) - floor).abs() < 1e-9);
}

#[test]
fn many_readings_within_one_interval_are_one_sample() {
    let reserve = valid_reserve();
    let (price, interval) = (reserve.reading.price, grid(&reserve));
    let mut spammed = reserve;
    for step in 1..interval {
        spammed = after(spammed, if step % 2 == 0 { price } else { price * 3 / 2 }, 1);
        assert_eq!(spammed.volatility, reserve.volatility, "no sample before the interval is over");
    }
    let (spammed, quiet) = (after(spammed, price, 1), after(reserve, price, interval));
    assert_eq!(spammed.volatility, quiet.volatility);
}

#[test]
fn a_reading_of_wide_confidence_is_no_sample() {
    let mut reserve = valid_reserve();
    let before = reserve.volatility;
    let price = reserve.reading.price * 2;
    let publish_time = reserve.reading.publish_time + 86_400;
    let reading = Reading { price, average: price, confidence: price / 4, publish_time, ..reserve.reading };
    assert!(reserve.keep_reading(Some(&reading), &Now { unix: publish_time, slot: 1 }));
    assert_eq!(reserve.volatility, before);
}

#[test]
fn one_bad_print_moves_the_variance_by_no_more_than_its_clip() {
    check(5_000, (1u64..=u64::MAX >> 8, 0u64..100_000), |(price, extra)| {
        let reserve = valid_reserve();
        let secs = grid(&reserve) + extra;
        let after = after(reserve, price, secs);
        let (days, cap) = (secs as f64 / DAY_SECS as f64, reserve.risk.sigma_cap_bps as f64 / 10_000.0);
        let weight = days.min(1.0) / (days.min(1.0) + 1.0);
        // The clip holds r^2 below 16 * cap^2 * dt, up to a day.
        let most = observed(&reserve).powi(2) + weight * 16.0 * cap.powi(2);
        prop_assert!(observed(&after).powi(2) <= most * (1.0 + 1e-6), "{} above {most}", observed(&after).powi(2));
        Ok(())
    });
}

#[test]
fn a_feed_silent_for_days_gives_one_sample_of_half_the_weight_at_most() {
    let reserve = valid_reserve();
    let price = reserve.reading.price;
    for days in [1, 3, 30] {
        let after = after(reserve, price, days * DAY_SECS);
        let expected = (observed(&reserve).powi(2) / 2.0).sqrt().max(reserve.risk.sigma_floor_bps as f64 / 10_000.0);
        assert!(
            (observed(&after) - expected).abs() < 1e-6,
            "after {days} days: {} and not {expected}",
            observed(&after)
        );
    }
}

#[test]
fn maintenance_volatility_rises_no_faster_than_its_rate_whatever_the_prices() {
    let steps = prop::collection::vec((1u64..=1 << 40, 1u64..20_000), 1..60);
    check(500, steps, |steps| {
        let mut reserve = valid_reserve();
        let rate = reserve.risk.sigma_rise_bps_per_hour as f64 / 10_000.0 / 3_600.0;
        for (price, secs) in steps {
            let before = reserve.sigma_maintenance(&reserve.reading, &at(&reserve, 0));
            reserve = after(reserve, price, secs);
            let now = reserve.sigma_maintenance(&reserve.reading, &at(&reserve, 0));
            prop_assert!(real(now) <= real(before) + rate * secs as f64 + 1e-9);
            prop_assert!(now <= reserve.sigma_initial(&reserve.reading), "initial is never laxer");
            let later = reserve.sigma_maintenance(&reserve.reading, &at(&reserve, 3_600));
            prop_assert!(real(later) <= real(now) + rate * 3_600.0 + 1e-9);
        }
        Ok(())
    });
}

/// The moment `secs` after the kept reading.
fn at(reserve: &ReserveState, secs: i64) -> Now {
    Now { unix: reserve.reading.publish_time + secs, slot: 1 }
}

#[test]
fn what_a_reading_will_make_of_volatility_is_known_before_it_is_kept() {
    check(2_000, (1u64..=1 << 40, 1u64..200_000), |(price, secs)| {
        let reserve = valid_reserve();
        let kept = after(reserve, price, secs);
        let now = at(&kept, 0);
        prop_assert_eq!(reserve.sigma_maintenance(&kept.reading, &now), kept.sigma_maintenance(&kept.reading, &now));
        prop_assert_eq!(reserve.sigma_initial(&kept.reading), kept.sigma_initial(&kept.reading));
        Ok(())
    });
}
