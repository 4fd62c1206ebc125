//! The plot: three lenders, two providers of a backstop, borrowers, one liquidator, and a price that falls in steps and
//! then at once.

use anchor_lang::prelude::Pubkey;
use anyhow::{Context, Result};
use plimsoll::error::PlimsollError;
use plimsoll_client::events::Event;
use plimsoll_client::{address, instructions};
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::audit;
use super::backstop::{self, Pool};
use super::cascade;
use super::cast::{check_partial, dollars, liquidate, Borrower, Cast};
use super::default;
use super::market::{self, Listing};
use super::recovery;
use super::report::{Report, Step};
use super::sheet;
use super::simulated;
use super::tokens::Token;
use crate::chain::{Chain, UNITS};
use crate::prices::Kind;
use plimsoll_client::compute_budget::unit_limit;

/// Number of the market.
const MARKET_ID: u16 = 1;
/// What the treasury adds to insurance, whole USDC and whole USDT: enough for the gap in one, not in the other.
const INSURED: [u64; 2] = [2_200, 40];

/// A lender: name, key, the reserve supplied, and how much.
pub struct Supplier {
    /// Name in the story.
    pub name: &'static str,
    /// Key.
    pub key: Keypair,
    /// USDC, or else USDT.
    pub is_usdc: bool,
    /// Supplied, atoms.
    pub atoms: u64,
}

/// Plays all of it.
pub fn play(chain: &Chain, report: &mut Report) -> Result<()> {
    let mut cast = open_market(chain, report)?;
    let lenders = supply(&cast, report)?;
    let pool = backstop::open(&cast, report)?;
    let (first, second) = borrow(&cast, report)?;
    simulated::check(&cast, report)?;

    report.heading("The price falls, and one position is liquidated in part, twice");
    for cents in [14_000, 12_600] {
        cast.set_price(cents)?;
        cast.show_health(report, &[&first, &second])?;
    }
    backstop::join(&cast, report, &pool)?;
    refused_while_healthy(&cast, report, &first)?;
    cast.set_price(11_200)?;
    cast.show_health(report, &[&first, &second])?;
    let one = liquidate(&cast, report, &first, cast.usdc())?;
    check_partial(report, &one);
    cast.set_price(10_400)?;
    cast.show_health(report, &[&first, &second])?;
    let two = liquidate(&cast, report, &first, cast.usdc())?;
    check_partial(report, &two);

    report.heading("A gap: the collateral is no longer worth the debt");
    cast.set_price(5_500)?;
    cast.show_health(report, &[&first, &second])?;
    let last = liquidate(&cast, report, &first, cast.usdc())?;
    report.check(
        "the last liquidation settles the shortfall",
        "more than 0",
        last.written_off_atoms,
        last.written_off_atoms > 0,
    );
    let sum = last.insurance_atoms + last.haircut_atoms;
    report.equal("insurance and haircut together are the loss", last.written_off_atoms, sum);
    report.equal("insurance of USDC has enough: its lenders lose nothing", 0, last.haircut_atoms);
    // Each debt takes its share of what is left.
    for debt in &cast.debts {
        liquidate(&cast, report, &second, debt)?;
    }
    settle(&cast, report, &second)?;
    audit::check(chain, report, "after the gap")?;

    cascade::play(chain, report)?;
    audit::check(chain, report, "after the cascade")?;
    // Last, because a week passes in it: after so long a journey the validator moves no slots along with the time, and
    // cool-off counts slots.
    let third = default::play(&mut cast, report, &lenders, &pool)?;
    audit::check(chain, report, "after the default")?;
    close(&cast, report, &lenders, &[&first, &second, &third], &pool)?;
    audit::check(chain, report, "at the end")
}

fn open_market<'a>(chain: &'a Chain, report: &mut Report) -> Result<Cast<'a>> {
    report.heading("A market with one volatile collateral and two stable debts");
    let admin = chain.payer().pubkey();
    let (address, receipt) = market::create(chain, MARKET_ID)?;
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
    sol.token.give(chain, &admin, 0)?;
    let mut insure = |listing: &Listing, tokens: u64| -> Result<()> {
        let (reserve, amount_atoms) = (listing.state(chain)?, listing.token.whole(tokens));
        listing.token.give(chain, &admin, amount_atoms)?;
        let fund = instructions::FundInsurance { payer: admin, reserve: &reserve, payer_liquidity: None, amount_atoms };
        let receipt = chain.send(&[fund.instruction()], &[])?;
        let title = format!("The treasury adds {} to insurance", listing.token.show(amount_atoms));
        report.step(Step::new(title).receipt(&receipt));
        Ok(())
    };
    insure(&usdc, INSURED[0])?;
    insure(&usdt, INSURED[1])?;
    Ok(Cast { chain, market: address, sol, debts: vec![usdc, usdt], liquidator, cents: 15_000 })
}

fn supply(cast: &Cast, report: &mut Report) -> Result<Vec<Supplier>> {
    report.heading("Three lenders supply");
    let mut suppliers = Vec::new();
    for (name, is_usdc, tokens) in [("lender 1", true, 30_000), ("lender 2", true, 10_000), ("lender 3", false, 20_000)]
    {
        let listing = if is_usdc { cast.usdc() } else { &cast.debts[1] };
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
    let first = cast.enter(report, "borrower 1", 100, &[(cast.usdc(), 9_000)])?;
    let second = cast.enter(report, "borrower 2", 40, &[(cast.usdc(), 2_600), (&cast.debts[1], 300)])?;
    Ok((first, second))
}

fn refused_while_healthy(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
    let instruction = cast.liquidation(borrower, cast.usdc(), u64::MAX, 0)?;
    let code = cast.chain.refusal(instruction, &[&cast.liquidator])?;
    report.step(Step::new(format!("The liquidator tries {} too early, and is refused", borrower.name)));
    report.equal("the refusal says that the position is healthy", u32::from(PlimsollError::Healthy), code);
    Ok(())
}

fn settle(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
    let chain = cast.chain;
    let position = market::position(chain, &borrower.position)?;
    let offers = cast.offers(borrower)?;
    let settle = instructions::SettleDefault { position: &position, offers: &offers }.instruction()?;
    let receipt = chain.send(&[unit_limit(UNITS), settle], &[])?;
    let event = receipt.event(|event| match event {
        Event::DefaultSettled(event) => Some(event),
        _ => None,
    })?;
    let mut step = Step::new(format!("The default of {} is settled: two debts, no collateral left", borrower.name));
    for loss in &event.losses {
        let listing = cast.listings().find(|listing| listing.reserve == loss.reserve).context("a listed reserve")?;
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

/// All lenders leave with what they have.
pub fn redeem(cast: &Cast, report: &mut Report, lenders: &[Supplier]) -> Result<()> {
    report.heading("The lenders redeem what is left");
    let mut paid = Vec::new();
    for lender in lenders {
        let listing = if lender.is_usdc { cast.usdc() } else { &cast.debts[1] };
        let reserve = listing.state(cast.chain)?;
        let owner = lender.key.pubkey();
        let address = address::lender(&reserve.address, &owner);
        let shares = market::lender(cast.chain, &address)?.state.shares.get();
        let redeem =
            instructions::Redeem { owner, reserve: &reserve, owner_liquidity: None, shares, assets_min_atoms: 1 };
        let before = cast.chain.token_atoms(&listing.token.account(&owner))?;
        let receipt = cast.chain.send(&[redeem.instruction()], &[&lender.key])?;
        let atoms = cast.chain.token_atoms(&listing.token.account(&owner))? - before;
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
        paid[0] + paid[1] < cast.usdc().token.whole(40_000),
    );
    Ok(())
}

fn close(cast: &Cast, report: &mut Report, lenders: &[Supplier], borrowers: &[&Borrower], pool: &Pool) -> Result<()> {
    report.heading("Every atom is accounted for");
    type Holder = (&'static str, Pubkey);
    let desk: [Holder; 2] = [("liquidator", cast.liquidator.pubkey()), ("treasury", cast.chain.payer().pubkey())];
    let keeper: Holder = ("keeper", pool.keeper.pubkey());
    let borrowers: Vec<Holder> = borrowers.iter().map(|borrower| (borrower.name, borrower.key.pubkey())).collect();
    let providers = pool.providers.iter().map(|provider| (provider.name, provider.key.pubkey()));
    let lenders_of = |is_usdc: bool| {
        let of_token = lenders.iter().filter(move |lender| lender.is_usdc == is_usdc);
        of_token.map(|lender| (lender.name, lender.key.pubkey()))
    };
    let with_pool: Vec<Holder> = desk.iter().chain([&keeper]).chain(&borrowers).copied().chain(providers).collect();
    let (usdc, usdt) = (cast.usdc(), &cast.debts[1]);

    let of_sol = cast.sol.token.whole(140 + default::DEPOSIT);
    sheet::account_for(cast.chain, report, &cast.sol, &with_pool, of_sol)?;
    let minted = 50_000 + INSURED[0] + 40_000 + backstop::deposited() + default::NEWCOMER + recovery::PAID_BACK;
    let holders: Vec<Holder> = with_pool.iter().copied().chain(lenders_of(true)).collect();
    sheet::account_for(cast.chain, report, usdc, &holders, usdc.token.whole(minted))?;
    // Of the borrowers only the second ever had USDT.
    let holders: Vec<Holder> = desk.iter().chain([&borrowers[1]]).copied().chain(lenders_of(false)).collect();
    sheet::account_for(cast.chain, report, usdt, &holders, usdt.token.whole(50_000 + INSURED[1] + 20_000))?;
    for listing in cast.listings() {
        let state = listing.state(cast.chain)?.state;
        report.equal(format!("{}: no debt is left", listing.token.symbol), 0, state.total_debt_atoms());
        report.equal(format!("{}: no supply share is left", listing.token.symbol), 0, state.supply_shares.get());
    }
    Ok(())
}
