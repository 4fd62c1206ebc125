//! Compute units, printed: `cargo test --test stories compute_units -- --nocapture`.

use super::common::*;

fn show(name: &str, receipt: &Receipt) {
    // Both compute-budget instructions cost 150 each.
    println!("{name:<34} {:>7} CU {:>5} bytes {:>3} keys", receipt.compute_units - 300, receipt.bytes, receipt.keys);
}

/// Compute units of each instruction of the transaction itself.
fn each(receipt: &Receipt) -> Vec<&str> {
    let mut depth = 0;
    let mut each = Vec::new();
    for line in &receipt.logs {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["Program", _, "invoke", _] => depth += 1,
            ["Program", _, "success"] => depth -= 1,
            ["Program", _, "consumed", units, ..] if depth == 1 => each.push(units),
            _ => {}
        }
    }
    each
}

#[test]
fn compute_units() -> Told {
    for token_2022 in [false, true] {
        println!("{}", if token_2022 { "Token-2022" } else { "SPL Token" });
        let of_kind = |spec: Spec| if token_2022 { spec.token_2022() } else { spec };
        let mut world = World::with_market();
        let sol = world.add(of_kind(Spec::volatile("SOL", "150")));
        let usdc = world.add(of_kind(Spec::stable("USDC", "1")));
        let (lender, liquidator, keeper) = (world.lender(), world.liquidator(), world.person("keeper"));
        for token in [&sol, &usdc] {
            for role in [&lender as &dyn Role, &liquidator, &keeper] {
                world.wallet(role, token);
            }
        }
        show("open_lender", &world.open_lender(&lender, &usdc)?);
        show("supply", &world.supply(&lender, &usdc, usdc.atoms("100000"))?);
        show("fund_insurance", &world.fund_insurance(&keeper, &usdc, 5)?);
        let borrower = world.borrower().numbered(7);
        show("open_position", &world.open_position(&borrower)?);
        show("deposit_collateral", &world.deposit(&borrower, &sol, sol.atoms("100"))?);
        world.advance_with_prices(400);
        show("borrow 1+1, all prices", &world.borrow(&borrower, &usdc, usdc.atoms("10000"))?);
        show("withdraw_collateral with debt", &world.withdraw(&borrower, &sol, sol.atoms("5"))?);
        show("repay", &world.repay(&borrower, &usdc, usdc.atoms("10"))?);
        world.advance_with_prices(400);
        show("refresh_reserves 2", &world.refresh_reserves(&keeper, &[&sol, &usdc])?);
        show("accrue_interest", &world.accrue_interest(&keeper, &usdc)?);
        let loan = world.flash(&keeper, &usdc, usdc.atoms("1000"), &[])?;
        show("flash_borrow and flash_repay", &loan);
        println!("  of which {:?} CU", each(&loan));
        show("redeem", &world.redeem(&lender, &usdc, 1 << 40)?);
        world.set_price(&sol, "128");
        world.refresh_prices();
        let position = &world.position(&borrower);
        let offers = &world.offers(position, None);
        let quote = plimsoll_client::instructions::QuotePosition { position, offers };
        show("quote_position 1+1", &world.ask(quote.instruction().expect("offers fit"))?);
        let quote = plimsoll_client::instructions::QuoteLiquidation {
            position,
            collateral_slot: 0,
            debt_slot: 0,
            repay_max_atoms: ALL,
            offers,
        };
        show("quote_liquidation 1+1", &world.ask(quote.instruction().expect("offers fit"))?);
        show("liquidate 1+1, all prices", &world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?);
        world.set_price(&sol, "40");
        show("liquidate 1+1, terminal, settled", &world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?);
        let quote = plimsoll_client::instructions::QuoteLender { owner: lender.address(), reserve: usdc.reserve };
        show("quote_lender", &world.ask(quote.instruction())?);
        show("repay_recovery", &world.repay_recovery(&keeper, &usdc, usdc.atoms("1000"))?);
        show("supply after loss and recovery", &world.supply(&lender, &usdc, usdc.atoms("1"))?);
        show("supply, nothing to sync", &world.supply(&lender, &usdc, usdc.atoms("1"))?);
        show("claim_recovery", &world.claim_recovery(&lender, &usdc)?);
        world.repay_recovery(&keeper, &usdc, usdc.atoms("1000"))?;
        show("redeem after a recovery", &world.redeem(&lender, &usdc, 1 << 40)?);
        world.repay_recovery(&keeper, &usdc, ALL)?;
        show("claim_recovery, all paid", &world.claim_recovery(&lender, &usdc)?);
        show("close_position", &world.close_position(&borrower)?);
        show("collect_fees", &world.collect_fees(&keeper, &usdc)?);
        world.check_invariants();
    }
    Ok(())
}
