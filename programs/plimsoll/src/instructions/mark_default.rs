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
use crate::tokens::{Transfer, Vault};

/// Accounts of `mark_default`. Remaining accounts: the position's legs, debts' reserves writable, then the offered prices.
#[event_cpi]
#[derive(Accounts)]
pub struct MarkDefault<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Token account that receives the tip, in the token of the first debt; none: no tip is paid.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub tip_account: Option<UncheckedAccount<'info>>,
    /// Liquidity vault of the first debt's reserve; with a tip.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub liquidity_vault: Option<UncheckedAccount<'info>>,
    /// Mint of the first debt's reserve; with a tip.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub mint: Option<UncheckedAccount<'info>>,
    /// Token program of the first debt's reserve; with a tip.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub token_program: Option<UncheckedAccount<'info>>,
}

impl<'info> MarkDefault<'info> {
    /// The transfer of the tip, where one is wanted.
    fn tip(&self) -> Result<Option<Transfer<'_, 'info>>> {
        let Some(user_account) = &self.tip_account else { return Ok(None) };
        Ok(Some(Transfer {
            user_account,
            mint: self.mint.as_ref().ok_or(PlimsollError::TipAccountMissing)?,
            vault: self.liquidity_vault.as_ref().ok_or(PlimsollError::TipAccountMissing)?,
            token_program: self.token_program.as_ref().ok_or(PlimsollError::TipAccountMissing)?,
        }))
    }
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
    let spot = legs.exposure(position, OldReadings::Keep)?;
    position.mark(&favourable, &spot, &policy, &now).or_refuse()?;
    let against = legs.exposure(position, OldReadings::Against)?;
    let (tip, mut tip_atoms) = (accounts.tip()?, 0);

    let (collateral_count, debt_count) = (position.collaterals().len(), position.debts().len());
    let mut provisions = Vec::with_capacity(debt_count);
    for index in 0..debt_count {
        let account = legs.account(collateral_count + index)?;
        let mut reserve = edit_reserve(account)?;
        reserve.require_no_flash().or_refuse()?;
        reserve.keep_reading(legs.offered(account.key), &now);
        reserve.accrue(now.unix);
        let loss = position.expect_loss(&favourable, &against, index);
        let provided_atoms = position.provide(index, loss, &mut reserve, &policy, &now).or_refuse()?;
        // The first debt's insurance pays for the look.
        if let Some(tip) = tip.as_ref().filter(|_| index == 0) {
            tip.require(&reserve, Vault::Liquidity)?;
            tip_atoms = position.pay_marker(provided_atoms, spot.debts()[0].price, &mut reserve, &policy);
        }
        reserve.sequence = reserve.sequence.wrapping_add(1);
        provisions.push(LossProvided {
            reserve: *account.key,
            loss_atoms: loss.least_atoms,
            provided_atoms,
            total_atoms: reserve.provided_atoms(),
            uninsured_atoms: reserve.provision_atoms(),
        });
    }
    position.provisioned_at = now.unix;
    position.sequence = position.sequence.wrapping_add(1);

    let event = DefaultMarked {
        position: accounts.position.key(),
        owner: Pubkey::new_from_array(position.owner),
        defaulted_at: position.defaulted_at,
        provisions,
        tip_atoms,
        sequence: position.sequence,
        slot: now.slot,
    };
    drop(position_account);

    if let Some(tip) = tip.filter(|_| tip_atoms > 0) {
        tip.pay_out_of_leg(legs.account(collateral_count)?, tip_atoms)?;
    }

    events::emit(&accounts.event_authority, &event)
}
