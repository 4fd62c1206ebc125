//! A step: numbers that are read against what there is when it is taken, so that a sequence keeps its meaning when steps are
//! left out of it. That is what makes a failing one shrink.

use proptest::prelude::*;

use super::verbs::VERBS;

/// One step of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done: a name of [`VERBS`].
    pub verb: &'static str,
    /// By whom.
    pub who: u16,
    /// With which token, position or parameter.
    pub what: u16,
    /// And with which other.
    pub other: u16,
    /// How much of it, or how long.
    pub amount: u64,
    /// How the call is spoilt: mostly not at all.
    pub spoil: u32,
}

impl Step {
    /// An amount of any size: a few atoms, about `most`, anything below it, or anything at all.
    pub fn atoms(&self, most: u64) -> u64 {
        let seed = self.amount >> 4;
        match self.amount % 16 {
            0 => seed % 4,
            1..=3 => most,
            4 => most.saturating_add(1 + seed % 3),
            5 => most / 2,
            6 => self.amount,
            _ => seed % most.saturating_add(1).max(1),
        }
    }

    /// One of several.
    pub fn pick<T: Clone>(of: &[T], index: u16) -> T {
        of[usize::from(index) % of.len()].clone()
    }
}

/// Any step, common verbs more often.
pub fn step() -> impl Strategy<Value = Step> {
    let names: Vec<&'static str> = VERBS.iter().flat_map(|(name, weight, _)| vec![*name; *weight]).collect();
    let spoil = prop_oneof![9 => Just(0u32), 1 => any::<u32>()];
    (prop::sample::select(names), any::<(u16, u16, u16, u64)>(), spoil)
        .prop_map(|(verb, (who, what, other, amount), spoil)| Step { verb, who, what, other, amount, spoil })
}
