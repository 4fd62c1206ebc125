//! The compiler's library sources with a patch of a few lines for the chain (what it changes: `docs/toolchain.md`),
//! in a folder that stands in for the compiler's own. cargo identifies the crates of the standard library by their
//! place in that folder; with a place of another kind, which differs between machines, functions would have other
//! names and come in another order.

use std::{
    fs::{self, File},
    os::unix::fs::{symlink, PermissionsExt},
    path::PathBuf,
};

use anyhow::{ensure, Context, Result};

use super::{cache::locked_part, compiler::Compiler};
use crate::{process, workspace::Workspace};

/// The patch, from the workspace's root.
pub const PATCH: &str = "xtask/assets/std-solana-1.96.patch";

/// Where a compiler's folder has the library sources, and the libraries for the machine it runs on.
pub const LIBRARY: &str = "lib/rustlib/src/rust/library";
const HOST: &str = "lib/rustlib/x86_64-unknown-linux-gnu";
/// Starts the compiler with this folder as its own.
pub const RUSTC: &str = "bin/rustc";

/// The compiler's folder, with the patched sources.
pub fn ensure(ws: &Workspace, compiler: &Compiler) -> Result<PathBuf> {
    let patch = ws.path(PATCH);
    let text = fs::read_to_string(&patch).with_context(|| format!("reading {}", patch.display()))?;
    let script = format!("#!/bin/sh\nexec '{}' --sysroot \"${{0%/{RUSTC}}}\" \"$@\"\n", compiler.rustc.display());
    let inputs = format!("{}\n{}\n{script}{text}", compiler.version, compiler.sysroot.display());
    let folder = locked_part(ws, "std", &inputs, "overlaying the standard library", |folder, task| {
        let (installed, library) = (compiler.sysroot.join(LIBRARY), folder.join(LIBRARY));
        let installed = installed.canonicalize().with_context(|| format!("sources {}", installed.display()))?;
        let parent = library.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        process::checked(process::command("cp").arg("-a").arg(&installed).arg(&library), task)?;
        // No fuzz: a line that moved on must be looked at by a person.
        let mut apply = process::command("patch");
        apply.args(["--strip=1", "--fuzz=0", "--batch", "--reject-file=-"]).current_dir(&library);
        let output =
            apply.stdin(File::open(&patch)?).output().context("starting `patch`; install it: apt-get install patch")?;
        ensure!(
            output.status.success(),
            "{PATCH} does not apply to the library sources of {}: expected every hunk to fit; found\n{}{}\n\
             Move the patch to these sources: docs/toolchain.md, \"When the compiler moves on\"",
            compiler.version,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        symlink(compiler.sysroot.join(HOST), folder.join(HOST)).context("linking the host's libraries")?;
        let rustc = folder.join(RUSTC);
        fs::create_dir_all(folder.join("bin"))?;
        fs::write(&rustc, &script)?;
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755))?;
        process::checked(process::command(&rustc).arg("-vV"), task).map(drop)
    })?;
    Ok(folder)
}
