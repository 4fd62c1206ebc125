//! Take all that a provider gained of one collateral.

use anchor_lang::prelude::*;

use super::deposit_backstop::require_provider;
use crate::error::OrRefuse;
use crate::events::{self, BackstopGainClaimed};
use crate::oracle;
use crate::state::{Backstop, BackstopProvider, Reserve};
use crate::tokens::{Transfer, Vault};

/// Accounts of `claim_backstop_gain`.
#[event_cpi]
#[derive(Accounts)]
pub struct ClaimBackstopGain<'info> {
    /// Provider.
    pub owner: Signer<'info>,
    /// Pool.
    #[account(mut)]
    pub backstop: AccountLoader<'info, Backstop>,
    /// Provider account of the signer in this pool.
    #[account(mut)]
    pub provider: AccountLoader<'info, BackstopProvider>,
    /// Reserve of the collateral gained.
    #[account(mut)]
    pub collateral_reserve: AccountLoader<'info, Reserve>,
    /// Signer's token account that receives.
    /// CHECK: The token program judges it.
    #[account(mut)]
    pub owner_collateral: UncheckedAccount<'info>,
    /// Collateral vault of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    #[account(mut)]
    pub collateral_vault: UncheckedAccount<'info>,
    /// Mint of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub mint: UncheckedAccount<'info>,
    /// Token program of the reserve.
    /// CHECK: `Transfer::require` compares it with the reserve's.
    pub token_program: UncheckedAccount<'info>,
}

impl<'info> ClaimBackstopGain<'info> {
    fn transfer(&self) -> Transfer<'_, 'info> {
        Transfer {
            user_account: &self.owner_collateral,
            mint: &self.mint,
            vault: &self.collateral_vault,
            token_program: &self.token_program,
        }
    }
}

pub(crate) fn handle(ctx: Context<ClaimBackstopGain>) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require_provider(&accounts.backstop, &accounts.provider, accounts.owner.key)?;

    let event = {
        let reserve = &mut accounts.collateral_reserve.load_mut()?.state;
        accounts.transfer().require(reserve, Vault::Collateral)?;
        reserve.require_no_flash().or_refuse()?;
        let pool = &mut accounts.backstop.load_mut()?.state;
        let provider = &mut accounts.provider.load_mut()?.state;
        let collateral = accounts.collateral_reserve.key();
        let index = pool.collateral_index(collateral.as_array()).or_refuse()?;
        let atoms = pool.claim_gain(provider, index, &now).or_refuse()?;
        reserve.give_backstop_gain(atoms).or_refuse()?;
        for sequence in [&mut reserve.sequence, &mut pool.sequence] {
            *sequence = sequence.wrapping_add(1);
        }
        BackstopGainClaimed {
            backstop: accounts.backstop.key(),
            provider: accounts.provider.key(),
            owner: accounts.owner.key(),
            collateral_reserve: collateral,
            atoms,
            standing: (&*provider).into(),
            pool_collateral_atoms: pool.collaterals()[index].atoms,
            sequence: pool.sequence,
            slot: now.slot,
        }
    };

    accounts.transfer().pay_out(&accounts.collateral_reserve, event.atoms)?;

    events::emit(&accounts.event_authority, &event)
}
