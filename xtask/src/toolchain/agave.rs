//! The Agave validator, which keeps a ledger. No registry has it compiled, so it is compiled here, once; only
//! `cargo xtask faults --agave` needs it.

use std::{env, path::PathBuf, process::Stdio};

use anyhow::{ensure, Context, Result};

use super::{apt, cache::locked_part};
use crate::{cargo::cargo, process, ui, workspace::Workspace};

const VERSION: &str = "4.2.2";
const BINARY: &str = "solana-test-validator";
/// Names one that is there already.
const VARIABLE: &str = "PLIMSOLL_AGAVE";
/// Debian packages that its dependencies are compiled with.
const PACKAGES: [&str; 7] =
    ["clang", "cmake", "libclang-dev", "libssl-dev", "libudev-dev", "pkg-config", "protobuf-compiler"];

/// Finds or installs the validator; returns the program.
pub fn ensure(ws: &Workspace) -> Result<PathBuf> {
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        ensure!(path.is_file(), "{VARIABLE} names {}; expected a {BINARY} there", path.display());
        return path.canonicalize().with_context(|| format!("the path of {}", path.display()));
    }
    let title = "compiling the Agave validator (about an hour on two cores, once)";
    let folder = locked_part(ws, "agave", VERSION, title, |folder, task| {
        packages()?;
        let mut install = cargo(ws);
        // Outside the workspace, so that its settings do not reach the validator's build.
        install
            .current_dir(folder)
            .args(["install", "agave-validator", "--locked", "--version", VERSION, "--bin", BINARY, "--root"])
            .arg(folder);
        process::checked(&mut install, task).map(drop)
    })?;
    Ok(folder.join("bin").join(BINARY))
}

/// Installs the packages that are missing.
fn packages() -> Result<()> {
    if !process::on_path("dpkg-query") {
        ui::note(&format!("not Debian: expecting what its packages {} have", PACKAGES.join(", ")));
        return Ok(());
    }
    let mut missing = Vec::new();
    for package in PACKAGES {
        if !is_installed(package)? {
            missing.push(package);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    apt::install(&missing, || format!("compiling the validator needs {}; there is no apt-get", missing.join(", ")))
}

/// Whether a package is installed, and not only known or removed.
fn is_installed(package: &str) -> Result<bool> {
    let mut query = process::command("dpkg-query");
    query.args(["--show", "--showformat", "${db:Status-Status}", package]).stdin(Stdio::null());
    let output = query.output().context("starting dpkg-query")?;
    Ok(output.status.success() && output.stdout == b"installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_does_not_exist_is_not_installed_and_dpkg_is() {
        if process::on_path("dpkg-query") {
            assert!(is_installed("dpkg").expect("an answer"));
            assert!(!is_installed("no-such-package").expect("an answer"));
        }
    }
}
