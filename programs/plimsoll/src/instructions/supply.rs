//! Supply liquidity for shares. It is lent, earns interest, and bears the lenders' risk.

use anchor_lang::prelude::*;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::pause::Pausable;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, SupplyChanged};
use crate::oracle;
use crate::state::{Lender, Market, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `supply`, `redeem` and `claim_recovery`.
#[event_cpi]
#[derive(Accounts)]
pub struct ChangeSupply<'info> {
    /// Lender.
    pub owner: Signer<'info>,
    /// Market of the reserve.
    pub market: AccountLoader<'info, Market>,
    /// Reserve.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Lender account of the signer in this reserve.
    #[account(mut)]
    pub lender: AccountLoader<'info, Lender>,
    /// Signer's token account.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub owner_liquidity: UncheckedAccount<'info>,
    /// Liquidity vault of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub liquidity_vault: UncheckedAccount<'info>,
    /// Mint of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub mint: UncheckedAccount<'info>,
    /// Token program of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub token_program: UncheckedAccount<'info>,
}

impl<'info> ChangeSupply<'info> {
    /// The transfer between lender and liquidity vault.
    pub(super) fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.owner_liquidity,
            mint: &self.mint,
            vault: &self.liquidity_vault,
            token_program: &self.token_program,
        }
    }

    /// Checks that the lender account is the signer's, in this reserve, and the market the reserve's.
    pub(super) fn require_lender(&self) -> Result<()> {
        require_key(&self.reserve.load()?.state.market, &self.market.key(), PlimsollError::WrongMarket)?;
        let lender = &self.lender.load()?.state;
        require_key(&lender.reserve, &self.reserve.key(), PlimsollError::WrongReserve)?;
        require_key(&lender.owner, self.owner.key, PlimsollError::NotOwner)
    }
}

pub(crate) fn handle(ctx: Context<ChangeSupply>, amount_atoms: u64, shares_min: u128) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    accounts.require_lender()?;
    accounts.market.load()?.state.require_running(Pausable::Supply, &now).or_refuse()?;

    let (event, decimals) = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        accounts.transfer().require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
        reserve.accrue(now.unix);
        let shares = reserve.supply(amount_atoms, shares_min).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);

        let lender = &mut accounts.lender.load_mut()?.state;
        lender.sync(&reserve.claims);
        let own = lender.shares.get().checked_add(shares).ok_or(PlimsollError::AmountTooLarge)?;
        lender.shares = Word128::new(own);
        let event = SupplyChanged {
            reserve: accounts.reserve.key(),
            lender: accounts.owner.key(),
            supplied: true,
            atoms: amount_atoms,
            shares,
            total_shares: reserve.supply_shares.get(),
            total_assets_atoms: reserve.assets_atoms(),
            sequence: reserve.sequence,
            slot: now.slot,
        };
        (event, reserve.decimals)
    };

    accounts.transfer().take_in(&accounts.owner, amount_atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
