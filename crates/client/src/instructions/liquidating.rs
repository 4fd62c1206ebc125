//! Liquidation, settlement, and the quotes that go before them.

use super::*;

/// Repay an unhealthy position's debt and take collateral for it. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct Liquidate<'a> {
    /// Liquidator.
    pub liquidator: Pubkey,
    /// Position.
    pub position: &'a Position,
    /// Reserve of the collateral to seize.
    pub seized: &'a Reserve,
    /// Reserve of the debt to repay.
    pub repaid: &'a Reserve,
    /// Token account that pays; the associated one if none is named.
    pub liquidator_liquidity: Option<Pubkey>,
    /// Token account that receives; the associated one if none is named.
    pub liquidator_collateral: Option<Pubkey>,
    /// Hard bound on the repayment, atoms; the fee comes on top.
    pub repay_max_atoms: u64,
    /// Least collateral to accept, atoms.
    pub seize_min_atoms: u64,
    /// Prices.
    pub offers: &'a [Offer],
}

impl Liquidate<'_> {
    /// The call.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let accounts = plimsoll::accounts::Liquidate {
            liquidator: self.liquidator,
            market: self.position.market(),
            position: self.position.address,
            seized_reserve: self.seized.address,
            repaid_reserve: self.repaid.address,
            liquidator_liquidity: account_or_own(self.liquidator_liquidity, &self.liquidator, self.repaid),
            liquidity_vault: self.repaid.liquidity_vault(),
            liquidity_mint: self.repaid.mint(),
            liquidity_token_program: self.repaid.token_program(),
            liquidator_collateral: account_or_own(self.liquidator_collateral, &self.liquidator, self.seized),
            collateral_vault: self.seized.collateral_vault(),
            collateral_mint: self.seized.mint(),
            collateral_token_program: self.seized.token_program(),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let named = [self.seized.address, self.repaid.address];
        let (rest, offered) = remaining(&legs(self.position, None), &named, |_| false, self.offers)?;
        let (repay_max_atoms, seize_min_atoms) = (self.repay_max_atoms, self.seize_min_atoms);
        Ok(call_with(accounts, rest, plimsoll::instruction::Liquidate { repay_max_atoms, seize_min_atoms, offered }))
    }
}

/// Look at a position and record a margin call, a flag, or that both are over. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct FlagPosition<'a> {
    /// Position.
    pub position: &'a Position,
    /// Reserve of a collateral by which it is judged.
    pub collateral: Pubkey,
    /// Reserve of a debt by which it is judged.
    pub debt: Pubkey,
    /// Prices.
    pub offers: &'a [Offer],
}

impl FlagPosition<'_> {
    /// The call.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let accounts = plimsoll::accounts::FlagPosition {
            market: self.position.market(),
            position: self.position.address,
            collateral_reserve: self.collateral,
            debt_reserve: self.debt,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let named = [self.collateral, self.debt];
        let (rest, offered) = remaining(&legs(self.position, None), &named, |_| false, self.offers)?;
        Ok(call_with(accounts, rest, plimsoll::instruction::FlagPosition { offered }))
    }
}

/// Mark a default and book the loss that is expected of it, or book it anew. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct MarkDefault<'a> {
    /// Position.
    pub position: &'a Position,
    /// Reserve of its first debt, and the token account that receives a tip of its insurance; none: no tip.
    pub tip: Option<(&'a Reserve, Pubkey)>,
    /// Prices.
    pub offers: &'a [Offer],
}

impl MarkDefault<'_> {
    /// The call. The debts' reserves are writable.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let accounts = plimsoll::accounts::MarkDefault {
            market: self.position.market(),
            position: self.position.address,
            tip_account: self.tip.map(|(_, account)| account),
            liquidity_vault: self.tip.map(|(reserve, _)| reserve.liquidity_vault()),
            mint: self.tip.map(|(reserve, _)| reserve.mint()),
            token_program: self.tip.map(|(reserve, _)| reserve.token_program()),
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let is_debt = |leg: &Leg| self.position.state.debt_index(leg.reserve.as_array()).is_some();
        let (rest, offered) = remaining(&legs(self.position, None), &[], is_debt, self.offers)?;
        Ok(call_with(accounts, rest, plimsoll::instruction::MarkDefault { offered }))
    }
}

/// Settle a default. Anyone may.
#[derive(Clone, Copy, Debug)]
pub struct SettleDefault<'a> {
    /// Position in default.
    pub position: &'a Position,
    /// Prices.
    pub offers: &'a [Offer],
}

impl SettleDefault<'_> {
    /// The call. Every reserve of the position is writable.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let accounts = plimsoll::accounts::SettleDefault {
            market: self.position.market(),
            position: self.position.address,
            event_authority: EVENT_AUTHORITY,
            program: PROGRAM_ID,
        };
        let (rest, offered) = remaining(&legs(self.position, None), &[], |_| true, self.offers)?;
        Ok(call_with(accounts, rest, plimsoll::instruction::SettleDefault { offered }))
    }
}

/// Ask where a position stands. Simulate it, and decode the return data by
/// [`position_quote`](crate::quotes::position_quote).
#[derive(Clone, Copy, Debug)]
pub struct QuotePosition<'a> {
    /// Position.
    pub position: &'a Position,
    /// Prices.
    pub offers: &'a [Offer],
}

impl QuotePosition<'_> {
    /// The call.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let (rest, offered) = remaining(&legs(self.position, None), &[], |_| false, self.offers)?;
        Ok(call_with(quote_accounts(self.position), rest, plimsoll::instruction::QuotePosition { offered }))
    }
}

/// Ask what a liquidation would do. Simulate it, and decode the return data by
/// [`liquidation_quote`](crate::quotes::liquidation_quote).
#[derive(Clone, Copy, Debug)]
pub struct QuoteLiquidation<'a> {
    /// Position.
    pub position: &'a Position,
    /// Slot of the collateral to seize.
    pub collateral_slot: u8,
    /// Slot of the debt to repay.
    pub debt_slot: u8,
    /// Hard bound on the repayment, atoms.
    pub repay_max_atoms: u64,
    /// Prices.
    pub offers: &'a [Offer],
}

impl QuoteLiquidation<'_> {
    /// The call.
    ///
    /// # Errors
    /// Where an offer does not fit the position.
    pub fn instruction(&self) -> Result<Instruction, BuildError> {
        let (rest, offered) = remaining(&legs(self.position, None), &[], |_| false, self.offers)?;
        let data = plimsoll::instruction::QuoteLiquidation {
            collateral_slot: self.collateral_slot,
            debt_slot: self.debt_slot,
            repay_max_atoms: self.repay_max_atoms,
            offered,
        };
        Ok(call_with(quote_accounts(self.position), rest, data))
    }
}

fn quote_accounts(position: &Position) -> plimsoll::accounts::Quote {
    plimsoll::accounts::Quote { market: position.market(), position: position.address }
}
