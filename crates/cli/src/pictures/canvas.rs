//! How all pictures look: a white sheet (readable on a dark page too), panels with axes, lines and a legend.

use std::ops::Range;

use anyhow::Result;
use plimsoll_engine::fixed::Factor;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Where a panel is drawn.
pub type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Width of every picture. A page shows it at about two thirds, which is why the letters are large.
pub const WIDTH: u32 = 1_200;
/// Three colours that colour-blind readers tell apart (Okabe and Ito), and black.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const ORANGE: RGBColor = RGBColor(213, 94, 0);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const BLACK: RGBColor = RGBColor(32, 32, 32);
/// Behind stretches of time.
pub const LIGHT_GREY: RGBColor = RGBColor(214, 214, 214);
pub const LIGHT_ORANGE: RGBColor = RGBColor(255, 221, 193);
const GRID: RGBColor = RGBColor(225, 225, 225);

const LETTERS: (&str, i32) = ("sans-serif", 25);
const HEADING: (&str, i32) = ("sans-serif", 31);

/// Length of a dash and of the gap after it.
const DASH: u32 = 9;
const GAP: u32 = 7;

/// Room for the axis on the left, and where the legend starts.
const LEFT: u32 = 108;
const MARGIN: u32 = 12;
const TITLE_HEIGHT: i32 = 56;
/// The legend: two columns below the title.
const COLUMNS: usize = 2;
const COLUMN_WIDTH: i32 = 540;
const ROW_HEIGHT: i32 = 30;
const SAMPLE_WIDTH: i32 = 40;

/// How a line is stroked.
#[derive(Clone, Copy)]
pub enum Stroke {
    /// At this width.
    Solid(u32),
    Dashed,
}

/// A line, in pieces where it is interrupted.
pub struct Line {
    pub name: String,
    pub colour: RGBColor,
    pub stroke: Stroke,
    pub pieces: Vec<Vec<(f64, f64)>>,
}

/// Stretches along x that stand out, and why.
pub struct Shade {
    pub name: &'static str,
    pub colour: RGBColor,
    pub stretches: Vec<(f64, f64)>,
}

/// Axes and what is said about them.
pub struct Panel<'a> {
    pub title: &'a str,
    pub x: Range<f64>,
    pub x_title: &'a str,
    pub x_labels: usize,
    pub x_label: &'a dyn Fn(&f64) -> String,
    pub y: Range<f64>,
    pub y_title: &'a str,
    pub y_label: &'a dyn Fn(&f64) -> String,
    pub shades: Vec<Shade>,
}

/// A factor as a number to place.
pub fn number(factor: Factor) -> f64 {
    factor.0 as f64 / Factor::ONE.0 as f64
}

/// A factor in percent.
pub fn percent(factor: Factor) -> f64 {
    100.0 * number(factor)
}

/// A picture of a height as SVG.
pub fn picture(height: u32, draw: impl FnOnce(&Sheet) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let sheet = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        sheet.fill(&WHITE)?;
        draw(&sheet)?;
        sheet.present()?;
    }
    Ok(svg)
}

impl Line {
    fn style(&self) -> ShapeStyle {
        self.colour.stroke_width(match self.stroke {
            Stroke::Solid(width) => width,
            Stroke::Dashed => 3,
        })
    }

    /// A solid line in one piece.
    pub fn new(name: impl Into<String>, colour: RGBColor, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), colour, stroke: Stroke::Solid(4), pieces: vec![points] }
    }
}

/// An entry of the legend.
enum Mark<'a> {
    Line(&'a Line),
    Shade(&'a Shade),
}

impl Panel<'_> {
    /// Draws title, legend, axes, shades and lines, later lines above earlier ones.
    pub fn draw(self, sheet: &Sheet, lines: &[Line]) -> Result<()> {
        let shades = self.shades.iter().filter(|shade| !shade.stretches.is_empty());
        let marks: Vec<Mark> = lines.iter().map(Mark::Line).chain(shades.map(Mark::Shade)).collect();
        let rows = i32::try_from(marks.len().div_ceil(COLUMNS))?;
        let (head, body) = sheet.split_vertically(TITLE_HEIGHT + rows * ROW_HEIGHT);
        let centred = HEADING.into_text_style(&head).pos(Pos::new(HPos::Center, VPos::Center));
        head.draw(&Text::new(self.title, (WIDTH.cast_signed() / 2, TITLE_HEIGHT / 2), centred))?;
        for (row, marks) in marks.chunks(COLUMNS).enumerate() {
            for (column, mark) in marks.iter().enumerate() {
                let x = LEFT.cast_signed() + COLUMN_WIDTH * i32::try_from(column)?;
                mark.draw(&head, (x, TITLE_HEIGHT + ROW_HEIGHT / 2 + ROW_HEIGHT * i32::try_from(row)?))?;
            }
        }
        self.draw_body(&body, lines)
    }

    fn draw_body(self, sheet: &Sheet, lines: &[Line]) -> Result<()> {
        let mut chart = ChartBuilder::on(sheet)
            .margin(MARGIN)
            .margin_right(3 * MARGIN)
            .x_label_area_size(64)
            .y_label_area_size(LEFT - MARGIN)
            .build_cartesian_2d(self.x, self.y.clone())?;
        for Shade { colour, stretches, .. } in &self.shades {
            let all_over = |&(from, to)| Rectangle::new([(from, self.y.start), (to, self.y.end)], colour.filled());
            chart.draw_series(stretches.iter().map(all_over))?;
        }
        chart
            .configure_mesh()
            .x_desc(self.x_title)
            .y_desc(self.y_title)
            .x_labels(self.x_labels)
            .y_labels(8)
            .x_label_formatter(self.x_label)
            .y_label_formatter(self.y_label)
            .label_style(LETTERS)
            .axis_desc_style(LETTERS)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for line in lines {
            let style = line.style();
            for points in line.pieces.iter().map(|piece| piece.iter().copied()) {
                match line.stroke {
                    Stroke::Solid(_) => chart.draw_series(LineSeries::new(points, style))?,
                    Stroke::Dashed => chart.draw_series(DashedLineSeries::new(points, DASH, GAP, style))?,
                };
            }
        }
        Ok(())
    }
}

impl Mark<'_> {
    /// Draws a sample and what it stands for. The library's own legend lies on the lines; this one does not.
    fn draw(&self, sheet: &Sheet, (x, y): (i32, i32)) -> Result<()> {
        let ends = [(x, y), (x + SAMPLE_WIDTH, y)];
        let name = match self {
            Self::Line(line) => {
                match line.stroke {
                    Stroke::Solid(_) => sheet.draw(&PathElement::new(ends, line.style()))?,
                    Stroke::Dashed => sheet.draw(&DashedPathElement::new(ends, DASH, GAP, line.style()))?,
                }
                line.name.as_str()
            }
            Self::Shade(shade) => {
                sheet.draw(&Rectangle::new([(x, y - 9), (x + SAMPLE_WIDTH, y + 9)], shade.colour.filled()))?;
                shade.name
            }
        };
        let style = LETTERS.into_text_style(sheet).pos(Pos::new(HPos::Left, VPos::Center));
        Ok(sheet.draw(&Text::new(name, (x + SAMPLE_WIDTH + 12, y), style))?)
    }
}
