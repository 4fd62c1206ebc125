use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::flash::FLASH_FEE_BPS_MAX;
use plimsoll_engine::state::*;
use plimsoll_engine::transitions::Repayment;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, ledger, valid_market};

fn market_at(flash_fee_bps: u64) -> MarketPolicy {
    MarketPolicy { flash_fee_bps, ..valid_market() }
}

/// A reserve in use: supply, debt, insurance, and interest of insurance and protocol that may wait for cash.
fn used() -> impl Strategy<Value = ReserveState> {
    (any::<[u64; 6]>(), any::<[u32; 6]>()).prop_map(|(seeds, shifts)| {
        let [cash, lent, supply, insurance, accrued, fees] =
            std::array::from_fn(|i| (seeds[i] >> 8) >> (shifts[i] % 56));
        let mut reserve = ledger();
        reserve.cash_atoms = cash;
        reserve.debt_shares = Word128::new(reserve.debt_shares_ceil(lent).unwrap());
        reserve.supply_shares = Word128::new(u128::from(supply) << 20);
        reserve.insurance_atoms = insurance;
        (reserve.insurance_accrued_atoms, reserve.fee_accrued_atoms) = (accrued & lent, fees & lent & !accrued);
        reserve
    })
}

/// All atoms that the liquidity vault must hold.
fn held(reserve: &ReserveState) -> u128 {
    [reserve.cash_atoms, reserve.insurance_atoms, reserve.fee_atoms].iter().map(|atoms| u128::from(*atoms)).sum()
}

#[test]
fn the_fee_never_rounds_down_and_never_up_by_a_whole_atom() {
    check(20_000, (amount(), 0..=FLASH_FEE_BPS_MAX), |(atoms, bps)| {
        let fee = market_at(bps).flash_fee_atoms(atoms);
        let exact = int(atoms) * frac(bps, 10_000u64);
        at_most(&exact, &int(fee), "exact fee")?;
        prop_assert!(int(fee) < exact + int(1u64));
        prop_assert_eq!(fee == 0, atoms == 0 || bps == 0);
        Ok(())
    });
}

#[test]
fn a_loan_owes_its_principal_and_its_fee() {
    check(2_000, (any::<u64>(), any::<u64>()), |(principal_atoms, fee_atoms)| {
        let loan = FlashLoan { principal_atoms, fee_atoms, ..FlashLoan::NONE };
        prop_assert_eq!(loan.owed_atoms(), principal_atoms.saturating_add(fee_atoms));
        Ok(())
    });
    assert_eq!(FlashLoan::NONE.owed_atoms(), 0);
}

#[test]
fn a_loan_takes_its_principal_out_of_cash_and_brings_it_back_with_the_fee() {
    let (mut lent, mut refused) = (0, 0);
    let counts = std::cell::RefCell::new((&mut lent, &mut refused));
    check(20_000, (used(), amount(), 0..=FLASH_FEE_BPS_MAX), |(before, atoms, bps)| {
        let mut reserve = before;
        let mut counts = counts.borrow_mut();
        let loan = match reserve.flash_borrow(atoms, &market_at(bps)) {
            Ok(loan) => loan,
            Err(error) => {
                *counts.1 += 1;
                let waiting = before.insurance_accrued_atoms + before.fee_accrued_atoms;
                let short = u128::from(atoms) + u128::from(waiting) > u128::from(before.cash_atoms);
                let expected = if atoms == 0 { EngineError::ZeroAmount } else { EngineError::InsufficientLiquidity };
                prop_assert!(error == expected && (atoms == 0 || short), "{:?}", error);
                prop_assert_eq!(reserve, before, "untouched on error");
                return Ok(());
            }
        };
        *counts.0 += 1;
        prop_assert_eq!((loan.principal_atoms, loan.fee_atoms), (atoms, market_at(bps).flash_fee_atoms(atoms)));
        prop_assert_eq!(held(&reserve) + u128::from(atoms), held(&before), "what left is the principal");
        prop_assert_eq!(reserve.assets_atoms(), before.assets_atoms(), "lenders own as much as before");
        prop_assert_eq!(reserve.insurance_accrued_atoms + reserve.fee_accrued_atoms, 0, "nothing waits for cash");

        let open = reserve;
        prop_assert_eq!(open.require_no_flash(), Err(EngineError::FlashOpen));
        prop_assert_eq!(reserve.flash_borrow(1, &market_at(bps)), Err(EngineError::FlashOpen));
        prop_assert_eq!(reserve, open, "untouched on error");

        prop_assert_eq!(reserve.flash_repay(), Ok(loan));
        prop_assert_eq!(held(&reserve), held(&before) + u128::from(loan.fee_atoms));
        prop_assert_eq!(reserve.assets_atoms(), before.assets_atoms());
        prop_assert_eq!(reserve.supply_shares, before.supply_shares);
        prop_assert_eq!(reserve.cash_atoms, open.flash.cash_atoms);
        prop_assert_eq!(reserve.flash, FlashLoan::NONE);
        prop_assert_eq!(reserve.require_no_flash(), Ok(()));
        prop_assert_eq!(reserve.flash_repay(), Err(EngineError::FlashUnbalanced), "once");
        Ok(())
    });
    crate::assert_seen!(lent > 3_000 && refused > 3_000, "{lent} loans, {refused} refusals");
}

#[test]
fn a_repayment_inside_a_loan_leaves_what_it_leaves_without_one() {
    check(10_000, (used(), amount(), amount()), |(reserve, atoms, paid)| {
        let mut lending = reserve;
        let Ok(loan) = lending.flash_borrow(atoms, &market_at(5)) else { return Ok(()) };
        // The same, with what waited for cash taken out.
        let mut plain = lending;
        (plain.cash_atoms, plain.flash) = (lending.flash.cash_atoms, FlashLoan::NONE);
        let owed = plain.total_debt_atoms();
        let repayment = Repayment { atoms: paid.min(owed), shares: plain.debt_shares_floor(paid.min(owed)) };
        prop_assert_eq!(lending.receive_repayment(&repayment), plain.receive_repayment(&repayment));
        prop_assert_eq!(lending.flash_repay(), Ok(loan));
        plain.insurance_atoms += loan.fee_atoms;
        prop_assert_eq!(lending, plain);
        Ok(())
    });
}

#[test]
fn a_settlement_inside_a_loan_costs_lenders_what_it_costs_without_one() {
    let mut closed = 0;
    let count = std::cell::RefCell::new(&mut closed);
    check(20_000, (used(), amount(), any::<u64>(), any::<bool>()), |(mut reserve, atoms, part, all)| {
        (reserve.insurance_accrued_atoms, reserve.fee_accrued_atoms) = (0, 0);
        let (mut lending, mut plain) = (reserve, reserve);
        // Most of the time all that can be lent.
        let atoms = if all { reserve.cash_atoms } else { atoms };
        let Ok(loan) = lending.flash_borrow(atoms, &market_at(5)) else { return Ok(()) };
        let all_shares = reserve.debt_shares.get();
        let shares = if all { all_shares } else { u128::from(part) % (all_shares + 1) };
        prop_assert_eq!(lending.write_off(shares), plain.write_off(shares));
        prop_assert_eq!(lending.status, plain.status, "a loan closes no reserve");
        prop_assert_eq!(lending.flash_repay(), Ok(loan), "and a closed reserve takes it back");
        plain.insurance_atoms += loan.fee_atoms;
        prop_assert_eq!(lending, plain);
        **count.borrow_mut() += usize::from(plain.status == RESERVE_CLOSED);
        Ok(())
    });
    crate::assert_seen!(closed > 100, "{closed} closed");
}

/// Changes a reserve while a loan is open.
type Change = fn(&mut ReserveState);

#[test]
fn a_loan_that_would_end_with_less_is_not_closed() {
    let mut reserve = ledger();
    (reserve.cash_atoms, reserve.supply_shares) = (1_000, Word128::new(1 << 40));
    reserve.flash_borrow(400, &market_at(5)).unwrap();
    let changes: [(&str, Change); 4] = [
        ("an atom of cash less", |reserve| reserve.cash_atoms -= 1),
        ("a share more", |reserve| reserve.supply_shares.lo += 1),
        ("a share less", |reserve| reserve.supply_shares = Word128::new((1 << 40) - 1)),
        ("shares beyond 64 bits", |reserve| reserve.supply_shares.hi = 1),
    ];
    for (what, change) in changes {
        let mut changed = reserve;
        change(&mut changed);
        let before = changed;
        assert_eq!(changed.flash_repay(), Err(EngineError::FlashUnbalanced), "{what}");
        assert_eq!(changed, before, "{what}");
    }
    reserve.cash_atoms += 1;
    reserve.flash_repay().expect("more cash is no harm");
    assert_eq!((reserve.cash_atoms, reserve.insurance_atoms), (1_001, 1));
}

#[test]
fn refusals_come_in_their_order() {
    let mut reserve = ledger();
    (reserve.cash_atoms, reserve.status) = (10, RESERVE_CLOSED);
    reserve.flash.principal_atoms = 1;
    let verdict = |reserve: &ReserveState, atoms| reserve.clone().flash_borrow(atoms, &market_at(5));
    assert_eq!(verdict(&reserve, 0), Err(EngineError::ZeroAmount));
    assert_eq!(verdict(&reserve, 11), Err(EngineError::ReserveClosed));
    reserve.status = RESERVE_OPEN;
    assert_eq!(verdict(&reserve, 11), Err(EngineError::FlashOpen));
    reserve.flash = FlashLoan::NONE;
    assert_eq!(verdict(&reserve, 11), Err(EngineError::InsufficientLiquidity));
    assert!(verdict(&reserve, 10).is_ok(), "all of it");
    reserve.cash_atoms = u64::MAX;
    assert_eq!(verdict(&reserve, u64::MAX), Err(EngineError::AmountTooLarge));
}

#[test]
fn a_return_that_no_ledger_holds_is_refused_and_changes_nothing() {
    let mut reserve = ledger();
    reserve.cash_atoms = 1_000;
    reserve.flash_borrow(400, &market_at(5)).unwrap();
    let changes: [Change; 2] = [|reserve| reserve.cash_atoms = u64::MAX, |reserve| reserve.insurance_atoms = u64::MAX];
    for change in changes {
        let mut changed = reserve;
        change(&mut changed);
        let before = changed;
        assert_eq!(changed.flash_repay(), Err(EngineError::AmountTooLarge));
        assert_eq!(changed, before);
    }
}
