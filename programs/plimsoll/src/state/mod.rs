//! Accounts: thin wrappers that give the engine's state a discriminator. Seeds are in [`constants`](crate::constants).

use anchor_lang::prelude::*;
use plimsoll_engine::state as engine;
use std::cell::{Ref, RefMut};

use crate::error::PlimsollError;

/// A set of reserves that share roles and policy. Seeds: `["market", id]`.
#[account(zero_copy)]
pub struct Market {
    /// State.
    pub state: engine::MarketState,
}

/// One token of a market. Seeds: `["reserve", market, mint]`. Authority of its two vaults.
#[account(zero_copy)]
pub struct Reserve {
    /// State.
    pub state: engine::ReserveState,
}

/// A borrower's collaterals and debts. Seeds: `["position", market, owner, id]`.
#[account(zero_copy)]
pub struct Position {
    /// State.
    pub state: engine::PositionState,
}

/// A lender's supply to one reserve. Seeds: `["lender", reserve, owner]`.
#[account(zero_copy)]
pub struct Lender {
    /// State.
    pub state: engine::LenderState,
}

/// A pool of a debt token that buys collateral nobody else buys. Seeds: `["backstop", reserve, generation]`.
#[account(zero_copy)]
pub struct Backstop {
    /// State.
    pub state: engine::BackstopState,
}

/// A provider's deposit in a backstop pool. Seeds: `["backstop_provider", backstop, owner]`.
#[account(zero_copy)]
pub struct BackstopProvider {
    /// State.
    pub state: engine::BackstopProviderState,
}

/// A change that waits out its delay. Seeds: `["proposal", market or reserve, parameter]`.
#[account(zero_copy)]
pub struct Proposal {
    /// State.
    pub state: engine::ProposalState,
}

/// A reserve among the remaining accounts, checked once. (Owner, discriminator and length change in no instruction.)
#[derive(Clone, Copy)]
pub struct ReserveInfo<'a, 'info>(&'a AccountInfo<'info>);

impl<'a, 'info> ReserveInfo<'a, 'info> {
    /// Checks that an account is a reserve of this program.
    pub fn of(info: &'a AccountInfo<'info>) -> Result<Self> {
        require_reserve(info)?;
        Ok(Self(info))
    }

    /// The account.
    pub fn account(&self) -> &'a AccountInfo<'info> {
        self.0
    }

    /// Its state.
    pub fn view(&self) -> Result<Ref<'a, engine::ReserveState>> {
        Ok(Ref::map(self.0.try_borrow_data()?, |data| bytemuck::from_bytes(&data[8..])))
    }
}

/// Checks that an account is a reserve of this program: owner, discriminator, length.
fn require_reserve(info: &AccountInfo) -> Result<()> {
    require!(*info.owner == crate::ID, PlimsollError::NotAReserve);
    let data = info.try_borrow_data()?;
    let fits =
        data.len() == 8 + std::mem::size_of::<engine::ReserveState>() && data.starts_with(Reserve::DISCRIMINATOR);
    require!(fits, PlimsollError::NotAReserve);
    Ok(())
}

/// Reads a reserve among the remaining accounts.
pub fn view_reserve<'a>(info: &'a AccountInfo) -> Result<Ref<'a, engine::ReserveState>> {
    ReserveInfo::of(info)?.view()
}

/// Writes a reserve among the remaining accounts.
pub fn edit_reserve<'a>(info: &'a AccountInfo) -> Result<RefMut<'a, engine::ReserveState>> {
    require_reserve(info)?;
    require!(info.is_writable, PlimsollError::LegNotWritable);
    Ok(RefMut::map(info.try_borrow_mut_data()?, |data| bytemuck::from_bytes_mut(&mut data[8..])))
}
