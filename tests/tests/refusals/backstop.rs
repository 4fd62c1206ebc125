//! Backstop pools: policies, what a pool does not buy, and how providers may not come and go.

use super::common::*;
use plimsoll_client::PROGRAM_ID;
use plimsoll_engine::state::{BackstopPolicy, MAX_BACKSTOP_COLLATERALS};
use plimsoll_testkit::{backstop_policy, Price};

const DAY: u64 = 86_400;
/// Times of the policy of test pools, seconds.
const WARM_UP: i64 = 14_400;
const COOLDOWN: i64 = 14_400;
const WINDOW: i64 = 3_600;
/// What the provider has in the pool, atoms: 20,000 USDC.
const JOINED: u64 = 20_000_000_000;

/// The scene with a pool of USDC that buys SOL, 20,000 USDC of a provider's in it, and the provider's wallet of SOL.
struct Pool {
    scene: Scene,
    provider: Person,
}

impl Pool {
    fn new() -> Self {
        Self::of(Scene::new(), backstop_policy())
    }

    /// The same, with SOL at 107 USD: health 0.94, below the pool's trigger of 0.95, and not terminal.
    fn triggered() -> Self {
        let mut pool = Self::new();
        pool.scene.price_sol("107");
        pool
    }

    fn of(scene: Scene, policy: BackstopPolicy) -> Self {
        let mut pool = Self::empty(scene, policy);
        pool.deposit(JOINED).expect("a deposit");
        pool.scene.world.advance_with_prices(WARM_UP);
        pool.join().expect("a warm deposit");
        assert_eq!(pool.scene.world.backstop(&pool.scene.usdc).state.deposit_atoms, JOINED);
        pool
    }

    /// The same, without a deposit.
    fn empty(mut scene: Scene, policy: BackstopPolicy) -> Self {
        scene.open_pool(policy);
        let (sol, usdc, provider) = (scene.sol.clone(), scene.usdc.clone(), scene.world.person("provider"));
        scene.world.wallet(&provider, &sol);
        scene.world.wallet(&provider, &usdc);
        scene.world.open_backstop_provider(&provider, &usdc).expect("a provider account");
        Self { scene, provider }
    }

    /// Asserts that an action is refused with exactly this error, and that nothing changed.
    #[track_caller]
    fn refuses(&mut self, expected: impl Into<Refusal>, action: impl FnOnce(&mut Self) -> Outcome) {
        let before = self.scene.world.snapshot();
        let outcome = action(self);
        if let Some(difference) = differs(&outcome, &expected.into()) {
            panic!("{difference}");
        }
        before.assert_unchanged(&self.scene.world);
    }

    fn deposit(&mut self, atoms: u64) -> Outcome {
        self.scene.world.deposit_backstop(&self.provider, &self.scene.usdc, atoms)
    }

    fn join(&mut self) -> Outcome {
        self.scene.world.join_backstop(&self.scene.stranger, &self.provider, &self.scene.usdc)
    }

    fn cancel(&mut self) -> Outcome {
        self.scene.world.cancel_backstop_deposit(&self.provider, &self.scene.usdc)
    }

    fn request(&mut self, atoms: u64) -> Outcome {
        self.scene.world.request_backstop_withdrawal(&self.provider, &self.scene.usdc, atoms)
    }

    fn withdraw(&mut self) -> Outcome {
        self.scene.world.withdraw_backstop(&self.provider, &self.scene.usdc)
    }

    fn claim(&mut self) -> Outcome {
        self.scene.world.claim_backstop_gain(&self.provider, &self.scene.usdc, &self.scene.sol)
    }

    fn close(&mut self) -> Outcome {
        self.scene.world.close_backstop_provider(&self.provider, &self.scene.usdc)
    }

    fn opt_in(&mut self, collateral: &Token, cap_atoms: u64) -> Outcome {
        self.scene.world.opt_in(&self.scene.usdc, collateral, cap_atoms)
    }

    fn absorb(&mut self) -> Outcome {
        self.scene.absorb(0)
    }

    fn wait(&mut self, secs: i64) {
        self.scene.world.advance(secs);
    }

    /// Opens a generation of the pool of USDC; without naming the one before it, if so asked.
    fn create(&mut self, generation: u8, names_previous: bool) -> Outcome {
        let (admin, reserve) = (self.scene.world.admin(), &self.scene.world.reserve(&self.scene.usdc));
        let create = ix::CreateBackstop { admin: admin.address(), reserve, generation, policy: backstop_policy() };
        let mut instruction = create.instruction();
        if !names_previous {
            instruction.accounts[4].pubkey = PROGRAM_ID;
        }
        self.scene.world.send(&[instruction], &[&admin])
    }
}

type PolicyEdit = fn(&mut BackstopPolicy);

/// Each breaks one bound of a policy that is valid without it. The market's auctions last an hour, flags two.
const BROKEN_POLICIES: &[(&str, PolicyEdit)] = &[
    ("no health to trigger at", |p| p.trigger_health_bps = 0),
    ("a trigger at health one", |p| p.trigger_health_bps = 10_000),
    ("no time to trigger after", |p| p.trigger_secs = 0),
    ("a trigger when the flag is dead", |p| p.trigger_secs = 7_200),
    ("a tip above half the bonus", |p| p.tip_share_bps = 5_001),
    ("a warm-up above thirty days", |p| p.warm_up_secs = 30 * DAY + 1),
    ("a warm-up below the cooldown", |p| p.warm_up_secs = 14_399),
    ("a cooldown above the warm-up", |p| p.cooldown_secs = 14_401),
    ("a cooldown below the life of a flag", |p| (p.cooldown_secs, p.window_secs) = (7_199, 300)),
    ("a window below five minutes", |p| p.window_secs = 299),
    ("a window above a quarter of the cooldown", |p| p.window_secs = 3_601),
    ("reserved bytes", |p| p.reserved[0] = 1),
    ("reserved bytes at the end", |p| p.reserved[1] = 1),
];

/// At the bounds.
const EDGES: &[PolicyEdit] = &[
    |p| (p.trigger_health_bps, p.trigger_secs, p.tip_share_bps) = (1, 1, 0),
    |p| (p.trigger_health_bps, p.trigger_secs, p.tip_share_bps) = (9_999, 7_199, 5_000),
    |p| (p.warm_up_secs, p.cooldown_secs, p.window_secs) = (30 * DAY, 30 * DAY, 30 * DAY / 4),
    |p| (p.warm_up_secs, p.cooldown_secs, p.window_secs) = (7_200, 7_200, 300),
];

#[test]
fn a_broken_policy_makes_no_pool() {
    let mut scene = Scene::new();
    let usdc = scene.usdc.clone();
    for (case, edit) in BROKEN_POLICIES {
        let mut policy = backstop_policy();
        edit(&mut policy);
        scene.refuses_case(case, PlimsollError::InvalidBackstopPolicy, |scene| {
            scene.world.create_backstop(&usdc, policy)
        });
    }
    for word in 0..size_of::<BackstopPolicy>() / 8 {
        let mut extreme = backstop_policy();
        bytemuck::cast_slice_mut::<BackstopPolicy, u64>(std::slice::from_mut(&mut extreme))[word] = u64::MAX;
        scene.refuses_case(&format!("word {word}"), PlimsollError::InvalidBackstopPolicy, |scene| {
            scene.world.create_backstop(&usdc, extreme)
        });
    }
    for edit in EDGES {
        let mut policy = backstop_policy();
        edit(&mut policy);
        let world = scene.world.clone();
        scene.world.create_backstop(&usdc, policy).expect("at a bound");
        scene.world = world;
    }
}

#[test]
fn only_the_admin_opens_a_pool_and_says_what_it_buys() {
    let mut scene = Scene::new();
    scene.open_pool(backstop_policy());
    let (stranger, treasury, sol) = (scene.stranger.clone(), scene.world.treasury.clone(), scene.sol.clone());
    for person in [&stranger, &treasury] {
        let (admin, reserve) = (person.address(), &scene.world.reserve(&sol));
        let create = ix::CreateBackstop { admin, reserve, generation: 0, policy: backstop_policy() }.instruction();
        let backstop = &scene.world.backstop(&scene.usdc);
        let collateral = sol.reserve;
        let set = ix::SetBackstopCollateral { admin, backstop, collateral, cap_atoms: 1 }.instruction();
        for instruction in [create, set] {
            scene.refuses(PlimsollError::NotAdmin, |scene| scene.world.send(&[instruction], &[person]));
        }
    }
}

#[test]
fn a_generation_opens_once_and_after_the_one_before_it_closed() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.refuses(SYSTEM_ACCOUNT_IN_USE, |pool| pool.create(0, true));
    pool.refuses(PlimsollError::PreviousBackstopOpen, |pool| pool.create(1, true));
    pool.refuses(PlimsollError::PreviousBackstopMissing, |pool| pool.create(1, false));
    pool.refuses(PlimsollError::PreviousBackstopMissing, |pool| pool.create(2, false));
    pool.refuses(PlimsollError::PreviousBackstopMissing, |pool| pool.create(255, false));
    // The one before the third is not there to be looked at.
    pool.refuses(anchor_lang::error::ErrorCode::AccountOwnedByWrongProgram, |pool| pool.create(2, true));
}

#[test]
fn a_pool_at_its_last_scale_takes_no_deposit_and_the_next_opens_beside_it() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.deposit(1_000).expect("a deposit");
    pool.wait(WARM_UP);
    let address = address::backstop(&pool.scene.usdc.reserve, 0);
    // One scale before the last it is open.
    pool.scene.edit_backstop(&address, |state| state.scale = LAST_SCALE - 1);
    pool.refuses(PlimsollError::PreviousBackstopOpen, |pool| pool.create(1, true));
    pool.scene.edit_backstop(&address, |state| state.scale = LAST_SCALE);
    pool.refuses(PlimsollError::BackstopClosed, |pool| pool.deposit(1));
    pool.refuses(PlimsollError::BackstopClosed, Pool::join);
    pool.cancel().expect("what is warming up is taken back");
    pool.refuses(PlimsollError::NothingWarming, Pool::join);
    pool.create(1, true).expect("the next generation");
    pool.refuses(SYSTEM_ACCOUNT_IN_USE, |pool| pool.create(1, true));
    pool.refuses(PlimsollError::PreviousBackstopOpen, |pool| pool.create(2, true));

    let reserve = &pool.scene.world.reserve(&pool.scene.usdc);
    let next = ix::BackstopProviding { owner: pool.provider.address(), reserve, generation: 1 };
    pool.scene.world.send(&[next.open(), next.deposit(None, 1_000)], &[&pool.provider]).expect("a deposit there");
    pool.scene.world.check_invariants();
}

#[test]
fn a_pool_does_not_buy_what_it_repays() {
    let mut pool = Pool::new();
    let usdc = pool.scene.usdc.clone();
    pool.refuses(PlimsollError::CollateralIsDebt, |pool| pool.opt_in(&usdc, 1));
    pool.refuses(PlimsollError::CollateralIsDebt, |pool| pool.opt_in(&usdc, 0));
}

#[test]
fn a_pool_has_room_for_so_many_collaterals() {
    let mut pool = Pool::new();
    let (sol, eth) = (pool.scene.sol.clone(), pool.scene.add(Spec::volatile("ETH", "3000")));
    let address = address::backstop(&pool.scene.usdc.reserve, 0);
    let most = u8::try_from(MAX_BACKSTOP_COLLATERALS).expect("few");
    // The others are nobody's.
    pool.scene.edit_backstop(&address, |state| state.collateral_count = most);
    pool.refuses(PlimsollError::BackstopCollateralsFull, |pool| pool.opt_in(&eth, 1));
    pool.opt_in(&sol, 1).expect("what is in may change");
    pool.scene.edit_backstop(&address, |state| state.collateral_count = most - 1);
    pool.opt_in(&eth, 1).expect("the last one");
}

#[test]
fn what_the_pool_has_not_opted_in_to_is_neither_bought_nor_claimed() {
    let mut scene = Scene::new();
    let (usdc, lender, stranger) = (scene.usdc.clone(), scene.lender.clone(), scene.stranger.clone());
    scene.world.create_backstop(&usdc, backstop_policy()).expect("a pool");
    scene.world.open_backstop_provider(&lender, &usdc).expect("a provider account");
    scene.price_sol("107");
    let sol = scene.sol.clone();
    scene.refuses(PlimsollError::CollateralNotOptedIn, |scene| scene.absorb(0));
    scene.refuses(PlimsollError::CollateralNotOptedIn, |scene| scene.world.claim_backstop_gain(&lender, &usdc, &sol));
    // Nor is the debt another collateral's pool.
    scene.world.create_backstop(&sol, backstop_policy()).expect("a pool");
    let borrower = scene.borrower.clone();
    let mut elsewhere = scene.world.absorption(&stranger, &borrower, &sol, &usdc, 0);
    elsewhere.accounts[4].pubkey = address::backstop(&sol.reserve, 0);
    scene.refuses(PlimsollError::WrongBackstop, |scene| scene.world.send(&[elsewhere], &[&stranger]));
}

#[test]
fn a_cap_of_zero_buys_nothing() {
    let mut pool = Pool::triggered();
    let sol = pool.scene.sol.clone();
    pool.opt_in(&sol, 0).expect("an opt-out");
    pool.refuses(PlimsollError::ConcentrationCapReached, Pool::absorb);
    pool.opt_in(&sol, sol.atoms("5")).expect("a cap");
    pool.absorb().expect("within the cap");
    let held = pool.scene.world.backstop(&pool.scene.usdc).state.collaterals[0].atoms;
    assert!(held <= sol.atoms("5") && held > sol.atoms("4.9"), "{held}");
    // What is held is not sold, however low the cap.
    pool.opt_in(&sol, held).expect("a cap");
    pool.scene.price_sol("105");
    pool.refuses(PlimsollError::ConcentrationCapReached, Pool::absorb);
    pool.opt_in(&sol, 1).expect("a cap");
    pool.refuses(PlimsollError::ConcentrationCapReached, Pool::absorb);
    pool.claim().expect("a gain");
    // What rounding left in the pool is nobody's, and counts.
    let dust = pool.scene.world.backstop(&pool.scene.usdc).state.collaterals[0].atoms;
    assert!((1..=2).contains(&dust), "{dust}");
    pool.opt_in(&sol, dust).expect("a cap");
    pool.refuses(PlimsollError::ConcentrationCapReached, Pool::absorb);
    pool.opt_in(&sol, sol.atoms("5")).expect("a cap");
    pool.absorb().expect("room again");
    pool.scene.world.check_invariants();
}

#[test]
fn a_pool_without_joined_deposits_buys_nothing_and_never_spends_its_last_atom() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.scene.price_sol("107");
    pool.refuses(PlimsollError::BackstopEmpty, Pool::absorb);
    pool.deposit(1).expect("a deposit");
    pool.refuses(PlimsollError::BackstopEmpty, Pool::absorb);
    for atoms in 1..=2 {
        pool.scene.world.advance_with_prices(WARM_UP);
        pool.join().expect("a warm deposit");
        assert_eq!(pool.scene.world.backstop(&pool.scene.usdc).state.deposit_atoms, atoms);
        if atoms == 1 {
            pool.refuses(PlimsollError::BackstopEmpty, Pool::absorb);
            pool.deposit(1).expect("a deposit");
            pool.refuses(PlimsollError::BackstopEmpty, Pool::absorb);
        }
    }
    pool.absorb().expect("one of two atoms");
    pool.refuses(PlimsollError::BackstopEmpty, Pool::absorb);
    pool.scene.world.check_invariants();
}

#[test]
fn a_position_above_the_triggers_health_is_not_the_pools_business_yet() {
    let unhealthy = |trigger_health_bps| {
        let mut pool = Pool::of(Scene::new(), BackstopPolicy { trigger_health_bps, ..backstop_policy() });
        pool.scene.price_sol("110");
        pool
    };
    let health_e9 = {
        let mut pool = unhealthy(9_500);
        pool.scene.world.quote_position(&pool.scene.borrower).maintenance_health_e9
    };
    let below = health_e9 / 100_000;
    assert!((9_600..9_800).contains(&below) && health_e9 % 100_000 != 0, "{health_e9}");
    let mut pool = unhealthy(below);
    pool.refuses(PlimsollError::BackstopNotTriggered, Pool::absorb);
    pool = unhealthy(below + 1);
    pool.absorb().expect("just below the trigger");
    pool.scene.world.check_invariants();
}

#[test]
fn a_position_above_the_triggers_health_is_the_pools_business_after_the_trigger_time() {
    let mut pool = Pool::new();
    pool.scene.price_sol("110");
    let (sol, usdc, borrower, stranger) =
        (pool.scene.sol.clone(), pool.scene.usdc.clone(), pool.scene.borrower.clone(), pool.scene.stranger.clone());
    // Each look counts the minute since the one before.
    for _ in 0..30 {
        pool.scene.world.flag(&stranger, &borrower, &sol, &usdc).expect("a flag");
        pool.refuses(PlimsollError::BackstopNotTriggered, Pool::absorb);
        pool.scene.world.advance_with_prices(59);
        pool.refuses(PlimsollError::BackstopNotTriggered, Pool::absorb);
        pool.scene.world.advance_with_prices(1);
    }
    pool.absorb().expect("after half an hour");
    pool.scene.world.check_invariants();
}

#[test]
fn a_healthy_position_is_not_the_pools_business_whatever_its_owner_agreed_to() {
    let mut pool = Pool::new();
    pool.refuses(PlimsollError::Healthy, Pool::absorb);
    let borrower = pool.scene.borrower.clone();
    pool.scene.world.set_order(&borrower, 10_300, 100).expect("an order");
    pool.scene.price_sol("116");
    let quote = pool.scene.world.quote_position(&borrower);
    assert!((1_000_000_000..1_030_000_000).contains(&quote.maintenance_health_e9), "{quote:?}");
    pool.refuses(PlimsollError::Healthy, Pool::absorb);
    pool.scene.liquidate(Limits::NONE).expect("the order is a liquidator's bargain");
}

#[test]
fn the_pool_does_not_buy_of_a_position_that_cools_off() {
    let mut pool = Pool::new();
    pool.scene.borrow(1).expect("healthy enough");
    let last = pool.scene.world.clock().slot + 10;
    pool.scene.price_sol("107");
    pool.refuses(PlimsollError::CoolingOff, Pool::absorb);
    let left = last - pool.scene.world.clock().slot;
    pool.scene.world.advance_slots(left);
    pool.refuses(PlimsollError::CoolingOff, Pool::absorb);
    pool.scene.world.advance_slots(1);
    pool.absorb().expect("one slot later");
}

/// Runs an action, and undoes it.
fn what_if<T>(pool: &mut Pool, action: impl FnOnce(&mut Pool) -> T) -> T {
    let world = pool.scene.world.clone();
    let result = action(pool);
    pool.scene.world = world;
    result
}

#[test]
fn the_pool_needs_prices_a_quarter_as_old_as_a_liquidator_does() {
    for old in ["SOL", "USDC"] {
        for (secs, is_young) in [(30, true), (31, false), (120, false)] {
            let mut pool = Pool::triggered();
            let young = if old == "SOL" { pool.scene.usdc.clone() } else { pool.scene.sol.clone() };
            pool.scene.world.advance(1);
            pool.scene.world.refresh_prices();
            pool.wait(secs);
            let price = Price { publish_time: pool.scene.world.unix(), ..pool.scene.world.price(&young) };
            pool.scene.world.publish(&young, price);
            what_if(&mut pool, |pool| pool.scene.liquidate(Limits::NONE)).expect("young enough for a liquidator");
            if is_young {
                pool.absorb().expect("young enough for the pool");
            } else {
                pool.refuses(PlimsollError::StalePrice, Pool::absorb);
                pool.scene.world.refresh_prices();
                pool.absorb().expect("at young prices");
            }
        }
    }
}

#[test]
fn the_pool_needs_prices_as_sure_as_a_borrower_does() {
    for unsure in ["SOL", "USDC"] {
        for (more, is_sure) in [(0, true), (1, false)] {
            let mut pool = Pool::triggered();
            pool.scene.world.advance(1);
            pool.scene.world.refresh_prices();
            let token = if unsure == "SOL" { pool.scene.sol.clone() } else { pool.scene.usdc.clone() };
            let price = pool.scene.world.price(&token);
            // The soft limit is one part in a hundred.
            let confidence = price.spot.unsigned_abs() / 100 + more;
            pool.scene.world.publish(&token, Price { confidence, ..price });
            what_if(&mut pool, |pool| pool.scene.liquidate(Limits::NONE)).expect("sure enough for a liquidator");
            if is_sure {
                pool.absorb().expect("at the soft limit");
            } else {
                pool.refuses(PlimsollError::ConfidenceTooWide, Pool::absorb);
            }
        }
    }
}

#[test]
fn a_tip_below_what_the_caller_asked_for_is_refused() {
    let mut pool = Pool::triggered();
    let receipt = what_if(&mut pool, Pool::absorb).expect("a purchase");
    let Event::PositionAbsorbed(event) = receipt.event() else { panic!("{receipt:?}") };
    let paid = event.tip_atoms;
    assert!(paid > 0, "{event:?}");
    for tip_min_atoms in [paid + 1, u64::MAX] {
        pool.refuses(PlimsollError::TipBelowMin, |pool| pool.scene.absorb(tip_min_atoms));
    }
    let (stranger, sol) = (pool.scene.stranger.clone(), pool.scene.sol.clone());
    let before = pool.scene.world.balance(&stranger, &sol);
    pool.scene.absorb(paid).expect("exactly what is paid");
    assert_eq!(pool.scene.world.balance(&stranger, &sol) - before, paid);
}

#[test]
fn the_pool_waits_for_the_throttle_as_everybody_does() {
    // 100 SOL an hour.
    let narrow = Spec::volatile("SOL", "150").with(|config| config.bonus.throttle_share_bps = 1);
    let mut scene = Scene::with(narrow, Spec::stable("USDC", "1"));
    let (sol, usdc, liquidator) = (scene.sol.clone(), scene.usdc.clone(), scene.liquidator.clone());
    let others: Vec<Borrower> = (0..2).map(|_| scene.world.borrower()).collect();
    for borrower in &others {
        scene.world.deposit(borrower, &sol, sol.atoms("100")).expect("a deposit");
        scene.world.borrow(borrower, &usdc, usdc.atoms("9000")).expect("a borrow");
    }
    let mut pool = Pool::of(scene, backstop_policy());
    pool.scene.price_sol("107");
    for borrower in &others {
        let sale = pool.scene.world.liquidate(&liquidator, borrower, &sol, &usdc, Limits::NONE);
        sale.expect("the throttle has something left");
    }
    pool.refuses(PlimsollError::Throttled, |pool| pool.scene.liquidate(Limits::NONE));
    pool.refuses(PlimsollError::Throttled, Pool::absorb);
    pool.scene.world.advance_with_prices(3_600);
    pool.absorb().expect("an hour later");
    pool.scene.world.check_invariants();
}

#[test]
fn the_pool_takes_no_pair_that_would_not_improve_health() {
    let mut scene = Scene::new();
    let usdt = scene.add(Spec::stable("USDT", "1"));
    let (borrower, stranger) = (scene.borrower.clone(), scene.stranger.clone());
    scene.world.deposit(&borrower, &usdt, usdt.atoms("500")).expect("a deposit");
    let mut pool = Pool::of(scene, backstop_policy());
    pool.opt_in(&usdt, u64::MAX).expect("a collateral");
    pool.scene.price_sol("93");
    let usdc = pool.scene.usdc.clone();
    pool.refuses(PlimsollError::TakeOtherCollateral, |pool| {
        pool.scene.world.backstop_liquidate(&stranger, &borrower, &usdt, &usdc, 0)
    });
    pool.absorb().expect("another pair does");
}

#[test]
fn a_pool_too_small_for_a_crumb_of_debt_leaves_no_crumb_of_a_crumb() {
    let mut scene = Scene::new();
    let (sol, usdc, crumb, stranger) =
        (scene.sol.clone(), scene.usdc.clone(), scene.world.borrower(), scene.stranger.clone());
    scene.world.deposit(&crumb, &sol, sol.atoms("0.05")).expect("a deposit");
    scene.world.borrow(&crumb, &usdc, usdc.atoms("5")).expect("a borrow");
    scene.world.pass_cool_off();
    scene.world.repay(&crumb, &usdc, usdc.atoms("4.5")).expect("the owner may leave a crumb");
    let mut pool = Pool::empty(scene, backstop_policy());
    pool.deposit(usdc.atoms("0.3")).expect("a deposit");
    pool.scene.world.advance_with_prices(WARM_UP);
    pool.join().expect("a warm deposit");
    pool.scene.price_sol("11.5");
    let absorb = |pool: &mut Pool| pool.scene.world.backstop_liquidate(&stranger, &crumb, &sol, &usdc, 0);
    pool.refuses(PlimsollError::RepayMaxBelowDust, absorb);
    pool.deposit(usdc.atoms("0.3")).expect("a deposit");
    pool.scene.world.advance_with_prices(WARM_UP);
    pool.join().expect("a warm deposit");
    absorb(&mut pool).expect("the whole crumb");
    pool.scene.world.check_invariants();
}

#[test]
fn a_pool_too_small_to_buy_an_atom_buys_nothing() {
    let mut scene = Scene::new();
    // An atom of this token is worth more than an atom of USDC.
    let coarse = scene.add(Spec::volatile("COARSE", "5").decimals(6));
    let (usdc, borrower, stranger) = (scene.usdc.clone(), scene.world.borrower(), scene.stranger.clone());
    scene.world.wallet(&stranger, &coarse);
    scene.world.deposit(&borrower, &coarse, coarse.atoms("1000")).expect("a deposit");
    scene.world.borrow(&borrower, &usdc, usdc.atoms("3000")).expect("a borrow");
    let mut pool = Pool::empty(scene, backstop_policy());
    pool.opt_in(&coarse, u64::MAX).expect("a collateral");
    let absorb = |pool: &mut Pool| pool.scene.world.backstop_liquidate(&stranger, &borrower, &coarse, &usdc, 0);
    for (atoms, is_enough) in [(2, false), (3, true)] {
        pool.deposit(atoms).expect("a deposit");
        pool.scene.world.advance_with_prices(WARM_UP);
        pool.join().expect("a warm deposit");
        pool.scene.world.set_price(&coarse, "3.5");
        pool.scene.world.refresh_prices();
        if is_enough {
            absorb(&mut pool).expect("four atoms for one");
        } else {
            pool.refuses(PlimsollError::NothingToSeize, absorb);
        }
    }
    pool.scene.world.check_invariants();
}

#[test]
fn the_errors_of_a_purchase_come_in_their_order() {
    // Each of the later ones holds from the start.
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    let sol = pool.scene.sol.clone();
    pool.opt_in(&sol, 0).expect("an opt-out");
    pool.scene.borrow(1).expect("healthy enough");
    pool.deposit(JOINED).expect("a deposit");
    pool.wait(31);
    pool.refuses(PlimsollError::StalePrice, |pool| pool.scene.absorb(u64::MAX));
    pool.scene.world.refresh_prices();
    pool.refuses(PlimsollError::Healthy, |pool| pool.scene.absorb(u64::MAX));
    pool.scene.price_sol("110");
    pool.refuses(PlimsollError::BackstopNotTriggered, |pool| pool.scene.absorb(u64::MAX));
    pool.scene.price_sol("150");
    pool.wait(WARM_UP - 60);
    pool.scene.world.refresh_prices();
    pool.scene.borrow(1).expect("healthy enough");
    pool.scene.price_sol("107");
    pool.refuses(PlimsollError::BackstopEmpty, |pool| pool.scene.absorb(u64::MAX));
    pool.wait(60);
    pool.scene.price_sol("150");
    pool.join().expect("a warm deposit");
    pool.scene.borrow(1).expect("healthy enough");
    pool.scene.price_sol("107");
    pool.refuses(PlimsollError::ConcentrationCapReached, |pool| pool.scene.absorb(u64::MAX));
    pool.opt_in(&sol, u64::MAX).expect("a cap");
    pool.refuses(PlimsollError::CoolingOff, |pool| pool.scene.absorb(u64::MAX));
    pool.scene.world.pass_cool_off();
    pool.refuses(PlimsollError::TipBelowMin, |pool| pool.scene.absorb(u64::MAX));
    pool.absorb().expect("nothing is left to refuse it");
}

#[test]
fn zero_is_neither_deposited_requested_nor_claimed() {
    let mut pool = Pool::new();
    pool.refuses(PlimsollError::ZeroAmount, |pool| pool.deposit(0));
    pool.refuses(PlimsollError::ZeroAmount, |pool| pool.request(0));
    pool.refuses(PlimsollError::NothingGained, Pool::claim);
    pool.scene.price_sol("107");
    pool.absorb().expect("a purchase");
    pool.claim().expect("a gain");
    pool.refuses(PlimsollError::NothingGained, Pool::claim);
}

#[test]
fn no_more_is_deposited_than_there_is_and_than_can_be_counted() {
    let mut pool = Pool::new();
    let held = pool.scene.world.balance(&pool.provider, &pool.scene.usdc);
    pool.refuses(TOKEN_INSUFFICIENT_FUNDS, |pool| pool.deposit(held + 1));
    // Above what pool and reserve can count, together with what is in.
    pool.refuses(PlimsollError::AmountTooLarge, |pool| pool.deposit(u64::MAX));
    pool.refuses(PlimsollError::AmountTooLarge, |pool| pool.deposit(u64::MAX - JOINED + 1));
    pool.refuses(TOKEN_INSUFFICIENT_FUNDS, |pool| pool.deposit(u64::MAX - JOINED));
    pool.deposit(held).expect("all there is");
    pool.scene.world.check_invariants();
}

#[test]
fn no_more_is_requested_than_joined() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.refuses(PlimsollError::AmountExceedsBalance, |pool| pool.request(1));
    pool.deposit(JOINED).expect("a deposit");
    pool.refuses(PlimsollError::AmountExceedsBalance, |pool| pool.request(1));
    pool.wait(WARM_UP);
    // A request lets it join.
    pool.refuses(PlimsollError::AmountExceedsBalance, |pool| pool.request(JOINED + 1));
    pool.request(JOINED).expect("all of it");
}

#[test]
fn a_deposit_joins_no_second_before_it_is_warm() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.refuses(PlimsollError::NothingWarming, Pool::join);
    pool.refuses(PlimsollError::NothingWarming, Pool::cancel);
    pool.deposit(1_000).expect("a deposit");
    pool.refuses(PlimsollError::DepositWarming, Pool::join);
    pool.wait(WARM_UP - 1);
    pool.refuses(PlimsollError::DepositWarming, Pool::join);
    what_if(&mut pool, Pool::cancel).expect("a second before it is warm");
    pool.wait(1);
    // What is warm belongs to the pool.
    pool.refuses(PlimsollError::NothingWarming, Pool::cancel);
    pool.join().expect("warm");
    pool.refuses(PlimsollError::NothingWarming, Pool::join);
    pool.refuses(PlimsollError::NothingWarming, Pool::cancel);
    pool.scene.world.check_invariants();
}

#[test]
fn a_deposit_that_nobody_let_join_in_time_warms_up_anew() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.deposit(1_000).expect("a deposit");
    pool.wait(WARM_UP + WINDOW - 1);
    pool.refuses(PlimsollError::NothingWarming, Pool::cancel);
    what_if(&mut pool, |pool| {
        pool.join().expect("the last second of the window");
        assert_eq!(pool.scene.world.backstop(&pool.scene.usdc).state.deposit_atoms, 1_000);
    });
    pool.wait(1);
    what_if(&mut pool, Pool::cancel).expect("outside again");
    pool.join().expect("a restart");
    assert_eq!(pool.scene.world.backstop(&pool.scene.usdc).state.deposit_atoms, 0);
    pool.refuses(PlimsollError::DepositWarming, Pool::join);
    pool.wait(WARM_UP - 1);
    pool.refuses(PlimsollError::DepositWarming, Pool::join);
    pool.wait(1);
    pool.join().expect("warm");
}

#[test]
fn a_deposit_beside_one_that_warms_up_starts_the_wait_of_both_anew() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    pool.deposit(1_000).expect("a deposit");
    pool.wait(WARM_UP - 1);
    pool.deposit(1).expect("a deposit");
    pool.wait(1);
    pool.refuses(PlimsollError::DepositWarming, Pool::join);
    pool.wait(WARM_UP - 2);
    pool.refuses(PlimsollError::DepositWarming, Pool::join);
    pool.wait(1);
    pool.join().expect("warm");
    assert_eq!(pool.scene.world.backstop(&pool.scene.usdc).state.deposit_atoms, 1_001);
}

#[test]
fn a_withdrawal_is_taken_after_its_cooldown_and_within_its_window() {
    let mut pool = Pool::new();
    pool.refuses(PlimsollError::NoWithdrawalRequested, Pool::withdraw);
    pool.request(1_000).expect("a request");
    pool.refuses(PlimsollError::WithdrawalCooling, Pool::withdraw);
    pool.wait(COOLDOWN - 1);
    pool.refuses(PlimsollError::WithdrawalCooling, Pool::withdraw);
    pool.wait(1);
    what_if(&mut pool, Pool::withdraw).expect("the first second of the window");
    // Another request starts the wait anew.
    what_if(&mut pool, |pool| {
        pool.request(1).expect("a request");
        pool.refuses(PlimsollError::WithdrawalCooling, Pool::withdraw);
    });
    pool.wait(WINDOW - 1);
    what_if(&mut pool, |pool| {
        pool.withdraw().expect("the last second of the window");
        pool.refuses(PlimsollError::NoWithdrawalRequested, Pool::withdraw);
        pool.scene.world.check_invariants();
    });
    pool.wait(1);
    pool.refuses(PlimsollError::WithdrawalLapsed, Pool::withdraw);
    pool.request(1_000).expect("another request");
    pool.refuses(PlimsollError::WithdrawalCooling, Pool::withdraw);
    pool.wait(COOLDOWN);
    pool.withdraw().expect("cooled down");
}

#[test]
fn a_provider_account_that_holds_anything_is_not_closed() {
    let mut pool = Pool::empty(Scene::new(), backstop_policy());
    what_if(&mut pool, Pool::close).expect("empty");
    pool.deposit(JOINED).expect("a deposit");
    pool.refuses(PlimsollError::ProviderNotEmpty, Pool::close);
    pool.scene.world.advance_with_prices(WARM_UP);
    pool.join().expect("a warm deposit");
    pool.refuses(PlimsollError::ProviderNotEmpty, Pool::close);
    pool.scene.price_sol("107");
    pool.absorb().expect("a purchase");
    let (usdc, provider) = (pool.scene.usdc.clone(), pool.provider.clone());
    let left = pool.scene.world.quote_backstop_provider(&provider, &usdc).deposit_atoms;
    pool.request(left).expect("a request");
    pool.wait(COOLDOWN);
    pool.withdraw().expect("all that is left");
    assert_eq!(pool.scene.world.backstop_provider(&provider, &usdc).state.deposit_atoms, 0);
    // A gain is left.
    pool.refuses(PlimsollError::ProviderNotEmpty, Pool::close);
    pool.claim().expect("a gain");
    let account = pool.scene.world.backstop_provider(&provider, &usdc).address;
    pool.close().expect("empty");
    assert!(!pool.scene.world.exists(&account));
    pool.scene.world.check_invariants();
}
