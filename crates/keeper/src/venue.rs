//! Where what was seized is sold.

use std::collections::BTreeMap;
use std::fmt::Debug;

use plimsoll_client::accounts::Reserve;
use plimsoll_client::{address, AccountMeta, Instruction, Pubkey};
use pool::{amount_out, in_order, Swap, POOL_SEED};

/// A market for the tokens of two reserves.
pub trait Venue: Debug + Send + Sync {
    /// What a sale would bring now, atoms; none where there is no route.
    fn quote(&self, from: &Reserve, to: &Reserve, amount_in: u64) -> Option<u64>;

    /// The instructions of a sale for at least so much. None where there is no route.
    fn swap(&self, trader: &Pubkey, from: &Reserve, to: &Reserve, sale: Sale) -> Option<Vec<Instruction>>;
}

/// A sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// What is sold, atoms.
    pub amount_in: u64,
    /// Least to receive, atoms.
    pub amount_out_min: u64,
}

/// No market: what is seized is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVenue;

impl Venue for NoVenue {
    fn quote(&self, _: &Reserve, _: &Reserve, _: u64) -> Option<u64> {
        None
    }

    fn swap(&self, _: &Pubkey, _: &Reserve, _: &Reserve, _: Sale) -> Option<Vec<Instruction>> {
        None
    }
}

/// The constant-product pools of the test market, as of what was last seen in their vaults.
#[derive(Clone, Debug)]
pub struct Pools {
    program: Pubkey,
    /// Atoms per vault.
    vaults: BTreeMap<Pubkey, u64>,
}

impl Pools {
    /// The pools of a program, with nothing known of their vaults.
    pub fn new(program: Pubkey) -> Self {
        Self { program, vaults: BTreeMap::new() }
    }

    fn authority(&self, from: &Reserve, to: &Reserve) -> Pubkey {
        let (one, other) = (from.mint(), to.mint());
        let [first, second] = in_order(one.as_array(), other.as_array());
        Pubkey::find_program_address(&[POOL_SEED, first, second], &self.program).0
    }

    /// The vaults of a pool: of what comes in, of what goes out.
    pub fn vaults(&self, from: &Reserve, to: &Reserve) -> (Pubkey, Pubkey) {
        let authority = self.authority(from, to);
        let vault = |reserve: &Reserve| address::token_account(&authority, &reserve.mint(), &reserve.token_program());
        (vault(from), vault(to))
    }

    /// Takes what lies in a vault, atoms.
    pub fn see(&mut self, vault: Pubkey, atoms: u64) {
        self.vaults.insert(vault, atoms);
    }
}

impl Venue for Pools {
    fn quote(&self, from: &Reserve, to: &Reserve, amount_in: u64) -> Option<u64> {
        let (vault_in, vault_out) = self.vaults(from, to);
        let out = amount_out(amount_in, *self.vaults.get(&vault_in)?, *self.vaults.get(&vault_out)?);
        (out > 0).then_some(out)
    }

    fn swap(&self, trader: &Pubkey, from: &Reserve, to: &Reserve, sale: Sale) -> Option<Vec<Instruction>> {
        let (vault_in, vault_out) = self.vaults(from, to);
        let accounts = vec![
            AccountMeta::new_readonly(*trader, true),
            AccountMeta::new_readonly(self.authority(from, to), false),
            AccountMeta::new(from.token_account(trader), false),
            AccountMeta::new(to.token_account(trader), false),
            AccountMeta::new(vault_in, false),
            AccountMeta::new(vault_out, false),
            AccountMeta::new_readonly(from.mint(), false),
            AccountMeta::new_readonly(to.mint(), false),
            AccountMeta::new_readonly(from.token_program(), false),
            AccountMeta::new_readonly(to.token_program(), false),
        ];
        let Sale { amount_in, amount_out_min } = sale;
        let data = Swap { amount_in, amount_out_min }.encode();
        Some(vec![Instruction { program_id: self.program, accounts, data }])
    }
}
