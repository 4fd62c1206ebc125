//! Progress: a spinner with the latest line of output on a terminal, plain lines elsewhere.
//! Everything goes to standard error; standard output belongs to results.

use std::{
    io::{stderr, IsTerminal},
    time::{Duration, Instant},
};

use anyhow::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// One piece of work that takes a while.
pub struct Task {
    title: String,
    bar: Option<ProgressBar>,
}

impl Task {
    /// The newest line of the work's own output.
    pub fn line(&self, line: &str) {
        let line = line.trim();
        if let (Some(bar), false) = (&self.bar, line.is_empty()) {
            let short: String = line.chars().take(100).collect();
            bar.set_message(format!("{}: {short}", self.title));
        }
    }

    /// Something that stays, said while the work goes on.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(text)),
            None => note(text),
        }
    }
}

/// Runs `work`, showing that it runs and how long it took.
pub fn task<T>(title: &str, work: impl FnOnce(&Task) -> Result<T>) -> Result<T> {
    let bar = stderr().is_terminal().then(|| {
        let bar = ProgressBar::new_spinner();
        let style =
            ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}").unwrap_or(ProgressStyle::default_spinner());
        bar.set_style(style);
        bar.set_message(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    if bar.is_none() {
        eprintln!("- {title} ...");
    }
    let task = Task { title: title.to_owned(), bar };
    let start = Instant::now();
    let result = work(&task);
    if let Some(bar) = &task.bar {
        bar.finish_and_clear();
    }
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!("- {title}: {outcome} in {}", seconds(start.elapsed()));
    result
}

pub fn note(text: &str) {
    eprintln!("- {text}");
}

/// Something the reader should not miss.
pub fn warn(text: &str) {
    eprintln!("WARNING: {text}");
}

pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// An error and its causes, one a line, the cause the user can act on last.
pub fn chain(error: &Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n  because: ")
}
