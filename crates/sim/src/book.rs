//! Positions by the million. One that nobody has touched is its legs and nothing else; from the first action on it is the
//! engine's own state, so that what is booked is what the program would book. One that came from a chain has such a state from
//! the beginning; those are shared by all copies of a book, and a position has its own from the first action on.

use std::sync::Arc;

use bytemuck::Zeroable;
use plimsoll_engine::state::{CollateralSlot, DebtSlot, PositionState, Pubkey, LAYOUT_VERSION, MAX_LEGS};
use rayon::prelude::*;

/// Number of a position.
pub type Id = u32;
/// Number of a token.
pub type AssetId = u16;

/// From so many on it pays to ask on more than one thread.
const MANY: usize = 4_000;
/// So many are fetched at once.
pub(crate) const FETCHED: usize = 32;
/// No full state yet.
const UNTOUCHED: u32 = u32::MAX;

/// One leg of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Atoms of collateral, or debt shares.
    pub amount: u128,
    /// Token.
    pub asset: AssetId,
}

impl Leg {
    /// Atoms of a collateral, saturating.
    pub fn atoms(&self) -> u64 {
        u64::try_from(self.amount).unwrap_or(u64::MAX)
    }
}

/// Where a position's legs are.
#[derive(Clone, Copy, Debug)]
struct Row {
    first: u32,
    collaterals: u8,
    debts: u8,
    group: u16,
    open: u32,
}

/// Tokens that positions of a group hold, as sets of bits. A position stays in its group when it loses a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Collaterals.
    pub collaterals: u64,
    /// Debts.
    pub debts: u64,
}

/// All positions.
#[derive(Clone, Debug, Default)]
pub struct Book {
    rows: Vec<Row>,
    legs: Vec<Leg>,
    open: Vec<PositionState>,
    /// States that the first positions came with.
    came: Arc<Vec<PositionState>>,
    groups: Vec<Group>,
}

/// A set of one token. Tokens beyond 64 share a bit, which only makes bounds wider.
fn bit(asset: AssetId) -> u64 {
    1 << (asset % 64)
}

impl Book {
    /// Number of positions.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Numbers of all positions.
    pub fn ids(&self) -> std::ops::Range<Id> {
        0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    /// Groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Group of a position.
    pub fn group(&self, id: Id) -> usize {
        self.row(id).map_or(0, |row| row.group.into())
    }

    fn row(&self, id: Id) -> Option<&Row> {
        self.rows.get(usize::try_from(id).ok()?)
    }

    fn legs_of(&self, row: &Row) -> &[Leg] {
        let (first, count) = (row.first as usize, usize::from(row.collaterals) + usize::from(row.debts));
        self.legs.get(first..first + count).unwrap_or(&[])
    }

    /// Legs of a position: collaterals, debts.
    pub fn legs(&self, id: Id) -> (&[Leg], &[Leg]) {
        self.row(id).map_or((&[], &[]), |row| self.legs_of(row).split_at(usize::from(row.collaterals)))
    }

    /// Adds a position of these legs: atoms of collateral, debt shares.
    pub fn push(&mut self, collaterals: &[Leg], debts: &[Leg]) -> Id {
        let set = |legs: &[Leg]| legs.iter().fold(0, |set, leg| set | bit(leg.asset));
        let group = self.group_of(Group { collaterals: set(collaterals), debts: set(debts) });
        let short = |count: usize| u8::try_from(count.min(MAX_LEGS)).unwrap_or(0);
        let id = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(Row {
            first: u32::try_from(self.legs.len()).unwrap_or(u32::MAX),
            collaterals: short(collaterals.len()),
            debts: short(debts.len()),
            group,
            open: UNTOUCHED,
        });
        self.legs.extend_from_slice(collaterals);
        self.legs.extend_from_slice(debts);
        id
    }

    fn group_of(&mut self, group: Group) -> u16 {
        let index = self.groups.iter().position(|other| *other == group).unwrap_or_else(|| {
            self.groups.push(group);
            self.groups.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    /// Positions whose full states are known, numbered in their order.
    pub fn of_states(states: Arc<Vec<PositionState>>, keys: &[Pubkey]) -> Self {
        let mut book = Self::default();
        for state in states.iter() {
            let legs: Vec<Leg> = legs_of_state(state, keys).collect();
            let (collaterals, debts) = legs.split_at(usize::from(state.collateral_count).min(legs.len()));
            book.push(collaterals, debts);
        }
        Self { came: states, ..book }
    }

    /// What is found of each of many, where something is, in order: on all threads where there are many.
    pub(crate) fn each<T: Sync, R: Send>(
        &self,
        all: &[T],
        id: impl Fn(&T) -> Id + Sync + Send,
        find: impl Fn(&T) -> Option<R> + Sync + Send,
    ) -> Vec<R> {
        let find_all = |some: &[T]| -> Vec<R> {
            self.fetch(some.iter().map(&id));
            some.iter().filter_map(&find).collect()
        };
        if all.len() >= MANY {
            all.par_chunks(FETCHED).flat_map_iter(find_all).collect()
        } else {
            all.chunks(FETCHED).flat_map(find_all).collect()
        }
    }

    /// Reads a little of each of some positions, which lie anywhere: the processor waits for all of them at once, and not for
    /// each when its turn comes. That is most of what a look costs.
    pub(crate) fn fetch(&self, ids: impl Iterator<Item = Id>) {
        let mut rows = [None; FETCHED];
        rows.iter_mut().zip(ids).for_each(|(place, id)| *place = self.row(id));
        let legs = rows.iter().flatten().flat_map(|row| [self.legs_of(row).first(), self.legs_of(row).last()]);
        let states = rows.iter().flatten().filter_map(|row| self.open.get(row.open as usize));
        let amounts = legs.flatten().fold(0, |sum: u128, leg| sum ^ leg.amount);
        // What a plan asks of a state lies in these lines of it.
        let of_state = |state: &PositionState| state.sequence ^ state.auction_secs ^ state.protection_trigger_bps;
        std::hint::black_box((amounts, states.fold(0, |sum, state| sum ^ of_state(state))));
    }

    /// The full state, if something happened to the position, here or where it came from.
    pub fn touched(&self, id: Id) -> Option<&PositionState> {
        let row = self.row(id)?;
        self.open.get(row.open as usize).or_else(|| self.came.get(id as usize))
    }

    /// The full state. All collateral of an untouched position with debt is counted last-in.
    pub fn state(&self, id: Id, keys: &[Pubkey]) -> PositionState {
        self.touched(id).copied().unwrap_or_else(|| self.unpacked(id, keys))
    }

    fn unpacked(&self, id: Id, keys: &[Pubkey]) -> PositionState {
        let mut state = PositionState { version: LAYOUT_VERSION, ..PositionState::zeroed() };
        state.owner[..4].copy_from_slice(&id.to_le_bytes());
        let key = |leg: &Leg| keys.get(usize::from(leg.asset)).copied().unwrap_or_default();
        let (collaterals, debts) = self.legs(id);
        for (slot, leg) in state.collaterals.iter_mut().zip(collaterals) {
            let atoms = leg.atoms();
            let counted_atoms = if debts.is_empty() { 0 } else { atoms };
            *slot = CollateralSlot { reserve: key(leg), atoms, counted_atoms, ..CollateralSlot::zeroed() };
            state.collateral_count += 1;
        }
        for (slot, leg) in state.debts.iter_mut().zip(debts) {
            let shares = plimsoll_engine::fixed::Word128::new(leg.amount);
            *slot = DebtSlot { reserve: key(leg), shares, ..DebtSlot::zeroed() };
            state.debt_count += 1;
        }
        state
    }

    /// Writes a full state, which has no leg that it had not when it was added.
    pub fn put(&mut self, id: Id, state: &PositionState, keys: &[Pubkey]) {
        let Some(row) = self.rows.get_mut(id as usize) else { return };
        if row.open == UNTOUCHED {
            row.open = u32::try_from(self.open.len()).unwrap_or(UNTOUCHED);
            self.open.push(*state);
        } else if let Some(open) = self.open.get_mut(row.open as usize) {
            *open = *state;
        }
        (row.collaterals, row.debts) = (state.collateral_count, state.debt_count);
        let places = self.legs.get_mut(row.first as usize..).unwrap_or(&mut []);
        places.iter_mut().zip(legs_of_state(state, keys)).for_each(|(place, leg)| *place = leg);
    }

    /// Changes what is not a leg of a full state, where it is. A change that is refused has changed nothing.
    pub fn change<T, E>(
        &mut self,
        id: Id,
        keys: &[Pubkey],
        change: impl FnOnce(&mut PositionState) -> Result<T, E>,
    ) -> Result<T, E> {
        let open = self.row(id).map_or(UNTOUCHED, |row| row.open);
        if let Some(state) = self.open.get_mut(open as usize) {
            return change(state);
        }
        let mut state = self.state(id, keys);
        let changed = change(&mut state)?;
        self.put(id, &state, keys);
        Ok(changed)
    }

    /// How many were touched.
    pub fn touched_count(&self) -> usize {
        self.open.len()
    }
}

/// Legs in slot order: collaterals, then debts.
fn legs_of_state<'a>(state: &'a PositionState, keys: &'a [Pubkey]) -> impl Iterator<Item = Leg> + 'a {
    let asset = |reserve: &Pubkey| {
        let index = keys.iter().position(|key| key == reserve).unwrap_or(usize::from(u16::MAX));
        AssetId::try_from(index).unwrap_or(AssetId::MAX)
    };
    let collaterals = state.collaterals().iter();
    let collaterals = collaterals.map(move |slot| Leg { amount: slot.atoms.into(), asset: asset(&slot.reserve) });
    collaterals
        .chain(state.debts().iter().map(move |slot| Leg { amount: slot.shares.get(), asset: asset(&slot.reserve) }))
}
