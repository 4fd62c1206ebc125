//! Which price may serve which action: one table, [`TABLE`]. The permissions below read their limits from its rows'
//! demands, `plimsoll tables` prints it into `docs/oracle.md`, and a test asks the real program for each row, with readings
//! on both sides of each limit.
//!
//! Data rather than probing alone, because a reader finds one place; probed as well, because a table that is only printed
//! could be true of nothing. The demands are constants, so a permission costs what it would cost spelled out.

use crate::error::{EngineError, Result};
use crate::fixed::{widen, Factor};
use crate::policy::{bps_of, check};
use crate::price::Reading;
use crate::state::OraclePolicy;
use crate::Now;

/// Oldest reading that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgeLimit {
    /// `borrow_age_secs`.
    Borrow,
    /// `liquidate_age_secs`.
    Liquidate,
    /// A quarter of it.
    QuarterOfLiquidate,
}

/// Widest confidence that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfidenceLimit {
    /// `confidence_soft_bps`.
    Soft,
    /// `confidence_hard_bps`.
    Hard,
}

/// What a reading must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// How young.
    pub age: AgeLimit,
    /// How sure.
    pub confidence: ConfidenceLimit,
    /// Whether within `ema_band_bps` of its average.
    pub near_average: bool,
}

/// To open risk: young, sure, and no wick.
pub const OPEN_RISK: Demand = Demand { age: AgeLimit::Borrow, confidence: ConfidenceLimit::Soft, near_average: true };
/// To liquidate. Not near the average: in a fall the average lags, and who waits for it liquidates too late.
pub const LIQUIDATE: Demand =
    Demand { age: AgeLimit::Liquidate, confidence: ConfidenceLimit::Hard, near_average: false };
/// For the backstop to buy, either side of the pair. Providers do not choose the moment, so they get a better price than a
/// liquidator, who does.
pub const ABSORB: Demand =
    Demand { age: AgeLimit::QuarterOfLiquidate, confidence: ConfidenceLimit::Soft, near_average: false };

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// What moves tokens without a look at prices.
    Unpriced,
    /// `borrow`.
    Borrow,
    /// `withdraw_collateral` with debt.
    Withdraw,
    /// `create_reserve`.
    List,
    /// `liquidate` by a protection order.
    Protect,
    /// `deposit_collateral` beyond the cap.
    Rescue,
    /// `flag_position` of a healthy position: the margin call, and its end.
    Call,
    /// `flag_position` of an unhealthy one.
    Flag,
    /// `liquidate`.
    Liquidate,
    /// `backstop_liquidate`.
    Absorb,
    /// `mark_default`.
    Mark,
    /// `settle_default`.
    Settle,
}

/// Which tokens' readings a demand is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legs {
    /// No token's.
    None,
    /// The one token's it is about.
    Own,
    /// Every leg's of the position.
    All,
    /// The seized and the repaid token's.
    Pair,
    /// The position's other legs'.
    Others,
    /// Each collateral's that is not empty, and where there is one each debt's.
    Rests,
}

/// What happens where a reading does not meet the demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Refused.
    Refused,
    /// Refused, unless the reading is dead: old, noticed, and not replaced while it faded. A grain behind a dead feed must
    /// not block it for ever.
    RefusedUnlessDead,
    /// It goes on. An old reading counts plainly, collateral fading after notice; of a confidence no more counts than the
    /// hard limit.
    Counts,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Action.
    pub action: Action,
    /// Whose readings.
    pub legs: Legs,
    /// What they must be; nothing where none is read.
    pub demand: Option<Demand>,
    /// And if they are not.
    pub otherwise: Otherwise,
}

const fn row(action: Action, legs: Legs, demand: Demand, otherwise: Otherwise) -> Row {
    Row { action, legs, demand: Some(demand), otherwise }
}

/// Action, condition, answer.
pub const TABLE: [Row; 13] = [
    Row { action: Action::Unpriced, legs: Legs::None, demand: None, otherwise: Otherwise::Counts },
    row(Action::Borrow, Legs::All, OPEN_RISK, Otherwise::Refused),
    row(Action::Withdraw, Legs::All, OPEN_RISK, Otherwise::Refused),
    row(Action::List, Legs::Own, OPEN_RISK, Otherwise::Refused),
    row(Action::Protect, Legs::All, OPEN_RISK, Otherwise::Refused),
    row(Action::Call, Legs::All, OPEN_RISK, Otherwise::Refused),
    row(Action::Rescue, Legs::All, LIQUIDATE, Otherwise::Refused),
    row(Action::Flag, Legs::Pair, LIQUIDATE, Otherwise::Refused),
    row(Action::Liquidate, Legs::Pair, LIQUIDATE, Otherwise::Refused),
    row(Action::Liquidate, Legs::Others, LIQUIDATE, Otherwise::Counts),
    row(Action::Absorb, Legs::Pair, ABSORB, Otherwise::Refused),
    row(Action::Mark, Legs::Rests, LIQUIDATE, Otherwise::RefusedUnlessDead),
    row(Action::Settle, Legs::Rests, LIQUIDATE, Otherwise::RefusedUnlessDead),
];

impl OraclePolicy {
    /// An age limit, seconds.
    #[inline(always)]
    pub const fn age_secs_max(&self, limit: AgeLimit) -> u64 {
        match limit {
            AgeLimit::Borrow => self.borrow_age_secs,
            AgeLimit::Liquidate => self.liquidate_age_secs,
            AgeLimit::QuarterOfLiquidate => self.liquidate_age_secs / 4,
        }
    }

    /// A confidence limit, bps of the price.
    #[inline(always)]
    pub const fn confidence_bps_max(&self, limit: ConfidenceLimit) -> u64 {
        match limit {
            ConfidenceLimit::Soft => self.confidence_soft_bps,
            ConfidenceLimit::Hard => self.confidence_hard_bps,
        }
    }

    #[inline(always)]
    fn permit(&self, demand: Demand, reading: &Reading, now: &Now) -> Result<()> {
        if reading.age_secs(now.unix) > self.age_secs_max(demand.age) {
            return Err(EngineError::StalePrice);
        }
        if reading.confidence > bps_of(reading.price, self.confidence_bps_max(demand.confidence)) {
            return Err(EngineError::ConfidenceTooWide);
        }
        if demand.near_average && reading.price.abs_diff(reading.average) > bps_of(reading.average, self.ema_band_bps) {
            return Err(EngineError::PriceOffAverage);
        }
        Ok(())
    }

    /// Whether a reading may open risk: [`OPEN_RISK`].
    ///
    /// # Errors
    /// `StalePrice`, `ConfidenceTooWide`, `PriceOffAverage`.
    pub fn permit_borrow(&self, reading: &Reading, now: &Now) -> Result<()> {
        self.permit(OPEN_RISK, reading, now)
    }

    /// Whether a reading may liquidate: [`LIQUIDATE`].
    ///
    /// # Errors
    /// `StalePrice`, `ConfidenceTooWide`.
    pub fn permit_liquidation(&self, reading: &Reading, now: &Now) -> Result<()> {
        self.permit(LIQUIDATE, reading, now)
    }

    /// Whether a reading is good enough for the backstop to buy at: [`ABSORB`].
    ///
    /// # Errors
    /// `StalePrice`, `ConfidenceTooWide`.
    pub fn permit_absorption(&self, reading: &Reading, now: &Now) -> Result<()> {
        self.permit(ABSORB, reading, now)
    }

    /// Whether a reading's confidence is within the soft limit: of such readings volatility is sampled.
    pub fn is_confident(&self, reading: &Reading) -> bool {
        reading.confidence <= bps_of(reading.price, self.confidence_soft_bps)
    }

    /// What an old reading still counts `noticed_secs` after the notice: falling in a line from one to zero over
    /// `dead_secs - stale_secs`. Rounded down.
    pub fn fade(&self, noticed_secs: u64) -> Factor {
        let whole = self.dead_secs.saturating_sub(self.stale_secs);
        Factor::ratio_floor(widen(whole.saturating_sub(noticed_secs)), widen(whole)).min(Factor::ONE)
    }

    /// What confidence exceeds the soft limit, in the reading's numbers: moves the price for the borrower. Counted up to
    /// the hard limit only, or one reading of a worthless token with an absurd confidence would make a position immortal.
    pub fn confidence_excess(&self, reading: &Reading) -> u64 {
        self.confidence_counted(reading).saturating_sub(bps_of(reading.price, self.confidence_soft_bps))
    }

    /// The confidence, up to the hard limit, in the reading's numbers.
    pub fn confidence_counted(&self, reading: &Reading) -> u64 {
        reading.confidence.min(bps_of(reading.price, self.confidence_hard_bps))
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let ages = 0 < self.borrow_age_secs
            && self.borrow_age_secs <= self.liquidate_age_secs
            && self.liquidate_age_secs <= self.stale_secs
            && self.stale_secs < self.dead_secs
            && self.dead_secs <= 7 * 86_400;
        let confidence = 0 < self.confidence_soft_bps
            && self.confidence_soft_bps <= self.confidence_hard_bps
            && self.confidence_hard_bps <= 5_000;
        let rest = (1..=5_000).contains(&self.ema_band_bps) && (1..=86_400).contains(&self.sample_secs);
        check(ages && confidence && rest && self.reserved == [0; 2], EngineError::InvalidOraclePolicy)
    }
}
