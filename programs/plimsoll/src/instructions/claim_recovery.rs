//! Take what was recovered of one's losses, without touching one's shares. Works in a closed reserve too.

use anchor_lang::prelude::*;

use super::supply::ChangeSupply;
use crate::error::OrRefuse;
use crate::events::{self, RecoveryClaimed};
use crate::oracle;
use crate::tokens::Vault;

pub(crate) fn handle(ctx: Context<ChangeSupply>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    accounts.require_lender()?;

    let event = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        accounts.transfer().require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
        let lender = &mut accounts.lender.load_mut()?.state;
        let atoms = reserve.claim_recovery(lender).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        RecoveryClaimed {
            reserve: accounts.reserve.key(),
            lender: accounts.owner.key(),
            atoms,
            outstanding_atoms: lender.claim_atoms(),
            recovery_atoms: reserve.recovery_atoms,
            sequence: reserve.sequence,
            slot: now.slot,
        }
    };

    accounts.transfer().pay_out(&accounts.reserve, event.atoms)?;

    events::emit(&accounts.event_authority, &event)
}
