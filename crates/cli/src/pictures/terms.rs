//! Terms the pictures are drawn with: a volatile collateral in a market of a million tokens' depth, and a stable debt.
//! Their own, so that a picture changes only when a formula does.

use plimsoll_engine::state::*;

/// Decimals of the collateral.
pub const COLLATERAL_DECIMALS: u8 = 9;
/// Decimals of the debt.
pub const DEBT_DECIMALS: u8 = 6;

/// The market.
pub fn market() -> MarketPolicy {
    MarketPolicy {
        target_health_bps: 10_500,
        call_level_bps: 10_500,
        dust_value: 100_000_000_000,
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
        mark_tip_value: 0,
        reserved: [0; 1],
    }
}

/// The collateral. A forced sale takes an hour.
pub fn collateral() -> ReserveConfig {
    let tokens = |count: u64| count * 10u64.pow(u32::from(COLLATERAL_DECIMALS));
    ReserveConfig {
        oracle_kind: u64::from(ORACLE_PYTH_PULL),
        oracle: [0; 32],
        risk: RiskTerms {
            maintenance_bps: 8_000,
            debt_weight_bps: 11_000,
            z_x100: 233,
            horizon_secs: 3_600,
            spread_bps: 10,
            impact_sqrt_bps: 1_000,
            depth_atoms: tokens(1_000_000),
            depth_floor_atoms: tokens(10_000),
            sigma_floor_bps: 200,
            sigma_cap_bps: 3_000,
            sigma_ref_bps: 500,
            sigma_rise_bps_per_hour: 50,
        },
        initial: InitialTerms { initial_bps: 7_500, debt_weight_bps: 12_000, reserved: [0; 6] },
        bonus: BonusTerms {
            bonus_min_bps: 200,
            bonus_max_bps: 1_000,
            health_max_bonus_bps: 9_000,
            fee_share_bps: 1_000,
            throttle_share_bps: 1_000,
            throttle_window_secs: 3_600,
            reserved: [0; 2],
        },
        oracle_policy: oracle_policy(),
        rates: rates(),
        caps: Caps {
            supply_atoms: tokens(100_000),
            borrow_atoms: tokens(50_000),
            collateral_atoms: tokens(15_000),
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 400,
        depth_valid_secs: 30 * 86_400,
    }
}

/// The debt.
pub fn debt() -> ReserveConfig {
    let tokens = |count: u64| count * 10u64.pow(u32::from(DEBT_DECIMALS));
    let volatile = collateral();
    ReserveConfig {
        risk: RiskTerms {
            maintenance_bps: 9_000,
            debt_weight_bps: 10_000,
            spread_bps: 2,
            impact_sqrt_bps: 100,
            depth_atoms: tokens(50_000_000),
            depth_floor_atoms: tokens(1_000_000),
            sigma_floor_bps: 10,
            sigma_cap_bps: 500,
            sigma_ref_bps: 50,
            ..volatile.risk
        },
        initial: InitialTerms { initial_bps: 8_500, debt_weight_bps: 10_000, reserved: [0; 6] },
        bonus: BonusTerms { bonus_max_bps: 500, health_max_bonus_bps: 9_500, ..volatile.bonus },
        caps: Caps {
            supply_atoms: tokens(10_000_000),
            borrow_atoms: tokens(9_000_000),
            collateral_atoms: tokens(200_000),
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 10,
        ..volatile
    }
}

fn oracle_policy() -> OraclePolicy {
    OraclePolicy {
        borrow_age_secs: 60,
        liquidate_age_secs: 120,
        confidence_soft_bps: 100,
        confidence_hard_bps: 500,
        ema_band_bps: 1_000,
        stale_secs: 3_600,
        dead_secs: 21_600,
        sample_secs: 300,
        reserved: [0; 2],
    }
}

fn rates() -> RateCurve {
    RateCurve {
        base_rate_bps: 0,
        kink_utilisation_bps: 8_000,
        kink_rate_bps: 1_000,
        max_rate_bps: 10_000,
        insurance_share_bps: 1_000,
        fee_share_bps: 500,
    }
}
