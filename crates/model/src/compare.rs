//! The program's accounts beside the books.
//!
//! Formulas of the engine stand on one side only, that of the program: they are what its views answer.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use plimsoll_audit::Books;
use plimsoll_client::Pubkey;
use plimsoll_engine::state::{ReserveState, RESERVE_CLOSED};

use crate::range::Range;
use crate::reserve::{product, INDEX_BITS};
use crate::{Model, Wrong};

/// A bound is called narrow up to this part of the number, or of one: 2^-30.
const NARROW_BITS: u32 = 30;
/// Bits of an atom of a claim.
const CLAIM_BITS: u32 = 48;

/// How narrow the bounds were.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By what was compared: how often, how often with a narrow bound (2^-30 of it, or of an atom), and the widest bound,
    /// atoms.
    pub of: BTreeMap<&'static str, (u64, u64, u64)>,
}

impl Tally {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        for (what, (count, narrow, widest)) in &other.of {
            let own = self.of.entry(what).or_default();
            *own = (own.0 + count, own.1 + narrow, own.2.max(*widest));
        }
    }
}

struct Comparison<'a> {
    tally: &'a mut Tally,
    wrong: Vec<Wrong>,
}

impl Comparison<'_> {
    /// A number of the program must be within a range.
    fn within(&mut self, what: &'static str, of: &Pubkey, allowed: &Range, found: &Range) {
        let (count, narrow, widest) = self.tally.of.entry(what).or_default();
        let is_narrow = allowed.is_narrow(NARROW_BITS);
        (*count, *narrow, *widest) = (*count + 1, *narrow + u64::from(is_narrow), (*widest).max(allowed.width()));
        if !allowed.holds(found) {
            self.wrong.push(format!("{what} of {of}: {found}, and exactly {allowed}"));
        }
    }

    fn whole(&mut self, what: &'static str, of: &Pubkey, allowed: &Range, found: u64) {
        self.within(what, of, allowed, &Range::whole(found));
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &'static str, of: &Pubkey, exact: T, found: T) {
        let (count, narrow, _) = self.tally.of.entry(what).or_default();
        (*count, *narrow) = (*count + 1, *narrow + 1);
        if exact != found {
            self.wrong.push(format!("{what} of {of}: {found:?}, and exactly {exact:?}"));
        }
    }
}

impl Model {
    /// Everything in which the program's accounts differ from the books by more than the bound.
    pub fn differences(&self, books: &Books, tally: &mut Tally) -> Vec<Wrong> {
        let mut it = Comparison { tally, wrong: Vec::new() };
        let known: BTreeMap<Pubkey, &ReserveState> =
            books.reserves.iter().map(|reserve| (reserve.address, &reserve.state)).collect();
        it.same("number of reserves", &Pubkey::default(), self.reserves.len(), known.len());
        for (key, state) in &known {
            self.reserve(key, state, &mut it);
        }
        for lender in &books.lenders {
            let reserve = Pubkey::new_from_array(lender.state.reserve);
            if let (Some(model), Some(state)) = (self.reserves.get(&reserve), known.get(&reserve)) {
                let (debt, provided) = self.debts_of(&reserve);
                let stake = model.lenders.get(&lender.address).cloned().unwrap_or_default();
                let shares = lender.state.shares.get();
                it.same("supply shares", &lender.address, stake.shares, shares);
                let worth = model.redeemable(shares, &debt, &provided);
                it.whole("redeemable", &lender.address, &worth, state.redeemable_atoms_floor(shares));
                let synced = lender.state.synced(&state.claims);
                let claim = Range::binary(BigInt::from(synced.claim.get()), CLAIM_BITS);
                it.within("claim", &lender.address, &stake.claim(), &claim);
                let rest = Range::binary(BigInt::from(synced.recovered_rest), CLAIM_BITS);
                let recovered = &Range::whole(synced.recovered_atoms) + &rest;
                it.within("recovered", &lender.address, &stake.recovered(), &recovered);
            }
        }
        let lenders = self.reserves.values().flat_map(|reserve| &reserve.lenders);
        for (account, stake) in lenders.filter(|(_, stake)| stake.shares > 0) {
            let is_there = books.lenders.iter().any(|lender| lender.address == *account);
            it.same("lender account", account, stake.shares > 0, is_there);
        }
        self.positions(books, &known, &mut it);
        self.pools(books, &mut it);
        it.wrong
    }

    fn reserve(&self, key: &Pubkey, state: &ReserveState, it: &mut Comparison) {
        let Some(model) = self.reserves.get(key) else { return };
        let (debt, provided) = self.debts_of(key);
        it.same("time of interest", key, model.accrued_at, state.accrued_at);
        it.within("debt index", key, &model.index, &Range::binary(BigInt::from(state.debt_index.get()), INDEX_BITS));
        it.whole("cash", key, &model.cash, state.cash_atoms);
        it.whole("insurance", key, &model.insurance, state.insurance_atoms);
        it.whole("fees", key, &model.fee, state.fee_atoms);
        it.whole("insurance accrued", key, &model.insurance_accrued, state.insurance_accrued_atoms);
        it.whole("fees accrued", key, &model.fee_accrued, state.fee_accrued_atoms);
        it.same("backstop deposits", key, model.backstop, state.backstop_atoms);
        it.same("recovery", key, model.recovery, state.recovery_atoms);
        it.same("recovery insured", key, model.recovery_insured, state.recovery_insured_atoms);
        it.same("outstanding", key, u128::from(model.outstanding), state.claims.outstanding.get());
        it.same("flash loan", key, model.flash.principal, state.flash.principal_atoms);
        it.same("collateral", key, model.collateral, state.collateral_atoms);
        it.same("insurance's collateral", key, model.insurance_collateral, state.insurance_collateral_atoms);
        it.same("backstop's collateral", key, model.backstop_collateral, state.backstop_collateral_atoms);
        it.within("all debt", key, &debt, &product(state.debt_shares.get(), state.debt_index.get()));
        it.within("all provisions", key, &provided, &product(state.provision_shares.get(), state.debt_index.get()));
        it.whole("lenders' assets", key, &model.assets(&debt), state.assets_atoms());
        let shares = model.lenders.values().map(|stake| stake.shares).sum::<u128>();
        it.same("all supply shares", key, shares, state.supply_shares.get());
        if model.is_closed {
            it.same("status", key, RESERVE_CLOSED, state.status);
        }
    }

    fn positions(&self, books: &Books, known: &BTreeMap<Pubkey, &ReserveState>, it: &mut Comparison) {
        for position in &books.positions {
            let (key, state) = (&position.address, &position.state);
            let model = self.positions.get(key).cloned().unwrap_or_default();
            let collaterals: Vec<_> =
                state.collaterals().iter().map(|slot| (Pubkey::new_from_array(slot.reserve), slot.atoms)).collect();
            it.same("collaterals", key, model.collaterals.clone(), collaterals);
            let slots = |slots: &[plimsoll_engine::state::DebtSlot]| -> Vec<Pubkey> {
                slots.iter().map(|slot| Pubkey::new_from_array(slot.reserve)).collect()
            };
            let own: Vec<Pubkey> = model.debts.iter().map(|debt| debt.reserve).collect();
            it.same("debts", key, own, slots(state.debts()));
            for (debt, slot) in model.debts.iter().zip(state.debts()) {
                let Some(reserve) = known.get(&debt.reserve) else { continue };
                let index = reserve.debt_index.get();
                it.within("debt", key, &debt.owed, &product(slot.shares.get(), index));
                it.within("provision", key, &debt.provided, &product(slot.provision_shares.get(), index));
            }
        }
        for (key, model) in &self.positions {
            let is_there = books.positions.iter().any(|position| position.address == *key);
            let is_used = !(model.collaterals.is_empty() && model.debts.is_empty());
            it.same("position", key, is_used && !is_there, false);
        }
    }

    fn pools(&self, books: &Books, it: &mut Comparison) {
        for pool in &books.pools {
            let (key, state) = (&pool.address, &pool.state);
            let Some(model) = self.pools.get(key) else { continue };
            it.same("deposits of a pool", key, model.deposits, state.deposit_atoms);
            it.same("warming deposits of a pool", key, model.warming(), state.warming_atoms);
            for slot in state.collaterals() {
                let held = model.held.get(&Pubkey::new_from_array(slot.reserve)).copied().unwrap_or(0);
                it.same("collateral of a pool", key, held, slot.atoms);
            }
            for provider in books.providers.iter().filter(|it| it.state.backstop == key.to_bytes()) {
                let (account, own) = (&provider.address, &provider.state);
                let model_own = model.providers.get(account).cloned().unwrap_or_default();
                it.same("warming deposit", account, model_own.warming, own.warming_atoms);
                it.same("end of warm-up", account, model_own.warm_at, own.warm_at);
                it.same("requested", account, model_own.requested, own.requested_atoms);
                it.same("end of cooldown", account, model_own.matures_at, own.matures_at);
                it.whole("deposit of a provider", account, &model_own.deposit(), state.deposit_of(own));
                let step = model.step(&model_own, state.is_open());
                for (index, slot) in state.collaterals().iter().enumerate() {
                    let gained = model_own.gained(&Pubkey::new_from_array(slot.reserve), &step);
                    it.whole("gain of a provider", account, &gained, state.gain_of(own, index));
                }
            }
        }
    }
}
