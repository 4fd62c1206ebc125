//! Provisions against a model in exact numbers: how much, how fast they go, and what lenders leave behind.

use bytemuck::Zeroable;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Value;
use plimsoll_engine::health::Exposure;
use plimsoll_engine::provision::ExpectedLoss;
use plimsoll_engine::state::*;
use plimsoll_engine::transitions::PaidFor;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::liquidation::noise;
use crate::oracle::*;
use crate::worlds::*;

#[test]
fn the_parts_of_an_expected_loss_are_the_loss_and_none_exceeds_its_debt() {
    check(2_000, unhealthy_position(), |world| {
        let exposure: Exposure = world.exposure();
        let brought = exposure.collaterals().iter().fold(Value::ZERO, |sum, leg| sum.plus(leg.alv));
        let loss = exposure.expected_loss();
        prop_assert_eq!(loss, exposure.debt_value().minus(brought));
        let mut parts = int(0);
        for (j, leg) in exposure.debts().iter().enumerate() {
            let atoms = exposure.expected_loss_atoms(j);
            prop_assert!(atoms <= leg.owed_atoms);
            parts += int(atoms) * world.debt_price(j);
            // By value, rounded up to an atom, and to a unit before that.
            let part = nano(loss) * nano(leg.plain) / nano(exposure.debt_value());
            let atom = world.debt_price(j);
            at_most(&(int(atoms) * &atom), &(&part * (int(1) + noise()) + &atom + int(1)), "part of the loss")?;
            at_most(
                &part.min(int(leg.owed_atoms) * &atom),
                &(int(atoms) * &atom * (int(1) + noise()) + int(1)),
                "all of it",
            )?;
        }
        at_most(&nano(loss), &(parts * (int(1) + noise()) + int(exposure.debts().len() as u64)), "all parts")
    });
}

/// One debt in one reserve, at index one: shares and atoms are 2^32 apart.
fn owing(atoms: u64) -> (PositionState, ReserveState) {
    let (mut position, mut reserve): (PositionState, _) = (Zeroable::zeroed(), ledger());
    reserve.supply(atoms, 0).unwrap();
    let shares = reserve.lend(atoms).unwrap();
    let slot = position.debt_slot(&[9; 32]).unwrap();
    position.add_debt(slot, shares).unwrap();
    position.defaulted_at = NOW.unix;
    (position, reserve)
}

#[derive(Clone, Debug)]
enum Event {
    Provide(u64, u64),
    Repay(u64),
    Liquidate(u64),
    End,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (0u64..=2_000, 0u64..=500).prop_map(|(part, more)| Event::Provide(part, more)),
        2 => (0u64..=1_000).prop_map(Event::Repay),
        2 => (0u64..=1_000).prop_map(Event::Liquidate),
        1 => Just(Event::End),
    ]
}

#[test]
fn a_provision_rises_at_once_falls_at_its_speed_and_goes_with_what_is_repaid() {
    let events = prop::collection::vec((0i64..20_000, event()), 1..40);
    check(4_000, (1_000u64..1 << 40, 1u64..=10_000, events), |(atoms, speed_bps, events)| {
        let market = MarketPolicy { provision_release_bps_per_hour: speed_bps, ..valid_market() };
        let (mut position, mut reserve) = owing(atoms);
        let whole = 1u128 << 32;
        let (mut owed, mut provided, mut since) = (u128::from(atoms) * whole, 0u128, 0i64);
        let mut unix = NOW.unix;
        for (secs, event) in events {
            unix += secs;
            let now = Now { unix, ..NOW };
            match event {
                Event::Provide(part, more) => {
                    let loss = u64::try_from(owed / whole * u128::from(part) / 1_000).unwrap();
                    let most = u64::try_from(owed / whole * u128::from(part + more) / 1_000).unwrap();
                    let expected = ExpectedLoss { least_atoms: loss, most_atoms: most };
                    let atoms = position.provide(0, expected, &mut reserve, &market, &now).unwrap();
                    position.provisioned_at = unix;
                    let target = if position.defaulted_at == 0 { 0 } else { u128::from(loss) * whole };
                    let hours = u128::try_from(unix - since).unwrap();
                    let let_go = owed * u128::from(speed_bps) * hours / (10_000 * 3_600);
                    let floor = provided.min(u128::from(most) * whole);
                    provided = target.max(provided.saturating_sub(let_go).max(floor)).min(owed);
                    since = unix;
                    prop_assert_eq!(u128::from(atoms), provided.div_ceil(whole));
                }
                Event::Repay(part) | Event::Liquidate(part) => {
                    // Never all of it: the slot would be gone.
                    let shares = (owed - 1) * u128::from(part) / 1_000;
                    let is_repayment = matches!(event, Event::Repay(_));
                    let paid_for = if is_repayment { PaidFor::Nothing } else { PaidFor::Collateral };
                    let let_go = position.remove_debt(0, shares, paid_for).unwrap();
                    reserve.release_provision(let_go);
                    owed -= shares;
                    let left = if is_repayment { provided.saturating_sub(shares) } else { provided };
                    prop_assert_eq!(let_go, provided - left.min(owed));
                    provided = left.min(owed);
                }
                Event::End => position.defaulted_at = 0,
            }
            prop_assert_eq!(position.debts()[0].provision_shares.get(), provided);
            prop_assert_eq!(reserve.provision_shares.get(), provided);
            prop_assert!(provided <= owed);
        }
        Ok(())
    });
}

#[test]
fn in_whatever_order_lenders_leave_each_gets_its_part_of_what_is_not_provided_for() {
    let lenders = prop::collection::vec(1_000u64..1 << 40, 2..6);
    check(3_000, (lenders, 1u64..1_000, 0u64..=1_000, any::<bool>()), |(lenders, lent, part, reversed)| {
        let mut reserve = ledger();
        let shares: Vec<u128> = lenders.iter().map(|atoms| reserve.supply(*atoms, 0).unwrap()).collect();
        let all: u64 = lenders.iter().sum();
        // What is lent is provided for in part; the rest is cash, so that everybody can leave.
        let owed = u64::try_from(u128::from(all) * u128::from(lent) / 1_000).unwrap().max(1);
        let debt_shares = reserve.lend(owed).unwrap();
        reserve.provision_shares = plimsoll_engine::fixed::Word128::new(debt_shares * u128::from(part) / 1_000);
        let (assets, provision) = (int(reserve.assets_atoms()) + int(1), int(reserve.provision_atoms()));
        let basis = int(reserve.supply_shares.get()) + int(1u64 << 20);
        // As if repaid: cash is not what this is about.
        reserve.cash_atoms += owed;
        reserve.debt_shares = plimsoll_engine::fixed::Word128::new(reserve.debt_shares.get() - debt_shares);
        let standing = reserve.provision_shares;
        let mut order: Vec<usize> = (0..lenders.len()).collect();
        if reversed {
            order.reverse();
        }
        for (left, who) in order.into_iter().enumerate() {
            reserve.provision_shares = standing;
            let exact = int(shares[who]) * (&assets - &provision) / &basis;
            let paid = match reserve.redeem(shares[who], 0) {
                Ok(paid) => int(paid),
                Err(EngineError::ZeroAmount) => int(0),
                Err(error) => panic!("{error:?}"),
            };
            // Each redemption leaves less than an atom, to be shared by those who stay; provisions are rounded up.
            at_most(&paid, &(&exact + int(left as u64 + 1)), "no more")?;
            at_most(&(exact - int(1)), &paid, "no less")?;
        }
        Ok(())
    });
}
