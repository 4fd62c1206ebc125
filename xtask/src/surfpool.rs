//! The local validator: Surfpool's native npm module, started by a small script (`assets/surfpool/surfpool.mjs`).

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};
use serde::Deserialize;

use crate::{process, toolchain::locked_part, ui, workspace::Workspace};

const SCRIPT: &str = "surfpool.mjs";

#[derive(clap::Args)]
pub struct Args {
    /// Port of the JSON-RPC; the websocket has the next one
    #[arg(long, default_value_t = 8899)]
    port: u16,
    /// Options of the script: --airdrop PUBKEY, --block-production-mode transaction|clock|manual, --slot-time MS, ...
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// `cargo xtask surfpool`: until Ctrl-C.
pub fn run(ws: &Workspace, args: &Args) -> Result<ExitCode> {
    let script = ensure(ws)?;
    ui::note("Ctrl-C stops the validator");
    let status = node(&script).arg("--port").arg(args.port.to_string()).args(&args.rest).status();
    let status = status.context("starting node")?;
    // Ended by the Ctrl-C it was told to wait for.
    Ok(match status.code() {
        Some(0) | None => ExitCode::SUCCESS,
        Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
    })
}

fn node(script: &Path) -> Command {
    let mut node = process::command("node");
    node.arg(script);
    node
}

/// Installs the validator; returns the script that starts it.
pub fn ensure(ws: &Workspace) -> Result<PathBuf> {
    let files = ["package.json", "package-lock.json", SCRIPT];
    let mut inputs = String::new();
    for file in files {
        let path = ws.asset("surfpool").join(file);
        inputs += &fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    }
    let folder = locked_part(ws, "surfpool", &inputs, "installing the local validator (Surfpool)", |folder, task| {
        for program in ["node", "npm"] {
            ensure!(
                process::on_path(program),
                "expected {program} on the path; found none. Install Node 20 or newer with npm"
            );
        }
        let version = process::stdout_of(process::command("node").arg("--version"))?;
        let major =
            version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
        ensure!(
            major >= Some(18),
            "expected Node 18 or newer (the project is tested with 20); found {}",
            version.trim()
        );
        for file in files {
            fs::copy(ws.asset("surfpool").join(file), folder.join(file))?;
        }
        let mut npm = process::command("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
        process::checked(&mut npm, task).map(drop)
    })?;
    Ok(folder.join(SCRIPT))
}

/// How a validator for a test or the demo behaves.
pub struct Options<'a> {
    /// `transaction`: a slot for each transaction. `clock`: slots by time, as on a real network.
    pub block_production: &'a str,
    pub slot_time_ms: u32,
}

/// Where it listens.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoints {
    pub rpc: String,
    pub ws: String,
}

/// A running validator on free ports; stopped when dropped, and by itself when we die (its standard input closes).
pub struct Validator {
    child: Child,
    pub endpoints: Endpoints,
}

impl Validator {
    pub fn start(ws: &Workspace, options: &Options) -> Result<Self> {
        let script = ensure(ws)?;
        let log = ws.path("target/xtask/surfpool.log");
        fs::create_dir_all(ws.path("target/xtask"))?;
        let mut child = node(&script)
            .args(["--exit-with-stdin", "--block-production-mode", options.block_production, "--slot-time"])
            .arg(options.slot_time_ms.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context("starting node")?;
        let stdout = child.stdout.take().context("the validator's output")?;
        let mut lines = BufReader::new(stdout).lines();
        let endpoints = lines.by_ref().map_while(Result::ok).find_map(|line| serde_json::from_str(&line).ok());
        let Some(endpoints) = endpoints else {
            let status = child.wait()?;
            bail!(
                "the validator stopped before it was ready ({status}); see {}\n{}",
                log.display(),
                process::tail(&fs::read_to_string(&log)?)
            );
        };
        // Keep reading, so that a talkative validator never blocks on a full pipe.
        thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let validator = Self { child, endpoints };
        ui::note(&format!("validator {} at {}", validator.child.id(), validator.endpoints.rpc));
        Ok(validator)
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
