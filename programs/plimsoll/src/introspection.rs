//! What else this transaction does: the only code that reads the instructions sysvar.
//!
//! It is read by raw offsets (decoding whole instructions costs thousands of compute units where a route through several
//! pools stands among them). All integers are little-endian `u16`:
//!
//! ```text
//! count, then for each instruction the offset of        accounts: count, then for each a byte of flags and a key
//!                                                       program:  key
//! ... instructions ...                                  data:     length, then so many bytes
//! index of the instruction that runs: the last two bytes
//! ```
//!
//! The runtime writes it; even so nothing here trusts an offset: a read beyond the end is a `None`.

use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::{get_stack_height, TRANSACTION_LEVEL_STACK_HEIGHT};

use crate::error::PlimsollError;
use crate::instruction::{FlashBorrow, FlashRepay};

/// Where `flash_borrow` names its reserve among its accounts.
const BORROW_RESERVE: usize = 2;
/// Where `flash_repay` does.
const REPAY_RESERVE: usize = 1;

/// Bytes of a `u16`.
const WORD: usize = 2;
/// Bytes of an account in the list of an instruction: flags and key.
const ACCOUNT: usize = 33;

/// Refuses a call through another program: it stands nowhere in the sysvar, so nobody could look for it there.
pub fn require_top_level() -> Result<()> {
    require!(get_stack_height() == TRANSACTION_LEVEL_STACK_HEIGHT, PlimsollError::NotTopLevel);
    Ok(())
}

/// Refuses a `flash_borrow` unless a later instruction of the transaction returns the loan, before another is taken.
pub fn require_flash_repay_ahead(sysvar: &AccountInfo, reserve: &Pubkey) -> Result<()> {
    let data = sysvar.try_borrow_data()?;
    let transaction = TransactionView::new(&data).ok_or(PlimsollError::FlashRepayMissing)?;
    let first = transaction.later().find_map(|instruction| instruction.flash_of(reserve));
    require!(first == Some(Flash::Repay), PlimsollError::FlashRepayMissing);
    Ok(())
}

/// Refuses a `flash_repay` unless an earlier instruction of the transaction took the loan, and none returned it since.
pub fn require_flash_borrow_behind(sysvar: &AccountInfo, reserve: &Pubkey) -> Result<()> {
    let data = sysvar.try_borrow_data()?;
    let transaction = TransactionView::new(&data).ok_or(PlimsollError::FlashBorrowMissing)?;
    let last = transaction.earlier().rev().find_map(|instruction| instruction.flash_of(reserve));
    require!(last == Some(Flash::Borrow), PlimsollError::FlashBorrowMissing);
    Ok(())
}

/// Half of a flash loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flash {
    Borrow,
    Repay,
}

/// A `u16` at an offset.
fn word(data: &[u8], at: usize) -> Option<usize> {
    let bytes = data.get(at..)?.first_chunk::<WORD>()?;
    Some(usize::from(u16::from_le_bytes(*bytes)))
}

/// The top-level instructions of a transaction, and which of them runs.
#[derive(Clone, Copy)]
struct TransactionView<'a> {
    data: &'a [u8],
    count: usize,
    current: usize,
}

impl<'a> TransactionView<'a> {
    fn new(data: &'a [u8]) -> Option<Self> {
        let current = word(data, data.len().checked_sub(WORD)?)?;
        Some(Self { data, count: word(data, 0)?, current })
    }

    fn later(self) -> impl Iterator<Item = InstructionView<'a>> {
        (self.current.saturating_add(1)..self.count).filter_map(move |index| self.instruction(index))
    }

    fn earlier(self) -> impl DoubleEndedIterator<Item = InstructionView<'a>> {
        (0..self.current.min(self.count)).filter_map(move |index| self.instruction(index))
    }

    fn instruction(self, index: usize) -> Option<InstructionView<'a>> {
        let start = word(self.data, WORD.checked_mul(index.checked_add(1)?)?)?;
        let body = self.data.get(start..)?;
        let (count, accounts) = (word(body, 0)?, body.get(WORD..)?);
        let (accounts, rest) = accounts.split_at_checked(ACCOUNT.checked_mul(count)?)?;
        let (program, rest) = rest.split_first_chunk::<32>()?;
        let data = rest.get(WORD..)?.get(..word(rest, 0)?)?;
        Some(InstructionView { accounts, program, data })
    }
}

/// One top-level instruction.
struct InstructionView<'a> {
    accounts: &'a [u8],
    program: &'a [u8; 32],
    data: &'a [u8],
}

impl InstructionView<'_> {
    /// Which half of a flash loan of this reserve it is, if any.
    fn flash_of(&self, reserve: &Pubkey) -> Option<Flash> {
        if self.program != crate::ID.as_array() {
            return None;
        }
        let (flash, place) = if self.data.starts_with(FlashBorrow::DISCRIMINATOR) {
            (Flash::Borrow, BORROW_RESERVE)
        } else if self.data.starts_with(FlashRepay::DISCRIMINATOR) {
            (Flash::Repay, REPAY_RESERVE)
        } else {
            return None;
        };
        let (accounts, _) = self.accounts.as_chunks::<ACCOUNT>();
        let [_flags, key @ ..] = accounts.get(place)?;
        (key == reserve.as_array()).then_some(flash)
    }
}

#[cfg(test)]
mod tests;
