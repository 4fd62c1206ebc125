//! Observed volatility: what opens risk follows the market at once, what liquidates follows it slowly.

use super::common::*;

/// Bits below one of a volatility.
const Q40: f64 = (1u64 << 40) as f64;
/// A sample is taken at most this often, seconds.
const GRID_SECS: i64 = 300;

/// Observed and maintenance volatility of a token as kept, per day.
fn sigmas(world: &World, token: &Token) -> (f64, f64) {
    let volatility = world.reserve(token).state.volatility;
    (volatility.sigma_q40 as f64 / Q40, volatility.sigma_maintenance_q40 as f64 / Q40)
}

/// Time passes, SOL gets a price, and anybody hands it in.
fn tick(setting: &mut Setting, keeper: &Person, secs: i64, price: &str) -> Told {
    let sol = setting.sol.clone();
    setting.world.advance_with_prices(secs);
    setting.world.set_price(&sol, price);
    setting.world.refresh_reserves(keeper, &[&sol])?;
    Ok(())
}

#[test]
fn a_crash_closes_the_door_at_once_and_moves_the_threshold_at_a_bounded_speed() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let (borrower, keeper) = (setting.borrower("100", "5000"), setting.world.person("keeper"));
    setting.world.refresh_prices();
    let before = setting.world.quote_position(&borrower);
    let price_before = before.collaterals[0].liquidation_price_nano_usd;
    let configured = sigmas(&setting.world, &sol);
    assert!((configured.0 - 0.05).abs() < 1e-11 && configured.0 == configured.1, "{configured:?}");

    // A third lost in four samples of five minutes.
    for price in ["140", "125", "110", "100"] {
        tick(&mut setting, &keeper, GRID_SECS, price)?;
    }
    let world = &mut setting.world;
    let (observed, maintenance) = sigmas(world, &sol);
    // 50 bps an hour from the first sample that gave it something to follow: fifteen minutes, and the seconds between.
    assert!(observed > 0.1, "{observed}");
    assert!((0.05125..0.05130).contains(&maintenance), "{maintenance}");

    let after = world.quote_position(&borrower);
    let price_after = after.collaterals[0].liquidation_price_nano_usd;
    assert!(
        price_before < price_after && price_after < price_before + price_before / 1_000,
        "{price_before} {price_after}"
    );
    // Initial factors are three quarters; a calm market would let in 0.743 of 10,000 USD.
    let room = after.debts[0].borrow_max_atoms;
    assert!(room < usdc.atoms("2300"), "{room}");
    world.refuses(PlimsollError::InitialHealthTooLow, |world| world.borrow(&borrower, &usdc, room + 4));
    world.check_invariants();
    Ok(())
}

#[test]
fn the_threshold_never_climbs_faster_than_configured_and_comes_down_at_once() -> Told {
    let mut setting = setting();
    let (sol, keeper) = (setting.sol.clone(), setting.world.person("keeper"));
    let per_second = 0.005 / 3_600.0;
    let (mut last, mut last_unix) = (sigmas(&setting.world, &sol).1, setting.world.unix());
    let swings = ["120", "160", "130", "170", "140", "170", "150", "165"];
    for price in swings.iter().cycle().take(40) {
        tick(&mut setting, &keeper, GRID_SECS, price)?;
        let ((observed, maintenance), unix) = (sigmas(&setting.world, &sol), setting.world.unix());
        let seconds = (unix - last_unix) as f64;
        assert!(maintenance <= last + per_second * seconds + 1e-9, "{last} {maintenance} after {seconds} s");
        assert!(maintenance <= observed, "{maintenance} {observed}");
        (last, last_unix) = (maintenance, unix);
    }
    assert!(last > 0.06, "it did climb: {last}");

    // Nobody looks for twenty days in which nothing happens: each sample is worth a half at most.
    for _ in 0..20 {
        tick(&mut setting, &keeper, 86_400, "165")?;
    }
    let (observed, maintenance) = sigmas(&setting.world, &sol);
    assert_eq!((observed, maintenance), (observed, observed), "down together");
    assert!(observed <= 0.0201, "to the floor of 2%: {observed}");
    setting.world.check_invariants();
    Ok(())
}

#[test]
fn many_prices_in_a_grid_interval_are_one_sample_and_uncertain_ones_none() -> Told {
    let mut setting = setting();
    let (sol, keeper) = (setting.sol.clone(), setting.world.person("keeper"));
    let sampled = |setting: &Setting| setting.world.reserve(&setting.sol).state.volatility;
    let first = sampled(&setting);
    // Every ten seconds a price between extremes, within one interval.
    for price in ["100", "200", "100", "200", "150"] {
        tick(&mut setting, &keeper, 10, price)?;
    }
    assert_eq!(sampled(&setting), first);

    // The interval is over, but nobody knows the price.
    setting.world.advance_with_prices(GRID_SECS);
    let now = setting.world.unix();
    let wide = Price {
        spot: dollars("100"),
        confidence: dollars("3").unsigned_abs(),
        publish_time: now,
        ..setting.world.price(&sol)
    };
    setting.world.publish(&sol, wide);
    setting.world.refresh_reserves(&keeper, &[&sol])?;
    assert_eq!(sampled(&setting), first);
    assert_eq!(setting.world.reserve(&sol).state.reading.publish_time, now, "the reading itself is kept");

    tick(&mut setting, &keeper, 1, "150")?;
    assert_ne!(sampled(&setting).sampled_at, first.sampled_at);
    Ok(())
}

#[test]
fn a_liquidation_that_makes_the_sample_does_what_the_quote_before_it_said() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10500");
    let world = &mut setting.world;
    world.advance_with_prices(2 * GRID_SECS);
    world.set_price(&sol, "127");
    let before = world.reserve(&sol).state.volatility;
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    let after = world.reserve(&sol).state.volatility;
    assert!(after.sampled_at > before.sampled_at && after.sigma_q40 > before.sigma_q40, "{after:?}");
    Ok(())
}
