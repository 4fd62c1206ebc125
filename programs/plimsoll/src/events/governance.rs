//! Events of governance.

use anchor_lang::prelude::*;

/// A parameter was changed: at once, or by a proposal.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterChanged {
    /// Market.
    pub market: Pubkey,
    /// What it belongs to: the market, or a reserve.
    pub target: Pubkey,
    /// Number of the parameter.
    pub parameter: u16,
    /// Value before: a number in eight bytes, little-endian, or a key.
    pub old: [u8; 32],
    /// Value signed. What enters maintenance health walks there.
    pub new: [u8; 32],
    /// Slot.
    pub slot: u64,
}

/// The depth of a token's market was confirmed.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthConfirmed {
    /// Market.
    pub market: Pubkey,
    /// Reserve of the token.
    pub reserve: Pubkey,
    /// Depth signed before, atoms.
    pub before_atoms: u64,
    /// Depth signed now, atoms. Where it is lower, the depth in force walks there.
    pub depth_atoms: u64,
    /// When it expires unless it is confirmed again, unix time.
    pub expires_at: i64,
    /// Slot.
    pub slot: u64,
}

/// A change was proposed.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterProposed {
    /// Market.
    pub market: Pubkey,
    /// What it belongs to: the market, or a reserve.
    pub target: Pubkey,
    /// Proposal.
    pub proposal: Pubkey,
    /// Number of the parameter.
    pub parameter: u16,
    /// Value it was written against.
    pub old: [u8; 32],
    /// Value it would have.
    pub new: [u8; 32],
    /// When it may be executed, unix time.
    pub ripe_at: i64,
    /// When it may no longer be.
    pub expires_at: i64,
    /// Slot.
    pub slot: u64,
}

/// A proposal was cancelled.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalCancelled {
    /// Market.
    pub market: Pubkey,
    /// What its parameter belongs to.
    pub target: Pubkey,
    /// Number of the parameter.
    pub parameter: u16,
    /// Who cancelled it.
    pub by: Pubkey,
    /// Slot.
    pub slot: u64,
}

/// A role has a new holder.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAccepted {
    /// Market.
    pub market: Pubkey,
    /// Number of the role: 0 admin, 1 guardian, 2 council.
    pub role: u8,
    /// Who holds it now.
    pub holder: Pubkey,
    /// Slot.
    pub slot: u64,
}

/// A market was launched.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketLaunched {
    /// Market.
    pub market: Pubkey,
    /// Slot.
    pub slot: u64,
}
