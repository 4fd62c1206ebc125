//! What was tried and what came of it, in SQLite: one row an attempt.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{params, Connection};

use crate::report::spread;
pub use crate::report::table;

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
    /// 50, 90 and 99 of a hundred landed as fast or faster, milliseconds; none where none landed.
    pub latency_ms: Option<[i64; 3]>,
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
                latency_ms: None,
            })
        })?;
        let mut lines = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        for line in &mut lines {
            line.latency_ms = self.latency(line, since_ms)?;
        }
        Ok(lines)
    }

    fn latency(&self, line: &Line, since_ms: i64) -> Result<Option<[i64; 3]>> {
        let mut select = self.connection.prepare_cached(
            "SELECT latency_ms FROM attempts
             WHERE at_ms >= ?1 AND what = ?2 AND outcome = ?3 AND latency_ms IS NOT NULL ORDER BY latency_ms",
        )?;
        let rows = select.query_map(params![since_ms, line.what, line.outcome], |row| row.get(0))?;
        let all = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
        Ok(spread(&all))
    }

    /// All attempts since a time, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn attempts(&self, since_ms: i64) -> Result<Vec<Attempt>> {
        let mut select = self.connection.prepare(
            "SELECT at_ms, subject, what, outcome, detail, expected_nano_usd, realised_nano_usd, fee_lamports, latency_ms
             FROM attempts WHERE at_ms >= ?1 ORDER BY at_ms, id",
        )?;
        let rows = select.query_map([since_ms], |row| {
            Ok(Attempt {
                at_ms: row.get(0)?,
                subject: row.get(1)?,
                what: row.get(2)?,
                outcome: row.get(3)?,
                detail: row.get(4)?,
                expected_nano_usd: row.get(5)?,
                realised_nano_usd: row.get(6)?,
                fee_lamports: row.get(7)?,
                latency_ms: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }
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
        assert_eq!((lines[0].latency_ms, lines[1].latency_ms), (Some([700, 900, 900]), None));
        assert_eq!(journal.attempts(1_000)?.len(), 4);
        assert_eq!(journal.attempts(1_000)?.last(), Some(&lost));
        let told = table(&lines);
        assert!(told.contains("liquidate  landed         3     $6.00     $4.50     700     900     900\n"), "{told}");
        assert!(told.ends_with("all        landed         3     $6.00     $4.50       -       -       -\n"), "{told}");
        Ok(())
    }
}
