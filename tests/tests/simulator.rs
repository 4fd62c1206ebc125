//! The simulator and the real program, told the same story: after every step the same state of every account, to the byte
//! (but for the numbers that order events), and the same tokens in every vault, to the atom.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use plimsoll_client::{Pubkey, PROGRAM_ID};
use plimsoll_engine::state::{BackstopState, PositionState, ReserveState};
use plimsoll_sim::agents::{BorrowerTerms, Liquidator as Agent, LiquidatorTerms};
use plimsoll_sim::book::{AssetId, Id};
use plimsoll_sim::chain::Action;
use plimsoll_sim::feed::{number, Feed, FeedTerms};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::Scenario;
use plimsoll_sim::sim::Sim;
use plimsoll_sim::snapshot::file::{self, Header};
use plimsoll_sim::snapshot::gather::is_part;
use plimsoll_sim::snapshot::Snapshot;
use plimsoll_sim::venue::{Venue, VenueTerms};
use plimsoll_testkit::prelude::*;

/// Seconds of a step.
const STEP_SECS: u64 = 60;

/// A small market on a real chain, and everybody who acts on it.
struct Stage {
    world: World,
    tokens: Vec<Token>,
    borrowers: Vec<Borrower>,
    liquidator: Liquidator,
    keeper: Person,
    prices: Vec<f64>,
}

impl Stage {
    fn new() -> Self {
        let mut world = World::with_market();
        let deep = |config: &mut plimsoll_engine::state::ReserveConfig| config.caps.collateral_atoms /= 2;
        let tokens = vec![
            world.add(Spec::volatile("SOL", "150")),
            world.add(Spec::volatile("JUP", "2").with(deep)),
            world.add(Spec::stable("USDC", "1")),
            world.add(Spec::stable("USDT", "1")),
        ];
        let (lender, liquidator, keeper) = (world.lender(), world.liquidator(), world.person("keeper"));
        let [sol, jup, usdc, usdt] = [0, 1, 2, 3].map(|index: usize| tokens[index].clone());
        for (token, supplied, insured) in [(&usdc, "1000000", "40"), (&usdt, "200000", "5")] {
            world.supply(&lender, token, token.atoms(supplied)).expect("a supply");
            world.fund_insurance(&keeper, token, token.atoms(insured)).expect("insurance");
        }
        world.create_backstop(&usdc, backstop_policy()).expect("a pool");
        world.opt_in(&usdc, &sol, sol.atoms("60")).expect("an opt-in");
        let provider = world.person("provider");
        world.deposit_backstop(&provider, &usdc, usdc.atoms("9000")).expect("a deposit");
        world.advance_with_prices(14_400);
        world.join_backstop(&keeper, &provider, &usdc).expect("a warm deposit joins");

        // Collaterals and debts, in whole tokens.
        type Legs<'a> = &'a [(&'a Token, &'a str)];
        let positions: [(Legs, Legs); 6] = [
            (&[(&sol, "100")], &[(&usdc, "10500")]),
            (&[(&sol, "40"), (&jup, "1500")], &[(&usdc, "5800")]),
            (&[(&sol, "80")], &[(&usdc, "4000"), (&usdt, "3500")]),
            (&[(&jup, "4000")], &[(&usdt, "5500")]),
            (&[(&sol, "900")], &[(&usdc, "95000")]),
            (&[(&sol, "3")], &[(&usdc, "200")]),
        ];
        let borrowers = positions.iter().map(|(collaterals, debts)| {
            let borrower = world.borrower();
            for (token, atoms) in *collaterals {
                world.deposit(&borrower, token, token.atoms(atoms)).expect("a deposit");
            }
            for (token, atoms) in *debts {
                world.borrow(&borrower, token, token.atoms(atoms)).expect("a borrow");
            }
            borrower
        });
        let borrowers = borrowers.collect();
        world.pass_cool_off();
        Self { world, tokens, borrowers, liquidator, keeper, prices: vec![150.0, 2.0, 1.0, 1.0] }
    }

    fn reserves(&self) -> Vec<ReserveState> {
        self.tokens.iter().map(|token| self.world.reserve(token).state).collect()
    }

    fn positions(&self) -> Vec<PositionState> {
        self.borrowers.iter().map(|borrower| self.world.position(borrower).state).collect()
    }

    fn addresses(&self) -> Vec<Pubkey> {
        self.borrowers.iter().map(|borrower| self.world.position(borrower).address).collect()
    }

    fn pool(&self) -> BackstopState {
        self.world.backstop(&self.tokens[2]).state
    }

    /// The simulator's copy of it.
    fn sim(&self, borrowers: BorrowerTerms, kinds: &[LiquidatorTerms]) -> Sim {
        let keys = self.tokens.iter().map(|token| token.reserve.to_bytes());
        let snapshot = Snapshot {
            address: self.world.market,
            now: self.world.now(),
            market: self.world.market_account().state,
            reserves: keys.zip(self.reserves()).collect(),
            positions: Arc::new(self.positions()),
            addresses: Arc::new(self.addresses()),
            pools: vec![self.pool()],
        };
        let mut chain = snapshot.chain();
        chain.journal = Some(Vec::new());
        let venues = self.tokens.iter().zip(&chain.reserves).zip(&self.prices).map(|((token, reserve), price)| {
            let terms = VenueTerms { is_cash: !["SOL", "JUP"].contains(&&*token.name), ..VenueTerms::default() };
            Venue::new(terms, &reserve.risk, token.decimals, *price, 0.05)
        });
        let feed = |price: &f64| Feed::new(FeedTerms::default(), number(*price), snapshot.now.unix);
        let (venues, feeds) = (venues.collect(), self.prices.iter().map(feed).collect());
        Sim::new(chain, venues, feeds, Agent::all(kinds), borrowers)
    }

    /// A scenario over a file of the accounts' bytes, as anybody would get them from a cluster.
    fn scenario(&self, folder: &Path) -> Scenario {
        std::fs::create_dir_all(folder).expect("a folder");
        let mut accounts = self.world.svm.get_program_accounts(&PROGRAM_ID);
        accounts.retain(|(_, account)| is_part(&account.data));
        // Positions in the order in which they are played.
        let played = self.addresses();
        let place = |address: &Pubkey| played.iter().position(|other| other == address);
        accounts.sort_by_key(|(address, _)| (place(address), *address));
        let now = self.world.now();
        let header =
            Header { market: self.world.market, commitment: "confirmed".into(), read_slots: (now.slot, now.slot), now };
        let bytes = accounts.iter().map(|(address, account)| (*address, account.data.as_slice()));
        file::write(&folder.join("market.json.gz"), &header, bytes).expect("a file");
        let mut text = "name = \"real\"\nsnapshot = \"market.json.gz\"\nstep_secs = 60\nsteps = 1\n".to_owned();
        for token in &self.tokens {
            let _ = write!(text, "\n[[token]]\nname = {:?}\nreserve = \"{}\"\n", token.name, token.reserve);
        }
        text += "\n[[liquidator]]\ncount = 1\ncapital = 600.0\nturnaround_secs = 1_200\n";
        text += "\n[[liquidator]]\ncount = 1\ncapital = 9_000.0\nlatency_secs = 12_000\n";
        std::fs::write(folder.join("scenario.toml"), text).expect("a scenario");
        Scenario::read(&folder.join("scenario.toml")).expect("a scenario over the file")
    }

    fn token(&self, asset: AssetId) -> Token {
        self.tokens[usize::from(asset)].clone()
    }

    /// Does on the real chain what the simulator did on its own.
    fn replay(&mut self, action: &Action) -> Outcome {
        let borrower = |stage: &Self, id: &Id| stage.borrowers[usize::try_from(*id).unwrap()].clone();
        match action {
            Action::Refreshed { unix, readings } => {
                self.world.advance(unix - self.world.unix());
                let mut offered = Vec::new();
                for (token, reading) in self.tokens.clone().into_iter().zip(readings) {
                    let Some(reading) = reading else { continue };
                    let price = Price {
                        spot: i64::try_from(reading.price).unwrap(),
                        confidence: reading.confidence,
                        average: i64::try_from(reading.average).unwrap(),
                        exponent: reading.exponent,
                        publish_time: reading.publish_time,
                    };
                    self.world.publish(&token, price);
                    offered.push(token);
                }
                self.world.refresh_reserves(&self.keeper, &offered.iter().collect::<Vec<_>>())
            }
            Action::Noticed { asset } => self.world.notice_stale_price(&self.keeper, &self.token(*asset)),
            Action::Liquidated { id, pair, repay_max_atoms } => {
                let (seized, repaid) = (self.token(pair.0), self.token(pair.1));
                let (borrower, limits) = (borrower(self, id), Limits::repay_max(*repay_max_atoms));
                self.world.liquidate(&self.liquidator, &borrower, &seized, &repaid, limits)
            }
            Action::Absorbed { id, pair } => {
                let (seized, repaid) = (self.token(pair.0), self.token(pair.1));
                let borrower = borrower(self, id);
                self.world.backstop_liquidate(&self.keeper, &borrower, &seized, &repaid, 0)
            }
            Action::Flagged { id, pair } => {
                let (collateral, debt) = (self.token(pair.0), self.token(pair.1));
                let borrower = borrower(self, id);
                self.world.flag(&self.keeper, &borrower, &collateral, &debt)
            }
            Action::Marked { id } => {
                let borrower = borrower(self, id);
                let first = self.world.position(&borrower).state.debts()[0].reserve;
                let token = self.tokens.iter().find(|token| token.reserve.to_bytes() == first).unwrap().clone();
                self.world.mark_default_for_tip(&self.keeper, &borrower, &token)
            }
            Action::Settled { id } => {
                let borrower = borrower(self, id);
                self.world.settle_default(&self.keeper, &borrower)
            }
            Action::Repaid { id, asset, atoms_max } => {
                let (borrower, token) = (borrower(self, id), self.token(*asset));
                self.world.repay(&borrower, &token, *atoms_max)
            }
        }
    }

    /// Asserts that both have the same of everything.
    fn assert_agrees(&self, sim: &Sim, after: &str) {
        let unordered = |state: ReserveState| ReserveState { sequence: 0, ..state };
        for (index, (real, simulated)) in self.reserves().into_iter().zip(&sim.chain.reserves).enumerate() {
            let name = &self.tokens[index].name;
            assert_eq!(unordered(real), unordered(*simulated), "reserve of {name} after {after}");
            let places = sim.chain.tokens.of(AssetId::try_from(index).unwrap());
            let held = |vault| i128::from(self.world.atoms_in(&self.tokens[index].vault(vault)));
            assert_eq!(held(Vault::Liquidity), places.liquidity, "liquidity vault of {name} after {after}");
            assert_eq!(held(Vault::Collateral), places.collateral, "collateral vault of {name} after {after}");
        }
        for (id, real) in sim.chain.book.ids().zip(self.positions()) {
            let simulated = PositionState { sequence: 0, ..sim.chain.position(id) };
            assert_eq!(PositionState { sequence: 0, ..real }, simulated, "position {id} after {after}");
        }
        let pool = BackstopState { sequence: 0, ..sim.chain.pools[2].unwrap() };
        assert_eq!(BackstopState { sequence: 0, ..self.pool() }, pool, "pool after {after}");
    }
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::Refreshed { .. } => "refresh",
        Action::Noticed { .. } => "notice",
        Action::Liquidated { .. } => "liquidate",
        Action::Absorbed { .. } => "absorb",
        Action::Flagged { .. } => "flag",
        Action::Marked { .. } => "mark",
        Action::Settled { .. } => "settle",
        Action::Repaid { .. } => "repay",
    }
}

/// Lets the simulator go through prices of SOL and JUP, and the real program after it. Returns what was done.
fn follow(stage: &mut Stage, sim: &mut Sim, prices: &[(f64, f64)]) -> BTreeSet<&'static str> {
    let mut done = BTreeSet::new();
    for (step, (sol, jup)) in prices.iter().enumerate() {
        sim.step(STEP_SECS, &[*sol, *jup, 1.0, 1.0]).expect("a step");
        for action in std::mem::take(sim.chain.journal.as_mut().unwrap()) {
            let told = format!("{} in step {step}", name(&action));
            stage.replay(&action).unwrap_or_else(|refused| panic!("{told}: {refused:?}\n{action:?}"));
            done.insert(name(&action));
        }
        stage.assert_agrees(sim, &format!("step {step}"));
    }
    sim.finish().expect("the audit");
    stage.world.check_invariants();
    done
}

/// Straight lines between prices, so many steps each.
fn lines(points: &[(usize, f64, f64)]) -> Vec<(f64, f64)> {
    let mut prices = Vec::new();
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        prices.extend((1..=to.0).map(|step| {
            let part = step as f64 / to.0 as f64;
            (from.1 + (to.1 - from.1) * part, from.2 + (to.2 - from.2) * part)
        }));
    }
    prices
}

#[test]
fn a_slow_fall_is_liquidated_to_the_same_atom() {
    let mut stage = Stage::new();
    let kinds = [LiquidatorTerms { count: 2, capital: 20_000.0, ..LiquidatorTerms::default() }];
    let borrowers = BorrowerTerms { answering: 0.5, answer_secs: 120, answer_part: 0.2 };
    let mut sim = stage.sim(borrowers, &kinds);
    let prices = lines(&[(0, 150.0, 2.0), (20, 118.0, 1.7), (10, 121.0, 1.75), (10, 108.0, 1.6)]);
    let done = follow(&mut stage, &mut sim, &prices);
    assert!(done.is_superset(&BTreeSet::from(["refresh", "liquidate", "repay"])), "{done:?}");
    assert_eq!(sim.sums().written_off, 0.0, "nothing was lost");
}

/// A fall through every layer, and a recovery: everything happens on the way.
fn crash(stage: &mut Stage, sim: &mut Sim) {
    let prices = lines(&[
        (0, 150.0, 2.0),
        (6, 112.0, 1.3),
        (40, 105.0, 1.25),
        (3, 60.0, 0.5),
        (240, 58.0, 0.6),
        (10, 90.0, 1.0),
    ]);
    let done = follow(stage, sim, &prices);
    let all = BTreeSet::from(["refresh", "liquidate", "absorb", "flag", "mark", "settle"]);
    assert!(done.is_superset(&all), "{done:?}");
}

#[test]
fn a_crash_through_backstop_recovery_sale_and_haircut_agrees_to_the_same_atom() {
    let mut stage = Stage::new();
    // Little money and some patience, so that all that comes after liquidators has something to do.
    let kinds = [
        LiquidatorTerms { count: 1, capital: 600.0, turnaround_secs: 1_200, ..LiquidatorTerms::default() },
        LiquidatorTerms { count: 1, capital: 9_000.0, latency_secs: 12_000, ..LiquidatorTerms::default() },
    ];
    let mut sim = stage.sim(BorrowerTerms::default(), &kinds);
    crash(&mut stage, &mut sim);
    let sums = sim.sums();
    assert!(sums.haircut > 0.0 && sums.insured > 0.0 && sums.absorbed > 0.0, "{sums:?}");
}

#[test]
fn a_market_that_went_through_a_file_is_the_same_to_the_byte_and_goes_on_as_the_real_one() {
    let mut stage = Stage::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulator_snapshot");
    let setup = Setup::new(&stage.scenario(&folder)).expect("the market of the file");
    setup.chain.audit().expect("the ledgers agree");
    let direct = stage.sim(BorrowerTerms::default(), &[]).chain;
    assert_eq!(setup.chain.now, direct.now);
    assert_eq!(setup.chain.market, direct.market);
    assert_eq!(setup.chain.keys, direct.keys);
    assert_eq!(setup.chain.reserves, direct.reserves);
    assert_eq!(setup.chain.pools, direct.pools);
    assert_eq!(setup.chain.lenders, direct.lenders);
    assert_eq!(setup.chain.book.len(), stage.borrowers.len());
    for (id, real) in setup.chain.book.ids().zip(stage.positions()) {
        assert_eq!(setup.chain.position(id), real, "position {id}");
    }
    let mut sim = setup.sim(Rule::Plimsoll);
    stage.assert_agrees(&sim, "the file");
    sim.chain.journal = Some(Vec::new());
    crash(&mut stage, &mut sim);
}
