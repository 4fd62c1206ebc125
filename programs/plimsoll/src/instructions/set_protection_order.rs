//! Let keepers deleverage one's position early, at a small bonus, before it is unhealthy. Only the owner.

use anchor_lang::prelude::*;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, ProtectionOrderSet};
use crate::state::{Market, Position};

/// Accounts of `set_protection_order`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetProtectionOrder<'info> {
    /// Owner of the position.
    pub owner: Signer<'info>,
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
}

pub(crate) fn handle(ctx: Context<SetProtectionOrder>, trigger_bps: u64, bonus_bps: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let event = {
        let position = &mut accounts.position.load_mut()?.state;
        require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
        require_key(&position.owner, accounts.owner.key, PlimsollError::NotOwner)?;
        position.set_order(trigger_bps, bonus_bps, &accounts.market.load()?.state.policy).or_refuse()?;
        position.sequence = position.sequence.wrapping_add(1);
        ProtectionOrderSet {
            position: accounts.position.key(),
            owner: accounts.owner.key(),
            trigger_bps,
            bonus_bps,
            sequence: position.sequence,
            slot: Clock::get()?.slot,
        }
    };
    events::emit(&accounts.event_authority, &event)
}
