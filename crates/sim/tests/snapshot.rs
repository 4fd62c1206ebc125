//! A market's accounts as a file, and a scenario over it: what comes back is what was there, and nothing has two sources.

mod taken;

use std::fs;

use plimsoll_client::Pubkey as Address;
use plimsoll_engine::state::{BackstopState, PositionState};
use plimsoll_sim::ask::{bad_debt::bad_debt, cascade::cascade, frontier::frontier, position::position, run, shock};
use plimsoll_sim::generate::Setup;
use plimsoll_sim::rules::Rule;
use plimsoll_sim::scenario::Scenario;
use plimsoll_sim::snapshot::{file, starting};
use taken::{address, folder, scenario_over, Taken, QUIET};

#[test]
fn a_file_holds_what_was_written_packed_or_not() {
    let taken = Taken::new(300);
    for name in ["market.json", "market.json.gz"] {
        let folder = folder("round_trip");
        let path = folder.join(name);
        taken.write(&path);
        let (header, snapshot) = file::read(&path).unwrap();
        assert_eq!(header, taken.header);
        assert_eq!((snapshot.address, snapshot.now), (taken.header.market, taken.header.now));
        let mut found: Vec<(Address, Vec<u8>)> = vec![taken::market(snapshot.address, &snapshot.market)];
        found.extend(snapshot.reserves.iter().map(|(key, state)| taken::account(Address::from(*key), state)));
        found.extend(taken.pools().zip(&snapshot.pools).map(|(address, state)| taken::account(address, state)));
        let positions = snapshot.addresses.iter().zip(snapshot.positions.iter());
        found.extend(positions.map(|(address, state)| taken::account(*address, state)));
        assert!(found == taken.accounts, "{name}: every byte of every account, in the same order");
        let is_packed = fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]);
        assert_eq!(is_packed, name == "market.json.gz");
        assert_eq!(taken::names_in(&folder), [name], "nothing is left beside it");
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_what_was_there() {
    let taken = Taken::new(3);
    let folder = folder("atomic");
    let path = folder.join("market.json");
    // A folder in its place: it is written, and cannot take its name.
    fs::create_dir(&path).unwrap();
    let told = format!("{:#}", taken.try_write(&path).unwrap_err());
    assert!(told.starts_with(&format!("cannot write {}: ", path.display())), "{told}");
    assert!(path.is_dir());
    assert_eq!(taken::names_in(&folder), ["market.json"]);
}

#[test]
fn a_scenario_over_a_snapshot_is_the_chain_as_it_was_in_the_order_of_its_tokens() {
    let taken = Taken::new(200);
    let reserves = taken.reserves();
    let tokens: String = [2, 0]
        .map(|index: usize| format!("[[token]]\nreserve = \"{}\"\nname = \"T{index}\"\n", reserves[index]))
        .concat();
    let scenario = scenario_over(&taken, "order", &tokens).unwrap();
    let names: Vec<&str> = scenario.tokens.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names[..2], ["T2", "T0"]);
    let order = [2, 0, 1, 3];
    let setup = Setup::new(&scenario).unwrap();
    setup.chain.audit().unwrap();
    assert_eq!(setup.chain.now, taken.header.now);
    assert_eq!(setup.chain.market, taken.chain.market);
    for (found, was) in order.iter().enumerate() {
        assert_eq!(setup.chain.keys[found], taken.chain.keys[*was]);
        assert_eq!(setup.chain.reserves[found], taken.chain.reserves[*was]);
        assert_eq!(setup.chain.pools[found], taken.chain.pools[*was]);
        let token = &scenario.tokens[found];
        assert_eq!(token.reserve.as_deref(), Some(reserves[*was].to_string().as_str()));
        assert_eq!(token.decimals, taken.chain.reserves[*was].decimals);
        assert_eq!(scenario.token(&reserves[*was].to_string()).unwrap(), found, "an address names a token too");
    }
    assert_eq!(scenario.tokens[1].price, 150.0);
    assert_eq!(scenario.tokens[1].depth, 400_000.0);
    for id in taken.chain.book.ids() {
        assert_eq!(setup.chain.position(id), taken.chain.position(id));
    }
}

#[test]
fn what_the_chain_knows_is_refused_in_a_scenario() {
    let taken = Taken::new(5);
    let all: Vec<String> = taken.reserves().iter().map(ToString::to_string).collect();
    let (listed, first) = (all.join(", "), &all[0]);
    let token = |more: &str| format!("[[token]]\nname = \"SOL\"\nreserve = \"{first}\"\n{more}\n");
    let repeated = |key: &str, value: &str, hint: &str| {
        format!("SOL: expected no `{key}` over a snapshot, got {value}: its reserve says it; remove the line{hint}")
    };
    let of_market = |key: &str, what: &str| {
        format!(
            "expected no `{key}` over a snapshot, got one: {what} are those of market.json; remove `{key}`, or remove `snapshot` to \
             simulate a market that never was"
        )
    };
    let stranger = address(99, 0);
    let told = [
        ("[market]\ndust_value = 1".to_owned(), of_market("market", "the market's settings")),
        ("[book]\npositions = 3".to_owned(), of_market("book", "positions")),
        (
            "[[position]]\ncollateral = { SOL = 1.0 }\ndebt = { USDC = 0.0 }\nhealth = 2.0".to_owned(),
            of_market("position", "positions"),
        ),
        (token("price = 150.0"), repeated("price", "150.0", "")),
        (token("depth = 4e5"), repeated("depth", "400000.0", "")),
        (token("decimals = 9"), repeated("decimals", "9", "")),
        (token("class = \"stable\""), repeated("class", "\"stable\"", "")),
        (token("utilisation = 0.5"), repeated("utilisation", "0.5", "")),
        (token("insurance = 0.1"), repeated("insurance", "0.1", "")),
        (token("backstop = 0.1"), repeated("backstop", "0.1", "")),
        (
            token("set = { z_x100 = 100 }"),
            repeated("set", "{\"z_x100\":100}", "; to see other terms ask `plimsoll sim frontier --vary`"),
        ),
        (
            "[[token]]\nname = \"SOL\"".to_owned(),
            format!("SOL: expected `reserve = \"ADDRESS\"` over a snapshot, got none; its reserves are {listed}"),
        ),
        (
            format!("[[token]]\nreserve = \"{stranger}\""),
            format!("token 1: expected one of the snapshot's reserves {listed}, got {stranger}"),
        ),
        (
            token("") + &format!("[[token]]\nreserve = \"{first}\"\n"),
            format!("token 2: expected one [[token]] of a reserve, got a second of {first}"),
        ),
        (
            token("") + &format!("[[token]]\nname = \"SOL\"\nreserve = \"{}\"\n", all[1]),
            "expected a name of its own for each token, got SOL twice".to_owned(),
        ),
    ];
    for (text, expected) in told {
        let error = format!("{:#}", scenario_over(&taken, "refused", &text).unwrap_err());
        assert_eq!(error.split_once("is no scenario: ").unwrap().1, expected, "of\n{text}");
    }
}

#[test]
fn a_scenario_that_is_made_up_names_no_reserve_and_misses_no_token() {
    let head = "name = \"a\"\nstep_secs = 60\nsteps = 1\n";
    let told = [
        (String::new(), "expected 1 to 16 tokens, got 0"),
        ("[[token]]\nprice = 1.0\ndepth = 1.0".to_owned(), "expected a name of every token"),
        ("[[token]]\nname = \"A\"\nprice = 1.0".to_owned(), "A: expected a price and a depth above zero"),
        (
            format!("[[token]]\nname = \"A\"\nreserve = \"{}\"", address(1, 0)),
            "A: expected no `reserve` without a snapshot, got one: name the snapshot's file with `snapshot = \"FILE\"`, or give a \
             price and a depth in its place",
        ),
    ];
    for (text, expected) in told {
        assert_eq!(Scenario::parse(&format!("{head}{text}")).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_file_that_is_none_is_refused_by_what_is_wrong_with_it() {
    let taken = Taken::new(3);
    let folder = folder("broken");
    let path = folder.join("market.json");
    taken.write(&path);
    let text = fs::read_to_string(&path).unwrap();
    let (market, other) = (taken.header.market, address(98, 0));
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let told = [
        (with("plimsoll-snapshot", "a-diary"), "expected the format plimsoll-snapshot, got a-diary"),
        (
            with("\"version\":1", "\"version\":2"),
            "expected version 1 of the format, got 2; take the snapshot with the same version of plimsoll",
        ),
        (text[..text.len() / 2].to_owned(), "EOF while parsing a string"),
        (with("\"slot\":", "\"slots\":"), "unknown field `slots`"),
        (
            with(&market.to_string(), &other.to_string()),
            &format!("expected the market {other}, got the market {market}"),
        ),
        (with("\"data\":\"", "\"data\":\"!"), &format!("data of {market}: Invalid symbol 33, offset 0.")),
        (with("\"data\":\"", "\"data\":\"AAAA"), &format!("{market} is no market, reserve, position or backstop pool")),
    ];
    for (broken, expected) in told {
        fs::write(&path, broken).unwrap();
        let error = format!("{:#}", file::read(&path).unwrap_err());
        let inner = error.strip_prefix(&format!("{} is no snapshot of a market: ", path.display())).unwrap();
        assert!(inner.starts_with(expected), "expected {expected}, got {inner}");
    }
    let packed = folder.join("market.json.gz");
    taken.write(&packed);
    let bytes = fs::read(&packed).unwrap();
    fs::write(&packed, &bytes[..bytes.len() - 1]).unwrap();
    file::read(&packed).expect_err("a packed file that lacks its last byte");
    let error = format!("{:#}", file::read(&folder.join("none.json")).unwrap_err());
    assert!(
        error.starts_with(&format!("cannot read the snapshot {}: ", folder.join("none.json").display())),
        "{error}"
    );
}

#[test]
fn accounts_that_do_not_belong_together_are_refused_by_address() {
    type Spoil = fn(&mut Taken);
    let told: [(Spoil, String); 9] = [
        (|it| drop(it.accounts.remove(0)), format!("expected one market among the accounts, {}, got 0", address(0, 0))),
        (
            |it| it.accounts.retain(|(_, data)| data.len() != taken::RESERVE_BYTES),
            format!("expected 1 to 64 reserves of {}, got 0", address(0, 0)),
        ),
        (
            |it| it.change(4, |state: &mut PositionState| state.market = [7; 32]),
            format!("expected accounts of the market {}, got {} of {}", address(0, 0), address(2, 4), Address::from([7; 32])),
        ),
        (
            |it| it.accounts.push(it.accounts[1].clone()),
            format!("expected each account once, got {} twice", address(1, 0)),
        ),
        (
            |it| it.change(4, |state: &mut PositionState| state.collaterals[0].reserve = [7; 32]),
            format!(
                "{} holds tokens of the reserve {}, which is not among the accounts",
                address(2, 4),
                Address::from([7; 32])
            ),
        ),
        (
            |it| it.change(4, |state: &mut PositionState| state.debt_count = 9),
            format!("{} claims 1 collaterals and 9 debts; a position has at most 8 and 4", address(2, 4)),
        ),
        (
            |it| it.header.now.unix -= 1,
            format!(
                "expected accounts no younger than the time 1799999999 and slot 1000, got the reserve {} of time 1800000000 and \
                 slot 1000",
                address(1, 0)
            ),
        ),
        (
            |it| {
                let (_, data) = it.accounts.iter().find(|(address, _)| *address == self::address(3, 2)).unwrap().clone();
                it.accounts.push((address(3, 9), data));
                it.change_at(address(3, 9), |state: &mut BackstopState| state.generation = 1);
            },
            format!(
                "expected one backstop pool of the reserve {}, got {} and the newer {}, and the older holds tokens: a simulated \
                 market has one pool of a token",
                address(1, 2),
                address(3, 2),
                address(3, 9)
            ),
        ),
        (
            |it| it.change(4, |state: &mut PositionState| state.debts[0].shares.lo += 1),
            "the market of the snapshot: the accounts do not agree with each other: they are not all of one moment, or not as \
             they were: I5: token "
                .to_owned(),
        ),
    ];
    for (spoil, expected) in told {
        let mut taken = Taken::new(10);
        Setup::new(&scenario_over(&taken, "together", "").unwrap()).expect("all of them belong together");
        spoil(&mut taken);
        let error = scenario_over(&taken, "together", "").and_then(|scenario| Setup::new(&scenario)).unwrap_err();
        let error = format!("{error:#}");
        let inner = error.split_once("is no snapshot of a market: ").map_or(error.as_str(), |(_, inner)| inner);
        let inner = inner.split_once(" at line ").map_or(inner, |(inner, _)| inner);
        let is_it = inner == expected || expected.ends_with("token ") && inner.starts_with(&expected);
        assert!(is_it, "expected {expected}\ngot      {inner}");
    }
}

#[test]
fn a_starting_scenario_says_what_counts_without_it_and_nothing_depends_on_threads() {
    let taken = Taken::new(120);
    let mut bare = scenario_over(&taken, "starting", "").unwrap();
    bare.steps = 2_880;
    let folder = folder("starting_text");
    taken.write(&folder.join("market.json"));
    let text = starting::scenario(bare.live.as_ref().unwrap(), "market.json");
    fs::write(folder.join("start.toml"), &text).unwrap();
    let mut started = Scenario::read(&folder.join("start.toml")).unwrap();
    assert_eq!((started.step_secs, started.steps), (60, 1_440));
    (started.step_secs, started.steps) = (bare.step_secs, bare.steps);
    let told = |scenario: &Scenario, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bad_debt(&Setup::new(scenario).unwrap(), &Rule::Plimsoll, 12, QUIET).unwrap())
    };
    let one = told(&bare, 1);
    assert!(one.mean_sums.repaid > 0.0, "something happens in these futures");
    for (scenario, threads) in [(&bare, 3), (&started, 2)] {
        let other = told(scenario, threads);
        assert_eq!(one.ordered, other.ordered);
        assert_eq!(one.mean_sums.repaid, other.mean_sums.repaid);
    }
}

#[test]
fn every_question_is_answered_of_a_snapshot() {
    let taken = Taken::new(150);
    let scenario = scenario_over(&taken, "questions", &taken.crash()).unwrap();
    let setup = Setup::new(&scenario).unwrap();
    // Each run ends with the audit.
    let runs = run::compare(&setup, 0, QUIET).unwrap();
    assert_eq!(runs.len(), 5, "the program's rule with and without its backstop, and three others");
    assert!(runs.iter().all(|run| run.sums.liquidations > 0), "each of them liquidates");
    let shocks = shock::shocks(&setup, &[0, 1], 0.6, 6, QUIET).unwrap();
    assert!(shocks[0].liquidatable == 0 && shocks[6].liquidatable > 50, "{shocks:?}");
    assert_eq!(cascade(&setup, 0, 0.6, 6, QUIET).unwrap().reproduction.len(), 6);
    let vary = [("maintenance_bps".to_owned(), vec![8_100, 8_500])];
    let points = frontier(&scenario, 0, &vary, 8, QUIET).unwrap();
    assert!(
        points[0].power < points[1].power && points[0].debt == points[1].debt,
        "the book is what it was: {points:?}"
    );
    let unknown = frontier(&scenario, 0, &[("sharpness".to_owned(), vec![1])], 1, QUIET).unwrap_err();
    assert_eq!(
        format!("{unknown:#}"),
        "{\"sharpness\": 1}: the market of the snapshot: token SOL: a reserve has no setting sharpness"
    );
}

#[test]
fn one_position_of_a_snapshot_is_asked_about_by_its_address() {
    let taken = Taken::new(40);
    let scenario = scenario_over(&taken, "one", "").unwrap();
    let all = Setup::new(&scenario).unwrap();
    let mut one = all.clone();
    one.only(&address(2, 17).to_string()).unwrap();
    assert_eq!(one.chain.book.len(), 1);
    assert_eq!(one.chain.position(0), all.chain.position(17));
    let odds = position(&one, &[86_400], 20, QUIET).unwrap();
    assert!(odds.health > 1.0 && odds.lowest_median <= odds.health, "{odds:?}");

    let refused = |setup: &Setup, name: &str| setup.clone().only(name).unwrap_err().to_string();
    let stranger = address(2, 99);
    assert_eq!(
        refused(&all, &stranger.to_string()),
        format!("expected one of the snapshot's 40 positions, got {stranger}; it may be of another market, or younger")
    );
    assert_eq!(refused(&all, "mine"), "expected the address of a position, got mine");
    assert_eq!(
        refused(&taken.made, &stranger.to_string()),
        "expected a scenario over a snapshot: positions that are made up have no address"
    );
    // By its owner, who has one of them; of two it must be said which.
    let owner = |index: usize| Address::from(all.chain.book.state(index as u32, &[]).owner);
    let mut owned = all.clone();
    owned.only(&owner(17).to_string()).unwrap();
    assert_eq!(owned.chain.position(0), all.chain.position(17));
    let mut twice = Taken::new(40);
    twice.change(18, |state: &mut PositionState| state.owner = owner(17).to_bytes());
    let setup = Setup::new(&scenario_over(&twice, "one", "").unwrap()).unwrap();
    assert_eq!(
        refused(&setup, &owner(17).to_string()),
        format!("expected one position, got the owner of 2: {}, {}; name one of them", address(2, 17), address(2, 18))
    );
    let mut empty = taken;
    let debt = empty.chain.position(3).debts()[0];
    empty.change(3, |state: &mut PositionState| {
        state.debts[0] = bytemuck::Zeroable::zeroed();
        state.debt_count = 0;
    });
    empty.take_debt(&debt);
    let setup = Setup::new(&scenario_over(&empty, "one", "").unwrap()).unwrap();
    let owes_nothing = address(2, 3);
    assert_eq!(
        refused(&setup, &owes_nothing.to_string()),
        format!("expected a position with debt, got {owes_nothing}, which owes nothing")
    );
}

#[test]
fn a_price_that_has_grown_old_and_a_feed_with_another_exponent_change_no_answer() {
    let mut taken = Taken::new(60);
    let fresh = Setup::new(&scenario_over(&taken, "old", "").unwrap()).unwrap();
    taken.header.now.unix += 3 * 3_600;
    taken.header.now.slot += 27_000;
    let old = Setup::new(&scenario_over(&taken, "old", "").unwrap()).unwrap();
    let told = |setup: &Setup| shock::shock(setup, &[0, 1], 0.3).unwrap();
    assert_eq!(told(&fresh).liquidatable, told(&old).liquidatable, "a fall is news, however old what was before it");
    let about = plimsoll_sim::report::of_shocks(&old, &[], &[]).about;
    let said = format!("{}: the price that the chain had was 10800 s old.", old.scenario.tokens[0].name);
    assert!(about.contains(&said), "{about:?}");

    // A price in ten-billionths says the same.
    taken.change_at(address(1, 0), |state: &mut plimsoll_engine::state::ReserveState| {
        state.reading.exponent = -10;
        state.volatility.sampled_exponent = -10;
        let numbers = [&mut state.reading.price, &mut state.reading.average, &mut state.reading.confidence];
        numbers.into_iter().for_each(|number| *number *= 100);
        state.volatility.sampled_price *= 100;
    });
    let scaled = Setup::new(&scenario_over(&taken, "old", "").unwrap()).unwrap();
    assert_eq!(scaled.scenario.tokens[0].price, 150.0);
    assert_eq!(told(&scaled).liquidatable, told(&old).liquidatable);
    let mut sims = [old.sim(Rule::Plimsoll), scaled.sim(Rule::Plimsoll)];
    for sim in &mut sims {
        sim.step(60, &[140.0, 1.9, 1.0, 1.0]).unwrap();
    }
    let [old, scaled] = sims.map(|sim| (sim.moment().oracle, sim.chain.reserves[0].reading));
    assert_eq!((old.1.exponent, scaled.1.exponent, scaled.1.price), (-8, -10, 1_400_000_000_000));
    assert_eq!(old.0, scaled.0);
}

#[test]
fn what_was_under_way_on_the_chain_goes_on() {
    let mut taken = Taken::new(30);
    taken.change(5, |state: &mut PositionState| {
        state.flagged_at = 1_799_999_000;
        state.auction_counted_at = 1_799_999_000;
    });
    // Gains and warming deposits of the pool that came with it.
    taken.change_at(address(3, 2), |state: &mut BackstopState| {
        state.warming_atoms = 777;
        state.collaterals[0].atoms = 5_000;
    });
    taken.change_at(address(1, 2), |state: &mut plimsoll_engine::state::ReserveState| state.backstop_atoms += 777);
    taken.change_at(address(1, 0), |state: &mut plimsoll_engine::state::ReserveState| {
        state.backstop_collateral_atoms = 5_000;
    });
    let setup = Setup::new(&scenario_over(&taken, "under_way", "").unwrap()).unwrap();
    let mut sim = setup.sim(Rule::Plimsoll);
    sim.step(60, &[150.0, 2.0, 1.0, 1.0]).unwrap();
    assert_eq!(sim.chain.position(5).flagged_at, 0, "the flag of a healthy position is taken away");
    let sums = sim.finish().unwrap();
    assert_eq!(sums.backstop_result, 0.0, "what the pool had before is no result of the run");

    let mut bare = setup.clone();
    bare.close_pools();
    bare.chain.audit().unwrap();
    assert_eq!(bare.chain.reserves[2].backstop_atoms, 0);
    assert_eq!(bare.chain.reserves[0].backstop_collateral_atoms, 0);
}
