//! Backstop pools: what providers do, what anyone does for them, and what the admin does.

use plimsoll_engine::state::BackstopPolicy;

use super::*;
use crate::accounts::Backstop;
use crate::address;

/// Let a backstop pool repay an unhealthy position's debt and take the collateral, for a tip. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct BackstopLiquidate<'a> {
    /// Position.
    pub position: &'a Position,
    /// Reserve of the collateral to seize.
    pub seized: &'a Reserve,
    /// Reserve of the debt to repay.
    pub repaid: Pubkey,
    /// Generation of its pool.
    pub generation: u8,
    /// Token account that receives the tip.
    pub tip_account: Pubkey,
    /// Least tip to accept, collateral atoms.
    pub tip_min_atoms: u64,
    /// Prices.
    pub offers: &'a [Offer],
}

impl BackstopLiquidate<'_> {
    /// The call.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let accounts = plimsoll::accounts::BackstopLiquidate {
            market: self.position.market(),
            position: self.position.address,
            seized_reserve: self.seized.address,
            repaid_reserve: self.repaid,
            backstop: address::backstop(&self.repaid, self.generation),
            tip_account: self.tip_account,
            collateral_vault: self.seized.collateral_vault(),
            collateral_mint: self.seized.mint(),
            collateral_token_program: self.seized.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let named = [self.seized.address, self.repaid];
        let (rest, offered) = remaining(&legs(self.position, None), &named, |_| false, self.offers)?;
        let tip_min_atoms = self.tip_min_atoms;
        Ok(call_with(accounts, rest, plimsoll::instruction::BackstopLiquidate { tip_min_atoms, offered }))
    }
}

/// A provider in a backstop pool: what opens, changes and closes its deposit.
#[derive(Clone, Copy, Debug)]
pub struct BackstopProviding<'a> {
    /// Provider.
    pub owner: Pubkey,
    /// Reserve of the debt token.
    pub reserve: &'a Reserve,
    /// Generation of its pool.
    pub generation: u8,
}

impl BackstopProviding<'_> {
    /// The pool.
    pub fn backstop(&self) -> Pubkey {
        address::backstop(&self.reserve.address, self.generation)
    }

    /// The provider account.
    pub fn provider(&self) -> Pubkey {
        address::backstop_provider(&self.backstop(), &self.owner)
    }

    /// Open a provider account, before the first deposit. The provider pays.
    pub fn open(&self) -> Instruction {
        let accounts = plimsoll::accounts::OpenBackstopProvider {
            owner: self.owner,
            backstop: self.backstop(),
            provider: self.provider(),
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::OpenBackstopProvider {})
    }

    /// Close an empty provider account. The provider receives the rent.
    pub fn close(&self) -> Instruction {
        let accounts = plimsoll::accounts::CloseBackstopProvider {
            owner: self.owner,
            backstop: self.backstop(),
            provider: self.provider(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::CloseBackstopProvider {})
    }

    /// Deposit; it warms up first. `liquidity` pays, the associated token account if none is named.
    pub fn deposit(&self, liquidity: Option<Pubkey>, amount_atoms: u64) -> Instruction {
        call(self.change(liquidity), plimsoll::instruction::DepositBackstop { amount_atoms })
    }

    /// Take back what is warming up. `liquidity` receives, the associated token account if none is named.
    pub fn cancel(&self, liquidity: Option<Pubkey>) -> Instruction {
        call(self.change(liquidity), plimsoll::instruction::CancelBackstopDeposit {})
    }

    /// Take a matured withdrawal. `liquidity` receives, the associated token account if none is named.
    pub fn withdraw(&self, liquidity: Option<Pubkey>) -> Instruction {
        call(self.change(liquidity), plimsoll::instruction::WithdrawBackstop {})
    }

    /// Request a withdrawal.
    pub fn request(&self, amount_atoms: u64) -> Instruction {
        let accounts = plimsoll::accounts::RequestBackstopWithdrawal {
            owner: self.owner,
            backstop: self.backstop(),
            provider: self.provider(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::RequestBackstopWithdrawal { amount_atoms })
    }

    /// Let the provider's warm deposit join. Anyone may.
    pub fn join(&self) -> Instruction {
        let accounts = plimsoll::accounts::JoinBackstop {
            backstop: self.backstop(),
            provider: self.provider(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::JoinBackstop {})
    }

    /// Take all that was gained of a collateral. `wallet` receives, the associated token account if none is named.
    pub fn claim(&self, collateral: &Reserve, wallet: Option<Pubkey>) -> Instruction {
        let accounts = plimsoll::accounts::ClaimBackstopGain {
            owner: self.owner,
            backstop: self.backstop(),
            provider: self.provider(),
            collateral_reserve: collateral.address,
            owner_collateral: account_or_own(wallet, &self.owner, collateral),
            collateral_vault: collateral.collateral_vault(),
            mint: collateral.mint(),
            token_program: collateral.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::ClaimBackstopGain {})
    }

    /// Ask where the provider stands.
    pub fn quote(&self) -> Instruction {
        let accounts =
            plimsoll::accounts::QuoteBackstopProvider { backstop: self.backstop(), provider: self.provider() };
        call(accounts, plimsoll::instruction::QuoteBackstopProvider {})
    }

    fn change(&self, liquidity: Option<Pubkey>) -> plimsoll::accounts::ChangeBackstopDeposit {
        plimsoll::accounts::ChangeBackstopDeposit {
            owner: self.owner,
            reserve: self.reserve.address,
            backstop: self.backstop(),
            provider: self.provider(),
            owner_liquidity: account_or_own(liquidity, &self.owner, self.reserve),
            liquidity_vault: self.reserve.liquidity_vault(),
            mint: self.reserve.mint(),
            token_program: self.reserve.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        }
    }
}

/// Open a backstop pool for a reserve's debts.
#[derive(Clone, Copy, Debug)]
pub struct CreateBackstop<'a> {
    /// Admin of the market; pays.
    pub admin: Pubkey,
    /// Reserve of the debt token.
    pub reserve: &'a Reserve,
    /// Generation: 0 for the first; a later one when the one before is closed to deposits.
    pub generation: u8,
    /// Policy.
    pub policy: BackstopPolicy,
}

impl CreateBackstop<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let (reserve, generation) = (self.reserve.address, self.generation);
        let accounts = plimsoll::accounts::CreateBackstop {
            admin: self.admin,
            market: self.reserve.market(),
            reserve,
            backstop: address::backstop(&reserve, generation),
            previous: generation.checked_sub(1).map(|previous| address::backstop(&reserve, previous)),
            system_program: anchor_lang::system_program::ID,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::CreateBackstop { policy: self.policy, generation })
    }
}

/// Opt a backstop pool in to a collateral, change its cap, or opt out with a cap of zero.
#[derive(Clone, Copy, Debug)]
pub struct SetBackstopCollateral<'a> {
    /// Admin of the market.
    pub admin: Pubkey,
    /// Pool.
    pub backstop: &'a Backstop,
    /// Reserve of the collateral.
    pub collateral: Pubkey,
    /// Most the pool may hold of it, atoms.
    pub cap_atoms: u64,
}

impl SetBackstopCollateral<'_> {
    /// The call.
    pub fn instruction(&self) -> Instruction {
        let accounts = plimsoll::accounts::SetBackstopCollateral {
            admin: self.admin,
            market: Pubkey::new_from_array(self.backstop.state.market),
            backstop: self.backstop.address,
            collateral_reserve: self.collateral,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        call(accounts, plimsoll::instruction::SetBackstopCollateral { cap_atoms: self.cap_atoms })
    }
}
