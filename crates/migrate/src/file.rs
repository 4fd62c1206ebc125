//! The file: what it says, before anything of it is judged. The keys are the engine's own names; what the engine counts in
//! atoms or nano-dollars is written in tokens or USD, and its key ends so.

mod read;

use std::collections::BTreeMap;

use anchor_lang::prelude::Pubkey;
use bytemuck::Zeroable;
use plimsoll_engine::state::{BackstopPolicy, MarketPolicy, ReserveConfig};
use toml::de::DeTable;

use crate::amount::Decimal;
use crate::numbers::{of_reserve, Path, BACKSTOP};
use crate::reader::{Amount, Faults};
use crate::source::{Fault, Placed, Refused, Source};

/// Where a program is, and where it goes. Paths are written as seen from the file's folder.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program file.
    pub so: Placed<String>,
    /// Key of its address.
    pub keypair: Placed<String>,
}

/// A role, with the account that is to hold it.
pub type Holder = Option<Placed<Pubkey>>;

/// Roles the file names. What it does not name is whoever creates the market, and is left alone afterwards.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Owner of the market.
    pub admin: Holder,
    /// Who may pause.
    pub guardian: Holder,
    /// Who tunes risk.
    pub council: Holder,
    /// Who receives protocol fees.
    pub treasury: Holder,
}

/// A number as it stands, before decimals are known.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// In the engine's own unit.
    Plain(u64),
    /// In whole tokens.
    Tokens(Amount),
}

/// Everything the file says of a reserve.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// What messages call it.
    pub name: String,
    /// Where it begins.
    pub at: usize,
    /// Mint.
    pub mint: Placed<Pubkey>,
    /// Decimals of the mint, for a check without a chain.
    pub decimals: Option<Placed<u8>>,
    /// Price in USD, for a check without a chain.
    pub price_usd: Option<Placed<Decimal>>,
    /// Kind of price account, in the engine's numbers.
    pub oracle_kind: Placed<u64>,
    /// Feed id, or address of the price account.
    pub oracle: Placed<[u8; 32]>,
    /// Price account that gives the first reading.
    pub price_account: Placed<Pubkey>,
    numbers: BTreeMap<Path, Placed<Number>>,
    /// Policy of its backstop, and where each number of it stands.
    pub backstop: Option<(BackstopPolicy, usize)>,
}

/// A file that was read without a fault.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name and text.
    pub source: Source,
    /// The program, where the file names one.
    pub program: Option<Program>,
    /// Number of the market.
    pub id: Placed<u16>,
    /// Whether it is to be launched.
    pub launch: Placed<bool>,
    /// Whether its launch makes it immutable.
    pub immutable: Placed<bool>,
    /// Roles.
    pub roles: Roles,
    /// Policy.
    pub policy: MarketPolicy,
    /// Reserves, in the order they are made.
    pub reserves: Vec<Reserve>,
    places: BTreeMap<Path, usize>,
}

impl File {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Everything that is wrong with it, in order of lines.
    pub fn read(name: &str, text: &str) -> Result<Self, Refused> {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        let faults = Faults::default();
        let read = match DeTable::parse(text) {
            Ok(table) => read::read(table.get_ref(), &source, &faults),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                faults.add(at, format!("this is not TOML: {}", error.message().trim()));
                None
            }
        };
        if read.is_none() && faults.is_empty() {
            faults.add(0, "this file cannot be read");
        }
        source.refuse(faults.into_inner())?;
        read.ok_or(Refused { lines: Vec::new() })
    }

    /// Where a number of the market or of one of its reserves stands; where its table should be, if it is nowhere.
    pub fn place(&self, reserve: Option<&Reserve>, path: Path) -> usize {
        let of_reserve = reserve.and_then(|reserve| reserve.place(path));
        of_reserve.or_else(|| self.places.get(&path).copied()).unwrap_or(0)
    }
}

impl Reserve {
    fn place(&self, path: Path) -> Option<usize> {
        let backstop = self.backstop.filter(|_| path.table == BACKSTOP).map(|(_, at)| at);
        self.numbers.get(&path).map(|number| number.at).or(backstop)
    }

    /// Its configuration, with the decimals of its mint.
    ///
    /// # Errors
    /// A fault for each amount that is no whole number of atoms, or too large.
    pub fn config(&self, decimals: u8) -> Result<ReserveConfig, Vec<Fault>> {
        let mut config =
            ReserveConfig { oracle: self.oracle.value, oracle_kind: self.oracle_kind.value, ..Zeroable::zeroed() };
        let mut faults = Vec::new();
        for (path, number) in &self.numbers {
            let Some(place) = of_reserve(&mut config, *path) else { continue };
            match number.value.resolve(decimals) {
                Some(value) => *place = value,
                None => {
                    let (key, name) = (path.full(), &self.name);
                    let text = format!(
                        "`{key}` of {name} has more digits than the {decimals} decimals of its mint, \
                         or more atoms than a u64 holds"
                    );
                    faults.push(Fault::new(number.at, text));
                }
            }
        }
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(faults)
        }
    }

    /// The decimals to check amounts with where the file names none: those of most tokens, or as many as the amounts need
    /// and allow.
    pub fn likely_decimals(&self) -> u8 {
        (0..=6).rev().chain(7..=18).find(|decimals| self.config(*decimals).is_ok()).unwrap_or(6)
    }
}

impl Number {
    fn resolve(self, decimals: u8) -> Option<u64> {
        match self {
            Self::Plain(number) => Some(number),
            Self::Tokens(amount) => amount.resolve(decimals),
        }
    }
}

impl Amount {
    pub(crate) fn resolve(self, decimals: u8) -> Option<u64> {
        match self {
            Self::Unlimited => Some(u64::MAX),
            // The largest number is a word, not an amount.
            Self::Number(number) => number.atoms(decimals).filter(|atoms| *atoms < u64::MAX),
        }
    }
}
