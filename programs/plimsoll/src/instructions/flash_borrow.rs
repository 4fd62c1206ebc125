//! Lend liquidity for the rest of the transaction. Anyone may.
//!
//! No collateral: what secures the loan is a later top-level `flash_repay` of the same reserve, looked for here. It runs
//! whatever happens between, and unless it succeeds nothing of the transaction happened.

use anchor_lang::prelude::*;
use plimsoll_engine::pause::Pausable;

use super::require_key;
use crate::constants::INSTRUCTIONS_SYSVAR;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, FlashBorrowed};
use crate::introspection;
use crate::oracle;
use crate::state::{Market, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `flash_borrow`. (`introspection` knows the reserve by its place.)
#[event_cpi]
#[derive(Accounts)]
pub struct FlashBorrow<'info> {
    /// Who borrows.
    pub borrower: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Reserve to borrow from.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Token account to receive it.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub borrower_liquidity: UncheckedAccount<'info>,
    /// Liquidity vault of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub liquidity_vault: UncheckedAccount<'info>,
    /// Mint of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub mint: UncheckedAccount<'info>,
    /// Token program of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub token_program: UncheckedAccount<'info>,
    /// The instructions of this transaction.
    /// CHECK: The sysvar of this address, written by the runtime.
    #[account(address = INSTRUCTIONS_SYSVAR)]
    pub instructions: UncheckedAccount<'info>,
}

pub(crate) fn handle(ctx: Context<FlashBorrow>, amount_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let policy = {
        let market = &accounts.market.load()?.state;
        market.require_running(Pausable::FlashBorrow, &now).or_refuse()?;
        market.policy
    };
    let transfer = Transfer {
        user_account: &accounts.borrower_liquidity,
        mint: &accounts.mint,
        vault: &accounts.liquidity_vault,
        token_program: &accounts.token_program,
    };

    let event = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        require_key(&reserve.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
        transfer.require(reserve, Vault::Liquidity)?;

        introspection::require_top_level()?;
        introspection::require_flash_repay_ahead(&accounts.instructions, &accounts.reserve.key())?;

        reserve.accrue(now.unix);
        let loan = reserve.flash_borrow(amount_atoms, &policy).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        FlashBorrowed {
            reserve: accounts.reserve.key(),
            borrower: accounts.borrower.key(),
            principal_atoms: loan.principal_atoms,
            fee_atoms: loan.fee_atoms,
            cash_atoms: reserve.cash_atoms,
            sequence: reserve.sequence,
            slot: now.slot,
        }
    };

    transfer.pay_out(&accounts.reserve, event.principal_atoms)?;

    events::emit(&accounts.event_authority, &event)
}
