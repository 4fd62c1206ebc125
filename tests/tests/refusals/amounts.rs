//! Zero, more than there is, more than fits, and less than the caller wanted.

use super::common::*;

#[test]
fn zero_amounts_are_refused_everywhere() {
    let cases: [(&str, Action); 9] = [
        ("supply", |scene| scene.supply(0)),
        ("redeem", |scene| scene.redeem(0)),
        ("redeem of shares worth less than an atom", |scene| scene.redeem(1)),
        ("deposit", |scene| scene.deposit(0)),
        ("withdraw", |scene| scene.withdraw(0)),
        ("borrow", |scene| scene.borrow(0)),
        ("repay", |scene| scene.repay(0)),
        ("liquidate", |scene| scene.liquidate(Limits::repay_max(0))),
        ("fund insurance", |scene| scene.fund(0)),
    ];
    for make in [Scene::new, Scene::unhealthy] {
        let mut scene = make();
        for (case, action) in cases {
            scene.refuses_case(case, PlimsollError::ZeroAmount, action);
        }
    }
}

#[test]
fn zero_is_refused_in_a_debt_free_position_too() {
    let mut scene = Scene::new();
    scene.repay(u64::MAX).expect("a repayment");
    scene.refuses(PlimsollError::ZeroAmount, |scene| scene.withdraw(0));
    scene.refuses(PlimsollError::ZeroAmount, |scene| scene.deposit(0));
    scene.refuses(PlimsollError::ZeroAmount, |scene| scene.borrow(0));
}

/// SPL Token and Token-2022 refuse with the same number.
fn scenes_of_both_token_programs() -> [Scene; 2] {
    let of_2022 = Scene::with(Spec::volatile("SOL", "150").token_2022(), Spec::stable("USDC", "1").token_2022());
    [Scene::new(), of_2022]
}

#[test]
fn more_than_the_wallet_holds_is_refused_by_the_token_program() {
    for mut scene in scenes_of_both_token_programs() {
        let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
        let poor = scene.world.person("poor");
        let poor = scene.with_wallet(poor, &sol, 10);
        let poor = scene.with_wallet(poor, &usdc, 10);
        scene.world.open_lender(&poor, &usdc).expect("a lender account");

        scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| {
            let reserve = &scene.world.reserve(&usdc);
            let owner = poor.address();
            let supply = ix::Supply { owner, reserve, owner_liquidity: None, amount_atoms: 11, shares_min: 0 };
            scene.world.send(&[supply.instruction()], &[&poor])
        });
        scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| scene.world.deposit_for(&poor, &borrower, &sol, 11));
        scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| scene.world.repay_for(&poor, &borrower, &usdc, 11));
        scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| scene.world.fund_insurance(&poor, &usdc, 11));
        scene.world.repay_for(&poor, &borrower, &usdc, 10).expect("what the wallet holds can be paid");
    }
}

#[test]
fn a_liquidator_who_cannot_pay_repayment_and_fee_is_refused_by_the_token_program() {
    for mut scene in scenes_of_both_token_programs() {
        scene.price_sol("110");
        let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
        let quote = scene.world.quote_liquidation(&borrower, &sol, &usdc, u64::MAX);
        assert!(quote.refusal == 0 && quote.fee_atoms > 0, "{quote:?}");
        let poor = scene.world.liquidator();
        let poor = scene.with_wallet(poor, &sol, 0);
        let poor = scene.with_wallet(poor, &usdc, quote.repay_atoms + quote.fee_atoms - 1);
        scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| {
            scene.world.liquidate(&poor, &borrower, &sol, &usdc, Limits::NONE)
        });
        let wallet = scene.world.wallet(&poor, &usdc);
        scene.world.mint(&wallet, &usdc, 1);
        scene.world.liquidate(&poor, &borrower, &sol, &usdc, Limits::NONE).expect("the exact sum is enough");
        scene.world.check_invariants();
    }
}

#[test]
fn more_collateral_than_the_position_holds_is_refused() {
    let mut scene = Scene::new();
    let all = scene.sol.atoms("100");
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.withdraw(all + 1));
    scene.repay(u64::MAX).expect("a repayment");
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.withdraw(all + 1));
    scene.withdraw(all).expect("all of it");
}

#[test]
fn another_positions_collateral_cannot_be_withdrawn_however_much_the_vault_holds() {
    let mut scene = Scene::new();
    let sol = scene.sol.clone();
    let rich = scene.world.borrower();
    scene.world.deposit(&rich, &sol, sol.atoms("1000")).expect("a deposit");
    scene.repay(u64::MAX).expect("a repayment");
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.withdraw(sol.atoms("100") + 1));
}

#[test]
fn more_shares_than_the_lender_has_are_refused() {
    let mut scene = Scene::new();
    let (usdc, lender) = (scene.usdc.clone(), scene.lender.clone());
    // Another lender's shares are in the reserve, and still not one's own.
    let other = scene.world.lender();
    scene.world.supply(&other, &usdc, usdc.atoms("500000")).expect("a supply");
    let own = scene.world.lender_account(&lender, &usdc).state.shares.get();
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.redeem(own + 1));
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.redeem(u128::MAX));
    scene.redeem(own).expect("all of them");
}

#[test]
fn repaying_more_than_is_owed_pays_what_is_owed() {
    let mut scene = Scene::new();
    let (usdc, borrower) = (scene.usdc.clone(), scene.borrower.clone());
    let (owed, purse) = (scene.owed(), scene.world.purse(&borrower, &usdc));
    scene.repay(owed + 1).expect("a repayment");
    assert_eq!(purse - scene.world.purse(&borrower, &usdc), owed);
    assert_eq!(scene.world.position(&borrower).state.debt_count, 0);
    scene.refuses(PlimsollError::SlotNotOpen, |scene| scene.repay(1));
    scene.world.check_invariants();
}

#[test]
fn more_than_the_reserve_has_in_cash_is_refused() {
    let mut scene = Scene::new();
    let (usdc, lender) = (scene.usdc.clone(), scene.lender.clone());
    let cash = scene.world.reserve(&usdc).state.cash_atoms;
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.borrow(cash + 1));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.borrow(u64::MAX));
    // 9,000 of the 900,000 are lent out: not everything can be redeemed at once.
    let own = scene.world.lender_account(&lender, &usdc).state.shares.get();
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.redeem(own));
    // Insurance lies in the same vault and is not lent or redeemed.
    scene.fund(usdc.atoms("100000")).expect("insurance");
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.redeem(own));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.borrow(cash + 1));
    // Neither is a donation.
    let stranger = scene.stranger.clone();
    scene.world.donate(&stranger, &usdc, Vault::Liquidity, usdc.atoms("100000"));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.redeem(own));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.borrow(cash + 1));
}

#[test]
fn overflow_sized_amounts_are_refused_by_name() {
    let most = u64::MAX;
    let mut scene = Scene::new();
    scene.fund(1).expect("insurance");
    scene.refuses(PlimsollError::AmountTooLarge, |scene| scene.supply(most));
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.redeem(u128::MAX));
    scene.refuses(PlimsollError::AmountTooLarge, |scene| scene.deposit(most));
    scene.refuses(PlimsollError::AmountExceedsBalance, |scene| scene.withdraw(most));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.borrow(most));
    scene.refuses(PlimsollError::AmountTooLarge, |scene| scene.fund(most));
    scene.price_sol("110");
    let both = Limits { repay_max_atoms: most, seize_min_atoms: most };
    scene.refuses(PlimsollError::SeizeBelowMin, |scene| scene.liquidate(both));
    scene.repay(most).expect("the largest number repays all");
}

#[test]
fn overflow_sized_amounts_are_refused_in_empty_ledgers_too() {
    let mut scene = Scene::new();
    let unlimited = |config: &mut plimsoll_engine::state::ReserveConfig| {
        config.caps.supply_atoms = u64::MAX;
        config.caps.borrow_atoms = u64::MAX;
    };
    let (capped, open) =
        (scene.add(Spec::volatile("CAPPED", "10")), scene.add(Spec::volatile("OPEN", "10").with(unlimited)));
    let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
    for token in [&capped, &open] {
        scene.world.open_lender(&lender, token).expect("a lender account");
    }
    scene.refuses(PlimsollError::SupplyCapExceeded, |scene| scene.world.supply(&lender, &capped, u64::MAX));
    scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| scene.world.supply(&lender, &open, u64::MAX));
    scene.refuses(PlimsollError::CollateralCapExceeded, |scene| scene.world.deposit(&borrower, &capped, u64::MAX));
    scene.refuses(TOKEN_INSUFFICIENT_FUNDS, |scene| scene.world.fund_insurance(&lender, &open, u64::MAX));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.world.borrow(&borrower, &open, u64::MAX));
}

#[test]
fn a_supply_for_fewer_shares_than_wanted_is_refused() {
    let mut scene = Scene::new();
    let (usdc, lender) = (scene.usdc.clone(), scene.lender.clone());
    let atoms = usdc.atoms("100");
    let mut reserve = scene.world.reserve(&usdc).state;
    reserve.accrue(scene.world.unix());
    let shares = reserve.supply_shares_floor(atoms).expect("shares");
    for too_many in [shares + 1, u128::MAX] {
        scene.refuses(PlimsollError::SharesBelowMin, |scene| {
            scene.world.supply_at_least(&lender, &usdc, atoms, too_many)
        });
    }
    scene.world.supply_at_least(&lender, &usdc, atoms, shares).expect("exactly as many as wanted");
}

#[test]
fn a_redemption_for_fewer_atoms_than_wanted_is_refused() {
    let mut scene = Scene::new();
    let (usdc, lender) = (scene.usdc.clone(), scene.lender.clone());
    let shares = scene.world.lender_account(&lender, &usdc).state.shares.get() / 10;
    let mut reserve = scene.world.reserve(&usdc).state;
    reserve.accrue(scene.world.unix());
    let atoms = reserve.supply_atoms_floor(shares);
    for too_many in [atoms + 1, u64::MAX] {
        scene.refuses(PlimsollError::AssetsBelowMin, |scene| {
            scene.world.redeem_at_least(&lender, &usdc, shares, too_many)
        });
    }
    scene.world.redeem_at_least(&lender, &usdc, shares, atoms).expect("exactly as many as wanted");
}

#[test]
fn a_liquidation_that_seizes_less_than_wanted_is_refused() {
    let mut scene = Scene::unhealthy();
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
    let quote = scene.world.quote_liquidation(&borrower, &sol, &usdc, u64::MAX);
    for too_many in [quote.seize_atoms + 1, u64::MAX] {
        scene.refuses(PlimsollError::SeizeBelowMin, |scene| scene.liquidate(Limits::seize_min(too_many)));
    }
    // A bound on the repayment lowers what is seized.
    let half = Limits { repay_max_atoms: quote.repay_atoms / 2, seize_min_atoms: quote.seize_atoms };
    scene.refuses(PlimsollError::SeizeBelowMin, |scene| scene.liquidate(half));
    scene.liquidate(Limits::seize_min(quote.seize_atoms)).expect("exactly as much as wanted");
}

#[test]
fn a_supply_beyond_the_cap_is_refused_and_up_to_it_accepted() {
    let mut scene = Scene::new();
    let token = scene.add(Spec::stable("CAPPED", "1").with(|config| config.caps.supply_atoms = 1_000_000_000));
    let lender = scene.lender.clone();
    scene.world.open_lender(&lender, &token).expect("a lender account");
    scene.refuses(PlimsollError::SupplyCapExceeded, |scene| scene.world.supply(&lender, &token, 1_000_000_001));
    scene.world.supply(&lender, &token, 1_000_000_000).expect("the cap itself");
    scene.refuses(PlimsollError::SupplyCapExceeded, |scene| scene.world.supply(&lender, &token, 1));
    // A donation is no supply, and makes no room.
    scene.world.donate(&lender, &token, Vault::Liquidity, 5);
    scene.refuses(PlimsollError::SupplyCapExceeded, |scene| scene.world.supply(&lender, &token, 1));
}

#[test]
fn a_borrow_beyond_the_cap_is_refused_and_up_to_it_accepted() {
    let mut scene = Scene::new();
    let token = scene.add(Spec::stable("CAPPED", "1").with(|config| config.caps.borrow_atoms = 100_000_000));
    let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
    scene.world.supply(&lender, &token, token.atoms("1000")).expect("a supply");
    scene.refuses(PlimsollError::BorrowCapExceeded, |scene| scene.world.borrow(&borrower, &token, 100_000_001));
    scene.world.borrow(&borrower, &token, 100_000_000).expect("the cap itself");
    scene.refuses(PlimsollError::BorrowCapExceeded, |scene| scene.world.borrow(&borrower, &token, 1));
    let other = scene.world.borrower();
    let sol = scene.sol.clone();
    scene.world.deposit(&other, &sol, sol.atoms("10")).expect("a deposit");
    scene.world.wallet(&other, &token);
    scene.refuses(PlimsollError::BorrowCapExceeded, |scene| scene.world.borrow(&other, &token, token.atoms("10")));
}

#[test]
fn a_deposit_beyond_the_cap_is_refused_and_up_to_it_accepted() {
    let mut scene = Scene::new();
    let token = scene.add(Spec::volatile("CAPPED", "10").with(|config| config.caps.collateral_atoms = 1_000));
    let (borrower, other) = (scene.borrower.clone(), scene.world.borrower());
    scene.world.wallet(&other, &token);
    scene.refuses(PlimsollError::CollateralCapExceeded, |scene| scene.world.deposit(&borrower, &token, 1_001));
    scene.world.deposit(&borrower, &token, 1_000).expect("the cap itself");
    scene.refuses(PlimsollError::CollateralCapExceeded, |scene| scene.world.deposit(&borrower, &token, 1));
    scene.refuses(PlimsollError::CollateralCapExceeded, |scene| scene.world.deposit(&other, &token, 1));
    scene.world.donate(&borrower, &token, Vault::Collateral, 7);
    scene.refuses(PlimsollError::CollateralCapExceeded, |scene| scene.world.deposit(&other, &token, 1));
}

#[test]
fn a_cap_of_zero_takes_nothing() {
    let mut scene = Scene::new();
    let none = |config: &mut plimsoll_engine::state::ReserveConfig| {
        (config.caps.supply_atoms, config.caps.borrow_atoms, config.caps.collateral_atoms) = (0, 0, 0);
    };
    let token = scene.add(Spec::stable("NONE", "1").with(none));
    let (lender, borrower) = (scene.lender.clone(), scene.borrower.clone());
    scene.world.open_lender(&lender, &token).expect("a lender account");
    scene.refuses(PlimsollError::SupplyCapExceeded, |scene| scene.world.supply(&lender, &token, 1));
    scene.refuses(PlimsollError::CollateralCapExceeded, |scene| scene.world.deposit(&borrower, &token, 1));
    scene.refuses(PlimsollError::InsufficientLiquidity, |scene| scene.world.borrow(&borrower, &token, 1));
}

#[test]
fn there_are_no_fees_to_collect_where_none_were_earned() {
    let mut scene = Scene::new();
    let (sol, stranger) = (scene.sol.clone(), scene.stranger.clone());
    scene.refuses(PlimsollError::ZeroAmount, |scene| scene.world.collect_fees(&stranger, &sol));
}

#[test]
fn a_closed_reserve_takes_no_supply_and_lends_nothing() {
    let mut scene = Scene::new();
    let usdc = scene.usdc.clone();
    scene.edit_reserve(&usdc, |reserve| reserve.status = plimsoll_engine::state::RESERVE_CLOSED);
    scene.refuses(PlimsollError::ReserveClosed, |scene| scene.supply(1));
    scene.refuses(PlimsollError::ReserveClosed, |scene| scene.borrow(1));
    scene.repay(1).expect("a debt can be repaid");
    scene.redeem(1 << 30).expect("shares can be redeemed");
}
