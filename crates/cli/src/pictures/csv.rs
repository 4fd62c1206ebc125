//! Reads recorded prices: CSV with a header that names at least `time` and `close`.

use anyhow::{bail, ensure, Context, Result};
use plimsoll_engine::volatility::DAY_SECS;

use super::path::{Path, Tick, EXPONENT};
use crate::vectors::decimal::Decimal;

/// Highest price a reading may have, in 1e-8 USD.
const PRICE_MAX: u64 = 100_000_000_000_000_000;
/// What a header and a row should be.
const HEADER: &str = "a header that names at least `time` and `close`, such as `time,open,high,low,close`";
const ROW: &str = "unix seconds in column `time` and USD in column `close`";

/// The largest fall of a file.
pub fn read(file: &std::path::Path) -> Result<Path> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let ticks = parse(&text).with_context(|| format!("{name} is not a file of prices"))?;
    Path::largest_fall(&ticks).with_context(|| {
        format!("{name}: expected a price lower than one of the day before, got none in {} rows", ticks.len())
    })
}

/// The prices of a text. Refuses what a price account would never say: an order that is not time's, a price of nothing.
pub fn parse(text: &str) -> Result<Vec<Tick>> {
    // Spreadsheets begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let (_, header) = lines.next().filter(|(_, line)| !line.is_empty()).with_context(|| match text.is_empty() {
        true => format!("expected {HEADER}; got an empty file"),
        false => format!("line 1: expected {HEADER}; got an empty line"),
    })?;
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|other| *other == name);
    let (Some(time), Some(close)) = (column("time"), column("close")) else {
        bail!("line 1: expected {HEADER}; got `{}`", shortened(header));
    };
    let mut ticks: Vec<Tick> = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let (found, wanted) = (fields.len(), names.len());
        ensure!(
            found == wanted,
            "line {number}: expected {wanted} columns as in the header; got {found}: `{}`",
            shortened(line)
        );
        let tick = tick(fields[time], fields[close])
            .with_context(|| format!("line {number}: expected {ROW}; got `{}`", shortened(line)))?;
        if let Some(before) = ticks.last() {
            ensure!(
                tick.unix > before.unix,
                "line {number}: expected a time after that of the row before, {}; got {}",
                before.unix,
                tick.unix
            );
        }
        ticks.push(tick);
    }
    let span = ticks.first().zip(ticks.last()).map_or(0, |(first, last)| last.unix - first.unix);
    ensure!(
        span >= DAY_SECS.cast_signed(),
        "expected rows of at least a day below the header; got {} that cover {span} seconds",
        ticks.len()
    );
    Ok(ticks)
}

fn tick(time: &str, close: &str) -> Option<Tick> {
    // Anything before 1970 or so far ahead that a day more would not fit is no time of a price.
    let unix = time.parse().ok().filter(|unix| (0..=i64::from(u32::MAX)).contains(unix))?;
    let price = Decimal::parse(close)?.number_at(EXPONENT).filter(|price| (1..=PRICE_MAX).contains(price))?;
    Some(Tick { unix, price })
}

/// Enough of a line to know it by.
fn shortened(line: &str) -> String {
    const CHARS_MAX: usize = 60;
    let start: String = line.chars().take(CHARS_MAX).collect();
    if start.len() < line.len() {
        start + "..."
    } else {
        start
    }
}
