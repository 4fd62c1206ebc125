//! A page in one file: no script, nothing loaded.

use std::fmt::Write as _;

use anyhow::Result;

use super::{Answer, Table};

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1100px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin-bottom:.3rem}h2{font-size:1.15rem;margin:2rem 0 .4rem}\
table{border-collapse:collapse;margin:.4rem 0;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}\
th,td{padding:.3rem .8rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #888;font-weight:600}\
tr:hover td{background:#f4f7fb}svg{max-width:100%;height:auto;border:1px solid #ddd;border-radius:4px;margin:.6rem 0}\
p{max-width:80ch;margin:.4rem 0}.note{color:#555;font-size:.9rem}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The page of an answer.
///
/// # Errors
/// A picture that cannot be drawn.
pub fn page(answer: &Answer) -> Result<String> {
    let title = escaped(&answer.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    for paragraph in &answer.about {
        writeln!(page, "<p>{}</p>", escaped(paragraph))?;
    }
    for table in &answer.tables {
        page.push_str(&of_table(table)?);
    }
    for plot in &answer.plots {
        writeln!(page, "<figure style=\"margin:0\">{}</figure>", plot.svg()?)?;
    }
    page.push_str("</body></html>\n");
    Ok(page)
}

fn of_table(table: &Table) -> Result<String> {
    let mut text = format!("<h2>{}</h2>\n<table><thead><tr>", escaped(&table.title));
    for cell in &table.header {
        write!(text, "<th>{}</th>", escaped(cell))?;
    }
    text.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for cell in row {
            write!(text, "<td>{}</td>", escaped(cell))?;
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>\n");
    if !table.note.is_empty() {
        writeln!(text, "<p class=\"note\">{}</p>", escaped(&table.note))?;
    }
    Ok(text)
}
