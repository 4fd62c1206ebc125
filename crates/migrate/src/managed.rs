//! The parameters that a file speaks of. Which number is which parameter is asked of the engine: the one that reads
//! differently where the number does.

use anchor_lang::prelude::Pubkey;
use bytemuck::Zeroable;
use plimsoll_engine::governance::proposals::Role;
use plimsoll_engine::governance::{Parameter, ParameterValue, Subject};
use plimsoll_engine::state::{MarketPolicy, MarketState, ReserveConfig, ReserveState};

use crate::file::{File, Holder, Reserve};
use crate::numbers::{self, reserve_paths, Numbers, Path, POLICY};

/// All parameters that are roles, with the word for each.
pub const ROLES: [(Parameter, &str); 4] = [
    (Parameter::Admin, "admin"),
    (Parameter::Guardian, "guardian"),
    (Parameter::Council, "council"),
    (Parameter::Treasury, "treasury"),
];

/// A parameter that the file speaks of, with the value it is to have.
pub struct Managed {
    /// Parameter.
    pub parameter: Parameter,
    /// Value it is to have: of a role, who is to be promised it.
    pub want: ParameterValue,
    /// Its name in the file.
    pub key: String,
    /// Where it stands there.
    pub at: usize,
    /// The number it is, where it is one.
    path: Option<Path>,
}

impl Managed {
    /// A value as the file would write it.
    pub fn show(&self, value: &ParameterValue, decimals: u8) -> String {
        match (self.path, value.as_number()) {
            (Some(path), Ok(number)) => path.show(number, decimals),
            _ if value.0 == [0; 32] => "nobody".into(),
            _ => Pubkey::new_from_array(value.0).to_string(),
        }
    }
}

/// The parameter that a number of a market's policy is: the one that reads differently where the number does.
pub fn parameter_of_market(field: &str) -> Option<Parameter> {
    let (mut plain, mut other) = (MarketState::zeroed(), MarketState::zeroed());
    *other.policy.number(field)? = 1;
    let is_it = |parameter: &Parameter| {
        Subject::Market(&mut plain).read(*parameter).ok() != Subject::Market(&mut other).read(*parameter).ok()
    };
    Parameter::ALL.iter().copied().find(is_it)
}

/// The same for a number of a reserve's configuration.
pub fn parameter_of_reserve(path: Path) -> Option<Parameter> {
    let (mut plain, mut config) = (ReserveState::zeroed(), ReserveConfig::zeroed());
    *numbers::of_reserve(&mut config, path)? = 1;
    let (mut other, market) = (signed(&config), MarketState::zeroed());
    let is_it = |parameter: &Parameter| {
        let read = |state| Subject::Reserve(state, &market).read(*parameter).ok();
        read(&mut plain) != read(&mut other)
    };
    Parameter::ALL.iter().copied().find(is_it)
}

/// A reserve with a configuration signed, and nothing else.
fn signed(config: &ReserveConfig) -> ReserveState {
    let ReserveConfig {
        oracle_kind: _,
        oracle,
        risk,
        initial,
        bonus,
        oracle_policy,
        rates,
        caps,
        sigma_bps: _,
        depth_valid_secs,
    } = *config;
    ReserveState {
        oracle,
        risk_target: risk,
        initial,
        bonus,
        oracle_policy,
        rates,
        caps,
        depth_valid_secs,
        ..Zeroable::zeroed()
    }
}

/// What the file says of a market's parameters. Of a role that it does not name it says nothing.
pub fn of_market(file: &File, market: &MarketState) -> Vec<Managed> {
    let mut wanted = file.policy;
    let numbers = MarketPolicy::FIELDS.iter().filter_map(|field| {
        let (path, want) = (Path { table: POLICY, field }, ParameterValue::number(*wanted.number(field)?));
        let (key, at) = (path.full(), file.place(None, path));
        Some(Managed { parameter: parameter_of_market(field)?, want, key, at, path: Some(path) })
    });
    let numbers: Vec<Managed> = numbers.collect();
    let roles = ROLES.iter().filter_map(|(parameter, name)| {
        let holder = holder(file, *parameter).as_ref()?;
        // Who holds a role already is promised nothing.
        let is_held = role_of(*parameter).is_some_and(|role| holder_on_chain(market, role) == holder.value.to_bytes());
        let want = if is_held { [0; 32] } else { holder.value.to_bytes() };
        Some(Managed {
            parameter: *parameter,
            want: ParameterValue(want),
            key: format!("roles.{name}"),
            at: holder.at,
            path: None,
        })
    });
    numbers.into_iter().chain(roles).collect()
}

/// What the file says of a reserve's parameters.
pub fn of_reserve(file: &File, reserve: &Reserve, config: &ReserveConfig) -> Vec<Managed> {
    let mut config = *config;
    let numbers = reserve_paths().filter_map(|path| {
        let want = ParameterValue::number(*numbers::of_reserve(&mut config, path)?);
        let (key, at) = (path.full(), file.place(Some(reserve), path));
        Some(Managed { parameter: parameter_of_reserve(path)?, want, key, at, path: Some(path) })
    });
    let mut managed: Vec<Managed> = numbers.collect();
    let (want, at) = (ParameterValue(reserve.oracle.value), reserve.oracle.at);
    managed.push(Managed { parameter: Parameter::Oracle, want, key: "oracle".into(), at, path: None });
    managed
}

/// Who is to hold a role by the file.
pub fn holder(file: &File, parameter: Parameter) -> &Holder {
    match parameter {
        Parameter::Admin => &file.roles.admin,
        Parameter::Guardian => &file.roles.guardian,
        Parameter::Council => &file.roles.council,
        Parameter::Treasury => &file.roles.treasury,
        _ => &None,
    }
}

/// The role that is handed over by a parameter, where it is one that must be accepted.
pub fn role_of(parameter: Parameter) -> Option<Role> {
    match parameter {
        Parameter::Admin => Some(Role::Admin),
        Parameter::Guardian => Some(Role::Guardian),
        Parameter::Council => Some(Role::Council),
        _ => None,
    }
}

/// Who holds a role now.
pub fn holder_on_chain(market: &MarketState, role: Role) -> [u8; 32] {
    match role {
        Role::Admin => market.admin,
        Role::Guardian => market.guardian,
        Role::Council => market.council,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_one_key_of_the_file_and_what_is_none_is_fixed() {
        let of_market =
            MarketPolicy::FIELDS.iter().map(|field| (Path { table: POLICY, field }, parameter_of_market(field)));
        let of_reserve = reserve_paths().map(|path| (path, parameter_of_reserve(path)));
        let (governed, fixed): (Vec<_>, Vec<_>) = of_market.chain(of_reserve).partition(|(_, found)| found.is_some());
        let fixed: Vec<String> = fixed.iter().map(|(path, _)| path.full()).collect();
        // Of the last nothing is kept.
        assert_eq!(fixed, ["policy.dust_usd", "policy.bonus_default_bps", "policy.auction_secs", "sigma_bps"]);
        let keys = ROLES.iter().map(|(parameter, _)| *parameter).chain([Parameter::Oracle]);
        let mut known: Vec<u16> =
            governed.iter().filter_map(|(_, found)| *found).chain(keys).map(|known| known as u16).collect();
        known.sort_unstable();
        let all: Vec<u16> = Parameter::ALL.iter().map(|parameter| *parameter as u16).collect();
        assert_eq!(known, all);
    }
}
