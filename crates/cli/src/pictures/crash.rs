//! A crash: the price, what it means for one position, and the volatility behind it.

use anyhow::{Context, Result};
use plimsoll_engine::fixed::{Factor, Value};

use super::canvas::{
    percent, picture, Line, Panel, Shade, Sheet, Stroke, BLACK, BLUE, LIGHT_GREY, LIGHT_ORANGE, ORANGE,
};
use super::path::Path;
use super::replay::{replay, Moment};
use super::terms;

/// More points than this do not show.
const POINTS_MAX: usize = 720;
const HEIGHT: u32 = 1_080;
/// Height of the upper panel.
const UPPER: u32 = 680;

/// Draws the picture of a path.
pub fn draw(path: &Path) -> Result<String> {
    let moments = replay(path)?;
    let first = moments.first().context("expected a path with prices to draw")?.unix;
    let thinned: Vec<(f64, Moment)> = moments
        .iter()
        .step_by(moments.len().div_ceil(POINTS_MAX))
        .map(|moment| ((moment.unix - first) as f64 / 3_600.0, *moment))
        .collect();
    picture(HEIGHT, |sheet| {
        let (upper, lower) = sheet.split_vertically(UPPER);
        draw_prices(&upper, &path.source, &thinned)?;
        draw_volatility(&lower, &thinned)
    })
}

fn usd(value: Value) -> f64 {
    value.0 as f64 / Value::PER_USD as f64
}

/// Hours from the first to the last moment.
fn hours(moments: &[(f64, Moment)]) -> std::ops::Range<f64> {
    0.0..moments.last().map_or(1.0, |(hour, _)| *hour)
}

/// One number of each moment.
fn points(moments: &[(f64, Moment)], of: impl Fn(&Moment) -> f64) -> Vec<(f64, f64)> {
    moments.iter().map(|(hour, moment)| (*hour, of(moment))).collect()
}

/// From when to when something is so. A price stands until the next one.
fn stretches(moments: &[(f64, Moment)], is: impl Fn(&Moment) -> bool) -> Vec<(f64, f64)> {
    let mut stretches: Vec<(f64, f64)> = Vec::new();
    for pair in moments.windows(2).filter(|pair| is(&pair[0].1)) {
        match stretches.last_mut() {
            Some((_, to)) if *to == pair[0].0 => *to = pair[1].0,
            _ => stretches.push((pair[0].0, pair[1].0)),
        }
    }
    stretches
}

/// A line that is interrupted where a number is missing.
fn pieces(moments: &[(f64, Moment)], of: impl Fn(&Moment) -> Option<Value>) -> Vec<Vec<(f64, f64)>> {
    let runs = moments.chunk_by(|(_, a), (_, b)| of(a).is_some() == of(b).is_some());
    let piece = |run: &[(f64, Moment)]| run.iter().filter_map(|(hour, one)| Some((*hour, usd(of(one)?)))).collect();
    runs.map(piece).filter(|piece: &Vec<_>| !piece.is_empty()).collect()
}

/// Why some time stands out.
fn shades(moments: &[(f64, Moment)]) -> Vec<Shade> {
    let refused = Shade {
        name: "nothing may be opened (off the average)",
        colour: LIGHT_GREY,
        stretches: stretches(moments, |moment| moment.initial.is_none()),
    };
    let spared = Shade {
        name: "spared by the bounded speed",
        colour: LIGHT_ORANGE,
        stretches: stretches(moments, Moment::is_spared),
    };
    vec![refused, spared]
}

fn draw_prices(sheet: &Sheet, source: &str, moments: &[(f64, Moment)]) -> Result<()> {
    let lines = [
        Line { stroke: Stroke::Solid(3), ..Line::new("price", BLACK, points(moments, |moment| usd(moment.price))) },
        Line {
            pieces: pieces(moments, |moment| moment.initial),
            ..Line::new("could be opened above (initial health 1)", BLUE, Vec::new())
        },
        Line {
            stroke: Stroke::Dashed,
            ..Line::new(
                "liquidatable below, if that reacted at once too",
                ORANGE,
                points(moments, |moment| usd(moment.maintenance_unbounded)),
            )
        },
        Line::new(
            "liquidatable below (maintenance health 1)",
            ORANGE,
            points(moments, |moment| usd(moment.maintenance)),
        ),
    ];
    let drawn = || lines.iter().flat_map(|line| line.pieces.iter().flatten()).map(|(_, y)| *y);
    let (low, high) = (drawn().fold(f64::MAX, f64::min), drawn().fold(0.0, f64::max));
    let room = (high - low) * 0.06;
    Panel {
        title: &format!("A position through a crash ({source})"),
        x: hours(moments),
        x_title: "hours",
        x_labels: 12,
        x_label: &|x| format!("{x:.0}"),
        y: low - room..high + room,
        y_title: "price of the collateral, USD",
        y_label: &|y| format!("{y:.0}"),
        shades: shades(moments),
    }
    .draw(sheet, &lines)
}

fn draw_volatility(sheet: &Sheet, moments: &[(f64, Moment)]) -> Result<()> {
    let lines = [
        // Wider, because it lies below the other most of the time.
        Line {
            stroke: Stroke::Solid(8),
            ..Line::new("in initial health: as observed", BLUE, points(moments, |moment| percent(moment.sigma_initial)))
        },
        Line::new(
            "in maintenance health: up slowly, down at once",
            ORANGE,
            points(moments, |moment| percent(moment.sigma_maintenance)),
        ),
    ];
    let cap = percent(Factor::from_bps_ceil(terms::collateral().risk.sigma_cap_bps));
    Panel {
        title: "Volatility",
        x: hours(moments),
        x_title: "hours",
        x_labels: 12,
        x_label: &|x| format!("{x:.0}"),
        y: 0.0..cap,
        y_title: "% a day",
        y_label: &|y| format!("{y:.0}"),
        shades: Vec::new(),
    }
    .draw(sheet, &lines)
}
