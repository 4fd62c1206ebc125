//! Request a withdrawal from a backstop pool. What is requested stays in the pool, and absorbs, until it is taken.

use anchor_lang::prelude::*;

use super::deposit_backstop::{report, require_provider};
use crate::error::OrRefuse;
use crate::events::{self, DepositChange};
use crate::oracle;
use crate::state::{Backstop, BackstopProvider};

/// Accounts of `request_backstop_withdrawal`.
#[event_cpi]
#[derive(Accounts)]
pub struct RequestBackstopWithdrawal<'info> {
    /// Provider.
    pub owner: Signer<'info>,
    /// Pool.
    #[account(mut)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// Provider account of the signer in this pool.
    #[account(mut)]
    pub provider: AccountLoader<'info, BackstopProvider>,
}

pub(crate) fn handle(ctx: Context<RequestBackstopWithdrawal>, amount_atoms: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require_provider(&accounts.backstop, &accounts.provider, accounts.owner.key)?;

    {
        let provider = &mut accounts.provider.load_mut()?.state;
        accounts.backstop.load_mut()?.state.request_withdrawal(provider, amount_atoms, &now).or_refuse()?;
    }

    let event = report(&accounts.backstop, &accounts.provider, DepositChange::Requested, amount_atoms)?;
    events::emit(&accounts.event_authority, &event)
}
