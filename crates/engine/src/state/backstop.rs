use super::*;
use crate::fixed::Word128;

/// Most collaterals a backstop opts in to.
pub const MAX_BACKSTOP_COLLATERALS: usize = 16;
/// Product-sum scales kept before a backstop pool closes to deposits.
pub const BACKSTOP_SCALES: usize = 8;

state! {
    /// One collateral a backstop has opted in to. Empty slots are zero and lie behind the used ones; a slot is never freed.
    pub struct BackstopCollateral {
        /// Reserve of the collateral.
        pub reserve: Pubkey,
        /// Collateral held for providers, claimed by none of them yet, atoms.
        pub atoms: u64,
        /// Concentration cap that was in force when it was last set: buys no more than this allows, atoms.
        pub cap_atoms: u64,
        /// Cap that takes its place at `next_cap_at`, atoms.
        pub next_cap_atoms: u64,
        /// When it does, unix time; 0 where none waits.
        pub next_cap_at: i64,
        /// S per scale of P: see [`backstop`](crate::backstop).
        pub sums: [Word128; BACKSTOP_SCALES],
    }
}

state! {
    /// A pool of the debt token that buys collateral nobody else buys.
    pub struct BackstopState {
        /// Layout version.
        pub version: u8,
        /// Bump of the pool's address.
        pub bump: u8,
        /// Used collaterals.
        pub collateral_count: u8,
        /// Generation in the seeds: the next opens when this one has used up its scales.
        pub generation: u8,
        /// Scale of P. At the last one the pool takes no more deposits.
        pub scale: u32,
        /// Rises by one with every instruction that writes this pool; orders events.
        pub sequence: u64,
        /// Market.
        pub market: Pubkey,
        /// Reserve of the debt token, whose `backstop_atoms` holds `deposit_atoms` and `warming_atoms`.
        pub reserve: Pubkey,
        /// Deposits that absorb and earn, atoms. At least the sum over providers.
        pub deposit_atoms: u64,
        /// Deposits that are warming up, atoms. The sum over providers.
        pub warming_atoms: u64,
        /// P: see [`backstop`](crate::backstop).
        pub product: Word128,
        /// Policy.
        pub policy: BackstopPolicy,
        /// Collaterals.
        pub collaterals: [BackstopCollateral; MAX_BACKSTOP_COLLATERALS],
        /// Zero.
        pub reserved: [u8; 328],
    }
}
assert_account!(BackstopState, 3_584);

state! {
    /// A provider's deposit in a backstop.
    ///
    /// Warning: deposit and gains are those of the last sync; use the views of [`BackstopState`].
    pub struct BackstopProviderState {
        /// Layout version.
        pub version: u8,
        /// Bump of the provider account's address.
        pub bump: u8,
        /// Zero.
        pub pad: [u8; 2],
        /// Scale at the last sync.
        pub scale: u32,
        /// Backstop.
        pub backstop: Pubkey,
        /// Owner.
        pub owner: Pubkey,
        /// Deposit in the pool at the last sync, atoms.
        pub deposit_atoms: u64,
        /// P at the last sync.
        pub product: Word128,
        /// S of that scale at the last sync, per collateral slot of the pool.
        pub sums: [Word128; MAX_BACKSTOP_COLLATERALS],
        /// Gains up to the last sync and not yet claimed, per collateral slot of the pool, atoms.
        pub gain_atoms: [u64; MAX_BACKSTOP_COLLATERALS],
        /// Deposit that is warming up, outside the pool, atoms.
        pub warming_atoms: u64,
        /// When that may join the pool; 0 when nothing is warming up.
        pub warm_at: i64,
        /// Requested withdrawal, atoms; it stays in the pool until taken. 0 when none is.
        pub requested_atoms: u64,
        /// When that may be taken; 0 when none is requested.
        pub matures_at: i64,
        /// Zero.
        pub reserved: [u8; 120],
    }
}
assert_account!(BackstopProviderState, 640);
