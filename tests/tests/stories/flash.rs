//! Flash loans: liquidating with nothing, and what happens inside a loan.

use super::common::*;
use plimsoll_client::instructions as ix;

/// Fee of a flash loan in the test market, rounded up: 5 bps.
fn flash_fee(atoms: u64) -> u64 {
    atoms.div_ceil(2_000)
}

/// A setting of any pair of token programs, a borrower to liquidate at a price of 125 USD, and a pool at that price.
fn unhealthy(sol: Spec, usdc: Spec) -> (Setting, Borrower, Pool) {
    let mut setting = setting_of(market(), sol, usdc);
    let borrower = setting.borrower("100", "10500");
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    setting.world.set_price(&sol, "125");
    setting.world.refresh_prices();
    let pool = setting.world.add_pool([(&sol, sol.atoms("10000")), (&usdc, usdc.atoms("1250000"))]);
    (setting, borrower, pool)
}

/// A liquidator with empty wallets.
fn penniless(setting: &mut Setting) -> Liquidator {
    let liquidator = setting.world.liquidator();
    for token in [setting.sol.clone(), setting.usdc.clone()] {
        setting.world.open_wallet(&liquidator.address(), &token);
    }
    liquidator
}

fn liquidated_with_nothing(volatile: Spec, stable: Spec) -> Told {
    let (mut setting, borrower, pool) = unhealthy(volatile, stable);
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), penniless(&mut setting));
    let world = &mut setting.world;
    world.accrue_interest(&liquidator, &usdc)?;
    let before = world.reserve(&usdc).state;
    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let principal = quote.repay_atoms + quote.fee_atoms;
    let owed = principal + flash_fee(principal);
    let proceeds = pool.quote(world, (&sol, &usdc), quote.seize_atoms);
    assert!(proceeds > owed, "the bonus pays for pool and loan: {proceeds} for {owed}");

    let mut rich = world.clone();
    let sale = Swap { amount_in: quote.seize_atoms, amount_out_min: owed };
    let between = [
        world.liquidation(&liquidator, &borrower, &sol, &usdc, Limits::seize_min(quote.seize_atoms)),
        pool.swap(&liquidator, (&sol, &usdc), sale),
    ];
    let receipt = world.flash(&liquidator, &usdc, principal, &between)?;

    assert_eq!(world.balance(&liquidator, &usdc), proceeds - owed, "the profit, in the debt token");
    assert_eq!(world.balance(&liquidator, &sol), 0, "all that was seized was sold");
    let after = world.reserve(&usdc).state;
    assert_eq!(after.insurance_atoms - before.insurance_atoms, quote.fee_atoms + flash_fee(principal), "to the atom");
    assert_eq!(after.cash_atoms - before.cash_atoms, quote.repay_atoms);
    world.check_invariants();

    let [Event::FlashBorrowed(lent), Event::PositionLiquidated(liquidated), Event::FlashRepaid(returned)] =
        &receipt.events[..]
    else {
        panic!("one event each: {receipt:?}")
    };
    assert_eq!((lent.borrower, returned.payer), (liquidator.address(), liquidator.address()));
    assert_eq!((lent.principal_atoms, lent.fee_atoms), (principal, flash_fee(principal)));
    assert_eq!((returned.principal_atoms, returned.fee_atoms), (principal, flash_fee(principal)));
    assert_eq!(lent.cash_atoms, before.cash_atoms - principal);
    assert_eq!((returned.cash_atoms, returned.insurance_atoms), (after.cash_atoms, after.insurance_atoms));
    assert_eq!((lent.sequence, returned.sequence), (before.sequence + 1, before.sequence + 3));
    assert_eq!((liquidated.repay_atoms, liquidated.seize_atoms), (quote.repay_atoms, quote.seize_atoms));

    // Where the tokens came from is nothing to the position, nor to the reserve but for the fee.
    rich.mint(&rich.clone().wallet(&liquidator, &usdc), &usdc, principal);
    rich.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    assert_eq!(rich.position(&borrower).state, world.position(&borrower).state);
    let mut with_own = rich.reserve(&usdc).state;
    with_own.insurance_atoms += flash_fee(principal);
    with_own.sequence += 2;
    assert_eq!(with_own, after);
    Ok(())
}

#[test]
fn a_liquidator_with_nothing_keeps_the_profit_with_the_pool_of_spl_tokens() -> Told {
    liquidated_with_nothing(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"))
}

#[test]
fn a_liquidator_with_nothing_keeps_the_profit_with_the_pool_of_token_2022() -> Told {
    liquidated_with_nothing(Spec::volatile("SOL", "150").token_2022(), Spec::stable("USDC", "1").token_2022())
}

#[test]
fn a_liquidator_with_nothing_keeps_the_profit_with_the_pool_of_both_token_programs() -> Told {
    liquidated_with_nothing(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1").token_2022())
}

#[test]
fn a_loan_that_the_market_does_not_pay_back_changes_nothing_with_the_pool() {
    let (mut setting, borrower, _) = unhealthy(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"));
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), penniless(&mut setting));
    let world = &mut setting.world;
    // A pool at a worse price than the oracle's: less than was lent comes out of it.
    let trap = world.add(Spec::stable("TRAP", "1"));
    let pool = world.add_pool([(&sol, sol.atoms("1000")), (&trap, trap.atoms("1000"))]);
    world.open_wallet(&liquidator.address(), &trap);
    let quote = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let principal = quote.repay_atoms + quote.fee_atoms;
    let liquidation = world.liquidation(&liquidator, &borrower, &sol, &usdc, Limits::NONE);
    let sale = |amount_out_min| Swap { amount_in: quote.seize_atoms, amount_out_min };

    // The token program, at the return.
    let sold = [liquidation.clone(), pool.swap(&liquidator, (&sol, &trap), sale(1))];
    world.refuses(INSUFFICIENT_FUNDS, |world| world.flash(&liquidator, &usdc, principal, &sold));
    // The pool, where the seller named a price.
    let named = [liquidation.clone(), pool.swap(&liquidator, (&sol, &trap), sale(ALL))];
    world.refuses(PoolError::BelowMinimum as u32, |world| world.flash(&liquidator, &usdc, principal, &named));
    // Without a sale at all.
    world.refuses(INSUFFICIENT_FUNDS, |world| world.flash(&liquidator, &usdc, principal, &[liquidation]));
}

/// Refusal of both token programs.
const INSUFFICIENT_FUNDS: u32 = 1;

#[test]
fn the_pool_refuses_what_it_must_with_the_pool() {
    let (mut setting, _, pool) = unhealthy(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"));
    let (sol, usdc, trader) = (setting.sol.clone(), setting.usdc.clone(), setting.world.person("trader"));
    let world = &mut setting.world;
    let other = world.add(Spec::stable("OTHER", "1"));
    for token in [&sol, &usdc, &other] {
        world.wallet(&trader, token);
    }
    let amount_in = sol.atoms("1");
    let out = pool.quote(world, (&sol, &usdc), amount_in);
    let good = pool.swap(&trader, (&sol, &usdc), Swap { amount_in, amount_out_min: out });
    // Another vault of the pool's, of a token that is not in it, and somebody's own account as a vault.
    let stray = pool.vault(&other);
    let own = address_of(&trader, &usdc);
    for (account, key, error) in [
        (1, own, PoolError::WrongAuthority),
        (5, stray, PoolError::WrongVault),
        (5, own, PoolError::WrongVault),
        (7, other.mint, PoolError::WrongAuthority),
        (7, sol.mint, PoolError::WrongMint),
        (9, Kind::Token2022.program(), PoolError::WrongMint),
    ] {
        let mut bad = good.clone();
        bad.accounts[account].pubkey = key;
        world.refuses(error as u32, |world| world.send(&[bad], &[&trader]));
    }
    let mut unsigned = good.clone();
    unsigned.accounts[0].is_signer = false;
    let payer = world.person("payer");
    world.refuses(PoolError::NotSigned as u32, |world| world.send(&[unsigned], &[&payer]));
    for (error, swap) in [
        (PoolError::ZeroAmount, Swap { amount_in: 0, amount_out_min: 0 }),
        (PoolError::ZeroAmount, Swap { amount_in: 1, amount_out_min: 0 }),
        (PoolError::BelowMinimum, Swap { amount_in, amount_out_min: out + 1 }),
    ] {
        let bad = pool.swap(&trader, (&sol, &usdc), swap);
        world.refuses(error as u32, |world| world.send(&[bad], &[&trader]));
    }
    let before = world.balance(&trader, &usdc);
    world.send(&[good], &[&trader]).expect("a swap");
    assert_eq!(world.balance(&trader, &usdc) - before, out, "as computed on the host");
    world.check_invariants();
}

fn address_of(role: &impl Role, token: &Token) -> Pubkey {
    plimsoll_client::address::token_account(&role.address(), &token.mint, &token.kind.program())
}

#[test]
fn a_borrower_closes_a_position_out_of_its_own_collateral_with_the_pool() -> Told {
    let (mut setting, _, pool) = unhealthy(Spec::volatile("SOL", "150"), Spec::stable("USDC", "1"));
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let borrower = setting.borrower("100", "5000");
    let world = &mut setting.world;
    let debt = world.quote_position(&borrower).debts[0].owed_atoms;
    let wallet = world.purse(&borrower, &usdc);

    // The position as it will be once the debt is repaid: no leg to name, no price to offer.
    let mut position = world.position(&borrower);
    position.state.debt_count = 0;
    let withdrawal = ix::WithdrawCollateral {
        position: &position,
        reserve: &world.reserve(&sol),
        owner_collateral: None,
        amount_atoms: sol.atoms("100"),
        offers: &[],
    };
    let repayment = ix::Repay {
        payer: borrower.address(),
        position: position.address,
        reserve: &world.reserve(&usdc),
        payer_liquidity: None,
        amount_atoms_max: ALL,
    };
    let sale = Swap { amount_in: sol.atoms("100"), amount_out_min: debt + flash_fee(debt) };
    let proceeds = pool.quote(world, (&sol, &usdc), sale.amount_in);
    let between = [
        repayment.instruction(),
        withdrawal.instruction().expect("no offers"),
        pool.swap(&borrower, (&sol, &usdc), sale),
    ];
    world.flash(&borrower, &usdc, debt, &between)?;

    let position = world.position(&borrower).state;
    assert_eq!((position.collateral_count, position.debt_count), (0, 0));
    assert_eq!(world.purse(&borrower, &usdc), wallet + proceeds - debt - flash_fee(debt));
    world.check_invariants();
    world.close_position(&borrower)?;
    Ok(())
}

/// Does something in a world and, in another like it, within a loan: the reserve differs by the loan's fee alone. Returns
/// the one within first.
fn within_and_without(
    world: &World,
    (token, principal): (&Token, u64),
    role: &impl Role,
    act: impl Fn(&mut World) -> Instruction,
) -> Result<[(World, Receipt); 2], Box<Refused>> {
    let (mut within, mut without) = (world.clone(), world.clone());
    let instruction = act(&mut without);
    let plain = without.send(&[instruction], &[role])?;
    let between = [act(&mut within)];
    let lent = within.flash(role, token, principal, &between)?;
    let mut expected = without.reserve(token).state;
    expected.insurance_atoms += flash_fee(principal);
    expected.sequence += 2;
    assert_eq!(within.reserve(token).state, expected, "as without a loan, but for its fee");
    Ok([(within, lent), (without, plain)])
}

#[test]
fn a_terminal_liquidation_inside_a_loan_of_all_cash_costs_lenders_no_more_and_closes_nothing() -> Told {
    let mut setting = setting();
    let borrower = setting.borrower("100", "10500");
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    // Next to nothing comes back of the debt. Without the principal, neither would next to nothing be left of the supply.
    setting.world.set_price(&sol, "0.00001");
    setting.world.refresh_prices();
    for token in [&sol, &usdc] {
        setting.world.wallet(&liquidator, token);
    }
    setting.world.accrue_interest(&liquidator, &usdc)?;
    let before = setting.world.reserve(&usdc).state;
    let [(within, lent), (without, plain)] =
        within_and_without(&setting.world, (&usdc, before.cash_atoms), &liquidator, |world| {
            world.liquidation(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
        })?;
    let told = |receipt: &Receipt| {
        let event = receipt.events.iter().find_map(|event| match event {
            Event::PositionLiquidated(event) => Some(event.clone()),
            _ => None,
        });
        let event = event.expect("a liquidation");
        (event.is_terminal, event.written_off_atoms, event.insurance_atoms, event.haircut_atoms)
    };
    assert_eq!(told(&lent), told(&plain));
    assert!(told(&lent).0 && told(&lent).3 > 0, "lenders lose something: {:?}", told(&lent));
    let after = within.reserve(&usdc).state;
    assert_eq!(after.status, plimsoll_engine::state::RESERVE_OPEN);
    assert!(after.assets_atoms() < before.assets_atoms() && after.supply_shares == before.supply_shares);
    assert_eq!(within.position(&borrower).state, without.position(&borrower).state);
    within.check_invariants();
    without.check_invariants();
    Ok(())
}

#[test]
fn a_settlement_inside_a_loan_is_shared_as_without_one() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator, lender) =
        (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone(), setting.lender.clone());
    let usdt = setting.world.add(Spec::stable("USDT", "1"));
    let borrower = setting.world.borrower();
    let world = &mut setting.world;
    world.supply(&lender, &usdt, usdt.atoms("50000"))?;
    world.fund_insurance(&liquidator, &usdc, usdc.atoms("300"))?;
    world.deposit(&borrower, &sol, sol.atoms("100"))?;
    world.borrow(&borrower, &usdc, usdc.atoms("6000"))?;
    world.borrow(&borrower, &usdt, usdt.atoms("4000"))?;
    world.pass_cool_off();
    world.set_price(&sol, "50");
    world.refresh_prices();
    for debt in [&usdc, &usdt] {
        liquidate_as_quoted(world, &liquidator, &borrower, (&sol, debt), Limits::NONE)?;
    }
    world.accrue_interest(&liquidator, &usdc)?;

    let cash = world.reserve(&usdc).state.cash_atoms;
    let [(within, _), (without, _)] = within_and_without(world, (&usdc, cash), &liquidator, |world| {
        let position = &world.position(&borrower);
        ix::SettleDefault { position, offers: &world.offers(position, None) }.instruction().expect("offers fit")
    })?;
    assert_eq!(within.reserve(&usdt).state, without.reserve(&usdt).state, "of the other debt there was no loan");
    assert_eq!(within.position(&borrower).state.debt_count, 0);
    assert_eq!(within.reserve(&usdc).state.insurance_atoms, flash_fee(cash));
    within.check_invariants();
    Ok(())
}

#[test]
fn interest_is_booked_before_a_loan_makes_liquidity_scarce() -> Told {
    let mut setting = setting();
    let borrower = setting.borrower("100", "5000");
    let (usdc, world) = (setting.usdc.clone(), &mut setting.world);
    world.advance_with_prices(86_400);
    // A day's interest at the rate of a reserve without cash would be more than a thousand times as much.
    let most = world.reserve(&usdc).state.cash_atoms - usdc.atoms("10");
    let [(within, _), (without, _)] = within_and_without(world, (&usdc, most), &borrower, |world| {
        let (payer, position) = (borrower.address(), world.position_address(&borrower));
        let reserve = &world.reserve(&usdc);
        ix::Repay { payer, position, reserve, payer_liquidity: None, amount_atoms_max: 1 }.instruction()
    })?;
    assert_eq!(within.position(&borrower).state, without.position(&borrower).state);
    assert!(within.reserve(&usdc).state.debt_index.get() > world.reserve(&usdc).state.debt_index.get());
    within.check_invariants();
    Ok(())
}
