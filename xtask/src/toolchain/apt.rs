//! Debian packages, installed on the machine: what is needed of them is needed under their own paths.

use anyhow::{bail, ensure, Context, Result};

use crate::{process, ui};

/// Installs packages, as root or with a sudo that does not ask. `without_apt` says what else would do, where there is no apt.
pub fn install(packages: &[&str], without_apt: impl FnOnce() -> String) -> Result<()> {
    let by_hand = format!("apt-get update && apt-get install {}", packages.join(" "));
    ensure!(process::on_path("apt-get"), without_apt());
    let root = process::stdout_of(process::command("id").arg("-u"))?.trim() == "0";
    let apt = |arguments: &[&str]| {
        let mut command = if root { process::command("apt-get") } else { process::command("sudo") };
        if !root {
            command.args(["-n", "apt-get"]);
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
        command
    };
    if !root && !process::on_path("sudo") {
        bail!("installing packages needs root and there is no sudo; as root run: {by_hand}");
    }
    let names = packages.join(", ");
    let hint = || format!("installing {names}; by hand, as root: {by_hand}");
    ui::task("reading the package lists", |task| process::checked(&mut apt(&["update"]), task)).with_context(hint)?;
    ui::task(&format!("installing {names}"), |task| {
        let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
        arguments.extend(packages);
        process::checked(&mut apt(&arguments), task)
    })
    .with_context(hint)?;
    Ok(())
}
