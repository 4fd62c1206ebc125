//! Ledgers against vaults, totals against what they are totals of.

use std::collections::BTreeSet;

use bytemuck::Zeroable;
use plimsoll_client::accounts::{Position, Reserve};
use plimsoll_client::Pubkey;
use plimsoll_engine::state::{CollateralSlot, DebtSlot, FlashLoan, MAX_COLLATERALS};

use crate::books::{Books, Tokens};
use crate::expect;

/// Both vaults of a reserve, liquidity first, with what their ledgers say is in them, atoms.
pub fn owned(reserve: &Reserve) -> [(Pubkey, u128); 2] {
    let state = &reserve.state;
    let sum = |ledgers: &[u64]| ledgers.iter().map(|atoms| u128::from(*atoms)).sum();
    let liquidity =
        [state.cash_atoms, state.insurance_atoms, state.fee_atoms, state.backstop_atoms, state.recovery_atoms];
    let collateral = [state.collateral_atoms, state.insurance_collateral_atoms, state.backstop_collateral_atoms];
    [(reserve.liquidity_vault(), sum(&liquidity)), (reserve.collateral_vault(), sum(&collateral))]
}

impl Tokens {
    /// I1.
    pub(crate) fn conserved(&self, violations: &mut Vec<String>) {
        for (mint, supply) in &self.supplies {
            let (held, supply) = (self.by_mint.get(mint).copied().unwrap_or(0), u128::from(*supply));
            expect(violations, held == supply, || {
                format!("I1: accounts of mint {mint} hold {held} atoms, supply is {supply}")
            });
        }
    }
}

impl Books {
    /// I2, I3, I11 of a reserve.
    pub(crate) fn vaults(&self, reserve: &Reserve, tokens: &Tokens, violations: &mut Vec<String>) {
        let state = &reserve.state;
        for ((id, vault), (address, owned)) in
            [("I2", "liquidity"), ("I3", "collateral")].into_iter().zip(owned(reserve))
        {
            let held = u128::from(tokens.held.get(&address).copied().unwrap_or(0));
            let donated = tokens.donated.get(&address).copied().unwrap_or(0);
            expect(violations, held == owned + donated, || {
                let name = self.name(&reserve.address);
                format!("{id}: {vault} vault of {name} holds {held}, its ledgers say {owned}, donated were {donated}")
            });
        }
        expect(violations, state.flash == FlashLoan::NONE, || {
            format!("I11: {} has {:?}", self.name(&reserve.address), state.flash)
        });
    }

    /// I4 to I7 and I14 of a reserve.
    pub(crate) fn sums(&self, reserve: &Reserve, violations: &mut Vec<String>) {
        let (state, name) = (&reserve.state, self.name(&reserve.address));
        let (key, positions) = (reserve.address.to_bytes(), &self.positions);
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
            // Accounts that are wrong may say anything; the auditor says so, and goes on.
            shares = shares.saturating_add(slot.shares.get());
            provided = provided.saturating_add(slot.provision_shares.get());
        }
        let lent: u128 = self
            .lenders
            .iter()
            .filter(|lender| lender.state.reserve == key)
            .fold(0, |lent, lender| lent.saturating_add(lender.state.shares.get()));

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

    /// I12 and I13 of a reserve. In whole atoms both hold exactly: a claim is rounded up by less than 2^-30 of an atom in any world this small.
    pub(crate) fn claims(&self, reserve: &Reserve, violations: &mut Vec<String>) {
        let (state, key) = (&reserve.state, reserve.address.to_bytes());
        let (mut recovered, mut claimed) = (0u128, 0u128);
        for lender in self.lenders.iter().map(|lender| &lender.state).filter(|lender| lender.reserve == key) {
            let lender = lender.synced(&state.claims);
            recovered += u128::from(lender.recovered_atoms);
            claimed += u128::from(lender.claim_atoms());
        }
        let (ledger, outstanding) = (u128::from(state.recovery_atoms), u128::from(state.claims.outstanding_atoms()));
        let name = || self.name(&reserve.address);
        expect(violations, recovered <= ledger, || {
            format!("I12: lenders of {} may take {recovered} recovered atoms, its ledger holds {ledger}", name())
        });
        expect(violations, claimed <= outstanding, || {
            format!("I13: lenders of {} claim {claimed} atoms, {outstanding} are outstanding", name())
        });
    }

    /// I7 and I8 of a position.
    pub(crate) fn slots(&self, position: &Position, violations: &mut Vec<String>) {
        let (state, address) = (&position.state, self.name(&position.address));
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
}
