//! Every refusal, as a sentence about the world. Codes are grouped by subject, a hundred each.

use anchor_lang::prelude::*;
use plimsoll_engine::EngineError;

/// Refusals of the program.
#[error_code]
pub enum PlimsollError {
    /// Amounts.
    #[msg("Amount is zero; give at least one atom (or, for shares, what is worth one)")]
    ZeroAmount = 0,
    #[msg("Amount exceeds what the account holds")]
    AmountExceedsBalance = 1,
    #[msg("Amount is larger than the ledger can hold")]
    AmountTooLarge = 2,
    #[msg("Supply would mint fewer shares than `shares_min`")]
    SharesBelowMin = 3,
    #[msg("Redemption would pay fewer atoms than `assets_min`")]
    AssetsBelowMin = 4,

    /// Prices.
    #[msg("Price is too old for this action; offer a newer price account or refresh the reserve first")]
    StalePrice = 100,
    #[msg("Price was published more than 5 seconds ahead of the clock")]
    PriceFromFuture = 101,
    #[msg("Price or its moving average is zero or negative")]
    PriceNotPositive = 102,
    #[msg("Price is outside 1e-12 to 1e9 USD or its exponent outside -18 to 4")]
    PriceOutOfRange = 103,
    #[msg("Confidence interval of the price is too wide for this action; wait for a calmer price")]
    ConfidenceTooWide = 104,
    #[msg("Price is too far from its moving average to open risk; wait until they meet")]
    PriceOffAverage = 105,
    #[msg("Price the reserve keeps is not old enough to be noticed, or was noticed before")]
    PriceNotStale = 106,
    #[msg("Price account is not owned by the oracle program this reserve reads")]
    WrongPriceOwner = 120,
    #[msg("Price account is of another feed than the reserve's")]
    WrongFeed = 121,
    #[msg("Price account does not have the layout of its kind")]
    MalformedPrice = 122,
    #[msg("Price update is not fully verified by the guardians")]
    PriceUnverified = 123,
    #[msg("Price account says the feed is not trading")]
    PriceNotTrading = 124,

    /// Positions and lenders.
    #[msg("Position has no free collateral slot")]
    CollateralSlotsFull = 200,
    #[msg("Position has no free debt slot")]
    DebtSlotsFull = 201,
    #[msg("Position has no slot for this reserve, and only its owner opens one")]
    SlotNotOpen = 202,
    #[msg("One reserve cannot be both collateral and debt of a position or a backstop pool")]
    CollateralIsDebt = 203,
    #[msg("Position still holds collateral or debt")]
    PositionNotEmpty = 204,
    #[msg("Lender account still holds shares, a claim or what was recovered of it; redeem and `claim_recovery` first")]
    LenderNotEmpty = 205,
    #[msg("Position still has debt")]
    PositionHasDebt = 206,
    #[msg("Reserves given do not match the position's slots")]
    LegMismatch = 207,

    /// Health and liquidation.
    #[msg("Initial health would be below 1; borrow or withdraw less, or add collateral")]
    InitialHealthTooLow = 300,
    #[msg("Maintenance health would be below 1; borrow or withdraw less, or add collateral")]
    MaintenanceHealthTooLow = 301,
    #[msg("Debt would be below the smallest borrow, four times the market's dust value")]
    DebtBelowMin = 302,
    #[msg("Position is healthy at these prices; nothing to liquidate")]
    Healthy = 303,
    #[msg("Position cools off after an action of its owner; try again in a few slots")]
    CoolingOff = 304,
    #[msg("Seizing this collateral for this debt would not improve health; take another pair")]
    TakeOtherCollateral = 305,
    #[msg("Nothing left in the sales throttle of this collateral; try again later")]
    Throttled = 306,
    #[msg("Repayment is bounded so that a debt rest below dust would be left; raise `repay_max` (for a backstop: its deposits or its cap)")]
    RepayMaxBelowDust = 307,
    #[msg("Liquidation would seize less than `seize_min`")]
    SeizeBelowMin = 308,
    #[msg("Repayment is too small to seize an atom of this collateral")]
    NothingToSeize = 309,
    #[msg("Position is not in default: settlement wants it unhealthy, insolvent and with at most dust left")]
    NotInDefault = 310,
    #[msg("Protection order wants a trigger above 10,000 bps and at least 100 below the target, a bonus of at most the market's default bonus; two zeros remove it")]
    InvalidProtectionOrder = 311,
    #[msg("Position is not in default at prices in its favour (spot or average, confidence included), and nothing is provided for")]
    NotTerminal = 312,

    /// Reserves.
    #[msg("Reserve has not enough liquidity; wait for repayments or take less")]
    InsufficientLiquidity = 400,
    #[msg("Supply cap of the reserve would be exceeded")]
    SupplyCapExceeded = 401,
    #[msg("Borrow cap of the reserve would be exceeded")]
    BorrowCapExceeded = 402,
    #[msg("Collateral cap of the reserve would be exceeded; only a position below the call level may be rescued beyond it, up to the target health")]
    CollateralCapExceeded = 403,
    #[msg("Reserve is closed: it can be redeemed from and repaid to, no more")]
    ReserveClosed = 404,
    #[msg("A flash loan of this reserve is open; do this before `flash_borrow` or after `flash_repay`")]
    FlashOpen = 405,
    #[msg("Flash loan would end with less cash or other supply shares than before it, or none is open")]
    FlashUnbalanced = 406,
    #[msg("Provisions for defaults exceed 0.5% of the reserve's assets; supply after they are settled")]
    ProvisionTooHigh = 407,
    #[msg("No loss of this reserve's lenders is outstanding; there is nothing to pay back")]
    NothingOutstanding = 408,
    #[msg("Nothing was recovered for this lender since the last claim; ask again after a `repay_recovery`")]
    NothingRecovered = 409,
    #[msg("Outflow limit of the reserve leaves less for now; take less, or wait until it is whole again")]
    OutflowLimited = 410,
    #[msg(
        "No `flash_repay` of this reserve follows in this transaction, before another `flash_borrow` of it; add one"
    )]
    FlashRepayMissing = 420,
    #[msg("No `flash_borrow` of this reserve, not yet repaid, comes before in this transaction; add one")]
    FlashBorrowMissing = 421,
    #[msg("Flash loans are taken and repaid by instructions of the transaction itself; do not call through a program")]
    NotTopLevel = 422,

    /// Configuration.
    #[msg("Market policy is out of range: target health, call level, dust, cool-off, bonus or a delay")]
    InvalidMarketPolicy = 500,
    #[msg("Weights are out of range or order: initial < maintenance < 1 <= debt weight <= initial debt weight")]
    InvalidWeights = 501,
    #[msg("Horizon, confidence multiple, spread or impact is out of range")]
    InvalidHaircut = 502,
    #[msg("Volatility limits are out of order, or the horizon move at the cap is not below one half")]
    InvalidVolatility = 503,
    #[msg("Depth floor must be above zero and at most the depth")]
    InvalidDepth = 504,
    #[msg("Bonus is out of order: min <= default <= max and (1 + max) * m <= health of the largest bonus < 1")]
    InvalidBonus = 505,
    #[msg("Oracle policy is out of range or order")]
    InvalidOraclePolicy = 506,
    #[msg("Rate curve is out of range or order")]
    InvalidRates = 507,
    #[msg("Collateral cap is too large for the depth: a sale of all of it would not leave lenders whole")]
    CapTooLargeForDepth = 508,
    #[msg("Dust value of the market is worth less than 100,000 atoms of this token")]
    DustTooSmall = 509,
    #[msg("Mint has more than 18 decimals")]
    InvalidDecimals = 510,
    #[msg("A quarter of the sales throttle must be worth at least the dust value; raise its share of depth")]
    InvalidThrottle = 511,
    #[msg("Outflow limit must be above zero, and its time between 60 and 604,800 seconds")]
    InvalidOutflowLimit = 512,

    /// Accounts.
    #[msg("Account belongs to another market")]
    WrongMarket = 600,
    #[msg("Account belongs to another reserve")]
    WrongReserve = 601,
    #[msg("Mint is not the reserve's")]
    WrongMint = 602,
    #[msg("Vault is not the reserve's")]
    WrongVault = 603,
    #[msg("Token program is not the one of the reserve's mint")]
    WrongTokenProgram = 604,
    #[msg("Signer is not the owner")]
    NotOwner = 605,
    #[msg("Signer is not the admin of the market")]
    NotAdmin = 606,
    #[msg("The same account stands in two places")]
    SameAccount = 607,
    #[msg("A reserve of the position is missing from the remaining accounts")]
    LegMissing = 608,
    #[msg("Remaining accounts do not hold the position's reserves in slot order")]
    LegOutOfOrder = 609,
    #[msg("Remaining accounts hold more than the position's reserves and the offered prices")]
    ExtraAccount = 610,
    #[msg("`offered` names a leg the position does not have, or a price account is missing")]
    OfferMismatch = 611,
    #[msg("Reserve must be writable here: some of this collateral is not counted yet")]
    LegNotWritable = 612,
    #[msg("Account is not a reserve of this program")]
    NotAReserve = 613,
    #[msg("Token account is not the treasury's")]
    NotTreasury = 614,
    #[msg("Backstop pool is another reserve's, or the provider account another pool's")]
    WrongBackstop = 615,
    #[msg(
        "A tip account needs the liquidity vault, the mint and the token program of the first debt's reserve beside it"
    )]
    TipAccountMissing = 616,

    /// Tokens.
    #[msg("Mint has an extension this program does not accept: one it does not know, or one that shows other amounts than it moves")]
    ExtensionRefused = 700,
    #[msg("Mint belongs to neither token program")]
    NotAMint = 701,
    #[msg("Mint takes a fee of transfers, or may come to: a vault would receive less than was sent")]
    TransferFeeRefused = 702,
    #[msg("Mint has a transfer hook, or may come to: foreign code would decide whether tokens move")]
    TransferHookRefused = 703,
    #[msg("Mint has confidential transfers, fees or supply: amounts that cannot be read cannot be accounted for")]
    ConfidentialTransferRefused = 704,
    #[msg("Mint is not transferable: it could be neither seized nor redeemed")]
    NonTransferableRefused = 705,
    #[msg("Mint has a permanent delegate, who could take tokens out of a vault")]
    PermanentDelegateRefused = 706,
    #[msg("Mint can be paused: liquidations would stop with it")]
    PausableRefused = 707,
    #[msg("Mint can be closed, and made anew at its address with other extensions")]
    CloseAuthorityRefused = 708,
    #[msg("Mint sets the state of new accounts, which are frozen or may come to be")]
    DefaultFrozenRefused = 709,

    /// Backstop.
    #[msg(
        "Backstop policy is out of range or order: trigger (health below 1, time below 2 auction times), tip (at most half the bonus), 30 days >= warm-up >= cooldown >= 2 auction times, 300 s <= window <= cooldown / 4"
    )]
    InvalidBackstopPolicy = 800,
    #[msg(
        "Backstop pool has used up its scales and takes no more deposits; use the next generation, and take back what is warming up"
    )]
    BackstopClosed = 801,
    #[msg("Backstop pool has nothing it may spend; it keeps its last atom")]
    BackstopEmpty = 802,
    #[msg(
        "Position is not yet the backstop's business: health is not below its trigger, and liquidators have time left"
    )]
    BackstopNotTriggered = 803,
    #[msg("Backstop pool has not opted in to this collateral")]
    CollateralNotOptedIn = 804,
    #[msg("Backstop pool has opted in to 16 collaterals already")]
    BackstopCollateralsFull = 805,
    #[msg("Backstop pool holds as much of this collateral as its cap allows, or has opted out of it (a cap of zero)")]
    ConcentrationCapReached = 806,
    #[msg("One atom of debt would buy more atoms of this collateral than the backstop pool can account for")]
    GainTooLarge = 807,
    #[msg("Tip would be less than `tip_min`; ask for less")]
    TipBelowMin = 808,
    #[msg("Deposit is still warming up; wait until `warm_at`")]
    DepositWarming = 809,
    #[msg("No deposit of this provider is warming up; one that is warm joins the pool, and is not taken back")]
    NothingWarming = 810,
    #[msg("No withdrawal was requested; request one and wait for the cooldown")]
    NoWithdrawalRequested = 811,
    #[msg("Withdrawal is still cooling down; wait until `matures_at`")]
    WithdrawalCooling = 812,
    #[msg("Withdrawal was not taken in its window and has lapsed; request it again")]
    WithdrawalLapsed = 813,
    #[msg("Nothing of this collateral was gained since it was last claimed")]
    NothingGained = 814,
    #[msg("Previous generation of this reserve's backstop still takes deposits; use that")]
    PreviousBackstopOpen = 820,
    #[msg("A generation after the first needs the one before it; give its account")]
    PreviousBackstopMissing = 821,
    #[msg("Provider account still holds a deposit or gains; withdraw, cancel what is warming up, and claim first")]
    ProviderNotEmpty = 822,

    /// Governance.
    #[msg("Action is paused by the market's guardian; the pause ends by itself")]
    Paused = 900,
    #[msg("Pause must be longer than zero and at most what the market allows for this action")]
    InvalidPause = 901,
    #[msg("Last pause of this action is not long enough ago; the guardian cannot pause it again yet")]
    PauseTooSoon = 902,
    #[msg("Signer is not the guardian of the market")]
    NotGuardian = 903,
    #[msg("Parameter does not exist, belongs to another account, or takes another kind of value")]
    InvalidParameter = 910,
    #[msg("Value is what it is already; nothing changes")]
    NothingChanges = 911,
    #[msg("Change does not tighten; propose it, and execute it after the delay")]
    NotTighter = 912,
    #[msg("Change tightens and needs no proposal; use `tighten_parameter`")]
    TightensAtOnce = 913,
    #[msg("Proposal is not ripe; execute it at `ripe_at` or after")]
    ProposalNotRipe = 914,
    #[msg("Proposal was not executed in time; cancel it and write it anew")]
    ProposalExpired = 915,
    #[msg("Value is no longer what the proposal was written against; cancel it and write it anew")]
    ProposalOutdated = 916,
    #[msg("Collateral cap may go from zero to 100,000 USD, then double at most, once in a delay; a token added to a launched market starts at zero")]
    CapGrowsTooFast = 917,
    #[msg("Role was not promised to the signer by an executed proposal")]
    NotPending = 918,
    #[msg("Signer is neither admin nor council of the market")]
    NotCouncil = 919,
    #[msg("Signer may not cancel this proposal while it can be executed: admin and council may, and the guardian but for its own replacement")]
    MayNotCancel = 920,
    #[msg("Proposal is of another market, account or parameter")]
    WrongProposal = 921,
    #[msg("Market is immutable; nothing of it changes")]
    ImmutableMarket = 922,
    #[msg("In an immutable market nobody will confirm a depth: `depth_atoms` must equal `depth_floor_atoms`")]
    DepthNotAtFloor = 923,
}

/// Maps each engine refusal to the variant of the same name, and asserts that the codes agree.
macro_rules! engine_errors {
    ($($name:ident),* $(,)?) => {
        impl From<EngineError> for PlimsollError {
            fn from(error: EngineError) -> Self {
                match error {
                    $(EngineError::$name => PlimsollError::$name,)*
                }
            }
        }
        $(const _: () = assert!(EngineError::$name as u32 == PlimsollError::$name as u32 + anchor_lang::error::ERROR_CODE_OFFSET);)*
    };
}

engine_errors!(
    ZeroAmount,
    AmountExceedsBalance,
    AmountTooLarge,
    SharesBelowMin,
    AssetsBelowMin,
    StalePrice,
    PriceFromFuture,
    PriceNotPositive,
    PriceOutOfRange,
    ConfidenceTooWide,
    PriceOffAverage,
    PriceNotStale,
    CollateralSlotsFull,
    DebtSlotsFull,
    SlotNotOpen,
    CollateralIsDebt,
    PositionNotEmpty,
    LenderNotEmpty,
    PositionHasDebt,
    LegMismatch,
    InitialHealthTooLow,
    MaintenanceHealthTooLow,
    DebtBelowMin,
    Healthy,
    CoolingOff,
    TakeOtherCollateral,
    Throttled,
    RepayMaxBelowDust,
    SeizeBelowMin,
    NothingToSeize,
    NotInDefault,
    InvalidProtectionOrder,
    NotTerminal,
    InsufficientLiquidity,
    SupplyCapExceeded,
    BorrowCapExceeded,
    CollateralCapExceeded,
    ReserveClosed,
    FlashOpen,
    FlashUnbalanced,
    ProvisionTooHigh,
    NothingOutstanding,
    NothingRecovered,
    OutflowLimited,
    InvalidMarketPolicy,
    InvalidWeights,
    InvalidHaircut,
    InvalidVolatility,
    InvalidDepth,
    InvalidBonus,
    InvalidOraclePolicy,
    InvalidRates,
    CapTooLargeForDepth,
    DustTooSmall,
    InvalidDecimals,
    InvalidThrottle,
    InvalidOutflowLimit,
    InvalidBackstopPolicy,
    BackstopClosed,
    BackstopEmpty,
    BackstopNotTriggered,
    CollateralNotOptedIn,
    BackstopCollateralsFull,
    ConcentrationCapReached,
    GainTooLarge,
    TipBelowMin,
    DepositWarming,
    NothingWarming,
    NoWithdrawalRequested,
    WithdrawalCooling,
    WithdrawalLapsed,
    NothingGained,
    Paused,
    InvalidPause,
    PauseTooSoon,
    InvalidParameter,
    NothingChanges,
    NotTighter,
    TightensAtOnce,
    ProposalNotRipe,
    ProposalExpired,
    ProposalOutdated,
    CapGrowsTooFast,
    NotPending,
    ImmutableMarket,
    DepthNotAtFloor,
);

/// Turns an engine refusal into the program's error: `engine_call().or_refuse()?`.
pub trait OrRefuse<T> {
    /// The value, or the program's error of the same name.
    fn or_refuse(self) -> Result<T>;
}

impl<T> OrRefuse<T> for plimsoll_engine::Result<T> {
    fn or_refuse(self) -> Result<T> {
        self.map_err(|error| PlimsollError::from(error).into())
    }
}
