//! The market of a sequence: policy, reserves as `create_reserve` makes them, and people.

use anyhow::Result;
use bytemuck::Zeroable;
use plimsoll_engine::governance::depth::DEPTH_VALID_SECS_MAX;
use plimsoll_engine::state::{
    Caps, InitialTerms, MarketPolicy, OraclePolicy, ReserveConfig, ReserveState, RiskTerms, ORACLE_PYTH_PULL,
};
use plimsoll_engine::transitions::configure_reserve;
use plimsoll_engine::Now;

use super::super::fields::Fields;
use super::super::terms;
use super::actions::checked_reading;
use super::market::Market;
use super::BEGINNING;

/// The market at its beginning.
pub fn market(input: &Fields) -> Result<Market> {
    let fields = input.object("market")?;
    let policy = policy(&fields)?;
    policy.validate().map_err(|error| anyhow::anyhow!("{} was refused: {error:?}", fields.place()))?;
    let mut market = Market::new(policy);
    for fields in input.objects("reserves")? {
        let name = name(&fields, "name", &market)?;
        market.add_reserve(name, reserve(&fields, &policy, &BEGINNING)?);
    }
    for fields in input.texts("people")? {
        require_name(input, "people", fields, &market)?;
        market.add_person(fields.to_owned());
    }
    Ok(market)
}

/// A new name of a result: no dot, because results are named `who.what`.
fn name(fields: &Fields, field: &str, market: &Market) -> Result<String> {
    let text = fields.text(field)?;
    require_name(fields, field, text, market)?;
    Ok(text.to_owned())
}

fn require_name(fields: &Fields, field: &str, text: &str, market: &Market) -> Result<()> {
    let is_taken = market.reserve_index(text).is_some() || market.person_index(text).is_some();
    if text.is_empty() || text.contains('.') || is_taken {
        return Err(fields.wrong(field, "names without a dot, each once"));
    }
    Ok(())
}

/// What no action of a sequence reads stands at usual values.
fn policy(input: &Fields) -> Result<MarketPolicy> {
    Ok(MarketPolicy {
        call_level_bps: input.integer("call_level_bps")?,
        cool_off_slots: input.integer("cool_off_slots")?,
        sighting_secs: input.integer("sighting_secs")?,
        recovery_margin_bps: 1_000,
        loosen_delay_secs: 172_800,
        proposal_life_secs: 259_200,
        pause_max_secs: 86_400,
        liquidation_pause_max_secs: 3_600,
        provision_release_bps_per_hour: 1_000,
        ..terms::market_policy(input)?
    })
}

fn reserve(input: &Fields, policy: &MarketPolicy, now: &Now) -> Result<ReserveState> {
    let reading = checked_reading(input, now)?
        .map_err(|error| anyhow::anyhow!("the price of {} was refused: {error:?}", input.place()))?;
    let mut reserve = ReserveState::zeroed();
    reserve.decimals = input.decimals("decimals")?;
    configure_reserve(&mut reserve, &config(input)?, policy, &reading, now)
        .map_err(|error| anyhow::anyhow!("{} was refused: {error:?}", input.place()))?;
    Ok(reserve)
}

fn config(input: &Fields) -> Result<ReserveConfig> {
    let (risk, initial, bonus) = (input.object("risk")?, input.object("initial")?, input.object("bonus")?);
    let (oracle, caps) = (input.object("oracle")?, input.object("caps")?);
    Ok(ReserveConfig {
        oracle_kind: u64::from(ORACLE_PYTH_PULL),
        oracle: [0; 32],
        risk: RiskTerms {
            depth_floor_atoms: risk.integer("depth_floor_atoms")?,
            sigma_floor_bps: risk.integer("sigma_floor_bps")?,
            sigma_cap_bps: risk.integer("sigma_cap_bps")?,
            sigma_rise_bps_per_hour: risk.integer("sigma_rise_bps_per_hour")?,
            ..terms::risk_terms(&risk)?
        },
        initial: InitialTerms {
            initial_bps: initial.integer("initial_bps")?,
            debt_weight_bps: initial.integer("debt_weight_bps")?,
            ..InitialTerms::zeroed()
        },
        bonus: plimsoll_engine::state::BonusTerms {
            throttle_share_bps: bonus.integer("throttle_share_bps")?,
            throttle_window_secs: bonus.integer("throttle_window_secs")?,
            ..terms::bonus_terms(&bonus)?
        },
        oracle_policy: OraclePolicy {
            borrow_age_secs: oracle.integer("borrow_age_secs")?,
            ema_band_bps: oracle.integer("ema_band_bps")?,
            sample_secs: oracle.integer("sample_secs")?,
            ..terms::oracle_policy(&oracle)?
        },
        rates: terms::rate_curve(&input.object("rates")?)?,
        caps: Caps {
            supply_atoms: caps.integer("supply_atoms")?,
            borrow_atoms: caps.integer("borrow_atoms")?,
            collateral_atoms: caps.integer("collateral_atoms")?,
            rescue_allowance_bps: caps.integer("rescue_allowance_bps")?,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: input.integer("sigma_bps")?,
        // No sequence lasts as long.
        depth_valid_secs: DEPTH_VALID_SECS_MAX,
    })
}
