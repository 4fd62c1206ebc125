//! Results of a case beside the expected ones.

use anyhow::Result;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;

use super::decimal::{self, whole};
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

/// A case, and what was compared of it so far.
pub struct Judged<'a> {
    pub input: Fields<'a>,
    pub output: Fields<'a>,
    tolerance: Tolerance,
    comparisons: Vec<Comparison>,
}

impl<'a> Judged<'a> {
    /// A case before anything of it was compared.
    pub fn new(case: &Fields<'a>) -> Result<Self> {
        let (input, output) = (case.object("in")?, case.object("out")?);
        let relative = case.number("tol_rel")?;
        if relative.is_negative() {
            return Err(case.wrong("tol_rel", "zero or more"));
        }
        let absolute = BigRational::new(BigInt::from(1), BigInt::from(1_000_000));
        Ok(Self { input, output, tolerance: Tolerance { relative, absolute }, comparisons: Vec::new() })
    }

    /// All that was compared.
    pub fn into_comparisons(self) -> Vec<Comparison> {
        self.comparisons
    }

    /// Compares an amount of atoms.
    pub fn atoms(&mut self, name: &str, got: u64) -> Result<()> {
        let expected = whole(self.output.integer(name)?);
        self.number(name.to_owned(), expected, whole(got), self.atoms_allowed(name)?);
        Ok(())
    }

    /// Compares an amount of atoms of either sign, or seconds. One that the case leaves out is zero; two zeros are not worth
    /// a line.
    pub fn balance(&mut self, name: &str, got: i128) -> Result<()> {
        if got != 0 || self.output.has(name) {
            let expected = self.output.decimal_or_zero(name)?.rational();
            self.number(name.to_owned(), expected, BigRational::from_integer(got.into()), self.atoms_allowed(name)?);
        }
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
    pub fn atoms_list(&mut self, name: &str, got: &[u64]) -> Result<()> {
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
    pub fn real(&mut self, name: &str, got: BigRational) -> Result<()> {
        let expected = self.output.number(name)?;
        self.number(name.to_owned(), expected, got, self.tolerance.absolute.clone());
        Ok(())
    }

    /// Compares a list of numbers, in whole tokens.
    pub fn reals(&mut self, name: &str, got: &[BigRational]) -> Result<()> {
        let expected = self.output.numbers(name)?;
        if expected.len() != got.len() {
            return Err(self.output.wrong(name, &format!("a list of {}", got.len())));
        }
        for (i, (expected, got)) in expected.into_iter().zip(got).enumerate() {
            self.number(format!("{name}[{i}]"), expected, got.clone(), self.tolerance.absolute.clone());
        }
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
    pub fn word(&mut self, name: &str, expected: &str, got: &str) {
        let passed = expected == got;
        self.comparisons.push(Comparison {
            name: name.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
            passed,
        });
    }

    /// Compares a truth value.
    pub fn truth(&mut self, name: &str, got: bool) -> Result<()> {
        let expected = self.output.flag(name)?;
        self.word(name, &expected.to_string(), &got.to_string());
        Ok(())
    }
}
