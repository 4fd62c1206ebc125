//! Who and what the demo's acts have in common: a market's tokens, its liquidator, and what is done with them.

use anchor_lang::prelude::Pubkey;
use anyhow::{Context, Result};
use plimsoll::events::PositionLiquidated;
use plimsoll_client::events::Event;
use plimsoll_client::instructions::{self, Offer};
use plimsoll_client::{address, quotes, Instruction};
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::quote::{LiquidationQuote, PositionQuote};
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::market::{self, Listing};
use super::report::{Report, Step};
use crate::chain::{Chain, UNITS};
use plimsoll_client::compute_budget::unit_limit;

/// Compute units a liquidation of one collateral and one debt may cost, the whole transaction.
const LIQUIDATION_UNITS_MAX: u64 = 80_000;
/// And a purchase in a recovery sale that is bounded by what the buyer would pay: its size is found by chords of the
/// price, which values the collateral several times.
const BOUNDED_SALE_UNITS_MAX: u64 = 110_000;
/// Time between two prices, seconds.
const BETWEEN_PRICES_SECS: i64 = 600;
/// Health a liquidation restores, and how close it must come, 1e-9.
const TARGET_E9: u64 = 1_050_000_000;
const TARGET_TOLERANCE_E9: u64 = 500_000;

/// Everybody and everything in the story.
pub struct Cast<'a> {
    /// Validator.
    pub chain: &'a Chain,
    /// Market.
    pub market: Pubkey,
    /// The collateral.
    pub sol: Listing,
    /// What is borrowed, USDC first.
    pub debts: Vec<Listing>,
    /// Liquidator.
    pub liquidator: Keypair,
    /// Collateral price now, cents.
    pub cents: u64,
}

/// A borrower and the position.
pub struct Borrower {
    /// Name in the story.
    pub name: &'static str,
    /// Key.
    pub key: Keypair,
    /// Address of the position.
    pub position: Pubkey,
}

/// Health in words.
pub fn health(e9: u64) -> String {
    if e9 == u64::MAX {
        return "no debt".into();
    }
    format!("{}.{:04}", e9 / 1_000_000_000, e9 % 1_000_000_000 / 100_000)
}

/// Cents in words.
pub fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// Nano-dollars in words.
pub fn nano_dollars(value: u64) -> String {
    dollars(value / 10_000_000)
}

impl Cast<'_> {
    /// A borrower enters, deposits SOL and borrows.
    pub fn enter(
        &self,
        report: &mut Report,
        name: &'static str,
        sol_tokens: u64,
        borrows: &[(&Listing, u64)],
    ) -> Result<Borrower> {
        let chain = self.chain;
        let key = Keypair::new();
        let owner = key.pubkey();
        chain.airdrop(&owner, 1)?;
        let atoms = self.sol.token.whole(sol_tokens);
        self.sol.token.give(chain, &owner, atoms)?;
        let open = instructions::OpenPosition { owner, market: self.market, id: 0 }.instruction();
        let position = address::position(&self.market, &owner, 0);
        let reserve = self.sol.state(chain)?;
        let deposit = instructions::DepositCollateral {
            depositor: owner,
            position,
            reserve: &reserve,
            depositor_collateral: None,
            amount_atoms: atoms,
        };
        let receipt = chain.send(&[open, deposit.instruction()], &[&key])?;
        let title = format!("{name} opens a position and deposits {}", self.sol.token.show(atoms));
        report.step(Step::new(title).fact("position", position.to_string()).receipt(&receipt));
        let borrower = Borrower { name, key, position };
        for (listing, tokens) in borrows {
            listing.token.give(chain, &owner, 0)?;
            let amount_atoms = listing.token.whole(*tokens);
            self.publish()?;
            let mut offers = self.offers(&borrower)?;
            offers.retain(|offer| offer.reserve != listing.reserve);
            offers.push(listing.feed.offer(&listing.reserve));
            let (state, reserve) = (market::position(chain, &position)?, listing.state(chain)?);
            let borrow = instructions::Borrow {
                position: &state,
                reserve: &reserve,
                owner_liquidity: None,
                amount_atoms,
                offers: &offers,
            };
            let receipt = chain.send(&[unit_limit(UNITS), borrow.instruction()?], &[&borrower.key])?;
            let quote = self.quote(&borrower)?;
            report.step(
                Step::new(format!("{name} borrows {}", listing.token.show(amount_atoms)))
                    .fact("initial health", health(quote.initial_health_e9))
                    .fact("maintenance health", health(quote.maintenance_health_e9))
                    .receipt(&receipt),
            );
        }
        Ok(borrower)
    }

    /// Publishes all prices anew.
    pub fn publish(&self) -> Result<()> {
        self.sol.feed.publish(self.chain, self.cents)?;
        self.debts.iter().try_for_each(|listing| listing.feed.publish(self.chain, 100))
    }

    /// Lets time pass, and the collateral's price become another.
    pub fn set_price(&mut self, cents: u64) -> Result<()> {
        self.cents = cents;
        self.chain.pass_time(BETWEEN_PRICES_SECS)?;
        self.publish()
    }

    /// The first debt token.
    pub fn usdc(&self) -> &Listing {
        &self.debts[0]
    }

    /// Everything listed.
    pub fn listings(&self) -> impl Iterator<Item = &Listing> {
        std::iter::once(&self.sol).chain(&self.debts)
    }

    /// Prices of all legs of a position.
    pub fn offers(&self, borrower: &Borrower) -> Result<Vec<Offer>> {
        let position = market::position(self.chain, &borrower.position)?;
        Ok(position
            .legs()
            .filter_map(|leg| self.listings().find(|listing| listing.reserve == leg))
            .map(|listing| listing.feed.offer(&listing.reserve))
            .collect())
    }

    /// Where a position stands.
    pub fn quote(&self, borrower: &Borrower) -> Result<PositionQuote> {
        let position = market::position(self.chain, &borrower.position)?;
        let offers = self.offers(borrower)?;
        let quote = instructions::QuotePosition { position: &position, offers: &offers }.instruction()?;
        Ok(quotes::position_quote(&self.chain.view(&quote)?)?)
    }

    /// Reports where positions stand.
    pub fn show_health(&self, report: &mut Report, borrowers: &[&Borrower]) -> Result<()> {
        let mut step = Step::new(format!("SOL trades at {}", dollars(self.cents)));
        for borrower in borrowers {
            let quote = self.quote(borrower)?;
            let price = quote.collaterals[0].liquidation_price_nano_usd;
            let words = format!(
                "health {}, owes {}, liquidatable below {}",
                health(quote.maintenance_health_e9),
                nano_dollars(quote.debt_nano_usd),
                nano_dollars(price)
            );
            step = step.fact(borrower.name, words);
        }
        report.step(step);
        Ok(())
    }

    /// What a position owes of the first debt token, as of the reserve's last booking, atoms.
    pub fn owed_atoms(&self, borrower: &Borrower) -> Result<u64> {
        let (position, reserve) = (market::position(self.chain, &borrower.position)?, self.usdc().state(self.chain)?);
        let shares = position.state.debts().first().map_or(0, |slot| slot.shares.get());
        Ok(owed_ceil(shares, reserve.state.debt_index.get()))
    }

    /// What a liquidation of the SOL for a debt would do, with at most so much repaid.
    pub fn liquidation_quote(
        &self,
        borrower: &Borrower,
        repaid: &Listing,
        repay_max_atoms: u64,
    ) -> Result<LiquidationQuote> {
        let position = market::position(self.chain, &borrower.position)?;
        let debt = position.state.debt_index(repaid.reserve.as_array()).context("the position owes this token")?;
        let offers = self.offers(borrower)?;
        let quote = instructions::QuoteLiquidation {
            position: &position,
            collateral_slot: 0,
            debt_slot: u8::try_from(debt)?,
            repay_max_atoms,
            offers: &offers,
        };
        Ok(quotes::liquidation_quote(&self.chain.view(&quote.instruction()?)?)?)
    }

    /// That liquidation.
    pub fn liquidation(
        &self,
        borrower: &Borrower,
        repaid: &Listing,
        repay_max_atoms: u64,
        seize_min_atoms: u64,
    ) -> Result<Instruction> {
        self.liquidation_by(self.liquidator.pubkey(), borrower, repaid, (repay_max_atoms, seize_min_atoms))
    }

    /// That liquidation by somebody else. `limits` are the most to repay and the least to seize, atoms.
    pub fn liquidation_by(
        &self,
        liquidator: Pubkey,
        borrower: &Borrower,
        repaid: &Listing,
        limits: (u64, u64),
    ) -> Result<Instruction> {
        let (repay_max_atoms, seize_min_atoms) = limits;
        let position = market::position(self.chain, &borrower.position)?;
        let (seized, repaid) = (self.sol.state(self.chain)?, repaid.state(self.chain)?);
        let offers = self.offers(borrower)?;
        let liquidate = instructions::Liquidate {
            liquidator,
            position: &position,
            seized: &seized,
            repaid: &repaid,
            liquidator_liquidity: None,
            liquidator_collateral: None,
            repay_max_atoms,
            seize_min_atoms,
            offers: &offers,
        };
        Ok(liquidate.instruction()?)
    }
}

/// Quotes, liquidates, and compares what happened with the quote and with what moved.
pub fn liquidate(
    cast: &Cast,
    report: &mut Report,
    borrower: &Borrower,
    repaid: &Listing,
) -> Result<PositionLiquidated> {
    Ok(liquidate_up_to(cast, report, borrower, repaid, u64::MAX)?.event)
}

/// A liquidation, and what the position owed just before it.
pub struct Sale {
    /// What happened.
    pub event: PositionLiquidated,
    /// Owed before, atoms.
    pub owed_atoms: u64,
}

/// [`liquidate`], with at most so much repaid.
pub fn liquidate_up_to(
    cast: &Cast,
    report: &mut Report,
    borrower: &Borrower,
    repaid: &Listing,
    repay_max_atoms: u64,
) -> Result<Sale> {
    let chain = cast.chain;
    cast.publish()?;
    let (paid_from, paid_to) =
        (repaid.token.account(&cast.liquidator.pubkey()), cast.sol.token.account(&cast.liquidator.pubkey()));
    let before = (chain.token_atoms(&paid_from)?, chain.token_atoms(&paid_to)?);
    let instruction = cast.liquidation(borrower, repaid, repay_max_atoms, 1)?;
    let (quote, standing) =
        chain.at_rest(|| Ok((cast.liquidation_quote(borrower, repaid, repay_max_atoms)?, cast.quote(borrower)?)))?;
    let receipt = chain.send(&[unit_limit(UNITS), instruction], &[&cast.liquidator])?;
    chain.resume()?;
    let event = receipt.event(|event| match event {
        Event::PositionLiquidated(event) => Some(event),
        _ => None,
    })?;
    let after = (chain.token_atoms(&paid_from)?, chain.token_atoms(&paid_to)?);

    let bonus = event.gross_factor_e9.saturating_sub(1_000_000_000) / 100_000;
    let mut step =
        Step::new(format!("The liquidator repays {} for {}", repaid.token.show(event.repay_atoms), borrower.name));
    let is_bounded = repay_max_atoms < u64::MAX;
    if is_bounded {
        step = step.fact("dares to pay at most", repaid.token.show(repay_max_atoms));
    }
    report.step(
        step.fact("seized", cast.sol.token.show(event.seize_atoms))
            .fact("at_price", dollars(cast.cents))
            .fact("bonus", format!("{}.{:02}%", bonus / 100, bonus % 100))
            .fact("fee_to_insurance", repaid.token.show(event.fee_atoms))
            .fact("health_before", health(event.health_before_e9))
            .fact("health_after", health(event.health_after_e9))
            .fact("terminal", event.is_terminal)
            .fact("written_off", repaid.token.show(event.written_off_atoms))
            .fact("paid_by_insurance", repaid.token.show(event.insurance_atoms))
            .fact("haircut", repaid.token.show(event.haircut_atoms))
            .receipt(&receipt),
    );
    report.equal("the quote named this repayment", quote.repay_atoms, event.repay_atoms);
    report.equal("the quote named this seizure", quote.seize_atoms, event.seize_atoms);
    report.equal("the liquidator paid repayment and fee", event.repay_atoms + event.fee_atoms, before.0 - after.0);
    report.equal("the liquidator received what was seized", event.seize_atoms, after.1 - before.1);
    let units = receipt.compute_units;
    let most = if event.is_terminal && is_bounded { BOUNDED_SALE_UNITS_MAX } else { LIQUIDATION_UNITS_MAX };
    report.check("compute units of the whole transaction", format!("at most {most}"), units, units <= most);
    Ok(Sale { event, owed_atoms: standing.debts[0].owed_atoms })
}

/// Checks that health is back at the target.
pub fn check_partial(report: &mut Report, event: &PositionLiquidated) {
    let distance = event.health_after_e9.abs_diff(TARGET_E9);
    report.check(
        "health is back at the target, 1.05 within 0.0005",
        health(TARGET_E9),
        health(event.health_after_e9),
        distance <= TARGET_TOLERANCE_E9,
    );
}
