//! What each question's answer looks like.

use serde_json::json;

use super::{header, percent, usd, Answer, Plot, Series, Table};
use crate::ask::bad_debt::BadDebt;
use crate::ask::cascade::Cascade;
use crate::ask::frontier::Point;
use crate::ask::position::Odds;
use crate::ask::run::{figure, Run};
use crate::ask::shock::Shock;
use crate::generate::Setup;
use crate::outcome::{Moment, Sums};
use crate::rules::Rule;
use crate::scenario::Scenario;

/// Seconds of an hour, in which the pictures of runs count.
const HOUR: f64 = 3_600.0;

fn about(setup: &Setup) -> Vec<String> {
    let scenario = &setup.scenario;
    let mut about = Vec::new();
    if !scenario.about.is_empty() {
        about.push(scenario.about.clone());
    }
    let (collateral, debt) = crate::ask::run::totals(setup);
    about.push(format!(
        "{} positions, {} USD of collateral, {} USD of debt; {} steps of {} seconds; seed {}.",
        setup.chain.book.len(),
        usd(collateral),
        usd(debt),
        scenario.steps,
        scenario.step_secs,
        scenario.seed
    ));
    about.extend(live(setup));
    about.extend(caps(setup));
    about
}

/// When a snapshot is of, and whose price in it is old.
fn live(setup: &Setup) -> Vec<String> {
    let Some(snapshot) = &setup.scenario.live else { return Vec::new() };
    let now = snapshot.now;
    let mut said =
        vec![format!("The market {} as it was at slot {}, unix time {}.", snapshot.address, now.slot, now.unix)];
    let tokens = snapshot.reserves.iter().zip(&setup.scenario.tokens);
    let old = tokens.filter_map(|((_, reserve), token)| {
        let age_secs = reserve.reading.age_secs(now.unix);
        let is_old = age_secs > reserve.oracle_policy.liquidate_age_secs;
        is_old.then(|| format!("{}: the price that the chain had was {age_secs} s old.", token.name))
    });
    said.extend(old);
    said
}

/// Where the book is larger than the program would let in.
fn caps(setup: &Setup) -> Vec<String> {
    let over = setup.chain.reserves.iter().zip(&setup.safe_caps).zip(&setup.scenario.tokens);
    let over = over.filter(|((reserve, cap), _)| reserve.collateral_atoms > **cap).map(|((reserve, cap), token)| {
        let times = reserve.collateral_atoms as f64 / (*cap).max(1) as f64;
        format!(
            "{}: this book holds {times:.1} times what the largest cap that the program accepts would let in.",
            token.name
        )
    });
    over.collect()
}

/// A row by which rules are compared: its name, and what it shows of a run.
type Row = (&'static str, fn(&Sums) -> String);

/// The rows by which rules are compared.
const COMPARED: [Row; 12] = [
    ("bad debt", |sums| usd(sums.bad_debt())),
    ("  of it borne by lenders", |sums| usd(sums.haircut)),
    ("  of it paid by insurance", |sums| usd(sums.insured)),
    ("  of it not settled at the end", |sums| usd(sums.uncovered)),
    ("backstop: collateral less money spent", |sums| usd(sums.backstop_result)),
    ("lost by borrowers", |sums| usd(sums.borrower_loss())),
    ("earned by liquidators", |sums| usd(sums.liquidator_profit)),
    ("debt repaid", |sums| usd(sums.repaid)),
    ("worst impact on a price", |sums| percent(sums.impact_max)),
    ("most unhealthy debt at a time", |sums| usd(sums.unhealthy_max)),
    ("liquidations", |sums| sums.liquidations.to_string()),
    ("positions liquidated", |sums| sums.liquidated_positions.to_string()),
];

/// What rules are compared by: a name, how it is told, and the number of each rule. Less is better.
type Measure = (&'static str, fn(f64) -> String, Vec<f64>);

/// Where another rule does better than Plimsoll, which is without its backstop then, as the others are. None where there is
/// no other.
fn where_plimsoll_loses(rules: &[&str], measures: &[Measure]) -> Option<String> {
    let ours = rules.iter().rposition(|rule| rule.starts_with(Rule::Plimsoll.name()))?;
    let is_other = |rule: &&str| !rule.starts_with(Rule::Plimsoll.name());
    rules.iter().any(is_other).then_some(())?;
    let lost = measures.iter().filter_map(|(name, show, numbers)| {
        let own = show(*numbers.get(ours)?);
        let others = rules.iter().zip(numbers).filter(|(rule, _)| is_other(rule));
        let (rule, best) = others.min_by(|a, b| a.1.total_cmp(b.1))?;
        (*best < *numbers.get(ours)? && show(*best) != own)
            .then(|| format!("{name} {own} against {} ({rule})", show(*best)))
    });
    let lost: Vec<String> = lost.collect();
    let asked = measures.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    Some(match lost.is_empty() {
        true => format!("On {asked} no other rule does better here than Plimsoll without a backstop."),
        false => format!("Where Plimsoll loses here, without a backstop: {}.", lost.join("; ")),
    })
}

/// A scenario's run, or the same run under several rules.
///
/// # Errors
/// A figure that a run has not.
pub fn of_runs(setup: &Setup, runs: &[Run]) -> anyhow::Result<Answer> {
    let mut table = Table { title: "What it came to, USD".into(), header: header(&[""]), ..Table::default() };
    table.header.extend(runs.iter().map(|run| run.rule.clone()));
    for (name, show) in COMPARED {
        let mut row = vec![name.to_owned()];
        row.extend(runs.iter().map(|run| show(&run.sums)));
        table.rows.push(row);
    }
    let rules: Vec<&str> = runs.iter().map(|run| run.rule.as_str()).collect();
    let of = |number: fn(&Sums) -> f64| runs.iter().map(|run| number(&run.sums)).collect();
    let measures: [Measure; 4] = [
        ("bad debt", usd, of(Sums::bad_debt)),
        ("lost by borrowers", usd, of(Sums::borrower_loss)),
        ("worst impact on a price", percent, of(|sums| sums.impact_max)),
        ("most unhealthy debt at a time", usd, of(|sums| sums.unhealthy_max)),
    ];
    let lost = where_plimsoll_loses(&rules, &measures);
    if runs.len() > 1 {
        table.note = "Same book, prices, liquidators and market. The others are models of their kinds: collateral counts \
                      plain value times a factor with which the whole book can borrow as much as under Plimsoll; none of \
                      them has a backstop or a cap by depth. Lost by borrowers: seized less repaid, at market prices \
                      without forced sales."
            .into();
    }
    let mut tables = vec![table];
    let mut known = Vec::new();
    if let Some(first) = runs.first() {
        let mut figures = Table {
            title: "What is known of the event, and this run".into(),
            header: header(&["figure", "known", "this run", "off", "note"]),
            ..Table::default()
        };
        for known_figure in &setup.scenario.figures {
            let run = figure(setup, first, &known_figure.what)?;
            let show = |number: f64| if number.abs() < 10.0 { format!("{number:.3}") } else { usd(number) };
            let off = if known_figure.known == 0.0 { "-".into() } else { percent(run / known_figure.known - 1.0) };
            let cells =
                [known_figure.what.clone(), show(known_figure.known), show(run), off, known_figure.note.clone()];
            figures.rows.push(cells.into());
            known.push(json!({ "figure": known_figure.what, "known": known_figure.known, "run": run }));
        }
        if !figures.rows.is_empty() {
            tables.push(figures);
        }
    }
    let mut text = about(setup);
    text.extend(lost);
    if !setup.scenario.source.is_empty() {
        text.push(format!("Sources: {}", setup.scenario.source.join("; ")));
    }
    Ok(Answer {
        title: setup.scenario.name.clone(),
        about: text,
        tables,
        plots: plots_of_runs(setup, runs),
        json: json!({ "scenario": setup.scenario.name, "seed": setup.scenario.seed, "runs": runs, "figures": known }),
    })
}

fn plots_of_runs(setup: &Setup, runs: &[Run]) -> Vec<Plot> {
    let Some(first) = runs.first() else { return Vec::new() };
    let points = |run: &Run, of: &dyn Fn(&Moment) -> f64| {
        run.moments.iter().map(|moment| (moment.secs as f64 / HOUR, of(moment))).collect::<Vec<_>>()
    };
    let plot = |title: String, y_title: &str, series: Vec<Series>| Plot {
        title,
        x_title: "hours".into(),
        y_title: y_title.into(),
        series,
        marks: Vec::new(),
    };
    let mut plots = Vec::new();
    for (index, token) in setup.scenario.tokens.iter().enumerate().filter(|(_, token)| !token.venue.is_cash) {
        let at = move |prices: &[f64]| prices.get(index).copied().unwrap_or(f64::NAN);
        // Rules first, so that each has the colour that it has in the other pictures.
        let mut series: Vec<Series> = if runs.len() == 1 {
            vec![
                Series::line("market", points(first, &|it| at(&it.spot))),
                Series::line("oracle", points(first, &|it| at(&it.oracle))),
            ]
        } else {
            runs.iter().map(|run| Series::line(run.rule.clone(), points(run, &|it| at(&it.spot)))).collect()
        };
        series.push(Series::line("without forced sales", points(first, &|it| at(&it.fundamental))));
        plots.push(plot(format!("Price of {}", token.name), "USD", series));
    }
    let by_rule = |of: &dyn Fn(&Moment) -> f64| {
        runs.iter().map(|run| Series::line(run.rule.clone(), points(run, of))).collect::<Vec<_>>()
    };
    plots.push(plot("Debt of unhealthy positions".into(), "USD", by_rule(&|it| it.unhealthy_debt)));
    plots.push(plot("Debt repaid by liquidations so far".into(), "USD", by_rule(&|it| it.sums.repaid)));
    plots.push(plot("Debt written off so far".into(), "USD", by_rule(&|it| it.sums.written_off)));
    plots
}

/// Falls at once.
pub fn of_shocks(setup: &Setup, tokens: &[String], shocks: &[Shock]) -> Answer {
    let names =
        ["fall", "positions", "their debt", "collateral", "sold to target", "insolvent", "shortfall", "terminal debt"];
    let row = |it: &Shock| {
        let money = [it.debt, it.collateral, it.sold, it.insolvent, it.shortfall, it.terminal];
        let mut row = vec![percent(it.fall), it.liquidatable.to_string()];
        row.extend(money.map(usd));
        row
    };
    let line = |name: &str, of: fn(&Shock) -> f64| {
        Series::line(name, shocks.iter().map(|it| (it.fall * 100.0, of(it))).collect())
    };
    let plot = Plot {
        title: format!("What a fall of {} at once does", tokens.join(", ")),
        x_title: "fall, %".into(),
        y_title: "USD".into(),
        series: vec![
            line("debt that can be liquidated", |it| it.debt),
            line("sold to target", |it| it.sold),
            line("expected shortfall", |it| it.shortfall),
            line("insolvent", |it| it.insolvent),
        ],
        marks: Vec::new(),
    };
    Answer {
        title: format!("{}: a fall of {}", setup.scenario.name, tokens.join(", ")),
        about: about(setup),
        tables: vec![Table {
            title: "Liquidatable value and expected shortfall, USD".into(),
            header: header(&names),
            rows: shocks.iter().map(row).collect(),
            note: "Sold to target: what liquidations to target health would sell at once, no throttle. Insolvent: debt beyond \
                   plain value. Shortfall: debt beyond what a forced sale of each position alone would bring."
                .into(),
        }],
        plots: vec![plot],
        json: json!({ "scenario": setup.scenario.name, "tokens": tokens, "shocks": shocks }),
    }
}

/// Many futures, by rule.
pub fn of_bad_debt(setup: &Setup, by_rule: &[(String, BadDebt)]) -> Answer {
    let row = |(rule, it): &(String, BadDebt)| {
        let mut row = vec![rule.clone(), format!("{} ± {}", usd(it.mean), usd(it.error))];
        row.extend([it.quantile_95, it.quantile_99, it.shortfall_99, it.worst].map(usd));
        row.push(percent(it.frequency));
        row.extend([it.mean_sums.borrower_loss, it.mean_sums.liquidator_profit].map(usd));
        row.push(percent(it.mean_sums.impact_max));
        row
    };
    let curve = |(rule, it): &(String, BadDebt)| {
        let count = it.ordered.len().max(1) as f64;
        let points = it.ordered.iter().enumerate().map(|(index, loss)| ((index as f64 + 0.5) / count * 100.0, *loss));
        // What happens in the worst fifth is the question.
        Series::line(rule.clone(), points.filter(|(part, _)| *part >= 80.0).collect())
    };
    let paths = by_rule.first().map_or(0, |(_, it)| it.paths);
    let hours = by_rule.first().map_or(0.0, |(_, it)| it.horizon_secs as f64 / HOUR);
    let mut text = about(setup);
    text.push(format!("{paths} futures of {hours:.1} hours each."));
    let rules: Vec<&str> = by_rule.iter().map(|(rule, _)| rule.as_str()).collect();
    let of = |number: fn(&BadDebt) -> f64| by_rule.iter().map(|(_, it)| number(it)).collect();
    let measures: [Measure; 4] = [
        ("mean bad debt", usd, of(|it| it.mean)),
        ("bad debt of the worst hundredth", usd, of(|it| it.shortfall_99)),
        ("lost by borrowers", usd, of(|it| it.mean_sums.borrower_loss)),
        ("worst impact on a price", percent, of(|it| it.mean_sums.impact_max)),
    ];
    text.extend(where_plimsoll_loses(&rules, &measures));
    Answer {
        title: format!("{}: bad debt", setup.scenario.name),
        about: text,
        tables: vec![Table {
            title: "Bad debt, USD".into(),
            header: header(&[
                "rule",
                "mean",
                "95%",
                "99%",
                "worst 1% mean",
                "worst",
                "futures with any",
                "borrowers lose",
                "liquidators earn",
                "worst impact",
            ]),
            rows: by_rule.iter().map(row).collect(),
            note: "Written off, or worth less than its debt at the end. The last three are means. Only Plimsoll has a backstop."
                .into(),
        }],
        plots: vec![Plot {
            title: "Bad debt in the worst fifth of futures".into(),
            x_title: "futures that are no worse, %".into(),
            y_title: "USD".into(),
            series: by_rule.iter().map(curve).collect(),
            marks: vec![(95.0, "95%".into()), (99.0, "99%".into())],
        }],
        json: json!({
            "scenario": setup.scenario.name,
            "seed": setup.scenario.seed,
            "rules": by_rule.iter().map(|(rule, it)| json!({ "rule": rule, "bad_debt": it })).collect::<Vec<_>>(),
        }),
    }
}

/// Parameter sets.
pub fn of_frontier(scenario: &Scenario, token: &str, points: &[Point]) -> Answer {
    let name = &scenario.name;
    let who = if scenario.live.is_some() {
        "The book as it was, under each set of terms: nobody owes more or less for them."
    } else {
        "The same borrowers, with the same healths, under each set of terms: who may borrow more does."
    };
    let settings: Vec<&String> = points.first().map_or(Vec::new(), |point| point.set.keys().collect());
    let mut names: Vec<String> = settings.iter().map(|name| (*name).clone()).collect();
    names.extend(header(&["power", "debt", "mean loss", "99% loss", "borrowers lose", "efficient"]));
    let row = |point: &Point| {
        let mut row: Vec<String> = settings.iter().map(|name| point.set[*name].to_string()).collect();
        row.extend([percent(point.power), usd(point.debt)]);
        row.extend([point.mean, point.quantile_99, point.borrower_loss].map(percent));
        row.push(if point.is_efficient { "yes".into() } else { String::new() });
        row
    };
    let dots = |name: &str, is_efficient: bool| {
        let points = points.iter().filter(|point| point.is_efficient == is_efficient);
        Series::dots(name, points.map(|point| (point.power * 100.0, point.quantile_99 * 100.0)).collect())
    };
    Answer {
        title: format!("{name}: terms of {token}"),
        about: vec![who.into()],
        tables: vec![Table {
            title: "Loss against borrowing power".into(),
            header: names,
            rows: points.iter().map(row).collect(),
            note: "Losses are parts of the debt. Power: what a position of the median size may owe, as a part of its \
                   collateral, before it can be liquidated. Efficient: no other set loses less in the worst of a hundred \
                   futures at no less power."
                .into(),
        }],
        plots: vec![Plot {
            title: "Loss in the worst of a hundred futures against borrowing power".into(),
            x_title: "borrowing power, % of collateral".into(),
            y_title: "loss, % of debt".into(),
            series: vec![dots("efficient", true), dots("others", false)],
            marks: Vec::new(),
        }],
        json: json!({ "scenario": name, "token": token, "points": points }),
    }
}

/// Reproduction numbers.
pub fn of_cascade(setup: &Setup, token: &str, cascade: &Cascade) -> Answer {
    let row =
        |it: &crate::ask::cascade::Reproduction| vec![percent(it.fall), usd(it.sold), format!("{:.3}", it.number)];
    let says = cascade.begins_at.map_or_else(
        || "No fall looked at makes a sale bring about one of its size.".to_owned(),
        |fall| format!("From a fall of {} on, a sale brings about one of its size.", percent(fall)),
    );
    let mut text = about(setup);
    text.push(format!("A sale of a hundredth of the depth moves the price by {}. {says}", percent(cascade.impact)));
    let points = cascade.reproduction.iter().map(|it| (it.fall * 100.0, it.number)).collect();
    Answer {
        title: format!("{}: how far to a cascade of {token}", setup.scenario.name),
        about: text,
        tables: vec![Table {
            title: "Reproduction number of forced sales".into(),
            header: header(&["fall", "sold to target", "reproduction number"]),
            rows: cascade.reproduction.iter().map(row).collect(),
            note:
                "Sales that a sale brings about, as a part of it, if all happened at once: neither throttle nor buyers \
                   who come back are counted."
                    .into(),
        }],
        plots: vec![Plot {
            title: "Reproduction number".into(),
            x_title: "fall, %".into(),
            y_title: "sales brought about by a sale".into(),
            series: vec![Series::line("reproduction number", points)],
            marks: cascade.begins_at.map(|fall| (fall * 100.0, "one".to_owned())).into_iter().collect(),
        }],
        json: json!({ "scenario": setup.scenario.name, "token": token, "cascade": cascade }),
    }
}

/// Odds of a position.
pub fn of_odds(setup: &Setup, odds: &Odds) -> Answer {
    let row = |(by, part): &(u64, f64)| vec![format!("{:.1} hours", *by as f64 / HOUR), percent(*part)];
    let points = odds.by.iter().map(|(by, part)| (*by as f64 / HOUR, part * 100.0)).collect();
    Answer {
        title: format!("{}: one position", setup.scenario.name),
        about: vec![format!(
            "Health {:.4} now; its lowest within the time is {:.4} in the median of {} futures.",
            odds.health, odds.lowest_median, odds.paths
        )],
        tables: vec![Table {
            title: "Probability that it can be liquidated".into(),
            header: header(&["within", "probability"]),
            rows: odds.by.iter().map(row).collect(),
            note: String::new(),
        }],
        plots: vec![Plot {
            title: "Probability that it can be liquidated".into(),
            x_title: "hours".into(),
            y_title: "%".into(),
            series: vec![Series::line("probability", points)],
            marks: Vec::new(),
        }],
        json: json!({ "scenario": setup.scenario.name, "odds": odds }),
    }
}
