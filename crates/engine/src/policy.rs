//! Terms in force, the newest reading, and the invariants of a configuration. (Which price may serve which action:
//! `oracle_policy`.)

use crate::alv::{Curve, IMPACT_SQRT_BPS_MAX};
use crate::error::{EngineError, Result};
use crate::fixed::{div_floor, mul_div_floor, product, root_word, saturate, widen, Factor, Value, BPS, FACTOR_BITS};
use crate::flash::FLASH_FEE_BPS_MAX;
use crate::governance::depth::{DEPTH_VALID_SECS_MAX, DEPTH_VALID_SECS_MIN};
use crate::interest::MAX_RATE_BPS;
use crate::price::{Price, Reading, DECIMALS_MAX};
use crate::state::*;
use crate::Now;

/// Longest cool-off, slots.
pub const COOL_OFF_SLOTS_MAX: u64 = 25;
/// Longest liquidation horizon, seconds: one day.
pub const HORIZON_SECS_MAX: u64 = 86_400;
/// Highest target health, bps.
pub const TARGET_HEALTH_BPS_MAX: u64 = 20_000;
/// Smallest borrow, in units of the dust value.
pub const MIN_DEBT_IN_DUSTS: u128 = 4;
/// Atoms that the dust value is worth at least.
pub const DUST_ATOMS_MIN: u64 = 100_000;

/// `2^52 / sqrt(86,400)`, rounded up: turns `sqrt(secs)` into `sqrt(days)`.
const ROOT_DAY_RECIPROCAL_Q52: u64 = 15_321_557_073_398;

/// Square root of a time in days, at most a day, rounded up.
pub(crate) fn root_days(secs: u64) -> Factor {
    // A day has 17 bits, so sqrt(secs) fits in Q23; times Q52, over 2^35, it is sqrt(days) in Q40.
    let root_secs_q23 = root_word(secs.min(HORIZON_SECS_MAX) << 46).saturating_add(1);
    Factor(saturate(product(root_secs_q23, ROOT_DAY_RECIPROCAL_Q52) >> (75 - FACTOR_BITS)).saturating_add(1))
}

impl RiskTerms {
    /// `z * sigma * sqrt(tau)`: the adverse move over the horizon, rounded up, at most one half.
    pub fn adverse_move(&self, sigma: Factor) -> Factor {
        let z = Factor::of_ceil(self.z_x100, 100);
        z.times_ceil(sigma).times_ceil(root_days(self.horizon_secs)).min(Factor(Factor::ONE.0 / 2))
    }

    /// `(1 - z*sigma*sqrt(tau)) * (1 - s/2)`, rounded down.
    pub fn discount(&self, sigma: Factor) -> Factor {
        let half_spread = Factor(Factor::from_bps_ceil(self.spread_bps).0.div_ceil(2));
        Factor::ONE.minus(self.adverse_move(sigma)).times_floor(Factor::ONE.minus(half_spread))
    }

    /// `L * min(1, sigma_ref / sigma)`, never below the floor, rounded down, atoms.
    pub fn effective_depth_atoms(&self, sigma: Factor) -> u64 {
        let reference = Factor::from_bps_floor(self.sigma_ref_bps);
        let shrunk = if sigma > reference {
            saturate(div_floor(product(self.depth_atoms, reference.0), widen(sigma.0)))
        } else {
            self.depth_atoms
        };
        shrunk.max(self.depth_floor_atoms)
    }

    /// `sigma` within its limits.
    pub fn sigma_within(&self, sigma: Factor) -> Factor {
        sigma.max(Factor::from_bps_floor(self.sigma_floor_bps)).min(Factor::from_bps_ceil(self.sigma_cap_bps))
    }

    /// The curve at `price` and `sigma`.
    pub fn curve(&self, price: Price, sigma: Factor) -> Curve {
        Curve::new(price, self.discount(sigma), self.effective_depth_atoms(sigma), self.impact_sqrt_bps)
    }

    /// Weight of a debt, `w * (1 + z*sigma*sqrt(tau))`, rounded up.
    pub fn debt_weight(&self, weight_bps: u64, sigma: Factor) -> Factor {
        Factor::from_bps_ceil(weight_bps).times_ceil(Factor::ONE.plus(self.adverse_move(sigma)))
    }
}

impl ReserveState {
    /// Takes `offered` where it is newer than the kept reading, and observes volatility. Returns whether it was newer.
    pub fn keep_reading(&mut self, offered: Option<&Reading>, now: &Now) -> bool {
        let newest = self.reading.newer(offered.copied());
        let is_newer = newest != self.reading;
        if is_newer {
            self.reading = newest;
            self.stale_noticed_at = 0;
            self.observe(now);
        }
        is_newer
    }

    /// Records that the kept reading has grown old. Only from here on does it fade, so that nobody is liquidated because
    /// a reserve was left alone: whoever minds has the time of the fading to hand in a newer price.
    ///
    /// # Errors
    /// `PriceNotStale` where it is younger than `stale_secs`, or was noticed before.
    pub fn notice_stale(&mut self, now: &Now) -> Result<()> {
        let is_stale = self.reading.age_secs(now.unix) > self.oracle_policy.stale_secs;
        check(is_stale && self.stale_noticed_at == 0, EngineError::PriceNotStale)?;
        self.stale_noticed_at = now.unix;
        Ok(())
    }

    /// What an old reading of this token counts: one until noticed, and for a reading newer than the noticed one.
    pub fn fade(&self, reading: &Reading, now: &Now) -> Factor {
        if self.stale_noticed_at == 0 || reading.publish_time > self.reading.publish_time {
            return Factor::ONE;
        }
        let noticed_secs = now.unix.saturating_sub(self.stale_noticed_at);
        self.oracle_policy.fade(u64::try_from(noticed_secs).unwrap_or(0))
    }
}

/// Part of `number` in bps, rounded down, saturating.
pub(crate) fn bps_of(number: u64, bps: u64) -> u64 {
    // Nearly any price times any part: one word.
    if number >> 48 == 0 && bps >> 16 == 0 {
        return number.wrapping_mul(bps) / BPS;
    }
    saturate(div_floor(product(number, bps), widen(BPS)))
}

pub(crate) fn check(condition: bool, error: EngineError) -> Result<()> {
    if condition {
        Ok(())
    } else {
        Err(error)
    }
}

impl Caps {
    /// The collateral cap with the rescue allowance, rounded down, atoms.
    pub fn with_rescue(&self) -> u64 {
        self.collateral_atoms.saturating_add(bps_of(self.collateral_atoms, self.rescue_allowance_bps))
    }
}

impl MarketPolicy {
    /// Dust value.
    pub fn dust(&self) -> Value {
        Value(widen(self.dust_value))
    }

    /// Smallest debt that may be opened.
    pub fn debt_min(&self) -> Value {
        Value(widen(self.dust_value) * MIN_DEBT_IN_DUSTS)
    }

    /// Checks ranges and order.
    ///
    /// # Errors
    /// `InvalidMarketPolicy`.
    pub fn validate(&self) -> Result<()> {
        let health = (BPS + 100..=TARGET_HEALTH_BPS_MAX).contains(&self.target_health_bps)
            && (BPS..=self.target_health_bps).contains(&self.call_level_bps);
        let amounts = self.dust_value > 0 && self.cool_off_slots <= COOL_OFF_SLOTS_MAX;
        let bonus = (1..BPS).contains(&self.bonus_default_bps) && self.recovery_margin_bps < BPS;
        let times = (60..=86_400).contains(&self.auction_secs)
            && (1..=self.auction_secs.min(600)).contains(&self.sighting_secs)
            && (86_400..=30 * 86_400).contains(&self.loosen_delay_secs)
            && (3_600..=30 * 86_400).contains(&self.proposal_life_secs)
            && self.pause_max_secs <= 7 * 86_400
            && self.liquidation_pause_max_secs <= 3_600;
        let rest = (1..=BPS).contains(&self.provision_release_bps_per_hour)
            && self.flash_fee_bps <= FLASH_FEE_BPS_MAX
            && self.mark_tip_value <= self.dust_value
            && self.reserved == [0; 1];
        check(health && amounts && bonus && times && rest, EngineError::InvalidMarketPolicy)
    }
}

impl RiskTerms {
    fn validate(&self) -> Result<()> {
        check(
            (1..BPS).contains(&self.maintenance_bps) && (BPS..=5 * BPS).contains(&self.debt_weight_bps),
            EngineError::InvalidWeights,
        )?;
        let haircut = (1..=HORIZON_SECS_MAX).contains(&self.horizon_secs)
            && self.z_x100 <= 1_000
            && self.spread_bps < BPS
            && self.impact_sqrt_bps <= IMPACT_SQRT_BPS_MAX;
        check(haircut, EngineError::InvalidHaircut)?;
        let volatility = 0 < self.sigma_floor_bps
            && self.sigma_floor_bps <= self.sigma_ref_bps
            && self.sigma_ref_bps <= self.sigma_cap_bps
            && self.sigma_cap_bps <= 10 * BPS
            && self.sigma_rise_bps_per_hour > 0
            // z * sigma_cap * sqrt(tau) < 1/2; `adverse_move` is capped there.
            && self.adverse_move(Factor::from_bps_ceil(self.sigma_cap_bps)).0 < Factor::ONE.0 / 2;
        check(volatility, EngineError::InvalidVolatility)?;
        let depth = 0 < self.depth_floor_atoms && self.depth_floor_atoms <= self.depth_atoms;
        check(depth, EngineError::InvalidDepth)
    }

    /// Depth on the worst day: `max(floor, L/2 * min(1, sigma_ref / sigma_cap))`, rounded down, atoms.
    pub fn stressed_depth_atoms(&self) -> u64 {
        let shrunk =
            mul_div_floor(widen(self.depth_atoms) / 2, widen(self.sigma_ref_bps), widen(self.sigma_cap_bps.max(1)));
        saturate(shrunk.unwrap_or(0)).max(self.depth_floor_atoms)
    }

    /// `m * (1 + a*sqrt(K) + K) <= 1`, K = cap * (1 + rescue) / stressed depth: if every position must be sold at once,
    /// lenders are whole. Equivalent: the sale of all of it brings at least m of the plain value.
    fn cap_is_safe(&self, caps: &Caps) -> bool {
        let all = mul_div_floor(widen(caps.collateral_atoms), widen(BPS + caps.rescue_allowance_bps), widen(BPS));
        let Some(most) = all.and_then(|most| u64::try_from(most).ok()) else { return false };
        if most == 0 {
            return true;
        }
        // A unit price: impact alone, without horizon and spread.
        let price = Price::new(1, 0, 0);
        let curve = Curve::new(price, Factor::ONE, self.stressed_depth_atoms(), self.impact_sqrt_bps);
        let probe = most.min(1 << 49);
        // Impact depends on the ratio of amount and depth alone; a probe keeps the value below its limit.
        let scaled_depth = mul_div_floor(widen(self.stressed_depth_atoms()), widen(probe), widen(most));
        let curve = match scaled_depth {
            Some(depth) if probe < most => Curve::new(price, Factor::ONE, saturate(depth), self.impact_sqrt_bps),
            _ => curve,
        };
        curve.value(probe) >= price.value_floor(probe).times_floor(Factor::from_bps_floor(self.maintenance_bps))
    }
}

impl BonusTerms {
    fn validate(&self, maintenance_bps: u64, market: &MarketPolicy) -> Result<()> {
        let order = self.bonus_min_bps <= market.bonus_default_bps && market.bonus_default_bps <= self.bonus_max_bps;
        let ceiling = widen(BPS.saturating_add(self.bonus_max_bps)) * widen(maintenance_bps);
        let health = self.health_max_bonus_bps < BPS
            && self.bonus_max_bps < BPS
            && ceiling <= widen(self.health_max_bonus_bps) * widen(BPS);
        let throttle =
            (1..=BPS).contains(&self.throttle_share_bps) && (60..=86_400).contains(&self.throttle_window_secs);
        let rest = self.fee_share_bps <= BPS && self.reserved == [0; 2];
        check(order && health && throttle && rest, EngineError::InvalidBonus)
    }
}

impl RateCurve {
    fn validate(&self) -> Result<()> {
        let order = self.base_rate_bps <= self.kink_rate_bps && self.kink_rate_bps <= self.max_rate_bps;
        let range = self.max_rate_bps <= MAX_RATE_BPS && (1..BPS).contains(&self.kink_utilisation_bps);
        let shares = self.insurance_share_bps.saturating_add(self.fee_share_bps) <= BPS;
        check(order && range && shares, EngineError::InvalidRates)
    }
}

impl ReserveState {
    /// The configuration that is signed. Of the volatility it began with nothing is kept: one that is valid stands there.
    pub fn config(&self) -> ReserveConfig {
        ReserveConfig {
            oracle_kind: u64::from(self.oracle_kind),
            oracle: self.oracle,
            risk: self.risk_target,
            initial: self.initial,
            bonus: self.bonus,
            oracle_policy: self.oracle_policy,
            rates: self.rates,
            caps: self.caps,
            sigma_bps: self.risk_target.sigma_floor_bps,
            depth_valid_secs: self.depth_valid_secs,
        }
    }
}

impl ReserveConfig {
    /// Checks every range, order and invariant of the protocol's sections 3 and 4, against the market's policy and the
    /// reading the reserve starts with.
    ///
    /// # Errors
    /// The `Invalid…` variants, `CapTooLargeForDepth`, `DustTooSmall`.
    pub fn validate(&self, market: &MarketPolicy, decimals: u8, reading: &Reading) -> Result<()> {
        check(decimals <= DECIMALS_MAX, EngineError::InvalidDecimals)?;
        self.risk.validate()?;
        let initial = (1..self.risk.maintenance_bps).contains(&self.initial.initial_bps)
            && (self.risk.debt_weight_bps..=10 * BPS).contains(&self.initial.debt_weight_bps)
            && self.initial.reserved == [0; 6];
        check(initial, EngineError::InvalidWeights)?;
        self.bonus.validate(self.risk.maintenance_bps, market)?;
        self.oracle_policy.validate()?;
        self.rates.validate()?;
        let sigma = (1..=10 * BPS).contains(&self.sigma_bps);
        check(sigma, EngineError::InvalidVolatility)?;
        let depth_valid = (DEPTH_VALID_SECS_MIN..=DEPTH_VALID_SECS_MAX).contains(&self.depth_valid_secs);
        check(depth_valid, EngineError::InvalidDepth)?;
        let kind = self.oracle_kind <= u64::from(ORACLE_PYTH_PUSH);
        check(kind, EngineError::InvalidOraclePolicy)?;
        check(self.caps.limits_outflow(), EngineError::InvalidOutflowLimit)?;
        check(self.caps.rescue_allowance_bps <= BPS, EngineError::CapTooLargeForDepth)?;
        check(self.risk.cap_is_safe(&self.caps), EngineError::CapTooLargeForDepth)?;
        // Dust must be worth many atoms, or rounding to an atom would matter.
        let price = reading.price_of(reading.price, decimals);
        check(price.atoms_floor(market.dust()) >= DUST_ATOMS_MIN, EngineError::DustTooSmall)?;
        // A quarter of the throttle, what barely unhealthy positions share: dust waits for it no longer than a window.
        let throttle_atoms = self.bonus.throttle_atoms(self.risk.depth_atoms);
        check(price.value_floor(throttle_atoms / 4) >= market.dust(), EngineError::InvalidThrottle)
    }
}
