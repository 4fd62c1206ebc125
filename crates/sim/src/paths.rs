//! Price paths: recorded, drawn by hand, and random ones. Each path of each token has a stream of random numbers of its own
//! (ChaCha, by seed, path and token), so that a path is the same whoever computes it and in whatever order.

pub mod csv;

use std::path::Path;

use anyhow::{ensure, Context, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Seconds of a day.
const DAY_SECS: f64 = 86_400.0;

/// What a token's price does. Volatilities are daily, as parts.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PathTerms {
    /// Nothing.
    #[default]
    Constant,
    /// Straight lines of the logarithm between prices at seconds of the run, and noise that wanders back to them.
    Points {
        /// Seconds, USD.
        points: Vec<(u64, f64)>,
        /// Daily volatility of the noise.
        #[serde(default)]
        noise: f64,
    },
    /// Geometric Brownian motion.
    Gbm {
        /// Volatility.
        sigma: f64,
        /// Expected return of a day.
        #[serde(default)]
        drift: f64,
    },
    /// The same with jumps (Merton).
    Jumps {
        /// Volatility between jumps.
        sigma: f64,
        /// Jumps a day.
        per_day: f64,
        /// Mean of a jump's logarithm.
        jump_mean: f64,
        /// Standard deviation of a jump's logarithm.
        jump_sigma: f64,
    },
    /// GARCH(1,1): volatility that comes in clusters.
    Garch {
        /// Volatility in the long run.
        sigma: f64,
        /// Weight of the last squared return.
        alpha: f64,
        /// Weight of the last variance.
        beta: f64,
    },
    /// A fall, a rest, and a part of it regained.
    Crash {
        /// When it begins, seconds.
        at_secs: u64,
        /// Part of the price that is lost.
        fall: f64,
        /// How long it falls, seconds.
        fall_secs: u64,
        /// Part of the fall that comes back.
        #[serde(default)]
        recovery: f64,
        /// How long that takes, seconds.
        #[serde(default)]
        recovery_secs: u64,
        /// Volatility about it.
        #[serde(default)]
        sigma: f64,
    },
    /// Moves with another token.
    Follows {
        /// The other token.
        token: String,
        /// Return for a return of one.
        beta: f64,
        /// Volatility of its own.
        #[serde(default)]
        sigma: f64,
    },
    /// Recorded prices, from the first at or after a time on: CSV with a header that names at least `time` and `close`. The
    /// first path begins there; every other one at a step that is drawn, the same for all tokens of this kind, scaled to the
    /// first one's first price.
    Csv {
        /// File, from the folder of the scenario.
        file: String,
        /// Unix time of the start; the file's first where it is 0.
        #[serde(default)]
        from_unix: i64,
        /// All prices are scaled so that the first is the token's.
        #[serde(default)]
        scaled: bool,
    },
}

/// Two normal random numbers from two uniform ones (Box and Muller); one is used.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // Above zero, so that the logarithm is one.
    let (radius, angle): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// A number of a kind from a seed: stream `number`.
pub fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    rng
}

/// A lognormal number of this median.
pub fn lognormal(rng: &mut ChaCha8Rng, median: f64, sigma: f64) -> f64 {
    median * (sigma * normal(rng)).exp()
}

/// A token's part in a set of paths.
#[derive(Clone, Debug)]
struct Track {
    terms: PathTerms,
    price: f64,
    /// Which one it follows.
    leader: Option<usize>,
    /// Recorded prices at steps to the end of the record.
    recorded: Vec<f64>,
}

/// Number of the stream that belongs to a path and not to one of its tokens.
const OF_PATH: u64 = 63;

/// Paths of all tokens.
#[derive(Clone, Debug)]
pub struct Paths {
    tracks: Vec<Track>,
    seed: u64,
    /// Seconds of a step.
    pub step_secs: u64,
    /// Steps.
    pub steps: usize,
}

/// What a token brings to a set of paths.
pub struct TokenPath<'a> {
    /// Name.
    pub name: &'a str,
    /// First price, USD.
    pub price: f64,
    /// What it does.
    pub terms: &'a PathTerms,
}

impl Paths {
    /// Paths of these tokens. `folder`: where recorded prices lie.
    ///
    /// # Errors
    /// What is wrong with the terms or a file.
    pub fn new(tokens: &[TokenPath], seed: u64, step_secs: u64, steps: usize, folder: &Path) -> Result<Self> {
        ensure!(step_secs > 0 && steps > 0, "expected at least one step of at least a second");
        let mut tracks = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let leader = match token.terms {
                PathTerms::Follows { token: name, .. } => {
                    let leader = tokens.iter().position(|other| other.name == name);
                    let leader = leader.filter(|leader| *leader < index);
                    Some(
                        leader
                            .with_context(|| format!("{} follows {name}, which must be named before it", token.name))?,
                    )
                }
                _ => None,
            };
            let recorded = match token.terms {
                PathTerms::Csv { file, from_unix, scaled } => {
                    let prices = csv::read(&folder.join(file), *from_unix, step_secs, steps)?;
                    let first = prices.first().copied().unwrap_or(token.price);
                    let scale = if *scaled { token.price / first } else { 1.0 };
                    prices.iter().map(|price| price * scale).collect()
                }
                _ => Vec::new(),
            };
            tracks.push(Track { terms: token.terms.clone(), price: token.price, leader, recorded });
        }
        Ok(Self { tracks, seed, step_secs, steps })
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.tracks.len()
    }

    /// How many steps later than the first path a path begins in the record.
    fn recorded_from(&self, number: u64) -> usize {
        let records = self.tracks.iter().map(|track| track.recorded.len()).filter(|count| *count > 0);
        match records.min().and_then(|shortest| shortest.checked_sub(self.steps)) {
            Some(room) if number > 0 => stream(self.seed, number.wrapping_mul(64) + OF_PATH).random_range(0..=room),
            _ => 0,
        }
    }

    /// Prices of one path: by step, all tokens of a step side by side.
    pub fn path(&self, number: u64) -> Vec<f64> {
        let width = self.tracks.len();
        let from = self.recorded_from(number);
        let mut prices = vec![0.0; width * self.steps];
        for (token, track) in self.tracks.iter().enumerate() {
            let mut rng = stream(self.seed, number.wrapping_mul(64).wrapping_add(token as u64));
            let mut walk = Walk::new(track, from, self.step_secs as f64 / DAY_SECS);
            for step in 0..self.steps {
                let led = track.leader.map(|leader| {
                    let now = prices.get(step * width + leader).copied().unwrap_or(1.0);
                    let first = self.tracks.get(leader).map_or(1.0, |leader| leader.price);
                    let before = step.checked_sub(1).and_then(|before| prices.get(before * width + leader)).copied();
                    (now / before.unwrap_or(first)).ln()
                });
                let secs = (step as u64 + 1) * self.step_secs;
                let price = walk.next(step, secs as f64, led, &mut rng);
                if let Some(place) = prices.get_mut(step * width + token) {
                    *place = price.max(1e-8);
                }
            }
        }
        prices
    }
}

/// A walk along one path.
struct Walk<'a> {
    track: &'a Track,
    /// Recorded prices of this path, and what they are scaled by.
    recorded: (&'a [f64], f64),
    /// A step in days.
    days: f64,
    log: f64,
    /// Noise about a drawn line.
    away: f64,
    variance: f64,
    last: f64,
}

impl<'a> Walk<'a> {
    fn new(track: &'a Track, from: usize, days: f64) -> Self {
        let recorded = track.recorded.get(from..).unwrap_or(&[]);
        let scale = track.recorded.first().zip(recorded.first()).map_or(1.0, |(first, begin)| first / begin);
        let variance = match track.terms {
            PathTerms::Garch { sigma, .. } => sigma * sigma * days,
            _ => 0.0,
        };
        Self { track, recorded: (recorded, scale), days, log: track.price.ln(), away: 0.0, variance, last: 0.0 }
    }

    fn next(&mut self, step: usize, secs: f64, led: Option<f64>, rng: &mut ChaCha8Rng) -> f64 {
        let root = self.days.sqrt();
        match &self.track.terms {
            PathTerms::Constant => return self.track.price,
            PathTerms::Csv { .. } => {
                return self.recorded.0.get(step).map_or(self.track.price, |price| price * self.recorded.1);
            }
            PathTerms::Points { points, noise } => {
                self.wander(noise * root, rng);
                return (along(points, self.track.price, secs).ln() + self.away).exp();
            }
            PathTerms::Crash { at_secs, fall, fall_secs, recovery, recovery_secs, sigma } => {
                self.wander(sigma * root, rng);
                let line = crash((*at_secs, *fall, *fall_secs), (*recovery, *recovery_secs), secs);
                return self.track.price * line * self.away.exp();
            }
            PathTerms::Gbm { sigma, drift } => {
                self.log += (drift - sigma * sigma / 2.0) * self.days + sigma * root * normal(rng);
            }
            PathTerms::Jumps { sigma, per_day, jump_mean, jump_sigma } => {
                self.log += -sigma * sigma / 2.0 * self.days + sigma * root * normal(rng);
                if rng.random::<f64>() < per_day * self.days {
                    self.log += jump_mean + jump_sigma * normal(rng);
                }
            }
            PathTerms::Garch { sigma, alpha, beta } => {
                let long_run = sigma * sigma * self.days * (1.0 - alpha - beta).max(0.0);
                self.variance = long_run + alpha * self.last * self.last + beta * self.variance;
                self.last = self.variance.sqrt() * normal(rng);
                self.log += self.last - self.variance / 2.0;
            }
            PathTerms::Follows { beta, sigma, .. } => {
                self.log += beta * led.unwrap_or(0.0) + sigma * root * normal(rng) - sigma * sigma / 2.0 * self.days;
            }
        }
        self.log.exp()
    }

    /// Noise that wanders back by a sixteenth a step.
    fn wander(&mut self, size: f64, rng: &mut ChaCha8Rng) {
        if size > 0.0 {
            self.away = self.away * 15.0 / 16.0 + size * normal(rng);
        }
    }
}

/// What a crash leaves of the price at a second.
fn crash((at, fall, fall_secs): (u64, f64, u64), (recovery, recovery_secs): (f64, u64), secs: f64) -> f64 {
    let part = |from: f64, length: u64| ((secs - from) / (length.max(1) as f64)).clamp(0.0, 1.0);
    let fallen = part(at as f64, fall_secs);
    let regained = part((at + fall_secs) as f64, recovery_secs) * recovery;
    let low = 1.0 - fall;
    // Falls by equal parts in equal times.
    if fallen < 1.0 {
        low.max(1e-6).powf(fallen)
    } else {
        low + fall * regained
    }
}

/// The price at a second, on straight lines of the logarithm.
fn along(points: &[(u64, f64)], first: f64, secs: f64) -> f64 {
    let mut before = (0.0, first);
    for (at, price) in points {
        let at = *at as f64;
        if secs <= at {
            let part = if at > before.0 { (secs - before.0) / (at - before.0) } else { 1.0 };
            return (before.1.ln() * (1.0 - part) + price.ln() * part).exp();
        }
        before = (at, *price);
    }
    before.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(terms: &[(&str, PathTerms)], steps: usize) -> Paths {
        let tokens: Vec<TokenPath> =
            terms.iter().map(|(name, terms)| TokenPath { name, price: 100.0, terms }).collect();
        Paths::new(&tokens, 7, 300, steps, Path::new(".")).unwrap()
    }

    /// Mean and standard deviation of the logarithm of the last price.
    fn spread(terms: PathTerms, steps: usize, count: u64) -> (f64, f64) {
        let paths = paths(&[("A", terms)], steps);
        let ends: Vec<f64> = (0..count).map(|number| (paths.path(number)[steps - 1] / 100.0).ln()).collect();
        let mean = ends.iter().sum::<f64>() / count as f64;
        let variance = ends.iter().map(|end| (end - mean).powi(2)).sum::<f64>() / count as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn random_paths_have_the_volatility_they_say() {
        let day = 288;
        let gbm = spread(PathTerms::Gbm { sigma: 0.05, drift: 0.0 }, day, 4_000);
        assert!((gbm.1 - 0.05).abs() < 0.002, "{gbm:?}");
        let garch = spread(PathTerms::Garch { sigma: 0.05, alpha: 0.1, beta: 0.85 }, day, 4_000);
        assert!((garch.1 - 0.05).abs() < 0.004, "{garch:?}");
        let jumps = PathTerms::Jumps { sigma: 0.03, per_day: 1.0, jump_mean: 0.0, jump_sigma: 0.04 };
        let jumps = spread(jumps, day, 4_000);
        assert!((jumps.1 - 0.05).abs() < 0.003, "sqrt(0.03^2 + 0.04^2), got {jumps:?}");
    }

    #[test]
    fn a_path_is_the_same_alone_and_among_others_and_differs_from_the_next() {
        let terms = [
            ("A", PathTerms::Gbm { sigma: 0.05, drift: 0.0 }),
            ("B", PathTerms::Follows { token: "A".into(), beta: 1.0, sigma: 0.0 }),
        ];
        let both = paths(&terms, 50);
        let alone = paths(&terms[..1], 50);
        let (path, single) = (both.path(3), alone.path(3));
        for step in 0..50 {
            assert_eq!(path[2 * step], single[step]);
            assert!((path[2 * step] - path[2 * step + 1]).abs() < 1e-9, "with beta one it is the same");
        }
        assert_ne!(both.path(3), both.path(4));
    }

    #[test]
    fn recorded_prices_are_told_as_they_were_first_and_then_from_other_moments() {
        let folder = std::env::temp_dir().join(format!("plimsoll-paths-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let price = |row: u64| 50 + row * row % 97;
        let rows: String = (0..200).map(|row| format!("{},{}\n", row * 300, price(row))).collect();
        std::fs::write(folder.join("a.csv"), format!("time,close\n{rows}")).unwrap();
        let terms = PathTerms::Csv { file: "a.csv".into(), from_unix: 0, scaled: false };
        let token = |name| TokenPath { name, price: 100.0, terms: &terms };
        let paths = Paths::new(&[token("A"), token("B")], 7, 300, 10, &folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let paths = paths.unwrap();
        let first = paths.path(0);
        let expected: Vec<f64> = (1..=10).flat_map(|row| [price(row) as f64; 2]).collect();
        assert_eq!(first, expected, "the first is the record");
        let mut begins = std::collections::BTreeSet::new();
        for number in 1..100 {
            let path = paths.path(number);
            assert!(path.chunks(2).all(|both| both[0] == both[1]), "the same moment for both tokens");
            assert!((path[0] - first[0]).abs() < 1e-9, "from the same price");
            let begin = (1..=190).find(|row| {
                let at = |step: u64| price(row + step) as f64 * price(1) as f64 / price(*row) as f64;
                (0..10).all(|step| (path[2 * step as usize] - at(step)).abs() < 1e-9)
            });
            begins.insert(begin.expect("a moment of the record"));
        }
        assert!(begins.len() > 40, "{begins:?}");
    }

    #[test]
    fn a_crash_falls_rests_and_regains_its_part() {
        let terms =
            PathTerms::Crash { at_secs: 300, fall: 0.4, fall_secs: 600, recovery: 0.5, recovery_secs: 600, sigma: 0.0 };
        let path = paths(&[("A", terms)], 6).path(0);
        let expected = [100.0, 100.0 * 0.6f64.sqrt(), 60.0, 70.0, 80.0, 80.0];
        assert!(path.iter().zip(expected).all(|(price, expected)| (price - expected).abs() < 1e-9), "{path:?}");
    }
}
