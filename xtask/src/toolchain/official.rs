//! Solana's own tools, where they are installed: `cargo build-sbf` with its platform tools.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{bail, Result};

use crate::{process, ui, workspace::Workspace};

/// Which compiler to use: `official`, `upstream`, or empty for the official one where it is.
const CHOICE: &str = "PLIMSOLL_SBF";

pub struct Official {
    pub version: String,
}

pub fn find(ws: &Workspace) -> Result<Option<Official>> {
    let choice = env::var(CHOICE).unwrap_or_default();
    match (choice.as_str(), look(ws)) {
        ("upstream", _) => Ok(None),
        ("", Ok(found)) => Ok(Some(found)),
        ("", Err(reason)) => {
            if process::on_path("cargo-build-sbf") {
                ui::note(&format!("official tools are not used: {reason}"));
            }
            Ok(None)
        }
        ("official", Ok(found)) => Ok(Some(found)),
        ("official", Err(reason)) => bail!("{CHOICE}=official, but {reason}"),
        (other, _) => bail!("{CHOICE}: expected `official` or `upstream`, found `{other}`"),
    }
}

/// The tools, or why they cannot be used.
fn look(ws: &Workspace) -> Result<Official, String> {
    if !process::on_path("cargo-build-sbf") {
        return Err("there is no cargo-build-sbf on the path".into());
    }
    let version =
        process::stdout_of(process::command("cargo-build-sbf").arg("--version")).map_err(|e| e.to_string())?;
    if version.contains(crate::shims::MARK) {
        return Err("cargo-build-sbf on the path is this project's own stand-in".into());
    }
    let rustc = platform_rustc().ok_or("cargo-build-sbf is there, but its platform tools are not")?;
    let text = process::stdout_of(process::command(&rustc).arg("--version")).map_err(|e| e.to_string())?;
    let (have, want) = (number(&text), minimum(ws));
    if have < want {
        return Err(format!(
            "its platform tools have {}; this workspace wants rustc {}.{} or newer",
            text.trim(),
            want.0,
            want.1
        ));
    }
    Ok(Official { version: version.lines().next().unwrap_or_default().to_owned() })
}

/// rustc of the newest platform tools in the place where `cargo build-sbf` unpacks them.
fn platform_rustc() -> Option<PathBuf> {
    let folder = Path::new(&env::var_os("HOME")?).join(".cache/solana");
    let mut versions: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| number(&path.to_string_lossy().replace("/v", " ")));
    let rustcs = versions.iter().rev().map(|version| version.join("platform-tools/rust/bin/rustc"));
    rustcs.into_iter().find(|rustc| rustc.is_file())
}

/// `rust-version` of the workspace.
fn minimum(ws: &Workspace) -> (u32, u32) {
    let manifest = fs::read_to_string(ws.path("Cargo.toml")).unwrap_or_default();
    number(manifest.lines().find(|line| line.starts_with("rust-version")).unwrap_or_default())
}

/// The first "1.95"-like number of a text.
fn number(text: &str) -> (u32, u32) {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .find_map(|word| {
            let mut parts = word.split('.').map(str::parse);
            Some((parts.next()?.ok()?, parts.next()?.ok()?))
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_found() {
        assert_eq!(number("rustc 1.89.0-dev"), (1, 89));
        assert_eq!(number("rust-version = \"1.95\""), (1, 95));
        assert_eq!(number("no number"), (0, 0));
    }
}
