//! The liquidation plan: whether, at which bonus, how much (protocol, section 4).
//!
//! One function answers the action, the quote, the keeper and the simulator. It reads top to bottom in the order the
//! errors are reported: pause, price, health, cool-off, bonus and pair rule, size, limits of the caller.

use crate::error::{EngineError, Result};
use crate::fixed::{div_floor, mul_div_floor, product, saturate, widen, Factor, Value, BPS, FACTOR_BITS};
use crate::health::{CollateralLeg, DebtLeg, Exposure};
use crate::recovery::{RecoverySale, SalePrice};
use crate::standing::Standing;
use crate::state::{BonusTerms, MarketPolicy, ReserveState, MAX_DEBTS};
use crate::throttle::{urgency, Allowance, Throttle};
use crate::Now;

/// What the caller of `liquidate` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidationRequest {
    /// Collateral to seize, index of its slot.
    pub collateral: usize,
    /// Debt to repay, index of its slot.
    pub debt: usize,
    /// Hard bound on the repayment (the fee comes on top), atoms.
    pub repay_max_atoms: u64,
    /// Least collateral the caller wants, atoms.
    pub seize_min_atoms: u64,
}

/// What of the seized reserve, beyond its leg, a liquidation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleTerms {
    /// Bonus of the collateral.
    pub bonus: BonusTerms,
    /// Its sales throttle.
    pub throttle: Throttle,
}

impl ReserveState {
    /// What a liquidation that seizes this token looks at, beyond the leg.
    pub fn sale_terms(&self, now: &Now) -> SaleTerms {
        SaleTerms { bonus: self.bonus, throttle: self.throttle_at(now) }
    }
}

/// What a liquidation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidationPlan {
    /// Debt atoms the liquidator repays. Rounded up.
    pub repay_atoms: u64,
    /// Collateral atoms the liquidator receives. Rounded down.
    pub seize_atoms: u64,
    /// Debt atoms the liquidator adds for the insurance of the repaid reserve. Rounded down.
    pub fee_atoms: u64,
    /// lb: what is seized for one unit repaid, by value.
    pub gross_factor: Factor,
    /// Maintenance health before.
    pub health_before: Factor,
    /// Maintenance health after.
    pub health_after: Factor,
    /// The position cannot be made healthy: closed fully, at the default bonus.
    pub is_terminal: bool,
    /// The position is healthy, and its owner's protection order allows this.
    pub is_protection: bool,
    /// The throttle left less than was wanted.
    pub is_throttled: bool,
    /// What the throttle left before; nothing is asked of it in the terminal state.
    pub allowance: Allowance,
    /// No collateral of this position is left.
    pub takes_last_collateral: bool,
    /// Nothing of this debt is left.
    pub closes_debt: bool,
    /// V before.
    pub collateral_value: Value,
    /// D before.
    pub debt_value: Value,
    /// Where a terminal position has several debts: each one's part of the debt value, Q40. Zeros elsewhere.
    pub debt_shares_q40: [u64; MAX_DEBTS],
}

impl LiquidationPlan {
    /// Whether this counts as time in which the position could be liquidated: the throttle left what was wanted, or at
    /// least half of this position's share.
    pub fn could_sell(&self) -> bool {
        !self.is_throttled || self.allowance.left_atoms >= self.allowance.share_atoms.div_ceil(2)
    }
}

/// The larger of health-linear and time-linear bonus (protocol, section 4.1). Rounded down.
///
/// Linear in health: `bonus_min` at 1, `bonus_max` at `health_max_bonus`. Linear in time: from
/// `bonus_min` to `bonus_max` over the auction.
pub fn bonus(terms: &BonusTerms, health: Factor, liquidatable_secs: u64, auction_secs: u64) -> Factor {
    let (least, most) = (Factor::from_bps_floor(terms.bonus_min_bps), Factor::from_bps_floor(terms.bonus_max_bps));
    let span = most.minus(least);
    let health_span = Factor::ONE.minus(Factor::from_bps_floor(terms.health_max_bonus_bps));
    let by = |along: u128, whole: u128| {
        least.plus(Factor(mul_div_floor(widen(span.0), along.min(whole), whole).map_or(span.0, saturate)))
    };
    let by_health = by(widen(Factor::ONE.minus(health).0), widen(health_span.0));
    by_health.max(by(widen(liquidatable_secs), widen(auction_secs)))
}

/// `min(bonus, V/D - 1)`: never more than the collateral pays for. Rounded down, at least zero.
pub fn solvent_bonus(bonus: Factor, collateral_value: Value, debt_value: Value) -> Factor {
    bonus.min(collateral_value.of_floor(debt_value).minus(Factor::ONE))
}

/// The Newton step of sizing, and its whole where weights are linear: `shortfall / (T*W - lb*m*slope)`, rounded up.
///
/// For linear weights (`slope` one) and the shortfall `T*D_w - C` this is the closed form of protocol section 4.3.
/// `None` where a repayment does not raise health toward the target.
pub fn repayment_step(shortfall: Value, target_weight: Factor, seized_weight: Factor) -> Option<Value> {
    let gain = target_weight.0.checked_sub(seized_weight.0).filter(|gain| *gain > 0)?;
    Some(shortfall.over_ceil(Factor(gain)))
}

/// Most Newton steps. Three reach 1e-9 of a usual target; four are needed where the target is as high as 2.
const STEPS_MAX: u32 = 5;

/// Smallest repayment (by value) that brings health to the target, `None` where this pair cannot. Given are C and D_w.
///
/// With v the repayment, `G(v) = C_others + m*ALV(q - lb*v/p) - T*(D_w - W*v)` is concave and rising: its slope is
/// `T*W - m*lb*s`, s = ALV'/p <= 1, and `lb*m < 1 <= T*W`. Newton from v = 0 therefore stays left of the root (the tangent
/// of a concave function lies above it): a step never over-seizes.
fn repayment_to_target(pair: &Pair, (collateral, debt): (Value, Value), target: Factor) -> Option<Value> {
    let target_weight = target.times_floor(pair.debt.weight);
    let seized_factor = pair.collateral.maintenance.times_floor(pair.gross_factor);
    let others = collateral.minus(pair.collateral.weighted());
    let goal = debt.times_ceil(target);
    // One part in 2^32 of the goal: below any tolerance, above the noise of the curve.
    let close_enough = Value(goal.0 >> 32);
    let mut repayment = Value::ZERO;
    for _ in 0..STEPS_MAX {
        let seized = pair.seize_for_value(repayment);
        let left = pair.collateral.atoms.checked_sub(seized).filter(|left| *left > 0 || seized == 0)?;
        let curve = &pair.collateral.curve;
        let ratio = curve.ratio(left);
        let alv = curve.value_at(&ratio).times_floor(pair.collateral.maintenance);
        let reached = others.plus(alv).plus(repayment.times_floor(target_weight));
        let shortfall = goal.minus(reached);
        if shortfall <= close_enough {
            break;
        }
        let seized_weight = seized_factor.times_floor(curve.slope_at(&ratio));
        let step = repayment_step(shortfall, target_weight, seized_weight)?;
        repayment = repayment.plus(step);
    }
    Some(repayment)
}

/// The two legs of the trade and the price between them.
struct Pair<'a> {
    collateral: &'a CollateralLeg,
    debt: &'a DebtLeg,
    gross_factor: Factor,
}

/// A trade before the caller's limits, atoms.
struct Size {
    repay: u64,
    seize: u64,
    /// Less than was wanted.
    is_cut: bool,
}

impl Pair<'_> {
    /// Collateral atoms for a repaid value, rounded down.
    fn seize_for_value(&self, repaid: Value) -> u64 {
        self.collateral.price.atoms_floor(repaid.times_floor(self.gross_factor))
    }

    /// Collateral atoms for a repayment, rounded down.
    fn seize_for(&self, repay_atoms: u64) -> u64 {
        self.seize_for_value(self.debt.price.value_floor(repay_atoms))
    }

    /// Repayment for so much of the collateral, rounded up.
    fn repay_for(&self, atoms: u64) -> u64 {
        self.debt.price.atoms_ceil(self.collateral.price.value_ceil(atoms).over_ceil(self.gross_factor))
    }

    /// Repayment for all of the collateral, rounded up.
    fn repay_for_all(&self) -> u64 {
        self.repay_for(self.collateral.atoms)
    }

    /// Size before the caller's limits: target, debt, collateral, dust, throttle. `seize_max_atoms` is what the throttle
    /// leaves, or in a terminal sale what this debt may take. Nothing passes it, and the rest it leaves may be dust: else several calls would seize more than one, as
    /// lb falls from call to call and what the first left just above dust is below it for the next.
    fn size(&self, wanted_atoms: u64, seize_max_atoms: u64, dust: Value) -> Size {
        let owed = self.debt.owed_atoms;
        let all = self.collateral.atoms;
        let wanted = wanted_atoms.min(owed);
        // The collateral bounds it: then all of it goes, for what it pays.
        let (mut repay, mut seize) = match self.seize_for(wanted) {
            seized if seized <= all => (wanted, seized),
            _ => (self.repay_for_all().min(wanted), all),
        };
        let is_dust = |value: Value| value > Value::ZERO && value < dust;
        if is_dust(self.debt.price.value_ceil(owed - repay)) && self.seize_for(owed) <= all {
            (repay, seize) = (owed, self.seize_for(owed));
        } else if is_dust(self.collateral.price.value_ceil(all - seize)) && self.repay_for_all() <= owed {
            (repay, seize) = (self.repay_for_all(), all);
        }
        let is_cut = seize > seize_max_atoms;
        if is_cut {
            (repay, seize) = (self.repay_for(seize_max_atoms).min(repay), seize_max_atoms);
        }
        Size { repay, seize, is_cut }
    }

    /// A hard bound on the repayment, where it binds: no debt rest below dust is left behind.
    fn bound(&self, repay_max_atoms: u64, dust: Value) -> Result<u64> {
        let owed = self.debt.owed_atoms;
        if self.debt.price.value_ceil(owed.saturating_sub(repay_max_atoms)) >= dust {
            return Ok(repay_max_atoms);
        }
        let rest = self.debt.price.atoms_ceil(dust);
        owed.checked_sub(rest).filter(|repay| *repay > 0).ok_or(EngineError::RepayMaxBelowDust)
    }

    /// The size under the buyer's hard bounds, on what is repaid and on what is seized: no debt rest below dust is left behind.
    fn bounded(&self, size: &Size, bounds: &Bounds, dust: Value) -> Result<(u64, u64)> {
        let repay_max_atoms = if size.seize <= bounds.seize_max_atoms {
            bounds.repay_max_atoms
        } else {
            self.repay_for(bounds.seize_max_atoms).min(bounds.repay_max_atoms).min(size.repay)
        };
        if size.repay <= repay_max_atoms && size.seize <= bounds.seize_max_atoms {
            return Ok((size.repay, size.seize));
        }
        let repay = self.bound(repay_max_atoms, dust)?;
        Ok((repay, self.seize_for(repay).min(size.seize).min(bounds.seize_max_atoms)))
    }

    /// The trade with a marked position: at the price of the recovery sale.
    fn recovery(&self, fallen: Factor, bounds: &Bounds, market: &MarketPolicy) -> Result<(u64, u64, Factor)> {
        let price = SalePrice::new(self.collateral, fallen, market);
        let most_atoms = bounds.seize_max_atoms;
        let whole = price.size(self.debt, most_atoms, self.debt.owed_atoms);
        let size = if whole.0 <= bounds.repay_max_atoms {
            whole
        } else {
            price.size(self.debt, most_atoms, self.bound(bounds.repay_max_atoms, market.dust())?)
        };
        Ok((size.0, size.1, price.factor(self.debt, size)))
    }
}

/// What a buyer will not exceed.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Most it repays, atoms.
    pub repay_max_atoms: u64,
    /// Most it takes, atoms.
    pub seize_max_atoms: u64,
}

/// `V < (1 + b_default) * D`: the position cannot pay its debt and the default bonus.
pub fn is_terminal(collateral_value: Value, debt_value: Value, market: &MarketPolicy) -> bool {
    collateral_value < debt_value.times_ceil(Factor::ONE.plus(Factor::from_bps_ceil(market.bonus_default_bps)))
}

/// Slack of the pair rule, 2^-40: the roundings of health, weight and k.
const PAIR_SLACK: u64 = 4;

/// Bonus of a position that is not terminal, and the least that makes a trade worth offering: the protection order's
/// where that is what allows it, else the collateral's.
fn bonus_range(health: Factor, sale: &SaleTerms, market: &MarketPolicy, standing: &Standing) -> (Factor, Factor) {
    match standing.order.filter(|_| health >= Factor::ONE) {
        Some(order) => (order.bonus, order.bonus),
        None => (
            bonus(&sale.bonus, health, standing.auction_secs, market.auction_secs),
            Factor::from_bps_floor(sale.bonus.bonus_min_bps),
        ),
    }
}

/// lb of a position that is not terminal: bonus, solvency, and the pair rule that makes health rise.
///
/// Selling `lb*v` of collateral gives up at most `m*k*lb*v` of weighted value (k = ALV/plain, by concavity) and takes off
/// `W*v` of weighted debt; health h does not fall where `m*k*lb <= h*W`.
fn gross_factor(
    exposure: &Exposure,
    (collateral, debt): (&CollateralLeg, &DebtLeg),
    health: Factor,
    (bonus, bonus_min): (Factor, Factor),
) -> Result<Factor> {
    let one = Factor::ONE;
    let solvent = one.plus(solvent_bonus(bonus, exposure.collateral_value(), exposure.debt_value()));
    // k, rounded up.
    let kept = Factor(collateral.alv.of_floor(collateral.plain).0.saturating_add(1)).min(one);
    let given_up = widen(collateral.maintenance.times_ceil(kept).0);
    let taken_off = widen(health.times_floor(debt.weight).0);
    let improving = Factor::ratio_floor(taken_off, given_up);
    // A few units of the last place: where bonus_min is the default bonus, rounding must not refuse the only pair.
    if improving.plus(Factor(PAIR_SLACK)) < one.plus(bonus_min) {
        return Err(EngineError::TakeOtherCollateral);
    }
    Ok(solvent.min(improving))
}

/// Whether the position may be liquidated at this health, now. Returns whether that is by its owner's protection order.
fn require_liquidatable(health: Factor, standing: &Standing, now: &Now) -> Result<bool> {
    let is_protection = health >= Factor::ONE;
    if is_protection {
        let order = standing.order.filter(|order| health < order.trigger).ok_or(EngineError::Healthy)?;
        order.refusal.map_or(Ok(()), Err)?;
    }
    if now.slot <= standing.cooling_until_slot {
        return Err(EngineError::CoolingOff);
    }
    Ok(is_protection)
}

/// Plans one liquidation.
///
/// # Errors
/// In this order: `ZeroAmount`, `LegMismatch`, `Paused`, `StalePrice` or `ConfidenceTooWide`, `Healthy` (or what keeps a protection
/// order from acting), `CoolingOff`, `TakeOtherCollateral`, `Throttled`, `RepayMaxBelowDust`, `NothingToSeize`,
/// `SeizeBelowMin`.
pub fn plan_liquidation(
    exposure: &Exposure,
    sale: &SaleTerms,
    market: &MarketPolicy,
    standing: &Standing,
    request: &LiquidationRequest,
    now: &Now,
) -> Result<LiquidationPlan> {
    if request.repay_max_atoms == 0 {
        return Err(EngineError::ZeroAmount);
    }
    let bounds = Bounds { repay_max_atoms: request.repay_max_atoms, seize_max_atoms: u64::MAX };
    let plan = plan_within(&bounds, exposure, sale, market, standing, (request.collateral, request.debt), now)?;
    if plan.seize_atoms < request.seize_min_atoms {
        return Err(EngineError::SeizeBelowMin);
    }
    Ok(plan)
}

/// The trade of one pair for a buyer with these bounds: a liquidator, or the backstop.
///
/// # Errors
/// As [`plan_liquidation`], but for `ZeroAmount` and `SeizeBelowMin`.
pub(crate) fn plan_within(
    bounds: &Bounds,
    exposure: &Exposure,
    sale: &SaleTerms,
    market: &MarketPolicy,
    standing: &Standing,
    (collateral_index, debt_index): (usize, usize),
    now: &Now,
) -> Result<LiquidationPlan> {
    let collateral = exposure.collaterals().get(collateral_index).ok_or(EngineError::LegMismatch)?;
    let debt = exposure.debts().get(debt_index).ok_or(EngineError::LegMismatch)?;
    if standing.paused_until != 0 {
        return Err(EngineError::Paused);
    }
    if let Some(error) = collateral.unusable.or(debt.unusable) {
        return Err(error);
    }
    let (weighted_collateral, weighted_debt) = (exposure.weighted_collateral(), exposure.weighted_debt());
    let health_before = weighted_collateral.of_floor(weighted_debt);
    let is_protection = require_liquidatable(health_before, standing, now)?;

    let (collateral_value, debt_value) = (exposure.collateral_value(), exposure.debt_value());
    let is_terminal = is_terminal(collateral_value, debt_value, market);
    let (gross_factor, allowance) = if is_terminal {
        (Factor::ONE.plus(Factor::from_bps_floor(market.bonus_default_bps)), Allowance::default())
    } else {
        let bonuses = bonus_range(health_before, sale, market, standing);
        let gross_factor = gross_factor(exposure, (collateral, debt), health_before, bonuses)?;
        (gross_factor, sale.throttle.allowance(urgency(&sale.bonus, health_before)))
    };

    let pair = Pair { collateral, debt, gross_factor };
    let target = Factor::from_bps_ceil(market.target_health_bps);
    let weighted = (weighted_collateral, weighted_debt);
    let to_target = if is_terminal { None } else { repayment_to_target(&pair, weighted, target) };
    // Where no repayment reaches the target: as much as debt and collateral allow.
    let wanted = to_target.map_or(debt.owed_atoms, |value| debt.price.atoms_ceil(value));
    // One of several debts may not take what is the others' to take.
    let is_shared = is_terminal && exposure.debts().len() > 1;
    let debt_shares_q40 = if is_shared { exposure.debt_shares_q40() } else { [0; MAX_DEBTS] };
    let first_sale = || is_shared.then(|| RecoverySale::first(&debt_shares_q40, debt_index, collateral.atoms));
    let sale_of_pair = standing.recovery.filter(|_| is_terminal).or_else(first_sale);
    let seize_max_atoms = match sale_of_pair {
        Some(sale) => sale.entitled_atoms,
        None if is_terminal => u64::MAX,
        None => allowance.left_atoms,
    };
    let size = pair.size(wanted, seize_max_atoms, market.dust());
    let is_throttled = size.is_cut && !is_terminal;
    if is_throttled && size.seize == 0 {
        return Err(EngineError::Throttled);
    }
    let (repay_atoms, seize_atoms, paid_factor) = match sale_of_pair.and_then(|sale| sale.fallen) {
        Some(fallen) => {
            let most = Bounds { seize_max_atoms: bounds.seize_max_atoms.min(seize_max_atoms), ..*bounds };
            pair.recovery(fallen, &most, market)?
        }
        None => {
            let (repay, seize) = pair.bounded(&size, bounds, market.dust())?;
            (repay, seize, gross_factor)
        }
    };
    if seize_atoms == 0 {
        return Err(EngineError::NothingToSeize);
    }

    let health_after = health_after(&pair, (repay_atoms, seize_atoms), weighted_collateral, weighted_debt);
    let takes_all = seize_atoms == collateral.atoms;
    let others_empty =
        exposure.collaterals().iter().enumerate().all(|(i, leg)| i == collateral_index || leg.atoms == 0);
    Ok(LiquidationPlan {
        repay_atoms,
        seize_atoms,
        fee_atoms: fee_atoms(repay_atoms, gross_factor, &sale.bonus),
        gross_factor: paid_factor,
        health_before,
        health_after,
        is_terminal,
        is_protection,
        is_throttled,
        allowance,
        takes_last_collateral: takes_all && others_empty,
        closes_debt: repay_atoms == debt.owed_atoms,
        collateral_value,
        debt_value,
        debt_shares_q40,
    })
}

/// `floor(share * (lb - 1) * repay)`: never more than the bonus. Paid in the debt token, on top.
fn fee_atoms(repay_atoms: u64, gross_factor: Factor, terms: &BonusTerms) -> u64 {
    let share = div_floor(product(gross_factor.minus(Factor::ONE).0, terms.fee_share_bps.min(BPS)), widen(BPS));
    // At most the first factor, so one word.
    saturate(product(repay_atoms, saturate(share)) >> FACTOR_BITS)
}

fn health_after(pair: &Pair, (repay, seize): (u64, u64), weighted_collateral: Value, weighted_debt: Value) -> Factor {
    let left = pair.collateral.atoms.saturating_sub(seize);
    let alv = pair.collateral.curve.value(left).times_floor(pair.collateral.maintenance);
    let owed = pair.debt.owed_atoms.saturating_sub(repay);
    let debt = pair.debt.price.value_ceil(owed).times_ceil(pair.debt.weight);
    let collateral = weighted_collateral.minus(pair.collateral.weighted()).plus(alv);
    collateral.of_floor(weighted_debt.minus(pair.debt.weighted()).plus(debt))
}
