//! `artifacts/plimsoll.so`: the program as last recorded, for machines that cannot get a compiler.

use std::{fs, path::PathBuf};

use anyhow::{bail, ensure, Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    build::PLIMSOLL,
    hash::{sha256, Hasher},
    toolchain::{Toolchain, Versions, TARGET},
    ui,
    workspace::Workspace,
};

/// Everything the program is made of.
const SOURCES: &[&str] =
    &["programs/plimsoll", "crates/engine", "Cargo.lock", "Cargo.toml", TARGET, "xtask/assets/std-solana-1.96.patch"];
const REFRESH: &str = "run `cargo xtask build --record` and commit artifacts/";

/// `artifacts/plimsoll.json`
#[derive(Serialize, Deserialize)]
struct Record {
    /// SHA-256 of `plimsoll.so`.
    program: String,
    /// Hash of `SOURCES`.
    sources: String,
    compiler: Versions,
}

fn paths(ws: &Workspace) -> (PathBuf, PathBuf) {
    (ws.path("artifacts/plimsoll.so"), ws.path("artifacts/plimsoll.json"))
}

fn sources(ws: &Workspace) -> Result<String> {
    let mut hasher = Hasher::default();
    for path in SOURCES {
        hasher.add_path(ws.root(), path)?;
    }
    Ok(hasher.finish())
}

/// The record and the program it describes, checked against each other.
fn load(ws: &Workspace) -> Result<(Record, Vec<u8>)> {
    let (so, json) = paths(ws);
    let text = fs::read_to_string(&json).with_context(|| format!("reading {}; {REFRESH}", json.display()))?;
    let record: Record = serde_json::from_str(&text).with_context(|| format!("{}; {REFRESH}", json.display()))?;
    let program = fs::read(&so).with_context(|| format!("reading {}; {REFRESH}", so.display()))?;
    let found = sha256(&program);
    ensure!(
        found == record.program,
        "artifacts/plimsoll.so is not the file its record describes: expected SHA-256 {}, found {found}; {REFRESH}",
        record.program
    );
    Ok((record, program))
}

/// Records the program that was just built.
pub fn record(ws: &Workspace, toolchain: &Toolchain) -> Result<()> {
    let Toolchain::Upstream(upstream) = toolchain else {
        bail!("the artifact is recorded with the compiler every machine can get: set PLIMSOLL_SBF=upstream and repeat");
    };
    let program = fs::read(ws.deployed(PLIMSOLL.name))?;
    let record = Record { program: sha256(&program), sources: sources(ws)?, compiler: upstream.versions.clone() };
    let (so, json) = paths(ws);
    fs::create_dir_all(ws.path("artifacts"))?;
    fs::write(&so, program)?;
    fs::write(&json, serde_json::to_string_pretty(&record)? + "\n")?;
    ui::note(&format!("recorded artifacts/plimsoll.so, SHA-256 {}", record.program));
    Ok(())
}

/// Puts the recorded program in the place of one that cannot be built, if it is of these very sources.
pub fn restore(ws: &Workspace) -> Result<()> {
    let (record, program) = load(ws).context("no compiler, and no recorded program to use instead")?;
    let found = sources(ws)?;
    ensure!(
        record.sources == found,
        "no compiler, and artifacts/plimsoll.so is of other sources than these: expected {found}, found {}. \
         Get a compiler (docs/toolchain.md), or check out sources the artifact was recorded from",
        record.sources
    );
    fs::write(ws.deployed(PLIMSOLL.name), program)?;
    ui::warn(&format!(
        "using artifacts/plimsoll.so, recorded from these sources with {} (SHA-256 {})",
        record.compiler, record.program
    ));
    Ok(())
}

/// After a build: a remark if the record is of other sources.
pub fn remark(ws: &Workspace) {
    let current = load(ws).and_then(|(record, _)| Ok(record.sources == sources(ws)?));
    if !current.unwrap_or(false) {
        ui::note(&format!("artifacts/plimsoll.so is not of these sources; before you commit, {REFRESH}"));
    }
}

/// Fails when the record and the tree have parted, or when a build by the same compiler gives other bytes.
pub fn check(ws: &Workspace, toolchain: Option<&Toolchain>) -> Result<()> {
    let (record, program) = load(ws)?;
    let found = sources(ws)?;
    ensure!(
        record.sources == found,
        "artifacts/plimsoll.so is of other sources than the tree: expected {found}, found {}; {REFRESH}",
        record.sources
    );
    match toolchain {
        Some(Toolchain::Upstream(upstream)) if upstream.versions == record.compiler => {
            let built = fs::read(ws.deployed(PLIMSOLL.name))?;
            ensure!(
                built == program,
                "the same sources and the same compiler gave another program: expected SHA-256 {}, found {} ({} and {} bytes). \
                 If the environment changed the build, that is a defect of xtask/src/build.rs; otherwise {REFRESH}",
                record.program,
                sha256(&built),
                program.len(),
                built.len()
            );
            ui::note(&format!("built program and artifacts/plimsoll.so are equal, SHA-256 {}", record.program));
        }
        Some(toolchain) => ui::warn(&format!(
            "bytes not compared: recorded with {}, built with {toolchain}. The tests ran on the one just built",
            record.compiler
        )),
        None => ui::warn("bytes not compared: there is no compiler, the tests run on artifacts/plimsoll.so"),
    }
    Ok(())
}
