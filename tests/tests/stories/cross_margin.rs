//! Several collaterals and debts in one position.

use super::common::*;

/// A market with eight collaterals and four debts, half of each under Token-2022, both oracle kinds.
struct Wide {
    world: World,
    collaterals: Vec<Token>,
    debts: Vec<Token>,
}

fn wide() -> Wide {
    let mut world = market();
    let collaterals: Vec<Token> = (0..8)
        .map(|i| {
            let spec = Spec::volatile(&format!("C{i}"), "100");
            let spec = if i % 2 == 0 { spec } else { spec.token_2022() };
            world.add(if i % 3 == 0 { spec.push() } else { spec })
        })
        .collect();
    let lender = world.lender();
    let debts: Vec<Token> = (0..4)
        .map(|i| {
            let spec = Spec::stable(&format!("D{i}"), "1");
            let token = world.add(if i % 2 == 0 { spec } else { spec.token_2022() });
            world.supply(&lender, &token, token.atoms("100000")).expect("a supply");
            token
        })
        .collect();
    Wide { world, collaterals, debts }
}

impl Wide {
    /// A borrower with 10 of each collateral, refreshed, and so much of each of the first debts.
    fn borrower(&mut self, debts: usize, amount: &str) -> Borrower {
        let borrower = self.world.borrower();
        for token in &self.collaterals {
            self.world.deposit(&borrower, token, token.atoms("10")).expect("a deposit");
        }
        self.refresh();
        for token in &self.debts[..debts] {
            // Readings are kept and fresh: no price need be offered.
            let outcome = self.world.offering(&[], |world| world.borrow(&borrower, token, token.atoms(amount)));
            outcome.expect("a borrow");
        }
        self.world.pass_cool_off();
        borrower
    }

    fn refresh(&mut self) {
        self.world.advance(1);
        self.world.refresh_prices();
        let everything: Vec<&Token> = self.collaterals.iter().chain(&self.debts).collect();
        let keeper = self.world.person("keeper");
        for tokens in everything.chunks(6) {
            self.world.refresh_reserves(&keeper, tokens).expect("a refresh");
        }
    }

    fn fall(&mut self, number: &str) {
        for token in &self.collaterals {
            self.world.set_price(token, number);
        }
    }
}

#[test]
fn eight_collaterals_and_one_debt_fit_a_transaction_with_every_price() -> Told {
    let mut wide = wide();
    let borrower = wide.borrower(1, "5500");
    wide.fall("83");
    let (seized, repaid) = (wide.collaterals[1].clone(), wide.debts[0].clone());
    let liquidator = wide.world.liquidator();
    wide.world.wallet(&liquidator, &seized);
    wide.world.wallet(&liquidator, &repaid);
    let quote = wide.world.quote_liquidation(&borrower, &seized, &repaid, ALL);
    assert_eq!(quote.refusal, 0, "{quote:?}");

    let receipt = wide.world.liquidate(&liquidator, &borrower, &seized, &repaid, Limits::NONE)?;
    assert_eq!((receipt.bytes, receipt.keys), (1_206, 32), "two token programs, both compute-budget instructions");
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation") };
    assert_eq!((event.repay_atoms, event.seize_atoms), (quote.repay_atoms, quote.seize_atoms));
    println!("liquidate 8+1, all prices: {} compute units", receipt.compute_units);
    wide.world.check_invariants();
    Ok(())
}

#[test]
fn eight_collaterals_and_four_debts_fit_a_transaction_with_two_prices() -> Told {
    let mut wide = wide();
    let borrower = wide.borrower(4, "1350");
    wide.fall("82");
    wide.refresh();
    let (seized, repaid) = (wide.collaterals[5].clone(), wide.debts[2].clone());
    let liquidator = wide.world.liquidator();
    wide.world.wallet(&liquidator, &seized);
    wide.world.wallet(&liquidator, &repaid);
    let receipt = wide.world.offering(&[&seized, &repaid], |world| {
        let quote = world.quote_liquidation(&borrower, &seized, &repaid, ALL);
        assert_eq!(quote.refusal, 0, "{quote:?}");
        world.liquidate(&liquidator, &borrower, &seized, &repaid, Limits::NONE)
    })?;
    assert!(receipt.bytes <= 1_074, "{}", receipt.bytes);
    println!("liquidate 8+4, two prices: {} compute units, {} bytes", receipt.compute_units, receipt.bytes);
    wide.world.check_invariants();
    Ok(())
}

#[test]
fn a_wide_position_is_liquidated_pair_by_pair_until_it_is_healthy() -> Told {
    let mut wide = wide();
    let borrower = wide.borrower(4, "1350");
    wide.fall("77");
    wide.refresh();
    let liquidator = wide.world.liquidator();
    let mut health = 0;
    for index in 0..8 {
        let (seized, repaid) = (wide.collaterals[index].clone(), wide.debts[index % 4].clone());
        let position = wide.world.position(&borrower).state;
        let is_open = position.debt_index(repaid.reserve.as_array()).is_some();
        if !is_open || wide.world.quote_position(&borrower).maintenance_health_e9 >= ONE_E9 {
            continue;
        }
        let world = &mut wide.world;
        let quote = world.offering(&[&seized, &repaid], |world| {
            liquidate_as_quoted(world, &liquidator, &borrower, (&seized, &repaid), Limits::NONE)
        })?;
        assert!(quote.health_before_e9 >= health && quote.health_after_e9 > quote.health_before_e9, "{quote:?}");
        health = quote.health_after_e9;
    }
    assert!(health.abs_diff(TARGET_E9) <= TARGET_SLACK_E9, "{health}");
    Ok(())
}

#[test]
fn a_pair_that_would_not_improve_health_is_refused_and_another_one_does() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let usdt = setting.world.add(Spec::stable("USDT", "1"));
    let world = &mut setting.world;
    let borrower = world.borrower();
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.deposit(&borrower, &usdt, usdt.atoms("500"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("11000"))?;
    world.pass_cool_off();
    // Health near 0.87, still worth more than debt and default bonus: stable collateral (m = 0.9) is not what to sell.
    world.set_price(&sol, "113");
    world.refresh_prices();
    world.wallet(&liquidator, &usdt);
    world.wallet(&liquidator, &usdc);
    let quote = world.quote_liquidation(&borrower, &usdt, &usdc, ALL);
    assert_eq!(quote.refusal, u32::from(PlimsollError::TakeOtherCollateral), "{quote:?}");
    world.refuses(PlimsollError::TakeOtherCollateral, |world| {
        world.liquidate(&liquidator, &borrower, &usdt, &usdc, Limits::NONE)
    });

    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.is_terminal, 0, "{quote:?}");
    assert!(quote.health_after_e9 > quote.health_before_e9, "{quote:?}");
    Ok(())
}
