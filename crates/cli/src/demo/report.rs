//! What the demo prints: a step at a time, checks, and a verdict. For people, or one JSON object a line.

use serde::Serialize;
use serde_json::{json, Map, Value};

use crate::chain::Receipt;

/// A statement that was tested.
#[derive(Serialize)]
struct Check {
    name: String,
    expected: String,
    got: String,
    ok: bool,
}

/// Collects and prints.
pub struct Report {
    json: bool,
    steps: usize,
    checks: Vec<Check>,
}

/// One step: a title and what there is to say of it, in order.
pub struct Step {
    title: String,
    facts: Vec<(String, Value)>,
}

impl Step {
    /// A step.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), facts: Vec::new() }
    }

    /// Adds a fact.
    pub fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.push((name.to_owned(), value.into()));
        self
    }

    /// Adds what a transaction cost and where it is.
    pub fn receipt(self, receipt: &Receipt) -> Self {
        self.fact("compute_units", receipt.compute_units)
            .fact("transaction_bytes", receipt.bytes)
            .fact("slot", receipt.slot)
            .fact("signature", receipt.signature.to_string())
    }
}

impl Report {
    /// A report, for programs or for people.
    pub fn new(json: bool) -> Self {
        Self { json, steps: 0, checks: Vec::new() }
    }

    /// Whether it is for people.
    pub fn is_for_people(&self) -> bool {
        !self.json
    }

    /// Prints a heading, for people.
    pub fn heading(&self, text: &str) {
        if !self.json {
            println!("\n{text}\n{}", "-".repeat(text.chars().count()));
        }
    }

    /// Prints a step.
    pub fn step(&mut self, step: Step) {
        self.steps += 1;
        if self.json {
            let mut object = Map::new();
            object.insert("step".into(), self.steps.into());
            object.insert("name".into(), step.title.into());
            object.extend(step.facts.into_iter().map(|(name, value)| (name.trim().replace(' ', "_"), value)));
            println!("{}", Value::Object(object));
            return;
        }
        println!("{:>2}. {}", self.steps, step.title);
        for (name, value) in &step.facts {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            println!("      {:<20} {text}", name.replace('_', " "));
        }
    }

    /// Prints a table, as one step: columns, then rows with an entry for each; an empty row leaves a line free. Numbers
    /// are flush right.
    pub fn table(&mut self, title: &str, columns: &[&str], rows: &[Vec<String>]) {
        self.steps += 1;
        if self.json {
            let entry = |row: &Vec<String>| -> Map<String, Value> {
                columns.iter().zip(row).map(|(name, text)| (name.replace(' ', "_"), text.trim().into())).collect()
            };
            let rows: Vec<_> = rows.iter().filter(|row| !row.is_empty()).map(entry).collect();
            println!("{}", json!({ "step": self.steps, "name": title, "rows": rows }));
            return;
        }
        println!("{:>2}. {title}", self.steps);
        let head: Vec<String> = columns.iter().map(ToString::to_string).collect();
        let width = |column: usize| {
            let all = rows.iter().chain([&head]);
            all.filter_map(|row| row.get(column)).map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let is_number = |text: &String| text.starts_with(|first: char| first == '$' || first.is_ascii_digit());
        let is_of_numbers = |column: usize| {
            let mut entries = rows.iter().filter_map(|row| row.get(column)).filter(|text| !text.is_empty());
            column > 0 && column + 1 < columns.len() && entries.all(is_number)
        };
        for row in [&head].into_iter().chain(rows) {
            let mut line = String::from("      ");
            for (column, text) in row.iter().enumerate() {
                let width = width(column);
                line += &if is_of_numbers(column) { format!("{text:>width$}  ") } else { format!("{text:<width$}  ") };
            }
            println!("{}", line.trim_end());
        }
    }

    /// Tests a statement.
    pub fn check(&mut self, name: impl Into<String>, expected: impl ToString, got: impl ToString, ok: bool) {
        let check = Check { name: name.into(), expected: expected.to_string(), got: got.to_string(), ok };
        if !self.json {
            let mark = if ok { "ok    " } else { "FAILED" };
            println!("      {mark} {}: expected {}, got {}", check.name, check.expected, check.got);
        }
        self.checks.push(check);
    }

    /// Tests an equality.
    pub fn equal<T: PartialEq + ToString>(&mut self, name: impl Into<String>, expected: T, got: T) {
        let ok = expected == got;
        self.check(name, expected.to_string(), got.to_string(), ok);
    }

    /// Prints the verdict; true if every check held.
    pub fn finish(self) -> bool {
        let failed = self.checks.iter().filter(|check| !check.ok).count();
        let result = if failed == 0 { "ok" } else { "failed" };
        if self.json {
            println!("{}", json!({ "result": result, "checks": self.checks }));
        } else {
            println!("\n{} checks, {failed} failed", self.checks.len());
            println!("{}", json!({ "result": result }));
        }
        failed == 0
    }
}
