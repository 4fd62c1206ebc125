//! The compiler for the chain.
//!
//! The official one (`cargo build-sbf` with its platform tools) where it is installed. Otherwise upstream rustc with a
//! small overlay on its standard library (`std_overlay`), linked by sbpf-linker (`linker`) over LLVM 23 (`apt_root`),
//! all from package registries. `docs/toolchain.md` tells why each piece is needed.

pub mod agave;
pub mod apt;
mod apt_root;
mod cache;
pub mod compiler;
mod linker;
mod official;
mod std_overlay;

use std::{fmt, path::PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{hash::Hasher, process, workspace::Workspace};

pub use cache::locked_part;
pub use official::Official;
pub use std_overlay::LIBRARY;

/// What the program is compiled with.
pub enum Toolchain {
    Official(Official),
    Upstream(Upstream),
}

/// Debian's rustc and cargo, the overlaid library sources, the linker.
pub struct Upstream {
    pub cargo: PathBuf,
    /// A compiler's folder, with the patched library sources in their usual place.
    pub sysroot: PathBuf,
    /// Script that starts sbpf-linker with LLVM 23.
    pub linker: PathBuf,
    pub versions: Versions,
}

impl Upstream {
    pub fn rustc(&self) -> PathBuf {
        self.sysroot.join(std_overlay::RUSTC)
    }

    /// The sources that `-Zbuild-std` compiles.
    pub fn library(&self) -> PathBuf {
        self.sysroot.join(std_overlay::LIBRARY)
    }
}

/// What decides about the bytes of a build. Builds are compared by bytes only when all of it is equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    pub rustc: String,
    /// LLVM inside rustc, which makes the bitcode.
    pub rustc_llvm: String,
    /// LLVM under the linker, which makes the machine code.
    pub linker_llvm: String,
    pub sbpf_linker: String,
    /// SHA-256 over the patch, the target description and the compiler's arguments.
    pub overlay: String,
}

/// Finds or installs the compiler.
pub fn ensure(ws: &Workspace) -> Result<Toolchain> {
    if let Some(official) = official::find(ws)? {
        return Ok(Toolchain::Official(official));
    }
    let compiler = compiler::ensure()?;
    let llvm = apt_root::ensure(ws)?;
    let linker = linker::ensure(ws, &llvm)?;
    let sysroot = std_overlay::ensure(ws, &compiler)?;
    let mut overlay = Hasher::default();
    overlay
        .add_path(ws.root(), std_overlay::PATCH)?
        .add_path(ws.root(), TARGET)?
        .add("arguments", crate::build::SBF_FLAGS.join(" ").as_bytes());
    Ok(Toolchain::Upstream(Upstream {
        versions: Versions {
            rustc: compiler.version.clone(),
            rustc_llvm: compiler.llvm.clone(),
            linker_llvm: llvm.version.clone(),
            sbpf_linker: linker::VERSION.to_owned(),
            overlay: overlay.finish(),
        },
        cargo: compiler.cargo,
        sysroot,
        linker,
    }))
}

/// Sees to a C++ compiler where the `cc` crate looks for one; the fuzzer's engine is C++.
pub fn cxx() -> Result<()> {
    if std::env::var_os("CXX").is_some() || process::on_path("c++") {
        return Ok(());
    }
    apt::install(&["g++"], || {
        "fuzzing needs a C++ compiler: expected c++ on the path, or a Debian system to install g++ from; \
         found neither. Install one, or name it in CXX"
            .to_owned()
    })
}

/// The target description, from the workspace's root.
pub const TARGET: &str = "xtask/assets/sbf-solana.json";

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Official(official) => write!(f, "{} (official)", official.version),
            Self::Upstream(upstream) => write!(f, "{}", upstream.versions),
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rustc, rustc_llvm, linker_llvm, sbpf_linker, overlay } = self;
        write!(
            f,
            "{rustc} (LLVM {rustc_llvm}), sbpf-linker {sbpf_linker} (LLVM {linker_llvm}), overlay {}",
            &overlay[..12]
        )
    }
}
