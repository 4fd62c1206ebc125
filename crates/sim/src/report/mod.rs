//! Answers as people read them: tables on the terminal, a page with pictures, an object for machines.

mod answers;
mod html;
mod plot;
mod series;

pub use answers::*;
pub use plot::{Plot, Series};
pub use series::of_series;

use std::fmt::Write as _;

/// Rows and columns of text; the first column names the row.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Columns.
    pub header: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
    /// What to know when reading it.
    pub note: String,
}

/// An answer to a question.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Title.
    pub title: String,
    /// Paragraphs before everything else.
    pub about: Vec<String>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Pictures.
    pub plots: Vec<Plot>,
    /// The same for machines.
    pub json: serde_json::Value,
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// USD as people write it.
pub fn usd(number: f64) -> String {
    let (size, sign) = (number.abs(), if number < -0.5 { "-" } else { "" });
    match size {
        size if size >= 1e9 => format!("{sign}{:.2}B", size / 1e9),
        size if size >= 1e6 => format!("{sign}{:.2}M", size / 1e6),
        size if size >= 1e4 => format!("{sign}{:.1}k", size / 1e3),
        size => format!("{sign}{size:.0}"),
    }
}

/// A part in percent.
pub fn percent(part: f64) -> String {
    let part = part * 100.0;
    if part != 0.0 && part.abs() < 0.1 {
        format!("{part:.3}%")
    } else {
        format!("{part:.1}%")
    }
}

impl Table {
    /// For a terminal.
    pub fn text(&self) -> String {
        let columns = self.header.len();
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.header]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(index, (cell, width))| match index {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut text = format!("{}\n", self.title);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", line(&self.header));
        let rule: usize = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
        let _ = writeln!(text, "{}", "-".repeat(rule));
        self.rows.iter().for_each(|row| {
            let _ = writeln!(text, "{}", line(row));
        });
        if !self.note.is_empty() {
            let _ = writeln!(text, "{}", self.note);
        }
        text
    }
}

impl Answer {
    /// For a terminal.
    pub fn text(&self) -> String {
        let about = self.about.iter().map(|paragraph| format!("{paragraph}\n"));
        let tables = self.tables.iter().map(|table| format!("\n{}", table.text()));
        format!("{}\n{}{}", self.title, about.collect::<String>(), tables.collect::<String>())
    }

    /// A page that needs nothing else.
    ///
    /// # Errors
    /// A picture that cannot be drawn.
    pub fn html(&self) -> anyhow::Result<String> {
        html::page(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_numbers_are_short() {
        let table = Table {
            title: "losses".into(),
            header: ["rule", "lost"].map(str::to_owned).into(),
            rows: vec![vec!["a".into(), usd(1_234_567.0)], vec!["long name".into(), usd(-12.0)]],
            note: String::new(),
        };
        assert_eq!(table.text(), "losses\nrule        lost\n----------------\na          1.23M\nlong name    -12\n");
        assert_eq!((percent(0.1234), percent(0.0001), percent(0.0)), ("12.3%".into(), "0.010%".into(), "0.0%".into()));
    }

    #[test]
    fn a_page_escapes_what_it_is_given_and_loads_nothing() {
        let plot = Plot {
            title: "a < b".into(),
            x_title: "x".into(),
            y_title: "y".into(),
            series: vec![Series::line("one & two", vec![(0.0, 1.0), (1.0, 3.0)])],
            marks: Vec::new(),
        };
        let answer = Answer { title: "<script>".into(), plots: vec![plot], ..Answer::default() };
        let page = answer.html().unwrap();
        assert!(page.contains("&lt;script&gt;") && page.contains("<svg") && page.contains("one &amp; two"));
        let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!page.contains("<script") && !without_namespace.contains("http"), "{page}");
    }
}
