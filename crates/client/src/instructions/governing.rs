//! Markets, reserves, and what anyone may do for them.

use plimsoll_engine::pause::Pausable;
use plimsoll_engine::state::{MarketPolicy, ReserveConfig};

use super::*;
use crate::address;

/// Create a market. The signer becomes its admin, guardian and council.
#[derive(Clone, Copy, Debug)]
pub struct CreateMarket {
    /// Pays and becomes admin.
    pub admin: Pubkey,
    /// Number of the market.
    pub id: u16,
    /// Policy.
    pub policy: MarketPolicy,
    /// Owner of the token accounts that receive protocol fees.
    pub treasury: Pubkey,
    /// Whether its launch makes it immutable.
    pub immutable: bool,
}

impl CreateMarket {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::CreateMarket {
            admin: self.admin,
            market: address::market(self.id),
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(
            accounts,
            plimsoll::instruction::CreateMarket {
                id: self.id,
                policy: self.policy,
                treasury: self.treasury,
                immutable: self.immutable,
            },
        )
    }
}

/// Add a token to a market.
#[derive(Clone, Copy, Debug)]
pub struct CreateReserve {
    /// Admin of the market; pays.
    pub admin: Pubkey,
    /// Market.
    pub market: Pubkey,
    /// Mint.
    pub mint: Pubkey,
    /// Token program of the mint.
    pub token_program: Pubkey,
    /// Price account that gives the first reading.
    pub price: Pubkey,
    /// Configuration.
    pub config: ReserveConfig,
}

impl CreateReserve {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let reserve = address::reserve(&self.market, &self.mint);
        let accounts = plimsoll::accounts::CreateReserve {
            admin: self.admin,
            market: self.market,
            reserve,
            mint: self.mint,
            liquidity_vault: address::liquidity_vault(&reserve),
            collateral_vault: address::collateral_vault(&reserve),
            price: self.price,
            token_program: self.token_program,
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::CreateReserve { config: self.config })
    }
}

/// Hand newer prices to reserves and book their interest. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct RefreshReserves<'a> {
    /// Reserves with their price accounts.
    pub offers: &'a [Offer],
}

impl RefreshReserves<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::RefreshReserves { event_authority: EVENT_AUTHORITY, program: PROGRAM_ID };
        let pairs = self.offers.iter();
        let rest = pairs
            .flat_map(|offer| [AccountMeta::new(offer.reserve, false), AccountMeta::new_readonly(offer.price, false)]);
        call_with(accounts, rest.collect(), plimsoll::instruction::RefreshReserves {})
    }
}

/// Book a reserve's interest up to now. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct AccrueInterest {
    /// Reserve.
    pub reserve: Pubkey,
}

impl AccrueInterest {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::AccrueInterest {
            reserve: self.reserve,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::AccrueInterest {})
    }
}

/// Record that a reserve's price has grown old; from then on it fades in liquidations of other collateral. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct NoticeStalePrice {
    /// Reserve.
    pub reserve: Pubkey,
}

impl NoticeStalePrice {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::NoticeStalePrice {
            reserve: self.reserve,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::NoticeStalePrice {})
    }
}

/// Add to a reserve's insurance. Anyone may; it is not returned.
#[derive(Clone, Copy, Debug)]
pub struct FundInsurance<'a> {
    /// Who pays.
    pub payer: Pubkey,
    /// Reserve.
    pub reserve: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub payer_liquidity: Option<Pubkey>,
    /// Atoms.
    pub amount_atoms: u64,
}

impl FundInsurance<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = fund_insurance(&self.payer, self.reserve, self.payer_liquidity);
        call(accounts, plimsoll::instruction::FundInsurance { amount_atoms: self.amount_atoms })
    }
}

/// Pay back what a reserve's lenders lost, at most what is outstanding. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct RepayRecovery<'a> {
    /// Who pays.
    pub payer: Pubkey,
    /// Reserve.
    pub reserve: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub payer_liquidity: Option<Pubkey>,
    /// Most to pay, atoms.
    pub amount_atoms_max: u64,
}

impl RepayRecovery<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = fund_insurance(&self.payer, self.reserve, self.payer_liquidity);
        call(accounts, plimsoll::instruction::RepayRecovery { amount_atoms_max: self.amount_atoms_max })
    }
}

fn fund_insurance(payer: &Pubkey, reserve: &Reserve, liquidity: Option<Pubkey>) -> plimsoll::accounts::FundInsurance {
    plimsoll::accounts::FundInsurance {
        payer: *payer,
        reserve: reserve.address,
        payer_liquidity: account_or_own(liquidity, payer, reserve),
        liquidity_vault: reserve.liquidity_vault(),
        mint: reserve.mint(),
        token_program: reserve.token_program(),
        event_authority: EVENT_AUTHORITY,
        program: PROGRAM_ID,
    }
}

/// Pay a reserve's protocol fees to the market's treasury. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct CollectFees<'a> {
    /// Reserve.
    pub reserve: &'a Reserve,
    /// Token account of the market's treasury.
    pub treasury_liquidity: Pubkey,
}

impl CollectFees<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::CollectFees {
            market: self.reserve.market(),
            reserve: self.reserve.address,
            treasury_liquidity: self.treasury_liquidity,
            liquidity_vault: self.reserve.liquidity_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::CollectFees {})
    }
}

/// Pause an action for a time, or let it go on early. The guardian alone may.
#[derive(Clone, Copy, Debug)]
pub struct ChangePause {
    /// Guardian of the market.
    pub guardian: Pubkey,
    /// Market.
    pub market: Pubkey,
    /// What to pause.
    pub action: Pausable,
}

impl ChangePause {
    /// The call that pauses for so many seconds.
    pub fn pause(&self, secs: u64) -> Instruction {
        call(self.accounts(), plimsoll::instruction::Pause { action: self.action as u8, secs })
    }

    /// The call that ends the pause.
    pub fn unpause(&self) -> Instruction {
        call(self.accounts(), plimsoll::instruction::Unpause { action: self.action as u8 })
    }

    fn accounts(&self) -> plimsoll::accounts::ChangePause {
        plimsoll::accounts::ChangePause {
            guardian: self.guardian,
            market: self.market,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        }
    }
}
