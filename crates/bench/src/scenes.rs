//! The transactions that are measured. One file a part of the protocol; names end up in `benches/compute_units.md`.

mod backstop;
mod governing;
mod lending;
mod liquidating;
mod losses;

use plimsoll::constants::*;
use plimsoll_client::address;
use plimsoll_testkit::prelude::*;

use crate::sheet::Sheet;

/// What a scene returns: a refusal ends the measuring.
pub type Played = Result<(), Box<Refused>>;

/// Plays every scene.
///
/// # Errors
/// The refusal of a transaction that must succeed.
pub fn play(sheet: &mut Sheet) -> Played {
    liquidating::play(sheet)?;
    lending::play(sheet)?;
    losses::play(sheet)?;
    backstop::play(sheet)?;
    governing::play(sheet)
}

/// Whether an address of the program follows from these seeds at the first bump. Creating an account searches its bump at
/// 1,500 units a step, so accounts that are created in a measure are made from keys for which there is nothing to search.
fn is_first(seeds: &[&[u8]]) -> bool {
    Pubkey::find_program_address(seeds, &plimsoll_client::PROGRAM_ID).1 == u8::MAX
}

/// Adds a token whose reserve, vaults and backstop lie at their first bumps.
fn add(world: &mut World, spec: Spec) -> (Token, Receipt) {
    let market = world.market;
    world.skip_keys_until(|mint| {
        let reserve = address::reserve(&market, mint);
        let reserve = reserve.as_ref();
        is_first(&[RESERVE_SEED, market.as_ref(), mint.as_ref()])
            && is_first(&[LIQUIDITY_VAULT_SEED, reserve])
            && is_first(&[COLLATERAL_VAULT_SEED, reserve])
            && is_first(&[BACKSTOP_SEED, reserve, &[0]])
    });
    let (token, outcome) = world.try_add(spec);
    (token, outcome.expect("a valid configuration makes a reserve"))
}

/// A lender whose account in a reserve lies at its first bump.
fn lender(world: &mut World, token: &Token) -> Lender {
    let reserve = token.reserve;
    world.skip_keys_until(|owner| is_first(&[LENDER_SEED, reserve.as_ref(), owner.as_ref()]));
    world.lender()
}

/// A borrower whose position, number 0, lies at its first bump.
fn borrower(world: &mut World) -> Borrower {
    let market = world.market;
    world.skip_keys_until(|owner| is_first(&[POSITION_SEED, market.as_ref(), owner.as_ref(), &0u16.to_le_bytes()]));
    world.borrower()
}
