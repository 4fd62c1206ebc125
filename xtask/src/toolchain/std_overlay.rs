//! The compiler's library sources with a patch of a few lines for the chain (what it changes: `docs/toolchain.md`).

use std::{
    fs::{self, File},
    path::PathBuf,
};

use anyhow::{ensure, Context, Result};

use super::{cache::locked_part, compiler::Compiler};
use crate::{process, workspace::Workspace};

/// The patch, from the workspace's root.
pub const PATCH: &str = "xtask/assets/std-solana-1.96.patch";

/// Where a compiler's folder has the library sources.
pub const LIBRARY: &str = "lib/rustlib/src/rust/library";

/// A folder with the patched sources at [`LIBRARY`].
pub fn ensure(ws: &Workspace, compiler: &Compiler) -> Result<PathBuf> {
    let patch = ws.path(PATCH);
    let text = fs::read_to_string(&patch).with_context(|| format!("reading {}", patch.display()))?;
    let inputs = format!("{LIBRARY}\n{}\n{}\n{text}", compiler.version, compiler.library.display());
    let folder = locked_part(ws, "std", &inputs, "overlaying the standard library", |folder, task| {
        let library = folder.join(LIBRARY);
        let parent = library.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        process::checked(process::command("cp").arg("-a").arg(&compiler.library).arg(&library), task)?;
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
        Ok(())
    })?;
    Ok(folder)
}
