//! Add collateral to a position. Anyone may add to an open slot; only the owner opens one.
//!
//! Needs no price, unless the reserve's cap has no room: a called position may exceed it by the rescue allowance, up to the
//! target health. Then the market and the position's legs are needed too.

use anchor_lang::prelude::*;
use plimsoll_engine::health;
use plimsoll_engine::state::PositionState;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, CollateralChanged};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Market, Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `deposit_collateral`. Remaining accounts: none, or for a rescue the position's legs (with the reserve as
/// the last collateral if it is new), then the offered prices.
#[event_cpi]
#[derive(Accounts)]
pub struct DepositCollateral<'info> {
    /// Who deposits; the owner, to open a slot.
    pub depositor: Signer<'info>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of the token.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Depositor's token account.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub depositor_collateral: UncheckedAccount<'info>,
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
    /// Market; only for a rescue beyond the reserve's collateral cap.
    pub market: Option<AccountLoader<'info, Market>>,
}

pub(crate) fn handle<'info>(
    ctx: Context<'info, DepositCollateral<'info>>,
    amount_atoms: u64,
    offered: u16,
) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let transfer = Transfer {
        user_account: &accounts.depositor_collateral,
        mint: &accounts.mint,
        vault: &accounts.collateral_vault,
        token_program: &accounts.token_program,
    };

    let (event, decimals) = {
        let position = &mut accounts.position.load_mut()?.state;
        let by_owner = accounts.depositor.key.as_array() == &position.owner;
        let is_rescue = {
            let reserve = &accounts.reserve.load()?.state;
            require_key(&position.market, &Pubkey::new_from_array(reserve.market), PlimsollError::WrongMarket)?;
            transfer.require(reserve, Vault::Collateral)?;
            reserve.require_no_flash().or_refuse()?;
            reserve.exceeds_cap(amount_atoms) && accounts.market.is_some()
        };
        let counted = position.has_debt();
        let index = position.collateral_slot(accounts.reserve.key().as_array(), by_owner).or_refuse()?;
        if is_rescue {
            require_rescue(&ctx, position, (index, amount_atoms), offered, now)?;
        }
        position.add_collateral(index, amount_atoms, counted).or_refuse()?;
        let reserve = &mut accounts.reserve.load_mut()?.state;
        reserve.take_collateral(amount_atoms, counted, is_rescue).or_refuse()?;
        position.sequence = position.sequence.wrapping_add(1);
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let event = CollateralChanged {
            position: accounts.position.key(),
            reserve: accounts.reserve.key(),
            by: accounts.depositor.key(),
            deposited: true,
            atoms: amount_atoms,
            position_atoms: position.collaterals()[index].atoms,
            total_atoms: reserve.collateral_atoms,
            sequence: position.sequence,
            slot: now.slot,
        };
        (event, reserve.decimals)
    };

    transfer.take_in(&accounts.depositor, amount_atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}

/// Refuses a deposit beyond the cap that is no rescue.
fn require_rescue<'info>(
    ctx: &Context<'info, DepositCollateral<'info>>,
    position: &mut PositionState,
    (index, amount_atoms): (usize, u64),
    offered: u16,
    now: plimsoll_engine::Now,
) -> Result<()> {
    let accounts = &ctx.accounts;
    let Some(market) = &accounts.market else { return err!(PlimsollError::CollateralCapExceeded) };
    require_key(&position.market, &market.key(), PlimsollError::WrongMarket)?;
    let legs = Legs::collect(position, &[accounts.reserve.as_ref()], ctx.remaining_accounts, offered, now)?;
    let before = legs.exposure(position, OldReadings::Fade)?;
    position.add_collateral(index, amount_atoms, false).or_refuse()?;
    let after = legs.exposure(position, OldReadings::Fade)?;
    position.collaterals[index].atoms -= amount_atoms;
    health::require_rescue(&before, &after, &market.load()?.state.policy).or_refuse()
}
