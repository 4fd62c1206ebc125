//! What was tried and what came of it, in SQLite: one row an attempt.
//!
//! An attempt that is sent is written down before it is, as `sent`, with its signature: whatever becomes of the process, the
//! next one knows what may be on its way, and asks the chain ([`Journal::open_attempts`]).

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use rusqlite::{params, Connection, Row as SqlRow};

/// Outcome of an attempt that was sent, and of which nothing is known yet.
const SENT: &str = "sent";
/// What an attempt is read from.
const COLUMNS: &str =
    "at_ms, subject, what, outcome, detail, expected_nano_usd, realised_nano_usd, fee_lamports, latency_ms";

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

/// An attempt with the transaction it was sent in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Attempt.
    pub attempt: Attempt,
    /// Signature; none where it was not sent.
    pub signature: Option<String>,
}

/// An attempt that was sent, and of which nothing is known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Number of its row.
    pub id: i64,
    /// Attempt.
    pub attempt: Attempt,
    /// Signature.
    pub signature: String,
    /// Last block height at which its blockhash is good.
    pub last_height: u64,
}

/// The journal.
pub struct Journal {
    connection: Mutex<Connection>,
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
                 latency_ms INTEGER,
                 signature TEXT,
                 last_height INTEGER
             );
             CREATE INDEX IF NOT EXISTS attempts_by_subject ON attempts (subject, at_ms);",
        )?;
        // A journal of a version that did not know what was on its way.
        let names = "SELECT COUNT(*) FROM pragma_table_info('attempts') WHERE name = 'signature'";
        if connection.query_row(names, [], |row| row.get::<_, i64>(0))? == 0 {
            connection.execute_batch(
                "BEGIN IMMEDIATE;
                 ALTER TABLE attempts ADD COLUMN signature TEXT;
                 ALTER TABLE attempts ADD COLUMN last_height INTEGER;
                 COMMIT;",
            )?;
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an attempt down.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn record(&self, attempt: &Attempt) -> Result<()> {
        self.insert(attempt, &attempt.outcome, None).map(drop)
    }

    /// Writes down that an attempt is about to be sent. Returns the number of its row.
    ///
    /// # Errors
    /// Where the file cannot be written: then it should not be sent.
    pub fn begin_sending(&self, attempt: &Attempt, signature: &str, last_height: u64) -> Result<i64> {
        self.insert(attempt, SENT, Some((signature, last_height)))
    }

    fn insert(&self, attempt: &Attempt, outcome: &str, sent: Option<(&str, u64)>) -> Result<i64> {
        let connection = self.connection();
        let mut insert = connection.prepare_cached(
            "INSERT INTO attempts (at_ms, subject, what, outcome, detail, expected_nano_usd, realised_nano_usd,
                 fee_lamports, latency_ms, signature, last_height) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        insert.execute(params![
            attempt.at_ms,
            attempt.subject,
            attempt.what,
            outcome,
            attempt.detail,
            attempt.expected_nano_usd,
            attempt.realised_nano_usd,
            attempt.fee_lamports,
            attempt.latency_ms,
            sent.map(|(signature, _)| signature),
            sent.map(|(_, last_height)| i64::try_from(last_height).unwrap_or(i64::MAX)),
        ])?;
        Ok(connection.last_insert_rowid())
    }

    /// Writes down what came of an attempt that was sent.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn decide(&self, id: i64, attempt: &Attempt) -> Result<()> {
        let connection = self.connection();
        let mut update = connection.prepare_cached(
            "UPDATE attempts SET outcome = ?2, detail = ?3, realised_nano_usd = ?4, fee_lamports = ?5, latency_ms = ?6
             WHERE id = ?1",
        )?;
        update.execute(params![
            id,
            attempt.outcome,
            attempt.detail,
            attempt.realised_nano_usd,
            attempt.fee_lamports,
            attempt.latency_ms,
        ])?;
        Ok(())
    }

    /// All attempts that were sent and of which nothing is known yet, the oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn open_attempts(&self) -> Result<Vec<Open>> {
        let connection = self.connection();
        let mut select = connection.prepare(&format!(
            "SELECT {COLUMNS}, id, signature, last_height FROM attempts WHERE outcome = ?1 ORDER BY id"
        ))?;
        let rows = select.query_map([SENT], |row| {
            let last_height: i64 = row.get(11)?;
            Ok(Open {
                id: row.get(9)?,
                attempt: attempt(row)?,
                signature: row.get(10)?,
                last_height: u64::try_from(last_height).unwrap_or(0),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// All attempts, the oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn rows(&self) -> Result<Vec<Row>> {
        let connection = self.connection();
        let mut select = connection.prepare(&format!("SELECT {COLUMNS}, signature FROM attempts ORDER BY id"))?;
        let rows = select.query_map([], |row| Ok(Row { attempt: attempt(row)?, signature: row.get(9)? }))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Sums per kind and outcome, since a time.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn lines(&self, since_ms: i64) -> Result<Vec<Line>> {
        let connection = self.connection();
        let mut select = connection.prepare(
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
            line.latency_ms = latency(&connection, line, since_ms)?;
        }
        Ok(lines)
    }

    /// All attempts since a time, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn attempts(&self, since_ms: i64) -> Result<Vec<Attempt>> {
        let connection = self.connection();
        let mut select =
            connection.prepare(&format!("SELECT {COLUMNS} FROM attempts WHERE at_ms >= ?1 ORDER BY at_ms, id"))?;
        let rows = select.query_map([since_ms], attempt)?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }
}

fn latency(connection: &Connection, line: &Line, since_ms: i64) -> Result<Option<[i64; 3]>> {
    let mut select = connection.prepare_cached(
        "SELECT latency_ms FROM attempts
         WHERE at_ms >= ?1 AND what = ?2 AND outcome = ?3 AND latency_ms IS NOT NULL ORDER BY latency_ms",
    )?;
    let rows = select.query_map(params![since_ms, line.what, line.outcome], |row| row.get(0))?;
    let all = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
    Ok(spread(&all))
}

/// An attempt from [`COLUMNS`].
fn attempt(row: &SqlRow) -> rusqlite::Result<Attempt> {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn landed() -> Attempt {
        Attempt {
            at_ms: 1_000,
            subject: "position".into(),
            what: "liquidate".into(),
            outcome: "landed".into(),
            detail: String::new(),
            expected_nano_usd: 2_000_000_000,
            realised_nano_usd: Some(1_500_000_000),
            fee_lamports: 5_000,
            latency_ms: Some(700),
        }
    }

    #[test]
    fn what_is_on_its_way_is_known_until_it_is_decided() -> Result<()> {
        let journal = Journal::begin(Connection::open_in_memory()?)?;
        let attempt = Attempt { realised_nano_usd: None, fee_lamports: 0, latency_ms: None, ..landed() };
        let first = journal.begin_sending(&attempt, "one", 150)?;
        let second = journal.begin_sending(&attempt, "two", 151)?;
        assert_ne!(first, second);
        let open = journal.open_attempts()?;
        assert_eq!(
            open.iter().map(|it| (it.id, it.signature.as_str())).collect::<Vec<_>>(),
            [(first, "one"), (second, "two")]
        );
        assert_eq!((open[1].last_height, open[1].attempt.outcome.as_str()), (151, SENT));
        journal.decide(first, &landed())?;
        let open = journal.open_attempts()?;
        assert_eq!(open.iter().map(|it| it.id).collect::<Vec<_>>(), [second]);
        journal.record(&Attempt { outcome: "lost_race".into(), ..attempt })?;
        let rows = journal.rows()?;
        let told: Vec<_> = rows.iter().map(|row| (row.attempt.outcome.as_str(), row.signature.as_deref())).collect();
        assert_eq!(told, [("landed", Some("one")), (SENT, Some("two")), ("lost_race", None)]);
        assert_eq!(rows[0].attempt, landed());
        Ok(())
    }

    #[test]
    fn a_journal_from_before_signatures_were_kept_is_taken_up() -> Result<()> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "CREATE TABLE attempts (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, subject TEXT NOT NULL,
                 what TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, expected_nano_usd INTEGER NOT NULL,
                 realised_nano_usd INTEGER, fee_lamports INTEGER NOT NULL, latency_ms INTEGER);
             INSERT INTO attempts VALUES (1, 1000, 'position', 'liquidate', 'landed', '', 2000000000, 1500000000, 5000, 700);",
        )?;
        let journal = Journal::begin(connection)?;
        assert_eq!(journal.rows()?, [Row { attempt: landed(), signature: None }]);
        journal.begin_sending(&landed(), "one", 150)?;
        assert_eq!(journal.open_attempts()?.len(), 1);
        Ok(())
    }

    #[test]
    fn what_was_recorded_is_summed() -> Result<()> {
        let journal = Journal::begin(Connection::open_in_memory()?)?;
        let attempt = landed();
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
