//! Running other programs: output kept for the error message, last line shown as progress.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, ExitCode, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use anyhow::{bail, Context, Result};

use crate::ui::Task;

/// Lines of output an error message carries.
const TAIL: usize = 60;

/// A command without what `cargo run` put into our own environment: it would change what the child does
/// (library path of another compiler) or needlessly rebuild crates (package variables).
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, value) in env::vars_os() {
        let text = name.to_string_lossy();
        let from_cargo = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || matches!(&*text, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE");
        if from_cargo {
            command.env_remove(&name);
        } else if text == "LD_LIBRARY_PATH" && env::var_os("CARGO").is_some() {
            let kept: Vec<_> = env::split_paths(&value).filter(|dir| !added_by_cargo(dir)).collect();
            match env::join_paths(kept) {
                Ok(path) if !path.is_empty() => command.env(&name, path),
                _ => command.env_remove(&name),
            };
        }
    }
    command
}

fn added_by_cargo(dir: &Path) -> bool {
    dir.components().any(|c| matches!(c.as_os_str().to_str(), Some("target" | "toolchains" | "rustlib")))
}

/// What a program ended with, handed on.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Runs to the end, both output streams collected. Does not judge the exit code.
pub fn collect(command: &mut Command, task: &Task) -> Result<(ExitStatus, String)> {
    let shown = describe(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting `{shown}`"))?;
    let (sender, lines) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|s| Box::new(s) as _), child.stderr.take().map(|s| Box::new(s) as _)];
    for stream in streams.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            // A line cut short by the child's death is still worth showing.
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let mut output = String::new();
    for line in lines {
        task.line(&line);
        output.push_str(&line);
        output.push('\n');
    }
    let status = child.wait().with_context(|| format!("waiting for `{shown}`"))?;
    Ok((status, output))
}

/// Runs to the end; a failure carries the end of the output.
pub fn checked(command: &mut Command, task: &Task) -> Result<String> {
    let (status, output) = collect(command, task)?;
    if !status.success() {
        bail!("`{}` ended with {status}; its last lines:\n{}", describe(command), tail(&output));
    }
    Ok(output)
}

/// Standard output of a short command that must succeed.
pub fn stdout_of(command: &mut Command) -> Result<String> {
    let shown = describe(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}:\n{}", output.status, tail(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs with our own output streams, for work whose output is the point of running it.
pub fn shown(command: &mut Command) -> Result<()> {
    let text = describe(command);
    let status = command.status().with_context(|| format!("starting `{text}`"))?;
    if !status.success() {
        bail!("`{text}` ended with {status}");
    }
    Ok(())
}

/// Whether a program of this name can be started.
pub fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

pub fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}
