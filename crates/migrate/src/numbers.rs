//! The numbers of a configuration by the engine's own names, for reading a file, comparing two, and trying others.
//!
//! A field that the engine adds does not compile until it is named here.

use plimsoll_engine::state::{
    BackstopPolicy, BonusTerms, Caps, InitialTerms, MarketPolicy, OraclePolicy, RateCurve, ReserveConfig, RiskTerms,
};

use crate::amount::{self, USD_DECIMALS};

/// Numbers with names.
pub trait Numbers {
    /// The names, in the engine's order.
    const FIELDS: &'static [&'static str];
    /// The number of a name.
    fn number(&mut self, field: &str) -> Option<&mut u64>;
}

macro_rules! numbers {
    ($($name:ident { $($field:ident),* $(,)? } $(zero $zero:ident)?;)*) => {$(
        impl Numbers for $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
            fn number(&mut self, field: &str) -> Option<&mut u64> {
                let Self { $($field,)* $($zero: _)? } = self;
                match field {
                    $(stringify!($field) => Some($field),)*
                    _ => None,
                }
            }
        }
    )*};
}

numbers! {
    MarketPolicy {
        target_health_bps, call_level_bps, dust_value, cool_off_slots, bonus_default_bps, auction_secs, sighting_secs,
        recovery_margin_bps, loosen_delay_secs, proposal_life_secs, pause_max_secs, liquidation_pause_max_secs,
        provision_release_bps_per_hour, flash_fee_bps, mark_tip_value,
    } zero reserved;
    RiskTerms {
        maintenance_bps, debt_weight_bps, z_x100, horizon_secs, spread_bps, impact_sqrt_bps, depth_atoms, depth_floor_atoms,
        sigma_floor_bps, sigma_cap_bps, sigma_ref_bps, sigma_rise_bps_per_hour,
    };
    InitialTerms { initial_bps, debt_weight_bps } zero reserved;
    BonusTerms {
        bonus_min_bps, bonus_max_bps, health_max_bonus_bps, fee_share_bps, throttle_share_bps, throttle_window_secs,
    } zero reserved;
    OraclePolicy {
        borrow_age_secs, liquidate_age_secs, confidence_soft_bps, confidence_hard_bps, ema_band_bps, stale_secs, dead_secs,
        sample_secs,
    } zero reserved;
    RateCurve { base_rate_bps, kink_utilisation_bps, kink_rate_bps, max_rate_bps, insurance_share_bps, fee_share_bps };
    Caps { supply_atoms, borrow_atoms, collateral_atoms, rescue_allowance_bps, outflow_atoms, outflow_secs };
    BackstopPolicy { trigger_health_bps, trigger_secs, tip_share_bps, warm_up_secs, cooldown_secs, window_secs } zero reserved;
}

/// Table of a reserve's own numbers, those in none of its tables.
pub const OWN: &str = "";
/// Table of a market's policy.
pub const POLICY: &str = "policy";
/// Table of a backstop's policy.
pub const BACKSTOP: &str = "backstop";
/// Numbers that a reserve only begins with: nothing of them is kept, and nothing can differ.
pub const FIRST_ONLY: Path = Path { table: OWN, field: "sigma_bps" };

/// Tables of a reserve, with their numbers.
pub const RESERVE_TABLES: &[(&str, &[&str])] = &[
    ("risk", RiskTerms::FIELDS),
    ("initial", InitialTerms::FIELDS),
    ("bonus", BonusTerms::FIELDS),
    ("oracle_policy", OraclePolicy::FIELDS),
    ("rates", RateCurve::FIELDS),
    ("caps", Caps::FIELDS),
    (OWN, &["sigma_bps", "depth_valid_secs"]),
];

/// The number of a reserve's configuration.
pub fn of_reserve(config: &mut ReserveConfig, path: Path) -> Option<&mut u64> {
    let ReserveConfig {
        oracle_kind: _,
        oracle: _,
        risk,
        initial,
        bonus,
        oracle_policy,
        rates,
        caps,
        sigma_bps,
        depth_valid_secs,
    } = config;
    match path.table {
        "risk" => risk.number(path.field),
        "initial" => initial.number(path.field),
        "bonus" => bonus.number(path.field),
        "oracle_policy" => oracle_policy.number(path.field),
        "rates" => rates.number(path.field),
        "caps" => caps.number(path.field),
        OWN if path.field == "sigma_bps" => Some(sigma_bps),
        OWN if path.field == "depth_valid_secs" => Some(depth_valid_secs),
        _ => None,
    }
}

/// All numbers of a reserve's configuration.
pub fn reserve_paths() -> impl Iterator<Item = Path> {
    RESERVE_TABLES.iter().flat_map(|(table, fields)| fields.iter().map(|field| Path { table, field }))
}

/// A number's table and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// Table.
    pub table: &'static str,
    /// Name within it.
    pub field: &'static str,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// What its name says: bps, seconds, slots, hundredths.
    Plain,
    /// Atoms; whole tokens in the file.
    Atoms,
    /// Nano-dollars; USD in the file.
    Value,
}

impl Path {
    /// What the engine counts there, by the end of its name.
    pub fn unit(&self) -> Unit {
        match self.field {
            field if field.ends_with("_atoms") => Unit::Atoms,
            field if field.ends_with("_value") => Unit::Value,
            _ => Unit::Plain,
        }
    }

    /// The name in the file: the same word, with the unit that is written there.
    pub fn key(&self) -> String {
        let stem = |end| self.field.strip_suffix(end).unwrap_or(self.field);
        match self.unit() {
            Unit::Plain => self.field.to_owned(),
            Unit::Atoms => format!("{}_tokens", stem("_atoms")),
            Unit::Value => format!("{}_usd", stem("_value")),
        }
    }

    /// Table and name as they are in the file.
    pub fn full(&self) -> String {
        if self.table == OWN {
            self.key()
        } else {
            format!("{}.{}", self.table, self.key())
        }
    }

    /// A number as it would stand in the file.
    pub fn show(&self, number: u64, decimals: u8) -> String {
        match self.unit() {
            Unit::Plain => number.to_string(),
            Unit::Atoms => amount::show(number, decimals),
            Unit::Value => amount::show(number, USD_DECIMALS),
        }
    }
}
