//! What the keeper decides is what the program then does, to the atom; what it leaves alone the program refuses, with the
//! error the reason stands for. On the real program.

#[path = "decide/aggregator.rs"]
mod aggregator;
#[path = "decide/rebalance.rs"]
mod rebalance;

use plimsoll_client::accounts::Account;
use plimsoll_client::address;
use plimsoll_engine::EngineError;
use plimsoll_keeper::book::{Book, Offered, Update};
use plimsoll_keeper::build::{self, Built};
use plimsoll_keeper::chain::Seen;
use plimsoll_keeper::decide::{
    decide, decide_join, decide_reserve, Action, Bounds, Exit, Fees, Funding, Lists, Purse, Reason, Skipped, Terms,
    Verdict, What,
};
use plimsoll_keeper::venue::{NoVenue, Pools, Venue};
use plimsoll_keeper::{oracle, stock};
use plimsoll_testkit::prelude::*;
use proptest::prelude::*;

type Told = Result<(), Box<Refused>>;

/// A dollar in nano-dollars.
const DOLLAR: i128 = 1_000_000_000;
const FEES: Fees = Fees {
    signature_lamports: 5_000,
    unit_price_micro_lamports: 10_000,
    tip_lamports: 0,
    sol_nano_usd: 150_000_000_000,
};

/// A market with SOL as collateral, USDC to borrow and lent, and a keeper.
struct Stage {
    world: World,
    sol: Token,
    usdc: Token,
    keeper: Liquidator,
    borrowers: Vec<Borrower>,
    provider: Lender,
    bounds: Bounds,
    lists: Lists,
    min_profit: i128,
    does_chores: bool,
}

fn stage() -> Stage {
    let mut world = World::with_market();
    let (sol, usdc) = (world.add(Spec::volatile("SOL", "150")), world.add(Spec::stable("USDC", "1")));
    let (lender, provider, keeper) = (world.lender(), world.lender(), world.liquidator());
    world.supply(&lender, &usdc, usdc.atoms("1000000")).expect("a supply");
    for token in [&sol, &usdc] {
        world.open_wallet(&keeper.address(), token);
    }
    let bounds = Bounds { least_atoms: 0, most_atoms: u64::MAX, target_atoms: None };
    let (borrowers, lists) = (Vec::new(), Lists::default());
    Stage { world, sol, usdc, keeper, borrowers, provider, bounds, lists, min_profit: 1, does_chores: true }
}

impl Stage {
    fn borrower(&mut self, sol: &str, usdc: &str) -> Borrower {
        let borrower = self.world.borrower();
        self.world.deposit(&borrower, &self.sol, self.sol.atoms(sol)).expect("a deposit");
        self.world.borrow(&borrower, &self.usdc, self.usdc.atoms(usdc)).expect("a borrow");
        self.world.pass_cool_off();
        self.borrowers.push(borrower.clone());
        borrower
    }

    fn give_usdc(&mut self, amount: &str) {
        let (wallet, atoms) = (self.wallet(&self.usdc), self.usdc.atoms(amount));
        self.world.mint(&wallet, &self.usdc, atoms);
    }

    fn wallet(&self, token: &Token) -> Pubkey {
        address::token_account(&self.keeper.address(), &token.mint, &token.kind.program())
    }

    fn fall(&mut self, price: &str) {
        self.world.set_price(&self.sol, price);
        self.world.refresh_prices();
    }

    /// The market as a keeper sees it: accounts and prices from the chain's bytes.
    fn book(&self) -> Book {
        let (world, now) = (&self.world, self.world.now());
        let mut book = Book::new(world.market);
        let mut take = |address: Pubkey| {
            if let Some(account) = world.svm.get_account(&address) {
                let update = Update { slot: now.slot, address, owner: account.owner, data: &account.data };
                book.take(&update, &now).expect("an account of the program");
            }
        };
        take(world.market);
        for token in world.tokens() {
            take(token.reserve);
            let pool = address::backstop(&token.reserve, 0);
            take(pool);
            take(address::backstop_provider(&pool, &self.provider.address()));
        }
        self.borrowers.iter().for_each(|borrower| take(world.position_address(borrower)));
        for token in world.tokens() {
            let account = world.svm.get_account(&token.price).expect("a price account");
            let reserve = world.reserve(token).state;
            if let Ok(reading) = oracle::read(&reserve, &token.price, &account.owner, &account.data, &now) {
                book.price(&token.reserve, Offered { reading, price: token.price }, &now);
            }
        }
        book
    }

    fn purse(&self) -> Purse {
        let atoms = [&self.sol, &self.usdc].map(|token| (token.mint, self.world.atoms_in(&self.wallet(token))));
        Purse { atoms: atoms.into(), bounds: [(self.sol.mint, self.bounds)].into() }
    }

    fn with_terms<T>(&self, venue: &dyn Venue, then: impl FnOnce(&Terms) -> T) -> T {
        let purse = self.purse();
        then(&Terms {
            min_profit_nano_usd: self.min_profit,
            does_chores: self.does_chores,
            uses_flash: true,
            tolerance_bps: 20,
            fees: FEES,
            purse: &purse,
            lists: &self.lists,
            venue,
        })
    }

    fn decide(&self, borrower: &Borrower, venue: &dyn Venue) -> Verdict {
        let scene = self.book().scene(&self.world.position_address(borrower), self.world.now()).expect("a position");
        self.with_terms(venue, |terms| decide(&scene, terms))
    }

    #[track_caller]
    fn the_action(&self, borrower: &Borrower, venue: &dyn Venue) -> Action {
        let verdict = self.decide(borrower, venue);
        assert_eq!(verdict.actions.len(), 1, "{verdict:?}");
        verdict.actions[0].clone()
    }

    #[track_caller]
    fn built(&self, borrower: &Borrower, action: &Action, venue: &dyn Venue) -> Built {
        let scene = self.book().scene(&self.world.position_address(borrower), self.world.now()).expect("a position");
        build::instructions(action, &scene, &self.keeper.address(), venue).expect("instructions")
    }

    fn act(&mut self, borrower: &Borrower, action: &Action, venue: &dyn Venue) -> Outcome {
        let built = self.built(borrower, action, venue);
        self.carry_out(&built)
    }

    /// Sends it. Where it succeeds the keeper's accounts must be where the floors say.
    fn carry_out(&mut self, built: &Built) -> Outcome {
        let keeper = self.keeper.clone();
        let before = self.floors(built);
        let outcome = self.world.send(&built.instructions, &[&keeper]);
        if outcome.is_ok() {
            assert_eq!(build::shortfall(&built.floors, &before, &self.floors(built)), None);
        }
        outcome
    }

    /// What lies in the accounts that floors are about.
    fn floors(&self, built: &Built) -> Vec<u64> {
        built.floors.iter().map(|floor| self.world.atoms_in(&floor.account)).collect()
    }

    fn has(&self, token: &Token) -> u64 {
        self.world.atoms_in(&self.wallet(token))
    }

    /// A pool of both tokens at a price, and the keeper's view of it.
    fn pool(&mut self, sol: &str, usdc: &str) -> Pools {
        let parts = [(&self.sol, self.sol.atoms(sol)), (&self.usdc, self.usdc.atoms(usdc))];
        self.world.add_pool(parts);
        let (from, to) = (self.world.reserve(&self.sol), self.world.reserve(&self.usdc));
        let mut pools = Pools::new(POOL_PROGRAM);
        let (vault_in, vault_out) = pools.vaults(&from, &to);
        for vault in [vault_in, vault_out] {
            pools.see(vault, self.world.atoms_in(&vault));
        }
        pools
    }

    #[track_caller]
    fn skipped(&self, borrower: &Borrower, what: &str) -> Reason {
        let verdict = self.decide(borrower, &NoVenue);
        let of_kind: Vec<&Skipped> = verdict.skipped.iter().filter(|skipped| skipped.what == what).collect();
        assert_eq!(of_kind.len(), 1, "{verdict:?}");
        of_kind[0].reason
    }

    /// The keeper skips a liquidation for this reason of the program's, the program refuses it so, and nothing moves.
    #[track_caller]
    fn both_refuse(&mut self, borrower: &Borrower, error: EngineError) {
        assert_eq!(self.skipped(borrower, "liquidate"), Reason::Refused(error));
        let (sol, usdc, keeper) = (self.sol.clone(), self.usdc.clone(), self.keeper.clone());
        let before = self.world.position(borrower).state;
        refused(self.world.liquidate(&keeper, borrower, &sol, &usdc, Limits::NONE), error.code());
        assert_eq!(self.world.position(borrower).state, before);
    }
}

#[test]
fn with_own_money_it_pays_and_receives_what_it_decided() -> Told {
    let mut stage = stage();
    let borrower = stage.borrower("100", "10500");
    stage.give_usdc("20000");
    stage.fall("125");
    let action = stage.the_action(&borrower, &NoVenue);
    let What::Liquidate(trade) = action.what else { panic!("{action:?}") };
    assert_eq!((trade.funding, trade.exit), (Funding::Own, Exit::Keep));
    assert!(action.profit_nano_usd > DOLLAR, "the bonus of a trade of thousands: {action:?}");

    let before = (stage.has(&stage.usdc), stage.has(&stage.sol));
    let receipt = stage.act(&borrower, &action, &NoVenue)?;
    assert_eq!(before.0 - stage.has(&stage.usdc), trade.plan.repay_atoms + trade.plan.fee_atoms);
    assert_eq!(stage.has(&stage.sol) - before.1, trade.plan.seize_atoms);
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!(event.health_after_e9, plimsoll_engine::quote::to_e9(trade.plan.health_after));
    stage.world.check_invariants();
    Ok(())
}

#[test]
fn with_too_little_of_its_own_it_repays_what_it_can() -> Told {
    let mut stage = stage();
    let borrower = stage.borrower("100", "10500");
    stage.give_usdc("1000");
    stage.fall("125");
    let action = stage.the_action(&borrower, &NoVenue);
    let What::Liquidate(trade) = action.what else { panic!("{action:?}") };
    let paid = trade.plan.repay_atoms + trade.plan.fee_atoms;
    assert!((stage.usdc.atoms("999")..=stage.usdc.atoms("1000")).contains(&paid), "{trade:?}");
    stage.act(&borrower, &action, &NoVenue)?;
    assert_eq!(stage.has(&stage.usdc), stage.usdc.atoms("1000") - paid);
    assert_eq!(stage.has(&stage.sol), trade.plan.seize_atoms);
    Ok(())
}

#[test]
fn with_nothing_it_borrows_sells_and_keeps_the_profit_it_expected() -> Told {
    let mut stage = stage();
    let borrower = stage.borrower("100", "10500");
    stage.fall("125");
    let pools = stage.pool("10000", "1250000");
    let action = stage.the_action(&borrower, &pools);
    let What::Liquidate(trade) = action.what else { panic!("{action:?}") };
    let (Funding::Flash { principal_atoms }, Exit::Sell { amount_in, amount_out, .. }) = (trade.funding, trade.exit)
    else {
        panic!("{trade:?}")
    };
    stage.act(&borrower, &action, &pools)?;
    let loan_fee = stage.world.market_account().state.policy.flash_fee_atoms(principal_atoms);
    let spent = trade.plan.repay_atoms + trade.plan.fee_atoms + loan_fee;
    assert_eq!(stage.has(&stage.usdc), amount_out - spent, "to the atom");
    assert_eq!(stage.has(&stage.sol), trade.plan.seize_atoms - amount_in, "what the tolerance left");
    // In nano-dollars, less what the transaction costs; a unit of rounding for each of two values, and the price's half a bp.
    let usdc_profit = i128::from(stage.has(&stage.usdc)) * 1_000;
    let fee = FEES.cost_nano_usd(250_000);
    assert!(
        (action.profit_nano_usd - (usdc_profit - fee)).abs() <= 1_000,
        "{} {usdc_profit} {fee}",
        action.profit_nano_usd
    );
    stage.world.check_invariants();
    Ok(())
}

#[test]
fn what_does_not_pay_is_flagged_so_that_it_pays_later() -> Told {
    let mut stage = stage();
    let borrower = stage.borrower("100", "10500");
    stage.give_usdc("20000");
    stage.fall("125");
    stage.min_profit = 1_000_000 * DOLLAR;
    assert_eq!(stage.skipped(&borrower, "liquidate"), Reason::Unprofitable);
    let action = stage.the_action(&borrower, &NoVenue);
    assert_eq!(action.what, What::Flag);
    let receipt = stage.act(&borrower, &action, &NoVenue)?;
    assert!(matches!(receipt.event(), Event::PositionFlagged(_)), "{receipt:?}");

    // A sighting vouches for a minute: until then another would count nothing.
    assert_eq!(stage.skipped(&borrower, "flag_position"), Reason::TooSoon);
    stage.world.advance_with_prices(60);
    let again = stage.the_action(&borrower, &NoVenue);
    let receipt = stage.act(&borrower, &again, &NoVenue)?;
    let Event::PositionFlagged(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!(event.auction_secs, 60);

    stage.does_chores = false;
    stage.world.advance_with_prices(60);
    assert_eq!(stage.skipped(&borrower, "flag_position"), Reason::NotPaid);
    assert!(stage.decide(&borrower, &NoVenue).actions.is_empty());
    Ok(())
}

#[test]
fn a_borrower_below_the_call_level_is_called_and_let_go_again() -> Told {
    let mut stage = stage();
    let borrower = stage.borrower("100", "10500");
    stage.fall("135");
    let action = stage.the_action(&borrower, &NoVenue);
    let receipt = stage.act(&borrower, &action, &NoVenue)?;
    assert!(matches!(receipt.event(), Event::MarginCalled(_)), "{receipt:?}");
    let verdict = stage.decide(&borrower, &NoVenue);
    assert_eq!(verdict, Verdict::default(), "nothing more to do");
    stage.fall("150");
    let action = stage.the_action(&borrower, &NoVenue);
    let receipt = stage.act(&borrower, &action, &NoVenue)?;
    assert!(matches!(receipt.event(), Event::FlagCleared(_)), "{receipt:?}");
    Ok(())
}

#[test]
fn what_the_program_would_refuse_is_left_alone_for_that_reason() -> Told {
    let mut stage = stage();
    stage.give_usdc("100000");
    let borrower = stage.borrower("100", "10500");
    let (sol, usdc) = (stage.sol.clone(), stage.usdc.clone());

    stage.world.borrow(&borrower, &usdc, usdc.atoms("100"))?;
    stage.fall("120");
    stage.both_refuse(&borrower, EngineError::CoolingOff);
    stage.world.pass_cool_off();

    stage.world.pause(Pausable::Liquidate, 600)?;
    stage.both_refuse(&borrower, EngineError::Paused);
    stage.world.advance_with_prices(601);

    let calm = stage.world.price(&sol);
    stage.world.advance(1);
    let publish_time = stage.world.unix();
    let confidence = u64::try_from(calm.spot / 10).expect("a price");
    stage.world.publish(&sol, Price { confidence, publish_time, ..calm });
    stage.both_refuse(&borrower, EngineError::ConfidenceTooWide);

    stage.world.advance_with_prices(1);
    stage.world.advance(121);
    stage.both_refuse(&borrower, EngineError::StalePrice);

    stage.fall("120");
    stage.lists.deny.insert(sol.mint);
    assert_eq!(stage.skipped(&borrower, "liquidate"), Reason::Denied);
    stage.lists = Lists { allow: [usdc.mint].into(), deny: [].into() };
    assert_eq!(stage.skipped(&borrower, "liquidate"), Reason::NotAllowed);
    stage.lists = Lists { allow: [].into(), deny: [stage.world.position_address(&borrower)].into() };
    assert_eq!(stage.skipped(&borrower, "position"), Reason::Denied);
    assert!(stage.decide(&borrower, &NoVenue).actions.is_empty());
    stage.lists = Lists::default();
    stage.bounds.most_atoms = 0;
    assert_eq!(stage.skipped(&borrower, "liquidate"), Reason::NoExit);
    stage.bounds.most_atoms = u64::MAX;
    assert!(matches!(stage.the_action(&borrower, &NoVenue).what, What::Liquidate(_)));
    Ok(())
}

#[test]
fn the_price_of_sol_is_read_as_the_program_reads_prices() {
    let mut stage = stage();
    stage.fall("142");
    let seen = |stage: &Stage, address: Pubkey| {
        let account = stage.world.svm.get_account(&address).expect("an account");
        Seen { slot: 1, address, owner: account.owner, data: account.data }
    };
    let account = seen(&stage, stage.sol.price);
    let reserve = stage.world.reserve(&stage.sol).state;
    let now = stage.world.now();
    let reading = oracle::read(&reserve, &account.address, &account.owner, &account.data, &now).expect("a price");
    assert!(reading.confidence > 0);
    // The upper end of what it says: of eight decimals one is ten nano-dollars.
    let upper =
        (reading.price + reading.confidence) * 10u64.pow(u32::try_from(9 + reading.exponent).expect("decimals"));
    let price = stock::sol_nano_usd(&account, 120, &now).expect("a price");
    assert!((upper..=upper + 1).contains(&price), "{price}, rounded up from {upper}");
    assert!((142_000_000_000..143_000_000_000).contains(&upper), "{upper}");

    stage.world.advance(121);
    let old = stock::sol_nano_usd(&account, 120, &stage.world.now()).expect_err("an old price");
    assert_eq!(old, "its price is 121 s old, more than 120 s");
    let market = seen(&stage, stage.world.market);
    assert_eq!(stock::sol_nano_usd(&market, 120, &now), Err("no price account of Pyth".to_owned()));
}

#[test]
fn a_throttle_with_nothing_left_is_left_alone() -> Told {
    let mut stage = stage();
    stage.world = World::with_market();
    let thin = Spec::volatile("SOL", "150").with(|config| {
        (config.risk.depth_atoms, config.bonus.throttle_share_bps) = (1_000_000_000_000_000, 1);
    });
    let mut stage = {
        let (sol, usdc) = (stage.world.add(thin), stage.world.add(Spec::stable("USDC", "1")));
        let (lender, provider, keeper) = (stage.world.lender(), stage.world.lender(), stage.world.liquidator());
        stage.world.supply(&lender, &usdc, usdc.atoms("1000000"))?;
        for token in [&sol, &usdc] {
            stage.world.open_wallet(&keeper.address(), token);
        }
        Stage { sol, usdc, provider, keeper, ..stage }
    };
    stage.give_usdc("100000");
    let [first, second, third] = [(); 3].map(|()| stage.borrower("100", "10500"));
    stage.fall("127");
    for (borrower, is_cut) in [(&first, false), (&second, true)] {
        let action = stage.the_action(borrower, &NoVenue);
        let What::Liquidate(trade) = action.what else { panic!("{action:?}") };
        assert_eq!(trade.plan.is_throttled, is_cut, "{trade:?}");
        stage.act(borrower, &action, &NoVenue)?;
    }
    stage.both_refuse(&third, EngineError::Throttled);
    Ok(())
}

#[test]
fn without_money_or_market_the_backstop_buys_for_a_tip() -> Told {
    let mut stage = stage();
    let (sol, usdc, provider) = (stage.sol.clone(), stage.usdc.clone(), stage.provider.clone());
    let world = &mut stage.world;
    world.create_backstop(&usdc, backstop_policy())?;
    world.opt_in(&usdc, &sol, sol.atoms("1000"))?;
    world.deposit_backstop(&provider, &usdc, usdc.atoms("100000"))?;

    // The deposit warms up; the keeper lets it join when it is warm, not before.
    let joins = |stage: &Stage| {
        let book = stage.book();
        let (pool, provider) = (book.pools().next().expect("a pool"), book.providers().next().expect("a provider"));
        let verdict = stage.with_terms(&NoVenue, |terms| decide_join(&pool, &provider, &stage.world.now(), terms));
        (verdict, build::join_instructions(&pool, &provider, &stage.world.reserve(&stage.usdc)).instructions)
    };
    assert_eq!(joins(&stage).0, Verdict::default());
    stage.world.advance_with_prices(14_400);
    let (verdict, instructions) = joins(&stage);
    assert_eq!(verdict.actions.len(), 1);
    let keeper = stage.keeper.clone();
    stage.world.send(&instructions, &[&keeper])?;
    assert_eq!(stage.world.backstop(&usdc).state.deposit_atoms, usdc.atoms("100000"));

    let borrower = stage.borrower("100", "10500");
    stage.fall("120");
    stage.bounds.most_atoms = 0;
    let action = stage.the_action(&borrower, &NoVenue);
    let What::Absorb { plan, .. } = action.what else { panic!("{action:?}") };
    assert!(plan.tip_atoms > 0);
    let before = stage.has(&sol);
    stage.act(&borrower, &action, &NoVenue)?;
    assert_eq!(stage.has(&sol) - before, plan.tip_atoms);
    assert_eq!(stage.world.backstop(&usdc).state.deposit_atoms, usdc.atoms("100000") - plan.trade.repay_atoms);
    Ok(())
}

#[test]
fn a_default_is_marked_for_its_tip_and_an_empty_one_settled() -> Told {
    let mut stage = stage();
    let (sol, usdc) = (stage.sol.clone(), stage.usdc.clone());
    let donor = stage.provider.clone();
    stage.world.fund_insurance(&donor, &usdc, usdc.atoms("1000"))?;
    // Else the tip itself would go into a small liquidation.
    stage.bounds.most_atoms = 0;
    let borrower = stage.borrower("100", "10500");
    stage.fall("90");
    let action = stage.the_action(&borrower, &NoVenue);
    let What::Mark { tip_atoms } = action.what else { panic!("{action:?}") };
    assert!(tip_atoms > 0);
    let before = stage.has(&usdc);
    stage.act(&borrower, &action, &NoVenue)?;
    assert_eq!(stage.has(&usdc) - before, tip_atoms, "to the atom");
    assert_eq!(stage.skipped(&borrower, "mark_default"), Reason::TooSoon);

    // Nothing but dust is left of the collateral's value.
    stage.world.set_price(&sol, "0.005");
    stage.world.refresh_prices();
    let action = stage.the_action(&borrower, &NoVenue);
    assert_eq!(action.what, What::Settle);
    stage.act(&borrower, &action, &NoVenue)?;
    assert!(!stage.world.position(&borrower).state.has_debt());
    assert_eq!(stage.decide(&borrower, &NoVenue), Verdict::default());
    stage.world.check_invariants();
    Ok(())
}

#[test]
fn a_reserve_with_an_old_price_is_refreshed_or_noticed() -> Told {
    let mut stage = stage();
    let sol = stage.sol.clone();
    let reserves = |stage: &Stage| {
        let book = stage.book();
        let leg = book.reserves().find(|leg| leg.reserve.address == stage.sol.reserve).expect("a reserve");
        stage.with_terms(&NoVenue, |terms| decide_reserve(&leg, 600, &stage.world.now(), terms))
    };
    stage.world.advance(300);
    stage.world.refresh_prices();
    assert_eq!(reserves(&stage), Verdict::default(), "young enough");
    stage.world.advance_with_prices(301);
    let verdict = reserves(&stage);
    assert_eq!(verdict.actions[0].what, What::Refresh);
    let keeper = stage.keeper.clone();
    let instructions = build::reserve_instructions(&verdict.actions[0]).expect("instructions").instructions;
    stage.world.send(&instructions, &[&keeper])?;
    assert_eq!(stage.world.reserve(&sol).state.reading.publish_time, stage.world.unix());

    // Past the age at which a reading is old, and nothing newer anywhere.
    stage.world.advance(3_601);
    let verdict = reserves(&stage);
    assert_eq!(verdict.actions[0].what, What::Notice);
    let instructions = build::reserve_instructions(&verdict.actions[0]).expect("instructions").instructions;
    stage.world.send(&instructions, &[&keeper])?;
    assert_eq!(stage.world.reserve(&sol).state.stale_noticed_at, stage.world.unix());
    assert_eq!(reserves(&stage), Verdict::default(), "once");
    stage.does_chores = false;
    stage.world.advance_with_prices(1);
    assert_eq!(reserves(&stage).skipped[0].reason, Reason::NotPaid);
    Ok(())
}

/// Two collaterals, two debts, any prices, ages and funds.
#[derive(Clone, Debug)]
struct Drawn {
    atoms: [u64; 2],
    borrowed: [u64; 2],
    prices: [u64; 4],
    funds: [u64; 2],
    waits: [i64; 2],
    is_marked: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let prices = prop::array::uniform4(4_000..12_000u64);
    let waits = prop::array::uniform2(prop_oneof![3 => 0..100i64, 1 => 100..200i64]);
    let funds = prop::array::uniform2(prop_oneof![Just(0u64), 1..100u64, 100..100_000u64]);
    (prop::array::uniform2(10..60u64), prop::array::uniform2(10..95u64), prices, funds, waits, any::<bool>()).prop_map(
        |(atoms, borrowed, prices, funds, waits, is_marked)| Drawn { atoms, borrowed, prices, funds, waits, is_marked },
    )
}

fn cents(number: u64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is decided about any pair, the program agrees: an action goes through with exactly the planned amounts, and a
    /// liquidation that was left alone because the program would refuse it is refused with that error.
    #[test]
    fn the_program_agrees_with_every_verdict(drawn in drawn()) {
        let mut world = World::with_market();
        let tokens = [
            world.add(Spec::volatile("SOL", "100")),
            world.add(Spec::volatile("ETH", "100").decimals(8)),
            world.add(Spec::stable("USDC", "1")),
            world.add(Spec::stable("USDT", "1").token_2022()),
        ];
        let (lender, provider, keeper) = (world.lender(), world.lender(), world.liquidator());
        for token in &tokens[2..] {
            world.supply(&lender, token, token.atoms("100000")).expect("a supply");
        }
        for token in &tokens {
            world.open_wallet(&keeper.address(), token);
        }
        for (token, funds) in tokens[2..].iter().zip(drawn.funds) {
            let wallet = address::token_account(&keeper.address(), &token.mint, &token.kind.program());
            if funds > 0 {
                world.mint(&wallet, token, funds * 1_000_000);
            }
        }
        let borrower = world.borrower();
        for (token, atoms) in tokens.iter().zip(drawn.atoms) {
            world.deposit(&borrower, token, token.atoms(&atoms.to_string())).expect("a deposit");
        }
        // Of what both collaterals carry, so that both borrows pass or the second is refused.
        let worth: u64 = drawn.atoms.iter().sum::<u64>() * 100;
        for (token, part) in tokens[2..].iter().zip(drawn.borrowed) {
            let amount = worth * part * 70 / 100 / 100 / 2;
            let _ = world.borrow(&borrower, token, token.atoms(&amount.to_string()));
        }
        world.pass_cool_off();
        for (token, price) in tokens.iter().zip(drawn.prices) {
            let class = if token.decimals == 6 { 9_900 + price % 200 } else { price };
            let cents = if token.decimals == 6 { class / 100 } else { class };
            world.set_price(token, &self::cents(cents));
            world.advance(drawn.waits[usize::from(token.decimals == 6)] / 2);
        }
        if drawn.is_marked {
            let _ = world.mark_default(&provider, &borrower);
            world.advance(30);
        }

        let stage = Stage {
            sol: tokens[0].clone(), usdc: tokens[2].clone(), keeper: keeper.clone(), borrowers: vec![borrower.clone()],
            provider, bounds: Bounds { least_atoms: 0, most_atoms: u64::MAX, target_atoms: None }, lists: Lists::default(), min_profit: 0,
            does_chores: true, world,
        };
        let purse = Purse {
            atoms: tokens.iter().map(|token| (token.mint, stage.has(token))).collect(),
            bounds: tokens.iter().map(|token| (token.mint, stage.bounds)).collect(),
        };
        let scene = stage.book().scene(&stage.world.position_address(&borrower), stage.world.now()).expect("a position");
        let verdict = stage.with_terms(&NoVenue, |terms| decide(&scene, &Terms { purse: &purse, ..*terms }));
        prop_assert!(verdict.actions.len() <= 1);
        for action in &verdict.actions {
            let mut world = stage.world.clone();
            let instructions = build::instructions(action, &scene, &keeper.address(), &NoVenue).expect("instructions").instructions;
            let before: Vec<u64> = tokens.iter().map(|token| stage.has(token)).collect();
            let receipt = world.send(&instructions, &[&keeper]);
            let receipt = receipt.unwrap_or_else(|refused| panic!("{action:?}: {refused:?}"));
            if let (What::Liquidate(trade), Some((collateral, debt))) = (action.what, action.pair) {
                let Event::PositionLiquidated(event) = receipt.event() else { panic!("{receipt:?}") };
                let told = (event.repay_atoms, event.fee_atoms, event.seize_atoms);
                prop_assert_eq!(told, (trade.plan.repay_atoms, trade.plan.fee_atoms, trade.plan.seize_atoms));
                let spent = before[2 + tokens[2..].iter().position(|token| token.reserve == scene.debts()[debt].reserve.address).expect("a debt")];
                prop_assert!(told.0 + told.1 <= spent, "never more than there was");
                prop_assert!(action.profit_nano_usd >= 0);
                prop_assert_eq!(event.seized_reserve, scene.collaterals()[collateral].reserve.address);
            }
        }
        for skipped in verdict.skipped.iter().filter(|skipped| skipped.what == "liquidate") {
            let (Reason::Refused(error), Some((collateral, debt))) = (skipped.reason, skipped.pair) else { continue };
            let token = |reserve: Pubkey| tokens.iter().find(|token| token.reserve == reserve).expect("a token").clone();
            let seized = token(scene.collaterals()[collateral].reserve.address);
            let repaid = token(scene.debts()[debt].reserve.address);
            let mut world = stage.world.clone();
            refused(world.liquidate(&keeper, &borrower, &seized, &repaid, Limits::NONE), error.code());
        }
    }
}

#[test]
fn a_position_about_which_nothing_is_known_has_no_scene() {
    let mut stage = stage();
    let borrower = stage.borrower("100", "10500");
    let position = stage.world.position(&borrower);
    let mut book = Book::new(stage.world.market);
    book.market(&stage.world.market_account(), 1);
    book.position(&Account { address: position.address, state: position.state }, 1);
    assert!(book.scene(&position.address, stage.world.now()).is_none());
    assert!(book.tick(&stage.world.now()).is_empty());
}
