//! What a forced sale brings, by its size and the market's volatility.

use anyhow::Result;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::price::Price;

use super::canvas::{percent, picture, Line, Panel, Stroke, BLACK, BLUE, GREEN, ORANGE};
use super::terms;

/// `10^(k/20)` in thousandths: twenty sizes a decade, evenly spaced on the axis.
const DECADE: [u64; 20] = [
    1_000, 1_122, 1_259, 1_413, 1_585, 1_778, 1_995, 2_239, 2_512, 2_818, 3_162, 3_548, 3_981, 4_467, 5_012, 5_623,
    6_310, 7_079, 7_943, 8_913,
];
/// Decades of the axis: from `10^-4` of the depth to ten times the depth.
const DECADES: i32 = 5;
const FIRST_DECADE: i32 = -4;

/// Sizes of a sale: `log10(size / depth)` and atoms.
fn sizes(depth_atoms: u64) -> Vec<(f64, u64)> {
    let mut sizes = Vec::new();
    // A thousandth of the first size.
    let mut unit_atoms = depth_atoms / 10_000 / DECADE[0];
    for decade in FIRST_DECADE..FIRST_DECADE + DECADES {
        for (twentieths, thousandths) in (0..20).zip(DECADE) {
            sizes.push((f64::from(20 * decade + twentieths) / 20.0, unit_atoms * thousandths));
        }
        unit_atoms *= 10;
    }
    sizes.push((f64::from(FIRST_DECADE + DECADES), unit_atoms * DECADE[0]));
    sizes
}

/// Draws the picture.
pub fn draw() -> Result<String> {
    let config = terms::collateral();
    let risk = config.risk;
    // What is drawn is a part of the plain value: at any price the same.
    let price = Price::new(100, 0, terms::COLLATERAL_DECIMALS);
    let line = |sigma_bps: u64, what: &str, colour| {
        let curve = risk.curve(price, Factor::from_bps_floor(sigma_bps));
        let part = |atoms: u64| percent(curve.value(atoms).of_floor(price.value_floor(atoms)));
        let points = sizes(risk.depth_atoms).into_iter().map(|(x, atoms)| (x, part(atoms))).collect();
        Line::new(format!("volatility {}% a day: {what}", sigma_bps / 100), colour, points)
    };
    let cap = (config.caps.collateral_atoms as f64 / risk.depth_atoms as f64).log10();
    let mut cap = Line::new("all collateral the cap lets in", BLACK, vec![(cap, 0.0), (cap, 100.0)]);
    cap.stroke = Stroke::Dashed;
    let lines = [
        line(risk.sigma_floor_bps, "the floor", GREEN),
        line(risk.sigma_ref_bps, "depth was measured at it", BLUE),
        line(risk.sigma_cap_bps, "the cap", ORANGE),
        cap,
    ];
    picture(680, |sheet| {
        Panel {
            title: "What a forced sale brings, by its size",
            x: f64::from(FIRST_DECADE)..f64::from(FIRST_DECADE + DECADES),
            x_title: "size of the sale, as a multiple of the depth L (logarithmic)",
            x_labels: 6,
            x_label: &power_of_ten,
            y: 0.0..100.0,
            y_title: "ALV, % of plain value",
            y_label: &|y| format!("{y:.0}"),
            shades: Vec::new(),
        }
        .draw(sheet, &lines)
    })
}

/// `10^exponent`, written out.
fn power_of_ten(exponent: &f64) -> String {
    let exponent = exponent.round() as i32;
    let decimals = usize::try_from(-exponent).unwrap_or(0);
    format!("{:.decimals$}", 10f64.powi(exponent))
}
