//! Redeem shares for liquidity: needs no price and cannot be paused.

use anchor_lang::prelude::*;
use plimsoll_engine::fixed::Word128;

use super::supply::ChangeSupply;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, SupplyChanged};
use crate::oracle;
use crate::tokens::Vault;

pub(crate) fn handle(ctx: Context<ChangeSupply>, shares: u128, assets_min_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    accounts.require_lender()?;

    let event = {
        let lender = &mut accounts.lender.load_mut()?.state;
        let left = lender.shares.get().checked_sub(shares).ok_or(PlimsollError::AmountExceedsBalance)?;

        let reserve = &mut accounts.reserve.load_mut()?.state;
        accounts.transfer().require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()?;
        reserve.accrue(now.unix);
        let atoms = reserve.redeem(shares, assets_min_atoms).or_refuse()?;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        lender.sync(&reserve.claims);
        lender.shares = Word128::new(left);
        SupplyChanged {
            reserve: accounts.reserve.key(),
            lender: accounts.owner.key(),
            supplied: false,
            atoms,
            shares,
            total_shares: reserve.supply_shares.get(),
            total_assets_atoms: reserve.assets_atoms(),
            sequence: reserve.sequence,
            slot: now.slot,
        }
    };

    accounts.transfer().pay_out(&accounts.reserve, event.atoms)?;

    events::emit(&accounts.event_authority, &event)
}
