//! How one token counts at one moment: what of a leg does not depend on the position, worked out once for all that hold it.
//!
//! A lens says to the unit what [`ReserveState::collateral_leg`] and [`ReserveState::debt_leg`] say of a leg's weighted value
//! (`tests/lens.rs`). And two lenses of a token bound by how much the weighted value of *any* leg may have moved from one to the
//! other, so that a small move need not be carried to every position.
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
use plimsoll_engine::fixed::{mul_div_ceil, mul_div_floor, saturate, Factor, Value, BPS, FACTOR_BITS};
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::price::{Price, Reading};
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::{EngineError, Now};

/// One as a factor.
const ONE: u128 = 1 << FACTOR_BITS;

/// By what health is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighing {
    /// By asset liquidation value, as the program does.
    Sale,
    /// By plain value times a fixed factor, as the alternatives do.
    Plain(Factor),
}

/// How a token counts in health.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    exponent: i32,
    collateral_number: u64,
    /// Price of an atom of collateral.
    pub collateral_price: Price,
    curve: Option<Curve>,
    /// What an old reading counts; none while it is fresh.
    fade: Option<Factor>,
    factor: Factor,
    discount: Factor,
    depth_atoms: u64,
    impact_sqrt_bps: u64,
    debt_number: u64,
    /// Price of an atom of debt.
    pub debt_price: Price,
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

    /// Bounds that hold for both.
    pub fn worst(self, other: Self) -> Self {
        Self { kept: self.kept.min(other.kept), grown: self.grown.max(other.grown) }
    }

    /// `1 - kept/grown`, rounded up: the part of its weighted collateral that a position may have lost against its debt.
    pub fn lost(self) -> Factor {
        let kept = Value(self.kept.0.into()).of_floor(Value(self.grown.0.into()));
        Factor(Factor::ONE.minus(kept).0.saturating_add(1))
    }

    /// Health at the reference above which health is at least `level` now, rounded up.
    pub fn reach(self, level: Factor) -> Factor {
        let stretched = level.times_ceil(self.grown);
        Factor(mul_div_ceil(stretched.0.into(), ONE, self.kept.0.into()).map_or(u64::MAX, saturate))
    }
}

impl Lens {
    /// The lens of a reserve at a reading.
    pub fn new(reserve: &ReserveState, reading: &Reading, weighing: Weighing, now: &Now) -> Self {
        let policy = &reserve.oracle_policy;
        let excess = policy.confidence_excess(reading);
        let (collateral_number, debt_number) =
            (reading.price.saturating_add(excess), reading.price.saturating_sub(excess).max(1));
        let collateral_price = reading.price_of(collateral_number, reserve.decimals);
        let is_old = policy.permit_liquidation(reading, now) == Err(EngineError::StalePrice);
        let plain = Self {
            exponent: reading.exponent,
            collateral_number,
            collateral_price,
            curve: None,
            fade: is_old.then(|| reserve.fade(reading, now)),
            factor: Factor::ONE,
            discount: Factor::ONE,
            depth_atoms: 1,
            impact_sqrt_bps: 0,
            debt_number,
            debt_price: reading.price_of(debt_number, reserve.decimals),
            weight: Factor::ONE,
            index: reserve.projected_index(now.unix),
        };
        match weighing {
            Weighing::Plain(factor) => Self { factor, ..plain },
            Weighing::Sale => {
                let sigma = reserve.sigma_maintenance(reading, now);
                Self {
                    curve: Some(reserve.risk.curve(collateral_price, sigma)),
                    factor: Factor::from_bps_floor(reserve.risk.maintenance_bps),
                    discount: reserve.risk.discount(sigma),
                    depth_atoms: reserve.risk.effective_depth_atoms(sigma).max(1),
                    impact_sqrt_bps: reserve.risk.impact_sqrt_bps,
                    weight: reserve.risk.debt_weight(reserve.risk.debt_weight_bps, sigma),
                    ..plain
                }
            }
        }
    }

    /// Weighted value of so much collateral, rounded down.
    pub fn collateral(&self, atoms: u64) -> Value {
        let value = match (self.fade, &self.curve) {
            (Some(fade), _) => self.collateral_price.value_floor(atoms).times_floor(fade),
            (None, Some(curve)) => curve.value(atoms),
            (None, None) => self.collateral_price.value_floor(atoms),
        };
        value.times_floor(self.factor)
    }

    /// Plain value of so much collateral, rounded down; an old reading fades.
    pub fn plain_collateral(&self, atoms: u64) -> Value {
        let plain = self.collateral_price.value_floor(atoms);
        self.fade.map_or(plain, |fade| plain.times_floor(fade))
    }

    /// Weighted value of so many debt shares, rounded up.
    pub fn debt(&self, shares: u128) -> Value {
        self.plain_debt(shares).times_ceil(self.weight)
    }

    /// Plain value of so many debt shares, rounded up.
    pub fn plain_debt(&self, shares: u128) -> Value {
        self.debt_price.value_ceil(self.owed(shares))
    }

    /// Atoms owed for debt shares, rounded up.
    pub fn owed(&self, shares: u128) -> u64 {
        owed_ceil(shares, self.index)
    }

    /// Atoms of a debt of this weighted value, about.
    pub fn debt_for(&self, weighted: Value) -> u64 {
        self.debt_price.atoms_floor(weighted.over_floor(self.weight))
    }

    /// What became of any leg from this lens to a later one, but for what rounding to an atom or a unit does; none where no
    /// bound is known, because a reading grew old or fresh, or changed its exponent.
    pub fn drift(&self, later: &Self) -> Option<Drift> {
        if self.exponent != later.exponent || self.fade.is_some() != later.fade.is_some() {
            return None;
        }
        let part = |now: u64, before: u64| Factor(mul_div_floor(now.into(), ONE, before.into()).map_or(0, saturate));
        let valued =
            part(later.collateral_number, self.collateral_number).times_floor(part(later.factor.0, self.factor.0));
        let kept = match (self.fade, later.fade) {
            (Some(before), Some(now)) if before == now => valued,
            (Some(before), Some(now)) => valued.times_floor(part(now.0, before.0)),
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
