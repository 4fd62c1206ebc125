//! Who acts: key pairs with a part to play. Made by [`World`](crate::World), which funds them.

use std::sync::Arc;

use anchor_lang::prelude::Pubkey;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// Somebody who signs.
pub trait Role {
    /// Key pair.
    fn keypair(&self) -> &Keypair;

    /// Address.
    fn address(&self) -> Pubkey {
        self.keypair().pubkey()
    }
}

/// Anybody: admin, treasury, stranger.
#[derive(Clone, Debug)]
pub struct Person(pub(crate) Arc<Keypair>);

/// Supplies liquidity.
#[derive(Clone, Debug)]
pub struct Lender(pub(crate) Person);

/// Repays unhealthy debt for collateral.
#[derive(Clone, Debug)]
pub struct Liquidator(pub(crate) Person);

/// Holds a position. One person may hold several: see [`Borrower::numbered`].
#[derive(Clone, Debug)]
pub struct Borrower {
    pub(crate) person: Person,
    /// Number of the position.
    pub id: u16,
}

impl Borrower {
    /// The same person, holding position number `id`.
    pub fn numbered(&self, id: u16) -> Self {
        Self { person: self.person.clone(), id }
    }

    /// The same person in the position of another's owner: for tests of who may.
    pub fn of(person: &Person, id: u16) -> Self {
        Self { person: person.clone(), id }
    }
}

impl Role for Person {
    fn keypair(&self) -> &Keypair {
        &self.0
    }
}

impl Role for Lender {
    fn keypair(&self) -> &Keypair {
        self.0.keypair()
    }
}

impl Role for Liquidator {
    fn keypair(&self) -> &Keypair {
        self.0.keypair()
    }
}

impl Role for Borrower {
    fn keypair(&self) -> &Keypair {
        self.person.keypair()
    }
}
