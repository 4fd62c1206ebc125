//! Add to a reserve's insurance, which pays losses before lenders do. Anyone may; it is not returned.

use anchor_lang::prelude::*;

use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, InsuranceFunded};
use crate::oracle;
use crate::state::Reserve;
use crate::tokens::{Transfer, Vault};

/// Accounts of `fund_insurance` and `repay_recovery`.
#[event_cpi]
#[derive(Accounts)]
pub struct FundInsurance<'info> {
    /// Who pays.
    pub payer: Signer<'info>,
    /// Reserve.
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
}

impl<'info> FundInsurance<'info> {
    /// The transfer from payer to liquidity vault.
    pub(super) fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.payer_liquidity,
            mint: &self.mint,
            vault: &self.liquidity_vault,
            token_program: &self.token_program,
        }
    }
}

pub(crate) fn handle(ctx: Context<FundInsurance>, amount_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require!(amount_atoms > 0, PlimsollError::ZeroAmount);
    let transfer = accounts.transfer();

    let (event, decimals) = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        transfer.require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
        reserve.receive_insurance(amount_atoms).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let event = InsuranceFunded {
            reserve: accounts.reserve.key(),
            atoms: amount_atoms,
            insurance_atoms: reserve.insurance_atoms,
            sequence: reserve.sequence,
            slot: now.slot,
        };
        (event, reserve.decimals)
    };

    transfer.take_in(&accounts.payer, amount_atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
