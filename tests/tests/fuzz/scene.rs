//! The market that is fuzzed: tokens of odd decimals and prices, and people.

use std::collections::BTreeMap;

use plimsoll_engine::state::{RiskTerms, ORACLE_PYTH_PULL};
use plimsoll_testkit::prelude::*;

use super::steps::Step;

/// What a market deep enough for anything here would take: its depth, USD.
const DEPTH_USD: u128 = 10_000_000;

/// Accepted and refused calls of an instruction.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Accepted.
    pub accepted: u64,
    /// Refused, by reason.
    pub refused: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        for (reason, count) in &other.refused {
            *self.refused.entry(reason.clone()).or_default() += count;
        }
    }

    /// All that were refused.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// A market and who acts in it.
#[derive(Clone)]
pub struct Scene {
    pub world: World,
    pub tokens: Vec<Token>,
    pub lenders: Vec<Lender>,
    pub borrowers: Vec<Borrower>,
    pub liquidators: Vec<Liquidator>,
    pub providers: Vec<Person>,
    pub stranger: Person,
    /// By instruction.
    pub tally: BTreeMap<&'static str, Tally>,
    /// Markets made.
    pub markets: u16,
}

/// Atoms worth so many USD at a price in 1e-8 USD a token.
fn worth(usd: u128, price_e8: i64, decimals: u8) -> u64 {
    let price = u128::try_from(price_e8).expect("a price");
    u64::try_from(usd * 100_000_000 * 10u128.pow(decimals.into()) / price).unwrap_or(u64::MAX)
}

/// A token whose depth and caps are worth the same whatever its decimals and its price.
fn spec(name: &str, decimals: u8, price: &'static str, is_stable: bool) -> Spec {
    let spec = if is_stable { Spec::stable(name, price) } else { Spec::volatile(name, price) };
    spec.decimals(decimals).with(move |config| {
        let depth = worth(DEPTH_USD, plimsoll_testkit::dollars(price), decimals);
        config.risk = RiskTerms { depth_atoms: depth, depth_floor_atoms: (depth / 100).max(1), ..config.risk };
        config.caps.collateral_atoms = if is_stable { depth / 250 } else { depth / 1_000 * 15 };
        (config.caps.supply_atoms, config.caps.borrow_atoms) = (depth, depth / 10 * 9);
        (config.caps.outflow_atoms, config.caps.outflow_secs) = (depth / 20, 3_600);
    })
}

impl Scene {
    /// The same one every time.
    pub fn new() -> Self {
        Self::in_world(World::with_market())
    }

    /// The same in a world with an empty market.
    pub fn in_world(mut world: World) -> Self {
        let push = |spec: Spec| spec.push();
        let pull = |spec: Spec| spec.with(|config| config.oracle_kind = u64::from(ORACLE_PYTH_PULL));
        let tokens = vec![
            world.add(push(spec("USDC", 6, "1", true))),
            world.add(pull(spec("DAI", 11, "1.01", true)).token_2022()),
            world.add(pull(spec("SOL", 9, "150", false))),
            world.add(push(spec("GOLD", 18, "1000000", false)).token_2022()),
            world.add(pull(spec("MICRO", 2, "0.000123", false))),
            world.add(push(spec("NANO", 0, "0.00000012", false))),
        ];
        let lenders: Vec<Lender> = (0..3).map(|_| world.lender()).collect();
        let borrowers: Vec<Borrower> = (0..4).map(|_| world.borrower()).collect();
        let liquidators: Vec<Liquidator> = (0..2).map(|_| world.liquidator()).collect();
        let providers = vec![world.person("provider"), world.person("another provider")];
        let stranger = world.person("stranger");
        let mut scene = Self {
            world,
            tokens,
            lenders,
            borrowers,
            liquidators,
            providers,
            stranger,
            tally: BTreeMap::new(),
            markets: 1,
        };
        scene.furnish();
        scene
    }

    /// Wallets for all, supplies, pools, and positions with debt.
    fn furnish(&mut self) {
        let Self { world, tokens, lenders, borrowers, liquidators, providers, stranger, .. } = self;
        for token in tokens.iter() {
            let people: Vec<&dyn Role> = lenders
                .iter()
                .map(|role| role as &dyn Role)
                .chain(borrowers.iter().map(|role| role as &dyn Role))
                .chain(liquidators.iter().map(|role| role as &dyn Role))
                .chain(providers.iter().map(|role| role as &dyn Role))
                .collect();
            let price = world.price(token).spot;
            for person in people {
                let wallet = world.wallet(person, token);
                world.mint(&wallet, token, worth(300_000, price, token.decimals) / 100);
            }
            world.wallet(&*stranger, token);
        }
        for (index, token) in tokens.iter().enumerate() {
            let atoms = worth(50_000, world.price(token).spot, token.decimals);
            let lender = &lenders[index % lenders.len()];
            let wallet = world.wallet(lender, token);
            world.mint(&wallet, token, atoms / 10);
            world.supply(lender, token, atoms / 10).expect("a supply");
        }
        for (index, borrower) in borrowers.iter().enumerate() {
            for offset in [0, 2] {
                let token = &tokens[2 + (index + offset) % 4];
                let atoms = worth(2_000, world.price(token).spot, token.decimals);
                world.deposit(borrower, token, atoms).expect("a deposit");
            }
            let debt = &tokens[index % 2];
            let atoms = worth(2_400, world.price(debt).spot, debt.decimals);
            world.borrow(borrower, debt, atoms).expect("a borrow");
        }
        for (pool, collateral) in [(0, 2), (1, 3)] {
            let (pool, collateral) = (tokens[pool].clone(), tokens[collateral].clone());
            world.create_backstop(&pool, plimsoll_testkit::backstop_policy()).expect("a pool");
            let cap = worth(50_000, world.price(&collateral).spot, collateral.decimals);
            world.opt_in(&pool, &collateral, cap).expect("a collateral");
            let atoms = worth(800, world.price(&pool).spot, pool.decimals);
            world.deposit_backstop(&providers[0], &pool, atoms).expect("a deposit");
        }
        world.advance_with_prices(14_400);
        for pool in [0, 1] {
            world.join_backstop(&*stranger, &providers[0], &tokens[pool]).expect("a warm deposit");
        }
        world.check_invariants();
    }

    /// A token.
    pub fn token(&self, index: u16) -> Token {
        Step::pick(&self.tokens, index)
    }

    /// A borrower whose position is there.
    pub fn borrower(&self, index: u16) -> Option<Borrower> {
        let borrower = Step::pick(&self.borrowers, index);
        self.world.exists(&self.world.position_address(&borrower)).then_some(borrower)
    }

    /// Tokens of a position's collaterals and debts; any where it has none.
    pub fn pair(&self, borrower: &Borrower, step: &Step) -> (Token, Token) {
        let state = self.world.position(borrower).state;
        let token = |key: [u8; 32]| self.tokens.iter().find(|token| token.reserve.to_bytes() == key).cloned();
        let collaterals: Vec<Token> = state.collaterals().iter().filter_map(|slot| token(slot.reserve)).collect();
        let debts: Vec<Token> = state.debts().iter().filter_map(|slot| token(slot.reserve)).collect();
        let any = |of: &[Token], index: u16| {
            if of.is_empty() {
                self.token(index)
            } else {
                Step::pick(of, index)
            }
        };
        (any(&collaterals, step.what), any(&debts, step.other))
    }

    /// Atoms of a token worth so many USD now.
    pub fn worth(&self, usd: u128, token: &Token) -> u64 {
        worth(usd, self.world.price(token).spot, token.decimals)
    }
}
