//! Record that a reserve's price has grown old. Anyone may, and who minds has hours to hand in a newer one.
//!
//! Only from the notice on does the old price fade where it is another collateral's: a reserve that was merely left alone
//! makes nobody liquidatable.

use anchor_lang::prelude::*;

use crate::error::OrRefuse;
use crate::events::{self, StalePriceNoticed};
use crate::oracle;
use crate::state::Reserve;

/// Accounts of `notice_stale_price`.
#[event_cpi]
#[derive(Accounts)]
pub struct NoticeStalePrice<'info> {
    /// Reserve.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
}

pub(crate) fn handle(ctx: Context<NoticeStalePrice>) -> Result<()> {
    let now = oracle::now()?;
    let event = {
        let reserve = &mut ctx.accounts.reserve.load_mut()?.state;
        reserve.require_no_flash().or_refuse()?;
        reserve.notice_stale(&now).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let policy = &reserve.oracle_policy;
        let fading_secs = i64::try_from(policy.dead_secs.saturating_sub(policy.stale_secs)).unwrap_or(i64::MAX);
        StalePriceNoticed {
            reserve: ctx.accounts.reserve.key(),
            price: (&reserve.reading).into(),
            noticed_at: now.unix,
            dead_at: now.unix.saturating_add(fading_secs),
            sequence: reserve.sequence,
            slot: now.slot,
        }
    };
    events::emit(&ctx.accounts.event_authority, &event)
}
