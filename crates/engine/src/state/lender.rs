use super::*;
use crate::fixed::Word128;

state! {
    /// A lender's supply to one reserve, and the claim for haircuts taken.
    pub struct LenderState {
        /// Layout version.
        pub version: u8,
        /// Bump of the lender account's address.
        pub bump: u8,
        /// Zero.
        pub pad: [u8; 6],
        /// Reserve.
        pub reserve: Pubkey,
        /// Lender.
        pub owner: Pubkey,
        /// Supply shares.
        pub shares: Word128,
        /// Claim at the last sync, 2^-48 of an atom, rounded up.
        pub claim: Word128,
        /// P at the last sync.
        pub outstanding_factor: Word128,
        /// K at the last sync.
        pub claim_per_share: Word128,
        /// L at the last sync.
        pub loss_per_share: Word128,
        /// Epoch at the last sync.
        pub epoch: u32,
        /// Scale at the last sync.
        pub scale: u32,
        /// Recovery paid so far and not yet withdrawn, atoms.
        pub recovered_atoms: u64,
        /// Recovered beyond that, less than an atom, 2^-48 of an atom.
        pub recovered_rest: u64,
        /// Zero.
        pub reserved: [u8; 72],
    }
}
assert_account!(LenderState, 256);
