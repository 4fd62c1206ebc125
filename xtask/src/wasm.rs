//! `sdk/wasm/engine.wasm`: the engine for the browser, by the compiler that also builds the program.
//!
//! It is committed, so that `npm ci && npm test` in `sdk/` and the page need no Rust; `sdk/wasm/engine.json` says of what it
//! was made, and by what.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{bail, ensure, Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    hash::{sha256, Hasher},
    process::{self, command},
    toolchain::compiler::{self, Compiler},
    ui,
    workspace::Workspace,
};

/// Everything the module is made of. (Of `Cargo.lock` only two crates reach it: those change the bytes, which are compared.)
const SOURCES: &[&str] =
    &["crates/engine/src", "crates/engine/Cargo.toml", "crates/wasm/src", "crates/wasm/Cargo.toml"];
const TARGET: &str = "wasm32-unknown-unknown";
const REFRESH: &str = "run `cargo xtask wasm` and commit sdk/wasm/";
/// Small rather than quick: a page loads it first and asks it a few times a second.
const OPT_LEVEL: &str = "s";
const FLAGS: &[&str] = &["-Cpanic=abort", "-Cstrip=symbols"];

#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; fail where the recorded module is not what these sources make
    #[arg(long)]
    check: bool,
}

/// `sdk/wasm/engine.json`
#[derive(Serialize, Deserialize)]
struct Record {
    /// SHA-256 of `engine.wasm`.
    module: String,
    /// Hash of `SOURCES`.
    sources: String,
    /// What made it.
    compiler: String,
}

fn paths(ws: &Workspace) -> (PathBuf, PathBuf) {
    (ws.path("sdk/wasm/engine.wasm"), ws.path("sdk/wasm/engine.json"))
}

pub fn run(ws: &Workspace, args: &Args) -> Result<()> {
    if args.check {
        return check(ws);
    }
    let compiler = compiler::ensure()?;
    let module = build(ws, &compiler)?;
    let record = Record { module: sha256(&module), sources: sources(ws)?, compiler: compiler.version };
    let (wasm, json) = paths(ws);
    fs::create_dir_all(ws.path("sdk/wasm"))?;
    ui::note(&format!("sdk/wasm/engine.wasm ({} bytes), SHA-256 {}", module.len(), record.module));
    fs::write(&wasm, module)?;
    fs::write(&json, serde_json::to_string_pretty(&record)? + "\n")?;
    Ok(())
}

fn sources(ws: &Workspace) -> Result<String> {
    let mut hasher = Hasher::default();
    for path in SOURCES {
        hasher.add_path(ws.root(), path)?;
    }
    Ok(hasher.finish())
}

/// Fails where the recorded module is of other sources, or where the same compiler makes another one of these.
pub fn check(ws: &Workspace) -> Result<()> {
    let (wasm, json) = paths(ws);
    let text = fs::read_to_string(&json).with_context(|| format!("reading {}; {REFRESH}", json.display()))?;
    let record: Record = serde_json::from_str(&text).with_context(|| format!("{}; {REFRESH}", json.display()))?;
    let module = fs::read(&wasm).with_context(|| format!("reading {}; {REFRESH}", wasm.display()))?;
    let found = sources(ws)?;
    ensure!(record.sources == found, "sdk/wasm/engine.wasm is of other sources than the tree; {REFRESH}");
    ensure!(
        record.module == sha256(&module),
        "sdk/wasm/engine.wasm is not the file its record describes: expected SHA-256 {}, found {}; {REFRESH}",
        record.module,
        sha256(&module)
    );
    let compiler = match compiler::ensure() {
        Ok(compiler) if compiler.version == record.compiler => compiler,
        Ok(compiler) => {
            ui::warn(&format!("bytes not compared: recorded with {}, here is {}", record.compiler, compiler.version));
            return Ok(());
        }
        Err(error) => {
            ui::warn(&format!("bytes not compared: {}", ui::chain(&error)));
            return Ok(());
        }
    };
    let built = build(ws, &compiler)?;
    ensure!(
        built == module,
        "the same sources and the same compiler gave another module: expected SHA-256 {}, found {} ({} and {} bytes); {REFRESH}",
        record.module,
        sha256(&built),
        module.len(),
        built.len()
    );
    ui::note(&format!("built module and sdk/wasm/engine.wasm are equal, SHA-256 {}", record.module));
    Ok(())
}

fn build(ws: &Workspace, compiler: &Compiler) -> Result<Vec<u8>> {
    let linker = linker()?;
    ui::task("building the engine for the browser", |task| {
        let target_dir = ws.path("target/wasm");
        let cargo = |verb: &str| {
            let mut cargo = command(&compiler.cargo);
            // The settings of this build are all here: none may come from outside.
            for (name, _) in env::vars_os() {
                let text = name.to_string_lossy();
                let foreign = text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_BUILD_");
                if foreign || matches!(&*text, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER") {
                    cargo.env_remove(&name);
                }
            }
            cargo
                .current_dir(ws.root())
                .env("RUSTC", &compiler.rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .args([verb, "--locked"]);
            cargo
        };
        // Unpacks all sources, so that the folders to remap are there.
        process::checked(&mut cargo("fetch"), task)?;
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.extend(crate::build::remappings(ws, &compiler.sysroot.join(crate::toolchain::LIBRARY))?);
        let mut build = cargo("build");
        build
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", &linker)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", OPT_LEVEL)
            .args(["--release", "--target", TARGET, "-Zbuild-std=core,panic_abort", "--package", "plimsoll-wasm"])
            .arg("--target-dir")
            .arg(&target_dir);
        process::checked(&mut build, task)?;
        let module = target_dir.join(TARGET).join("release/plimsoll_wasm.wasm");
        fs::read(&module).with_context(|| format!("expected the linker's output {}", module.display()))
    })
}

/// LLVM's linker, as every toolchain of rustup carries it.
fn linker() -> Result<PathBuf> {
    let sysroot = process::stdout_of(command("rustc").args(["--print", "sysroot"]))?;
    let folder = Path::new(sysroot.trim()).join("lib/rustlib");
    for host in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let found = host?.path().join("bin/rust-lld");
        if found.is_file() {
            return Ok(found);
        }
    }
    bail!("expected rust-lld in {}; found none. Install Rust by rustup, whose toolchains carry it", folder.display())
}
