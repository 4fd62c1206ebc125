//! The actions of a sequence, read before any is played.

use anyhow::Result;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::price::{RawPrice, Reading};
use plimsoll_engine::Now;

use super::super::fields::Fields;
use super::super::terms;
use super::at;
use super::market::Market;

/// One action; people and reserves by their places in the market. A position is its owner's place.
pub enum Action {
    Supply { who: usize, reserve: usize, atoms: u64 },
    Redeem { who: usize, reserve: usize, part_bps: u64 },
    Insure { who: usize, reserve: usize, atoms: u64 },
    PayBack { who: usize, reserve: usize, atoms: u64 },
    Claim { who: usize, reserve: usize },
    Deposit { who: usize, position: usize, reserve: usize, atoms: u64 },
    Withdraw { who: usize, reserve: usize, atoms: u64 },
    Borrow { who: usize, reserve: usize, atoms: u64 },
    Repay { who: usize, position: usize, reserve: usize, atoms: u64 },
    Liquidate { who: usize, position: usize, pair: Pair, repay_max_atoms: u64, seize_min_atoms: u64 },
    Flag { position: usize, pair: Pair },
    Settle { position: usize },
    SetOrder { who: usize, trigger_bps: u64, bonus_bps: u64 },
    Uncount { position: usize, reserve: usize },
    Price { reserve: usize, reading: Result<Reading, EngineError> },
}

/// The two reserves of a liquidation.
#[derive(Clone, Copy)]
pub struct Pair {
    pub collateral: usize,
    pub debt: usize,
}

/// An action, when it happens, and how it is expected to end.
pub struct Step {
    pub at_secs: u64,
    /// What the case calls it.
    pub verb: String,
    pub action: Action,
    /// Name of the error, where one is expected.
    pub refused: Option<String>,
}

/// All actions of a case.
pub fn steps(input: &Fields, market: &Market) -> Result<Vec<Step>> {
    let mut last_secs = 0;
    let mut steps = Vec::new();
    for fields in input.objects("actions")? {
        let at_secs = fields.integer("at_secs")?;
        if at_secs < last_secs {
            return Err(fields.wrong("at_secs", "no earlier than the action before"));
        }
        last_secs = at_secs;
        let verb = fields.text("do")?;
        let action = action(verb, &Named { fields: &fields, market }, &at(at_secs))?;
        let refused = if fields.has("refused") { Some(fields.text("refused")?.to_owned()) } else { None };
        steps.push(Step { at_secs, verb: verb.to_owned(), action, refused });
    }
    Ok(steps)
}

/// Fields that name people and reserves of the market.
struct Named<'a> {
    fields: &'a Fields<'a>,
    market: &'a Market,
}

impl Named<'_> {
    fn person(&self, name: &str) -> Result<usize> {
        let index = self.market.person_index(self.fields.text(name)?);
        index.ok_or_else(|| self.fields.wrong(name, "one of the people"))
    }

    fn who(&self) -> Result<usize> {
        self.person("who")
    }

    /// Whose position it is; the actor's own where it is not said.
    fn position(&self) -> Result<usize> {
        self.person(if self.fields.has("position") { "position" } else { "who" })
    }

    fn reserve(&self, name: &str) -> Result<usize> {
        let index = self.market.reserve_index(self.fields.text(name)?);
        index.ok_or_else(|| self.fields.wrong(name, "one of the reserves"))
    }

    fn atoms(&self) -> Result<u64> {
        self.fields.integer("atoms")
    }

    fn pair(&self) -> Result<Pair> {
        let pair = Pair { collateral: self.reserve("collateral")?, debt: self.reserve("debt")? };
        if pair.collateral == pair.debt {
            return Err(self.fields.wrong("debt", "another reserve than the collateral"));
        }
        Ok(pair)
    }
}

fn action(verb: &str, named: &Named, now: &Now) -> Result<Action> {
    let fields = named.fields;
    Ok(match verb {
        "supply" => Action::Supply { who: named.who()?, reserve: named.reserve("reserve")?, atoms: named.atoms()? },
        "redeem" => Action::Redeem {
            who: named.who()?,
            reserve: named.reserve("reserve")?,
            part_bps: fields.integer("part_bps")?,
        },
        "insure" => Action::Insure { who: named.who()?, reserve: named.reserve("reserve")?, atoms: named.atoms()? },
        "pay_back" => Action::PayBack { who: named.who()?, reserve: named.reserve("reserve")?, atoms: named.atoms()? },
        "claim" => Action::Claim { who: named.who()?, reserve: named.reserve("reserve")? },
        "deposit" => Action::Deposit {
            who: named.who()?,
            position: named.position()?,
            reserve: named.reserve("reserve")?,
            atoms: named.atoms()?,
        },
        "withdraw" => Action::Withdraw { who: named.who()?, reserve: named.reserve("reserve")?, atoms: named.atoms()? },
        "borrow" => Action::Borrow { who: named.who()?, reserve: named.reserve("reserve")?, atoms: named.atoms()? },
        "repay" => Action::Repay {
            who: named.who()?,
            position: named.position()?,
            reserve: named.reserve("reserve")?,
            atoms: named.atoms()?,
        },
        "liquidate" => Action::Liquidate {
            who: named.who()?,
            position: named.person("position")?,
            pair: named.pair()?,
            repay_max_atoms: if fields.has("repay_max_atoms") { fields.integer("repay_max_atoms")? } else { u64::MAX },
            seize_min_atoms: fields.integer_or_zero("seize_min_atoms")?,
        },
        "flag" => Action::Flag { position: named.person("position")?, pair: named.pair()? },
        "settle" => Action::Settle { position: named.person("position")? },
        "set_order" => Action::SetOrder {
            who: named.who()?,
            trigger_bps: fields.integer("trigger_bps")?,
            bonus_bps: fields.integer("bonus_bps")?,
        },
        "uncount" => Action::Uncount { position: named.person("position")?, reserve: named.reserve("reserve")? },
        "price" => Action::Price { reserve: named.reserve("reserve")?, reading: checked_reading(fields, now)? },
        _ => return Err(fields.wrong("do", "a known action")),
    })
}

/// The price of an object as an oracle published it now, and what is refused about it.
pub fn checked_reading(input: &Fields, now: &Now) -> Result<Result<Reading, EngineError>> {
    let reading = terms::reading(input, now.unix)?;
    let signed = |name: &str, number: u64| {
        i64::try_from(number).map_err(|_| input.wrong(name, "a price of at most 18 decimals and 63 bits"))
    };
    let raw = RawPrice {
        price: signed("price", reading.price)?,
        confidence: reading.confidence,
        average: signed("average", reading.average)?,
        exponent: reading.exponent,
        publish_time: reading.publish_time,
    };
    Ok(Reading::checked(&raw, now))
}
