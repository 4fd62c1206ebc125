//! The keeper's own tokens come back to their bounds, at a bounded loss. On the real program and the test pool.

use plimsoll_keeper::decide::{decide_rebalance, Exchange, Rebalance};

use super::*;

const HOW: fn(Pubkey) -> Rebalance = |home| Rebalance { home, slippage_bps: 100, least_nano_usd: 10_000_000_000 };

impl Stage {
    fn rebalance(&self, bounds: Bounds, venue: &dyn Venue) -> Verdict {
        let (book, now) = (self.book(), self.world.now());
        let legs: Vec<_> = book.reserves().collect();
        let purse = Purse { bounds: [(self.sol.mint, bounds)].into(), ..self.purse() };
        self.with_terms(venue, |terms| {
            decide_rebalance(&legs, &HOW(self.usdc.mint), &now, &Terms { purse: &purse, ..*terms })
        })
    }

    fn give_sol(&mut self, amount: &str) {
        let (wallet, atoms) = (self.wallet(&self.sol), self.sol.atoms(amount));
        self.world.mint(&wallet, &self.sol, atoms);
    }

    fn exchange(&mut self, exchange: &Exchange, venue: &dyn Venue) -> Outcome {
        let reserve = |address| match self.world.reserve(&self.sol).address == address {
            true => self.world.reserve(&self.sol),
            false => self.world.reserve(&self.usdc),
        };
        let (from, to, keeper) = (reserve(exchange.from), reserve(exchange.to), self.keeper.clone());
        let built = build::exchange_instructions(exchange, &from, &to, &keeper.address(), venue).expect("a route");
        self.carry_out(&built)
    }

    fn bounds(&self, least: &str, most: &str, target: Option<&str>) -> Bounds {
        let atoms = |amount: &str| self.sol.atoms(amount);
        Bounds { least_atoms: atoms(least), most_atoms: atoms(most), target_atoms: target.map(atoms) }
    }
}

#[track_caller]
fn the_exchange(verdict: &Verdict) -> (Exchange, i128) {
    let [action] = &verdict.actions[..] else { panic!("{verdict:?}") };
    let What::Rebalance(exchange) = action.what else { panic!("{action:?}") };
    (exchange, action.profit_nano_usd)
}

#[track_caller]
fn left_alone(verdict: &Verdict, reason: Reason) {
    assert!(verdict.actions.is_empty(), "{verdict:?}");
    let reasons: Vec<Reason> = verdict.skipped.iter().map(|skipped| skipped.reason).collect();
    assert_eq!(reasons, [reason]);
}

#[test]
fn what_lies_above_the_bound_is_sold_with_the_pool() -> Told {
    let mut stage = stage();
    let pools = stage.pool("10000", "1500000");
    stage.give_sol("12");
    let verdict = stage.rebalance(stage.bounds("0", "10", None), &pools);
    let (exchange, profit) = the_exchange(&verdict);
    assert_eq!(exchange.amount_in, stage.sol.atoms("2"));
    assert_eq!(verdict.actions[0].subject, stage.sol.mint);
    // Two SOL of 150 dollars: the pool's fee of 0.3%, and the transaction.
    assert!((-2 * DOLLAR..-DOLLAR / 2).contains(&profit), "{profit}");
    assert!(exchange.amount_out_min >= stage.usdc.atoms("297") && exchange.amount_out_min <= exchange.amount_out);
    stage.exchange(&exchange, &pools)?;
    assert_eq!(stage.has(&stage.usdc), exchange.amount_out, "to the atom");
    assert_eq!(stage.has(&stage.sol), stage.sol.atoms("10"));
    assert_eq!(stage.rebalance(stage.bounds("0", "10", None), &pools), Verdict::default());
    // Down to the target, where there is one.
    let (exchange, _) = the_exchange(&stage.rebalance(stage.bounds("0", "10", Some("6")), &pools));
    assert_eq!(exchange.amount_in, stage.sol.atoms("4"));
    Ok(())
}

#[test]
fn what_lies_below_it_is_bought_for_what_may_be_spent_with_the_pool() -> Told {
    let mut stage = stage();
    let pools = stage.pool("10000", "1500000");
    left_alone(&stage.rebalance(stage.bounds("4", "10", None), &pools), Reason::NoFunds);
    stage.give_usdc("450");
    let bounds = stage.bounds("4", "10", None);
    let (exchange, _) = the_exchange(&stage.rebalance(bounds, &pools));
    assert_eq!(exchange.amount_in, stage.usdc.atoms("450"), "all there is, of the 600 that are asked for");
    stage.exchange(&exchange, &pools)?;
    assert_eq!((stage.has(&stage.sol), stage.has(&stage.usdc)), (exchange.amount_out, 0));
    assert!(stage.has(&stage.sol) > stage.sol.atoms("2.97"));
    stage.give_usdc("1000");
    let (exchange, _) = the_exchange(&stage.rebalance(bounds, &pools));
    stage.exchange(&exchange, &pools)?;
    let held = stage.has(&stage.sol);
    assert!((stage.sol.atoms("3.99")..=stage.sol.atoms("4")).contains(&held), "{held}");
    // What is still short is too little to be worth an exchange.
    assert_eq!(stage.rebalance(bounds, &pools), Verdict::default());
    Ok(())
}

#[test]
fn a_thin_market_gets_no_more_than_it_takes_within_the_slippage_with_the_pool() {
    let mut stage = stage();
    // An exchange of x of its 300 SOL loses about x/300 and the fee of 0.3%: within a percent for two, not for three.
    let pools = stage.pool("300", "45000");
    stage.give_sol("100");
    let (exchange, _) = the_exchange(&stage.rebalance(stage.bounds("0", "0", None), &pools));
    assert_eq!(exchange.amount_in, stage.sol.atoms("100") / 64);
    let fair = u128::from(exchange.amount_in) * 150 / 1_000;
    assert!(u128::from(exchange.amount_out_min) >= fair * 99 / 100 - 1, "{exchange:?}");

    left_alone(&stage.rebalance(stage.bounds("0", "0", None), &NoVenue), Reason::NoExit);
    let mut stage = self::stage();
    let dear = stage.pool("100", "14000");
    stage.give_sol("1");
    left_alone(&stage.rebalance(stage.bounds("0", "0", None), &dear), Reason::Slippage);
}

#[test]
fn a_token_without_bounds_or_without_a_price_is_left_alone_with_the_pool() {
    let mut stage = stage();
    let pools = stage.pool("10000", "1500000");
    stage.give_sol("12");
    let purse = Purse { bounds: [].into(), ..stage.purse() };
    let (book, now) = (stage.book(), stage.world.now());
    let legs: Vec<_> = book.reserves().collect();
    let verdict = stage.with_terms(&pools, |terms| {
        decide_rebalance(&legs, &HOW(stage.usdc.mint), &now, &Terms { purse: &purse, ..*terms })
    });
    assert_eq!(verdict, Verdict::default());

    stage.lists.deny.insert(stage.sol.mint);
    left_alone(&stage.rebalance(stage.bounds("0", "10", None), &pools), Reason::Denied);
    stage.lists.deny.clear();
    stage.world.advance(3_600);
    left_alone(&stage.rebalance(stage.bounds("0", "10", None), &pools), Reason::Refused(EngineError::StalePrice));
}
