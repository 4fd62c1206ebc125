//! Let a backstop pool repay an unhealthy position's debt and take the collateral; the caller earns a tip of it. Anyone may.
//!
//! The plan is that of `liquidate` with the pool as its buyer, later and at better prices. No debt token moves: the pool's
//! deposits lie in the vault that they repay.

use anchor_lang::prelude::*;
use plimsoll_engine::backstop::absorption::{apply_absorption, plan_absorption, AbsorptionRequest, Buyer};
use plimsoll_engine::quote;

use super::liquidate::write_off_if_empty;
use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, PositionAbsorbed};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Backstop, Market, Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `backstop_liquidate`. Remaining accounts: the position's other reserves in slot order, then the offered
/// prices.
#[event_cpi]
#[derive(Accounts)]
pub struct BackstopLiquidate<'info> {
    /// Market.
    pub market: AccountLoader<'info, Market>,
    /// Position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// Reserve of the collateral to seize.
    #[account(mut)]
    pub seized_reserve: AccountLoader<'info, Reserve>,
    /// Reserve of the debt to repay.
    #[account(mut)]
    pub repaid_reserve: AccountLoader<'info, Reserve>,
    /// Pool of the repaid reserve.
    #[account(mut)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// Token account that receives the tip.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub tip_account: UncheckedAccount<'info>,
    /// Collateral vault of the seized reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub collateral_vault: UncheckedAccount<'info>,
    /// Mint of the seized reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub collateral_mint: UncheckedAccount<'info>,
    /// Token program of the seized reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub collateral_token_program: UncheckedAccount<'info>,
}

impl<'info> BackstopLiquidate<'info> {
    fn tip(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.tip_account,
            mint: &self.collateral_mint,
            vault: &self.collateral_vault,
            token_program: &self.collateral_token_program,
        }
    }
}

pub(crate) fn handle<'info>(
    ctx: Context<'info, BackstopLiquidate<'info>>,
    tip_min_atoms: u64,
    offered: u16,
) -> Result<()> {
    // Read.
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let (seized_key, repaid_key) = (accounts.seized_reserve.key(), accounts.repaid_reserve.key());
    require!(seized_key != repaid_key, PlimsollError::SameAccount);
    let market = &accounts.market.load()?.state;
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let collateral = position.collateral_index(seized_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let debt = position.debt_index(repaid_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let mut pool_account = accounts.backstop.load_mut()?;
    let pool = &mut pool_account.state;
    require_key(&pool.reserve, &repaid_key, PlimsollError::WrongBackstop)?;
    let slot = pool.collateral_index(seized_key.as_array()).or_refuse()?;
    let named = [accounts.seized_reserve.as_ref(), accounts.repaid_reserve.as_ref()];
    let legs = Legs::collect(position, &named, ctx.remaining_accounts, offered, now)?;
    let (prices, sale) = {
        let (seized, repaid) =
            (&mut accounts.seized_reserve.load_mut()?.state, &mut accounts.repaid_reserve.load_mut()?.state);
        accounts.tip().require(seized, Vault::Collateral)?;
        seized.keep_reading(legs.offered(&seized_key), &now);
        repaid.keep_reading(legs.offered(&repaid_key), &now);
        repaid.accrue(now.unix);
        let seized_price = seized.oracle_policy.permit_absorption(&seized.reading, &now);
        let repaid_price = repaid.oracle_policy.permit_absorption(&repaid.reading, &now);
        (seized_price.and(repaid_price), seized.sale_terms(&now))
    };

    // Decide.
    let request = AbsorptionRequest { collateral, debt, tip_min_atoms };
    let exposure = legs.exposure(position, OldReadings::Fade)?;
    let policy = &market.policy;
    // No protection order is asked for: the pool's business begins below one.
    let standing = position.standing((collateral, debt), policy, &now, Ok(())).in_market(market, &now);
    let buyer = Buyer { pool, slot, prices };
    let plan = plan_absorption(&buyer, &exposure, &sale, policy, &standing, &request, &now).or_refuse()?;

    // Apply.
    let mut seized_account = accounts.seized_reserve.load_mut()?;
    let mut repaid_account = accounts.repaid_reserve.load_mut()?;
    let (seized, repaid) = (&mut seized_account.state, &mut repaid_account.state);
    let slots = (collateral, debt);
    apply_absorption(&plan, position, slots, (seized, repaid), (pool, slot), policy, &now).or_refuse()?;
    let write_off = write_off_if_empty(&plan.trade, position, &repaid_key, repaid)?;
    for sequence in [&mut position.sequence, &mut seized.sequence, &mut repaid.sequence, &mut pool.sequence] {
        *sequence = sequence.wrapping_add(1);
    }
    let event = PositionAbsorbed {
        position: accounts.position.key(),
        owner: Pubkey::new_from_array(position.owner),
        backstop: accounts.backstop.key(),
        seized_reserve: seized_key,
        repaid_reserve: repaid_key,
        gain_atoms: plan.gain_atoms,
        tip_atoms: plan.tip_atoms,
        repay_atoms: plan.trade.repay_atoms,
        gross_factor_e9: quote::to_e9(plan.trade.gross_factor),
        health_before_e9: quote::to_e9(plan.trade.health_before),
        health_after_e9: quote::to_e9(plan.trade.health_after),
        seized_price: (&seized.reading).into(),
        repaid_price: (&repaid.reading).into(),
        is_terminal: plan.trade.is_terminal,
        is_throttled: plan.trade.is_throttled,
        auction_secs: standing.auction_secs,
        throttle_empty_at: seized.throttle.empty_at_unix(),
        pool_deposit_atoms: pool.deposit_atoms,
        written_off_atoms: write_off.owed_atoms,
        insurance_atoms: write_off.insurance_atoms,
        haircut_atoms: write_off.haircut_atoms,
        sequence: position.sequence,
        slot: now.slot,
    };
    drop((position_account, pool_account, seized_account, repaid_account));

    // Settle.
    if plan.tip_atoms > 0 {
        accounts.tip().pay_out(&accounts.seized_reserve, plan.tip_atoms)?;
    }

    // Report.
    events::emit(&accounts.event_authority, &event)
}
