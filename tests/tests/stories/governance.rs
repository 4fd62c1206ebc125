//! Governance: what a signature does at once, what walks, what waits, and what a stolen key can do.

use super::common::*;
use plimsoll_client::instructions::{CollectFees, ParameterOf};
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Direction, Parameter, ParameterValue, Subject};

const HOUR: i64 = 3_600;
/// How long proposals wait in the test market, seconds.
const DELAY: i64 = 172_800;

impl Setting {
    fn of(&self, token: &Token, parameter: Parameter) -> ParameterOf {
        self.world.parameter(Some(token), parameter)
    }

    fn health(&mut self, borrower: &Borrower) -> u64 {
        self.world.quote_position(borrower).maintenance_health_e9
    }

    /// A borrower of 9,000 USDC on 100 SOL, at a price of SOL that makes health so little more than one.
    fn barely_healthy(&mut self) -> Borrower {
        let borrower = self.borrower("100", "9000");
        self.world.set_price(&self.sol, "115");
        calm_down(&mut self.world, &[&self.sol]).expect("prices");
        let health = self.health(&borrower);
        assert!((ONE_E9..ONE_E9 + ONE_E9 / 50).contains(&health), "{health}");
        borrower
    }

    fn tighten(&mut self, token: &Token, parameter: Parameter, value: u64) -> Outcome {
        let (admin, of) = (self.world.admin(), self.of(token, parameter));
        self.world.tighten(&admin, &of, value)
    }
}

/// A month without news: volatility lies on its floor, and moves no more.
fn calm_down(world: &mut World, tokens: &[&Token]) -> Told {
    let keeper = world.person("keeper");
    for _ in 0..30 {
        world.advance_with_prices(86_400);
        world.refresh_reserves(&keeper, tokens)?;
    }
    Ok(())
}

/// An hour passes, and anyone hands in prices.
fn an_hour(world: &mut World, keeper: &Person, tokens: &[&Token]) -> Told {
    world.advance_with_prices(HOUR);
    world.refresh_reserves(keeper, tokens)?;
    Ok(())
}

#[test]
fn nobody_is_liquidatable_by_a_signature_nor_faster_than_the_walk() -> Told {
    let mut setting = setting();
    let (sol, usdc, borrower) = (setting.sol.clone(), setting.usdc.clone(), setting.barely_healthy());
    let (liquidator, keeper) = (setting.liquidator.clone(), setting.world.person("keeper"));
    for token in [&sol, &usdc] {
        setting.world.wallet(&liquidator, token);
    }
    let before = setting.health(&borrower);
    setting.tighten(&sol, Parameter::Initial, 3_000)?;
    setting.tighten(&sol, Parameter::Maintenance, 4_000)?;
    // Half of what was lent on is signed away, and the position stands as before, to the last digit.
    assert_eq!(setting.health(&borrower), before);
    let world = &mut setting.world;
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    // Touched as often as anyone likes, nothing moves before the hour is over.
    for _ in 0..5 {
        world.advance_with_prices(600);
        world.refresh_reserves(&keeper, &[&sol])?;
        world.accrue_interest(&keeper, &sol)?;
    }
    assert_eq!(world.reserve(&sol).state.risk.maintenance_bps, 8_000);
    world.advance_with_prices(599);
    world.refresh_reserves(&keeper, &[&sol])?;
    assert_eq!(world.reserve(&sol).state.risk.maintenance_bps, 8_000);
    world.advance_with_prices(1);

    // Left alone for a week, it makes one step, like any other hour.
    let mut alone = world.clone();
    alone.advance_with_prices(7 * 86_400);
    alone.refresh_reserves(&keeper, &[&sol])?;
    assert_eq!(alone.reserve(&sol).state.risk.maintenance_bps, 7_992);

    let (mut hours, mut last, mut bps) = (0, before, 8_000);
    loop {
        world.refresh_reserves(&keeper, &[&sol])?;
        hours += 1;
        bps -= bps / 1_000;
        assert_eq!(world.reserve(&sol).state.risk.maintenance_bps, bps);
        let health = world.quote_position(&borrower).maintenance_health_e9;
        // A thousandth of the factor, and an hour's interest at the largest rate: one whole in 8,760 hours.
        let least = last - last / 1_000 - last / 8_760 - 2;
        assert!(health >= least, "{last} -> {health} in hour {hours}");
        last = health;
        if health < ONE_E9 {
            break;
        }
        // The owner has this hour too.
        world.refuses(PlimsollError::Healthy, |world| {
            world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
        });
        let mut what_if = world.clone();
        what_if.repay(&borrower, &usdc, usdc.atoms("4000"))?;
        assert!(what_if.quote_position(&borrower).maintenance_health_e9 > ONE_E9 * 17 / 10);
        world.advance_with_prices(HOUR);
    }
    assert!(hours >= i64::try_from((before - ONE_E9) * 1_000 / before).expect("few"), "{hours} hours from {before}");
    world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn what_tightens_closes_the_door_at_once() -> Told {
    for (parameter, value) in [
        (Parameter::Initial, 5_000),
        (Parameter::Spread, 6_000),
        (Parameter::Horizon, 50_000),
        (Parameter::ConfidenceMultiple, 1_000),
        (Parameter::SigmaFloor, 500),
    ] {
        let mut setting = setting();
        let (sol, usdc, borrower) = (setting.sol.clone(), setting.usdc.clone(), setting.borrower("100", "5000"));
        calm_down(&mut setting.world, &[&sol])?;
        let before = setting.world.quote_position(&borrower);
        let room = before.debts[0].borrow_max_atoms;
        setting.world.clone().borrow(&borrower, &usdc, room)?;
        setting.tighten(&sol, parameter, value)?;
        let after = setting.world.quote_position(&borrower);
        assert_eq!(after.maintenance_health_e9, before.maintenance_health_e9, "{parameter:?}");
        assert!(after.initial_health_e9 < before.initial_health_e9, "{parameter:?}");
        assert!(after.initial_health_e9 <= after.maintenance_health_e9, "{parameter:?}");
        setting.world.refuses(PlimsollError::InitialHealthTooLow, |world| world.borrow(&borrower, &usdc, room));
        setting.world.check_invariants();
    }
    Ok(())
}

#[test]
fn what_loosens_waits_two_days_and_then_anyone_executes_it_and_the_rent_goes_back() -> Told {
    let mut setting = setting();
    let (sol, admin) = (setting.sol.clone(), setting.world.admin());
    let (keeper, of) = (setting.world.person("keeper"), setting.of(&sol, Parameter::Maintenance));
    // More lent on the same collateral wants more depth to sell it in, or less of it.
    setting.world.refuses(PlimsollError::CapTooLargeForDepth, |world| world.propose(&admin, &of, 8_100));
    setting.tighten(&sol, Parameter::CollateralCap, sol.atoms("10000"))?;
    let world = &mut setting.world;
    let receipt = world.propose(&admin, &of, 8_100)?;
    let Event::ParameterProposed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.ripe_at, event.expires_at), (world.unix() + DELAY, world.unix() + DELAY + 259_200));
    world.advance_with_prices(DELAY - 1);
    for person in [&admin, &keeper] {
        world.refuses(PlimsollError::ProposalNotRipe, |world| world.execute(person, &of));
    }
    world.advance_with_prices(1);
    let rent = world.svm.get_account(&of.proposal()).expect("a proposal").lamports;
    let before = world.svm.get_balance(&admin.address()).expect("lamports");
    let receipt = world.execute(&keeper, &of)?;
    let Event::ParameterChanged(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.old, event.new), (ParameterValue::number(8_000).0, ParameterValue::number(8_100).0));
    assert!(!world.exists(&of.proposal()));
    assert_eq!(world.svm.get_balance(&admin.address()), Some(before + rent));
    // What was signed walks, up as down: eight an hour.
    for hour in 0..13 {
        let state = world.reserve(&sol).state;
        assert_eq!(
            (state.risk.maintenance_bps, state.risk_target.maintenance_bps),
            ((8_000 + 8 * hour).min(8_100), 8_100)
        );
        an_hour(world, &keeper, &[&sol])?;
    }
    assert_eq!(world.reserve(&sol).state.risk.maintenance_bps, 8_100);
    world.check_invariants();
    Ok(())
}

#[test]
fn tightening_in_between_outdates_a_proposal_and_anyone_removes_it() -> Told {
    let mut setting = setting();
    let (usdc, admin) = (setting.usdc.clone(), setting.world.admin());
    let (keeper, of) = (setting.world.person("keeper"), setting.of(&usdc, Parameter::BorrowCap));
    setting.world.propose(&admin, &of, u64::MAX)?;
    setting.world.refuses(PlimsollError::MayNotCancel, |world| world.cancel(&keeper, &of));
    setting.tighten(&usdc, Parameter::BorrowCap, usdc.atoms("1000"))?;
    let world = &mut setting.world;
    world.advance_with_prices(DELAY);
    world.refuses(PlimsollError::ProposalOutdated, |world| world.execute(&admin, &of));
    let rent = world.svm.get_account(&of.proposal()).expect("a proposal").lamports;
    let before = world.svm.get_balance(&admin.address()).expect("lamports");
    world.cancel(&keeper, &of)?;
    assert_eq!(world.svm.get_balance(&admin.address()), Some(before + rent));
    // The way is free for the next, which waits as long.
    world.propose(&admin, &of, usdc.atoms("2000"))?;
    world.advance_with_prices(DELAY - 1);
    world.refuses(PlimsollError::ProposalNotRipe, |world| world.execute(&keeper, &of));
    world.advance_with_prices(1);
    world.execute(&keeper, &of)?;
    assert_eq!(world.reserve(&usdc).state.caps.borrow_atoms, usdc.atoms("2000"));
    Ok(())
}

/// Promises a role, and waits until that is done.
fn promise(world: &mut World, parameter: Parameter, to: &Person) -> Told {
    let (admin, of) = (world.admin(), world.parameter(None, parameter));
    world.propose_value(&admin, &of, ParameterValue(to.address().to_bytes()))?;
    world.advance_with_prices(DELAY);
    world.execute(to, &of)?;
    Ok(())
}

#[test]
fn a_guardian_cancels_what_stands_and_changes_nothing_else() -> Told {
    let mut setting = setting();
    let (usdc, admin) = (setting.usdc.clone(), setting.world.admin());
    let (guardian, of) = (setting.world.person("guardian"), setting.of(&usdc, Parameter::BorrowCap));
    let world = &mut setting.world;
    promise(world, Parameter::Guardian, &guardian)?;
    world.propose(&admin, &of, u64::MAX)?;
    world.refuses(PlimsollError::MayNotCancel, |world| world.cancel(&guardian, &of));
    world.accept_role(&guardian, MarketRole::Guardian)?;
    world.refuses(PlimsollError::NotCouncil, |world| world.tighten(&guardian, &of, 1));
    world.refuses(PlimsollError::NotAdmin, |world| world.launch_market(&guardian));
    let receipt = world.cancel(&guardian, &of)?;
    let Event::ProposalCancelled(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!(event.by, guardian.address());
    assert!(!world.exists(&of.proposal()));
    // Who was guardian is not any more.
    world.refuses(PlimsollError::NotGuardian, |world| world.pause(Pausable::Borrow, 60));
    Ok(())
}

#[test]
fn a_guardian_who_means_ill_stops_every_proposal_but_its_own_replacement() -> Told {
    let mut setting = setting();
    let (usdc, admin) = (setting.usdc.clone(), setting.world.admin());
    let (guardian, honest) = (setting.world.person("guardian"), setting.world.person("honest guardian"));
    let caps = setting.of(&usdc, Parameter::BorrowCap);
    let world = &mut setting.world;
    promise(world, Parameter::Guardian, &guardian)?;
    world.accept_role(&guardian, MarketRole::Guardian)?;
    let role = world.parameter(None, Parameter::Guardian);
    world.propose_value(&admin, &role, ParameterValue(honest.address().to_bytes()))?;
    world.propose(&admin, &caps, u64::MAX)?;
    world.advance_with_prices(DELAY);
    world.cancel(&guardian, &caps)?;
    world.refuses(PlimsollError::MayNotCancel, |world| world.cancel(&guardian, &role));
    world.execute(&honest, &role)?;
    world.accept_role(&honest, MarketRole::Guardian)?;
    world.propose(&admin, &caps, u64::MAX)?;
    world.refuses(PlimsollError::MayNotCancel, |world| world.cancel(&guardian, &caps));
    assert_eq!(world.market_account().state.guardian, honest.address().to_bytes());
    Ok(())
}

#[test]
fn a_role_changes_hands_in_two_steps_and_who_held_it_holds_it_until_then() -> Told {
    let mut setting = setting();
    let (usdc, old) = (setting.usdc.clone(), setting.world.admin());
    let (new, stranger) = (setting.world.person("new admin"), setting.world.person("stranger"));
    let of = setting.of(&usdc, Parameter::BorrowCap);
    let world = &mut setting.world;
    promise(world, Parameter::Admin, &new)?;
    // Promised, and nothing more: the old one still launches, the new one does not.
    world.clone().launch_market(&old)?;
    world.refuses(PlimsollError::NotAdmin, |world| world.launch_market(&new));
    for (person, role) in [
        (&stranger, MarketRole::Admin),
        (&old, MarketRole::Admin),
        (&new, MarketRole::Guardian),
        (&new, MarketRole::Council),
    ] {
        world.refuses(PlimsollError::NotPending, |world| world.accept_role(person, role));
    }
    let receipt = world.accept_role(&new, MarketRole::Admin)?;
    let Event::RoleAccepted(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.role, event.holder), (MarketRole::Admin as u8, new.address()));
    world.refuses(PlimsollError::NotPending, |world| world.accept_role(&new, MarketRole::Admin));
    world.refuses(PlimsollError::NotAdmin, |world| world.launch_market(&old));
    // The old one is council still; that goes its own way.
    world.clone().tighten(&old, &of, usdc.atoms("1000"))?;
    promise(world, Parameter::Council, &new)?;
    world.accept_role(&new, MarketRole::Council)?;
    world.refuses(PlimsollError::NotCouncil, |world| world.tighten(&old, &of, usdc.atoms("1000")));
    world.refuses(PlimsollError::NotCouncil, |world| world.propose(&old, &of, u64::MAX));
    world.tighten(&new, &of, usdc.atoms("1000"))?;
    world.launch_market(&new)?;
    Ok(())
}

#[test]
fn a_new_token_of_a_launched_market_starts_at_nothing_then_a_seed_then_doubles_once_in_a_delay() -> Told {
    let mut setting = setting();
    let (admin, keeper, borrower) = (setting.world.admin(), setting.world.person("keeper"), setting.world.borrower());
    let world = &mut setting.world;
    world.launch_market(&admin)?;
    let spec = |cap: u64| {
        Spec::volatile("NEW", "10").with(move |config| {
            (config.risk.depth_atoms, config.risk.depth_floor_atoms) =
                (10_000_000_000_000_000_000, 1_000_000_000_000_000);
            config.caps.collateral_atoms = cap;
        })
    };
    let (_, outcome) = world.try_add(spec(1));
    refused(outcome, PlimsollError::CapGrowsTooFast);
    let token = world.add(spec(0));
    let of = world.parameter(Some(&token), Parameter::CollateralCap);
    world.wallet(&borrower, &token);
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.deposit(&borrower, &token, 1));

    // 100,000 USD at 10 USD, rounded down; an atom more is found too much when it is executed.
    let seed = token.atoms("10000") - 1;
    world.propose(&admin, &of, seed + 1)?;
    world.advance_with_prices(DELAY);
    world.refuses(PlimsollError::CapGrowsTooFast, |world| world.execute(&keeper, &of));
    world.cancel(&admin, &of)?;
    let mut cap = seed;
    for _ in 0..4 {
        world.propose(&admin, &of, cap)?;
        world.advance_with_prices(DELAY - 1);
        world.refuses(PlimsollError::ProposalNotRipe, |world| world.execute(&keeper, &of));
        world.advance_with_prices(1);
        world.execute(&keeper, &of)?;
        let state = world.reserve(&token).state;
        assert_eq!((state.caps.collateral_atoms, state.cap_raised_at), (cap, world.unix()));
        let mut what_if = world.clone();
        what_if.deposit(&borrower, &token, cap)?;
        what_if.refuses(PlimsollError::CollateralCapExceeded, |world| world.deposit(&borrower, &token, 1));
        // More than twice: not after any time.
        world.propose(&admin, &of, 2 * cap + 1)?;
        world.advance_with_prices(DELAY + 3 * HOUR);
        world.refuses(PlimsollError::CapGrowsTooFast, |world| world.execute(&keeper, &of));
        world.cancel(&admin, &of)?;
        cap *= 2;
    }
    world.check_invariants();
    Ok(())
}

/// A launched market whose every key is stolen, with somebody to rob in every part: lenders, borrowers, fees, insurance, a
/// backstop; and the thief, who holds no token of theirs.
struct Theft {
    setting: Setting,
    thief: Person,
    keeper: Person,
    /// Of health 1.05, 1.15, 1.3 and 1.5 or so.
    borrowers: Vec<Borrower>,
    began_at: i64,
}

impl Theft {
    fn new() -> Self {
        let mut setting = setting();
        let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
        let borrowers = ["11000", "10000", "9000", "7700"].map(|owed| setting.borrower("100", owed)).to_vec();
        let world = &mut setting.world;
        let lender = world.lender();
        let (thief, keeper) = (world.admin(), world.person("keeper"));
        world.fund_insurance(&lender, &usdc, usdc.atoms("100")).expect("insurance");
        world.create_backstop(&usdc, backstop_policy()).expect("a pool");
        world.deposit_backstop(&lender, &usdc, usdc.atoms("1000")).expect("a deposit");
        let treasury = world.treasury.clone();
        for token in [&sol, &usdc] {
            world.wallet(&treasury, token);
            world.open_wallet(&thief.address(), token);
        }
        world.launch_market(&thief).expect("a launch");
        // Interest, and with it fees; then some of it paid, so that they lie in cash.
        calm_down(world, &[&sol, &usdc]).expect("prices");
        for borrower in &borrowers {
            world.repay(borrower, &usdc, usdc.atoms("40")).expect("a repayment");
        }
        world.refresh_reserves(&keeper, &[&sol, &usdc]).expect("prices");
        let began_at = world.unix();
        Self { setting, thief, keeper, borrowers, began_at }
    }

    /// Atoms in the vaults: liquidity of USDC, collateral of SOL; and in the thief's wallets and the treasury's.
    fn balances(&self) -> [u64; 6] {
        let Setting { world, sol, usdc, .. } = &self.setting;
        [
            world.atoms_in(&usdc.vault(Vault::Liquidity)),
            world.atoms_in(&sol.vault(Vault::Collateral)),
            world.balance(&self.thief, usdc),
            world.balance(&self.thief, sol),
            world.balance(&world.treasury, usdc),
            world.balance(&world.treasury, sol),
        ]
    }

    /// Signs every parameter with a direction as tight as is accepted, in steps that halve.
    fn tighten_everything(&mut self) -> usize {
        let mut signed = 0;
        for token in [self.setting.sol.clone(), self.setting.usdc.clone()] {
            // The collateral cap first, which the others must stand; the initial factors before those of maintenance.
            let first = [
                Parameter::CollateralCap,
                Parameter::RescueAllowance,
                Parameter::Initial,
                Parameter::InitialDebtWeight,
            ];
            let rest = Parameter::ALL.iter().copied().filter(|of| of.is_of_reserve() && !first.contains(of));
            for parameter in first.into_iter().chain(rest) {
                signed += self.tighten_far(Some(&token), parameter);
            }
        }
        for &parameter in Parameter::ALL.iter().filter(|parameter| !parameter.is_of_reserve()) {
            signed += self.tighten_far(None, parameter);
        }
        signed
    }

    /// By the largest steps that are accepted, and then by smaller ones.
    fn tighten_far(&mut self, token: Option<&Token>, parameter: Parameter) -> usize {
        let (thief, of) = (self.thief.clone(), self.setting.world.parameter(token, parameter));
        let is_lower = match parameter.direction() {
            Direction::Neither => return 0,
            direction => direction == Direction::Lower,
        };
        let (mut signed, mut value) = (0, value_of(&self.setting.world, &of));
        for step in (0..64).rev().map(|bit| 1u64 << bit) {
            let further = if is_lower { value.checked_sub(step) } else { value.checked_add(step) };
            if let Some(further) = further.filter(|further| self.setting.world.tighten(&thief, &of, *further).is_ok()) {
                (signed, value) = (signed + 1, further);
            }
        }
        signed
    }
}

/// The number that is signed for a parameter, of a key its first bytes.
fn value_of(world: &World, of: &ParameterOf) -> u64 {
    let mut market = world.market_account().state;
    let token = world.tokens().iter().find(|token| Some(token.reserve) == of.reserve);
    let value = match token {
        Some(token) => Subject::Reserve(&mut world.reserve(token).state, &market).read(of.parameter),
        None => Subject::Market(&mut market).read(of.parameter),
    };
    let value = value.expect("a parameter of it").0;
    u64::from_le_bytes(std::array::from_fn(|at| value[at]))
}

/// What the admin's key, which is the council's and the guardian's here, may do in a launched market within the two days in
/// which proposals wait, one after the other:
///
/// - tighten every parameter of every reserve and of the market as far as is accepted;
/// - propose every parameter, and execute none;
/// - pause all that can be paused, as long as is accepted;
/// - add a token of its own, without a collateral cap, mint it without limit, lend it to the market and try to borrow on it;
/// - opt the backstop in to any collateral, open the next backstop;
/// - have fees collected, which go to the treasury;
/// - accept a role nobody promised; launch again; cancel proposals.
#[test]
fn a_stolen_admin_key_moves_no_token_to_its_thief_within_the_delay() -> Told {
    let mut theft = Theft::new();
    let (sol, usdc) = (theft.setting.sol.clone(), theft.setting.usdc.clone());
    let (thief, began_at) = (theft.thief.clone(), theft.began_at);
    let before = theft.balances();
    let healths: Vec<u64> = theft.borrowers.clone().iter().map(|borrower| theft.setting.health(borrower)).collect();

    // Everything is proposed, and then tightened: first, because what is tightened outdates it.
    let (mut proposed, mut signed) = (Vec::new(), 0);
    for &parameter in Parameter::ALL {
        let world = &mut theft.setting.world;
        let of = world.parameter(parameter.is_of_reserve().then_some(&usdc), parameter);
        let is_key = parameter as u16 >= 200;
        let key = ParameterValue(thief.address().to_bytes());
        let old = value_of(world, &of);
        // The cap of depth stands; all else may be proposed one way or the other.
        let values = match is_key {
            true => vec![key],
            false => [old.saturating_add(1), old.saturating_sub(1)].map(ParameterValue::number).to_vec(),
        };
        if values.into_iter().any(|value| world.propose_value(&thief, &of, value).is_ok()) {
            proposed.push(of);
        }
    }
    assert!(proposed.len() > 50, "{}", proposed.len());
    let (lender, borrower) = (theft.setting.lender.clone(), theft.borrowers[0].clone());
    let mut paused = theft.setting.world.clone();
    for action in Pausable::ALL {
        let policy = paused.market_account().state.policy;
        let is_of_sales = action == Pausable::Liquidate;
        let longest = if is_of_sales { policy.liquidation_pause_max_secs } else { policy.pause_max_secs };
        paused.pause(action, longest)?;
        refused(paused.pause(action, 1), PlimsollError::PauseTooSoon);
    }
    paused.redeem(&lender, &usdc, 1 << 40)?;
    paused.repay(&borrower, &usdc, ALL)?;
    paused.withdraw(&borrower, &sol, sol.atoms("100"))?;

    signed += theft.tighten_everything();
    assert!(signed > 40, "{signed}");
    for (borrower, health) in theft.borrowers.clone().iter().zip(&healths) {
        assert_eq!(theft.setting.health(borrower), *health, "nobody's health moved by a signature");
    }
    let world = &mut theft.setting.world;
    for action in Pausable::ALL {
        let longest = (0..20).map(|shift| 1u64 << (19 - shift)).find(|secs| world.clone().pause(action, *secs).is_ok());
        // What can be paused was tightened too: to nothing.
        assert_eq!(longest, None, "{action:?}");
    }

    // A token of the thief's own.
    let (_, outcome) = world.try_add(Spec::volatile("JUNK", "1000000").with(|config| config.caps.collateral_atoms = 1));
    refused(outcome, PlimsollError::CapGrowsTooFast);
    let junk = world.add(Spec::volatile("JUNK", "1000").with(|config| config.caps.collateral_atoms = 0));
    let own = Borrower::of(&thief, 0);
    world.open_position(&own)?;
    world.wallet(&own, &junk);
    refused(world.deposit(&own, &junk, 1), PlimsollError::CollateralCapExceeded);
    let atoms = usdc.atoms("10");
    assert!(world.borrow(&own, &usdc, atoms).is_err(), "on nothing");
    // Higher caps of the backstop wait, like all that loosens.
    world.opt_in(&usdc, &junk, u64::MAX)?;
    world.opt_in(&usdc, &sol, u64::MAX)?;
    let pool = world.backstop(&usdc).state;
    assert!(pool.collaterals().iter().all(|held| held.cap_at(&world.now()) < u64::MAX));

    // Fees go where they always went.
    let fees = world.reserve(&usdc).state.fee_atoms;
    assert!(fees > 0);
    let collect = CollectFees { reserve: &world.reserve(&usdc), treasury_liquidity: world.wallet(&thief, &usdc) };
    let collect = collect.instruction();
    world.refuses(PlimsollError::NotTreasury, |world| world.send(&[collect], &[&thief]));
    world.collect_fees(&thief, &usdc)?;
    for role in [MarketRole::Admin, MarketRole::Guardian, MarketRole::Council] {
        refused(world.accept_role(&thief, role), PlimsollError::NotPending);
    }
    refused(world.launch_market(&thief), PlimsollError::NothingChanges);

    // To the last second of the delay nothing that was proposed is in force.
    world.advance_with_prices(began_at + DELAY - 1 - world.unix());
    for of in &proposed {
        let outcome = world.execute(&thief, of);
        assert!(outcome.is_err(), "{:?}", of.parameter);
        assert_eq!(outcome.err().and_then(|refused| refused.code()), Some(PlimsollError::ProposalNotRipe.into()));
    }
    world.check_invariants();
    let mut expected = before;
    (expected[0], expected[4]) = (before[0] - fees, before[4] + fees);
    assert_eq!(theft.balances(), expected, "to the treasury its fees, to the thief nothing");
    Ok(())
}

/// What a stolen key can do that costs somebody: terms it signs walk, and whom they reach is liquidated, by the thief as by
/// anyone. However far away what is signed, a step is no larger: a tenth of everybody's health is gone within the two
/// days, and nobody takes a tightening back sooner. Everybody can repay until then, from the first second; top up, no.
#[test]
fn a_stolen_key_squeezes_borrowers_at_the_speed_of_the_walk_and_no_faster() -> Told {
    let mut theft = Theft::new();
    let (sol, usdc) = (theft.setting.sol.clone(), theft.setting.usdc.clone());
    let (keeper, borrowers) = (theft.keeper.clone(), theft.borrowers.clone());
    let before: Vec<u64> = borrowers.iter().map(|borrower| theft.setting.health(borrower)).collect();
    theft.tighten_everything();
    let first = borrowers[0].clone();
    let world = &mut theft.setting.world;
    // Top-ups are shut out with the cap and the rescue allowance; repaying is not.
    world.wallet(&first, &sol);
    refused(world.deposit(&first, &sol, sol.atoms("1")), PlimsollError::CollateralCapExceeded);
    world.clone().repay(&first, &usdc, usdc.atoms("5000"))?;
    let accomplice = theft.setting.liquidator.clone();
    let world = &mut theft.setting.world;
    let mut reached = vec![None; borrowers.len()];
    let (mut seized, mut repaid) = (0, 0);
    let mut after_an_hour = Vec::new();
    for hour in 1..=48 {
        an_hour(world, &keeper, &[&sol, &usdc])?;
        for (borrower, reached) in borrowers.iter().zip(&mut reached) {
            let health = world.quote_position(borrower).maintenance_health_e9;
            if hour == 1 {
                after_an_hour.push(health);
            }
            if health < ONE_E9 && reached.is_none() {
                *reached = Some(hour);
            }
        }
    }
    let after: Vec<u64> =
        borrowers.iter().map(|borrower| world.quote_position(borrower).maintenance_health_e9).collect();
    for borrower in &borrowers {
        let quote = world.quote_liquidation(borrower, &sol, &usdc, ALL);
        if quote.refusal == 0 {
            world.liquidate(&accomplice, borrower, &sol, &usdc, Limits::NONE)?;
            seized += quote.seize_atoms * 150 / 1_000;
            repaid += quote.repay_atoms + quote.fee_atoms;
        }
    }
    // The debt's weight rises by a thousandth an hour, the factor falls by one, the discount by half a bps of spread and what
    // horizon and confidence add; both tokens are squeezed.
    let shares = |after: &[u64]| -> Vec<u64> {
        before.iter().zip(after).map(|(before, after)| after * 10_000 / before).collect()
    };
    assert_eq!(shares(&after_an_hour), [9_978; 4], "{after_an_hour:?} of {before:?}");
    assert_eq!(shares(&after), [9_090; 4], "{after:?} of {before:?}");
    assert_eq!(reached, [Some(43), None, None, None]);
    // What the sale of those brings beyond what is repaid is a bonus as of any liquidation, no more than the largest.
    assert!(repaid < seized && (seized - repaid) * 10 <= repaid, "{seized} for {repaid}");
    world.check_invariants();
    Ok(())
}
