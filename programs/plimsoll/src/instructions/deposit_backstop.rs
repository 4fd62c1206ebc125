//! Deposit into a backstop pool. The deposit warms up first: until it joins it neither absorbs nor earns.

use anchor_lang::prelude::*;
use plimsoll_engine::state::{BackstopProviderState, BackstopState};
use plimsoll_engine::Now;

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, BackstopDepositChanged, DepositChange};
use crate::oracle;
use crate::state::{Backstop, BackstopProvider, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `deposit_backstop`, `cancel_backstop_deposit` and `withdraw_backstop`.
#[event_cpi]
#[derive(Accounts)]
pub struct ChangeBackstopDeposit<'info> {
    /// Provider.
    pub owner: Signer<'info>,
    /// Reserve of the debt token, whose liquidity vault holds the deposits.
    #[account(mut)]
    pub reserve: AccountLoader<'info, Reserve>,
    /// Pool.
    #[account(mut)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// Provider account of the signer in this pool.
    #[account(mut)]
    pub provider: AccountLoader<'info, BackstopProvider>,
    /// Signer's token account.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub owner_liquidity: UncheckedAccount<'info>,
    /// Liquidity vault of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub liquidity_vault: UncheckedAccount<'info>,
    /// Mint of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub mint: UncheckedAccount<'info>,
    /// Token program of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub token_program: UncheckedAccount<'info>,
}

impl<'info> ChangeBackstopDeposit<'info> {
    /// The transfer between provider and liquidity vault.
    fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.owner_liquidity,
            mint: &self.mint,
            vault: &self.liquidity_vault,
            token_program: &self.token_program,
        }
    }

    /// Checks that the pool is the reserve's, the provider account the signer's in this pool, that the tokens are the
    /// reserve's, and that none of it is lent in a flash.
    fn require(&self) -> Result<()> {
        require_provider(&self.backstop, &self.provider, self.owner.key)?;
        require_key(&self.backstop.load()?.state.reserve, &self.reserve.key(), PlimsollError::WrongReserve)?;
        let reserve = &self.reserve.load()?.state;
        self.transfer().require(reserve, Vault::Liquidity)?;
        reserve.require_no_flash().or_refuse()
    }

    /// Counts this change of pool and reserve, and says what came of it.
    fn report(&self, change: DepositChange, atoms: u64) -> Result<BackstopDepositChanged> {
        let reserve = &mut self.reserve.load_mut()?.state;
        reserve.sequence = reserve.sequence.wrapping_add(1);
        report(&self.backstop, &self.provider, change, atoms)
    }
}

/// Pays the provider what `take` takes out of its account, and reports it.
pub(super) fn pay_back(
    accounts: &ChangeBackstopDeposit,
    change: DepositChange,
    take: impl FnOnce(&mut BackstopState, &mut BackstopProviderState, &Now) -> plimsoll_engine::Result<u64>,
) -> Result<()> {
    let now = oracle::now()?;
    accounts.require()?;

    let atoms = {
        let provider = &mut accounts.provider.load_mut()?.state;
        let atoms = take(&mut accounts.backstop.load_mut()?.state, provider, &now).or_refuse()?;
        accounts.reserve.load_mut()?.state.give_backstop(atoms).or_refuse()?;
        atoms
    };
    let event = accounts.report(change, atoms)?;

    accounts.transfer().pay_out(&accounts.reserve, atoms)?;

    events::emit(&accounts.event_authority, &event)
}

/// Checks that a provider account is this owner's, in this pool.
pub(super) fn require_provider(
    backstop: &AccountLoader<Backstop>,
    provider: &AccountLoader<BackstopProvider>,
    owner: &Pubkey,
) -> Result<()> {
    let provider = &provider.load()?.state;
    require_key(&provider.backstop, &backstop.key(), PlimsollError::WrongBackstop)?;
    require_key(&provider.owner, owner, PlimsollError::NotOwner)
}

/// Counts a change of a pool, and says what came of it.
pub(super) fn report(
    backstop: &AccountLoader<Backstop>,
    provider: &AccountLoader<BackstopProvider>,
    change: DepositChange,
    atoms: u64,
) -> Result<BackstopDepositChanged> {
    let pool = &mut backstop.load_mut()?.state;
    pool.sequence = pool.sequence.wrapping_add(1);
    let state = &provider.load()?.state;
    Ok(BackstopDepositChanged {
        backstop: backstop.key(),
        provider: provider.key(),
        owner: Pubkey::new_from_array(state.owner),
        change,
        atoms,
        standing: state.into(),
        pool_deposit_atoms: pool.deposit_atoms,
        pool_warming_atoms: pool.warming_atoms,
        sequence: pool.sequence,
        slot: Clock::get()?.slot,
    })
}

pub(crate) fn handle(ctx: Context<ChangeBackstopDeposit>, amount_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    accounts.require()?;

    let decimals = {
        let reserve = &mut accounts.reserve.load_mut()?.state;
        let provider = &mut accounts.provider.load_mut()?.state;
        accounts.backstop.load_mut()?.state.deposit(provider, amount_atoms, &now).or_refuse()?;
        reserve.receive_backstop(amount_atoms).or_refuse()?;
        reserve.decimals
    };
    let event = accounts.report(DepositChange::Deposited, amount_atoms)?;

    accounts.transfer().take_in(&accounts.owner, amount_atoms, decimals)?;

    events::emit(&accounts.event_authority, &event)
}
