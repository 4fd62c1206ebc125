//! Take a matured withdrawal out of a backstop pool: what was requested, or what is left of it.

use anchor_lang::prelude::*;

use super::deposit_backstop::ChangeBackstopDeposit;
use crate::error::OrRefuse;
use crate::events::{self, DepositChange};
use crate::oracle;

pub(crate) fn handle(ctx: Context<ChangeBackstopDeposit>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    accounts.require()?;

    let atoms = {
        let provider = &mut accounts.provider.load_mut()?.state;
        let atoms = accounts.backstop.load_mut()?.state.withdraw(provider, &now).or_refuse()?;
        accounts.reserve.load_mut()?.state.give_backstop(atoms).or_refuse()?;
        atoms
    };
    let event = accounts.report(DepositChange::Withdrawn, atoms)?;

    accounts.transfer().pay_out(&accounts.reserve, atoms)?;

    events::emit(&accounts.event_authority, &event)
}
