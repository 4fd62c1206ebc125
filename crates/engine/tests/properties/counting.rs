//! What a crowd can do together: last-in counting on real ledgers, and what strangers' actions do to a position.

use bytemuck::Zeroable;
use plimsoll_engine::error::{EngineError, Result};
use plimsoll_engine::fixed::{Value, Word128};
use plimsoll_engine::health::*;
use plimsoll_engine::interest::{owed_ceil, INDEX_ONE};
use plimsoll_engine::liquidation::LiquidationPlan;
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::*;
use plimsoll_engine::transitions::*;
use proptest::prelude::*;

use crate::check;
use crate::health::{token, Token, WithinLimits};
use crate::oracle::*;
use crate::standing::nothing;
use crate::worlds::*;

const COLLATERAL: Pubkey = [1; 32];
const DEBT: Pubkey = [2; 32];
/// Positions of everybody.
const POSITIONS: usize = 5;

/// One collateral, one debt, and everybody's positions.
#[derive(Clone, Debug)]
struct Pool {
    collateral: ReserveState,
    debt: ReserveState,
    positions: [PositionState; POSITIONS],
    /// Smallest debt: nothing, so that it is in nobody's way.
    market: MarketPolicy,
}

/// A pool of any terms, depth worth 1e3 to 1e12 USD, debt a stable token.
fn pool() -> impl Strategy<Value = Pool> {
    (token(), token(), any::<[u64; 5]>()).prop_map(|(Token { mut reserve, reading }, stable, seeds)| {
        reserve.reading = reading;
        let usd = int(10).pow(i32::try_from(3 + seeds[0] % 10).unwrap()) * int(Value::PER_USD);
        let depth = usd / atom_price(reading.price, reading.exponent, reserve.decimals);
        reserve.risk.depth_atoms = u64::try_from(depth.to_integer()).unwrap_or(u64::MAX).clamp(16, 1 << 58);
        reserve.risk.depth_floor_atoms = reserve.risk.depth_atoms >> (seeds[1] % 4);
        reserve.risk_target = reserve.risk;
        reserve.caps.collateral_atoms = u64::MAX;
        // A loose limit, or any.
        if seeds[1] & 8 == 0 {
            reserve.initial.initial_bps = reserve.risk.maintenance_bps - 1;
        }
        let mut debt = ReserveState { decimals: 6, ..stable.reserve };
        debt.reading = Reading {
            price: 100_000_000,
            average: pick(seeds[2], 95_000_000, 105_000_000),
            confidence: seeds[2] % 1_000_000,
            exponent: -8,
            ..stable.reading
        };
        debt.volatility.sampled_price = 100_000_000;
        debt.volatility.sampled_exponent = -8;
        debt.debt_index = Word128::new(INDEX_ONE + (u128::from(seeds[3]) << (seeds[3] % 4)));
        // Some is lent already, and interest on it is not booked yet.
        debt.cash_atoms = u64::MAX >> 2;
        debt.lend(seeds[4] >> 4 | 1).unwrap();
        debt.accrued_at = NOW.unix - i64::try_from(seeds[4] % 31_536_000).unwrap();
        for reserve in [&mut reserve, &mut debt] {
            *reserve = reserve.within_limits();
            // The kept reading was observed when it was kept.
            reserve.observe(&NOW);
        }
        let market = MarketPolicy { dust_value: 1, ..valid_market() };
        Pool { collateral: reserve, debt, positions: [PositionState::zeroed(); POSITIONS], market }
    })
}

#[derive(Clone, Debug)]
enum Action {
    Deposit(u64),
    Borrow(u64),
    BorrowMost,
    Withdraw(u64),
    WithdrawMost,
    Repay(u64),
    RepayAll,
    Uncount,
    /// Repay, withdraw, deposit elsewhere and borrow there.
    Merge(usize),
    /// Withdraw what can be, deposit it elsewhere and borrow there.
    Split(usize),
    /// Somebody is liquidated, rightly or not.
    Liquidate(u64),
    /// Somebody hands in the same price with a later time.
    Refresh(i64),
}

fn action() -> impl Strategy<Value = (usize, Action)> {
    let part = || 1u64..=1_000;
    let action = prop_oneof![
        4 => part().prop_map(Action::Deposit),
        2 => part().prop_map(Action::Borrow),
        3 => Just(Action::BorrowMost),
        2 => part().prop_map(Action::Withdraw),
        2 => Just(Action::WithdrawMost),
        2 => part().prop_map(Action::Repay),
        1 => Just(Action::RepayAll),
        2 => Just(Action::Uncount),
        2 => (0..POSITIONS).prop_map(Action::Merge),
        2 => (0..POSITIONS).prop_map(Action::Split),
    ];
    (0..POSITIONS, action)
}

/// The largest number up to `most` that `works`; zero where none does.
fn largest(most: u64, works: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        (low, high) = if works(middle) { (middle, high) } else { (low, middle - 1) };
    }
    low
}

impl Pool {
    fn held(&self, who: usize) -> u64 {
        self.positions[who].collaterals().first().map_or(0, |slot| slot.atoms)
    }

    fn owed(&self, who: usize) -> u64 {
        self.positions[who].debts().first().map_or(0, |slot| owed_ceil(slot.shares.get(), self.debt.debt_index.get()))
    }

    fn exposure(&self, who: usize) -> Exposure {
        let mut exposure = Exposure::default();
        for slot in self.positions[who].collaterals() {
            exposure
                .push_collateral(self.collateral.collateral_leg(slot.atoms, &self.collateral.reading, &NOW))
                .unwrap();
        }
        for slot in self.positions[who].debts() {
            exposure.push_debt(self.debt.debt_leg(slot.shares.get(), &self.debt.reading, &NOW)).unwrap();
        }
        exposure
    }

    fn initial(&self, who: usize) -> Result<InitialTotals> {
        let mut totals = InitialTotals::default();
        for slot in self.positions[who].collaterals() {
            let others = self.collateral.counted_by_others(slot.counted_atoms);
            let reading = &self.collateral.reading;
            totals.add_collateral(&self.collateral.initial_collateral_leg(slot.atoms, others, reading, &NOW)?);
        }
        for leg in self.exposure(who).debts() {
            totals.add_debt(&self.debt.initial_debt_leg(leg.owed_atoms, &self.debt.reading, &NOW)?);
        }
        Ok(totals)
    }

    /// Each step as its instruction takes it; state is to be discarded on error.
    fn deposit(&mut self, who: usize, atoms: u64) -> Result<()> {
        let position = &mut self.positions[who];
        let counted = position.has_debt();
        let slot = position.collateral_slot(&COLLATERAL, true)?;
        position.add_collateral(slot, atoms, counted)?;
        self.collateral.take_collateral(atoms, counted, false)
    }

    fn borrow(&mut self, who: usize, atoms: u64) -> Result<()> {
        let position = &mut self.positions[who];
        let slot = position.debt_slot(&DEBT)?;
        self.debt.accrue(NOW.unix);
        position.add_debt(slot, self.debt.lend(atoms)?)?;
        for index in 0..position.collaterals().len() {
            count(position, index, &mut self.collateral)?;
        }
        let exposure = self.exposure(who);
        require_healthy(&self.initial(who)?, &exposure)?;
        require_debt_min(exposure.debts()[slot].plain, &self.market)
    }

    fn withdraw(&mut self, who: usize, atoms: u64) -> Result<()> {
        let position = &mut self.positions[who];
        let index = position.collateral_index(&COLLATERAL).ok_or(EngineError::SlotNotOpen)?;
        let slot = &mut position.collaterals[index];
        let left = slot.atoms.checked_sub(atoms).ok_or(EngineError::AmountExceedsBalance)?;
        let counted = slot.counted_atoms.saturating_sub(left);
        self.collateral.give_collateral(atoms, counted)?;
        slot.atoms = left;
        slot.counted_atoms -= counted;
        if position.has_debt() {
            require_healthy(&self.initial(who)?, &self.exposure(who))?;
        }
        self.positions[who].remove_collateral(index, 0).map(drop)
    }

    fn repay(&mut self, who: usize, atoms: u64) -> Result<()> {
        let position = &mut self.positions[who];
        let index = position.debt_index(&DEBT).ok_or(EngineError::SlotNotOpen)?;
        self.debt.accrue(NOW.unix);
        let repayment = self.debt.plan_repayment(position.debts()[index].shares.get(), atoms)?;
        self.debt.receive_repayment(&repayment)?;
        position.remove_debt(index, repayment.shares, PaidFor::Nothing).map(drop)
    }

    fn liquidate(&mut self, who: usize, part: u64) -> Result<()> {
        let of = |atoms: u64| u64::try_from(u128::from(atoms) * u128::from(part) / 1_000).unwrap();
        let plan = LiquidationPlan {
            repay_atoms: of(self.owed(who)).max(1),
            seize_atoms: of(self.held(who)),
            fee_atoms: part,
            is_terminal: part & 1 == 0,
            ..nothing()
        };
        self.debt.accrue(NOW.unix);
        let both = (&mut self.collateral, &mut self.debt);
        apply_liquidation(&plan, &mut self.positions[who], (0, 0), both, &self.market, &NOW)
    }

    /// Tries a step on a copy, and keeps it where it goes through.
    fn try_step(&mut self, step: impl Fn(&mut Pool) -> Result<()>) -> bool {
        let mut after = self.clone();
        let done = step(&mut after).is_ok();
        if done {
            *self = after;
        }
        done
    }

    fn would(&self, step: impl Fn(&mut Pool) -> Result<()>) -> bool {
        step(&mut self.clone()).is_ok()
    }

    fn borrow_most(&mut self, who: usize) -> bool {
        let most = largest(u64::MAX >> 3, |atoms| self.would(|pool| pool.borrow(who, atoms)));
        self.try_step(|pool| pool.borrow(who, most))
    }

    fn withdraw_most(&mut self, who: usize) -> u64 {
        let most = largest(self.held(who), |atoms| self.would(|pool| pool.withdraw(who, atoms)));
        self.try_step(|pool| pool.withdraw(who, most));
        most
    }

    /// Whether it did anything.
    fn apply(&mut self, who: usize, action: &Action) -> bool {
        let some = |atoms: u64, part: u64| u64::try_from(u128::from(atoms) * u128::from(part) / 1_000).unwrap().max(1);
        match *action {
            Action::Deposit(part) => {
                self.try_step(|pool| pool.deposit(who, some(pool.collateral.risk.depth_atoms, part)))
            }
            Action::Borrow(part) => self.try_step(|pool| pool.borrow(who, some(pool.owed(who).max(1_000_000), part))),
            Action::BorrowMost => self.borrow_most(who),
            Action::Withdraw(part) => self.try_step(|pool| pool.withdraw(who, some(pool.held(who), part))),
            Action::WithdrawMost => self.withdraw_most(who) > 0,
            Action::Repay(part) => self.try_step(|pool| pool.repay(who, some(pool.owed(who), part))),
            Action::RepayAll => self.try_step(|pool| pool.repay(who, u64::MAX)),
            Action::Uncount => {
                self.try_step(|pool| uncount(&mut pool.positions[who], 0, &mut pool.collateral).map(drop))
            }
            Action::Merge(into) | Action::Split(into) => {
                if matches!(action, Action::Merge(_)) {
                    self.try_step(|pool| pool.repay(who, u64::MAX));
                }
                let atoms = self.withdraw_most(who);
                self.try_step(|pool| pool.deposit(into, atoms)) && self.borrow_most(into) | self.borrow_most(who)
            }
            Action::Liquidate(part) => self.try_step(|pool| pool.liquidate(who, part)),
            Action::Refresh(secs) => [&mut self.collateral, &mut self.debt].into_iter().all(|reserve| {
                let publish_time = NOW.unix.min(reserve.reading.publish_time + secs);
                let reading = Reading { publish_time, ..reserve.reading };
                reserve.keep_reading(Some(&reading), &NOW)
            }),
        }
    }

    /// The initial curve without rounding.
    fn curve(&self) -> ExactCurve {
        let reserve = &self.collateral;
        let reading = &reserve.reading;
        let sigma = reserve.sigma_initial(reading);
        let low = reading.price.min(reading.average).saturating_sub(reading.confidence);
        ExactCurve {
            price: atom_price(low, reading.exponent, reserve.decimals),
            discount: factor(reserve.risk.discount(sigma)),
            depth: int(reserve.risk.effective_depth_atoms(sigma)),
            impact: bps(reserve.risk.impact_sqrt_bps),
        }
    }

    /// What an atom of debt weighs in initial health, without rounding.
    fn weighted_atom(&self) -> Exact {
        let reading = &self.debt.reading;
        let sigma = self.debt.sigma_initial(reading);
        let weight = factor(self.debt.risk.debt_weight(self.debt.initial.debt_weight_bps, sigma));
        atom_price(reading.price.max(reading.average) + reading.confidence, reading.exponent, 6) * weight
    }

    /// All weighted initial debt, and m_init * ALV of the collateral of positions with debt.
    fn totals(&self) -> (Exact, Exact) {
        let indebted = || (0..POSITIONS).filter(|who| self.positions[*who].has_debt());
        let owed = indebted().map(|who| u128::from(self.owed(who))).sum::<u128>();
        let held = indebted().map(|who| u128::from(self.held(who))).sum::<u128>();
        let initial = bps(self.collateral.initial.initial_bps);
        (int(owed) * self.weighted_atom(), initial * self.curve().value(&int(held)))
    }
}

/// What roundings may add to the debt of all: each position was let through once at most since its debt or collateral
/// changed against it, by values of `ALV(Q)` and `ALV(Q - q)` each within 2 units and 2^-40 of the truth; Q at its largest.
fn slack(pool: &Pool, largest: u64) -> Exact {
    (int(2) + pool.curve().value(&int(largest)) * pow2_neg(40)) * int(POSITIONS as u64)
}

#[test]
fn whatever_a_crowd_opens_splits_merges_and_borrows_again_all_its_debt_stays_below_what_all_its_collateral_allows() {
    let shares = prop::collection::vec(1u64..=1_000, POSITIONS);
    let borrowers = std::cell::Cell::new(0);
    check(1_200, (pool(), shares, prop::collection::vec(action(), 1..24)), |(mut pool, shares, actions)| {
        pool.debt.accrue(NOW.unix);
        let require = |pool: &Pool, most: u64| {
            let (debts, limit) = pool.totals();
            let true_count = pool.positions.iter().flat_map(PositionState::collaterals).map(|slot| slot.counted_atoms);
            prop_assert_eq!(pool.collateral.counted_atoms, true_count.sum::<u64>());
            at_most(&debts, &(limit + slack(pool, most)), "debt of all")
        };
        // All of them borrow what they can, one after the other.
        for (who, part) in shares.iter().enumerate() {
            pool.apply(who, &Action::Deposit(*part));
            pool.borrow_most(who);
            require(&pool, pool.collateral.counted_atoms)?;
        }
        borrowers.set(borrowers.get() + pool.positions.iter().filter(|position| position.has_debt()).count());
        let (debts, limit) = pool.totals();
        if pool.positions.iter().all(PositionState::has_debt) {
            // Together, all there is to borrow: an atom more would have been too much, and shares round it up by another.
            let atoms = pool.weighted_atom() * int(2 * POSITIONS as u64);
            at_most(&(limit - slack(&pool, pool.collateral.counted_atoms) - atoms), &debts, "nothing is left over")?;
        }
        let mut most = pool.collateral.counted_atoms;
        for (who, action) in actions {
            pool.apply(who, &action);
            most = most.max(pool.collateral.counted_atoms);
            require(&pool, most)?;
        }
        Ok(())
    });
    crate::assert_seen!(borrowers.get() > 1_200 * POSITIONS * 4 / 5, "{borrowers:?}");
}

#[test]
fn no_action_of_others_lowers_the_health_of_a_position() {
    let others = prop_oneof![
        6 => action(),
        1 => (1..POSITIONS, (1u64..=1_000).prop_map(Action::Liquidate)),
        1 => (1..POSITIONS, (1i64..=30).prop_map(Action::Refresh)),
    ];
    check(2_500, (pool(), prop::collection::vec(others, 1..24), 1u64..=1_000), |(mut pool, actions, part)| {
        pool.apply(0, &Action::Deposit(part));
        pool.borrow_most(0);
        // The prices are half a minute old, later ones will be sampled, and interest of some time is not booked yet.
        for reserve in [&mut pool.collateral, &mut pool.debt] {
            reserve.reading.publish_time -= 30;
            reserve.volatility.moved_at -= i64::try_from(part * 100).unwrap();
            reserve.volatility.sampled_at = NOW.unix - 300 - i64::try_from(part % 30).unwrap();
            reserve.volatility.sampled_price = (reserve.reading.price >> 10).saturating_mul(512 + part).max(1);
        }
        pool.debt.accrued_at -= i64::try_from(part * 1_000).unwrap();
        let sides = |pool: &Pool| {
            let exposure = pool.exposure(0);
            (exposure.weighted_collateral(), exposure.weighted_debt())
        };
        for (who, action) in actions {
            if who == 0 || matches!(action, Action::Merge(0) | Action::Split(0)) {
                continue;
            }
            let before = sides(&pool);
            pool.apply(who, &action);
            let after = sides(&pool);
            if matches!(action, Action::Refresh(_)) {
                // Volatility may only have fallen; the curve is monotone to 2 units and 2^-40.
                let rounding = int(2) + nano(before.0) * pow2_neg(40);
                at_most(&nano(before.0), &(nano(after.0) + rounding), "collateral")?;
                prop_assert!(after.1 <= before.1);
            } else {
                prop_assert_eq!(after, before, "{:?}", action);
            }
        }
        Ok(())
    });
}
