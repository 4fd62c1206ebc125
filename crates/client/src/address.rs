//! Addresses that follow from others: every account of the program, and the accounts around it.

use anchor_spl::associated_token::get_associated_token_address_with_program_id;
use plimsoll::constants::*;
use plimsoll_engine::governance::Parameter;

use crate::{Pubkey, PROGRAM_ID};

/// The program's own address for its events.
pub const EVENT_AUTHORITY: Pubkey = plimsoll::EVENT_AUTHORITY_AND_BUMP.0;

fn derive(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &PROGRAM_ID).0
}

/// Market number `id`.
pub fn market(id: u16) -> Pubkey {
    derive(&[MARKET_SEED, &id.to_le_bytes()])
}

/// Reserve of a token in a market.
pub fn reserve(market: &Pubkey, mint: &Pubkey) -> Pubkey {
    derive(&[RESERVE_SEED, market.as_ref(), mint.as_ref()])
}

/// Vault of a reserve's supplied liquidity.
pub fn liquidity_vault(reserve: &Pubkey) -> Pubkey {
    derive(&[LIQUIDITY_VAULT_SEED, reserve.as_ref()])
}

/// Vault of a reserve's collateral.
pub fn collateral_vault(reserve: &Pubkey) -> Pubkey {
    derive(&[COLLATERAL_VAULT_SEED, reserve.as_ref()])
}

/// Position number `id` of an owner in a market.
pub fn position(market: &Pubkey, owner: &Pubkey, id: u16) -> Pubkey {
    derive(&[POSITION_SEED, market.as_ref(), owner.as_ref(), &id.to_le_bytes()])
}

/// Lender account of an owner in a reserve.
pub fn lender(reserve: &Pubkey, owner: &Pubkey) -> Pubkey {
    derive(&[LENDER_SEED, reserve.as_ref(), owner.as_ref()])
}

/// Backstop pool of a reserve, by its generation.
pub fn backstop(reserve: &Pubkey, generation: u8) -> Pubkey {
    derive(&[BACKSTOP_SEED, reserve.as_ref(), &[generation]])
}

/// Provider account of an owner in a backstop pool.
pub fn backstop_provider(backstop: &Pubkey, owner: &Pubkey) -> Pubkey {
    derive(&[BACKSTOP_PROVIDER_SEED, backstop.as_ref(), owner.as_ref()])
}

/// Proposal for a parameter of a market or reserve.
pub fn proposal(target: &Pubkey, parameter: Parameter) -> Pubkey {
    derive(&[PROPOSAL_SEED, target.as_ref(), &(parameter as u16).to_le_bytes()])
}

/// Associated token account of an owner, under the token program of the mint.
pub fn token_account(owner: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Pubkey {
    get_associated_token_address_with_program_id(owner, mint, token_program)
}
