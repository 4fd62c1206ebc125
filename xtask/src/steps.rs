//! Named checks in a row: each timed, all of them tried, a table at the end.

use std::time::{Duration, Instant};

use anyhow::{bail, Result};

use crate::ui;

enum Outcome {
    Passed,
    Failed(String),
    /// Not asked for, or impossible here; the reason is shown.
    NotRun(String),
}

pub struct Steps {
    only: Vec<String>,
    known: Vec<String>,
    done: Vec<(String, Outcome, Duration)>,
}

impl Steps {
    /// With `only` non-empty, just the steps of these names.
    pub fn new(only: &[String]) -> Self {
        Self { only: only.to_vec(), known: vec![], done: vec![] }
    }

    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) {
        self.step_if(name, Ok(()), work);
    }

    /// A step that can only run under a condition; otherwise the reason goes into the table.
    pub fn step_if(&mut self, name: &str, condition: Result<(), String>, work: impl FnOnce() -> Result<()>) {
        self.known.push(name.to_owned());
        if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
            return;
        }
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let outcome = match condition.map(|()| work()) {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(error)) => {
                eprintln!("error: {}", ui::chain(&error));
                let first = error.to_string();
                Outcome::Failed(first.lines().next().unwrap_or_default().chars().take(140).collect())
            }
            Err(reason) => Outcome::NotRun(reason),
        };
        let took = start.elapsed();
        eprintln!("=== {name}: {} in {}", label(&outcome), ui::seconds(took));
        self.done.push((name.to_owned(), outcome, took));
    }

    /// Prints the table; fails when a step failed.
    pub fn finish(self) -> Result<()> {
        if let Some(unknown) = self.only.iter().find(|only| !self.known.contains(only)) {
            bail!("no step is called `{unknown}`; there are: {}", self.known.join(", "));
        }
        eprintln!("\n{:<12} {:>9}  result", "step", "time");
        for (name, outcome, took) in &self.done {
            let reason = match outcome {
                Outcome::Passed => String::new(),
                Outcome::Failed(reason) | Outcome::NotRun(reason) => format!(": {reason}"),
            };
            eprintln!("{name:<12} {:>9}  {}{reason}", ui::seconds(*took), label(outcome));
        }
        let failed: Vec<&str> = self
            .done
            .iter()
            .filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_)))
            .map(|(name, ..)| name.as_str())
            .collect();
        if !failed.is_empty() {
            bail!("failed: {}. One alone: `cargo xtask test {}`", failed.join(", "), failed[0]);
        }
        Ok(())
    }
}

fn label(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed(_) => "FAILED",
        Outcome::NotRun(_) => "NOT RUN",
    }
}
