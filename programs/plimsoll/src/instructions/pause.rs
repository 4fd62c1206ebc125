//! Pause one action for a time, or let it go on early. The guardian alone may.
//!
//! A pause ends by itself, and cannot be renewed without a gap. Repaying, depositing, redeeming, withdrawing without debt,
//! settling and claiming cannot be paused.

use anchor_lang::prelude::*;
use plimsoll_engine::pause::Pausable;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, ActionPaused};
use crate::oracle;
use crate::state::Market;

/// Accounts of `pause` and `unpause`.
#[event_cpi]
#[derive(Accounts)]
pub struct ChangePause<'info> {
    /// Guardian of the market.
    pub guardian: Signer<'info>,
    /// Market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

/// Pauses for so many seconds; `None` ends the pause.
pub(crate) fn handle(ctx: Context<ChangePause>, action: u8, secs: Option<u64>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let known = Pausable::of(action).ok_or(PlimsollError::InvalidPause)?;

    let event = {
        let market = &mut accounts.market.load_mut()?.state;
        require_key(&market.guardian, accounts.guardian.key, PlimsollError::NotGuardian)?;
        let pause = match secs {
            Some(secs) => market.pause(known, secs, &now),
            None => market.unpause(known, &now),
        }
        .or_refuse()?;
        ActionPaused {
            market: accounts.market.key(),
            action,
            paused_until: pause.paused_until,
            not_before: pause.not_before,
            slot: now.slot,
        }
    };
    events::emit(&accounts.event_authority, &event)
}
