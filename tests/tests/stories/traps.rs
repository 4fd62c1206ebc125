//! Traps that others fell into, where no other story shows that this program does not. `docs/threat-model.md` has them all.

use std::path::{Path, PathBuf};

use super::common::*;
use plimsoll_testkit::{refused, Price};

/// What the token program says of a frozen account.
const TOKEN_ACCOUNT_FROZEN: u32 = 17;

/// Publishes a token's price now, with an average of its own.
fn publish(world: &mut World, token: &Token, spot: &str, average: &str) {
    world.set_price(token, average);
    let calm = world.price(token);
    world.publish(token, Price { spot: plimsoll_testkit::dollars(spot), ..calm });
}

/// Opens somebody's wallets beforehand: a refusal that opened one would have changed something.
fn open_wallets(world: &mut World, role: &impl Role, tokens: &[&Token]) {
    for token in tokens {
        world.wallet(role, token);
    }
}

#[test]
fn the_price_that_triggers_a_liquidation_is_the_price_that_pays() -> Told {
    let mut setting = setting();
    let borrower = setting.borrower("100", "9000");
    let Setting { mut world, sol, usdc, liquidator, .. } = setting;
    open_wallets(&mut world, &liquidator, &[&sol, &usdc]);
    world.refresh_prices();
    publish(&mut world, &sol, "150", "100");
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));

    world.advance(1);
    world.refresh_prices();
    publish(&mut world, &sol, "110", "150");
    let receipt = world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation: {receipt:?}") };
    assert_eq!(event.seized_price.price, plimsoll_testkit::dollars("110").unsigned_abs(), "spot, not the average");
    // In nano-dollars: SOL has nine decimals, USDC six.
    let seized = u128::from(event.seize_atoms) * 110;
    let paid_for = u128::from(event.repay_atoms) * 1_000 * u128::from(event.gross_factor_e9) / u128::from(ONE_E9);
    // The event's factor is cut to 1e-9.
    assert!(seized.abs_diff(paid_for) < 10_000, "{seized} for {paid_for} at spot");
    world.check_invariants();
    Ok(())
}

#[test]
fn shares_are_never_taken_for_the_tokens_behind_them() -> Told {
    let Setting { mut world, sol, usdc, lender, .. } = setting();
    // SOL is lent for a year, so that a share of it is no longer worth what it was.
    world.supply(&lender, &sol, sol.atoms("100"))?;
    let renter = world.borrower();
    world.deposit(&renter, &usdc, usdc.atoms("100000"))?;
    world.borrow(&renter, &sol, sol.atoms("90"))?;
    let owner = world.borrower();
    world.deposit(&owner, &sol, sol.atoms("10"))?;
    world.borrow(&owner, &usdc, usdc.atoms("100"))?;
    world.advance_with_prices(365 * 86_400);
    world.accrue_interest(&lender, &sol)?;
    let lent = world.reserve(&sol).state;
    assert!(lent.assets_atoms() > sol.atoms("103"), "interest was earned: {}", lent.assets_atoms());

    // Collateral is atoms of the token, and has no part in it.
    let quote = world.quote_position(&owner);
    assert_eq!(quote.collateral_nano_usd / 1_000, 10 * 150 * DOLLAR / 1_000 - 1, "ten SOL, rounded down");
    world.repay(&owner, &usdc, ALL)?;
    let before = world.purse(&owner, &sol);
    world.refuses(PlimsollError::AmountExceedsBalance, |world| world.withdraw(&owner, &sol, sol.atoms("10") + 1));
    world.withdraw(&owner, &sol, sol.atoms("10"))?;
    assert_eq!(world.purse(&owner, &sol) - before, sol.atoms("10"));

    // And as many shares as there are atoms in a SOL are a millionth of a SOL.
    let before = world.purse(&lender, &sol);
    world.redeem(&lender, &sol, u128::from(sol.atoms("1")))?;
    assert!(world.purse(&lender, &sol) - before < sol.atoms("0.000002"));
    world.check_invariants();
    Ok(())
}

#[test]
fn collateral_in_a_frozen_vault_does_not_block_a_settlement() -> Told {
    for spec in [Spec::volatile("GRAIN", "1"), Spec::volatile("GRAIN", "1").token_2022()] {
        let mut setting = setting();
        let borrower = setting.borrower("100", "10500");
        let Setting { mut world, sol, usdc, liquidator, .. } = setting;
        let grain = world.add(spec);
        world.deposit(&borrower, &grain, grain.atoms("0.9"))?;
        let vault = grain.vault(Vault::Collateral);
        open_wallets(&mut world, &liquidator, &[&grain, &usdc]);
        world.freeze(&vault, &grain);
        world.set_price(&sol, "50");
        world.refresh_prices();
        liquidate_as_quoted(&mut world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
        // Nobody can take the rest,
        for act in [
            |world: &mut World, who: &Liquidator, whose: &Borrower, grain: &Token, usdc: &Token| {
                world.liquidate(who, whose, grain, usdc, Limits::NONE)
            },
            |world: &mut World, _: &Liquidator, whose: &Borrower, grain: &Token, _: &Token| {
                world.deposit(whose, grain, 1)
            },
        ] {
            world.refuses(TOKEN_ACCOUNT_FROZEN, |world| act(world, &liquidator, &borrower, &grain, &usdc));
        }
        // and the loss is booked all the same.
        let receipt = world.settle_default(&liquidator, &borrower)?;
        let Event::DefaultSettled(event) = receipt.event() else { panic!("not a settlement: {receipt:?}") };
        assert_eq!(event.forfeited_atoms, vec![grain.atoms("0.9")]);
        assert_eq!(world.atoms_in(&vault), grain.atoms("0.9"), "no token moved");
        assert_eq!(world.position(&borrower).state.debt_count, 0);
        world.check_invariants();
    }
    Ok(())
}

#[test]
fn a_timestamp_that_was_never_set_counts_no_time() -> Told {
    let mut setting = setting();
    let borrower = setting.borrower("100", "9000");
    let Setting { mut world, sol, usdc, liquidator, .. } = setting;
    open_wallets(&mut world, &liquidator, &[&sol, &usdc]);
    world.advance_with_prices(300 * 86_400);
    let position = world.position(&borrower).state;
    assert_eq!((position.flagged_at, position.called_at, position.defaulted_at), (0, 0, 0));
    world.refuses(PlimsollError::Healthy, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    // It falls for the first time: no auction has run since the beginning of time, and no sale.
    world.set_price(&sol, "110");
    world.refresh_prices();
    let old = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!((old.refusal, old.is_terminal, old.auction_secs), (0, 0, 0), "{old:?}");
    world.flag(&liquidator, &borrower, &sol, &usdc)?;
    let flagged = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!(old.gross_factor_e9, flagged.gross_factor_e9, "the bonus of an auction's first second");
    Ok(())
}

/// A token whose market is a thousandth of the usual one.
fn thin(collateral_cap: &'static str) -> Spec {
    Spec::volatile("THIN", "10").with(move |config| {
        config.risk.depth_atoms /= 1_000;
        config.risk.depth_floor_atoms /= 1_000;
        config.caps.collateral_atoms = collateral_cap.parse::<u64>().expect("whole tokens") * 1_000_000_000;
    })
}

#[test]
fn a_thin_token_that_is_pumped_borrows_no_more_than_its_depth_and_its_average_allow() -> Told {
    let Setting { mut world, usdc, .. } = setting();
    refused(world.try_add(thin("150")).1, PlimsollError::CapTooLargeForDepth);
    let token = world.add(thin("15"));
    let pumper = world.borrower();
    world.deposit(&pumper, &token, token.atoms("15"))?;
    world.refuses(PlimsollError::CollateralCapExceeded, |world| world.deposit(&pumper, &token, 1));
    world.borrow(&pumper, &usdc, usdc.atoms("5"))?;
    let calm = world.quote_position(&pumper).debts[0].borrow_max_atoms;

    // Tenfold at once: the average has not followed.
    publish(&mut world, &token, "100", "10");
    world.refuses(PlimsollError::PriceOffAverage, |world| world.borrow(&pumper, &usdc, 1));
    // A tenth at a time: what the average says counts.
    publish(&mut world, &token, "11", "10");
    let pumped = world.quote_position(&pumper).debts[0].borrow_max_atoms;
    assert!(0 < pumped && pumped <= calm, "{pumped} of {calm}");
    // Held up until the average believes it: the cap is in tokens, and bounds what all of it borrows.
    publish(&mut world, &token, "100", "100");
    let believed = world.quote_position(&pumper).debts[0].borrow_max_atoms;
    assert!(
        believed <= usdc.atoms("1125"),
        "{believed}: three quarters of 15 tokens at 100 USD, of a pool of a million"
    );
    world.refuses(PlimsollError::InitialHealthTooLow, |world| world.borrow(&pumper, &usdc, usdc.atoms("1125")));
    Ok(())
}

/// Every Rust source below a folder, as one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).expect("a source"));
        }
    }
}

/// Names of tests in a document: words between backticks with at least three underscores.
fn tests_named_in(document: &str) -> Vec<&str> {
    let words = document.split('`').skip(1).step_by(2);
    let is_name = |word: &&str| {
        word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    words.filter(is_name).filter(|word| word.matches('_').count() >= 3).collect()
}

#[test]
fn every_test_that_a_document_names_exists() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut text = String::new();
    for folder in ["tests/tests", "crates/engine/tests", "crates/engine/src", "programs/plimsoll/src"] {
        sources(&root.join(folder), &mut text);
    }
    let mut missing = Vec::new();
    for (file, at_least) in
        [("docs/threat-model.md", 40), ("docs/invariants.md", 25), ("docs/tokens.md", 1), ("docs/oracle.md", 1)]
    {
        let document = std::fs::read_to_string(root.join(file)).expect("a document");
        let named = tests_named_in(&document);
        assert!(named.len() >= at_least, "{file} names {}", named.len());
        missing.extend(
            named.iter().filter(|name| !text.contains(&format!("fn {name}("))).map(|name| format!("{file}: {name}")),
        );
    }
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}

#[test]
fn the_program_file_says_where_to_report_a_flaw() {
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/deploy/plimsoll.so")).expect("a program");
    let text = solana_security_txt::find_and_parse(&file).expect("a security.txt");
    assert_eq!((text.name.as_str(), text.auditors), ("Plimsoll", vec!["none".to_string()]));
    assert!(text.policy.starts_with("SECURITY.md"), "{}", text.policy);
}
