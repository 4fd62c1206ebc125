//! Provisions: the loss of a default is booked before anyone can run from it (protocol, section 5.2).
//!
//! ```text
//! expected loss = max(0, D - sum ALV_i)      at prices in the borrower's favour, ALV without the maintenance factor
//! ```
//!
//! It is split over the position's debts by value and kept as *debt shares*, so that it grows with the debt. A repayment lets
//! go of as much as it pays; a liquidation, which takes collateral with the debt, only of what would exceed the debt that is
//! left (or selling a little would let a lender out at a better price). While it stands lenders redeem at `(assets - provision) / shares`: whoever leaves before the loss is
//! known leaves its expected part to those who stay and bear it. A provision rises at once and falls at a bounded speed,
//! because a price that dips for a minute must not let anybody out at the full price the minute after.

use crate::error::{EngineError, Result};
use crate::fixed::{mul_div_ceil, mul_div_floor, widen, Value, Word128, BPS};
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
        if self.is_marked(market, now) {
            if !terminal(spot) {
                self.defaulted_at = 0;
            }
        } else if terminal(favourable) {
            self.defaulted_at = now.unix;
            self.fix_shares(spot);
        } else if self.defaulted_at == 0 && self.debts().iter().all(|slot| slot.provision_shares.get() == 0) {
            return Err(EngineError::NotTerminal);
        } else {
            self.defaulted_at = 0;
        }
        Ok(())
    }

    /// The provision of a debt from now on: at least `target_shares`, and no less than the bounded speed leaves of the one
    /// that stands.
    fn next_provision(&self, debt: usize, target_shares: u128, market: &MarketPolicy, now: &Now) -> u128 {
        let Some(slot) = self.debts().get(debt) else { return 0 };
        let elapsed_secs = u64::try_from(now.unix.saturating_sub(self.provisioned_at)).unwrap_or(0);
        let speed = widen(market.provision_release_bps_per_hour) * widen(elapsed_secs);
        let let_go = mul_div_floor(slot.shares.get(), speed, widen(BPS * 3_600)).unwrap_or(u128::MAX);
        let least = slot.provision_shares.get().saturating_sub(let_go);
        target_shares.max(least).min(slot.shares.get())
    }

    /// Books the provision of a debt, in its slot and in its reserve. Interest of the reserve must be booked up to now.
    /// Returns what is provided for, atoms. [`Self::provisioned_at`] is the caller's to move, after the last debt.
    ///
    /// # Errors
    /// `LegMismatch`, `AmountTooLarge`.
    pub fn provide(
        &mut self,
        debt: usize,
        loss_atoms: u64,
        reserve: &mut ReserveState,
        market: &MarketPolicy,
        now: &Now,
    ) -> Result<u64> {
        let target = if self.defaulted_at == 0 { 0 } else { reserve.debt_shares_ceil(loss_atoms)? };
        let next = self.next_provision(debt, target, market, now);
        let slot = self.debt_mut(debt)?;
        let before = slot.provision_shares.get();
        slot.provision_shares = Word128::new(next);
        let others = reserve.provision_shares.get().saturating_sub(before);
        reserve.provision_shares = Word128::new(others.checked_add(next).ok_or(EngineError::AmountTooLarge)?);
        Ok(owed_ceil(next, reserve.debt_index.get()))
    }
}

impl PositionState {
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
    /// What is provided for, rounded up, atoms; at most the lenders' assets. Interest must be booked.
    pub fn provision_atoms(&self) -> u64 {
        owed_ceil(self.provision_shares.get(), self.debt_index.get()).min(self.assets_atoms())
    }

    /// Atoms that supply shares will be redeemed for once interest is booked up to `unix`, rounded down, saturating.
    pub fn projected_redeemable_atoms(&self, shares: u128, unix: i64) -> u64 {
        let assets = self.projected_assets_atoms(unix);
        let provision = owed_ceil(self.provision_shares.get(), self.projected_index(unix)).min(assets);
        self.worth_floor(shares, assets - provision)
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
        let (provision, assets) = (widen(self.provision_atoms()), widen(self.assets_atoms()));
        if provision * widen(BPS) > assets * widen(PROVISION_LIMIT_BPS) {
            return Err(EngineError::ProvisionTooHigh);
        }
        Ok(())
    }

    /// Atoms that supply shares are redeemed for: their part of assets less provisions, rounded down, saturating.
    pub fn redeemable_atoms_floor(&self, shares: u128) -> u64 {
        self.worth_floor(shares, self.assets_atoms().saturating_sub(self.provision_atoms()))
    }
}
