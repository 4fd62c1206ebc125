//! What must hold of backstop pools.

use plimsoll_client::accounts::{Backstop, Reserve};

use crate::books::Books;
use crate::expect;

/// Adds up in 128 bits.
fn sum(atoms: impl Iterator<Item = u64>) -> u128 {
    atoms.map(u128::from).sum()
}

impl Books {
    /// I15 and I16 of a reserve and all pools.
    pub(crate) fn backstop_ledgers(&self, reserve: &Reserve, violations: &mut Vec<String>) {
        let (key, name) = (reserve.address.to_bytes(), self.name(&reserve.address));
        let own = self.pools.iter().filter(|pool| pool.state.reserve == key);
        let deposits: u128 =
            own.map(|pool| sum([pool.state.deposit_atoms, pool.state.warming_atoms].into_iter())).sum();
        let ledger = u128::from(reserve.state.backstop_atoms);
        expect(violations, deposits == ledger, || {
            format!("I15: pools of {name} hold deposits of {deposits} atoms, its ledger says {ledger}")
        });
        let slots = self.pools.iter().flat_map(|pool| pool.state.collaterals());
        let gains = sum(slots.filter(|slot| slot.reserve == key).map(|slot| slot.atoms));
        let ledger = u128::from(reserve.state.backstop_collateral_atoms);
        expect(violations, gains == ledger, || {
            format!("I16: pools hold gains of {gains} atoms of {name}, its ledger says {ledger}")
        });
    }

    /// I17 of a pool and all providers.
    pub(crate) fn provided(&self, pool: &Backstop, violations: &mut Vec<String>) {
        let (state, name) = (&pool.state, self.name(&pool.address));
        let key = pool.address.to_bytes();
        let own = || self.providers.iter().map(|provider| &provider.state).filter(|provider| provider.backstop == key);
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
