//! How one token counts at one moment: what of a leg does not depend on the position, worked out once for all that hold it.
//!
//! A lens says to the unit what [`ReserveState::collateral_leg`] and [`ReserveState::debt_leg`] say of a leg's weighted value
//! (a property demands it). And two lenses of a token bound by how much the weighted value of *any* leg may have moved from one
//! to the other, so that a small move need not be carried to every position.
//!
//! With `E(x) = 1 + a*sqrt(x) + x`, `x = q/L`, the value of a collateral is `p*d*m*q/E(q/L)`. From one lens to the next it is
//! kept at least to the part
//!
//! ```text
//! (p'd'm')/(p d m) * min(1, L'/L) / (1 + max(0, a' - a)/2)
//! ```
//!
//! because the value is concave in L and zero at zero, and `sqrt(x)/(1 + x) <= 1/2`. A debt grows at most by
//! `(p' W' index')/(p W index)`.

use plimsoll_engine::alv::Curve;
use plimsoll_engine::fixed::{mul_div_ceil, mul_div_floor, saturate, Factor, Value, BPS};
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::price::{Price, Reading};
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::{EngineError, Now};

/// How a token counts in maintenance health.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    exponent: i32,
    /// Price number of collateral, and the price of an atom by it.
    collateral_number: u64,
    collateral_price: Price,
    curve: Curve,
    /// What an old reading counts; none while it is fresh.
    fade: Option<Factor>,
    maintenance: Factor,
    discount: Factor,
    depth_atoms: u64,
    impact_sqrt_bps: u64,
    /// The same of a debt.
    debt_number: u64,
    debt_price: Price,
    weight: Factor,
    index: u128,
}

/// Bounds of what became of any leg's weighted value between two lenses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// A collateral kept at least this part. At most one.
    pub kept: Factor,
    /// A debt grew at most by this. At least one.
    pub grown: Factor,
}

impl Drift {
    /// Nothing moved.
    pub const NONE: Self = Self { kept: Factor::ONE, grown: Factor::ONE };

    /// `1 - kept/grown`, rounded up: the part of its weighted collateral that a position may have lost against its debt.
    pub fn lost(self) -> Factor {
        let kept = Value(self.kept.0.into()).of_floor(Value(self.grown.0.into()));
        Factor(Factor::ONE.minus(kept).0.saturating_add(1))
    }

    /// Bounds that hold for both.
    pub fn worst(self, other: Self) -> Self {
        Self { kept: self.kept.min(other.kept), grown: self.grown.max(other.grown) }
    }
}

impl Lens {
    /// The lens of a reserve at a reading.
    pub fn new(reserve: &ReserveState, reading: &Reading, now: &Now) -> Self {
        let policy = &reserve.oracle_policy;
        let excess = policy.confidence_excess(reading);
        let sigma = reserve.sigma_maintenance(reading, now);
        let (collateral_number, debt_number) =
            (reading.price.saturating_add(excess), reading.price.saturating_sub(excess).max(1));
        let collateral_price = reading.price_of(collateral_number, reserve.decimals);
        let is_old = policy.permit_liquidation(reading, now) == Err(EngineError::StalePrice);
        Self {
            exponent: reading.exponent,
            collateral_number,
            collateral_price,
            curve: reserve.risk.curve(collateral_price, sigma),
            fade: is_old.then(|| reserve.fade(reading, now)),
            maintenance: Factor::from_bps_floor(reserve.risk.maintenance_bps),
            discount: reserve.risk.discount(sigma),
            depth_atoms: reserve.risk.effective_depth_atoms(sigma).max(1),
            impact_sqrt_bps: reserve.risk.impact_sqrt_bps,
            debt_number,
            debt_price: reading.price_of(debt_number, reserve.decimals),
            weight: reserve.risk.debt_weight(reserve.risk.debt_weight_bps, sigma),
            index: reserve.projected_index(now.unix),
        }
    }

    /// `ALV * m` of so much collateral, rounded down.
    pub fn collateral(&self, atoms: u64) -> Value {
        let alv = match self.fade {
            Some(fade) => self.collateral_price.value_floor(atoms).times_floor(fade),
            None => self.curve.value(atoms),
        };
        alv.times_floor(self.maintenance)
    }

    /// `D * W` of so many debt shares, rounded up.
    pub fn debt(&self, shares: u128) -> Value {
        self.debt_price.value_ceil(self.owed(shares)).times_ceil(self.weight)
    }

    /// Atoms owed for debt shares, rounded up.
    pub fn owed(&self, shares: u128) -> u64 {
        owed_ceil(shares, self.index)
    }

    /// What became of any leg from this lens to a later one, but for what rounding to an atom or a unit does; none where no
    /// bound is known, because a reading grew old or fresh, or changed its exponent.
    pub fn drift(&self, later: &Self) -> Option<Drift> {
        if self.exponent != later.exponent || self.fade.is_some() != later.fade.is_some() {
            return None;
        }
        let part = |now: u64, before: u64| Factor(mul_div_floor(now.into(), ONE, before.into()).map_or(0, saturate));
        let valued = part(later.collateral_number, self.collateral_number)
            .times_floor(part(later.maintenance.0, self.maintenance.0));
        let kept = match (self.fade, later.fade) {
            (Some(before), Some(now)) => {
                valued.times_floor(if before == now { Factor::ONE } else { part(now.0, before.0) })
            }
            _ => valued
                .times_floor(part(later.discount.0, self.discount.0))
                .times_floor(part(later.depth_atoms, self.depth_atoms).min(Factor::ONE))
                .times_floor(self.impact_kept(later)),
        };
        let times = |now: u128, before: u128| Factor(mul_div_ceil(now, ONE, before).map_or(u64::MAX, saturate));
        let grown = times(later.debt_number.into(), self.debt_number.into())
            .times_ceil(times(later.weight.0.into(), self.weight.0.into()))
            .times_ceil(times(later.index, self.index));
        Some(Drift { kept: kept.min(Factor::ONE), grown: grown.max(Factor::ONE) })
    }

    /// `1 / (1 + max(0, a' - a)/2)`, rounded down.
    fn impact_kept(&self, later: &Self) -> Factor {
        let more = u128::from(later.impact_sqrt_bps.saturating_sub(self.impact_sqrt_bps));
        let twice = 2 * u128::from(BPS);
        Factor::ratio_floor(twice, twice + more)
    }
}

/// One as a factor.
const ONE: u128 = 1 << plimsoll_engine::fixed::FACTOR_BITS;
