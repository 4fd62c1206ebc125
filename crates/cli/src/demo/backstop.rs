//! The backstop pool: two providers stand ready to buy what nobody else buys.

use anyhow::Result;
use plimsoll::error::PlimsollError;
use plimsoll::events::{DepositChange, PositionAbsorbed};
use plimsoll_client::accounts::{Backstop, Reserve};
use plimsoll_client::events::Event;
use plimsoll_client::instructions::{BackstopLiquidate, BackstopProviding, CreateBackstop, SetBackstopCollateral};
use plimsoll_client::quotes::{backstop_provider_quote, BackstopProviderQuote};
use plimsoll_client::{address, Instruction, PROGRAM_ID};
use plimsoll_engine::state::BackstopPolicy;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::cast::{dollars, health, Borrower, Cast};
use super::market;
use super::report::{Report, Step};
use super::waterfall::worth;
use crate::chain::{Receipt, UNITS};
use plimsoll_client::compute_budget::unit_limit;

/// Generation of the only pool here.
const GENERATION: u8 = 0;
/// Slot of SOL in the pool, its only collateral.
const SOL_SLOT: usize = 0;
/// What the providers deposit, whole USDC.
const DEPOSITS: [(&str, u64); 2] = [("provider 1", 1_500), ("provider 2", 500)];
/// Most SOL that the pool may hold, whole tokens.
const CAP: u64 = 50;
/// Compute units a purchase of one collateral for one debt may cost, the whole transaction.
const PURCHASE_UNITS_MAX: u64 = 100_000;

/// Buys below health 0.95 or after half an auction; a fifth of the bonus is the caller's. Deposits warm up, and
/// withdrawals cool down, for two auction times: who sees a position go bad can neither join for the bargain nor leave before the loss.
fn policy() -> BackstopPolicy {
    BackstopPolicy {
        trigger_health_bps: 9_500,
        trigger_secs: 300,
        tip_share_bps: 2_000,
        warm_up_secs: 1_200,
        cooldown_secs: 1_200,
        window_secs: 300,
        reserved: [0; 2],
    }
}

/// A provider: name, key, and how much it deposited.
pub struct Provider {
    /// Name in the story.
    pub name: &'static str,
    /// Key.
    pub key: Keypair,
    /// Deposited, atoms.
    pub atoms: u64,
}

/// The pool's people.
pub struct Pool {
    /// Who deposited.
    pub providers: Vec<Provider>,
    /// Who asks the pool to buy, and earns the tip.
    pub keeper: Keypair,
}

/// A purchase by the pool, and what the position owed just before it.
pub struct Purchase {
    /// What happened.
    pub event: PositionAbsorbed,
    /// Owed before, atoms.
    pub owed_atoms: u64,
}

/// All that is deposited, whole USDC.
pub fn deposited() -> u64 {
    DEPOSITS.iter().map(|(_, tokens)| tokens).sum()
}

/// Opens the pool; the providers deposit.
pub fn open(cast: &Cast, report: &mut Report) -> Result<Pool> {
    report.heading("A backstop pool, for what nobody else buys");
    let (chain, usdc) = (cast.chain, cast.usdc());
    let admin = chain.payer().pubkey();
    let reserve = usdc.state(chain)?;
    let create = CreateBackstop { admin, reserve: &reserve, generation: GENERATION, policy: policy() };
    let receipt = chain.send(&[create.instruction()], &[])?;
    let step = Step::new("The market's admin opens a backstop pool for USDC debts")
        .fact("buys below health", health(policy().trigger_health_bps * 100_000))
        .fact("or after", format!("{} s without a taker", policy().trigger_secs))
        .fact("tip", format!("{}% of the bonus, to whoever asks it to buy", policy().tip_share_bps / 100));
    report.step(step.receipt(&receipt));
    let (backstop, cap_atoms) = (state(cast)?, cast.sol.token.whole(CAP));
    let opt_in = SetBackstopCollateral { admin, backstop: &backstop, collateral: cast.sol.reserve, cap_atoms };
    let receipt = chain.send(&[opt_in.instruction()], &[])?;
    let title = format!("The pool may buy SOL, and hold {} of it at most", cast.sol.token.show(cap_atoms));
    report.step(Step::new(title).receipt(&receipt));

    let mut providers = Vec::new();
    for (name, tokens) in DEPOSITS {
        let provider = Provider { name, key: Keypair::new(), atoms: usdc.token.whole(tokens) };
        let owner = provider.key.pubkey();
        chain.airdrop(&owner, 1)?;
        usdc.token.give(chain, &owner, provider.atoms)?;
        cast.sol.token.give(chain, &owner, 0)?;
        let providing = providing(&reserve, &provider);
        let receipt = chain.send(&[providing.open(), providing.deposit(None, provider.atoms)], &[&provider.key])?;
        let quote = quote(cast, &provider)?;
        let wait_secs = quote.warm_at - chain.clock()?.unix_timestamp;
        let step = Step::new(format!("{name} deposits {}", usdc.token.show(provider.atoms)))
            .fact("warm in seconds", wait_secs)
            .receipt(&receipt);
        report.step(step);
        report.equal("it warms up outside the pool first", provider.atoms, quote.warming_atoms);
        providers.push(provider);
    }
    let code = chain.refusal(providing(&reserve, &providers[0]).join(), &[])?;
    report.step(Step::new("Joining at once is refused: nobody comes in for a bargain"));
    report.equal("the refusal says that it warms up", u32::from(PlimsollError::DepositWarming), code);
    let keeper = Keypair::new();
    cast.sol.token.give(chain, &keeper.pubkey(), 0)?;
    usdc.token.give(chain, &keeper.pubkey(), 0)?;
    Ok(Pool { providers, keeper })
}

/// Anyone lets the warm deposits join.
pub fn join(cast: &Cast, report: &mut Report, pool: &Pool) -> Result<()> {
    let reserve = cast.usdc().state(cast.chain)?;
    for provider in &pool.providers {
        let receipt = cast.chain.send(&[providing(&reserve, provider).join()], &[])?;
        let title = format!("Anybody lets the warm deposit of {} join the pool", provider.name);
        report.step(Step::new(title).receipt(&receipt));
        let change = changed(&receipt)?;
        report.check("it joined", "Joined", format!("{change:?}"), change == DepositChange::Joined);
    }
    let all = cast.usdc().token.whole(deposited());
    report.equal("all deposits are in the pool", all, state(cast)?.state.deposit_atoms);
    Ok(())
}

/// What became of a deposit.
fn changed(receipt: &Receipt) -> Result<DepositChange> {
    receipt.event(|event| match event {
        Event::BackstopDepositChanged(event) => Some(event.change),
        _ => None,
    })
}

/// The pool as it is now.
fn state(cast: &Cast) -> Result<Backstop> {
    let address = address::backstop(&cast.usdc().reserve, GENERATION);
    Ok(Backstop::decode_owned(address, &PROGRAM_ID, &cast.chain.data(&address)?)?)
}

fn providing<'a>(reserve: &'a Reserve, provider: &Provider) -> BackstopProviding<'a> {
    BackstopProviding { owner: provider.key.pubkey(), reserve, generation: GENERATION }
}

/// Where a provider stands.
fn quote(cast: &Cast, provider: &Provider) -> Result<BackstopProviderQuote> {
    let reserve = cast.usdc().state(cast.chain)?;
    Ok(backstop_provider_quote(&cast.chain.view(&providing(&reserve, provider).quote())?)?)
}

fn purchase(cast: &Cast, pool: &Pool, borrower: &Borrower) -> Result<Instruction> {
    let (position, seized) = (market::position(cast.chain, &borrower.position)?, cast.sol.state(cast.chain)?);
    let purchase = BackstopLiquidate {
        position: &position,
        seized: &seized,
        repaid: cast.usdc().reserve,
        generation: GENERATION,
        tip_account: cast.sol.token.account(&pool.keeper.pubkey()),
        tip_min_atoms: 0,
        offers: &cast.offers(borrower)?,
    };
    Ok(purchase.instruction()?)
}

/// A keeper asks the pool to buy, and is refused.
pub fn refused(
    cast: &Cast,
    report: &mut Report,
    (pool, borrower): (&Pool, &Borrower),
    title: &str,
    (reason, error): (&str, PlimsollError),
) -> Result<()> {
    cast.publish()?;
    let code = cast.chain.refusal(purchase(cast, pool, borrower)?, &[])?;
    report.step(Step::new(title));
    report.equal(reason, u32::from(error), code);
    Ok(())
}

/// A keeper asks the pool to buy. Compares what happened with the quote, and with what moved.
pub fn buy(cast: &Cast, report: &mut Report, pool: &Pool, borrower: &Borrower) -> Result<Purchase> {
    let (chain, sol, usdc) = (cast.chain, &cast.sol.token, &cast.usdc().token);
    cast.publish()?;
    let tip_account = sol.account(&pool.keeper.pubkey());
    let (tip_before, reserve) = (chain.token_atoms(&tip_account)?, cast.usdc().state(chain)?);
    let vault_before = chain.token_atoms(&reserve.liquidity_vault())?;
    let spendable_atoms = state(cast)?.state.spendable_atoms();
    let instruction = purchase(cast, pool, borrower)?;
    let (quoted, standing) = chain
        .at_rest(|| Ok((cast.liquidation_quote(borrower, cast.usdc(), spendable_atoms)?, cast.quote(borrower)?)))?;
    let receipt = chain.send(&[unit_limit(UNITS), instruction], &[])?;
    chain.resume()?;
    let event = receipt.event(|event| match event {
        Event::PositionAbsorbed(event) => Some(event),
        _ => None,
    })?;
    let bonus = event.gross_factor_e9.saturating_sub(1_000_000_000) / 100_000;
    report.step(
        Step::new(format!("The pool repays {} for {}", usdc.show(event.repay_atoms), borrower.name))
            .fact("bought", sol.show(event.gain_atoms))
            .fact("tip of the keeper", sol.show(event.tip_atoms))
            .fact("at price", dollars(cast.cents))
            .fact("bonus", format!("{}.{:02}%", bonus / 100, bonus % 100))
            .fact("health before", health(event.health_before_e9))
            .fact("health after", health(event.health_after_e9))
            .fact("left in the pool", usdc.show(event.pool_deposit_atoms))
            .receipt(&receipt),
    );
    report.equal("it spent all it had but the last atom, which it never spends", spendable_atoms, event.repay_atoms);
    report.equal(
        "a liquidator would have got as much for that",
        quoted.seize_atoms,
        event.gain_atoms + event.tip_atoms,
    );
    report.equal("the keeper received its tip", event.tip_atoms, chain.token_atoms(&tip_account)? - tip_before);
    let vault = chain.token_atoms(&reserve.liquidity_vault())?;
    report.equal("no USDC moved: deposits became cash in their own vault", vault_before, vault);
    let units = receipt.compute_units;
    let limit = format!("at most {PURCHASE_UNITS_MAX}");
    report.check("compute units of the whole transaction", limit, units, units <= PURCHASE_UNITS_MAX);
    show_stakes(cast, report, pool, &event)?;
    Ok(Purchase { event, owed_atoms: standing.debts[0].owed_atoms })
}

/// Where the providers stand after a purchase, and that nothing is lost between them.
fn show_stakes(cast: &Cast, report: &mut Report, pool: &Pool, event: &PositionAbsorbed) -> Result<()> {
    let (sol, usdc) = (&cast.sol.token, &cast.usdc().token);
    let mut step = Step::new("Where the providers stand");
    let mut gains = Vec::new();
    for provider in &pool.providers {
        let quote = quote(cast, provider)?;
        let gain = quote.gain_atoms[SOL_SLOT];
        let words = format!(
            "{} left of {}, gained {}",
            usdc.number(quote.deposit_atoms),
            usdc.show(provider.atoms),
            sol.show(gain)
        );
        step = step.fact(provider.name, words);
        gains.push(gain);
    }
    report.step(step);
    // Each gain is rounded down, by an atom and two steps at most, and steps are small here.
    let (three, one, all) = (gains[0], gains[1] * 3, gains.iter().sum::<u64>());
    report.check("gains are as deposits, three to one", three, one, three.abs_diff(one) <= 4);
    report.check(
        "together the providers gained what the pool bought, but for the last atoms",
        event.gain_atoms,
        all,
        all <= event.gain_atoms && event.gain_atoms - all <= 4,
    );
    Ok(())
}

/// The providers take what the pool bought for them. Returns how much, atoms.
pub fn claim(cast: &Cast, report: &mut Report, pool: &Pool) -> Result<u64> {
    let (chain, sol, usdc) = (cast.chain, &cast.sol.token, &cast.usdc().token);
    let (debt, collateral) = (cast.usdc().state(chain)?, cast.sol.state(chain)?);
    let mut all = 0;
    for provider in &pool.providers {
        let quoted = quote(cast, provider)?;
        let account = sol.account(&provider.key.pubkey());
        let before = chain.token_atoms(&account)?;
        let receipt = chain.send(&[providing(&debt, provider).claim(&collateral, None)], &[&provider.key])?;
        let atoms = chain.token_atoms(&account)? - before;
        let step = Step::new(format!("{} takes {}", provider.name, sol.show(atoms)))
            .fact("for", usdc.show(provider.atoms - quoted.deposit_atoms))
            .fact("worth", format!("{} at {}", worth(cast, atoms), dollars(cast.cents)));
        report.step(step.receipt(&receipt));
        report.equal("the quote named this gain", quoted.gain_atoms[SOL_SLOT], atoms);
        all += atoms;
    }
    Ok(all)
}
