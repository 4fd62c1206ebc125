//! What was tried and what came of it, in SQLite: one row an attempt.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{params, Connection};

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was decided, unix milliseconds.
    pub at_ms: i64,
    /// Position, reserve or provider account.
    pub subject: String,
    /// What.
    pub what: String,
    /// What came of it.
    pub outcome: String,
    /// Signature, or more to say.
    pub detail: String,
    /// Expected profit, nano-dollars.
    pub expected_nano_usd: i64,
    /// What it brought, nano-dollars, at the prices of the decision, fees paid. None where it did not land.
    pub realised_nano_usd: Option<i64>,
    /// Fee, lamports.
    pub fee_lamports: i64,
    /// From the publish time of the newest price it was decided on to its landing, milliseconds. None where it did not land.
    pub latency_ms: Option<i64>,
}

/// Sums of all attempts of a kind with the same outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub what: String,
    /// Outcome.
    pub outcome: String,
    /// How many.
    pub count: i64,
    /// Expected, nano-dollars.
    pub expected_nano_usd: i64,
    /// Realised, nano-dollars.
    pub realised_nano_usd: i64,
    /// Half of all landed faster, milliseconds; none where none landed.
    pub median_latency_ms: Option<i64>,
}

/// The journal.
pub struct Journal {
    connection: Connection,
}

impl Journal {
    /// Opens a journal, or begins one.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or is none.
    pub fn open(path: &Path) -> Result<Self> {
        let connection =
            Connection::open(path).with_context(|| format!("opening the journal at {}", path.display()))?;
        Self::begin(connection).with_context(|| format!("expected a journal at {}", path.display()))
    }

    fn begin(connection: Connection) -> Result<Self> {
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS attempts (
                 id INTEGER PRIMARY KEY,
                 at_ms INTEGER NOT NULL,
                 subject TEXT NOT NULL,
                 what TEXT NOT NULL,
                 outcome TEXT NOT NULL,
                 detail TEXT NOT NULL,
                 expected_nano_usd INTEGER NOT NULL,
                 realised_nano_usd INTEGER,
                 fee_lamports INTEGER NOT NULL,
                 latency_ms INTEGER
             );
             CREATE INDEX IF NOT EXISTS attempts_by_subject ON attempts (subject, at_ms);",
        )?;
        Ok(Self { connection })
    }

    /// Writes an attempt down.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn record(&self, attempt: &Attempt) -> Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO attempts (at_ms, subject, what, outcome, detail, expected_nano_usd, realised_nano_usd,
                 fee_lamports, latency_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        insert.execute(params![
            attempt.at_ms,
            attempt.subject,
            attempt.what,
            attempt.outcome,
            attempt.detail,
            attempt.expected_nano_usd,
            attempt.realised_nano_usd,
            attempt.fee_lamports,
            attempt.latency_ms,
        ])?;
        Ok(())
    }

    /// Sums per kind and outcome, since a time.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn lines(&self, since_ms: i64) -> Result<Vec<Line>> {
        let mut select = self.connection.prepare(
            "SELECT what, outcome, COUNT(*), SUM(expected_nano_usd), COALESCE(SUM(realised_nano_usd), 0)
             FROM attempts WHERE at_ms >= ?1 GROUP BY what, outcome ORDER BY what, outcome",
        )?;
        let rows = select.query_map([since_ms], |row| {
            Ok(Line {
                what: row.get(0)?,
                outcome: row.get(1)?,
                count: row.get(2)?,
                expected_nano_usd: row.get(3)?,
                realised_nano_usd: row.get(4)?,
                median_latency_ms: None,
            })
        })?;
        let mut lines = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        for line in &mut lines {
            line.median_latency_ms = self.median(line, since_ms)?;
        }
        Ok(lines)
    }

    fn median(&self, line: &Line, since_ms: i64) -> Result<Option<i64>> {
        let mut select = self.connection.prepare_cached(
            "SELECT latency_ms FROM attempts
             WHERE at_ms >= ?1 AND what = ?2 AND outcome = ?3 AND latency_ms IS NOT NULL ORDER BY latency_ms",
        )?;
        let rows = select.query_map(params![since_ms, line.what, line.outcome], |row| row.get(0))?;
        let all = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
        Ok(all.get(all.len() / 2).copied())
    }
}

/// Nano-dollars as dollars and cents, toward zero.
fn dollars(nano_usd: i64) -> String {
    let sign = if nano_usd < 0 { "-" } else { "" };
    let cents = nano_usd.unsigned_abs() / 10_000_000;
    format!("{sign}${}.{:02}", cents / 100, cents % 100)
}

/// Profit, loss and latencies as a table.
pub fn table(lines: &[Line]) -> String {
    let head = ["what", "outcome", "count", "expected", "realised", "median ms"].map(str::to_owned);
    let landed = |line: &&Line| line.outcome == "landed";
    let mut rows: Vec<[String; 6]> = lines
        .iter()
        .map(|line| {
            let latency = line.median_latency_ms.map_or("-".into(), |ms| ms.to_string());
            let Line { what, outcome, count, expected_nano_usd, realised_nano_usd, .. } = line;
            let (expected, realised) = (dollars(*expected_nano_usd), dollars(*realised_nano_usd));
            [what.clone(), outcome.clone(), count.to_string(), expected, realised, latency]
        })
        .collect();
    let sum = |of: fn(&Line) -> i64| lines.iter().filter(landed).map(of).fold(0i64, i64::saturating_add);
    rows.push([
        "all".into(),
        "landed".into(),
        sum(|line| line.count).to_string(),
        dollars(sum(|line| line.expected_nano_usd)),
        dollars(sum(|line| line.realised_nano_usd)),
        "-".into(),
    ]);
    rows.insert(0, head);
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
            // Words to the left, numbers to the right.
            text += &if column < 2 { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
        }
        text = text.trim_end().to_owned() + "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_recorded_is_summed() -> Result<()> {
        let journal = Journal::begin(Connection::open_in_memory()?)?;
        let attempt = Attempt {
            at_ms: 1_000,
            subject: "position".into(),
            what: "liquidate".into(),
            outcome: "landed".into(),
            detail: String::new(),
            expected_nano_usd: 2_000_000_000,
            realised_nano_usd: Some(1_500_000_000),
            fee_lamports: 5_000,
            latency_ms: Some(700),
        };
        for latency_ms in [900, 500, 700] {
            journal.record(&Attempt { latency_ms: Some(latency_ms), ..attempt.clone() })?;
        }
        let lost =
            Attempt { outcome: "lost_race".into(), realised_nano_usd: None, latency_ms: None, ..attempt.clone() };
        journal.record(&lost)?;
        journal.record(&Attempt { at_ms: 10, ..attempt })?;

        let lines = journal.lines(1_000)?;
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].count, lines[0].realised_nano_usd), (3, 4_500_000_000));
        assert_eq!((lines[0].median_latency_ms, lines[1].median_latency_ms), (Some(700), None));
        let told = table(&lines);
        assert!(told.contains("liquidate  landed         3     $6.00     $4.50        700\n"), "{told}");
        assert!(told.ends_with("all        landed         3     $6.00     $4.50          -\n"), "{told}");
        assert_eq!(dollars(-1_230_000_000), "-$1.23");
        Ok(())
    }
}
