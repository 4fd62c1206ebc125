//! What must hold after every transaction, each under an id used the same way in documents, tests and reports.

use std::collections::{BTreeMap, BTreeSet};

use anchor_lang::prelude::Pubkey;
use anchor_spl::token_2022::spl_token_2022::extension::StateWithExtensions;
use anchor_spl::token_2022::spl_token_2022::state::{Account as TokenAccount, Mint};
use bytemuck::Zeroable;
use plimsoll_client::accounts::{Account, AccountState, Lender, Position, Reserve};
use plimsoll_client::events::Event;
use plimsoll_client::PROGRAM_ID;
use plimsoll_engine::shares::{VIRTUAL_ASSETS, VIRTUAL_SHARES};
use plimsoll_engine::state::{
    BackstopProviderState, BackstopState, CollateralSlot, DebtSlot, FlashLoan, LenderState, PositionState,
    ReserveState, MAX_COLLATERALS,
};

use crate::outcome::Receipt;
use crate::{Kind, Vault, World};

mod backstop;

/// Catalogue of invariants: id and sentence.
pub const INVARIANTS: &[(&str, &str)] = &[
    ("I1", "Tokens are conserved: all token accounts of a mint together hold its supply"),
    ("I2", "A liquidity vault holds its ledgers (cash, insurance, fees, backstop, recovery) and what was donated, to the atom"),
    ("I3", "A collateral vault holds its ledgers (positions, insurance, backstop) and what was donated, to the atom"),
    ("I4", "A reserve's collateral is the sum of its positions' collateral"),
    ("I5", "A reserve's debt shares are the sum of its positions' debt shares"),
    ("I6", "A reserve's supply shares are the sum of its lenders' shares"),
    ("I7", "A reserve counts last-in at least what its positions' slots count, and all collateral of positions with debt"),
    ("I8", "A position's used slots are full, distinct and first; the others are zero; no reserve is collateral and debt"),
    ("I9", "The price of a supply share never falls, but by a haircut, and then by no more than it"),
    ("I10", "A debt index never falls and time of interest and reading never go back"),
    ("I11", "No flash loan is open between transactions"),
    ("I12", "A reserve's recovery ledger covers what all its lenders may take of it"),
    ("I13", "A reserve's lenders claim no more than what is outstanding"),
    ("I14", "A reserve's provisions are the sum of its debts'"),
    ("I15", "A reserve's backstop deposits are the sum of its pools', warming up or not"),
    ("I16", "A reserve's backstop collateral is the sum of what the pools hold of it"),
    ("I17", "A pool's providers have no more deposits and gains than it holds, and as much warming up as it says"),
];

/// What the invariants compare with what was before.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    reserves: BTreeMap<Pubkey, ReserveState>,
    violations: Vec<String>,
}

impl World {
    /// Compares each reserve with itself before the transaction (I9, I10), and remembers what is wrong for
    /// [`Self::check_invariants`].
    pub(crate) fn remember(&mut self, receipt: &Receipt) {
        for reserve in self.decode_all::<ReserveState>() {
            let name = self.name_of(&reserve.address);
            if let Some(before) = self.history.reserves.insert(reserve.address, reserve.state) {
                let haircut = haircut_of(&receipt.events, &reserve.address);
                let wrong = changes(&before, &reserve.state, haircut);
                self.history.violations.extend(wrong.into_iter().map(|wrong| format!("{wrong} ({name})")));
            }
        }
    }

    /// Asserts every invariant; names each one that does not hold, with its numbers.
    #[track_caller]
    pub fn check_invariants(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "invariants do not hold:\n  {}", violations.join("\n  "));
    }

    /// Every invariant that does not hold, with its numbers.
    pub fn violations(&self) -> Vec<String> {
        let mut violations = self.history.violations.clone();
        self.conservation(&mut violations);
        let (positions, lenders) = (self.decode_all::<PositionState>(), self.decode_all::<LenderState>());
        let (pools, providers) = (self.decode_all::<BackstopState>(), self.decode_all::<BackstopProviderState>());
        for pool in &pools {
            self.providers(pool, &providers, &mut violations);
        }
        for reserve in self.decode_all::<ReserveState>() {
            self.backstop_ledgers(&reserve, &pools, &mut violations);
            self.vaults(&reserve, &mut violations);
            self.sums(&reserve, &positions, &lenders, &mut violations);
            self.claims(&reserve, &lenders, &mut violations);
            expect(&mut violations, reserve.state.flash == FlashLoan::NONE, || {
                format!("I11: {} has {:?}", self.name_of(&reserve.address), reserve.state.flash)
            });
        }
        for position in &positions {
            slots(position, &mut violations);
        }
        violations
    }

    fn decode_all<T: AccountState>(&self) -> Vec<Account<T>> {
        let accounts = self.svm.get_program_accounts(&PROGRAM_ID).into_iter();
        let of_kind = accounts.filter(|(_, account)| account.data.starts_with(T::DISCRIMINATOR));
        of_kind
            .map(|(address, account)| Account::decode(address, &account.data).unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    fn conservation(&self, violations: &mut Vec<String>) {
        let (mut held, mut supplies) = (BTreeMap::<Pubkey, u128>::new(), Vec::new());
        for kind in [Kind::Spl, Kind::Token2022] {
            for (address, account) in self.svm.get_program_accounts(&kind.program()) {
                if let Ok(token) = StateWithExtensions::<TokenAccount>::unpack(&account.data) {
                    *held.entry(token.base.mint).or_default() += u128::from(token.base.amount);
                } else if let Ok(mint) = StateWithExtensions::<Mint>::unpack(&account.data) {
                    supplies.push((address, u128::from(mint.base.supply)));
                }
            }
        }
        for (mint, supply) in supplies {
            let held = held.get(&mint).copied().unwrap_or(0);
            expect(violations, held == supply, || {
                format!("I1: accounts of mint {mint} hold {held} atoms, supply is {supply}")
            });
        }
    }

    fn vaults(&self, reserve: &Reserve, violations: &mut Vec<String>) {
        let state = &reserve.state;
        let liquidity =
            [state.cash_atoms, state.insurance_atoms, state.fee_atoms, state.backstop_atoms, state.recovery_atoms];
        let collateral = [state.collateral_atoms, state.insurance_collateral_atoms, state.backstop_collateral_atoms];
        for (id, vault, ledgers, address) in [
            ("I2", Vault::Liquidity, &liquidity[..], reserve.liquidity_vault()),
            ("I3", Vault::Collateral, &collateral[..], reserve.collateral_vault()),
        ] {
            let held = u128::from(self.atoms_in(&address));
            let owned: u128 = ledgers.iter().map(|atoms| u128::from(*atoms)).sum();
            let donated = self.donations.get(&address).copied().unwrap_or(0);
            expect(violations, held == owned + donated, || {
                let name = self.name_of(&reserve.address);
                format!("{id}: {vault:?} vault of {name} holds {held}, its ledgers say {owned}, donated were {donated}")
            });
        }
    }

    fn sums(&self, reserve: &Reserve, positions: &[Position], lenders: &[Lender], violations: &mut Vec<String>) {
        let (state, name) = (&reserve.state, self.name_of(&reserve.address));
        let key = reserve.address.to_bytes();
        let slots =
            || positions.iter().flat_map(|position| position.state.collaterals()).filter(|slot| slot.reserve == key);
        let (mut atoms, mut counted) = (0u128, 0u128);
        for slot in slots() {
            atoms += u128::from(slot.atoms);
            counted += u128::from(slot.counted_atoms);
        }
        let debts = positions.iter().flat_map(|position| position.state.debts()).filter(|slot| slot.reserve == key);
        let (mut shares, mut provided) = (0u128, 0u128);
        for slot in debts {
            shares += slot.shares.get();
            provided += slot.provision_shares.get();
        }
        let lent: u128 =
            lenders.iter().filter(|lender| lender.state.reserve == key).map(|lender| lender.state.shares.get()).sum();

        let total = u128::from(state.collateral_atoms);
        expect(violations, atoms == total, || {
            format!("I4: positions hold {atoms} collateral atoms of {name}, it says {total}")
        });
        let total = state.debt_shares.get();
        expect(violations, shares == total, || {
            format!("I5: positions owe {shares} debt shares to {name}, it says {total}")
        });
        let total = state.provision_shares.get();
        expect(violations, provided == total, || {
            format!("I14: debts provide {provided} shares in {name}, it says {total}")
        });
        let total = state.supply_shares.get();
        expect(violations, lent == total, || {
            format!("I6: lenders hold {lent} supply shares of {name}, it says {total}")
        });
        let total = u128::from(state.counted_atoms);
        expect(violations, counted <= total, || {
            format!("I7: slots count {counted} atoms of {name}, it counts {total}")
        });
    }

    /// In whole atoms both hold exactly: a claim is rounded up by less than 2^-30 of an atom in any world this small.
    fn claims(&self, reserve: &Reserve, lenders: &[Lender], violations: &mut Vec<String>) {
        let (state, key) = (&reserve.state, reserve.address.to_bytes());
        let (mut recovered, mut claimed) = (0u128, 0u128);
        for lender in lenders.iter().map(|lender| &lender.state).filter(|lender| lender.reserve == key) {
            let lender = lender.synced(&state.claims);
            recovered += u128::from(lender.recovered_atoms);
            claimed += u128::from(lender.claim_atoms());
        }
        let (ledger, outstanding) = (u128::from(state.recovery_atoms), u128::from(state.claims.outstanding_atoms()));
        let name = || self.name_of(&reserve.address);
        expect(violations, recovered <= ledger, || {
            format!("I12: lenders of {} may take {recovered} recovered atoms, its ledger holds {ledger}", name())
        });
        expect(violations, claimed <= outstanding, || {
            format!("I13: lenders of {} claim {claimed} atoms, {outstanding} are outstanding", name())
        });
    }
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

fn changes(before: &ReserveState, after: &ReserveState, haircut: u128) -> Vec<String> {
    let mut violations = Vec::new();
    let priced = |state: &ReserveState, more: u128| {
        (u128::from(state.assets_atoms()) + VIRTUAL_ASSETS + more, state.supply_shares.get() + VIRTUAL_SHARES)
    };
    let ((assets, shares), (assets_now, shares_now)) = (priced(before, 0), priced(after, haircut));
    let kept = is_at_least((assets_now, shares_now), (assets, shares));
    expect(&mut violations, kept, || {
        format!("I9: {assets} atoms for {shares} shares became {assets_now} for {shares_now}, haircut of {haircut} added back")
    });
    let (index, index_now) = (before.debt_index.get(), after.debt_index.get());
    expect(&mut violations, index_now >= index, || format!("I10: debt index fell from {index} to {index_now}"));
    let times = |state: &ReserveState| (state.accrued_at, state.reading.publish_time);
    let ((accrued, published), (accrued_now, published_now)) = (times(before), times(after));
    expect(&mut violations, accrued_now >= accrued && published_now >= published, || {
        format!("I10: time of interest went from {accrued} to {accrued_now}, of the reading from {published} to {published_now}")
    });
    violations
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

fn slots(position: &Position, violations: &mut Vec<String>) {
    let (state, address) = (&position.state, position.address);
    let mut wrong = |what: String| violations.push(format!("I8: position {address}: {what}"));
    let (collaterals, debts) = (state.collaterals(), state.debts());
    let tail = &state.collaterals[collaterals.len()..];
    if tail.iter().any(|slot| *slot != CollateralSlot::zeroed()) {
        wrong(format!("collateral slots behind the {} used ones are not zero", collaterals.len()));
    }
    if state.debts[debts.len()..].iter().any(|slot| *slot != DebtSlot::zeroed()) {
        wrong(format!("debt slots behind the {} used ones are not zero", debts.len()));
    }
    if collaterals.iter().any(|slot| slot.atoms == 0) || debts.iter().any(|slot| slot.shares.get() == 0) {
        wrong("a used slot is empty".into());
    }
    let keys = collaterals.iter().map(|slot| slot.reserve).chain(debts.iter().map(|slot| slot.reserve));
    let distinct: BTreeSet<[u8; 32]> = keys.collect();
    if distinct.len() != collaterals.len() + debts.len() {
        wrong("a reserve stands in two slots".into());
    }
    let taken = &state.taken_atoms;
    if taken
        .iter()
        .flat_map(|row| &row[collaterals.len()..MAX_COLLATERALS])
        .chain(taken[debts.len()..].iter().flatten())
        .any(|atoms| *atoms != 0)
    {
        wrong("collateral is booked as taken in an unused slot".into());
    }
    for slot in collaterals {
        let (atoms, counted) = (slot.atoms, slot.counted_atoms);
        if counted > atoms || (state.has_debt() && counted < atoms) {
            violations.push(format!(
                "I7: position {address} holds {atoms} atoms of {}, {counted} of them counted",
                Pubkey::new_from_array(slot.reserve)
            ));
        }
    }
}

fn expect(violations: &mut Vec<String>, holds: bool, message: impl FnOnce() -> String) {
    if !holds {
        violations.push(message());
    }
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
