//! Pictures: lines, bars and points on a white sheet, as SVG.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height of a picture.
const SIZE: (u32, u32) = (1_100, 460);
/// Colours that colour-blind readers tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(32, 32, 32),
];
const GRID: RGBColor = RGBColor(228, 228, 228);
const INK: RGBColor = RGBColor(40, 40, 40);
/// Room for a row of the legend, and for an entry of it.
const LEGEND_ROW: i32 = 26;
const LEGEND_COLUMN: i32 = 260;

/// How numbers are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line.
    Line,
    /// Dots.
    Points,
    /// Bars from zero.
    Bars,
}

/// Numbers of one name.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name.
    pub name: String,
    /// Numbers.
    pub points: Vec<(f64, f64)>,
    /// How they are joined.
    pub shape: Shape,
}

/// A picture.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Title.
    pub title: String,
    /// What lies along.
    pub x_title: String,
    /// What goes up.
    pub y_title: String,
    /// Numbers, the first on top.
    pub series: Vec<Series>,
    /// Upright lines, and what they say.
    pub marks: Vec<(f64, String)>,
}

impl Series {
    /// A line.
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, shape: Shape::Line }
    }

    /// Dots.
    pub fn dots(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, shape: Shape::Points }
    }

    /// Bars.
    pub fn bars(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, shape: Shape::Bars }
    }
}

/// A number of an axis, short.
fn label(number: f64) -> String {
    match number.abs() {
        size if size >= 1e9 => format!("{}B", trimmed(number / 1e9)),
        size if size >= 1e6 => format!("{}M", trimmed(number / 1e6)),
        size if size >= 1e4 => format!("{}k", trimmed(number / 1e3)),
        _ => trimmed(number),
    }
}

fn trimmed(number: f64) -> String {
    let digits = if number != 0.0 && number.abs() < 0.1 { 4 } else { 2 };
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

impl Plot {
    fn bounds(&self, of: fn(&(f64, f64)) -> f64) -> (f64, f64) {
        let all = || self.series.iter().flat_map(|series| series.points.iter()).map(of).filter(|it| it.is_finite());
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        match low < high {
            true => (low, high),
            // Nothing, or all alike: something to draw around it.
            false if low.is_finite() && low != 0.0 => (low - low.abs() / 10.0, low + low.abs() / 10.0),
            false => (0.0, 1.0),
        }
    }

    /// Where the vertical axis begins and ends: at zero where that is not far away.
    fn heights(&self) -> (f64, f64) {
        let (low, high) = self.bounds(|point| point.1);
        let has_bars = self.series.iter().any(|series| series.shape == Shape::Bars);
        let low = if has_bars || (low > 0.0 && low < high * 0.6) { low.min(0.0) } else { low };
        let room = (high - low) * 0.06;
        (if low == 0.0 { 0.0 } else { low - room }, high + room)
    }

    /// As SVG.
    ///
    /// # Errors
    /// What cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        {
            let sheet = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            sheet.fill(&WHITE)?;
            let columns = i32::try_from(SIZE.0)? / LEGEND_COLUMN;
            let rows = i32::try_from(self.series.len())?.div_euclid(columns.max(1)) + 1;
            let (head, body) = sheet.split_vertically(48 + rows * LEGEND_ROW);
            self.draw_head(&head, columns)?;
            self.draw_body(&body)?;
            sheet.present()?;
        }
        Ok(svg)
    }

    fn draw_head(&self, head: &DrawingArea<SVGBackend, plotters::coord::Shift>, columns: i32) -> Result<()> {
        let style = ("sans-serif", 23).into_text_style(head).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        head.draw(&Text::new(self.title.clone(), (20, 26), style))?;
        for (index, series) in self.series.iter().enumerate() {
            let (index, colour) = (i32::try_from(index)?, COLOURS[index % COLOURS.len()]);
            let (x, y) = (20 + index % columns * LEGEND_COLUMN, 60 + index / columns * LEGEND_ROW);
            head.draw(&Rectangle::new([(x, y - 3), (x + 26, y + 3)], colour.filled()))?;
            let style = ("sans-serif", 18).into_text_style(head).color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
            head.draw(&Text::new(series.name.clone(), (x + 34, y), style))?;
        }
        Ok(())
    }

    fn draw_body(&self, body: &DrawingArea<SVGBackend, plotters::coord::Shift>) -> Result<()> {
        let (left, right) = self.bounds(|point| point.0);
        let (low, high) = self.heights();
        let is_bars = self.series.iter().any(|series| series.shape == Shape::Bars);
        let widest = self.series.iter().map(|series| series.points.len()).max().unwrap_or(1).max(1);
        let bar = (right - left) / widest as f64;
        let (left, right) = if is_bars { (left - bar, right + bar) } else { (left, right) };
        let mut chart = ChartBuilder::on(body)
            .margin(14)
            .margin_right(30)
            .x_label_area_size(52)
            .y_label_area_size(92)
            .build_cartesian_2d(left..right, low..high)?;
        let short = |number: &f64| label(*number);
        chart
            .configure_mesh()
            .x_desc(&self.x_title)
            .y_desc(&self.y_title)
            .x_label_formatter(&short)
            .y_label_formatter(&short)
            .label_style(("sans-serif", 17).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 18).into_font().color(&INK))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .draw()?;
        for (at, _) in &self.marks {
            chart.draw_series(LineSeries::new([(*at, low), (*at, high)], INK.mix(0.45).stroke_width(2)))?;
        }
        for (at, name) in &self.marks {
            let style = ("sans-serif", 16).into_font().color(&INK);
            chart.draw_series([Text::new(
                name.clone(),
                (at + (right - left) * 0.005, high - (high - low) * 0.02),
                style,
            )])?;
        }
        // The first on top: it is what the picture is about.
        for (index, series) in self.series.iter().enumerate().rev() {
            let colour = COLOURS[index % COLOURS.len()];
            let points = || series.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite());
            match series.shape {
                Shape::Line => {
                    chart.draw_series(LineSeries::new(points(), colour.stroke_width(3)))?;
                }
                Shape::Points => {
                    chart.draw_series(points().map(|point| Circle::new(point, 6, colour.filled())))?;
                }
                Shape::Bars => {
                    let bars = points()
                        .map(|(x, y)| Rectangle::new([(x - bar * 0.42, 0.0), (x + bar * 0.42, y)], colour.filled()));
                    chart.draw_series(bars)?;
                }
            }
        }
        Ok(())
    }
}
