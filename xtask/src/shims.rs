//! `cargo xtask shims`: commands the Anchor CLI calls, for machines without the official tools.

use std::{fs, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result};

use crate::{build, surfpool, ui, workspace::Workspace};

/// What the stand-in calls itself, so that it is not taken for the official tool.
pub const MARK: &str = "plimsoll-shim";

pub fn run(ws: &Workspace) -> Result<()> {
    build::place_key(ws)?;
    let validator = surfpool::ensure(ws)?;
    let bin = ws.cache()?.join("bin");
    fs::create_dir_all(&bin)?;
    // Called by `anchor build` inside a program's folder; the workspace it stands in is built.
    let build = format!(
        "#!/bin/sh\n\
         # Stand-in for Solana's `cargo build-sbf`: builds with `cargo xtask build`.\n\
         set -eu\n\
         for argument in \"$@\"; do\n\
         \x20 [ \"$argument\" != --version ] || {{ echo 'solana-cargo-build-sbf 0.0.0 ({MARK})'; exit 0; }}\n\
         done\n\
         manifest=$(cargo locate-project --workspace --message-format plain)\n\
         exec cargo run --quiet --manifest-path \"$manifest\" --package xtask -- build --program-only\n"
    );
    // The Anchor CLI looks for it on the usual ports; a port it names itself wins.
    let surfpool = format!("#!/bin/sh\nexec node '{}' --port 8899 --ws-port 8900 \"$@\"\n", validator.display());
    for (name, script) in [("cargo-build-sbf", build), ("surfpool", surfpool)] {
        let path = bin.join(name);
        fs::write(&path, script).with_context(|| format!("writing {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    ui::note(&format!("cargo-build-sbf and surfpool written; for the Anchor CLI: export PATH={}:$PATH", bin.display()));
    Ok(())
}
