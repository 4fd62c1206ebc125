//! What a transaction may do to the accounts.

use plimsoll_client::events::Event;
use plimsoll_client::Pubkey;
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::shares::{VIRTUAL_ASSETS, VIRTUAL_SHARES};
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::Now;

use crate::books::Books;
use crate::expect;

/// What is known of a transaction that went through.
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// Events of the program, in order.
    pub events: &'a [Event],
    /// Who signed.
    pub signers: &'a [Pubkey],
    /// When it was.
    pub now: Now,
}

impl Transaction<'_> {
    /// Whether the holder of a key signed.
    pub(crate) fn is_signed_by(&self, key: &[u8; 32]) -> bool {
        self.signers.iter().any(|signer| signer.as_array() == key)
    }
}

/// Every invariant of a transaction that it did not keep, with its numbers.
pub fn changes(before: &Books, after: &Books, transaction: &Transaction) -> Vec<String> {
    let mut violations = Vec::new();
    for reserve in &after.reserves {
        let Some(was) = before.reserves.iter().find(|was| was.address == reserve.address) else { continue };
        let (haircut, name) = (haircut_of(transaction.events, &reserve.address), after.name(&reserve.address));
        of_reserve(&was.state, &reserve.state, haircut, &name, &mut violations);
    }
    for event in transaction.events {
        of_losses(event, &mut violations);
        of_limits(before, after, transaction, event, &mut violations);
    }
    crate::roles::takings(before, after, transaction, &mut violations);
    crate::roles::governed(before, after, transaction, &mut violations);
    violations
}

/// Haircut that a transaction's events book on a reserve, atoms.
fn haircut_of(events: &[Event], reserve: &Pubkey) -> u128 {
    let haircuts = events.iter().map(|event| match event {
        Event::PositionLiquidated(liquidated) if liquidated.repaid_reserve == *reserve => {
            u128::from(liquidated.haircut_atoms)
        }
        Event::PositionAbsorbed(absorbed) if absorbed.repaid_reserve == *reserve => u128::from(absorbed.haircut_atoms),
        Event::DefaultSettled(settled) => {
            let losses = settled.losses.iter().filter(|loss| loss.reserve == *reserve);
            losses.map(|loss| u128::from(loss.haircut_atoms)).sum()
        }
        _ => 0,
    });
    haircuts.sum()
}

/// I9 and I10 of a reserve.
fn of_reserve(before: &ReserveState, after: &ReserveState, haircut: u128, name: &str, violations: &mut Vec<String>) {
    let priced = |state: &ReserveState, more: u128| {
        let shares = state.supply_shares.get().saturating_add(VIRTUAL_SHARES);
        (u128::from(state.assets_atoms()) + VIRTUAL_ASSETS + more, shares)
    };
    let ((assets, shares), (assets_now, shares_now)) = (priced(before, 0), priced(after, haircut));
    let kept = is_at_least((assets_now, shares_now), (assets, shares));
    expect(violations, kept, || {
        format!("I9: {assets} atoms for {shares} shares became {assets_now} for {shares_now}, haircut of {haircut} added back ({name})")
    });
    let (index, index_now) = (before.debt_index.get(), after.debt_index.get());
    expect(violations, index_now >= index, || format!("I10: debt index fell from {index} to {index_now} ({name})"));
    let times = |state: &ReserveState| (state.accrued_at, state.reading.publish_time);
    let ((accrued, published), (accrued_now, published_now)) = (times(before), times(after));
    expect(violations, accrued_now >= accrued && published_now >= published, || {
        format!("I10: time of interest went from {accrued} to {accrued_now}, of the reading from {published} to {published_now} ({name})")
    });
}

/// I18 and I19 of an event.
fn of_losses(event: &Event, violations: &mut Vec<String>) {
    let (health, losses) = match event {
        Event::PositionLiquidated(it) => (
            Some((it.is_terminal, it.health_before_e9, it.health_after_e9)),
            vec![(it.written_off_atoms, it.insurance_atoms, it.haircut_atoms, None)],
        ),
        Event::PositionAbsorbed(it) => (
            Some((it.is_terminal, it.health_before_e9, it.health_after_e9)),
            vec![(it.written_off_atoms, it.insurance_atoms, it.haircut_atoms, None)],
        ),
        Event::DefaultSettled(it) => (
            None,
            it.losses
                .iter()
                .map(|loss| {
                    (loss.written_off_atoms, loss.insurance_atoms, loss.haircut_atoms, Some(loss.total_assets_atoms))
                })
                .collect(),
        ),
        _ => return,
    };
    if let Some((false, before, after)) = health {
        expect(violations, after >= before, || format!("I18: a liquidation took health from {before} to {after}"));
    }
    for (written_off, insurance, haircut, left) in losses {
        let borne = u128::from(insurance) + u128::from(haircut);
        // Only where nothing is left to lenders may a loss be larger than what bears it.
        let is_shared = borne == u128::from(written_off) || (borne < u128::from(written_off) && left.unwrap_or(0) == 0);
        expect(violations, is_shared, || {
            format!("I19: {written_off} atoms written off, {insurance} borne by insurance and {haircut} by lenders")
        });
    }
}

/// I22 of an event.
fn of_limits(before: &Books, after: &Books, transaction: &Transaction, event: &Event, violations: &mut Vec<String>) {
    let reserve_of = |key: &Pubkey| after.reserves.iter().find(|reserve| reserve.address == *key);
    let (reserve, action, total, cap, what) = match event {
        Event::SupplyChanged(it) if it.supplied => {
            let Some(reserve) = reserve_of(&it.reserve) else { return };
            (reserve, Some(Pausable::Supply), it.total_assets_atoms, reserve.state.caps.supply_atoms, "supply")
        }
        Event::DebtChanged(it) if it.borrowed => {
            let Some(reserve) = reserve_of(&it.reserve) else { return };
            let owed = owed_ceil(reserve.state.debt_shares.get(), reserve.state.debt_index.get());
            (reserve, Some(Pausable::Borrow), owed, reserve.state.caps.borrow_atoms, "debt")
        }
        Event::CollateralChanged(it) => {
            let Some(reserve) = reserve_of(&it.reserve) else { return };
            let owes = before.positions.iter().any(|was| was.address == it.position && was.state.has_debt());
            let (action, cap) = if it.deposited {
                (None, reserve.state.caps.with_rescue())
            } else {
                (owes.then_some(Pausable::Withdraw), u64::MAX)
            };
            (reserve, action, it.total_atoms, cap, "collateral")
        }
        Event::PositionLiquidated(it) => {
            let Some(reserve) = reserve_of(&it.seized_reserve) else { return };
            (reserve, Some(Pausable::Liquidate), 0, 0, "nothing")
        }
        Event::PositionAbsorbed(it) => {
            let Some(reserve) = reserve_of(&it.seized_reserve) else { return };
            let pool = after.pools.iter().find(|pool| pool.address == it.backstop);
            let slot = pool.and_then(|pool| {
                pool.state.collaterals().iter().find(|slot| slot.reserve == reserve.address.to_bytes())
            });
            let held = slot.map_or((0, 0), |slot| (slot.atoms, slot.cap_at(&transaction.now)));
            (reserve, Some(Pausable::Liquidate), held.0, held.1, "backstop's collateral")
        }
        Event::FlashBorrowed(it) => {
            let Some(reserve) = reserve_of(&it.reserve) else { return };
            (reserve, Some(Pausable::FlashBorrow), 0, 0, "nothing")
        }
        _ => return,
    };
    expect(violations, total <= cap, || {
        format!("I22: {what} of {} is {total} atoms, its cap {cap}", after.name(&reserve.address))
    });
    let market = before.markets.iter().find(|market| market.address == reserve.market());
    let until = action.zip(market).map_or(0, |(action, market)| market.state.paused_until(action, &transaction.now));
    expect(violations, until == 0, || format!("I22: {action:?} happened, and is paused until {until}"));
}

/// `a.0 / a.1 >= b.0 / b.1`, compared without overflow by long division.
fn is_at_least(a: (u128, u128), b: (u128, u128)) -> bool {
    let (quotient_a, quotient_b) = (a.0 / a.1, b.0 / b.1);
    if quotient_a != quotient_b {
        return quotient_a > quotient_b;
    }
    let (rest_a, rest_b) = (a.0 % a.1, b.0 % b.1);
    if rest_b == 0 {
        return true;
    }
    if rest_a == 0 {
        return false;
    }
    // rest_a / a.1 >= rest_b / b.1 exactly where b.1 / rest_b >= a.1 / rest_a.
    is_at_least((b.1, rest_b), (a.1, rest_a))
}

#[cfg(test)]
mod tests {
    use super::is_at_least;

    #[test]
    fn fractions_compare_exactly_where_products_would_overflow() {
        let large = u128::MAX - 1;
        assert!(is_at_least((large, 3), (large, 3)));
        assert!(is_at_least((3, large), (3, large)));
        assert!(!is_at_least((large - 1, large), (large, large)));
        assert!(!is_at_least((large - 2, large - 1), (large - 1, large)));
        assert!(is_at_least((large - 1, large), (large - 2, large - 1)));
    }
}
