//! Flash loans: both halves stand in one transaction, as instructions of its own, with anything between.

use super::*;
use plimsoll::constants::INSTRUCTIONS_SYSVAR;

/// Borrow until the [`FlashRepay`] of the same reserve that follows in the transaction.
#[derive(Clone, Copy, Debug)]
pub struct FlashBorrow<'a> {
    /// Who borrows.
    pub borrower: Pubkey,
    /// Reserve to borrow from.
    pub reserve: &'a Reserve,
    /// Token account that receives; the associated one if none is named.
    pub borrower_liquidity: Option<Pubkey>,
    /// Atoms.
    pub amount_atoms: u64,
}

impl FlashBorrow<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::FlashBorrow {
            borrower: self.borrower,
            market: self.reserve.market(),
            reserve: self.reserve.address,
            borrower_liquidity: account_or_own(self.borrower_liquidity, &self.borrower, self.reserve),
            liquidity_vault: self.reserve.liquidity_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::FlashBorrow { amount_atoms: self.amount_atoms })
    }
}

/// Return a flash loan: principal and [fee](plimsoll_engine::state::MarketPolicy::flash_fee_atoms).
#[derive(Clone, Copy, Debug)]
pub struct FlashRepay<'a> {
    /// Who pays.
    pub payer: Pubkey,
    /// Reserve of the loan.
    pub reserve: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub payer_liquidity: Option<Pubkey>,
}

impl FlashRepay<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::FlashRepay {
            payer: self.payer,
            reserve: self.reserve.address,
            payer_liquidity: account_or_own(self.payer_liquidity, &self.payer, self.reserve),
            liquidity_vault: self.reserve.liquidity_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            instructions: INSTRUCTIONS_SYSVAR,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::FlashRepay {})
    }
}
