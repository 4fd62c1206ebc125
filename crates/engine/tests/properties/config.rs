use plimsoll_engine::error::EngineError::{self, *};
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::{frac, int, pow2_neg, sqrt_floor};
use crate::worlds::{amount, ledger, valid_config, valid_market, valid_reading};

/// A market whose default bonus differs from the largest, so that each order can be broken alone.
fn verdict(change: impl Fn(&mut ReserveConfig)) -> Result<(), EngineError> {
    let mut config = valid_config();
    change(&mut config);
    config.validate(&valid_market(), 9, &valid_reading())
}

/// A named change of a configuration.
type Change<T> = (&'static str, fn(&mut T));

/// One broken invariant of a configuration.
type Breach = (&'static str, fn(&mut ReserveConfig), EngineError);

#[test]
fn each_invariant_of_a_reserve_broken_alone_has_its_error() {
    assert_eq!(verdict(|_| {}), Ok(()));
    let breaches: &[Breach] = &[
        ("maintenance of zero", |c| c.risk.maintenance_bps = 0, InvalidWeights),
        ("maintenance of one", |c| c.risk.maintenance_bps = 10_000, InvalidWeights),
        ("debt weight below one", |c| c.risk.debt_weight_bps = 9_999, InvalidWeights),
        (
            "debt weight above five",
            |c| (c.risk.debt_weight_bps, c.initial.debt_weight_bps) = (50_001, 60_000),
            InvalidWeights,
        ),
        ("initial not below maintenance", |c| c.initial.initial_bps = 8_000, InvalidWeights),
        ("initial of zero", |c| c.initial.initial_bps = 0, InvalidWeights),
        ("initial debt weight above ten", |c| c.initial.debt_weight_bps = 100_001, InvalidWeights),
        (
            "bonus of one",
            |c| {
                (c.risk.maintenance_bps, c.initial.initial_bps) = (4_900, 4_000);
                (c.bonus.bonus_max_bps, c.bonus.health_max_bonus_bps) = (10_000, 9_900);
            },
            InvalidBonus,
        ),
        ("initial debt weight below maintenance", |c| c.initial.debt_weight_bps = 9_999, InvalidWeights),
        ("initial debt weight above ten", |c| c.initial.debt_weight_bps = 100_001, InvalidWeights),
        ("initial terms reserved", |c| c.initial.reserved[5] = 1, InvalidWeights),
        ("no horizon", |c| c.risk.horizon_secs = 0, InvalidHaircut),
        ("horizon above a day", |c| c.risk.horizon_secs = 86_401, InvalidHaircut),
        ("confidence multiple above ten", |c| c.risk.z_x100 = 1_001, InvalidHaircut),
        ("spread of one", |c| c.risk.spread_bps = 10_000, InvalidHaircut),
        ("impact above four", |c| c.risk.impact_sqrt_bps = 40_001, InvalidHaircut),
        ("no volatility floor", |c| c.risk.sigma_floor_bps = 0, InvalidVolatility),
        ("volatility floor above reference", |c| c.risk.sigma_floor_bps = 401, InvalidVolatility),
        ("volatility cap below reference", |c| c.risk.sigma_cap_bps = 399, InvalidVolatility),
        ("volatility cap above ten", |c| (c.risk.sigma_cap_bps, c.risk.z_x100) = (100_001, 1), InvalidVolatility),
        ("volatility that never rises", |c| c.risk.sigma_rise_bps_per_hour = 0, InvalidVolatility),
        (
            "adverse move of one half",
            |c| (c.risk.z_x100, c.risk.horizon_secs, c.risk.sigma_cap_bps) = (313, 86_400, 1_598),
            InvalidVolatility,
        ),
        ("no starting volatility", |c| c.sigma_bps = 0, InvalidVolatility),
        ("starting volatility above ten", |c| c.sigma_bps = 100_001, InvalidVolatility),
        ("no depth floor", |c| c.risk.depth_floor_atoms = 0, InvalidDepth),
        ("depth believed for less than a day", |c| c.depth_valid_secs = 86_399, InvalidDepth),
        ("depth believed for more than a year", |c| c.depth_valid_secs = 365 * 86_400 + 1, InvalidDepth),
        ("depth floor above depth", |c| c.risk.depth_floor_atoms = c.risk.depth_atoms + 1, InvalidDepth),
        ("smallest bonus above the default's", |c| c.bonus.bonus_min_bps = 301, InvalidBonus),
        ("largest bonus below the default's", |c| c.bonus.bonus_max_bps = 299, InvalidBonus),
        ("bonus that outruns health", |c| c.bonus.health_max_bonus_bps = 8_639, InvalidBonus),
        ("largest bonus at a health of one", |c| c.bonus.health_max_bonus_bps = 10_000, InvalidBonus),
        ("fee above the bonus", |c| c.bonus.fee_share_bps = 10_001, InvalidBonus),
        ("throttle of nothing", |c| c.bonus.throttle_share_bps = 0, InvalidBonus),
        ("throttle above all", |c| c.bonus.throttle_share_bps = 10_001, InvalidBonus),
        ("throttle window below a minute", |c| c.bonus.throttle_window_secs = 59, InvalidBonus),
        ("throttle window above a day", |c| c.bonus.throttle_window_secs = 86_401, InvalidBonus),
        ("bonus terms reserved", |c| c.bonus.reserved[1] = 1, InvalidBonus),
        ("no age to borrow", |c| c.oracle_policy.borrow_age_secs = 0, InvalidOraclePolicy),
        ("borrow older than liquidate", |c| c.oracle_policy.borrow_age_secs = 61, InvalidOraclePolicy),
        ("liquidate older than stale", |c| c.oracle_policy.liquidate_age_secs = 3_601, InvalidOraclePolicy),
        ("stale as old as dead", |c| c.oracle_policy.stale_secs = 21_600, InvalidOraclePolicy),
        ("dead after more than a week", |c| c.oracle_policy.dead_secs = 604_801, InvalidOraclePolicy),
        ("no confidence", |c| c.oracle_policy.confidence_soft_bps = 0, InvalidOraclePolicy),
        ("soft confidence above hard", |c| c.oracle_policy.confidence_soft_bps = 501, InvalidOraclePolicy),
        ("hard confidence above half", |c| c.oracle_policy.confidence_hard_bps = 5_001, InvalidOraclePolicy),
        ("no band", |c| c.oracle_policy.ema_band_bps = 0, InvalidOraclePolicy),
        ("band above half", |c| c.oracle_policy.ema_band_bps = 5_001, InvalidOraclePolicy),
        ("no sample interval", |c| c.oracle_policy.sample_secs = 0, InvalidOraclePolicy),
        ("sample interval above a day", |c| c.oracle_policy.sample_secs = 86_401, InvalidOraclePolicy),
        ("oracle policy reserved", |c| c.oracle_policy.reserved[0] = 1, InvalidOraclePolicy),
        ("unknown oracle", |c| c.oracle_kind = 2, InvalidOraclePolicy),
        ("base rate above kink", |c| c.rates.base_rate_bps = 601, InvalidRates),
        ("kink rate above largest", |c| c.rates.max_rate_bps = 599, InvalidRates),
        ("rate above the ceiling", |c| c.rates.max_rate_bps = 100_001, InvalidRates),
        ("no kink", |c| c.rates.kink_utilisation_bps = 0, InvalidRates),
        ("kink at full use", |c| c.rates.kink_utilisation_bps = 10_000, InvalidRates),
        ("more than all interest given away", |c| c.rates.insurance_share_bps = 9_501, InvalidRates),
        ("an outflow of nothing", |c| c.caps.outflow_atoms = 0, InvalidOutflowLimit),
        ("an outflow within less than a minute", |c| c.caps.outflow_secs = 59, InvalidOutflowLimit),
        ("an outflow over more than a week", |c| c.caps.outflow_secs = 604_801, InvalidOutflowLimit),
        (
            "no limit, over no time",
            |c| (c.caps.outflow_atoms, c.caps.outflow_secs) = (u64::MAX, 0),
            InvalidOutflowLimit,
        ),
        ("rescue allowance above the cap", |c| c.caps.rescue_allowance_bps = 10_001, CapTooLargeForDepth),
        (
            "cap that would not leave lenders whole",
            |c| c.caps.collateral_atoms = 112_000_000_000_000,
            CapTooLargeForDepth,
        ),
        ("cap beyond any depth", |c| c.caps.collateral_atoms = u64::MAX, CapTooLargeForDepth),
        (
            "sum that overflows",
            |c| (c.rates.insurance_share_bps, c.rates.fee_share_bps) = (u64::MAX, u64::MAX),
            InvalidRates,
        ),
    ];
    for (name, change, error) in breaches {
        assert_eq!(verdict(change), Err(*error), "{name}");
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    let allowed: &[Change<ReserveConfig>] = &[
        ("initial just below maintenance", |c| c.initial.initial_bps = 7_999),
        ("initial debt weight as maintenance", |c| c.initial.debt_weight_bps = 10_000),
        ("initial debt weight of ten", |c| c.initial.debt_weight_bps = 100_000),
        ("starting volatility of ten", |c| c.sigma_bps = 100_000),
        ("bonus just below one", |c| {
            (c.risk.maintenance_bps, c.initial.initial_bps) = (4_900, 4_000);
            (c.bonus.bonus_max_bps, c.bonus.health_max_bonus_bps) = (9_999, 9_900);
        }),
        ("bonus at the default's", |c| (c.bonus.bonus_min_bps, c.bonus.bonus_max_bps) = (300, 300)),
        ("health of the largest bonus", |c| c.bonus.health_max_bonus_bps = 8_640),
        ("all interest given away", |c| (c.rates.insurance_share_bps, c.rates.fee_share_bps) = (9_500, 500)),
        ("a cap of nothing", |c| c.caps.collateral_atoms = 0),
        ("a rescue allowance as large as the cap", |c| {
            (c.caps.collateral_atoms, c.caps.rescue_allowance_bps) = (50_000_000_000_000, 10_000)
        }),
        ("a push oracle", |c| c.oracle_kind = 1),
        ("dead after a week", |c| c.oracle_policy.dead_secs = 604_800),
        ("an atom in a minute", |c| (c.caps.outflow_atoms, c.caps.outflow_secs) = (1, 60)),
        ("no limit, over a week", |c| (c.caps.outflow_atoms, c.caps.outflow_secs) = (u64::MAX, 604_800)),
        ("the largest rate", |c| c.rates.max_rate_bps = 100_000),
    ];
    for (name, change) in allowed {
        assert_eq!(verdict(change), Ok(()), "{name}");
    }
}

#[test]
fn the_largest_cap_solves_the_invariant() {
    // m * (1 + a*sqrt(K) + K) <= 1 with m = 0.8, a = 0.01, and K = cap * 1.1 / stressed depth.
    // Stressed depth: max(5e14, 2e15/2 * 400/1600) = 5e14 atoms; the rescue allowance is a tenth.
    let (mut low, mut high) = (0u64, u64::MAX);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let valid = verdict(|c| (c.caps.collateral_atoms, c.caps.rescue_allowance_bps) = (middle, 1_000)).is_ok();
        (low, high) = if valid { (middle, high) } else { (low, middle) };
    }
    let sold = |atoms: u64| {
        let k = frac(u128::from(atoms) * 11, 5_000_000_000_000_000u64);
        frac(8, 10) * (int(1) + frac(1, 100) * sqrt_floor(&k) + k)
    };
    let millionth = low / 1_000_000;
    // m itself is rounded down to 2^-40.
    assert!(sold(low) <= int(1) + pow2_neg(39) && sold(low + millionth) > int(1), "largest cap {low}");
}

#[test]
fn a_quarter_of_the_throttle_is_worth_dust_at_least() {
    // 10 USD at 150 USD and nine decimals are 66,666,666.7 atoms; one basis point of the depth, a quarter of that.
    let with_depth = |depth_atoms: u64| {
        verdict(|c| {
            (c.risk.depth_atoms, c.risk.depth_floor_atoms) = (depth_atoms, 1);
            (c.bonus.throttle_share_bps, c.caps.collateral_atoms) = (1, 0);
        })
    };
    assert_eq!(with_depth(4 * 66_666_667 * 10_000), Ok(()));
    assert_eq!(with_depth(4 * 66_666_667 * 10_000 - 1), Err(InvalidThrottle));
}

#[test]
fn dust_must_be_worth_a_hundred_thousand_atoms() {
    // 10 USD at 150 USD and nine decimals are 66,666,666 atoms; at six decimals 66,666.
    assert_eq!(valid_config().validate(&valid_market(), 9, &valid_reading()), Ok(()));
    let shallow = |config: &mut ReserveConfig| config.caps.collateral_atoms = 0;
    let mut config = valid_config();
    shallow(&mut config);
    assert_eq!(config.validate(&valid_market(), 7, &valid_reading()), Ok(()));
    assert_eq!(config.validate(&valid_market(), 6, &valid_reading()), Err(DustTooSmall));
    let dear = Reading { price: 100_000_000_000_000_000, exponent: -8, ..valid_reading() };
    assert_eq!(config.validate(&valid_market(), 9, &dear), Err(DustTooSmall));
    assert_eq!(config.validate(&valid_market(), 18, &dear), Ok(()));
    assert_eq!(config.validate(&valid_market(), 19, &valid_reading()), Err(InvalidDecimals));
}

#[test]
fn each_range_of_a_market_policy_broken_alone_is_refused() {
    assert_eq!(valid_market().validate(), Ok(()));
    let breaches: &[Change<MarketPolicy>] = &[
        ("target too close to one", |m| (m.target_health_bps, m.call_level_bps) = (10_099, 10_000)),
        ("target above two", |m| m.target_health_bps = 20_001),
        ("call level below one", |m| m.call_level_bps = 9_999),
        ("call level above the target", |m| m.call_level_bps = 10_501),
        ("no dust", |m| m.dust_value = 0),
        ("cool-off above 25 slots", |m| m.cool_off_slots = 26),
        ("no default bonus", |m| m.bonus_default_bps = 0),
        ("default bonus of one", |m| m.bonus_default_bps = 10_000),
        ("recovery margin of one", |m| m.recovery_margin_bps = 10_000),
        ("auction below a minute", |m| m.auction_secs = 59),
        ("auction above a day", |m| m.auction_secs = 86_401),
        ("loosening within a day", |m| m.loosen_delay_secs = 86_399),
        ("loosening after a month", |m| m.loosen_delay_secs = 2_592_001),
        ("proposals shorter than an hour", |m| m.proposal_life_secs = 3_599),
        ("proposals longer than a month", |m| m.proposal_life_secs = 2_592_001),
        ("pause above a week", |m| m.pause_max_secs = 604_801),
        ("liquidation pause above an hour", |m| m.liquidation_pause_max_secs = 3_601),
        ("a tip of more than dust", |m| m.mark_tip_value = m.dust_value + 1),
        ("no release of provisions", |m| m.provision_release_bps_per_hour = 0),
        ("a release of more than all", |m| m.provision_release_bps_per_hour = 10_001),
        ("flash fee above one percent", |m| m.flash_fee_bps = 101),
        ("reserved", |m| m.reserved[0] = 1),
    ];
    for (name, change) in breaches {
        let mut market = valid_market();
        change(&mut market);
        assert_eq!(market.validate(), Err(InvalidMarketPolicy), "{name}");
    }
}

#[test]
fn only_a_rescue_passes_the_cap_and_by_no_more_than_its_allowance() {
    check(
        8_000,
        (amount(), 0u64..=10_000, amount(), amount(), any::<[bool; 2]>()),
        |(cap, allowance_bps, held, atoms, [is_rescue, near])| {
            let mut reserve = ledger();
            reserve.caps = Caps { collateral_atoms: cap, rescue_allowance_bps: allowance_bps, ..reserve.caps };
            let extra = u128::from(cap) * u128::from(allowance_bps) / 10_000;
            let with_rescue = u64::try_from(u128::from(cap) + extra).unwrap_or(u64::MAX);
            prop_assert_eq!(reserve.caps.with_rescue(), with_rescue);
            let limit = if is_rescue { with_rescue } else { cap };
            // Half of them around the limit.
            let held = if near { limit.saturating_sub(atoms).saturating_add(held % 3).saturating_sub(1) } else { held };
            reserve.collateral_atoms = held;
            let before = reserve;
            let all = u128::from(held) + u128::from(atoms);
            prop_assert_eq!(reserve.exceeds_cap(atoms), all.min(u64::MAX.into()) > cap.into());
            let expected = match all {
                _ if atoms == 0 => Err(EngineError::ZeroAmount),
                _ if all > u64::MAX.into() => Err(EngineError::AmountTooLarge),
                _ if all > limit.into() => Err(EngineError::CollateralCapExceeded),
                _ => Ok(()),
            };
            prop_assert_eq!(reserve.take_collateral(atoms, true, is_rescue), expected);
            let taken = if expected.is_ok() { atoms } else { 0 };
            let after = (before.collateral_atoms + taken, before.counted_atoms + taken);
            prop_assert_eq!((reserve.collateral_atoms, reserve.counted_atoms), after);
            Ok(())
        },
    );
}
