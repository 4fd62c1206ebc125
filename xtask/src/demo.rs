//! `cargo xtask demo`: the program on a local validator, and the story `plimsoll demo` plays on it.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    build,
    cargo::cargo,
    surfpool::{Options, Validator},
    ui,
    workspace::Workspace,
};

#[derive(clap::Args)]
pub struct Args {
    /// Arguments of `plimsoll demo`; with --json only JSON goes to standard output
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    build::program(ws)?;
    let validator = Validator::start(ws, &Options { block_production: "transaction", slot_time_ms: 400 })?;
    let mut cli = cargo(ws);
    cli.args([
        "run",
        "--quiet",
        "--locked",
        "--profile",
        "tools",
        "--package",
        "plimsoll-cli",
        "--bin",
        "plimsoll",
        "--",
    ])
    .args(["demo", "--rpc", &validator.endpoints.rpc, "--ws", &validator.endpoints.ws])
    .args(["--so", "target/deploy/plimsoll.so", "--program-keypair", "keys/localnet-program.json"])
    .args(&args.rest);
    ui::note("compiling the command line and starting the demo");
    let status = cli.status().context("starting `plimsoll demo`")?;
    drop(validator);
    Ok(match status.code() {
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        None => ExitCode::FAILURE,
    })
}
