//! The TypeScript client: what `npm` runs in `sdk/`, from its lock file, and its examples on a local validator.

use anyhow::Result;

use crate::{
    build,
    npm::Package,
    process,
    surfpool::{Options, Validator},
    workspace::Workspace,
};

/// Types, format, generated code, unit tests and golden vectors, the package, and the examples on a validator.
pub fn check(ws: &Workspace) -> Result<()> {
    let sdk = Package::new(ws, "sdk");
    sdk.install()?;
    for script in ["check", "test", "package"] {
        process::shown(&mut sdk.script(script))?;
    }
    let validator = Validator::start(ws, &Options { block_production: "transaction", slot_time_ms: 400 })?;
    let mut examples = sdk.script("test:validator");
    examples
        .env("PLIMSOLL_RPC", &validator.endpoints.rpc)
        .env("PLIMSOLL_WS", &validator.endpoints.ws)
        .env("PLIMSOLL_SO", ws.deployed(build::PLIMSOLL.name));
    process::shown(&mut examples)
}
