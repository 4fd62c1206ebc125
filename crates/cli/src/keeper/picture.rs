//! A picture of a keeper's journal: what it earned over time, and how long a price took to become a landing. Floats place
//! points and nothing else.

use std::ops::Range;

use anyhow::{ensure, Result};
use plimsoll_keeper::journal::Attempt;
use plimsoll_keeper::report::{moment, spread, SHOWN};

use crate::pictures::canvas::{picture, Line, Panel, Stroke, BLACK, BLUE, GREEN, ORANGE};

const HEIGHT: u32 = 1_080;
/// Height of the upper panel.
const UPPER: u32 = 580;
/// Bars of the histogram.
const BARS: usize = 40;
/// More points than this do not show.
const POINTS_MAX: usize = 2_000;

/// Draws it.
///
/// # Errors
/// Where nothing landed: there is nothing to draw.
pub fn draw(attempts: &[Attempt]) -> Result<String> {
    let landed: Vec<&Attempt> = attempts.iter().filter(|attempt| attempt.realised_nano_usd.is_some()).collect();
    ensure!(!landed.is_empty(), "expected a transaction that landed; the journal has none to draw");
    let mut latencies: Vec<i64> = landed.iter().filter_map(|attempt| attempt.latency_ms).collect();
    latencies.sort_unstable();
    picture(HEIGHT, |sheet| {
        let (upper, lower) = sheet.split_vertically(UPPER);
        let unit_ms = unit_ms(&landed);
        let (lines, x, y) = profit(&landed, unit_ms);
        let panel = Panel {
            title: "Realised profit, summed up",
            x,
            x_title: "UTC",
            x_labels: 5,
            x_label: &|at| label(*at, unit_ms),
            y: y.clone(),
            y_title: "USD",
            y_label: &|usd| short(*usd, y.end - y.start),
            shades: Vec::new(),
        };
        panel.draw(&upper, &lines)?;
        let (lines, x, y) = histogram(&latencies);
        let panel = Panel {
            title: "From the price's publish time to the landing",
            x: x.clone(),
            x_title: "seconds (the last bar: and more)",
            x_labels: 9,
            x_label: &|secs| short(*secs, x.end - x.start),
            y,
            y_title: "transactions",
            y_label: &|count| format!("{count:.0}"),
            shades: Vec::new(),
        };
        panel.draw(&lower, &lines)
    })
}

/// What the time axis counts in, milliseconds, so that its labels stand at round times: days where there are several, hours
/// else.
fn unit_ms(landed: &[&Attempt]) -> f64 {
    let ends = landed.first().zip(landed.last());
    let span_ms = ends.map_or(0, |(first, last)| last.at_ms.saturating_sub(first.at_ms));
    if span_ms > 3 * 86_400_000 {
        86_400_000.0
    } else {
        3_600_000.0
    }
}

/// A moment on the axis: its day or its time of day.
fn label(at: f64, unit_ms: f64) -> String {
    let text = moment((at * unit_ms).round() as i64);
    let (day, time) = text.split_once(' ').unwrap_or((&text, ""));
    if unit_ms > 3_600_000.0 { day } else { time }.to_owned()
}

/// A number with as many decimals as its axis is fine.
fn short(number: f64, span: f64) -> String {
    let decimals = match span {
        span if span >= 20.0 => 0,
        span if span >= 2.0 => 1,
        _ => 2,
    };
    format!("{number:.decimals$}")
}

type Drawn = (Vec<Line>, Range<f64>, Range<f64>);

/// What was realised and what was expected, both as sums; in steps, because between two landings nothing is earned.
fn profit(landed: &[&Attempt], unit_ms: f64) -> Drawn {
    let sums = |of: fn(&Attempt) -> i64| {
        let mut sum = 0.0;
        let mut points: Vec<(f64, f64)> = Vec::with_capacity(2 * landed.len());
        for attempt in landed {
            let at = attempt.at_ms as f64 / unit_ms;
            points.push((at, sum));
            sum += of(attempt) as f64 / 1e9;
            points.push((at, sum));
        }
        thinned(points)
    };
    let (realised, expected) =
        (sums(|attempt| attempt.realised_nano_usd.unwrap_or(0)), sums(|attempt| attempt.expected_nano_usd));
    let all = || realised.iter().chain(&expected);
    let (least, most) = all().fold((0.0f64, 0.0f64), |(least, most), (_, y)| (least.min(*y), most.max(*y)));
    let room = ((most - least) * 0.06).max(0.01);
    let x = all().fold(f64::MAX..f64::MIN, |x, (at, _)| x.start.min(*at)..x.end.max(*at));
    // A single landing needs a stretch of time to stand in.
    let minute = 60_000.0 / unit_ms;
    let x = if x.end - x.start < minute { x.start - minute..x.end + minute } else { x };
    let expected = Line { stroke: Stroke::Dashed, ..Line::new("expected when decided", ORANGE, expected) };
    let least = if least < 0.0 { least - room } else { 0.0 };
    (vec![expected, Line::new("realised, fees paid", BLUE, realised)], x, least..most + room)
}

/// No more points than show, the last one among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(POINTS_MAX).max(1);
    let last = points.last().copied();
    points.into_iter().step_by(step).chain(last).collect()
}

/// How many took how long, as an outline of bars, and the percentiles upright in it.
fn histogram(sorted_ms: &[i64]) -> Drawn {
    let Some(shown) = spread(sorted_ms) else { return (Vec::new(), 0.0..1.0, 0.0..1.0) };
    let secs = |ms: i64| ms as f64 / 1e3;
    let [.., nearly_all] = shown;
    // A few that took very long must not press the others to the left.
    let end = (secs(nearly_all) * 1.1).max(0.5);
    let mut bars = [0u32; BARS];
    for ms in sorted_ms {
        let at = (secs(*ms) / end * BARS as f64) as usize;
        if let Some(bar) = bars.get_mut(at.min(BARS - 1)) {
            *bar += 1;
        }
    }
    let width = end / BARS as f64;
    let mut outline = vec![(0.0, 0.0)];
    for (number, bar) in bars.iter().enumerate() {
        let from = number as f64 * width;
        outline.extend([(from, f64::from(*bar)), (from + width, f64::from(*bar))]);
    }
    outline.push((end, 0.0));
    let most = f64::from(bars.iter().copied().max().unwrap_or(0)).max(1.0) * 1.1;
    let mut lines = vec![Line::new("transactions", BLUE, outline)];
    for ((percent, ms), colour) in SHOWN.iter().zip(shown).zip([BLACK, GREEN, ORANGE]) {
        let name = format!("{percent} of 100 in {:.1} s", secs(ms));
        let upright = vec![(secs(ms), 0.0), (secs(ms), most)];
        lines.push(Line { stroke: Stroke::Dashed, ..Line::new(name, colour, upright) });
    }
    (lines, 0.0..end, 0.0..most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(at_ms: i64, realised_nano_usd: Option<i64>, latency_ms: Option<i64>) -> Attempt {
        Attempt {
            at_ms,
            subject: "position".into(),
            what: "liquidate".into(),
            outcome: "landed".into(),
            detail: String::new(),
            expected_nano_usd: 2_000_000_000,
            realised_nano_usd,
            fee_lamports: 5_000,
            latency_ms,
        }
    }

    #[test]
    fn profit_is_summed_in_steps_and_losses_fall_below_zero() {
        let landed = [attempt(1_000, Some(1_000_000_000), None), attempt(90_000, Some(-3_000_000_000), None)];
        let (lines, x, y) = profit(&landed.iter().collect::<Vec<_>>(), 1.0);
        let realised = &lines[1].pieces[0];
        assert_eq!(realised[..4], [(1_000.0, 0.0), (1_000.0, 1.0), (90_000.0, 1.0), (90_000.0, -2.0)]);
        assert_eq!((x.start, x.end), (1_000.0, 90_000.0));
        assert_eq!((label(20_454.0, 86_400_000.0), label(1.5, 3_600_000.0)), ("2026-01-01".into(), "01:30".into()));
        assert!(y.start < -2.0 && y.end > 4.0, "{y:?}");
    }

    #[test]
    fn a_histogram_counts_everybody_and_is_not_pressed_by_a_few() {
        let mut all: Vec<i64> = (0..995).map(|number| 500 + number).collect();
        all.extend([60_000; 5]);
        let (lines, x, _) = histogram(&all);
        assert!(x.end < 2.0, "{x:?}");
        let steps = &lines[0].pieces[0];
        let counted: f64 = steps.iter().skip(1).step_by(2).take(BARS).map(|(_, count)| count).sum();
        assert_eq!(counted, 1_000.0);
        assert_eq!(lines[1].name, "50 of 100 in 1.0 s");
    }

    #[test]
    fn a_picture_has_both_panels_and_nothing_is_drawn_of_nothing() {
        let svg = draw(&[attempt(0, Some(5), Some(700))]).expect("a picture");
        assert!(svg.starts_with("<svg") && svg.contains("Realised profit") && svg.contains("50 of 100 in 0.7 s"));
        let nothing = draw(&[attempt(0, None, None)]).expect_err("nothing landed").to_string();
        assert_eq!(nothing, "expected a transaction that landed; the journal has none to draw");
    }
}
