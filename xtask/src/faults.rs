//! `cargo xtask faults`: the market's story on a validator behind a network that loses and repeats transactions, which is
//! killed on the way. `plimsoll faults` starts and kills the validators itself.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};

use crate::{build, cargo::cargo, process, surfpool, ui, workspace::Workspace};

#[derive(clap::Args)]
pub struct Args {
    /// Arguments of `plimsoll faults`: --seed N; with --json only JSON goes to standard output
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    build::program(ws)?;
    Ok(process::exit_code(play(ws, &args.rest)?))
}

/// Plays the story on validators of its own, which end with it.
pub fn play(ws: &Workspace, rest: &[String]) -> Result<ExitStatus> {
    let script = surfpool::ensure(ws)?;
    std::fs::create_dir_all(ws.path("target/xtask"))?;
    let mut cli = cargo(ws);
    cli.args(["run", "--quiet", "--locked", "--package", "plimsoll-cli", "--bin", "plimsoll", "--", "faults"])
        .args(["--so", "target/deploy/plimsoll.so", "--log", "target/xtask/faults.log", "--surfpool"])
        .arg(script)
        .args(rest);
    ui::note("compiling the command line and starting the story");
    cli.status().context("starting `plimsoll faults`")
}
