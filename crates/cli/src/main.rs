//! The command `plimsoll`.

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
    /// Evaluate golden cases through the engine and compare.
    Vectors(vectors::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Vectors(args) => vectors::run(&args),
    }
}
