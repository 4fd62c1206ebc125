//! Errors as sentences: a program error code, or a whole transaction error, as name, text and place.

use anchor_lang::error::ErrorCode;
use solana_instruction_error::InstructionError;
use solana_transaction_error::TransactionError;

pub use plimsoll::error::PlimsollError;

macro_rules! program_errors {
    ($($name:ident),* $(,)?) => {
        /// Every refusal of the program, in the order of codes.
        pub const PROGRAM_ERRORS: &[PlimsollError] = &[$(PlimsollError::$name),*];

        /// Name of a refusal. (Without a wildcard: a refusal that is missing above does not compile.)
        fn program_name(error: PlimsollError) -> &'static str {
            match error {
                $(PlimsollError::$name => stringify!($name),)*
            }
        }
    };
}

program_errors!(
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
    WrongPriceOwner,
    WrongFeed,
    MalformedPrice,
    PriceUnverified,
    PriceNotTrading,
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
    FlashRepayMissing,
    FlashBorrowMissing,
    NotTopLevel,
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
    WrongMarket,
    WrongReserve,
    WrongMint,
    WrongVault,
    WrongTokenProgram,
    NotOwner,
    NotAdmin,
    SameAccount,
    LegMissing,
    LegOutOfOrder,
    ExtraAccount,
    OfferMismatch,
    LegNotWritable,
    NotAReserve,
    NotTreasury,
    WrongBackstop,
    TipAccountMissing,
    ExtensionRefused,
    NotAMint,
    TransferFeeRefused,
    TransferHookRefused,
    ConfidentialTransferRefused,
    NonTransferableRefused,
    PermanentDelegateRefused,
    PausableRefused,
    CloseAuthorityRefused,
    DefaultFrozenRefused,
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
    PreviousBackstopOpen,
    PreviousBackstopMissing,
    ProviderNotEmpty,
    Paused,
    InvalidPause,
    PauseTooSoon,
    NotGuardian,
    InvalidParameter,
    NothingChanges,
    NotTighter,
    TightensAtOnce,
    ProposalNotRipe,
    ProposalExpired,
    ProposalOutdated,
    CapGrowsTooFast,
    NotPending,
    NotCouncil,
    MayNotCancel,
    WrongProposal,
    ImmutableMarket,
    DepthNotAtFloor,
);

macro_rules! framework_errors {
    ($($name:ident),* $(,)?) => {
        /// The refusals of the framework that this program's accounts can meet.
        const FRAMEWORK_ERRORS: &[(ErrorCode, &str)] = &[$((ErrorCode::$name, stringify!($name))),*];
    };
}

framework_errors!(
    InstructionMissing,
    InstructionFallbackNotFound,
    InstructionDidNotDeserialize,
    ConstraintMut,
    ConstraintHasOne,
    ConstraintSigner,
    ConstraintRaw,
    ConstraintOwner,
    ConstraintRentExempt,
    ConstraintSeeds,
    ConstraintClose,
    ConstraintAddress,
    ConstraintTokenMint,
    ConstraintTokenOwner,
    ConstraintTokenTokenProgram,
    ConstraintDuplicateMutableAccount,
    AccountDiscriminatorAlreadySet,
    AccountDiscriminatorNotFound,
    AccountDiscriminatorMismatch,
    AccountDidNotDeserialize,
    AccountNotEnoughKeys,
    AccountNotMutable,
    AccountOwnedByWrongProgram,
    InvalidProgramId,
    InvalidProgramExecutable,
    AccountNotSigner,
    AccountNotSystemOwned,
    AccountNotInitialized,
    DeclaredProgramIdMismatch,
    TryingToInitPayerAsProgramAccount,
);

/// A code with its name and sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence} ({name}, code {code})")]
pub struct Refusal {
    /// Code as it stands in a transaction error or in a quote.
    pub code: u32,
    /// Name of the variant.
    pub name: &'static str,
    /// What it says about the world.
    pub sentence: String,
}

impl From<PlimsollError> for Refusal {
    fn from(error: PlimsollError) -> Self {
        Self { code: error.into(), name: program_name(error), sentence: error.to_string() }
    }
}

/// The program's refusal of a code.
pub fn program_error(code: u32) -> Option<PlimsollError> {
    PROGRAM_ERRORS.iter().copied().find(|error| u32::from(*error) == code)
}

/// Name and sentence of a code of the program or of its framework.
pub fn explain(code: u32) -> Option<Refusal> {
    let framework = || FRAMEWORK_ERRORS.iter().find(|(error, _)| u32::from(*error) == code);
    program_error(code)
        .map(Refusal::from)
        .or_else(|| framework().map(|(error, name)| Refusal { code, name, sentence: error.to_string() }))
}

/// Every refusal with its sentence: the program's, then the framework's that its accounts can meet. What other clients show.
pub fn every_refusal() -> impl Iterator<Item = Refusal> {
    let framework = FRAMEWORK_ERRORS.iter();
    let framework = framework.map(|(error, name)| Refusal { code: (*error).into(), name, sentence: error.to_string() });
    PROGRAM_ERRORS.iter().copied().map(Refusal::from).chain(framework)
}

/// A transaction error: which instruction of it failed, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An instruction was refused with a code this client knows.
    #[error("instruction {index}: {refusal}")]
    Refused {
        /// Index of the instruction in its transaction.
        index: u8,
        /// Why.
        refusal: Refusal,
    },
    /// An instruction failed otherwise: another program's code, or the runtime's.
    #[error("instruction {index} failed: {error}")]
    Instruction {
        /// Index of the instruction in its transaction.
        index: u8,
        /// What the runtime says.
        error: InstructionError,
    },
    /// The transaction failed as a whole.
    #[error("transaction failed: {0}")]
    Transaction(TransactionError),
}

impl From<TransactionError> for Failure {
    /// Reads a transaction error. A custom code is taken for this program's: ask it of transactions to this program alone.
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::InstructionError(index, error) => match code_of(&error).and_then(explain) {
                Some(refusal) => Self::Refused { index, refusal },
                None => Self::Instruction { index, error },
            },
            error => Self::Transaction(error),
        }
    }
}

fn code_of(error: &InstructionError) -> Option<u32> {
    match error {
        InstructionError::Custom(code) => Some(*code),
        _ => None,
    }
}

/// The custom code of a transaction error.
pub fn custom_code(error: &TransactionError) -> Option<u32> {
    match error {
        TransactionError::InstructionError(_, error) => code_of(error),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_a_sentence() {
        for pair in PROGRAM_ERRORS.windows(2) {
            assert!(u32::from(pair[0]) < u32::from(pair[1]), "{:?} and {:?} are out of order", pair[0], pair[1]);
        }
        for error in PROGRAM_ERRORS {
            let refusal = Refusal::from(*error);
            assert_eq!(refusal.name, format!("{error:?}"));
            assert!(refusal.sentence.contains(' ') && !refusal.sentence.ends_with('.'), "{refusal}");
            assert_eq!(explain(refusal.code), Some(refusal));
        }
    }

    #[test]
    fn a_transaction_error_becomes_a_sentence() {
        let stale = u32::from(PlimsollError::StalePrice);
        let refused = Failure::from(TransactionError::InstructionError(2, InstructionError::Custom(stale)));
        assert!(refused.to_string().starts_with("instruction 2: Price is too old"), "{refused}");
        let framework = Failure::from(TransactionError::InstructionError(0, InstructionError::Custom(2006)));
        assert!(framework.to_string().contains("ConstraintSeeds"), "{framework}");
        let unknown = Failure::from(TransactionError::InstructionError(0, InstructionError::Custom(1)));
        assert!(matches!(unknown, Failure::Instruction { index: 0, .. }), "{unknown}");
        assert!(matches!(Failure::from(TransactionError::AccountInUse), Failure::Transaction(_)));
    }
}
