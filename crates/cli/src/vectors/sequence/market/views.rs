//! What a market shows: legs of a position, as the program projects them, and balances.

use plimsoll_engine::fixed::{Factor, Word128};
use plimsoll_engine::health::{Exposure, InitialTotals};
use plimsoll_engine::state::PositionState;
use plimsoll_engine::{Now, Result};

use super::{key_of, place_of, Listing, Market};

/// How old readings of collateral count.
#[derive(Clone, Copy)]
pub(super) enum OldReadings {
    /// They fade: liquidation.
    Fade,
    /// They count in full: default.
    Keep,
}

impl Market {
    /// All legs in maintenance health, at the readings kept.
    pub(super) fn exposure(&self, position: &PositionState, old: OldReadings, now: &Now) -> Result<Exposure> {
        let mut exposure = Exposure::default();
        for slot in position.collaterals() {
            let reserve = &self.reserves[place_of(&slot.reserve)].state;
            exposure.push_collateral(match old {
                OldReadings::Fade => reserve.collateral_leg(slot.atoms, &reserve.reading, now),
                OldReadings::Keep => reserve.collateral_leg_undecayed(slot.atoms, &reserve.reading, now),
            })?;
        }
        for slot in position.debts() {
            let reserve = &self.reserves[place_of(&slot.reserve)].state;
            exposure.push_debt(reserve.debt_leg(slot.shares.get(), &reserve.reading, now))?;
        }
        Ok(exposure)
    }

    /// Totals of initial health, at the readings kept.
    pub(super) fn initial_totals(&self, position: &PositionState, now: &Now) -> Result<InitialTotals> {
        let mut totals = InitialTotals::default();
        for slot in position.collaterals() {
            let reserve = &self.reserves[place_of(&slot.reserve)].state;
            let others = reserve.counted_by_others(slot.counted_atoms);
            totals.add_collateral(&reserve.initial_collateral_leg(slot.atoms, others, &reserve.reading, now)?);
        }
        for slot in position.debts() {
            let reserve = &self.reserves[place_of(&slot.reserve)].state;
            let owed = reserve.debt_leg(slot.shares.get(), &reserve.reading, now).owed_atoms;
            totals.add_debt(&reserve.initial_debt_leg(owed, &reserve.reading, now)?);
        }
        Ok(totals)
    }

    /// Whether every price of a position may open risk.
    pub(super) fn prices(&self, position: &PositionState, now: &Now) -> Result<()> {
        let collaterals = position.collaterals().iter().map(|slot| &slot.reserve);
        let keys = collaterals.chain(position.debts().iter().map(|slot| &slot.reserve));
        keys.map(|key| &self.reserves[place_of(key)].state)
            .try_for_each(|reserve| reserve.oracle_policy.permit_borrow(&reserve.reading, now))
    }

    /// Maintenance health of every position.
    pub fn healths(&self, now: &Now) -> Vec<(&str, Factor)> {
        let health =
            |position| self.exposure(position, OldReadings::Fade, now).map_or(Factor::ZERO, |all| all.health());
        self.people.iter().map(|person| (person.name.as_str(), health(&person.position))).collect()
    }

    /// Every balance by name. Interest must be booked up to now.
    pub fn balances(&self, now: &Now) -> Vec<(String, i128)> {
        let mut balances = Vec::new();
        for Listing { name, state } in &self.reserves {
            for (what, atoms) in [
                ("cash_atoms", state.cash_atoms),
                ("insurance_atoms", state.insurance_atoms),
                ("fee_atoms", state.fee_atoms),
                ("insurance_accrued_atoms", state.insurance_accrued_atoms),
                ("fee_accrued_atoms", state.fee_accrued_atoms),
                ("debt_atoms", state.total_debt_atoms()),
                ("collateral_atoms", state.collateral_atoms),
                ("counted_atoms", state.counted_atoms),
                ("insurance_collateral_atoms", state.insurance_collateral_atoms),
                ("outstanding_atoms", state.claims.outstanding_atoms()),
                ("recovery_atoms", state.recovery_atoms),
                ("throttle_level_atoms", state.throttle_at(now).level_atoms()),
            ] {
                balances.push((format!("{name}.{what}"), i128::from(atoms)));
            }
        }
        for person in &self.people {
            let (name, position) = (&person.name, &person.position);
            for (reserve, listing) in self.reserves.iter().enumerate() {
                let (token, key) = (&listing.name, key_of(reserve));
                let held = position.collateral_index(&key).map_or(0, |index| position.collaterals()[index].atoms);
                let shares = position.debt_index(&key).map_or(Word128::ZERO, |index| position.debts()[index].shares);
                let owed = listing.state.debt_leg(shares.get(), &listing.state.reading, now).owed_atoms;
                let lender = person.lenders[reserve].synced(&listing.state.claims);
                let supplied = listing.state.supply_atoms_floor(lender.shares.get());
                for (what, atoms) in [
                    ("collateral_atoms", i128::from(held)),
                    ("debt_atoms", i128::from(owed)),
                    ("supply_atoms", i128::from(supplied)),
                    ("claim_atoms", i128::from(lender.claim_atoms())),
                    ("recovered_atoms", i128::from(lender.recovered_atoms)),
                    ("net_atoms", person.net_atoms[reserve]),
                ] {
                    balances.push((format!("{name}.{token}.{what}"), atoms));
                }
            }
            let counted_secs = position.auction_secs_at(&self.policy, now);
            balances.push((format!("{name}.auction_secs"), i128::from(counted_secs)));
            balances.push((format!("{name}.is_called"), i128::from(position.called_at != 0)));
        }
        balances
    }
}
