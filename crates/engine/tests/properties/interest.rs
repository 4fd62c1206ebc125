use plimsoll_engine::fixed::{Factor, Word128};
use plimsoll_engine::interest::*;
use plimsoll_engine::state::{RateCurve, ReserveState};
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, ledger, pick};

fn rates() -> impl Strategy<Value = RateCurve> {
    any::<[u64; 6]>().prop_map(|seeds| {
        let max_rate_bps = pick(seeds[0], 0, if seeds[0] & 1 == 0 { 10_000 } else { MAX_RATE_BPS });
        let kink_rate_bps = pick(seeds[1], 0, max_rate_bps);
        // All of it to insurance, too: then rounding shows in what lenders have.
        let insurance_share_bps = pick(seeds[2], 0, 13_000).min(10_000);
        RateCurve {
            base_rate_bps: pick(seeds[3], 0, kink_rate_bps),
            kink_utilisation_bps: pick(seeds[4], 1, 9_999),
            kink_rate_bps,
            max_rate_bps,
            insurance_share_bps,
            // Nothing for lenders as often as something.
            fee_share_bps: if seeds[5] & 1 == 0 {
                10_000 - insurance_share_bps
            } else {
                pick(seeds[5], 0, 10_000 - insurance_share_bps)
            },
        }
    })
}

/// A reserve with any cash, debt and index.
fn lending() -> impl Strategy<Value = ReserveState> {
    (rates(), amount(), amount(), 0u32..=32, prop_oneof![Just(0), any::<u64>()]).prop_map(
        |(rates, cash, debt, growth, fraction)| {
            let mut reserve = ledger();
            reserve.rates = rates;
            reserve.cash_atoms = cash / 4;
            reserve.debt_index =
                Word128::new((INDEX_ONE << growth).saturating_add(u128::from(fraction)).min(INDEX_MAX));
            let shares = reserve.debt_shares_ceil(debt / 8).unwrap_or(0);
            reserve.debt_shares = Word128::new(shares);
            reserve
        },
    )
}

fn span() -> impl Strategy<Value = i64> {
    prop_oneof![0i64..100, 0i64..100_000, 0i64..100_000_000, Just(i64::MAX)]
}

#[test]
fn the_rate_follows_the_kinked_line_and_is_rounded_up() {
    check(5_000, (rates(), 0..=1u64 << 41, 0..=1u64 << 41), |(rates, u, v)| {
        let rate = |u: u64| factor(rates.rate(Factor(u)));
        at_most(&rate(u.min(v)), &rate(u.max(v)), "monotone")?;
        let used = factor(Factor(u.min(1 << 40)));
        let line = |from, to, along: Exact, whole: Exact| bps(from) + (bps(to) - bps(from)) * along / whole;
        let kink = bps(rates.kink_utilisation_bps);
        let exact = if used <= kink {
            line(rates.base_rate_bps, rates.kink_rate_bps, used.clone(), kink.clone())
        } else {
            line(rates.kink_rate_bps, rates.max_rate_bps, &used - &kink, int(1) - &kink)
        };
        // The kink itself is rounded down by up to 2^-40, which moves the line by the steeper slope: at most 10 over 1e-4.
        let noise = pow2_neg(40) * (int(4) + int(10) / kink.clone().min(int(1) - kink));
        at_most(&(&exact - &noise), &rate(u), "not below the line")?;
        at_most(&rate(u), &(exact + noise), "not above the line")
    });
}

#[test]
fn the_index_never_falls_and_stays_within_its_limit() {
    check(5_000, (lending(), span(), span(), any::<u64>()), |(mut reserve, first, second, shares)| {
        let mut last = reserve.debt_index.get();
        for unix in [first, first.saturating_add(second), second] {
            let (projected, shares) = (reserve.projected_index(unix), u128::from(shares));
            let (assets, worth) = (reserve.projected_assets_atoms(unix), reserve.projected_supply_atoms(shares, unix));
            let cash = reserve.cash_atoms;
            reserve.accrue(unix);
            // Where all of it fits.
            if reserve.total_debt_atoms().checked_add(cash).is_some() {
                prop_assert_eq!((assets, worth), (reserve.assets_atoms(), reserve.supply_atoms_floor(shares)));
            }
            prop_assert!(reserve.debt_index.get() >= last && reserve.debt_index.get() <= INDEX_MAX.max(last));
            prop_assert_eq!(reserve.projected_index(reserve.accrued_at), reserve.debt_index.get());
            if unix >= first {
                prop_assert!(projected == reserve.debt_index.get() || unix < reserve.accrued_at);
            }
            last = reserve.debt_index.get();
        }
        Ok(())
    });
}

#[test]
fn utilisation_is_what_is_lent_of_what_could_be() {
    check(5_000, lending(), |reserve| {
        let (debt, cash) = (int(reserve.total_debt_atoms()), int(reserve.cash_atoms));
        let used = factor(reserve.utilisation());
        if debt == zero() {
            prop_assert_eq!(used, zero());
            return Ok(());
        }
        let exact = &debt / (&debt + cash);
        at_most(&used, &exact, "rounded down")?;
        prop_assert!(used + pow2_neg(40) > exact, "by less than a unit");
        Ok(())
    });
}

#[test]
fn debt_and_cash_are_projected_as_booking_will_leave_them() {
    check(5_000, (lending(), span(), amount(), amount()), |(mut reserve, secs, insurance, fee)| {
        (reserve.insurance_accrued_atoms, reserve.fee_accrued_atoms) = (insurance >> 3, fee >> 3);
        // In the second of the last booking nothing waits that cash could pay.
        let secs = secs.max(1);
        let projected = reserve.projected_debt_and_cash(secs);
        reserve.accrue(secs);
        prop_assert_eq!(projected, (reserve.total_debt_atoms(), reserve.cash_atoms));
        Ok(())
    });
}

#[test]
fn the_index_grows_by_rate_and_time_and_is_rounded_up() {
    check(5_000, (lending(), 1i64..1_000_000_000), |(reserve, secs)| {
        let before = int(reserve.debt_index.get());
        let after = reserve.projected_index(secs);
        if reserve.debt_shares.get() == 0 {
            prop_assert_eq!(after, reserve.debt_index.get(), "nobody owes");
            return Ok(());
        }
        let exact = &before * (int(1) + factor(reserve.rates.rate(reserve.utilisation())) * frac(secs, YEAR_SECS));
        at_most(&exact.clone().min(int(INDEX_MAX)), &int(after), "rounded up")?;
        at_most(&int(after), &(exact + before * pow2_neg(64) + int(1)), "by one unit of each step")
    });
}

#[test]
fn touching_more_often_never_earns_a_lender_less() {
    check(5_000, (lending(), 0i64..100_000_000, 0i64..100_000_000), |(reserve, first, second)| {
        let (mut once, mut twice) = (reserve, reserve);
        once.accrue(first + second);
        twice.accrue(first);
        twice.accrue(first + second);
        prop_assert!(twice.debt_index.get() >= once.debt_index.get());
        prop_assert!(twice.total_debt_atoms() >= once.total_debt_atoms());
        Ok(())
    });
}

#[test]
fn cash_and_debt_are_lenders_insurance_and_protocol() {
    check(
        8_000,
        (lending(), prop::collection::vec(span(), 1..6), amount(), amount()),
        |(mut reserve, spans, insurance, fee)| {
            (reserve.insurance_atoms, reserve.fee_atoms) = (insurance / 4, fee / 4);
            let mut unix = 0i64;
            for span in spans {
                unix = unix.saturating_add(span / 1_000);
                let (assets, debt, ledgers) = (reserve.assets_atoms(), reserve.total_debt_atoms(), insured(&reserve));
                let cash_before = u128::from(reserve.cash_atoms)
                    + u128::from(reserve.insurance_atoms)
                    + u128::from(reserve.fee_atoms);
                reserve.accrue(unix);
                let cash_after = u128::from(reserve.cash_atoms)
                    + u128::from(reserve.insurance_atoms)
                    + u128::from(reserve.fee_atoms);
                prop_assert_eq!(cash_before, cash_after, "no atom appears or disappears");
                if reserve.total_debt_atoms() == u64::MAX {
                    return Ok(());
                }
                let earned = u128::from(reserve.total_debt_atoms() - debt);
                let taken = insured(&reserve) - ledgers;
                // Interest is counted rounded down and debt rounded up: an atom apart.
                prop_assert!(taken <= earned + 1, "insurance and protocol take no more than the interest");
                prop_assert!(
                    reserve.assets_atoms() >= assets,
                    "lenders lose nothing to interest: {} then {}",
                    assets,
                    reserve.assets_atoms()
                );
                // What lenders get is the rest, to the atom that a debt rounded up is worth to them rounded down.
                let rest = u128::from(reserve.assets_atoms() - assets);
                prop_assert!(
                    rest + taken <= earned + 1 && earned <= rest + taken + 1,
                    "{} = {} + {}",
                    earned,
                    rest,
                    taken
                );
            }
            Ok(())
        },
    );
}

/// All that belongs to insurance and protocol.
fn insured(reserve: &ReserveState) -> u128 {
    [reserve.insurance_atoms, reserve.insurance_accrued_atoms, reserve.fee_atoms, reserve.fee_accrued_atoms]
        .map(u128::from)
        .iter()
        .sum()
}

#[test]
fn interest_of_a_fully_lent_pool_waits_for_cash_and_is_paid_from_the_first_that_comes() {
    let mut reserve = ledger();
    let flat = RateCurve {
        base_rate_bps: 10_000,
        kink_utilisation_bps: 8_000,
        kink_rate_bps: 10_000,
        max_rate_bps: 10_000,
        insurance_share_bps: 0,
        fee_share_bps: 0,
    };
    reserve.rates = RateCurve { insurance_share_bps: 2_000, fee_share_bps: 1_000, ..flat };
    reserve.supply(1_000_000, 0).unwrap();
    let shares = reserve.lend(1_000_000).unwrap();
    // A rate of 100% for a year.
    reserve.accrue(i64::try_from(YEAR_SECS).unwrap());
    assert_eq!((reserve.total_debt_atoms(), reserve.assets_atoms(), reserve.cash_atoms), (2_000_000, 1_700_000, 0));
    assert_eq!(
        (reserve.insurance_atoms, reserve.insurance_accrued_atoms, reserve.fee_atoms, reserve.fee_accrued_atoms),
        (0, 200_000, 0, 100_000)
    );
    let repayment = reserve.plan_repayment(shares, 250_000).unwrap();
    reserve.receive_repayment(&repayment).unwrap();
    assert_eq!(
        (reserve.insurance_atoms, reserve.insurance_accrued_atoms, reserve.fee_atoms, reserve.fee_accrued_atoms),
        (200_000, 0, 50_000, 50_000)
    );
    assert_eq!((reserve.assets_atoms(), reserve.cash_atoms), (1_700_000, 0));
}

#[test]
fn a_clock_that_stands_still_or_goes_back_books_nothing() {
    let mut reserve = ledger();
    reserve.rates.max_rate_bps = 10_000;
    reserve.supply(1_000, 0).unwrap();
    reserve.lend(500).unwrap();
    reserve.accrue(1_000);
    let before = reserve;
    for unix in [1_000, 999, 0, i64::MIN] {
        reserve.accrue(unix);
        assert_eq!(reserve, before);
    }
}
