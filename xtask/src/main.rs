//! Every task a person runs, in one place: `cargo xtask VERB`.
//!
//! Each verb works on a fresh machine: it installs what it misses (into a cache folder outside the checkout),
//! says what it is doing, and why it stops. How the pieces fit together: `docs/toolchain.md`.

mod app;
mod artifact;
mod bench;
mod build;
mod cargo;
mod demo;
mod faults;
mod fuzz;
mod hash;
mod idl;
mod mutants;
mod npm;
mod ops;
mod process;
mod rehearse;
mod sdk;
mod shims;
mod steps;
mod surfpool;
mod test;
mod toolchain;
mod ui;
mod wasm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Every task of this project",
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what building, testing and the demo need (the other verbs do this by themselves)
    Setup,
    /// Build the programs (target/deploy/*.so) and write the IDL (idl/plimsoll.json)
    Build(build::Args),
    /// Generate idl/plimsoll.json from the program
    Idl(idl::Args),
    /// Compile the engine for the browser (sdk/wasm/engine.wasm)
    Wasm(wasm::Args),
    /// Everything a contributor must see green; what CI runs
    Test(test::Args),
    /// Compute units and bytes of every instruction, where they go, and how fast the engine is
    Bench(bench::Args),
    /// Arbitrary bytes into everything that reads bytes, guided by coverage
    Fuzz(fuzz::Args),
    /// Does a test fail where the engine is wrong? It is changed in one place at a time
    Mutants(mutants::Args),
    /// A local validator, the program on it, and a market's story from start to end
    Demo(demo::Args),
    /// The same with a network that drops, repeats and reorders transactions, hours without a price, and a killed validator
    Faults(faults::Args),
    /// Keepers as processes on a local validator: three in a crash of 300 positions, a cut network, a kill, another validator
    Rehearse(rehearse::Args),
    /// Run the local validator in the foreground (8899 JSON-RPC, 8900 websocket)
    Surfpool(surfpool::Args),
    /// Write `cargo-build-sbf` and `surfpool` commands for the Anchor CLI, where the official tools are not installed
    Shims,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", ui::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode> {
    let ws = Workspace::find()?;
    match cli.verb {
        Verb::Setup => setup(&ws)?,
        Verb::Build(args) => build::run(&ws, &args)?,
        Verb::Idl(args) => idl::run(&ws, &args)?,
        Verb::Wasm(args) => wasm::run(&ws, &args)?,
        Verb::Test(args) => return test::run(&ws, &args),
        Verb::Bench(args) => return bench::run(&ws, &args),
        Verb::Fuzz(args) => return fuzz::run(&ws, &args),
        Verb::Mutants(args) => return mutants::run(&ws, &args),
        Verb::Demo(args) => return demo::run(&ws, &args),
        Verb::Faults(args) => return faults::run(&ws, &args),
        Verb::Rehearse(args) => return rehearse::run(&ws, &args),
        Verb::Surfpool(args) => return surfpool::run(&ws, &args),
        Verb::Shims => shims::run(&ws)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn setup(ws: &Workspace) -> Result<()> {
    build::place_key(ws)?;
    let compiler = toolchain::ensure(ws)?;
    ui::note(&format!("compiler: {compiler}"));
    let validator = surfpool::ensure(ws)?;
    ui::note(&format!("validator: {}", validator.display()));
    Ok(())
}
