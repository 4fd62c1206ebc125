//! What people do, one method each: `world.borrow(&borrower, &usdc, usdc.atoms("700"))?`.
//!
//! Each reads the accounts it needs, builds its instruction with the client, and sends it. Actions on a position offer the
//! price of every leg unless [`World::offering`] says otherwise.

use std::collections::BTreeMap;

use plimsoll_client::accounts::Position;
use plimsoll_client::address;
use plimsoll_client::instructions::*;
use plimsoll_client::quotes::{
    lender_exposure_quote, lender_quote, liquidation_quote, position_quote, LenderExposureQuote, LenderQuote,
    LiquidationQuote, PositionQuote,
};
use plimsoll_client::{Instruction, Pubkey};

use crate::outcome::{Outcome, Refused};
use crate::{Borrower, Lender, Liquidator, Role, Token, World};

/// Which prices actions on positions offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offering {
    /// Of every leg.
    All,
    /// Of these reserves, where they are legs.
    Only(Vec<Pubkey>),
}

/// A liquidator's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most to repay, atoms.
    pub repay_max_atoms: u64,
    /// Least to seize, atoms.
    pub seize_min_atoms: u64,
}

impl Limits {
    /// Whatever restores the target.
    pub const NONE: Self = Self { repay_max_atoms: u64::MAX, seize_min_atoms: 0 };

    /// At most so much repaid.
    pub fn repay_max(atoms: u64) -> Self {
        Self { repay_max_atoms: atoms, ..Self::NONE }
    }

    /// At least so much seized.
    pub fn seize_min(atoms: u64) -> Self {
        Self { seize_min_atoms: atoms, ..Self::NONE }
    }
}

impl World {
    /// Runs an action that offers the prices of these tokens alone.
    pub fn offering<T>(&mut self, tokens: &[&Token], action: impl FnOnce(&mut Self) -> T) -> T {
        let only = Offering::Only(tokens.iter().map(|token| token.reserve).collect());
        let before = std::mem::replace(&mut self.offering, only);
        let result = action(self);
        self.offering = before;
        result
    }

    /// What an action on a position offers now. `also` is a reserve about to become a leg.
    pub fn offers(&self, position: &Position, also: Option<Pubkey>) -> Vec<Offer> {
        let prices: BTreeMap<Pubkey, Pubkey> = self.tokens.iter().map(|token| (token.reserve, token.price)).collect();
        let is_offered = |reserve: &Pubkey| match &self.offering {
            Offering::All => true,
            Offering::Only(reserves) => reserves.contains(reserve),
        };
        let mut legs: Vec<Pubkey> = position.legs().collect();
        legs.extend(also.filter(|reserve| !legs.contains(reserve)));
        let offered = legs.into_iter().filter(is_offered);
        offered.filter_map(|reserve| prices.get(&reserve).map(|price| Offer { reserve, price: *price })).collect()
    }

    /// Opens a borrower's position.
    pub fn open_position(&mut self, borrower: &Borrower) -> Outcome {
        let open = OpenPosition { owner: borrower.address(), market: self.market, id: borrower.id };
        self.name(self.position_address(borrower), "position");
        self.act(open.instruction(), borrower)
    }

    /// Closes a borrower's empty position.
    pub fn close_position(&mut self, borrower: &Borrower) -> Outcome {
        let close = ClosePosition { owner: borrower.address(), position: self.position_address(borrower) };
        self.act(close.instruction(), borrower)
    }

    /// The borrower deposits collateral.
    pub fn deposit(&mut self, borrower: &Borrower, token: &Token, amount_atoms: u64) -> Outcome {
        self.deposit_for(borrower, borrower, token, amount_atoms)
    }

    /// Anyone deposits collateral for a borrower.
    pub fn deposit_for(&mut self, role: &impl Role, borrower: &Borrower, token: &Token, amount_atoms: u64) -> Outcome {
        self.wallet(role, token);
        let deposit = DepositCollateral {
            depositor: role.address(),
            position: self.position_address(borrower),
            reserve: &self.reserve(token),
            depositor_collateral: None,
            amount_atoms,
        };
        self.act(deposit.instruction(), role)
    }

    /// The borrower withdraws collateral.
    pub fn withdraw(&mut self, borrower: &Borrower, token: &Token, amount_atoms: u64) -> Outcome {
        self.wallet(borrower, token);
        let position = &self.position(borrower);
        let (reserve, offers) = (&self.reserve(token), &self.offers(position, None));
        let withdraw = WithdrawCollateral { position, reserve, owner_collateral: None, amount_atoms, offers };
        self.act(withdraw.instruction().expect("offers fit"), borrower)
    }

    /// The borrower borrows.
    pub fn borrow(&mut self, borrower: &Borrower, token: &Token, amount_atoms: u64) -> Outcome {
        self.wallet(borrower, token);
        let position = &self.position(borrower);
        let (reserve, offers) = (&self.reserve(token), &self.offers(position, Some(token.reserve)));
        let borrow = Borrow { position, reserve, owner_liquidity: None, amount_atoms, offers };
        self.act(borrow.instruction().expect("offers fit"), borrower)
    }

    /// The borrower repays, at most so much.
    pub fn repay(&mut self, borrower: &Borrower, token: &Token, amount_atoms_max: u64) -> Outcome {
        self.repay_for(borrower, borrower, token, amount_atoms_max)
    }

    /// Anyone repays a borrower's debt.
    pub fn repay_for(
        &mut self,
        role: &impl Role,
        borrower: &Borrower,
        token: &Token,
        amount_atoms_max: u64,
    ) -> Outcome {
        self.wallet(role, token);
        let repay = Repay {
            payer: role.address(),
            position: self.position_address(borrower),
            reserve: &self.reserve(token),
            payer_liquidity: None,
            amount_atoms_max,
        };
        self.act(repay.instruction(), role)
    }

    /// A liquidator seizes one token for repaying another.
    pub fn liquidate(
        &mut self,
        liquidator: &Liquidator,
        borrower: &Borrower,
        seized: &Token,
        repaid: &Token,
        limits: Limits,
    ) -> Outcome {
        self.wallet(liquidator, seized);
        self.wallet(liquidator, repaid);
        self.act(self.liquidation(liquidator, borrower, seized, repaid, limits), liquidator)
    }

    /// Anyone looks at a position, judged by one collateral and one debt.
    pub fn flag(&mut self, role: &impl Role, borrower: &Borrower, collateral: &Token, debt: &Token) -> Outcome {
        let position = &self.position(borrower);
        let (collateral, debt) = (collateral.reserve, debt.reserve);
        let flag = FlagPosition { position, collateral, debt, offers: &self.offers(position, None) };
        self.act(flag.instruction().expect("offers fit"), role)
    }

    /// The borrower sets a protection order; two zeros remove it.
    pub fn set_order(&mut self, borrower: &Borrower, trigger_bps: u64, bonus_bps: u64) -> Outcome {
        let position = &self.position(borrower);
        self.act(SetProtectionOrder { position, trigger_bps, bonus_bps }.instruction(), borrower)
    }

    /// Anyone deposits for a called borrower, beyond the cap where it must be.
    pub fn rescue(&mut self, role: &impl Role, borrower: &Borrower, token: &Token, amount_atoms: u64) -> Outcome {
        self.wallet(role, token);
        let position = &self.position(borrower);
        let (depositor, reserve) = (role.address(), &self.reserve(token));
        let deposit = DepositCollateral {
            depositor,
            position: position.address,
            reserve,
            depositor_collateral: None,
            amount_atoms,
        };
        let rescue = deposit.rescue(position, &self.offers(position, Some(token.reserve)));
        self.act(rescue.expect("offers fit"), role)
    }

    /// Anyone marks a default, or books its provisions anew.
    pub fn mark_default(&mut self, role: &impl Role, borrower: &Borrower) -> Outcome {
        let position = &self.position(borrower);
        let mark = MarkDefault { position, tip: None, offers: &self.offers(position, None) };
        self.act(mark.instruction().expect("offers fit"), role)
    }

    /// Anyone marks a default for a tip in the token of its first debt.
    pub fn mark_default_for_tip(&mut self, role: &impl Role, borrower: &Borrower, token: &Token) -> Outcome {
        let (position, wallet) = (&self.position(borrower), self.wallet(role, token));
        let (tip, offers) = (Some((&self.reserve(token), wallet)), &self.offers(position, None));
        self.act(MarkDefault { position, tip, offers }.instruction().expect("offers fit"), role)
    }

    /// Anyone settles a default.
    pub fn settle_default(&mut self, role: &impl Role, borrower: &Borrower) -> Outcome {
        let position = &self.position(borrower);
        let settle = SettleDefault { position, offers: &self.offers(position, None) };
        self.act(settle.instruction().expect("offers fit"), role)
    }

    /// Anyone stops counting a debt-free position's collateral.
    pub fn uncount(&mut self, role: &impl Role, borrower: &Borrower, token: &Token) -> Outcome {
        let uncount = UncountPosition { position: self.position_address(borrower), reserve: token.reserve };
        self.act(uncount.instruction(), role)
    }

    /// Opens a lender account.
    pub fn open_lender(&mut self, role: &impl Role, token: &Token) -> Outcome {
        let account = address::lender(&token.reserve, &role.address());
        self.name(account, &format!("{} lender account", token.name));
        self.act(OpenLender { owner: role.address(), reserve: token.reserve }.instruction(), role)
    }

    /// Closes an empty lender account.
    pub fn close_lender(&mut self, role: &impl Role, token: &Token) -> Outcome {
        self.act(CloseLender { owner: role.address(), reserve: token.reserve }.instruction(), role)
    }

    /// A lender supplies. A lender account is opened first where there is none.
    pub fn supply(&mut self, lender: &Lender, token: &Token, amount_atoms: u64) -> Outcome {
        self.supply_at_least(lender, token, amount_atoms, 0)
    }

    /// A lender supplies for at least so many shares.
    pub fn supply_at_least(&mut self, lender: &Lender, token: &Token, amount_atoms: u64, shares_min: u128) -> Outcome {
        self.wallet(lender, token);
        if !self.exists(&address::lender(&token.reserve, &lender.address())) {
            let tamper = self.tamper.take();
            self.open_lender(lender, token)?;
            self.tamper = tamper;
        }
        let (owner, reserve) = (lender.address(), &self.reserve(token));
        let supply = Supply { owner, reserve, owner_liquidity: None, amount_atoms, shares_min };
        self.act(supply.instruction(), lender)
    }

    /// A lender redeems shares.
    pub fn redeem(&mut self, lender: &Lender, token: &Token, shares: u128) -> Outcome {
        self.redeem_at_least(lender, token, shares, 0)
    }

    /// A lender redeems shares for at least so many atoms.
    pub fn redeem_at_least(&mut self, lender: &Lender, token: &Token, shares: u128, assets_min_atoms: u64) -> Outcome {
        self.wallet(lender, token);
        let (owner, reserve) = (lender.address(), &self.reserve(token));
        let redeem = Redeem { owner, reserve, owner_liquidity: None, shares, assets_min_atoms };
        self.act(redeem.instruction(), lender)
    }

    /// Anyone hands newer prices to reserves.
    pub fn refresh_reserves(&mut self, role: &impl Role, tokens: &[&Token]) -> Outcome {
        let offers: Vec<Offer> =
            tokens.iter().map(|token| Offer { reserve: token.reserve, price: token.price }).collect();
        self.act(RefreshReserves { offers: &offers }.instruction(), role)
    }

    /// Anyone notices that a reserve's price has grown old.
    pub fn notice_stale_price(&mut self, role: &impl Role, token: &Token) -> Outcome {
        self.act(NoticeStalePrice { reserve: token.reserve }.instruction(), role)
    }

    /// Anyone books interest.
    pub fn accrue_interest(&mut self, role: &impl Role, token: &Token) -> Outcome {
        self.act(AccrueInterest { reserve: token.reserve }.instruction(), role)
    }

    /// Anyone adds to insurance.
    pub fn fund_insurance(&mut self, role: &impl Role, token: &Token, amount_atoms: u64) -> Outcome {
        self.wallet(role, token);
        let (payer, reserve) = (role.address(), &self.reserve(token));
        self.act(FundInsurance { payer, reserve, payer_liquidity: None, amount_atoms }.instruction(), role)
    }

    /// Anyone pays back what lenders lost, at most so many atoms of it.
    pub fn repay_recovery(&mut self, role: &impl Role, token: &Token, amount_atoms_max: u64) -> Outcome {
        self.wallet(role, token);
        let (payer, reserve) = (role.address(), &self.reserve(token));
        self.act(RepayRecovery { payer, reserve, payer_liquidity: None, amount_atoms_max }.instruction(), role)
    }

    /// A lender takes what was recovered of its losses.
    pub fn claim_recovery(&mut self, role: &impl Role, token: &Token) -> Outcome {
        self.wallet(role, token);
        let (owner, reserve) = (role.address(), &self.reserve(token));
        self.act(ClaimRecovery { owner, reserve, owner_liquidity: None }.instruction(), role)
    }

    /// Anyone pays protocol fees to the treasury.
    pub fn collect_fees(&mut self, role: &impl Role, token: &Token) -> Outcome {
        let treasury = self.treasury.clone();
        let treasury_liquidity = self.wallet(&treasury, token);
        self.act(CollectFees { reserve: &self.reserve(token), treasury_liquidity }.instruction(), role)
    }

    /// Where a borrower's position stands.
    #[track_caller]
    pub fn quote_position(&mut self, borrower: &Borrower) -> PositionQuote {
        let position = &self.position(borrower);
        let quote = QuotePosition { position, offers: &self.offers(position, None) };
        let receipt = self.ask(quote.instruction().expect("offers fit")).expect("a quote refuses by data alone");
        position_quote(&receipt.return_data).expect("a position quote")
    }

    /// Where a lender stands.
    #[track_caller]
    pub fn quote_lender(&mut self, role: &impl Role, token: &Token) -> LenderQuote {
        let quote = QuoteLender { owner: role.address(), reserve: token.reserve };
        let receipt = self.ask(quote.instruction()).expect("a lender account");
        lender_quote(&receipt.return_data).expect("a lender quote")
    }

    /// What a lender has at stake in a borrower's position.
    #[track_caller]
    pub fn quote_lender_exposure(
        &mut self,
        role: &impl Role,
        token: &Token,
        borrower: &Borrower,
    ) -> LenderExposureQuote {
        let (owner, position) = (role.address(), self.position_address(borrower));
        let quote = QuoteLenderExposure { owner, reserve: token.reserve, position };
        let receipt = self.ask(quote.instruction()).expect("a lender account and a debt");
        lender_exposure_quote(&receipt.return_data).expect("an exposure quote")
    }

    /// What a liquidation would do.
    #[track_caller]
    pub fn quote_liquidation(
        &mut self,
        borrower: &Borrower,
        seized: &Token,
        repaid: &Token,
        repay_max_atoms: u64,
    ) -> LiquidationQuote {
        self.try_quote_liquidation(borrower, seized, repaid, repay_max_atoms).expect("a quote refuses by data alone")
    }

    /// The same, where a price account may be one that cannot be read.
    ///
    /// # Errors
    /// The refusal.
    #[track_caller]
    pub fn try_quote_liquidation(
        &mut self,
        borrower: &Borrower,
        seized: &Token,
        repaid: &Token,
        repay_max_atoms: u64,
    ) -> Result<LiquidationQuote, Box<Refused>> {
        let position = &self.position(borrower);
        let slot = |index: Option<usize>| u8::try_from(index.expect("a slot of the position")).expect("few slots");
        let quote = QuoteLiquidation {
            position,
            collateral_slot: slot(position.state.collateral_index(seized.reserve.as_array())),
            debt_slot: slot(position.state.debt_index(repaid.reserve.as_array())),
            repay_max_atoms,
            offers: &self.offers(position, None),
        };
        let receipt = self.ask(quote.instruction().expect("offers fit"))?;
        Ok(liquidation_quote(&receipt.return_data).expect("a liquidation quote"))
    }

    /// Simulates one instruction, after [`Self::tampering`].
    ///
    /// # Errors
    /// The refusal.
    #[track_caller]
    pub fn ask(&mut self, mut instruction: Instruction) -> Outcome {
        if let Some(tamper) = self.tamper.clone() {
            tamper(&mut instruction);
        }
        let house = self.house.clone();
        self.simulate(&[instruction], &[&house])
    }
}
