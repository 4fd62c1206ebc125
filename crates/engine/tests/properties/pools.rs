//! A backstop pool with its providers and reserves, and what each of them should have in exact fractions.

use bytemuck::Zeroable;
use plimsoll_engine::backstop::configure_backstop;
use plimsoll_engine::backstop::providers::Join;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::oracle::*;
use crate::worlds::{ledger, valid_market, NOW};

/// A policy like a person would write.
pub fn valid_backstop_policy() -> BackstopPolicy {
    BackstopPolicy {
        trigger_health_bps: 9_500,
        trigger_secs: 900,
        tip_share_bps: 2_000,
        warm_up_secs: 86_400,
        cooldown_secs: 43_200,
        window_secs: 3_600,
        reserved: [0; 2],
    }
}

/// An empty pool that has opted in to `collaterals`, without a concentration cap.
pub fn empty_pool(collaterals: u8) -> BackstopState {
    let mut pool = BackstopState::zeroed();
    configure_backstop(&mut pool, &valid_backstop_policy(), &valid_market()).unwrap();
    for i in 1..=collaterals {
        assert_eq!(pool.opt_in(&[i; 32], u64::MAX, &MarketState::zeroed(), &NOW), Ok(NOW.unix));
        assert_eq!(pool.collateral_index(&[i; 32]), Ok(usize::from(i) - 1));
    }
    pool
}

/// What a provider should have, and by how much rounding may have fallen short of it.
#[derive(Clone, Debug)]
struct Fair {
    deposit: Exact,
    deposit_dust: Exact,
    /// What one step of S is worth: 2^-48 of the deposit at the last look.
    step: Exact,
    gains: Vec<(Exact, Exact)>,
}

/// A pool beside its exact model.
#[derive(Clone, Debug)]
pub struct Pool {
    pub state: BackstopState,
    pub providers: Vec<BackstopProviderState>,
    pub debt: ReserveState,
    pub collaterals: Vec<ReserveState>,
    pub now: Now,
    fair: Vec<Fair>,
    /// Digits after which the model cuts its fractions, where a sequence is too long to keep them whole.
    pub grain_bits: Option<u32>,
    largest_atoms: u64,
}

impl Pool {
    pub fn new(providers: usize, collaterals: u8, grain_bits: Option<u32>) -> Self {
        let fair = Fair {
            deposit: zero(),
            deposit_dust: zero(),
            step: zero(),
            gains: vec![(zero(), zero()); usize::from(collaterals)],
        };
        Self {
            state: empty_pool(collaterals),
            providers: vec![BackstopProviderState::zeroed(); providers],
            debt: ledger(),
            collaterals: vec![ledger(); usize::from(collaterals)],
            now: NOW,
            fair: vec![fair; providers],
            grain_bits,
            largest_atoms: 0,
        }
    }

    pub fn later(&mut self, secs: u64) {
        self.now.unix += i64::try_from(secs).unwrap();
    }

    fn looked_at(&mut self, who: usize) {
        let fair = &mut self.fair[who];
        fair.deposit_dust += int(1);
        for (_, dust) in &mut fair.gains {
            *dust += int(1) + int(2) * &fair.step;
        }
        fair.step = &fair.deposit * pow2_neg(48);
    }

    /// A deposit that warms up and joins.
    pub fn deposit(&mut self, who: usize, atoms: u64) -> Result<(), EngineError> {
        self.state.deposit(&mut self.providers[who], atoms, &self.now)?;
        self.debt.receive_backstop(atoms).unwrap();
        self.looked_at(who);
        self.later(self.state.policy.warm_up_secs);
        assert_eq!(self.state.join(&mut self.providers[who], &self.now), Ok(Join::Joined { atoms }));
        self.looked_at(who);
        self.fair[who].deposit += int(atoms);
        self.fair[who].step = &self.fair[who].deposit * pow2_neg(48);
        self.largest_atoms = self.largest_atoms.max(self.state.deposit_atoms);
        Ok(())
    }

    /// A withdrawal that is requested, cools down and is taken.
    pub fn withdraw(&mut self, who: usize, atoms: u64) -> Result<u64, EngineError> {
        self.state.request_withdrawal(&mut self.providers[who], atoms, &self.now)?;
        self.looked_at(who);
        self.later(self.state.policy.cooldown_secs);
        let taken = self.state.withdraw(&mut self.providers[who], &self.now)?;
        self.debt.give_backstop(taken).unwrap();
        self.looked_at(who);
        self.looked_at(who);
        self.fair[who].deposit -= int(taken);
        Ok(taken)
    }

    pub fn claim(&mut self, who: usize, index: usize) -> Result<u64, EngineError> {
        let claimed = self.state.claim_gain(&mut self.providers[who], index, &self.now)?;
        self.collaterals[index].give_backstop_gain(claimed).unwrap();
        self.looked_at(who);
        self.fair[who].gains[index].0 -= int(claimed);
        Ok(claimed)
    }

    /// A purchase, as far as the pool's accounts go.
    pub fn offset(&mut self, index: usize, spent: u64, gain: u64) -> Result<(), EngineError> {
        let before = self.state;
        self.state.offset(index, spent, gain)?;
        self.debt.give_backstop(spent).unwrap();
        self.collaterals[index].receive_backstop_gain(gain).unwrap();
        let all = int(before.deposit_atoms);
        let left = (&all - int(spent)) / &all;
        // In the last scale a step is a part of the pool's largest size.
        let of_all = int(self.largest_atoms) * pow2_neg(48);
        let grain = self.grain_bits;
        for fair in &mut self.fair {
            let (earned, dust) = &mut fair.gains[index];
            *earned = cut(&*earned + int(gain) * &fair.deposit / &all, grain);
            let step = if before.is_open() { &fair.step } else { &of_all };
            *dust = cut(&*dust + step + int(gain) * &fair.deposit_dust / &all, grain);
            fair.deposit = cut(&fair.deposit * &left, grain);
            fair.deposit_dust = cut(&fair.deposit_dust * &left + pow2_neg(31), grain);
        }
        Ok(())
    }

    /// The pool against its model and its ledgers.
    pub fn check(&self) -> Result<(), TestCaseError> {
        self.check_ledgers()?;
        self.check_fair()
    }

    /// Nobody has less than is fair, but for dust, and nobody more.
    pub fn check_fair(&self) -> Result<(), TestCaseError> {
        // What the model has cut off: less than a grain for each event and number.
        let slack = self.grain_bits.map_or(zero(), |bits| pow2_neg(bits - 64));
        for (who, (provider, fair)) in self.providers.iter().zip(&self.fair).enumerate() {
            let deposit = self.state.deposit_of(provider);
            at_most(&int(deposit), &(&fair.deposit + &slack), &format!("deposit of {who}"))?;
            let dust = &fair.deposit_dust + int(1) + &slack;
            at_most(&(&fair.deposit - dust), &int(deposit), &format!("least deposit of {who}"))?;
            for (index, (earned, dust)) in fair.gains.iter().enumerate() {
                let gain = self.state.gain_of(provider, index);
                at_most(&int(gain), &(earned + &slack), &format!("gain {index} of {who}"))?;
                let dust = dust + int(1) + int(2) * &fair.step + &slack;
                at_most(&(earned - dust), &int(gain), &format!("least gain {index} of {who}"))?;
            }
        }
        Ok(())
    }

    /// Providers together have no more than the pool, and the pool what the reserves' ledgers say.
    pub fn check_ledgers(&self) -> Result<(), TestCaseError> {
        let deposits: u128 = self.providers.iter().map(|who| u128::from(self.state.deposit_of(who))).sum();
        prop_assert!(deposits <= u128::from(self.state.deposit_atoms), "deposits exceed the pool");
        prop_assert_eq!(self.debt.backstop_atoms, self.state.deposit_atoms + self.state.warming_atoms);
        for (index, reserve) in self.collaterals.iter().enumerate() {
            let gains: u128 = self.providers.iter().map(|who| u128::from(self.state.gain_of(who, index))).sum();
            prop_assert!(gains <= u128::from(self.state.collaterals[index].atoms), "gains exceed the pool");
            prop_assert_eq!(reserve.backstop_collateral_atoms, self.state.collaterals[index].atoms);
        }
        Ok(())
    }

    /// What a provider should have of one collateral, claimed or not, and in the pool.
    pub fn fair_of(&self, who: usize, index: usize) -> (&Exact, &Exact) {
        (&self.fair[who].deposit, &self.fair[who].gains[index].0)
    }
}

fn cut(number: Exact, grain_bits: Option<u32>) -> Exact {
    match grain_bits {
        Some(bits) => (number / pow2_neg(bits)).floor() * pow2_neg(bits),
        None => number,
    }
}
