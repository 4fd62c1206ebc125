//! How a file is read: table by table, with a fault for everything that is missing, unknown, or of another kind.

use std::collections::BTreeMap;

use anchor_lang::prelude::Pubkey;
use bytemuck::Zeroable;
use plimsoll_engine::state::{BackstopPolicy, MarketPolicy, ORACLE_PYTH_PULL, ORACLE_PYTH_PUSH};
use toml::de::{DeTable, DeValue};

use super::{File, Number, Program, Reserve, Roles};
use crate::amount::{UNLIMITED, USD_DECIMALS};
use crate::numbers::{Numbers, Path, Unit, BACKSTOP, OWN, POLICY, RESERVE_TABLES};
use crate::reader::{Amount, Faults, Section};
use crate::source::{Placed, Source};

/// Everything the file says; nothing where there is a fault.
pub(super) fn read(table: &DeTable, source: &Source, faults: &Faults) -> Option<File> {
    let whole = Section::whole(table, faults);
    let defaults = whole.section_if_any("defaults", "[defaults]".into(), None);
    let default_tables = read_defaults(defaults.as_ref(), faults);
    let program = whole.section_if_any("program", "[program]".into(), None).and_then(|section| {
        let so = section.text("so", "the path of the program file");
        let keypair = section.text("keypair", "the path of the key of its address");
        section.finish();
        let beside = |path: Placed<String>| Placed { value: beside(&source.name, &path.value), at: path.at };
        Some(Program { so: beside(so?), keypair: beside(keypair?) })
    });
    let mut places = BTreeMap::new();
    let market = whole.section("market", "[market]".into(), None).and_then(|section| {
        let id = section.number("id").and_then(|id| match u16::try_from(id.value) {
            Ok(value) => Some(Placed { value, at: id.at }),
            Err(_) => {
                faults.add(id.at, format!("`id` in [market] should be a number from 0 to 65535; found {}", id.value));
                None
            }
        });
        let launch = section.flag("launch");
        let immutable = section.flag_if_any("immutable").unwrap_or(Placed { value: false, at: section.at });
        let policy = section.section("policy", "[market.policy]".into(), None).and_then(|section| {
            let policy = numbers::<MarketPolicy>(&section, POLICY, &mut places, faults);
            section.finish();
            policy
        });
        let roles = section.section_if_any("roles", "[market.roles]".into(), None).map(|section| {
            let holder = |role| section.address_if_any(role);
            let roles = Roles {
                admin: holder("admin"),
                guardian: holder("guardian"),
                council: holder("council"),
                treasury: holder("treasury"),
            };
            section.finish();
            roles
        });
        section.finish();
        Some((id?, launch?, immutable, policy?, roles.unwrap_or_default()))
    });
    let sections = whole.tables("reserve");
    let reserves: Vec<_> = sections.into_iter().map(|section| read_reserve(section, &default_tables, faults)).collect();
    whole.finish();
    let (id, launch, immutable, policy, roles) = market?;
    for holder in [&roles.admin, &roles.guardian, &roles.council].into_iter().flatten().filter(|_| immutable.value) {
        faults.add(holder.at, "an immutable market has no admin, guardian or council; leave them out");
    }
    let reserves = reserves.into_iter().collect::<Option<Vec<_>>>()?;
    refuse_twins(&reserves, faults);
    Some(File { source: source.clone(), program, id, launch, immutable, roles, policy, reserves, places })
}

/// A path as seen from the file's folder.
fn beside(file: &str, path: &str) -> String {
    let folder = std::path::Path::new(file).parent().unwrap_or(std::path::Path::new(""));
    folder.join(path).display().to_string()
}

type Defaults<'a> = BTreeMap<&'static str, &'a DeTable<'a>>;

/// Tables of `[defaults]`, after their keys were looked at: a slip there would otherwise pass for a missing key elsewhere.
fn read_defaults<'a>(defaults: Option<&Section<'a>>, faults: &'a Faults) -> Defaults<'a> {
    let mut tables = Defaults::new();
    let Some(defaults) = defaults else { return tables };
    let backstop = (BACKSTOP, BackstopPolicy::FIELDS);
    for (table, fields) in RESERVE_TABLES.iter().filter(|(table, _)| *table != OWN).chain([&backstop]) {
        let Some(section) = defaults.section_if_any(table, format!("[defaults.{table}]"), None) else { continue };
        for field in *fields {
            section.find(&Path { table, field }.key());
        }
        tables.extend(section.table().map(|found| (*table, found)));
        section.finish();
    }
    let known = |key: &str| tables.contains_key(key);
    for (key, value) in defaults.table().into_iter().flatten() {
        if !known(key.get_ref()) && matches!(value.get_ref(), DeValue::Table(_)) {
            faults.add(key.span().start, format!("[defaults] has no table `{}`", key.get_ref()));
        }
    }
    tables
}

/// Numbers of a struct of plain numbers and USD.
fn numbers<T: Numbers + Zeroable>(
    section: &Section,
    table: &'static str,
    places: &mut BTreeMap<Path, usize>,
    faults: &Faults,
) -> Option<T> {
    let mut numbers = T::zeroed();
    let mut is_whole = true;
    for field in T::FIELDS {
        let path = Path { table, field };
        let number = if path.unit() == Unit::Value { usd(section, &path, faults) } else { section.number(&path.key()) };
        let Some((number, place)) = number.zip(numbers.number(field)) else {
            is_whole = false;
            continue;
        };
        *place = number.value;
        places.insert(path, number.at);
    }
    is_whole.then_some(numbers)
}

fn usd(section: &Section, path: &Path, faults: &Faults) -> Option<Placed<u64>> {
    let amount = section.amount(&path.key())?;
    match amount.value.resolve(USD_DECIMALS) {
        Some(value) => Some(Placed { value, at: amount.at }),
        None => {
            let text =
                format!("`{}` in {} has more than {USD_DECIMALS} decimals, or is too large", path.key(), section.title);
            faults.add(amount.at, text);
            None
        }
    }
}

fn read_reserve<'a>(mut section: Section<'a>, defaults: &Defaults<'a>, faults: &'a Faults) -> Option<Reserve> {
    let name = section.text("name", "a short name for messages");
    let title = name.as_ref().map_or("a reserve".to_owned(), |name| name.value.clone());
    section.title = format!("[[reserve]] {title}");
    let mint = section.address("mint");
    let decimals = section.number_if_any("decimals").and_then(|decimals| match u8::try_from(decimals.value) {
        Ok(value) if value <= 18 => Some(Placed { value, at: decimals.at }),
        _ => {
            faults.add(decimals.at, format!("`decimals` of {title} should be 0 to 18; found {}", decimals.value));
            None
        }
    });
    let price_usd = section.amount_if_any("price_usd").and_then(|price| match price.value {
        Amount::Number(value) => Some(Placed { value, at: price.at }),
        Amount::Unlimited => {
            faults.add(price.at, format!("`price_usd` of {title} should be a number; found \"{UNLIMITED}\""));
            None
        }
    });
    let oracle = section
        .section("oracle", format!("[reserve.oracle] of {title}"), None)
        .and_then(|oracle| read_oracle(oracle, faults));
    let mut found = BTreeMap::new();
    let mut expected = 0;
    for (table, fields) in RESERVE_TABLES {
        expected += fields.len();
        if *table == OWN {
            fill(&section, table, fields, &mut found);
            continue;
        }
        let of = format!("[reserve.{table}] of {title}");
        if let Some(within) = section.section(table, of, defaults.get(table).copied()) {
            fill(&within, table, fields, &mut found);
            within.finish();
        }
    }
    let of = format!("[reserve.{BACKSTOP}] of {title}");
    // Named, even if empty, or there is none: defaults alone make no backstop.
    let is_named = section.find(BACKSTOP).is_some();
    let backstop = section.section_if_any(BACKSTOP, of, defaults.get(BACKSTOP).copied()).filter(|_| is_named);
    let backstop = backstop.map(|within| {
        let mut places = BTreeMap::new();
        let policy = numbers::<BackstopPolicy>(&within, BACKSTOP, &mut places, faults);
        let at = within.at;
        within.finish();
        found.extend(places.into_iter().map(|(path, at)| (path, Placed { value: Number::Plain(0), at })));
        policy.map(|policy| (policy, at))
    });
    let at = section.at;
    section.finish();
    let is_whole = found.keys().filter(|path| path.table != BACKSTOP).count() == expected;
    let (oracle_kind, oracle, price_account) = oracle?;
    let backstop = match backstop {
        Some(policy) => Some(policy?),
        None => None,
    };
    is_whole.then_some(())?;
    let (name, mint) = (name?.value, mint?);
    Some(Reserve { name, at, mint, decimals, price_usd, oracle_kind, oracle, price_account, numbers: found, backstop })
}

fn fill(section: &Section, table: &'static str, fields: &[&'static str], found: &mut BTreeMap<Path, Placed<Number>>) {
    for field in fields {
        let path = Path { table, field };
        let number = match path.unit() {
            Unit::Atoms => {
                section.amount(&path.key()).map(|amount| Placed { value: Number::Tokens(amount.value), at: amount.at })
            }
            _ => section.number(&path.key()).map(|number| Placed { value: Number::Plain(number.value), at: number.at }),
        };
        found.extend(number.map(|number| (path, number)));
    }
}

type Oracle = (Placed<u64>, Placed<[u8; 32]>, Placed<Pubkey>);

fn read_oracle(section: Section, faults: &Faults) -> Option<Oracle> {
    let kind = section.text("kind", "\"pull\" or \"push\"");
    let account = section.address("price_account");
    let oracle = match kind.as_ref().map(|kind| kind.value.as_str()) {
        Some("pull") => section.text("feed", "the id of the feed, 64 hexadecimal digits").and_then(|feed| {
            let id = hexadecimal(&feed.value);
            if id.is_none() {
                let text =
                    format!("`feed` in {} should be 64 hexadecimal digits; found {:?}", section.title, feed.value);
                faults.add(feed.at, text);
            }
            Some((u64::from(ORACLE_PYTH_PULL), Placed { value: id?, at: feed.at }))
        }),
        Some("push") => {
            // The account itself is the feed.
            let account = account.as_ref();
            account.map(|account| {
                (u64::from(ORACLE_PYTH_PUSH), Placed { value: account.value.to_bytes(), at: account.at })
            })
        }
        Some(other) => {
            let at = kind.as_ref().map_or(section.at, |kind| kind.at);
            faults.add(at, format!("`kind` in {} should be \"pull\" or \"push\"; found {other:?}", section.title));
            section.find("feed");
            None
        }
        None => None,
    };
    section.finish();
    let (number, oracle) = oracle?;
    Some((Placed { value: number, at: kind?.at }, oracle, account?))
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A mint has one reserve in a market, and a name should mean one.
fn refuse_twins(reserves: &[Reserve], faults: &Faults) {
    for (index, reserve) in reserves.iter().enumerate() {
        for earlier in &reserves[..index] {
            if earlier.mint.value == reserve.mint.value {
                faults.add(
                    reserve.mint.at,
                    format!("{} has the mint of {}; a mint has one reserve in a market", reserve.name, earlier.name),
                );
            } else if earlier.name == reserve.name {
                faults.add(reserve.at, format!("two reserves are called {}; give them different names", reserve.name));
            }
        }
    }
}
