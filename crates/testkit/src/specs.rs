//! Sensible markets and tokens: a policy, and one configuration per risk class, valid as they stand.

use plimsoll_engine::state::*;

use crate::Kind;

/// Policy of a test market: target 1.05, dust 1 USD, 10 slots of cool-off, 5% default bonus, flash loans at 5 bps,
/// half a dollar for marking a default.
pub fn policy() -> MarketPolicy {
    MarketPolicy {
        target_health_bps: 10_500,
        call_level_bps: 10_500,
        dust_value: 1_000_000_000,
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

/// Policy of a test pool: buys below health 0.95, or after half an hour; a fifth of the bonus as tip; deposits warm up and
/// withdrawals cool down for four hours, with windows of one.
pub fn backstop_policy() -> BackstopPolicy {
    BackstopPolicy {
        trigger_health_bps: 9_500,
        trigger_secs: 1_800,
        tip_share_bps: 2_000,
        warm_up_secs: 14_400,
        cooldown_secs: 14_400,
        window_secs: 3_600,
        reserved: [0; 2],
    }
}

/// A volatile token with a depth of a million whole tokens, such as SOL.
pub fn volatile(decimals: u8) -> ReserveConfig {
    let tokens = |count: u64| count.saturating_mul(10u64.pow(u32::from(decimals)));
    ReserveConfig {
        oracle_kind: u64::from(ORACLE_PYTH_PULL),
        oracle: [0; 32],
        risk: RiskTerms {
            maintenance_bps: 8_000,
            debt_weight_bps: 10_000,
            z_x100: 200,
            horizon_secs: 600,
            spread_bps: 10,
            impact_sqrt_bps: 1_000,
            depth_atoms: tokens(1_000_000),
            depth_floor_atoms: tokens(10_000),
            sigma_floor_bps: 200,
            sigma_cap_bps: 3_000,
            sigma_ref_bps: 500,
            sigma_rise_bps_per_hour: 50,
        },
        initial: InitialTerms { initial_bps: 7_500, debt_weight_bps: 10_500, reserved: [0; 6] },
        bonus: BonusTerms {
            bonus_min_bps: 200,
            bonus_max_bps: 1_000,
            health_max_bonus_bps: 9_000,
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
            supply_atoms: tokens(100_000_000),
            borrow_atoms: tokens(90_000_000),
            collateral_atoms: tokens(15_000),
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 500,
        depth_valid_secs: 90 * 86_400,
    }
}

/// A stable token with a depth of fifty million, such as USDC.
pub fn stable(decimals: u8) -> ReserveConfig {
    let tokens = |count: u64| count.saturating_mul(10u64.pow(u32::from(decimals)));
    let base = volatile(decimals);
    ReserveConfig {
        oracle_kind: u64::from(ORACLE_PYTH_PUSH),
        risk: RiskTerms {
            maintenance_bps: 9_000,
            spread_bps: 2,
            impact_sqrt_bps: 100,
            depth_atoms: tokens(50_000_000),
            depth_floor_atoms: tokens(1_000_000),
            sigma_floor_bps: 10,
            sigma_cap_bps: 500,
            sigma_ref_bps: 50,
            ..base.risk
        },
        initial: InitialTerms { initial_bps: 8_500, debt_weight_bps: 10_000, reserved: [0; 6] },
        bonus: BonusTerms { bonus_min_bps: 100, bonus_max_bps: 500, health_max_bonus_bps: 9_500, ..base.bonus },
        caps: Caps { collateral_atoms: tokens(200_000), ..base.caps },
        sigma_bps: 20,
        ..base
    }
}

type Edit = Box<dyn FnOnce(&mut ReserveConfig)>;

/// A token to add to a market: its risk class, and what differs from it.
pub struct Spec {
    pub(crate) name: String,
    pub(crate) price: String,
    pub(crate) decimals: u8,
    pub(crate) kind: Kind,
    class: fn(u8) -> ReserveConfig,
    edits: Vec<Edit>,
}

impl Spec {
    /// A [`volatile`] token of 9 decimals at a price, SPL Token, Pyth pull.
    pub fn volatile(name: &str, price: &str) -> Self {
        Self {
            name: name.into(),
            price: price.into(),
            decimals: 9,
            kind: Kind::Spl,
            class: volatile,
            edits: Vec::new(),
        }
    }

    /// A [`stable`] token of 6 decimals at a price, SPL Token, Pyth push.
    pub fn stable(name: &str, price: &str) -> Self {
        Self { decimals: 6, class: stable, ..Self::volatile(name, price) }
    }

    /// With a Token-2022 mint.
    pub fn token_2022(self) -> Self {
        Self { kind: Kind::Token2022, ..self }
    }

    /// With other decimals.
    pub fn decimals(self, decimals: u8) -> Self {
        Self { decimals, ..self }
    }

    /// Priced by a Pyth pull feed.
    pub fn pull(self) -> Self {
        self.with(|config| config.oracle_kind = u64::from(ORACLE_PYTH_PULL))
    }

    /// Priced by a Pyth push account.
    pub fn push(self) -> Self {
        self.with(|config| config.oracle_kind = u64::from(ORACLE_PYTH_PUSH))
    }

    /// With a changed configuration.
    pub fn with(mut self, edit: impl FnOnce(&mut ReserveConfig) + 'static) -> Self {
        self.edits.push(Box::new(edit));
        self
    }

    /// The configuration, all but the oracle's key.
    pub(crate) fn into_config(self) -> ReserveConfig {
        let mut config = (self.class)(self.decimals);
        self.edits.into_iter().for_each(|edit| edit(&mut config));
        config
    }
}
