//! A market as it is on a chain, from its accounts' states: gathered from their [bytes](gather), kept in a [file].

pub mod file;
pub mod gather;
pub mod starting;

use std::sync::Arc;

use anyhow::{Context, Result};
use bytemuck::Zeroable;
use plimsoll_client::Pubkey as Address;
use plimsoll_engine::state::{BackstopState, LenderState, MarketState, PositionState, Pubkey, ReserveState};
use plimsoll_engine::Now;

use crate::book::{AssetId, Book};
use crate::chain::Chain;
use crate::tokens::{Actor, Tokens, Vault};

/// A market's accounts.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Address of the market.
    pub address: Address,
    /// When it was taken.
    pub now: Now,
    /// Market.
    pub market: MarketState,
    /// Reserves by address.
    pub reserves: Vec<(Pubkey, ReserveState)>,
    /// Positions. Shared by all that goes on from here: there may be a million.
    pub positions: Arc<Vec<PositionState>>,
    /// Their addresses, in the same order.
    pub addresses: Arc<Vec<Address>>,
    /// Backstop pools; of several of one token the last counts.
    pub pools: Vec<BackstopState>,
}

impl Snapshot {
    /// The chain that goes on from it. One lender stands for all. Vaults hold what their ledgers say: donations are nobody's.
    pub fn chain(&self) -> Chain {
        let keys: Vec<Pubkey> = self.reserves.iter().map(|(key, _)| *key).collect();
        let reserves: Vec<ReserveState> = self.reserves.iter().map(|(_, state)| *state).collect();
        let book = Book::of_states(self.positions.clone(), &keys);
        let mut pools = vec![None; keys.len()];
        for pool in &self.pools {
            if let Some(place) = keys.iter().position(|key| *key == pool.reserve).and_then(|at| pools.get_mut(at)) {
                *place = Some(*pool);
            }
        }
        let lender = |state: &ReserveState| LenderState { shares: state.supply_shares, ..LenderState::zeroed() };
        let lenders = reserves.iter().map(lender).collect();
        let tokens = held(&reserves);
        Chain { market: self.market, reserves, keys, book, pools, lenders, tokens, now: self.now, journal: None }
    }

    /// Checks that the accounts agree with each other: those that were read at different moments need not.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn check(&self) -> Result<()> {
        agrees(&self.chain())
    }

    /// Addresses of the reserves, as a person reads them.
    pub fn reserve_names(&self) -> String {
        let names: Vec<String> = self.reserves.iter().map(|(key, _)| Address::from(*key).to_string()).collect();
        names.join(", ")
    }
}

/// Checks that a chain that was just taken agrees with itself.
///
/// # Errors
/// The first invariant that does not hold.
pub(crate) fn agrees(chain: &Chain) -> Result<()> {
    chain
        .audit()
        .context("the accounts do not agree with each other: they are not all of one moment, or not as they were")
}

fn held(reserves: &[ReserveState]) -> Tokens {
    let mut tokens = Tokens::new(reserves.len());
    for (index, reserve) in reserves.iter().enumerate() {
        let asset = AssetId::try_from(index).unwrap_or(AssetId::MAX);
        let lenders = [reserve.cash_atoms, reserve.insurance_atoms, reserve.fee_atoms, reserve.recovery_atoms];
        let borrowers = [reserve.collateral_atoms, reserve.insurance_collateral_atoms];
        let mut hold = |vault, actor, atoms: &[u64]| {
            atoms.iter().for_each(|atoms| tokens.take_in(asset, vault, actor, *atoms));
        };
        hold(Vault::Liquidity, Actor::Lenders, &lenders);
        hold(Vault::Liquidity, Actor::Providers, &[reserve.backstop_atoms]);
        hold(Vault::Collateral, Actor::Borrowers, &borrowers);
        hold(Vault::Collateral, Actor::Providers, &[reserve.backstop_collateral_atoms]);
    }
    tokens
}
