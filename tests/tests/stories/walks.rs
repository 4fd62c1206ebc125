//! Random walks: people act in any order, prices jump, time passes. Whatever happens, every invariant holds, quotes are
//! what is executed, and every refusal has a name.

use super::common::*;
use plimsoll_client::errors::program_error;
use plimsoll_client::quotes::PositionQuote;
use rand::{rngs::StdRng, Rng, SeedableRng};

/// Code of both token programs for "insufficient funds".
const INSUFFICIENT_FUNDS: u32 = 1;

struct Walk {
    random: StdRng,
    world: World,
    /// The first two are borrowed as well as pledged.
    tokens: Vec<Token>,
    lenders: Vec<Lender>,
    borrowers: Vec<Borrower>,
    liquidator: Liquidator,
    /// What happened, by name, for the message of a failure.
    log: Vec<String>,
    successes: usize,
}

fn one_of<T: Clone>(random: &mut StdRng, things: &[T]) -> T {
    things[random.gen_range(0..things.len())].clone()
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut world = market();
        let tokens = vec![
            world.add(Spec::stable("USDC", "1")),
            world.add(Spec::stable("USDT", "1").token_2022().pull()),
            world.add(Spec::volatile("SOL", "150")),
            world.add(Spec::volatile("ETH", "3000").token_2022().push()),
            world.add(Spec::volatile("BONK", "0.5").decimals(5)),
        ];
        let lenders: Vec<Lender> = (0..3).map(|_| world.lender()).collect();
        for (lender, token) in lenders.iter().zip(&tokens[..2]) {
            world.supply(lender, token, token.atoms("200000")).expect("a supply");
        }
        let borrowers: Vec<Borrower> = (0..4).map(|_| world.borrower()).collect();
        for (index, borrower) in borrowers.iter().enumerate() {
            world.deposit(borrower, &tokens[2], tokens[2].atoms("100")).expect("a deposit");
            world.deposit(borrower, &tokens[3 + index % 2], 700_000_000).expect("a deposit");
            world.borrow(borrower, &tokens[0], tokens[0].atoms("5")).expect("a borrow");
            world.borrow(borrower, &tokens[1], tokens[1].atoms("5")).expect("a borrow");
        }
        let liquidator = world.liquidator();
        Self {
            random: StdRng::seed_from_u64(seed),
            world,
            tokens,
            lenders,
            borrowers,
            liquidator,
            log: vec![],
            successes: 0,
        }
    }

    /// Amounts of all sizes: a few atoms, a round number, or anything up to `most`.
    fn amount(&mut self, most: u64) -> u64 {
        match self.random.gen_range(0..6) {
            0 => self.random.gen_range(0..4),
            1 => most,
            2 => most.saturating_add(self.random.gen_range(0..3)),
            3 => most / 2,
            _ => self.random.gen_range(0..=most),
        }
    }

    /// Notes an outcome; a refusal without a name is a fault.
    fn note(&mut self, action: &str, outcome: Outcome) -> bool {
        let said = match &outcome {
            Ok(_) => "done".to_owned(),
            Err(refused) => {
                let code = refused.code();
                let name = code.and_then(program_error).map(|error| format!("{error:?}"));
                let known = name.is_some() || code == Some(INSUFFICIENT_FUNDS);
                assert!(known, "{action}: {refused:?}\nafter\n{}", self.log.join("\n"));
                name.unwrap_or_else(|| "insufficient funds".into())
            }
        };
        self.log.push(format!("{action}: {said}"));
        self.successes += usize::from(outcome.is_ok());
        let violations = self.world.violations();
        assert!(violations.is_empty(), "{violations:?}\nafter\n{}", self.log.join("\n"));
        outcome.is_ok()
    }

    fn step(&mut self) {
        let (borrower, lender) = (one_of(&mut self.random, &self.borrowers), one_of(&mut self.random, &self.lenders));
        let (token, lent) = (one_of(&mut self.random, &self.tokens), one_of(&mut self.random, &self.tokens[..2]));
        let whole = 10u64.pow(u32::from(token.decimals));
        match self.random.gen_range(0..20) {
            0..=1 => {
                let atoms = self.amount(100_000 * 10u64.pow(6));
                let outcome = self.world.supply(&lender, &lent, atoms);
                self.note(&format!("supply {atoms} {}", lent.name), outcome);
            }
            2 => self.redeem(&lender, &lent),
            3 => {
                let atoms = self.amount(whole.saturating_mul(50));
                let outcome = self.world.deposit(&borrower, &token, atoms);
                self.note(&format!("deposit {atoms} {}", token.name), outcome);
            }
            4..=8 => self.borrow(&borrower, &lent),
            9 => self.withdraw(&borrower),
            10 => {
                let atoms = self.amount(50_000 * 10u64.pow(6));
                let owes = self.world.position(&borrower).state.debt_index(lent.reserve.as_array()).is_some();
                let outcome = self.world.repay_for(&lender, &borrower, &lent, atoms);
                let is_poor = outcome.as_ref().is_err_and(|refused| refused.code() == Some(INSUFFICIENT_FUNDS));
                let repaid = self.note(&format!("repay {atoms} {}", lent.name), outcome);
                assert!(repaid || !owes || atoms == 0 || is_poor, "a repayment cannot fail:\n{}", self.log.join("\n"));
            }
            11..=13 => self.price(&token),
            14 => {
                let secs = self.random.gen_range(1..100_000);
                self.world.advance_with_prices(secs);
                self.log.push(format!("{secs} seconds pass"));
            }
            15..=18 => self.liquidate(&borrower),
            _ => {
                let outcome = self.world.settle_default(&lender, &borrower);
                self.note("settle_default", outcome);
                let outcome = self.world.uncount(&lender, &borrower, &token);
                self.note(&format!("uncount {}", token.name), outcome);
                let outcome = self.world.collect_fees(&lender, &lent);
                self.note(&format!("collect_fees {}", lent.name), outcome);
                self.recover(&lender, &lent);
            }
        }
    }

    fn recover(&mut self, lender: &Lender, token: &Token) {
        let outstanding = self.world.reserve(token).state.claims.outstanding_atoms();
        let atoms = self.amount(outstanding);
        let outcome = self.world.repay_recovery(&self.liquidator.clone(), token, atoms);
        self.note(&format!("recover {atoms} of {outstanding} {}", token.name), outcome);
        if self.world.exists(&plimsoll_client::address::lender(&token.reserve, &lender.address())) {
            let outcome = self.world.claim_recovery(lender, token);
            self.note(&format!("claim {}", token.name), outcome);
        }
    }

    fn redeem(&mut self, lender: &Lender, token: &Token) {
        if self.world.exists(&plimsoll_client::address::lender(&token.reserve, &lender.address())) {
            let shares = self.world.lender_account(lender, token).state.shares.get();
            let shares = if self.random.gen() { shares } else { shares / 3 };
            let outcome = self.world.redeem(lender, token, shares);
            self.note(&format!("redeem {shares} {}", token.name), outcome);
        }
    }

    fn quote(&mut self, borrower: &Borrower) -> PositionQuote {
        self.world.quote_position(borrower)
    }

    fn borrow(&mut self, borrower: &Borrower, token: &Token) {
        let slot = self.world.position(borrower).state.debt_index(token.reserve.as_array());
        let quoted = slot.map(|slot| self.quote(borrower).debts[slot].borrow_max_atoms);
        let atoms = match quoted {
            Some(max) if self.random.gen_bool(0.7) => max,
            None if self.random.gen() => self.random.gen_range(5_000_000..6_000_000),
            _ => self.amount(5_000 * 10u64.pow(6)),
        };
        let outcome = self.world.borrow(borrower, token, atoms);
        let debt_is_small =
            outcome.as_ref().is_err_and(|refused| refused.code() == Some(PlimsollError::DebtBelowMin.into()));
        let borrowed = self.note(&format!("borrow {atoms} {} of {quoted:?}", token.name), outcome);
        let promised = quoted.is_some_and(|max| 0 < atoms && atoms <= max);
        assert!(borrowed || !promised || debt_is_small, "quoted, yet refused:\n{}", self.log.join("\n"));
    }

    fn withdraw(&mut self, borrower: &Borrower) {
        let position = self.world.position(borrower);
        if position.state.collateral_count == 0 {
            return;
        }
        let slot = self.random.gen_range(0..usize::from(position.state.collateral_count));
        let reserve = position.state.collaterals[slot].reserve;
        let token = self.tokens.iter().find(|token| token.reserve.to_bytes() == reserve).cloned().expect("a token");
        let max = self.quote(borrower).collaterals[slot].withdraw_max_atoms;
        let atoms = if self.random.gen() { max } else { self.amount(position.state.collaterals[slot].atoms) };
        let outcome = self.world.withdraw(borrower, &token, atoms);
        let withdrawn = self.note(&format!("withdraw {atoms} {} of {max}", token.name), outcome);
        assert!(withdrawn || atoms == 0 || atoms > max, "quoted, yet refused:\n{}", self.log.join("\n"));
    }

    fn price(&mut self, token: &Token) {
        let last = self.world.price(token).spot;
        let is_stable = token.decimals == 6;
        let permille = match self.random.gen_range(0..10) {
            _ if is_stable => self.random.gen_range(990..=1_010),
            0 => self.random.gen_range(300..900),
            1 => self.random.gen_range(1_100..1_500),
            _ => self.random.gen_range(930..1_075),
        };
        let spot =
            if is_stable { 100_000 * permille } else { (last * permille / 1_000).clamp(1_000, 1_000_000_000_000) };
        self.world.advance(1);
        let mut price = Price::calm("1", self.world.unix());
        (price.spot, price.average, price.confidence) = (spot, spot, (spot / 2_000).unsigned_abs());
        self.world.refresh_prices();
        self.world.publish(token, price);
        self.log.push(format!("{} at {spot}e-8", token.name));
    }

    fn liquidate(&mut self, borrower: &Borrower) {
        let position = self.world.position(borrower);
        let legs: Vec<Token> = position
            .legs()
            .map(|leg| self.tokens.iter().find(|token| token.reserve == leg).cloned().expect("a token"))
            .collect();
        let (collaterals, debts) = legs.split_at(usize::from(position.state.collateral_count));
        if collaterals.is_empty() || debts.is_empty() {
            return;
        }
        let (seized, repaid) = (one_of(&mut self.random, collaterals), one_of(&mut self.random, debts));
        let bound = if self.random.gen() { ALL } else { self.amount(2_000 * 10u64.pow(6)) };
        let liquidator = self.liquidator.clone();
        let before = (self.world.purse(&liquidator, &repaid), self.world.purse(&liquidator, &seized));
        let quote = self.world.quote_liquidation(borrower, &seized, &repaid, bound);
        let outcome = self.world.liquidate(&liquidator, borrower, &seized, &repaid, Limits::repay_max(bound));
        let code = outcome.as_ref().err().map_or(Some(0), |refused| refused.code());
        let liquidated = self.note(&format!("liquidate {} for {}, {quote:?}", seized.name, repaid.name), outcome);
        let fits = code == Some(quote.refusal) || code == Some(INSUFFICIENT_FUNDS);
        assert!(fits, "{code:?} is not what was quoted:\n{}", self.log.join("\n"));
        if liquidated {
            let after = (self.world.purse(&liquidator, &repaid), self.world.purse(&liquidator, &seized));
            assert_eq!(
                (before.0 - after.0, after.1 - before.1),
                (quote.repay_atoms + quote.fee_atoms, quote.seize_atoms)
            );
            let improves = quote.is_terminal == 1 || quote.health_after_e9.saturating_add(1) >= quote.health_before_e9;
            assert!(improves, "health fell:\n{}", self.log.join("\n"));
            let left = self.world.position(borrower).state;
            let exhausted = left.collateral_index(seized.reserve.as_array()).is_none()
                || left.debt_index(repaid.reserve.as_array()).is_none();
            let on_target = quote.health_after_e9.abs_diff(TARGET_E9) <= TARGET_SLACK_E9;
            let limited = quote.is_terminal == 1 || bound != ALL;
            assert!(limited || exhausted || on_target, "beside the target:\n{}", self.log.join("\n"));
        }
    }
}

fn walk(seed: u64, steps: usize) {
    let mut walk = Walk::new(seed);
    for _ in 0..steps {
        walk.step();
    }
    let done =
        |action: &str| walk.log.iter().filter(|line| line.starts_with(action) && line.ends_with(": done")).count();
    let counts = ["borrow", "withdraw", "repay", "liquidate", "settle", "recover", "claim"]
        .map(|action| format!("{action} {}", done(action)));
    println!("seed {seed}: {} of {} actions succeeded, {}", walk.successes, walk.log.len(), counts.join(", "));
}

#[test]
fn any_order_of_actions_keeps_every_invariant() {
    for seed in 0..walks() {
        walk(seed, 250);
    }
}

/// How many walks: four, or `PLIMSOLL_WALKS`.
fn walks() -> u64 {
    std::env::var("PLIMSOLL_WALKS").ok().and_then(|count| count.parse().ok()).unwrap_or(4)
}
