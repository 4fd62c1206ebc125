//! rustc and cargo of the Debian packages `rustc-web`, `cargo-web`, with their library sources (`rust-web-src`).
//! A rustup toolchain does not carry the sources, and sources and compiler must be of one version.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{apt, std_overlay::LIBRARY};
use crate::process;

/// The version the overlay was written for.
const RUSTC: &str = "1.96.0";
const BIN: &str = "/usr/bin";

pub struct Compiler {
    pub rustc: PathBuf,
    pub cargo: PathBuf,
    /// The compiler's folder, with the library sources as installed.
    pub sysroot: PathBuf,
    /// First line of `rustc -vV`, and the package's version.
    pub version: String,
    pub llvm: String,
}

pub fn ensure() -> Result<Compiler> {
    if let Some(found) = find()? {
        return Ok(found);
    }
    install()?;
    find()?.with_context(|| {
        format!(
            "the packages rustc-web, cargo-web and rust-web-src are installed, but not with rustc {RUSTC}: \
             expected rustc, cargo and {LIBRARY} of that version under {BIN}; found {}. \
             The overlay must be moved to the new version: docs/toolchain.md, \"When the compiler moves on\"",
            verbose(&Path::new(BIN).join("rustc")).unwrap_or_else(|_| "none".into()).lines().next().unwrap_or("none"),
        )
    })
}

/// The compiler if it is installed completely and in the right version.
fn find() -> Result<Option<Compiler>> {
    let (rustc, cargo) = (Path::new(BIN).join("rustc"), Path::new(BIN).join("cargo"));
    if !rustc.is_file() || !cargo.is_file() {
        return Ok(None);
    }
    let verbose = verbose(&rustc)?;
    let field = |name: &str| {
        let line = verbose.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned()).unwrap_or_default()
    };
    if field("release:") != RUSTC {
        return Ok(None);
    }
    let sysroot = process::stdout_of(process::command(&rustc).args(["--print", "sysroot"]))?;
    let sysroot = PathBuf::from(sysroot.trim());
    if !sysroot.join(LIBRARY).join("std/src/lib.rs").is_file() {
        return Ok(None);
    }
    let package = process::stdout_of(process::command("dpkg-query").args(["-W", "-f", "${Version}", "rustc-web"]));
    Ok(Some(Compiler {
        rustc,
        cargo,
        sysroot,
        version: format!("rustc {RUSTC} (package {})", package.unwrap_or_else(|_| "unknown".into()).trim()),
        llvm: field("LLVM version:"),
    }))
}

fn verbose(rustc: &Path) -> Result<String> {
    process::stdout_of(process::command(rustc).arg("-vV"))
}

fn install() -> Result<()> {
    apt::install(&["rustc-web", "cargo-web", "rust-web-src", "patch"], || {
        format!(
            "no compiler for the chain: expected Solana's platform tools, or a Debian system to install {RUSTC} from; \
             found no apt-get. Install the official tools (docs/toolchain.md)"
        )
    })
}
