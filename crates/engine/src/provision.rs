//! Provisions: the loss of a default is booked before anyone can run from it (protocol, section 5.2).
//!
//! ```text
//! expected loss = max(0, D - sum ALV_i)      at prices in the borrower's favour, ALV without the maintenance factor
//! ```
//!
//! It is split over the position's debts by what each may take of the collateral, and kept as *debt shares*,
//! so that it grows with the debt. A repayment lets go of as much as it pays; a liquidation, which takes collateral with the debt, only of what would exceed the debt that is
//! left (or selling a little would let a lender out at a better price). While it stands lenders redeem at `(assets - provision) / shares`: whoever leaves before the loss is
//! known leaves its expected part to those who stay and bear it. Insurance pays first, so what it covers is nobody's to leave
//! behind. A provision rises at once, and falls at a bounded speed and no further than prices *against* the borrower allow,
//! because a price that jumps for a minute must not let anybody out at the full price the minute after.

use crate::error::{EngineError, Result};
use crate::fixed::{mul_div_ceil, mul_div_floor, product, widen, Value, Word128, BPS};
use crate::health::Exposure;
use crate::interest::owed_ceil;
use crate::liquidation::is_terminal;
use crate::policy::bps_of;
use crate::price::Price;
use crate::state::{MarketPolicy, PositionState, ReserveState};
use crate::Now;

/// A marker is paid at most this part of what is provided for, bps: making a default must cost more than marking it earns.
const MARK_TIP_BPS: u64 = 100;

/// Supply is refused while provisions are a larger part of the lenders' assets, bps: newcomers would pay for them.
pub const PROVISION_LIMIT_BPS: u64 = 50;

/// What is expected to be lost of a debt, atoms, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedLoss {
    /// At prices in the borrower's favour.
    pub least_atoms: u64,
    /// At prices against the borrower.
    pub most_atoms: u64,
}

impl Exposure {
    /// What a forced sale of all collateral would leave unpaid. Rounded up.
    pub fn expected_loss(&self) -> Value {
        let brought = self.collaterals().iter().fold(Value::ZERO, |sum, leg| sum.plus(leg.alv));
        self.debt_value().minus(brought)
    }

    /// A debt's part of the expected loss, by value, rounded up, atoms. At most the debt.
    pub fn expected_loss_atoms(&self, debt: usize) -> u64 {
        let Some(leg) = self.debts().get(debt) else { return 0 };
        let part = mul_div_ceil(self.expected_loss().0, leg.plain.0, self.debt_value().0.max(1));
        part.map_or(leg.owed_atoms, |part| leg.price.atoms_ceil(Value(part)).min(leg.owed_atoms))
    }
}

impl PositionState {
    /// Begins or ends the mark of a default. `favourable`: at prices in the borrower's favour; `spot`: as in settlement.
    ///
    /// It begins where the position is terminal even at the former, and ends where it is not at the latter, or lapses
    /// ([`Self::is_marked`]). What is provided for by then is let go at the bounded speed, by further calls.
    ///
    /// # Errors
    /// `NotTerminal` where there is nothing to mark and nothing to let go.
    pub fn mark(&mut self, favourable: &Exposure, spot: &Exposure, market: &MarketPolicy, now: &Now) -> Result<()> {
        let terminal = |exposure: &Exposure| is_terminal(exposure.collateral_value(), exposure.debt_value(), market);
        let is_booked = self.defaulted_at != 0 || self.debts().iter().any(|slot| slot.provision_shares.get() != 0);
        if !terminal(spot) {
            self.end_sale();
        } else if self.is_marked(market, now) {
            return Ok(());
        } else if terminal(favourable) {
            self.defaulted_at = now.unix;
            self.begin_sale(&spot.debt_shares_q40());
            return Ok(());
        } else {
            self.defaulted_at = 0;
        }
        if is_booked {
            Ok(())
        } else {
            Err(EngineError::NotTerminal)
        }
    }

    /// What is expected to be lost of a debt, at prices in the borrower's favour and against it.
    pub fn expect_loss(&self, favourable: &Exposure, against: &Exposure, debt: usize) -> ExpectedLoss {
        ExpectedLoss {
            least_atoms: self.expected_loss_atoms(favourable, debt),
            most_atoms: self.expected_loss_atoms(against, debt),
        }
    }

    /// A debt's part of the expected loss, rounded up, atoms: what the collateral it may take in the sale would leave
    /// unpaid; by value where no sale has begun. At most the debt.
    fn expected_loss_atoms(&self, exposure: &Exposure, debt: usize) -> u64 {
        let Some(leg) = exposure.debts().get(debt).filter(|_| self.has_sale()) else {
            return exposure.expected_loss_atoms(debt);
        };
        let loss = leg.plain.minus(self.entitled_value(exposure, debt));
        leg.price.atoms_ceil(loss).min(leg.owed_atoms)
    }

    /// Books the provision of a debt, in its slot and in its reserve: at least the least that is expected to be lost, while
    /// the mark stands. A larger one that stands falls at the bounded speed, and to the most that is expected only. So a
    /// wick, up or down, neither books nor lets go. Interest of the reserve must be booked up to now. Returns what is
    /// provided for, atoms. [`Self::provisioned_at`] is the caller's to move, after the last debt.
    ///
    /// # Errors
    /// `LegMismatch`, `AmountTooLarge`.
    pub fn provide(
        &mut self,
        debt: usize,
        loss: ExpectedLoss,
        reserve: &mut ReserveState,
        market: &MarketPolicy,
        now: &Now,
    ) -> Result<u64> {
        let least = if self.defaulted_at == 0 { 0 } else { reserve.debt_shares_ceil(loss.least_atoms)? };
        let most = reserve.debt_shares_ceil(loss.most_atoms)?;
        let elapsed_secs = u64::try_from(now.unix.saturating_sub(self.provisioned_at)).unwrap_or(0);
        let slot = self.debt_mut(debt)?;
        let (whole, before) = (slot.shares.get(), slot.provision_shares.get());
        let speed = widen(market.provision_release_bps_per_hour) * widen(elapsed_secs);
        let let_go = mul_div_floor(whole, speed, widen(BPS * 3_600)).unwrap_or(u128::MAX);
        let kept = before.saturating_sub(let_go).max(before.min(most));
        let next = least.max(kept).min(whole);
        slot.provision_shares = Word128::new(next);
        let others = reserve.provision_shares.get().saturating_sub(before);
        reserve.provision_shares = Word128::new(others.checked_add(next).ok_or(EngineError::AmountTooLarge)?);
        Ok(owed_ceil(next, reserve.debt_index.get()))
    }

    /// Pays whoever marked this default from the insurance of one of its debts, by ledger: what the market allows, at most a
    /// hundredth of what is provided for that debt, at most what insurance has. Once per default, however often it is
    /// marked: not again before the debts are settled or repaid. Returns how much, rounded down, atoms.
    pub fn pay_marker(
        &mut self,
        provided_atoms: u64,
        price: Price,
        reserve: &mut ReserveState,
        market: &MarketPolicy,
    ) -> u64 {
        if self.defaulted_at == 0 || self.is_mark_paid != 0 {
            return 0;
        }
        let most = price.atoms_floor(Value(widen(market.mark_tip_value)));
        let atoms = most.min(bps_of(provided_atoms, MARK_TIP_BPS)).min(reserve.insurance_atoms);
        reserve.insurance_atoms -= atoms;
        self.is_mark_paid = u8::from(atoms > 0);
        atoms
    }
}

impl ReserveState {
    /// All that is provided for, rounded up, atoms. Interest must be booked.
    pub fn provided_atoms(&self) -> u64 {
        owed_ceil(self.provision_shares.get(), self.debt_index.get())
    }

    /// What insurance can pay, what has accrued to it and is not yet cash included, atoms.
    pub(crate) fn insured_atoms(&self) -> u64 {
        self.insurance_atoms.saturating_add(self.insurance_accrued_atoms)
    }

    /// What is provided for at an index and not covered by insurance, to which so much more has accrued by then.
    fn uninsured_at(&self, index: u128, accruing_atoms: u64) -> u64 {
        let insured = self.insured_atoms().saturating_add(accruing_atoms);
        owed_ceil(self.provision_shares.get(), index).saturating_sub(insured)
    }

    /// What of the provisions lenders will bear: what insurance, which pays first, does not cover. At most the lenders'
    /// assets, atoms. Interest must be booked.
    pub fn provision_atoms(&self) -> u64 {
        self.uninsured_at(self.debt_index.get(), 0).min(self.assets_atoms())
    }

    /// Atoms that supply shares will be redeemed for once interest is booked up to `unix`, rounded down, saturating.
    pub fn projected_redeemable_atoms(&self, shares: u128, unix: i64) -> u64 {
        let (index, assets) = (self.projected_index(unix), self.projected_assets_atoms(unix));
        let (accruing, _) = self.interest_parts(index);
        self.worth_floor(shares, assets.saturating_sub(self.uninsured_at(index, accruing)))
    }

    /// Lets go what stood for a debt that shrank or was written off.
    pub fn release_provision(&mut self, shares: u128) {
        self.provision_shares = Word128::new(self.provision_shares.get().saturating_sub(shares));
    }

    /// Whether provisions are small enough for newcomers.
    ///
    /// # Errors
    /// `ProvisionTooHigh`.
    pub fn require_little_provision(&self) -> Result<()> {
        let (provision, assets) = (self.provision_atoms(), self.assets_atoms());
        if product(provision, BPS) > product(assets, PROVISION_LIMIT_BPS) {
            return Err(EngineError::ProvisionTooHigh);
        }
        Ok(())
    }

    /// Atoms that supply shares are redeemed for: their part of assets less provisions, rounded down, saturating.
    pub fn redeemable_atoms_floor(&self, shares: u128) -> u64 {
        self.worth_floor(shares, self.assets_atoms().saturating_sub(self.provision_atoms()))
    }
}
