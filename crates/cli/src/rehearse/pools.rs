//! The test market's pools of every pair of a collateral and a debt, whose prices follow the oracles'.

use anchor_lang::prelude::Pubkey;
use anyhow::Result;
use pool::{in_order, POOL_SEED};

use super::crowd::{Crowd, COLLATERALS};
use crate::chain::Chain;
use crate::demo::market::Listing;

/// What lies on each side of a pool, whole dollars.
const DEPTH: u64 = 10_000_000;

/// Places the program of the pools and fills them at the first prices. Returns its address.
pub fn open(crowd: &Crowd, bytes: &[u8]) -> Result<Pubkey> {
    let program = Pubkey::new_unique();
    crowd.chain.write_program(&program, bytes)?;
    for (index, (_, _, cents)) in COLLATERALS.iter().enumerate() {
        for debt in &crowd.debts {
            let owner = authority(&program, &crowd.collaterals[index], debt);
            let token = &crowd.collaterals[index].token;
            token.give(crowd.chain, &owner, token.whole(DEPTH) / cents * 100)?;
            debt.token.give(crowd.chain, &owner, debt.token.whole(DEPTH))?;
        }
    }
    Ok(program)
}

/// Address of a pool: it owns both vaults.
pub fn authority(program: &Pubkey, one: &Listing, other: &Listing) -> Pubkey {
    let [first, second] = in_order(one.token.mint.as_array(), other.token.mint.as_array());
    Pubkey::find_program_address(&[POOL_SEED, first, second], program).0
}

/// Lets the pools follow prices that have fallen: somebody puts as much of each collateral into them as that takes.
pub fn follow(crowd: &Crowd, program: &Pubkey) -> Result<()> {
    let chain: &Chain = crowd.chain;
    for (listing, cents) in crowd.collaterals.iter().zip(&crowd.cents) {
        for debt in &crowd.debts {
            let owner = authority(program, listing, debt);
            let (has, against) =
                (chain.token_atoms(&listing.token.account(&owner))?, chain.token_atoms(&debt.token.account(&owner))?);
            // As many as are worth what lies on the other side.
            let whole = u128::from(listing.token.whole(1)) * u128::from(against) * 100;
            let wanted = whole / u128::from(debt.token.whole(1)) / u128::from(*cents);
            let missing = u64::try_from(wanted)?.saturating_sub(has);
            if missing > 0 {
                listing.token.give(chain, &owner, missing)?;
            }
        }
    }
    Ok(())
}
