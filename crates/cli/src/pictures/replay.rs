//! Drives a reserve through a price path, as the program does, and reads back what one position would be told.

use anyhow::{anyhow, Context, Result};
use bytemuck::Zeroable;
use plimsoll_engine::fixed::{Factor, Value, BPS};
use plimsoll_engine::health::{Exposure, InitialTotals};
use plimsoll_engine::price::{RawPrice, Reading};
use plimsoll_engine::state::{ReserveConfig, ReserveState};
use plimsoll_engine::transitions::configure_reserve;
use plimsoll_engine::{EngineError, Now};

use super::path::{Path, Tick, EXPONENT};
use super::terms;

/// Debt of the position, of the plain value of its collateral when the picture starts, bps.
const LOAN_BPS: u64 = 5_100;
/// Confidence of every price, bps.
const CONFIDENCE_BPS: u64 = 10;
/// Time constant of the moving average, seconds: as Pyth's.
const AVERAGE_SECS: u64 = 3_600;
/// A dollar at [`EXPONENT`].
const DOLLAR: u64 = 100_000_000;
/// A rise of volatility that is over within a second: maintenance health without its bound.
const UNBOUNDED_BPS_PER_HOUR: u64 = BPS * 3_600;

/// What the engine says at one time of the path.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Unix time, seconds.
    pub unix: i64,
    /// Spot price of a token.
    pub price: Value,
    /// Volatility in initial health.
    pub sigma_initial: Factor,
    /// Volatility in maintenance health.
    pub sigma_maintenance: Factor,
    /// Price below which the position is liquidatable.
    pub maintenance: Value,
    /// The same, if maintenance volatility rose without a bound.
    pub maintenance_unbounded: Value,
    /// Price from which on the position could be opened; `None` while nothing may be, the price too far off its average.
    pub initial: Option<Value>,
}

impl Moment {
    /// Whether the position is healthy only because maintenance volatility rises at a bounded speed.
    pub fn is_spared(&self) -> bool {
        self.maintenance <= self.price && self.price < self.maintenance_unbounded
    }
}

/// A position with one collateral and one debt. Interest is left out: it is not what the picture is about.
struct Position {
    collateral_atoms: u64,
    debt_atoms: u64,
}

/// The two reserves of the position, and the collateral's once more without a bound on the rise of maintenance volatility.
struct Reserves {
    collateral: ReserveState,
    collateral_unbounded: ReserveState,
    debt: ReserveState,
    now: Now,
}

/// Replays a path; a moment for every price that is to be drawn.
pub fn replay(path: &Path) -> Result<Vec<Moment>> {
    let nothing = "expected a path with prices to draw";
    let mut reserves = Reserves::new(*path.ticks.first().context(nothing)?)?;
    let position = Position::new(path.ticks.get(path.drawn_from).context(nothing)?.price);
    let mut moments = Vec::new();
    for (i, tick) in path.ticks.iter().enumerate() {
        reserves.feed(*tick)?;
        if i >= path.drawn_from {
            moments.push(reserves.moment(&position)?);
        }
    }
    Ok(moments)
}

/// What the engine says to prices or terms it does not take.
fn refused(error: EngineError, now: &Now) -> anyhow::Error {
    anyhow!("the engine refuses the price of unix time {}: {error:?}", now.unix)
}

/// A reading at a price, with the average that belongs to it.
fn reading(price: u64, average: u64, now: &Now) -> Result<Reading> {
    let raw = RawPrice {
        price: i64::try_from(price)?,
        confidence: price / (BPS / CONFIDENCE_BPS),
        average: i64::try_from(average)?,
        exponent: EXPONENT,
        publish_time: now.unix,
    };
    Reading::checked(&raw, now).map_err(|error| refused(error, now))
}

/// The moving average after a price that stood for a time.
fn average_after(before: &Reading, price: u64, elapsed_secs: u64) -> Result<u64> {
    let (old, new, elapsed) = (u128::from(before.average), u128::from(price), u128::from(elapsed_secs));
    let whole = elapsed + u128::from(AVERAGE_SECS);
    Ok(u64::try_from((old * u128::from(AVERAGE_SECS) + new * elapsed) / whole)?)
}

fn reserve(config: &ReserveConfig, decimals: u8, reading: &Reading, now: &Now) -> Result<ReserveState> {
    let mut state = ReserveState { decimals, ..ReserveState::zeroed() };
    configure_reserve(&mut state, config, &terms::market(), reading, now).map_err(|error| refused(error, now))?;
    Ok(state)
}

/// Offers a price to a reserve.
fn offer(reserve: &mut ReserveState, price: u64, now: &Now) -> Result<()> {
    let elapsed_secs = reserve.reading.age_secs(now.unix);
    let average = average_after(&reserve.reading, price, elapsed_secs)?;
    reserve.keep_reading(Some(&reading(price, average, now)?), now);
    Ok(())
}

impl Position {
    /// As much collateral as the cap allows, and a debt of [`LOAN_BPS`] of its plain value at a price.
    fn new(price: u64) -> Self {
        let collateral_atoms = terms::collateral().caps.collateral_atoms;
        let atoms = |decimals: u8| 10u128.pow(u32::from(decimals));
        let worth = u128::from(collateral_atoms) * u128::from(price) / atoms(terms::COLLATERAL_DECIMALS);
        let debt = worth * u128::from(LOAN_BPS) * atoms(terms::DEBT_DECIMALS) / u128::from(BPS * DOLLAR);
        Self { collateral_atoms, debt_atoms: u64::try_from(debt).unwrap_or(u64::MAX) }
    }
}

impl Reserves {
    fn new(first: Tick) -> Result<Self> {
        let now = Now { unix: first.unix, slot: 0 };
        let (price, dollar) = (reading(first.price, first.price, &now)?, reading(DOLLAR, DOLLAR, &now)?);
        let collateral = reserve(&terms::collateral(), terms::COLLATERAL_DECIMALS, &price, &now)?;
        let mut collateral_unbounded = collateral;
        collateral_unbounded.risk.sigma_rise_bps_per_hour = UNBOUNDED_BPS_PER_HOUR;
        let debt = reserve(&terms::debt(), terms::DEBT_DECIMALS, &dollar, &now)?;
        Ok(Self { collateral, collateral_unbounded, debt, now })
    }

    fn feed(&mut self, tick: Tick) -> Result<()> {
        self.now.unix = tick.unix;
        offer(&mut self.collateral, tick.price, &self.now)?;
        offer(&mut self.collateral_unbounded, tick.price, &self.now)?;
        offer(&mut self.debt, DOLLAR, &self.now)
    }

    /// Maintenance health of a position at a reading of its collateral.
    fn health(&self, collateral: &ReserveState, position: &Position, reading: &Reading) -> Result<Factor, EngineError> {
        let mut exposure = Exposure::default();
        exposure.push_collateral(collateral.collateral_leg(position.collateral_atoms, reading, &self.now))?;
        exposure.push_debt(self.debt.debt_leg_of(position.debt_atoms, &self.debt.reading, &self.now))?;
        Ok(exposure.health())
    }

    /// Initial health of a position at a reading of its collateral, the only one that counts; an error where nothing may be
    /// opened.
    fn initial_health(&self, position: &Position, reading: &Reading) -> Result<Factor, EngineError> {
        let mut totals = InitialTotals::default();
        let collateral = self.collateral.initial_collateral_leg(position.collateral_atoms, 0, reading, &self.now)?;
        totals.add_collateral(&collateral);
        totals.add_debt(&self.debt.initial_debt_leg(position.debt_atoms, &self.debt.reading, &self.now)?);
        Ok(totals.health())
    }

    /// What is drawn. At one volatility health goes with the price, so it is one at `price / health`.
    fn moment(&self, position: &Position) -> Result<Moment> {
        let Self { collateral, collateral_unbounded, now, .. } = self;
        let reading = &collateral.reading;
        let price = Value(u128::from(reading.price) * u128::from(Value::PER_USD / DOLLAR));
        let maintenance = |collateral: &ReserveState| {
            let health = self.health(collateral, position, reading).map_err(|error| refused(error, now))?;
            anyhow::Ok(price.over_ceil(health))
        };
        let initial = match self.initial_health(position, reading) {
            Ok(health) => Some(price.over_ceil(health)),
            Err(EngineError::PriceOffAverage) => None,
            Err(error) => return Err(refused(error, now)),
        };
        Ok(Moment {
            unix: now.unix,
            price,
            sigma_initial: collateral.sigma_initial(reading),
            sigma_maintenance: collateral.sigma_maintenance(reading, now),
            maintenance: maintenance(collateral)?,
            maintenance_unbounded: maintenance(collateral_unbounded)?,
            initial,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within a millionth.
    fn is_close(a: Factor, b: Factor) -> bool {
        a.0.abs_diff(b.0) <= b.0 / 1_000_000
    }

    #[test]
    fn at_the_drawn_thresholds_health_is_one() {
        let path = Path::synthetic();
        let mut reserves = Reserves::new(path.ticks[0]).unwrap();
        let position = Position::new(path.ticks[0].price);
        for (i, tick) in path.ticks.iter().enumerate() {
            reserves.feed(*tick).unwrap();
            if i % 97 != 0 {
                continue;
            }
            let moment = reserves.moment(&position).unwrap();
            // All numbers of the reading moved alike; its time is that of the last sample, so volatility stays.
            let at = |threshold: Value| {
                let old = reserves.collateral.reading;
                let moved = |number: u64| u64::try_from(u128::from(number) * threshold.0 / moment.price.0).unwrap();
                let (price, average) = (moved(old.price), moved(old.average));
                Reading { price, average, confidence: moved(old.confidence), ..old }
            };
            let health =
                |state: &ReserveState, threshold: Value| reserves.health(state, &position, &at(threshold)).unwrap();
            assert!(is_close(health(&reserves.collateral, moment.maintenance), Factor::ONE));
            assert!(is_close(health(&reserves.collateral_unbounded, moment.maintenance_unbounded), Factor::ONE));
            assert!(is_close(reserves.initial_health(&position, &at(moment.initial.unwrap())).unwrap(), Factor::ONE));
        }
    }
}
