//! sbpf-linker: turns LLVM bitcode into an sBPF program. From crates.io, started with LLVM 23 under that library's own
//! loader, because it needs a newer C library than the machine has.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use anyhow::{Context, Result};

use super::{apt_root::Llvm, cache::locked_part};
use crate::{cargo::cargo, process, ui, workspace::Workspace};

pub const VERSION: &str = "0.2.6";

/// The script to give to rustc as its linker.
pub fn ensure(ws: &Workspace, llvm: &Llvm) -> Result<PathBuf> {
    let installed =
        locked_part(ws, "linker", VERSION, "compiling sbpf-linker (about two minutes, once)", |folder, task| {
            let mut install = cargo(ws);
            // Outside the workspace, so that its settings do not reach the linker's build.
            install
                .current_dir(folder)
                .args(["install", "sbpf-linker", "--locked", "--version", VERSION, "--root"])
                .arg(folder);
            process::checked(&mut install, task).map(drop)
        })?;
    let binary = installed.join("bin/sbpf-linker");
    let script = format!(
        "#!/bin/sh\n\
         LD_LIBRARY_PATH='{only_llvm}' exec '{libraries}/ld-linux-x86-64.so.2' --library-path '{libraries}' '{binary}' \"$@\"\n",
        only_llvm = llvm.only_llvm.display(),
        libraries = llvm.libraries.display(),
        binary = binary.display(),
    );
    let inputs = format!("{script}{}", llvm.version);
    let folder = locked_part(ws, "link", &inputs, "trying the linker", |folder, task| {
        let path = folder.join("sbpf-link");
        fs::write(&path, &script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let output = process::checked(process::command(&path).arg("--version"), task)
            .context("the linker does not start under the unpacked LLVM and C library")?;
        ui::note(output.lines().next().unwrap_or_default());
        Ok(())
    })?;
    Ok(folder.join("sbpf-link"))
}
