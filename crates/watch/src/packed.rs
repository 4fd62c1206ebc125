//! A position's state without its zeros: most of the 1,528 bytes of a position are empty slots, and a book holds a million.

use plimsoll_engine::state::PositionState;

/// Words of a position.
const WORDS: usize = size_of::<PositionState>() / 8;
/// Words of the map of those that are not zero.
const MAP_WORDS: usize = WORDS.div_ceil(64);

/// A position, packed.
#[derive(Clone, Debug)]
pub struct Packed {
    map: [u64; MAP_WORDS],
    words: Box<[u64]>,
}

impl Packed {
    /// Packs.
    pub fn new(state: &PositionState) -> Self {
        let all: &[u64; WORDS] = bytemuck::cast_ref(state);
        let mut map = [0; MAP_WORDS];
        for (index, _) in all.iter().enumerate().filter(|(_, word)| **word != 0) {
            if let Some(bits) = map.get_mut(index / 64) {
                *bits |= 1 << (index % 64);
            }
        }
        Self { map, words: all.iter().copied().filter(|word| *word != 0).collect() }
    }

    /// Unpacks.
    pub fn state(&self) -> PositionState {
        let mut all = [0u64; WORDS];
        let mut words = self.words.iter();
        for (index, slot) in all.iter_mut().enumerate() {
            let is_set = self.map.get(index / 64).is_some_and(|bits| bits >> (index % 64) & 1 == 1);
            if is_set {
                *slot = words.next().copied().unwrap_or(0);
            }
        }
        bytemuck::cast(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_packed_unpacks(words in prop::collection::vec(prop_oneof![Just(0u64), any::<u64>()], WORDS)) {
            let mut all = [0u64; WORDS];
            all.copy_from_slice(&words);
            let state: PositionState = bytemuck::cast(all);
            prop_assert_eq!(Packed::new(&state).state(), state);
        }
    }
}
