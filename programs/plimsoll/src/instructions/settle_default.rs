//! Settle a default: the position is unhealthy, insolvent and empty by value; insurance pays, lenders bear the rest.
//!
//! Anyone may. No token moves: left-over collateral becomes the insurance's by ledger, so a frozen mint cannot block it.

use anchor_lang::prelude::*;
use plimsoll_engine::settlement::require_default;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, DefaultSettled, LossShared};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{edit_reserve, Market, Position};

/// Accounts of `settle_default`. Remaining accounts: the position's legs, all reserves writable, then the offered prices.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleDefault<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position in default.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
}

pub(crate) fn handle<'info>(ctx: Context<'info, SettleDefault<'info>>, offered: u16) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let policy = accounts.market.load()?.state.policy;
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let legs = Legs::collect(position, &[], ctx.remaining_accounts, offered, now)?;

    require_default(&*legs.exposure(position, OldReadings::Keep)?, &policy).or_refuse()?;

    let (collateral_count, debt_count) = (position.collaterals().len(), position.debts().len());
    let mut losses = Vec::with_capacity(debt_count);
    for index in 0..debt_count {
        let account = legs.account(collateral_count + index)?;
        let mut reserve = edit_reserve(account)?;
        reserve.keep_reading(legs.offered(account.key), &now);
        reserve.accrue(now.unix);
        let slot = &position.debts()[index];
        reserve.release_provision(slot.provision_shares.get());
        let write_off = reserve.write_off(slot.shares.get());
        reserve.sequence = reserve.sequence.wrapping_add(1);
        losses.push(LossShared {
            reserve: *account.key,
            written_off_atoms: write_off.owed_atoms,
            insurance_atoms: write_off.insurance_atoms,
            haircut_atoms: write_off.haircut_atoms,
            total_assets_atoms: reserve.assets_atoms(),
        });
    }
    let mut forfeited_atoms = Vec::with_capacity(collateral_count);
    for index in 0..collateral_count {
        let mut reserve = edit_reserve(legs.account(index)?)?;
        let slot = position.collaterals()[index];
        reserve.keep_reading(legs.offered(legs.account(index)?.key), &now);
        reserve.forfeit_collateral(slot.atoms, slot.counted_atoms);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        forfeited_atoms.push(slot.atoms);
    }
    position.clear();
    position.sequence = position.sequence.wrapping_add(1);

    let event = DefaultSettled {
        position: accounts.position.key(),
        owner: Pubkey::new_from_array(position.owner),
        losses,
        forfeited_atoms,
        sequence: position.sequence,
        slot: now.slot,
    };
    drop(position_account);
    events::emit(&accounts.event_authority, &event)
}
