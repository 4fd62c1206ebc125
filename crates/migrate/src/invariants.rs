//! Whether the engine accepts what the file says; and if not, which lines are to blame and what would pass.
//!
//! Nothing of the engine's rules is written here. What is: which numbers each refusal is about. What would pass is found by
//! asking: a number is to blame where another in its place is accepted, and the nearest such number is searched for.

use plimsoll_client::errors::explain;
use plimsoll_engine::price::{RawPrice, Reading};
use plimsoll_engine::state::{BackstopPolicy, MarketPolicy, ReserveConfig};
use plimsoll_engine::{error::EngineError, Now};

use crate::file::{File, Reserve};
use crate::numbers::{of_reserve, reserve_paths, Numbers, Path, BACKSTOP, OWN, POLICY};
use crate::source::{Fault, Placed, Refused};

/// Every number of a table.
const ALL: &str = "*";
/// Exponent of the largest price with decimals that a file may name.
const PRICE_DECIMALS_MAX: u32 = 12;

/// What a check found, where it found nothing wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What could not be checked, and why.
    pub skipped: Vec<String>,
}

/// Judges a file without a chain, with the decimals and prices it names.
///
/// # Errors
/// Everything that breaks an invariant, with its lines.
pub fn check(file: &File) -> Result<Checked, Refused> {
    let mut checked = Checked::default();
    let mut faults = judge_market(file);
    for reserve in &file.reserves {
        let reading = match reserve.price_usd.as_ref().map(|_| reading_of(reserve)) {
            Some(Err(fault)) => {
                faults.push(fault);
                continue;
            }
            Some(Ok(reading)) if reserve.decimals.is_some() => Some(reading),
            _ => None,
        };
        let name = &reserve.name;
        if reserve.decimals.is_none() {
            checked
                .skipped
                .push(format!("{name}: no `decimals` in the file; amounts were compared with each other only"));
        }
        if reading.is_none() {
            checked.skipped.push(format!(
                "{name}: needs `decimals` and `price_usd`; whether dust is worth enough atoms, \
                 and the throttle enough dust, was not checked"
            ));
        }
        let decimals = reserve.decimals.as_ref().map_or_else(|| reserve.likely_decimals(), |decimals| decimals.value);
        faults.extend(judge_reserve(file, reserve, decimals, reading));
    }
    file.source.refuse(faults)?;
    Ok(checked)
}

/// The price that the file names, as a reading.
fn reading_of(reserve: &Reserve) -> Result<Reading, Fault> {
    let (at, price) = reserve.price_usd.as_ref().map_or((0, None), |price| (price.at, Some(price.value)));
    let number = price.filter(|price| price.scale <= PRICE_DECIMALS_MAX);
    let raw = number.and_then(|price| Some((i64::try_from(price.digits).ok()?, -i32::try_from(price.scale).ok()?)));
    let reading = raw.and_then(|(price, exponent)| {
        let raw = RawPrice { price, confidence: 0, average: price, exponent, publish_time: 0 };
        Reading::checked(&raw, &Now { unix: 0, slot: 0 }).ok()
    });
    reading.ok_or_else(|| {
        Fault::new(at, format!("`price_usd` of {} should be from 0.000000000001 to 1000000000", reserve.name))
    })
}

/// Judges the market's policy.
pub fn judge_market(file: &File) -> Vec<Fault> {
    let trial = Trial { policy: file.policy, reserve: None, backstop: None };
    trial.judge().err().map(|error| blame(file, None, &trial, error, 0)).into_iter().collect()
}

/// Judges a reserve and its backstop, at a reading where there is one. Under a policy that is refused itself nothing is
/// said of it.
pub fn judge_reserve(file: &File, reserve: &Reserve, decimals: u8, reading: Option<Reading>) -> Vec<Fault> {
    if file.policy.validate().is_err() {
        return Vec::new();
    }
    let config = match reserve.config(decimals) {
        Ok(config) => config,
        Err(faults) => return faults,
    };
    let listed = Trial { policy: file.policy, reserve: Some((config, decimals, reading)), backstop: None };
    let pool = reserve.backstop.map(|(policy, _)| Trial { policy: file.policy, reserve: None, backstop: Some(policy) });
    let trials = [Some(listed), pool].into_iter().flatten();
    trials
        .filter_map(|trial| trial.judge().err().map(|error| blame(file, Some(reserve), &trial, error, decimals)))
        .collect()
}

/// A configuration to ask the engine about.
#[derive(Clone)]
struct Trial {
    policy: MarketPolicy,
    reserve: Option<(ReserveConfig, u8, Option<Reading>)>,
    backstop: Option<BackstopPolicy>,
}

impl Trial {
    fn judge(&self) -> Result<(), EngineError> {
        self.policy.validate()?;
        if let Some(backstop) = &self.backstop {
            backstop.validate(&self.policy)?;
        }
        let Some((config, decimals, reading)) = &self.reserve else { return Ok(()) };
        match config.validate(&self.policy, *decimals, &reading.unwrap_or_default()) {
            // Without a price nothing is known of what it says of values; the engine asks that last.
            Err(EngineError::DustTooSmall | EngineError::InvalidThrottle) if reading.is_none() => Ok(()),
            judged => judged,
        }
    }

    fn number(&mut self, path: Path) -> Option<&mut u64> {
        match path.table {
            POLICY => self.policy.number(path.field),
            BACKSTOP => self.backstop.as_mut()?.number(path.field),
            _ => of_reserve(&mut self.reserve.as_mut()?.0, path),
        }
    }

    fn get(&self, path: Path) -> Option<u64> {
        self.clone().number(path).copied()
    }

    /// Whether the refusal is gone with another number. A refusal that comes instead counts only where it is about other
    /// numbers: it was there before, and waits its turn.
    fn is_mended(&self, path: Path, number: u64) -> bool {
        let mut trial = self.clone();
        trial.number(path).is_some_and(|place| {
            *place = number;
            true
        }) && trial.judge().err().is_none_or(|error| !concerns(error).contains(&path))
    }

    /// The number nearest to the one that stands there with which the refusal is gone.
    fn nearest(&self, path: Path) -> Option<(u64, u64)> {
        let current = self.get(path)?;
        let others = all_paths().filter_map(|other| self.get(other));
        let near = others.flat_map(|other| [other.saturating_sub(1), other, other.saturating_add(1)]);
        let powers = (0..64).map(|bit| 1u64 << bit);
        let steps = (0..=400).map(|step| step * 50);
        let candidates = near.chain(powers).chain(steps).chain([u64::MAX]);
        let good = candidates.filter(|number| self.is_mended(path, *number));
        let mut good = good.min_by_key(|number| number.abs_diff(current))?;
        let mut bad = current;
        while good.abs_diff(bad) > 1 {
            let middle = good.midpoint(bad);
            if self.is_mended(path, middle) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        Some((current, good))
    }
}

fn all_paths() -> impl Iterator<Item = Path> {
    let of = |table, fields: &'static [&'static str]| fields.iter().map(move |field| Path { table, field });
    of(POLICY, MarketPolicy::FIELDS).chain(reserve_paths()).chain(of(BACKSTOP, BackstopPolicy::FIELDS))
}

/// What a refusal is about, what is changed first foremost.
fn about(error: EngineError) -> &'static [(&'static str, &'static str)] {
    match error {
        EngineError::InvalidMarketPolicy => &[(POLICY, ALL)],
        EngineError::InvalidWeights => &[
            ("risk", "maintenance_bps"),
            ("risk", "debt_weight_bps"),
            ("initial", "initial_bps"),
            ("initial", "debt_weight_bps"),
        ],
        EngineError::InvalidHaircut => {
            &[("risk", "horizon_secs"), ("risk", "z_x100"), ("risk", "spread_bps"), ("risk", "impact_sqrt_bps")]
        }
        EngineError::InvalidVolatility => &[
            ("risk", "sigma_floor_bps"),
            ("risk", "sigma_ref_bps"),
            ("risk", "sigma_cap_bps"),
            ("risk", "sigma_rise_bps_per_hour"),
            ("risk", "z_x100"),
            ("risk", "horizon_secs"),
            (OWN, "sigma_bps"),
        ],
        EngineError::InvalidDepth => {
            &[("risk", "depth_atoms"), ("risk", "depth_floor_atoms"), (OWN, "depth_valid_secs")]
        }
        EngineError::DepthNotAtFloor => &[("risk", "depth_atoms"), ("risk", "depth_floor_atoms")],
        EngineError::InvalidBonus => &[("bonus", ALL), ("risk", "maintenance_bps"), (POLICY, "bonus_default_bps")],
        EngineError::InvalidOraclePolicy => &[("oracle_policy", ALL)],
        EngineError::InvalidRates => &[("rates", ALL)],
        EngineError::CapTooLargeForDepth => &[
            ("caps", "collateral_atoms"),
            ("caps", "rescue_allowance_bps"),
            ("risk", "depth_atoms"),
            ("risk", "depth_floor_atoms"),
            ("risk", "maintenance_bps"),
            ("risk", "impact_sqrt_bps"),
            ("risk", "sigma_ref_bps"),
            ("risk", "sigma_cap_bps"),
        ],
        EngineError::DustTooSmall => &[(POLICY, "dust_value")],
        EngineError::InvalidThrottle => {
            &[("bonus", "throttle_share_bps"), ("risk", "depth_atoms"), (POLICY, "dust_value")]
        }
        EngineError::InvalidOutflowLimit => &[("caps", "outflow_atoms"), ("caps", "outflow_secs")],
        EngineError::CapGrowsTooFast => &[("caps", "collateral_atoms")],
        EngineError::InvalidBackstopPolicy => &[(BACKSTOP, ALL), (POLICY, "auction_secs")],
        _ => &[],
    }
}

/// The numbers that a refusal is about.
pub fn concerns(error: EngineError) -> Vec<Path> {
    let order = |path: &Path| {
        let mut about = about(error).iter();
        about.position(|(table, field)| path.table == *table && (*field == ALL || path.field == *field))
    };
    let mut paths: Vec<(usize, Path)> =
        all_paths().filter_map(|path| order(&path).map(|order| (order, path))).collect();
    paths.sort_by_key(|(order, _)| *order);
    paths.into_iter().map(|(_, path)| path).collect()
}

/// A refusal in words.
pub fn sentence(error: EngineError) -> String {
    explain(error.code())
        .map_or_else(|| format!("{error:?}"), |refusal| format!("{} ({})", refusal.sentence, refusal.name))
}

/// A refusal with the lines that are to blame, and what would pass there.
fn blame(file: &File, reserve: Option<&Reserve>, trial: &Trial, error: EngineError, decimals: u8) -> Fault {
    let subject = reserve.map_or("the market".to_owned(), |reserve| reserve.name.clone());
    let concerned = concerns(error);
    let culprits: Vec<(Path, u64, Option<u64>)> = concerned
        .iter()
        .filter_map(|path| trial.nearest(*path).map(|(current, good)| (*path, current, Some(good))))
        .collect();
    // Where no number alone mends it, several are to blame: all are shown.
    let shown = if culprits.is_empty() {
        concerned.iter().filter_map(|path| trial.get(*path).map(|current| (*path, current, None))).collect()
    } else {
        culprits
    };
    let first = shown.first().map(|(path, ..)| file.place(reserve, *path));
    let mut fault = Fault::new(
        first
            .or(reserve.map(|reserve| reserve.decimals.as_ref().map_or(reserve.at, |decimals| decimals.at)))
            .unwrap_or(0),
        format!("{subject}: {}", sentence(error)),
    );
    fault.also = shown
        .into_iter()
        .map(|(path, current, good)| {
            let shown = |number| path.show(number, decimals);
            let passes = match good {
                Some(good) if good < current => format!("; {} or less would pass", shown(good)),
                Some(good) => format!("; {} or more would pass", shown(good)),
                None => String::new(),
            };
            Placed { value: format!("{} is {}{passes}", path.full(), shown(current)), at: file.place(reserve, path) }
        })
        .collect();
    fault
}
