//! Take a matured withdrawal out of a backstop pool: what was requested, or what is left of it.

use anchor_lang::prelude::*;
use plimsoll_engine::state::BackstopState;

use super::deposit_backstop::{pay_back, ChangeBackstopDeposit};
use crate::events::DepositChange;

pub(crate) fn handle(ctx: Context<ChangeBackstopDeposit>) -> Result<()> {
    pay_back(ctx.accounts, DepositChange::Withdrawn, BackstopState::withdraw)
}
