//! Everything that is found out, for people and for programs.

use serde_json::{json, Map, Value};

use crate::baseline::Table;
use crate::limits::{judge, Judged, Of};
use crate::profile::{attribution::Phase, Profile};
use crate::sheet::Measure;
use crate::sizes::Size;

/// One object: what `--json` prints.
pub fn json(measured: &Table, sizes: &[Size], program_bytes: u64, host: Option<&Value>) -> Value {
    let by_name = |what: fn(&Measure) -> u64| -> Map<String, Value> {
        measured.iter().map(|(name, measure)| (name.clone(), what(measure).into())).collect()
    };
    let accounts: Map<String, Value> = sizes
        .iter()
        .map(|size| (size.name.to_owned(), json!({ "bytes": size.bytes, "rent_lamports": size.rent_lamports })))
        .collect();
    let limits = judge(measured).into_iter().map(|judged| {
        let unit = if matches!(judged.limit.of, Of::Bytes(_)) { "bytes" } else { "compute_units" };
        json!({
            "name": judged.name,
            "unit": unit,
            "now": judged.now,
            "limit": judged.limit.most,
            "goal": judged.limit.goal,
            "is_met": judged.is_met(),
        })
    });
    json!({
        "compute_units": by_name(|measure| measure.compute_units),
        "transaction_units": by_name(|measure| measure.transaction_units),
        "transaction_bytes": by_name(|measure| measure.bytes as u64),
        "account_keys": by_name(|measure| measure.keys as u64),
        "limits": limits.collect::<Vec<_>>(),
        "program_bytes": program_bytes,
        "accounts": accounts,
        "host": host,
    })
}

/// All measures, as a table.
pub fn print_measures(measured: &Table) {
    println!("{:<30} {:>9} {:>11} {:>6} {:>5}", "measure", "units", "transaction", "bytes", "keys");
    for (name, Measure { compute_units, transaction_units, bytes, keys }) in measured {
        println!("{name:<30} {compute_units:>9} {transaction_units:>11} {bytes:>6} {keys:>5}");
    }
}

/// How far liquidations are from the least they could cost.
pub fn print_floors(measured: &Table) {
    println!("\n{:<30} {:>9} {:>9} {:>9}", "", "units", "floor", "above it");
    for (name, measure) in measured {
        if let Some(floor) = measured.get(&format!("floor_{name}")) {
            let (units, floor) = (measure.compute_units, floor.compute_units);
            println!("{name:<30} {units:>9} {floor:>9} {:>9}", units.saturating_sub(floor));
        }
    }
}

/// Limits, as a table. Units are those of the whole transaction.
pub fn print_limits(judged: &[Judged]) {
    println!("\n{:<52} {:>8} {:>8} {:>8}  met", "limit", "limit", "now", "goal");
    for judgement in judged {
        let now = judgement.now.map_or("?".to_owned(), |now| now.to_string());
        let is_met = if judgement.is_met() { "yes" } else { "NO" };
        let Judged { name, limit, .. } = judgement;
        println!("{name:<52} {:>8} {now:>8} {:>8}  {is_met}", limit.most, limit.goal);
    }
}

/// Sizes, as a table.
pub fn print_sizes(sizes: &[Size], program_bytes: u64) {
    println!("\n{:<20} {:>8} {:>14}", "", "bytes", "rent, lamports");
    for Size { name, bytes, rent_lamports } in sizes {
        println!("{name:<20} {bytes:>8} {rent_lamports:>14}");
    }
    println!("{:<20} {program_bytes:>8}", "program file");
}

/// Where one transaction's units went, as tables.
pub fn print_profile(name: &str, profile: &Profile) {
    println!("{name}: {} compute units\n\n   units  phase", profile.total);
    for phase in Phase::ALL {
        println!("{:>8}  {}", profile.phases.get(&phase).copied().unwrap_or_default(), phase.name());
    }
    println!("{:>8}  unexplained", profile.unexplained);
    println!("\n   units  file of the project, or the library that works for all of it");
    let mut files: Vec<_> = profile.files.iter().collect();
    files.sort_by_key(|(_, units)| std::cmp::Reverse(**units));
    for (file, units) in files {
        println!("{units:>8}  {file}");
    }
    println!("\n   units  calls  system call");
    for (name, (count, units)) in &profile.system {
        println!("{units:>8}  {count:>5}  {name}");
    }
    println!("\n  itself with what it calls  function (half a per cent and more)");
    let mut functions: Vec<_> = profile.functions.iter().collect();
    functions.sort_by_key(|(_, units)| std::cmp::Reverse(units.inclusive));
    for (name, units) in functions.iter().filter(|(_, units)| units.inclusive * 200 >= profile.total) {
        println!("{:>8} {:>18}  {name}", units.exclusive, units.inclusive);
    }
}
