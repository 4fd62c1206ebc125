//! How fast the engine is on this machine: health of a million positions, plans, and the simulator on top of it. In ratios between its parts too, which
//! say more than seconds of a machine nobody else has.
//!
//! `plimsoll-speed FOLDER`: the folder holds states of liquidations, as `plimsoll-bench --states` leaves them there.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use std::{env, fs};

use anyhow::{anyhow, ensure, Context, Result};
use bytemuck::Pod;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::health::Exposure;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::state::{MarketPolicy, PositionState, ReserveState};
use plimsoll_engine::Now;
use serde_json::json;

/// Positions in one measurement of health.
const POSITIONS: u32 = 1_000_000;
/// Plans in one measurement.
const PLANS: u32 = 100_000;
/// Measurements; the fastest counts, because what disturbs one only makes it slower.
const ROUNDS: usize = 7;

/// A liquidation about to be planned.
struct Scene {
    now: Now,
    policy: MarketPolicy,
    position: PositionState,
    reserves: Vec<ReserveState>,
}

/// The next state in a file.
fn take<T: Pod>(rest: &mut &[u8]) -> Result<T> {
    let (bytes, left) = rest.split_at_checked(size_of::<T>()).context("a state is cut short")?;
    *rest = left;
    Ok(bytemuck::pod_read_unaligned(bytes))
}

impl Scene {
    fn read(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let mut rest = &bytes[..];
        let now = Now { unix: take(&mut rest)?, slot: take(&mut rest)? };
        let (policy, position) = (take(&mut rest)?, take(&mut rest)?);
        let mut reserves = Vec::new();
        while !rest.is_empty() {
            reserves.push(take(&mut rest)?);
        }
        let scene = Self { now, policy, position, reserves };
        let legs = scene.position.collaterals().len() + scene.position.debts().len();
        ensure!(scene.reserves.len() == legs, "a reserve for each of {legs} legs, found {}", scene.reserves.len());
        Ok(scene)
    }

    fn exposure(&self) -> Result<Exposure, EngineError> {
        let mut exposure = Exposure::default();
        let (collaterals, debts) = self.reserves.split_at(self.position.collaterals().len());
        for (slot, reserve) in self.position.collaterals().iter().zip(collaterals) {
            exposure.push_collateral(reserve.collateral_leg(slot.atoms, &reserve.reading, &self.now))?;
        }
        for (slot, reserve) in self.position.debts().iter().zip(debts) {
            exposure.push_debt(reserve.debt_leg(slot.shares.get(), &reserve.reading, &self.now))?;
        }
        Ok(exposure)
    }

    fn health(&self) -> Result<Factor, EngineError> {
        Ok(self.exposure()?.health())
    }

    /// The plan of liquidating the first pair, from the states to its last check.
    fn plan(&self) -> Result<LiquidationPlan, EngineError> {
        let request = LiquidationRequest { collateral: 0, debt: 0, repay_max_atoms: u64::MAX, seize_min_atoms: 0 };
        let standing = self.position.standing((0, 0), &self.policy, &self.now, Ok(()));
        let sale = self.reserves[0].sale_terms(&self.now);
        plan_liquidation(&self.exposure()?, &sale, &self.policy, &standing, &request, &self.now)
    }
}

/// Nanoseconds of one call: the fastest of several rounds of many.
fn nanos<T>(count: u32, call: impl Fn() -> T) -> f64 {
    let round = |_| {
        let start = Instant::now();
        for _ in 0..count {
            black_box(call());
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(count)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).context("expected the folder of states")?;
    let [small, large] = ["1_1", "8_4"].map(|legs| Scene::read(&Path::new(&folder).join(legs)));
    let (small, large) = (small?, large?);
    for scene in [&small, &large] {
        // What is measured must be a plan, not a refusal.
        scene.plan().map_err(|error| anyhow!("expected a plan, found {error:?}"))?;
    }
    let leg = small.exposure().map_err(|error| anyhow!("{error:?}"))?.collaterals()[0];
    let alv = nanos(POSITIONS, || black_box(&leg.curve).value(black_box(leg.atoms)));
    let health = |scene: &Scene| nanos(POSITIONS, || black_box(scene).health());
    let plan = |scene: &Scene| nanos(PLANS, || black_box(scene).plan());
    let (health_small, health_large) = (health(&small), health(&large));
    let (plan_small, plan_large) = (plan(&small), plan(&large));
    // A million calls of so many nanoseconds take a thousandth of that number of seconds.
    let rounded = |number: f64| (number * 1_000.0).round() / 1_000.0;
    println!(
        "{:#}",
        json!({
            "seconds_of_a_million_healths": {
                "1_1": rounded(health_small / 1_000.0),
                "8_4": rounded(health_large / 1_000.0),
            },
            "plans_per_second": { "1_1": (1e9 / plan_small).round(), "8_4": (1e9 / plan_large).round() },
            "ratios": {
                "health_1_1_to_alv": rounded(health_small / alv),
                "health_8_4_to_health_1_1": rounded(health_large / health_small),
                "plan_1_1_to_health_1_1": rounded(plan_small / health_small),
                "plan_8_4_to_health_8_4": rounded(plan_large / health_large),
            },
            "simulator": plimsoll_sim::speed::measure(plimsoll_sim::speed::Scale::SMALL)?,
        })
    );
    Ok(())
}
