//! Governance: what the admin, who is council and guardian too, does with parameters, and what anyone does with proposals.

use plimsoll_client::accounts::Proposal;
use plimsoll_client::instructions::{AcceptRole, ConfirmDepth, LaunchMarket, ParameterOf};
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Parameter, ParameterValue};

use crate::outcome::Outcome;
use crate::{Role, Token, World};

impl World {
    /// A parameter of the market, or of a token's reserve.
    pub fn parameter(&self, token: Option<&Token>, parameter: Parameter) -> ParameterOf {
        ParameterOf { market: self.market, reserve: token.map(|token| token.reserve), parameter }
    }

    /// Somebody tightens a parameter.
    pub fn tighten(&mut self, role: &impl Role, of: &ParameterOf, value: u64) -> Outcome {
        self.act(of.tighten(role.address(), ParameterValue::number(value)), role)
    }

    /// Somebody proposes a number.
    pub fn propose(&mut self, role: &impl Role, of: &ParameterOf, value: u64) -> Outcome {
        self.propose_value(role, of, ParameterValue::number(value))
    }

    /// Somebody proposes any value.
    pub fn propose_value(&mut self, role: &impl Role, of: &ParameterOf, value: ParameterValue) -> Outcome {
        self.name(of.proposal(), &format!("proposal of {:?}", of.parameter));
        self.act(of.propose(role.address(), value), role)
    }

    /// Anyone executes a proposal of the admin.
    pub fn execute(&mut self, role: &impl Role, of: &ParameterOf) -> Outcome {
        let execute = of.execute(self.admin().address());
        self.act(execute, role)
    }

    /// Somebody cancels a proposal of the admin.
    pub fn cancel(&mut self, role: &impl Role, of: &ParameterOf) -> Outcome {
        let cancel = of.cancel(role.address(), self.admin().address());
        self.act(cancel, role)
    }

    /// Somebody accepts a role.
    pub fn accept_role(&mut self, holder: &impl Role, role: MarketRole) -> Outcome {
        self.act(AcceptRole { holder: holder.address(), market: self.market, role }.instruction(), holder)
    }

    /// Somebody confirms the depth of a token.
    pub fn confirm_depth(&mut self, role: &impl Role, token: &Token, depth_atoms: u64) -> Outcome {
        let (market, reserve) = (self.market, token.reserve);
        self.act(ConfirmDepth { authority: role.address(), market, reserve, depth_atoms }.instruction(), role)
    }

    /// The admin launches the market.
    pub fn launch_market(&mut self, role: &impl Role) -> Outcome {
        self.act(LaunchMarket { admin: role.address(), market: self.market }.instruction(), role)
    }

    /// The proposal that stands for a parameter.
    #[track_caller]
    pub fn proposal(&self, of: &ParameterOf) -> Proposal {
        self.fetch(of.proposal(), Proposal::decode_owned)
    }
}
