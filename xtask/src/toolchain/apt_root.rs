//! LLVM 23, which the linker loads: from Debian sid, with all it depends on, unpacked into a folder of its own.
//! apt works in a private state directory; nothing of sid is installed on the machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{ensure, Context, Result};

use super::cache::locked_part;
use crate::{
    process,
    ui::{self, Task},
    workspace::Workspace,
};

const PACKAGE: &str = "libllvm23";
pub const LIBRARY: &str = "libLLVM.so.23.1";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

pub struct Llvm {
    /// Folder of all shared libraries, the loader among them.
    pub libraries: PathBuf,
    /// Folder that holds only a link to LLVM: where the linker looks for it.
    pub only_llvm: PathBuf,
    /// Version of the package.
    pub version: String,
}

pub fn ensure(ws: &Workspace) -> Result<Llvm> {
    let folder = locked_part(ws, "llvm", PACKAGE, "fetching LLVM 23 from Debian sid", |folder, task| {
        make(folder, task).with_context(|| {
            format!(
                "{PACKAGE} cannot be had from Debian sid: without it nothing can be linked for the chain \
                 (docs/toolchain.md, \"When libllvm23 vanishes\")"
            )
        })
    })?;
    let version = fs::read_to_string(folder.join("version")).context("version of the unpacked LLVM")?;
    Ok(Llvm { libraries: libraries(&folder), only_llvm: folder.join("only-llvm"), version })
}

fn libraries(folder: &Path) -> PathBuf {
    folder.join("root/usr/lib/x86_64-linux-gnu")
}

fn make(folder: &Path, task: &Task) -> Result<()> {
    let apt = PrivateApt::new(folder)?;
    process::checked(apt.get().arg("update"), task)?;
    let plan = process::checked(apt.get().args(["--simulate", "--no-install-recommends", "install", PACKAGE]), task)?;
    // "Inst libffi8 (3.8.0-2 Debian:unstable [amd64])"
    let closure: Vec<(&str, &str)> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split_once(" ("))
        .map(|(name, rest)| (name, rest.split(' ').next().unwrap_or_default()))
        .collect();
    let version = closure.iter().find(|(name, _)| *name == PACKAGE).map(|(_, version)| *version);
    let version = version.with_context(|| format!("expected {PACKAGE} in apt's plan; found\n{plan}"))?;

    let downloads = folder.join("downloads");
    fs::create_dir(&downloads)?;
    let names = closure.iter().map(|(name, _)| *name);
    process::checked(apt.get().arg("download").args(names).current_dir(&downloads), task)?;
    let root = folder.join("root");
    for package in fs::read_dir(&downloads)? {
        process::checked(process::command("dpkg").arg("-x").arg(package?.path()).arg(&root), task)?;
    }
    for scratch in ["downloads", "apt"] {
        fs::remove_dir_all(folder.join(scratch))?;
    }
    ensure!(
        libraries(folder).join(LIBRARY).exists(),
        "expected {LIBRARY} in {PACKAGE} {version}; it is not there (the package has changed its layout)"
    );
    let only_llvm = folder.join("only-llvm");
    fs::create_dir(&only_llvm)?;
    std::os::unix::fs::symlink(Path::new("../root/usr/lib/x86_64-linux-gnu").join(LIBRARY), only_llvm.join(LIBRARY))?;
    fs::write(folder.join("version"), version)?;
    Ok(())
}

/// apt with a state of its own, that knows only sid.
struct PrivateApt {
    options: Vec<String>,
}

impl PrivateApt {
    fn new(folder: &Path) -> Result<Self> {
        let dir = folder.join("apt");
        for sub in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(sub))?;
        }
        let sources = dir.join("sid.list");
        // Only the list of packages: the machine's apt may be told to fetch more (descriptions, icons).
        let mut options = "target=Packages".to_owned();
        if Path::new(KEYRING).exists() {
            options += &format!(" signed-by={KEYRING}");
        }
        fs::write(&sources, format!("deb [{options}] {} sid main\n", mirror()?))?;
        let at = |name: &str| dir.join(name).display().to_string();
        Ok(Self {
            options: vec![
                format!("Dir::Etc::SourceList={}", sources.display()),
                "Dir::Etc::SourceParts=-".into(),
                format!("Dir::State::Lists={}", at("lists")),
                format!("Dir::Cache={}", at("cache")),
                "Dir::State::status=/dev/null".into(),
                // apt would otherwise drop to a user who may not write here
                "APT::Sandbox::User=root".into(),
                "Acquire::Languages=none".into(),
                "Acquire::Retries=3".into(),
            ],
        })
    }

    fn get(&self) -> Command {
        let mut command = process::command("apt-get");
        command.env("LC_ALL", "C").args(self.options.iter().flat_map(|option| ["-o", option.as_str()]));
        command
    }
}

/// The mirror this machine's own Debian release comes from, as apt is configured.
fn mirror() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("reading /etc/os-release")?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).unwrap_or_default();
    let codename = codename.trim_matches('"');
    let targets = process::stdout_of(process::command("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Component: main",
        "Origin: Debian",
        &format!("Codename: {codename}"),
    ]))?;
    let mirror = targets.lines().next().filter(|line| line.starts_with("http"));
    let mirror = mirror.with_context(|| {
        format!("expected a Debian mirror for release \"{codename}\" in apt's sources; found none. Run `apt-get update`; other distributions need the official tools (docs/toolchain.md)")
    })?;
    ui::note(&format!("Debian mirror {mirror}"));
    Ok(mirror.to_owned())
}
