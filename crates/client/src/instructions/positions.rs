//! What a borrower does, and what anyone may do for a position.

use super::*;
use crate::address;

/// Open an empty position.
#[derive(Clone, Copy, Debug)]
pub struct OpenPosition {
    /// Owner; pays.
    pub owner: Pubkey,
    /// Market.
    pub market: Pubkey,
    /// Number of the position.
    pub id: u16,
}

impl OpenPosition {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::OpenPosition {
            owner: self.owner,
            market: self.market,
            position: address::position(&self.market, &self.owner, self.id),
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::OpenPosition { id: self.id })
    }
}

/// Close an empty position.
#[derive(Clone, Copy, Debug)]
pub struct ClosePosition {
    /// Owner; receives the rent.
    pub owner: Pubkey,
    /// Position.
    pub position: Pubkey,
}

impl ClosePosition {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::ClosePosition {
            owner: self.owner,
            position: self.position,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::ClosePosition {})
    }
}

/// Add collateral to a position. Anyone may, to an open slot; only the owner opens one.
#[derive(Clone, Copy, Debug)]
pub struct DepositCollateral<'a> {
    /// Who deposits.
    pub depositor: Pubkey,
    /// Position.
    pub position: Pubkey,
    /// Reserve of the token.
    pub reserve: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub depositor_collateral: Option<Pubkey>,
    /// Atoms.
    pub amount_atoms: u64,
}

impl DepositCollateral<'_> {
    /// The call; refused where the collateral cap has no room.
    pub fn instruction(&self) -> Instruction {
        call(
            self.accounts(None),
            plimsoll::instruction::DepositCollateral { amount_atoms: self.amount_atoms, offered: 0 },
        )
    }

    /// The call for a position below the call level, which may exceed the cap by the rescue allowance, up to the target
    /// health. `position` is the one that is rescued.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn rescue(&self, position: &Position, offers: &[Offer]) -> Result<Instruction, BuildError> {
        let accounts = self.accounts(Some(position.market()));
        let legs = legs_with_collateral(position, self.reserve.address);
        let (rest, offered) = remaining(&legs, &[self.reserve.address], |_| false, offers)?;
        let data = plimsoll::instruction::DepositCollateral { amount_atoms: self.amount_atoms, offered };
        Ok(call_with(accounts, rest, data))
    }

    fn accounts(&self, market: Option<Pubkey>) -> plimsoll::accounts::DepositCollateral {
        plimsoll::accounts::DepositCollateral {
            depositor: self.depositor,
            position: self.position,
            reserve: self.reserve.address,
            depositor_collateral: account_or_own(self.depositor_collateral, &self.depositor, self.reserve),
            collateral_vault: self.reserve.collateral_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            market,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        }
    }
}

/// Take collateral out of one's position.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawCollateral<'a> {
    /// Position; its owner signs.
    pub position: &'a Position,
    /// Reserve of the token.
    pub reserve: &'a Reserve,
    /// Token account that receives; the owner's associated one if none is named.
    pub owner_collateral: Option<Pubkey>,
    /// Atoms.
    pub amount_atoms: u64,
    /// Prices; ignored where the position has no debt.
    pub offers: &'a [Offer],
}

impl WithdrawCollateral<'_> {
    /// The call.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let owner = self.position.owner();
        let accounts = plimsoll::accounts::WithdrawCollateral {
            owner,
            market: self.position.market(),
            position: self.position.address,
            reserve: self.reserve.address,
            owner_collateral: account_or_own(self.owner_collateral, &owner, self.reserve),
            collateral_vault: self.reserve.collateral_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let (rest, offered) = if self.position.state.has_debt() {
            remaining(&legs(self.position, None), &[self.reserve.address], |_| false, self.offers)?
        } else {
            (Vec::new(), 0)
        };
        let data = plimsoll::instruction::WithdrawCollateral { amount_atoms: self.amount_atoms, offered };
        Ok(call_with(accounts, rest, data))
    }
}

/// Borrow against one's position.
#[derive(Clone, Copy, Debug)]
pub struct Borrow<'a> {
    /// Position; its owner signs.
    pub position: &'a Position,
    /// Reserve to borrow from.
    pub reserve: &'a Reserve,
    /// Token account that receives; the owner's associated one if none is named.
    pub owner_liquidity: Option<Pubkey>,
    /// Atoms.
    pub amount_atoms: u64,
    /// Prices, for collaterals, debts and the borrowed reserve.
    pub offers: &'a [Offer],
}

impl Borrow<'_> {
    /// The call. Collateral that does not count last-in yet is made writable.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let owner = self.position.owner();
        let accounts = plimsoll::accounts::Borrow {
            owner,
            market: self.position.market(),
            position: self.position.address,
            reserve: self.reserve.address,
            owner_liquidity: account_or_own(self.owner_liquidity, &owner, self.reserve),
            liquidity_vault: self.reserve.liquidity_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let legs = legs(self.position, Some(self.reserve.address));
        let (rest, offered) = remaining(&legs, &[self.reserve.address], |leg| leg.is_uncounted, self.offers)?;
        Ok(call_with(accounts, rest, plimsoll::instruction::Borrow { amount_atoms: self.amount_atoms, offered }))
    }
}

/// Set or remove a protection order on one's position.
#[derive(Clone, Copy, Debug)]
pub struct SetProtectionOrder<'a> {
    /// Position; its owner signs.
    pub position: &'a Position,
    /// Health below which keepers may deleverage, bps; 0 with a bonus of 0 removes the order.
    pub trigger_bps: u64,
    /// Bonus they earn, bps.
    pub bonus_bps: u64,
}

impl SetProtectionOrder<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::SetProtectionOrder {
            owner: self.position.owner(),
            market: self.position.market(),
            position: self.position.address,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let (trigger_bps, bonus_bps) = (self.trigger_bps, self.bonus_bps);
        call(accounts, plimsoll::instruction::SetProtectionOrder { trigger_bps, bonus_bps })
    }
}

/// Repay a position's debt. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct Repay<'a> {
    /// Who pays.
    pub payer: Pubkey,
    /// Position.
    pub position: Pubkey,
    /// Reserve of the debt.
    pub reserve: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub payer_liquidity: Option<Pubkey>,
    /// Most to pay, atoms; the largest `u64` repays all.
    pub amount_atoms_max: u64,
}

impl Repay<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::Repay {
            payer: self.payer,
            position: self.position,
            reserve: self.reserve.address,
            payer_liquidity: account_or_own(self.payer_liquidity, &self.payer, self.reserve),
            liquidity_vault: self.reserve.liquidity_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::Repay { amount_atoms_max: self.amount_atoms_max })
    }
}

/// Stop counting a debt-free position's collateral against what others may borrow. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct UncountPosition {
    /// Position without debt.
    pub position: Pubkey,
    /// Reserve of one of its collaterals.
    pub reserve: Pubkey,
}

impl UncountPosition {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::UncountPosition {
            position: self.position,
            reserve: self.reserve,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::UncountPosition {})
    }
}
