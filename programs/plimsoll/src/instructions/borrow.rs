//! Borrow against a position. Every asset of it needs a good price, and both healths must be at least one afterwards.

use anchor_lang::prelude::*;
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::{health, transitions};

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, DebtChanged};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Market, Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `borrow`. Remaining accounts: the position's legs with the borrowed reserve as the last debt if it is new;
/// a collateral that is not fully counted yet must be writable.
#[event_cpi]
#[derive(Accounts)]
pub struct Borrow<'info> {
    /// Owner of the position.
    pub owner: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve to borrow from.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Token account to receive it.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub owner_liquidity: UncheckedAccount<'info>,
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

pub(crate) fn handle<'info>(ctx: Context<'info, Borrow<'info>>, amount_atoms: u64, offered: u16) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let policy = {
        let market = &accounts.market.load()?.state;
        market.require_running(Pausable::Borrow, &now).or_refuse()?;
        market.policy
    };
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    require_key(&position.owner, accounts.owner.key, PlimsollError::NotOwner)?;
    let transfer = Transfer {
        user_account: &accounts.owner_liquidity,
        mint: &accounts.mint,
        vault: &accounts.liquidity_vault,
        token_program: &accounts.token_program,
    };
    {
        let reserve = &accounts.reserve.load()?.state;
        require_key(&reserve.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
        transfer.require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
    }
    let key = accounts.reserve.key();
    let index = position.debt_slot(key.as_array()).or_refuse()?;
    let legs = Legs::collect(position, &[accounts.reserve.as_ref()], ctx.remaining_accounts, offered, now)?;

    // The health that decides is the one after, so the debt is booked first.
    let (shares, debt_index) = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        reserve.keep_reading(legs.offered(&key), &now);
        reserve.accrue(now.unix);
        let shares = reserve.lend(amount_atoms).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        (shares, reserve.debt_index.get())
    };
    position.add_debt(index, shares).or_refuse()?;
    legs.count_collaterals(position)?;
    let exposure = legs.exposure(position, OldReadings::Fade)?;
    health::require_healthy(&legs.initial_totals(position, &exposure)?, &exposure).or_refuse()?;
    transitions::require_debt_min(exposure.debts()[index].plain, &policy).or_refuse()?;
    position.see_exposure(&exposure, &policy);
    position.cool_off(&policy, &now);
    position.sequence = position.sequence.wrapping_add(1);
    let (position_shares, sequence) = (position.debts()[index].shares.get(), position.sequence);
    drop(position_account);

    transfer.pay_out(&accounts.reserve, amount_atoms)?;

    let event = DebtChanged {
        position: accounts.position.key(),
        reserve: key,
        by: accounts.owner.key(),
        borrowed: true,
        atoms: amount_atoms,
        shares,
        position_shares,
        debt_index,
        sequence,
        slot: now.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
