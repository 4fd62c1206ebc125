//! A thousand positions: who of them holds what, and who is near enough to a threshold to be looked at.
//!
//! Pages share nothing, so that a price is carried to a million positions by all cores at once.

use std::collections::HashMap;

use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::{saturate, Factor, Value};
use plimsoll_engine::state::PositionState;

use super::lens::Lens;
use super::packed::Packed;
use super::AssetId;

/// Positions of a page.
pub const PAGE: usize = 1_024;

/// How far the weighted values of the book may drift from where they were worked out, as a part: 1/128. Half of it is an
/// asset's: beyond that its legs are worked out again.
pub const DRIFT_MAX: Factor = Factor(Factor::ONE.0 >> 7);
/// What a position's health is from its threshold at most, to be looked at: the drift, and what roundings do.
const NEAR: Factor = Factor(DRIFT_MAX.0 + (Factor::ONE.0 >> 20));
/// Roundings of twelve legs, in units of value.
const ROUNDINGS: Value = Value(64);
/// Of a debt below this many atoms an atom of interest is no small part: always looked at.
const SMALL_DEBT_ATOMS: u64 = 1 << 20;

/// One leg of a position.
#[derive(Clone, Copy, Debug)]
pub struct Leg {
    /// Its token.
    pub asset: AssetId,
    /// Debt or collateral.
    pub is_debt: bool,
    /// Debt shares, or atoms.
    pub amount: u128,
    /// Weighted value by the asset's reference lens.
    weighted: Value,
    /// A debt so small that an atom matters.
    is_small: bool,
}

impl Leg {
    /// A collateral.
    pub fn collateral(asset: AssetId, atoms: u64) -> Self {
        Self { asset, is_debt: false, amount: atoms.into(), weighted: Value::ZERO, is_small: false }
    }

    /// A debt.
    pub fn debt(asset: AssetId, shares: u128) -> Self {
        Self { asset, is_debt: true, amount: shares, weighted: Value::ZERO, is_small: false }
    }

    fn value(&self, lens: &Lens) -> Value {
        if self.is_debt {
            lens.debt(self.amount)
        } else {
            lens.collateral(saturate(self.amount))
        }
    }

    fn reprice(&mut self, lens: &Lens) {
        self.weighted = self.value(lens);
        self.is_small = self.is_debt && lens.owed(self.amount) < SMALL_DEBT_ATOMS;
    }
}

/// One position.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Address.
    pub address: Pubkey,
    /// Slot in which its state was seen.
    pub slot: u64,
    state: Packed,
    legs: Box<[Leg]>,
    /// Health below which there is something to do.
    threshold: Factor,
}

impl Entry {
    /// A position with its legs, not priced yet.
    pub fn new(address: Pubkey, slot: u64, state: &PositionState, legs: Vec<Leg>, threshold: Factor) -> Self {
        Self { address, slot, state: Packed::new(state), legs: legs.into(), threshold }
    }

    /// Its state.
    pub fn state(&self) -> PositionState {
        self.state.state()
    }

    /// Its legs.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }

    fn sums(&self, value: impl Fn(&Leg) -> Option<Value>) -> Option<(Value, Value)> {
        self.legs.iter().try_fold((Value::ZERO, Value::ZERO), |(collateral, debt), leg| {
            let value = value(leg)?;
            Some(if leg.is_debt { (collateral, debt.plus(value)) } else { (collateral.plus(value), debt) })
        })
    }

    /// Whether it is to be looked at as long as no asset drifts further than it may.
    fn is_near(&self, is_known: impl Fn(AssetId) -> bool) -> bool {
        if self.legs.iter().any(|leg| leg.is_small || !is_known(leg.asset)) {
            return self.legs.iter().any(|leg| leg.is_debt);
        }
        let Some((collateral, debt)) = self.sums(|leg| Some(leg.weighted)) else { return true };
        let least = collateral.times_floor(Factor::ONE.minus(NEAR));
        debt > Value::ZERO && least < debt.times_ceil(self.threshold).plus(ROUNDINGS)
    }

    /// Health by these lenses, rounded down, to the unit the engine's; none where a token is unknown.
    pub fn health<'l>(&self, lens: impl Fn(AssetId) -> Option<&'l Lens>) -> Option<Factor> {
        let (collateral, debt) = self.sums(|leg| Some(leg.value(lens(leg.asset)?)))?;
        Some(collateral.of_floor(debt))
    }

    /// Whether there is something to do about it, by these lenses. A position with an unknown token is never due: nothing
    /// can be decided about it.
    fn is_due<'l>(&self, lens: impl Fn(AssetId) -> Option<&'l Lens>) -> bool {
        self.health(lens).is_some_and(|health| health < self.threshold)
    }

    /// Health below which there is something to do.
    pub fn threshold(&self) -> Factor {
        self.threshold
    }
}

/// Positions side by side.
#[derive(Clone, Debug, Default)]
pub struct Page {
    entries: Vec<Option<Entry>>,
    holders: HashMap<AssetId, Vec<u16>>,
    near: [u64; PAGE / 64],
}

/// Place of an entry in its page as a number of 16 bits.
fn short(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

impl Page {
    /// An entry.
    pub fn get(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)?.as_ref()
    }

    /// Whether there is no place behind the last entry.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= PAGE
    }

    /// Entries that are there.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().flatten()
    }

    /// Place of the next entry behind the last.
    pub fn next_place(&self) -> usize {
        self.entries.len()
    }

    /// Puts an entry in a place, in place of what was there, priced by the assets' reference lenses.
    pub fn put<'l>(&mut self, at: usize, mut entry: Entry, lens: impl Fn(AssetId) -> Option<&'l Lens>) {
        self.take(at);
        for leg in entry.legs.iter_mut() {
            if let Some(lens) = lens(leg.asset) {
                leg.reprice(lens);
            }
            let holders = self.holders.entry(leg.asset).or_default();
            // In order, so that a page is gone through from front to back.
            match holders.binary_search(&short(at)) {
                Ok(_) => {}
                Err(place) => holders.insert(place, short(at)),
            }
        }
        let is_near = entry.is_near(|asset| lens(asset).is_some());
        while self.entries.len() <= at && self.entries.len() < PAGE {
            self.entries.push(None);
        }
        if let Some(place) = self.entries.get_mut(at) {
            *place = Some(entry);
        }
        self.set_near(at, is_near);
    }

    /// Removes an entry.
    pub fn take(&mut self, at: usize) -> Option<Entry> {
        let entry = self.entries.get_mut(at)?.take()?;
        for leg in entry.legs.iter() {
            if let Some(holders) = self.holders.get_mut(&leg.asset) {
                holders.retain(|holder| *holder != short(at));
            }
        }
        self.set_near(at, false);
        Some(entry)
    }

    fn set_near(&mut self, at: usize, is_near: bool) {
        if let Some(bits) = self.near.get_mut(at / 64) {
            let bit = 1 << (at % 64);
            *bits = if is_near { *bits | bit } else { *bits & !bit };
        }
    }

    /// Works out anew what the legs of an asset count. Returns how many there are.
    pub fn reprice<'l>(&mut self, asset: AssetId, lens: impl Fn(AssetId) -> Option<&'l Lens>) -> usize {
        let (Some(own), Some(holders)) = (lens(asset), self.holders.get(&asset)) else { return 0 };
        let mut near = self.near;
        for at in holders {
            let at = usize::from(*at);
            let Some(Some(entry)) = self.entries.get_mut(at) else { continue };
            entry.legs.iter_mut().filter(|leg| leg.asset == asset).for_each(|leg| leg.reprice(own));
            let is_near = entry.is_near(|asset| lens(asset).is_some());
            if let Some(bits) = near.get_mut(at / 64) {
                let bit = 1 << (at % 64);
                *bits = if is_near { *bits | bit } else { *bits & !bit };
            }
        }
        self.near = near;
        holders.len()
    }

    /// Places of the entries that are near.
    fn near(&self) -> impl Iterator<Item = usize> + '_ {
        self.near
            .iter()
            .enumerate()
            .flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }

    /// Addresses of those about which there is something to do, by these lenses; of one asset's holders, or of all.
    pub fn due<'l>(&self, asset: Option<AssetId>, lens: impl Fn(AssetId) -> Option<&'l Lens>) -> Vec<Pubkey> {
        let holds = |entry: &Entry| asset.is_none_or(|asset| entry.legs.iter().any(|leg| leg.asset == asset));
        let near = self.near().filter_map(|at| self.get(at));
        near.filter(|entry| holds(entry) && entry.is_due(&lens)).map(|entry| entry.address).collect()
    }

    /// How many are near.
    pub fn near_count(&self) -> usize {
        self.near.iter().map(|bits| usize::try_from(bits.count_ones()).unwrap_or(0)).sum()
    }
}
