//! Instructions: their data, and the program's whole entry with accounts nobody vouches for. There is no runtime below:
//! the clock is the input's, what calls another program moves nothing.
//!
//! Input: time, counted data, accounts.

use anchor_lang::prelude::AccountInfo;
use anchor_lang::{AnchorDeserialize, Discriminator, InstructionData};

use crate::chain::{set_clock, Stored};
use crate::input::Input;

/// Decodes the data behind an instruction's discriminator; `None` where it is another's.
type Decode = fn(&[u8]) -> Option<bool>;

/// What decodes is encoded as the same bytes again.
fn decode<T: AnchorDeserialize + InstructionData + Discriminator>(data: &[u8]) -> Option<bool> {
    let mut arguments = data.strip_prefix(T::DISCRIMINATOR)?;
    let Ok(decoded) = T::deserialize(&mut arguments) else { return Some(false) };
    let encoded = decoded.data();
    assert_eq!(data[..data.len() - arguments.len()], encoded, "arguments change on their way through");
    Some(true)
}

macro_rules! arguments {
    ($($name:ident),* $(,)?) => {
        /// Every instruction, and how its arguments decode.
        pub const ARGUMENTS: &[(&str, Decode)] =
            &[$((stringify!($name), decode::<plimsoll::instruction::$name>)),*];
    };
}

arguments!(
    AcceptRole,
    AccrueInterest,
    BackstopLiquidate,
    Borrow,
    CancelBackstopDeposit,
    CancelProposal,
    ClaimBackstopGain,
    ClaimRecovery,
    CloseBackstopProvider,
    CloseLender,
    ClosePosition,
    CollectFees,
    ConfirmDepth,
    CreateBackstop,
    CreateMarket,
    CreateReserve,
    DepositBackstop,
    DepositCollateral,
    ExecuteProposal,
    FlagPosition,
    FlashBorrow,
    FlashRepay,
    FundInsurance,
    JoinBackstop,
    LaunchMarket,
    Liquidate,
    MarkDefault,
    NoticeStalePrice,
    OpenBackstopProvider,
    OpenLender,
    OpenPosition,
    Pause,
    ProposeParameter,
    QuoteBackstopProvider,
    QuoteLender,
    QuoteLenderExposure,
    QuoteLiquidation,
    QuotePosition,
    Redeem,
    RefreshReserves,
    Repay,
    RepayRecovery,
    RequestBackstopWithdrawal,
    SetBackstopCollateral,
    SetProtectionOrder,
    SettleDefault,
    Supply,
    TightenParameter,
    UncountPosition,
    Unpause,
    WithdrawBackstop,
    WithdrawCollateral,
);

pub fn run(bytes: &[u8]) -> bool {
    let mut input = Input::new(bytes);
    let (now, data) = (input.now(), input.counted());
    let decoded = ARGUMENTS.iter().filter_map(|(_, decode)| decode(data)).collect::<Vec<_>>();
    assert!(decoded.len() <= 1, "one discriminator starts {} instructions", decoded.len());

    set_clock(&now);
    let mut stored = Stored::read_all(&mut input);
    let infos: Vec<AccountInfo> = stored.iter_mut().map(Stored::info).collect();
    // SAFETY: the program keeps no account beyond the call, and `stored` and `infos` outlive it.
    let infos = unsafe { as_long_as_itself(&infos) };
    let _ = plimsoll::entry(&plimsoll::ID, infos, data);
    decoded.contains(&true)
}

/// Accounts as the entry wants them: the slice borrowed for as long as what is in it, which no owner of both can offer.
///
/// # Safety
/// The result must not be used beyond `infos` and what they borrow.
unsafe fn as_long_as_itself<'a>(infos: &[AccountInfo<'_>]) -> &'a [AccountInfo<'a>] {
    std::mem::transmute(infos)
}
