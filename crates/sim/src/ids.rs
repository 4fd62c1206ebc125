//! Sets of positions, and times of positions, by their numbers: a table of a million is quicker than a map of thousands.

use crate::book::Id;

/// No time.
const NEVER: i64 = i64::MIN;

/// A set of positions.
#[derive(Clone, Debug)]
pub struct Ids(Vec<u64>);

impl Ids {
    /// None of so many.
    pub fn none_of(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// Whether a position is there.
    pub fn has(&self, id: Id) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Adds a position. Returns whether it was not there.
    pub fn insert(&mut self, id: Id) -> bool {
        let is_new = !self.has(id);
        if let Some(word) = self.0.get_mut(id as usize / 64) {
            *word |= 1 << (id % 64);
        }
        is_new
    }

    /// Takes a position away.
    pub fn remove(&mut self, id: Id) {
        if let Some(word) = self.0.get_mut(id as usize / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    /// All of them that another set has not, in order.
    pub fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Id> + 'a {
        let words = (0..).zip(self.0.iter().zip(&other.0)).map(|(at, (word, not))| (at, word & !not));
        words.filter(|(_, word)| *word != 0).flat_map(|(at, word): (Id, u64)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }
}

/// Since when each of some positions has been among them, unix time.
#[derive(Clone, Debug)]
pub struct Since {
    at: Vec<i64>,
    ids: Vec<Id>,
    set: Ids,
}

impl Since {
    /// None of so many.
    pub fn none_of(count: usize) -> Self {
        Self { at: vec![NEVER; count], ids: Vec::new(), set: Ids::none_of(count) }
    }

    /// Since when a position has been there, if it is.
    pub fn get(&self, id: Id) -> Option<i64> {
        self.at.get(id as usize).copied().filter(|at| *at != NEVER)
    }

    /// Those that are there now. Who was there before stays since then.
    pub fn renew(&mut self, ids: impl Iterator<Item = Id>, unix: i64) {
        let renewed: Vec<(Id, i64)> = ids.map(|id| (id, self.get(id).unwrap_or(unix))).collect();
        for id in self.ids.drain(..) {
            put(&mut self.at, id, NEVER);
            self.set.remove(id);
        }
        for (id, since) in renewed {
            put(&mut self.at, id, since);
            self.set.insert(id);
            self.ids.push(id);
        }
    }

    /// Who is there.
    pub fn set(&self) -> &Ids {
        &self.set
    }

    /// Who is there, and since when, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (Id, i64)> + '_ {
        self.ids.iter().filter_map(|id| Some((*id, self.get(*id)?)))
    }
}

fn put(at: &mut [i64], id: Id, time: i64) {
    if let Some(place) = at.get_mut(id as usize) {
        *place = time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_not_taken_out() {
        let mut ids = Ids::none_of(200);
        assert!(ids.insert(7) && ids.insert(130) && ids.insert(63) && !ids.insert(7));
        assert!(ids.insert(199));
        ids.remove(63);
        assert_eq!(ids.without(&Ids::none_of(200)).collect::<Vec<_>>(), [7, 130, 199]);
        let mut others = Ids::none_of(200);
        assert!(others.insert(130) && others.insert(8));
        assert_eq!(ids.without(&others).collect::<Vec<_>>(), [7, 199]);
        assert!(ids.has(130) && !ids.has(63) && !ids.has(5_000));
    }

    #[test]
    fn who_stays_keeps_its_time_and_who_comes_back_does_not() {
        let mut since = Since::none_of(10);
        since.renew([3, 1].into_iter(), 100);
        since.renew([1, 4].into_iter(), 200);
        assert_eq!(since.iter().collect::<Vec<_>>(), [(1, 100), (4, 200)]);
        since.renew([3].into_iter(), 300);
        assert_eq!((since.get(3), since.get(1)), (Some(300), None));
        assert!(since.set().has(3) && !since.set().has(1));
    }
}
