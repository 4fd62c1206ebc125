//! What a journal says, as tables: per action and outcome, per day.

use std::collections::BTreeMap;

use crate::journal::{Attempt, Line};

/// Percentiles that are shown, of a hundred.
pub const SHOWN: [usize; 3] = [50, 90, 99];
/// A day, milliseconds.
const DAY_MS: i64 = 86_400_000;

/// The shown percentiles of what is sorted; none of nothing. The p-th of a hundred is the least that p of a hundred do not
/// exceed.
pub fn spread(sorted: &[i64]) -> Option<[i64; 3]> {
    let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied();
    let [half, most, nearly_all] = SHOWN.map(at);
    Some([half?, most?, nearly_all?])
}

/// Sums of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Attempts.
    pub attempts: u64,
    /// Of those, landed.
    pub landed: u64,
    /// Expected of what landed, nano-dollars.
    pub expected_nano_usd: i64,
    /// Realised, nano-dollars.
    pub realised_nano_usd: i64,
    /// Of that, gains alone.
    pub gained_nano_usd: i64,
    /// Fees, lamports.
    pub fee_lamports: i64,
}

/// Attempts by day, by the number of days since 1970.
pub fn days(attempts: &[Attempt]) -> BTreeMap<i64, Day> {
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    for attempt in attempts {
        let day = days.entry(attempt.at_ms.div_euclid(DAY_MS)).or_default();
        day.attempts += 1;
        day.fee_lamports = day.fee_lamports.saturating_add(attempt.fee_lamports);
        let Some(realised) = attempt.realised_nano_usd else { continue };
        day.landed += 1;
        day.expected_nano_usd = day.expected_nano_usd.saturating_add(attempt.expected_nano_usd);
        day.realised_nano_usd = day.realised_nano_usd.saturating_add(realised);
        day.gained_nano_usd = day.gained_nano_usd.saturating_add(realised.max(0));
    }
    days
}

/// A day's date, from the number of days since 1970: the Gregorian calendar, counted in eras of 400 years from the 1st of
/// March of the year 0.
pub fn date(days: i64) -> String {
    let from_march = days + 719_468;
    let (era, of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A moment's date and time of day, UTC.
pub fn moment(at_ms: i64) -> String {
    let minutes = at_ms.rem_euclid(DAY_MS) / 60_000;
    format!("{} {:02}:{:02}", date(at_ms.div_euclid(DAY_MS)), minutes / 60, minutes % 60)
}

/// Nano-dollars as dollars and cents, toward zero.
pub fn dollars(nano_usd: i64) -> String {
    let cents = nano_usd.unsigned_abs() / 10_000_000;
    let sign = if nano_usd < 0 && cents > 0 { "-" } else { "" };
    format!("{sign}${}.{:02}", cents / 100, cents % 100)
}

/// Profit, loss and latencies per action and outcome.
pub fn table(lines: &[Line]) -> String {
    let head = ["what", "outcome", "count", "expected", "realised", "p50 ms", "p90 ms", "p99 ms"];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    for line in lines {
        let mut row = vec![line.what.clone(), line.outcome.clone(), line.count.to_string()];
        row.extend([dollars(line.expected_nano_usd), dollars(line.realised_nano_usd)]);
        row.extend(line.latency_ms.map_or([(); 3].map(|()| "-".to_owned()), |all| all.map(|ms| ms.to_string())));
        rows.push(row);
    }
    let landed = |line: &&Line| line.outcome == "landed";
    let sum = |of: fn(&Line) -> i64| lines.iter().filter(landed).map(of).fold(0i64, i64::saturating_add);
    let mut all = vec!["all".to_owned(), "landed".to_owned(), sum(|line| line.count).to_string()];
    all.extend([dollars(sum(|line| line.expected_nano_usd)), dollars(sum(|line| line.realised_nano_usd))]);
    all.extend([(); 3].map(|()| "-".to_owned()));
    rows.push(all);
    aligned(&rows, 2)
}

/// Profit and loss per day.
pub fn day_table(days: &BTreeMap<i64, Day>) -> String {
    let head = ["day", "attempts", "landed", "expected", "gains", "losses", "realised", "fees SOL"];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    for (number, day) in days {
        let losses = day.realised_nano_usd.saturating_sub(day.gained_nano_usd);
        let lamports = day.fee_lamports.unsigned_abs();
        rows.push(vec![
            date(*number),
            day.attempts.to_string(),
            day.landed.to_string(),
            dollars(day.expected_nano_usd),
            dollars(day.gained_nano_usd),
            dollars(losses),
            dollars(day.realised_nano_usd),
            format!("{}.{:06}", lamports / 1_000_000_000, lamports % 1_000_000_000 / 1_000),
        ]);
    }
    aligned(&rows, 1)
}

/// Rows with aligned columns: so many of words to the left, numbers to the right.
fn aligned(rows: &[Vec<String>], words: usize) -> String {
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
            text += &if column < words { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
        }
        text = text.trim_end().to_owned() + "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_those_that_are_there() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[7]), Some([7, 7, 7]));
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!(spread(&hundred), Some([50, 90, 99]));
        let thousand: Vec<i64> = (1..=1_000).collect();
        assert_eq!(spread(&thousand), Some([500, 900, 990]));
    }

    #[test]
    fn days_have_their_dates() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_454, "2026-01-01"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day), expected, "{day}");
        }
        assert_eq!(moment(1_767_225_600_000 + 3_660_000), "2026-01-01 01:01");
    }

    #[test]
    fn a_day_has_gains_losses_and_fees() {
        let attempt = |at_ms: i64, realised_nano_usd: Option<i64>, fee_lamports: i64| Attempt {
            at_ms,
            subject: "position".into(),
            what: "liquidate".into(),
            outcome: if realised_nano_usd.is_some() { "landed" } else { "refused" }.into(),
            detail: String::new(),
            expected_nano_usd: 3_000_000_000,
            realised_nano_usd,
            fee_lamports,
            latency_ms: None,
        };
        let start = 20_454 * DAY_MS;
        let attempts = [
            attempt(start, Some(2_000_000_000), 5_000),
            attempt(start + 1, Some(-500_000_000), 7_000),
            attempt(start + 2, None, 0),
            attempt(start + DAY_MS, Some(1), 0),
        ];
        let days = days(&attempts);
        assert_eq!(days.keys().copied().collect::<Vec<_>>(), [20_454, 20_455]);
        assert_eq!((days[&20_454].attempts, days[&20_454].landed), (3, 2));
        let told = day_table(&days);
        assert!(told.contains("2026-01-01         3       2     $6.00  $2.00  -$0.50     $1.50  0.000012\n"), "{told}");
        assert_eq!((dollars(-1_230_000_000), dollars(-1).as_str()), ("-$1.23".to_owned(), "$0.00"));
    }
}
