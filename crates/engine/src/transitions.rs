//! How an action changes state, after it was decided. Each checks its own ledger and leaves it untouched on error.

use crate::error::{EngineError, Result};
use crate::fixed::Word128;
use crate::interest::owed_ceil;
use crate::liquidation::LiquidationPlan;
use crate::outflow::Outflow;
use crate::state::*;
use crate::Now;

fn require_amount(atoms: u64) -> Result<()> {
    if atoms == 0 {
        return Err(EngineError::ZeroAmount);
    }
    Ok(())
}

fn require_open(reserve: &ReserveState) -> Result<()> {
    if reserve.status == RESERVE_CLOSED {
        return Err(EngineError::ReserveClosed);
    }
    Ok(())
}

/// What a debt was reduced for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidFor {
    /// Nothing: a repayment.
    Nothing,
    /// Collateral of the position, or the debt was written off: a liquidation, a settlement.
    Collateral,
}

/// A repayment as decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repayment {
    /// Atoms to pay.
    pub atoms: u64,
    /// Debt shares to burn.
    pub shares: u128,
}

impl ReserveState {
    /// Takes liquidity in for shares. Interest must be booked up to now.
    ///
    /// # Errors
    /// `ZeroAmount`, `ReserveClosed`, `ProvisionTooHigh`, `SupplyCapExceeded`, `SharesBelowMin` (also where no share would be
    /// minted), `AmountTooLarge`.
    pub fn supply(&mut self, atoms: u64, shares_min: u128) -> Result<u128> {
        require_amount(atoms)?;
        require_open(self)?;
        self.require_little_provision()?;
        let total = self.assets_atoms().checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        if total > self.caps.supply_atoms {
            return Err(EngineError::SupplyCapExceeded);
        }
        let shares = self.supply_shares_floor(atoms)?;
        if shares == 0 || shares < shares_min {
            return Err(EngineError::SharesBelowMin);
        }
        let all = self.supply_shares.get().checked_add(shares).ok_or(EngineError::AmountTooLarge)?;
        self.cash_atoms = self.cash_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        self.flow_in(atoms);
        self.supply_shares = Word128::new(all);
        Ok(shares)
    }

    /// Burns supply shares for liquidity. Interest must be booked up to now. What is provided for, and a remainder below an
    /// atom, stay with those who stay.
    ///
    /// # Errors
    /// `ZeroAmount` (also where the shares are worth less than an atom), `AmountExceedsBalance`, `AssetsBelowMin`,
    /// `InsufficientLiquidity`, `OutflowLimited`.
    pub fn redeem(&mut self, shares: u128, atoms_min: u64) -> Result<u64> {
        if shares == 0 {
            return Err(EngineError::ZeroAmount);
        }
        let left = self.supply_shares.get().checked_sub(shares).ok_or(EngineError::AmountExceedsBalance)?;
        let atoms = self.redeemable_atoms_floor(shares);
        if atoms < atoms_min {
            return Err(EngineError::AssetsBelowMin);
        }
        require_amount(atoms)?;
        let cash = self.cash_atoms.checked_sub(atoms).ok_or(EngineError::InsufficientLiquidity)?;
        self.flow_out(Outflow::Redemption, atoms)?;
        self.cash_atoms = cash;
        self.supply_shares = Word128::new(left);
        Ok(atoms)
    }

    /// Lends `atoms`, minting debt shares. Interest must be booked up to now.
    ///
    /// # Errors
    /// `ZeroAmount`, `ReserveClosed`, `InsufficientLiquidity`, `BorrowCapExceeded`, `OutflowLimited`, `AmountTooLarge`.
    pub fn lend(&mut self, atoms: u64) -> Result<u128> {
        require_amount(atoms)?;
        require_open(self)?;
        let cash = self.cash_atoms.checked_sub(atoms).ok_or(EngineError::InsufficientLiquidity)?;
        let shares = self.debt_shares_ceil(atoms)?;
        let all = self.debt_shares.get().checked_add(shares).ok_or(EngineError::AmountTooLarge)?;
        if owed_ceil(all, self.debt_index.get()) > self.caps.borrow_atoms {
            return Err(EngineError::BorrowCapExceeded);
        }
        self.flow_out(Outflow::Borrow, atoms)?;
        self.cash_atoms = cash;
        self.debt_shares = Word128::new(all);
        Ok(shares)
    }

    /// What `atoms_max` pays of a debt of `shares`: all of it, or what it buys, rounded down. Interest must be booked.
    ///
    /// # Errors
    /// `ZeroAmount`.
    pub fn plan_repayment(&self, shares: u128, atoms_max: u64) -> Result<Repayment> {
        require_amount(atoms_max)?;
        let owed = owed_ceil(shares, self.debt_index.get());
        if atoms_max >= owed {
            return Ok(Repayment { atoms: owed, shares });
        }
        Ok(Repayment { atoms: atoms_max, shares: self.debt_shares_floor(atoms_max).min(shares) })
    }

    /// Takes a repayment in.
    ///
    /// # Errors
    /// `AmountTooLarge`.
    pub fn receive_repayment(&mut self, repayment: &Repayment) -> Result<()> {
        self.cash_atoms = self.cash_atoms.checked_add(repayment.atoms).ok_or(EngineError::AmountTooLarge)?;
        self.debt_shares = Word128::new(self.debt_shares.get().saturating_sub(repayment.shares));
        self.realise_accrued();
        Ok(())
    }

    /// Takes atoms in for insurance.
    ///
    /// # Errors
    /// `AmountTooLarge`.
    pub fn receive_insurance(&mut self, atoms: u64) -> Result<()> {
        self.insurance_atoms = self.insurance_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        Ok(())
    }

    /// Takes all protocol fees out of the ledger.
    ///
    /// # Errors
    /// `ZeroAmount` where there are none.
    pub fn take_fees(&mut self) -> Result<u64> {
        require_amount(self.fee_atoms)?;
        Ok(core::mem::take(&mut self.fee_atoms))
    }

    /// Whether a deposit of `atoms` needs the rescue allowance: the plain cap has no room for it.
    pub fn exceeds_cap(&self, atoms: u64) -> bool {
        self.collateral_atoms.saturating_add(atoms) > self.caps.collateral_atoms
    }

    /// Takes collateral in. Counted last-in where the position has debt. A rescue may exceed the cap by the allowance.
    ///
    /// # Errors
    /// `ZeroAmount`, `CollateralCapExceeded`, `AmountTooLarge`.
    pub fn take_collateral(&mut self, atoms: u64, counted: bool, is_rescue: bool) -> Result<()> {
        require_amount(atoms)?;
        let all = self.collateral_atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        if all > if is_rescue { self.caps.with_rescue() } else { self.caps.collateral_atoms } {
            return Err(EngineError::CollateralCapExceeded);
        }
        self.collateral_atoms = all;
        if counted {
            self.counted_atoms = self.counted_atoms.saturating_add(atoms);
        }
        Ok(())
    }

    /// Gives collateral out, `counted_atoms` of which were counted.
    ///
    /// # Errors
    /// `AmountExceedsBalance`.
    pub fn give_collateral(&mut self, atoms: u64, counted_atoms: u64) -> Result<()> {
        self.collateral_atoms = self.collateral_atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        self.counted_atoms = self.counted_atoms.saturating_sub(counted_atoms);
        Ok(())
    }
}

impl PositionState {
    /// Used collateral slots.
    pub fn collaterals(&self) -> &[CollateralSlot] {
        self.collaterals.get(..usize::from(self.collateral_count)).unwrap_or(&self.collaterals)
    }

    /// Used debt slots.
    pub fn debts(&self) -> &[DebtSlot] {
        self.debts.get(..usize::from(self.debt_count)).unwrap_or(&self.debts)
    }

    /// Whether there is any debt.
    pub fn has_debt(&self) -> bool {
        self.debt_count > 0
    }

    /// Slot of a collateral.
    pub fn collateral_index(&self, reserve: &Pubkey) -> Option<usize> {
        self.collaterals().iter().position(|slot| slot.reserve == *reserve)
    }

    /// Slot of a debt.
    pub fn debt_index(&self, reserve: &Pubkey) -> Option<usize> {
        self.debts().iter().position(|slot| slot.reserve == *reserve)
    }

    /// Slot for a collateral: the open one, or a new one if `by_owner` (a stranger could fill the slots with dust).
    ///
    /// # Errors
    /// `CollateralIsDebt`, `SlotNotOpen`, `CollateralSlotsFull`.
    pub fn collateral_slot(&mut self, reserve: &Pubkey, by_owner: bool) -> Result<usize> {
        if self.debt_index(reserve).is_some() {
            return Err(EngineError::CollateralIsDebt);
        }
        if let Some(index) = self.collateral_index(reserve) {
            return Ok(index);
        }
        if !by_owner {
            return Err(EngineError::SlotNotOpen);
        }
        let index = usize::from(self.collateral_count);
        let slot = self.collaterals.get_mut(index).ok_or(EngineError::CollateralSlotsFull)?;
        *slot = CollateralSlot { reserve: *reserve, ..bytemuck::Zeroable::zeroed() };
        self.collateral_count += 1;
        Ok(index)
    }

    /// Slot for a debt: the open one, or a new one. Only the owner borrows.
    ///
    /// # Errors
    /// `CollateralIsDebt`, `DebtSlotsFull`.
    pub fn debt_slot(&mut self, reserve: &Pubkey) -> Result<usize> {
        if self.collateral_index(reserve).is_some() {
            return Err(EngineError::CollateralIsDebt);
        }
        if let Some(index) = self.debt_index(reserve) {
            return Ok(index);
        }
        let index = usize::from(self.debt_count);
        let slot = self.debts.get_mut(index).ok_or(EngineError::DebtSlotsFull)?;
        *slot = DebtSlot { reserve: *reserve, ..bytemuck::Zeroable::zeroed() };
        self.debt_count += 1;
        Ok(index)
    }

    /// A used collateral slot; nothing may be written behind them.
    fn open_collateral(&mut self, index: usize) -> Result<&mut CollateralSlot> {
        let open = self.collaterals.get_mut(..usize::from(self.collateral_count));
        open.and_then(|open| open.get_mut(index)).ok_or(EngineError::LegMismatch)
    }

    /// A used debt slot; nothing may be written behind them.
    pub(crate) fn debt_mut(&mut self, index: usize) -> Result<&mut DebtSlot> {
        let open = self.debts.get_mut(..usize::from(self.debt_count));
        open.and_then(|open| open.get_mut(index)).ok_or(EngineError::LegMismatch)
    }

    /// Adds collateral to a slot.
    ///
    /// # Errors
    /// `LegMismatch`, `AmountTooLarge`.
    pub fn add_collateral(&mut self, index: usize, atoms: u64, counted: bool) -> Result<()> {
        let slot = self.open_collateral(index)?;
        slot.atoms = slot.atoms.checked_add(atoms).ok_or(EngineError::AmountTooLarge)?;
        if counted {
            slot.counted_atoms = slot.counted_atoms.saturating_add(atoms);
        }
        Ok(())
    }

    /// Takes collateral out of a slot; what was not counted goes first. Closes the slot where nothing is left.
    /// Returns how much of it was counted.
    ///
    /// # Errors
    /// `LegMismatch`, `AmountExceedsBalance`.
    pub fn remove_collateral(&mut self, index: usize, atoms: u64) -> Result<u64> {
        let slot = self.open_collateral(index)?;
        let left = slot.atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        let counted = slot.counted_atoms.saturating_sub(left);
        slot.atoms = left;
        slot.counted_atoms -= counted;
        if left == 0 {
            self.close_collateral_slot(index);
        }
        Ok(counted)
    }

    /// Adds debt shares to a slot.
    ///
    /// # Errors
    /// `LegMismatch`, `AmountTooLarge`.
    pub fn add_debt(&mut self, index: usize, shares: u128) -> Result<()> {
        let slot = self.debt_mut(index)?;
        slot.shares = Word128::new(slot.shares.get().checked_add(shares).ok_or(EngineError::AmountTooLarge)?);
        Ok(())
    }

    /// Burns debt shares of a slot. Closes the slot where nothing is left. Returns what of the slot's provision the reserve
    /// lets go with them ([`ReserveState::release_provision`]), debt shares: as much as was repaid for nothing in return,
    /// and in any case what would exceed the debt. A liquidation takes collateral with the debt, so the loss stays.
    ///
    /// # Errors
    /// `LegMismatch`, `AmountExceedsBalance`.
    #[must_use = "the reserve must let go of it"]
    pub fn remove_debt(&mut self, index: usize, shares: u128, paid_for: PaidFor) -> Result<u128> {
        let slot = self.debt_mut(index)?;
        let provision = slot.provision_shares.get();
        let left = slot.shares.get().checked_sub(shares).ok_or(EngineError::AmountExceedsBalance)?;
        let provided = match paid_for {
            PaidFor::Nothing => provision.saturating_sub(shares).min(left),
            PaidFor::Collateral => provision.min(left),
        };
        slot.shares = Word128::new(left);
        slot.provision_shares = Word128::new(provided);
        if left == 0 {
            self.close_debt_slot(index);
        }
        Ok(provision.saturating_sub(provided))
    }

    /// Empties the position after a settlement.
    pub fn clear(&mut self) {
        self.collaterals = bytemuck::Zeroable::zeroed();
        self.debts = bytemuck::Zeroable::zeroed();
        self.taken_atoms = bytemuck::Zeroable::zeroed();
        self.collateral_count = 0;
        self.debt_count = 0;
        self.called_at = 0;
        self.clear_flag();
        self.defaulted_at = 0;
        self.is_mark_paid = 0;
    }

    /// Starts the cool-off after a risk-increasing action of the owner.
    pub fn cool_off(&mut self, market: &MarketPolicy, now: &Now) {
        self.cooling_until_slot = now.slot.saturating_add(market.cool_off_slots);
    }

    /// Removes a slot; those behind it move up, in order.
    fn close_collateral_slot(&mut self, index: usize) {
        let count = usize::from(self.collateral_count);
        if let Some(rest) = self.collaterals.get_mut(index..count) {
            rest.rotate_left(1);
        }
        for taken in &mut self.taken_atoms {
            if let Some(rest) = taken.get_mut(index..count) {
                rest.rotate_left(1);
            }
        }
        self.collateral_count = self.collateral_count.saturating_sub(1);
        let last = usize::from(self.collateral_count);
        if let Some(slot) = self.collaterals.get_mut(last) {
            *slot = bytemuck::Zeroable::zeroed();
        }
        for slot in self.taken_atoms.iter_mut().filter_map(|taken| taken.get_mut(last)) {
            *slot = 0;
        }
    }

    /// Removes a slot; those behind it move up, in order.
    fn close_debt_slot(&mut self, index: usize) {
        let count = usize::from(self.debt_count);
        if let Some(rest) = self.debts.get_mut(index..count) {
            rest.rotate_left(1);
        }
        if let Some(rest) = self.taken_atoms.get_mut(index..count) {
            rest.rotate_left(1);
        }
        self.debt_count = self.debt_count.saturating_sub(1);
        if self.debt_count == 0 {
            self.called_at = 0;
            self.defaulted_at = 0;
            self.is_mark_paid = 0;
            self.clear_flag();
        }
        let last = usize::from(self.debt_count);
        if let Some(slot) = self.debts.get_mut(last) {
            *slot = bytemuck::Zeroable::zeroed();
        }
        if let Some(taken) = self.taken_atoms.get_mut(last) {
            *taken = [0; MAX_COLLATERALS];
        }
    }
}

/// Checks the smallest debt that may be opened.
///
/// # Errors
/// `DebtBelowMin`.
pub fn require_debt_min(debt_value: crate::fixed::Value, market: &MarketPolicy) -> Result<()> {
    if debt_value < market.debt_min() {
        return Err(EngineError::DebtBelowMin);
    }
    Ok(())
}

/// The two reserves of a liquidation change with the position, all or nothing.
///
/// # Errors
/// Those of the single steps; state must be discarded then, as a failed transaction does.
pub fn apply_liquidation(
    plan: &LiquidationPlan,
    position: &mut PositionState,
    (collateral, debt): (usize, usize),
    (seized, repaid): (&mut ReserveState, &mut ReserveState),
    market: &MarketPolicy,
    now: &Now,
) -> Result<()> {
    if plan.is_terminal {
        position.begin_sale(&plan.debt_shares_q40);
        if position.has_sale() {
            position.book_taken((collateral, debt), plan.seize_atoms);
        }
    }
    let shares = position.debts().get(debt).ok_or(EngineError::LegMismatch)?.shares.get();
    let repayment = repaid.plan_repayment(shares, plan.repay_atoms)?;
    repaid.release_provision(position.remove_debt(debt, repayment.shares, PaidFor::Collateral)?);
    repaid.receive_repayment(&repayment)?;
    repaid.receive_insurance(plan.fee_atoms)?;
    let counted = position.remove_collateral(collateral, plan.seize_atoms)?;
    position.see_liquidation(plan, market, now);
    if !plan.is_terminal {
        seized.fill_throttle(plan.seize_atoms, now);
    }
    seized.give_collateral(plan.seize_atoms, counted)
}

/// Removes from Q what a position without debt no longer needs counted. Returns how much, atoms.
///
/// # Errors
/// `PositionHasDebt`, `LegMismatch`.
pub fn uncount(position: &mut PositionState, index: usize, reserve: &mut ReserveState) -> Result<u64> {
    if position.has_debt() {
        return Err(EngineError::PositionHasDebt);
    }
    let slot = position.open_collateral(index)?;
    let counted = core::mem::take(&mut slot.counted_atoms);
    reserve.counted_atoms = reserve.counted_atoms.saturating_sub(counted);
    Ok(counted)
}

/// Counts last-in what of a collateral is not counted yet. Returns how much, atoms.
///
/// # Errors
/// `LegMismatch`.
pub fn count(position: &mut PositionState, index: usize, reserve: &mut ReserveState) -> Result<u64> {
    let slot = position.open_collateral(index)?;
    let missing = slot.atoms.saturating_sub(slot.counted_atoms);
    slot.counted_atoms = slot.atoms;
    reserve.counted_atoms = reserve.counted_atoms.saturating_add(missing);
    Ok(missing)
}

/// A new reserve's state from its configuration. Keys and bumps are the caller's to fill.
///
/// # Errors
/// See [`ReserveConfig::validate`] and [`OraclePolicy::permit_borrow`].
pub fn configure_reserve(
    reserve: &mut ReserveState,
    config: &ReserveConfig,
    market: &MarketPolicy,
    reading: &crate::price::Reading,
    now: &Now,
) -> Result<()> {
    config.validate(market, reserve.decimals, reading)?;
    // The dust invariant was judged at this price.
    config.oracle_policy.permit_borrow(reading, now)?;
    reserve.version = LAYOUT_VERSION;
    reserve.oracle_kind = u8::try_from(config.oracle_kind).map_err(|_| EngineError::InvalidOraclePolicy)?;
    reserve.oracle = config.oracle;
    reserve.debt_index = Word128::new(crate::interest::INDEX_ONE);
    reserve.accrued_at = now.unix;
    reserve.rates = config.rates;
    reserve.risk = config.risk;
    reserve.risk_target = config.risk;
    reserve.ramped_at = now.unix;
    reserve.initial = config.initial;
    reserve.bonus = config.bonus;
    reserve.oracle_policy = config.oracle_policy;
    reserve.reading = *reading;
    let sigma = config.risk.sigma_within(crate::fixed::Factor::from_bps_ceil(config.sigma_bps));
    reserve.begin_observation(sigma, now);
    reserve.caps = config.caps;
    reserve.depth_confirmed_at = now.unix;
    reserve.depth_valid_secs = config.depth_valid_secs;
    reserve.throttle_depth_atoms = config.risk.depth_atoms;
    reserve.claims = ClaimAccumulators::NONE;
    Ok(())
}
