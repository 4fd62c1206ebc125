//! What `backstop_liquidate` does: the plan of `liquidate`, with the pool as its buyer.
//!
//! The pool acts later than liquidators do, at the bonus they were offered and did not take: below the trigger health, or
//! when the position could have been liquidated for the trigger time. (After two auction times the flag is dead, and with it
//! that trigger.) Providers do not choose the moment, the caller does: so the caller chooses no amount either, prices must
//! be better than a liquidator's, and the pool pays no fee. It is asked to stand in for insurance, not to pay it.
//!
//! ```text
//!   repayment  = sized as any, bounded by the deposits but for the last atom, and by what the concentration cap takes
//!   seized     = gain (the pool's) + tip (the caller's)      tip = floor(share * (seized - what was repaid, in collateral))
//! ```
//!
//! The tip is a part of what was seized beyond the repayment, so what the pool receives is never worth less than what it
//! spends, at the prices of the plan.

use crate::error::{EngineError, Result};
use crate::fixed::{Factor, BPS};
use crate::health::Exposure;
use crate::liquidation::{plan_within, Bounds, LiquidationPlan, SaleTerms};
use crate::policy::{bps_of, check};
use crate::standing::Standing;
use crate::state::*;
use crate::transitions::apply_liquidation;
use crate::Now;

/// What the caller of `backstop_liquidate` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsorptionRequest {
    /// Collateral to seize, index of its slot in the position.
    pub collateral: usize,
    /// Debt to repay, index of its slot in the position.
    pub debt: usize,
    /// Least tip the caller wants, atoms of collateral.
    pub tip_min_atoms: u64,
}

/// The pool as a buyer of one pair.
#[derive(Clone, Copy, Debug)]
pub struct Buyer<'a> {
    /// The pool, of the debt's reserve.
    pub pool: &'a BackstopState,
    /// Slot of the collateral in the pool.
    pub slot: usize,
    /// Whether the readings of both tokens of the pair are good enough: [`OraclePolicy::permit_absorption`].
    pub prices: Result<()>,
}

/// What a purchase by the backstop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsorptionPlan {
    /// The liquidation, without a fee.
    pub trade: LiquidationPlan,
    /// What of the seized collateral is the providers', atoms.
    pub gain_atoms: u64,
    /// What of it is the caller's, atoms. Rounded down.
    pub tip_atoms: u64,
}

/// Whether the position is the backstop's business by now.
fn require_triggered(policy: &BackstopPolicy, health: Factor, standing: &Standing) -> Result<()> {
    // A dead flag counts no time.
    let is_urgent = health < Factor::from_bps_floor(policy.trigger_health_bps);
    let is_late = policy.trigger_secs > 0 && standing.auction_secs >= policy.trigger_secs;
    check(is_urgent || is_late, EngineError::BackstopNotTriggered)
}

/// Plans one purchase by the backstop.
///
/// # Errors
/// In this order: `StalePrice` or `ConfidenceTooWide`, `CollateralNotOptedIn` (which the program finds before, when it looks
/// for the slot), `Healthy`, `BackstopNotTriggered`,
/// `BackstopEmpty`, `ConcentrationCapReached`, those of [`plan_liquidation`](crate::liquidation::plan_liquidation) (but for
/// `ZeroAmount`), `TipBelowMin`, `GainTooLarge`, `AmountTooLarge`.
pub fn plan_absorption(
    buyer: &Buyer,
    exposure: &Exposure,
    sale: &SaleTerms,
    market: &MarketPolicy,
    standing: &Standing,
    request: &AbsorptionRequest,
    now: &Now,
) -> Result<AbsorptionPlan> {
    let Buyer { pool, slot, prices } = *buyer;
    prices?;
    let held = pool.collaterals().get(slot).ok_or(EngineError::CollateralNotOptedIn)?;
    let health = exposure.health();
    // A protection order is the borrower's bargain with keepers; the pool's business begins below one.
    check(health < Factor::ONE, EngineError::Healthy)?;
    require_triggered(&pool.policy, health, standing)?;
    let bounds = Bounds {
        repay_max_atoms: pool.spendable_atoms(),
        seize_max_atoms: held.cap_at(now).saturating_sub(held.atoms),
    };
    check(bounds.repay_max_atoms > 0, EngineError::BackstopEmpty)?;
    check(bounds.seize_max_atoms > 0, EngineError::ConcentrationCapReached)?;
    let pair = (request.collateral, request.debt);
    let trade = plan_within(&bounds, exposure, sale, market, standing, pair, now)?;
    let trade = LiquidationPlan { fee_atoms: 0, ..trade };
    let tip_atoms = tip(&trade, exposure, pair, pool.policy.tip_share_bps)?;
    check(tip_atoms >= request.tip_min_atoms, EngineError::TipBelowMin)?;
    let gain_atoms = trade.seize_atoms - tip_atoms;
    pool.require_offset(slot, trade.repay_atoms, gain_atoms)?;
    Ok(AbsorptionPlan { trade, gain_atoms, tip_atoms })
}

/// The caller's share of what is seized beyond the repayment, rounded down, atoms of collateral.
fn tip(trade: &LiquidationPlan, exposure: &Exposure, (i, j): (usize, usize), share_bps: u64) -> Result<u64> {
    let collateral = exposure.collaterals().get(i).ok_or(EngineError::LegMismatch)?;
    let debt = exposure.debts().get(j).ok_or(EngineError::LegMismatch)?;
    let repaid = collateral.price.atoms_ceil(debt.price.value_ceil(trade.repay_atoms));
    let bonus = trade.seize_atoms.saturating_sub(repaid);
    Ok(bps_of(bonus, share_bps.min(BPS)))
}

/// A purchase by the backstop: the position, both reserves' ledgers and the pool change together, all or nothing.
///
/// The tip is no ledger's afterwards: the caller is paid it from the collateral vault.
///
/// # Errors
/// Those of the single steps; state must be discarded then, as a failed transaction does.
pub fn apply_absorption(
    plan: &AbsorptionPlan,
    position: &mut PositionState,
    slots: (usize, usize),
    (seized, repaid): (&mut ReserveState, &mut ReserveState),
    (pool, pool_slot): (&mut BackstopState, usize),
    market: &MarketPolicy,
    now: &Now,
) -> Result<()> {
    pool.offset(pool_slot, plan.trade.repay_atoms, plan.gain_atoms)?;
    repaid.give_backstop(plan.trade.repay_atoms)?;
    seized.receive_backstop_gain(plan.gain_atoms)?;
    apply_liquidation(&plan.trade, position, slots, (seized, repaid), market, now)
}
