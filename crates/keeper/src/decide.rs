//! What to do about a position: pure, from state and the keeper's own terms.
//!
//! The plan of every action is the engine's, made by the function the program calls, from the states the program will see. Of
//! all pairs the most profitable is taken; where none pays or can be paid for, the backstop's money may do it; and where that
//! cannot either, what keeps the market safe is done: the position is flagged so that its bonus grows, a default is marked,
//! or settled.
//!
//! Profit is in nano-dollars, at the prices of the plan: what the sale of the collateral brings at the venue (or what a forced
//! sale of it would fetch, where it is kept), less the repayment, both fees, and what the transaction costs. Everything is
//! rounded against the keeper.

mod chores;
mod rebalance;
mod trade;

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_client::accounts::Reserve;
use plimsoll_client::instructions::Offer;
use plimsoll_client::Pubkey;
use plimsoll_engine::backstop::absorption::AbsorptionPlan;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::liquidation::LiquidationPlan;
use plimsoll_engine::EngineError;

use crate::scene::Scene;
use crate::venue::Venue;

pub use chores::{decide_join, decide_reserve};
pub use rebalance::{decide_rebalance, Exchange, Rebalance};

/// Lamports in a SOL.
const LAMPORTS_PER_SOL: u128 = 1_000_000_000;
/// Micro-lamports in a lamport.
const MICRO: u128 = 1_000_000;

/// What a transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fees {
    /// For its signature, lamports.
    pub signature_lamports: u64,
    /// Price of a compute unit, micro-lamports.
    pub unit_price_micro_lamports: u64,
    /// Tip to whoever builds the block, lamports.
    pub tip_lamports: u64,
    /// A SOL, nano-dollars.
    pub sol_nano_usd: u64,
}

impl Fees {
    /// A transaction of so many compute units, nano-dollars, rounded up.
    pub fn cost_nano_usd(&self, units: u32) -> i128 {
        let priority = (u128::from(units) * u128::from(self.unit_price_micro_lamports)).div_ceil(MICRO);
        let lamports = u128::from(self.signature_lamports) + u128::from(self.tip_lamports) + priority;
        let cost = lamports.saturating_mul(u128::from(self.sol_nano_usd)).div_ceil(LAMPORTS_PER_SOL);
        i128::try_from(cost).unwrap_or(i128::MAX)
    }
}

/// Compute units an action is expected to use, before it is simulated.
/// Of a sale the venue says it; see [`Venue::units`].
pub mod units {
    /// A liquidation with own money that keeps the collateral.
    pub const LIQUIDATE: u32 = 130_000;
    /// A sale to a pool of the test market.
    pub const SWAP: u32 = 60_000;
    /// A flash loan around both.
    pub const FLASH: u32 = 60_000;
    /// Everything else.
    pub const CHORE: u32 = 120_000;
}

/// The keeper's tokens, and how much of each it wants to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// Atoms per mint.
    pub atoms: BTreeMap<Pubkey, u64>,
    /// Bounds per mint. A mint without bounds is spent to the last atom, and never kept.
    pub bounds: BTreeMap<Pubkey, Bounds>,
}

/// How much of a token the keeper wants to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Never spends below this, atoms.
    pub least_atoms: u64,
    /// Keeps what it seizes up to this, atoms.
    pub most_atoms: u64,
    /// What it is brought back to where tokens are rebalanced, atoms; without it, only to the bound that was crossed.
    pub target_atoms: Option<u64>,
}

impl Purse {
    fn held(&self, mint: &Pubkey) -> u64 {
        self.atoms.get(mint).copied().unwrap_or(0)
    }

    /// What may be spent of a token, atoms.
    pub fn spendable(&self, mint: &Pubkey) -> u64 {
        let least = self.bounds.get(mint).map_or(0, |bounds| bounds.least_atoms);
        self.held(mint).saturating_sub(least)
    }

    /// How much of a token lies above what the keeper wants to hold, atoms. None of a token without bounds.
    pub fn surplus(&self, mint: &Pubkey) -> u64 {
        let wanted = self.bounds.get(mint).map(|bounds| bounds.target_atoms.unwrap_or(bounds.most_atoms));
        wanted.map_or(0, |wanted| self.held(mint).saturating_sub(wanted))
    }

    /// How much of a token is missing from what the keeper wants to hold, atoms. None of a token without bounds.
    pub fn shortage(&self, mint: &Pubkey) -> u64 {
        let wanted = self.bounds.get(mint).map(|bounds| bounds.target_atoms.unwrap_or(bounds.least_atoms));
        wanted.map_or(0, |wanted| wanted.saturating_sub(self.held(mint)))
    }

    /// How much more of a token may be kept, atoms.
    pub fn room(&self, mint: &Pubkey) -> u64 {
        self.bounds.get(mint).map_or(0, |bounds| bounds.most_atoms.saturating_sub(self.held(mint)))
    }
}

/// What the keeper touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Mints it takes as collateral; all where this is empty.
    pub allow: BTreeSet<Pubkey>,
    /// Mints it does not take, and positions it leaves alone.
    pub deny: BTreeSet<Pubkey>,
}

impl Lists {
    fn permit(&self, seized: &Reserve) -> Result<(), Reason> {
        let mint = seized.mint();
        if self.deny.contains(&mint) {
            return Err(Reason::Denied);
        }
        if !self.allow.is_empty() && !self.allow.contains(&mint) {
            return Err(Reason::NotAllowed);
        }
        Ok(())
    }
}

/// The keeper's own terms.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Least profit of a trade, nano-dollars.
    pub min_profit_nano_usd: i128,
    /// Whether it does what keeps the market safe at its own cost.
    pub does_chores: bool,
    /// Whether it borrows what it does not have.
    pub uses_flash: bool,
    /// How far the state may move between decision and landing, bps of amounts.
    pub tolerance_bps: u64,
    /// Fees.
    pub fees: Fees,
    /// Its tokens.
    pub purse: &'a Purse,
    /// What it touches.
    pub lists: &'a Lists,
    /// Where it sells.
    pub venue: &'a dyn Venue,
}

/// Where the money of a liquidation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
    /// Own tokens.
    Own,
    /// A flash loan of the repaid reserve, of so many atoms.
    Flash {
        /// Atoms.
        principal_atoms: u64,
    },
}

/// What becomes of the collateral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It is sold for the debt's token.
    Sell {
        /// Sold, atoms: what is seized at the least.
        amount_in: u64,
        /// Expected of it, atoms.
        amount_out: u64,
        /// Least, atoms.
        amount_out_min: u64,
    },
    /// It is kept.
    Keep,
}

/// A liquidation to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The engine's plan at `repay_max_atoms`.
    pub plan: LiquidationPlan,
    /// Hard bound on the repayment, atoms.
    pub repay_max_atoms: u64,
    /// Least to seize, atoms.
    pub seize_min_atoms: u64,
    /// Whose money.
    pub funding: Funding,
    /// What then.
    pub exit: Exit,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Liquidate.
    Liquidate(Trade),
    /// Have the backstop buy.
    Absorb {
        /// Pool.
        pool: Pubkey,
        /// The engine's plan.
        plan: AbsorptionPlan,
    },
    /// Look at the position, so that its auction goes on, its owner is called, or both are over.
    Flag,
    /// Mark the default, or book its provisions anew.
    Mark {
        /// Tip to be paid, atoms of the first debt.
        tip_atoms: u64,
    },
    /// Settle the default.
    Settle,
    /// Hand a newer price to a reserve, book interest, walk its terms.
    Refresh,
    /// Record that a reserve's price has grown old.
    Notice,
    /// Let a warm deposit join a backstop pool.
    Join,
    /// Exchange own tokens, so that they come back to their bounds.
    Rebalance(Exchange),
}

/// Names of all that can be done.
pub const WHATS: [&str; 9] = [
    "liquidate",
    "backstop_liquidate",
    "flag_position",
    "mark_default",
    "settle_default",
    "refresh_reserves",
    "notice_stale_price",
    "join_backstop",
    "rebalance",
];

impl What {
    /// Name, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Liquidate(_) => "liquidate",
            Self::Absorb { .. } => "backstop_liquidate",
            Self::Flag => "flag_position",
            Self::Mark { .. } => "mark_default",
            Self::Settle => "settle_default",
            Self::Refresh => "refresh_reserves",
            Self::Notice => "notice_stale_price",
            Self::Join => "join_backstop",
            Self::Rebalance(_) => "rebalance",
        }
    }
}

/// Something to do, and about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Position, reserve or provider account it is about, or mint of the keeper's own tokens.
    pub subject: Pubkey,
    /// Slots of the position: collateral, debt. Of an action on a pair.
    pub pair: Option<(usize, usize)>,
    /// What.
    pub what: What,
    /// Prices to offer.
    pub offers: Vec<Offer>,
    /// Expected, nano-dollars, rounded down; below zero for what is done for the market's sake.
    pub profit_nano_usd: i128,
    /// Health of the position, where it is about one.
    pub health: Option<Factor>,
}

/// Why something was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The program would refuse it, with this error.
    Refused(EngineError),
    /// It would earn less than the least profit.
    Unprofitable,
    /// There is not enough of the debt's token, own or to be borrowed.
    NoFunds,
    /// The collateral can neither be sold nor kept; of own tokens, there is no market.
    NoExit,
    /// It would be exchanged at worse than the bound.
    Slippage,
    /// On the deny list.
    Denied,
    /// Not on the allow list.
    NotAllowed,
    /// There is no pool for this debt.
    NoBackstop,
    /// It costs a fee, and the keeper does not do such things.
    NotPaid,
    /// It was done a moment ago.
    TooSoon,
    /// Something else is done about the position first.
    Later,
}

impl Reason {
    /// Name, for logs and metrics: of a refusal the program's.
    pub fn name(&self) -> String {
        match self {
            Self::Refused(error) => format!("{error:?}"),
            other => format!("{other:?}"),
        }
    }
}

/// Something that was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Position, reserve or provider account.
    pub subject: Pubkey,
    /// What could have been done.
    pub what: &'static str,
    /// Slots of the position: collateral, debt.
    pub pair: Option<(usize, usize)>,
    /// Why it was not.
    pub reason: Reason,
}

/// What to do, most profitable first, and what not, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// To do.
    pub actions: Vec<Action>,
    /// Left alone.
    pub skipped: Vec<Skipped>,
}

impl Verdict {
    /// Takes another's, and ranks all actions by profit.
    pub fn merge(&mut self, other: Self) {
        self.merge_all([other]);
    }

    /// Takes many others', and ranks all actions by profit.
    pub fn merge_all(&mut self, others: impl IntoIterator<Item = Self>) {
        for other in others {
            self.actions.extend(other.actions);
            self.skipped.extend(other.skipped);
        }
        self.actions.sort_by_key(|action| std::cmp::Reverse(action.profit_nano_usd));
    }

    pub(crate) fn skip(&mut self, subject: Pubkey, what: &'static str, pair: Option<(usize, usize)>, reason: Reason) {
        self.skipped.push(Skipped { subject, what, pair, reason });
    }
}

/// Decides about one position: at most one action, because the next depends on what it leaves.
pub fn decide(scene: &Scene, terms: &Terms) -> Verdict {
    let mut verdict = Verdict::default();
    let subject = scene.position.address;
    if !scene.position.state.has_debt() {
        return verdict;
    }
    if terms.lists.deny.contains(&subject) {
        verdict.skip(subject, "position", None, Reason::Denied);
        return verdict;
    }
    let trades = [trade::liquidations(scene, terms, &mut verdict), trade::absorptions(scene, terms, &mut verdict)];
    // Own business first, the backstop's where there is none; by profit within each.
    let best = trades.into_iter().flatten().next();
    let action = best.or_else(|| chores::decide_chore(scene, terms, &mut verdict));
    verdict.actions.extend(action);
    verdict
}
