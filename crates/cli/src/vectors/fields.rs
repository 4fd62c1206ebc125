//! Fields of a case, read with errors that name the case and the field.

use anyhow::{anyhow, Context, Result};
use num_rational::BigRational;
use plimsoll_engine::fixed::{Factor, Value};
use serde_json::{Map, Value as Json};

use super::decimal::{self, Decimal};

/// An object of a case and where it stands in it.
#[derive(Clone)]
pub struct Fields<'a> {
    path: String,
    object: &'a Map<String, Json>,
}

impl<'a> Fields<'a> {
    /// The object `json` found at `path`.
    pub fn new(path: String, json: &'a Json) -> Result<Self> {
        let object = json.as_object().ok_or_else(|| wrong(&path, "an object", json))?;
        Ok(Self { path, object })
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// A field that may be missing.
    fn find(&self, name: &str) -> Option<&'a Json> {
        self.object.get(name)
    }

    fn get(&self, name: &str) -> Result<&'a Json> {
        self.find(name).with_context(|| format!("{} is missing", self.path(name)))
    }

    /// Whether a field is there.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Fields<'a>> {
        Fields::new(self.path(name), self.get(name)?)
    }

    /// A list of objects.
    pub fn objects(&self, name: &str) -> Result<Vec<Fields<'a>>> {
        self.list(name)?
            .iter()
            .enumerate()
            .map(|(i, json)| Fields::new(self.path(&format!("{name}[{i}]")), json))
            .collect()
    }

    fn list(&self, name: &str) -> Result<&'a Vec<Json>> {
        let json = self.get(name)?;
        json.as_array().ok_or_else(|| wrong(&self.path(name), "a list", json))
    }

    /// Names of all fields.
    pub fn names(&self) -> impl Iterator<Item = &'a String> {
        self.object.keys()
    }

    /// Where the object stands, for errors about all of it.
    pub fn place(&self) -> &str {
        &self.path
    }

    /// Texts.
    pub fn texts(&self, name: &str) -> Result<Vec<&'a str>> {
        let text = |(i, json): (usize, &'a Json)| {
            json.as_str().ok_or_else(|| wrong(&self.path(&format!("{name}[{i}]")), "a text", json))
        };
        self.list(name)?.iter().enumerate().map(text).collect()
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'a str> {
        let json = self.get(name)?;
        json.as_str().ok_or_else(|| wrong(&self.path(name), "a text", json))
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Result<bool> {
        let json = self.get(name)?;
        json.as_bool().ok_or_else(|| wrong(&self.path(name), "true or false", json))
    }

    /// A decimal number, as text or as a JSON number.
    pub fn decimal(&self, name: &str) -> Result<Decimal> {
        read_decimal(&self.path(name), self.get(name)?)
    }

    /// A decimal number, zero where the field is missing.
    pub fn decimal_or_zero(&self, name: &str) -> Result<Decimal> {
        match self.find(name) {
            Some(json) => read_decimal(&self.path(name), json),
            None => Decimal::parse("0").ok_or_else(|| anyhow!("zero is a decimal")),
        }
    }

    /// A decimal number, exactly.
    pub fn number(&self, name: &str) -> Result<BigRational> {
        Ok(self.decimal(name)?.rational())
    }

    /// Decimal numbers, exactly.
    pub fn numbers(&self, name: &str) -> Result<Vec<BigRational>> {
        let number = |(i, json): (usize, &'a Json)| {
            read_decimal(&self.path(&format!("{name}[{i}]")), json).map(|decimal| decimal.rational())
        };
        self.list(name)?.iter().enumerate().map(number).collect()
    }

    /// A decimal number within what `convert` takes.
    fn converted<T>(&self, name: &str, kind: &str, convert: impl Fn(&BigRational) -> Option<T>) -> Result<T> {
        let json = self.get(name)?;
        convert(&self.number(name)?).ok_or_else(|| wrong(&self.path(name), kind, json))
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Result<u64> {
        read_integer(&self.path(name), self.get(name)?)
    }

    /// A whole number, zero where the field is missing.
    pub fn integer_or_zero(&self, name: &str) -> Result<u64> {
        self.find(name).map_or(Ok(0), |json| read_integer(&self.path(name), json))
    }

    /// Whole numbers.
    pub fn integers(&self, name: &str) -> Result<Vec<u64>> {
        self.list(name)?
            .iter()
            .enumerate()
            .map(|(i, json)| read_integer(&self.path(&format!("{name}[{i}]")), json))
            .collect()
    }

    /// Decimals of a mint.
    pub fn decimals(&self, name: &str) -> Result<u8> {
        self.converted(name, "0 to 18", |number| {
            u8::try_from(decimal::whole_of(number)?)
                .ok()
                .filter(|decimals| *decimals <= plimsoll_engine::price::DECIMALS_MAX)
        })
    }

    /// A ratio that is a whole number of basis points.
    pub fn bps(&self, name: &str) -> Result<u64> {
        self.converted(name, "a whole number of basis points", decimal::bps)
    }

    /// A factor, rounded down.
    pub fn factor_floor(&self, name: &str) -> Result<Factor> {
        self.converted(name, "a factor from 0 to 2^24", decimal::factor_floor)
    }

    /// A factor, rounded up.
    pub fn factor_ceil(&self, name: &str) -> Result<Factor> {
        self.converted(name, "a factor from 0 to 2^24", decimal::factor_ceil)
    }

    /// USD, rounded down.
    pub fn value_floor(&self, name: &str) -> Result<Value> {
        self.converted(name, "an amount of USD", decimal::value_floor)
    }

    /// USD, rounded up.
    pub fn value_ceil(&self, name: &str) -> Result<Value> {
        self.converted(name, "an amount of USD", decimal::value_ceil)
    }

    /// An error about one field.
    pub fn wrong(&self, name: &str, expected: &str) -> anyhow::Error {
        wrong(&self.path(name), expected, self.find(name).unwrap_or(&Json::Null))
    }
}

fn wrong(path: &str, expected: &str, found: &Json) -> anyhow::Error {
    anyhow!("{path} should be {expected}, found {found}")
}

fn read_decimal(path: &str, json: &Json) -> Result<Decimal> {
    let text = match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    text.and_then(|text| Decimal::parse(&text)).ok_or_else(|| wrong(path, "a decimal number", json))
}

fn read_integer(path: &str, json: &Json) -> Result<u64> {
    decimal::whole_of(&read_decimal(path, json)?.rational())
        .ok_or_else(|| wrong(path, "a whole number below 2^64", json))
}
