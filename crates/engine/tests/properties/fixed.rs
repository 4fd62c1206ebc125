use num_bigint::BigUint;
use num_traits::{ToPrimitive, Zero};
use plimsoll_engine::fixed::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::{factor, int, nano};

/// Any magnitude of a `u128`, the edges often.
fn wide() -> impl Strategy<Value = u128> {
    prop_oneof![
        1 => prop::sample::select(vec![0, 1, 2, u128::from(u64::MAX), 1 << 64, (1 << 64) + 1, u128::MAX - 1, u128::MAX, 1 << 127, (1 << 127) - 1]),
        6 => (0u32..128, any::<u128>()).prop_map(|(shift, x)| x >> shift),
        1 => (0u32..128, 0u128..3).prop_map(|(shift, more)| (1u128 << shift).wrapping_add(more).wrapping_sub(1)),
    ]
}

fn big(x: u128) -> BigUint {
    BigUint::from(x)
}

/// Floor and ceiling of a quotient as the engine reports them: `None` beyond 128 bits.
fn expected(numerator: &BigUint, denominator: &BigUint) -> (Option<u128>, Option<u128>) {
    let floor = numerator / denominator;
    let ceil = if (numerator % denominator).is_zero() { floor.clone() } else { &floor + 1u32 };
    (floor.to_u128(), ceil.to_u128())
}

#[test]
fn a_word_holds_any_128_bits() {
    check(2_000, wide(), |x| {
        let word = Word128::new(x);
        prop_assert_eq!(word.get(), x);
        prop_assert_eq!(u128::from(word.lo), x & u128::from(u64::MAX));
        prop_assert_eq!(u128::from(word.hi), x >> 64);
        Ok(())
    });
    assert_eq!(Word128::ZERO, Word128::new(0));
}

#[test]
fn mul_div_agrees_with_exact_division_at_any_size() {
    check(30_000, (wide(), wide(), wide()), |(a, b, c)| {
        if c == 0 {
            prop_assert_eq!((mul_div_floor(a, b, c), mul_div_ceil(a, b, c)), (None, None));
            return Ok(());
        }
        prop_assert_eq!((mul_div_floor(a, b, c), mul_div_ceil(a, b, c)), expected(&(big(a) * big(b)), &big(c)));
        Ok(())
    });
}

#[test]
fn mul_div_agrees_where_the_quotient_barely_fits() {
    // a * b / c close to 2^128: c close to the product's high half, where the trial digits need their corrections.
    check(20_000, (wide(), wide(), -2i8..=2), |(a, b, nudge)| {
        let high = (big(a) * big(b)) >> 128u32;
        let c = high.to_u128().unwrap_or(0).saturating_add_signed(i128::from(nudge)).max(1);
        prop_assert_eq!((mul_div_floor(a, b, c), mul_div_ceil(a, b, c)), expected(&(big(a) * big(b)), &big(c)));
        Ok(())
    });
}

#[test]
fn mul_shift_agrees_with_exact_division_by_a_power_of_two() {
    check(30_000, (wide(), wide(), 1u32..128), |(a, b, shift)| {
        let wanted = expected(&(big(a) * big(b)), &(big(1) << shift));
        prop_assert_eq!((mul_shift_floor(a, b, shift), mul_shift_ceil(a, b, shift)), wanted);
        Ok(())
    });
}

#[test]
fn mul_shift_outside_its_domain_has_no_result_and_does_not_panic() {
    for shift in [0, 128, 129, u32::MAX] {
        assert_eq!(mul_shift_floor(u128::MAX, u128::MAX, shift), None);
        assert_eq!(mul_shift_ceil(1, 1, shift), None);
    }
}

#[test]
fn shifts_of_either_sign_round_as_named_and_saturate() {
    check(20_000, (wide(), -300i32..300), |(x, shift)| {
        let (floor, ceil) = if shift >= 0 {
            let exact = big(x) << shift.unsigned_abs();
            (exact.to_u128(), exact.to_u128())
        } else {
            expected(&big(x), &(big(1) << shift.unsigned_abs()))
        };
        prop_assert_eq!(scale_floor(x, shift), floor.unwrap_or(u128::MAX));
        prop_assert_eq!(scale_ceil(x, shift), ceil.unwrap_or(u128::MAX));
        let (floor, ceil) = expected(&big(x), &(big(1) << shift.unsigned_abs()));
        prop_assert_eq!(Some(shr_floor(x, shift.unsigned_abs())), floor);
        prop_assert_eq!(Some(shr_ceil(x, shift.unsigned_abs())), ceil);
        Ok(())
    });
}

/// The nearest factor to a number of any size.
fn clamp(x: Option<u128>) -> Factor {
    Factor(u64::try_from(x.unwrap_or(u128::MAX)).unwrap_or(u64::MAX))
}

#[test]
fn factors_round_as_named_and_saturate() {
    check(20_000, (any::<u64>(), 0u32..64, any::<u64>(), 0u32..64), |(a, down, b, down2)| {
        let (a, b) = (a >> down, b >> down2);
        let (one, most) = (big(1) << 40u32, big(u128::from(u64::MAX)));
        let (floor, ceil) = expected(&(big(a.into()) * big(b.into())), &one);
        prop_assert_eq!(Factor(a).times_floor(Factor(b)), clamp(floor));
        prop_assert_eq!(Factor(a).times_ceil(Factor(b)), clamp(ceil));
        let (floor, ceil) = expected(&(big(a.into()) * &one), &big(10_000));
        prop_assert_eq!(Factor::from_bps_floor(a), clamp(floor));
        prop_assert_eq!(Factor::from_bps_ceil(a), clamp(ceil));
        prop_assert_eq!(Factor::from_bps_ceil(a >> 30).to_bps_floor(), a >> 30);
        if b > 0 {
            let (floor, _) = expected(&(big(a.into()) * &one), &big(b.into()));
            prop_assert_eq!(Factor::ratio_floor(a.into(), b.into()), clamp(floor));
        }
        prop_assert_eq!(Factor(a).plus(Factor(b)), clamp((big(a.into()) + big(b.into())).min(most).to_u128()));
        prop_assert_eq!(Factor(a).minus(Factor(b)).0, a.saturating_sub(b));
        Ok(())
    });
}

#[test]
fn values_round_as_named_and_saturate() {
    check(20_000, (wide(), any::<u64>(), 0u32..64), |(x, f, down)| {
        let f = f >> down;
        let (value, one) = (Value(x), big(1) << 40u32);
        let clamp = |x: Option<u128>| Value(x.unwrap_or(u128::MAX));
        let (floor, ceil) = expected(&(big(x) * big(f.into())), &one);
        prop_assert_eq!((value.times_floor(Factor(f)), value.times_ceil(Factor(f))), (clamp(floor), clamp(ceil)));
        if f > 0 {
            let (floor, ceil) = expected(&(big(x) * &one), &big(f.into()));
            prop_assert_eq!((value.over_floor(Factor(f)), value.over_ceil(Factor(f))), (clamp(floor), clamp(ceil)));
        } else {
            prop_assert_eq!((value.over_floor(Factor(f)), value.over_ceil(Factor(f))), (clamp(None), clamp(None)));
        }
        Ok(())
    });
}

#[test]
fn a_part_of_a_whole_is_rounded_down() {
    check(5_000, (wide(), wide()), |(a, b)| {
        let part = Value(a).of_floor(Value(b));
        if b == 0 || part == Factor::MAX {
            prop_assert!(b == 0 || int(a) * int(1u64 << 40) >= int(u64::MAX) * int(b));
            return Ok(());
        }
        prop_assert!(factor(part) * nano(Value(b)) <= nano(Value(a)));
        prop_assert!(factor(Factor(part.0 + 1)) * nano(Value(b)) > nano(Value(a)));
        Ok(())
    });
}

#[test]
fn a_word_shifted_out_is_nothing_or_the_most() {
    for shift in [127, 128, 129, 255, i32::MAX] {
        assert_eq!((scale_floor(0, shift), scale_ceil(0, shift)), (0, 0), "zero by {shift}");
        assert_eq!((scale_floor(2, shift), scale_ceil(3, shift)), (u128::MAX, u128::MAX), "by {shift}");
        assert_eq!((scale_floor(u128::MAX >> 1, -shift), scale_ceil(1, -shift)), (0, 1), "by {}", -shift);
    }
}

#[test]
fn powers_of_two_in_basis_points_are_exact_or_the_most() {
    for bits in 0..64 {
        for bps in [1u64 << bits, (1 << bits) - 1, (1 << bits) + 1] {
            let (floor, ceil) = expected(&(big(bps.into()) << 40u32), &big(10_000));
            let clamp = |x: Option<u128>| Factor(u64::try_from(x.unwrap_or(u128::MAX)).unwrap_or(u64::MAX));
            assert_eq!((Factor::from_bps_floor(bps), Factor::from_bps_ceil(bps)), (clamp(floor), clamp(ceil)), "{bps}");
        }
    }
}
