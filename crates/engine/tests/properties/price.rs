use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Value;
use plimsoll_engine::price::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, quote, Quote};

const NOW: Now = Now { unix: 1_000, slot: 7 };

/// The true price lies in [mantissa, mantissa + 2) * 2^-shift with a mantissa of 63 bits: relative slack 2 / 2^62.
fn slack() -> Exact {
    int(1) + pow2_neg(61)
}

#[test]
fn values_bracket_the_exact_product_within_the_documented_slack() {
    check(10_000, (quote(), amount()), |(quote, atoms)| {
        let (price, exact) = (quote.price(), quote.atom_price() * int(atoms));
        let (low, high) = (price.value_floor(atoms), price.value_ceil(atoms));
        let limit = nano(Value::LIMIT);
        if exact.clone() * slack() + int(1) < limit {
            at_most(&nano(low), &exact, "the floor is no more than the value")?;
            at_most(&exact, &nano(high), "the ceiling is no less than the value")?;
            at_most(&exact, &((nano(low) + int(1)) * slack()), "the floor is close")?;
            at_most(&nano(high), &(&exact * slack() + int(1)), "the ceiling is close")?;
        } else if exact > limit.clone() * slack() {
            prop_assert_eq!((low, high), (Value::LIMIT, Value::LIMIT));
        }
        Ok(())
    });
}

#[test]
fn atoms_for_a_value_bracket_the_exact_quotient_within_the_documented_slack() {
    check(10_000, (quote(), any::<u128>(), 45u32..128), |(quote, value, shift)| {
        let (price, value) = (quote.price(), Value(value >> shift));
        let exact = nano(value) / quote.atom_price();
        let (low, high) = (price.atoms_floor(value), price.atoms_ceil(value));
        if exact.clone() * slack() + int(1) < int(u64::MAX) {
            at_most(&int(low), &exact, "the floor is no more than the value buys")?;
            at_most(&exact, &int(high), "the ceiling is no less than the value costs")?;
            at_most(&exact, &((int(low) + int(1)) * slack()), "the floor is close")?;
            at_most(&int(high), &(&exact * slack() + int(1)), "the ceiling is close")?;
        } else if exact > int(u64::MAX) * slack() {
            prop_assert_eq!((low, high), (u64::MAX, u64::MAX));
        }
        Ok(())
    });
}

#[test]
fn no_round_trip_between_atoms_and_value_profits() {
    check(10_000, (quote(), amount(), any::<u128>(), 48u32..128), |(quote, atoms, value, shift)| {
        let (price, value) = (quote.price(), Value(value >> shift));
        prop_assert!(price.atoms_floor(price.value_floor(atoms)) <= atoms);
        prop_assert!(price.value_floor(price.atoms_floor(value)) <= value);
        if price.value_ceil(atoms) < Value::LIMIT {
            prop_assert!(price.atoms_ceil(price.value_ceil(atoms)) >= atoms);
        }
        if price.atoms_ceil(value) < u64::MAX && value < Value::LIMIT {
            prop_assert!(price.value_ceil(price.atoms_ceil(value)) >= value);
        }
        Ok(())
    });
}

#[test]
fn values_rise_with_atoms_and_with_the_price() {
    check(5_000, (quote(), amount(), amount()), |(quote, a, b)| {
        let (price, dearer) =
            (quote.price(), Price::new(quote.number.saturating_add(1), quote.exponent, quote.decimals));
        let (less, more) = (a.min(b), a.max(b));
        prop_assert!(price.value_floor(less) <= price.value_floor(more));
        prop_assert!(price.value_ceil(less) <= price.value_ceil(more));
        prop_assert!(price.value_floor(a) <= dearer.value_floor(a));
        prop_assert!(price.value_floor(a) <= price.value_ceil(a));
        Ok(())
    });
}

#[test]
fn a_price_of_zero_values_at_zero() {
    let price = Price::new(0, -8, 6);
    assert_eq!(price.value_floor(u64::MAX), Value::ZERO);
    assert_eq!((price.atoms_floor(Value(1)), price.atoms_ceil(Value(1))), (u64::MAX, u64::MAX));
    assert_eq!((price.atoms_floor(Value::ZERO), price.atoms_ceil(Value::ZERO)), (0, 0));
}

fn raw(quote: &Quote) -> RawPrice {
    let number = i64::try_from(quote.number).unwrap_or(i64::MAX);
    RawPrice { price: number, confidence: 1, average: number, exponent: quote.exponent, publish_time: NOW.unix }
}

#[test]
fn a_reading_is_accepted_exactly_within_the_range_of_prices() {
    check(
        10_000,
        (1..=i64::MAX, 0u32..63, 1..=i64::MAX, 0u32..63, -30i32..12),
        |(price, down, average, down2, exponent)| {
            let raw = RawPrice {
                price: (price >> down).max(1),
                average: (average >> down2).max(1),
                confidence: 0,
                exponent,
                publish_time: 0,
            };
            let in_range = |number: i64| {
                let price = int(number) * ten(exponent);
                ten(-12) <= price && price <= ten(9)
            };
            let accepted = EXPONENTS.contains(&exponent) && in_range(raw.price) && in_range(raw.average);
            let checked = Reading::checked(&raw, &NOW);
            prop_assert_eq!(checked.err(), if accepted { None } else { Some(EngineError::PriceOutOfRange) });
            Ok(())
        },
    );
}

#[test]
fn a_reading_that_is_not_positive_is_refused() {
    let good = raw(&Quote { number: 100, exponent: -2, decimals: 6 });
    for bad in [0, -1, i64::MIN] {
        assert_eq!(Reading::checked(&RawPrice { price: bad, ..good }, &NOW), Err(EngineError::PriceNotPositive));
        assert_eq!(Reading::checked(&RawPrice { average: bad, ..good }, &NOW), Err(EngineError::PriceNotPositive));
    }
}

#[test]
fn a_reading_may_be_five_seconds_ahead_of_the_clock_and_no_more() {
    let at = |publish_time| {
        Reading::checked(&RawPrice { publish_time, ..raw(&Quote { number: 100, exponent: -2, decimals: 6 }) }, &NOW)
    };
    assert_eq!(at(NOW.unix + 5).map(|reading| reading.age_secs(NOW.unix)), Ok(0));
    assert_eq!(at(NOW.unix + 6), Err(EngineError::PriceFromFuture));
    assert_eq!(at(i64::MIN).map(|reading| reading.age_secs(i64::MAX)), Ok(u64::MAX >> 1));
}

#[test]
fn an_older_offer_is_ignored_and_a_newer_one_kept() {
    let at = |publish_time, price| Reading { publish_time, price, ..Reading::default() };
    assert_eq!(at(10, 1).newer(Some(at(9, 2))), at(10, 1));
    assert_eq!(at(10, 1).newer(Some(at(10, 2))), at(10, 1));
    assert_eq!(at(10, 1).newer(Some(at(11, 2))), at(11, 2));
    assert_eq!(at(10, 1).newer(None), at(10, 1));
}
