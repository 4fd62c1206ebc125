//! Price paths: the synthetic crash, and what a recorded one is cut to.

use plimsoll_engine::volatility::DAY_SECS;

/// Exponent of all prices here.
pub const EXPONENT: i32 = -8;

/// A price and when it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Unix time, seconds.
    pub unix: i64,
    /// USD for a token, 1e-8.
    pub price: u64,
}

/// What is replayed.
pub struct Path {
    /// Where it is from, for the title.
    pub source: String,
    /// Prices, oldest first, never empty.
    pub ticks: Vec<Tick>,
    /// The first one that is drawn; those before it only teach the reserve its volatility.
    pub drawn_from: usize,
}

/// Seconds between prices of the synthetic path: the sampling grid of the pictures' terms.
const STEP_SECS: i64 = 300;
/// Steps of an hour.
const HOUR_STEPS: u64 = 12;

/// A cent at [`EXPONENT`].
const CENT: u64 = 1_000_000;

/// A point the synthetic path wanders about: hour, price in cents, size of a step in bps.
type Anchor = (u64, u64, u64);

/// A calm day; a fall by a quarter within nine hours, in ever larger steps; four hours at the bottom; half of it regained
/// within two days, and calming down.
const ANCHORS: [Anchor; 13] = [
    (0, 15_000, 22),
    (20, 15_100, 22),
    (25, 14_700, 40),
    (29, 13_600, 120),
    (32, 11_900, 230),
    (34, 11_100, 220),
    (38, 11_000, 90),
    (44, 11_900, 60),
    (50, 11_800, 50),
    (54, 11_600, 45),
    (66, 12_500, 36),
    (84, 12_900, 26),
    (121, 13_100, 22),
];

/// Noise of every run alike (Marsaglia's xorshift, shifts 13, 7, 17).
struct Noise(u64);

impl Noise {
    /// The next of -1000 to 1000.
    fn thousandths(&mut self) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % 2_001).unwrap_or(0) - 1_000
    }
}

/// What lies between two anchors in a line, in parts of the unit.
fn between(from: u64, to: u64, along: u64, whole: u64, unit: u64) -> u64 {
    (from * (whole - along) + to * along) * unit / whole
}

impl Path {
    /// The path of the committed picture: straight lines between [`ANCHORS`], and about them noise that wanders back by a
    /// sixteenth a step. Integers only: the same bytes on every machine.
    pub fn synthetic() -> Self {
        let mut noise = Noise(1);
        // Of the price, 1e-7.
        let mut away = 0i64;
        let mut ticks = Vec::new();
        for pair in ANCHORS.windows(2) {
            let [(hour, cents, bps), (next_hour, next_cents, next_bps)] = [pair[0], pair[1]];
            let whole = (next_hour - hour) * HOUR_STEPS;
            for along in 0..whole {
                let line = between(cents, next_cents, along, whole, CENT).cast_signed();
                // Even noise within +-1.7 has a standard deviation of one.
                let step = between(bps, next_bps, along, whole, 1).cast_signed() * 17 / 10;
                away = away * 15 / 16 + noise.thousandths() * step;
                let price = (line + line / 10_000_000 * away).max(1).cast_unsigned();
                ticks.push(Tick { unix: STEP_SECS * i64::try_from(ticks.len()).unwrap_or(0), price });
            }
        }
        Self { source: "synthetic prices".into(), ticks, drawn_from: 0 }
    }

    /// The days about the largest fall within a day: one day before it, four from its start, and a week to learn from.
    /// `None` where no price is lower than one of the day before.
    pub fn largest_fall(ticks: &[Tick]) -> Option<Self> {
        let day = DAY_SECS.cast_signed();
        let top = ticks.get(largest_fall_start(ticks)?)?.unix;
        let since = |unix: i64| ticks.partition_point(|tick| tick.unix < unix);
        let (warm, drawn, end) = (since(top - 8 * day), since(top - day), since(top + 4 * day));
        let cut = ticks.get(warm..end)?.to_vec();
        let first = ticks.get(drawn)?.unix;
        Some(Self { source: format!("prices from {} on", date(first)), ticks: cut, drawn_from: drawn - warm })
    }
}

/// Where the largest relative fall within a day starts, compared without division.
fn largest_fall_start(ticks: &[Tick]) -> Option<usize> {
    let mut deepest: Option<(usize, Tick, Tick)> = None;
    for (start, top) in ticks.iter().enumerate() {
        let within = ticks.iter().skip(start).take_while(|tick| tick.unix - top.unix <= DAY_SECS.cast_signed());
        let low = *within.min_by_key(|tick| tick.price)?;
        let deeper = deepest.is_none_or(|(_, other_top, other_low)| {
            u128::from(low.price) * u128::from(other_top.price) < u128::from(other_low.price) * u128::from(top.price)
        });
        if low.price < top.price && deeper {
            deepest = Some((start, *top, low));
        }
    }
    deepest.map(|(start, ..)| start)
}

/// Date of a unix time, year-month-day. (Days are counted from 1 March of year 0, in 400-year cycles.)
fn date(unix: i64) -> String {
    let days = unix.div_euclid(DAY_SECS.cast_signed()) + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{}-{month:02}-{day:02}", cycle * 400 + year + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_735_689_600, "2025-01-01"),
        ];
        for (unix, expected) in cases {
            assert_eq!(date(unix), expected);
        }
    }

    #[test]
    fn the_largest_fall_is_the_deepest_within_a_day_and_is_cut_out_with_its_surroundings() {
        let hourly = |hour: i64, usd: u64| Tick { unix: hour * 3_600, price: usd * 100_000_000 };
        let flat = |from: i64, to: i64, usd: u64| (from..to).map(move |hour| hourly(hour, usd));
        // Ten percent at hour 400, twenty at hour 500; from hour 800 on more than that, but over weeks.
        let slow = (800..2_000).map(|hour| hourly(hour, 90 - u64::try_from(hour - 800).unwrap() / 24));
        let ticks: Vec<Tick> = flat(0, 400, 100)
            .chain(flat(400, 500, 90))
            .chain(flat(500, 501, 72))
            .chain(flat(501, 800, 90))
            .chain(slow)
            .collect();
        let path = Path::largest_fall(&ticks).unwrap();
        // The earliest price that fell by that much within a day is 24 hours before it.
        assert_eq!(path.ticks[path.drawn_from], hourly(476 - 24, 90));
        assert_eq!(path.ticks[0], hourly(476 - 8 * 24, 100));
        assert_eq!(*path.ticks.last().unwrap(), hourly(476 + 4 * 24 - 1, 90));
    }
}
