//! Where every token is. Vaults change by transfers and by nothing else, so at the end they can be compared with what the
//! reserves' ledgers say is in them.

use crate::book::AssetId;

/// A vault of a reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vault {
    /// Cash, insurance, fees, backstop deposits, recovery.
    Liquidity,
    /// Collateral.
    Collateral,
}

/// Whose tokens come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Owners of positions.
    Borrowers,
    /// Who supplied liquidity, and who gave to insurance.
    Lenders,
    /// Who repays debts for collateral.
    Liquidators,
    /// Who is paid a tip.
    Callers,
    /// Who deposited in a backstop.
    Providers,
}

/// Actors.
const ACTORS: usize = 5;

/// One token's places. What the actors hold is counted from zero, and so below it where they paid in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Liquidity vault, atoms.
    pub liquidity: i128,
    /// Collateral vault, atoms.
    pub collateral: i128,
    /// Actors, atoms.
    pub actors: [i128; ACTORS],
}

impl Places {
    /// All of it: zero, whatever happened.
    pub fn sum(&self) -> i128 {
        self.actors.iter().fold(self.liquidity + self.collateral, |sum, held| sum + held)
    }
}

/// Where all tokens are.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<Places>);

impl Tokens {
    /// Nothing of so many tokens anywhere.
    pub fn new(count: usize) -> Self {
        Self(vec![Places::default(); count])
    }

    /// One token's places.
    pub fn of(&self, asset: AssetId) -> Places {
        self.0.get(usize::from(asset)).copied().unwrap_or_default()
    }

    /// From an actor into a vault.
    pub fn take_in(&mut self, asset: AssetId, vault: Vault, from: Actor, atoms: u64) {
        self.moves(asset, vault, from, atoms.into());
    }

    /// From a vault to an actor.
    pub fn pay_out(&mut self, asset: AssetId, vault: Vault, to: Actor, atoms: u64) {
        self.moves(asset, vault, to, -i128::from(atoms));
    }

    fn moves(&mut self, asset: AssetId, vault: Vault, actor: Actor, atoms: i128) {
        let Some(places) = self.0.get_mut(usize::from(asset)) else { return };
        match vault {
            Vault::Liquidity => places.liquidity += atoms,
            Vault::Collateral => places.collateral += atoms,
        }
        if let Some(held) = places.actors.get_mut(actor as usize) {
            *held -= atoms;
        }
    }
}
