//! Terms, policies and prices, as several kinds of case name them.

use anyhow::Result;
use bytemuck::Zeroable;
use plimsoll_engine::fixed::Value;
use plimsoll_engine::price::{Reading, EXPONENTS};
use plimsoll_engine::state::{BonusTerms, MarketPolicy, OraclePolicy, RateCurve, RiskTerms};

use super::decimal::Decimal;
use super::fields::Fields;

/// The risk terms that a case names; what it leaves out is zero, or neutral where zero is not allowed.
pub fn risk_terms(input: &Fields) -> Result<RiskTerms> {
    Ok(RiskTerms {
        maintenance_bps: input.integer_or_zero("maintenance_bps")?,
        debt_weight_bps: input.integer_or_zero("debt_weight_bps")?,
        z_x100: input.integer("z_x100")?,
        horizon_secs: input.integer("tau_secs")?,
        spread_bps: input.integer_or_zero("spread_bps")?,
        impact_sqrt_bps: input.integer_or_zero("impact_sqrt_bps")?,
        depth_atoms: input.integer_or_zero("depth_atoms")?,
        depth_floor_atoms: 1,
        sigma_ref_bps: input.integer_or_zero("sigma_ref_bps")?,
        ..RiskTerms::zeroed()
    })
}

/// What a liquidator earns; the throttle is the caller's to fill.
pub fn bonus_terms(input: &Fields) -> Result<BonusTerms> {
    Ok(BonusTerms {
        bonus_min_bps: input.integer("bonus_min_bps")?,
        bonus_max_bps: input.integer("bonus_max_bps")?,
        health_max_bonus_bps: input.integer("health_max_bonus_bps")?,
        fee_share_bps: input.integer("fee_share_bps")?,
        ..BonusTerms::zeroed()
    })
}

/// What a liquidation asks of the market.
pub fn market_policy(input: &Fields) -> Result<MarketPolicy> {
    let Value(dust) = input.value_floor("dust_usd")?;
    Ok(MarketPolicy {
        target_health_bps: input.integer("target_health_bps")?,
        dust_value: u64::try_from(dust).map_err(|_| input.wrong("dust_usd", "at most 18 billion USD"))?,
        bonus_default_bps: input.integer("bonus_default_bps")?,
        auction_secs: input.integer("auction_secs")?,
        ..MarketPolicy::zeroed()
    })
}

/// When a price may liquidate; the age that may open risk is the same where the case does not name it.
pub fn oracle_policy(input: &Fields) -> Result<OraclePolicy> {
    let liquidate_age_secs = input.integer("liquidate_age_secs")?;
    let borrow_age_secs =
        if input.has("borrow_age_secs") { input.integer("borrow_age_secs")? } else { liquidate_age_secs };
    Ok(OraclePolicy {
        borrow_age_secs,
        liquidate_age_secs,
        confidence_soft_bps: input.integer("confidence_soft_bps")?,
        confidence_hard_bps: input.integer("confidence_hard_bps")?,
        stale_secs: input.integer("stale_secs")?,
        dead_secs: input.integer("dead_secs")?,
        ..OraclePolicy::zeroed()
    })
}

/// Interest and where it goes.
pub fn rate_curve(input: &Fields) -> Result<RateCurve> {
    Ok(RateCurve {
        base_rate_bps: input.integer("base_rate_bps")?,
        kink_utilisation_bps: input.integer("kink_utilisation_bps")?,
        kink_rate_bps: input.integer("kink_rate_bps")?,
        max_rate_bps: input.integer("max_rate_bps")?,
        insurance_share_bps: input.integer("insurance_share_bps")?,
        fee_share_bps: input.integer("fee_share_bps")?,
    })
}

/// Price, average (the price where missing) and confidence. With as many decimals as fit, because the engine rounds limits of
/// confidence to the last digit of the price, and a case may write `122` where an oracle publishes `12200000000`.
pub fn reading(input: &Fields, now: i64) -> Result<Reading> {
    let (price, confidence) = (input.decimal("price")?, input.decimal_or_zero("confidence")?);
    let average = if input.has("average") { input.decimal("average")? } else { price.clone() };
    let exponent = price.exponent.min(average.exponent).min(confidence.exponent).min(*EXPONENTS.end());
    let number = |name: &str, decimal: &Decimal| {
        decimal
            .number_at(exponent)
            .filter(|_| EXPONENTS.contains(&exponent))
            .ok_or_else(|| input.wrong(name, "a price of at most 18 decimals and 64 bits"))
    };
    let least = [number("price", &price)?, number("average", &average)?, number("confidence", &confidence)?];
    let age_secs = i64::try_from(input.integer_or_zero("age_secs")?).map_err(|_| input.wrong("age_secs", "an age"))?;
    let ([price, average, confidence], exponent) = finest(least, exponent);
    Ok(Reading {
        price,
        average,
        confidence,
        publish_time: now.saturating_sub(age_secs),
        exponent,
        ..Reading::default()
    })
}

/// The same numbers at the lowest exponent at which all of them are still what an oracle can publish, 63 bits.
fn finest(numbers: [u64; 3], exponent: i32) -> ([u64; 3], i32) {
    let fits = |number: &u64| number.checked_mul(10).is_some_and(|number| i64::try_from(number).is_ok());
    if exponent > *EXPONENTS.start() && numbers.iter().all(fits) {
        finest(numbers.map(|number| number * 10), exponent - 1)
    } else {
        (numbers, exponent)
    }
}
