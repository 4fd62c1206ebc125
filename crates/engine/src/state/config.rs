//! What is configured: terms and policies, in the units a person writes down (basis points, seconds, atoms).

use super::wire;

wire! {
    /// Policy of a market. Values in USD are nano-dollars (1e-9 USD).
    pub struct MarketPolicy {
        /// Health a liquidation restores, T, bps. Above 10,000.
        pub target_health_bps: u64,
        /// Health below which the borrower is called, bps. At least 10,000, at most T.
        pub call_level_bps: u64,
        /// A rest of debt or collateral worth less than this is not left behind by a liquidation, nano-dollars.
        pub dust_value: u64,
        /// Slots after an own risk-increasing action in which a position cannot be liquidated. At most 25.
        pub cool_off_slots: u64,
        /// Bonus in the terminal state, bps; between `bonus_min_bps` and `bonus_max_bps` of every collateral.
        pub bonus_default_bps: u64,
        /// Auction time: the bonus reaches its maximum after this much liquidatable time, seconds.
        pub auction_secs: u64,
        /// How long a sighting of a liquidatable position vouches for it, at most, in the count of auction time, seconds.
        pub sighting_secs: u64,
        /// Share of the terminal estimate kept as margin in a recovery sale, bps.
        pub recovery_margin_bps: u64,
        /// Delay of a loosening proposal, seconds.
        pub loosen_delay_secs: u64,
        /// Life of a ripe proposal, seconds.
        pub proposal_life_secs: u64,
        /// Longest pause of one action, seconds.
        pub pause_max_secs: u64,
        /// Longest pause of liquidation within a day, seconds.
        pub liquidation_pause_max_secs: u64,
        /// Speed at which a provision falls where the loss is no longer expected, bps of the debt per hour. At least 1.
        pub provision_release_bps_per_hour: u64,
        /// Fee of a flash loan, bps of its principal. At most 100.
        pub flash_fee_bps: u64,
        /// What insurance pays whoever marks a default, at most, nano-dollars. At most dust; 0: nothing.
        pub mark_tip_value: u64,
        /// Zero.
        pub reserved: [u64; 1],
    }
}

wire! {
    /// What enters the asset liquidation value and the weights of maintenance health.
    pub struct RiskTerms {
        /// Maintenance factor m of this token as collateral, bps. Below 10,000.
        pub maintenance_bps: u64,
        /// Weight w of this token as debt, bps. At least 10,000.
        pub debt_weight_bps: u64,
        /// Confidence multiple z of the move over the horizon, hundredths.
        pub z_x100: u64,
        /// Liquidation horizon tau: oracle interval, latency and time to sell, seconds.
        pub horizon_secs: u64,
        /// Full bid-ask spread s, bps.
        pub spread_bps: u64,
        /// Coefficient a of the square-root impact, bps.
        pub impact_sqrt_bps: u64,
        /// Depth L: the reserve of the constant-product pool that moves like this market, atoms.
        pub depth_atoms: u64,
        /// Effective depth never falls below this, atoms. Above zero.
        pub depth_floor_atoms: u64,
        /// Lower bound of daily volatility, bps.
        pub sigma_floor_bps: u64,
        /// Upper bound of daily volatility, bps.
        pub sigma_cap_bps: u64,
        /// Daily volatility at which the depth was measured, bps: above it the market is thinner.
        pub sigma_ref_bps: u64,
        /// Speed at which maintenance volatility may rise, bps of daily volatility per hour.
        pub sigma_rise_bps_per_hour: u64,
    }
}

wire! {
    /// What a new debt must satisfy beyond maintenance.
    pub struct InitialTerms {
        /// Initial factor of this token as collateral, bps. Below `maintenance_bps`.
        pub initial_bps: u64,
        /// Initial weight of this token as debt, bps. At least `debt_weight_bps`.
        pub debt_weight_bps: u64,
        /// Zero.
        pub reserved: [u64; 6],
    }
}

wire! {
    /// What a liquidator earns on this token as collateral.
    pub struct BonusTerms {
        /// Bonus at health 1, bps.
        pub bonus_min_bps: u64,
        /// Bonus at `health_max_bonus_bps` and below, bps.
        pub bonus_max_bps: u64,
        /// Health at which the bonus is largest, bps. `(1 + bonus_max) * m <= h < 1`.
        pub health_max_bonus_bps: u64,
        /// Share of the bonus that goes to the insurance of the repaid reserve, bps. At most 10,000.
        pub fee_share_bps: u64,
        /// Throttle: share of depth that may be sold in a window, bps.
        pub throttle_share_bps: u64,
        /// Throttle: length of the window, seconds.
        pub throttle_window_secs: u64,
        /// Zero.
        pub reserved: [u64; 2],
    }
}

wire! {
    /// When a price may be used, and for what.
    pub struct OraclePolicy {
        /// Oldest price that may open risk (borrow, withdraw with debt), seconds.
        pub borrow_age_secs: u64,
        /// Oldest price that may liquidate, seconds.
        pub liquidate_age_secs: u64,
        /// Confidence interval up to which a price may open risk, bps of the price.
        pub confidence_soft_bps: u64,
        /// Confidence interval up to which a price may liquidate, bps of the price.
        pub confidence_hard_bps: u64,
        /// Largest distance of the price from its moving average that may open risk, bps.
        pub ema_band_bps: u64,
        /// Age from which it may be noticed that a reading has grown old, seconds.
        pub stale_secs: u64,
        /// From the notice on, that reading of another collateral loses its weight in a liquidation, in a line, all of it
        /// `dead_secs - stale_secs` later.
        pub dead_secs: u64,
        /// Volatility is sampled at most once per this interval, seconds.
        pub sample_secs: u64,
        /// Zero.
        pub reserved: [u64; 2],
    }
}

wire! {
    /// Kinked rate curve (simple interest between touches) and where interest goes. All bps, rates per year of 365 days.
    pub struct RateCurve {
        /// Rate at zero utilisation.
        pub base_rate_bps: u64,
        /// Utilisation at the kink. Between 1 and 9,999.
        pub kink_utilisation_bps: u64,
        /// Rate at the kink.
        pub kink_rate_bps: u64,
        /// Rate at full utilisation. At most [`MAX_RATE_BPS`](crate::interest::MAX_RATE_BPS).
        pub max_rate_bps: u64,
        /// Share of interest that goes to insurance.
        pub insurance_share_bps: u64,
        /// Share of interest that goes to the protocol.
        pub fee_share_bps: u64,
    }
}

wire! {
    /// Absolute limits, atoms.
    pub struct Caps {
        /// Largest total of supplied liquidity.
        pub supply_atoms: u64,
        /// Largest total debt.
        pub borrow_atoms: u64,
        /// Largest total of this token held as collateral.
        pub collateral_atoms: u64,
        /// How far a rescue deposit may exceed `collateral_atoms`, bps of it.
        pub rescue_allowance_bps: u64,
        /// Outflow limit: how much more may leave than came in at once, by redemption; half of it by borrowing. The largest
        /// `u64`: no limit.
        pub outflow_atoms: u64,
        /// Time in which the outflow limit is whole again, seconds. 60 to 604,800.
        pub outflow_secs: u64,
    }
}

wire! {
    /// Everything that is configured about a reserve when it is created.
    pub struct ReserveConfig {
        /// Price account kind: 0 Pyth pull (`PriceUpdateV2`), 1 Pyth push (price account).
        pub oracle_kind: u64,
        /// Feed id (pull) or address of the price account (push).
        pub oracle: [u8; 32],
        /// Maintenance terms.
        pub risk: RiskTerms,
        /// Initial terms.
        pub initial: InitialTerms,
        /// Liquidation bonus.
        pub bonus: BonusTerms,
        /// When a price may be used.
        pub oracle_policy: OraclePolicy,
        /// Interest.
        pub rates: RateCurve,
        /// Limits.
        pub caps: Caps,
        /// Daily volatility to start with, bps.
        pub sigma_bps: u64,
        /// How long the depth is believed without confirmation, seconds. A day to a year.
        pub depth_valid_secs: u64,
    }
}

wire! {
    /// When a backstop pool buys, and how its providers come and go.
    pub struct BackstopPolicy {
        /// Health below which the pool buys at once, bps. Below 10,000.
        pub trigger_health_bps: u64,
        /// Liquidatable time after the flag from which it buys at any health below one, seconds. Above zero, below two
        /// auction times: a flag lives no longer.
        pub trigger_secs: u64,
        /// Share of the bonus that goes to whoever calls `backstop_liquidate`, bps. At most 5,000.
        pub tip_share_bps: u64,
        /// How long a deposit waits, neither absorbing nor earning, before it joins the pool, seconds. At least `cooldown_secs`.
        pub warm_up_secs: u64,
        /// How long a requested withdrawal still absorbs before it may be taken, seconds. At least two auction times.
        pub cooldown_secs: u64,
        /// How long a warm deposit may join and a matured withdrawal be taken before its wait starts over, seconds. At most
        /// a quarter of `cooldown_secs`.
        pub window_secs: u64,
        /// Zero.
        pub reserved: [u64; 2],
    }
}
