//! Settlement of a default: who pays for what the collateral did not (protocol, section 5.4).
//!
//! Insurance pays first; the rest is the haircut: the reserve's assets fall by it, now, once, and every lender's share of
//! them falls in proportion. No token moves.

use crate::error::{EngineError, Result};
use crate::fixed::{widen, Word128};
use crate::health::Exposure;
use crate::interest::owed_ceil;
use crate::shares::VIRTUAL_SHARES;
use crate::state::{MarketPolicy, ReserveState, RESERVE_CLOSED};

/// How the loss on one debt was shared. `owed = insurance + haircut` unless the loss exceeds all that lenders have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOff {
    /// Debt written off, rounded up, atoms.
    pub owed_atoms: u64,
    /// Paid by insurance, atoms.
    pub insurance_atoms: u64,
    /// Borne by lenders, atoms.
    pub haircut_atoms: u64,
}

/// Whether a position is in default: unhealthy, insolvent, and empty by value.
///
/// The exposure must count every collateral at its last reading, undecayed
/// ([`ReserveState::collateral_leg_undecayed`]): good collateral behind a dead feed is not the insurance's.
///
/// # Errors
/// `NotInDefault`; `StalePrice` or `ConfidenceTooWide` where a collateral or debt that is worth something has no usable price.
pub fn require_default(exposure: &Exposure, market: &MarketPolicy) -> Result<()> {
    let (collateral, debt) = (exposure.collateral_value(), exposure.debt_value());
    let is_unhealthy = exposure.weighted_collateral() < exposure.weighted_debt();
    if !is_unhealthy || collateral >= debt || collateral > market.dust() {
        return Err(EngineError::NotInDefault);
    }
    require_known_prices(exposure)
}

/// Whether a default can be judged: every collateral and debt has a usable price, or one that is dead.
///
/// # Errors
/// `StalePrice`, `ConfidenceTooWide`.
pub fn require_known_prices(exposure: &Exposure) -> Result<()> {
    // Without any collateral no price matters. With a rest, nobody may pass a forgotten price off as a small rest; one
    // that is dead although it was noticed counts, or a grain behind a dead feed would block settlement for ever.
    let rests = || exposure.collaterals().iter().filter(|leg| leg.atoms > 0);
    let of_rests = rests().filter(|leg| !leg.is_dead).find_map(|leg| leg.unusable);
    let of_debts = exposure.debts().iter().filter(|leg| !leg.is_dead).find_map(|leg| leg.unusable);
    match of_rests.or(of_debts) {
        Some(error) if rests().next().is_some() => Err(error),
        _ => Ok(()),
    }
}

/// Loss split between insurance and lenders, exactly once: `(insurance, haircut)`, haircut at most what lenders have.
pub fn share_loss(loss_atoms: u64, insurance_atoms: u64, lender_assets_atoms: u64) -> (u64, u64) {
    let insurance = loss_atoms.min(insurance_atoms);
    (insurance, (loss_atoms - insurance).min(lender_assets_atoms))
}

impl ReserveState {
    /// Writes off a position's debt: insurance pays into cash what it has, the rest leaves the assets and becomes a claim
    /// of all who hold shares now.
    ///
    /// Interest must be booked up to now. Insurance that has accrued and is not yet cash pays too: it is a claim on the
    /// same assets, so forgoing it restores them.
    pub fn write_off(&mut self, shares: u128) -> WriteOff {
        let assets_before = self.assets_atoms();
        let owed_atoms = owed_ceil(shares, self.debt_index.get());
        self.debt_shares = Word128::new(self.debt_shares.get().saturating_sub(shares));
        let insured = self.insured_atoms();
        let (insurance_atoms, haircut_atoms) = share_loss(owed_atoms, insured, assets_before);
        let from_ledger = insurance_atoms.min(self.insurance_atoms);
        self.insurance_atoms -= from_ledger;
        self.cash_atoms = self.cash_atoms.saturating_add(from_ledger);
        self.insurance_accrued_atoms -= insurance_atoms - from_ledger;
        let all_shares = self.supply_shares.get().saturating_add(VIRTUAL_SHARES);
        // What cannot be booked is not claimed; the haircut is the same.
        let _ = self.claims.book_loss(haircut_atoms, all_shares);
        if self.is_supply_lost() {
            self.status = RESERVE_CLOSED;
        }
        WriteOff { owed_atoms, insurance_atoms, haircut_atoms }
    }

    /// Gives a settled position's left-over collateral to insurance, by ledger.
    pub fn forfeit_collateral(&mut self, atoms: u64, counted_atoms: u64) {
        let atoms = atoms.min(self.collateral_atoms);
        self.collateral_atoms -= atoms;
        self.counted_atoms = self.counted_atoms.saturating_sub(counted_atoms);
        self.insurance_collateral_atoms = self.insurance_collateral_atoms.saturating_add(atoms);
    }
}

/// What each lender has left after a haircut, pro rata, rounded down.
pub fn after_haircut(lender_atoms: u64, all_atoms: u64, haircut_atoms: u64) -> u64 {
    let left = widen(all_atoms.saturating_sub(haircut_atoms));
    crate::fixed::mul_div_floor(widen(lender_atoms), left, widen(all_atoms)).map_or(0, crate::fixed::saturate)
}
