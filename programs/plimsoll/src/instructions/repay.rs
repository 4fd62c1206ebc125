//! Repay a position's debt. Anyone may; needs no price and cannot be paused. More than is owed pays what is owed.

use anchor_lang::prelude::*;
use plimsoll_engine::transitions::PaidFor;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, DebtChanged};
use crate::oracle;
use crate::state::{Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `repay`.
#[event_cpi]
#[derive(Accounts)]
pub struct Repay<'info> {
    /// Who pays.
    pub payer: Signer<'info>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of the debt.
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

pub(crate) fn handle(ctx: Context<Repay>, amount_atoms_max: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let transfer = Transfer {
        user_account: &accounts.payer_liquidity,
        mint: &accounts.mint,
        vault: &accounts.liquidity_vault,
        token_program: &accounts.token_program,
    };

    let (event, decimals) = {
        let position = &mut accounts.position.load_mut()?.state;
        let reserve = &mut accounts.reserve.load_mut()?.state;
        require_key(&position.market, &Pubkey::new_from_array(reserve.market), PlimsollError::WrongMarket)?;
        transfer.require(reserve, Vault::Liquidity)?;
        let index = position.debt_index(accounts.reserve.key().as_array()).ok_or(PlimsollError::SlotNotOpen)?;
        let owed_shares = position.debts()[index].shares.get();

        reserve.accrue(now.unix);
        let repayment = reserve.plan_repayment(owed_shares, amount_atoms_max).or_refuse()?;
        reserve.receive_repayment(&repayment).or_refuse()?;
        reserve.flow_in(repayment.atoms);
        reserve.release_provision(position.remove_debt(index, repayment.shares, PaidFor::Nothing).or_refuse()?);
        position.sequence = position.sequence.wrapping_add(1);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let event = DebtChanged {
            position: accounts.position.key(),
            reserve: accounts.reserve.key(),
            by: accounts.payer.key(),
            borrowed: false,
            atoms: repayment.atoms,
            shares: repayment.shares,
            position_shares: owed_shares - repayment.shares,
            debt_index: reserve.debt_index.get(),
            sequence: position.sequence,
            slot: now.slot,
        };
        (event, reserve.decimals)
    };

    transfer.take_in(&accounts.payer, event.atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
