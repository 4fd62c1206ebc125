//! Take collateral out of a position. Without debt no price and no other account is needed; with debt both healths must
//! stay at one.

use anchor_lang::prelude::*;
use plimsoll_engine::health;
use plimsoll_engine::pause::Pausable;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, CollateralChanged};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Market, Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `withdraw_collateral`. Remaining accounts: the position's legs, if it has debt.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawCollateral<'info> {
    /// Owner of the position.
    pub owner: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of the token.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Token account to receive it.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub owner_collateral: UncheckedAccount<'info>,
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

pub(crate) fn handle<'info>(
    ctx: Context<'info, WithdrawCollateral<'info>>,
    amount_atoms: u64,
    offered: u16,
) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require!(amount_atoms > 0, PlimsollError::ZeroAmount);
    let policy = accounts.market.load()?.state.policy;
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    require_key(&position.owner, accounts.owner.key, PlimsollError::NotOwner)?;
    let transfer = Transfer {
        user_account: &accounts.owner_collateral,
        mint: &accounts.mint,
        vault: &accounts.collateral_vault,
        token_program: &accounts.token_program,
    };
    {
        let reserve = &accounts.reserve.load()?.state;
        transfer.require(reserve, Vault::Collateral)?;
        reserve.require_no_flash().or_refuse()?;
    }
    let key = accounts.reserve.key();
    let index = position.collateral_index(key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let legs = if position.has_debt() {
        accounts.market.load()?.state.require_running(Pausable::Withdraw, &now).or_refuse()?;
        Some(Legs::collect(position, &[accounts.reserve.as_ref()], ctx.remaining_accounts, offered, now)?)
    } else {
        require!(ctx.remaining_accounts.is_empty() && offered == 0, PlimsollError::ExtraAccount);
        None
    };

    // The health that decides is the one after: legs keep slot order, but a slot that empties is gone from it. Hence the
    // amounts change first, and the slot closes last.
    let total_atoms = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        if let Some(legs) = &legs {
            reserve.keep_reading(legs.offered(&key), &now);
        }
        let left =
            position.collaterals()[index].atoms.checked_sub(amount_atoms).ok_or(PlimsollError::AmountExceedsBalance)?;
        let counted = position.collaterals()[index].counted_atoms.saturating_sub(left);
        reserve.give_collateral(amount_atoms, counted).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let slot = &mut position.collaterals[index];
        slot.atoms = left;
        slot.counted_atoms -= counted;
        reserve.collateral_atoms
    };
    let position_atoms = position.collaterals()[index].atoms;
    if let Some(legs) = legs {
        let exposure = legs.exposure(position, OldReadings::Fade)?;
        health::require_healthy(&legs.initial_totals(position, &exposure)?, &exposure).or_refuse()?;
        position.see_exposure(&exposure, &policy);
        position.cool_off(&policy, &now);
    }
    position.remove_collateral(index, 0).or_refuse()?;
    position.sequence = position.sequence.wrapping_add(1);
    let sequence = position.sequence;
    drop(position_account);

    transfer.pay_out(&accounts.reserve, amount_atoms)?;

    let event = CollateralChanged {
        position: accounts.position.key(),
        reserve: key,
        by: accounts.owner.key(),
        deposited: false,
        atoms: amount_atoms,
        position_atoms,
        total_atoms,
        sequence,
        slot: now.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
