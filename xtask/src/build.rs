//! `cargo xtask build`: the programs as sBPF binaries in `target/deploy`.

use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{bail, Context, Result};

use crate::{
    artifact, idl,
    process::{self, command},
    toolchain::{self, Official, Toolchain, Upstream, TARGET},
    ui::{self, Task},
    workspace::Workspace,
};

/// A crate that becomes a program.
#[derive(Clone, Copy)]
pub struct Program {
    pub package: &'static str,
    /// Name of its library, and of the file in `target/deploy`.
    pub name: &'static str,
    manifest: &'static str,
}

pub const PLIMSOLL: Program =
    Program { package: "plimsoll", name: "plimsoll", manifest: "programs/plimsoll/Cargo.toml" };
pub const SOUNDNESS: Program =
    Program { package: "plimsoll-soundness", name: "soundness", manifest: "tests/programs/soundness/Cargo.toml" };
pub const POOL: Program =
    Program { package: "plimsoll-test-pool", name: "pool", manifest: "tests/programs/pool/Cargo.toml" };

/// Arguments of rustc, besides the linker and the path remapping. sBPF v3, frames of 4 KB (`docs/toolchain.md`).
pub const SBF_FLAGS: &[&str] = &[
    "-Cpanic=abort",
    "-Clink-arg=--arch=v3",
    "-Clink-arg=--llvm-args=--bpf-stack-size=4096",
    "-Cpasses=lower-atomic",
    "-Ctarget-cpu=v3",
    // The chain's machine reads and writes words at any address (Solana's own compiler counts on it, and
    // `tests/tests/soundness.rs` asks it). Without this every key is copied and compared byte by byte.
    "-Clink-arg=--cpu-features=+allows-misaligned-mem-access",
    // What the compiler inlined crate by crate is enough: more of it at the link buys a liquidation 400 compute units of
    // 26,000, for 190 KB that every deployment must upload.
    "-Clink-arg=--llvm-args=--inline-threshold=5",
];

/// Arguments of cargo that compile the overlaid standard library along.
const BUILD_STD: &[&str] =
    &["-Zjson-target-spec", "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=compiler-builtins-mem"];

#[derive(clap::Args)]
pub struct Args {
    /// Also record the program as artifacts/plimsoll.so, for machines without a compiler
    #[arg(long)]
    record: bool,
    /// Only target/deploy/plimsoll.so: no test programs, no IDL
    #[arg(long, conflicts_with = "record")]
    program_only: bool,
}

pub fn run(ws: &Workspace, args: &Args) -> Result<()> {
    let compiler = program(ws)?;
    if args.record {
        let toolchain = compiler.as_ref();
        let toolchain = toolchain.context("--record needs a compiler; see the warning above")?;
        artifact::record(ws, toolchain)?;
    } else {
        artifact::remark(ws);
    }
    if args.program_only {
        return Ok(());
    }
    if let Some(toolchain) = &compiler {
        soundness(ws, toolchain)?;
        pool(ws, toolchain)?;
    }
    idl::write(ws)
}

/// A failed build must not leave yesterday's program behind.
fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Puts the key of the program's address where the Anchor CLI looks for it; without it, it would make up another.
pub fn place_key(ws: &Workspace) -> Result<()> {
    fs::create_dir_all(ws.path("target/deploy"))?;
    fs::copy(ws.path("keys/localnet-program.json"), ws.path("target/deploy/plimsoll-keypair.json"))
        .context("copying keys/localnet-program.json")?;
    Ok(())
}

/// Makes `target/deploy/plimsoll.so`. `None`: there is no compiler, and it is a copy of `artifacts/plimsoll.so`.
pub fn program(ws: &Workspace) -> Result<Option<Toolchain>> {
    place_key(ws)?;
    remove(&ws.deployed(PLIMSOLL.name))?;
    match toolchain::ensure(ws) {
        Ok(toolchain) => {
            ui::note(&format!("compiler: {toolchain}"));
            let path = compile_shown(ws, &toolchain, PLIMSOLL)?;
            ui::note(&format!("{} ({} bytes)", path.display(), fs::metadata(&path)?.len()));
            Ok(Some(toolchain))
        }
        Err(error) => {
            ui::warn(&format!("no compiler for the chain: {}", ui::chain(&error)));
            artifact::restore(ws)?;
            Ok(None)
        }
    }
}

/// Makes `target/deploy/soundness.so`, the program of `tests/tests/soundness.rs`.
pub fn soundness(ws: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    compile_shown(ws, toolchain, SOUNDNESS)
}

/// Makes `target/deploy/pool.so`, the market of the tests.
pub fn pool(ws: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    compile_shown(ws, toolchain, POOL)
}

fn compile_shown(ws: &Workspace, toolchain: &Toolchain, program: Program) -> Result<PathBuf> {
    ui::task(&format!("building {} for the chain", program.name), |task| compile(ws, toolchain, program, &[], task))
}

/// A frame over the chain's 4 KB must be an error of the build that names the function; at run time it would
/// silently overwrite the caller's frame.
pub fn refuses_big_frame(ws: &Workspace, toolchain: &Toolchain) -> Result<()> {
    const FUNCTION: &str = "big_frame";
    let result = ui::task("building a function with a 6 KB frame (must be refused)", |task| {
        Ok(compile(ws, toolchain, SOUNDNESS, &["bigframe"], task).map(drop))
    })?;
    // The refused build must not be left in the place of the good one.
    remove(&ws.deployed(SOUNDNESS.name))?;
    let refusal = match result {
        Ok(()) => bail!("expected the build of feature `bigframe` to fail; it succeeded: big frames are not refused"),
        Err(error) => ui::chain(&error),
    };
    let reason = refusal.lines().find(|line| line.contains(FUNCTION) && line.to_lowercase().contains("stack"));
    match reason {
        Some(line) => ui::note(&format!("refused: {}", line.trim())),
        None => {
            bail!("expected a refusal about the stack that names `{FUNCTION}`; found\n{refusal}")
        }
    }
    soundness(ws, toolchain).map(drop)
}

/// Compiles one program into `target/deploy`.
fn compile(ws: &Workspace, toolchain: &Toolchain, program: Program, features: &[&str], task: &Task) -> Result<PathBuf> {
    let deployed = ws.deployed(program.name);
    remove(&deployed)?;
    match toolchain {
        Toolchain::Upstream(upstream) => {
            let library = upstream_build(ws, upstream, &upstream.linker, "target/sbf", &[], (program, features), task)?;
            let partial = deployed.with_extension("so.partial");
            fs::copy(&library, &partial)
                .with_context(|| format!("expected the linker's output {}", library.display()))?;
            fs::rename(&partial, &deployed)?;
        }
        Toolchain::Official(official) => official_build(ws, official, program, features, task)?,
    }
    if !deployed.is_file() {
        bail!("the build ended well, but {} is not there", deployed.display());
    }
    Ok(deployed)
}

fn official_build(ws: &Workspace, _: &Official, program: Program, features: &[&str], task: &Task) -> Result<()> {
    let mut build = command("cargo-build-sbf");
    build.current_dir(ws.root()).args(["--arch", "v3", "--sbf-out-dir", "target/deploy", "--manifest-path"]);
    build.arg(program.manifest);
    if !features.is_empty() {
        build.args(["--features", &features.join(",")]);
    }
    let output = process::checked(build.args(["--", "--locked"]), task)?;
    // These tools report a frame that is too big and go on.
    if let Some(line) = output.lines().find(|line| line.contains("Stack offset of")) {
        remove(&ws.deployed(program.name))?;
        bail!("{line}");
    }
    Ok(())
}

/// Compiles Plimsoll once more, with debug information, and returns the object it was linked from. The program that comes of
/// it has the same instructions as the one that is deployed: the information changes none.
pub fn symbols(ws: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    const FOLDER: &str = "target/sbf-symbols";
    let Toolchain::Upstream(upstream) = toolchain else {
        bail!("the object is known where the upstream compiler makes it: set PLIMSOLL_SBF=upstream and repeat");
    };
    // The linker leaves the object where it is told to write, and the program beside it with the ending `.so`; rustc asks for
    // the program in the object's place.
    let script = format!(
        "#!/bin/sh\n\
         left=$#; last=\n\
         while [ $left -gt 0 ]; do\n\
         word=$1; shift\n\
         [ \"$last\" = -o ] && word=${{word%.so}}.o\n\
         last=$word; set -- \"$@\" \"$word\"; left=$((left - 1))\n\
         done\n\
         exec '{}' \"$@\"\n",
        upstream.linker.display()
    );
    let folder = fresh_target_dir(ws, upstream, FOLDER)?;
    let linker = folder.join("link");
    if fs::read_to_string(&linker).ok().as_deref() != Some(&script) {
        fs::write(&linker, script)?;
        fs::set_permissions(&linker, fs::Permissions::from_mode(0o755))?;
    }
    let flags = ["-Cdebuginfo=1", "-Clink-arg=--btf", "-Clink-arg=--deploy=false"];
    let library = ui::task("building plimsoll with debug information", |task| {
        upstream_build(ws, upstream, &linker, FOLDER, &flags, (PLIMSOLL, &[]), task)
    })?;
    let object = library.with_file_name("deps").join("libplimsoll.o");
    if !object.is_file() {
        bail!("the build ended well, but {} is not there; delete {FOLDER} and repeat", object.display());
    }
    Ok(object)
}

/// Returns the library in cargo's own target folder.
fn upstream_build(
    ws: &Workspace,
    upstream: &Upstream,
    linker: &Path,
    target_dir: &str,
    extra_flags: &[&str],
    (program, features): (Program, &[&str]),
    task: &Task,
) -> Result<PathBuf> {
    let target_dir = fresh_target_dir(ws, upstream, target_dir)?;
    let cargo = |verb: &str| {
        let mut cargo = command(&upstream.cargo);
        // The settings of this build are all here: none may come from outside.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let foreign = text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_BUILD_");
            let foreign = foreign || matches!(&*text, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER");
            if foreign {
                cargo.env_remove(&name);
            }
        }
        cargo
            .current_dir(ws.root())
            .env("RUSTC", upstream.rustc())
            // Nightly features of a stable compiler: a target given as JSON, and a standard library built along.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC_BOOTSTRAP_SYNTHETIC_TARGET", "1")
            .args([verb, "--locked"]);
        cargo
    };
    // Unpacks all sources, so that the folders to remap are there.
    process::checked(&mut cargo("fetch"), task)?;

    let mut flags: Vec<String> = SBF_FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
    flags.extend(remappings(ws, &upstream.library())?);
    flags.extend(extra_flags.iter().map(|flag| (*flag).to_owned()));
    let mut build = cargo("build");
    build
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("CARGO_TARGET_SBF_SOLANA_LINKER", linker)
        .arg("--release")
        .arg("--target")
        .arg(ws.path(TARGET))
        .args(BUILD_STD)
        .args(["--package", program.package, "--target-dir"])
        .arg(&target_dir);
    if !features.is_empty() {
        build.args(["--features", &features.join(",")]);
    }
    process::checked(&mut build, task)?;
    Ok(target_dir.join("sbf-solana/release").join(format!("lib{}.so", program.name)))
}

/// A target folder, emptied when the compiler is not the one it was filled by: cargo does not watch the standard library.
fn fresh_target_dir(ws: &Workspace, upstream: &Upstream, dir: &str) -> Result<PathBuf> {
    let dir = ws.path(dir);
    let stamp = dir.join("compiler");
    let overlay = &upstream.versions.overlay;
    let sysroot = upstream.sysroot.display();
    let now = format!("{}\n{overlay}\n{sysroot}\n", upstream.versions);
    if fs::read_to_string(&stamp).ok().as_deref() != Some(&now) {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| format!("emptying {}", dir.display()))?;
        }
        fs::create_dir_all(&dir)?;
        fs::write(&stamp, now)?;
    }
    Ok(dir)
}

/// Panic messages carry source paths: make them the same on every machine.
pub fn remappings(ws: &Workspace, library: &Path) -> Result<Vec<String>> {
    let remap = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo")));
    let home = home.context("cargo's folder: expected CARGO_HOME or HOME in the environment")?;
    // Where a folder's own name depends on the registry it came from, the name goes as well.
    let sources = home.join("registry/src");
    let mut remaps = vec![remap(ws.root(), "/plimsoll"), remap(library, "/std"), remap(&home, "/cargo")];
    for entry in fs::read_dir(&sources).with_context(|| format!("reading {}", sources.display()))? {
        remaps.push(remap(&entry?.path(), "/crates"));
    }
    Ok(remaps)
}
