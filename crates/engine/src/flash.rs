//! Flash loans: liquidity lent and returned within one transaction (protocol, section 4).
//!
//! The loan is a flag on the reserve, not a balance of anybody: that it is returned is for whoever opens it to make sure
//! of, before it does. While one is open cash is short by the principal, which stays the lenders' asset: a settlement
//! inside a loan must neither take a larger haircut nor close the reserve for it.

use crate::error::{EngineError, Result};
use crate::fixed::{mul_div_ceil, saturate, widen, Word128, BPS};
use crate::state::{FlashLoan, MarketPolicy, ReserveState, RESERVE_CLOSED};

/// Largest fee of a flash loan, bps of the principal.
pub const FLASH_FEE_BPS_MAX: u64 = 100;

impl FlashLoan {
    /// No loan.
    pub const NONE: Self =
        Self { principal_atoms: 0, fee_atoms: 0, cash_atoms: 0, supply_shares: Word128::ZERO, reserved: 0 };

    /// Whether this is a loan.
    pub fn is_open(&self) -> bool {
        self.principal_atoms > 0
    }

    /// Principal and fee, atoms. (Opening a loan checks that they have a sum.)
    pub fn owed_atoms(&self) -> u64 {
        self.principal_atoms.saturating_add(self.fee_atoms)
    }
}

impl MarketPolicy {
    /// Fee of a flash loan, rounded up: where there is a fee, the smallest loan pays an atom.
    pub fn flash_fee_atoms(&self, principal_atoms: u64) -> u64 {
        mul_div_ceil(widen(principal_atoms), widen(self.flash_fee_bps), widen(BPS)).map_or(u64::MAX, saturate)
    }
}

impl ReserveState {
    /// Refuses while a flash loan is open. For every action on a reserve but those that a liquidation with borrowed
    /// liquidity is made of: `liquidate`, `repay`, `settle_default`, `flash_repay`.
    ///
    /// # Errors
    /// `FlashOpen`.
    pub fn require_no_flash(&self) -> Result<()> {
        if self.flash.is_open() {
            return Err(EngineError::FlashOpen);
        }
        Ok(())
    }

    /// Opens a flash loan. Interest must be booked up to now.
    ///
    /// What of it waits for cash is taken out first. So nothing but the loan itself takes cash out while it is open, and
    /// the comparison at its end can be exact.
    ///
    /// # Errors
    /// `ZeroAmount`, `ReserveClosed`, `FlashOpen`, `InsufficientLiquidity`, `AmountTooLarge`.
    pub fn flash_borrow(&mut self, atoms: u64, market: &MarketPolicy) -> Result<FlashLoan> {
        if atoms == 0 {
            return Err(EngineError::ZeroAmount);
        }
        if self.status == RESERVE_CLOSED {
            return Err(EngineError::ReserveClosed);
        }
        self.require_no_flash()?;
        let free = self.cash_atoms.saturating_sub(self.insurance_accrued_atoms).saturating_sub(self.fee_accrued_atoms);
        if atoms > free {
            return Err(EngineError::InsufficientLiquidity);
        }
        let fee_atoms = market.flash_fee_atoms(atoms);
        atoms.checked_add(fee_atoms).ok_or(EngineError::AmountTooLarge)?;
        self.realise_accrued();
        self.flash = FlashLoan {
            principal_atoms: atoms,
            fee_atoms,
            cash_atoms: self.cash_atoms,
            supply_shares: self.supply_shares,
            reserved: 0,
        };
        self.cash_atoms -= atoms;
        Ok(self.flash)
    }

    /// Closes the flash loan: principal to cash, fee to insurance. Returns what it was.
    ///
    /// The share price may have fallen by a settlement inside it; supply shares and cash may not.
    ///
    /// # Errors
    /// `FlashUnbalanced` (also where no loan is open), `AmountTooLarge`.
    pub fn flash_repay(&mut self) -> Result<FlashLoan> {
        let loan = self.flash;
        let cash = self.cash_atoms.checked_add(loan.principal_atoms).ok_or(EngineError::AmountTooLarge)?;
        if !loan.is_open() || self.supply_shares != loan.supply_shares || cash < loan.cash_atoms {
            return Err(EngineError::FlashUnbalanced);
        }
        let insurance = self.insurance_atoms.checked_add(loan.fee_atoms).ok_or(EngineError::AmountTooLarge)?;
        (self.cash_atoms, self.insurance_atoms, self.flash) = (cash, insurance, FlashLoan::NONE);
        Ok(loan)
    }
}
