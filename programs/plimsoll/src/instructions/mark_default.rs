//! Mark a position in default, and book the loss that is expected of it. Anyone may, and again, as prices change.
//!
//! The loss is booked before anyone can run from it: from here on lenders of the debts redeem at assets less the provision.

use anchor_lang::prelude::*;
use plimsoll_engine::settlement::require_known_prices;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, DefaultMarked, LossProvided};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{edit_reserve, Market, Position};

/// Accounts of `mark_default`. Remaining accounts: the position's legs, debts' reserves writable, then the offered prices.
#[event_cpi]
#[derive(Accounts)]
pub struct MarkDefault<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
}

pub(crate) fn handle<'info>(ctx: Context<'info, MarkDefault<'info>>, offered: u16) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let policy = accounts.market.load()?.state.policy;
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let legs = Legs::collect(position, &[], ctx.remaining_accounts, offered, now)?;

    let favourable = legs.exposure(position, OldReadings::Favour)?;
    require_known_prices(&favourable).or_refuse()?;
    position.mark(&favourable, &*legs.exposure(position, OldReadings::Keep)?, &policy, &now).or_refuse()?;

    let (collateral_count, debt_count) = (position.collaterals().len(), position.debts().len());
    let mut provisions = Vec::with_capacity(debt_count);
    for index in 0..debt_count {
        let account = legs.account(collateral_count + index)?;
        let mut reserve = edit_reserve(account)?;
        reserve.require_no_flash().or_refuse()?;
        reserve.keep_reading(legs.offered(account.key), &now);
        reserve.accrue(now.unix);
        let loss_atoms = favourable.expected_loss_atoms(index);
        let provided_atoms = position.provide(index, loss_atoms, &mut reserve, &policy, &now).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let total_atoms = reserve.provision_atoms();
        provisions.push(LossProvided { reserve: *account.key, loss_atoms, provided_atoms, total_atoms });
    }
    position.provisioned_at = now.unix;
    position.sequence = position.sequence.wrapping_add(1);

    let event = DefaultMarked {
        position: accounts.position.key(),
        owner: Pubkey::new_from_array(position.owner),
        defaulted_at: position.defaulted_at,
        provisions,
        sequence: position.sequence,
        slot: now.slot,
    };
    drop(position_account);
    events::emit(&accounts.event_authority, &event)
}
