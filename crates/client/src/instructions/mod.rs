//! One builder per instruction: a plain struct in the user's words, and [`instruction`](Liquidate::instruction) makes the
//! call of it. What follows from state (vaults, legs, writable flags, the mask of offered prices) is filled in here.

use anchor_lang::{InstructionData, ToAccountMetas};
use plimsoll_engine::state::CollateralSlot;

use crate::accounts::{Position, Reserve};
use crate::address::EVENT_AUTHORITY;
use crate::{AccountMeta, Instruction, Pubkey, PROGRAM_ID};

mod backstop;
mod flash;
mod governing;
mod lending;
mod liquidating;
mod parameters;
mod positions;

pub use backstop::*;
pub use flash::*;
pub use governing::*;
pub use lending::*;
pub use liquidating::*;
pub use parameters::*;
pub use positions::*;

/// Why an instruction cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A price is offered for a reserve that is no leg of the position.
    #[error("a price is offered for reserve {reserve}, which is neither collateral nor debt of the position")]
    OfferedStranger {
        /// The reserve.
        reserve: Pubkey,
    },
    /// Two prices are offered for one reserve.
    #[error("two prices are offered for reserve {reserve}; offer the newer one")]
    OfferedTwice {
        /// The reserve.
        reserve: Pubkey,
    },
}

/// A price account offered for a reserve. A reserve without an offer counts at the newest reading it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Reserve.
    pub reserve: Pubkey,
    /// Price account.
    pub price: Pubkey,
}

/// One leg of a position in slot order.
#[derive(Clone, Copy)]
struct Leg {
    reserve: Pubkey,
    /// Set for a collateral that is not fully counted last-in.
    is_uncounted: bool,
}

/// The legs of a position, collaterals before debts. `new_debt` comes last where the position does not owe it yet.
fn legs(position: &Position, new_debt: Option<Pubkey>) -> Vec<Leg> {
    let is_uncounted = |slot: &CollateralSlot| slot.counted_atoms < slot.atoms;
    let collaterals = position.state.collaterals().iter();
    let mut legs: Vec<Leg> = collaterals
        .map(|slot| Leg { reserve: Pubkey::new_from_array(slot.reserve), is_uncounted: is_uncounted(slot) })
        .chain(
            position
                .state
                .debts()
                .iter()
                .map(|slot| Leg { reserve: Pubkey::new_from_array(slot.reserve), is_uncounted: false }),
        )
        .collect();
    if let Some(reserve) = new_debt.filter(|reserve| legs.iter().all(|leg| leg.reserve != *reserve)) {
        legs.push(Leg { reserve, is_uncounted: false });
    }
    legs
}

/// The legs of a position about to hold a collateral, which comes last among the collaterals where it is new.
fn legs_with_collateral(position: &Position, reserve: Pubkey) -> Vec<Leg> {
    let mut legs = legs(position, None);
    if legs.iter().all(|leg| leg.reserve != reserve) {
        legs.insert(position.state.collaterals().len(), Leg { reserve, is_uncounted: false });
    }
    legs
}

/// Remaining accounts of an action on a position, and the mask of what is offered: reserves that the instruction does not
/// name, then the offered prices, both in slot order.
fn remaining(
    legs: &[Leg],
    named: &[Pubkey],
    is_writable: impl Fn(&Leg) -> bool,
    offers: &[Offer],
) -> Result<(Vec<AccountMeta>, u16), BuildError> {
    for (index, offer) in offers.iter().enumerate() {
        let reserve = offer.reserve;
        if legs.iter().all(|leg| leg.reserve != reserve) {
            return Err(BuildError::OfferedStranger { reserve });
        }
        if offers.iter().take(index).any(|earlier| earlier.reserve == reserve) {
            return Err(BuildError::OfferedTwice { reserve });
        }
    }
    let unnamed = legs.iter().filter(|leg| !named.contains(&leg.reserve));
    let mut accounts: Vec<AccountMeta> = unnamed
        .map(|leg| AccountMeta { pubkey: leg.reserve, is_signer: false, is_writable: is_writable(leg) })
        .collect();
    let mut mask = 0;
    for (index, leg) in legs.iter().enumerate() {
        if let Some(offer) = offers.iter().find(|offer| offer.reserve == leg.reserve) {
            accounts.push(AccountMeta::new_readonly(offer.price, false));
            mask |= 1 << index;
        }
    }
    Ok((accounts, mask))
}

/// The call itself.
fn call(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id: PROGRAM_ID, accounts: accounts.to_account_metas(None), data: data.data() }
}

/// The call with remaining accounts.
fn call_with(accounts: impl ToAccountMetas, rest: Vec<AccountMeta>, data: impl InstructionData) -> Instruction {
    let mut instruction = call(accounts, data);
    instruction.accounts.extend(rest);
    instruction
}

/// The associated token account of an owner, where the caller names no other.
fn account_or_own(given: Option<Pubkey>, owner: &Pubkey, reserve: &Reserve) -> Pubkey {
    given.unwrap_or_else(|| reserve.token_account(owner))
}
