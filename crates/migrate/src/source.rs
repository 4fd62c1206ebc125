//! A file's text, and what is wrong with it: always with line and column.

use std::fmt;

/// A value and where it stands, in bytes from the beginning of the file.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Where, in bytes from the beginning of the file.
    pub at: usize,
    /// What was expected, what was found, what to do.
    pub text: String,
    /// More places that belong to it, each with what there is to say of it.
    pub also: Vec<Placed<String>>,
}

impl Fault {
    /// One place, one sentence.
    pub fn new(at: usize, text: impl Into<String>) -> Self {
        Self { at, text: text.into(), also: Vec::new() }
    }
}

/// A file's name and text.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it was given.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// Line and column of a place, from one.
    pub fn line_and_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at.min(self.text.len())).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count();
        (before.matches('\n').count() + 1, column + 1)
    }

    /// Line of a place, from one.
    pub fn line(&self, at: usize) -> usize {
        self.line_and_column(at).0
    }

    /// Faults as an error, in order of lines; nothing where there are none.
    ///
    /// # Errors
    /// The faults.
    pub fn refuse(&self, mut faults: Vec<Fault>) -> Result<(), Refused> {
        faults.sort_by_key(|fault| fault.at);
        if faults.is_empty() {
            return Ok(());
        }
        let lines = faults.iter().map(|fault| {
            let (line, column) = self.line_and_column(fault.at);
            let also = fault.also.iter().map(|place| format!("\n    line {}: {}", self.line(place.at), place.value));
            format!("{}:{line}:{column}: {}{}", self.name, fault.text, also.collect::<String>())
        });
        Err(Refused { lines: lines.collect() })
    }
}

/// Why a file is refused: one entry per fault, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `file:line:column: what`, more lines indented below.
    pub lines: Vec<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines.join("\n"))
    }
}

impl std::error::Error for Refused {}
