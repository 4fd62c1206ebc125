//! Recorded prices: CSV with a header that names at least `time` (unix seconds) and `close` (USD). Where there are `high` and
//! `low` too, a falling row goes by its high to its low and a rising one by its low to its high, so that a wick is not lost.

use std::path::Path;

use anyhow::{bail, ensure, Context, Result};

/// A price at a time.
type Point = (f64, f64);

/// Prices at steps from a time on, to the end of the file, on straight lines between what was recorded: at least so many.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read(file: &Path, from_unix: i64, step_secs: u64, steps: usize) -> Result<Vec<f64>> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let points = parse(&text).with_context(|| format!("{name} is not a file of prices"))?;
    at_steps(&points, from_unix, step_secs, steps).with_context(|| format!("{name} does not cover the run"))
}

fn at_steps(points: &[Point], from_unix: i64, step_secs: u64, steps: usize) -> Result<Vec<f64>> {
    let (first, last) = match points {
        [first, .., last] => (first.0, last.0),
        _ => bail!("expected at least two rows of prices"),
    };
    let from = if from_unix == 0 { first } else { from_unix as f64 };
    let end = from + step_secs as f64 * steps as f64;
    ensure!(from >= first && end <= last, "expected prices from {from} to {end}, got {first} to {last}");
    // A cast of floats saturates.
    let count = ((last - from) / step_secs as f64) as usize;
    let at = |step: usize| {
        let unix = from + step_secs as f64 * (step + 1) as f64;
        let next = points.partition_point(|point| point.0 < unix).clamp(1, points.len() - 1);
        let (before, after) = (points[next - 1], points[next]);
        let part = ((unix - before.0) / (after.0 - before.0)).clamp(0.0, 1.0);
        before.1 + (after.1 - before.1) * part
    };
    Ok((0..count).map(at).collect())
}

/// A row of recorded prices.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// Unix time of its beginning.
    pub unix: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

/// Recorded prices, row by row.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn bars(file: &Path) -> Result<Vec<Bar>> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let rows = rows(&text).with_context(|| format!("{name} is not a file of prices"))?;
    let bar = |(unix, prices): &(f64, Vec<f64>)| Bar {
        unix: *unix,
        low: prices.iter().copied().fold(f64::INFINITY, f64::min),
        close: prices.last().copied().unwrap_or(f64::NAN),
    };
    Ok(rows.iter().map(bar).collect())
}

/// Time and prices of each row, in the order in which they are gone through.
fn rows(text: &str) -> Result<Vec<(f64, Vec<f64>)>> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
    let header = lines.next().map(|(_, header)| header).unwrap_or_default();
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|other| *other == name);
    let (Some(time), Some(close)) = (column("time"), column("close")) else {
        bail!("line 1: expected a header that names at least `time` and `close`; got `{header}`");
    };
    let wicks = column("open").zip(column("high")).zip(column("low")).map(|((open, high), low)| (open, high, low));
    let mut rows: Vec<(f64, Vec<f64>)> = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let number = |at: usize| -> Option<f64> { line.split(',').nth(at)?.trim().parse().ok() };
        let price = |at: usize| number(at).filter(|price| price.is_finite() && *price > 0.0);
        let row = || {
            let close = price(close)?;
            let Some((open, high, low)) = wicks else { return Some(vec![close]) };
            let (open, high, low) = (price(open)?, price(high)?, price(low)?);
            Some(if close < open { vec![open, high, low, close] } else { vec![open, low, high, close] })
        };
        let (Some(unix), Some(prices)) = (number(time), row()) else {
            bail!("line {}: expected unix seconds and prices above zero; got `{line}`", index + 1);
        };
        ensure!(
            rows.last().is_none_or(|(before, _)| *before < unix),
            "line {}: expected a time after that of the row before",
            index + 1
        );
        rows.push((unix, prices));
    }
    Ok(rows)
}

fn parse(text: &str) -> Result<Vec<Point>> {
    let rows = rows(text)?;
    let length = rows.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min);
    let spread = |(unix, prices): &(f64, Vec<f64>)| {
        let (unix, parts) = (*unix, prices.len().saturating_sub(1).max(1) as f64);
        // A row is of the time from its stamp to the next.
        let at = move |index: usize| unix + length * 0.999 * index as f64 / parts;
        prices.iter().enumerate().map(move |(index, price)| (at(index), *price)).collect::<Vec<_>>()
    };
    Ok(rows.iter().flat_map(spread).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wick_is_not_lost_and_a_gap_is_filled() {
        let text = "time,open,high,low,close\n0,100,104,60,80\n3600,80,90,79,88\n7200,88,89,87,88\n";
        let points = parse(text).unwrap();
        assert_eq!(points.len(), 12);
        let prices = at_steps(&points, 0, 60, 119).unwrap();
        let low = prices.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((60.0..61.0).contains(&low), "{low}");
    }

    #[test]
    fn what_is_no_price_is_refused_where_it_stands() {
        let told = |text: &str| format!("{:#}", parse(text).unwrap_err());
        assert!(told("time,open\n1,2\n").contains("line 1: expected a header that names at least `time` and `close`"));
        assert!(told("time,close\n1,2\n2,-1\n").contains("line 3: expected unix seconds and prices above zero"));
        assert!(told("time,close\n1,2\n1,3\n").contains("line 3: expected a time after"));
        let points = parse("time,close\n0,1\n60,1\n").unwrap();
        let error = at_steps(&points, 0, 60, 5).unwrap_err().to_string();
        assert_eq!(error, "expected prices from 0 to 300, got 0 to 60");
    }
}
