//! What a liquidator is offered, by the health of the position and the time it has been liquidatable.

use anyhow::Result;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::liquidation::bonus;

use super::canvas::{percent, picture, Line, Panel, Stroke, BLACK, BLUE, GREEN, ORANGE};
use super::terms;

/// Healths drawn, bps.
const HEALTH_BPS: std::ops::RangeInclusive<u64> = 8_600..=10_000;

/// Draws the picture.
pub fn draw() -> Result<String> {
    let (terms, auction_secs) = (terms::collateral().bonus, terms::market().auction_secs);
    // The longer wait lies below the shorter one and is wider, so that it shows where both say the same.
    let waits = [
        ("after all of the auction", auction_secs, ORANGE, 13),
        ("after half of it", auction_secs / 2, GREEN, 10),
        ("after a quarter of it", auction_secs / 4, BLUE, 7),
        ("when the auction starts", 0, BLACK, 4),
    ];
    let lines = waits.map(|(name, secs, colour, width)| {
        let at = |bps: u64| percent(bonus(&terms, Factor::from_bps_floor(bps), secs, auction_secs));
        let points = HEALTH_BPS.step_by(50).map(|bps| (bps as f64 / 10_000.0, at(bps))).collect();
        Line { stroke: Stroke::Solid(width), ..Line::new(name, colour, points) }
    });
    picture(640, |sheet| {
        Panel {
            title: "Liquidation bonus, by health and time",
            x: 0.86..1.0,
            x_title: "health of the position",
            x_labels: 15,
            x_label: &|x| format!("{x:.2}"),
            y: 0.0..12.0,
            y_title: "bonus, % of the repayment",
            y_label: &|y| format!("{y:.0}"),
            shades: Vec::new(),
        }
        .draw(sheet, &lines)
    })
}
