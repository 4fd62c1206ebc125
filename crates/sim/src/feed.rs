//! What the oracle says of a market: late, with a confidence that widens in a move, and sometimes nothing.

use plimsoll_engine::price::{RawPrice, Reading};
use plimsoll_engine::{Now, Result};

use std::collections::VecDeque;

/// Exponent of prices that no chain gave another.
pub const EXPONENT: i32 = -8;
/// Time constant of the moving average, seconds: as Pyth's.
const AVERAGE_SECS: u128 = 3_600;

/// How a token's prices are published.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedTerms {
    /// Age of a price when it can be used, seconds.
    pub delay_secs: u64,
    /// Confidence in a calm market, bps of the price.
    pub confidence_bps: u64,
    /// What part of the move since the last price adds to it.
    pub confidence_move: f64,
    /// From when to when nothing is published, seconds of the run.
    pub silent: Vec<(u64, u64)>,
    /// From when to when it says this price, whatever the market says, seconds of the run: an oracle that is stuck, or bent.
    pub pinned: Vec<(u64, u64, f64)>,
}

impl Default for FeedTerms {
    fn default() -> Self {
        Self { delay_secs: 0, confidence_bps: 10, confidence_move: 0.1, silent: Vec::new(), pinned: Vec::new() }
    }
}

/// A price as a number at [`EXPONENT`].
pub fn number(price: f64) -> u64 {
    number_at(price, EXPONENT)
}

fn number_at(price: f64, exponent: i32) -> u64 {
    // Saturates; a price of nothing is never published.
    ((price * 10f64.powi(-exponent)).round() as u64).max(1)
}

/// A reading's price, USD for a whole token.
pub fn usd(reading: &Reading) -> f64 {
    reading.price as f64 / 10f64.powi(-reading.exponent)
}

/// A token's feed.
#[derive(Clone, Debug)]
pub struct Feed {
    terms: FeedTerms,
    /// Prices not published yet: when they were made, and what they are.
    waiting: VecDeque<(i64, u64)>,
    price: u64,
    average: u64,
    exponent: i32,
    published_at: i64,
}

impl Feed {
    /// A feed that has said this price for long.
    pub fn new(terms: FeedTerms, price: u64, unix: i64) -> Self {
        let waiting = VecDeque::new();
        Self { terms, waiting, price, average: price, exponent: EXPONENT, published_at: unix }
    }

    /// A feed that goes on from what it said last.
    pub fn after(terms: FeedTerms, reading: &Reading) -> Self {
        let Reading { price, average, exponent, publish_time: published_at, .. } = *reading;
        Self { terms, waiting: VecDeque::new(), price, average, exponent, published_at }
    }

    /// The reading of a calm market.
    ///
    /// # Errors
    /// `PriceOutOfRange`.
    pub fn calm(&self, now: &Now) -> Result<Reading> {
        self.reading(self.price, now)
    }

    fn reading(&self, before: u64, now: &Now) -> Result<Reading> {
        let moved = self.price.abs_diff(before) as f64 * self.terms.confidence_move;
        let calm = u128::from(self.price) * u128::from(self.terms.confidence_bps) / 10_000;
        let raw = RawPrice {
            price: i64::try_from(self.price).unwrap_or(i64::MAX),
            confidence: u64::try_from(calm).unwrap_or(u64::MAX).saturating_add(moved as u64),
            average: i64::try_from(self.average).unwrap_or(i64::MAX),
            exponent: self.exponent,
            publish_time: self.published_at,
        };
        Reading::checked(&raw, now)
    }

    /// Takes the market's price of now, USD, and says what is published by now, where it is new.
    pub fn publish(&mut self, spot: f64, run_secs: u64, now: &Now) -> Option<Reading> {
        self.waiting.push_back((now.unix, number_at(spot, self.exponent)));
        let delay_secs = i64::try_from(self.terms.delay_secs).unwrap_or(i64::MAX);
        let mut newest = None;
        while let Some(next) = self.waiting.front().filter(|(unix, _)| unix.saturating_add(delay_secs) <= now.unix) {
            newest = Some(*next);
            self.waiting.pop_front();
        }
        let is_in = |from: u64, to: u64| (from..to).contains(&run_secs);
        if self.terms.silent.iter().any(|(from, to)| is_in(*from, *to)) {
            return None;
        }
        let (unix, price) = newest?;
        let pinned = self.terms.pinned.iter().find(|(from, to, _)| is_in(*from, *to));
        let before = self.price;
        let elapsed = u128::from(u64::try_from(unix - self.published_at).unwrap_or(0));
        self.price = pinned.map_or(price, |(_, _, price)| number_at(*price, self.exponent));
        let mixed =
            (u128::from(self.average) * AVERAGE_SECS + u128::from(self.price) * elapsed) / (AVERAGE_SECS + elapsed);
        self.average = u64::try_from(mixed).unwrap_or(u64::MAX).max(1);
        self.published_at = unix;
        self.reading(before, now).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_feed_says_what_was_and_a_silent_one_nothing() {
        let terms = FeedTerms { delay_secs: 120, silent: vec![(300, 400)], ..FeedTerms::default() };
        let mut feed = Feed::new(terms, number(100.0), 0);
        let mut said = Vec::new();
        for minute in 1..8u64 {
            let unix = i64::try_from(minute * 60).unwrap();
            let spot = 100.0 - minute as f64;
            let reading = feed.publish(spot, minute * 60, &Now { unix, slot: 0 });
            said.push(reading.map(|reading| (reading.publish_time, reading.price)));
        }
        let at = |unix: i64, price: f64| Some((unix, number(price)));
        assert_eq!(said, [None, None, at(60, 99.0), at(120, 98.0), None, None, at(300, 95.0)]);
    }
}
