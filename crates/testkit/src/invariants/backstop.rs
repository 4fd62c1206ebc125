//! What must hold of backstop pools.

use plimsoll_client::accounts::{Backstop, BackstopProvider, Reserve};

use super::expect;
use crate::World;

/// Adds up in 128 bits.
fn sum(atoms: impl Iterator<Item = u64>) -> u128 {
    atoms.map(u128::from).sum()
}

impl World {
    /// I15 and I16 of a reserve and all pools.
    pub(super) fn backstop_ledgers(&self, reserve: &Reserve, pools: &[Backstop], violations: &mut Vec<String>) {
        let (key, name) = (reserve.address.to_bytes(), self.name_of(&reserve.address));
        let own = pools.iter().filter(|pool| pool.state.reserve == key);
        let deposits: u128 =
            own.map(|pool| sum([pool.state.deposit_atoms, pool.state.warming_atoms].into_iter())).sum();
        let ledger = u128::from(reserve.state.backstop_atoms);
        expect(violations, deposits == ledger, || {
            format!("I15: pools of {name} hold deposits of {deposits} atoms, its ledger says {ledger}")
        });
        let slots = pools.iter().flat_map(|pool| pool.state.collaterals());
        let gains = sum(slots.filter(|slot| slot.reserve == key).map(|slot| slot.atoms));
        let ledger = u128::from(reserve.state.backstop_collateral_atoms);
        expect(violations, gains == ledger, || {
            format!("I16: pools hold gains of {gains} atoms of {name}, its ledger says {ledger}")
        });
    }

    /// I17 of a pool and all providers.
    pub(super) fn providers(&self, pool: &Backstop, providers: &[BackstopProvider], violations: &mut Vec<String>) {
        let (state, name) = (&pool.state, self.name_of(&pool.address));
        let key = pool.address.to_bytes();
        let own = || providers.iter().map(|provider| &provider.state).filter(|provider| provider.backstop == key);
        let (deposits, all) = (sum(own().map(|provider| state.deposit_of(provider))), u128::from(state.deposit_atoms));
        expect(violations, deposits <= all, || {
            format!("I17: providers of {name} have deposits of {deposits} atoms, it holds {all}")
        });
        let (warming, all) = (sum(own().map(|provider| provider.warming_atoms)), u128::from(state.warming_atoms));
        expect(violations, warming == all, || format!("I17: {warming} atoms are warming up in {name}, it says {all}"));
        for (index, slot) in state.collaterals().iter().enumerate() {
            let (gains, all) = (sum(own().map(|provider| state.gain_of(provider, index))), u128::from(slot.atoms));
            expect(violations, gains <= all, || {
                format!("I17: providers of {name} gained {gains} atoms of its collateral {index}, it holds {all}")
            });
        }
    }
}
