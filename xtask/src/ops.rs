//! `cargo xtask test ops`: the alert rules and the dashboard of a keeper, by the linters of those who read them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{ensure, Context, Result};
use serde_json::{json, Value};

use crate::{process, toolchain::locked_part, workspace::Workspace};

const RULES: &str = "ops/keeper-alerts.yml";
const RULE_TESTS: &str = "ops/keeper-alerts.test.yml";
const DASHBOARD: &str = "ops/keeper-dashboard.json";
/// Where what the linters read is put.
const FOLDER: &str = "target/xtask/ops";
/// The Debian package that promtool is in.
const PACKAGE: &str = "prometheus";
/// What Grafana puts in place of its variables, as far as parsing goes.
const VARIABLES: [(&str, &str); 3] = [("$__rate_interval", "5m"), ("$__range", "6h"), ("$instance", ".+")];

/// Whether promtool is here or can be had.
pub fn can_check() -> Result<(), String> {
    let can_fetch = ["apt-get", "dpkg"].into_iter().all(process::on_path);
    if process::on_path("promtool") || can_fetch {
        return Ok(());
    }
    Err("promtool is not on the path, and there is no apt to fetch it; it comes with Prometheus".to_owned())
}

/// Rules, their tests, every expression of the dashboard, and the dashboard's shape.
pub fn check(ws: &Workspace) -> Result<()> {
    let promtool = promtool(ws)?;
    let run = |arguments: &[&str], file: &Path| {
        let mut command = process::command(&promtool);
        process::shown(command.args(arguments).arg(file))
    };
    run(&["check", "rules", "--lint=all", "--lint-fatal"], &ws.path(RULES))?;
    run(&["test", "rules"], &ws.path(RULE_TESTS))?;

    fs::create_dir_all(ws.path(FOLDER))?;
    let text = fs::read_to_string(ws.path(DASHBOARD)).context(DASHBOARD)?;
    let dashboard: Value = serde_json::from_str(&text).context(DASHBOARD)?;
    // promtool checks expressions in rules: each of the dashboard's becomes one. JSON is YAML.
    let rules = ws.path(FOLDER).join("dashboard-rules.yml");
    fs::write(&rules, as_rules(&dashboard)?.to_string())?;
    run(&["check", "rules", "--lint=all", "--lint-fatal"], &rules)?;
    has_grafanas_shape(ws, &text)
}

/// The expressions of a dashboard as recording rules.
fn as_rules(dashboard: &Value) -> Result<Value> {
    let mut rules = Vec::new();
    for panel in dashboard["panels"].as_array().context("panels")? {
        for target in panel["targets"].as_array().with_context(|| format!("targets of {}", panel["title"]))? {
            let mut expression = target["expr"].as_str().context("an expression")?.to_owned();
            for (variable, value) in VARIABLES {
                expression = expression.replace(variable, value);
            }
            ensure!(!expression.contains('$'), "expected no other variable in {expression}");
            rules.push(
                json!({ "record": format!("dashboard:panel_{}:{}", panel["id"], rules.len()), "expr": expression }),
            );
        }
    }
    ensure!(!rules.is_empty(), "expected expressions in {DASHBOARD}; found none");
    Ok(json!({ "groups": [{ "name": "dashboard", "rules": rules }] }))
}

/// The dashboard as a value of the type that Grafana publishes of dashboards.
fn has_grafanas_shape(ws: &Workspace, dashboard: &str) -> Result<()> {
    let folder = grafana(ws)?;
    let begin = fs::read_to_string(ws.asset("grafana").join("dashboard.ts.begin"))?;
    // Beside the packages that it imports.
    let file = folder.join("dashboard.ts");
    fs::write(&file, begin + dashboard)?;
    let options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--moduleResolution", "nodenext"];
    let mut compiler = process::command("node");
    compiler.arg(folder.join("node_modules/typescript/bin/tsc")).args(options).arg(file).current_dir(&folder);
    process::shown(&mut compiler).with_context(|| format!("{DASHBOARD} is no dashboard of Grafana's"))
}

/// Installs what Grafana publishes of its dashboards, and a compiler that reads it.
fn grafana(ws: &Workspace) -> Result<PathBuf> {
    let files = ["package.json", "package-lock.json"];
    let mut inputs = String::new();
    for file in files {
        let path = ws.asset("grafana").join(file);
        inputs += &fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    }
    locked_part(ws, "grafana", &inputs, "installing Grafana's types", |folder, task| {
        ensure!(process::on_path("npm"), "expected npm on the path; found none. Install Node 20 or newer with npm");
        for file in files {
            fs::copy(ws.asset("grafana").join(file), folder.join(file))?;
        }
        let mut npm = process::command("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
        process::checked(&mut npm, task).map(drop)
    })
}

/// The one on the path, or Debian's, unpacked into a folder of its own: nothing is installed on the machine.
fn promtool(ws: &Workspace) -> Result<PathBuf> {
    if process::on_path("promtool") {
        return Ok("promtool".into());
    }
    let folder = locked_part(ws, "promtool", PACKAGE, "fetching promtool from Debian", |folder, task| {
        let mut download = process::command("apt-get");
        process::checked(download.args(["download", PACKAGE]).current_dir(folder), task)
            .with_context(|| format!("fetching the Debian package {PACKAGE}; `apt-get update` may be due"))?;
        for package in fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()? {
            process::checked(process::command("dpkg").arg("-x").arg(package.path()).arg(folder.join("root")), task)?;
            fs::remove_file(package.path())?;
        }
        Ok(())
    })?;
    let promtool = folder.join("root/usr/bin/promtool");
    ensure!(promtool.is_file(), "expected promtool in the Debian package {PACKAGE}");
    Ok(promtool)
}
