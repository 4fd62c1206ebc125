//! Book interest of one reserve up to now. Anyone may; every action that touches a reserve's liquidity does it anyway.

use anchor_lang::prelude::*;

use crate::error::OrRefuse;
use crate::events::{self, ReservesRefreshed};
use crate::oracle;
use crate::state::Reserve;

/// Accounts of `accrue_interest`.
#[event_cpi]
#[derive(Accounts)]
pub struct AccrueInterest<'info> {
    /// Reserve.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
}

pub(crate) fn handle(ctx: Context<AccrueInterest>) -> Result<()> {
    let now = oracle::now()?;
    let price = {
        let reserve = &mut ctx.accounts.reserve.load_mut()?.state;
        reserve.require_no_flash().or_refuse()?;
        reserve.accrue(now.unix);
        reserve.walk_terms(&now);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        (&reserve.reading).into()
    };
    let event = ReservesRefreshed { reserves: vec![ctx.accounts.reserve.key()], prices: vec![price], slot: now.slot };
    events::emit(&ctx.accounts.event_authority, &event)
}
