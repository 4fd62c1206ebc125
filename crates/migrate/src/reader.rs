//! Reads tables key by key, and remembers where everything stands and what is wrong with it.

use std::cell::RefCell;
use std::ops::Range;

use anchor_lang::prelude::Pubkey;
use toml::de::{DeTable, DeValue};
use toml::Spanned;

use crate::amount::{Decimal, UNLIMITED};
use crate::source::{Fault, Placed};

/// What is wrong with a file, so far.
#[derive(Default)]
pub struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    /// One more.
    pub fn add(&self, at: usize, text: impl Into<String>) {
        self.0.borrow_mut().push(Fault::new(at, text));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All of them.
    pub fn into_inner(self) -> Vec<Fault> {
        self.0.into_inner()
    }
}

/// An amount before the decimals of its token are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A decimal number.
    Number(Decimal),
    /// The largest number.
    Unlimited,
}

/// A table with its name, and the one that stands in where a key is missing.
pub struct Section<'a> {
    table: Option<&'a DeTable<'a>>,
    defaults: Option<&'a DeTable<'a>>,
    /// As a person finds it: `[reserve.risk] of SOL`.
    pub title: String,
    /// Where it begins.
    pub at: usize,
    faults: &'a Faults,
    known: RefCell<Vec<String>>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub fn whole(table: &'a DeTable<'a>, faults: &'a Faults) -> Self {
        Self::new(Some(table), None, "the file".into(), 0, faults)
    }

    fn new(
        table: Option<&'a DeTable<'a>>,
        defaults: Option<&'a DeTable<'a>>,
        title: String,
        at: usize,
        faults: &'a Faults,
    ) -> Self {
        Self { table, defaults, title, at, faults, known: RefCell::default() }
    }

    /// A value that may be missing.
    pub fn find(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key.to_owned());
        let within = |table: Option<&'a DeTable<'a>>| table.and_then(|table| table.get(key));
        within(self.table).or_else(|| within(self.defaults))
    }

    /// A value, or a fault that says what it should be.
    fn need(&self, key: &str, what: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let found = self.find(key);
        if found.is_none() {
            self.faults.add(self.at, format!("{} lacks `{key}`, {what}; add it", self.title));
        }
        found
    }

    fn wrong<T>(&self, key: &str, what: &str, found: &Spanned<DeValue>, hint: &str) -> Option<T> {
        let (title, value) = (&self.title, describe(found.get_ref()));
        self.faults.add(found.span().start, format!("`{key}` in {title} should be {what}; found {value}{hint}"));
        None
    }

    /// A whole number.
    pub fn number(&self, key: &str) -> Option<Placed<u64>> {
        let value = self.need(key, "a whole number")?;
        self.number_in(key, value)
    }

    /// A whole number that may be missing.
    pub fn number_if_any(&self, key: &str) -> Option<Placed<u64>> {
        self.number_in(key, self.find(key)?)
    }

    fn number_in(&self, key: &str, value: &Spanned<DeValue>) -> Option<Placed<u64>> {
        let at = value.span().start;
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let hint = match value.get_ref() {
            DeValue::String(text) if text.ends_with('%') => ". One percent is 100 bps",
            DeValue::String(_) => ". Write it without quotes",
            _ => "",
        };
        match number {
            Some(value) => Some(Placed { value, at }),
            None => self.wrong(key, "a whole number from 0 to 18446744073709551615", value, hint),
        }
    }

    /// An amount: a decimal number in quotes, or a whole number; or `"unlimited"`.
    pub fn amount(&self, key: &str) -> Option<Placed<Amount>> {
        let value = self.need(key, "an amount such as \"1000\" or \"0.5\"")?;
        self.amount_in(key, value)
    }

    /// An amount that may be missing.
    pub fn amount_if_any(&self, key: &str) -> Option<Placed<Amount>> {
        self.amount_in(key, self.find(key)?)
    }

    fn amount_in(&self, key: &str, value: &Spanned<DeValue>) -> Option<Placed<Amount>> {
        let at = value.span().start;
        let amount = match value.get_ref() {
            DeValue::String(text) if text == UNLIMITED => Some(Amount::Unlimited),
            DeValue::String(text) => Decimal::parse(text).map(Amount::Number),
            DeValue::Integer(number) if number.radix() == 10 => Decimal::parse(number.as_str()).map(Amount::Number),
            _ => None,
        };
        let is_float = matches!(value.get_ref(), DeValue::Float(_));
        let hint = if is_float { ". Put it in quotes: a float is not exact" } else { "" };
        match amount {
            Some(value) => Some(Placed { value, at }),
            None => self.wrong(key, "an amount such as \"1000\", \"0.5\" or \"unlimited\"", value, hint),
        }
    }

    /// A text.
    pub fn text(&self, key: &str, what: &str) -> Option<Placed<String>> {
        let value = self.need(key, what)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Placed { value: text.to_string(), at: value.span().start }),
            _ => self.wrong(key, what, value, ". Put it in quotes"),
        }
    }

    /// A text that may be missing.
    pub fn text_if_any(&self, key: &str, what: &str) -> Option<Placed<String>> {
        self.find(key).and_then(|_| self.text(key, what))
    }

    /// True or false.
    pub fn flag(&self, key: &str) -> Option<Placed<bool>> {
        let value = self.need(key, "true or false")?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(Placed { value: *flag, at: value.span().start }),
            _ => self.wrong(key, "true or false", value, ""),
        }
    }

    /// The same, that may be missing.
    pub fn flag_if_any(&self, key: &str) -> Option<Placed<bool>> {
        self.find(key).and_then(|_| self.flag(key))
    }

    /// An address.
    pub fn address(&self, key: &str) -> Option<Placed<Pubkey>> {
        let value = self.need(key, "an address in base 58")?;
        self.address_in(key, value)
    }

    /// An address that may be missing.
    pub fn address_if_any(&self, key: &str) -> Option<Placed<Pubkey>> {
        self.address_in(key, self.find(key)?)
    }

    fn address_in(&self, key: &str, value: &Spanned<DeValue>) -> Option<Placed<Pubkey>> {
        let address = match value.get_ref() {
            DeValue::String(text) => text.parse::<Pubkey>().ok(),
            _ => None,
        };
        match address {
            Some(address) => Some(Placed { value: address, at: value.span().start }),
            None => self.wrong(key, "an address in base 58", value, ""),
        }
    }

    /// A list of texts, or one text for a list of one; empty where it is missing.
    pub fn texts(&self, key: &str, what: &str) -> Vec<Placed<String>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let placed = |value: &Spanned<DeValue>| match value.get_ref() {
            DeValue::String(text) => Some(Placed { value: text.to_string(), at: value.span().start }),
            _ => self.wrong(key, what, value, ". Put each in quotes"),
        };
        match value.get_ref() {
            DeValue::Array(list) => list.iter().filter_map(placed).collect(),
            _ => placed(value).into_iter().collect(),
        }
    }

    /// A table within, whose missing keys come from `defaults`. A fault where neither is there.
    pub fn section(&self, key: &str, title: String, defaults: Option<&'a DeTable<'a>>) -> Option<Section<'a>> {
        match self.section_if_any(key, title, defaults) {
            None if self.find(key).is_none() => {
                self.faults.add(self.at, format!("{} lacks the table `{key}`; add it", self.title));
                None
            }
            section => section,
        }
    }

    /// A table within, that may be missing.
    pub fn section_if_any(&self, key: &str, title: String, defaults: Option<&'a DeTable<'a>>) -> Option<Section<'a>> {
        let Some(value) = self.find(key) else {
            defaults?;
            return Some(Self::new(None, defaults, title, self.at, self.faults));
        };
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::new(Some(table), defaults, title, value.span().start, self.faults)),
            _ => self.wrong(key, "a table", value, ""),
        }
    }

    /// The tables of a list that may be missing.
    pub fn tables_if_any(&self, key: &str) -> Vec<Section<'a>> {
        if self.find(key).is_some() {
            self.tables(key)
        } else {
            Vec::new()
        }
    }

    /// The tables of a list, each with its place.
    pub fn tables(&self, key: &str) -> Vec<Section<'a>> {
        let what = format!("a list of tables, each under `[[{key}]]`");
        let Some(value) = self.need(key, &what) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong::<()>(key, &what, value, "");
            return Vec::new();
        };
        let section = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::Table(table) => {
                Some(Self::new(Some(table), None, format!("[[{key}]]"), value.span().start, self.faults))
            }
            _ => self.wrong(key, "a list of tables", value, ""),
        };
        list.iter().filter_map(section).collect()
    }

    /// The table itself.
    pub fn table(&self) -> Option<&'a DeTable<'a>> {
        self.table
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for (key, _) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if known.iter().any(|known| known == name) {
                continue;
            }
            let hint = match nearest(name, &known) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => {
                    format!("known are {}", known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
                }
            };
            let Range { start, .. } = key.span();
            self.faults.add(start, format!("{} has no key `{name}`; {hint}", self.title));
        }
    }
}

fn describe(value: &DeValue) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// The known key that was probably meant: another unit of the same word, or a slip of two letters at most.
fn nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k String> {
    let stem = |key: &str| key.rsplit_once('_').map_or(key.to_owned(), |(stem, _)| stem.to_owned());
    let same_word = known.iter().find(|key| stem(key) == stem(name) && key.contains('_'));
    same_word.or_else(|| {
        let close = known.iter().map(|key| (distance(name, key), key)).min_by_key(|(distance, _)| *distance);
        close.filter(|(distance, _)| *distance <= 2).map(|(_, key)| key)
    })
}

/// Letters to add, drop or change until two words are the same.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for letter in one.chars() {
        let (mut diagonal, mut left) = (row[0], row[0] + 1);
        row[0] = left;
        for (cell, known) in row[1..].iter_mut().zip(&other) {
            let change = diagonal + usize::from(letter != *known);
            diagonal = *cell;
            left = change.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
