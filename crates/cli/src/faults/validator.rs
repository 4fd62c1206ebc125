//! A Surfpool validator that can be killed.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{bail, Context, Result};
use serde::Deserialize;

#[derive(Deserialize)]
struct Endpoints {
    rpc: String,
    ws: String,
}

/// A running validator on a free port; killed when dropped, and by itself when this process dies (its standard input closes).
pub struct Validator {
    child: Child,
    /// Address of its JSON-RPC.
    pub rpc: String,
    /// Address of its websocket.
    pub websocket: String,
}

impl Validator {
    /// Starts one by the script that starts Surfpool, with slots of so many milliseconds. Its standard error is added to `log`.
    pub fn start(script: &Path, log: &Path, slot_ms: u32) -> Result<Self> {
        let log_file = OpenOptions::new().create(true).append(true).open(log);
        let mut child = Command::new("node")
            .arg(script)
            .args(["--exit-with-stdin", "--block-production-mode", "clock", "--slot-time", &slot_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file.with_context(|| format!("writing {}", log.display()))?)
            .spawn()
            .context("starting node")?;
        let stdout = child.stdout.take().context("the validator's output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.by_ref().map_while(std::result::Result::ok).find_map(|line| serde_json::from_str(&line).ok());
        let Some(Endpoints { rpc, ws: websocket }) = ready else {
            bail!("the validator stopped before it was ready ({}); see {}", child.wait()?, log.display());
        };
        // Keep reading, so that a talkative validator never blocks on a full pipe.
        std::thread::spawn(move || lines.map_while(std::result::Result::ok).for_each(drop));
        Ok(Self { child, rpc, websocket })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a crash would (SIGKILL): nothing is written, nothing is finished.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("killing the validator")?;
        self.child.wait().context("waiting for the validator's end")?;
        Ok(())
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        // Already gone after `kill`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
