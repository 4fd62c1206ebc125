//! What a recorded series says about parameters: how volatile a token is, as its reserve would have observed it, and how much
//! farther than that volatility suggests its price has fallen until the next row.

use anyhow::{ensure, Result};
use serde::Serialize;

use crate::paths::csv::Bar;

/// Levels that are told.
const LEVELS: [f64; 7] = [0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];
/// Seconds of a day.
const DAY_SECS: f64 = 86_400.0;
/// Days in which the average learns before it counts.
const LEARNING_DAYS: f64 = 14.0;
/// Daily volatility to begin with.
const FIRST: f64 = 0.05;

/// What a series says.
#[derive(Clone, Debug, Serialize)]
pub struct Observed {
    /// Rows that count.
    pub rows: usize,
    /// Seconds of a row.
    pub row_secs: f64,
    /// By level: daily volatility, as a part.
    pub sigma: Vec<(f64, f64)>,
    /// By level: the fall from a close to the lowest price of the next row, in volatilities over that time: what z must be for
    /// a horizon of a row.
    pub z: Vec<(f64, f64)>,
    /// By level: by how much daily volatility rose in an hour, as a part.
    pub rise: Vec<(f64, f64)>,
}

/// What a series says, with the engine's average: a sample counts `dt / (dt + 1 day)`.
///
/// # Errors
/// A series that is too short.
pub fn observe(bars: &[Bar]) -> Result<Observed> {
    ensure!(bars.len() >= 2, "expected at least two rows of prices");
    let row_secs = bars.windows(2).map(|pair| pair[1].unix - pair[0].unix).fold(f64::INFINITY, f64::min);
    let learning = bars.first().map_or(0.0, |first| first.unix) + LEARNING_DAYS * DAY_SECS;
    let (mut variance, mut sigmas, mut falls, mut rises) = (FIRST * FIRST, Vec::new(), Vec::new(), Vec::new());
    for pair in bars.windows(2) {
        let days = (pair[1].unix - pair[0].unix) / DAY_SECS;
        let before = variance.sqrt();
        let squared = (pair[1].close / pair[0].close).ln().powi(2);
        variance += days / (days + 1.0) * (squared / days - variance);
        if pair[0].unix < learning {
            continue;
        }
        sigmas.push(before);
        falls.push(-(pair[1].low / pair[0].close).ln() / (before * days.sqrt()));
        rises.push((variance.sqrt() - before) / (days * 24.0));
    }
    ensure!(!sigmas.is_empty(), "expected more than {LEARNING_DAYS} days of prices");
    let rows = sigmas.len();
    Ok(Observed { rows, row_secs, sigma: levels(sigmas), z: levels(falls), rise: levels(rises) })
}

fn levels(mut numbers: Vec<f64>) -> Vec<(f64, f64)> {
    numbers.sort_unstable_by(f64::total_cmp);
    let at = |level: f64| numbers.get((numbers.len() as f64 * level) as usize).or(numbers.last()).copied();
    LEVELS.iter().map(|level| (*level, at(*level).unwrap_or(0.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::{PathTerms, Paths, TokenPath};

    #[test]
    fn of_a_normal_series_z_is_the_normal_one_and_volatility_what_it_was_made_with() {
        let terms = PathTerms::Gbm { sigma: 0.05, drift: 0.0 };
        let token = TokenPath { name: "A", price: 100.0, terms: &terms };
        let paths = Paths::new(&[token], 3, 3_600, 40_000, std::path::Path::new(".")).unwrap();
        let bar = |(hour, price): (usize, f64)| Bar { unix: hour as f64 * 3_600.0, low: price, close: price };
        let bars: Vec<Bar> = paths.path(0).into_iter().enumerate().map(bar).collect();
        let seen = observe(&bars).unwrap();
        let at = |numbers: &[(f64, f64)], level: f64| numbers.iter().find(|it| it.0 == level).unwrap().1;
        assert!((at(&seen.sigma, 0.5) - 0.05).abs() < 0.003, "{:?}", seen.sigma);
        // Volatility itself is estimated from a day, so the tail is a little fatter than 2.33.
        assert!((2.3..2.6).contains(&at(&seen.z, 0.99)), "{:?}", seen.z);
    }
}
