//! `plimsoll demo`: a market's story on a real validator, from deployment to a default and what comes back of it, every
//! atom accounted for.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, Context, Result};
use solana_keypair::read_keypair_file;
use solana_signer::Signer;

pub(crate) mod audit;
mod backstop;
mod cascade;
pub(crate) mod cast;
mod default;
mod keeping;
pub(crate) mod market;
mod recovery;
pub(crate) mod report;
pub(crate) mod sheet;
mod simulated;
mod story;
pub(crate) mod tokens;
mod waterfall;

use crate::chain::Chain;
use report::{Report, Step};

/// Arguments of `plimsoll demo`. `cargo xtask demo` starts a validator and fills them in.
#[derive(clap::Args)]
pub struct Args {
    /// JSON-RPC address of a local Surfpool validator
    #[arg(long, default_value = "http://127.0.0.1:8899")]
    rpc: String,
    /// Websocket address; the keeper listens there, the story does not need it
    #[arg(long)]
    ws: Option<String>,
    /// The program
    #[arg(long, default_value = "target/deploy/plimsoll.so")]
    so: PathBuf,
    /// Key of the program's address
    #[arg(long, default_value = "keys/localnet-program.json")]
    program_keypair: PathBuf,
    /// One JSON object a step, and a last one with all checks
    #[arg(long)]
    json: bool,
    /// Instead of the story: a crash, and a keeper that deals with it
    #[arg(long)]
    keeper: bool,
}

/// Runs the demo. Fails where a check does.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut report = Report::new(args.json);
    let program = std::fs::read(&args.so)
        .with_context(|| format!("expected the program at {}; run `cargo xtask build`", args.so.display()))?;
    let keypair = read_keypair_file(&args.program_keypair)
        .map_err(|error| anyhow!("expected a key at {}: {error}", args.program_keypair.display()))?;
    let chain = Chain::connect(&args.rpc)?;
    if args.keeper {
        // Deployment is the story's business.
        chain.write_program(&keypair.pubkey(), &program)?;
        keeping::play(&chain, &args.rpc, args.ws.as_deref(), &mut report)?;
        return Ok(if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }

    report.heading("Deployment");
    let transactions = crate::deploy::deploy(&chain, &program, &keypair, report.is_for_people())?;
    report.step(
        Step::new("The program is deployed through the loader")
            .fact("program", keypair.pubkey().to_string())
            .fact("bytes", program.len())
            .fact("transactions", transactions),
    );
    report.equal(
        "the key is that of the program's declared address",
        plimsoll::ID.to_string(),
        keypair.pubkey().to_string(),
    );

    story::play(&chain, &mut report)?;
    Ok(if report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
