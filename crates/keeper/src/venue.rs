//! Where tokens are exchanged: what was seized is sold there, and what the keeper holds is brought back to its bounds.
//!
//! Deciding asks nobody: [`Venue::quote`] is what was known when the round began, and promises no more than that. Acting does:
//! [`Venue::swap`] has the exact route of one sale, or the reason why there is none.

pub mod curve;
pub mod jupiter;
pub mod pools;
mod sampler;

use std::fmt::Debug;
use std::sync::Arc;

use plimsoll_client::accounts::Reserve;
use plimsoll_client::{Instruction, Pubkey};

use curve::Curves;
use jupiter::Jupiter;
pub use pools::Pools;

/// A market for the tokens of two reserves.
pub trait Venue: Debug + Send + Sync {
    /// What a sale would bring at the least, atoms, as far as is known; none where nothing is. Asks nobody.
    fn quote(&self, from: &Reserve, to: &Reserve, amount_in: u64) -> Option<u64>;

    /// The instructions of a sale for at least so much. May ask the network, no longer than the venue's time limit.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn swap(&self, trader: &Pubkey, from: &Reserve, to: &Reserve, sale: Sale) -> Result<Route, NoRoute>;

    /// Compute units that a sale is expected to use.
    fn units(&self) -> u32;
}

/// A sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// What is sold, atoms.
    pub amount_in: u64,
    /// Least to receive, atoms.
    pub amount_out_min: u64,
}

/// How a sale is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Instructions.
    pub instructions: Vec<Instruction>,
    /// Lookup tables that hold their accounts.
    pub tables: Vec<Pubkey>,
}

/// Why a sale cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// These tokens are not traded there, or not so many of them.
    #[error("the venue has no route")]
    NotTraded,
    /// The route found brings too little.
    #[error("the venue offers {offered_atoms} atoms, less than {least_atoms}")]
    BelowMinimum {
        /// Offered, atoms.
        offered_atoms: u64,
        /// Asked for, atoms.
        least_atoms: u64,
    },
    /// The venue was asked too often.
    #[error("the venue was asked too often")]
    Throttled,
    /// No answer in time.
    #[error("the venue did not answer in time")]
    Slow,
    /// No connection.
    #[error("the venue cannot be reached: {0}")]
    Unreachable(String),
    /// The venue's refusal: a key it does not know, or a request it does not take.
    #[error("the venue refused with {status}: {text}")]
    Refused {
        /// Status of HTTP.
        status: u16,
        /// Its words.
        text: String,
    },
    /// The exchange itself failed: prices moved on, mostly.
    #[error("the venue's program refused with {code}")]
    Failed {
        /// The program's code.
        code: u64,
    },
    /// An answer that is none.
    #[error("the venue's answer is none: {0}")]
    Malformed(String),
    /// Instructions that a keeper does not sign.
    #[error("the venue's route is not signed: {0}")]
    Unsafe(String),
}

impl NoRoute {
    /// Name, for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotTraded => "not_traded",
            Self::BelowMinimum { .. } => "below_minimum",
            Self::Throttled => "throttled",
            Self::Slow => "slow",
            Self::Unreachable(_) => "unreachable",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
            Self::Malformed(_) => "malformed",
            Self::Unsafe(_) => "unsafe",
        }
    }
}

/// No market: what is seized is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVenue;

impl Venue for NoVenue {
    fn quote(&self, _: &Reserve, _: &Reserve, _: u64) -> Option<u64> {
        None
    }

    fn swap(&self, _: &Pubkey, _: &Reserve, _: &Reserve, _: Sale) -> Result<Route, NoRoute> {
        Err(NoRoute::NotTraded)
    }

    fn units(&self) -> u32 {
        0
    }
}

/// A keeper's venue.
#[derive(Debug)]
pub enum Desk {
    /// None.
    Nowhere(NoVenue),
    /// The test market's pools.
    Pools(Pools),
    /// An aggregator.
    Aggregator(Aggregator),
}

impl Desk {
    /// As a venue.
    pub fn venue(&self) -> &dyn Venue {
        match self {
            Self::Nowhere(venue) => venue,
            Self::Pools(venue) => venue,
            Self::Aggregator(venue) => venue,
        }
    }
}

/// An aggregator with what was known of its prices at one moment.
#[derive(Clone, Debug)]
pub struct Aggregator {
    client: Arc<Jupiter>,
    known: Curves,
}

impl Aggregator {
    /// An aggregator of whose prices nothing is known, with a thread that samples what is wanted until this is dropped.
    pub fn new(client: Jupiter) -> Self {
        let client = Arc::new(client);
        sampler::start(&client);
        Self { client, known: Curves::default() }
    }

    /// What the keeper may want to sell: the samples to keep fresh, most wanted first. The first time they are taken at once,
    /// so that a keeper that has just begun can decide.
    pub fn want(&mut self, wanted: Vec<curve::Wanted>) {
        if self.client.want(wanted) {
            sampler::fill(&self.client);
        }
    }

    /// Takes over what is known by now.
    pub fn look(&mut self) {
        self.known = self.client.known();
    }
}

impl Venue for Aggregator {
    fn quote(&self, from: &Reserve, to: &Reserve, amount_in: u64) -> Option<u64> {
        self.known.quote((from.mint(), to.mint()), amount_in)
    }

    fn swap(&self, trader: &Pubkey, from: &Reserve, to: &Reserve, sale: Sale) -> Result<Route, NoRoute> {
        self.client.swap(trader, from, to, sale)
    }

    fn units(&self) -> u32 {
        jupiter::UNITS
    }
}
