//! The constant-product pools of the test market.
//!
//! Their formula and the shape of their instruction are written down here once more, so that a keeper does not depend on a
//! program of the tests; a test demands that both are the same.

use std::collections::BTreeMap;

use plimsoll_client::accounts::Reserve;
use plimsoll_client::{address, AccountMeta, Instruction, Pubkey};

use super::{NoRoute, Route, Sale, Venue};
use crate::decide::units;

/// First seed of a pool's authority.
const POOL_SEED: &[u8] = b"pool";
/// Fee of a swap, of what comes in, bps.
const FEE_BPS: u128 = 30;
/// One, in bps.
const BPS: u128 = 10_000;
/// First byte of a swap's data.
const SWAP: u8 = 0;

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
        let (first, second) = if one < other { (one, other) } else { (other, one) };
        Pubkey::find_program_address(&[POOL_SEED, first.as_ref(), second.as_ref()], &self.program).0
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

    fn swap(&self, trader: &Pubkey, from: &Reserve, to: &Reserve, sale: Sale) -> Result<Route, NoRoute> {
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
        let data = [&[SWAP][..], &sale.amount_in.to_le_bytes(), &sale.amount_out_min.to_le_bytes()].concat();
        let instructions = vec![Instruction { program_id: self.program, accounts, data }];
        Ok(Route { instructions, tables: Vec::new() })
    }

    fn units(&self) -> u32 {
        units::SWAP
    }
}

/// What goes out for what comes in, rounded down: `out * i / (in + i)` with `i` the amount less its fee.
fn amount_out(amount_in: u64, vault_in: u64, vault_out: u64) -> u64 {
    let kept = u128::from(amount_in) * (BPS - FEE_BPS);
    let whole = u128::from(vault_in) * BPS + kept;
    // The product may need 142 bits: where it does, both are divided by the unit first, against the trader.
    let out = match u128::from(vault_out).checked_mul(kept) {
        Some(product) => product.checked_div(whole).unwrap_or(0),
        None => u128::from(vault_out) * (kept / BPS) / whole.div_ceil(BPS),
    };
    u64::try_from(out).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn atoms() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0u32..64).prop_map(|(bits, shift)| bits >> shift)
    }

    proptest! {
        #[test]
        fn a_quote_is_the_pools(amount_in in atoms(), vault_in in atoms(), vault_out in atoms()) {
            prop_assert_eq!(amount_out(amount_in, vault_in, vault_out), pool::amount_out(amount_in, vault_in, vault_out));
        }
    }

    #[test]
    fn a_swap_is_the_pools() {
        let swap = pool::Swap { amount_in: 7, amount_out_min: 5 };
        let data = [&[SWAP][..], &7u64.to_le_bytes(), &5u64.to_le_bytes()].concat();
        assert_eq!(data, swap.encode());
        assert_eq!((POOL_SEED, FEE_BPS), (pool::POOL_SEED, u128::from(pool::FEE_BPS)));
    }
}
