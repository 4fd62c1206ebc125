//! The kit itself: an invariant that nothing can break proves nothing.

use super::common::*;
use plimsoll_client::accounts::{AccountState, Lender as LenderAccount};
use plimsoll_client::PROGRAM_ID;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::state::{BackstopProviderState, BackstopState, LenderState, PositionState, ReserveState};

fn corrupt<T: AccountState>(world: &mut World, address: Pubkey, mut state: T, edit: impl FnOnce(&mut T)) {
    edit(&mut state);
    let data = [T::DISCRIMINATOR, bytemuck::bytes_of(&state)].concat();
    world.put_account(address, PROGRAM_ID, data);
}

/// Edits the USDC reserve.
fn reserve(setting: &mut Setting, edit: impl FnOnce(&mut ReserveState)) {
    let account = setting.world.reserve(&setting.usdc);
    corrupt(&mut setting.world, account.address, account.state, edit);
}

fn position(setting: &mut Setting, borrower: &Borrower, edit: impl FnOnce(&mut PositionState)) {
    let account = setting.world.position(borrower);
    corrupt(&mut setting.world, account.address, account.state, edit);
}

/// Edits what the lender has in the USDC reserve.
fn lender(setting: &mut Setting, edit: impl FnOnce(&mut LenderState)) {
    let account: LenderAccount = setting.world.lender_account(&setting.lender, &setting.usdc);
    corrupt(&mut setting.world, account.address, account.state, edit);
}

/// Edits the USDC pool.
fn pool(setting: &mut Setting, edit: impl FnOnce(&mut BackstopState)) {
    let account = setting.world.backstop(&setting.usdc);
    corrupt(&mut setting.world, account.address, account.state, edit);
}

/// Edits what the liquidator has in the USDC pool.
fn provider(setting: &mut Setting, edit: impl FnOnce(&mut BackstopProviderState)) {
    let account = setting.world.backstop_provider(&setting.liquidator, &setting.usdc);
    corrupt(&mut setting.world, account.address, account.state, edit);
}

/// The market with a pool that bought a little: 1,000 USDC of the liquidator's in it and 10 more warming up.
fn with_pool() -> Setting {
    let mut setting = setting();
    let (sol, usdc, provider) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let world = &mut setting.world;
    let policy = plimsoll_engine::state::BackstopPolicy { trigger_health_bps: 9_999, ..backstop_policy() };
    world.create_backstop(&usdc, policy).expect("a pool");
    world.opt_in(&usdc, &sol, sol.atoms("1000")).expect("a collateral");
    world.deposit_backstop(&provider, &usdc, usdc.atoms("1000")).expect("a deposit");
    world.advance_with_prices(14_400);
    world.join_backstop(&provider, &provider, &usdc).expect("a warm deposit");
    world.deposit_backstop(&provider, &usdc, usdc.atoms("10")).expect("a deposit");
    let unhealthy = setting.borrower("1", "100");
    let world = &mut setting.world;
    world.set_price(&sol, "110");
    world.refresh_prices();
    world.backstop_liquidate(&provider, &unhealthy, &sol, &usdc, 0).expect("a purchase");
    world.set_price(&sol, "150");
    world.refresh_prices();
    setting
}

/// Breaks one thing.
type Break = fn(&mut Setting, &Borrower);

#[test]
fn each_broken_invariant_is_noticed_by_its_id() -> Told {
    let breaks: [(&str, Break); 20] = [
        ("I1", |setting, _| {
            let vault = setting.usdc.vault(Vault::Liquidity);
            let mut account = setting.world.svm.get_account(&vault).expect("a vault");
            account.data[64] ^= 1;
            setting.world.svm.set_account(vault, account).expect("an account");
        }),
        ("I2", |setting, _| reserve(setting, |state| state.cash_atoms += 1)),
        ("I3", |setting, _| reserve(setting, |state| state.insurance_collateral_atoms += 1)),
        ("I4", |setting, borrower| position(setting, borrower, |state| state.collaterals[0].atoms -= 1)),
        ("I5", |setting, borrower| position(setting, borrower, |state| state.debts[0].shares.lo ^= 1)),
        ("I6", |setting, _| lender(setting, |state| state.shares = Word128::new(state.shares.get() + 1))),
        ("I7", |setting, borrower| position(setting, borrower, |state| state.collaterals[0].counted_atoms -= 1)),
        ("I8", |setting, borrower| position(setting, borrower, |state| state.collaterals[5].reserved[0] = 1)),
        ("I8", |setting, borrower| {
            position(setting, borrower, |state| {
                state.collaterals[1] = state.collaterals[0];
                state.collateral_count = 2;
            });
        }),
        ("I9", |setting, _| {
            reserve(setting, |state| state.supply_shares = Word128::new(state.supply_shares.get() * 2));
            let keeper = setting.world.person("keeper");
            let usdc = setting.usdc.clone();
            setting.world.accrue_interest(&keeper, &usdc).expect("interest");
        }),
        ("I10", |setting, _| {
            reserve(setting, |state| state.debt_index = Word128::new(state.debt_index.get() - 1));
            let keeper = setting.world.person("keeper");
            let usdc = setting.usdc.clone();
            setting.world.accrue_interest(&keeper, &usdc).expect("interest");
        }),
        ("I11", |setting, _| reserve(setting, |state| state.flash.fee_atoms = 1)),
        ("I12", |setting, _| lender(setting, |state| state.recovered_atoms += 1)),
        // A claim has 48 fractional bits: one atom, where nothing is outstanding.
        ("I13", |setting, _| lender(setting, |state| state.claim = Word128::new(1 << 48))),
        ("I14", |setting, _| {
            reserve(setting, |state| state.provision_shares = Word128::new(state.provision_shares.get() + 1));
        }),
        ("I15", |setting, _| pool(setting, |state| state.deposit_atoms += 1)),
        ("I16", |setting, _| pool(setting, |state| state.collaterals[0].atoms += 1)),
        // Each of its three sums.
        ("I17", |setting, _| pool(setting, |state| state.deposit_atoms /= 2)),
        ("I17", |setting, _| provider(setting, |state| state.warming_atoms -= 1)),
        ("I17", |setting, _| pool(setting, |state| state.collaterals[0].atoms /= 2)),
    ];
    let unbroken: Vec<&str> =
        INVARIANTS.iter().map(|(id, _)| *id).filter(|id| breaks.iter().all(|(broken, _)| broken != id)).collect();
    assert!(unbroken.is_empty(), "never broken: {unbroken:?}");
    for (id, break_it) in breaks {
        let mut setting = with_pool();
        let borrower = setting.borrower("10", "500");
        setting.world.check_invariants();
        break_it(&mut setting, &borrower);
        let violations = setting.world.violations();
        let start = format!("{id}: ");
        assert!(violations.iter().any(|violation| violation.starts_with(&start)), "{id} broken, yet {violations:?}");
        assert!(INVARIANTS.iter().any(|(known, _)| *known == id));
    }
    Ok(())
}
