//! Attacks: no order of redeem, mark, liquidate, settle and repay lets one lender leave at another's cost beyond rounding,
//! or at a cost that is known and stated here.

use super::common::*;
use plimsoll_client::instructions::{MarkDefault, Redeem};
use plimsoll_engine::claims::{CLAIM_BITS, PER_SHARE_BITS};
use plimsoll_engine::fixed::{mul_div_ceil, mul_div_floor};
use plimsoll_engine::provision::PROVISION_LIMIT_BPS;
use plimsoll_engine::shares::{VIRTUAL_ASSETS, VIRTUAL_SHARES};
use plimsoll_engine::state::{LenderState, ReserveState, MAX_COLLATERALS};
use rand::{rngs::StdRng, Rng, SeedableRng};

/// Part of a whole by shares, rounded down.
fn part(atoms: u64, shares: u128, all: u128) -> u64 {
    u64::try_from(mul_div_floor(u128::from(atoms), shares, all).expect("a part")).expect("few atoms")
}

/// All shares of a reserve, the virtual ones too.
fn all_shares(state: &ReserveState) -> u128 {
    state.supply_shares.get() + VIRTUAL_SHARES
}

/// By how much a claim may be wrong (`docs/default.md`), 2^-48 of an atom, rounded up, but for the last line: less than an
/// atom waits until it is a whole one.
fn claim_slack(shares: u128, losses: u128, scales: u128, syncs: u128, payments: u128, outstanding: u64) -> u128 {
    let per_share = shares * (3 * losses + scales + 2 * syncs);
    (per_share >> (PER_SHARE_BITS - CLAIM_BITS)) + 1 + 5 * syncs + ((payments * u128::from(outstanding)) >> 46) + 1
}

/// Lenders of 300,000 and 100,000 USDC, and a borrower who owes 100,000 on 1,000 SOL at 150 USD.
///
/// Nothing here moves the clock but prices and what says so: amounts compared within one second bear no interest.
#[derive(Clone)]
struct Scene {
    world: World,
    sol: Token,
    usdc: Token,
    stayer: Lender,
    runner: Lender,
    liquidator: Liquidator,
    borrower: Borrower,
    keeper: Person,
}

fn scene() -> Scene {
    let mut world = World::with_market();
    let (sol, usdc) = (world.add(Spec::volatile("SOL", "150")), world.add(Spec::stable("USDC", "1")));
    let (stayer, runner, liquidator) = (world.lender(), world.lender(), world.liquidator());
    world.supply(&stayer, &usdc, usdc.atoms("300000")).expect("a supply");
    world.supply(&runner, &usdc, usdc.atoms("100000")).expect("a supply");
    let borrower = world.borrower();
    world.deposit(&borrower, &sol, sol.atoms("1000")).expect("a deposit");
    world.borrow(&borrower, &usdc, usdc.atoms("100000")).expect("a borrow");
    world.pass_cool_off();
    let keeper = world.person("keeper");
    world.wallet(&liquidator, &sol);
    world.wallet(&liquidator, &usdc);
    Scene { world, sol, usdc, stayer, runner, liquidator, borrower, keeper }
}

impl Scene {
    /// SOL is worth 80 USD at once: so much is lost that nobody can overlook it.
    fn fallen() -> Self {
        let mut scene = scene();
        scene.price("80");
        scene
    }

    /// A price of SOL, spot and average alike.
    fn price(&mut self, number: &str) {
        self.world.set_price(&self.sol, number);
        self.world.refresh_prices();
        self.accrue();
    }

    /// Books interest up to now, so that the reserve's state is that of this second.
    fn accrue(&mut self) {
        self.world.accrue_interest(&self.keeper, &self.usdc).expect("interest");
    }

    fn mark(&mut self) -> Outcome {
        self.world.mark_default(&self.keeper, &self.borrower)
    }

    fn state(&self) -> ReserveState {
        self.world.reserve(&self.usdc).state
    }

    fn shares(&self, lender: &Lender) -> u128 {
        self.world.lender_account(lender, &self.usdc).state.shares.get()
    }

    /// What a lender's shares are a part of, atoms.
    fn whole(&self, lender: &Lender) -> u64 {
        self.state().supply_atoms_floor(self.shares(lender))
    }

    /// What a lender would be paid for all its shares, atoms.
    fn net(&self, lender: &Lender) -> u64 {
        self.state().redeemable_atoms_floor(self.shares(lender))
    }

    /// What is recovered and still outstanding of a lender, 2^-48 of an atom.
    fn claim(&self, lender: &Lender) -> u128 {
        let account: LenderState = self.world.lender_account(lender, &self.usdc).state;
        let claim = account.claim_at(&self.state().claims);
        let recovered = u128::from(account.recovered_atoms) << CLAIM_BITS;
        recovered + u128::from(account.recovered_rest) + claim.paid + claim.outstanding
    }

    /// A lender redeems everything. Returns what it was paid.
    fn leave(&mut self, lender: &Lender) -> Result<u64, Box<Refused>> {
        let (before, shares) = (self.world.purse(lender, &self.usdc), self.shares(lender));
        self.world.redeem(lender, &self.usdc, shares)?;
        self.world.check_invariants();
        Ok(self.world.purse(lender, &self.usdc) - before)
    }

    /// Sells what is left of the collateral, and settles by it. Returns the haircut.
    fn sell_all(&mut self) -> Result<u64, Box<Refused>> {
        let receipt = self.world.liquidate(&self.liquidator, &self.borrower, &self.sol, &self.usdc, Limits::NONE)?;
        let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation: {receipt:?}") };
        assert!(event.haircut_atoms > 0 && self.world.position(&self.borrower).state.debt_count == 0, "{event:?}");
        self.world.check_invariants();
        Ok(event.haircut_atoms)
    }
}

#[test]
fn who_runs_before_the_mark_leaves_whole_and_anybody_s_mark_in_the_same_second_takes_exactly_its_part() -> Told {
    let mut scene = Scene::fallen();
    let (stayer, runner) = (scene.stayer.clone(), scene.runner.clone());
    let whole = scene.whole(&runner);

    // The design does not stop who comes before the mark: all of the haircut is then the stayer's, but for the virtual shares.
    let mut late = scene.clone();
    assert_eq!(late.leave(&runner)?, whole, "a run before the mark is paid in full");
    late.mark()?;
    let before = late.whole(&stayer);
    let haircut = late.sell_all()?;
    // The repayment and the debt's end leave up to an atom each to the lenders; what the shares are worth is rounded down
    // before and after; the virtual shares bear 2^-38 of it, less than an atom.
    let fell = before - late.whole(&stayer);
    assert!(fell + 4 > haircut && fell <= haircut, "the stayer bears all of it: {fell} of {haircut}");

    // What stops it is anybody's mark in the same second, here in the runner's own transaction, just before it.
    let position = &scene.world.position(&scene.borrower);
    let offers = &scene.world.offers(position, None);
    let mark = MarkDefault { position, offers }.instruction().expect("offers fit");
    let reserve = &scene.world.reserve(&scene.usdc);
    let shares = scene.shares(&runner);
    let redeem = Redeem { owner: runner.address(), reserve, owner_liquidity: None, shares, assets_min_atoms: 0 };
    let before = scene.world.purse(&runner, &scene.usdc);
    scene.world.send(&[mark.clone(), redeem.instruction()], &[&runner])?;
    let paid = scene.world.purse(&runner, &scene.usdc) - before;
    let provision = scene.state().provision_atoms();
    // (A + 1) and (A + 1 - p) times the same fraction, both rounded down.
    let share = part(provision, shares, all_shares(&reserve.state));
    assert!((share..=share + 1).contains(&(whole - paid)), "{whole} {paid}: a quarter of {provision}");
    assert!(share > scene.usdc.atoms("5000"), "{share}");
    // A redeemer who would not pay it may say so.
    let mut unwilling = Scene::fallen();
    unwilling.mark()?;
    let (usdc, shares) = (unwilling.usdc.clone(), unwilling.shares(&runner));
    unwilling.world.refuses(PlimsollError::AssetsBelowMin, |world| {
        world.redeem_at_least(&runner, &usdc, shares, whole)
    });
    Ok(())
}

#[test]
fn where_the_price_glides_the_mark_is_open_to_anybody_before_there_is_anything_to_run_from() -> Told {
    let mut scene = scene();
    let runner = scene.runner.clone();
    // Half a dollar at a time, from a position that pays to one that does not.
    let mut half_dollars = 2 * 110;
    let receipt = loop {
        scene.price(&format!("{}.{}", half_dollars / 2, half_dollars % 2 * 5));
        if let Ok(receipt) = scene.mark() {
            break receipt;
        }
        let (keeper, borrower) = (scene.keeper.clone(), scene.borrower.clone());
        scene.world.refuses(PlimsollError::NotTerminal, |world| world.mark_default(&keeper, &borrower));
        half_dollars -= 1;
    };
    let Event::DefaultMarked(marked) = receipt.event() else { panic!("{receipt:?}") };
    assert_eq!(marked.provisions[0].loss_atoms, 0, "worth less than debt and bonus, yet more than the debt: {marked:?}");
    assert_eq!(scene.net(&runner), scene.whole(&runner));
    // From here on each step down is booked at once, by whoever calls.
    let mut last = 0;
    for _ in 0..20 {
        half_dollars -= 1;
        scene.price(&format!("{}.{}", half_dollars / 2, half_dollars % 2 * 5));
        scene.mark()?;
        let provision = scene.state().provision_atoms();
        // A step is 500 USD for 1,000 SOL, at most 1.0005/0.9995 of it by confidences of 5 bps; a second of interest (below
        // 10% a year) and of rising volatility (50 bps an hour, twice, over ten minutes) is less than 10 cents of 100,000.
        // So who runs between two calls takes no more than a quarter of this from the rest.
        assert!(provision - last <= scene.usdc.atoms("500.60"), "{last} {provision}");
        last = provision;
    }
    assert!(last > scene.usdc.atoms("5000"), "{last}");
    scene.world.check_invariants();
    Ok(())
}

#[test]
fn who_supplies_beside_a_small_provision_fares_no_better_than_who_stayed() -> Told {
    let mut scene = Scene::fallen();
    scene.mark()?;
    let (usdc, stayer, borrower) = (scene.usdc.clone(), scene.stayer.clone(), scene.borrower.clone());
    let newcomer = scene.world.lender();
    scene.world.wallet(&newcomer, &usdc);
    scene.world.open_lender(&newcomer, &usdc)?;
    // Down to the very atom at which half a percent of the assets is provided for; a repayment rounds by an atom.
    let limit = |state: &ReserveState| part(state.assets_atoms(), u128::from(PROVISION_LIMIT_BPS), 10_000);
    let (provision, most) = (scene.state().provision_atoms(), limit(&scene.state()));
    scene.world.repay(&borrower, &usdc, provision - most - 2)?;
    let mut refusals = 0;
    while scene.state().provision_atoms() > limit(&scene.state()) {
        scene.world.refuses(PlimsollError::ProvisionTooHigh, |world| world.supply(&newcomer, &usdc, usdc.atoms("100000")));
        scene.world.repay(&borrower, &usdc, 1)?;
        refusals += 1;
    }
    assert!((1..=4).contains(&refusals), "{refusals}");
    let supplied = usdc.atoms("100000");
    let before = (scene.whole(&stayer), scene.net(&stayer));
    scene.world.supply(&newcomer, &usdc, supplied)?;
    // Who was there is not diluted: the newcomer pays the full price of a share, and takes on its part of the provision.
    assert!(scene.whole(&stayer) >= before.0 && scene.net(&stayer) >= before.1);

    // In and out again costs the newcomer its part of the provision, whoever would profit from its coming.
    let mut fickle = scene.clone();
    let share = part(fickle.state().provision_atoms(), fickle.shares(&newcomer), all_shares(&fickle.state()));
    let paid = fickle.leave(&newcomer)?;
    // Shares, what they are worth and what is provided for are each rounded by less than an atom.
    assert!(share > usdc.atoms("300") && paid + share <= supplied && paid + share + 3 >= supplied, "{paid} {share}");
    assert!(fickle.net(&stayer) >= before.1);

    // Who stays through the loss bears it like the stayer, and has the same claim for each atom supplied.
    let haircut = scene.sell_all()?;
    let (left, stayed) = (scene.whole(&newcomer), scene.whole(&stayer));
    // left <= supplied * q and q * before < stayed + 1, q being what a share's price fell to.
    assert!(
        u128::from(left) * u128::from(before.0) < u128::from(supplied) * u128::from(stayed + 1),
        "{left} of {supplied}, {stayed} of {}",
        before.0
    );
    let claims = [&newcomer, &stayer].map(|lender| (scene.claim(lender), scene.shares(lender)));
    for (claim, shares) in claims {
        let exact = mul_div_floor(u128::from(haircut) << CLAIM_BITS, shares, all_shares(&scene.state())).expect("a part");
        assert!(claim.abs_diff(exact) <= claim_slack(shares, 1, 0, 1, 0, 0), "{claim} {exact}");
    }
    scene.world.check_invariants();
    Ok(())
}

/// A price of SOL whose spot and average differ, published a second later.
fn wick(scene: &mut Scene, spot: &str, average: &str) {
    scene.world.advance_with_prices(1);
    let (spot, average) = (dollars(spot), dollars(average));
    let price = Price { spot, average, confidence: 0, ..scene.world.price(&scene.sol) };
    scene.world.publish(&scene.sol, price);
    scene.accrue();
}

#[test]
fn no_wick_however_deep_marks_anything_that_others_would_leave_behind() -> Told {
    let mut scene = scene();
    let (keeper, borrower, lenders) = (scene.keeper.clone(), scene.borrower.clone(), [scene.stayer.clone(), scene.runner.clone()]);
    // Down to a cent, and the other way round: a spot that is back while the average still remembers.
    for (spot, average) in [("100", "150"), ("80", "150"), ("1", "150"), ("0.01", "150"), ("150", "80"), ("150", "1")] {
        wick(&mut scene, spot, average);
        scene.world.refuses(PlimsollError::NotTerminal, |world| world.mark_default(&keeper, &borrower));
        for lender in &lenders {
            assert_eq!(scene.net(lender), scene.whole(lender), "{spot} {average}");
        }
    }
    wick(&mut scene, "80", "80");
    scene.mark()?;
    scene.world.check_invariants();
    Ok(())
}

/// What the bounded speed of the test market, a tenth of the debt an hour, lets go of in so many seconds, debt shares.
fn let_go(scene: &Scene, secs: u64) -> u128 {
    let debt = scene.world.position(&scene.borrower).state.debts()[0].shares.get();
    mul_div_floor(debt, u128::from(secs) * 1_000, 10_000 * 3_600).expect("a part")
}

#[test]
fn who_leaves_while_a_false_alarm_fades_pays_those_who_stay_and_who_waits_pays_nothing() -> Told {
    let mut scene = Scene::fallen();
    scene.mark()?;
    let (stayer, runner) = (scene.stayer.clone(), scene.runner.clone());
    let marked = scene.state().provision_shares.get();
    // A second later the price is back: the mark ends, and the provision has a second's part less.
    scene.price("150");
    scene.mark()?;
    assert_eq!(scene.world.position(&scene.borrower).state.defaulted_at, 0);
    assert_eq!(scene.state().provision_shares.get(), marked - let_go(&scene, 1));

    let mut patient = scene.clone();
    let (state, whole, before) = (scene.state(), scene.whole(&runner), (scene.whole(&stayer), scene.net(&stayer)));
    let shares = [&runner, &stayer].map(|lender| scene.shares(lender));
    let left = whole - scene.leave(&runner)?;
    let share = part(state.provision_atoms(), shares[0], all_shares(&state));
    assert!((share..=share + 1).contains(&left), "{left} is its part {share}, two roundings");
    // What it leaves belongs to who stays, in whole; now it gains only what is provided for, and not yet anything to take.
    let gained = scene.whole(&stayer) - before.0;
    let due = part(left, shares[1], all_shares(&state) - shares[0]);
    assert!((due..=due + 2).contains(&gained), "{gained} of {left}: what the runner's paid amount and both worths round");
    assert!((before.1..=before.1 + 1).contains(&scene.net(&stayer)), "in order or not, a share is paid the same");

    // Three hours let go of 30% of the debt, more than was provided for: who waited leaves whole.
    patient.world.advance_with_prices(3 * 3_600);
    patient.mark()?;
    assert_eq!(patient.state().provision_shares.get(), 0);
    let whole = patient.whole(&runner);
    assert_eq!(patient.leave(&runner)?, whole);
    Ok(())
}

#[test]
fn a_wick_upwards_lets_out_no_faster_than_the_seconds_since_the_last_booking() -> Told {
    let mut scene = Scene::fallen();
    scene.mark()?;
    let runner = scene.runner.clone();
    scene.world.advance_with_prices(59);
    wick(&mut scene, "80", "80");
    scene.mark()?;
    // A minute later the spot is back at 150 for a second: somebody ends the mark, and leaves.
    scene.world.advance_with_prices(59);
    let mut fair = scene.clone();
    wick(&mut fair, "80", "80");
    fair.mark()?;
    let (fair_net, provision) = (fair.net(&runner), scene.state().provision_shares.get());
    wick(&mut scene, "150", "80");
    scene.mark()?;
    assert_eq!(scene.world.position(&scene.borrower).state.defaulted_at, 0);
    let state = scene.state();
    assert_eq!(state.provision_shares.get(), provision - let_go(&scene, 60), "a six-hundredth of the debt and no more");
    // So who leaves by it leaves 41.67 USDC better of 100,000, a quarter of the 166.67 that a minute lets go of; the provision
    // booked meanwhile at the true price had grown by some interest.
    let (gained, bound) = (scene.net(&runner) - fair_net, scene.usdc.atoms("41.68"));
    assert!(gained <= bound, "{gained}");
    // And the next call at the true price books all of it again.
    wick(&mut scene, "80", "80");
    scene.mark()?;
    assert!(scene.state().provision_shares.get() >= provision);
    scene.world.check_invariants();
    Ok(())
}

#[test]
fn neither_small_repayments_nor_small_purchases_drain_a_provision() -> Told {
    let mut scene = Scene::fallen();
    scene.mark()?;
    let (sol, usdc, runner) = (scene.sol.clone(), scene.usdc.clone(), scene.runner.clone());
    let (borrower, liquidator, payer) = (scene.borrower.clone(), scene.liquidator.clone(), scene.world.person("payer"));
    let (first, shares) = (scene.net(&runner), scene.shares(&runner));

    // What is repaid is let go of, and what the runner gains by it is its part of the payment: it costs four times as much.
    for atoms in [1, 3, usdc.atoms("1"), usdc.atoms("100"), usdc.atoms("3000")] {
        let before = scene.net(&runner);
        scene.world.repay_for(&payer, &borrower, &usdc, atoms)?;
        let gained = scene.net(&runner) - before;
        // Assets less provision rise by the payment, but for an atom: debt shares are burnt rounded down.
        let due = part(atoms + 1, shares, all_shares(&scene.state())) + 1;
        assert!(gained <= due, "{gained} of {atoms}");
        // Booked anew at the same price and second, it is the same but for as much.
        scene.mark()?;
        assert!(scene.net(&runner) <= before + due);
    }

    // A purchase takes collateral with the debt: nothing is let go of.
    for _ in 0..30 {
        let (before, provided) = (scene.net(&runner), scene.state().provision_shares.get());
        let limits = Limits::repay_max(usdc.atoms("1000"));
        liquidate_as_quoted(&mut scene.world, &liquidator, &borrower, (&sol, &usdc), limits)?;
        assert_eq!(scene.state().provision_shares.get(), provided);
        // An atom of the repayment's rounding is the lenders'; the worth is rounded down before and after.
        assert!((before..=before + 1).contains(&scene.net(&runner)), "{before} {}", scene.net(&runner));
        scene.mark()?;
        assert!(scene.net(&runner) <= before + 1, "the rest is worth no more than it was");
    }
    // 3,101.000004 were repaid, and thirty purchases rounded.
    let paid = scene.leave(&runner)?;
    assert!(paid - first <= part(usdc.atoms("3101") + 4 + 5 + 30, shares, all_shares(&scene.state())) + 36, "{paid} {first}");
    // Those who stay bear no more than what was not provided for and their own part.
    scene.sell_all()?;
    Ok(())
}
