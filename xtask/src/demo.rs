//! `cargo xtask demo`: the program on a local validator, and the story `plimsoll demo` plays on it.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};

use crate::{
    app, build,
    cargo::cargo,
    process,
    surfpool::{Options, Validator},
    ui,
    workspace::Workspace,
};

#[derive(clap::Args)]
pub struct Args {
    /// Instead of the story: the page with a market to try it on, until Ctrl-C
    #[arg(long)]
    app: bool,
    /// Port of that page; without it a free one
    #[arg(long, requires = "app", default_value_t = 0)]
    port: u16,
    /// Arguments of `plimsoll demo`; with --json only JSON goes to standard output
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    build::program(ws)?;
    if args.app {
        return Ok(process::exit_code(app::demo(ws, args.port)?));
    }
    Ok(process::exit_code(play(ws, &args.rest)?))
}

/// Plays the story on a validator of its own, which ends with it.
pub fn play(ws: &Workspace, rest: &[String]) -> Result<ExitStatus> {
    let validator = Validator::start(ws, &Options { block_production: "transaction", slot_time_ms: 400 })?;
    let mut cli = cargo(ws);
    cli.args(["run", "--quiet", "--locked", "--package", "plimsoll-cli", "--bin", "plimsoll", "--"])
        .args(["demo", "--rpc", &validator.endpoints.rpc, "--ws", &validator.endpoints.ws])
        .args(["--so", "target/deploy/plimsoll.so", "--program-keypair", "keys/localnet-program.json"])
        .args(rest);
    ui::note("compiling the command line and starting the demo");
    cli.status().context("starting `plimsoll demo`")
}
