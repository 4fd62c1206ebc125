//! Who acts on a market besides time: liquidators with limited money and patience, borrowers who answer a margin call, a
//! keeper who does what nobody is paid for.

use std::collections::VecDeque;

/// A kind of liquidator.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiquidatorTerms {
    /// How many of the kind.
    pub count: u32,
    /// Own money of each, USD.
    pub capital: f64,
    /// From the moment a position can be liquidated to the first trade, seconds.
    pub latency_secs: u64,
    /// Least profit of a trade, USD.
    pub min_profit: f64,
    /// Cost of a trade, USD.
    pub cost: f64,
    /// Time until the money of a trade can be used again, seconds.
    pub turnaround_secs: u64,
}

impl Default for LiquidatorTerms {
    fn default() -> Self {
        Self { count: 3, capital: 5e6, latency_secs: 0, min_profit: 1.0, cost: 0.05, turnaround_secs: 60 }
    }
}

/// How borrowers behave.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BorrowerTerms {
    /// Part of the borrowers who answer a margin call at all.
    pub answering: f64,
    /// From the call to the answer, seconds.
    pub answer_secs: u64,
    /// Part of the debt that an answer repays.
    pub answer_part: f64,
}

impl Default for BorrowerTerms {
    fn default() -> Self {
        Self { answering: 0.0, answer_secs: 1_800, answer_part: 0.1 }
    }
}

/// A liquidator.
#[derive(Clone, Debug)]
pub struct Liquidator {
    /// Its kind.
    pub terms: LiquidatorTerms,
    /// Money at hand, USD.
    pub capital: f64,
    /// Money on its way back: when, USD.
    returning: VecDeque<(i64, f64)>,
    /// Earned, USD.
    pub profit: f64,
}

impl Liquidator {
    /// All of some kinds, the quickest first.
    pub fn all(kinds: &[LiquidatorTerms]) -> Vec<Self> {
        let of_kind = |terms: &LiquidatorTerms| {
            let one = Self { terms: *terms, capital: terms.capital, returning: VecDeque::new(), profit: 0.0 };
            std::iter::repeat_n(one, terms.count as usize)
        };
        let mut all: Vec<Self> = kinds.iter().flat_map(of_kind).collect();
        all.sort_by_key(|liquidator| liquidator.terms.latency_secs);
        all
    }

    /// Money that has come back by now is at hand.
    pub fn go_on(&mut self, unix: i64) {
        while let Some((_, money)) = self.returning.front().copied().filter(|(at, _)| *at <= unix) {
            self.capital += money;
            self.returning.pop_front();
        }
    }

    /// Pays for a trade, and waits for what it brought.
    pub fn trade(&mut self, paid: f64, brought: f64, unix: i64) {
        self.capital -= paid + self.terms.cost;
        self.profit += brought - paid - self.terms.cost;
        let at = unix.saturating_add(i64::try_from(self.terms.turnaround_secs).unwrap_or(i64::MAX));
        if self.terms.turnaround_secs == 0 {
            self.capital += brought;
        } else {
            self.returning.push_back((at, brought));
        }
    }
}

/// A number from 0 to 1 that belongs to a position: whether its owner answers, whatever else happens.
pub fn character(id: u32) -> f64 {
    // SplitMix64's finaliser: every bit of the number moves every bit of the result.
    let mut x = u64::from(id).wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x ^ (x >> 31)) as f64 / u64::MAX as f64
}
