//! Change a parameter at once, where that tightens. Admin or council may.
//!
//! What enters maintenance health is only signed here: the terms in force walk there, a step an hour.

use anchor_lang::prelude::*;
use plimsoll_engine::governance::proposals::tighten;
use plimsoll_engine::governance::{Parameter, ParameterValue, Subject};

use super::require_key;
use crate::error::{OrRefuse, PlimsollError};
use crate::events::{self, ParameterChanged};
use crate::oracle;
use crate::state::{Market, Reserve};

/// Accounts of `tighten_parameter`.
#[event_cpi]
#[derive(Accounts)]
pub struct TightenParameter<'info> {
    /// Admin or council of the market.
    pub authority: Signer<'info>,
    /// Market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// Reserve, for a parameter of one; none for a parameter of the market.
    #[account(mut)]
    pub reserve: Option<AccountLoader<'info, Reserve>>,
}

/// Key of what a parameter belongs to: the reserve, or the market where there is none.
pub(super) fn target_of(market: &AccountLoader<Market>, reserve: &Option<AccountLoader<Reserve>>) -> Pubkey {
    reserve.as_ref().map_or(market.key(), |reserve| reserve.key())
}

/// Does something to what a parameter belongs to.
pub(super) fn with_subject<T>(
    market: &AccountLoader<Market>,
    reserve: &Option<AccountLoader<Reserve>>,
    act: impl FnOnce(&mut Subject) -> plimsoll_engine::Result<T>,
) -> Result<T> {
    let Some(reserve) = reserve else {
        return act(&mut Subject::Market(&mut market.load_mut()?.state)).or_refuse();
    };
    let state = &mut reserve.load_mut()?.state;
    require_key(&state.market, &market.key(), PlimsollError::WrongMarket)?;
    act(&mut Subject::Reserve(state, &market.load()?.state)).or_refuse()
}

/// Checks that the signer is admin or council.
pub(super) fn require_council(market: &AccountLoader<Market>, signer: &Pubkey) -> Result<()> {
    let state = &market.load()?.state;
    let may = [&state.admin, &state.council].contains(&signer.as_array());
    require!(may, PlimsollError::NotCouncil);
    Ok(())
}

pub(crate) fn handle(ctx: Context<TightenParameter>, parameter: u16, value: [u8; 32]) -> Result<()> {
    let accounts = &ctx.accounts;
    let now = oracle::now()?;
    require_council(&accounts.market, accounts.authority.key)?;
    let known = Parameter::of(parameter).or_refuse()?;

    let old = with_subject(&accounts.market, &accounts.reserve, |subject| {
        let old = subject.read(known)?;
        tighten(subject, known, &ParameterValue(value), &now)?;
        Ok(old)
    })?;

    let event = ParameterChanged {
        market: accounts.market.key(),
        target: target_of(&accounts.market, &accounts.reserve),
        parameter,
        old: old.0,
        new: value,
        slot: now.slot,
    };
    events::emit(&accounts.event_authority, &event)
}
