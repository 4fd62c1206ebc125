//! Pay a reserve's protocol fees to the market's treasury. Anyone may.

use anchor_lang::prelude::*;
use anchor_spl::token_interface::TokenAccount;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, FeesCollected};
use crate::oracle;
use crate::state::{Market, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `collect_fees`.
#[event_cpi]
#[derive(Accounts)]
pub struct CollectFees<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Reserve.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Token account owned by the market's treasury.
    #[account(mut)]
    pub treasury_liquidity: Box<InterfaceAccount<'info, TokenAccount>>,
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

pub(crate) fn handle(ctx: Context<CollectFees>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let treasury = accounts.market.load()?.state.treasury;
    require_key(&treasury, &accounts.treasury_liquidity.owner, PlimsollError::NotTreasury)?;
    let transfer = Transfer {
        user_account: accounts.treasury_liquidity.as_ref().as_ref(),
        mint: &accounts.mint,
        vault: &accounts.liquidity_vault,
        token_program: &accounts.token_program,
    };

    let event = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        require_key(&reserve.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
        transfer.require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
        reserve.accrue(now.unix);
        let atoms = reserve.take_fees().or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        FeesCollected { reserve: accounts.reserve.key(), atoms, sequence: reserve.sequence, slot: now.slot }
    };

    transfer.pay_out(&accounts.reserve, event.atoms)?;

    events::emit(&accounts.event_authority, &event)
}
