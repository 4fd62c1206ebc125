//! Where things are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The checkout this xtask was compiled in.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    pub fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask is expected in a folder of the workspace")?;
        Ok(Self { root: root.to_path_buf() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file of `xtask/assets`.
    pub fn asset(&self, relative: &str) -> PathBuf {
        self.root.join("xtask/assets").join(relative)
    }

    /// Where a program's binary goes.
    pub fn deployed(&self, program: &str) -> PathBuf {
        self.root.join("target/deploy").join(format!("{program}.so"))
    }

    /// Installed tools: outside the checkout, shared by all clones of the project.
    /// `PLIMSOLL_CACHE` names it; otherwise it is `plimsoll` in the user's cache folder.
    pub fn cache(&self) -> Result<PathBuf> {
        let set = |name| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let dir = match set("PLIMSOLL_CACHE") {
            Some(dir) => dir,
            None => set("XDG_CACHE_HOME")
                .or_else(|| set("HOME").map(|home| home.join(".cache")))
                .context(
                    "no cache folder: expected PLIMSOLL_CACHE, XDG_CACHE_HOME or HOME in the environment; set one",
                )?
                .join("plimsoll"),
        };
        fs::create_dir_all(&dir).with_context(|| format!("creating the cache folder {}", dir.display()))?;
        dir.canonicalize().with_context(|| format!("cache folder {}", dir.display()))
    }
}
