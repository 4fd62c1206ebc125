//! Layouts of accounts whose behaviour comes later (backstop, proposals), fixed now so that nothing migrates.

use super::*;
use crate::fixed::Word128;

/// Most collaterals a backstop opts in to.
pub const MAX_BACKSTOP_COLLATERALS: usize = 16;
/// Product-sum scales kept before a backstop pool closes to deposits.
pub const BACKSTOP_SCALES: usize = 8;

state! {
    /// One collateral a backstop has opted in to.
    pub struct BackstopCollateral {
        /// Reserve of the collateral.
        pub reserve: Pubkey,
        /// Collateral held for providers, atoms.
        pub atoms: u64,
        /// Concentration cap, atoms.
        pub cap_atoms: u64,
        /// S per scale.
        pub sums: [Word128; BACKSTOP_SCALES],
    }
}

state! {
    /// A pool of the debt token that buys collateral nobody else buys.
    pub struct BackstopState {
        /// Layout version.
        pub version: u8,
        /// Bump.
        pub bump: u8,
        /// Used collaterals.
        pub collateral_count: u8,
        /// Generation in the seeds.
        pub generation: u8,
        /// Current scale of P.
        pub scale: u32,
        /// Orders events.
        pub sequence: u64,
        /// Market.
        pub market: Pubkey,
        /// Reserve of the debt token.
        pub reserve: Pubkey,
        /// Sum of deposits.
        pub deposits: Word128,
        /// P.
        pub product: Word128,
        /// Requested withdrawals, atoms.
        pub pending_atoms: u64,
        /// Policy.
        pub policy: [u64; 8],
        /// Collaterals.
        pub collaterals: [BackstopCollateral; MAX_BACKSTOP_COLLATERALS],
        /// Zero.
        pub reserved: [u8; 576],
    }
}
assert_account!(BackstopState, 3_584);

state! {
    /// A provider's deposit in a backstop.
    pub struct BackstopProviderState {
        /// Layout version.
        pub version: u8,
        /// Bump.
        pub bump: u8,
        /// Zero.
        pub pad: [u8; 2],
        /// Scale at the last sync.
        pub scale: u32,
        /// Backstop.
        pub backstop: Pubkey,
        /// Owner.
        pub owner: Pubkey,
        /// Deposit at the last sync, atoms.
        pub deposit_atoms: u64,
        /// P at the last sync.
        pub product: Word128,
        /// S at the last sync.
        pub sums: [Word128; MAX_BACKSTOP_COLLATERALS],
        /// Gains not yet claimed, atoms.
        pub gain_atoms: [u64; MAX_BACKSTOP_COLLATERALS],
        /// When the deposit becomes active.
        pub warm_at: i64,
        /// When a withdrawal was requested.
        pub requested_at: i64,
        /// When it matures.
        pub matures_at: i64,
        /// How much was requested, atoms.
        pub requested_atoms: u64,
        /// Zero.
        pub reserved: [u8; 120],
    }
}
assert_account!(BackstopProviderState, 640);

state! {
    /// A change waiting out its delay.
    pub struct ProposalState {
        /// Layout version.
        pub version: u8,
        /// Bump.
        pub bump: u8,
        /// Parameter.
        pub parameter: u16,
        /// Zero.
        pub pad: u32,
        /// Orders events.
        pub sequence: u64,
        /// Market.
        pub market: Pubkey,
        /// Account it changes.
        pub target: Pubkey,
        /// Who proposed it.
        pub proposer: Pubkey,
        /// Value it was written against.
        pub old: [u8; 32],
        /// Value to be.
        pub new: [u8; 32],
        /// When it was written.
        pub written_at: i64,
        /// When it may be executed.
        pub ripe_at: i64,
        /// When it lapses.
        pub expires_at: i64,
        /// Zero.
        pub reserved: [u8; 48],
    }
}
assert_account!(ProposalState, 256);
