//! One instruction a file, five paragraphs each: read, decide, apply, settle, report.

use anchor_lang::prelude::*;

use crate::error::PlimsollError;

pub mod accept_role;
pub mod accrue_interest;
pub mod backstop_liquidate;
pub mod borrow;
pub mod cancel_backstop_deposit;
pub mod cancel_proposal;
pub mod claim_backstop_gain;
pub mod claim_recovery;
pub mod close_backstop_provider;
pub mod close_lender;
pub mod close_position;
pub mod collect_fees;
pub mod confirm_depth;
pub mod create_backstop;
pub mod create_market;
pub mod create_reserve;
pub mod deposit_backstop;
pub mod deposit_collateral;
pub mod execute_proposal;
pub mod flag_position;
pub mod flash_borrow;
pub mod flash_repay;
pub mod fund_insurance;
pub mod join_backstop;
pub mod launch_market;
pub mod liquidate;
pub mod mark_default;
pub mod notice_stale_price;
pub mod open_backstop_provider;
pub mod open_lender;
pub mod open_position;
pub mod pause;
pub mod propose_parameter;
pub mod quote_backstop_provider;
pub mod quote_lender;
pub mod quote_lender_exposure;
pub mod quote_liquidation;
pub mod quote_position;
pub mod redeem;
pub mod refresh_reserves;
pub mod repay;
pub mod repay_recovery;
pub mod request_backstop_withdrawal;
pub mod set_backstop_collateral;
pub mod set_protection_order;
pub mod settle_default;
pub mod supply;
pub mod tighten_parameter;
pub mod uncount_position;
pub mod withdraw_backstop;
pub mod withdraw_collateral;

pub use accept_role::*;
pub use accrue_interest::*;
pub use backstop_liquidate::*;
pub use borrow::*;
pub use cancel_proposal::*;
pub use claim_backstop_gain::*;
pub use close_backstop_provider::*;
pub use close_lender::*;
pub use close_position::*;
pub use collect_fees::*;
pub use confirm_depth::*;
pub use create_backstop::*;
pub use create_market::*;
pub use create_reserve::*;
pub use deposit_backstop::*;
pub use deposit_collateral::*;
pub use execute_proposal::*;
pub use flag_position::*;
pub use flash_borrow::*;
pub use flash_repay::*;
pub use fund_insurance::*;
pub use join_backstop::*;
pub use launch_market::*;
pub use liquidate::*;
pub use mark_default::*;
pub use notice_stale_price::*;
pub use open_backstop_provider::*;
pub use open_lender::*;
pub use open_position::*;
pub use pause::*;
pub use propose_parameter::*;
pub use quote_backstop_provider::*;
pub use quote_lender::*;
pub use quote_lender_exposure::*;
pub use quote_position::*;
pub use refresh_reserves::*;
pub use repay::*;
pub use request_backstop_withdrawal::*;
pub use set_backstop_collateral::*;
pub use set_protection_order::*;
pub use settle_default::*;
pub use supply::*;
pub use tighten_parameter::*;
pub use uncount_position::*;
pub use withdraw_collateral::*;

/// Refuses unless a stored key is this account's. (`has_one` cannot compare keys nested in engine state.)
fn require_key(stored: &[u8; 32], account: &Pubkey, error: PlimsollError) -> Result<()> {
    if stored != account.as_array() {
        return Err(error.into());
    }
    Ok(())
}
