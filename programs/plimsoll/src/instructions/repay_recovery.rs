//! Pay back what lenders lost: to those who bore it, in proportion to what each is still owed. Anyone may.

use anchor_lang::prelude::*;

use super::fund_insurance::FundInsurance;
use crate::error::OrRefuse;
use crate::events::{self, RecoveryRepaid};
use crate::oracle;
use crate::tokens::Vault;

/// The accounts are those of `fund_insurance`. No interest is booked: nothing here is lent or was.
pub(crate) fn handle(ctx: Context<FundInsurance>, amount_atoms_max: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    let transfer = accounts.transfer();

    let (event, decimals) = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        transfer.require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
        let recovery = reserve.repay_recovery(amount_atoms_max).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        let event = RecoveryRepaid {
            reserve: accounts.reserve.key(),
            payer: accounts.payer.key(),
            atoms: recovery.atoms,
            insurance_atoms: recovery.insurance_atoms,
            outstanding_atoms: reserve.claims.outstanding_atoms(),
            recovery_atoms: reserve.recovery_atoms,
            sequence: reserve.sequence,
            slot: now.slot,
        };
        (event, reserve.decimals)
    };

    transfer.take_in(&accounts.payer, event.atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
