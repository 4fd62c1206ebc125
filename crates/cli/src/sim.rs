//! `plimsoll sim`: one question a subcommand, of a market in a file. Tables on the terminal, `--json` for machines, `--html` for
//! a page with pictures.

pub(crate) mod snapshot;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use plimsoll_sim::ask::{bad_debt, cascade, frontier, position, run as runs, series, shock};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::paths::{csv, PathTerms};
use plimsoll_sim::report::{self, Answer};
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::Scenario;

/// Seconds of a day.
const DAY_SECS: u64 = 86_400;

/// A question about a market.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// What happens in a scenario
    Run {
        #[command(flatten)]
        market: Market,
        /// Which of the random paths
        #[arg(long, default_value_t = 0)]
        path: u64,
        /// Beside it the same under a fixed close factor, an Aave-v4-like rule and a Dutch auction
        #[arg(long)]
        against: bool,
    },
    /// What can be liquidated, and what would be lost, after a fall at once
    Shock {
        #[command(flatten)]
        market: Market,
        /// Tokens that fall; all volatile ones where none is named
        #[arg(long = "token", value_name = "NAME")]
        tokens: Vec<String>,
        /// The deepest fall, as a part of the price
        #[arg(long, default_value_t = 0.6)]
        most: f64,
        /// Falls from none to that one
        #[arg(long, default_value_t = 24)]
        count: usize,
    },
    /// How much debt goes bad: mean, 95% and 99% of many futures
    BadDebt {
        #[command(flatten)]
        market: Market,
        /// Futures
        #[arg(long, default_value_t = 1_000)]
        paths: u64,
        /// Beside it the same under the other rules
        #[arg(long)]
        against: bool,
    },
    /// Which parameters lose least for what borrowing power
    Frontier {
        #[command(flatten)]
        market: Market,
        /// The collateral whose parameters change
        #[arg(long, value_name = "NAME")]
        token: String,
        /// A parameter and its values; every combination is tried
        #[arg(long, value_name = "NAME=VALUE,VALUE", required = true, value_parser = values)]
        vary: Vec<(String, Vec<u64>)>,
        /// Futures of each combination
        #[arg(long, default_value_t = 200)]
        paths: u64,
    },
    /// How far it is to a cascade: the reproduction number of forced sales
    Cascade {
        #[command(flatten)]
        market: Market,
        /// The collateral that falls
        #[arg(long, value_name = "NAME")]
        token: String,
        /// The deepest fall, as a part of the price
        #[arg(long, default_value_t = 0.6)]
        most: f64,
        /// Falls from none to that one
        #[arg(long, default_value_t = 24)]
        count: usize,
    },
    /// What recorded prices say about volatility, z, tau and bonus
    Series {
        /// CSV with a header that names at least `time` and `close`
        file: PathBuf,
        /// Maintenance factor m of the collateral, as a part
        #[arg(long, default_value_t = 0.8)]
        maintenance: f64,
        /// Least daily volatility that counts, as a part
        #[arg(long, default_value_t = 0.02)]
        sigma_floor: f64,
        /// Most daily volatility that counts, as a part
        #[arg(long, default_value_t = 0.15)]
        sigma_cap: f64,
        /// Daily volatility from which on depth shrinks, as a part
        #[arg(long, default_value_t = 0.04)]
        sigma_ref: f64,
        /// Most by which maintenance volatility rises in an hour, as a part
        #[arg(long, default_value_t = 0.005)]
        sigma_rise: f64,
        /// Values of z to compare
        #[arg(long = "z", value_name = "Z,Z", value_delimiter = ',', default_values_t = [2.33, 3.8, 5.0])]
        zs: Vec<f64>,
        /// Horizons to compare, seconds
        #[arg(long = "tau", value_name = "SECONDS,SECONDS", value_delimiter = ',', default_values_t = [600.0, 1_800.0, 3_600.0])]
        horizons_secs: Vec<f64>,
        /// Print one JSON object and nothing else
        #[arg(long)]
        json: bool,
        /// Write a page with pictures
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// How likely the first position of a scenario, or one of a live market, can be liquidated within a day and a week
    Position {
        #[command(flatten)]
        market: Market,
        /// Which one, where the scenario is over a snapshot: its address, or its owner's
        #[arg(long, value_name = "ADDRESS")]
        position: Option<String>,
        /// Futures
        #[arg(long, default_value_t = 1_000)]
        paths: u64,
    },
    /// Take a snapshot of a market that runs on a cluster, to ask about
    Snapshot(snapshot::Args),
}

/// The market in question, and how it is answered.
#[derive(clap::Args)]
struct Market {
    /// The market: a TOML file such as those in `scenarios`
    scenario: PathBuf,
    /// Another seed than the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// Recorded prices of a token in place of its path, scaled to its first price. CSV with `time` and `close`
    #[arg(long, value_name = "TOKEN=FILE.csv", value_parser = pair)]
    prices: Vec<(String, String)>,
    /// Print one JSON object and nothing else
    #[arg(long)]
    json: bool,
    /// Write a page with pictures
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, got `{text}`"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn values(text: &str) -> Result<(String, Vec<u64>), String> {
    let (name, list) = pair(text)?;
    let value = |text: &str| text.trim().parse().map_err(|_| format!("expected whole numbers, got `{text}`"));
    Ok((name, list.split(',').map(value).collect::<Result<_, _>>()?))
}

impl Market {
    fn scenario(&self) -> Result<Scenario> {
        let mut scenario = Scenario::read(&self.scenario)?;
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        for (name, file) in &self.prices {
            let token = scenario.token(name)?;
            let file = std::env::current_dir()?.join(file).to_string_lossy().into_owned();
            scenario.tokens[token].path = PathTerms::Csv { file, from_unix: 0, scaled: true };
        }
        Ok(scenario)
    }

    fn setup(&self) -> Result<Setup> {
        let scenario = self.scenario()?;
        Setup::new(&scenario).with_context(|| format!("the market of {}", self.scenario.display()))
    }

    fn progress(&self, steps: u64, of: &str) -> ProgressBar {
        let bar = if self.json { ProgressBar::hidden() } else { ProgressBar::new(steps) };
        let template = format!("{{bar:32}} {{pos}} of {{len}} {of}, {{elapsed}} so far, {{eta}} to go");
        // A template that does not parse is a mistake here; without it the bar is plain.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar
    }

    fn tell(&self, answer: &Answer) -> Result<()> {
        tell(answer, self.json, self.html.as_deref())
    }
}

fn tell(answer: &Answer, json: bool, html: Option<&Path>) -> Result<()> {
    if json {
        println!("{:#}", answer.json);
    } else {
        print!("{}", answer.text());
    }
    html.map_or(Ok(()), |file| write_page(file, answer))
}

fn write_page(file: &Path, answer: &Answer) -> Result<()> {
    std::fs::write(file, answer.html()?).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("wrote {}", file.display());
    Ok(())
}

/// Answers a question.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.question {
        Question::Run { market, path, against } => run_scenario(market, *path, *against)?,
        Question::Shock { market, tokens, most, count } => run_shock(market, tokens, *most, *count)?,
        Question::BadDebt { market, paths, against } => run_bad_debt(market, *paths, *against)?,
        Question::Frontier { market, token, vary, paths } => run_frontier(market, token, vary, *paths)?,
        Question::Cascade { market, token, most, count } => run_cascade(market, token, *most, *count)?,
        Question::Position { market, position, paths } => run_position(market, position.as_deref(), *paths)?,
        Question::Snapshot(args) => return snapshot::run(args),
        Question::Series {
            file,
            maintenance,
            sigma_floor,
            sigma_cap,
            sigma_ref,
            sigma_rise,
            zs,
            horizons_secs,
            json,
            html,
        } => {
            let terms = series::Terms {
                maintenance: *maintenance,
                sigma: (*sigma_floor, *sigma_cap),
                sigma_ref: *sigma_ref,
                sigma_rise: *sigma_rise,
                zs: zs.clone(),
                horizons_secs: horizons_secs.clone(),
            };
            let seen = series::observe(&csv::bars(file)?, &terms).with_context(|| file.display().to_string())?;
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
            tell(&report::of_series(&name, &seen), *json, html.as_deref())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run_scenario(market: &Market, path: u64, against: bool) -> Result<()> {
    let setup = market.setup()?;
    let has_pools = setup.chain.pools.iter().any(Option::is_some);
    let rules = if against { 4 + u64::from(has_pools) } else { 1 };
    let bar = market.progress(setup.scenario.steps as u64 * rules, "steps");
    let told = |count| bar.inc(count);
    let runs = if against {
        runs::compare(&setup, path, &told)?
    } else {
        vec![runs::run(&setup, Rule::Plimsoll, path, &told)?]
    };
    bar.finish_and_clear();
    market.tell(&report::of_runs(&setup, &runs)?)
}

fn run_shock(market: &Market, names: &[String], most: f64, count: usize) -> Result<()> {
    ensure!((0.0..1.0).contains(&most) && count > 0, "expected a fall below 1 and at least one step to it");
    let setup = market.setup()?;
    let all = || setup.scenario.tokens.iter().filter(|token| !token.venue.is_cash).map(|token| token.name.clone());
    let names: Vec<String> = if names.is_empty() { all().collect() } else { names.to_vec() };
    let tokens = names.iter().map(|name| setup.scenario.token(name)).collect::<Result<Vec<_>>>()?;
    let bar = market.progress(count as u64 + 1, "falls");
    let shocks = shock::shocks(&setup, &tokens, most, count, &|done| bar.inc(done))?;
    bar.finish_and_clear();
    market.tell(&report::of_shocks(&setup, &names, &shocks))
}

fn run_bad_debt(market: &Market, paths: u64, against: bool) -> Result<()> {
    ensure!(paths > 0, "expected at least one future");
    let setup = market.setup()?;
    let rules = if against { runs::compared(&setup) } else { vec![(setup.clone(), Rule::Plimsoll, "Plimsoll".into())] };
    let bar = market.progress(paths * rules.len() as u64, "futures");
    let mut by_rule = Vec::new();
    for (market, rule, name) in rules {
        by_rule.push((name, bad_debt::bad_debt(&market, &rule, paths, &|done| bar.inc(done))?));
    }
    bar.finish_and_clear();
    market.tell(&report::of_bad_debt(&setup, &by_rule))
}

fn run_frontier(market: &Market, token: &str, vary: &[(String, Vec<u64>)], paths: u64) -> Result<()> {
    let scenario = market.scenario()?;
    let index = scenario.token(token)?;
    let sets: usize = vary.iter().map(|(_, values)| values.len()).product();
    let bar = market.progress(paths * sets as u64, "futures");
    let points = frontier::frontier(&scenario, index, vary, paths, &|done| bar.inc(done))?;
    bar.finish_and_clear();
    market.tell(&report::of_frontier(&scenario, token, &points))
}

fn run_cascade(market: &Market, token: &str, most: f64, count: usize) -> Result<()> {
    ensure!((0.0..1.0).contains(&most) && count > 0, "expected a fall below 1 and at least one step to it");
    let setup = market.setup()?;
    let index = setup.scenario.token(token)?;
    let bar = market.progress(count as u64 + 1, "falls");
    let cascade = cascade::cascade(&setup, index, most, count, &|done| bar.inc(done))?;
    bar.finish_and_clear();
    market.tell(&report::of_cascade(&setup, token, &cascade))
}

fn run_position(market: &Market, position: Option<&str>, paths: u64) -> Result<()> {
    let mut scenario = market.scenario()?;
    // The position alone: nobody else's sales are asked about.
    scenario.book.positions = 0;
    let week = 7 * DAY_SECS;
    scenario.steps = usize::try_from(week.div_ceil(scenario.step_secs))?;
    let setup = of_position(&scenario, position).with_context(|| market.scenario.display().to_string())?;
    let bar = market.progress(paths, "futures");
    let times: Vec<u64> =
        [1, 4, 12].map(|hours| hours * 3_600).into_iter().chain((1..=7).map(|day| day * DAY_SECS)).collect();
    let odds = position::position(&setup, &times, paths, &|done| bar.inc(done))?;
    bar.finish_and_clear();
    market.tell(&report::of_odds(&setup, &odds))
}

/// The market with the position that is asked about, and no other.
fn of_position(scenario: &Scenario, position: Option<&str>) -> Result<Setup> {
    let Some(snapshot) = &scenario.live else {
        ensure!(position.is_none(), "expected no --position, got one: only positions of a snapshot have addresses");
        ensure!(!scenario.positions.is_empty(), "expected a [[position]], got none");
        return Setup::new(scenario);
    };
    let count = snapshot.positions.len();
    let named = position.with_context(|| {
        format!("expected --position ADDRESS: which of the snapshot's {count} positions is asked about?")
    })?;
    let mut setup = Setup::new(scenario)?;
    setup.only(named)?;
    Ok(setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cli, Command};
    use clap::Parser;

    /// What the guide tells to type.
    fn guide() -> Vec<Args> {
        let lines =
            include_str!("../../../docs/guides/risk.md").lines().filter(|line| line.starts_with("plimsoll sim "));
        let parsed = lines.map(|line| {
            let line = line.replace("ADDRESS", "11111111111111111111111111111111");
            let words = line.split('#').next().unwrap_or_default().split_whitespace();
            match Cli::try_parse_from(words).map(|cli| cli.command) {
                Ok(Command::Sim(args)) => args,
                Ok(_) => panic!("another command: {line}"),
                Err(error) => panic!("{line}: {error}"),
            }
        });
        parsed.collect()
    }

    #[test]
    fn every_command_of_the_guide_is_one_and_its_settings_are_accepted() {
        let commands = guide();
        assert!(commands.len() >= 10, "{}", commands.len());
        let mut varied = 0;
        for args in commands {
            let Question::Frontier { market, token, vary, .. } = args.question else { continue };
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(market.scenario);
            let mut scenario = Scenario::read(&file).expect("the guide's scenario");
            (scenario.book.positions, scenario.steps) = (20, 2);
            let index = scenario.token(&token).expect("the guide's token");
            let points = frontier::frontier(&scenario, index, &vary, 1, &|_| {}).expect("settings that are accepted");
            varied += points.len();
        }
        assert!(varied > 3, "{varied}");
    }

    #[test]
    fn a_position_is_asked_about_by_its_address_only_where_it_has_one() {
        let text = "name = \"a\"\nstep_secs = 60\nsteps = 1\n[[token]]\nname = \"A\"\nprice = 1.0\ndepth = 1e6\n";
        let scenario = Scenario::parse(text).expect("a scenario");
        let told = |position| of_position(&scenario, position).expect_err("none of these can be asked").to_string();
        assert_eq!(told(None), "expected a [[position]], got none");
        assert_eq!(told(Some("7")), "expected no --position, got one: only positions of a snapshot have addresses");
    }
}
