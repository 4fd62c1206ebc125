//! Lenders, insurance, fees, and tokens sent where nobody asked for them.

use super::common::*;

#[test]
fn donations_to_vaults_change_nothing() -> Told {
    let mut setting = setting();
    let (sol, usdc, lender) = (setting.sol.clone(), setting.usdc.clone(), setting.lender.clone());
    let borrower = setting.borrower("100", "10000");
    let stranger = setting.world.person("stranger");
    let world = &mut setting.world;
    world.refresh_prices();
    let before = (world.reserve(&sol), world.reserve(&usdc), world.quote_position(&borrower));
    for token in [&sol, &usdc] {
        world.donate(&stranger, token, Vault::Liquidity, token.atoms("123"));
        world.donate(&stranger, token, Vault::Collateral, token.atoms("456"));
    }
    assert_eq!((world.reserve(&sol), world.reserve(&usdc), world.quote_position(&borrower)), before);
    world.check_invariants();

    let shares = world.lender_account(&lender, &usdc).state.shares.get();
    let worth = world.reserve(&usdc).state.supply_atoms_floor(shares / 2);
    let purse = world.purse(&lender, &usdc);
    world.redeem(&lender, &usdc, shares / 2)?;
    assert_eq!(world.purse(&lender, &usdc) - purse, worth);
    world.check_invariants();
    Ok(())
}

#[test]
fn a_first_lender_cannot_be_robbed_by_inflating_the_share_price() -> Told {
    let mut world = market();
    let usdc = world.add(Spec::stable("USDC", "1"));
    let (robber, victim) = (world.lender(), world.lender());
    world.supply(&robber, &usdc, 1)?;
    world.donate(&robber, &usdc, Vault::Liquidity, usdc.atoms("10000"));
    world.supply(&victim, &usdc, usdc.atoms("100"))?;
    let shares = world.lender_account(&victim, &usdc).state.shares.get();
    let before = world.purse(&victim, &usdc);
    world.redeem(&victim, &usdc, shares)?;
    assert!(usdc.atoms("100") - (world.purse(&victim, &usdc) - before) <= 1, "an atom of rounding at most");
    world.check_invariants();
    Ok(())
}

#[test]
fn supplying_and_redeeming_in_circles_never_gains_an_atom() -> Told {
    let mut setting = setting();
    let usdc = setting.usdc.clone();
    setting.borrower("10000", "733333.333333");
    let lender = setting.world.lender();
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    world.advance(1_234_567);
    world.accrue_interest(&keeper, &usdc)?;
    let start = world.purse(&lender, &usdc);
    for atoms in [1, 2, 3, 999, 1_000_001, 77_777_777] {
        world.supply(&lender, &usdc, atoms)?;
        let shares = world.lender_account(&lender, &usdc).state.shares.get();
        match world.redeem(&lender, &usdc, shares) {
            Ok(_) => assert!(world.purse(&lender, &usdc) <= start),
            // One atom's shares may be worth less than an atom.
            Err(refusal) => refused(Err(refusal), PlimsollError::ZeroAmount),
        }
        world.check_invariants();
    }
    Ok(())
}

#[test]
fn borrowing_and_repaying_in_circles_never_gains_an_atom() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    setting.borrower("5000", "333333.333333");
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.advance_with_prices(9_876_543);
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    let start = world.purse(&borrower, &usdc);
    for atoms in [4_000_001, 5_555_555, 999_999_999] {
        world.borrow(&borrower, &usdc, atoms)?;
        for part in [1, 3, 7] {
            world.repay(&borrower, &usdc, part)?;
        }
        world.repay(&borrower, &usdc, ALL)?;
        assert!(world.purse(&borrower, &usdc) <= start);
        world.check_invariants();
    }
    Ok(())
}

#[test]
fn insurance_is_a_gift_to_the_reserve_and_no_lenders_asset() -> Told {
    let mut setting = setting();
    let usdc = setting.usdc.clone();
    let donor = setting.world.person("treasury of the protocol");
    let world = &mut setting.world;
    let before = world.reserve(&usdc).state;
    let receipt = world.fund_insurance(&donor, &usdc, usdc.atoms("250"))?;
    assert!(matches!(receipt.event(), Event::InsuranceFunded(event) if event.insurance_atoms == usdc.atoms("250")));
    let after = world.reserve(&usdc).state;
    assert_eq!(after.insurance_atoms, before.insurance_atoms + usdc.atoms("250"));
    assert_eq!(after.assets_atoms(), before.assets_atoms());
    world.check_invariants();
    Ok(())
}

#[test]
fn closing_accounts_returns_their_rent() -> Told {
    let mut setting = setting();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let (borrower, lender) = (setting.world.borrower(), setting.world.lender());
    let world = &mut setting.world;
    world.deposit(&borrower, &sol, 5)?;
    world.refuses(PlimsollError::PositionNotEmpty, |world| world.close_position(&borrower));
    world.withdraw(&borrower, &sol, 5)?;
    let rent = world.svm.get_balance(&world.position_address(&borrower)).expect("a position");
    let before = world.svm.get_balance(&borrower.address()).expect("lamports");
    world.close_position(&borrower)?;
    let back = world.svm.get_balance(&borrower.address()).expect("lamports") - before;
    assert!(rent - back < 20_000, "{back} of {rent} came back, less the transaction's fee");
    assert!(!world.exists(&world.position_address(&borrower)));
    world.open_position(&borrower)?;

    world.supply(&lender, &usdc, usdc.atoms("1"))?;
    world.refuses(PlimsollError::LenderNotEmpty, |world| world.close_lender(&lender, &usdc));
    let shares = world.lender_account(&lender, &usdc).state.shares.get();
    world.redeem(&lender, &usdc, shares)?;
    world.close_lender(&lender, &usdc)?;
    world.supply(&lender, &usdc, usdc.atoms("1"))?;
    world.check_invariants();
    Ok(())
}

#[test]
fn one_person_may_hold_several_positions_and_their_fates_are_apart() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let first = setting.borrower("10", "1050");
    let second = first.numbered(1);
    let world = &mut setting.world;
    world.open_position(&second)?;
    world.deposit(&second, &sol, sol.atoms("10"))?;
    world.borrow(&second, &usdc, usdc.atoms("100"))?;
    world.pass_cool_off();
    world.set_price(&sol, "125");
    liquidate_as_quoted(world, &liquidator, &first, (&sol, &usdc), Limits::NONE)?;
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &second, &sol, &usdc, Limits::NONE));
    assert_eq!(world.position(&second).state.collaterals()[0].atoms, sol.atoms("10"));
    Ok(())
}
