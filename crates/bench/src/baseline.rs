//! `benches/compute_units.md`: the numbers as last recorded, and what differs from them.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{ensure, Context, Result};

use crate::sheet::Measure;

/// Growth, or shrinkage, that counts: more than one in so many.
const ONE_IN: u64 = 100;
/// How a table's row begins and ends, and what stands between its cells.
const BAR: char = '|';

const HEAD: &str = "\
# Compute units, as recorded

Written by `cargo xtask bench --record`, compared by `cargo xtask test bench`: a number that grew by more than 1%, and a
measure that is new or gone, fail until this file changes in the same commit. What is counted, and where the units go:
[docs/performance.md](../docs/performance.md).

| measure | compute units | of the transaction | bytes | keys |
|---|---:|---:|---:|---:|
";

/// Measures by name.
pub type Table = BTreeMap<String, Measure>;

/// The file for these measures.
pub fn write(measures: &Table) -> String {
    let mut text = HEAD.to_owned();
    for (name, measure) in measures {
        let Measure { compute_units, transaction_units, bytes, keys } = measure;
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {name} | {compute_units} | {transaction_units} | {bytes} | {keys} |");
    }
    text
}

/// The measures in a file.
///
/// # Errors
/// Where a row is not one of [`write`]'s.
pub fn read(text: &str) -> Result<Table> {
    let rows = text.lines().filter(|line| line.starts_with(BAR)).skip(2);
    rows.map(|row| read_row(row).with_context(|| format!("not a measure: {row}"))).collect()
}

fn read_row(row: &str) -> Result<(String, Measure)> {
    let cells: Vec<&str> = row.trim_matches(BAR).split(BAR).map(str::trim).collect();
    let [name, compute_units, transaction_units, bytes, keys] = cells[..] else {
        anyhow::bail!("expected five cells, found {}", cells.len());
    };
    ensure!(!name.is_empty(), "a measure has a name");
    let measure = Measure {
        compute_units: compute_units.parse()?,
        transaction_units: transaction_units.parse()?,
        bytes: bytes.parse()?,
        keys: keys.parse()?,
    };
    Ok((name.to_owned(), measure))
}

/// What differs from the recorded numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Grew by more than one per cent, or has no recorded number, or a recorded number has no measure any more.
    pub failures: Vec<String>,
    /// Shrank by more than one per cent.
    pub notes: Vec<String>,
}

/// Compares measures with the recorded ones.
pub fn compare(recorded: &Table, measured: &Table) -> Difference {
    let mut difference = Difference::default();
    for (name, now) in measured {
        let Some(before) = recorded.get(name) else {
            difference.failures.push(format!("{name}: measured, but not recorded"));
            continue;
        };
        for (what, before, now) in [
            ("compute units", before.compute_units, now.compute_units),
            ("units of the transaction", before.transaction_units, now.transaction_units),
            ("bytes", before.bytes as u64, now.bytes as u64),
            ("keys", before.keys as u64, now.keys as u64),
        ] {
            let change = before.abs_diff(now);
            if change.saturating_mul(ONE_IN) <= before {
                continue;
            }
            let line = format!("{name}: {what} {before} -> {now} ({})", per_cent(before, now));
            let lines = if now > before { &mut difference.failures } else { &mut difference.notes };
            lines.push(line);
        }
    }
    let gone = recorded.keys().filter(|name| !measured.contains_key(*name));
    difference.failures.extend(gone.map(|name| format!("{name}: recorded, but not measured")));
    difference
}

/// A change in per cent, one decimal.
fn per_cent(before: u64, now: u64) -> String {
    let tenths = before.abs_diff(now).saturating_mul(1_000).checked_div(before).unwrap_or_default();
    format!("{}{}.{}%", if now > before { '+' } else { '-' }, tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, u64, usize)]) -> Table {
        let measure =
            |compute_units, bytes| Measure { compute_units, transaction_units: compute_units + 300, bytes, keys: 17 };
        rows.iter().map(|(name, units, bytes)| ((*name).to_owned(), measure(*units, *bytes))).collect()
    }

    #[test]
    fn a_file_says_what_was_written() {
        let measures = table(&[("a", 10_000, 700), ("b", 1, 1_232)]);
        assert_eq!(read(&write(&measures)).unwrap(), measures);
        assert!(read(&write(&measures).replace("| 17 |", "|")).is_err());
    }

    #[test]
    fn growth_beyond_one_per_cent_fails_and_one_per_cent_does_not() {
        let before = table(&[("a", 10_000, 700)]);
        assert_eq!(compare(&before, &table(&[("a", 10_100, 707)])), Difference::default());
        let more = compare(&before, &table(&[("a", 10_101, 708)]));
        let expected = [
            "a: compute units 10000 -> 10101 (+1.0%)",
            // 10,300 -> 10,401: below one per cent.
            "a: bytes 700 -> 708 (+1.1%)",
        ];
        assert_eq!((more.failures, more.notes), (expected.map(str::to_owned).to_vec(), vec![]));
    }

    #[test]
    fn shrinkage_is_a_note() {
        let difference = compare(&table(&[("a", 10_000, 700)]), &table(&[("a", 5_000, 700)]));
        assert_eq!(difference.failures, Vec::<String>::new());
        assert_eq!(difference.notes[0], "a: compute units 10000 -> 5000 (-50.0%)");
    }

    #[test]
    fn a_measure_on_one_side_alone_fails() {
        let difference = compare(&table(&[("a", 1, 1)]), &table(&[("b", 1, 1)]));
        assert_eq!(difference.failures, ["b: measured, but not recorded", "a: recorded, but not measured"]);
    }
}
