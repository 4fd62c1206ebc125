//! A market's accounts, decoded.

use std::collections::BTreeMap;

use anchor_spl::token_2022::spl_token_2022::extension::StateWithExtensions;
use anchor_spl::token_2022::spl_token_2022::state::{Account as TokenAccount, Mint};
use plimsoll_client::accounts::{
    Account, AccountState, Backstop, BackstopProvider, Lender, Market, Position, Proposal, Reserve,
};
use plimsoll_client::Pubkey;

/// Every account of the program.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// Markets.
    pub markets: Vec<Market>,
    /// Reserves.
    pub reserves: Vec<Reserve>,
    /// Positions.
    pub positions: Vec<Position>,
    /// Lender accounts.
    pub lenders: Vec<Lender>,
    /// Backstop pools.
    pub pools: Vec<Backstop>,
    /// Provider accounts.
    pub providers: Vec<BackstopProvider>,
    /// Proposals.
    pub proposals: Vec<Proposal>,
    names: BTreeMap<Pubkey, String>,
    unreadable: Vec<String>,
}

/// What the token accounts around the program hold.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Atoms of each token account.
    pub held: BTreeMap<Pubkey, u64>,
    /// Atoms of all token accounts of a mint.
    pub by_mint: BTreeMap<Pubkey, u128>,
    /// Supply of each mint.
    pub supplies: BTreeMap<Pubkey, u64>,
    /// What was sent to a vault past the program, atoms.
    pub donated: BTreeMap<Pubkey, u128>,
}

fn decode<T: AccountState>(into: &mut Vec<Account<T>>, address: Pubkey, data: &[u8], unreadable: &mut Vec<String>) {
    match Account::decode(address, data) {
        Ok(account) => into.push(account),
        Err(error) => unreadable.push(format!("I23: {error}")),
    }
}

impl Books {
    /// Of all accounts that the program owns.
    pub fn of<'a>(accounts: impl IntoIterator<Item = (Pubkey, &'a [u8])>) -> Self {
        let mut books = Self::default();
        for (address, data) in accounts {
            books.add(address, data);
        }
        books
    }

    fn add(&mut self, address: Pubkey, data: &[u8]) {
        use plimsoll_engine::state::*;
        let unreadable = &mut self.unreadable;
        let kind = data.get(..8).unwrap_or(data);
        match kind {
            MarketState::DISCRIMINATOR => decode(&mut self.markets, address, data, unreadable),
            ReserveState::DISCRIMINATOR => decode(&mut self.reserves, address, data, unreadable),
            PositionState::DISCRIMINATOR => decode(&mut self.positions, address, data, unreadable),
            LenderState::DISCRIMINATOR => decode(&mut self.lenders, address, data, unreadable),
            BackstopState::DISCRIMINATOR => decode(&mut self.pools, address, data, unreadable),
            BackstopProviderState::DISCRIMINATOR => decode(&mut self.providers, address, data, unreadable),
            ProposalState::DISCRIMINATOR => decode(&mut self.proposals, address, data, unreadable),
            _ => unreadable.push(format!("I23: {address} is no account that the program knows")),
        }
    }

    /// With names for what is told of its accounts.
    pub fn named(self, names: BTreeMap<Pubkey, String>) -> Self {
        Self { names, ..self }
    }

    /// What to call an account.
    pub(crate) fn name(&self, address: &Pubkey) -> String {
        self.names.get(address).cloned().unwrap_or_else(|| address.to_string())
    }

    /// Every invariant of the accounts that does not hold, with its numbers. Those of a transaction: [`changes`](crate::changes).
    pub fn violations(&self, tokens: &Tokens) -> Vec<String> {
        let mut violations = self.unreadable.clone();
        tokens.conserved(&mut violations);
        for reserve in &self.reserves {
            self.vaults(reserve, tokens, &mut violations);
            self.sums(reserve, &mut violations);
            self.claims(reserve, &mut violations);
            self.backstop_ledgers(reserve, &mut violations);
        }
        for pool in &self.pools {
            self.provided(pool, &mut violations);
        }
        for position in &self.positions {
            self.slots(position, &mut violations);
        }
        self.in_range(&mut violations);
        violations
    }
}

impl Tokens {
    /// Adds an account of a token program: a token account or a mint; nothing else counts.
    pub fn add(&mut self, address: Pubkey, data: &[u8]) {
        if let Ok(token) = StateWithExtensions::<TokenAccount>::unpack(data) {
            self.held.insert(address, token.base.amount);
            *self.by_mint.entry(token.base.mint).or_default() += u128::from(token.base.amount);
        } else if let Ok(mint) = StateWithExtensions::<Mint>::unpack(data) {
            self.supplies.insert(address, mint.base.supply);
        }
    }
}
