use plimsoll_engine::error::EngineError;
use plimsoll_engine::liquidation::LiquidationPlan;
use plimsoll_engine::state::*;
use plimsoll_engine::transitions::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::worlds::{amount, ledger, valid_market, valid_reserve, NOW};

fn key(n: u8) -> Pubkey {
    [n; 32]
}

fn empty() -> PositionState {
    bytemuck::Zeroable::zeroed()
}

/// What a position holds, the simple way: lists in order of opening.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    collaterals: Vec<(Pubkey, u64, u64)>,
    debts: Vec<(Pubkey, u128)>,
}

#[derive(Clone, Debug)]
enum Action {
    Deposit { token: u8, atoms: u64, by_owner: bool },
    Withdraw { slot: usize, atoms: u64 },
    Borrow { token: u8, shares: u64 },
    Repay { slot: usize, shares: u64 },
    Uncount { slot: usize },
}

fn action() -> impl Strategy<Value = Action> {
    let small = 1u64..40;
    prop_oneof![
        4 => (0u8..11, small.clone(), any::<bool>()).prop_map(|(token, atoms, by_owner)| Action::Deposit { token, atoms, by_owner }),
        3 => (0usize..9, 0u64..60).prop_map(|(slot, atoms)| Action::Withdraw { slot, atoms }),
        3 => (0u8..11, small).prop_map(|(token, shares)| Action::Borrow { token, shares }),
        3 => (0usize..5, 0u64..60).prop_map(|(slot, shares)| Action::Repay { slot, shares }),
        1 => (0usize..9).prop_map(|slot| Action::Uncount { slot }),
    ]
}

impl Model {
    fn apply(&mut self, action: &Action) -> Result<(), EngineError> {
        match *action {
            Action::Deposit { token, atoms, by_owner } => {
                let counted = !self.debts.is_empty();
                if self.debts.iter().any(|debt| debt.0 == key(token)) {
                    return Err(EngineError::CollateralIsDebt);
                }
                let i = match self.collaterals.iter().position(|slot| slot.0 == key(token)) {
                    Some(i) => i,
                    None if !by_owner => return Err(EngineError::SlotNotOpen),
                    None if self.collaterals.len() == MAX_COLLATERALS => return Err(EngineError::CollateralSlotsFull),
                    None => {
                        self.collaterals.push((key(token), 0, 0));
                        self.collaterals.len() - 1
                    }
                };
                self.collaterals[i].1 += atoms;
                self.collaterals[i].2 += if counted { atoms } else { 0 };
            }
            Action::Withdraw { slot, atoms } => {
                let held = self.collaterals.get_mut(slot).ok_or(EngineError::LegMismatch)?;
                held.1 = held.1.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
                held.2 = held.2.min(held.1);
                self.collaterals.retain(|slot| slot.1 > 0);
            }
            Action::Borrow { token, shares } => {
                if self.collaterals.iter().any(|slot| slot.0 == key(token)) {
                    return Err(EngineError::CollateralIsDebt);
                }
                match self.debts.iter().position(|debt| debt.0 == key(token)) {
                    Some(i) => self.debts[i].1 += u128::from(shares),
                    None if self.debts.len() == MAX_DEBTS => return Err(EngineError::DebtSlotsFull),
                    None => self.debts.push((key(token), shares.into())),
                }
                for slot in &mut self.collaterals {
                    slot.2 = slot.1;
                }
            }
            Action::Repay { slot, shares } => {
                let debt = self.debts.get_mut(slot).ok_or(EngineError::LegMismatch)?;
                debt.1 = debt.1.checked_sub(shares.into()).ok_or(EngineError::AmountExceedsBalance)?;
                self.debts.retain(|debt| debt.1 > 0);
            }
            Action::Uncount { slot } => {
                if !self.debts.is_empty() {
                    return Err(EngineError::PositionHasDebt);
                }
                self.collaterals.get_mut(slot).ok_or(EngineError::LegMismatch)?.2 = 0;
            }
        }
        Ok(())
    }
}

/// The same by the engine, on a position and its reserves.
fn apply(position: &mut PositionState, reserves: &mut [ReserveState; 11], action: &Action) -> Result<(), EngineError> {
    let number = |position: &PositionState, slot: usize| {
        position.collaterals().get(slot).map_or(0, |slot| usize::from(slot.reserve[0]))
    };
    match *action {
        Action::Deposit { token, atoms, by_owner } => {
            let counted = position.has_debt();
            let slot = position.collateral_slot(&key(token), by_owner)?;
            reserves[usize::from(token)].take_collateral(atoms, counted, false)?;
            position.add_collateral(slot, atoms, counted)
        }
        Action::Withdraw { slot, atoms } => {
            let reserve = &mut reserves[number(position, slot)];
            let counted = position.remove_collateral(slot, atoms)?;
            reserve.give_collateral(atoms, counted)
        }
        Action::Borrow { token, shares } => {
            let slot = position.debt_slot(&key(token))?;
            position.add_debt(slot, shares.into())?;
            for slot in 0..position.collaterals().len() {
                count(position, slot, &mut reserves[number(position, slot)])?;
            }
            Ok(())
        }
        Action::Repay { slot, shares } => position.remove_debt(slot, shares.into(), PaidFor::Nothing).map(drop),
        Action::Uncount { slot } => uncount(position, slot, &mut reserves[number(position, slot)]).map(|_| ()),
    }
}

#[test]
fn random_sequences_of_actions_keep_a_position_in_order() {
    check(3_000, prop::collection::vec(action(), 1..60), |actions| {
        let (mut position, mut model, mut reserves) = (empty(), Model::default(), [ledger(); 11]);
        for action in actions {
            let (before, wanted) = ((position, reserves), model.clone());
            let expected = model.apply(&action);
            let got = apply(&mut position, &mut reserves, &action);
            prop_assert_eq!(got, expected, "{:?} on {:?}", action, wanted);
            if expected.is_err() {
                (model, (position, reserves)) = (wanted, before);
                continue;
            }
            let seen = Model {
                collaterals: position
                    .collaterals()
                    .iter()
                    .map(|slot| (slot.reserve, slot.atoms, slot.counted_atoms))
                    .collect(),
                debts: position.debts().iter().map(|slot| (slot.reserve, slot.shares.get())).collect(),
            };
            prop_assert_eq!(&seen, &model, "after {:?}", action);
            // Unused slots are zero, and no more is counted than there is.
            prop_assert!(position.collaterals[position.collaterals().len()..]
                .iter()
                .all(|slot| *slot == bytemuck::Zeroable::zeroed()));
            prop_assert!(position.debts[position.debts().len()..]
                .iter()
                .all(|slot| *slot == bytemuck::Zeroable::zeroed()));
            prop_assert!(position.collaterals().iter().all(|slot| slot.counted_atoms <= slot.atoms));
            prop_assert_eq!(position.has_debt(), !model.debts.is_empty());
            for (token, reserve) in reserves.iter().enumerate() {
                let held =
                    model.collaterals.iter().find(|slot| slot.0 == key(token as u8)).copied().unwrap_or_default();
                prop_assert_eq!((reserve.collateral_atoms, reserve.counted_atoms), (held.1, held.2));
            }
        }
        Ok(())
    });
}

#[test]
fn a_slot_that_is_not_open_is_no_slot() {
    let mut position = empty();
    position.collateral_slot(&key(1), true).unwrap();
    position.add_collateral(0, 10, false).unwrap();
    position.debt_slot(&key(2)).unwrap();
    position.add_debt(0, 10).unwrap();
    let before = position;
    for slot in [1, 2, 7, 8, usize::MAX] {
        assert_eq!(position.add_collateral(slot, 1, true), Err(EngineError::LegMismatch));
        assert_eq!(position.remove_collateral(slot, 0), Err(EngineError::LegMismatch));
        assert_eq!(position.add_debt(slot, 1), Err(EngineError::LegMismatch));
        assert_eq!(position.remove_debt(slot, 0, PaidFor::Nothing), Err(EngineError::LegMismatch));
        assert_eq!(count(&mut position, slot, &mut ledger()), Err(EngineError::LegMismatch));
        assert_eq!(position, before);
    }
}

#[test]
fn what_a_recovery_sale_took_moves_with_its_slots() {
    let mut position = empty();
    for n in 0..3 {
        position.collateral_slot(&key(n), true).unwrap();
        position.add_collateral(usize::from(n), 10, false).unwrap();
        position.debt_slot(&key(10 + n)).unwrap();
        position.add_debt(usize::from(n), 10).unwrap();
    }
    for debt in 0..3 {
        for collateral in 0..3 {
            position.taken_atoms[debt][collateral] = 10 * (debt as u64 + 1) + collateral as u64;
        }
    }
    position.remove_collateral(1, 10).unwrap();
    assert_eq!(position.taken_atoms[0][..3], [10, 12, 0]);
    assert_eq!(position.taken_atoms[2][..3], [30, 32, 0]);
    assert_eq!(position.remove_debt(0, 10, PaidFor::Nothing), Ok(0));
    assert_eq!(
        position.taken_atoms.map(|taken| [taken[0], taken[1], taken[2]]),
        [[20, 22, 0], [30, 32, 0], [0, 0, 0], [0, 0, 0]]
    );
    assert_eq!(position.debts().iter().map(|slot| slot.reserve).collect::<Vec<_>>(), [key(11), key(12)]);
}

#[test]
fn uncounted_collateral_leaves_first() {
    let mut position = empty();
    position.collateral_slot(&key(1), true).unwrap();
    position.add_collateral(0, 10, true).unwrap();
    position.add_collateral(0, 5, false).unwrap();
    assert_eq!((position.remove_collateral(0, 4), position.collaterals[0].counted_atoms), (Ok(0), 10));
    assert_eq!((position.remove_collateral(0, 3), position.collaterals[0].counted_atoms), (Ok(2), 8));
}

#[test]
fn each_refusal_of_a_ledger_has_its_error_and_changes_nothing() {
    type Case = (&'static str, fn(&mut ReserveState), fn(&mut ReserveState) -> Result<(), EngineError>, EngineError);
    let supplied = |change: fn(&mut ReserveState)| {
        let mut reserve = ledger();
        reserve.supply(1_000, 0).unwrap();
        reserve.take_collateral(50, true, false).unwrap();
        change(&mut reserve);
        reserve
    };
    let cases: &[Case] = &[
        ("supply nothing", |_| {}, |r| r.supply(0, 0).map(drop), EngineError::ZeroAmount),
        (
            "supply to a closed reserve",
            |r| r.status = RESERVE_CLOSED,
            |r| r.supply(1, 0).map(drop),
            EngineError::ReserveClosed,
        ),
        (
            "supply above the cap",
            |r| r.caps.supply_atoms = 1_009,
            |r| r.supply(10, 0).map(drop),
            EngineError::SupplyCapExceeded,
        ),
        (
            "supply for more shares than it buys",
            |_| {},
            |r| r.supply(1, (1 << 20) + 1).map(drop),
            EngineError::SharesBelowMin,
        ),
        (
            "supply beyond the ledger",
            |r| r.cash_atoms = u64::MAX,
            |r| r.supply(1, 0).map(drop),
            EngineError::AmountTooLarge,
        ),
        ("redeem nothing", |_| {}, |r| r.redeem(0, 0).map(drop), EngineError::ZeroAmount),
        ("redeem less than an atom", |_| {}, |r| r.redeem(1, 0).map(drop), EngineError::ZeroAmount),
        (
            "redeem more than all",
            |_| {},
            |r| r.redeem((1_000 << 20) + 1, 0).map(drop),
            EngineError::AmountExceedsBalance,
        ),
        ("redeem for more than it is worth", |_| {}, |r| r.redeem(1 << 20, 2).map(drop), EngineError::AssetsBelowMin),
        (
            "redeem what is lent",
            |r| assert!(r.lend(999).is_ok()),
            |r| r.redeem(2 << 20, 0).map(drop),
            EngineError::InsufficientLiquidity,
        ),
        ("lend nothing", |_| {}, |r| r.lend(0).map(drop), EngineError::ZeroAmount),
        (
            "lend from a closed reserve",
            |r| r.status = RESERVE_CLOSED,
            |r| r.lend(1).map(drop),
            EngineError::ReserveClosed,
        ),
        ("lend more than cash", |_| {}, |r| r.lend(1_001).map(drop), EngineError::InsufficientLiquidity),
        ("lend above the cap", |r| r.caps.borrow_atoms = 9, |r| r.lend(10).map(drop), EngineError::BorrowCapExceeded),
        ("repay nothing", |_| {}, |r| r.plan_repayment(1, 0).map(drop), EngineError::ZeroAmount),
        ("take no fees", |_| {}, |r| r.take_fees().map(drop), EngineError::ZeroAmount),
        (
            "insure beyond the ledger",
            |r| r.insurance_atoms = u64::MAX,
            |r| r.receive_insurance(1),
            EngineError::AmountTooLarge,
        ),
        ("take no collateral", |_| {}, |r| r.take_collateral(0, true, false), EngineError::ZeroAmount),
        (
            "take collateral above the cap",
            |r| r.caps.collateral_atoms = 59,
            |r| r.take_collateral(10, true, false),
            EngineError::CollateralCapExceeded,
        ),
        (
            "take collateral beyond the ledger",
            |r| r.collateral_atoms = u64::MAX,
            |r| r.take_collateral(1, true, false),
            EngineError::AmountTooLarge,
        ),
        ("give more collateral than there is", |_| {}, |r| r.give_collateral(51, 0), EngineError::AmountExceedsBalance),
    ];
    for (name, change, step, error) in cases {
        let mut reserve = supplied(*change);
        let before = reserve;
        assert_eq!(step(&mut reserve), Err(*error), "{name}");
        assert_eq!(reserve, before, "{name}");
    }
}

#[test]
fn fees_are_taken_once() {
    let mut reserve = ReserveState { fee_atoms: 7, ..ledger() };
    assert_eq!((reserve.take_fees(), reserve.take_fees()), (Ok(7), Err(EngineError::ZeroAmount)));
}

/// A plan of this trade that says nothing else.
fn trade(repay_atoms: u64, seize_atoms: u64, fee_atoms: u64) -> LiquidationPlan {
    LiquidationPlan {
        repay_atoms,
        seize_atoms,
        fee_atoms,
        gross_factor: Default::default(),
        health_before: Default::default(),
        health_after: Default::default(),
        is_terminal: false,
        is_protection: false,
        is_throttled: false,
        allowance: Default::default(),
        takes_last_collateral: false,
        closes_debt: false,
        collateral_value: Default::default(),
        debt_value: Default::default(),
        debt_shares_q40: Default::default(),
    }
}

#[test]
fn a_liquidation_moves_exactly_what_its_plan_says() {
    check(5_000, (amount(), amount(), any::<[u64; 3]>()), |(owed, held, seeds)| {
        let (owed, held) = (owed / 4 + 1, held / 4 + 1);
        let (mut seized, mut repaid, mut position, market) = (ledger(), ledger(), empty(), valid_market());
        repaid.supply(owed, 0).unwrap();
        let shares = repaid.lend(owed).unwrap();
        position.collateral_slot(&key(1), true).unwrap();
        position.debt_slot(&key(2)).unwrap();
        position.add_debt(0, shares).unwrap();
        position.add_collateral(0, held, true).unwrap();
        seized.take_collateral(held, true, false).unwrap();
        let plan = trade(seeds[0] % owed + 1, seeds[1] % held + 1, seeds[2] >> 8);
        apply_liquidation(&plan, &mut position, (0, 0), (&mut seized, &mut repaid), &market, &NOW).unwrap();
        prop_assert_eq!(
            (repaid.cash_atoms, repaid.total_debt_atoms(), repaid.insurance_atoms),
            (plan.repay_atoms, owed - plan.repay_atoms, plan.fee_atoms)
        );
        prop_assert_eq!(
            (seized.collateral_atoms, seized.counted_atoms),
            (held - plan.seize_atoms, held - plan.seize_atoms)
        );
        prop_assert_eq!(
            (position.has_debt(), position.collaterals().len()),
            (plan.repay_atoms < owed, usize::from(plan.seize_atoms < held))
        );
        prop_assert_eq!(
            apply_liquidation(&plan, &mut empty(), (0, 0), (&mut seized, &mut repaid), &market, &NOW),
            Err(EngineError::LegMismatch)
        );
        Ok(())
    });
}

#[test]
fn a_terminal_sale_fixes_the_shares_once_and_books_what_each_debt_took() {
    let (mut seized, mut repaid, mut position, market) = (ledger(), ledger(), empty(), valid_market());
    repaid.supply(1_000, 0).unwrap();
    let shares = repaid.lend(1_000).unwrap();
    position.collateral_slot(&key(1), true).unwrap();
    position.add_collateral(0, 100, true).unwrap();
    seized.take_collateral(100, true, false).unwrap();
    for debt in 0..2u8 {
        position.debt_slot(&key(2 + debt)).unwrap();
        position.add_debt(debt.into(), shares / 2).unwrap();
    }
    let mut sell = |debt: usize, plan: LiquidationPlan| {
        apply_liquidation(&plan, &mut position, (0, debt), (&mut seized, &mut repaid), &market, &NOW).unwrap();
        let shares = [0, 1].map(|debt| position.debts[debt].share_at_default_q40);
        (shares, [0, 1].map(|debt| position.taken_atoms[debt][0]))
    };
    let terminal = |shares: [u64; 2], seize_atoms: u64| {
        let mut plan = LiquidationPlan { is_terminal: true, ..trade(1, seize_atoms, 0) };
        plan.debt_shares_q40[..2].copy_from_slice(&shares);
        plan
    };
    assert_eq!(sell(0, terminal([0, 0], 3)), ([0, 0], [0, 0]), "a debt that takes all has no share");
    assert_eq!(sell(0, terminal([3, 1], 7)), ([3, 1], [7, 0]));
    assert_eq!(sell(1, terminal([1, 1], 4)), ([3, 1], [7, 4]));
    assert_eq!(sell(0, terminal([1, 1], 2)), ([3, 1], [9, 4]));
    assert_eq!(sell(0, trade(1, 5, 0)), ([0, 0], [0, 0]), "seen to pay");
}

#[test]
fn a_position_has_as_many_legs_as_it_has_slots() {
    let mut position = empty();
    let collaterals = (1..=99).take_while(|n| position.collateral_slot(&key(*n), true).is_ok()).count();
    let debts = (101..=199).take_while(|n| position.debt_slot(&key(*n)).is_ok()).count();
    assert_eq!((collaterals, debts, collaterals + debts), (MAX_COLLATERALS, MAX_DEBTS, MAX_LEGS));
}

#[test]
fn cooling_off_covers_the_configured_slots() {
    let (mut position, market) = (empty(), valid_market());
    position.cool_off(&market, &Now { unix: 0, slot: 100 });
    assert_eq!(position.cooling_until_slot, 110);
    position.cool_off(&market, &Now { unix: 0, slot: u64::MAX });
    assert_eq!(position.cooling_until_slot, u64::MAX);
}

#[test]
fn the_smallest_debt_is_four_times_dust() {
    let market = valid_market();
    let four = plimsoll_engine::fixed::Value(4 * market.dust().0);
    assert_eq!(require_debt_min(four, &market), Ok(()));
    assert_eq!(require_debt_min(four.minus(plimsoll_engine::fixed::Value(1)), &market), Err(EngineError::DebtBelowMin));
}

#[test]
fn a_new_reserve_starts_at_index_one_with_its_configuration() {
    let reserve = valid_reserve();
    assert_eq!((reserve.version, reserve.status, reserve.debt_index.get()), (LAYOUT_VERSION, RESERVE_OPEN, 1 << 64));
    assert_eq!(
        (reserve.risk, reserve.risk_target),
        (crate::worlds::valid_config().risk, crate::worlds::valid_config().risk)
    );
    assert_eq!(
        (reserve.volatility.sigma_q40, reserve.volatility.sigma_maintenance_q40),
        (49_478_023_250, 49_478_023_250)
    );
    assert_eq!((reserve.supply_shares.get(), reserve.debt_shares.get(), reserve.cash_atoms), (0, 0, 0));
}
