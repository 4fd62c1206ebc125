//! The backstop: a pool that buys what nobody else buys, and what its providers make of it.

use super::common::*;
use plimsoll_client::quotes::BackstopProviderQuote;

const HOUR: i64 = 3_600;

/// The market with a pool of USDC that buys SOL, 30,000 USDC of one provider and 10,000 of another in it.
struct Pool {
    setting: Setting,
    large: Person,
    small: Person,
    keeper: Person,
}

impl Pool {
    fn new() -> Self {
        Self::of(setting())
    }

    fn of(mut setting: Setting) -> Self {
        let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
        let world = &mut setting.world;
        world.create_backstop(&usdc, backstop_policy()).expect("a pool");
        world.opt_in(&usdc, &sol, sol.atoms("1000")).expect("a collateral");
        let (large, small) = (world.person("large provider"), world.person("small provider"));
        let keeper = world.person("keeper");
        world.deposit_backstop(&large, &usdc, usdc.atoms("30000")).expect("a deposit");
        world.deposit_backstop(&small, &usdc, usdc.atoms("10000")).expect("a deposit");
        world.advance_with_prices(4 * HOUR);
        for provider in [&large, &small] {
            world.join_backstop(&keeper, provider, &usdc).expect("a warm deposit");
        }
        world.check_invariants();
        Self { setting, large, small, keeper }
    }

    fn quote(&mut self, provider: &Person) -> BackstopProviderQuote {
        let usdc = self.setting.usdc.clone();
        self.setting.world.quote_backstop_provider(provider, &usdc)
    }

    /// The keeper lets the pool buy SOL of a borrower.
    fn absorb(&mut self, borrower: &Borrower, tip_min_atoms: u64) -> Outcome {
        let (sol, usdc) = (self.setting.sol.clone(), self.setting.usdc.clone());
        self.setting.world.backstop_liquidate(&self.keeper, borrower, &sol, &usdc, tip_min_atoms)
    }

    fn price_sol(&mut self, number: &str) {
        self.setting.world.set_price(&self.setting.sol, number);
        self.setting.world.refresh_prices();
    }
}

#[test]
fn the_pool_buys_below_its_trigger_and_providers_share_what_it_bought() -> Told {
    let mut pool = Pool::new();
    let (sol, usdc) = (pool.setting.sol.clone(), pool.setting.usdc.clone());
    let borrower = pool.setting.borrower("100", "10000");
    let (large, small, keeper) = (pool.large.clone(), pool.small.clone(), pool.keeper.clone());
    pool.price_sol("116");
    let quote = pool.setting.world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let cash = pool.setting.world.reserve(&usdc).state.cash_atoms;

    let receipt = pool.absorb(&borrower, 1)?;

    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.repay_atoms, event.gain_atoms + event.tip_atoms), (quote.repay_atoms, quote.seize_atoms));
    assert_eq!(event.health_after_e9, quote.health_after_e9);
    // A fifth of what is seized beyond the repayment, at 116 and 1 USD, each amount rounded against the tip.
    let repaid_in_sol = u128::from(event.repay_atoms) * 1_000_000_000 / 116_000_000;
    let bonus = u128::from(quote.seize_atoms) - repaid_in_sol;
    assert!(u128::from(event.tip_atoms).abs_diff(bonus / 5) <= 1, "{} of {bonus}", event.tip_atoms);
    let world = &mut pool.setting.world;
    assert_eq!(world.purse(&keeper, &sol), WALLET_TOKENS * 1_000_000_000 + event.tip_atoms);
    assert_eq!(
        world.reserve(&usdc).state.cash_atoms,
        cash + event.repay_atoms,
        "deposits became cash in their own vault"
    );
    assert_eq!(world.backstop(&usdc).state.deposit_atoms, usdc.atoms("40000") - event.repay_atoms);
    world.check_invariants();

    // Three to one, rounded down: an atom and two steps each (`docs/default.md`).
    let (three, one) = (pool.quote(&large), pool.quote(&small));
    assert!((event.repay_atoms * 3 / 4).abs_diff(usdc.atoms("30000") - three.deposit_atoms) <= 1, "{three:?}");
    assert!((event.repay_atoms / 4).abs_diff(usdc.atoms("10000") - one.deposit_atoms) <= 1, "{one:?}");
    let gains = three.gain_atoms[0] + one.gain_atoms[0];
    assert!(event.gain_atoms - gains <= 2 && three.gain_atoms[0].abs_diff(event.gain_atoms * 3 / 4) <= 1, "{gains}");

    let world = &mut pool.setting.world;
    for (provider, gain) in [(&large, three.gain_atoms[0]), (&small, one.gain_atoms[0])] {
        let before = world.purse(provider, &sol);
        world.claim_backstop_gain(provider, &usdc, &sol)?;
        assert_eq!(world.purse(provider, &sol) - before, gain);
        world.refuses(PlimsollError::ZeroAmount, |world| world.claim_backstop_gain(provider, &usdc, &sol));
    }
    world.check_invariants();
    Ok(())
}
