//! The demo's market before the simulator, as anybody's: taken over RPC, written, read through a scenario, and asked.

use anyhow::{Context, Result};
use plimsoll_sim::ask::shock::shock;
use plimsoll_sim::generate::Setup;
use plimsoll_sim::scenario::Scenario;
use plimsoll_sim::snapshot::starting;

use super::cast::Cast;
use super::report::{Report, Step};
use crate::sim::snapshot::{take, Taken};

/// Part of the collateral's price that falls away: more than any borrower here can bear.
const FALL: f64 = 0.6;

/// Takes the market and asks which of its positions a deep fall would make liquidatable: all of them.
pub fn check(cast: &Cast, report: &mut Report) -> Result<()> {
    let taken = take(&cast.chain.rpc().url(), &cast.market)?;
    let folder = std::env::temp_dir().join(format!("plimsoll-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let setup = through_files(&taken, &folder);
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    let setup = setup?;
    report.step(
        Step::new("A snapshot of the market is taken, for the simulator")
            .fact("slot", taken.header.now.slot)
            .fact("accounts", taken.accounts.len()),
    );
    let sol = setup.scenario.token(&cast.sol.reserve.to_string())?;
    let found = |fall| shock(&setup, &[sol], fall).map(|shock| shock.liquidatable);
    let expected = format!("0 of {0} positions, then {0}", setup.chain.book.len());
    let got = format!("{} of {} positions, then {}", found(0.0)?, setup.chain.book.len(), found(FALL)?);
    report.equal(
        "asked of that file, the simulator can liquidate nobody now, and all after a fall of 60%",
        expected,
        got,
    );
    Ok(())
}

fn through_files(taken: &Taken, folder: &std::path::Path) -> Result<Setup> {
    taken.write(&folder.join("market.json.gz"))?;
    let scenario = folder.join("scenario.toml");
    std::fs::write(&scenario, starting::scenario(&taken.snapshot, "market.json.gz"))?;
    Setup::new(&Scenario::read(&scenario)?)
}
