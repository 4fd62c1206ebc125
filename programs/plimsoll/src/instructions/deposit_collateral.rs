//! Add collateral to a position. Anyone may add to an open slot; only the owner opens one. Needs no price.

use anchor_lang::prelude::*;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, CollateralChanged};
use crate::state::{Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `deposit_collateral`.
#[event_cpi]
#[derive(Accounts)]
pub struct DepositCollateral<'info> {
    /// Who deposits; the owner, to open a slot.
    pub depositor: Signer<'info>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of the token.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Depositor's token account.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub depositor_collateral: UncheckedAccount<'info>,
    /// Collateral vault of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub collateral_vault: UncheckedAccount<'info>,
    /// Mint of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub mint: UncheckedAccount<'info>,
    /// Token program of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub token_program: UncheckedAccount<'info>,
}

pub(crate) fn handle(ctx: Context<DepositCollateral>, amount_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let transfer = Transfer {
        user_account: &accounts.depositor_collateral,
        mint: &accounts.mint,
        vault: &accounts.collateral_vault,
        token_program: &accounts.token_program,
    };

    let (event, decimals) = {
        let position = &mut accounts.position.load_mut()?.state;
        let reserve = &mut accounts.reserve.load_mut()?.state;
        require_key(&position.market, &Pubkey::new_from_array(reserve.market), PlimsollError::WrongMarket)?;
        transfer.require(reserve, Vault::Collateral)?;
        reserve.require_no_flash().or_refuse()?;

        let by_owner = accounts.depositor.key.as_array() == &position.owner;
        let counted = position.has_debt();
        let index = position.collateral_slot(accounts.reserve.key().as_array(), by_owner).or_refuse()?;
        reserve.take_collateral(amount_atoms, counted).or_refuse()?;
        position.add_collateral(index, amount_atoms, counted).or_refuse()?;
        position.sequence = position.sequence.wrapping_add(1);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let event = CollateralChanged {
            position: accounts.position.key(),
            reserve: accounts.reserve.key(),
            by: accounts.depositor.key(),
            deposited: true,
            atoms: amount_atoms,
            position_atoms: position.collaterals()[index].atoms,
            total_atoms: reserve.collateral_atoms,
            sequence: position.sequence,
            slot: Clock::get()?.slot,
        };
        (event, reserve.decimals)
    };

    transfer.take_in(&accounts.depositor, amount_atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
