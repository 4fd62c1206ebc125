//! Terms that a simulated market has where a scenario says nothing else.

use plimsoll_engine::state::*;

/// The market: health 1.05 restored, borrowers called there, dust 10 USD, 5% in the terminal state, auctions of an hour.
pub fn policy() -> MarketPolicy {
    MarketPolicy {
        target_health_bps: 10_500,
        call_level_bps: 10_500,
        dust_value: 10_000_000_000,
        cool_off_slots: 10,
        bonus_default_bps: 500,
        auction_secs: 3_600,
        sighting_secs: 60,
        recovery_margin_bps: 1_000,
        loosen_delay_secs: 172_800,
        proposal_life_secs: 259_200,
        pause_max_secs: 86_400,
        liquidation_pause_max_secs: 3_600,
        provision_release_bps_per_hour: 1_000,
        flash_fee_bps: 5,
        mark_tip_value: 500_000_000,
        reserved: [0; 1],
    }
}

/// When a backstop buys: below health 0.95, or after half an hour of liquidatable time.
pub fn backstop_policy() -> BackstopPolicy {
    BackstopPolicy {
        trigger_health_bps: 9_500,
        trigger_secs: 1_800,
        tip_share_bps: 1_000,
        warm_up_secs: 14_400,
        cooldown_secs: 14_400,
        window_secs: 3_600,
        reserved: [0; 2],
    }
}

/// Atoms of whole tokens, saturating.
pub fn atoms(tokens: f64, decimals: u8) -> u64 {
    // A cast of floats saturates.
    (tokens * 10f64.powi(i32::from(decimals))).round() as u64
}

/// A volatile token such as SOL, in a market of this depth, whole tokens.
pub fn volatile(decimals: u8, depth: f64) -> ReserveConfig {
    ReserveConfig {
        oracle_kind: u64::from(ORACLE_PYTH_PULL),
        oracle: [7; 32],
        risk: RiskTerms {
            maintenance_bps: 8_500,
            debt_weight_bps: 10_000,
            z_x100: 233,
            horizon_secs: 600,
            spread_bps: 10,
            impact_sqrt_bps: 1_000,
            depth_atoms: atoms(depth, decimals),
            depth_floor_atoms: atoms(depth / 20.0, decimals),
            sigma_floor_bps: 200,
            sigma_cap_bps: 2_000,
            sigma_ref_bps: 500,
            sigma_rise_bps_per_hour: 50,
        },
        initial: InitialTerms { initial_bps: 8_000, debt_weight_bps: 10_000, reserved: [0; 6] },
        bonus: BonusTerms {
            bonus_min_bps: 200,
            bonus_max_bps: 1_000,
            health_max_bonus_bps: 9_500,
            fee_share_bps: 1_000,
            throttle_share_bps: 1_000,
            throttle_window_secs: 3_600,
            reserved: [0; 2],
        },
        oracle_policy: OraclePolicy {
            borrow_age_secs: 60,
            liquidate_age_secs: 120,
            confidence_soft_bps: 100,
            confidence_hard_bps: 500,
            ema_band_bps: 1_000,
            stale_secs: 3_600,
            dead_secs: 21_600,
            sample_secs: 300,
            reserved: [0; 2],
        },
        rates: RateCurve {
            base_rate_bps: 0,
            kink_utilisation_bps: 8_000,
            kink_rate_bps: 1_000,
            max_rate_bps: 10_000,
            insurance_share_bps: 1_000,
            fee_share_bps: 500,
        },
        caps: Caps {
            supply_atoms: u64::MAX,
            borrow_atoms: u64::MAX,
            collateral_atoms: 0,
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 400,
        depth_valid_secs: 90 * 86_400,
    }
}

/// A stable token such as USDC.
pub fn stable(decimals: u8, depth: f64) -> ReserveConfig {
    let base = volatile(decimals, depth);
    ReserveConfig {
        risk: RiskTerms {
            maintenance_bps: 9_300,
            spread_bps: 2,
            impact_sqrt_bps: 100,
            sigma_floor_bps: 10,
            sigma_cap_bps: 500,
            sigma_ref_bps: 50,
            ..base.risk
        },
        initial: InitialTerms { initial_bps: 9_000, ..base.initial },
        bonus: BonusTerms { bonus_min_bps: 50, bonus_max_bps: 500, health_max_bonus_bps: 9_800, ..base.bonus },
        sigma_bps: 20,
        ..base
    }
}

/// The largest collateral cap whose sale at once, on the worst day, leaves lenders whole: what `validate` accepts.
pub fn safe_cap(
    config: &ReserveConfig,
    market: &MarketPolicy,
    decimals: u8,
    reading: &plimsoll_engine::price::Reading,
) -> u64 {
    let is_safe = |atoms: u64| {
        let caps = Caps { collateral_atoms: atoms, ..config.caps };
        ReserveConfig { caps, ..*config }.validate(market, decimals, reading).is_ok()
    };
    // A cap is safe up to a bound.
    let (mut safe, mut unsafe_from) = (0u64, u64::MAX);
    while unsafe_from - safe > 1 {
        let middle = safe + (unsafe_from - safe) / 2;
        if is_safe(middle) {
            safe = middle;
        } else {
            unsafe_from = middle;
        }
    }
    safe
}
