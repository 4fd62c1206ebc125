//! The outflow limit: what leaves a reserve and when, what a freeze costs, what a broken price costs; and pauses.

use super::common::*;
use rand::{rngs::StdRng, Rng, SeedableRng};

const DAY: i64 = 86_400;
/// The limit of USDC here, over a day.
const LIMIT: &str = "100000";

/// The market, with a limit of 100,000 USDC a day of the million that was supplied; that is a day ago, and forgotten.
fn limited() -> Setting {
    let mut setting = limited_now();
    setting.world.advance_with_prices(DAY);
    setting
}

/// The same in the moment of the supply.
fn limited_now() -> Setting {
    let usdc = Spec::stable("USDC", "1").with(|config| {
        (config.caps.outflow_atoms, config.caps.outflow_secs) = (100_000_000_000, 86_400);
    });
    setting_of(market(), Spec::volatile("SOL", "150"), usdc)
}

impl Setting {
    /// A borrower with so much SOL and a little debt, which the bucket has forgotten.
    fn indebted(&mut self, sol: &str) -> Borrower {
        let borrower = self.borrower(sol, "20");
        self.world.advance_with_prices(DAY);
        borrower
    }

    /// Most that a lender may redeem now.
    fn redeem_max(&mut self, lender: &Lender) -> u64 {
        self.world.quote_lender(lender, &self.usdc).redeem_max_atoms
    }

    /// Most that a borrower may borrow now.
    fn borrow_max(&mut self, borrower: &Borrower) -> u64 {
        self.world.quote_position(borrower).debts[0].borrow_max_atoms
    }

    /// The fewest shares that pay so many atoms now.
    fn shares_for(&self, atoms: u64) -> u128 {
        let (state, unix) = (self.world.reserve(&self.usdc).state, self.world.unix());
        let (mut low, mut high) = (0, state.supply_shares.get());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let is_enough = state.projected_redeemable_atoms(middle, unix) >= atoms;
            (low, high) = if is_enough { (low, middle) } else { (middle, high) };
        }
        high
    }

    /// A lender redeems so many atoms.
    fn redeem(&mut self, lender: &Lender, atoms: u64) -> Outcome {
        let shares = self.shares_for(atoms);
        let outcome = self.world.redeem(lender, &self.usdc, shares);
        if let Ok(receipt) = &outcome {
            let Event::SupplyChanged(event) = receipt.event() else { panic!("{receipt:?}") };
            assert_eq!(event.atoms, atoms);
            self.world.check_invariants();
        }
        outcome
    }

    /// A lender may redeem exactly so much, and an atom more is refused for the limit.
    #[track_caller]
    fn may_redeem(&mut self, lender: &Lender, atoms: u64) {
        assert_eq!(self.redeem_max(lender), atoms);
        let (shares, usdc) = (self.shares_for(atoms + 1), self.usdc.clone());
        self.world.refuses(PlimsollError::OutflowLimited, |world| world.redeem(lender, &usdc, shares));
        let mut what_if = self.world.clone();
        if atoms > 0 {
            what_if.redeem(lender, &usdc, self.shares_for(atoms)).expect("what is quoted");
        }
    }

    /// The same of a borrower.
    #[track_caller]
    fn may_borrow(&mut self, borrower: &Borrower, atoms: u64) {
        assert_eq!(self.borrow_max(borrower), atoms);
        let usdc = self.usdc.clone();
        self.world.refuses(PlimsollError::OutflowLimited, |world| world.borrow(borrower, &usdc, atoms + 1));
        let mut what_if = self.world.clone();
        if atoms > 0 {
            what_if.borrow(borrower, &usdc, atoms).expect("what is quoted");
        }
    }

    /// What the limit lets through in so many seconds.
    fn leaked(&self, secs: i64) -> u64 {
        self.usdc.atoms(LIMIT) * u64::try_from(secs).expect("forward") / 86_400
    }
}

#[test]
fn lenders_redeem_up_to_the_limit_and_the_room_comes_back_in_a_line() -> Told {
    let mut setting = limited();
    let (lender, all) = (setting.lender.clone(), setting.usdc.atoms(LIMIT));
    setting.may_redeem(&lender, all);
    setting.redeem(&lender, all)?;
    setting.may_redeem(&lender, 0);
    let full_at = setting.world.unix();
    for secs in [1, 59, 864, 3_600, 43_200, DAY - 1] {
        setting.world.advance(full_at + secs - setting.world.unix());
        let room = setting.leaked(secs);
        setting.may_redeem(&lender, room);
    }
    setting.world.advance(2 * DAY);
    setting.may_redeem(&lender, all);
    Ok(())
}

#[test]
fn borrowers_fill_half_and_lenders_can_leave_when_borrowers_no_longer_can() -> Told {
    let mut setting = limited();
    let (lender, usdc) = (setting.lender.clone(), setting.usdc.clone());
    let borrower = setting.indebted("2000");
    let half = usdc.atoms(LIMIT) / 2;
    setting.may_borrow(&borrower, half);
    setting.world.borrow(&borrower, &usdc, half)?;
    setting.may_borrow(&borrower, 0);
    setting.may_redeem(&lender, half);
    setting.redeem(&lender, half)?;
    setting.may_redeem(&lender, 0);

    // The bucket is full: lenders have room from the first second on, borrowers when it is half empty.
    setting.world.advance_with_prices(DAY / 2);
    setting.may_borrow(&borrower, 0);
    setting.may_redeem(&lender, half);
    setting.world.advance_with_prices(DAY / 4);
    setting.may_borrow(&borrower, half / 2);

    // A repayment makes room as a supply does.
    setting.world.repay(&borrower, &usdc, usdc.atoms("10000"))?;
    setting.may_borrow(&borrower, half / 2 + usdc.atoms("10000"));
    Ok(())
}

#[test]
fn what_somebody_supplies_may_leave_too_until_it_is_forgotten() -> Told {
    let mut setting = limited_now();
    let (lender, usdc) = (setting.lender.clone(), setting.usdc.clone());
    let [limit, million] = [LIMIT, "1000000"].map(|atoms| usdc.atoms(atoms));
    // In its own moment all of it: less than the limit is left of the allowance afterwards.
    assert_eq!(setting.redeem_max(&lender), million);
    setting.world.advance(DAY);
    setting.may_redeem(&lender, limit);

    let (second, supplied) = (setting.world.lender(), usdc.atoms("30000"));
    setting.world.supply(&second, &usdc, supplied)?;
    let supplied_at = setting.world.unix();
    for (secs, left) in [(0, 30_000), (DAY / 3, 20_000), (DAY / 2, 15_000), (DAY, 0), (3 * DAY, 0)] {
        setting.world.advance(supplied_at + secs - setting.world.unix());
        setting.may_redeem(&lender, limit + left * 1_000_000);
    }
    Ok(())
}

#[test]
fn what_is_quoted_is_exact_to_the_atom_whatever_happens_before() -> Told {
    let mut setting = limited();
    let (lender, usdc) = (setting.lender.clone(), setting.usdc.clone());
    let borrower = setting.indebted("14000");
    let second = setting.world.lender();
    let mut random = StdRng::seed_from_u64(17);
    for _ in 0..40 {
        setting.world.advance_with_prices(random.gen_range(0..DAY / 6));
        let (redeem, borrow) = (setting.redeem_max(&lender), setting.borrow_max(&borrower));
        setting.may_redeem(&lender, redeem);
        setting.may_borrow(&borrower, borrow);
        match random.gen_range(0..4) {
            0 if redeem > 0 => drop(setting.redeem(&lender, random.gen_range(1..=redeem.min(50_000_000_000)))?),
            1 if borrow > 0 => drop(setting.world.borrow(&borrower, &usdc, random.gen_range(1..=borrow))?),
            2 => drop(setting.world.repay(&borrower, &usdc, random.gen_range(1..10_000_000_000))?),
            _ => drop(setting.world.supply(&second, &usdc, random.gen_range(1..20_000_000_000))?),
        }
        setting.world.check_invariants();
    }
    Ok(())
}

#[test]
fn liquidation_and_settlement_neither_wait_for_a_full_bucket_nor_count() -> Told {
    let mut setting = limited();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let (lender, liquidator) = (setting.lender.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10000");
    let rest = setting.redeem_max(&lender);
    setting.redeem(&lender, rest)?;
    setting.may_redeem(&lender, 0);
    let full = setting.world.reserve(&usdc).state.outflow;

    let world = &mut setting.world;
    world.set_price(&sol, "110");
    world.refresh_prices();
    let little = Limits::repay_max(usdc.atoms("100"));
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), little)?;
    world.set_price(&sol, "50");
    world.refresh_prices();
    let all = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    // A rest of half a dollar, too little to be sold and no obstacle to settle.
    let most = Limits::repay_max(all.repay_atoms - usdc.atoms("0.5"));
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), most)?;
    world.settle_default(&liquidator, &borrower)?;
    assert!(!world.position(&borrower).state.has_debt());
    world.check_invariants();
    assert_eq!(world.reserve(&usdc).state.outflow, full, "as it was");
    Ok(())
}

/// Free, and worth nothing: who comes and goes in one moment leaves the bucket as it was, and what others supplied is
/// forgotten no sooner for it.
#[test]
fn nobody_freezes_lenders_by_supplying_and_redeeming_in_circles() -> Told {
    let mut setting = limited();
    let (lender, usdc) = (setting.lender.clone(), setting.usdc.clone());
    let (second, attacker) = (setting.world.lender(), setting.world.lender());
    setting.world.supply(&second, &usdc, usdc.atoms("30000"))?;
    setting.world.advance(DAY / 4);
    let room = setting.redeem_max(&lender);
    assert_eq!(room, usdc.atoms("122500"), "the limit and three quarters of what came in");
    for _ in 0..20 {
        setting.world.supply(&attacker, &usdc, usdc.atoms("900000"))?;
        let shares = setting.world.lender_account(&attacker, &usdc).state.shares.get();
        setting.world.redeem(&attacker, &usdc, shares)?;
    }
    setting.may_redeem(&lender, room);
    setting.world.advance(DAY / 4);
    setting.may_redeem(&lender, usdc.atoms("115000"));
    Ok(())
}

/// What a freeze costs: as much as the limit has to be lent for the time T, or nine times as much for a ninth of it (at the
/// reserve's interest, at its risk), and while it is there all others may take more out, by as much as is left of its
/// allowance. Then it leaves, and the bucket is full. How long that lasts: lenders have room from the next second on, in a
/// line, all of it after T; borrowers none for T/2. To do it again the money must come back first, and with it room for all.
#[test]
fn a_freeze_costs_the_limit_lent_for_its_time_and_thaws_from_the_first_second() -> Told {
    let mut setting = limited();
    let (lender, usdc) = (setting.lender.clone(), setting.usdc.clone());
    let borrower = setting.indebted("2000");
    let (limit, attacker) = (usdc.atoms(LIMIT), setting.world.lender());
    let before = setting.world.clone();
    setting.world.supply(&attacker, &usdc, 9 * limit)?;
    assert_eq!(setting.redeem_max(&lender), 10 * limit, "all that it has");
    setting.world.advance(DAY / 9);
    setting.redeem(&attacker, 9 * limit)?;
    setting.may_redeem(&lender, 0);
    setting.world = before;

    setting.world.supply(&attacker, &usdc, limit)?;
    setting.may_redeem(&lender, 2 * limit);
    // Half the time is worth half the freeze.
    setting.world.advance_with_prices(DAY / 2);
    setting.may_redeem(&lender, limit + limit / 2);
    let mut half = setting.world.clone();
    half.redeem(&attacker, &usdc, setting.shares_for(limit))?;
    assert_eq!(half.quote_lender(&lender, &usdc).redeem_max_atoms, limit / 2);

    setting.world.advance_with_prices(DAY / 2);
    setting.may_redeem(&lender, limit);
    setting.redeem(&attacker, limit)?;
    setting.may_redeem(&lender, 0);
    setting.may_borrow(&borrower, 0);
    let frozen_at = setting.world.unix();
    for (secs, redeem, borrow) in [(DAY / 100, limit / 100, 0), (DAY / 2, limit / 2, 0), (DAY, limit, limit / 2)] {
        setting.world.advance_with_prices(frozen_at + secs - setting.world.unix());
        setting.may_redeem(&lender, redeem);
        setting.may_borrow(&borrower, borrow);
    }
    Ok(())
}

/// By borrowing no more than half the limit and what leaks: `limit * (1/2 + time / T)`, here 75,000 USDC in six hours of the
/// million there is, whatever the collateral is said to be worth.
#[test]
fn a_price_a_hundred_times_too_high_drains_a_slice() -> Told {
    let mut setting = limited();
    let (sol, usdc) = (setting.sol.clone(), setting.usdc.clone());
    let attacker = setting.indebted("100");
    setting.world.set_price(&sol, "15000");
    setting.world.refresh_prices();
    let (mut drained, steps, step) = (0, 24, 900);
    for index in 0..=steps {
        if index > 0 {
            setting.world.advance_with_prices(step);
        }
        let room = setting.borrow_max(&attacker);
        setting.may_borrow(&attacker, room);
        setting.world.borrow(&attacker, &usdc, room)?;
        drained += room;
    }
    let bound = usdc.atoms("75000");
    // Each touch rounds the room down, by less than an atom.
    assert!(drained <= bound && drained + steps >= bound, "{drained}");
    // It owes 75,000 against collateral that is worth 15,000: what it could have taken at once is a million.
    assert!(setting.world.quote_position(&attacker).initial_health_e9 > 9 * ONE_E9);
    setting.world.check_invariants();
    Ok(())
}

#[test]
fn a_pause_of_liquidations_counts_no_auction_time_but_what_the_last_look_vouches_for() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("100", "10500");
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    world.set_price(&sol, "131");
    world.flag(&keeper, &borrower, &sol, &usdc)?;
    for _ in 0..5 {
        world.advance_with_prices(60);
        world.flag(&keeper, &borrower, &sol, &usdc)?;
    }
    assert_eq!(world.quote_position(&borrower).auction_secs, 300);

    world.pause(Pausable::Liquidate, 3_600)?;
    for _ in 0..60 {
        world.refuses(PlimsollError::Paused, |world| world.flag(&keeper, &borrower, &sol, &usdc));
        world
            .refuses(PlimsollError::Paused, |world| world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE));
        world.advance_with_prices(60);
    }
    // An hour has passed: of it a sighting's sixty seconds, those of the look in the second of the pause.
    world.flag(&keeper, &borrower, &sol, &usdc)?;
    assert_eq!(world.position(&borrower).state.auction_secs, 360);
    world.advance_with_prices(60);
    world.flag(&keeper, &borrower, &sol, &usdc)?;
    assert_eq!(world.position(&borrower).state.auction_secs, 420, "and the clock goes on");
    let quote = liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;
    assert_eq!(quote.auction_secs, 420);
    Ok(())
}

#[test]
fn a_recovery_sale_begins_anew_at_the_end_of_a_pause_and_nobody_buys_at_its_end_for_waiting() -> Told {
    let mut setting = setting();
    let (sol, usdc, liquidator) = (setting.sol.clone(), setting.usdc.clone(), setting.liquidator.clone());
    let borrower = setting.borrower("1000", "100000");
    let keeper = setting.world.person("keeper");
    let world = &mut setting.world;
    world.set_price(&sol, "80");
    world.refresh_prices();
    world.mark_default(&keeper, &borrower)?;
    let first = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!((first.refusal, first.is_terminal, first.seize_atoms), (0, 1, sol.atoms("1000")), "{first:?}");
    world.advance_with_prices(900);
    let quarter = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert!(quarter.repay_atoms < first.repay_atoms);

    // Half an hour of a pause, and all but a second of it after a mark that would have fallen to three quarters.
    world.pause(Pausable::Liquidate, 1_800)?;
    world.advance_with_prices(1_799);
    assert_eq!(world.quote_liquidation(&borrower, &sol, &usdc, ALL).refusal, u32::from(PlimsollError::Paused));
    world.advance_with_prices(1);
    let anew = world.quote_liquidation(&borrower, &sol, &usdc, ALL);
    assert_eq!((anew.refusal, anew.repay_atoms), (0, first.repay_atoms), "the first price");
    // From there it falls as from the mark: after a quarter of the auction by a quarter again.
    let mut later = world.clone();
    later.advance_with_prices(900);
    let again = later.quote_liquidation(&borrower, &sol, &usdc, ALL);
    let (fell, falls) = (first.repay_atoms - quarter.repay_atoms, first.repay_atoms - again.repay_atoms);
    assert!(falls.abs_diff(fell) < fell / 20, "{fell} {falls}: the end of the sale is the estimate of its moment");
    liquidate_as_quoted(world, &liquidator, &borrower, (&sol, &usdc), Limits::NONE)?;

    Ok(())
}

#[test]
fn a_pause_ends_by_itself_and_money_comes_back_and_leaves_all_the_while() -> Told {
    let mut setting = setting();
    let (sol, usdc, lender) = (setting.sol.clone(), setting.usdc.clone(), setting.lender.clone());
    let borrower = setting.borrower("100", "5000");
    let world = &mut setting.world;
    for action in Pausable::ALL {
        world.pause(action, 3_600)?;
    }
    let until = world.unix() + 3_600;
    for left in [3_600, 1_800, 1] {
        world.advance_with_prices(until - left - world.unix());
        world.refuses(PlimsollError::Paused, |world| world.supply(&lender, &usdc, 1));
        world.refuses(PlimsollError::Paused, |world| world.borrow(&borrower, &usdc, 1));
        world.refuses(PlimsollError::Paused, |world| world.withdraw(&borrower, &sol, 1));
        world.repay(&borrower, &usdc, usdc.atoms("10"))?;
        world.deposit(&borrower, &sol, sol.atoms("1"))?;
        world.redeem(&lender, &usdc, 1 << 40)?;
        world.check_invariants();
    }
    world.advance_with_prices(1);
    world.supply(&lender, &usdc, 1)?;
    world.borrow(&borrower, &usdc, 1)?;
    world.withdraw(&borrower, &sol, 1)?;
    let keeper = world.person("keeper");
    world.wallet(&keeper, &usdc);
    world.flash(&keeper, &usdc, 1_000, &[])?;
    world.check_invariants();
    Ok(())
}
