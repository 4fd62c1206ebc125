//! What is written in TypeScript: a folder with a lock file, and what `npm` runs there.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{ensure, Context, Result};

use crate::{hash, process, ui, workspace::Workspace};

/// In `node_modules`: of which lock file it was installed.
const STAMP: &str = "node_modules/.installed-from";

/// A folder of the repository with `package.json` and `package-lock.json`.
pub struct Package<'a> {
    ws: &'a Workspace,
    folder: &'static str,
}

impl<'a> Package<'a> {
    pub fn new(ws: &'a Workspace, folder: &'static str) -> Self {
        Self { ws, folder }
    }

    /// A file in it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.ws.path(self.folder).join(file)
    }

    /// `npm` with these arguments, run in it.
    pub fn npm(&self, arguments: &[&str]) -> Command {
        let mut npm = process::command("npm");
        npm.args(arguments).current_dir(self.ws.path(self.folder));
        npm
    }

    /// A script of its `package.json`.
    pub fn script(&self, name: &str) -> Command {
        self.npm(&["run", "--silent", name])
    }

    /// Installs what the lock file says, unless that is what is there.
    pub fn install(&self) -> Result<()> {
        for program in ["node", "npm"] {
            ensure!(
                process::on_path(program),
                "expected {program} on the path; found none. Install Node 20.19 or newer with npm"
            );
        }
        let file = self.path("package-lock.json");
        let lock = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let (wanted, stamp) = (hash::sha256(&lock), self.path(STAMP));
        if fs::read_to_string(&stamp).ok().as_deref() == Some(&wanted) {
            return Ok(());
        }
        // Nothing runs while installing: what is needed of a package is in it.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        ui::task(&format!("installing what {}/ is built with", self.folder), |task| {
            process::checked(&mut self.npm(&arguments), task).map(drop)
        })?;
        fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))
    }
}
