//! Decimal numbers as a person writes them, and whole atoms; exactly, or not at all.

/// The word for the largest number, which the engine takes for no limit.
pub const UNLIMITED: &str = "unlimited";
/// Decimals of a nano-dollar amount in USD.
pub const USD_DECIMALS: u8 = 9;

/// A decimal number that is not negative: `digits / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits as one number.
    pub digits: u128,
    /// How many of them stand after the point; no zeros at the end.
    pub scale: u32,
}

impl Decimal {
    /// Reads `1200`, `1_200.50` or `0.01`; nothing where it is another thing, or too long to be an amount.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_digit()) && part.chars().all(|c| c.is_ascii_digit() || c == '_')
        };
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let digits = |part: &str| part.replace('_', "");
        let fraction = digits(fraction);
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{}{fraction}", digits(whole)).parse().ok()?;
        Some(Self { digits, scale: u32::try_from(fraction.len()).ok()? })
    }

    /// In units of `10^-decimals`, atoms of a token of so many decimals; nothing where that is no whole number, or does not
    /// fit.
    pub fn atoms(&self, decimals: u8) -> Option<u64> {
        let zeros = u32::from(decimals).checked_sub(self.scale)?;
        let atoms = 10u128.checked_pow(zeros).and_then(|power| self.digits.checked_mul(power))?;
        u64::try_from(atoms).ok()
    }
}

/// Atoms as a decimal number, without zeros at the end; the largest number by its word.
pub fn show(atoms: u64, decimals: u8) -> String {
    if atoms == u64::MAX {
        return UNLIMITED.to_owned();
    }
    let digits = format!("{atoms:0>width$}", width = usize::from(decimals) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_sent() {
        for (text, decimals, atoms) in [
            ("1", 6, 1_000_000),
            ("0.000001", 6, 1),
            ("1_200.50", 2, 120_050),
            ("007", 0, 7),
            ("18446744073709.551614", 6, u64::MAX - 1),
        ] {
            assert_eq!(Decimal::parse(text).and_then(|number| number.atoms(decimals)), Some(atoms), "{text}");
        }
        assert_eq!(show(120_050, 2), "1200.5");
        assert_eq!(show(1, 6), "0.000001");
        assert_eq!(show(u64::MAX, 6), "unlimited");
    }

    #[test]
    fn what_is_not_exact_is_nothing() {
        for (text, decimals) in
            [("0.0000001", 6), ("18446744073709.551616", 6), ("340282366920938463463374607431768211455", 1)]
        {
            assert_eq!(Decimal::parse(text).expect("a number").atoms(decimals), None, "{text}");
        }
        for text in ["", "-1", "1e6", ".5", "1.", "1,000", "_1", "1.2.3", "NaN", "+1", &"9".repeat(40)] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
