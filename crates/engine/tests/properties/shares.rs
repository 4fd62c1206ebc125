use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::interest::{INDEX_MAX, INDEX_ONE};
use plimsoll_engine::shares::*;
use plimsoll_engine::state::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, ledger};

/// A reserve whose share price is anything: supply, then interest or a loss.
fn supplied() -> impl Strategy<Value = ReserveState> {
    (amount(), amount(), amount(), 0u32..=20, any::<u64>()).prop_map(|(supply, cash, lent, growth, fraction)| {
        let mut reserve = ledger();
        let _ = reserve.supply(supply / 4, 0);
        reserve.cash_atoms = cash / 4;
        reserve.debt_index = Word128::new((INDEX_ONE << growth) + u128::from(fraction));
        reserve.debt_shares = Word128::new(reserve.debt_shares_ceil(lent / 8).unwrap_or(0));
        reserve
    })
}

/// What a share is worth, the virtual ones included.
fn share_price(reserve: &ReserveState) -> Exact {
    (int(reserve.assets_atoms()) + int(VIRTUAL_ASSETS)) / (int(reserve.supply_shares.get()) + int(VIRTUAL_SHARES))
}

#[test]
fn supplying_and_redeeming_never_profits() {
    check(10_000, (supplied(), amount()), |(mut reserve, atoms)| {
        let before = reserve.assets_atoms();
        let Ok(shares) = reserve.supply(atoms, 0) else { return Ok(()) };
        prop_assert!(reserve.supply_atoms_floor(shares) <= atoms);
        reserve.cash_atoms = reserve.cash_atoms.max(atoms);
        if let Ok(back) = reserve.redeem(shares, 0) {
            prop_assert!(back <= atoms && reserve.assets_atoms() >= before);
        }
        Ok(())
    });
}

#[test]
fn the_share_price_never_falls_by_supply_redeem_borrow_or_repay() {
    check(
        10_000,
        (supplied(), amount(), any::<u128>(), 0u32..128, amount(), amount()),
        |(mut reserve, supply, redeem, shift, borrow, repay)| {
            let mut price = share_price(&reserve);
            let mut rises = |reserve: &ReserveState, what: &str| {
                let now = share_price(reserve);
                at_most(&price, &now, what)?;
                price = now;
                Ok::<_, TestCaseError>(())
            };
            let _ = reserve.supply(supply, 0);
            rises(&reserve, "supply")?;
            let _ = reserve.redeem(redeem >> shift, 0);
            rises(&reserve, "redeem")?;
            let Ok(shares) = reserve.lend(borrow.min(reserve.cash_atoms)) else { return Ok(()) };
            rises(&reserve, "borrow")?;
            let Ok(repayment) = reserve.plan_repayment(shares, repay) else { return Ok(()) };
            if reserve.receive_repayment(&repayment).is_ok() {
                rises(&reserve, "repay")?;
            }
            Ok(())
        },
    );
}

#[test]
fn borrowing_and_repaying_never_profits() {
    check(10_000, (amount(), any::<u64>(), 0u32..=32, amount()), |(atoms, fraction, growth, part)| {
        let mut reserve = ledger();
        reserve.debt_index = Word128::new(((INDEX_ONE << growth) + u128::from(fraction)).min(INDEX_MAX));
        reserve.cash_atoms = u64::MAX / 2;
        let Ok(shares) = reserve.lend(atoms / 4) else { return Ok(()) };
        let owed = reserve.plan_repayment(shares, u64::MAX).unwrap();
        prop_assert!(owed.atoms >= atoms / 4 && owed.atoms <= atoms / 4 + 1 && owed.shares == shares);
        // In two parts it is no cheaper, and nothing short of all that is owed burns the last share.
        let first = (part % owed.atoms).max(1);
        let paid = reserve.plan_repayment(shares, first).unwrap();
        prop_assert_eq!(paid.shares == shares, paid.atoms == owed.atoms);
        if paid.shares < shares {
            let rest = reserve.plan_repayment(shares - paid.shares, u64::MAX).unwrap();
            prop_assert!(u128::from(paid.atoms) + u128::from(rest.atoms) >= u128::from(owed.atoms));
        }
        Ok(())
    });
}

#[test]
fn a_donating_first_depositor_loses_more_than_the_victim() {
    check(5_000, (1u64..1 << 40, 0u64..1 << 50, 1u64..1 << 50), |(first, donation, victim)| {
        let mut reserve = ledger();
        let attacker = reserve.supply(first, 0).unwrap();
        // A donation to a vault is not counted; here the attacker finds a way that is, say insurance paid into cash.
        reserve.cash_atoms += donation;
        let Ok(shares) = reserve.supply(victim, 0) else {
            // No share at all: refused, so nothing is lost.
            return Ok(());
        };
        let victim_loss = victim - reserve.supply_atoms_floor(shares);
        let attacker_gain = int(reserve.supply_atoms_floor(attacker)) - int(first) - int(donation);
        prop_assert!(attacker_gain <= int(0));
        // One share's price bounds the loss: (donation + first + 1) / 2^20, and an atom.
        let one_share = (int(donation) + int(first) + int(1)) / int(1u64 << 20);
        at_most(&int(victim_loss), &(one_share + int(2)), "victim's loss")
    });
}

#[test]
fn a_supply_that_would_mint_no_share_is_refused() {
    let mut reserve = ledger();
    reserve.supply(1, 0).unwrap();
    reserve.cash_atoms = 1 << 40;
    assert_eq!(reserve.supply(1 << 10, 0), Err(EngineError::SharesBelowMin));
}

#[test]
fn supply_is_lost_below_a_millionth_of_the_first_share_price() {
    let mut reserve = ledger();
    reserve.supply(10_000_000_000_000, 0).unwrap();
    assert!(!reserve.is_supply_lost());
    reserve.cash_atoms = 10_000_000;
    assert!(!reserve.is_supply_lost());
    reserve.cash_atoms = 9_999_999;
    assert!(reserve.is_supply_lost());
    assert!(!ledger().is_supply_lost());
}
