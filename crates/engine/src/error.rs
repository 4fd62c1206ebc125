//! What can be refused, one variant per condition a person could act on.

/// A refusal by the engine. The program has a variant of the same name for each, with the sentence a user reads.
/// Codes are the program's: 6000 upward, a hundred per subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum EngineError {
    /// An amount is zero.
    ZeroAmount = 6000,
    /// More than there is.
    AmountExceedsBalance = 6001,
    /// A total would exceed what the ledger can hold.
    AmountTooLarge = 6002,
    /// Fewer shares than asked for.
    SharesBelowMin = 6003,
    /// Fewer atoms than asked for.
    AssetsBelowMin = 6004,

    /// Price too old for this action, and nothing newer offered.
    StalePrice = 6100,
    /// Publish time too far ahead of the clock.
    PriceFromFuture = 6101,
    /// Price or moving average zero or negative.
    PriceNotPositive = 6102,
    /// Price outside 1e-12 to 1e9 USD, or exponent outside its range.
    PriceOutOfRange = 6103,
    /// Confidence interval too wide for this action.
    ConfidenceTooWide = 6104,
    /// Price too far from its moving average to open risk.
    PriceOffAverage = 6105,
    /// The reading is not old enough to be noticed, or was noticed before.
    PriceNotStale = 6106,

    /// No free collateral slot.
    CollateralSlotsFull = 6200,
    /// No free debt slot.
    DebtSlotsFull = 6201,
    /// Slot not open, and only the owner opens one.
    SlotNotOpen = 6202,
    /// One reserve cannot be both collateral and debt of a position.
    CollateralIsDebt = 6203,
    /// Position still holds something.
    PositionNotEmpty = 6204,
    /// Lender account still holds something.
    LenderNotEmpty = 6205,
    /// Position still has debt.
    PositionHasDebt = 6206,
    /// Reserves given do not match the position.
    LegMismatch = 6207,

    /// Initial health below 1 after the action.
    InitialHealthTooLow = 6300,
    /// Maintenance health below 1 after the action.
    MaintenanceHealthTooLow = 6301,
    /// Debt below the smallest borrow.
    DebtBelowMin = 6302,
    /// Position is healthy.
    Healthy = 6303,
    /// Position is cooling off.
    CoolingOff = 6304,
    /// This pair would not improve health.
    TakeOtherCollateral = 6305,
    /// Nothing left in the throttle.
    Throttled = 6306,
    /// `repay_max` would leave a debt rest below dust.
    RepayMaxBelowDust = 6307,
    /// Less collateral than asked for.
    SeizeBelowMin = 6308,
    /// No collateral to seize.
    NothingToSeize = 6309,
    /// Position is not in default.
    NotInDefault = 6310,
    /// Trigger or bonus of a protection order out of range.
    InvalidProtectionOrder = 6311,
    /// Position is not terminal at prices in its favour, and nothing is provided for.
    NotTerminal = 6312,

    /// Not enough liquidity.
    InsufficientLiquidity = 6400,
    /// Supply cap.
    SupplyCapExceeded = 6401,
    /// Borrow cap.
    BorrowCapExceeded = 6402,
    /// Collateral cap.
    CollateralCapExceeded = 6403,
    /// Reserve is closed.
    ReserveClosed = 6404,
    /// A flash loan of the reserve is open.
    FlashOpen = 6405,
    /// A flash loan would end with less than before it.
    FlashUnbalanced = 6406,
    /// Provisions are too large a part of assets to supply.
    ProvisionTooHigh = 6407,
    /// No loss of lenders is outstanding.
    NothingOutstanding = 6408,
    /// Nothing was recovered for this lender since it last asked.
    NothingRecovered = 6409,
    /// The outflow limit leaves less for now.
    OutflowLimited = 6410,

    /// Target health, call level, dust, cool-off or auction time out of range.
    InvalidMarketPolicy = 6500,
    /// Factors or weights out of range or order.
    InvalidWeights = 6501,
    /// Horizon, spread or impact out of range.
    InvalidHaircut = 6502,
    /// Volatility limits out of range or order.
    InvalidVolatility = 6503,
    /// Depth zero, or its floor above it.
    InvalidDepth = 6504,
    /// Bonus terms out of range or order.
    InvalidBonus = 6505,
    /// Oracle policy out of range or order.
    InvalidOraclePolicy = 6506,
    /// Rate curve out of range or order.
    InvalidRates = 6507,
    /// Collateral cap too large for the depth: a sale of all of it would not leave lenders whole.
    CapTooLargeForDepth = 6508,
    /// Dust value too small for this token.
    DustTooSmall = 6509,
    /// Decimals not supported.
    InvalidDecimals = 6510,
    /// A quarter of the sales throttle is worth less than dust.
    InvalidThrottle = 6511,
    /// Outflow limit is zero, or its time is out of range.
    InvalidOutflowLimit = 6512,

    /// Backstop policy out of range or order.
    InvalidBackstopPolicy = 6800,
    /// The pool has used up its scales: no more deposits.
    BackstopClosed = 6801,
    /// Nothing the pool may spend.
    BackstopEmpty = 6802,
    /// The position is not yet the backstop's business.
    BackstopNotTriggered = 6803,
    /// The pool has not opted in to this collateral.
    CollateralNotOptedIn = 6804,
    /// No free collateral slot in the pool.
    BackstopCollateralsFull = 6805,
    /// The pool holds as much of this collateral as it may.
    ConcentrationCapReached = 6806,
    /// More collateral for a debt atom than the pool can account for.
    GainTooLarge = 6807,
    /// Less than the caller asked for as a tip.
    TipBelowMin = 6808,
    /// The deposit is still warming up.
    DepositWarming = 6809,
    /// No deposit is warming up.
    NothingWarming = 6810,
    /// No withdrawal was requested.
    NoWithdrawalRequested = 6811,
    /// The withdrawal is still cooling down.
    WithdrawalCooling = 6812,
    /// The withdrawal was not taken in time.
    WithdrawalLapsed = 6813,
    /// Nothing of this collateral was gained since it was last claimed.
    NothingGained = 6814,

    /// The action is paused.
    Paused = 6900,
    /// A pause of no length, or longer than the market allows.
    InvalidPause = 6901,
    /// The last pause of this action is not long enough ago.
    PauseTooSoon = 6902,
    /// No such parameter, another account's, or a value that is not of its kind.
    InvalidParameter = 6910,
    /// The value is what it is already.
    NothingChanges = 6911,
    /// The change does not tighten.
    NotTighter = 6912,
    /// The change tightens and needs no proposal.
    TightensAtOnce = 6913,
    /// The proposal is not ripe.
    ProposalNotRipe = 6914,
    /// The proposal was not executed in time.
    ProposalExpired = 6915,
    /// The value changed since the proposal was written.
    ProposalOutdated = 6916,
    /// The collateral cap would grow too fast.
    CapGrowsTooFast = 6917,
    /// The role was not promised to the signer.
    NotPending = 6918,
    /// The market is immutable: nothing of it changes.
    ImmutableMarket = 6922,
    /// The depth of a token of an immutable market is its floor.
    DepthNotAtFloor = 6923,
}

impl EngineError {
    /// The program's error code.
    pub fn code(self) -> u32 {
        self as u32
    }
}

/// Result of the engine.
pub type Result<T> = core::result::Result<T, EngineError>;
