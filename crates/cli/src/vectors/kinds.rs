//! One function per kind of case: reads the input, asks the engine, and sets its answer beside the expected one.

use anyhow::{Context, Result};
use bytemuck::Zeroable;
use num_bigint::BigInt;
use num_rational::BigRational;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Word128};
use plimsoll_engine::interest::{INDEX_MAX, INDEX_ONE, SHARE_SHIFT};
use plimsoll_engine::liquidation::{bonus, repayment_step, solvent_bonus};
use plimsoll_engine::price::{Price, Reading};
use plimsoll_engine::state::{BonusTerms, ReserveState};

use super::decimal::{self, ratio, usd};
use super::fields::Fields;
use super::judged::{Comparison, Judged};
use super::terms::{rate_curve, reading, risk_terms};
use super::{claims, plan, product_sum, sequence};

/// Evaluates a case.
pub fn evaluate(kind: &str, case: &Fields) -> Result<Vec<Comparison>> {
    let judge: fn(&mut Judged) -> Result<()> = match kind {
        "alv" => alv,
        "repay_to_target" => repay_to_target,
        "bonus" => bonus_case,
        "haircut" => haircut,
        "interest" => interest,
        "plan" => plan::judge,
        "sequence" => sequence::judge,
        "product_sum" => product_sum::judge,
        "claims" => claims::judge,
        _ => return Err(case.wrong("kind", "a known kind")),
    };
    let mut judged = Judged::new(case)?;
    judge(&mut judged)?;
    Ok(judged.into_comparisons())
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
    reserve.rates = rate_curve(&input.object("rates")?)?;
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

/// A reserve without limits.
pub fn empty_reserve() -> ReserveState {
    let mut reserve = ReserveState::zeroed();
    reserve.debt_index = Word128::new(INDEX_ONE);
    reserve.caps.supply_atoms = u64::MAX;
    reserve.caps.borrow_atoms = u64::MAX;
    reserve
}

fn price(reading: &Reading, input: &Fields) -> Result<Price> {
    Ok(reading.price_of(reading.price, input.decimals("decimals")?))
}

/// A refusal where a case should have none.
pub fn refused(action: &str, error: EngineError) -> anyhow::Error {
    anyhow::anyhow!("{action} was refused: {error:?}")
}
