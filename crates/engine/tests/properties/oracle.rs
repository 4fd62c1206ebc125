//! Exact rational arithmetic: what the engine's integers stand for, and the formulas without rounding.

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Zero};
use plimsoll_engine::fixed::{Factor, Value, FACTOR_BITS};

/// An exact number.
pub type Exact = BigRational;

/// A whole number.
pub fn int(number: impl Into<BigInt>) -> Exact {
    Exact::from_integer(number.into())
}

/// A fraction.
pub fn frac(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Exact {
    Exact::new(numerator.into(), denominator.into())
}

/// `2^-bits`.
pub fn pow2_neg(bits: u32) -> Exact {
    frac(1, BigInt::one() << bits)
}

/// A factor.
pub fn factor(factor: Factor) -> Exact {
    frac(factor.0, 1u64 << FACTOR_BITS)
}

/// A number in bps.
pub fn bps(number: u64) -> Exact {
    frac(number, 10_000)
}

/// A value in value units, nano-dollars.
pub fn nano(value: Value) -> Exact {
    int(value.0)
}

/// `10^exponent`.
pub fn ten(exponent: i32) -> Exact {
    int(10).pow(exponent)
}

/// Price of an atom in nano-dollars.
pub fn atom_price(number: u64, exponent: i32, decimals: u8) -> Exact {
    int(number) * ten(exponent - i32::from(decimals) + 9)
}

/// The square root, rounded down at 2^-100 or finer.
pub fn sqrt_floor(number: &Exact) -> Exact {
    let (numerator, denominator) = (number.numer().magnitude(), number.denom().magnitude());
    // sqrt(n/d) = sqrt(n*d)/d.
    let root: BigUint = ((numerator * denominator) << 200u32).sqrt();
    frac(BigInt::from(root), BigInt::from(denominator << 100u32))
}

/// The asset liquidation value without rounding: `price * discount * q / (1 + a*sqrt(q/L) + q/L)`, nano-dollars.
#[derive(Clone, Debug)]
pub struct ExactCurve {
    /// Nano-dollars an atom.
    pub price: Exact,
    pub discount: Exact,
    pub depth: Exact,
    pub impact: Exact,
}

impl ExactCurve {
    pub fn value(&self, atoms: &Exact) -> Exact {
        let x = atoms / &self.depth;
        &self.price * &self.discount * atoms / (Exact::one() + &self.impact * sqrt_floor(&x) + x)
    }
}

/// Whether `a <= b`, said with both numbers where it is not.
pub fn at_most(a: &Exact, b: &Exact, what: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    if a <= b {
        return Ok(());
    }
    Err(proptest::test_runner::TestCaseError::fail(format!("{what}: {} should be at most {}", approx(a), approx(b))))
}

/// A number for a person to read.
pub fn approx(number: &Exact) -> String {
    let scaled = (number * int(10).pow(15)).to_integer();
    format!("{scaled}e-15")
}

/// Zero.
pub fn zero() -> Exact {
    Exact::zero()
}
