//! `cargo xtask test`: everything a contributor must see green.

use std::process::ExitCode;

use anyhow::{bail, ensure, Result};

use crate::{
    app, artifact, bench, build, cargo::cargo, demo, faults, fuzz, idl, mutants, ops, process, rehearse, sdk,
    steps::Steps, toolchain::Toolchain, wasm, workspace::Workspace,
};

#[derive(clap::Args)]
pub struct Args {
    /// Only these steps (after building); all without a name
    steps: Vec<String>,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    // Without a program nothing below means anything, so a failure ends the run here.
    let compiler = build::program(ws)?;
    let compiler = compiler.as_ref();
    let with_compiler = || compiler.map(drop).ok_or_else(|| "no compiler for the chain on this machine".to_owned());

    let mut steps = Steps::new(&args.steps);
    steps.step("format", || process::shown(cargo(ws).args(["fmt", "--all", "--check"])));
    steps.step("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        process::shown(cargo(ws).args(arguments))
    });
    steps.step("engine", || engine_is_pure(ws));
    steps.step("idl", || idl::check(ws));
    steps.step("artifact", || artifact::check(ws, compiler));
    steps.step_if("bigframe", with_compiler(), || build::refuses_big_frame(ws, required(compiler)?));
    steps.step_if("soundness", with_compiler(), || {
        build::soundness(ws, required(compiler)?)?;
        process::shown(cargo(ws).args(["test", "--locked", "--package", "plimsoll-tests", "--test", "soundness"]))
    });
    steps.step("tests", || {
        let mut test = cargo(ws);
        test.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
        if let Some(toolchain) = compiler {
            build::pool(ws, toolchain)?;
        } else {
            // The first are shown as "not run" above; the others need the pool, a test program.
            test.args(["--", "--skip", "soundness_", "--skip", "with_the_pool"]);
        }
        process::shown(&mut test)
    });
    steps.step_if("bench", with_compiler(), || bench::check(ws, required(compiler)?));
    steps.step("fuzz", || fuzz::every_target(ws, fuzz::SECONDS_IN_TEST));
    steps.step("mutants", || mutants::check(ws));
    steps.step("vectors", || {
        let run = ["run", "--quiet", "--locked", "--package", "plimsoll-cli", "--bin", "plimsoll", "--"];
        for file in ["vectors/reference.json", "vectors/plimsoll.json"] {
            process::shown(cargo(ws).args(run).args(["vectors", file]))?;
        }
        Ok(())
    });
    steps.step("wasm", || wasm::check(ws));
    steps.step("sdk", || sdk::check(ws));
    steps.step("app", || app::check(ws));
    steps.step_if("ops", ops::can_check(), || ops::check(ws));
    steps.step("faults", || under_faults(ws));
    steps.step("validator", || on_validator(ws, compiler));
    steps.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn required(compiler: Option<&Toolchain>) -> Result<&Toolchain> {
    compiler.ok_or_else(|| anyhow::anyhow!("no compiler for the chain"))
}

/// The engine knows nothing of Anchor or Solana: that is what lets the browser and the simulator run it.
fn engine_is_pure(ws: &Workspace) -> Result<()> {
    let mut tree = cargo(ws);
    tree.args([
        "tree",
        "--locked",
        "--package",
        "plimsoll-engine",
        "--edges",
        "normal",
        "--target",
        "all",
        "--prefix",
        "none",
    ]);
    let tree = process::stdout_of(&mut tree)?;
    let foreign: Vec<&str> = tree.lines().filter(|line| line.contains("anchor") || line.contains("solana")).collect();
    if !foreign.is_empty() {
        bail!("plimsoll-engine must depend on neither Anchor nor Solana; found\n{}", foreign.join("\n"));
    }
    Ok(())
}

/// The program on a validator, by the real loader, over JSON-RPC: the demo, and keepers at work, whose checks decide.
fn on_validator(ws: &Workspace, compiler: Option<&Toolchain>) -> Result<()> {
    let status = demo::play(ws, &[])?;
    ensure!(status.success(), "expected every check of the demo to hold on the validator; it ended with {status}");
    let status = demo::play(ws, &["--keeper".into()])?;
    ensure!(status.success(), "expected the keeper to deal with every position of a crash; it ended with {status}");
    let status = rehearse::play(ws, compiler, &[])?;
    ensure!(status.success(), "expected keepers to come through all that goes wrong; it ended with {status}");
    Ok(())
}

/// The same behind a network that loses and repeats, with a validator that dies: `plimsoll faults`, whose checks decide.
fn under_faults(ws: &Workspace) -> Result<()> {
    let status = faults::play(ws, &[])?;
    ensure!(status.success(), "expected nothing lost and nothing stuck under faults; it ended with {status}");
    Ok(())
}
