//! Take back a deposit that is still warming up: it never was part of the pool.

use anchor_lang::prelude::*;
use plimsoll_engine::state::BackstopState;

use super::deposit_backstop::{pay_back, ChangeBackstopDeposit};
use crate::events::DepositChange;

pub(crate) fn handle(ctx: Context<ChangeBackstopDeposit>) -> Result<()> {
    pay_back(ctx.accounts, DepositChange::Cancelled, BackstopState::take_back)
}
