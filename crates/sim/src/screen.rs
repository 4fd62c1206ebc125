//! Who is to be looked at: of a million positions those few whose health may have crossed a level.
//!
//! Positions that hold the same tokens form a group. Their healths were worked out once, under reference lenses, and those
//! not too far from the level lie in order. What became of any leg since then is bounded by the drift of its lens, so only a
//! beginning of that order can have crossed. Whoever was traded with is put back where it would have been at the reference.
//! When the drift reaches the end of what lies in order, or looking has cost as much as working out anew would, all is
//! worked out anew: at most twice the cost of knowing the best moment for it.
//!
//! A bound is no decision: whoever is named here is looked at in full, and a property demands that nobody is missed.

use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_watch::{Drift, Lens};
use rayon::prelude::*;

use crate::book::{Book, Group, Id};
use crate::ids::Ids;

/// Health in parts of the level up to which positions lie in order: five quarters.
const ORDERED: Factor = Factor(Factor::ONE.0 / 4 * 5);
/// What roundings take from health, as a part.
const SLACK: Factor = Factor(Factor::ONE.0 + (Factor::ONE.0 >> 18));
/// A weighted debt below this loses parts to rounding that the slack does not cover: always looked at. In nano-dollars.
const SMALL_DEBT: Value = Value(1_000_000_000);

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
        sum.plus(lens(leg.asset).map_or(Value::ZERO, |lens| lens.collateral(leg.atoms())))
    });
    let debt = debts
        .iter()
        .fold(Value::ZERO, |sum, leg| sum.plus(lens(leg.asset).map_or(Value::ZERO, |lens| lens.debt(leg.amount))));
    (collateral, debt)
}

/// One group's order.
#[derive(Clone, Debug, Default)]
struct Ordered {
    /// Tokens that the group holds, as a set of bits.
    tokens: u64,
    members: Vec<Id>,
    /// By health at the reference.
    near: Vec<(Factor, Id)>,
    /// Health at the reference from which on nobody lies in order.
    end: Factor,
    /// Lenses that the order was worked out by; none yet at the beginning.
    reference: Vec<Lens>,
    /// Members that something happened to since their health was worked out.
    changed: Vec<Id>,
    /// Looked at since the reference was taken.
    looked: usize,
}

/// Who is to be looked at.
#[derive(Clone, Debug)]
pub struct Screen {
    groups: Vec<Ordered>,
    /// Something happened to them since the last look.
    changed: Vec<Id>,
    is_changed: Ids,
    /// How many positions were looked at, ever.
    pub looked: u64,
    /// How many positions were worked out anew, ever.
    pub reordered: u64,
}

impl Screen {
    /// Of a book.
    pub fn new(book: &Book) -> Self {
        let empty = |set: &Group| Ordered { tokens: set.collaterals | set.debts, ..Ordered::default() };
        let mut groups: Vec<Ordered> = book.groups().iter().map(empty).collect();
        for id in book.ids() {
            if let Some(group) = groups.get_mut(book.group(id)) {
                group.members.push(id);
            }
        }
        Self { groups, changed: Vec::new(), is_changed: Ids::none_of(book.len()), looked: 0, reordered: 0 }
    }

    /// Something happened to a position.
    pub fn touch(&mut self, id: Id) {
        if self.is_changed.insert(id) {
            self.changed.push(id);
        }
    }

    /// Positions with health below the level, and healths, in order of health.
    pub fn below(&mut self, level: Factor, book: &Book, lenses: &[Lens]) -> Vec<(Factor, Id)> {
        for id in &self.changed {
            if let Some(group) = self.groups.get_mut(book.group(*id)) {
                group.changed.push(*id);
            }
        }
        let mut found = Vec::new();
        for group in &mut self.groups {
            let reach = match group.reach(level, lenses) {
                Some(reach) => {
                    group.put_back(book, &self.is_changed);
                    reach
                }
                None => {
                    group.reorder(level.times_floor(ORDERED), book, lenses);
                    self.reordered += group.members.len() as u64;
                    level.times_ceil(SLACK)
                }
            };
            let count = group.near.partition_point(|(health, _)| *health < reach);
            let near = group.near.get(..count).unwrap_or(&[]);
            found.extend(book.each(
                near,
                |(_, id)| *id,
                |(_, id)| Some((health_below(book, lenses, *id, level)?, *id)),
            ));
            let looked = count + group.changed.len();
            group.changed.clear();
            group.looked += looked;
            self.looked += looked as u64;
        }
        for id in self.changed.drain(..) {
            self.is_changed.remove(id);
        }
        found.sort_unstable();
        found
    }
}

impl Ordered {
    /// Health at the reference up to which positions may have crossed the level by now; none where all is to be worked out anew.
    fn reach(&self, level: Factor, lenses: &[Lens]) -> Option<Factor> {
        let is_worn = self.reference.is_empty() || self.looked > self.members.len();
        let drift = self.drift(lenses).filter(|_| !is_worn)?;
        Some(drift.reach(level).times_ceil(SLACK)).filter(|reach| *reach < self.end)
    }

    /// Where a position belongs in the order, if it does.
    fn place(&self, book: &Book, lenses: &[Lens], id: Id) -> Option<(Factor, Id)> {
        let (health, debt) = health(book, lenses, id);
        // A small debt is always looked at, and who has none never.
        let ordered = if debt < SMALL_DEBT { Factor::ZERO } else { health };
        (debt > Value::ZERO && ordered < self.end).then_some((ordered, id))
    }

    /// Works all healths out anew.
    fn reorder(&mut self, end: Factor, book: &Book, lenses: &[Lens]) {
        self.end = end;
        self.near = book.each(&self.members, |id| *id, |id| self.place(book, lenses, *id));
        self.near.par_sort_unstable();
        self.reference.clear();
        self.reference.extend_from_slice(lenses);
        self.changed.clear();
        self.looked = 0;
    }

    /// Takes those that changed out of the order, and puts them where they would have been at the reference.
    fn put_back(&mut self, book: &Book, is_changed: &Ids) {
        if self.changed.is_empty() {
            return;
        }
        let mut placed = book.each(&self.changed, |id| *id, |id| self.place(book, &self.reference, *id));
        placed.sort_unstable();
        let mut placed = placed.into_iter().peekable();
        let mut merged = Vec::with_capacity(self.near.len() + placed.len());
        for entry in self.near.iter().filter(|(_, id)| !is_changed.has(*id)) {
            while let Some(earlier) = placed.next_if(|place| place < entry) {
                merged.push(earlier);
            }
            merged.push(*entry);
        }
        merged.extend(placed);
        self.near = merged;
    }

    fn drift(&self, lenses: &[Lens]) -> Option<Drift> {
        let both = self.reference.iter().zip(lenses).enumerate();
        let held = both.filter(|(asset, _)| self.tokens >> (asset % 64) & 1 == 1);
        held.map(|(_, (before, now))| before.drift(now)).try_fold(Drift::NONE, |all, drift| Some(all.worst(drift?)))
    }
}
