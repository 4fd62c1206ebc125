//! What a lender's supply or redemption would do.

use bytemuck::bytes_of;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::quote::{quote_lender, LenderQuote};
use plimsoll_engine::state::{LenderState, MarketState, ReserveState};
use plimsoll_engine::{Now, Result as Refusable};

use crate::bytes::{Input, Output};
use crate::reserve::{quote_reserve, ReserveQuote};
use crate::scene::code;
use crate::Mistake;

/// `kind` of a change: supply atoms.
pub const SUPPLY: u64 = 1;
/// Redeem shares.
pub const REDEEM: u64 = 2;

/// A change of a lender's supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct SupplyChange {
    /// Which.
    pub kind: u64,
    /// Atoms to supply; 0 for a redemption.
    pub atoms: u64,
    /// Shares to redeem; 0 for a supply.
    pub shares: Word128,
}

/// What it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct SupplyPreview {
    /// Code of the error it would be refused with, 0 for none; then nothing changes.
    pub refusal: u32,
    /// Zero.
    pub pad: u32,
    /// Atoms supplied or paid out.
    pub atoms: u64,
    /// Shares minted or burned.
    pub shares: Word128,
    /// The lender before.
    pub before: LenderQuote,
    /// The lender after.
    pub after: LenderQuote,
    /// The reserve after.
    pub reserve: ReserveQuote,
}

/// Reads the question, writes the preview.
pub(crate) fn answer(input: &mut Input, output: &mut Output) -> Result<(), Mistake> {
    let (now, market, reserve) = (input.now()?, input.market()?, input.reserve()?);
    let (lender, change) = (input.lender()?, input.pod()?);
    input.end()?;
    output.put(bytes_of(&preview((market, reserve), lender, &change, &now)?))
}

/// Previews a change of a lender's supply.
///
/// # Errors
/// `Malformed` where the kind is unknown.
pub fn preview(
    (market, mut reserve): (MarketState, ReserveState),
    mut lender: LenderState,
    change: &SupplyChange,
    now: &Now,
) -> Result<SupplyPreview, Mistake> {
    let before = quote_lender(&reserve, &lender, now);
    let unchanged = (reserve, lender);
    let done = match change.kind {
        SUPPLY => supply(&market, &mut reserve, &mut lender, change.atoms, now),
        REDEEM => redeem(&mut reserve, &mut lender, change.shares.get(), now),
        _ => return Err(Mistake::Malformed),
    };
    if done.is_err() {
        (reserve, lender) = unchanged;
    }
    let (atoms, shares) = done.unwrap_or_default();
    Ok(SupplyPreview {
        refusal: code(&done),
        pad: 0,
        atoms,
        shares: Word128::new(shares),
        before,
        after: quote_lender(&reserve, &lender, now),
        reserve: quote_reserve(&reserve, now),
    })
}

fn supply(
    market: &MarketState,
    reserve: &mut ReserveState,
    lender: &mut LenderState,
    atoms: u64,
    now: &Now,
) -> Refusable<(u64, u128)> {
    market.require_running(Pausable::Supply, now)?;
    reserve.require_no_flash()?;
    reserve.accrue(now.unix);
    let shares = reserve.supply(atoms, 0)?;
    lender.sync(&reserve.claims);
    lender.shares = Word128::new(lender.shares.get().saturating_add(shares));
    Ok((atoms, shares))
}

fn redeem(reserve: &mut ReserveState, lender: &mut LenderState, shares: u128, now: &Now) -> Refusable<(u64, u128)> {
    reserve.require_no_flash()?;
    reserve.accrue(now.unix);
    let left = lender.shares.get().checked_sub(shares).ok_or(plimsoll_engine::EngineError::AmountExceedsBalance)?;
    let atoms = reserve.redeem(shares, 0)?;
    lender.sync(&reserve.claims);
    lender.shares = Word128::new(left);
    Ok((atoms, shares))
}
