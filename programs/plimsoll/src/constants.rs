//! Seeds and fixed addresses.

use anchor_lang::prelude::*;

/// Seed of a market: `["market", id]`.
#[constant]
pub const MARKET_SEED: &[u8] = b"market";
/// Seed of a reserve: `["reserve", market, mint]`.
#[constant]
pub const RESERVE_SEED: &[u8] = b"reserve";
/// Seed of a reserve's liquidity vault: `["liquidity_vault", reserve]`.
#[constant]
pub const LIQUIDITY_VAULT_SEED: &[u8] = b"liquidity_vault";
/// Seed of a reserve's collateral vault: `["collateral_vault", reserve]`.
#[constant]
pub const COLLATERAL_VAULT_SEED: &[u8] = b"collateral_vault";
/// Seed of a position: `["position", market, owner, id]`.
#[constant]
pub const POSITION_SEED: &[u8] = b"position";
/// Seed of a lender account: `["lender", reserve, owner]`.
#[constant]
pub const LENDER_SEED: &[u8] = b"lender";
/// Seed of a backstop pool: `["backstop", reserve, generation]`.
#[constant]
pub const BACKSTOP_SEED: &[u8] = b"backstop";
/// Seed of a provider account: `["backstop_provider", backstop, owner]`.
#[constant]
pub const BACKSTOP_PROVIDER_SEED: &[u8] = b"backstop_provider";

/// Seed of a proposal: `["proposal", market or reserve, parameter]`.
#[constant]
pub const PROPOSAL_SEED: &[u8] = b"proposal";

/// The sysvar that shows a transaction's instructions.
pub const INSTRUCTIONS_SYSVAR: Pubkey = pubkey!("Sysvar1nstructions1111111111111111111111111");

/// Program that owns Pyth push price accounts.
pub const PYTH_PUSH_PROGRAM: Pubkey = pubkey!("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");
