//! Events of backstop pools.

use anchor_lang::prelude::*;
use plimsoll_engine::state::BackstopProviderState;

use super::PriceUsed;

/// A backstop pool was opened.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackstopCreated {
    /// Market.
    pub market: Pubkey,
    /// Reserve of the debt token.
    pub reserve: Pubkey,
    /// Pool.
    pub backstop: Pubkey,
    /// Its generation.
    pub generation: u8,
    /// Slot.
    pub slot: u64,
}

/// A backstop pool opted in to a collateral, or out of it.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackstopCollateralSet {
    /// Pool.
    pub backstop: Pubkey,
    /// Reserve of the collateral.
    pub collateral_reserve: Pubkey,
    /// Most the pool may hold of it, atoms; 0: it buys no more.
    pub cap_atoms: u64,
    /// From when on, unix time.
    pub in_force_at: i64,
    /// Sequence of the pool.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// What became of a provider's deposit.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositChange {
    /// Paid in; it warms up.
    Deposited,
    /// Warm, and part of the pool.
    Joined,
    /// Warm too long; its warm-up started over.
    Restarted,
    /// Taken back while it was warming up.
    Cancelled,
    /// Its withdrawal was requested.
    Requested,
    /// Taken out of the pool.
    Withdrawn,
}

/// Where a provider stands.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderStanding {
    /// Deposit in the pool, atoms.
    pub deposit_atoms: u64,
    /// Deposit that is warming up, atoms.
    pub warming_atoms: u64,
    /// When that may join the pool, unix time; 0 when nothing is warming up.
    pub warm_at: i64,
    /// Requested withdrawal, atoms.
    pub requested_atoms: u64,
    /// When that may be taken, unix time; 0 when none is requested.
    pub matures_at: i64,
}

impl From<&BackstopProviderState> for ProviderStanding {
    fn from(provider: &BackstopProviderState) -> Self {
        Self {
            deposit_atoms: provider.deposit_atoms,
            warming_atoms: provider.warming_atoms,
            warm_at: provider.warm_at,
            requested_atoms: provider.requested_atoms,
            matures_at: provider.matures_at,
        }
    }
}

/// A provider's deposit in a backstop pool changed. (A deposit that was warm joins with any of these.)
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackstopDepositChanged {
    /// Pool.
    pub backstop: Pubkey,
    /// Provider account.
    pub provider: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// What became of it.
    pub change: DepositChange,
    /// How much, atoms.
    pub atoms: u64,
    /// The provider after.
    pub standing: ProviderStanding,
    /// All deposits in the pool after, atoms.
    pub pool_deposit_atoms: u64,
    /// All deposits that are warming up after, atoms.
    pub pool_warming_atoms: u64,
    /// Sequence of the pool.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A provider took what it gained of a collateral.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackstopGainClaimed {
    /// Pool.
    pub backstop: Pubkey,
    /// Provider account.
    pub provider: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Reserve of the collateral.
    pub collateral_reserve: Pubkey,
    /// Taken, atoms.
    pub atoms: u64,
    /// The provider after.
    pub standing: ProviderStanding,
    /// Held for providers and not yet claimed after, atoms.
    pub pool_collateral_atoms: u64,
    /// Sequence of the pool.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}

/// A backstop pool repaid a position's debt and took its collateral.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionAbsorbed {
    /// Position.
    pub position: Pubkey,
    /// Its owner.
    pub owner: Pubkey,
    /// Pool.
    pub backstop: Pubkey,
    /// Reserve of the collateral seized.
    pub seized_reserve: Pubkey,
    /// Reserve of the debt repaid.
    pub repaid_reserve: Pubkey,
    /// Seized for the providers, collateral atoms.
    pub gain_atoms: u64,
    /// Seized on top as the caller's tip, collateral atoms.
    pub tip_atoms: u64,
    /// Repaid, debt atoms.
    pub repay_atoms: u64,
    /// Value seized for one unit repaid, 1e-9.
    pub gross_factor_e9: u64,
    /// Health before, 1e-9.
    pub health_before_e9: u64,
    /// Health after, 1e-9.
    pub health_after_e9: u64,
    /// Price of the collateral.
    pub seized_price: PriceUsed,
    /// Price of the debt.
    pub repaid_price: PriceUsed,
    /// The position could not be made healthy and was closed as far as it went.
    pub is_terminal: bool,
    /// The throttle left less than was wanted.
    pub is_throttled: bool,
    /// Liquidatable time counted since the flag, seconds.
    pub auction_secs: u64,
    /// When the collateral's throttle will be empty, unix seconds.
    pub throttle_empty_at: i64,
    /// All deposits in the pool after, atoms.
    pub pool_deposit_atoms: u64,
    /// Where that emptied the position: debt written off with it, atoms.
    pub written_off_atoms: u64,
    /// Of which paid by insurance, atoms.
    pub insurance_atoms: u64,
    /// Of which borne by lenders, atoms.
    pub haircut_atoms: u64,
    /// Sequence of the position.
    pub sequence: u64,
    /// Slot.
    pub slot: u64,
}
