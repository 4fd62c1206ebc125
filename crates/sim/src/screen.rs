//! Who is to be looked at: of a million positions those few whose health may have crossed a level.
//!
//! Positions that hold the same tokens form a group. Their healths were worked out once, under reference lenses, and those
//! not too far from the level lie in order. What became of any leg since then is bounded by the drift of its lens, so only a
//! beginning of that order can have crossed. When the drift reaches the end of what lies in order, or looking has cost as
//! much as working out anew would, all is worked out anew: at most twice the cost of knowing the best moment for it.
//!
//! A bound is no decision: whoever is named here is looked at in full, and a property demands that nobody is missed.

use plimsoll_engine::fixed::{Factor, Value};
use rayon::prelude::*;

use crate::book::{Book, Id};
use crate::lens::{Drift, Lens};

/// Health in parts of the level up to which positions lie in order: five quarters.
const ORDERED: Factor = Factor(Factor::ONE.0 / 4 * 5);
/// What roundings take from health, as a part.
const SLACK: Factor = Factor(Factor::ONE.0 + (Factor::ONE.0 >> 18));
/// A weighted debt below this loses parts to rounding that the slack does not cover: always looked at. In nano-dollars.
const SMALL_DEBT: Value = Value(1_000_000_000);
/// Positions from which on more than one thread works.
const MANY: usize = 20_000;

/// Health by lenses, and the weighted debt.
pub fn health(book: &Book, lenses: &[Lens], id: Id) -> (Factor, Value) {
    let (collateral, debt) = weighted(book, lenses, id);
    (collateral.of_floor(debt), debt)
}

/// Health, where it is below a level. The division is made only then: `floor(C/D) < level` where `C < ceil(D * level)`.
fn health_below(book: &Book, lenses: &[Lens], id: Id, level: Factor) -> Option<Factor> {
    let (collateral, debt) = weighted(book, lenses, id);
    (collateral < debt.times_ceil(level)).then(|| collateral.of_floor(debt))
}

/// Weighted collateral and weighted debt by lenses.
fn weighted(book: &Book, lenses: &[Lens], id: Id) -> (Value, Value) {
    let (collaterals, debts) = book.legs(id);
    let lens = |asset: u16| lenses.get(usize::from(asset));
    let collateral = collaterals.iter().fold(Value::ZERO, |sum, leg| {
        let atoms = u64::try_from(leg.amount).unwrap_or(u64::MAX);
        sum.plus(lens(leg.asset).map_or(Value::ZERO, |lens| lens.collateral(atoms)))
    });
    let debt = debts
        .iter()
        .fold(Value::ZERO, |sum, leg| sum.plus(lens(leg.asset).map_or(Value::ZERO, |lens| lens.debt(leg.amount))));
    (collateral, debt)
}

/// One group's order.
#[derive(Clone, Debug, Default)]
struct Ordered {
    members: Vec<Id>,
    /// By health at the reference.
    near: Vec<(Factor, Id)>,
    /// By token: none that the group does not hold.
    reference: Vec<Option<Lens>>,
    /// Looked at since the reference was taken.
    looked: usize,
    is_fresh: bool,
}

/// Who is to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    groups: Vec<Ordered>,
    /// Changed since their group's reference was taken: always looked at.
    changed: Vec<Id>,
    is_changed: Vec<u64>,
    /// How many positions were looked at, ever.
    pub looked: u64,
    /// How many positions were worked out anew, ever.
    pub reordered: u64,
}

impl Screen {
    /// Of a book.
    pub fn new(book: &Book) -> Self {
        let mut groups = vec![Ordered::default(); book.groups().len()];
        for id in book.ids() {
            if let Some(group) = groups.get_mut(book.group(id)) {
                group.members.push(id);
            }
        }
        Self { groups, is_changed: vec![0; book.len().div_ceil(64)], ..Self::default() }
    }

    /// Something happened to a position.
    pub fn touch(&mut self, id: Id) {
        if let Some(word) = self.is_changed.get_mut(id as usize / 64) {
            if *word >> (id % 64) & 1 == 0 {
                *word |= 1 << (id % 64);
                self.changed.push(id);
            }
        }
    }

    fn is_changed(&self, id: Id) -> bool {
        self.is_changed.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Positions with health below the level, and healths, in order of health. `is_watched`: who stays among those that are
    /// looked at though its group is worked out anew.
    pub fn below(
        &mut self,
        level: Factor,
        book: &Book,
        lenses: &[Lens],
        is_watched: impl Fn(Id) -> bool,
    ) -> Vec<(Factor, Id)> {
        let mut found = Vec::new();
        for index in 0..self.groups.len() {
            let reach = self.reach(index, level, book, lenses, &is_watched);
            let Some(group) = self.groups.get_mut(index) else { continue };
            let count = group.near.partition_point(|(health, _)| *health < reach);
            let near = group.near.get(..count).unwrap_or(&[]);
            group.looked += count;
            self.looked += count as u64;
            let seen = |(_, id): &(Factor, Id)| health_below(book, lenses, *id, level).map(|health| (health, *id));
            if count >= MANY {
                found.par_extend(near.par_iter().filter_map(seen));
            } else {
                found.extend(near.iter().filter_map(seen));
            }
        }
        found.retain(|(_, id)| !self.is_changed(*id));
        self.looked += self.changed.len() as u64;
        for group in &mut self.groups {
            // Each group's part of what looking at them costs.
            group.looked += self.changed.len() * group.members.len() / book.len().max(1);
        }
        let seen = |id: &Id| health_below(book, lenses, *id, level).map(|health| (health, *id));
        if self.changed.len() >= MANY {
            found.par_extend(self.changed.par_iter().filter_map(seen));
        } else {
            found.extend(self.changed.iter().filter_map(seen));
        }
        found.sort_unstable();
        found
    }

    /// Health at the group's reference up to which positions may have crossed the level by now.
    fn reach(
        &mut self,
        index: usize,
        level: Factor,
        book: &Book,
        lenses: &[Lens],
        is_watched: &impl Fn(Id) -> bool,
    ) -> Factor {
        let end = level.times_floor(ORDERED);
        let Some(group) = self.groups.get(index) else { return Factor::ZERO };
        let is_worn = !group.is_fresh || group.looked > group.members.len();
        let drift = group.drift(lenses).filter(|_| !is_worn);
        if let Some(reach) = drift.map(|drift| drift.reach(level).times_ceil(SLACK)).filter(|reach| *reach < end) {
            return reach;
        }
        self.reorder(index, end, book, lenses, is_watched);
        level.times_ceil(SLACK)
    }

    /// Works a group's healths out anew.
    fn reorder(&mut self, index: usize, end: Factor, book: &Book, lenses: &[Lens], is_watched: &impl Fn(Id) -> bool) {
        let Some(set) = book.groups().get(index) else { return };
        let changed = std::mem::take(&mut self.changed);
        for id in changed {
            if book.group(id) != index || is_watched(id) {
                self.changed.push(id);
            } else if let Some(word) = self.is_changed.get_mut(id as usize / 64) {
                *word &= !(1 << (id % 64));
            }
        }
        let Some(group) = self.groups.get_mut(index) else { return };
        let near = |id: &Id| {
            let (health, debt) = health(book, lenses, *id);
            // A small debt is always looked at, and who has none never.
            let ordered = if debt < SMALL_DEBT { Factor::ZERO } else { health };
            (debt > Value::ZERO && ordered < end).then_some((ordered, *id))
        };
        group.near.clear();
        if group.members.len() >= MANY {
            group.near.par_extend(group.members.par_iter().filter_map(near));
            group.near.par_sort_unstable();
        } else {
            group.near.extend(group.members.iter().filter_map(near));
            group.near.sort_unstable();
        }
        let holds = |asset: usize| (set.collaterals | set.debts) >> (asset % 64) & 1 == 1;
        group.reference = lenses.iter().enumerate().map(|(asset, lens)| holds(asset).then_some(*lens)).collect();
        (group.looked, group.is_fresh) = (0, true);
        self.reordered += group.members.len() as u64;
    }
}

impl Ordered {
    fn drift(&self, lenses: &[Lens]) -> Option<Drift> {
        let held = self.reference.iter().zip(lenses).filter_map(|(before, now)| before.as_ref().map(|it| (it, now)));
        held.map(|(before, now)| before.drift(now)).try_fold(Drift::NONE, |all, drift| Some(all.worst(drift?)))
    }
}
