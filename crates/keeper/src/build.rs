//! From an action to the instructions of its transaction.

use plimsoll_client::accounts::{Backstop, BackstopProvider, Reserve};
use plimsoll_client::instructions::{
    BackstopLiquidate, BackstopProviding, BuildError, FlagPosition, FlashBorrow, FlashRepay, Liquidate, MarkDefault,
    NoticeStalePrice, RefreshReserves, SettleDefault,
};
use plimsoll_client::{Instruction, Pubkey};
use plimsoll_engine::fixed::BPS;

use crate::decide::{Action, Exchange, Exit, Funding, Trade, What};
use crate::scene::Scene;
use crate::venue::{NoRoute, Route, Sale, Venue};

/// Why an action has no transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbuildable {
    /// The client's refusal.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The action names a slot or pool that the scene does not have.
    #[error("the action does not fit the position it is about")]
    Misfit,
    /// The venue quoted, and does not sell now.
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
}

/// The instructions of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// Instructions.
    pub instructions: Vec<Instruction>,
    /// Lookup tables that hold some of their accounts.
    pub tables: Vec<Pubkey>,
    /// What the keeper's own accounts must have gained when it is over, where somebody else had a say in the instructions.
    pub floors: Vec<Floor>,
}

/// Least change of a token account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Token account.
    pub account: Pubkey,
    /// Atoms it gains at least; below zero: gives at most.
    pub change_min: i128,
}

/// The first floor that is not kept, in words. `before` and `after`: atoms in the order of the floors.
pub fn shortfall(floors: &[Floor], before: &[u64], after: &[u64]) -> Option<String> {
    floors.iter().zip(before.iter().zip(after)).find_map(|(Floor { account, change_min }, (before, after))| {
        let change = i128::from(*after) - i128::from(*before);
        (change < *change_min)
            .then(|| format!("{account} would change by {change} atoms, expected {change_min} at least"))
    })
}

impl From<Vec<Instruction>> for Built {
    fn from(instructions: Vec<Instruction>) -> Self {
        Self { instructions, ..Self::default() }
    }
}

/// The instructions of an action on a position. Asks the venue where something is sold.
///
/// # Errors
/// [`Unbuildable`].
pub fn instructions(action: &Action, scene: &Scene, keeper: &Pubkey, venue: &dyn Venue) -> Result<Built, Unbuildable> {
    let (position, offers) = (&scene.position, &action.offers[..]);
    let one = |instruction: Instruction| Ok(vec![instruction].into());
    match &action.what {
        What::Liquidate(trade) => liquidation(action, trade, scene, keeper, venue),
        What::Absorb { pool, plan } => {
            let (collateral, debt) = action.pair.ok_or(Unbuildable::Misfit)?;
            let seized = &scene.collaterals().get(collateral).ok_or(Unbuildable::Misfit)?.reserve;
            let repaid = scene.debts().get(debt).ok_or(Unbuildable::Misfit)?.reserve.address;
            let pool = scene.pools.iter().find(|known| known.address == *pool).ok_or(Unbuildable::Misfit)?;
            let absorb = BackstopLiquidate {
                position,
                seized,
                repaid,
                generation: pool.state.generation,
                tip_account: seized.token_account(keeper),
                // A tip is what comes of it; half of what was planned is somebody else's trade.
                tip_min_atoms: plan.tip_atoms / 2,
                offers,
            };
            one(absorb.instruction()?)
        }
        What::Flag => {
            let (collateral, debt) = action.pair.ok_or(Unbuildable::Misfit)?;
            let collateral = scene.collaterals().get(collateral).ok_or(Unbuildable::Misfit)?.reserve.address;
            let debt = scene.debts().get(debt).ok_or(Unbuildable::Misfit)?.reserve.address;
            one(FlagPosition { position, collateral, debt, offers }.instruction()?)
        }
        What::Mark { tip_atoms } => {
            let first = scene.debts().first().map(|leg| &leg.reserve);
            let tip = first.filter(|_| *tip_atoms > 0).map(|reserve| (reserve, reserve.token_account(keeper)));
            one(MarkDefault { position, tip, offers }.instruction()?)
        }
        What::Settle => one(SettleDefault { position, offers }.instruction()?),
        What::Refresh | What::Notice | What::Join | What::Rebalance(_) => Err(Unbuildable::Misfit),
    }
}

/// The instructions of an action on a reserve.
///
/// # Errors
/// [`Unbuildable`].
pub fn reserve_instructions(action: &Action) -> Result<Built, Unbuildable> {
    match action.what {
        What::Refresh => Ok(vec![RefreshReserves { offers: &action.offers }.instruction()].into()),
        What::Notice => Ok(vec![NoticeStalePrice { reserve: action.subject }.instruction()].into()),
        _ => Err(Unbuildable::Misfit),
    }
}

/// The instructions that let a provider's deposit join its pool.
pub fn join_instructions(pool: &Backstop, provider: &BackstopProvider, reserve: &Reserve) -> Built {
    let (owner, generation) = (Pubkey::new_from_array(provider.state.owner), pool.state.generation);
    vec![BackstopProviding { owner, reserve, generation }.join()].into()
}

/// The instructions of an exchange of own tokens. Asks the venue.
///
/// # Errors
/// [`Unbuildable`].
pub fn exchange_instructions(
    exchange: &Exchange,
    from: &Reserve,
    to: &Reserve,
    keeper: &Pubkey,
    venue: &dyn Venue,
) -> Result<Built, Unbuildable> {
    let Exchange { amount_in, amount_out_min, .. } = *exchange;
    let Route { instructions, tables } = venue.swap(keeper, from, to, Sale { amount_in, amount_out_min })?;
    let floors = vec![
        Floor { account: from.token_account(keeper), change_min: -i128::from(amount_in) },
        Floor { account: to.token_account(keeper), change_min: amount_out_min.into() },
    ];
    Ok(Built { instructions, tables, floors })
}

fn liquidation(
    action: &Action,
    trade: &Trade,
    scene: &Scene,
    keeper: &Pubkey,
    venue: &dyn Venue,
) -> Result<Built, Unbuildable> {
    let (collateral, debt) = action.pair.ok_or(Unbuildable::Misfit)?;
    let seized = &scene.collaterals().get(collateral).ok_or(Unbuildable::Misfit)?.reserve;
    let repaid = &scene.debts().get(debt).ok_or(Unbuildable::Misfit)?.reserve;
    let liquidate = Liquidate {
        liquidator: *keeper,
        position: &scene.position,
        seized,
        repaid,
        liquidator_liquidity: None,
        liquidator_collateral: None,
        repay_max_atoms: trade.repay_max_atoms,
        seize_min_atoms: trade.seize_min_atoms,
        offers: &action.offers,
    };
    let mut all = vec![liquidate.instruction()?];
    let (mut tables, mut floors) = (Vec::new(), Vec::new());
    if let Exit::Sell { amount_in, amount_out_min, .. } = trade.exit {
        let route = venue.swap(keeper, seized, repaid, Sale { amount_in, amount_out_min })?;
        all.extend(route.instructions);
        tables = route.tables;
        // At least what is sold is seized: nothing of one's own goes with it.
        floors.push(Floor { account: seized.token_account(keeper), change_min: 0 });
        let change_min = i128::from(amount_out_min) - spent_max(trade, scene, seized);
        floors.push(Floor { account: repaid.token_account(keeper), change_min });
    }
    if let Funding::Flash { principal_atoms: amount_atoms } = trade.funding {
        let (borrower, payer) = (*keeper, *keeper);
        let borrow = FlashBorrow { borrower, reserve: repaid, borrower_liquidity: None, amount_atoms };
        let repay = FlashRepay { payer, reserve: repaid, payer_liquidity: None };
        all.insert(0, borrow.instruction());
        all.push(repay.instruction());
    }
    Ok(Built { instructions: all, tables, floors })
}

/// Most that a liquidation takes of the debt's token, atoms: the repayment, the fee, which grows with the bonus and so may be
/// more when it lands than it was when it was decided, and that of a loan.
fn spent_max(trade: &Trade, scene: &Scene, seized: &Reserve) -> i128 {
    let (policy, terms, repay) = (&scene.market.state.policy, &seized.state.bonus, i128::from(trade.repay_max_atoms));
    let bonus_max_bps = terms.bonus_max_bps.max(policy.bonus_default_bps);
    let fee = repay * i128::from(bonus_max_bps) * i128::from(terms.fee_share_bps) / (i128::from(BPS) * i128::from(BPS));
    let loan_fee = match trade.funding {
        Funding::Flash { principal_atoms } => policy.flash_fee_atoms(principal_atoms),
        Funding::Own => 0,
    };
    repay + fee + 1 + i128::from(loan_fee)
}
