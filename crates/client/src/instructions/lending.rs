//! What a lender does.

use super::*;
use crate::address;

/// Open a lender account in a reserve, before the first supply.
#[derive(Clone, Copy, Debug)]
pub struct OpenLender {
    /// Lender; pays.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
}

impl OpenLender {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::OpenLender {
            owner: self.owner,
            reserve: self.reserve,
            lender: address::lender(&self.reserve, &self.owner),
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::OpenLender {})
    }
}

/// Close an empty lender account.
#[derive(Clone, Copy, Debug)]
pub struct CloseLender {
    /// Lender; receives the rent.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
}

impl CloseLender {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::CloseLender {
            owner: self.owner,
            lender: address::lender(&self.reserve, &self.owner),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::CloseLender {})
    }
}

/// Supply liquidity for shares.
#[derive(Clone, Copy, Debug)]
pub struct Supply<'a> {
    /// Lender.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub owner_liquidity: Option<Pubkey>,
    /// Atoms.
    pub amount_atoms: u64,
    /// Least shares to accept.
    pub shares_min: u128,
}

impl Supply<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = change_supply(&self.owner, self.reserve, self.owner_liquidity);
        call(accounts, plimsoll::instruction::Supply { amount_atoms: self.amount_atoms, shares_min: self.shares_min })
    }
}

/// Redeem shares for liquidity.
#[derive(Clone, Copy, Debug)]
pub struct Redeem<'a> {
    /// Lender.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: &'a Reserve,
    /// Token account that receives; the associated one if none is named.
    pub owner_liquidity: Option<Pubkey>,
    /// Shares to burn.
    pub shares: u128,
    /// Least atoms to accept.
    pub assets_min_atoms: u64,
}

impl Redeem<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = change_supply(&self.owner, self.reserve, self.owner_liquidity);
        call(accounts, plimsoll::instruction::Redeem { shares: self.shares, assets_min_atoms: self.assets_min_atoms })
    }
}

/// Take what was paid back of one's losses.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRecovery<'a> {
    /// Lender.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: &'a Reserve,
    /// Token account that receives; the associated one if none is named.
    pub owner_liquidity: Option<Pubkey>,
}

impl ClaimRecovery<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = change_supply(&self.owner, self.reserve, self.owner_liquidity);
        call(accounts, plimsoll::instruction::ClaimRecovery {})
    }
}

/// Ask where a lender stands.
#[derive(Clone, Copy, Debug)]
pub struct QuoteLender {
    /// Lender.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
}

impl QuoteLender {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let lender = address::lender(&self.reserve, &self.owner);
        let accounts = plimsoll::accounts::QuoteLender { reserve: self.reserve, lender };
        call(accounts, plimsoll::instruction::QuoteLender {})
    }
}

/// Ask what a lender has at stake in one position.
#[derive(Clone, Copy, Debug)]
pub struct QuoteLenderExposure {
    /// Lender.
    pub owner: Pubkey,
    /// Reserve.
    pub reserve: Pubkey,
    /// Position that owes to it.
    pub position: Pubkey,
}

impl QuoteLenderExposure {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let lender = address::lender(&self.reserve, &self.owner);
        let accounts =
            plimsoll::accounts::QuoteLenderExposure { reserve: self.reserve, lender, position: self.position };
        call(accounts, plimsoll::instruction::QuoteLenderExposure {})
    }
}

fn change_supply(owner: &Pubkey, reserve: &Reserve, liquidity: Option<Pubkey>) -> plimsoll::accounts::ChangeSupply {
    plimsoll::accounts::ChangeSupply {
        owner: *owner,
        market: reserve.market(),
        reserve: reserve.address,
        lender: address::lender(&reserve.address, owner),
        owner_liquidity: account_or_own(liquidity, owner, reserve),
        liquidity_vault: reserve.liquidity_vault(),
        mint: reserve.mint(),
        token_program: reserve.token_program(),
        event_authority: EVENT_AUTHORITY,
        program: PROGRAM_ID,
    }
}
