//! What may be changed, and which way is tighter: one table.

use crate::error::{EngineError, Result};
use crate::policy::check;
use crate::state::{MarketState, Pubkey, ReserveConfig, ReserveState, RiskTerms};
use crate::Now;

/// Which way a parameter is tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A smaller value is.
    Lower,
    /// A larger value is.
    Higher,
    /// Neither: every change waits.
    Neither,
}

/// A value of any parameter: a number in the first eight bytes, little-endian, the rest zero; or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterValue(pub [u8; 32]);

impl ParameterValue {
    /// Of a number.
    pub fn number(number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    /// The number.
    ///
    /// # Errors
    /// `InvalidParameter` where it is a key's bytes.
    pub fn as_number(&self) -> Result<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>().ok_or(EngineError::InvalidParameter)?;
        check(rest.iter().all(|byte| *byte == 0), EngineError::InvalidParameter)?;
        Ok(u64::from_le_bytes(*number))
    }
}

/// What a parameter belongs to.
#[derive(Debug)]
pub enum Subject<'a> {
    /// A market.
    Market(&'a mut MarketState),
    /// A reserve, and its market.
    Reserve(&'a mut ReserveState, &'a MarketState),
}

macro_rules! parameters {
    (
        market { $($(#[$market_doc:meta])* $market:ident = $market_number:literal: $($market_field:ident).+, $market_direction:ident;)* }
        reserve { $($(#[$reserve_doc:meta])* $reserve:ident = $reserve_number:literal: $($reserve_field:ident).+, $reserve_direction:ident;)* }
        keys { $($(#[$key_doc:meta])* $key:ident = $key_number:literal;)* }
    ) => {
        /// A parameter that may be changed after creation. What is not here is fixed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Parameter {
            $($(#[$market_doc])* $market = $market_number,)*
            $($(#[$reserve_doc])* $reserve = $reserve_number,)*
            $($(#[$key_doc])* $key = $key_number,)*
        }

        impl Parameter {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$market,)* $(Self::$reserve,)* $(Self::$key,)*];

            /// Which way it is tighter.
            pub fn direction(self) -> Direction {
                match self {
                    $(Self::$market => Direction::$market_direction,)*
                    $(Self::$reserve => Direction::$reserve_direction,)*
                    $(Self::$key => Direction::Neither,)*
                }
            }

            /// Whether it is a reserve's; otherwise a market's.
            pub fn is_of_reserve(self) -> bool {
                matches!(self, Self::Oracle $(| Self::$reserve)*)
            }

            /// Whether interest depends on it.
            fn is_of_rates(self) -> bool {
                use Parameter::*;
                matches!(self, BaseRate | KinkUtilisation | KinkRate | MaxRate | InsuranceShare | InterestFeeShare)
            }

            /// The field of a market, where it is a number of one.
            fn in_market(self, market: &mut MarketState) -> Option<&mut u64> {
                match self {
                    $(Self::$market => Some(&mut market.$($market_field).+),)*
                    _ => None,
                }
            }

            /// The field of a reserve, where it is a number of one.
            fn in_reserve(self, reserve: &mut ReserveState) -> Option<&mut u64> {
                match self {
                    $(Self::$reserve => Some(&mut reserve.$($reserve_field).+),)*
                    _ => None,
                }
            }
        }
    };
}

parameters! {
    market {
        /// Health a liquidation restores, bps.
        TargetHealth = 1: policy.target_health_bps, Neither;
        /// Health below which a borrower is called, bps.
        CallLevel = 2: policy.call_level_bps, Neither;
        /// Cool-off, slots.
        CoolOff = 3: policy.cool_off_slots, Neither;
        /// How long a sighting vouches, seconds.
        Sighting = 4: policy.sighting_secs, Neither;
        /// Margin of a recovery sale, bps.
        RecoveryMargin = 5: policy.recovery_margin_bps, Neither;
        /// Delay of proposals, seconds.
        LoosenDelay = 6: policy.loosen_delay_secs, Higher;
        /// Life of a ripe proposal, seconds.
        ProposalLife = 7: policy.proposal_life_secs, Lower;
        /// Longest pause, seconds.
        PauseMax = 8: policy.pause_max_secs, Lower;
        /// Longest pause of liquidations, seconds.
        LiquidationPauseMax = 9: policy.liquidation_pause_max_secs, Lower;
        /// Speed at which provisions fall, bps of the debt per hour.
        ProvisionRelease = 10: policy.provision_release_bps_per_hour, Neither;
        /// Fee of flash loans, bps.
        FlashFee = 11: policy.flash_fee_bps, Neither;
        /// Most that a marker is paid, nano-dollars.
        MarkTip = 12: policy.mark_tip_value, Neither;
    }
    reserve {
        /// Maintenance factor, bps.
        Maintenance = 100: risk_target.maintenance_bps, Lower;
        /// Weight as debt, bps.
        DebtWeight = 101: risk_target.debt_weight_bps, Higher;
        /// Confidence multiple, hundredths.
        ConfidenceMultiple = 102: risk_target.z_x100, Higher;
        /// Liquidation horizon, seconds.
        Horizon = 103: risk_target.horizon_secs, Higher;
        /// Spread, bps.
        Spread = 104: risk_target.spread_bps, Higher;
        /// Square-root impact, bps.
        Impact = 105: risk_target.impact_sqrt_bps, Higher;
        /// Depth, atoms.
        Depth = 106: risk_target.depth_atoms, Lower;
        /// Depth floor, atoms.
        DepthFloor = 107: risk_target.depth_floor_atoms, Lower;
        /// Lower bound of volatility, bps.
        SigmaFloor = 108: risk_target.sigma_floor_bps, Higher;
        /// Upper bound of volatility, bps.
        SigmaCap = 109: risk_target.sigma_cap_bps, Higher;
        /// Volatility at which depth was measured, bps.
        SigmaReference = 110: risk_target.sigma_ref_bps, Lower;
        /// Speed at which maintenance volatility rises, bps per hour.
        SigmaRise = 111: risk_target.sigma_rise_bps_per_hour, Higher;
        /// How long a depth is believed without confirmation, seconds.
        DepthValid = 112: depth_valid_secs, Lower;
        /// Initial factor, bps.
        Initial = 120: initial.initial_bps, Lower;
        /// Initial weight as debt, bps.
        InitialDebtWeight = 121: initial.debt_weight_bps, Higher;
        /// Bonus at health 1, bps.
        BonusMin = 130: bonus.bonus_min_bps, Neither;
        /// Largest bonus, bps.
        BonusMax = 131: bonus.bonus_max_bps, Neither;
        /// Health of the largest bonus, bps.
        BonusHealth = 132: bonus.health_max_bonus_bps, Neither;
        /// Insurance's share of the bonus, bps.
        BonusFeeShare = 133: bonus.fee_share_bps, Neither;
        /// Share of depth that liquidations may sell in a window, bps.
        ThrottleShare = 134: bonus.throttle_share_bps, Neither;
        /// That window, seconds.
        ThrottleWindow = 135: bonus.throttle_window_secs, Neither;
        /// Age of a price that opens risk, seconds.
        BorrowAge = 140: oracle_policy.borrow_age_secs, Neither;
        /// Age of a price that liquidates, seconds.
        LiquidateAge = 141: oracle_policy.liquidate_age_secs, Neither;
        /// Soft limit of confidence, bps.
        ConfidenceSoft = 142: oracle_policy.confidence_soft_bps, Neither;
        /// Hard limit of confidence, bps.
        ConfidenceHard = 143: oracle_policy.confidence_hard_bps, Neither;
        /// Band of the average, bps.
        AverageBand = 144: oracle_policy.ema_band_bps, Neither;
        /// Age at which a price may be noticed as old, seconds.
        StaleAge = 145: oracle_policy.stale_secs, Neither;
        /// Age at which it counts nothing, seconds.
        DeadAge = 146: oracle_policy.dead_secs, Neither;
        /// Grid of volatility samples, seconds.
        SampleGrid = 147: oracle_policy.sample_secs, Neither;
        /// Rate at zero utilisation, bps.
        BaseRate = 150: rates.base_rate_bps, Neither;
        /// Utilisation at the kink, bps.
        KinkUtilisation = 151: rates.kink_utilisation_bps, Neither;
        /// Rate at the kink, bps.
        KinkRate = 152: rates.kink_rate_bps, Neither;
        /// Rate at full utilisation, bps.
        MaxRate = 153: rates.max_rate_bps, Neither;
        /// Insurance's share of interest, bps.
        InsuranceShare = 154: rates.insurance_share_bps, Neither;
        /// The protocol's share of interest, bps.
        InterestFeeShare = 155: rates.fee_share_bps, Neither;
        /// Supply cap, atoms.
        SupplyCap = 160: caps.supply_atoms, Lower;
        /// Borrow cap, atoms.
        BorrowCap = 161: caps.borrow_atoms, Lower;
        /// Collateral cap, atoms. Grows by doubling at most, once in a delay.
        CollateralCap = 162: caps.collateral_atoms, Lower;
        /// How far a rescue may exceed it, bps.
        RescueAllowance = 163: caps.rescue_allowance_bps, Lower;
        /// Outflow limit, atoms.
        OutflowLimit = 164: caps.outflow_atoms, Neither;
        /// Time in which it is whole again, seconds.
        OutflowTime = 165: caps.outflow_secs, Neither;
    }
    keys {
        /// Who is to be admin; it must accept.
        Admin = 200;
        /// Who is to be guardian; it must accept.
        Guardian = 201;
        /// Who is to be the council; it must accept.
        Council = 202;
        /// Who receives protocol fees.
        Treasury = 203;
        /// Feed or price account of a reserve, of the same kind.
        Oracle = 210;
    }
}

impl Parameter {
    /// The parameter of a number.
    ///
    /// # Errors
    /// `InvalidParameter`.
    pub fn of(number: u16) -> Result<Self> {
        Self::ALL.iter().copied().find(|known| *known as u16 == number).ok_or(EngineError::InvalidParameter)
    }

    /// Whether a change from one value to another tightens: it needs no delay.
    ///
    /// # Errors
    /// `InvalidParameter`; `NothingChanges`.
    pub fn tightens(self, old: &ParameterValue, new: &ParameterValue) -> Result<bool> {
        check(old != new, EngineError::NothingChanges)?;
        match self.direction() {
            Direction::Neither => Ok(false),
            Direction::Lower => Ok(new.as_number()? < old.as_number()?),
            Direction::Higher => Ok(new.as_number()? > old.as_number()?),
        }
    }

    /// The field of a key.
    fn key<'a>(self, subject: &'a mut Subject) -> Option<&'a mut Pubkey> {
        match (self, subject) {
            // A proposed role waits for its acceptance; what it is compared with is who was named before.
            (Self::Admin, Subject::Market(market)) => Some(&mut market.pending_admin),
            (Self::Guardian, Subject::Market(market)) => Some(&mut market.pending_guardian),
            (Self::Council, Subject::Market(market)) => Some(&mut market.pending_council),
            (Self::Treasury, Subject::Market(market)) => Some(&mut market.treasury),
            (Self::Oracle, Subject::Reserve(reserve, _)) => Some(&mut reserve.oracle),
            _ => None,
        }
    }
}

impl Subject<'_> {
    /// The number of a parameter.
    fn number(&mut self, parameter: Parameter) -> Option<&mut u64> {
        match self {
            Self::Market(market) => parameter.in_market(market),
            Self::Reserve(reserve, _) => parameter.in_reserve(reserve),
        }
    }

    /// The value of a parameter now: the signed one.
    ///
    /// # Errors
    /// `InvalidParameter` where it is another subject's.
    pub fn read(&mut self, parameter: Parameter) -> Result<ParameterValue> {
        if let Some(number) = self.number(parameter) {
            return Ok(ParameterValue::number(*number));
        }
        parameter.key(self).map(|key| ParameterValue(*key)).ok_or(EngineError::InvalidParameter)
    }

    fn set(&mut self, parameter: Parameter, value: &ParameterValue) -> Result<()> {
        if let Some(number) = self.number(parameter) {
            *number = value.as_number()?;
            return Ok(());
        }
        *parameter.key(self).ok_or(EngineError::InvalidParameter)? = value.0;
        Ok(())
    }

    /// Whether all invariants hold.
    fn validate(&self) -> Result<()> {
        match self {
            Self::Market(market) => market.policy.validate(),
            Self::Reserve(reserve, market) => {
                market.require_depth(&reserve.risk_target)?;
                // While terms walk, any mix of those in force and those signed may be met; the invariants that join several
                // hold in all of them where they hold in the worst.
                let (signed, in_force) = (reserve.risk_target, reserve.unexpired_risk());
                let tighter = in_force.tighter(&signed);
                let maintenance_bps = in_force.maintenance_bps.max(signed.maintenance_bps);
                for risk in [signed, in_force, RiskTerms { maintenance_bps, ..tighter }] {
                    let config = ReserveConfig { risk, ..reserve.config() };
                    config.validate(&market.policy, reserve.decimals, &reserve.reading)?;
                }
                Ok(())
            }
        }
    }

    /// The market it is or belongs to.
    pub fn market(&self) -> &MarketState {
        match self {
            Self::Market(market) => market,
            Self::Reserve(_, market) => market,
        }
    }

    /// Sets a parameter where every invariant holds with it. Otherwise nothing changes.
    fn set_valid(&mut self, parameter: Parameter, value: &ParameterValue) -> Result<()> {
        check(!self.market().is_frozen(), EngineError::ImmutableMarket)?;
        let old = self.read(parameter)?;
        self.set(parameter, value)?;
        let valid = self.validate();
        if valid.is_err() {
            self.set(parameter, &old)?;
        }
        valid
    }

    /// Writes a parameter, where every invariant holds with it. Otherwise nothing changes.
    ///
    /// # Errors
    /// `InvalidParameter`, `ImmutableMarket`, `CapGrowsTooFast`, and those of [`ReserveConfig::validate`] or
    /// [`MarketPolicy::validate`](crate::state::MarketPolicy::validate).
    pub fn write(&mut self, parameter: Parameter, value: &ParameterValue, now: &Now) -> Result<()> {
        if let (Parameter::CollateralCap, Self::Reserve(reserve, market)) = (parameter, &mut *self) {
            reserve.grow_cap(value.as_number()?, market, now)?;
        }
        if parameter.is_of_rates() {
            // What has passed is charged at the rates that were in force; unless nothing changes.
            self.try_value(parameter, value)?;
            if let Self::Reserve(reserve, _) = &mut *self {
                reserve.accrue(now.unix);
            }
        }
        let before = match self {
            Self::Market(_) => None,
            Self::Reserve(reserve, _) => Some((reserve.risk_target, reserve.caps.collateral_atoms)),
        };
        self.set_valid(parameter, value)?;
        if let (Some((risk_target, cap_atoms)), Self::Reserve(reserve, _)) = (before, self) {
            if reserve.caps.collateral_atoms > cap_atoms {
                reserve.cap_raised_at = now.unix;
            }
            if reserve.risk_target != risk_target {
                // The first step is an hour away.
                reserve.ramped_at = now.unix;
            }
        }
        Ok(())
    }

    /// Whether every invariant would hold with a value. Changes nothing.
    ///
    /// # Errors
    /// `InvalidParameter`, `ImmutableMarket`, and those of [`ReserveConfig::validate`] or
    /// [`MarketPolicy::validate`](crate::state::MarketPolicy::validate).
    pub fn try_value(&mut self, parameter: Parameter, value: &ParameterValue) -> Result<()> {
        let old = self.read(parameter)?;
        self.set_valid(parameter, value)?;
        self.set(parameter, &old)
    }
}
