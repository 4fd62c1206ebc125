//! What a recorded series says about parameters: how volatile a token is, as its reserve would have observed it, and how much
//! farther than that volatility suggests its price has fallen until the next row.

use anyhow::{ensure, Result};
use serde::Serialize;

use crate::paths::csv::Bar;

/// Levels that are told.
const LEVELS: [f64; 10] = [0.01, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999];
/// Seconds of a day.
const DAY_SECS: f64 = 86_400.0;
/// Days in which the average learns before it counts.
const LEARNING_DAYS: f64 = 14.0;
/// Daily volatility to begin with.
const FIRST: f64 = 0.05;

/// Bonuses that must still be paid for, as parts.
pub const BONUSES: [f64; 3] = [0.01, 0.05, 0.1];

/// Terms of a collateral that are held against a series.
#[derive(Clone, Debug)]
pub struct Terms {
    /// m, as a part.
    pub maintenance: f64,
    /// Bounds of daily volatility, as parts.
    pub sigma: (f64, f64),
    /// Daily volatility from which on depth shrinks, as a part.
    pub sigma_ref: f64,
    /// Most by which maintenance volatility rises in an hour, as a part.
    pub sigma_rise: f64,
    /// Values of z that are compared.
    pub zs: Vec<f64>,
    /// Horizons tau that are compared, seconds.
    pub horizons_secs: Vec<f64>,
}

/// In what part of the rows volatility is beyond a bound that was chosen for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Beyond {
    /// Below the floor.
    pub floor: f64,
    /// Below the volatility from which on depth shrinks.
    pub reference: f64,
    /// Above the cap.
    pub cap: f64,
    /// Rises faster than maintenance volatility may.
    pub rise: f64,
}

/// How often a position at its threshold, small against depth, that nobody touches for a row ends with less collateral than
/// debt and bonus: `low < m * (1 - z*sigma*sqrt(tau)) * (1 + bonus)` of the price before.
#[derive(Clone, Debug, Serialize)]
pub struct Uncovered {
    /// z.
    pub z: f64,
    /// tau, seconds.
    pub horizon_secs: f64,
    /// Rows, by bonus.
    pub rows: Vec<usize>,
}

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
    /// By level: the same fall, as a part of the close.
    pub fall: Vec<(f64, f64)>,
    /// By level: by how much daily volatility rose in an hour, as a part.
    pub rise: Vec<(f64, f64)>,
    /// How often the bounds of volatility bind.
    pub beyond: Beyond,
    /// What choices of z and tau leave uncovered.
    pub uncovered: Vec<Uncovered>,
}

/// What a series says, with the engine's average: a sample counts `dt / (dt + 1 day)`.
///
/// # Errors
/// A series that is too short.
pub fn observe(bars: &[Bar], terms: &Terms) -> Result<Observed> {
    ensure!(bars.len() >= 2, "expected at least two rows of prices");
    let row_secs = bars.windows(2).map(|pair| pair[1].unix - pair[0].unix).fold(f64::INFINITY, f64::min);
    let learning = bars.first().map_or(0.0, |first| first.unix) + LEARNING_DAYS * DAY_SECS;
    let (mut variance, mut sigmas, mut falls, mut rises) = (FIRST * FIRST, Vec::new(), Vec::new(), Vec::new());
    let mut left = Vec::new();
    for pair in bars.windows(2) {
        let days = (pair[1].unix - pair[0].unix) / DAY_SECS;
        let before = variance.sqrt();
        let squared = (pair[1].close / pair[0].close).ln().powi(2);
        variance += days / (days + 1.0) * (squared / days - variance);
        if pair[0].unix < learning {
            continue;
        }
        sigmas.push(before);
        left.push((pair[1].low / pair[0].close, before));
        falls.push(-(pair[1].low / pair[0].close).ln() / (before * days.sqrt()));
        rises.push((variance.sqrt() - before) / (days * 24.0));
    }
    ensure!(!sigmas.is_empty(), "expected more than {LEARNING_DAYS} days of prices");
    let rows = sigmas.len();
    let fall = left.iter().map(|(left, _)| 1.0 - left).collect();
    let of_z = |z: &f64| terms.horizons_secs.iter().map(|secs| uncovered(&left, terms, *z, *secs)).collect::<Vec<_>>();
    let uncovered = terms.zs.iter().flat_map(of_z).collect();
    let beyond = Beyond {
        floor: part(&sigmas, |sigma| sigma < terms.sigma.0),
        reference: part(&sigmas, |sigma| sigma < terms.sigma_ref),
        cap: part(&sigmas, |sigma| sigma > terms.sigma.1),
        rise: part(&rises, |rise| rise > terms.sigma_rise),
    };
    let (sigma, z, rise) = (levels(sigmas), levels(falls), levels(rises));
    Ok(Observed { rows, row_secs, sigma, z, fall: levels(fall), rise, beyond, uncovered })
}

/// Of what was left of each price, and the volatility before.
fn uncovered(left: &[(f64, f64)], terms: &Terms, z: f64, horizon_secs: f64) -> Uncovered {
    let threshold = |sigma: f64| {
        let sigma = sigma.max(terms.sigma.0).min(terms.sigma.1);
        terms.maintenance * (1.0 - z * sigma * (horizon_secs / DAY_SECS).sqrt())
    };
    let count = |bonus: f64| left.iter().filter(|(left, sigma)| *left < threshold(*sigma) * (1.0 + bonus)).count();
    Uncovered { z, horizon_secs, rows: BONUSES.map(count).to_vec() }
}

/// Part of the numbers for which something holds.
fn part(numbers: &[f64], holds: impl Fn(f64) -> bool) -> f64 {
    numbers.iter().filter(|number| holds(**number)).count() as f64 / numbers.len().max(1) as f64
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

    fn terms_of_a_collateral() -> Terms {
        Terms {
            maintenance: 0.8,
            sigma: (0.02, 0.15),
            sigma_ref: 0.04,
            sigma_rise: 0.005,
            zs: vec![2.33, 3.8, 5.0],
            horizons_secs: vec![600.0, 1_800.0, 3_600.0],
        }
    }

    #[test]
    fn of_a_normal_series_z_is_the_normal_one_and_volatility_what_it_was_made_with() {
        let terms = PathTerms::Gbm { sigma: 0.05, drift: 0.0 };
        let token = TokenPath { name: "A", price: 100.0, terms: &terms };
        let paths = Paths::new(&[token], 3, 3_600, 40_000, std::path::Path::new(".")).unwrap();
        let bar = |(hour, price): (usize, f64)| Bar { unix: hour as f64 * 3_600.0, low: price, close: price };
        let bars: Vec<Bar> = paths.path(0).into_iter().enumerate().map(bar).collect();
        let seen = observe(&bars, &terms_of_a_collateral()).unwrap();
        let at = |numbers: &[(f64, f64)], level: f64| numbers.iter().find(|it| it.0 == level).unwrap().1;
        assert!((at(&seen.sigma, 0.5) - 0.05).abs() < 0.003, "{:?}", seen.sigma);
        // Volatility itself is estimated from a day, so the tail is a little fatter than 2.33.
        assert!((2.3..2.6).contains(&at(&seen.z, 0.99)), "{:?}", seen.z);
        assert!(seen.uncovered.iter().all(|it| it.rows == [0, 0, 0]), "no hour falls by a tenth: {:?}", seen.uncovered);
    }

    #[test]
    fn a_fall_is_covered_where_the_threshold_leaves_room_for_it_and_the_bonus() {
        // Prices stand still until the last row, which falls by 17%: volatility is at its floor of 2% a day.
        let bar = |(hour, price): (usize, f64)| Bar { unix: hour as f64 * 3_600.0, low: price, close: price };
        let mut prices = vec![100.0; 2_000];
        prices.push(83.0);
        let bars: Vec<Bar> = prices.into_iter().enumerate().map(bar).collect();
        let seen = observe(&bars, &terms_of_a_collateral()).unwrap();
        // Of 100: 80 * (1 - 2.33 * 2% * sqrt(1/144)) = 79.69, and with a bonus of 5% 83.7, of 10% 87.7.
        assert_eq!((seen.uncovered[0].z, seen.uncovered[0].horizon_secs), (2.33, 600.0));
        assert_eq!(seen.uncovered[0].rows, [0, 1, 1]);
        // The row itself is the last: volatility is that of before it, and rose once.
        let once = 1.0 / seen.rows as f64;
        assert_eq!(seen.beyond, Beyond { floor: 1.0, reference: 1.0, cap: 0.0, rise: once });
        // 80 * (1 - 5 * 2% * sqrt(1/24)) = 78.37, and with a bonus of 5% 82.3.
        assert_eq!((seen.uncovered[8].z, seen.uncovered[8].horizon_secs), (5.0, 3_600.0));
        assert_eq!(seen.uncovered[8].rows, [0, 0, 1]);
    }
}
