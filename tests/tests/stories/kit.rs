//! The kit itself: an invariant that nothing can break proves nothing.

use super::common::*;
use plimsoll_audit::{changes, Books, Transaction};
use plimsoll_client::accounts::{AccountState, Lender as LenderAccount};
use plimsoll_client::PROGRAM_ID;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::governance::proposals::Role as MarketRole;
use plimsoll_engine::governance::Parameter;
use plimsoll_engine::state::{BackstopProviderState, BackstopState, LenderState, PositionState, ReserveState};
use plimsoll_engine::Now;

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

/// Those that are broken below.
const OF_TRANSACTIONS: [&str; 5] = ["I18", "I19", "I20", "I21", "I22"];

/// Breaks one thing.
type Break = fn(&mut Setting, &Borrower);

#[test]
fn each_broken_invariant_is_noticed_by_its_id() -> Told {
    let breaks: [(&str, Break); 23] = [
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
        ("I23", |setting, _| reserve(setting, |state| state.status = 2)),
        ("I23", |setting, _| reserve(setting, |state| state.initial.initial_bps = state.risk.maintenance_bps)),
        ("I23", |setting, borrower| {
            position(setting, borrower, |state| state.debts[0].provision_shares = Word128::new(u128::MAX));
        }),
        // Each of its three sums.
        ("I17", |setting, _| pool(setting, |state| state.deposit_atoms /= 2)),
        ("I17", |setting, _| provider(setting, |state| state.warming_atoms -= 1)),
        ("I17", |setting, _| pool(setting, |state| state.collaterals[0].atoms /= 2)),
    ];
    let is_broken = |id: &str| breaks.iter().any(|(broken, _)| *broken == id) || OF_TRANSACTIONS.contains(&id);
    let unbroken: Vec<&str> = INVARIANTS.iter().map(|(id, _)| *id).filter(|id| !is_broken(id)).collect();
    assert!(unbroken.is_empty(), "never broken: {unbroken:?}");
    for (id, break_it) in breaks {
        let mut setting = with_pool();
        let borrower = setting.borrower("10", "500");
        setting.world.check_invariants();
        setting.world.check_invariants_at_end(false);
        break_it(&mut setting, &borrower);
        let violations = setting.world.violations();
        let start = format!("{id}: ");
        assert!(violations.iter().any(|violation| violation.starts_with(&start)), "{id} broken, yet {violations:?}");
        assert!(INVARIANTS.iter().any(|(known, _)| *known == id));
    }
    Ok(())
}

/// A transaction as it was, and the accounts around it.
struct Seen {
    before: Books,
    after: Books,
    events: Vec<Event>,
    signers: Vec<Pubkey>,
    now: Now,
}

impl Seen {
    fn of(world: &mut World, signer: &dyn Role, act: impl FnOnce(&mut World) -> Outcome) -> Self {
        let before = world.books();
        let events = act(world).expect("it goes through").events;
        let seen = Self { before, after: world.books(), events, signers: vec![signer.address()], now: world.now() };
        assert_eq!(seen.violations(), Vec::<String>::new());
        seen
    }

    fn violations(&self) -> Vec<String> {
        let transaction = Transaction { events: &self.events, signers: &self.signers, now: self.now };
        changes(&self.before, &self.after, &transaction)
    }

    /// Breaks it, and asserts that exactly this is noticed.
    #[track_caller]
    fn broken(&mut self, id: &str, break_it: impl FnOnce(&mut Self)) {
        let unbroken = (self.before.clone(), self.after.clone(), self.events.clone(), self.signers.clone());
        break_it(self);
        let violations = self.violations();
        let start = format!("{id}: ");
        assert!(!violations.is_empty() && violations.iter().all(|wrong| wrong.starts_with(&start)), "{violations:?}");
        (self.before, self.after, self.events, self.signers) = unbroken;
    }

    /// Takes the signatures away.
    fn unsigned(&mut self) {
        self.signers.clear();
    }
}

#[test]
fn a_liquidation_that_lowers_health_and_a_loss_not_shared_are_noticed() -> Told {
    let mut setting = with_pool();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let (borrower, absorbed) = (setting.borrower("10", "1000"), setting.borrower("1", "100"));
    let world = &mut setting.world;
    for token in [&sol, &usdc] {
        world.wallet(&liquidator, token);
    }
    world.set_price(&sol, "120");
    world.refresh_prices();
    let mut seen =
        Seen::of(world, &liquidator, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
    seen.broken("I18", |seen| {
        let Event::PositionLiquidated(event) = &mut seen.events[0] else { panic!("a liquidation") };
        event.health_after_e9 = event.health_before_e9 - 1;
    });
    seen.broken("I19", |seen| {
        let Event::PositionLiquidated(event) = &mut seen.events[0] else { panic!("a liquidation") };
        event.insurance_atoms += 1;
    });
    // Collateral that left unsold; a debt that grew.
    seen.broken("I20", |seen| seen.events.clear());
    seen.broken("I20", |seen| {
        let debts =
            &mut seen.after.positions.iter_mut().find(|is| is.owner() == borrower.address()).expect("it").state.debts;
        debts[0].shares = Word128::new(debts[0].shares.get() << 1);
    });
    world.set_price(&sol, "105");
    world.refresh_prices();
    let mut seen =
        Seen::of(world, &liquidator, |world| world.backstop_liquidate(&liquidator, &absorbed, &sol, &usdc, 0));
    seen.broken("I18", |seen| {
        let Event::PositionAbsorbed(event) = &mut seen.events[0] else { panic!("a purchase") };
        (event.is_terminal, event.health_after_e9) = (false, event.health_before_e9 - 1);
    });
    // The pool holds more than its cap.
    seen.broken("I22", |seen| seen.after.pools[0].state.collaterals[0].cap_atoms = 1);
    // A provider's deposit that nobody spent.
    seen.unsigned();
    assert_eq!(seen.violations(), Vec::<String>::new());
    seen.broken("I20", |seen| seen.events.clear());
    world.check_invariants();
    Ok(())
}

#[test]
fn what_leaves_without_its_owner_is_noticed() -> Told {
    let mut setting = with_pool();
    let (sol, usdc, lender, provider) =
        (setting.sol.clone(), setting.usdc.clone(), setting.lender.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("10", "500");
    let world = &mut setting.world;
    let mut seen = Seen::of(world, &borrower, |world| world.withdraw(&borrower, &sol, 1));
    seen.broken("I20", Seen::unsigned);
    seen.broken("I22", |seen| {
        let pause = &mut seen.before.markets[0].state.pauses[Pausable::Withdraw as usize];
        pause.paused_until = i64::MAX;
    });
    let mut seen = Seen::of(world, &borrower, |world| world.borrow(&borrower, &usdc, usdc.atoms("1")));
    seen.broken("I20", Seen::unsigned);
    seen.broken("I22", |seen| {
        let reserve = seen.after.reserves.iter_mut().find(|it| it.address == usdc.reserve).expect("it");
        reserve.state.caps.borrow_atoms = 1;
        // Settings that changed unsaid are another invariant's business.
        let was = seen.before.reserves.iter_mut().find(|it| it.address == usdc.reserve).expect("it");
        was.state.caps.borrow_atoms = 1;
    });
    let mut seen = Seen::of(world, &lender, |world| world.redeem(&lender, &usdc, 1 << 40));
    seen.broken("I20", Seen::unsigned);
    let mut seen = Seen::of(world, &provider, |world| world.claim_backstop_gain(&provider, &usdc, &sol));
    seen.broken("I20", Seen::unsigned);
    let mut seen = Seen::of(world, &provider, |world| world.cancel_backstop_deposit(&provider, &usdc));
    seen.broken("I20", Seen::unsigned);
    world.repay(&borrower, &usdc, ALL)?;
    world.withdraw(&borrower, &sol, sol.atoms("10") - 1)?;
    let mut seen = Seen::of(world, &borrower, |world| world.close_position(&borrower));
    seen.broken("I20", Seen::unsigned);
    let mut seen = Seen::of(world, &lender, |world| world.supply(&lender, &usdc, usdc.atoms("1")));
    seen.broken("I22", |seen| {
        let Event::SupplyChanged(event) = &mut seen.events[0] else { panic!("a supply") };
        event.total_assets_atoms = u64::MAX;
    });
    world.check_invariants();
    Ok(())
}

#[test]
fn what_a_role_did_not_sign_is_noticed() -> Told {
    let mut setting = with_pool();
    let (sol, usdc, admin, keeper) =
        (setting.sol.clone(), setting.usdc.clone(), setting.world.admin(), setting.world.person("keeper"));
    let world = &mut setting.world;
    let of = world.parameter(Some(&sol), Parameter::SupplyCap);
    let role = world.parameter(None, Parameter::Guardian);
    let depth = world.reserve(&sol).state.risk_target.depth_atoms;
    let key = plimsoll_engine::governance::ParameterValue(keeper.address().to_bytes());
    Seen::of(world, &admin, |world| world.confirm_depth(&admin, &sol, depth)).broken("I21", Seen::unsigned);
    Seen::of(world, &admin, |world| world.pause(Pausable::Borrow, 60)).broken("I21", Seen::unsigned);
    Seen::of(world, &admin, |world| world.propose(&admin, &of, u64::MAX)).broken("I21", Seen::unsigned);
    Seen::of(world, &admin, |world| world.launch_market(&admin)).broken("I21", Seen::unsigned);
    Seen::of(world, &admin, |world| world.opt_in(&usdc, &sol, 1)).broken("I21", Seen::unsigned);
    // A role needs a promise and its holder.
    world.propose_value(&admin, &role, key)?;
    world.advance_with_prices(172_800);
    world.execute(&keeper, &role)?;
    let mut seen = Seen::of(world, &keeper, |world| world.accept_role(&keeper, MarketRole::Guardian));
    seen.broken("I21", Seen::unsigned);
    seen.broken("I21", |seen| seen.before.markets[0].state.pending_guardian = [0; 32]);
    // A proposal needs to be ripe; a change without one to tighten.
    let mut seen = Seen::of(world, &keeper, |world| world.execute(&keeper, &of));
    seen.broken("I21", |seen| seen.before.proposals.clear());
    seen.broken("I21", |seen| seen.now.unix -= 1 << 30);
    seen.now = world.now();
    let mut seen = Seen::of(world, &admin, |world| world.tighten(&admin, &of, sol.atoms("50")));
    seen.broken("I21", Seen::unsigned);
    seen.broken("I21", |seen| seen.events.clear());
    // Terms in force take steps.
    world.advance_with_prices(3_600);
    let mut seen = Seen::of(world, &keeper, |world| world.refresh_reserves(&keeper, &[&sol]));
    seen.broken("I21", |seen| {
        let reserve = seen.after.reserves.iter_mut().find(|it| it.address == sol.reserve).expect("it");
        reserve.state.risk.maintenance_bps -= 9;
    });
    seen.broken("I21", |seen| seen.after.markets[0].state.treasury = [7; 32]);
    world.check_invariants();
    Ok(())
}
