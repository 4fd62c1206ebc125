//! How large the program and its accounts are, and the lamports that keep them on the chain.

use std::mem::size_of;

use litesvm::LiteSVM;
use plimsoll_engine::state::*;

/// Bytes of an account's discriminator.
const DISCRIMINATOR: usize = 8;
/// Bytes of a token account without extensions.
const TOKEN_ACCOUNT: usize = 165;

/// An account's size and the balance that frees it from rent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// What it is.
    pub name: &'static str,
    /// Bytes of data.
    pub bytes: usize,
    /// Lamports.
    pub rent_lamports: u64,
}

/// Every kind of account; a vault is a token account.
pub fn accounts() -> Vec<Size> {
    let svm = LiteSVM::new();
    let kinds = [
        ("market", DISCRIMINATOR + size_of::<MarketState>()),
        ("reserve", DISCRIMINATOR + size_of::<ReserveState>()),
        ("vault", TOKEN_ACCOUNT),
        ("position", DISCRIMINATOR + size_of::<PositionState>()),
        ("lender", DISCRIMINATOR + size_of::<LenderState>()),
        ("backstop", DISCRIMINATOR + size_of::<BackstopState>()),
        ("backstop_provider", DISCRIMINATOR + size_of::<BackstopProviderState>()),
        ("proposal", DISCRIMINATOR + size_of::<ProposalState>()),
    ];
    let size = |(name, bytes)| Size { name, bytes, rent_lamports: svm.minimum_balance_for_rent_exemption(bytes) };
    kinds.into_iter().map(size).collect()
}
