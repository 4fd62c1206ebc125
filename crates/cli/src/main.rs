//! The command `plimsoll`.

mod chain;
mod demo;
mod deploy;
mod faults;
mod keeper;
mod market;
mod pictures;
mod prices;
mod rehearse;
mod sim;
mod tables;
mod vectors;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Plimsoll: liquidations that cannot make matters worse.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A market's story on a local validator, from deployment to haircut.
    Demo(demo::Args),
    /// A market's story on a validator that drops, repeats and reorders transactions, stays without prices, and dies.
    Faults(faults::Args),
    /// Watch a market, liquidate what is unhealthy, and tell what that earned: `docs/guides/liquidator.md`.
    Keeper(keeper::Args),
    /// Deploy and configure a market from one file: `migrations/README.md`.
    Market(market::Args),
    /// Draw the pictures of the documents with the engine's own functions.
    Pictures(pictures::Args),
    /// Ask what a market would do: scenarios, shocks, futures, parameters, cascades: `docs/guides/risk.md`.
    Sim(sim::Args),
    /// Write the tables of the documents from the engine's own.
    Tables(tables::Args),
    /// Evaluate golden cases through the engine and compare.
    Vectors(vectors::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Faults(args) => faults::run(&args),
        Command::Keeper(args) => keeper::run(&args),
        Command::Market(args) => market::run(&args),
        Command::Pictures(args) => pictures::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Tables(args) => tables::run(&args),
        Command::Vectors(args) => vectors::run(&args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("plimsoll: {error:#}");
        ExitCode::FAILURE
    })
}
