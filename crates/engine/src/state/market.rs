use super::*;

state! {
    /// Two times that bound a pause of one action.
    pub struct Pause {
        /// The action is paused until before this unix time; 0 when it never was.
        pub paused_until: i64,
        /// No new pause may begin before this unix time.
        pub not_before: i64,
    }
}

/// Room for actions that can be paused, see [`MarketState::pauses`].
pub const PAUSABLE_ACTIONS: usize = 8;

state! {
    /// Roles, policy and pause state of a market: a set of reserves that share them.
    pub struct MarketState {
        /// Layout version.
        pub version: u8,
        /// Bump of the market's address.
        pub bump: u8,
        /// Number in the market's seeds.
        pub id: u16,
        /// Bit 0: immutable once launched. Bit 1: launched.
        pub flags: u32,
        /// Owner of the market.
        pub admin: Pubkey,
        /// Who may pause.
        pub guardian: Pubkey,
        /// Who tunes risk.
        pub council: Pubkey,
        /// Admin to be, until it accepts; zero when none.
        pub pending_admin: Pubkey,
        /// Guardian to be; zero when none.
        pub pending_guardian: Pubkey,
        /// Council to be; zero when none.
        pub pending_council: Pubkey,
        /// Owner of the token accounts that receive protocol fees.
        pub treasury: Pubkey,
        /// Policy.
        pub policy: MarketPolicy,
        /// Pause state per action: see [`Pausable`](crate::pause::Pausable).
        pub pauses: [Pause; PAUSABLE_ACTIONS],
        /// Zero.
        pub reserved: [u8; 528],
    }
}
assert_account!(MarketState, 1_024);
