//! Stop counting a debt-free position's collateral last-in. Anyone may; it only loosens what others may borrow to the
//! truth.

use anchor_lang::prelude::*;
use plimsoll_engine::transitions::uncount;

use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, CollateralChanged};
use crate::state::{Position, Reserve};

/// Accounts of `uncount_position`.
#[event_cpi]
#[derive(Accounts)]
pub struct UncountPosition<'info> {
    /// Position without debt.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of one of its collaterals.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
}

pub(crate) fn handle(ctx: Context<UncountPosition>) -> Result<()> {
    let accounts = &ctx.accounts;
    let event = {
        let position = &mut accounts.position.load_mut()?.state;
        let reserve = &mut accounts.reserve.load_mut()?.state;
        reserve.require_no_flash().or_refuse()?;
        let key = accounts.reserve.key();
        let index = position.collateral_index(key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
        uncount(position, index, reserve).or_refuse()?;
        position.sequence = position.sequence.wrapping_add(1);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        CollateralChanged {
            position: accounts.position.key(),
            reserve: key,
            by: accounts.position.key(),
            deposited: false,
            atoms: 0,
            position_atoms: position.collaterals()[index].atoms,
            total_atoms: reserve.collateral_atoms,
            sequence: position.sequence,
            slot: Clock::get()?.slot,
        }
    };
    events::emit(&accounts.event_authority, &event)
}
