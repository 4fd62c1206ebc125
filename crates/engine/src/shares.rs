//! Supply shares with a virtual offset, and debt shares.
//!
//! Share price is `(assets + 1) / (shares + 2^20)`. The virtual atom and shares belong to nobody: a first depositor who
//! donates to inflate the price gives to them (and donations to a vault are not even counted).

use crate::error::{EngineError, Result};
use crate::fixed::{mul_div_ceil, mul_div_floor, saturate, widen};
use crate::interest::SHARE_SHIFT;
use crate::state::ReserveState;

/// Virtual supply shares.
pub const VIRTUAL_SHARES: u128 = 1 << 20;
/// Virtual assets, atoms.
pub const VIRTUAL_ASSETS: u128 = 1;
/// A reserve closes when its share price has fallen to less than one in this many of the initial one.
const CLOSING_FALL: u128 = 1_000_000;

impl ReserveState {
    /// Supply shares for `atoms` of liquidity, rounded down.
    ///
    /// # Errors
    /// `AmountTooLarge`.
    pub fn supply_shares_floor(&self, atoms: u64) -> Result<u128> {
        let shares = self.supply_shares.get().checked_add(VIRTUAL_SHARES).ok_or(EngineError::AmountTooLarge)?;
        let assets = widen(self.assets_atoms()) + VIRTUAL_ASSETS;
        mul_div_floor(widen(atoms), shares, assets).ok_or(EngineError::AmountTooLarge)
    }

    /// Atoms that supply shares are worth, rounded down, saturating.
    pub fn supply_atoms_floor(&self, shares: u128) -> u64 {
        self.worth_floor(shares, self.assets_atoms())
    }

    /// Atoms that supply shares will be worth once interest is booked up to `unix`, rounded down, saturating.
    pub fn projected_supply_atoms(&self, shares: u128, unix: i64) -> u64 {
        self.worth_floor(shares, self.projected_assets_atoms(unix))
    }

    /// Part of `assets_atoms` that supply shares are, virtual ones among all, rounded down, saturating.
    pub(crate) fn worth_floor(&self, shares: u128, assets_atoms: u64) -> u64 {
        let all = self.supply_shares.get().saturating_add(VIRTUAL_SHARES);
        mul_div_floor(shares, widen(assets_atoms) + VIRTUAL_ASSETS, all).map_or(u64::MAX, saturate)
    }

    /// Debt shares to mint for `atoms` borrowed, rounded up.
    ///
    /// # Errors
    /// `AmountTooLarge`.
    pub fn debt_shares_ceil(&self, atoms: u64) -> Result<u128> {
        mul_div_ceil(widen(atoms), 1 << SHARE_SHIFT, self.debt_index.get()).ok_or(EngineError::AmountTooLarge)
    }

    /// Debt shares to burn for `atoms` repaid, rounded down.
    pub fn debt_shares_floor(&self, atoms: u64) -> u128 {
        mul_div_floor(widen(atoms), 1 << SHARE_SHIFT, self.debt_index.get()).unwrap_or(u128::MAX)
    }

    /// Whether a loss has eaten the supply: share price below 1e-6 of the initial one.
    pub fn is_supply_lost(&self) -> bool {
        let shares = self.supply_shares.get().saturating_add(VIRTUAL_SHARES);
        // (assets + 1) / shares < 1e-6 * 1 / 2^20
        let scaled = mul_div_floor(widen(self.assets_atoms()) + VIRTUAL_ASSETS, VIRTUAL_SHARES * CLOSING_FALL, 1);
        scaled.is_some_and(|scaled| scaled < shares)
    }
}
