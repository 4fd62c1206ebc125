//! Whole markets in time: nothing is lost, nothing depends on threads or on screening.

use plimsoll_sim::ask::{bad_debt::bad_debt, run, shock};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::Scenario;

const QUIET: &(dyn Fn(u64) + Sync) = &|_| {};

/// SOL and a second collateral that moves with it, against two stable debts; a fall by two fifths within two hours.
fn scenario(positions: usize, steps: usize) -> Scenario {
    let text = format!(
        r#"
name = "a market to test"
step_secs = 300
steps = {steps}

[[token]]
name = "SOL"
price = 150.0
depth = 400_000.0
path = {{ kind = "crash", at_secs = 1200, fall = 0.4, fall_secs = 7200, recovery = 0.3, recovery_secs = 20000, sigma = 0.04 }}

[[token]]
name = "JUP"
price = 2.0
depth = 8_000_000.0
path = {{ kind = "follows", token = "SOL", beta = 1.3, sigma = 0.05 }}

[[token]]
name = "USDC"
class = "stable"
decimals = 6
price = 1.0
depth = 500_000_000.0
venue = {{ is_cash = true }}
insurance = 0.001
backstop = 0.02

[[token]]
name = "USDT"
class = "stable"
decimals = 6
price = 1.0
depth = 500_000_000.0
path = {{ kind = "gbm", sigma = 0.0005 }}

[book]
positions = {positions}
collaterals = {{ SOL = 0.7, JUP = 0.3 }}
debts = {{ USDC = 0.8, USDT = 0.2 }}
second_collateral = 0.3
total = 60e6
size_max = 0.02

[borrowers]
answering = 0.3

[[liquidator]]
count = 2
capital = 2e6
latency_secs = 0

[[liquidator]]
count = 1
capital = 20e6
latency_secs = 300
min_profit = 100.0
turnaround_secs = 1200
"#
    );
    Scenario::parse(&text).unwrap()
}

#[test]
fn a_crash_liquidates_and_every_atom_is_where_the_books_say_under_every_rule() {
    let setup = Setup::new(&scenario(2_000, 120)).unwrap();
    setup.chain.audit().unwrap();
    for run in run::compare(&setup, 0, QUIET).unwrap() {
        let sums = run.sums;
        eprintln!("{}: {sums:#?}", run.rule);
        assert!(sums.liquidations > 100 && sums.repaid > 1e5, "{}: {sums:?}", run.rule);
        assert!(sums.seized > sums.repaid, "{}: a liquidator is paid: {sums:?}", run.rule);
        let shared = sums.insured + sums.haircut;
        assert!((shared - sums.written_off).abs() < 1.0, "{}: losses are shared: {sums:?}", run.rule);
        assert!(run.moments.len() == 120 && run.positions == 2_000);
    }
}

#[test]
fn screening_misses_nobody() {
    let setup = Setup::new(&scenario(1_500, 100)).unwrap();
    for rule in setup.rules() {
        let prices = setup.paths.path(5);
        let (mut screened, mut plain) = (setup.sim(rule.clone()), setup.sim(rule));
        plain.looks_at_all = true;
        for step in prices.chunks(setup.paths.tokens()) {
            screened.step(300, step).unwrap();
            plain.step(300, step).unwrap();
            assert_eq!(screened.sums(), plain.sums());
        }
        let positions = 100 * 1_500;
        let looked = screened.screen.looked + screened.screen.reordered;
        assert!(looked < positions, "{looked} looks of {positions}");
        for id in setup.chain.book.ids() {
            assert_eq!(screened.chain.position(id), plain.chain.position(id));
        }
    }
}

#[test]
fn futures_are_the_same_for_any_number_of_threads() {
    let mut scenario = scenario(200, 60);
    scenario.tokens[0].path = plimsoll_sim::paths::PathTerms::Garch { sigma: 0.3, alpha: 0.1, beta: 0.85 };
    let setup = Setup::new(&scenario).unwrap();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (made, loss) =
            pool.install(|| (Setup::new(&scenario).unwrap(), bad_debt(&setup, &Rule::Plimsoll, 24, QUIET).unwrap()));
        let legs: Vec<_> = made.chain.book.ids().map(|id| made.chain.position(id)).collect();
        (legs, loss.ordered)
    };
    let (one, three) = (with(1), with(3));
    assert!(one == three);
    assert!(one.1.iter().any(|loss| *loss > 0.0), "of a daily volatility of 30% something is lost");
}

#[test]
fn a_deeper_shock_does_more() {
    let setup = Setup::new(&scenario(2_000, 10)).unwrap();
    let shocks = shock::shocks(&setup, &[0, 1], 0.6, 12, QUIET).unwrap();
    assert_eq!(shocks[0].liquidatable, 0, "the book begins healthy");
    for pair in shocks.windows(2) {
        assert!(pair[0].liquidatable <= pair[1].liquidatable && pair[0].debt <= pair[1].debt);
        assert!(pair[0].shortfall <= pair[1].shortfall && pair[0].insolvent <= pair[1].insolvent);
    }
    let last = shocks[12];
    assert!(last.insolvent < last.shortfall && last.shortfall < last.debt, "{last:?}");
}

#[test]
fn an_audit_names_what_is_broken() {
    let setup = Setup::new(&scenario(50, 10)).unwrap();
    type Break = fn(&mut plimsoll_sim::chain::Chain);
    let broken: [(&str, Break); 6] = [
        ("I2: token 2", |chain| chain.reserves[2].insurance_atoms += 1),
        ("I3: token 0", |chain| chain.reserves[0].insurance_collateral_atoms += 1),
        ("I5: token 3", |chain| chain.reserves[3].debt_shares.lo += 1),
        ("I6: token 2", |chain| chain.lenders[2].shares.lo += 1),
        ("I14: token 2", |chain| chain.reserves[2].provision_shares.lo += 1),
        ("I15: token 2", |chain| chain.pools[2].as_mut().unwrap().deposit_atoms += 1),
    ];
    for (id, break_it) in broken {
        let mut chain = setup.chain.clone();
        chain.audit().unwrap();
        break_it(&mut chain);
        let told = chain.audit().unwrap_err().to_string();
        assert!(told.starts_with(id), "expected {id}, got {told}");
    }
}

#[test]
fn a_file_without_steps_or_with_a_name_twice_is_refused_as_it_is_read() {
    let token = "[[token]]\nname = \"A\"\nprice = 1.0\ndepth = 1e6\n";
    let told = |step_secs: u64, tokens: &str| {
        let text = format!("name = \"a\"\nstep_secs = {step_secs}\nsteps = 1\n{tokens}");
        Scenario::parse(&text).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(told(60, token), Ok(()));
    let no_step = "expected at least one step of at least a second, got steps = 1 and step_secs = 0";
    assert_eq!(told(0, token), Err(no_step.into()));
    assert_eq!(told(60, &token.repeat(2)), Err("expected a name of its own of every token, got A twice".into()));
}

#[test]
fn the_smallest_file_of_the_reference_runs() {
    let reference = include_str!("../../../docs/guides/scenario-files.md");
    let text = reference.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let setup = Setup::new(&Scenario::parse(text).expect("a scenario")).expect("a market");
    run::run(&setup, Rule::Plimsoll, 0, &|_| {}).expect("a run");
}
