//! A thousand positions: who of them holds what, and how far each is from its threshold.
//!
//! Pages share nothing, so that a price is carried to a million positions by all cores at once.

use std::collections::HashMap;

use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::{saturate, Factor, Value};
use plimsoll_engine::state::PositionState;
use plimsoll_watch::{Drift, Lens, Packed};

use super::AssetId;

/// Positions of a page.
pub const PAGE: usize = 1_024;
/// Words of a set of positions of a page.
const WORDS: usize = PAGE / 64;

/// Rings of a page: ring k holds the positions that lose their headroom where from k to k + 1 parts in [`RING_PARTS`] of
/// their weighted collateral vanish. Who has more headroom is in none.
const RINGS: usize = 16;
/// See [`RINGS`].
const RING_PARTS: u64 = 64;
/// The last ring, for those who are deep below their threshold: by more than [`DEEP_PART`] of what is needed. In a crash they
/// are many, and none of them need be looked at to know.
const DEEP: usize = RINGS;
/// See [`DEEP`]: a sixteenth.
const DEEP_PART: Factor = Factor(Factor::ONE.0 / 16);
/// A token's legs are worked out anew where they may have lost more than this part: a tenth. Two such tokens, a collateral and
/// a debt, lose less than all rings hold.
const DRIFT_MAX: Factor = Factor(Factor::ONE.0 / 10);
/// And where they may have lost more than this, a thirty-second, when it is the page's turn: so that a long fall is carried
/// to some pages with each price, and not to all with every tenth.
const DRIFT_ON_TURN: Factor = Factor(Factor::ONE.0 / 32);
/// What roundings take from headroom, as a part.
const SLACK: Factor = Factor(Factor::ONE.0 >> 20);
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
    /// Weighted value by the page's reference lens.
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
    /// The ring it lies in.
    ring: Option<usize>,
}

impl Entry {
    /// A position with its legs, not priced yet.
    pub fn new(address: Pubkey, slot: u64, state: &PositionState, legs: Vec<Leg>, threshold: Factor) -> Self {
        Self { address, slot, state: Packed::new(state), legs: legs.into(), threshold, ring: None }
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

    /// Its ring; none where it has more headroom than rings hold, or no debt.
    fn find_ring(&self, is_known: impl Fn(AssetId) -> bool) -> Option<usize> {
        if self.legs.iter().all(|leg| !leg.is_debt) {
            return None;
        }
        if self.legs.iter().any(|leg| leg.is_small || !is_known(leg.asset)) {
            return Some(0);
        }
        let (collateral, debt) = self.sums(|leg| Some(leg.weighted))?;
        let most = Factor::ONE.minus(DEEP_PART).minus(SLACK);
        if collateral.plus(ROUNDINGS) <= debt.times_floor(self.threshold).times_floor(most) {
            return Some(DEEP);
        }
        let needed = debt.times_ceil(self.threshold).plus(ROUNDINGS);
        // 1 - needed/collateral, rounded down.
        let headroom = collateral.minus(needed).of_floor(collateral).minus(SLACK);
        let parts = if collateral <= needed { 0 } else { headroom.0 / (Factor::ONE.0 / RING_PARTS) };
        usize::try_from(parts).ok().filter(|ring| *ring < RINGS)
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
    /// Their addresses once more, side by side: of the many that a crash leaves deep below nothing else is read.
    addresses: Vec<Pubkey>,
    holders: HashMap<AssetId, Set>,
    /// By which lens the legs of each token were worked out.
    references: HashMap<AssetId, Lens>,
    rings: [Set; RINGS + 1],
    /// Rings to look at, from the first.
    looked: usize,
    /// Whether those in the last ring cannot have come up to their threshold.
    is_deep_sure: bool,
}

/// Some positions of a page: a bit each.
type Set = [u64; WORDS];

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

    /// Puts an entry in a place, in place of what was there.
    pub fn put<'l>(&mut self, at: usize, mut entry: Entry, current: impl Fn(AssetId) -> Option<&'l Lens>) {
        self.take(at);
        for leg in entry.legs.iter_mut() {
            if let (None, Some(lens)) = (self.references.get(&leg.asset), current(leg.asset)) {
                self.references.insert(leg.asset, *lens);
            }
            if let Some(lens) = self.references.get(&leg.asset) {
                leg.reprice(lens);
            }
            let holders = self.holders.entry(leg.asset).or_default();
            if let Some(bits) = holders.get_mut(at / 64) {
                *bits |= 1 << (at % 64);
            }
        }
        entry.ring = entry.find_ring(|asset| self.references.contains_key(&asset));
        move_to(&mut self.rings, at, None, entry.ring);
        while self.entries.len() <= at && self.entries.len() < PAGE {
            self.entries.push(None);
            self.addresses.push(Pubkey::default());
        }
        if let (Some(place), Some(address)) = (self.entries.get_mut(at), self.addresses.get_mut(at)) {
            *address = entry.address;
            *place = Some(entry);
        }
    }

    /// Removes an entry.
    pub fn take(&mut self, at: usize) -> Option<Entry> {
        let entry = self.entries.get_mut(at)?.take()?;
        for leg in entry.legs.iter() {
            if let Some(holders) = self.holders.get_mut(&leg.asset) {
                if let Some(bits) = holders.get_mut(at / 64) {
                    *bits &= !(1 << (at % 64));
                }
                // Nobody's legs are worked out by it any more, and it must not count as drift.
                if holders.iter().all(|bits| *bits == 0) {
                    self.holders.remove(&leg.asset);
                    self.references.remove(&leg.asset);
                }
            }
        }
        move_to(&mut self.rings, at, entry.ring, None);
        Some(entry)
    }

    /// Follows the lenses of now: works out anew the legs of tokens that drifted too far, or far while it is the page's turn,
    /// and finds how many rings the drift of the others reaches.
    pub fn follow<'l>(&mut self, is_turn: bool, current: impl Fn(AssetId) -> Option<&'l Lens>) {
        let most = if is_turn { DRIFT_ON_TURN } else { DRIFT_MAX };
        let mut all = Drift::NONE;
        let mut anew: Vec<(AssetId, Lens)> = Vec::new();
        for asset in self.holders.keys() {
            let Some(lens) = current(*asset) else { continue };
            let drift = self.references.get(asset).and_then(|reference| reference.drift(lens));
            match drift.filter(|drift| drift.kept >= Factor::ONE.minus(most) && drift.grown <= Factor::ONE.plus(most)) {
                Some(drift) => all = all.worst(drift),
                None => anew.push((*asset, *lens)),
            }
        }
        for (asset, lens) in anew {
            self.reprice(asset, lens);
        }
        self.looked =
            usize::try_from(all.lost().0 / (Factor::ONE.0 / RING_PARTS)).unwrap_or(RINGS).saturating_add(1).min(RINGS);
        self.is_deep_sure = self.is_deep_sure(&current);
        if is_turn && !self.is_deep_sure {
            // A price that rose is no drift that anybody could be missed by, but those it brought up are looked at each time.
            for (asset, lens) in self.came_up(&current) {
                self.reprice(asset, lens);
            }
            self.is_deep_sure = self.is_deep_sure(&current);
        }
    }

    /// Tokens that lost more than a page waits for, seen from now on the way back to its reference, with their lenses.
    fn came_up<'l>(&self, current: impl Fn(AssetId) -> Option<&'l Lens>) -> Vec<(AssetId, Lens)> {
        let tokens =
            self.references.iter().filter_map(|(asset, reference)| Some((*asset, reference, current(*asset)?)));
        let is_far = |(_, reference, lens): &(AssetId, &Lens, &Lens)| {
            lens.drift(reference).is_none_or(|drift| drift.lost() > DRIFT_ON_TURN)
        };
        tokens.filter(is_far).map(|(asset, _, lens)| (asset, *lens)).collect()
    }

    /// Whether nobody in the last ring can have come up to his threshold: seen from now, no token has lost so much on the way
    /// back to the page's reference.
    fn is_deep_sure<'l>(&self, current: impl Fn(AssetId) -> Option<&'l Lens>) -> bool {
        if self.rings.get(DEEP).is_none_or(|ring| ring.iter().all(|bits| *bits == 0)) {
            return true;
        }
        let back = |(asset, reference): (&AssetId, &Lens)| current(*asset)?.drift(reference);
        let all = self.references.iter().try_fold(Drift::NONE, |all, token| back(token).map(|drift| all.worst(drift)));
        all.is_some_and(|all| all.lost() <= DEEP_PART)
    }

    /// Works out anew what the legs of a token count.
    fn reprice(&mut self, asset: AssetId, lens: Lens) {
        self.references.insert(asset, lens);
        let (Some(holders), references) = (self.holders.get(&asset), &self.references) else { return };
        for at in places(holders) {
            let Some(Some(entry)) = self.entries.get_mut(at) else { continue };
            entry.legs.iter_mut().filter(|leg| leg.asset == asset).for_each(|leg| leg.reprice(&lens));
            let ring = entry.find_ring(|asset| references.contains_key(&asset));
            move_to(&mut self.rings, at, std::mem::replace(&mut entry.ring, ring), ring);
        }
    }

    /// The entries to look at.
    fn looked(&self) -> Set {
        let rings = self.rings.get(..self.looked.clamp(1, RINGS)).unwrap_or(&self.rings);
        rings.iter().fold([0; WORDS], |all, ring| both(&all, ring, |all, ring| all | ring))
    }

    /// The entries deep below their threshold.
    fn deep(&self) -> Set {
        self.rings.get(DEEP).copied().unwrap_or([0; WORDS])
    }

    /// Addresses of those about which there is something to do, by these lenses; of one asset's holders, or of all.
    pub fn due<'l>(&self, asset: Option<AssetId>, lens: impl Fn(AssetId) -> Option<&'l Lens>) -> Vec<Pubkey> {
        let holders = asset.map_or([u64::MAX; WORDS], |asset| self.holders.get(&asset).copied().unwrap_or_default());
        let held = |set: Set| both(&set, &holders, |set, holders| set & holders);
        let is_due = |at: &usize| self.get(*at).is_some_and(|entry| entry.is_due(&lens));
        let (looked, deep) = (held(self.looked()), held(self.deep()));
        let due = places(&looked).filter(is_due).chain(places(&deep).filter(|at| self.is_deep_sure || is_due(at)));
        due.filter_map(|at| self.addresses.get(at).copied()).collect()
    }

    /// The same of all, found by looking at everybody.
    pub fn due_of_everybody<'l>(&self, lens: impl Fn(AssetId) -> Option<&'l Lens>) -> usize {
        self.entries().filter(|entry| entry.is_due(&lens)).count()
    }

    fn near_set(&self) -> Set {
        both(&self.looked(), &self.deep(), |looked, deep| looked | deep)
    }

    /// Those near their threshold, or below it.
    pub fn near(&self) -> Vec<&Entry> {
        places(&self.near_set()).filter_map(|at| self.get(at)).collect()
    }

    /// How many these are.
    pub fn near_count(&self) -> usize {
        places(&self.near_set()).count()
    }
}

/// Two sets, made one word by word.
fn both(one: &Set, other: &Set, join: impl Fn(u64, u64) -> u64) -> Set {
    let mut all = *one;
    all.iter_mut().zip(other).for_each(|(bits, more)| *bits = join(*bits, *more));
    all
}

/// Places in a set, from front to back.
fn places(set: &Set) -> impl Iterator<Item = usize> + '_ {
    set.iter().enumerate().flat_map(|(word, bits)| {
        let mut left = *bits;
        std::iter::from_fn(move || {
            let bit = usize::try_from(left.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
            left &= left - 1;
            Some(word * 64 + bit)
        })
    })
}

/// Moves a position from ring to ring.
fn move_to(rings: &mut [Set], at: usize, from: Option<usize>, to: Option<usize>) {
    let mut word = |ring: Option<usize>, change: fn(u64, u64) -> u64| {
        if let Some(bits) = ring.and_then(|ring| rings.get_mut(ring)?.get_mut(at / 64)) {
            *bits = change(*bits, 1 << (at % 64));
        }
    };
    word(from, |bits, bit| bits & !bit);
    word(to, |bits, bit| bits | bit);
}
