//! What only this module sees: the table of powers, and division by limbs at its corrections.

use super::*;
use num_bigint::BigInt;
use num_rational::BigRational;

fn exact(mantissa: u64, shift: i32) -> BigRational {
    BigRational::from_integer(BigInt::from(mantissa)) * BigRational::from_integer(BigInt::from(2)).pow(shift)
}

#[test]
fn powers_of_ten_are_normalised_and_rounded_down_by_less_than_a_unit() {
    for exponent in -30..=20 {
        let Some(Power { mantissa, shift }) = power_of_ten(exponent) else { panic!("10^{exponent} is in the table") };
        let ten = BigRational::from_integer(BigInt::from(10)).pow(exponent);
        assert!(mantissa >> 63 == 1, "10^{exponent} has its top bit");
        assert!(exact(mantissa, shift) <= ten, "10^{exponent} is rounded down");
        assert!(exact(mantissa + 1, shift) > ten, "10^{exponent} is close");
        assert_eq!(exact(mantissa, shift) == ten, (0..=20).contains(&exponent), "10^{exponent} is exact where it fits");
    }
}

#[test]
fn powers_outside_the_table_do_not_exist() {
    for exponent in [-31, 21, i32::MIN, i32::MAX] {
        assert!(power_of_ten(exponent).is_none());
    }
}

#[test]
fn wide_products_carry() {
    assert_eq!(mul_wide(u128::MAX, u128::MAX), (u128::MAX - 1, 1));
    assert_eq!(mul_wide(u128::MAX, 2), (1, u128::MAX - 1));
    assert_eq!(mul_wide(1 << 64, 1 << 64), (1, 0));
    assert_eq!(mul_wide(0, u128::MAX), (0, 0));
}

#[test]
fn a_trial_digit_that_is_two_too_large_is_corrected() {
    // Divisors just above 2^127 with a low half of ones, as in Knuth's worst case.
    let divisor = (1u128 << 127) | u128::from(u64::MAX);
    for (top, next) in [((1u128 << 127) - 1, 0), (divisor - 1, u64::MAX), (divisor - 1, 0), (1 << 126, u64::MAX)] {
        let (quotient, rest) = divide_limb(top, next, divisor);
        let whole = (BigInt::from(top) << 64) + BigInt::from(next);
        assert_eq!(
            (BigInt::from(quotient), BigInt::from(rest)),
            (&whole / BigInt::from(divisor), whole % BigInt::from(divisor))
        );
    }
}
