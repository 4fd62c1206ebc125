//! A cascade in a thin market: the throttle paces the sales, and an auction clears what nobody wants at first.

use anyhow::Result;
use plimsoll::error::PlimsollError;
use plimsoll_client::events::Event;
use plimsoll_client::instructions;
use plimsoll_engine::quote::LiquidationQuote;
use plimsoll_engine::state::ReserveConfig;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::cast::{check_partial, dollars, health, liquidate, Borrower, Cast};
use super::market::{self, Listing};
use super::report::{Report, Step};
use super::tokens::Token;
use crate::chain::{Chain, UNITS};
use crate::prices::{Feed, Kind};
use plimsoll_client::compute_budget::unit_limit;

/// Number of the market.
const MARKET_ID: u16 = 2;
/// What the liquidator wants to earn on the last position, 1e-9 of the repayment.
const WANTED_E9: u64 = 1_050_000_000;
/// Time between two looks at a flagged position, seconds: what a sighting vouches for.
const LOOK_SECS: i64 = 60;
/// More looks than an auction has.
const LOOKS_MAX: usize = 15;

/// SOL of which liquidations may sell 100 in ten minutes.
fn thin(token: &Token, feed: &Feed) -> ReserveConfig {
    let mut config = market::volatile(token, feed);
    config.bonus.throttle_share_bps = 1;
    config.bonus.throttle_window_secs = 600;
    config
}

/// Plays the act.
pub fn play(chain: &Chain, report: &mut Report) -> Result<()> {
    report.heading("A cascade in a thin market: the throttle paces it");
    let mut cast = open(chain, report)?;
    let usdc = cast.usdc();
    let crowd = ["borrower 3", "borrower 4", "borrower 5"]
        .into_iter()
        .map(|name| cast.enter(report, name, 100, &[(usdc, 9_000)]))
        .collect::<Result<Vec<_>>>()?;
    let last = cast.enter(report, "borrower 6", 100, &[(usdc, 8_600)])?;
    cast.set_price(10_725)?;
    cast.show_health(report, &[&crowd[0], &last])?;

    let before = quote(&cast, &crowd[0])?;
    let first = liquidate(&cast, report, &crowd[0], cast.usdc())?;
    check_partial(report, &first);
    let second = liquidate(&cast, report, &crowd[1], cast.usdc())?;
    report.check("the throttle cut the second sale short", "throttled", second.is_throttled, second.is_throttled);
    let (sold, share) = (first.seize_atoms + second.seize_atoms, before.throttle_share_atoms);
    report.check("together they sold what their urgency allows, no more", share, sold, sold <= share + share / 100);
    let wait_secs = refused_by_throttle(&cast, report, &crowd[2])?;
    report.check("the quote says when more comes", "1 s or more", wait_secs, wait_secs > 0);

    chain.pass_time(300)?;
    report.step(Step::new("Five minutes pass, and the throttle has leaked 50 SOL"));
    let third = liquidate(&cast, report, &crowd[2], cast.usdc())?;
    check_partial(report, &third);

    report.heading("And an auction clears what nobody wants at first");
    chain.pass_time(600)?;
    auction(&mut cast, report, &last)
}

fn open<'a>(chain: &'a Chain, report: &mut Report) -> Result<Cast<'a>> {
    let (address, _) = market::create(chain, MARKET_ID)?;
    let token = |symbol, decimals| Token::create(chain, symbol, decimals, anchor_spl::token::ID);
    let (sol, _) = Listing::create(chain, &address, token("SOL", 9)?, Kind::Pull, 15_000, thin)?;
    let (usdc, _) = Listing::create(chain, &address, token("USDC", 6)?, Kind::Push, 100, market::stable)?;

    let (lender, liquidator) = (Keypair::new(), Keypair::new());
    sol.token.give(chain, &liquidator.pubkey(), 0)?;
    usdc.token.give(chain, &liquidator.pubkey(), usdc.token.whole(50_000))?;
    chain.airdrop(&lender.pubkey(), 1)?;
    let (owner, amount_atoms) = (lender.pubkey(), usdc.token.whole(50_000));
    usdc.token.give(chain, &owner, amount_atoms)?;
    let reserve = usdc.state(chain)?;
    let open = instructions::OpenLender { owner, reserve: reserve.address }.instruction();
    let supply = instructions::Supply { owner, reserve: &reserve, owner_liquidity: None, amount_atoms, shares_min: 1 };
    let receipt = chain.send(&[open, supply.instruction()], &[&lender])?;
    let step = Step::new("A second market opens; of its SOL, liquidations may sell 100 in ten minutes")
        .fact("market", address.to_string())
        .fact("supplied", usdc.token.show(amount_atoms));
    report.step(step.receipt(&receipt));
    Ok(Cast { chain, market: address, sol, debts: vec![usdc], liquidator, cents: 15_000 })
}

fn quote(cast: &Cast, borrower: &Borrower) -> Result<LiquidationQuote> {
    cast.publish()?;
    cast.liquidation_quote(borrower, cast.usdc(), u64::MAX)
}

/// Tries, is refused, and returns how long the quote asks to wait, seconds.
fn refused_by_throttle(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<i64> {
    cast.publish()?;
    // At rest, or it would have leaked an atom by the time of the attempt.
    let quote = cast.chain.at_rest(|| cast.liquidation_quote(borrower, cast.usdc(), u64::MAX))?;
    let now = cast.chain.clock()?.unix_timestamp;
    let instruction = cast.liquidation(borrower, cast.usdc(), u64::MAX, 1)?;
    let code = cast.chain.refusal(instruction, &[&cast.liquidator])?;
    cast.chain.resume()?;
    let wait_secs = quote.retry_unix - now;
    let title = format!("The liquidator tries {}, and is refused until the throttle leaks", borrower.name);
    report.step(Step::new(title).fact("first atom free in seconds", wait_secs));
    report.equal("the refusal says so", u32::from(PlimsollError::Throttled), code);
    report.equal("and the quote said so before", u32::from(PlimsollError::Throttled), quote.refusal);
    Ok(wait_secs)
}

/// Looks every minute until the bonus is what the liquidator wants.
fn auction(cast: &mut Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
    let chain = cast.chain;
    let mut offers = Vec::new();
    for _ in 0..LOOKS_MAX {
        flag(cast, report, borrower)?;
        let quote = quote(cast, borrower)?;
        offers.push(quote.gross_factor_e9);
        if quote.gross_factor_e9 >= WANTED_E9 {
            break;
        }
        chain.pass_time(LOOK_SECS)?;
    }
    let (first, last) = (offers.first().copied().unwrap_or(0), offers.last().copied().unwrap_or(0));
    report.check("the bonus rose with every look", "rising", offers.len(), offers.is_sorted() && first < last);
    report.check("up to what the liquidator wanted", WANTED_E9, last, last >= WANTED_E9);
    let event = liquidate(cast, report, borrower, cast.usdc())?;
    check_partial(report, &event);
    let position = market::position(chain, &borrower.position)?;
    report.equal("the flag is gone", 0, position.state.flagged_at);
    Ok(())
}

fn flag(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<()> {
    cast.publish()?;
    let (position, offers) = (market::position(cast.chain, &borrower.position)?, cast.offers(borrower)?);
    let (collateral, debt) = (cast.sol.reserve, cast.usdc().reserve);
    let flag = instructions::FlagPosition { position: &position, collateral, debt, offers: &offers }.instruction()?;
    let receipt = cast.chain.send(&[unit_limit(UNITS), flag], &[])?;
    let event = receipt.event(|event| match event {
        Event::PositionFlagged(event) => Some(event),
        _ => None,
    })?;
    let step = Step::new(format!("A keeper looks at {}: liquidatable at {}", borrower.name, dollars(cast.cents)))
        .fact("health", health(event.health_e9))
        .fact("liquidatable seconds counted", event.auction_secs);
    report.step(step.receipt(&receipt));
    Ok(())
}
