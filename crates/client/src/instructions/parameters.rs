//! Parameters and roles: what admin and council do, and what anyone does with a proposal.

use plimsoll_engine::governance::proposals::Role;
use plimsoll_engine::governance::{Parameter, ParameterValue};

use super::*;
use crate::address;

/// A parameter of a market, or of one of its reserves.
#[derive(Clone, Copy, Debug)]
pub struct ParameterOf {
    /// Market.
    pub market: Pubkey,
    /// Reserve; none for a parameter of the market.
    pub reserve: Option<Pubkey>,
    /// Parameter.
    pub parameter: Parameter,
}

impl ParameterOf {
    /// The proposal that may stand for it.
    pub fn proposal(&self) -> Pubkey {
        address::proposal(&self.reserve.unwrap_or(self.market), self.parameter)
    }

    /// Change it at once, where that tightens. Admin or council signs.
    pub fn tighten(&self, authority: Pubkey, value: ParameterValue) -> Instruction {
        let accounts = plimsoll::accounts::TightenParameter {
            authority,
            market: self.market,
            reserve: self.reserve,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let parameter = self.parameter as u16;
        call(accounts, plimsoll::instruction::TightenParameter { parameter, value: value.0 })
    }

    /// Propose a change that does not tighten. Admin or council signs, and pays for the account.
    pub fn propose(&self, proposer: Pubkey, value: ParameterValue) -> Instruction {
        let accounts = plimsoll::accounts::ProposeParameter {
            proposer,
            market: self.market,
            reserve: self.reserve,
            target: self.reserve.unwrap_or(self.market),
            proposal: self.proposal(),
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let parameter = self.parameter as u16;
        call(accounts, plimsoll::instruction::ProposeParameter { parameter, value: value.0 })
    }

    /// Execute the ripe proposal of `proposer`. Anyone may.
    pub fn execute(&self, proposer: Pubkey) -> Instruction {
        let accounts = plimsoll::accounts::ExecuteProposal {
            market: self.market,
            reserve: self.reserve,
            proposal: self.proposal(),
            proposer,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::ExecuteProposal {})
    }

    /// Cancel the proposal of `proposer`.
    pub fn cancel(&self, authority: Pubkey, proposer: Pubkey) -> Instruction {
        let accounts = plimsoll::accounts::CancelProposal {
            authority,
            market: self.market,
            reserve: self.reserve,
            proposal: self.proposal(),
            proposer,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::CancelProposal {})
    }
}

/// Accept a role that was promised to the signer.
#[derive(Clone, Copy, Debug)]
pub struct AcceptRole {
    /// Who accepts.
    pub holder: Pubkey,
    /// Market.
    pub market: Pubkey,
    /// Role.
    pub role: Role,
}

impl AcceptRole {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::AcceptRole {
            holder: self.holder,
            market: self.market,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::AcceptRole { role: self.role as u8 })
    }
}

/// Confirm a depth, as it is signed or lower.
#[derive(Clone, Copy, Debug)]
pub struct ConfirmDepth {
    /// Admin or council of the market.
    pub authority: Pubkey,
    /// Market.
    pub market: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
    /// Depth, atoms.
    pub depth_atoms: u64,
}

impl ConfirmDepth {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::ConfirmDepth {
            authority: self.authority,
            market: self.market,
            reserve: self.reserve,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::ConfirmDepth { depth_atoms: self.depth_atoms })
    }
}

/// Launch a market, for good.
#[derive(Clone, Copy, Debug)]
pub struct LaunchMarket {
    /// Admin of the market.
    pub admin: Pubkey,
    /// Market.
    pub market: Pubkey,
}

impl LaunchMarket {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::LaunchMarket {
            admin: self.admin,
            market: self.market,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::LaunchMarket {})
    }
}
