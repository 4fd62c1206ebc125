//! `cargo xtask faults`: the market's story on a validator behind a network that loses and repeats transactions, which is
//! killed on the way. `plimsoll faults` starts and kills the validators itself.

use std::{
    ffi::OsString,
    process::{ExitCode, ExitStatus},
};

use anyhow::{Context, Result};

use crate::{build, cargo::cargo, process, surfpool, toolchain::agave, ui, workspace::Workspace};

#[derive(clap::Args)]
pub struct Args {
    /// On the Agave validator, which starts again from its ledger; the first time, compiling it takes about an hour
    #[arg(long)]
    agave: bool,
    /// Arguments of `plimsoll faults`: --seed N; with --json only JSON goes to standard output
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    build::program(ws)?;
    let status = match args.agave {
        true => on(ws, ["--agave".into(), agave::ensure(ws)?.into()], &args.rest)?,
        false => play(ws, &args.rest)?,
    };
    Ok(process::exit_code(status))
}

/// Plays the story on Surfpool validators of its own, which end with it.
pub fn play(ws: &Workspace, rest: &[String]) -> Result<ExitStatus> {
    on(ws, ["--surfpool".into(), surfpool::ensure(ws)?.into()], rest)
}

/// Plays it on that validator.
fn on(ws: &Workspace, validator: [OsString; 2], rest: &[String]) -> Result<ExitStatus> {
    std::fs::create_dir_all(ws.path("target/xtask"))?;
    let mut cli = cargo(ws);
    cli.args(["run", "--quiet", "--locked", "--package", "plimsoll-cli", "--bin", "plimsoll", "--", "faults"])
        .args(["--so", "target/deploy/plimsoll.so", "--log", "target/xtask/faults.log"])
        .args(validator)
        .args(rest);
    ui::note("compiling the command line and starting the story");
    cli.status().context("starting `plimsoll faults`")
}
