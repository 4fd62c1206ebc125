//! The TypeScript client: what `npm` runs in `sdk/`, from its lock file, and its examples on a local validator.

use std::{fs, process::Command};

use anyhow::{ensure, Context, Result};

use crate::{
    build, hash, process,
    surfpool::{Options, Validator},
    ui,
    workspace::Workspace,
};

/// In `node_modules`: of which lock file it was installed.
const STAMP: &str = "sdk/node_modules/.installed-from";

/// `npm` in `sdk/`.
fn npm(ws: &Workspace, arguments: &[&str]) -> Command {
    let mut npm = process::command("npm");
    npm.args(arguments).current_dir(ws.path("sdk"));
    npm
}

/// Installs what the lock file says, unless that is what is there.
pub fn install(ws: &Workspace) -> Result<()> {
    for program in ["node", "npm"] {
        ensure!(
            process::on_path(program),
            "expected {program} on the path; found none. Install Node 20.18 or newer with npm"
        );
    }
    let lock = fs::read(ws.path("sdk/package-lock.json")).context("reading sdk/package-lock.json")?;
    let wanted = hash::sha256(&lock);
    if fs::read_to_string(ws.path(STAMP)).ok().as_deref() == Some(&wanted) {
        return Ok(());
    }
    // Nothing runs while installing: what is needed of a package is in it.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    ui::task("installing what the TypeScript client is built with", |task| {
        process::checked(&mut npm(ws, &arguments), task).map(drop)
    })?;
    fs::write(ws.path(STAMP), wanted).with_context(|| format!("writing {STAMP}"))
}

/// Types, format, generated code, unit tests and golden vectors, the package, and the examples on a validator.
pub fn check(ws: &Workspace) -> Result<()> {
    install(ws)?;
    for script in ["check", "test", "package"] {
        process::shown(&mut npm(ws, &["run", "--silent", script]))?;
    }
    let validator = Validator::start(ws, &Options { block_production: "transaction", slot_time_ms: 400 })?;
    let mut examples = npm(ws, &["run", "--silent", "test:validator"]);
    examples
        .env("PLIMSOLL_RPC", &validator.endpoints.rpc)
        .env("PLIMSOLL_WS", &validator.endpoints.ws)
        .env("PLIMSOLL_SO", ws.deployed(build::PLIMSOLL.name));
    process::shown(&mut examples)
}
