//! Return a flash loan with its fee. Anyone may, in the transaction that took it; how much, the reserve knows.

use anchor_lang::prelude::*;

use crate::constants::INSTRUCTIONS_SYSVAR;
use crate::error::OrRefuse;
use crate::events::{self, FlashRepaid};
use crate::introspection;
use crate::oracle;
use crate::state::Reserve;
use crate::tokens::{Transfer, Vault};

/// Accounts of `flash_repay`. (`introspection` knows the reserve by its place.)
#[event_cpi]
#[derive(Accounts)]
pub struct FlashRepay<'info> {
    /// Who pays.
    pub payer: Signer<'info>,
    /// Reserve of the loan.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Payer's token account.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub payer_liquidity: UncheckedAccount<'info>,
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

pub(crate) fn handle(ctx: Context<FlashRepay>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let transfer = Transfer {
        user_account: &accounts.payer_liquidity,
        mint: &accounts.mint,
        vault: &accounts.liquidity_vault,
        token_program: &accounts.token_program,
    };

    let (event, owed_atoms, decimals) = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        transfer.require(reserve, Vault::Liquidity)?;

        introspection::require_top_level()?;
        introspection::require_flash_borrow_behind(&accounts.instructions, &accounts.reserve.key())?;

        let loan = reserve.flash_repay().or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let event = FlashRepaid {
            reserve: accounts.reserve.key(),
            payer: accounts.payer.key(),
            principal_atoms: loan.principal_atoms,
            fee_atoms: loan.fee_atoms,
            cash_atoms: reserve.cash_atoms,
            insurance_atoms: reserve.insurance_atoms,
            sequence: reserve.sequence,
            slot: now.slot,
        };
        (event, loan.owed_atoms(), reserve.decimals)
    };

    transfer.take_in(&accounts.payer, owed_atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
