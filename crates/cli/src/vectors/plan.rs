//! Kind `plan`: a liquidation of a whole position (section 4).

use anyhow::Result;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::health::Exposure;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest, SaleTerms};
use plimsoll_engine::price::Reading;
use plimsoll_engine::standing::{ProtectionOrder, Standing};
use plimsoll_engine::state::{OraclePolicy, ReserveState};
use plimsoll_engine::throttle::Throttle;
use plimsoll_engine::Now;

use super::decimal::{ratio, whole};
use super::fields::Fields;
use super::judged::Judged;
use super::kinds::{empty_reserve, refused};
use super::terms::{bonus_terms, market_policy, oracle_policy, reading, risk_terms};

/// The moment of a plan; only differences to it matter.
const NOW: Now = Now { unix: 1_000_000_000, slot: 1_000 };

/// Plans the liquidation and compares it, or its refusal.
pub fn judge(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let (exposure, prices) = exposure(input)?;
    let (market, request) = (market_policy(&input.object("market")?)?, request(&input.object("request")?)?);
    let cooling_until_slot = if input.has("is_cooling") && input.flag("is_cooling")? { NOW.slot } else { 0 };
    let auction_secs = input.integer_or_zero("auction_counted_secs")?;
    let order = if input.has("protection") { Some(order(&input.object("protection")?, prices)?) } else { None };
    let standing = Standing { cooling_until_slot, auction_secs, order, ..Standing::default() };
    let unlimited = Throttle { capacity_atoms: u64::MAX, empty_in_q32: 0, window_secs: 1 };
    let throttle = if input.has("throttle") { throttle(&input.object("throttle")?)? } else { unlimited };
    let sale = SaleTerms { bonus: bonus_terms(&input.object("bonus")?)?, throttle };

    let planned = plan_liquidation(&exposure, &sale, &market, &standing, &request, &NOW);
    let expected_refusal = if case.output.has("refusal") { Some(case.output.text("refusal")?) } else { None };
    match (planned, expected_refusal) {
        (Ok(plan), None) => compare(case, &plan),
        (planned, expected) => {
            let got = planned.map_or_else(|error| format!("{error:?}"), |_| "none".to_owned());
            case.word("refusal", expected.unwrap_or("none"), &got);
            Ok(())
        }
    }
}

fn compare(case: &mut Judged, plan: &LiquidationPlan) -> Result<()> {
    case.atoms("repay_atoms", plan.repay_atoms)?;
    case.atoms("seize_atoms", plan.seize_atoms)?;
    case.atoms("fee_atoms", plan.fee_atoms)?;
    case.real("gross_factor", ratio(plan.gross_factor))?;
    case.real("health_before", ratio(plan.health_before))?;
    case.real("health_after", ratio(plan.health_after))?;
    case.truth("is_terminal", plan.is_terminal)?;
    case.truth("closes_debt", plan.closes_debt)?;
    case.truth("takes_last_collateral", plan.takes_last_collateral)?;
    // Younger than the kind: cases may leave them out.
    for (name, got) in [("is_throttled", plan.is_throttled), ("is_protection", plan.is_protection)] {
        if case.output.has(name) {
            case.truth(name, got)?;
        }
    }
    if case.output.has("throttle_left_atoms") {
        case.atoms("throttle_left_atoms", plan.allowance.left_atoms)?;
    }
    Ok(())
}

/// All legs, and whether their prices may open risk.
fn exposure(input: &Fields) -> Result<(Exposure, plimsoll_engine::Result<()>)> {
    let oracle = oracle_policy(&input.object("oracle")?)?;
    let mut exposure = Exposure::default();
    let mut prices = Ok(());
    // The average of a case is its price: age and confidence decide.
    let mut judge = |reading: &Reading| prices = prices.and(oracle.permit_borrow(reading, &NOW));
    for leg in input.objects("collaterals")? {
        let (mut reserve, reading) = (reserve_of(&leg, oracle)?, reading(&leg, NOW.unix)?);
        reserve.reading = reading;
        if leg.has("noticed_secs") {
            let secs = i64::try_from(leg.integer("noticed_secs")?).map_err(|_| leg.wrong("noticed_secs", "a time"))?;
            reserve.stale_noticed_at = NOW.unix.saturating_sub(secs);
        }
        let leg = reserve.collateral_leg(leg.integer("atoms")?, &reading, &NOW);
        exposure.push_collateral(leg).map_err(|error| refused("the position", error))?;
        judge(&reading);
    }
    for leg in input.objects("debts")? {
        let (reserve, reading) = (reserve_of(&leg, oracle)?, reading(&leg, NOW.unix)?);
        let leg = reserve.debt_leg_of(leg.integer("owed_atoms")?, &reading, &NOW);
        exposure.push_debt(leg).map_err(|error| refused("the position", error))?;
        judge(&reading);
    }
    Ok((exposure, prices))
}

/// The reserve behind a leg.
fn reserve_of(leg: &Fields, oracle: OraclePolicy) -> Result<ReserveState> {
    let mut reserve = empty_reserve();
    reserve.decimals = leg.decimals("decimals")?;
    reserve.oracle_policy = oracle;
    reserve.risk = risk_terms(leg)?;
    // Volatility is what the case says it is.
    let sigma = Factor::from_bps_ceil(leg.integer("sigma_bps")?);
    (reserve.risk.sigma_floor_bps, reserve.risk.sigma_cap_bps) = (0, u64::MAX >> 14);
    reserve.volatility.sigma_q40 = sigma.0;
    reserve.volatility.sigma_maintenance_q40 = sigma.0;
    // No reading of a case is new enough to be a sample.
    reserve.volatility.sampled_at = NOW.unix;
    Ok(reserve)
}

fn order(input: &Fields, prices: Result<(), EngineError>) -> Result<ProtectionOrder> {
    let trigger = Factor::from_bps_floor(input.integer("trigger_bps")?);
    let bonus = Factor::from_bps_floor(input.integer("bonus_bps")?);
    Ok(ProtectionOrder { trigger, bonus, refusal: prices.err() })
}

/// The throttle, filled to a level or so that it is empty after a time.
fn throttle(input: &Fields) -> Result<Throttle> {
    let capacity_atoms = input.integer("capacity_atoms")?;
    let window_secs = input.integer("window_secs")?;
    let (name, secs) = if input.has("level_atoms") {
        if capacity_atoms == 0 {
            return Err(input.wrong("capacity_atoms", "at least 1"));
        }
        // Linear: the level is to the capacity what the time is to the window.
        let part = BigRational::new(input.integer("level_atoms")?.into(), capacity_atoms.into());
        ("level_atoms", part * whole(window_secs))
    } else {
        ("empty_in_secs", input.decimal_or_zero("empty_in_secs")?.rational())
    };
    // Down: a level comes back as itself, because it is rounded up.
    let q32 = (secs * BigRational::from_integer(BigInt::from(1u64 << 32))).to_integer().to_u64();
    let empty_in_q32 = q32.ok_or_else(|| input.wrong(name, "at most 136 years to empty"))?;
    Ok(Throttle { capacity_atoms, empty_in_q32, window_secs })
}

fn request(input: &Fields) -> Result<LiquidationRequest> {
    let slot = |name: &str| -> Result<usize> {
        usize::try_from(input.integer(name)?).map_err(|_| input.wrong(name, "a slot"))
    };
    Ok(LiquidationRequest {
        collateral: slot("collateral")?,
        debt: slot("debt")?,
        repay_max_atoms: input.integer("repay_max_atoms")?,
        seize_min_atoms: input.integer_or_zero("seize_min_atoms")?,
    })
}
