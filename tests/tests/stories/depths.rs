//! Depth that nobody confirms, and markets that nobody changes.

use super::common::*;
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::{Parameter, ParameterValue};
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::state::RiskTerms;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// How long proposals wait in the test market, seconds.
const DELAY: i64 = 172_800;

/// SOL in a market so thin that depth decides what 10,000 SOL are worth.
fn thin(depth: u64) -> Spec {
    Spec::volatile("SOL", "150").with(move |config| {
        config.risk.depth_atoms = depth * 1_000_000_000;
        config.risk.sigma_cap_bps = config.risk.sigma_ref_bps;
        config.caps.collateral_atoms = 10_000_000_000_000;
        config.caps.rescue_allowance_bps = 0;
    })
}

#[test]
fn a_depth_nobody_confirms_closes_the_door_at_once_and_liquidates_nobody_at_once() -> Told {
    let mut setting = setting_of(market(), thin(200_000), Spec::stable("USDC", "1"));
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let (admin, keeper, liquidator) =
        (setting.world.admin(), setting.world.person("keeper"), setting.liquidator.clone());
    let borrower = setting.borrower("10000", "700000");
    let another = setting.world.lender();
    setting.world.supply(&another, &usdc, usdc.atoms("1000000"))?;
    let world = &mut setting.world;
    for token in [&sol, &usdc] {
        world.wallet(&liquidator, token);
    }
    let depth_atoms = world.reserve(&sol).state.risk.depth_atoms;
    // Quiet, so that nothing but depth moves.
    while world.reserve(&sol).state.depth_expires_at() - world.unix() > 2 * DAY {
        world.advance_with_prices(DAY);
        world.refresh_reserves(&keeper, &[&sol, &usdc])?;
    }
    let expires_at = world.reserve(&sol).state.depth_expires_at();
    world.confirm_depth(&admin, &usdc, world.reserve(&usdc).state.risk_target.depth_atoms)?;
    world.advance_with_prices(expires_at - 1 - world.unix());
    world.refresh_reserves(&keeper, &[&sol, &usdc])?;

    let before = world.quote_position(&borrower);
    let throttle = world.reserve(&sol).state.throttle_at(&world.now());
    world.clone().borrow(&borrower, &usdc, before.debts[0].borrow_max_atoms)?;
    world.advance_with_prices(1);
    let after = world.quote_position(&borrower);
    assert!(after.initial_health_e9 < before.initial_health_e9);
    // A second of interest moves it by less than this.
    assert!(before.maintenance_health_e9.abs_diff(after.maintenance_health_e9) < 10);
    assert!(after.debts[0].borrow_max_atoms < before.debts[0].borrow_max_atoms);
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    world.refuses(PlimsollError::InitialHealthTooLow, |world| {
        world.borrow(&borrower, &usdc, before.debts[0].borrow_max_atoms)
    });

    // Touched or not, the depth in force falls by a thousandth an hour at most.
    for hour in 1..=5 {
        for _ in 0..3 {
            world.refresh_reserves(&keeper, &[&sol, &usdc])?;
        }
        let state = world.reserve(&sol).state;
        let fallen = (0..hour).fold(depth_atoms, |depth, _| depth - depth / 1_000);
        assert_eq!((state.risk.depth_atoms, state.risk_target.depth_atoms), (fallen, depth_atoms));
        assert_eq!(state.throttle_at(&world.now()), throttle, "the throttle ignores expiry");
        world.advance_with_prices(HOUR);
    }
    let squeezed = world.quote_position(&borrower);
    assert!(squeezed.maintenance_health_e9 < after.maintenance_health_e9);

    // Nobody but admin and council confirms, and not more than was signed.
    world.refuses(PlimsollError::NotCouncil, |world| world.confirm_depth(&keeper, &sol, depth_atoms));
    world.refuses(PlimsollError::NotTighter, |world| world.confirm_depth(&admin, &sol, depth_atoms + 1));
    let receipt = world.confirm_depth(&admin, &sol, depth_atoms)?;
    let Event::DepthConfirmed(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.before_atoms, event.depth_atoms), (depth_atoms, depth_atoms));
    assert_eq!(event.expires_at, world.unix() + 90 * DAY);
    // The door opens as far as the depth in force has not fallen, and it climbs again.
    assert!(world.quote_position(&borrower).initial_health_e9 > squeezed.initial_health_e9);
    let fallen = world.reserve(&sol).state.risk.depth_atoms;
    world.advance_with_prices(HOUR);
    world.refresh_reserves(&keeper, &[&sol, &usdc])?;
    assert_eq!(world.reserve(&sol).state.risk.depth_atoms, fallen + fallen / 1_000);
    world.check_invariants();
    Ok(())
}

#[test]
fn an_immutable_market_works_on_without_anybody_and_nothing_of_it_changes() -> Told {
    let mut world = World::new();
    world.create_market_of(1, policy(), true)?;
    let at_floor = |spec: Spec| {
        spec.with(|config| config.risk = RiskTerms { depth_floor_atoms: config.risk.depth_atoms, ..config.risk })
    };
    let (_, outcome) = world.try_add(Spec::volatile("ETH", "3000"));
    refused(outcome, PlimsollError::DepthNotAtFloor);
    let mut setting = setting_of(world, at_floor(Spec::volatile("SOL", "150")), at_floor(Spec::stable("USDC", "1")));
    let (sol, usdc, lender) = (setting.sol.clone(), setting.usdc.clone(), setting.lender.clone());
    let (keeper, admin, liquidator) =
        (setting.world.person("keeper"), setting.world.admin(), setting.liquidator.clone());
    let world = &mut setting.world;
    // Until the launch its admin changes what may be changed.
    let of = world.parameter(Some(&sol), Parameter::SupplyCap);
    let guardian = world.parameter(None, Parameter::Guardian);
    world.tighten(&admin, &of, sol.atoms("1000"))?;
    world.propose(&admin, &of, sol.atoms("2000"))?;
    world.propose_value(&admin, &guardian, ParameterValue(keeper.address().to_bytes()))?;
    world.create_backstop(&usdc, backstop_policy())?;
    world.opt_in(&usdc, &sol, sol.atoms("1000"))?;
    world.advance_with_prices(DELAY);
    world.execute(&keeper, &guardian)?;
    world.launch_market(&admin)?;
    let state = world.market_account().state;
    assert_eq!([state.admin, state.guardian, state.council, state.pending_guardian], [[0; 32]; 4]);

    world.refuses(PlimsollError::NotCouncil, |world| world.tighten(&admin, &of, 1));
    world.refuses(PlimsollError::NotCouncil, |world| world.confirm_depth(&admin, &sol, 1));
    world.refuses(PlimsollError::NotGuardian, |world| world.pause(Pausable::Borrow, 60));
    world.refuses(PlimsollError::NotPending, |world| world.accept_role(&keeper, MarketRole::Guardian));
    world.refuses(PlimsollError::NotAdmin, |world| world.opt_in(&usdc, &sol, 0));
    world.refuses(PlimsollError::NotAdmin, |world| world.launch_market(&admin));
    let (_, outcome) = world.try_add(at_floor(Spec::volatile("ETH", "3000")));
    refused(outcome, PlimsollError::NotAdmin);
    // What was proposed and is ripe cannot be executed, and its rent goes back.
    world.refuses(PlimsollError::ImmutableMarket, |world| world.execute(&keeper, &of));
    world.cancel(&keeper, &of)?;

    // A year later, a borrower, a crash, a liquidation, and the lender leaves.
    world.advance_with_prices(365 * DAY);
    world.refresh_reserves(&keeper, &[&sol, &usdc])?;
    let borrower = setting.borrower("100", "10000");
    let world = &mut setting.world;
    let depth = world.reserve(&sol).state;
    assert!(depth.is_depth_expired(&world.now()) && depth.risk == depth.risk_target);
    world.set_price(&sol, "125");
    world.refresh_prices();
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    world.redeem(&lender, &usdc, 1 << 40)?;
    world.check_invariants();
    Ok(())
}

#[test]
fn a_higher_cap_of_a_backstop_waits_for_its_providers_to_leave() -> Told {
    let mut setting = setting();
    let (sol, usdc, admin) = (setting.sol.clone(), setting.usdc.clone(), setting.world.admin());
    let world = &mut setting.world;
    world.create_backstop(&usdc, backstop_policy())?;
    world.opt_in(&usdc, &sol, 10)?;
    world.launch_market(&admin)?;
    let cap = |world: &World| world.backstop(&usdc).state.collaterals[0].cap_at(&world.now());
    let receipt = world.opt_in(&usdc, &sol, 30)?;
    let Event::BackstopCollateralSet(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.cap_atoms, event.in_force_at), (30, world.unix() + DELAY));
    world.advance_with_prices(DELAY - 1);
    assert_eq!(cap(world), 10);
    world.advance_with_prices(1);
    assert_eq!(cap(world), 30);
    // Down at once, and what waited is forgotten.
    world.opt_in(&usdc, &sol, 40)?;
    let receipt = world.opt_in(&usdc, &sol, 20)?;
    let Event::BackstopCollateralSet(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.cap_atoms, event.in_force_at), (20, world.unix()));
    world.advance_with_prices(2 * DELAY);
    assert_eq!(cap(world), 20);
    world.check_invariants();
    Ok(())
}
