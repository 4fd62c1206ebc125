//! What only this module sees: the table of powers, and division by limbs at its corrections.

use super::wide::product_by_halves;
use super::*;
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

/// A word at whose size, and next to whose ends, carries and corrections happen.
fn word() -> impl Strategy<Value = u64> {
    let near_power = (0u32..64, 0u64..3).prop_map(|(bits, more)| (1u64 << bits).wrapping_add(more).wrapping_sub(1));
    prop_oneof![any::<u64>(), (any::<u64>(), 0u32..64).prop_map(|(x, bits)| x >> bits), near_power]
}

fn two_words() -> impl Strategy<Value = u128> {
    (word(), word(), 0u32..128).prop_map(|(high, low, bits)| ((widen(high) << 64) | widen(low)) >> bits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_chains_product_is_every_other_processors(a in word(), b in word()) {
        prop_assert_eq!(product_by_halves(a, b), widen(a) * widen(b));
        prop_assert_eq!(product(a, b), widen(a) * widen(b));
    }

    #[test]
    fn division_by_words_is_division(n in two_words(), d in two_words()) {
        let d = d.max(1);
        prop_assert_eq!(div_rem(n, d), (n / d, n % d));
        prop_assert_eq!((div_floor(n, d), div_ceil(n, d)), (n / d, n.div_ceil(d)));
    }

    #[test]
    fn division_next_to_a_multiple_is_division(q in word(), d in two_words(), off in 0u128..3) {
        let d = d.max(1);
        let n = d.saturating_mul(widen(q)).saturating_add(off).saturating_sub(1);
        prop_assert_eq!(div_rem(n, d), (n / d, n % d));
    }

    #[test]
    fn a_root_is_the_largest_whose_square_fits(n in two_words()) {
        prop_assert_eq!(widen(root(n)), n.isqrt());
    }

    #[test]
    fn a_root_of_a_word_is_that_of_two(n in word()) {
        prop_assert_eq!(root_word(n), n.isqrt());
    }

    #[test]
    fn a_root_next_to_a_square_is_exact(x in word(), off in 0u128..3) {
        let n = (widen(x) * widen(x)).saturating_add(off).saturating_sub(1);
        prop_assert_eq!(widen(root(n)), n.isqrt());
    }

    #[test]
    fn a_product_with_a_word_has_three_words(a in two_words(), b in word()) {
        let (top, bottom) = mul_word(a, b);
        prop_assert_eq!((BigInt::from(top) << 128) + BigInt::from(bottom), BigInt::from(a) * BigInt::from(b));
    }
}

#[test]
fn roots_at_the_ends() {
    for n in (0..70_000u128).chain(u128::MAX - 70_000..=u128::MAX) {
        assert_eq!(widen(root(n)), n.isqrt(), "{n}");
        assert_eq!(root_word(low(n)), low(n).isqrt(), "{n}");
    }
}

#[test]
fn largest_products_carry() {
    assert_eq!(product_by_halves(u64::MAX, u64::MAX), widen(u64::MAX) * widen(u64::MAX));
    assert_eq!(mul_word(u128::MAX, u64::MAX), (u64::MAX - 1, u128::MAX - widen(u64::MAX) + 1));
}

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
