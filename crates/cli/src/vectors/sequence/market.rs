//! A market in memory. Every action calls the engine as the program's instruction of that name does, in the same order;
//! nothing here computes.

mod liquidating;
mod views;

use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Word128, BPS};
use plimsoll_engine::health::{require_healthy, require_rescue};
use plimsoll_engine::state::{LenderState, MarketPolicy, PositionState, Pubkey, ReserveState};
use plimsoll_engine::transitions::{count, require_debt_min, uncount, PaidFor};
use plimsoll_engine::{Now, Result};

use super::actions::Action;
use views::OldReadings;

/// A named reserve.
#[derive(Clone)]
struct Listing {
    name: String,
    state: ReserveState,
}

/// Somebody, with one position, and a lender account and net receipts by reserve.
#[derive(Clone)]
struct Person {
    name: String,
    position: PositionState,
    lenders: Vec<LenderState>,
    net_atoms: Vec<i128>,
}

/// A market with its reserves and people.
#[derive(Clone)]
pub struct Market {
    policy: MarketPolicy,
    reserves: Vec<Listing>,
    people: Vec<Person>,
}

/// The address of a reserve: its place, from one.
fn key_of(reserve: usize) -> Pubkey {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&(reserve as u64 + 1).to_le_bytes());
    key
}

/// The place of a reserve.
fn place_of(key: &Pubkey) -> usize {
    let [a, b, c, d, e, f, g, h, ..] = *key;
    usize::try_from(u64::from_le_bytes([a, b, c, d, e, f, g, h])).map_or(usize::MAX, |number| number.wrapping_sub(1))
}

impl Market {
    /// A market without reserves and people.
    pub fn new(policy: MarketPolicy) -> Self {
        Self { policy, reserves: Vec::new(), people: Vec::new() }
    }

    /// Lists a reserve. People come after all reserves.
    pub fn add_reserve(&mut self, name: String, state: ReserveState) {
        self.reserves.push(Listing { name, state });
    }

    /// Lets somebody in, with an empty position and no shares.
    pub fn add_person(&mut self, name: String) {
        let position = bytemuck::Zeroable::zeroed();
        let lender = |listing: &Listing| {
            let mut lender: LenderState = bytemuck::Zeroable::zeroed();
            lender.follow(&listing.state.claims);
            lender
        };
        let lenders: Vec<LenderState> = self.reserves.iter().map(lender).collect();
        let net_atoms = vec![0; lenders.len()];
        self.people.push(Person { name, position, lenders, net_atoms });
    }

    /// Place of a reserve.
    pub fn reserve_index(&self, name: &str) -> Option<usize> {
        self.reserves.iter().position(|listing| listing.name == name)
    }

    /// Place of somebody.
    pub fn person_index(&self, name: &str) -> Option<usize> {
        self.people.iter().position(|person| person.name == name)
    }

    /// All reserves by name.
    pub fn reserves(&self) -> impl Iterator<Item = (&str, &ReserveState)> {
        self.reserves.iter().map(|listing| (listing.name.as_str(), &listing.state))
    }

    /// Plays an action. The market must be discarded where it is refused, as a failed transaction's writes are.
    ///
    /// # Errors
    /// What the instruction of that name refuses.
    pub fn act(&mut self, action: &Action, now: &Now) -> Result<()> {
        match *action {
            Action::Supply { who, reserve, atoms } => self.supply(who, reserve, atoms, now),
            Action::Redeem { who, reserve, part_bps } => self.redeem(who, reserve, part_bps, now),
            Action::Insure { who, reserve, atoms } => self.insure(who, reserve, atoms),
            Action::PayBack { who, reserve, atoms } => self.pay_back(who, reserve, atoms),
            Action::Claim { who, reserve } => self.claim(who, reserve),
            Action::Deposit { who, position, reserve, atoms } => self.deposit((who, position), reserve, atoms, now),
            Action::Withdraw { who, reserve, atoms } => self.withdraw(who, reserve, atoms, now),
            Action::Borrow { who, reserve, atoms } => self.borrow(who, reserve, atoms, now),
            Action::Repay { who, position, reserve, atoms } => self.repay((who, position), reserve, atoms, now),
            Action::Liquidate { who, position, pair, repay_max_atoms, seize_min_atoms } => {
                self.liquidate((who, position), pair, (repay_max_atoms, seize_min_atoms), now)
            }
            Action::Flag { position, pair } => self.flag(position, pair, now),
            Action::Settle { position } => self.settle(position, now),
            Action::SetOrder { who, trigger_bps, bonus_bps } => {
                self.people[who].position.set_order(trigger_bps, bonus_bps, &self.policy)
            }
            Action::Uncount { position, reserve } => self.uncount(position, reserve),
            Action::Price { reserve, reading } => {
                let state = &mut self.reserves[reserve].state;
                state.keep_reading(Some(&reading?), now);
                state.accrue(now.unix);
                Ok(())
            }
        }
    }

    /// Books interest of every reserve, as `accrue_interest` does.
    pub fn book_interest(&mut self, now: &Now) {
        for listing in &mut self.reserves {
            listing.state.accrue(now.unix);
        }
    }

    fn receive(&mut self, who: usize, reserve: usize, atoms: u64) {
        self.people[who].net_atoms[reserve] += i128::from(atoms);
    }

    fn pay(&mut self, who: usize, reserve: usize, atoms: u64) {
        self.people[who].net_atoms[reserve] -= i128::from(atoms);
    }

    fn supply(&mut self, who: usize, reserve: usize, atoms: u64, now: &Now) -> Result<()> {
        let state = &mut self.reserves[reserve].state;
        state.accrue(now.unix);
        let shares = state.supply(atoms, 0)?;
        let lender = &mut self.people[who].lenders[reserve];
        lender.sync(&state.claims);
        lender.shares = Word128::new(lender.shares.get() + shares);
        self.pay(who, reserve, atoms);
        Ok(())
    }

    fn redeem(&mut self, who: usize, reserve: usize, part_bps: u64, now: &Now) -> Result<()> {
        let lender = &mut self.people[who].lenders[reserve];
        let own = lender.shares.get();
        let shares = own * u128::from(part_bps) / u128::from(BPS);
        let left = own.checked_sub(shares).ok_or(EngineError::AmountExceedsBalance)?;
        let state = &mut self.reserves[reserve].state;
        state.accrue(now.unix);
        let atoms = state.redeem(shares, 0)?;
        lender.sync(&state.claims);
        lender.shares = Word128::new(left);
        self.receive(who, reserve, atoms);
        Ok(())
    }

    fn insure(&mut self, who: usize, reserve: usize, atoms: u64) -> Result<()> {
        if atoms == 0 {
            return Err(EngineError::ZeroAmount);
        }
        self.reserves[reserve].state.receive_insurance(atoms)?;
        self.pay(who, reserve, atoms);
        Ok(())
    }

    fn pay_back(&mut self, who: usize, reserve: usize, atoms_max: u64) -> Result<()> {
        let recovery = self.reserves[reserve].state.repay_recovery(atoms_max)?;
        self.pay(who, reserve, recovery.atoms);
        Ok(())
    }

    fn claim(&mut self, who: usize, reserve: usize) -> Result<()> {
        let atoms = self.reserves[reserve].state.claim_recovery(&mut self.people[who].lenders[reserve])?;
        self.receive(who, reserve, atoms);
        Ok(())
    }

    fn deposit(&mut self, (who, owner): (usize, usize), reserve: usize, atoms: u64, now: &Now) -> Result<()> {
        let mut position = self.people[owner].position;
        let is_rescue = self.reserves[reserve].state.exceeds_cap(atoms);
        let counted = position.has_debt();
        let index = position.collateral_slot(&key_of(reserve), who == owner)?;
        if is_rescue {
            let before = self.exposure(&position, OldReadings::Fade, now)?;
            let mut rescued = position;
            rescued.add_collateral(index, atoms, false)?;
            let after = self.exposure(&rescued, OldReadings::Fade, now)?;
            require_rescue(&before, &after, &self.policy)?;
        }
        position.add_collateral(index, atoms, counted)?;
        self.reserves[reserve].state.take_collateral(atoms, counted, is_rescue)?;
        self.people[owner].position = position;
        self.pay(who, reserve, atoms);
        Ok(())
    }

    fn withdraw(&mut self, who: usize, reserve: usize, atoms: u64, now: &Now) -> Result<()> {
        if atoms == 0 {
            return Err(EngineError::ZeroAmount);
        }
        let mut position = self.people[who].position;
        let index = position.collateral_index(&key_of(reserve)).ok_or(EngineError::SlotNotOpen)?;
        let slot = &mut position.collaterals[index];
        let left = slot.atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        let counted = slot.counted_atoms.saturating_sub(left);
        self.reserves[reserve].state.give_collateral(atoms, counted)?;
        slot.atoms = left;
        slot.counted_atoms -= counted;
        // A slot that empties is gone from the order of legs, so it closes last.
        if position.has_debt() {
            let exposure = self.exposure(&position, OldReadings::Fade, now)?;
            require_healthy(&self.initial_totals(&position, now)?, &exposure)?;
            position.see_exposure(&exposure, &self.policy);
            position.cool_off(&self.policy, now);
        }
        position.remove_collateral(index, 0)?;
        self.people[who].position = position;
        self.receive(who, reserve, atoms);
        Ok(())
    }

    fn borrow(&mut self, who: usize, reserve: usize, atoms: u64, now: &Now) -> Result<()> {
        let mut position = self.people[who].position;
        let index = position.debt_slot(&key_of(reserve))?;
        let state = &mut self.reserves[reserve].state;
        state.accrue(now.unix);
        let shares = state.lend(atoms)?;
        position.add_debt(index, shares)?;
        for index in 0..position.collaterals().len() {
            let place = place_of(&position.collaterals[index].reserve);
            count(&mut position, index, &mut self.reserves[place].state)?;
        }
        let exposure = self.exposure(&position, OldReadings::Fade, now)?;
        require_healthy(&self.initial_totals(&position, now)?, &exposure)?;
        require_debt_min(exposure.debts()[index].plain, &self.policy)?;
        position.see_exposure(&exposure, &self.policy);
        position.cool_off(&self.policy, now);
        self.people[who].position = position;
        self.receive(who, reserve, atoms);
        Ok(())
    }

    fn repay(&mut self, (who, owner): (usize, usize), reserve: usize, atoms_max: u64, now: &Now) -> Result<()> {
        let position = &mut self.people[owner].position;
        let index = position.debt_index(&key_of(reserve)).ok_or(EngineError::SlotNotOpen)?;
        let owed_shares = position.debts()[index].shares.get();
        let state = &mut self.reserves[reserve].state;
        state.accrue(now.unix);
        let repayment = state.plan_repayment(owed_shares, atoms_max)?;
        state.receive_repayment(&repayment)?;
        state.release_provision(position.remove_debt(index, repayment.shares, PaidFor::Nothing)?);
        self.pay(who, reserve, repayment.atoms);
        Ok(())
    }

    fn uncount(&mut self, owner: usize, reserve: usize) -> Result<()> {
        let position = &mut self.people[owner].position;
        let index = position.collateral_index(&key_of(reserve)).ok_or(EngineError::SlotNotOpen)?;
        uncount(position, index, &mut self.reserves[reserve].state).map(|_| ())
    }
}
