//! What was asked for: instructions decoded, beside the event each of them left.

use anchor_lang::{AnchorDeserialize, Discriminator};
use plimsoll::instruction as ix;
use plimsoll_client::{Instruction, Pubkey};

use crate::Wrong;

/// What the model needs to know of an instruction beyond its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It leaves no event: a view.
    View,
    /// Exactly this many atoms.
    Atoms(u64),
    /// At most this many atoms.
    AtMost(u64),
    /// Exactly this many shares, for at least so many atoms.
    Shares(u128, u64),
    /// At most so much repaid, at least so much seized.
    Trade(u64, u64),
    /// At least this tip.
    Tip(u64),
    /// Nothing that has an amount.
    Nothing,
}

fn read<T: AnchorDeserialize + Discriminator>(data: &[u8]) -> Option<Result<T, Wrong>> {
    let body = data.strip_prefix(T::DISCRIMINATOR)?;
    Some(T::try_from_slice(body).map_err(|error| format!("an accepted instruction cannot be decoded: {error}")))
}

impl Asked {
    /// Of an accepted instruction of the program.
    pub fn of(data: &[u8]) -> Result<Self, Wrong> {
        macro_rules! asked {
            ($($kind:ident: $args:ident => $asked:expr),* $(,)?) => {
                $(if let Some(decoded) = read::<ix::$kind>(data) {
                    let $args = decoded?;
                    return Ok($asked);
                })*
            };
        }
        asked!(
            Supply: it => Self::Atoms(it.amount_atoms),
            Redeem: it => Self::Shares(it.shares, it.assets_min_atoms),
            Borrow: it => Self::Atoms(it.amount_atoms),
            Repay: it => Self::AtMost(it.amount_atoms_max),
            DepositCollateral: it => Self::Atoms(it.amount_atoms),
            WithdrawCollateral: it => Self::Atoms(it.amount_atoms),
            FundInsurance: it => Self::Atoms(it.amount_atoms),
            RepayRecovery: it => Self::AtMost(it.amount_atoms_max),
            FlashBorrow: it => Self::Atoms(it.amount_atoms),
            DepositBackstop: it => Self::Atoms(it.amount_atoms),
            RequestBackstopWithdrawal: it => Self::Atoms(it.amount_atoms),
            Liquidate: it => Self::Trade(it.repay_max_atoms, it.seize_min_atoms),
            BackstopLiquidate: it => Self::Tip(it.tip_min_atoms),
            QuotePosition: _it => Self::View,
            QuoteLiquidation: _it => Self::View,
            QuoteLender: _it => Self::View,
            QuoteLenderExposure: _it => Self::View,
            QuoteBackstopProvider: _it => Self::View,
        );
        Ok(Self::Nothing)
    }

    /// Exactly what was asked for was done.
    pub fn require_atoms(self, what: &str, atoms: u64) -> Result<(), Wrong> {
        match self {
            Self::Atoms(asked) => crate::exactly(what, asked, atoms),
            other => Err(format!("{what}: {atoms}, and asked was {other:?}")),
        }
    }

    /// The bound that was asked for.
    pub fn at_most(self, what: &str) -> Result<u64, Wrong> {
        match self {
            Self::AtMost(most) => Ok(most),
            other => Err(format!("{what}: asked was {other:?}")),
        }
    }
}

/// An account of an instruction, by its place.
pub fn account(instruction: &Instruction, at: usize) -> Result<Pubkey, Wrong> {
    instruction.accounts.get(at).map(|meta| meta.pubkey).ok_or_else(|| format!("there is no account {at}"))
}

/// That an event speaks of accounts that the instruction named.
pub fn require_named(instruction: &Instruction, keys: &[&Pubkey]) -> Result<(), Wrong> {
    let is_named = |key: &&&Pubkey| !instruction.accounts.iter().any(|meta| meta.pubkey == ***key);
    match keys.iter().find(is_named) {
        Some(key) => Err(format!("an event speaks of {key}, which the instruction does not name")),
        None => Ok(()),
    }
}
