//! What sales of sampled sizes would bring, and what follows for the sizes between them.
//!
//! Between two samples a sale is promised what the smaller one brought, or its share of what the larger one brought, whichever
//! is more: the rate of the larger is the worse one wherever a market has depth, and the smaller is what one could sell
//! instead. So no more is ever promised than was sampled. Above the largest sample nothing is.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use plimsoll_client::Pubkey;
use plimsoll_engine::fixed::{mul_div_floor, saturate};

/// Mints: sold, bought.
pub type Mints = (Pubkey, Pubkey);

/// A sample to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Of what, for what.
    pub mints: Mints,
    /// Sold, atoms.
    pub amount_in: u64,
}

/// What a sale of one size would bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    /// Atoms; none where there was no route.
    out: Option<u64>,
    at: Instant,
}

/// Samples of all pairs.
#[derive(Clone, Debug, Default)]
pub struct Curves(HashMap<Mints, BTreeMap<u64, Sample>>);

impl Curves {
    /// Takes a sample. `out`: atoms, none where there was no route.
    pub fn take(&mut self, wanted: &Wanted, out: Option<u64>, at: Instant) {
        self.0.entry(wanted.mints).or_default().insert(wanted.amount_in, Sample { out, at });
    }

    /// When a sample was taken.
    pub fn taken_at(&self, wanted: &Wanted) -> Option<Instant> {
        Some(self.0.get(&wanted.mints)?.get(&wanted.amount_in)?.at)
    }

    /// Those that are no older than so.
    pub fn younger_than(&self, life: Duration, now: Instant) -> Self {
        let is_young = |sample: &Sample| now.saturating_duration_since(sample.at) <= life;
        let young = |samples: &BTreeMap<u64, Sample>| {
            let kept = samples.iter().filter(|(_, sample)| is_young(sample));
            kept.map(|(amount, sample)| (*amount, *sample)).collect::<BTreeMap<_, _>>()
        };
        let all = self.0.iter().map(|(mints, samples)| (*mints, young(samples)));
        Self(all.filter(|(_, samples)| !samples.is_empty()).collect())
    }

    /// What a sale would bring at the least, atoms. None above the largest sample, and below one without a route.
    pub fn quote(&self, mints: Mints, amount_in: u64) -> Option<u64> {
        let samples = self.0.get(&mints)?;
        let (size, larger) = samples.range(amount_in..).next()?;
        let larger = larger.out?;
        let share = mul_div_floor(larger.into(), amount_in.into(), (*size).into()).map_or(0, saturate);
        let smaller = samples.range(..amount_in).next_back().and_then(|(_, sample)| sample.out).unwrap_or(0);
        // A smaller sale that brought more than a larger one says that the market moved between them: the worse counts.
        let out = share.max(smaller).min(larger);
        (out > 0).then_some(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mints() -> Mints {
        (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]))
    }

    fn curves(samples: &[(u64, Option<u64>)]) -> Curves {
        let mut curves = Curves::default();
        for (amount_in, out) in samples {
            curves.take(&Wanted { mints: mints(), amount_in: *amount_in }, *out, Instant::now());
        }
        curves
    }

    #[test]
    fn between_samples_the_worse_rate_counts() {
        let curves = curves(&[(100, Some(1_000)), (1_000, Some(9_000))]);
        assert_eq!(curves.quote(mints(), 100), Some(1_000));
        assert_eq!(curves.quote(mints(), 50), Some(500));
        assert_eq!(curves.quote(mints(), 105), Some(1_000), "what a sale of 100 brings");
        assert_eq!(curves.quote(mints(), 550), Some(4_950));
        assert_eq!(curves.quote(mints(), 1_000), Some(9_000));
        assert_eq!(curves.quote(mints(), 1_001), None, "nobody asked for as much");
        assert_eq!(curves.quote((mints().1, mints().0), 50), None);
        assert_eq!(curves.quote(mints(), 0), None);
    }

    #[test]
    fn without_a_route_nothing_is_promised_but_what_lies_below() {
        let curves = curves(&[(100, Some(1_000)), (1_000, None)]);
        assert_eq!((curves.quote(mints(), 100), curves.quote(mints(), 101)), (Some(1_000), None));
    }

    #[test]
    fn old_samples_are_forgotten() {
        let now = Instant::now();
        let mut curves = Curves::default();
        let wanted = |amount_in| Wanted { mints: mints(), amount_in };
        curves.take(&wanted(10), Some(10), now);
        curves.take(&wanted(20), Some(20), now + Duration::from_secs(5));
        let young = curves.younger_than(Duration::from_secs(9), now + Duration::from_secs(10));
        assert_eq!((young.taken_at(&wanted(10)), young.quote(mints(), 20)), (None, Some(20)));
        assert_eq!(young.quote(mints(), 10), Some(10), "a share of what twice as much brings");
    }

    proptest! {
        /// Of a market whose rate falls with size, no size is promised more than it would bring.
        #[test]
        fn no_more_is_promised_than_a_market_with_depth_pays(
            (vault_in, vault_out) in (1u64 << 20..1 << 50, 1u64 << 20..1 << 50),
            sizes in prop::collection::btree_set(1u64..1 << 40, 1..6),
            amount_in in 1u64..1 << 40,
        ) {
            let samples: Vec<_> =
                sizes.iter().map(|size| (*size, Some(pool::amount_out(*size, vault_in, vault_out)))).collect();
            let promised = curves(&samples).quote(mints(), amount_in).unwrap_or(0);
            prop_assert!(promised <= pool::amount_out(amount_in, vault_in, vault_out));
        }
    }
}
