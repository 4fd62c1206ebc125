//! One function per kind of case: reads the input, asks the engine, and sets its answer beside the expected one.

use anyhow::{Context, Result};
use bytemuck::Zeroable;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::health::Exposure;
use plimsoll_engine::interest::{INDEX_MAX, INDEX_ONE, SHARE_SHIFT};
use plimsoll_engine::liquidation::{
    bonus, plan_liquidation, repayment_step, solvent_bonus, LiquidationRequest, SaleTerms,
};
use plimsoll_engine::price::{Price, Reading, EXPONENTS};
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::{BonusTerms, MarketPolicy, OraclePolicy, RateCurve, ReserveState, RiskTerms};
use plimsoll_engine::throttle::Throttle;
use plimsoll_engine::Now;

use super::decimal::{self, ratio, usd, whole};
use super::fields::Fields;

/// One expected result beside the engine's.
pub struct Comparison {
    /// Name of the result in the case's `out`.
    pub name: String,
    pub expected: String,
    pub got: String,
    pub passed: bool,
}

/// Within what a result passes.
struct Tolerance {
    relative: BigRational,
    /// 1e-6; for results in USD, whole tokens, or no unit at all.
    absolute: BigRational,
}

/// A case ready to be judged.
pub struct Judged<'a> {
    input: Fields<'a>,
    output: Fields<'a>,
    tolerance: Tolerance,
    comparisons: Vec<Comparison>,
}

/// Evaluates a case; `None` where the engine does not have the kind yet.
pub fn evaluate(kind: &str, case: &Fields) -> Result<Option<Vec<Comparison>>> {
    let judge: fn(&mut Judged) -> Result<()> = match kind {
        "alv" => alv,
        "repay_to_target" => repay_to_target,
        "bonus" => bonus_case,
        "haircut" => haircut,
        "interest" => interest,
        "plan" => plan,
        "product_sum" | "claims" | "sequence" => return Ok(None),
        _ => return Err(case.wrong("kind", "a known kind")),
    };
    let (input, output) = (case.object("in")?, case.object("out")?);
    let relative = case.number("tol_rel")?;
    if relative.is_negative() {
        return Err(case.wrong("tol_rel", "zero or more"));
    }
    let absolute = BigRational::new(BigInt::from(1), BigInt::from(1_000_000));
    let mut judged = Judged { input, output, tolerance: Tolerance { relative, absolute }, comparisons: Vec::new() };
    judge(&mut judged)?;
    Ok(Some(judged.comparisons))
}

impl Judged<'_> {
    /// Compares an amount of atoms.
    fn atoms(&mut self, name: &str, got: u64) -> Result<()> {
        let expected = whole(self.output.integer(name)?);
        self.number(name.to_owned(), expected, whole(got), self.atoms_allowed(name)?);
        Ok(())
    }

    /// `abs_tol`: one number for all results in atoms, or one for each by name; zero where it is missing.
    fn atoms_allowed(&self, name: &str) -> Result<BigRational> {
        let allowed = match self.output.object("abs_tol") {
            Ok(each) => each.decimal_or_zero(name)?,
            Err(_) => self.output.decimal_or_zero("abs_tol")?,
        };
        Ok(allowed.rational())
    }

    /// Compares a list of amounts of atoms.
    fn atoms_list(&mut self, name: &str, got: &[u64]) -> Result<()> {
        let expected = self.output.integers(name)?;
        if expected.len() != got.len() {
            return Err(self.output.wrong(name, &format!("a list of {}", got.len())));
        }
        for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
            self.number(format!("{name}[{i}]"), whole(*expected), whole(*got), self.atoms_allowed(name)?);
        }
        Ok(())
    }

    /// Compares USD, or a number without a unit.
    fn real(&mut self, name: &str, got: BigRational) -> Result<()> {
        let expected = self.output.number(name)?;
        self.number(name.to_owned(), expected, got, self.tolerance.absolute.clone());
        Ok(())
    }

    fn number(&mut self, name: String, expected: BigRational, got: BigRational, floor: BigRational) {
        let allowed = (&self.tolerance.relative * expected.abs()).max(floor);
        let passed = (&got - &expected).abs() <= allowed;
        self.comparisons.push(Comparison {
            name,
            expected: decimal::show(&expected, 12),
            got: decimal::show(&got, 12),
            passed,
        });
    }

    /// Compares words.
    fn word(&mut self, name: &str, expected: &str, got: &str) {
        let passed = expected == got;
        self.comparisons.push(Comparison {
            name: name.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
            passed,
        });
    }
}

/// Asset liquidation value (protocol, section 1).
fn alv(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let reading = reading(input, 0)?;
    let sigma = Factor::from_bps_ceil(input.integer("sigma_bps")?);
    let curve = risk_terms(input)?.curve(price(&reading, input)?, sigma);
    let value = curve.value(input.integer("collateral_atoms")?);
    case.real("alv_usd", usd(value))
}

/// Smallest repayment that reaches the target, for linear weights (section 4.3).
fn repay_to_target(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let goal = input.value_ceil("debt_health_value")?.times_ceil(input.factor_ceil("target_health")?);
    let shortfall = goal.minus(input.value_floor("collateral_health_value")?);
    let target_weight = input.factor_ceil("target_health")?.times_floor(input.factor_ceil("debt_weight")?);
    let seized_weight = input.factor_floor("bonus_factor")?.times_floor(input.factor_floor("collateral_factor")?);
    let is_full = case.output.decimal("repay_value").is_err() && case.output.text("repay_value")? == "full";
    match (repayment_step(shortfall, target_weight, seized_weight), is_full) {
        (Some(repayment), false) => case.real("repay_value", usd(repayment)),
        (got, _) => {
            let expected = case.output.text("repay_value")?;
            let got = got.map_or("full".to_owned(), |value| decimal::show(&usd(value), 12));
            case.word("repay_value", expected, &got);
            Ok(())
        }
    }
}

/// Bonus of the moment, capped by solvency (section 4.1).
fn bonus_case(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let terms = BonusTerms {
        bonus_min_bps: input.bps("b_min")?,
        bonus_max_bps: input.bps("b_max")?,
        health_max_bonus_bps: input.bps("h_max_bonus")?,
        ..BonusTerms::zeroed()
    };
    let health = input.factor_floor("health")?;
    let earned = bonus(&terms, health, input.integer("flagged_secs")?, input.integer("auction_secs")?);
    let paid = solvent_bonus(earned, input.value_floor("collateral_value")?, input.value_ceil("debt_value")?);
    case.real("bonus", ratio(paid))
}

/// A loss shared by insurance and lenders, on a reserve built by the actions that build one (section 5.4).
fn haircut(case: &mut Judged) -> Result<()> {
    let lender_assets = case.input.integers("lender_assets")?;
    let loss_atoms = case.input.integer("loss")?;
    let mut reserve = empty_reserve();
    let supply = |atoms: &u64| reserve.supply(*atoms, 0).map_err(|error| refused("supply", error));
    let shares: Vec<u128> = lender_assets.iter().map(supply).collect::<Result<_>>()?;
    reserve.insurance_atoms = case.input.integer("insurance")?;
    let debt_shares = open_loss(&mut reserve, loss_atoms)
        .with_context(|| case.input.wrong("loss", "a loss this reserve can have"))?;
    let outcome = reserve.write_off(debt_shares);
    let left: Vec<u64> = shares.iter().map(|shares| reserve.supply_atoms_floor(*shares)).collect();
    case.atoms("insurance_paid", outcome.insurance_atoms)?;
    case.atoms("haircut_total", outcome.haircut_atoms)?;
    case.atoms_list("lender_assets", &left)
}

/// Lends the whole loss, or all cash where the loss exceeds it: the rest is then interest that grew on it and belongs to the
/// protocol, because interest that belonged to lenders would have raised their assets above the case's.
fn open_loss(reserve: &mut ReserveState, loss_atoms: u64) -> Result<u128> {
    let lent_atoms = loss_atoms.min(reserve.cash_atoms);
    let shares = reserve.lend(lent_atoms).map_err(|error| refused("lend", error))?;
    if loss_atoms > lent_atoms {
        // Rounded down and below one share of an atom short, so that the debt, rounded up, is exactly the loss.
        let index = (BigInt::from(loss_atoms) << 64) / BigInt::from(lent_atoms);
        let index =
            u128::try_from(index).ok().filter(|index| *index <= INDEX_MAX).context("grew beyond the largest index")?;
        reserve.debt_index = Word128::new(index);
        reserve.fee_accrued_atoms = loss_atoms - lent_atoms;
    }
    Ok(shares)
}

/// Interest over a list of intervals (section 6).
fn interest(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let mut reserve = empty_reserve();
    let rates = input.object("rates")?;
    reserve.rates = RateCurve {
        base_rate_bps: rates.integer("base_rate_bps")?,
        kink_utilisation_bps: rates.integer("kink_utilisation_bps")?,
        kink_rate_bps: rates.integer("kink_rate_bps")?,
        max_rate_bps: rates.integer("max_rate_bps")?,
        insurance_share_bps: rates.integer("insurance_share_bps")?,
        fee_share_bps: rates.integer("fee_share_bps")?,
    };
    reserve.cash_atoms = input.integer("cash_atoms")?;
    reserve.debt_shares = Word128::new(u128::from(input.integer("debt_atoms")?) << (SHARE_SHIFT - 64));
    reserve.insurance_atoms = input.integer_or_zero("insurance_atoms")?;
    reserve.fee_atoms = input.integer_or_zero("fee_atoms")?;
    let mut unix = reserve.accrued_at;
    for secs in input.integers("intervals_secs")? {
        unix = unix.saturating_add(i64::try_from(secs).unwrap_or(i64::MAX));
        reserve.accrue(unix);
    }
    let index = BigRational::new(BigInt::from(reserve.debt_index.get()), BigInt::from(INDEX_ONE));
    case.real("debt_index", index)?;
    case.atoms("debt_atoms", reserve.total_debt_atoms())?;
    case.atoms("lender_assets_atoms", reserve.assets_atoms())?;
    case.atoms("insurance_atoms", reserve.insurance_atoms.saturating_add(reserve.insurance_accrued_atoms))?;
    case.atoms("fee_atoms", reserve.fee_atoms.saturating_add(reserve.fee_accrued_atoms))
}

/// A liquidation of a whole position (section 4).
fn plan(case: &mut Judged) -> Result<()> {
    let input = &case.input;
    let oracle = oracle_policy(&input.object("oracle")?)?;
    let mut exposure = Exposure::default();
    for leg in input.objects("collaterals")? {
        let (mut reserve, reading) = (reserve_of(&leg, oracle)?, reading(&leg, NOW.unix)?);
        reserve.reading = reading;
        if leg.has("noticed_secs") {
            let secs = i64::try_from(leg.integer("noticed_secs")?).map_err(|_| leg.wrong("noticed_secs", "a time"))?;
            reserve.stale_noticed_at = NOW.unix.saturating_sub(secs);
        }
        let leg = reserve.collateral_leg(leg.integer("atoms")?, &reading, &NOW);
        exposure.push_collateral(leg).map_err(|error| refused("the position", error))?;
    }
    for leg in input.objects("debts")? {
        let (reserve, reading) = (reserve_of(&leg, oracle)?, reading(&leg, NOW.unix)?);
        let leg = reserve.debt_leg_of(leg.integer("owed_atoms")?, &reading, &NOW);
        exposure.push_debt(leg).map_err(|error| refused("the position", error))?;
    }
    let terms = bonus_terms(&input.object("bonus")?)?;
    let (market, request) = (market_policy(&input.object("market")?)?, request(&input.object("request")?)?);
    let cooling_until_slot = if input.has("is_cooling") && input.flag("is_cooling")? { NOW.slot } else { 0 };
    let auction_secs = input.integer_or_zero("auction_counted_secs")?;
    let standing = Standing { cooling_until_slot, auction_secs, order: None };
    let throttle = Throttle { capacity_atoms: u64::MAX, empty_in_q32: 0, window_secs: 1 };
    let sale = SaleTerms { bonus: terms, throttle };

    let planned = plan_liquidation(&exposure, &sale, &market, &standing, &request, &NOW);
    let expected_refusal = if case.output.has("refusal") { Some(case.output.text("refusal")?) } else { None };
    let (plan, None) = (
        match planned {
            Ok(plan) => plan,
            Err(error) => {
                case.word("refusal", expected_refusal.unwrap_or("none"), &format!("{error:?}"));
                return Ok(());
            }
        },
        expected_refusal,
    ) else {
        case.word("refusal", expected_refusal.unwrap_or("none"), "none");
        return Ok(());
    };
    case.atoms("repay_atoms", plan.repay_atoms)?;
    case.atoms("seize_atoms", plan.seize_atoms)?;
    case.atoms("fee_atoms", plan.fee_atoms)?;
    case.real("gross_factor", ratio(plan.gross_factor))?;
    case.real("health_before", ratio(plan.health_before))?;
    case.real("health_after", ratio(plan.health_after))?;
    for (name, got) in [
        ("is_terminal", plan.is_terminal),
        ("closes_debt", plan.closes_debt),
        ("takes_last_collateral", plan.takes_last_collateral),
    ] {
        let expected = case.output.flag(name)?;
        case.word(name, &expected.to_string(), &got.to_string());
    }
    Ok(())
}

/// The moment of a plan; only differences to it matter.
const NOW: Now = Now { unix: 1_000_000_000, slot: 1_000 };

/// A reserve without limits.
fn empty_reserve() -> ReserveState {
    let mut reserve = ReserveState::zeroed();
    reserve.debt_index = Word128::new(INDEX_ONE);
    reserve.caps.supply_atoms = u64::MAX;
    reserve.caps.borrow_atoms = u64::MAX;
    reserve
}

/// The reserve behind a leg of a plan.
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

/// The risk terms that a case names; what it leaves out is zero, or neutral where zero is not allowed.
fn risk_terms(input: &Fields) -> Result<RiskTerms> {
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

fn bonus_terms(input: &Fields) -> Result<BonusTerms> {
    Ok(BonusTerms {
        bonus_min_bps: input.integer("bonus_min_bps")?,
        bonus_max_bps: input.integer("bonus_max_bps")?,
        health_max_bonus_bps: input.integer("health_max_bonus_bps")?,
        fee_share_bps: input.integer("fee_share_bps")?,
        ..BonusTerms::zeroed()
    })
}

fn market_policy(input: &Fields) -> Result<MarketPolicy> {
    let Value(dust) = input.value_floor("dust_usd")?;
    Ok(MarketPolicy {
        target_health_bps: input.integer("target_health_bps")?,
        dust_value: u64::try_from(dust).map_err(|_| input.wrong("dust_usd", "at most 18 billion USD"))?,
        bonus_default_bps: input.integer("bonus_default_bps")?,
        auction_secs: input.integer("auction_secs")?,
        ..MarketPolicy::zeroed()
    })
}

fn oracle_policy(input: &Fields) -> Result<OraclePolicy> {
    Ok(OraclePolicy {
        liquidate_age_secs: input.integer("liquidate_age_secs")?,
        confidence_soft_bps: input.integer("confidence_soft_bps")?,
        confidence_hard_bps: input.integer("confidence_hard_bps")?,
        stale_secs: input.integer("stale_secs")?,
        dead_secs: input.integer("dead_secs")?,
        ..OraclePolicy::zeroed()
    })
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

/// Price and confidence of a leg, at the exponent an oracle would choose for both.
fn reading(input: &Fields, now: i64) -> Result<Reading> {
    let (price, confidence) = (input.decimal("price")?, input.decimal_or_zero("confidence")?);
    let exponent = price.exponent.min(confidence.exponent).min(*EXPONENTS.end());
    let number = |name: &str, decimal: &decimal::Decimal| {
        decimal
            .number_at(exponent)
            .filter(|_| EXPONENTS.contains(&exponent))
            .ok_or_else(|| input.wrong(name, "a price of at most 18 decimals and 64 bits"))
    };
    let price = number("price", &price)?;
    let age_secs = i64::try_from(input.integer_or_zero("age_secs")?).map_err(|_| input.wrong("age_secs", "an age"))?;
    Ok(Reading {
        price,
        average: price,
        confidence: number("confidence", &confidence)?,
        publish_time: now.saturating_sub(age_secs),
        exponent,
        ..Reading::default()
    })
}

fn price(reading: &Reading, input: &Fields) -> Result<Price> {
    Ok(reading.price_of(reading.price, input.decimals("decimals")?))
}

fn refused(action: &str, error: EngineError) -> anyhow::Error {
    anyhow::anyhow!("{action} was refused: {error:?}")
}
