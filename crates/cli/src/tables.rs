//! `plimsoll tables`: writes the table of `docs/oracle.md` from the engine's own, so that the document cannot say another
//! thing than the program does.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use plimsoll_engine::oracle_policy::{Action, AgeLimit, ConfidenceLimit, Demand, Legs, Otherwise, Row, TABLE};

const BEGIN: &str = "<!-- Written by `plimsoll tables`; do not edit. -->\n";
const END: &str = "<!-- End of what `plimsoll tables` writes. -->\n";

/// Which document to write into.
#[derive(clap::Args)]
pub struct Args {
    /// Document with the two marks.
    #[arg(long, default_value = "docs/oracle.md")]
    file: PathBuf,
}

/// Replaces the table between the marks.
pub fn run(args: &Args) -> Result<ExitCode> {
    let file = args.file.display();
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {file}"))?;
    let written =
        rewrite(&text).with_context(|| format!("{file} lacks the marks `{}` and `{}`", BEGIN.trim(), END.trim()))?;
    std::fs::write(&args.file, written).with_context(|| format!("cannot write {file}"))?;
    println!("{file} ({} rows)", TABLE.len());
    Ok(ExitCode::SUCCESS)
}

/// The document with the table as it is now; nothing where the marks are missing.
fn rewrite(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", table()))
}

fn table() -> String {
    let mut lines =
        String::from("| action | price of | age at most | confidence at most | from the average | otherwise |\n");
    lines.push_str("|---|---|---|---|---|---|\n");
    for Row { action, legs, demand, otherwise } in &TABLE {
        let [age, confidence, average] = demand.as_ref().map_or(["any"; 3], limits);
        let otherwise = demand.map_or("", |_| consequence(*otherwise));
        let (action, legs) = (name(*action), whose(*legs));
        lines.push_str(&format!("| {action} | {legs} | {age} | {confidence} | {average} | {otherwise} |\n"));
    }
    lines
}

fn limits(demand: &Demand) -> [&'static str; 3] {
    let age = match demand.age {
        AgeLimit::Borrow => "`borrow_age_secs`",
        AgeLimit::Liquidate => "`liquidate_age_secs`",
        AgeLimit::QuarterOfLiquidate => "a quarter of `liquidate_age_secs`",
    };
    let confidence = match demand.confidence {
        ConfidenceLimit::Soft => "`confidence_soft_bps`",
        ConfidenceLimit::Hard => "`confidence_hard_bps`",
    };
    [age, confidence, if demand.near_average { "`ema_band_bps`" } else { "any" }]
}

fn name(action: Action) -> &'static str {
    match action {
        Action::Unpriced => "deposit, repay, supply, redeem, withdraw without debt, flash loans, claims, fees",
        Action::Borrow => "borrow",
        Action::Withdraw => "withdraw with debt",
        Action::List => "create a reserve",
        Action::Protect => "liquidate by a protection order",
        Action::Rescue => "deposit beyond the cap (rescue)",
        Action::Call => "call, end a call or flag",
        Action::Flag => "flag",
        Action::Liquidate => "liquidate",
        Action::Absorb => "buy for the backstop",
        Action::Mark => "mark a default",
        Action::Settle => "settle a default",
    }
}

fn whose(legs: Legs) -> &'static str {
    match legs {
        Legs::None => "nothing",
        Legs::Own => "its token",
        Legs::All => "every leg",
        Legs::Pair => "the seized and the repaid token",
        Legs::Others => "the other legs",
        Legs::Rests => "each collateral that is not empty and, where there is one, each debt",
    }
}

fn consequence(otherwise: Otherwise) -> &'static str {
    match otherwise {
        Otherwise::Refused => "refused",
        Otherwise::RefusedUnlessDead => "refused, unless the reading is dead",
        Otherwise::Counts => {
            "goes on: old readings count plainly and fade after notice; of the confidence the hard limit counts"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_document_is_the_engines() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/oracle.md");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            rewrite(&text).expect("the marks") == text,
            "docs/oracle.md is not what the engine does: run `cargo run -p plimsoll-cli -- tables` in the repository's folder"
        );
    }

    #[test]
    fn a_document_without_marks_is_not_written() {
        assert_eq!(rewrite("no marks"), None);
        assert_eq!(rewrite(&format!("one mark {BEGIN}")), None);
    }
}
