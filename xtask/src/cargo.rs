//! The cargo of this workspace (not the one that builds for the chain: `toolchain`).

use std::{env, process::Command};

use crate::{process, workspace::Workspace};

/// `cargo` in the workspace's root.
pub fn cargo(ws: &Workspace) -> Command {
    let mut command = process::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(ws.root());
    command
}
