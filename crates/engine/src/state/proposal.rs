use super::*;

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
