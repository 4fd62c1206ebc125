//! Asset liquidation value: what a forced sale of this size would fetch now (protocol, section 1).
//!
//! ```text
//! ALV(q) = p * d * q / (1 + a*sqrt(x) + x),   x = q / L,   d = (1 - z*sigma*sqrt(tau)) * (1 - s/2)
//! ```
//!
//! The denominator grows without bound, so beyond `q = L` the fraction is turned over: with `y = 1/x`,
//! `q / (1 + a*sqrt(x) + x) = L / (1 + a*sqrt(y) + y)`. Both branches are `base / (1 + a*sqrt(r) + r)` with
//! `base = min(q, L)` and `r = min/max` in (0, 1], so one fixed-point format serves all sizes:
//! `r` in Q96, its square root and the denominator in Q48, the reciprocal in Q63.
//!
//! Everything that enters the denominator is rounded up and everything else down: the result is a lower bound.
//! Its error is below 2^-40 of the value plus 2 value units, which is also the slack of monotonicity,
//! concavity and subadditivity.

use crate::fixed::{
    div_ceil, div_floor, divide_normalised, mul_div_ceil, mul_shift_ceil, product, root, saturate, scale_floor,
    shr_ceil, widen, Factor, Value, BPS, FACTOR_BITS,
};
use crate::price::{times_q48_ceil, times_q63, Price};

/// One in Q48.
const ONE_Q48: u64 = 1 << 48;
/// Largest coefficient of the square-root impact, bps: keeps the denominator below 2^51 in Q48.
pub const IMPACT_SQRT_BPS_MAX: u64 = 40_000;

/// The value of a collateral as a function of the amount sold at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Curve {
    /// Price of an atom after horizon and spread.
    discounted: Price,
    /// Horizon and spread.
    discount: Factor,
    /// Effective depth, atoms.
    depth_atoms: u64,
    /// `2^127 / (depth << depth_zeros)`.
    depth_reciprocal: u64,
    /// Leading zeros of the depth.
    depth_zeros: u32,
    /// Coefficient a, Q48, rounded up.
    impact_q48: u64,
}

/// `min/max` of amount and depth with what follows from it: what value and slope at one amount have in common.
pub(crate) struct Ratio {
    base_atoms: u64,
    /// The amount is larger than the depth.
    is_beyond: bool,
    /// min/max, Q48, rounded up.
    ratio_q48: u64,
    /// Its square root, Q48, rounded up.
    root_q48: u64,
    /// 1 / (1 + a*root + ratio), Q63, rounded down.
    reciprocal_q63: u64,
}

/// `floor((2^127 - 1) / (x << zeros))` and the leading zeros of `x`, for x > 0.
fn reciprocal(x: u64) -> (u64, u32) {
    let zeros = x.leading_zeros();
    let normalised = x.checked_shl(zeros).unwrap_or(0).max(1 << 63);
    let (reciprocal, _) = divide_normalised(u64::MAX >> 1, u64::MAX, normalised);
    (reciprocal, zeros)
}

impl Curve {
    /// The curve of a token at `price` with `discount = (1 - z*sigma*sqrt(tau)) * (1 - s/2)`.
    pub fn new(price: Price, discount: Factor, depth_atoms: u64, impact_sqrt_bps: u64) -> Self {
        let depth_atoms = depth_atoms.max(1);
        let (depth_reciprocal, depth_zeros) = reciprocal(depth_atoms);
        // The discount is at least 1/2 * 1/2 in any valid configuration: the mantissa keeps 60 bits.
        let mantissa = saturate(product(price.mantissa, discount.min(Factor::ONE).0) >> FACTOR_BITS);
        let impact_q48 = (impact_sqrt_bps.min(IMPACT_SQRT_BPS_MAX) << 48).div_ceil(BPS);
        Self {
            discounted: Price { mantissa, shift: price.shift },
            discount,
            depth_atoms,
            depth_reciprocal,
            depth_zeros,
            impact_q48,
        }
    }

    /// `atoms` and the depth.
    pub(crate) fn ratio(&self, atoms: u64) -> Ratio {
        let is_beyond = atoms > self.depth_atoms;
        let (base_atoms, (inverse, zeros)) = if is_beyond {
            (self.depth_atoms, reciprocal(atoms))
        } else {
            (atoms, (self.depth_reciprocal, self.depth_zeros))
        };
        // base * 2^zeros * inverse / 2^127, as Q96: at most 1, because base is the smaller one.
        let scaled = scale_floor(product(base_atoms, inverse), zeros.cast_signed() - 31);
        let ratio_q96 = scaled.saturating_add(1).min(1 << 96);
        let root_q48 = root(ratio_q96).saturating_add(1);
        let ratio_q48 = saturate(shr_ceil(ratio_q96, 48)).saturating_add(1);
        let denominator_q48 =
            ONE_Q48.saturating_add(times_q48_ceil(self.impact_q48, root_q48)).saturating_add(ratio_q48);
        let reciprocal_q63 = saturate(div_floor(1 << 111, widen(denominator_q48)));
        Ratio { base_atoms, is_beyond, ratio_q48, root_q48, reciprocal_q63 }
    }

    /// ALV at a ratio, rounded down, at most [`Value::LIMIT`].
    pub(crate) fn value_at(&self, ratio: &Ratio) -> Value {
        let mantissa = times_q63(self.discounted.mantissa, ratio.reciprocal_q63);
        Value(scale_floor(product(ratio.base_atoms, mantissa), -self.discounted.shift)).min(Value::LIMIT)
    }

    /// ALV of `atoms`, rounded down, at most [`Value::LIMIT`].
    pub fn value(&self, atoms: u64) -> Value {
        self.value_at(&self.ratio(atoms))
    }

    /// ALV of `atoms`, and its derivative as a part of the plain price, rounded down.
    pub fn value_and_slope(&self, atoms: u64) -> (Value, Factor) {
        let ratio = self.ratio(atoms);
        (self.value_at(&ratio), self.slope_at(&ratio))
    }

    /// Derivative of the ALV at a ratio as a part of the plain price, rounded down.
    ///
    /// With `E = 1 + a*sqrt(r) + r`: `dALV/dq = p*d*(1 + a/2*sqrt(x))/E^2` for `q <= L` (r = x), and
    /// `p*d*(y^2 + a/2*y*sqrt(y))/E^2` beyond (r = y).
    pub(crate) fn slope_at(&self, ratio: &Ratio) -> Factor {
        let half_impact = self.impact_q48 / 2;
        let times_q48 = |a: u64, b: u64| saturate(product(a, b) >> 48);
        let inner = times_q48(half_impact, ratio.root_q48);
        let numerator = if ratio.is_beyond {
            times_q48(ratio.ratio_q48, ratio.ratio_q48.saturating_add(inner))
        } else {
            ONE_Q48.saturating_add(inner)
        };
        let over_once = times_q63(numerator, ratio.reciprocal_q63);
        let over_twice = times_q63(over_once, ratio.reciprocal_q63);
        Factor(saturate(product(self.discount.0, over_twice) >> 48))
    }

    /// The amount whose ALV is at least `value`, nearly the smallest; `None` where no amount fetches that much.
    ///
    /// With `c = value / (p*d)` in atoms and `rho = c/L`, `u = sqrt(x)` solves `(1 - rho)*u^2 - a*rho*u - rho = 0`.
    /// The root is taken in Q60 and every step rounded up, so the answer is a little too large rather than too small.
    pub fn atoms_for(&self, value: Value) -> Option<u64> {
        if value == Value::ZERO {
            return Some(0);
        }
        let sold = self.discounted.atoms_ceil(value);
        if sold >= self.depth_atoms {
            return None;
        }
        let one = 1u128 << 60;
        let rho = div_ceil(widen(sold) << 60, widen(self.depth_atoms));
        let rest = one.checked_sub(rho).filter(|rest| *rest > 0)?;
        let linear = mul_shift_ceil(widen(self.impact_q48), rho, 48)?;
        let discriminant = linear.checked_mul(linear)?.checked_add(rest.checked_mul(rho)?.checked_mul(4)?)?;
        let u = mul_div_ceil(linear + widen(root(discriminant)) + 1, one, 2 * rest)?;
        let atoms = saturate(mul_shift_ceil(mul_shift_ceil(u, u, 60)?, widen(self.depth_atoms), 60)?).saturating_add(1);
        // The value itself rounds down: where it misses the last bit, a little more has it.
        let more = atoms.saturating_add(atoms >> 30).saturating_add(1);
        [atoms, more].into_iter().find(|atoms| self.value(*atoms) >= value)
    }
}
