//! What liquidations follow: the program's rule, by the engine, and three others to compare it with.
//!
//! The others are models of their kinds, not of any deployment: they see the same prices, the same liquidators trade under
//! them in the same market, and what they cannot cover is written off the same way, insurance first. They weigh collateral by
//! its plain value and a fixed factor.

mod others;
mod plimsoll;

use anyhow::Result;
use plimsoll_engine::fixed::Factor;

use crate::sim::{Sight, Sim};

pub use others::{Auction, AuctionTerms, CloseFactor, Targeted};

/// What liquidations follow.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The engine's.
    Plimsoll,
    /// Half of the debt at a flat bonus.
    CloseFactor(CloseFactor),
    /// To target health at a bonus that grows as health falls.
    Targeted(Targeted),
    /// All of it in an auction whose price falls.
    Auction(AuctionTerms),
}

impl Rule {
    /// Name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plimsoll => "Plimsoll",
            Self::CloseFactor(_) => "fixed close factor",
            Self::Targeted(_) => "Aave-v4-like",
            Self::Auction(_) => "Dutch auction",
        }
    }

    /// Liquidation threshold of a token, of the rules that have one.
    pub fn threshold(&self, asset: usize) -> Factor {
        let thresholds = match self {
            Self::Plimsoll => return Factor::ONE,
            Self::CloseFactor(terms) => &terms.thresholds,
            Self::Targeted(terms) => &terms.thresholds,
            Self::Auction(terms) => &terms.thresholds,
        };
        thresholds.get(asset).copied().unwrap_or(Factor::ZERO)
    }
}

impl Sim {
    /// Somebody sees an unhealthy position.
    pub(crate) fn attend(&mut self, sight: &Sight) -> Result<()> {
        let id = sight.id;
        match self.rule.clone() {
            Rule::Plimsoll => self.attend_plimsoll(sight),
            Rule::CloseFactor(terms) => self.attend_close_factor(id, &terms),
            Rule::Targeted(terms) => self.attend_targeted(id, &terms),
            Rule::Auction(terms) => {
                self.begin_auction(id, &terms);
                Ok(())
            }
        }
    }
}
