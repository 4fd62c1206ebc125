use super::*;
use crate::fixed::Word128;

/// Most collaterals of one position.
pub const MAX_COLLATERALS: usize = 8;
/// Most debts of one position.
pub const MAX_DEBTS: usize = 4;
/// Most reserves of one position.
pub const MAX_LEGS: usize = MAX_COLLATERALS + MAX_DEBTS;

state! {
    /// One collateral of a position. Empty slots are zero and lie behind the used ones.
    pub struct CollateralSlot {
        /// Reserve of the token.
        pub reserve: Pubkey,
        /// Collateral, atoms.
        pub atoms: u64,
        /// How much of it is in the reserve's `counted_atoms`, atoms.
        pub counted_atoms: u64,
        /// Zero.
        pub reserved: [u64; 2],
    }
}

state! {
    /// One debt of a position. Empty slots are zero and lie behind the used ones.
    pub struct DebtSlot {
        /// Reserve of the token.
        pub reserve: Pubkey,
        /// Debt shares, 2^-32 of an atom at index 1.
        pub shares: Word128,
        /// Debt shares whose loss is provided for.
        pub provision_shares: Word128,
        /// Share of the collateral this debt may take in a terminal sale, Q40, fixed at the mark or at the first such sale; 0
        /// while there is none.
        pub share_at_default_q40: u64,
        /// Zero.
        pub reserved: u64,
    }
}

state! {
    /// A borrower's collaterals and debts, margined together.
    pub struct PositionState {
        /// Layout version.
        pub version: u8,
        /// Bump of the position's address.
        pub bump: u8,
        /// Number in the position's seeds.
        pub id: u16,
        /// Used collateral slots.
        pub collateral_count: u8,
        /// Used debt slots.
        pub debt_count: u8,
        /// 1 once somebody was paid for marking this default.
        pub is_mark_paid: u8,
        /// Zero.
        pub pad: [u8; 1],
        /// Rises by one with every instruction that writes this position; orders events.
        pub sequence: u64,
        /// Market.
        pub market: Pubkey,
        /// Borrower.
        pub owner: Pubkey,
        /// When health was first seen below the call level; 0 when it was last seen at or above it.
        pub called_at: i64,
        /// When it was flagged; 0 when it is not.
        pub flagged_at: i64,
        /// Liquidatable time counted since the flag, seconds.
        pub auction_secs: u64,
        /// Unix time of the last sighting, up to which that was counted.
        pub auction_counted_at: i64,
        /// Not liquidatable up to and including this slot.
        pub cooling_until_slot: u64,
        /// When the default was marked; 0 when it was not.
        pub defaulted_at: i64,
        /// Protection order: health below which keepers may act, bps; 0 when there is none.
        pub protection_trigger_bps: u64,
        /// Protection order: bonus, bps.
        pub protection_bonus_bps: u64,
        /// When provisions were last booked.
        pub provisioned_at: i64,
        /// Collaterals.
        pub collaterals: [CollateralSlot; MAX_COLLATERALS],
        /// Debts.
        pub debts: [DebtSlot; MAX_DEBTS],
        /// Collateral taken in that sale, per debt and collateral, atoms.
        pub taken_atoms: [[u64; MAX_COLLATERALS]; MAX_DEBTS],
        /// Zero.
        pub reserved: [u8; 288],
    }
}
assert_account!(PositionState, 1_536);
