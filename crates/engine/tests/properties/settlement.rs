use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::health::{CollateralLeg, DebtLeg, Exposure};
use plimsoll_engine::interest::INDEX_ONE;
use plimsoll_engine::settlement::*;
use plimsoll_engine::state::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, ledger, valid_market};

/// A reserve with lenders, borrowers, insurance in both forms and a defaulted debt.
#[derive(Clone, Debug)]
struct Defaulted {
    reserve: ReserveState,
    lenders: Vec<u128>,
    shares: u128,
}

fn defaulted() -> impl Strategy<Value = Defaulted> {
    (prop::collection::vec(amount(), 1..6), amount(), amount(), any::<[u64; 4]>()).prop_map(
        |(lenders, lent, defaulted, seeds)| {
            let mut reserve = ledger();
            let lenders: Vec<u128> =
                lenders.iter().map(|atoms| reserve.supply((atoms / 64).max(1), 0).unwrap()).collect();
            reserve.debt_index = Word128::new(INDEX_ONE + u128::from(seeds[0]));
            let _ = reserve.lend((lent % reserve.cash_atoms.max(1)).max(1));
            let shares = reserve.lend((defaulted % reserve.cash_atoms.max(1)).max(1)).unwrap_or(0);
            // Interest since then.
            reserve.debt_index = Word128::new(reserve.debt_index.get() + u128::from(seeds[0] >> (seeds[1] % 64)));
            reserve.insurance_atoms = seeds[2] >> (4 + seeds[2] % 60);
            // Accrued insurance is part of what debt has grown by.
            reserve.insurance_accrued_atoms = (seeds[3] >> (seeds[3] % 60)) % (reserve.assets_atoms() / 16 + 1);
            Defaulted { reserve, lenders, shares }
        },
    )
}

#[test]
fn a_loss_is_allocated_exactly_once() {
    check(10_000, defaulted(), |Defaulted { mut reserve, shares, .. }| {
        let before = reserve;
        let loss = reserve.write_off(shares);
        prop_assert_eq!(loss.owed_atoms, before.total_owed(shares));
        prop_assert!(loss.insurance_atoms <= before.insurance_atoms + before.insurance_accrued_atoms);
        prop_assert!(
            loss.insurance_atoms == loss.owed_atoms
                || loss.insurance_atoms == before.insurance_atoms + before.insurance_accrued_atoms,
            "insurance pays first"
        );
        if loss.insurance_atoms + loss.haircut_atoms < loss.owed_atoms {
            prop_assert_eq!(
                (loss.haircut_atoms, reserve.assets_atoms()),
                (before.assets_atoms(), 0),
                "capped by all that lenders have"
            );
        }
        prop_assert!(loss.insurance_atoms + loss.haircut_atoms <= loss.owed_atoms);
        // Lenders' assets fall by the haircut, to the atom by which a debt is rounded up.
        let fall = i128::from(before.assets_atoms()) - i128::from(reserve.assets_atoms());
        prop_assert!(
            (fall - i128::from(loss.haircut_atoms)).abs() <= 1,
            "assets fell by {}, haircut {}",
            fall,
            loss.haircut_atoms
        );
        prop_assert!(fall <= i128::from(loss.haircut_atoms) + 1);
        // Tokens do not move: what leaves the insurance ledger enters cash.
        prop_assert_eq!(
            u128::from(before.cash_atoms) + u128::from(before.insurance_atoms),
            u128::from(reserve.cash_atoms) + u128::from(reserve.insurance_atoms)
        );
        prop_assert_eq!(reserve.debt_shares.get(), before.debt_shares.get() - shares);
        Ok(())
    });
}

trait Owed {
    fn total_owed(&self, shares: u128) -> u64;
}

impl Owed for ReserveState {
    fn total_owed(&self, shares: u128) -> u64 {
        let exact = int(shares) * int(self.debt_index.get()) * pow2_neg(96);
        u64::try_from(exact.ceil().to_integer()).unwrap()
    }
}

#[test]
fn a_haircut_falls_on_lenders_in_proportion() {
    check(8_000, defaulted(), |Defaulted { mut reserve, lenders, shares }| {
        let (before, all) = (
            lenders.iter().map(|shares| reserve.supply_atoms_floor(*shares)).collect::<Vec<_>>(),
            reserve.assets_atoms(),
        );
        reserve.write_off(shares);
        // Insurance that pays a debt rounded up leaves lenders an atom more than before.
        let left = reserve.assets_atoms().min(all);
        for (shares, before) in lenders.iter().zip(before) {
            let exact = int(before) * (int(left) + int(1)) / (int(all) + int(1));
            // Both amounts are floors of the same shares: an atom each.
            at_most(&(&exact - int(1)), &int(reserve.supply_atoms_floor(*shares)), "no more than its part")?;
            at_most(&int(reserve.supply_atoms_floor(*shares)), &(exact + int(2)), "no less than its part")?;
            prop_assert_eq!(
                after_haircut(before, all, all - left),
                u64::try_from((int(before) * int(left) / int(all.max(1))).floor().to_integer()).unwrap()
            );
        }
        Ok(())
    });
}

#[test]
fn shares_of_a_loss_add_up_or_stop_at_what_lenders_have() {
    check(5_000, (amount(), amount(), amount()), |(loss, insurance, assets)| {
        let (paid, haircut) = share_loss(loss, insurance, assets);
        prop_assert_eq!(paid, loss.min(insurance));
        prop_assert_eq!(
            u128::from(paid) + u128::from(haircut),
            u128::from(loss).min(u128::from(paid) + u128::from(assets))
        );
        Ok(())
    });
}

#[test]
fn a_reserve_whose_supply_is_lost_closes_and_one_that_is_not_stays_open() {
    for (lent, status) in [(999_998_000_000, RESERVE_OPEN), (999_999_999_999, RESERVE_CLOSED)] {
        let mut reserve = ledger();
        reserve.supply(1_000_000_000_000, 0).unwrap();
        let shares = reserve.lend(lent).unwrap();
        reserve.write_off(shares);
        assert_eq!(reserve.status, status);
    }
}

#[test]
fn left_over_collateral_becomes_the_insurances_by_ledger() {
    let mut reserve =
        ReserveState { collateral_atoms: 100, counted_atoms: 60, insurance_collateral_atoms: 5, ..ledger() };
    reserve.forfeit_collateral(30, 20);
    assert_eq!((reserve.collateral_atoms, reserve.counted_atoms, reserve.insurance_collateral_atoms), (70, 40, 35));
    reserve.forfeit_collateral(100, 100);
    assert_eq!((reserve.collateral_atoms, reserve.counted_atoms, reserve.insurance_collateral_atoms), (0, 0, 105));
}

fn exposure(value: u128, atoms: u64, debt: u128, unusable: Option<EngineError>) -> Exposure {
    let mut exposure = Exposure::default();
    let (plain, maintenance) = (Value(value), Factor::from_bps_floor(9_000));
    exposure
        .push_collateral(CollateralLeg { atoms, plain, alv: plain, maintenance, unusable, ..Default::default() })
        .unwrap();
    exposure
        .push_debt(DebtLeg { owed_atoms: 1, plain: Value(debt), weight: Factor::ONE, ..Default::default() })
        .unwrap();
    exposure
}

#[test]
fn a_default_is_unhealthy_insolvent_and_empty_by_value() {
    let market = valid_market();
    let dust = market.dust().0;
    let verdict = |value, debt| require_default(&exposure(value, 1, debt, None), &market);
    assert_eq!(verdict(0, 1), Ok(()));
    assert_eq!(verdict(dust, dust + 1), Ok(()));
    // One unit above dust.
    assert_eq!(verdict(dust + 1, dust + 2), Err(EngineError::NotInDefault));
    // A small position that is solvent, healthy or not, is nobody's loss.
    assert_eq!(verdict(dust, dust), Err(EngineError::NotInDefault));
    assert_eq!(verdict(dust, dust / 2), Err(EngineError::NotInDefault));
    assert_eq!(verdict(0, 0), Err(EngineError::NotInDefault));
    // Insolvent by value, and healthy to the unit: a factor of one, which no reserve has.
    let mut even = Exposure::default();
    let plain = Value(10);
    even.push_collateral(CollateralLeg {
        atoms: 1,
        plain,
        alv: Value(11),
        maintenance: Factor::ONE,
        ..Default::default()
    })
    .unwrap();
    even.push_debt(DebtLeg { owed_atoms: 1, plain: Value(11), weight: Factor::ONE, ..Default::default() }).unwrap();
    assert_eq!(require_default(&even, &market), Err(EngineError::NotInDefault));
}

#[test]
fn nobody_passes_an_old_price_off_as_a_small_rest() {
    let market = valid_market();
    let stale = Some(EngineError::StalePrice);
    assert_eq!(require_default(&exposure(5, 1, 10, stale), &market), Err(EngineError::StalePrice));
    // One that stayed dead although it was noticed counts, or a grain behind it would block settlement for ever.
    let mut dead = Exposure::default();
    for leg in exposure(5, 1, 10, stale).collaterals() {
        dead.push_collateral(CollateralLeg { is_dead: true, ..*leg }).unwrap();
    }
    let debt = *exposure(5, 1, 10, None).debts().first().unwrap();
    dead.push_debt(debt).unwrap();
    assert_eq!(require_default(&dead, &market), Ok(()));
    dead.push_debt(DebtLeg { unusable: stale, ..debt }).unwrap();
    assert_eq!(require_default(&dead, &market), Err(EngineError::StalePrice));
    // No atom left: no price matters, that of a debt neither.
    assert_eq!(require_default(&exposure(0, 0, 10, stale), &market), Ok(()));
    let mut empty = Exposure::default();
    empty.push_debt(DebtLeg { unusable: stale, ..debt }).unwrap();
    assert_eq!(require_default(&empty, &market), Ok(()));
}
