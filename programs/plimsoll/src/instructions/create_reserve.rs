//! Add a token to a market: its reserve, two vaults, terms and first price. The admin alone may.

use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use plimsoll_engine::state::ReserveConfig;
use plimsoll_engine::transitions::configure_reserve;

use super::require_key;
use crate::constants::{COLLATERAL_VAULT_SEED, LIQUIDITY_VAULT_SEED, RESERVE_SEED};
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, ReserveCreated};
use crate::state::{Market, Reserve};
use crate::{oracle, tokens};

/// Accounts of `create_reserve`.
#[event_cpi]
#[derive(Accounts)]
pub struct CreateReserve<'info> {
    /// Admin of the market; pays for the accounts.
    #[account(mut)]
    pub admin: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// The new reserve.
    // The mint is judged here, before the vaults are made: Anchor sizes them by the mint's extensions, and of one that it
    // does not know it says no more than that the data are invalid.
    #[account(init, payer = admin, space = 8 + std::mem::size_of::<Reserve>(),
        seeds = [RESERVE_SEED, market.key().as_ref(), mint.key().as_ref()], bump,
        constraint = tokens::accept_mint(mint.as_ref().as_ref()).map(|_| true)?)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Mint of the token. SPL Token, or Token-2022 with none but descriptive extensions.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// Vault of supplied liquidity.
    #[account(init, payer = admin, seeds = [LIQUIDITY_VAULT_SEED, reserve.key().as_ref()], bump,
        token::mint = mint, token::authority = reserve, token::token_program = token_program)]
    pub liquidity_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Vault of collateral, never lent.
    #[account(init, payer = admin, seeds = [COLLATERAL_VAULT_SEED, reserve.key().as_ref()], bump,
        token::mint = mint, token::authority = reserve, token::token_program = token_program)]
    pub collateral_vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// Price account of the configured kind and feed; gives the first reading.
    /// CHECK: `oracle` judges it.
    pub price: UncheckedAccount<'info>,
    /// Token program of the mint.
    pub token_program: Interface<'info, TokenInterface>,
    /// System program.
    pub system_program: Program<'info, System>,
}

pub(crate) fn handle(ctx: Context<CreateReserve>, config: &ReserveConfig) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let policy = {
        let market = &accounts.market.load()?.state;
        require_key(&market.admin, accounts.admin.key, PlimsollError::NotAdmin)?;
        market.require_new(config).or_refuse()?;
        market.policy
    };
    let token_kind = tokens::accept_mint(accounts.mint.as_ref().as_ref())?;
    let kind = u8::try_from(config.oracle_kind).map_err(|_| PlimsollError::InvalidOraclePolicy)?;
    let reading = oracle::read_feed(&accounts.price, kind, &config.oracle, &now)?;

    {
        let reserve = &mut accounts.reserve.load_init()?.state;
        reserve.bump = ctx.bumps.reserve;
        reserve.decimals = accounts.mint.decimals;
        reserve.token_kind = token_kind;
        reserve.market = accounts.market.key().to_bytes();
        reserve.mint = accounts.mint.key().to_bytes();
        reserve.liquidity_vault = accounts.liquidity_vault.key().to_bytes();
        reserve.collateral_vault = accounts.collateral_vault.key().to_bytes();
        configure_reserve(reserve, config, &policy, &reading, &now).or_refuse()?;
    }

    let event = ReserveCreated {
        market: accounts.market.key(),
        reserve: accounts.reserve.key(),
        mint: accounts.mint.key(),
        price: (&reading).into(),
        slot: now.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
