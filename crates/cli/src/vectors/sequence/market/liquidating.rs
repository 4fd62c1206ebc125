//! Liquidation, flag and settlement.

use plimsoll_engine::error::EngineError;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::settlement::require_default;
use plimsoll_engine::state::PositionState;
use plimsoll_engine::transitions::{apply_liquidation, PaidFor};
use plimsoll_engine::{Now, Result};

use super::super::actions::Pair;
use super::views::OldReadings;
use super::{key_of, place_of, Market};

impl Market {
    pub(super) fn liquidate(
        &mut self,
        (who, owner): (usize, usize),
        pair: Pair,
        (repay_max_atoms, seize_min_atoms): (u64, u64),
        now: &Now,
    ) -> Result<()> {
        let mut position = self.people[owner].position;
        let collateral = position.collateral_index(&key_of(pair.collateral)).ok_or(EngineError::SlotNotOpen)?;
        let debt = position.debt_index(&key_of(pair.debt)).ok_or(EngineError::SlotNotOpen)?;
        self.reserves[pair.debt].state.accrue(now.unix);
        let sale = self.reserves[pair.collateral].state.sale_terms(now);
        let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms };
        let exposure = self.exposure(&position, OldReadings::Fade, now)?;
        // Not asked where no order stands, but then not looked at either.
        let standing = position.standing((collateral, debt), &self.policy, now, self.prices(&position, now));
        let plan = plan_liquidation(&exposure, &sale, &self.policy, &standing, &request, now)?;

        let policy = self.policy;
        // The two are different: actions that name one reserve twice are malformed.
        if let Ok([seized, repaid]) = self.reserves.get_disjoint_mut([pair.collateral, pair.debt]) {
            let reserves = (&mut seized.state, &mut repaid.state);
            apply_liquidation(&plan, &mut position, (collateral, debt), reserves, &policy, now)?;
        }
        self.write_off_if_empty(&plan, &mut position, pair.debt)?;
        self.people[owner].position = position;
        self.pay(who, pair.debt, plan.repay_atoms.checked_add(plan.fee_atoms).ok_or(EngineError::AmountTooLarge)?);
        self.receive(who, pair.collateral, plan.seize_atoms);
        Ok(())
    }

    /// Settles the default where the liquidation took the last collateral and the repaid debt is the only one left.
    fn write_off_if_empty(
        &mut self,
        plan: &LiquidationPlan,
        position: &mut PositionState,
        repaid: usize,
    ) -> Result<()> {
        let only_debt = position.debt_count == 1 && position.debt_index(&key_of(repaid)) == Some(0);
        if plan.takes_last_collateral && only_debt {
            let shares = position.debts()[0].shares.get();
            let state = &mut self.reserves[repaid].state;
            state.write_off(shares);
            state.release_provision(position.remove_debt(0, shares, PaidFor::Collateral)?);
        }
        Ok(())
    }

    pub(super) fn flag(&mut self, owner: usize, pair: Pair, now: &Now) -> Result<()> {
        let mut position = self.people[owner].position;
        let collateral = position.collateral_index(&key_of(pair.collateral)).ok_or(EngineError::SlotNotOpen)?;
        let debt = position.debt_index(&key_of(pair.debt)).ok_or(EngineError::SlotNotOpen)?;
        let exposure = self.exposure(&position, OldReadings::Fade, now)?;
        let sale = self.reserves[pair.collateral].state.sale_terms(now);
        let standing = position.standing((collateral, debt), &self.policy, now, Ok(()));
        let request = LiquidationRequest { collateral, debt, repay_max_atoms: u64::MAX, seize_min_atoms: 0 };
        let plan = plan_liquidation(&exposure, &sale, &self.policy, &standing, &request, now);
        position.see(&exposure, &plan, self.prices(&position, now), &self.policy, now)?;
        self.people[owner].position = position;
        Ok(())
    }

    pub(super) fn settle(&mut self, owner: usize, now: &Now) -> Result<()> {
        let position = self.people[owner].position;
        require_default(&self.exposure(&position, OldReadings::Keep, now)?, &self.policy)?;
        for slot in position.debts() {
            let state = &mut self.reserves[place_of(&slot.reserve)].state;
            state.accrue(now.unix);
            state.write_off(slot.shares.get());
        }
        for slot in position.collaterals() {
            self.reserves[place_of(&slot.reserve)].state.forfeit_collateral(slot.atoms, slot.counted_atoms);
        }
        self.people[owner].position.clear();
        Ok(())
    }
}
