//! `cargo xtask rehearse`: keepers on a real validator, through a crash and through what goes wrong. `plimsoll keeper rehearse`
//! starts and kills validators and keepers itself.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context, Result};

use crate::{build, cargo::cargo, process, surfpool, toolchain::Toolchain, ui, workspace::Workspace};

#[derive(clap::Args)]
pub struct Args {
    /// Arguments of `plimsoll keeper rehearse`: --act NAME, --seed N; with --json only JSON goes to standard output
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    let compiler = build::program(ws)?;
    Ok(process::exit_code(play(ws, compiler.as_ref(), &args.rest)?))
}

/// Plays it on validators of its own, which end with it. Without a compiler there is no pool, and nobody sells.
pub fn play(ws: &Workspace, compiler: Option<&Toolchain>, rest: &[String]) -> Result<ExitStatus> {
    let script = surfpool::ensure(ws)?;
    let mut cli = cargo(ws);
    cli.args(["run", "--quiet", "--locked", "--package", "plimsoll-cli", "--bin", "plimsoll", "--"])
        .args(["keeper", "rehearse", "--so", "target/deploy/plimsoll.so", "--folder", "target/xtask/rehearse"])
        .arg("--surfpool")
        .arg(script);
    match compiler {
        Some(toolchain) => cli.arg("--pool-so").arg(build::pool(ws, toolchain)?),
        None => &mut cli,
    };
    ui::note("compiling the command line and starting the rehearsal");
    cli.args(rest).status().context("starting `plimsoll keeper rehearse`")
}
