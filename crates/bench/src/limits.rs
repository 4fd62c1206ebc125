//! What the program may cost.

use crate::baseline::Table;
use crate::sheet::Measure;

/// A number that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Compute units of the whole transaction of a measure.
    Units(&'static str),
    /// Bytes of the transaction of a measure.
    Bytes(&'static str),
    /// Compute units that each further collateral adds between two measures, rounded up; so many are between them.
    UnitsEach(&'static str, &'static str, u64),
}

/// A limit, and what is aimed at where that is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is limited.
    pub of: Of,
    /// Most that it may be.
    pub most: u64,
    /// Most that it should be.
    pub goal: u64,
}

const fn limit(of: Of, most: u64, goal: u64) -> Limit {
    Limit { of, most, goal }
}

/// Every limit.
pub const LIMITS: &[Limit] = &[
    limit(Of::Units("liquidate_1_1"), 50_000, 30_000),
    limit(Of::Units("liquidate_8_1"), 90_000, 55_000),
    limit(Of::Bytes("liquidate_8_1"), 1_232, 1_232),
    limit(Of::Bytes("liquidate_8_4"), 1_232, 1_232),
    limit(Of::UnitsEach("liquidate_1_1", "liquidate_8_1", 7), 5_000, 3_000),
    limit(Of::Units("borrow"), 30_000, 20_000),
    limit(Of::Units("repay"), 15_000, 9_000),
    limit(Of::Units("deposit"), 15_000, 9_000),
    limit(Of::Units("withdraw"), 15_000, 9_000),
];

/// A limit, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What is limited, for people.
    pub name: String,
    /// The limit.
    pub limit: Limit,
    /// What it is now; none where it is not measured.
    pub now: Option<u64>,
}

impl Judged {
    /// Whether the limit is kept.
    pub fn is_met(&self) -> bool {
        self.now.is_some_and(|now| now <= self.limit.most)
    }
}

/// Judges every limit.
pub fn judge(measured: &Table) -> Vec<Judged> {
    let of = |name: &str, what: fn(&Measure) -> u64| measured.get(name).map(what);
    let units = |name| of(name, |measure| measure.transaction_units);
    let judged = LIMITS.iter().map(|limit| {
        let (name, now) = match limit.of {
            Of::Units(name) => (format!("{name}, units"), units(name)),
            Of::Bytes(name) => (format!("{name}, bytes"), of(name, |measure| measure.bytes as u64)),
            Of::UnitsEach(few, many, between) => {
                let added = units(many).zip(units(few)).map(|(many, few)| many.saturating_sub(few).div_ceil(between));
                (format!("each collateral from {few} to {many}, units"), added)
            }
        };
        Judged { name, limit: *limit, now }
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_up_to_itself_and_only_by_what_is_measured() {
        let measure = |transaction_units, bytes| Measure { compute_units: 0, transaction_units, bytes, keys: 1 };
        let mut table = Table::new();
        let met = |table: &Table| judge(table).iter().map(Judged::is_met).collect::<Vec<_>>();
        assert_eq!(met(&table), [false; 9]);
        for (name, units) in [
            ("liquidate_1_1", 50_000),
            ("liquidate_8_1", 85_000),
            ("liquidate_8_4", 1_000_000),
            ("borrow", 30_000),
            ("repay", 15_000),
            ("deposit", 15_000),
            ("withdraw", 15_000),
        ] {
            table.insert(name.to_owned(), measure(units, 1_232));
        }
        assert_eq!(met(&table), [true; 9]);
        table.insert("liquidate_8_1".to_owned(), measure(85_001, 1_233));
        assert_eq!(met(&table), [true, true, false, true, false, true, true, true, true]);
    }
}
