//! Look at a position and record what is seen: a margin call, a flag that starts the auction, or that both are over.
//!
//! Anyone may. What counts as liquidatable is what `liquidate` would do at this moment with this pair, without limits. The
//! pair's prices are kept, so that nobody takes a flag away with an older one.

use anchor_lang::prelude::*;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationRequest};
use plimsoll_engine::quote::{bps_to_e9, to_e9};
use plimsoll_engine::standing::Sighting;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, FlagCleared, MarginCalled, PositionFlagged};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Market, Position, Reserve};

/// Accounts of `flag_position`. Remaining accounts: the position's other reserves in slot order, then the offered prices.
#[event_cpi]
#[derive(Accounts)]
pub struct FlagPosition<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of a collateral by which the position is judged.
    #[account(mut)]
    pub collateral_reserve: AccountLoader<'info, Reserve>,
    /// Reserve of a debt by which the position is judged.
    #[account(mut)]
    pub debt_reserve: AccountLoader<'info, Reserve>,
}

pub(crate) fn handle<'info>(ctx: Context<'info, FlagPosition<'info>>, offered: u16) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let market = accounts.market.load()?.state;
    let policy = &market.policy;
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let (collateral_key, debt_key) = (accounts.collateral_reserve.key(), accounts.debt_reserve.key());
    let collateral = position.collateral_index(collateral_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let debt = position.debt_index(debt_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let named = [accounts.collateral_reserve.as_ref(), accounts.debt_reserve.as_ref()];
    let legs = Legs::collect(position, &named, ctx.remaining_accounts, offered, now)?;
    for (reserve, key) in [(&accounts.collateral_reserve, &collateral_key), (&accounts.debt_reserve, &debt_key)] {
        let reserve = &mut reserve.load_mut()?.state;
        reserve.require_no_flash().or_refuse()?;
        reserve.keep_reading(legs.offered(key), &now);
        reserve.sequence = reserve.sequence.wrapping_add(1);
    }

    let exposure = legs.exposure(position, OldReadings::Fade)?;
    let sale = accounts.collateral_reserve.load()?.state.sale_terms(&now);
    let standing = position.standing((collateral, debt), policy, &now, Ok(())).in_market(&market, &now);
    let request = LiquidationRequest { collateral, debt, repay_max_atoms: u64::MAX, seize_min_atoms: 0 };
    let plan = plan_liquidation(&exposure, &sale, policy, &standing, &request, &now);

    let sighting = position.see(&exposure, &plan, legs.prices()?, policy, &now).or_refuse()?;
    position.sequence = position.sequence.wrapping_add(1);
    let (key, owner) = (accounts.position.key(), Pubkey::new_from_array(position.owner));
    let (flagged_at, sequence) = (position.flagged_at, position.sequence);
    drop(position_account);

    let (health_e9, slot) = (to_e9(exposure.health()), now.slot);
    let authority = &accounts.event_authority;
    match sighting {
        Sighting::Flagged { auction_secs } => {
            let event = PositionFlagged { position: key, owner, health_e9, flagged_at, auction_secs, sequence, slot };
            events::emit(authority, &event)
        }
        Sighting::Called => {
            let call_level_e9 = bps_to_e9(policy.call_level_bps);
            events::emit(authority, &MarginCalled { position: key, owner, health_e9, call_level_e9, sequence, slot })
        }
        Sighting::Cleared => events::emit(authority, &FlagCleared { position: key, owner, health_e9, sequence, slot }),
    }
}
