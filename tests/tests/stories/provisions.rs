//! Provisions: a loss is booked before anyone can run from it, and let go slowly.

use super::common::*;
use plimsoll_testkit::PRICE_EXPONENT;

/// Two lenders of 300,000 and 100,000 USDC, and a borrower who owes 100,000 on 1,000 SOL.
struct Scene {
    setting: Setting,
    small: Lender,
    borrower: Borrower,
    keeper: Person,
}

fn scene() -> Scene {
    let mut world = market();
    let (sol, usdc) = (world.add(Spec::volatile("SOL", "150")), world.add(Spec::stable("USDC", "1")));
    let (lender, small, liquidator) = (world.lender(), world.lender(), world.liquidator());
    world.supply(&lender, &usdc, usdc.atoms("300000")).expect("a supply");
    world.supply(&small, &usdc, usdc.atoms("100000")).expect("a supply");
    let mut setting = Setting { world, sol, usdc, lender, liquidator };
    let borrower = setting.borrower("1000", "100000");
    let keeper = setting.world.person("keeper");
    Scene { setting, small, borrower, keeper }
}

impl Scene {
    /// SOL falls so that the position is worth about 80,000 USD.
    fn defaulted() -> Self {
        let mut scene = scene();
        scene.price("80");
        scene
    }

    /// A price of SOL, spot and average alike.
    fn price(&mut self, number: &str) {
        let sol = self.setting.sol.clone();
        self.setting.world.set_price(&sol, number);
        self.setting.world.refresh_prices();
    }

    fn mark(&mut self) -> Outcome {
        self.setting.world.mark_default(&self.keeper, &self.borrower)
    }

    /// Marks, and returns what is provided for, USDC atoms.
    fn provided(&mut self) -> Result<u64, Box<Refused>> {
        let receipt = self.mark()?;
        let Event::DefaultMarked(marked) = receipt.event() else { panic!("{receipt:?}") };
        let [of] = marked.provisions[..] else { panic!("one debt: {marked:?}") };
        assert_eq!(of.total_atoms, of.provided_atoms, "the only one in its reserve");
        let state = self.setting.world.position(&self.borrower).state;
        assert_eq!((marked.defaulted_at, marked.owner), (state.defaulted_at, self.borrower.address()));
        Ok(of.provided_atoms)
    }

    fn provision(&self) -> u64 {
        self.setting.world.reserve(&self.setting.usdc).state.provision_atoms()
    }
}

#[test]
fn a_lender_who_leaves_after_the_mark_leaves_the_expected_loss_to_nobody() -> Told {
    let mut scene = Scene::defaulted();
    let (sol, usdc, liquidator) =
        (scene.setting.sol.clone(), scene.setting.usdc.clone(), scene.setting.liquidator.clone());
    let provided = scene.provided()?;
    // Owed 100,000 and some interest; 1,000 SOL bring 80,000 less a little more than 1%, and confidence is in their favour.
    assert!((20_500_000_000..22_000_000_000).contains(&provided), "{provided}");

    let (small, lender) = (scene.small.clone(), scene.setting.lender.clone());
    let world = &mut scene.setting.world;
    let (before, state) = (world.purse(&small, &usdc), world.reserve(&usdc).state);
    let shares = world.lender_account(&small, &usdc).state.shares.get();
    let (whole, net) = (state.supply_atoms_floor(shares), state.redeemable_atoms_floor(shares));
    assert!(whole - net >= provided / 4 - 2 && whole - net <= provided / 4 + 2, "a quarter of it: {whole} {net}");
    let quote = world.quote_lender(&small, &usdc);
    assert_eq!((quote.assets_atoms, quote.redeem_atoms), (whole, net), "{quote:?}");
    world.redeem(&small, &usdc, shares)?;
    let paid = world.purse(&small, &usdc) - before;
    assert!(paid.abs_diff(net) <= 2, "{paid} {net}: but for a second's interest");
    // What was left behind belongs to who stays: a share is worth more than before.
    let after = world.reserve(&usdc).state;
    let all = world.lender_account(&lender, &usdc).state.shares.get();
    assert!(after.supply_atoms_floor(all) >= state.supply_atoms_floor(all) + (whole - net) - 2);

    // The loss comes: the lender who stayed bears three quarters of what was expected, and what was worse than expected.
    liquidate_as_quoted(world, &liquidator, &scene.borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!((scene.provision(), scene.setting.world.position(&scene.borrower).state.debt_count), (0, 0));
    let world = &mut scene.setting.world;
    let left = world.reserve(&usdc).state.supply_atoms_floor(all);
    let lost = usdc.atoms("300000") - left;
    // 80,000 / 1.05 were paid for the collateral.
    let total = usdc.atoms("100000") - usdc.atoms("80000") * 100 / 105;
    assert!(lost < total - provided / 4 + usdc.atoms("10"), "{lost} of {total}, {provided} provided");
    world.check_invariants();
    Ok(())
}

#[test]
fn nobody_supplies_into_a_known_loss() -> Told {
    let mut scene = Scene::defaulted();
    scene.provided()?;
    let usdc = scene.setting.usdc.clone();
    let (newcomer, small) = (scene.setting.world.lender(), scene.small.clone());
    let world = &mut scene.setting.world;
    world.wallet(&newcomer, &usdc);
    world.open_lender(&newcomer, &usdc)?;
    for lender in [&newcomer, &small] {
        world.refuses(PlimsollError::ProvisionTooHigh, |world| world.supply(lender, &usdc, usdc.atoms("1")));
    }
    // Half a percent of 400,000 is 2,000.
    let rest = scene.provision() - usdc.atoms("1990");
    let borrower = scene.borrower.clone();
    scene.setting.world.repay(&borrower, &usdc, rest)?;
    scene.setting.world.supply(&newcomer, &usdc, usdc.atoms("1"))?;
    scene.setting.world.check_invariants();
    Ok(())
}

#[test]
fn a_repayment_lets_go_of_what_it_pays_and_a_liquidation_of_nothing() -> Told {
    let mut scene = Scene::defaulted();
    let (sol, usdc, liquidator) =
        (scene.setting.sol.clone(), scene.setting.usdc.clone(), scene.setting.liquidator.clone());
    let provided = scene.provided()?;
    let paid = usdc.atoms("5000");
    let borrower = scene.borrower.clone();
    scene.setting.world.repay(&borrower, &usdc, paid)?;
    let left = scene.setting.world.reserve(&usdc).state.provided_atoms();
    assert!(left.abs_diff(provided - paid) <= 2, "{left} {provided}");

    // Half of the debt is liquidated, with more than half of the collateral: as much is lost as before.
    let before = scene.setting.world.reserve(&usdc).state.provided_atoms();
    let world = &mut scene.setting.world;
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::repay_max(usdc.atoms("50000")))?;
    let after = scene.setting.world.reserve(&usdc).state.provided_atoms();
    assert!(after >= before, "{after} {before}");
    scene.setting.world.check_invariants();
    Ok(())
}

#[test]
fn a_wick_marks_nothing() -> Told {
    let mut scene = scene();
    let sol = scene.setting.sol.clone();
    let world = &mut scene.setting.world;
    world.advance_with_prices(10);
    // Spot fell to 80, the average is where it was.
    let wick = Price { spot: dollars("80"), ..world.price(&sol) };
    assert_eq!(wick.exponent, PRICE_EXPONENT);
    world.publish(&sol, wick);
    assert!(world.quote_position(&scene.borrower).maintenance_health_e9 < 700_000_000, "by its spot it would be");
    world.refuses(PlimsollError::NotTerminal, |world| world.mark_default(&scene.keeper, &scene.borrower));
    // Nor does a price so uncertain that it might be one the position can pay at.
    let spot = dollars("103");
    world.publish(&sol, Price { spot, average: spot, confidence: dollars("2").unsigned_abs(), ..wick });
    world.refuses(PlimsollError::NotTerminal, |world| world.mark_default(&scene.keeper, &scene.borrower));
    world.publish(&sol, Price { spot, average: spot, confidence: 0, ..wick });
    world.mark_default(&scene.keeper, &scene.borrower)?;
    // Nothing is judged by a price nobody knows.
    world.advance(600);
    world.refuses(PlimsollError::StalePrice, |world| world.mark_default(&scene.keeper, &scene.borrower));
    world.check_invariants();
    Ok(())
}

#[test]
fn a_provision_rises_at_once_and_falls_at_a_tenth_of_the_debt_an_hour() -> Told {
    let mut scene = Scene::defaulted();
    let first = scene.provided()?;
    scene.price("70");
    let second = scene.provided()?;
    assert!(second > first + 9_000_000_000, "{first} {second}");

    // The price is back: the mark ends, the provision goes slowly.
    scene.price("150");
    let at_once = scene.provided()?;
    assert_eq!(scene.setting.world.position(&scene.borrower).state.defaulted_at, 0);
    assert!(second - at_once < 20_000_000, "a few seconds at 10,000 an hour: {second} {at_once}");
    scene.setting.world.advance_with_prices(3_600);
    let later = scene.provided()?;
    // A tenth of a debt of 100,000, and interest of an hour.
    assert!((9_990_000_000..10_050_000_000).contains(&(at_once - later)), "{at_once} {later}");
    // Marks in quick succession do not speed it up.
    for _ in 0..5 {
        scene.provided()?;
    }
    assert!(later - scene.provision() < 100_000_000, "{later} {}", scene.provision());
    scene.setting.world.advance_with_prices(4 * 3_600);
    assert_eq!(scene.provided()?, 0);
    let (keeper, borrower) = (scene.keeper.clone(), scene.borrower.clone());
    scene.setting.world.refuses(PlimsollError::NotTerminal, |world| world.mark_default(&keeper, &borrower));
    scene.setting.world.check_invariants();
    Ok(())
}

#[test]
fn the_loss_is_split_over_the_debts_by_value_and_settlement_takes_it_off() -> Told {
    let mut scene = scene();
    let (sol, usdc, liquidator) =
        (scene.setting.sol.clone(), scene.setting.usdc.clone(), scene.setting.liquidator.clone());
    let world = &mut scene.setting.world;
    let eur = world.add(Spec::stable("EURC", "1.25"));
    let lender = world.lender();
    world.supply(&lender, &eur, eur.atoms("100000"))?;
    let borrower = world.borrower();
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("7500"))?;
    world.borrow(&borrower, &eur, eur.atoms("2000"))?;
    world.pass_cool_off();
    world.set_price(&sol, "80");
    world.refresh_prices();
    let receipt = world.mark_default(&scene.keeper, &borrower)?;
    let Event::DefaultMarked(marked) = receipt.event() else { panic!("{receipt:?}") };
    let [of_usdc, of_eur] = marked.provisions[..] else { panic!("two debts: {marked:?}") };
    // 7,500 and 2,500 USD owed: three to one by value, in a token worth 1.25.
    let ratio = of_usdc.provided_atoms as f64 / of_eur.provided_atoms as f64;
    assert!((ratio - 3.75).abs() < 0.001, "{ratio}");

    for debt in [&usdc, &eur] {
        world.liquidate(&liquidator, &borrower, &sol, debt, Limits::NONE)?;
    }
    if world.position(&borrower).state.has_debt() {
        world.settle_default(&liquidator, &borrower)?;
    }
    for token in [&usdc, &eur] {
        assert_eq!(world.reserve(token).state.provision_atoms(), 0);
    }
    world.check_invariants();
    Ok(())
}

#[test]
fn insurance_pays_whoever_marks_a_default_once_however_often_it_is_marked() -> Told {
    let mut scene = Scene::defaulted();
    let (sol, usdc, keeper) = (scene.setting.sol.clone(), scene.setting.usdc.clone(), scene.keeper.clone());
    let (world, borrower) = (&mut scene.setting.world, &scene.borrower);
    world.fund_insurance(&keeper, &usdc, usdc.atoms("100"))?;
    let before = world.purse(&keeper, &usdc);
    let tip_of = |receipt: Receipt| match receipt.event() {
        Event::DefaultMarked(event) => event.tip_atoms,
        _ => panic!("{receipt:?}"),
    };
    let insured = world.reserve(&usdc).state.insurance_atoms;
    let tip = tip_of(world.mark_default_for_tip(&keeper, borrower, &usdc)?);
    assert_eq!(tip, usdc.atoms("0.5") - 1, "what the market allows, rounded down");
    assert_eq!(world.purse(&keeper, &usdc) - before, tip);
    // Interest of a few seconds comes on top.
    let left = world.reserve(&usdc).state.insurance_atoms;
    assert!(left >= insured - tip && left < insured, "{left} of {insured}");
    world.check_invariants();
    assert_eq!(tip_of(world.mark_default_for_tip(&keeper, borrower, &usdc)?), 0, "booked anew");

    // The price comes back, the mark ends; it falls again, and the same default is marked again.
    world.set_price(&sol, "150");
    world.advance_with_prices(3_600);
    assert_eq!(tip_of(world.mark_default_for_tip(&keeper, borrower, &usdc)?), 0);
    assert_eq!(world.position(borrower).state.defaulted_at, 0);
    world.set_price(&sol, "50");
    world.refresh_prices();
    assert_eq!(tip_of(world.mark_default_for_tip(&keeper, borrower, &usdc)?), 0);
    assert_ne!(world.position(borrower).state.defaulted_at, 0);
    assert_eq!(world.purse(&keeper, &usdc) - before, tip);
    world.check_invariants();
    Ok(())
}

#[test]
fn a_tip_is_no_more_than_insurance_has() -> Told {
    let mut scene = Scene::defaulted();
    let (usdc, keeper) = (scene.setting.usdc.clone(), scene.keeper.clone());
    let (world, borrower) = (&mut scene.setting.world, &scene.borrower);
    world.fund_insurance(&keeper, &usdc, 1_000)?;
    let receipt = world.mark_default_for_tip(&keeper, borrower, &usdc)?;
    let Event::DefaultMarked(event) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!((event.tip_atoms >= 1_000, world.reserve(&usdc).state.insurance_atoms), (true, 0), "{event:?}");
    world.check_invariants();
    Ok(())
}

#[test]
fn a_tip_is_no_more_than_a_hundredth_of_what_is_provided() -> Told {
    let mut scene = Scene::defaulted();
    let (usdc, keeper) = (scene.setting.usdc.clone(), scene.keeper.clone());
    scene.setting.world.fund_insurance(&keeper, &usdc, usdc.atoms("100"))?;
    // Down from a price at which all is paid, until a little of it would not be.
    for cents in (9_500..10_500).rev() {
        scene.price(&format!("{}.{:02}", cents / 100, cents % 100));
        let Ok(receipt) = scene.setting.world.mark_default_for_tip(&keeper, &scene.borrower, &usdc) else { continue };
        let Event::DefaultMarked(event) = receipt.event() else { panic!("{receipt:?}") };
        let provided = event.provisions[0].provided_atoms;
        if provided > 0 {
            assert!(provided < usdc.atoms("50"), "{provided}");
            assert_eq!(event.tip_atoms, provided / 100);
            return Ok(());
        }
        assert_eq!(event.tip_atoms, 0, "nothing is expected to be lost");
    }
    panic!("no price at which a little is lost");
}
