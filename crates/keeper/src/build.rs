//! From an action to the instructions of its transaction.

use plimsoll_client::accounts::{Backstop, BackstopProvider, Reserve};
use plimsoll_client::instructions::{
    BackstopLiquidate, BackstopProviding, BuildError, FlagPosition, FlashBorrow, FlashRepay, Liquidate, MarkDefault,
    NoticeStalePrice, RefreshReserves, SettleDefault,
};
use plimsoll_client::{Instruction, Pubkey};

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
}

impl From<Vec<Instruction>> for Built {
    fn from(instructions: Vec<Instruction>) -> Self {
        Self { instructions, tables: Vec::new() }
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
    Ok(Built { instructions, tables })
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
    let mut tables = Vec::new();
    if let Exit::Sell { amount_in, amount_out_min, .. } = trade.exit {
        let route = venue.swap(keeper, seized, repaid, Sale { amount_in, amount_out_min })?;
        all.extend(route.instructions);
        tables = route.tables;
    }
    if let Funding::Flash { principal_atoms: amount_atoms } = trade.funding {
        let (borrower, payer) = (*keeper, *keeper);
        let borrow = FlashBorrow { borrower, reserve: repaid, borrower_liquidity: None, amount_atoms };
        let repay = FlashRepay { payer, reserve: repaid, payer_liquidity: None };
        all.insert(0, borrow.instruction());
        all.push(repay.instruction());
    }
    Ok(Built { instructions: all, tables })
}
