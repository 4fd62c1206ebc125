//! The plot: three lenders, two borrowers, one liquidator, and a price that falls in steps and then at once.

use anchor_lang::prelude::Pubkey;
use anyhow::{Context, Result};
use plimsoll::error::PlimsollError;
use plimsoll::events::{DefaultSettled, PositionLiquidated};
use plimsoll_client::events::Event;
use plimsoll_client::instructions::{self, Offer};
use plimsoll_client::{address, quotes, Instruction};
use plimsoll_engine::quote::{LiquidationQuote, PositionQuote};
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::chain::{compute_limit, Chain, Receipt};
use super::market::{self, Listing};
use super::prices::Kind;
use super::report::{Report, Step};
use super::sheet;
use super::tokens::Token;

/// Compute units a liquidation of one collateral and one debt may cost, the whole transaction.
const LIQUIDATION_UNITS_MAX: u64 = 80_000;
/// What every transaction here asks for.
const UNITS: u32 = 300_000;
/// Time between two prices, seconds.
const BETWEEN_PRICES_SECS: i64 = 600;
/// Number of the market.
const MARKET_ID: u16 = 1;
/// Health a liquidation restores, and how close it must come, 1e-9.
const TARGET_E9: u64 = 1_050_000_000;
const TARGET_TOLERANCE_E9: u64 = 500_000;

/// Everybody and everything in the story.
struct Cast<'a> {
    chain: &'a Chain,
    market: Pubkey,
    sol: Listing,
    usdc: Listing,
    usdt: Listing,
    liquidator: Keypair,
    /// Collateral price now, cents.
    cents: u64,
}

/// A borrower and the position.
struct Borrower {
    name: &'static str,
    key: Keypair,
    position: Pubkey,
}

/// A lender: name, key, the reserve supplied, and how much.
struct Supplier {
    name: &'static str,
    key: Keypair,
    is_usdc: bool,
    atoms: u64,
}

/// Health in words.
fn health(e9: u64) -> String {
    if e9 == u64::MAX {
        return "no debt".into();
    }
    format!("{}.{:04}", e9 / 1_000_000_000, e9 % 1_000_000_000 / 100_000)
}

fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

fn nano_dollars(value: u64) -> String {
    dollars(value / 10_000_000)
}

/// Plays all of it.
pub fn play(chain: &Chain, report: &mut Report) -> Result<()> {
    let mut cast = open_market(chain, report)?;
    let lenders = supply(&cast, report)?;
    let (first, second) = borrow(&cast, report)?;

    report.heading("The price falls, and one position is liquidated in part, twice");
    for cents in [14_000, 12_600] {
        cast.set_price(cents)?;
        cast.show_health(report, &[&first, &second])?;
    }
    refused_while_healthy(&cast, report, &first)?;
    cast.set_price(11_200)?;
    cast.show_health(report, &[&first, &second])?;
    let one = liquidate(&cast, report, &first, &cast.usdc)?;
    check_partial(report, &one);
    cast.set_price(10_400)?;
    cast.show_health(report, &[&first, &second])?;
    let two = liquidate(&cast, report, &first, &cast.usdc)?;
    check_partial(report, &two);

    report.heading("A gap: the collateral is no longer worth the debt");
    cast.set_price(5_500)?;
    cast.show_health(report, &[&first, &second])?;
    let usdc_before = cast.usdc.state(chain)?.state;
    let last = liquidate(&cast, report, &first, &cast.usdc)?;
    report.check(
        "the last liquidation settles the shortfall",
        "more than 0",
        last.written_off_atoms,
        last.written_off_atoms > 0,
    );
    let sum = last.insurance_atoms + last.haircut_atoms;
    report.equal("insurance and haircut together are the loss", last.written_off_atoms, sum);
    let insured = usdc_before.insurance_atoms + usdc_before.insurance_accrued_atoms + last.fee_atoms;
    report.check(
        "insurance pays first, all it has",
        format!("at least {insured}"),
        last.insurance_atoms,
        last.insurance_atoms >= insured || last.haircut_atoms == 0,
    );
    liquidate(&cast, report, &second, &cast.usdc)?;
    settle(&cast, report, &second)?;

    redeem(&cast, report, &lenders)?;
    close(&cast, report, &lenders, &[&first, &second])
}

fn open_market<'a>(chain: &'a Chain, report: &mut Report) -> Result<Cast<'a>> {
    report.heading("A market with one volatile collateral and two stable debts");
    let admin = chain.payer().pubkey();
    let create =
        instructions::CreateMarket { admin, id: MARKET_ID, policy: market::policy(), treasury: admin }.instruction();
    let receipt = chain.send(&[create], &[])?;
    let address = address::market(MARKET_ID);
    report.step(Step::new("The market is created").fact("market", address.to_string()).receipt(&receipt));

    let (spl, token_2022) = (anchor_spl::token::ID, anchor_spl::token_2022::ID);
    let mut list = |symbol, decimals, program, kind, cents, is_volatile: bool, words: &str| -> Result<Listing> {
        let token = Token::create(chain, symbol, decimals, program)?;
        let terms = if is_volatile { market::volatile } else { market::stable };
        let (listing, receipt) = Listing::create(chain, &address, token, kind, cents, terms)?;
        let step = Step::new(format!("{symbol} is listed: {words}"))
            .fact("reserve", listing.reserve.to_string())
            .fact("price", dollars(cents));
        report.step(step.receipt(&receipt));
        Ok(listing)
    };
    let sol = list("SOL", 9, spl, Kind::Pull, 15_000, true, "SPL Token, Pyth pull price")?;
    let usdc = list("USDC", 6, token_2022, Kind::Push, 100, false, "Token-2022, Pyth push price")?;
    let usdt = list("USDT", 6, spl, Kind::Pull, 100, false, "SPL Token, Pyth pull price")?;

    let liquidator = Keypair::new();
    usdc.token.give(chain, &liquidator.pubkey(), usdc.token.whole(50_000))?;
    usdt.token.give(chain, &liquidator.pubkey(), usdt.token.whole(50_000))?;
    sol.token.give(chain, &liquidator.pubkey(), 0)?;
    for listing in [&usdc, &usdt] {
        listing.token.give(chain, &admin, listing.token.whole(60))?;
    }
    sol.token.give(chain, &admin, 0)?;
    let mut insure = |listing: &Listing, tokens: u64| -> Result<()> {
        let reserve = listing.state(chain)?;
        let amount_atoms = listing.token.whole(tokens);
        let fund = instructions::FundInsurance { payer: admin, reserve: &reserve, payer_liquidity: None, amount_atoms };
        let receipt = chain.send(&[fund.instruction()], &[])?;
        let title = format!("The treasury adds {} to insurance", listing.token.show(amount_atoms));
        report.step(Step::new(title).receipt(&receipt));
        Ok(())
    };
    insure(&usdc, 60)?;
    insure(&usdt, 40)?;
    Ok(Cast { chain, market: address, sol, usdc, usdt, liquidator, cents: 15_000 })
}

fn supply(cast: &Cast, report: &mut Report) -> Result<Vec<Supplier>> {
    report.heading("Three lenders supply");
    let mut suppliers = Vec::new();
    for (name, is_usdc, tokens) in [("lender 1", true, 30_000), ("lender 2", true, 10_000), ("lender 3", false, 20_000)]
    {
        let listing = if is_usdc { &cast.usdc } else { &cast.usdt };
        let (key, atoms) = (Keypair::new(), listing.token.whole(tokens));
        listing.token.give(cast.chain, &key.pubkey(), atoms)?;
        cast.chain.airdrop(&key.pubkey(), 1)?;
        let (owner, reserve) = (key.pubkey(), listing.state(cast.chain)?);
        let open = instructions::OpenLender { owner, reserve: reserve.address }.instruction();
        let supply = instructions::Supply {
            owner,
            reserve: &reserve,
            owner_liquidity: None,
            amount_atoms: atoms,
            shares_min: 1,
        };
        let receipt = cast.chain.send(&[open, supply.instruction()], &[&key])?;
        report.step(Step::new(format!("{name} supplies {}", listing.token.show(atoms))).receipt(&receipt));
        suppliers.push(Supplier { name, key, is_usdc, atoms });
    }
    Ok(suppliers)
}

fn borrow(cast: &Cast, report: &mut Report) -> Result<(Borrower, Borrower)> {
    report.heading("Two borrowers deposit SOL and borrow");
    let chain = cast.chain;
    let mut enter = |name: &'static str, sol_tokens: u64, borrows: &[(&Listing, u64)]| -> Result<Borrower> {
        let key = Keypair::new();
        let owner = key.pubkey();
        chain.airdrop(&owner, 1)?;
        let atoms = cast.sol.token.whole(sol_tokens);
        cast.sol.token.give(chain, &owner, atoms)?;
        let open = instructions::OpenPosition { owner, market: cast.market, id: 0 }.instruction();
        let position = address::position(&cast.market, &owner, 0);
        let reserve = cast.sol.state(chain)?;
        let deposit = instructions::DepositCollateral {
            depositor: owner,
            position,
            reserve: &reserve,
            depositor_collateral: None,
            amount_atoms: atoms,
        };
        let receipt = chain.send(&[open, deposit.instruction()], &[&key])?;
        let title = format!("{name} opens a position and deposits {}", cast.sol.token.show(atoms));
        report.step(Step::new(title).fact("position", position.to_string()).receipt(&receipt));
        let borrower = Borrower { name, key, position };
        for (listing, tokens) in borrows {
            listing.token.give(chain, &owner, 0)?;
            let amount_atoms = listing.token.whole(*tokens);
            cast.publish()?;
            let mut offers = cast.offers(&borrower)?;
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
            let receipt = chain.send(&[compute_limit(UNITS), borrow.instruction()?], &[&borrower.key])?;
            let quote = cast.quote(&borrower)?;
            report.step(
                Step::new(format!("{name} borrows {}", listing.token.show(amount_atoms)))
                    .fact("initial health", health(quote.initial_health_e9))
                    .fact("maintenance health", health(quote.maintenance_health_e9))
                    .receipt(&receipt),
            );
        }
        Ok(borrower)
    };
    let first = enter("borrower 1", 100, &[(&cast.usdc, 9_000)])?;
    let second = enter("borrower 2", 40, &[(&cast.usdc, 2_600), (&cast.usdt, 300)])?;
    Ok((first, second))
}

impl Cast<'_> {
    /// Publishes all prices anew.
    fn publish(&self) -> Result<()> {
        self.sol.feed.publish(self.chain, self.cents)?;
        self.usdc.feed.publish(self.chain, 100)?;
        self.usdt.feed.publish(self.chain, 100)
    }

    fn set_price(&mut self, cents: u64) -> Result<()> {
        self.cents = cents;
        self.chain.pass_time(BETWEEN_PRICES_SECS)?;
        self.publish()
    }

    fn listings(&self) -> [&Listing; 3] {
        [&self.sol, &self.usdc, &self.usdt]
    }

    /// Prices of all legs of a position.
    fn offers(&self, borrower: &Borrower) -> Result<Vec<Offer>> {
        let position = market::position(self.chain, &borrower.position)?;
        let listings = self.listings();
        Ok(position
            .legs()
            .filter_map(|leg| listings.iter().find(|listing| listing.reserve == leg))
            .map(|listing| listing.feed.offer(&listing.reserve))
            .collect())
    }

    fn quote(&self, borrower: &Borrower) -> Result<PositionQuote> {
        let position = market::position(self.chain, &borrower.position)?;
        let offers = self.offers(borrower)?;
        let quote = instructions::QuotePosition { position: &position, offers: &offers }.instruction()?;
        Ok(quotes::position_quote(&self.chain.view(&quote)?)?)
    }

    fn show_health(&self, report: &mut Report, borrowers: &[&Borrower]) -> Result<()> {
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

    fn liquidation_quote(&self, borrower: &Borrower, repaid: &Listing) -> Result<LiquidationQuote> {
        let position = market::position(self.chain, &borrower.position)?;
        let debt = position.state.debt_index(repaid.reserve.as_array()).context("the position owes this token")?;
        let offers = self.offers(borrower)?;
        let quote = instructions::QuoteLiquidation {
            position: &position,
            collateral_slot: 0,
            debt_slot: u8::try_from(debt)?,
            repay_max_atoms: u64::MAX,
            offers: &offers,
        };
        Ok(quotes::liquidation_quote(&self.chain.view(&quote.instruction()?)?)?)
    }

    fn liquidation(&self, borrower: &Borrower, repaid: &Listing, seize_min_atoms: u64) -> Result<Instruction> {
        let position = market::position(self.chain, &borrower.position)?;
        let (seized, repaid) = (self.sol.state(self.chain)?, repaid.state(self.chain)?);
        let offers = self.offers(borrower)?;
        let liquidate = instructions::Liquidate {
            liquidator: self.liquidator.pubkey(),
            position: &position,
            seized: &seized,
            repaid: &repaid,
            liquidator_liquidity: None,
            liquidator_collateral: None,
            repay_max_atoms: u64::MAX,
            seize_min_atoms,
            offers: &offers,
        };
        Ok(liquidate.instruction()?)
    }
}

fn refused_while_healthy(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
    let instruction = cast.liquidation(borrower, &cast.usdc, 0)?;
    let refusal = cast.chain.try_send(&[compute_limit(UNITS), instruction], &[&cast.liquidator])?.err();
    let code = refusal.and_then(|refusal| refusal.code);
    report.step(Step::new(format!("The liquidator tries {} too early, and is refused", borrower.name)));
    report.equal("the refusal says that the position is healthy", u32::from(PlimsollError::Healthy), code.unwrap_or(0));
    Ok(())
}

/// Quotes, liquidates, and compares what happened with the quote and with what moved.
fn liquidate(cast: &Cast, report: &mut Report, borrower: &Borrower, repaid: &Listing) -> Result<PositionLiquidated> {
    let chain = cast.chain;
    cast.publish()?;
    let (paid_from, paid_to) =
        (repaid.token.account(&cast.liquidator.pubkey()), cast.sol.token.account(&cast.liquidator.pubkey()));
    let before = (chain.token_atoms(&paid_from)?, chain.token_atoms(&paid_to)?);
    let instruction = cast.liquidation(borrower, repaid, 1)?;
    let quote = chain.at_rest(|| cast.liquidation_quote(borrower, repaid))?;
    let receipt = chain.send(&[compute_limit(UNITS), instruction], &[&cast.liquidator])?;
    chain.resume()?;
    let event = liquidated(&receipt)?;
    let after = (chain.token_atoms(&paid_from)?, chain.token_atoms(&paid_to)?);

    let bonus = event.gross_factor_e9.saturating_sub(1_000_000_000) / 100_000;
    report.step(
        Step::new(format!("The liquidator repays {} for {}", repaid.token.show(event.repay_atoms), borrower.name))
            .fact("seized", cast.sol.token.show(event.seize_atoms))
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
    let limit = format!("at most {LIQUIDATION_UNITS_MAX}");
    report.check("compute units of the whole transaction", limit, units, units <= LIQUIDATION_UNITS_MAX);
    Ok(event)
}

fn liquidated(receipt: &Receipt) -> Result<PositionLiquidated> {
    let events = receipt.inner_data.iter().filter_map(|data| Event::decode(data).ok());
    let found = events.into_iter().find_map(|event| match event {
        Event::PositionLiquidated(event) => Some(event),
        _ => None,
    });
    found.context("expected the event PositionLiquidated in the transaction")
}

fn settled(receipt: &Receipt) -> Result<DefaultSettled> {
    let events = receipt.inner_data.iter().filter_map(|data| Event::decode(data).ok());
    let found = events.into_iter().find_map(|event| match event {
        Event::DefaultSettled(event) => Some(event),
        _ => None,
    });
    found.context("expected the event DefaultSettled in the transaction")
}

fn check_partial(report: &mut Report, event: &PositionLiquidated) {
    let distance = event.health_after_e9.abs_diff(TARGET_E9);
    report.check(
        "health is back at the target, 1.05 within 0.0005",
        health(TARGET_E9),
        health(event.health_after_e9),
        distance <= TARGET_TOLERANCE_E9,
    );
}

fn settle(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
    let chain = cast.chain;
    let position = market::position(chain, &borrower.position)?;
    let offers = cast.offers(borrower)?;
    let settle = instructions::SettleDefault { position: &position, offers: &offers }.instruction()?;
    let receipt = chain.send(&[compute_limit(UNITS), settle], &[])?;
    let event = settled(&receipt)?;
    let mut step = Step::new(format!("The default of {} is settled: two debts, no collateral left", borrower.name));
    for loss in &event.losses {
        let listings = cast.listings();
        let listing = listings.iter().find(|listing| listing.reserve == loss.reserve).context("a listed reserve")?;
        let words = format!(
            "{} lost, {} by insurance, {} by lenders",
            listing.token.show(loss.written_off_atoms),
            listing.token.number(loss.insurance_atoms),
            listing.token.number(loss.haircut_atoms)
        );
        step = step.fact(listing.token.symbol, words);
    }
    report.step(step.receipt(&receipt));
    for loss in &event.losses {
        let sum = loss.insurance_atoms + loss.haircut_atoms;
        report.equal("each loss is shared by insurance and lenders, once", loss.written_off_atoms, sum);
    }
    let position = market::position(chain, &borrower.position)?;
    report.equal("the position has no debt left", 0, position.state.debt_count);
    Ok(())
}

fn redeem(cast: &Cast, report: &mut Report, lenders: &[Supplier]) -> Result<()> {
    report.heading("The lenders redeem what is left");
    let mut paid = Vec::new();
    for lender in lenders {
        let listing = if lender.is_usdc { &cast.usdc } else { &cast.usdt };
        let reserve = listing.state(cast.chain)?;
        let owner = lender.key.pubkey();
        let address = address::lender(&reserve.address, &owner);
        let shares = market::lender(cast.chain, &address)?.state.shares.get();
        let redeem =
            instructions::Redeem { owner, reserve: &reserve, owner_liquidity: None, shares, assets_min_atoms: 1 };
        let receipt = cast.chain.send(&[redeem.instruction()], &[&lender.key])?;
        let atoms = cast.chain.token_atoms(&listing.token.account(&owner))?;
        let lost = i128::from(lender.atoms) - i128::from(atoms);
        let change_bps = -lost * 10_000 / i128::from(lender.atoms);
        report.step(
            Step::new(format!("{} redeems {}", lender.name, listing.token.show(atoms)))
                .fact("supplied", listing.token.show(lender.atoms))
                .fact("change_bps", i64::try_from(change_bps)?)
                .receipt(&receipt),
        );
        paid.push(atoms);
    }
    // Same reserve, supplied before any interest: 30,000 to 10,000, so three to one, but for an atom of each rounding.
    let (three, one) = (paid[0], paid[1] * 3);
    report.check(
        "the haircut is pro rata: lender 1 has three times what lender 2 has",
        three,
        one,
        three.abs_diff(one) <= 4,
    );
    report.check(
        "lenders of USDC bore a loss",
        "less than 40000 USDC",
        paid[0] + paid[1],
        paid[0] + paid[1] < cast.usdc.token.whole(40_000),
    );
    Ok(())
}

fn close(cast: &Cast, report: &mut Report, lenders: &[Supplier], borrowers: &[&Borrower]) -> Result<()> {
    report.heading("Every atom is accounted for");
    let mut holders = vec![("liquidator", cast.liquidator.pubkey()), ("treasury", cast.chain.payer().pubkey())];
    let with = |is_usdc: bool, holders: &[(&'static str, Pubkey)]| -> Vec<(&'static str, Pubkey)> {
        let lenders =
            lenders.iter().filter(|lender| lender.is_usdc == is_usdc).map(|lender| (lender.name, lender.key.pubkey()));
        holders.iter().copied().chain(lenders).collect()
    };
    let borrower_keys: Vec<_> = borrowers.iter().map(|borrower| (borrower.name, borrower.key.pubkey())).collect();
    holders.extend(borrower_keys.iter().copied());
    let whole = |listing: &Listing, tokens: u64| listing.token.whole(tokens);
    sheet::account_for(cast.chain, report, &cast.sol, &holders, whole(&cast.sol, 140))?;
    sheet::account_for(cast.chain, report, &cast.usdc, &with(true, &holders), whole(&cast.usdc, 50_000 + 60 + 40_000))?;
    let usdt_holders: Vec<_> = with(false, &holders).into_iter().filter(|(name, _)| *name != "borrower 1").collect();
    sheet::account_for(cast.chain, report, &cast.usdt, &usdt_holders, whole(&cast.usdt, 50_000 + 60 + 20_000))?;
    for listing in cast.listings() {
        let state = listing.state(cast.chain)?.state;
        report.equal(format!("{}: no debt is left", listing.token.symbol), 0, state.total_debt_atoms());
        report.equal(format!("{}: no supply share is left", listing.token.symbol), 0, state.supply_shares.get());
    }
    Ok(())
}
