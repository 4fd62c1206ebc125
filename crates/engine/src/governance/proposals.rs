//! Changes that wait: one per parameter, bound to the value they were written against.

use crate::error::{EngineError, Result};
use crate::fixed::Value;
use crate::governance::{Parameter, ParameterValue, Subject};
use crate::policy::check;
use crate::state::{
    MarketPolicy, MarketState, ProposalState, Pubkey, ReserveConfig, ReserveState, RiskTerms, LAYOUT_VERSION,
};
use crate::{after, Now};

/// What the first collateral cap of a new token may be worth, at the price of the moment: 100,000 USD.
const CAP_SEED: Value = Value(100_000 * Value::PER_USD as u128);

/// Roles of a market, each handed over in two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Owns the market.
    Admin = 0,
    /// Pauses.
    Guardian = 1,
    /// Tunes risk.
    Council = 2,
}

impl Role {
    /// The role of a number.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub fn of(number: u8) -> Result<Self> {
        let all = [Self::Admin, Self::Guardian, Self::Council];
        all.get(usize::from(number)).copied().ok_or(EngineError::InvalidParameter)
    }
}

/// Bit of [`MarketState::flags`]: immutable.
const IMMUTABLE: u32 = 1;
/// Bit of [`MarketState::flags`]: launched.
const LAUNCHED: u32 = 1 << 1;

impl MarketState {
    /// Whether the market is launched. Until then its admin is setting it up, and is trusted with all of it.
    pub fn is_launched(&self) -> bool {
        self.flags & LAUNCHED != 0
    }

    /// Whether the market was created to be immutable.
    pub fn is_immutable(&self) -> bool {
        self.flags & IMMUTABLE != 0
    }

    /// Makes a new market one that its launch makes immutable.
    pub fn make_immutable(&mut self) {
        self.flags |= IMMUTABLE;
    }

    /// Whether nothing may be changed any more: immutable, and launched.
    pub fn is_frozen(&self) -> bool {
        self.is_immutable() && self.is_launched()
    }

    /// Launches the market, for good. An immutable one has neither admin nor council nor guardian from here on.
    ///
    /// # Errors
    /// `NothingChanges`.
    pub fn launch(&mut self) -> Result<()> {
        check(!self.is_launched(), EngineError::NothingChanges)?;
        self.flags |= LAUNCHED;
        if self.is_frozen() {
            // Nobody signs for the key of zeros.
            (self.admin, self.guardian, self.council) = ([0; 32], [0; 32], [0; 32]);
            (self.pending_admin, self.pending_guardian, self.pending_council) = ([0; 32], [0; 32], [0; 32]);
        }
        Ok(())
    }

    /// Whether a token may be added with this configuration: once the market is launched, without a collateral cap.
    ///
    /// # Errors
    /// `CapGrowsTooFast`; that of [`Self::require_depth`].
    pub fn require_new(&self, config: &ReserveConfig) -> Result<()> {
        check(!self.is_launched() || config.caps.collateral_atoms == 0, EngineError::CapGrowsTooFast)?;
        self.require_depth(&config.risk)
    }

    /// Whether the market can live with this depth: nobody will confirm that of an immutable one, so it stands at its floor
    /// from the start.
    ///
    /// # Errors
    /// `DepthNotAtFloor`.
    pub fn require_depth(&self, risk: &RiskTerms) -> Result<()> {
        let is_at_floor = risk.depth_atoms == risk.depth_floor_atoms;
        check(is_at_floor || !self.is_immutable(), EngineError::DepthNotAtFloor)
    }

    /// Hands a role to whom it was promised, who signs.
    ///
    /// # Errors
    /// `NotPending`.
    pub fn accept_role(&mut self, role: Role, signer: &Pubkey) -> Result<()> {
        let (holder, pending) = match role {
            Role::Admin => (&mut self.admin, &mut self.pending_admin),
            Role::Guardian => (&mut self.guardian, &mut self.pending_guardian),
            Role::Council => (&mut self.council, &mut self.pending_council),
        };
        check(*pending == *signer && *signer != [0; 32], EngineError::NotPending)?;
        (*holder, *pending) = (*pending, [0; 32]);
        Ok(())
    }
}

impl ReserveState {
    /// Whether the collateral cap may be raised to so much: from zero to a small seed, then by doubling at most, once in a
    /// delay.
    ///
    /// # Errors
    /// `CapGrowsTooFast`.
    pub(crate) fn grow_cap(&self, cap_atoms: u64, market: &MarketState, now: &Now) -> Result<()> {
        let current = self.caps.collateral_atoms;
        if cap_atoms <= current {
            return Ok(());
        }
        let price = self.reading.price_of(self.reading.price, self.decimals);
        let most = if current == 0 { price.atoms_floor(CAP_SEED) } else { current.saturating_mul(2) };
        let is_due = now.unix >= after(self.cap_raised_at, market.policy.loosen_delay_secs);
        check(cap_atoms <= most && is_due, EngineError::CapGrowsTooFast)
    }
}

/// Changes a parameter at once, where that tightens.
///
/// # Errors
/// `NothingChanges`, `NotTighter`, and those of [`Subject::write`].
pub fn tighten(subject: &mut Subject, parameter: Parameter, value: &ParameterValue, now: &Now) -> Result<()> {
    let old = subject.read(parameter)?;
    check(parameter.tightens(&old, value)?, EngineError::NotTighter)?;
    subject.write(parameter, value, now)
}

impl ProposalState {
    /// Writes a proposal against the value of now. Addresses and bump are the caller's to fill.
    ///
    /// # Errors
    /// `NothingChanges`; `TightensAtOnce` where no delay is needed; those of [`Subject::write`], as far as they are known now.
    pub fn write(
        &mut self,
        subject: &mut Subject,
        parameter: Parameter,
        value: &ParameterValue,
        policy: &MarketPolicy,
        now: &Now,
    ) -> Result<()> {
        let old = subject.read(parameter)?;
        check(!parameter.tightens(&old, value)?, EngineError::TightensAtOnce)?;
        subject.try_value(parameter, value)?;
        self.version = LAYOUT_VERSION;
        self.parameter = parameter as u16;
        (self.old, self.new) = (old.0, value.0);
        self.written_at = now.unix;
        self.ripe_at = after(now.unix, policy.loosen_delay_secs);
        self.expires_at = after(self.ripe_at, policy.proposal_life_secs);
        Ok(())
    }

    /// Executes it: anyone may, once it is ripe.
    ///
    /// # Errors
    /// `ProposalNotRipe`, `ProposalExpired`, `ProposalOutdated` where the value is no longer what it was written against,
    /// and those of [`Subject::write`].
    pub fn execute(&self, subject: &mut Subject, now: &Now) -> Result<()> {
        let parameter = Parameter::of(self.parameter)?;
        check(now.unix >= self.ripe_at, EngineError::ProposalNotRipe)?;
        check(now.unix < self.expires_at, EngineError::ProposalExpired)?;
        check(subject.read(parameter)?.0 == self.old, EngineError::ProposalOutdated)?;
        subject.write(parameter, &ParameterValue(self.new), now)
    }

    /// Whether anyone may remove it: it can no longer be executed.
    pub fn is_over(&self, subject: &mut Subject, now: &Now) -> bool {
        let current = Parameter::of(self.parameter).and_then(|parameter| subject.read(parameter));
        subject.market().is_frozen()
            || now.unix >= self.expires_at
            || current.map_or(true, |current| current.0 != self.old)
    }
}
