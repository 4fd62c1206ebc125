use super::*;
use crate::fixed::Word128;
use crate::price::Reading;

/// `oracle_kind` of a Pyth pull feed (`PriceUpdateV2`).
pub const ORACLE_PYTH_PULL: u8 = 0;
/// `oracle_kind` of a Pyth push price account.
pub const ORACLE_PYTH_PUSH: u8 = 1;

/// `status` of a reserve in use.
pub const RESERVE_OPEN: u8 = 0;
/// `status` of a reserve whose loss ate its supply: redeem and repay only.
pub const RESERVE_CLOSED: u8 = 1;

/// `token_kind` of an SPL Token mint.
pub const TOKEN_SPL: u8 = 0;
/// `token_kind` of a Token-2022 mint.
pub const TOKEN_2022: u8 = 1;

state! {
    /// Accumulators of recovery claims (protocol, section 5.5).
    pub struct ClaimAccumulators {
        /// L: loss per share, 2^-104 of an atom, rounded down. Never falls.
        pub loss_per_share: Word128,
        /// P: what part of an old claim is still outstanding, 2^-127, rounded up.
        pub outstanding_factor: Word128,
        /// K: loss per share in units of P, 2^-104 of an atom, rounded up.
        pub claim_per_share: Word128,
        /// All that is outstanding, atoms, exact.
        pub outstanding: Word128,
        /// Raised when everything was paid.
        pub epoch: u32,
        /// Raised when P was rescaled; 0 at the beginning of an epoch.
        pub scale: u32,
    }
}

state! {
    /// Daily volatility, Q40.
    pub struct Volatility {
        /// Observed; enters initial health at once.
        pub sigma_q40: u64,
        /// Enters maintenance health; rises at a bounded speed.
        pub sigma_maintenance_q40: u64,
        /// When `sigma_maintenance_q40` was last moved.
        pub moved_at: i64,
        /// When the last sample was taken.
        pub sampled_at: i64,
        /// Price of that sample, in the reading's own exponent.
        pub sampled_price: u64,
        /// Exponent of that price.
        pub sampled_exponent: i64,
    }
}

state! {
    /// Sales throttle: a bucket that leaks, kept as the time at which it will be empty.
    pub struct SalesThrottle {
        /// When it will be empty: unix time, Q32 seconds, rounded up.
        pub empty_at_q32: u64,
        /// Zero.
        pub reserved: [u64; 3],
    }
}

state! {
    /// A signed bucket that runs toward zero from both sides: see [`outflow`](crate::outflow).
    pub struct Bucket {
        /// What is in it, atoms.
        pub filled: u64,
        /// When that was.
        pub updated_at: i64,
        /// 1 where that is below zero.
        pub negative: u64,
        /// What of that which came in since it was last at zero is forgotten, atoms.
        pub forgotten: u64,
    }
}

state! {
    /// A flash loan, open within a transaction at most. All zero where none is.
    pub struct FlashLoan {
        /// Lent, atoms; 0 means that no loan is open. Part of lenders' assets, not of cash.
        pub principal_atoms: u64,
        /// To be paid to insurance with its return, atoms.
        pub fee_atoms: u64,
        /// Cash before it, atoms.
        pub cash_atoms: u64,
        /// Supply shares before it.
        pub supply_shares: Word128,
        /// Zero.
        pub reserved: u64,
    }
}
const _: () = assert!(core::mem::size_of::<FlashLoan>() == 48);

state! {
    /// One token of a market: its two vaults and the ledgers in them, its debt and supply, its risk and its price.
    ///
    /// Warning: totals exclude interest since `accrued_at`; use the projections in [`interest`](crate::interest).
    pub struct ReserveState {
        /// Layout version.
        pub version: u8,
        /// Bump of the reserve's address, the authority of both vaults.
        pub bump: u8,
        /// Decimals of the mint.
        pub decimals: u8,
        /// Kind of price account: 0 Pyth pull, 1 Pyth push.
        pub oracle_kind: u8,
        /// Token program: 0 SPL Token, 1 Token-2022.
        pub token_kind: u8,
        /// 0 open, 1 closed (a loss ate the supply; redeem and repay only).
        pub status: u8,
        /// Zero.
        pub pad: [u8; 2],
        /// Rises by one with every instruction that writes this reserve; orders events.
        pub sequence: u64,
        /// Market.
        pub market: Pubkey,
        /// Mint.
        pub mint: Pubkey,
        /// Vault of supplied liquidity, insurance, fees, backstop deposits and the recovery pot.
        pub liquidity_vault: Pubkey,
        /// Vault of collateral, never lent.
        pub collateral_vault: Pubkey,
        /// Pyth feed id (pull) or address of the price account (push).
        pub oracle: Pubkey,
        /// Liquidity ledger: what can be lent or redeemed, atoms.
        pub cash_atoms: u64,
        /// Liquidity ledger: insurance, atoms.
        pub insurance_atoms: u64,
        /// Liquidity ledger: protocol fees, atoms.
        pub fee_atoms: u64,
        /// Liquidity ledger: backstop deposits, atoms.
        pub backstop_atoms: u64,
        /// Liquidity ledger: recovery paid in and not yet claimed, atoms.
        pub recovery_atoms: u64,
        /// Interest that belongs to insurance but is not yet in cash, atoms. Not part of lenders' assets.
        pub insurance_accrued_atoms: u64,
        /// Interest that belongs to the protocol but is not yet in cash, atoms. Not part of lenders' assets.
        pub fee_accrued_atoms: u64,
        /// Collateral ledger: collateral of positions, atoms.
        pub collateral_atoms: u64,
        /// Q: collateral that counts last-in, of positions that have or had debt, atoms. At least the true figure.
        pub counted_atoms: u64,
        /// Collateral ledger: left-overs of settled positions, atoms.
        pub insurance_collateral_atoms: u64,
        /// Collateral ledger: gains of backstop providers, atoms.
        pub backstop_collateral_atoms: u64,
        /// Unix time up to which interest is booked.
        pub accrued_at: i64,
        /// All debt shares, 2^-32 of an atom at index 1.
        pub debt_shares: Word128,
        /// Atoms per whole debt share, Q64, starts at 1, never falls.
        pub debt_index: Word128,
        /// All supply shares, without the virtual ones.
        pub supply_shares: Word128,
        /// Debt shares whose loss is provided for.
        pub provision_shares: Word128,
        /// Recovery claims.
        pub claims: ClaimAccumulators,
        /// Interest.
        pub rates: RateCurve,
        /// Maintenance terms in force at `ramped_at`.
        pub risk: RiskTerms,
        /// Maintenance terms they move to.
        pub risk_target: RiskTerms,
        /// When `risk` was in force.
        pub ramped_at: i64,
        /// Initial terms.
        pub initial: InitialTerms,
        /// Liquidation bonus.
        pub bonus: BonusTerms,
        /// When a price may be used.
        pub oracle_policy: OraclePolicy,
        /// Newest reading seen.
        pub reading: Reading,
        /// Volatility.
        pub volatility: Volatility,
        /// Sales throttle.
        pub throttle: SalesThrottle,
        /// When it was noticed that `reading` has grown old; 0 while nobody has. A newer reading clears it.
        pub stale_noticed_at: i64,
        /// Outflow limit, signed, atoms.
        pub outflow: Bucket,
        /// Limits.
        pub caps: Caps,
        /// Largest collateral cap executed so far, atoms.
        pub cap_seed_atoms: u64,
        /// When the collateral cap was last raised.
        pub cap_raised_at: i64,
        /// When the depth was last confirmed.
        pub depth_confirmed_at: i64,
        /// How long a confirmation lasts, seconds.
        pub depth_valid_secs: u64,
        /// Depth in force as if it never expired, atoms: what the throttle counts.
        pub throttle_depth_atoms: u64,
        /// Open flash loan.
        pub flash: FlashLoan,
        /// Recovery that fell on the virtual shares and went to insurance, ever, atoms.
        pub recovery_insured_atoms: u64,
        /// Zero.
        pub reserved: [u8; 856],
    }
}
assert_account!(ReserveState, 2_048);
