//! The last act: a position goes bad step by step, and its debt passes through all four layers.

use anyhow::{Context, Result};
use plimsoll::error::PlimsollError;
use plimsoll_client::events::Event;
use plimsoll_client::{instructions, quotes};
use plimsoll_engine::quote::LiquidationQuote;
use solana_signer::Signer;

use super::backstop::{self, Pool};
use super::cast::{dollars, liquidate_up_to, Borrower, Cast};
use super::market;
use super::recovery;
use super::report::{Report, Step};
use super::story::{self, Supplier};
use super::waterfall::{Lost, Waterfall};
use crate::chain::UNITS;
use plimsoll_client::compute_budget::unit_limit;

/// The position: whole SOL, whole USDC.
pub const DEPOSIT: u64 = 100;
const DEBT: u64 = 9_000;
/// What the liquidator dares to buy for in the open, whole USDC.
const OPEN_MARKET: u64 = 1_000;
/// And halfway through the recovery sale.
const FIRST_LOT: u64 = 2_000;
/// What a newcomer would supply, whole USDC.
pub const NEWCOMER: u64 = 100;
/// Half an auction.
const HALF_SALE_SECS: i64 = 300;

/// Plays the act. Returns the borrower.
pub fn play(cast: &mut Cast, report: &mut Report, lenders: &[Supplier], pool: &Pool) -> Result<Borrower> {
    report.heading("A default that passes through all four layers. First: liquidators, in the open");
    cast.set_price(15_000)?;
    let borrower = cast.enter(report, "borrower 7", DEPOSIT, &[(cast.usdc(), DEBT)])?;
    let mut waterfall = Waterfall::new(cast.usdc().token.whole(DEBT));
    in_the_open(cast, report, pool, &borrower, &mut waterfall)?;
    by_the_pool(cast, report, pool, &borrower, &mut waterfall)?;
    mark(cast, report, (pool, &borrower), lenders)?;
    let haircut_atoms = sale(cast, report, &borrower, &mut waterfall)?;

    story::redeem(cast, report, lenders)?;
    let (recovered_atoms, outstanding_atoms) = recovery::recover(cast, report, lenders, haircut_atoms)?;
    let gained = backstop::claim(cast, report, pool)?;
    let left = cast.sol.state(cast.chain)?.state.backstop_collateral_atoms;
    report.check("the providers took all of it, but for the last atoms", gained + left, gained, left <= 4);

    report.heading("The waterfall");
    let lost = Lost { haircut_atoms, recovered_atoms, outstanding_atoms };
    waterfall.print(cast, report, &borrower, &lost, DEPOSIT);
    Ok(borrower)
}

fn in_the_open(
    cast: &mut Cast,
    report: &mut Report,
    pool: &Pool,
    borrower: &Borrower,
    waterfall: &mut Waterfall,
) -> Result<()> {
    cast.set_price(10_900)?;
    cast.show_health(report, &[borrower])?;
    let most_atoms = cast.usdc().token.whole(OPEN_MARKET);
    let sale = liquidate_up_to(cast, report, borrower, cast.usdc(), most_atoms)?;
    report.equal("it repaid that", most_atoms, sale.event.repay_atoms);
    let (health, healthy) = (sale.event.health_after_e9, 1_000_000_000);
    report.check("too little: the position is still unhealthy", "below 1", health, health < healthy);
    waterfall.owed(sale.owed_atoms);
    waterfall.bought(cast, ("1 open auction", "liquidator"), sale.event.repay_atoms, (sale.event.seize_atoms, 0));
    waterfall.fee(sale.event.fee_atoms);
    waterfall.check_owed(cast, report, borrower)?;
    let title = "A keeper asks the backstop pool to buy, and is refused: liquidators come first";
    let reason = ("the refusal says that it is not triggered", PlimsollError::BackstopNotTriggered);
    backstop::refused(cast, report, (pool, borrower), title, reason)
}

fn by_the_pool(
    cast: &mut Cast,
    report: &mut Report,
    pool: &Pool,
    borrower: &Borrower,
    waterfall: &mut Waterfall,
) -> Result<()> {
    report.heading("Second: the backstop pool, once health is below its trigger");
    cast.set_price(10_500)?;
    cast.show_health(report, &[borrower])?;
    let purchase = backstop::buy(cast, report, pool, borrower)?;
    waterfall.owed(purchase.owed_atoms);
    let received = (purchase.event.gain_atoms, purchase.event.tip_atoms);
    waterfall.bought(cast, ("2 backstop pool", "2 providers"), purchase.event.repay_atoms, received);
    waterfall.check_owed(cast, report, borrower)
}

/// The loss is booked before anyone can run from it: who leaves pays its part, and nobody comes in to pay for others.
fn mark(
    cast: &mut Cast,
    report: &mut Report,
    (pool, borrower): (&Pool, &Borrower),
    lenders: &[Supplier],
) -> Result<()> {
    report.heading("Third: the default is marked, its loss provided for, and the rest sold at a falling price");
    cast.set_price(8_000)?;
    cast.show_health(report, &[borrower])?;
    let title = "A keeper asks the backstop pool again, and is refused: its money is spent";
    let reason = ("the refusal says so", PlimsollError::BackstopEmpty);
    backstop::refused(cast, report, (pool, borrower), title, reason)?;

    let (chain, usdc, lender) = (cast.chain, cast.usdc(), &lenders[0]);
    let (owner, keeper) = (lender.key.pubkey(), pool.keeper.pubkey());
    cast.publish()?;
    let (position, reserve) = (market::position(chain, &borrower.position)?, usdc.state(chain)?);
    let tip_account = usdc.token.account(&keeper);
    let tip = Some((&reserve, tip_account));
    let mark = instructions::MarkDefault { position: &position, tip, offers: &cast.offers(borrower)? };
    // At rest, or interest would have moved an atom by the time of the quotes.
    chain.at_rest(|| Ok(()))?;
    let receipt = chain.send(&[unit_limit(UNITS), mark.instruction()?], &[])?;
    let marked = receipt.event(|event| match event {
        Event::DefaultMarked(event) => Some(event),
        _ => None,
    })?;
    let of = marked.provisions.first().context("expected a provision for the debt")?;
    let (provided_atoms, uninsured_atoms) = (of.provided_atoms, of.uninsured_atoms);
    let ask = instructions::QuoteLender { owner, reserve: usdc.reserve };
    let stake = quotes::lender_quote(&chain.view(&ask.instruction())?)?;
    let ask = instructions::QuoteLenderExposure { owner, reserve: usdc.reserve, position: borrower.position };
    let exposure = quotes::lender_exposure_quote(&chain.view(&ask.instruction())?)?;
    chain.resume()?;
    let show = |atoms: u64| usdc.token.show(atoms);
    let step = Step::new(format!("A keeper marks {} in default: the expected loss is booked", borrower.name))
        .fact("provision", show(provided_atoms))
        .fact("of which insurance does not cover", show(uninsured_atoms))
        .fact("tip from insurance", show(marked.tip_atoms));
    report.step(step.receipt(&receipt));
    report.equal("the keeper received its tip", marked.tip_atoms, chain.token_atoms(&tip_account)?);
    report.step(
        Step::new(format!("What {} has at stake", lender.name))
            .fact("its part of the debt", show(exposure.own_owed_atoms))
            .fact("of which provided for", format!("{}, before insurance", show(exposure.own_provided_atoms)))
            .fact("shares are worth", show(stake.assets_atoms))
            .fact("would redeem for", show(stake.redeem_atoms)),
    );
    report.equal("the quote names what is provided for", provided_atoms, exposure.provided_atoms);
    // Insurance pays first. Its part and both worths are rounded to an atom.
    let own = u128::from(exposure.own_provided_atoms) * u128::from(uninsured_atoms) / u128::from(provided_atoms.max(1));
    let kept = u128::from(stake.assets_atoms - stake.redeem_atoms);
    let words = "who leaves now leaves its part behind of what insurance does not cover";
    report.check(words, own, kept, own.abs_diff(kept) <= 3);
    refused_supply(cast, report, &lenders[1])
}

fn refused_supply(cast: &Cast, report: &mut Report, lender: &Supplier) -> Result<()> {
    let (chain, usdc) = (cast.chain, cast.usdc());
    let (owner, amount_atoms) = (lender.key.pubkey(), usdc.token.whole(NEWCOMER));
    usdc.token.give(chain, &owner, amount_atoms)?;
    let reserve = usdc.state(chain)?;
    let supply = instructions::Supply { owner, reserve: &reserve, owner_liquidity: None, amount_atoms, shares_min: 1 };
    let code = chain.refusal(supply.instruction(), &[&lender.key])?;
    let title = format!("{} would supply {} more, and is refused", lender.name, usdc.token.show(amount_atoms));
    report.step(Step::new(title));
    let reason = "the refusal says that a loss is expected which newcomers would pay for";
    report.equal(reason, u32::from(PlimsollError::ProvisionTooHigh), code);
    Ok(())
}

/// The recovery sale, and the settlement that its last purchase brings. Returns what lenders bear, atoms.
fn sale(cast: &Cast, report: &mut Report, borrower: &Borrower, waterfall: &mut Waterfall) -> Result<u64> {
    let (chain, usdc) = (cast.chain, cast.usdc());
    let mut asked = vec![ask(cast, report, borrower)?];
    let lots = [("3 recovery sale, half way", usdc.token.whole(FIRST_LOT)), ("3 recovery sale, at its end", u64::MAX)];
    for (layer, most_atoms) in lots {
        chain.pass_time(HALF_SALE_SECS)?;
        asked.push(ask(cast, report, borrower)?);
        if most_atoms == u64::MAX {
            let falls = asked.is_sorted_by(|one, next| one > next);
            let prices = asked.iter().map(|cents| dollars(*cents)).collect::<Vec<_>>().join(", ");
            report.check("the price of a SOL fell with time", "falling", prices, falls);
            report.heading("Fourth: the last purchase settles what is left. Insurance, then the lenders, once");
        }
        let insurance = usdc.state(chain)?.state;
        let sale = liquidate_up_to(cast, report, borrower, usdc, most_atoms)?;
        let event = &sale.event;
        waterfall.owed(sale.owed_atoms);
        waterfall.bought(cast, (layer, "liquidator"), event.repay_atoms, (event.seize_atoms, 0));
        waterfall.fee(event.fee_atoms);
        if event.written_off_atoms == 0 {
            waterfall.check_owed(cast, report, borrower)?;
            continue;
        }
        let insured = insurance.insurance_atoms + insurance.insurance_accrued_atoms + event.fee_atoms;
        report.check(
            "insurance pays first, all it has",
            format!("at least {insured}"),
            event.insurance_atoms,
            event.insurance_atoms >= insured,
        );
        let left = usdc.state(chain)?.state;
        report.equal("nothing is left of it", 0, left.insurance_atoms + left.insurance_accrued_atoms);
        report.equal("and nothing of the provision", 0, left.provision_atoms());
        waterfall.insured(cast, event.insurance_atoms);
        waterfall.bore("4 settlement", "2 lenders, pro rata", event.haircut_atoms, "a claim on what comes back");
        waterfall.check_owed(cast, report, borrower)?;
        return Ok(event.haircut_atoms);
    }
    anyhow::bail!("expected the second purchase to take the last SOL and settle the default")
}

/// What the sale asks for a SOL if all that is left is bought now, cents.
fn ask(cast: &Cast, report: &mut Report, borrower: &Borrower) -> Result<u64> {
    cast.publish()?;
    let quote: LiquidationQuote = cast.liquidation_quote(borrower, cast.usdc(), u64::MAX)?;
    let sol = &cast.sol.token;
    // A cent is 10,000 atoms of USDC.
    let each = u128::from(quote.repay_atoms) * u128::from(sol.whole(1)) / u128::from(quote.seize_atoms.max(1)) / 10_000;
    let words =
        format!("The sale asks {} for {}", cast.usdc().token.show(quote.repay_atoms), sol.show(quote.seize_atoms));
    let each_cents = u64::try_from(each)?;
    report.step(
        Step::new(words)
            .fact("a SOL", format!("{}, at a market price of {}", dollars(each_cents), dollars(cast.cents))),
    );
    Ok(each_cents)
}
