//! Repay an unhealthy position's debt and take collateral for it, at a bonus. Anyone may.
//!
//! Refuses, in this order: while liquidations are paused, a price that cannot be used, a healthy position (unless its owner's protection order allows it),
//! one that cools off, a pair that would not improve health, a throttle with nothing left, and what the caller's limits
//! exclude. The plan is the engine's, the same that a quote shows.

use anchor_lang::prelude::*;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest};
use plimsoll_engine::settlement::WriteOff;
use plimsoll_engine::state::{PositionState, ReserveState};
use plimsoll_engine::{quote, transitions};

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, PositionLiquidated};
use crate::legs::{Legs, OldReadings};
use crate::oracle;
use crate::state::{Market, Position, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `liquidate`. Remaining accounts: the position's other reserves in slot order, then the offered prices.
#[event_cpi]
#[derive(Accounts)]
pub struct Liquidate<'info> {
    /// Liquidator.
    pub liquidator: Signer<'info>,
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
    /// Liquidator's token account that pays.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub liquidator_liquidity: UncheckedAccount<'info>,
    /// Liquidity vault of the repaid reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub liquidity_vault: UncheckedAccount<'info>,
    /// Mint of the repaid reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub liquidity_mint: UncheckedAccount<'info>,
    /// Token program of the repaid reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub liquidity_token_program: UncheckedAccount<'info>,
    /// Liquidator's token account that receives the collateral.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub liquidator_collateral: UncheckedAccount<'info>,
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

impl<'info> Liquidate<'info> {
    fn repayment(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.liquidator_liquidity,
            mint: &self.liquidity_mint,
            vault: &self.liquidity_vault,
            token_program: &self.liquidity_token_program,
        }
    }

    fn seizure(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.liquidator_collateral,
            mint: &self.collateral_mint,
            vault: &self.collateral_vault,
            token_program: &self.collateral_token_program,
        }
    }
}

pub(crate) fn handle<'info>(
    ctx: Context<'info, Liquidate<'info>>,
    repay_max_atoms: u64,
    seize_min_atoms: u64,
    offered: u16,
) -> Result<()> {
    // Read: untrusted accounts become typed values here, and nowhere below.
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let (seized_key, repaid_key) = (accounts.seized_reserve.key(), accounts.repaid_reserve.key());
    require!(seized_key != repaid_key, PlimsollError::SameAccount);
    let market = accounts.market.load()?;
    let mut position_account = accounts.position.load_mut()?;
    let position = &mut position_account.state;
    require_key(&position.market, &accounts.market.key(), PlimsollError::WrongMarket)?;
    let collateral = position.collateral_index(seized_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let debt = position.debt_index(repaid_key.as_array()).ok_or(PlimsollError::SlotNotOpen)?;
    let named = [accounts.seized_reserve.as_ref(), accounts.repaid_reserve.as_ref()];
    let legs = Legs::collect(position, &named, ctx.remaining_accounts, offered, now)?;
    let mut seized_account = accounts.seized_reserve.load_mut()?;
    let mut repaid_account = accounts.repaid_reserve.load_mut()?;
    accounts.seizure().require(&seized_account.state, Vault::Collateral)?;
    accounts.repayment().require(&repaid_account.state, Vault::Liquidity)?;
    seized_account.state.keep_reading(legs.offered(&seized_key), &now);
    repaid_account.state.keep_reading(legs.offered(&repaid_key), &now);
    repaid_account.state.accrue(now.unix);
    let sale = seized_account.state.sale_terms(&now);
    drop((seized_account, repaid_account));

    // Decide: pure, and the same call the quote, the keeper and the simulator make.
    let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms };
    let exposure = legs.exposure(position, OldReadings::Fade)?;
    let policy = &market.state.policy;
    let standing = position.standing((collateral, debt), policy, &now, legs.prices_for_order(position)?);
    let standing = standing.in_market(&market.state, &now);
    let plan = plan_liquidation(&exposure, &sale, policy, &standing, &request, &now).or_refuse()?;

    // Apply: state first.
    let mut seized_account = accounts.seized_reserve.load_mut()?;
    let mut repaid_account = accounts.repaid_reserve.load_mut()?;
    let (seized, repaid) = (&mut seized_account.state, &mut repaid_account.state);
    transitions::apply_liquidation(&plan, position, (collateral, debt), (seized, repaid), policy, &now).or_refuse()?;
    let write_off = write_off_if_empty(&plan, position, &repaid_key, repaid)?;
    for sequence in [&mut position.sequence, &mut seized.sequence, &mut repaid.sequence] {
        *sequence = sequence.wrapping_add(1);
    }
    let event = PositionLiquidated {
        position: accounts.position.key(),
        owner: Pubkey::new_from_array(position.owner),
        liquidator: accounts.liquidator.key(),
        seized_reserve: seized_key,
        repaid_reserve: repaid_key,
        seize_atoms: plan.seize_atoms,
        repay_atoms: plan.repay_atoms,
        fee_atoms: plan.fee_atoms,
        gross_factor_e9: quote::to_e9(plan.gross_factor),
        health_before_e9: quote::to_e9(plan.health_before),
        health_after_e9: quote::to_e9(plan.health_after),
        seized_price: (&seized.reading).into(),
        repaid_price: (&repaid.reading).into(),
        is_terminal: plan.is_terminal,
        is_protection: plan.is_protection,
        is_throttled: plan.is_throttled,
        auction_secs: standing.auction_secs,
        throttle_empty_at: seized.throttle.empty_at_unix(),
        written_off_atoms: write_off.owed_atoms,
        insurance_atoms: write_off.insurance_atoms,
        haircut_atoms: write_off.haircut_atoms,
        sequence: position.sequence,
        slot: now.slot,
    };
    let debt_decimals = repaid.decimals;
    drop((market, position_account, seized_account, repaid_account));

    // Settle: the debt comes in before the collateral goes out.
    let paid_atoms = plan.repay_atoms.checked_add(plan.fee_atoms).ok_or(PlimsollError::AmountTooLarge)?;
    accounts.repayment().take_in(&accounts.liquidator, paid_atoms, debt_decimals)?;
    accounts.seizure().pay_out(&accounts.seized_reserve, plan.seize_atoms)?;

    // Report.
    events::emit(&accounts.event_authority, &event)
}

/// Settles the default where this liquidation took the last collateral and the repaid debt is the only one left.
/// (Other debts' reserves are not writable here: `settle_default` takes those.)
pub(super) fn write_off_if_empty(
    plan: &LiquidationPlan,
    position: &mut PositionState,
    repaid_key: &Pubkey,
    repaid: &mut ReserveState,
) -> Result<WriteOff> {
    let only_debt = position.debt_count == 1 && position.debt_index(repaid_key.as_array()) == Some(0);
    if !plan.takes_last_collateral || !only_debt {
        return Ok(WriteOff::default());
    }
    let shares = position.debts()[0].shares.get();
    let write_off = repaid.write_off(shares);
    repaid.release_provision(position.remove_debt(0, shares, transitions::PaidFor::Collateral).or_refuse()?);
    Ok(write_off)
}
