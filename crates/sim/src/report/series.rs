//! What recorded prices say.

use serde_json::json;

use super::{header, percent, Answer, Plot, Series, Table};
use crate::ask::series::{Observed, BONUSES};

/// Prices that were recorded.
pub fn of_series(name: &str, seen: &Observed) -> Answer {
    let number = |numbers: &[(f64, f64)], at: usize| numbers.get(at).map_or(0.0, |(_, number)| *number);
    let row = |(at, (level, sigma)): (usize, &(f64, f64))| {
        let (z, fall, rise) = (number(&seen.z, at), number(&seen.fall, at), number(&seen.rise, at));
        vec![
            format!("{}%", level * 100.0),
            percent(*sigma),
            format!("{z:.2}"),
            percent(fall),
            format!("{:.0}", rise * 1e4),
        ]
    };
    let levels = Table {
        title: "In so many of the rows no more than".into(),
        header: header(&[
            "level",
            "daily volatility",
            "z of a row's horizon",
            "fall",
            "rise of volatility, bps an hour",
        ]),
        rows: seen.sigma.iter().enumerate().map(row).collect(),
        note: "Fall: from a close to the next row's low. z: the same in volatilities over that time.".into(),
    };
    let mut columns = header(&["z", "tau, seconds"]);
    columns.extend(BONUSES.iter().map(|bonus| format!("bonus {:.0}%", bonus * 100.0)));
    let uncovered = seen.uncovered.iter().map(|it| {
        let mut row = vec![format!("{}", it.z), format!("{:.0}", it.horizon_secs)];
        row.extend(it.rows.iter().map(usize::to_string));
        row
    });
    let covered = Table {
        title: "Rows in which a position at its threshold ends with less than its debt and the bonus".into(),
        header: columns,
        rows: uncovered.collect(),
        note: "A position that is small against depth, and that nobody touches for the whole row.".into(),
    };
    let beyond = [
        ("below the floor", seen.beyond.floor),
        ("below the volatility from which on depth shrinks", seen.beyond.reference),
        ("above the cap", seen.beyond.cap),
        ("rises faster than maintenance follows", seen.beyond.rise),
    ];
    let bounds = Table {
        title: "How often the bounds of volatility bind".into(),
        header: header(&["volatility", "of the rows"]),
        rows: beyond.map(|(what, part)| vec![what.into(), percent(part)]).into(),
        ..Table::default()
    };
    let points = |numbers: &[(f64, f64)]| numbers.iter().map(|(level, number)| (level * 100.0, *number)).collect();
    Answer {
        title: format!("What {name} says"),
        about: vec![format!("{} rows of {:.0} seconds.", seen.rows, seen.row_secs)],
        tables: vec![levels, bounds, covered],
        plots: vec![Plot {
            title: "How many volatilities a price falls within a row".into(),
            x_title: "rows in which it is no more, %".into(),
            y_title: "z".into(),
            series: vec![Series::line("z", points(&seen.z))],
            marks: Vec::new(),
        }],
        json: json!({ "series": name, "observed": seen }),
    }
}
