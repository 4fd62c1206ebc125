//! Installed parts: each in its own folder of the cache, named after its inputs, there completely or not at all.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    ui::{self, Task},
    workspace::Workspace,
};

/// The folder of part `name` as made from `inputs` (any text that changes when the part must be made anew).
/// Made by `make` in a temporary folder first and then renamed, under a lock against a second xtask.
pub fn locked_part(
    ws: &Workspace,
    name: &str,
    inputs: &str,
    title: &str,
    make: impl FnOnce(&Path, &Task) -> Result<()>,
) -> Result<PathBuf> {
    let cache = ws.cache()?;
    let folder = cache.join(format!("{name}-{}", &crate::hash::sha256(inputs.as_bytes())[..12]));
    if folder.is_dir() {
        return Ok(folder);
    }
    let _lock = lock(&cache)?;
    // Somebody else may have made it while we waited.
    if !folder.is_dir() {
        let unfinished = folder.with_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).with_context(|| format!("removing {}", unfinished.display()))?;
        }
        fs::create_dir_all(&unfinished).with_context(|| format!("creating {}", unfinished.display()))?;
        ui::task(title, |task| make(&unfinished, task))?;
        fs::rename(&unfinished, &folder).with_context(|| format!("moving into {}", folder.display()))?;
    }
    Ok(folder)
}

/// Held until dropped; the system lets go of it when the process dies.
fn lock(cache: &Path) -> Result<File> {
    let path = cache.join("lock");
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            ui::note(&format!("another xtask is installing (lock {}); waiting", path.display()));
            file.lock().with_context(|| format!("locking {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("locking {}", path.display())),
    }
    Ok(file)
}
