//! What is already known of mutants, so that hours of work can be interrupted and gone on with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{ensure, Context, Result};
use serde::{Deserialize, Serialize};

use super::{outcomes, Outcome, Survivor, ENGINE, FOLDER, MISSED};
use crate::{hash::Hasher, workspace::Workspace};

/// Mutants that need not be tried again: a test found them, or they do not compile. What survived is tried again, since tests may
/// have been added.
#[derive(Default, Deserialize, Serialize)]
pub struct Found {
    /// Of the sources they are mutants of.
    engine: String,
    /// What came of each, by its name.
    pub outcomes: BTreeMap<String, String>,
    /// Names of those that no test found.
    #[serde(default)]
    pub survived: BTreeSet<String>,
}

impl Found {
    pub fn new(ws: &Workspace) -> Result<Self> {
        Ok(Self { engine: digest(ws)?, ..Self::default() })
    }

    /// What earlier runs found, the interrupted one included.
    pub fn load(ws: &Workspace) -> Result<Self> {
        let file = ws.path(FOLDER).join("found.json");
        let text = fs::read_to_string(&file).with_context(|| {
            format!("expected {} of an earlier run to go on from; leave --resume out to begin", file.display())
        })?;
        let mut found: Self = serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))?;
        let now = digest(ws)?;
        ensure!(
            found.engine == now,
            "expected the engine as the earlier run changed it ({}); found it edited since ({now}). Begin again without --resume",
            found.engine
        );
        let mut folders = vec![ws.path(FOLDER).join("quick")];
        if let Ok(entries) = fs::read_dir(ws.path(FOLDER).join("full")) {
            folders.extend(entries.flatten().map(|entry| entry.path()));
        }
        for folder in folders {
            found.take(&outcomes(&folder)?);
        }
        Ok(found)
    }

    pub fn take(&mut self, outcomes: &[Outcome]) {
        for Outcome { name, summary } in outcomes.iter().cloned() {
            if summary == MISSED {
                self.survived.insert(name);
            } else {
                self.survived.remove(&name);
                self.outcomes.insert(name, summary);
            }
        }
    }

    pub fn save(&self, ws: &Workspace) -> Result<()> {
        Ok(fs::write(ws.path(FOLDER).join("found.json"), serde_json::to_vec_pretty(self)?)?)
    }

    /// Tells cargo-mutants, which leaves them out when told to iterate, and with them those that survive for a known reason.
    pub fn tell(&self, output: &Path, explained: &[Survivor]) -> Result<()> {
        let folder = output.join("mutants.out");
        fs::create_dir_all(&folder)?;
        let explained = explained.iter().map(|survivor| &survivor.name);
        let names: String = self.outcomes.keys().chain(explained).map(|name| format!("{name}\n")).collect();
        Ok(fs::write(folder.join("previously_caught.txt"), names)?)
    }
}

fn digest(ws: &Workspace) -> Result<String> {
    let mut hasher = Hasher::default();
    hasher.add_path(ws.root(), ENGINE)?;
    Ok(hasher.finish())
}
