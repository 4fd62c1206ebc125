//! The page: what `npm` runs in `app/`, its tests in a real browser, and `cargo xtask demo --app`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{ExitStatus, Stdio},
};

use anyhow::{bail, Context, Result};
use serde::Deserialize;

use crate::{
    build,
    npm::Package,
    process,
    surfpool::{Options, Validator},
    toolchain::apt,
    ui,
    workspace::Workspace,
};

/// Debian's Chromium.
const CHROMIUM: &str = "/usr/bin/chromium";
/// Names another browser for the tests, a Chromium too.
const CHROMIUM_VARIABLE: &str = "PLIMSOLL_CHROMIUM";
/// Slots by time, because prices are judged by their age: where slots are transactions, so is the clock.
const VALIDATOR: Options = Options { block_production: "clock", slot_time_ms: 200 };

/// Types, lint, format, unit tests, the built page and its size, and all tests in a browser on a validator.
pub fn check(ws: &Workspace) -> Result<()> {
    let app = Package::new(ws, "app");
    app.install()?;
    for script in ["check", "test", "build", "size"] {
        process::shown(&mut app.script(script))?;
    }
    ensure_browser()?;
    let validator = Validator::start(ws, &VALIDATOR)?;
    let mut tests = app.script("test:browser");
    tests
        .env("PLIMSOLL_RPC", &validator.endpoints.rpc)
        .env("PLIMSOLL_WS", &validator.endpoints.ws)
        .env("PLIMSOLL_SO", ws.deployed(build::PLIMSOLL.name));
    process::shown(&mut tests)?;
    ui::note(&format!("pictures of every view: {}", ws.path("target/app-screenshots").display()));
    Ok(())
}

/// Installs Debian's Chromium where there is none, unless another one is named.
fn ensure_browser() -> Result<()> {
    if Path::new(CHROMIUM).is_file() || std::env::var_os(CHROMIUM_VARIABLE).is_some() {
        return Ok(());
    }
    apt::install(&["chromium"], || {
        format!("expected {CHROMIUM}, or a Chromium that {CHROMIUM_VARIABLE} names; found neither")
    })
}

/// What the demo says when the page can be opened.
#[derive(Deserialize)]
struct Ready {
    url: String,
}

/// The page with a market to try it on, until Ctrl-C.
pub fn demo(ws: &Workspace, port: u16) -> Result<ExitStatus> {
    let app = Package::new(ws, "app");
    app.install()?;
    ui::task("building the page", |task| process::checked(&mut app.script("build"), task).map(drop))?;
    let validator = Validator::start(ws, &VALIDATOR)?;
    let mut demo = process::command("node");
    demo.arg(app.path("dist-localnet/demo.js"))
        .args(["--exit-with-stdin", "--rpc", &validator.endpoints.rpc, "--ws", &validator.endpoints.ws, "--so"])
        .arg(ws.deployed(build::PLIMSOLL.name))
        .args(["--port", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = demo.spawn().context("starting node")?;
    // Held open until it has ended: waiting would close what tells it that we are here.
    let held = child.stdin.take();
    let stdout = child.stdout.take().context("the demo's output")?;
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let Some(ready) = lines.find_map(|line| serde_json::from_str::<Ready>(&line).ok()) else {
        bail!("the demo ended with {} before its page could be opened", child.wait()?);
    };
    ui::note(&format!("the page: {}", ready.url));
    ui::note(
        "open `Localnet tools` in its corner: connect test wallet A, get tokens, and deposit and borrow in `Position`.",
    );
    ui::note(
        "Then let the price fall, switch to test wallet B, and take A's position in `Liquidations`. Ctrl-C ends it.",
    );
    let status = child.wait().context("waiting for the demo")?;
    drop(held);
    Ok(status)
}
