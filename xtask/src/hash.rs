//! SHA-256 of files and trees: what a build is made of, and what it gave.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Collects named pieces; every piece and every name is length-prefixed, so no two inputs run together.
#[derive(Default)]
pub struct Hasher(Sha256);

impl Hasher {
    pub fn add(&mut self, name: &str, content: &[u8]) -> &mut Self {
        for part in [name.as_bytes(), content] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// A file, or all files under a folder in the order of their names, by paths relative to `root`.
    pub fn add_path(&mut self, root: &Path, relative: &str) -> Result<&mut Self> {
        let mut files = vec![];
        list(&root.join(relative), &mut files)?;
        files.sort();
        for file in files {
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            self.add(&name, &content);
        }
        Ok(self)
    }

    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let context = || format!("reading {}", path.display());
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(context)? {
        let entry = entry.with_context(context)?;
        if entry.file_name() != "target" {
            list(&entry.path(), files)?;
        }
    }
    Ok(())
}
