//! Attacks by order: who redeems, supplies, marks, liquidates, settles or repays when, and what that costs the others. What the
//! design does not stop is told with its amount.

use super::common::*;
use plimsoll_client::instructions::{MarkDefault, Redeem};
use plimsoll_engine::claims::{CLAIM_BITS, PER_SHARE_BITS};
use plimsoll_engine::fixed::mul_div_floor;
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::provision::PROVISION_LIMIT_BPS;
use plimsoll_engine::shares::VIRTUAL_SHARES;
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
    let mut world = market();
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
    let mark = MarkDefault { position, tip: None, offers }.instruction().expect("offers fit");
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
    unwilling
        .world
        .refuses(PlimsollError::AssetsBelowMin, |world| world.redeem_at_least(&runner, &usdc, shares, whole));
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
    assert_eq!(
        marked.provisions[0].loss_atoms, 0,
        "worth less than debt and bonus, yet more than the debt: {marked:?}"
    );
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
        scene
            .world
            .refuses(PlimsollError::ProvisionTooHigh, |world| world.supply(&newcomer, &usdc, usdc.atoms("100000")));
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
        let exact =
            mul_div_floor(u128::from(haircut) << CLAIM_BITS, shares, all_shares(&scene.state())).expect("a part");
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
    let (keeper, borrower, lenders) =
        (scene.keeper.clone(), scene.borrower.clone(), [scene.stayer.clone(), scene.runner.clone()]);
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
    assert!(
        (due..=due + 2).contains(&gained),
        "{gained} of {left}: what the runner's paid amount and both worths round"
    );
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
fn a_wick_upwards_ends_a_mark_and_lets_go_of_nothing() -> Told {
    let mut scene = Scene::fallen();
    scene.mark()?;
    let runner = scene.runner.clone();
    scene.world.advance_with_prices(59);
    // A minute later the spot is back at 150 for a second, the average is not: somebody ends the mark, and leaves.
    let mut fair = scene.clone();
    wick(&mut fair, "80", "80");
    fair.accrue();
    let (fair_net, provision) = (fair.net(&runner), scene.state().provision_shares.get());
    wick(&mut scene, "150", "80");
    scene.mark()?;
    assert_eq!(scene.world.position(&scene.borrower).state.defaulted_at, 0);
    assert_eq!(scene.state().provision_shares.get(), provision, "at prices against the borrower as much is lost");
    assert_eq!(scene.net(&runner), fair_net);
    // And the next call at the true price marks it again.
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
    let mut fees = 0;
    for _ in 0..30 {
        let (before, provided) = (scene.net(&runner), scene.state().provision_shares.get());
        let limits = Limits::repay_max(usdc.atoms("1000"));
        let fee = liquidate_as_quoted(&mut scene.world, &liquidator, &borrower, (&sol, &usdc), limits)?.fee_atoms;
        assert_eq!(scene.state().provision_shares.get(), provided);
        // The fee is insurance, which pays that much less of a provision; an atom of the repayment's rounding is the
        // lenders'; the worth is rounded down before and after.
        let most = before + part(fee, shares, all_shares(&scene.state())) + 2;
        assert!((before..=most).contains(&scene.net(&runner)), "{before} {}", scene.net(&runner));
        scene.mark()?;
        assert!(scene.net(&runner) <= most, "the rest is worth no more than it was");
        fees += fee;
    }
    // 3,101.000004 were repaid, the fees insure, each of five payments and thirty purchases left at most an atom, and each of those steps and
    // this one rounds the worth down.
    let paid = scene.leave(&runner)?;
    assert!(
        paid - first <= part(usdc.atoms("3101") + fees + 4 + 5 + 30, shares, all_shares(&scene.state())) + 36,
        "{paid} {first}"
    );
    // The sale goes on without the runner.
    scene.sell_all()?;
    Ok(())
}

/// 100 SOL at 80 USD against 7,500 USDC and 2,000 EURC at 1.25 USD, marked: three quarters and one quarter by value.
fn two_debts() -> (Scene, Token) {
    let mut scene = scene();
    let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
    let world = &mut scene.world;
    let eur = world.add(Spec::stable("EURC", "1.25"));
    world.supply(&scene.runner, &eur, eur.atoms("100000")).expect("a supply");
    scene.borrower = world.borrower();
    world.deposit(&scene.borrower, &sol, sol.atoms("100")).expect("a deposit");
    world.borrow(&scene.borrower, &usdc, usdc.atoms("7500")).expect("a borrow");
    world.borrow(&scene.borrower, &eur, eur.atoms("2000")).expect("a borrow");
    world.pass_cool_off();
    world.wallet(&scene.liquidator, &eur);
    scene.price("80");
    scene.mark().expect("a mark");
    (scene, eur)
}

#[test]
fn a_settlement_before_the_other_debt_took_its_share_is_refused_and_the_order_of_debts_changes_nothing() -> Told {
    let (scene, eur) = two_debts();
    let (sol, usdc) = (scene.sol.clone(), scene.usdc.clone());
    let (keeper, liquidator, borrower) = (scene.keeper.clone(), scene.liquidator.clone(), scene.borrower.clone());
    let mut outcomes = Vec::new();
    for debts in [[&usdc, &eur], [&eur, &usdc]] {
        let mut world = scene.world.clone();
        let owed = world.quote_position(&borrower).debts;
        let mut paid = [0; 2];
        for debt in debts {
            // Nobody is settled out of its share, and nobody takes another's: in slices neither.
            world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&keeper, &borrower));
            let half = Limits::repay_max(world.quote_liquidation(&borrower, &sol, debt, ALL).repay_atoms / 2);
            let quotes = [half, Limits::NONE]
                .map(|limits| liquidate_as_quoted(&mut world, &liquidator, &borrower, (&sol, debt), limits));
            for quote in quotes {
                paid[usize::from(debt.name == eur.name)] += quote?.repay_atoms;
            }
            world.refuses(PlimsollError::NothingToSeize, |world| {
                world.liquidate(&liquidator, &borrower, &sol, debt, Limits::NONE)
            });
        }
        let receipt = world.settle_default(&keeper, &borrower)?;
        let Event::DefaultSettled(event) = receipt.event() else { panic!("not a settlement: {receipt:?}") };
        assert!(
            event.forfeited_atoms[..].iter().all(|atoms| *atoms <= 1),
            "two shares rounded down leave an atom: {event:?}"
        );
        for index in 0..2 {
            // A debt is rounded up when it is quoted and when it is written off, and a payment burns shares rounded down.
            let rest = owed[index].owed_atoms - paid[index];
            assert!(event.losses[index].written_off_atoms.abs_diff(rest) <= 2, "{event:?}");
        }
        world.check_invariants();
        outcomes.push(paid);
    }
    // A share of 100 SOL is rounded down to an atom of 8e-8 USD, less than an atom of debt; each of two purchases is rounded
    // up to an atom; the second debt's turn comes in the same second, at the same price.
    for (first, last) in outcomes[0].iter().zip(outcomes[1]) {
        assert!(first.abs_diff(last) <= 3, "{outcomes:?}");
    }
    // Three to one by value, in a token of 1.25 USD; shares are fixed with 2^-40.
    assert!(outcomes[0][0].abs_diff(outcomes[0][1] * 15 / 4) <= 4 * 3 + 1, "{outcomes:?}");
    Ok(())
}

/// 100 SOL and a little of seven other tokens against 10,500 USDC; the SOL is sold for half of it.
fn seven_grains() -> (Scene, Vec<Token>) {
    let mut scene = scene();
    let (sol, usdc, liquidator) = (scene.sol.clone(), scene.usdc.clone(), scene.liquidator.clone());
    let world = &mut scene.world;
    let grains: Vec<Token> =
        (1..MAX_COLLATERALS).map(|index| world.add(Spec::volatile(&format!("GRAIN{index}"), "1"))).collect();
    scene.borrower = world.borrower();
    world.deposit(&scene.borrower, &sol, sol.atoms("100")).expect("a deposit");
    for grain in &grains {
        world.deposit(&scene.borrower, grain, 1_000).expect("a deposit");
    }
    world.borrow(&scene.borrower, &usdc, usdc.atoms("10500")).expect("a borrow");
    world.pass_cool_off();
    scene.price("50");
    scene.world.liquidate(&liquidator, &scene.borrower, &sol, &usdc, Limits::NONE).expect("a liquidation");
    assert_eq!(scene.world.position(&scene.borrower).state.collateral_count, 7);
    (scene, grains)
}

#[test]
fn grains_in_every_slot_hold_up_no_settlement_and_more_than_dust_is_the_lenders() -> Told {
    let (mut scene, grains) = seven_grains();
    let (keeper, liquidator, borrower) = (scene.keeper.clone(), scene.liquidator.clone(), scene.borrower.clone());
    let (sol, usdc, attacker) = (scene.sol.clone(), scene.usdc.clone(), scene.world.person("attacker"));
    // A stranger opens no slot.
    scene.world.wallet(&attacker, &sol);
    scene.world.refuses(PlimsollError::SlotNotOpen, |world| world.deposit_for(&attacker, &borrower, &sol, 1));

    // Just before the settlement somebody fills every open slot, together up to dust: an atom is 1e-9 USD, dust a dollar.
    let each = usdc.atoms("1") * 1_000 / 7;
    for grain in &grains {
        scene.world.deposit_for(&attacker, &borrower, grain, each - 1_000)?;
    }
    let mut above = scene.clone();
    let before = scene.state();
    let receipt = scene.world.settle_default(&keeper, &borrower)?;
    let Event::DefaultSettled(settled) = receipt.event() else { panic!("not a settlement: {receipt:?}") };
    assert_eq!(settled.forfeited_atoms, vec![each; 7], "all of it is the insurances'");
    assert!(settled.losses[0].haircut_atoms > usdc.atoms("5000"), "{settled:?}");
    scene.world.check_invariants();

    // Above dust: the sum of seven values, each rounded down by less than a billionth of a dollar.
    above.world.deposit_for(&attacker, &borrower, &grains[0], 15)?;
    above.world.refuses(PlimsollError::NotInDefault, |world| world.settle_default(&keeper, &borrower));
    // One purchase ends it; what the attacker gave, less the default bonus, the lenders have.
    let limits = Limits::NONE;
    let quote = liquidate_as_quoted(&mut above.world, &liquidator, &borrower, (&grains[0], &usdc), limits)?;
    assert_eq!((quote.is_terminal, quote.seize_atoms), (1, each + 15), "{quote:?}");
    // Price of the atoms over 1.05, rounded up.
    assert_eq!(quote.repay_atoms, (each + 15).div_ceil(1_050), "{quote:?}");
    let receipt = above.world.settle_default(&keeper, &borrower)?;
    let Event::DefaultSettled(later) = receipt.event() else { panic!("not a settlement: {receipt:?}") };
    assert_eq!(later.forfeited_atoms, vec![each; 6]);
    // Insurance got the fee on the way, and pays with it first. The debt is rounded up once in either case.
    let (sooner, later) = (&settled.losses[0], &later.losses[0]);
    assert!(sooner.written_off_atoms.abs_diff(later.written_off_atoms + quote.repay_atoms) <= 1);
    let spared = sooner.haircut_atoms - later.haircut_atoms;
    assert!(spared.abs_diff(quote.repay_atoms + quote.fee_atoms) <= 1, "{spared} of {quote:?}");
    // In either case a lender's worth fell by the haircut and nothing else: before less haircut, and an atom of rounding.
    let fell = before.assets_atoms() - scene.state().assets_atoms();
    assert!(fell <= sooner.haircut_atoms && fell + 1 >= sooner.haircut_atoms, "{fell} {sooner:?}");
    above.world.check_invariants();
    Ok(())
}

#[test]
fn nothing_that_can_pay_or_cannot_be_judged_is_settled_however_small() -> Told {
    let mut scene = scene();
    let (sol, usdc, keeper) = (scene.sol.clone(), scene.usdc.clone(), scene.keeper.clone());
    let small = scene.world.borrower();
    let world = &mut scene.world;
    // 0.006 SOL, 90 cents, against 50 cents.
    world.deposit(&small, &sol, sol.atoms("1"))?;
    world.borrow(&small, &usdc, usdc.atoms("20"))?;
    world.pass_cool_off();
    world.repay(&small, &usdc, usdc.atoms("19.5"))?;
    world.withdraw(&small, &sol, sol.atoms("0.994"))?;
    world.pass_cool_off();
    let refuses = |world: &mut World, borrower: &Borrower, error: PlimsollError| {
        world.refuses(error, |world| world.settle_default(&keeper, borrower));
    };
    let health = |world: &mut World| world.quote_position(&small).maintenance_health_e9;

    // Healthy.
    world.set_price(&sol, "150");
    world.refresh_prices();
    assert!(health(world) > ONE_E9);
    refuses(world, &small, PlimsollError::NotInDefault);
    // Unhealthy, yet worth more than it owes: 57 cents.
    world.set_price(&sol, "95");
    world.refresh_prices();
    assert!(health(world) < ONE_E9);
    refuses(world, &small, PlimsollError::NotInDefault);
    // The border is where it is worth what it owes: 83.34 USD for 0.006 SOL is 50.004 cents, 83.33 is 49.998.
    world.set_price(&sol, "83.34");
    world.refresh_prices();
    let quote = world.quote_position(&small);
    assert!(quote.collateral_nano_usd > quote.debt_nano_usd, "{quote:?}");
    refuses(world, &small, PlimsollError::NotInDefault);
    world.set_price(&sol, "83.33");
    world.refresh_prices();
    let quote = world.quote_position(&small);
    assert!(quote.collateral_nano_usd < quote.debt_nano_usd, "{quote:?}");

    // It may be settled now, but not at a price that nobody knows any more, nor by a feed that nobody noticed.
    let mut old = world.clone();
    old.advance(600);
    refuses(&mut old, &small, PlimsollError::StalePrice);
    old.advance(24 * 3_600);
    refuses(&mut old, &small, PlimsollError::StalePrice);
    world.settle_default(&keeper, &small)?;
    assert_eq!(world.position(&small).state.collateral_count, 0);

    // A large healthy one at stale, noticed, dead prices: it counts at its last reading, in full.
    let borrower = scene.borrower.clone();
    scene.price("150");
    let world = &mut scene.world;
    for secs in [600, 2 * 3_600] {
        world.advance(secs);
        refuses(world, &borrower, PlimsollError::NotInDefault);
    }
    world.notice_stale_price(&keeper, &sol)?;
    world.notice_stale_price(&keeper, &usdc)?;
    world.advance(6 * 3_600);
    refuses(world, &borrower, PlimsollError::NotInDefault);
    world.check_invariants();
    Ok(())
}

/// Exact parts of three lenders, in 2^-60 of an atom: what each is owed and was paid, whatever their shares were.
#[derive(Default)]
struct Ledger {
    owed: [u128; 3],
    paid: [u128; 3],
}

impl Ledger {
    const ONE: u128 = 1 << 60;

    fn loss(&mut self, atoms: u64, shares: [u128; 3], all: u128) {
        for (owed, shares) in self.owed.iter_mut().zip(shares) {
            *owed += mul_div_floor(u128::from(atoms) * Self::ONE, shares, all).expect("a part");
        }
    }

    fn payment(&mut self, atoms: u64, outstanding: u64) {
        for (owed, paid) in self.owed.iter_mut().zip(&mut self.paid) {
            let part = mul_div_floor(*owed, u128::from(atoms), u128::from(outstanding)).expect("a part");
            (*owed, *paid) = (*owed - part, *paid + part);
        }
    }
}

#[test]
fn five_tiny_losses_each_paid_back_down_to_dust_leave_every_claim_exact_and_nothing_frozen() -> Told {
    let mut scene = scene();
    let (sol, usdc, court, liquidator) =
        (scene.sol.clone(), scene.usdc.clone(), scene.keeper.clone(), scene.liquidator.clone());
    // One takes its part after each payment, one sleeps through all of them, one comes and goes.
    let goer = scene.world.lender();
    let lenders = [scene.stayer.clone(), scene.runner.clone(), goer.clone()];
    scene.world.supply(&goer, &usdc, usdc.atoms("50000"))?;
    let (mut ledger, mut most, mut syncs, mut held) = (Ledger::default(), 0, [0; 3], [0; 3]);
    let mut taken = [0u64; 3];
    let claim = |scene: &mut Scene, taken: &mut [u64; 3], index: usize| -> Told {
        let before = scene.world.purse(&lenders[index], &usdc);
        scene.world.claim_recovery(&lenders[index], &usdc)?;
        taken[index] += scene.world.purse(&lenders[index], &usdc) - before;
        Ok(())
    };
    for cycle in 0..5u64 {
        let borrower = scene.world.borrower();
        scene.world.deposit(&borrower, &sol, sol.atoms("0.1"))?;
        scene.world.borrow(&borrower, &usdc, usdc.atoms("10"))?;
        scene.world.pass_cool_off();
        scene.price("20");
        let (shares, before) = (lenders.each_ref().map(|lender| scene.shares(lender)), scene.state());
        // Everything was paid but dust: the next loss falls on a claim of an atom, at a P that is 2^-23 of what it was.
        assert_eq!(before.claims.outstanding_atoms(), u64::from(cycle > 0));
        let receipt = scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
        let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation: {receipt:?}") };
        assert!((1..usdc.atoms("10")).contains(&event.haircut_atoms), "{event:?}");
        ledger.loss(event.haircut_atoms, shares, all_shares(&before));
        held = [0, 1, 2].map(|index| shares[index].max(held[index]));
        let outstanding = scene.state().claims.outstanding_atoms();
        most = most.max(outstanding);
        // All but an atom, which is the dust of so little.
        scene.world.repay_recovery(&court, &usdc, outstanding - 1)?;
        ledger.payment(outstanding - 1, outstanding);
        assert_eq!(scene.state().claims.outstanding_atoms(), 1);
        scene.world.check_invariants();

        // Nothing is frozen: claim, redeem, supply.
        claim(&mut scene, &mut taken, 0)?;
        scene.world.redeem(&goer, &usdc, shares[2] / 3)?;
        scene.price("150");
        scene.world.supply(&goer, &usdc, usdc.atoms("7000") + cycle)?;
        syncs = [syncs[0] + 1, syncs[1], syncs[2] + 2];
        scene.world.advance_with_prices(7 * 86_400);
        scene.world.check_invariants();
    }
    claim(&mut scene, &mut taken, 1)?;
    claim(&mut scene, &mut taken, 2)?;
    let claims = scene.state().claims;
    assert!(claims.scale >= 3, "five payments of 2^-23: {claims:?}");
    for (index, lender) in lenders.iter().enumerate() {
        let account: LenderState = scene.world.lender_account(lender, &usdc).state;
        // What is below an atom waits in the account: with it the bound needs no atom.
        let recovered = (u128::from(taken[index]) << CLAIM_BITS) + u128::from(account.recovered_rest);
        let exact = ledger.paid[index] >> (60 - CLAIM_BITS);
        let slack =
            claim_slack(held[index].max(scene.shares(lender)), 5, u128::from(claims.scale), syncs[index] + 1, 5, most);
        assert!(taken[index] > 0 && slack < 1 << (CLAIM_BITS - 30), "a billionth of an atom: {slack}");
        // The ledger here rounds down too, by 2^-60 of an atom in each of ten steps: less than a unit.
        assert!(recovered <= exact + 1 && exact <= recovered + slack, "{recovered} {exact} {slack}");
    }
    // And the atom that is left comes back like any other.
    scene.world.repay_recovery(&court, &usdc, ALL)?;
    assert_eq!((scene.state().claims.outstanding_atoms(), scene.state().claims.epoch), (0, 1));
    scene.world.check_invariants();
    Ok(())
}

/// Mark, sale with settlement, a part paid back, claims, everybody leaves: every amount, with or without donations between.
fn amounts(donate: bool) -> Result<Vec<u64>, Box<Refused>> {
    let mut scene = Scene::fallen();
    let (sol, usdc, court, runner, stayer) =
        (scene.sol.clone(), scene.usdc.clone(), scene.keeper.clone(), scene.runner.clone(), scene.stayer.clone());
    // Wallets are opened first: they change nothing else.
    for token in [&sol, &usdc] {
        scene.world.wallet(&court, token);
    }
    let gifts = |scene: &mut Scene| {
        for (token, vault) in
            [(&usdc, Vault::Liquidity), (&usdc, Vault::Collateral), (&sol, Vault::Liquidity), (&sol, Vault::Collateral)]
        {
            if donate {
                scene.world.donate(&court, token, vault, token.atoms("1234.5"));
            }
        }
        scene.world.check_invariants();
    };
    let mut all = Vec::new();
    scene.mark()?;
    gifts(&mut scene);
    all.extend([scene.state().provision_atoms(), scene.net(&runner), scene.net(&stayer)]);
    scene.mark()?;
    all.extend([scene.state().provision_atoms(), scene.net(&runner), scene.net(&stayer)]);
    let haircut = scene.sell_all()?;
    all.extend([haircut, scene.whole(&runner), scene.whole(&stayer)]);
    gifts(&mut scene);
    all.extend([scene.whole(&runner), scene.whole(&stayer), scene.state().claims.outstanding_atoms()]);
    scene.world.repay_recovery(&court, &usdc, haircut / 3)?;
    gifts(&mut scene);
    for lender in [&runner, &stayer] {
        let before = scene.world.purse(lender, &usdc);
        scene.world.claim_recovery(lender, &usdc)?;
        all.push(scene.world.purse(lender, &usdc) - before);
        all.push(scene.leave(lender)?);
    }
    let state = scene.state();
    all.extend([state.cash_atoms, state.insurance_atoms, state.recovery_atoms, state.claims.outstanding_atoms()]);
    Ok(all)
}

#[test]
fn donations_between_mark_settlement_and_claim_change_no_amount() -> Told {
    let without = amounts(false)?;
    assert!(without.iter().take(16).all(|atoms| *atoms > 0), "{without:?}");
    assert_eq!(amounts(true)?, without);
    Ok(())
}

/// What an action of others may do to what one lender would be paid for its shares, atoms: at least, at most.
struct Effect {
    falls: u64,
    rises: u64,
}

/// Three lenders and everybody else act in any order around one default; whoever does not act is watched.
struct Disorder {
    scene: Scene,
    lenders: [Lender; 3],
    payer: Person,
    random: StdRng,
    /// Haircut and all shares at the settlement, once it came.
    settled: Option<(u64, u128)>,
    /// Shares of each at the settlement, and what each took of the recovery.
    borne: [u128; 3],
    taken: [u64; 3],
    /// How often each kind of action succeeded.
    done: [usize; 9],
}

impl Disorder {
    fn new(seed: u64) -> Self {
        let mut scene = scene();
        let (third, payer, usdc) = (scene.world.lender(), scene.world.person("payer"), scene.usdc.clone());
        scene.world.supply(&third, &usdc, usdc.atoms("50000")).expect("a supply");
        scene.world.wallet(&payer, &usdc);
        // Beside a grain that nobody buys the sale of the rest does not settle: `settle_default` does.
        if seed % 2 == 1 {
            let grain = scene.world.add(Spec::volatile("GRAIN", "1"));
            scene.world.deposit(&scene.borrower, &grain, 1_000).expect("a deposit");
        }
        scene.price("80");
        let lenders = [scene.stayer.clone(), scene.runner.clone(), third];
        let random = StdRng::seed_from_u64(seed);
        Self { scene, lenders, payer, random, settled: None, borne: [0; 3], taken: [0; 3], done: [0; 9] }
    }

    fn purses(&self) -> [u64; 3] {
        self.lenders.each_ref().map(|lender| self.scene.world.balance(lender, &self.scene.usdc))
    }

    /// One action, and what it did to each lender who did not act. The bounds are those of rounding, and nothing else:
    /// with S all shares, A the assets, p what is provided for, n and s shares of the watched and of the acting,
    /// a lender would be paid `floor(n * (A - p + 1)/S)`. Interest is booked before, and no time passes.
    fn step(&mut self, action: usize) {
        self.scene.accrue();
        let (before, purses) = (self.scene.state(), self.purses());
        let nets = self.lenders.each_ref().map(|lender| self.scene.net(lender));
        let shares = self.lenders.each_ref().map(|lender| self.scene.shares(lender));
        let debt_before = self.scene.world.position(&self.scene.borrower).state.debts().first().copied();
        let booked_at = self.scene.world.position(&self.scene.borrower).state.provisioned_at;
        let since_secs = u128::try_from(self.scene.world.unix() - booked_at).expect("no booking is in the future");
        let actor = self.random.gen_range(1..3);
        let (outcome, atoms) = self.act(action, actor);
        let Ok(receipt) = outcome else {
            for (lender, net) in self.lenders.iter().zip(nets) {
                assert_eq!(self.scene.net(lender), net, "a refusal moves nothing");
            }
            return;
        };
        self.done[action] += 1;
        self.scene.world.check_invariants();
        let after = self.scene.state();
        let all = all_shares(&before);
        let haircut = self.note_settlement(&receipt, shares, all);

        let (was, is) = (before.provision_atoms(), after.provision_atoms());
        let (booked, released) = (is.saturating_sub(was), was.saturating_sub(is));
        // Insured or not.
        let let_go = before.provided_atoms().saturating_sub(after.provided_atoms());
        match (action, debt_before, self.scene.world.position(&self.scene.borrower).state.debts().first()) {
            // The bounded speed: a tenth of the debt an hour since the last booking.
            (3, Some(debt), _) => {
                let speed = mul_div_floor(debt.shares.get(), since_secs, 36_000).expect("a part");
                assert!(let_go <= owed_ceil(speed, after.debt_index.get()), "{let_go} in {since_secs} seconds");
            }
            // A purchase lets go of nothing but what would exceed the debt that is left.
            (4 | 8, _, Some(left)) => assert!(let_go == 0 || left.provision_shares == left.shares, "{let_go}"),
            _ => {}
        }
        for index in 0..3 {
            let acted = action < 2 && actor == index;
            if acted {
                self.judge_actor(action, (purses[index], nets[index]), (&before, &after), (index, shares[index]));
                continue;
            }
            let (n, net) = (shares[index], self.scene.net(&self.lenders[index]));
            let of = |atoms: u64| part(atoms, n, all) + 1;
            let effect = match action {
                // The rest below an atom that a redeemer leaves is at most an atom of who stays.
                0 => Effect { falls: 0, rises: 1 },
                // Who supplies pays A for shares that are worth A - p, and less than a share's price more.
                1 => Effect { falls: 0, rises: of(before.provision_atoms()) },
                // A payment less is provided for, and debt shares are burnt rounded down: an atom.
                2 => Effect { falls: 0, rises: of(atoms + 1) },
                // A mark books at once what is expected, or lets go what is checked below.
                3 => Effect { falls: of(booked), rises: of(released) },
                // A purchase or a settlement: a haircut takes the place of a provision, and up to two atoms of rounding stay.
                4 | 5 | 8 => Effect {
                    falls: of(haircut.saturating_sub(released)),
                    rises: of((released + 2).saturating_sub(haircut)),
                },
                // What is recovered is nobody's share.
                _ => Effect { falls: 0, rises: 0 },
            };
            assert!(
                net + effect.falls >= nets[index] && net <= nets[index] + effect.rises,
                "action {action}: {} became {net}, at most {} less or {} more",
                nets[index],
                effect.falls,
                effect.rises
            );
            // Its part of the assets falls by a haircut alone: by its part of it, but for three atoms. The repayment's and
            // the debt's rounding leave up to two to the lenders, and what shares are worth is rounded down twice.
            let (was, is) = (before.supply_atoms_floor(n), after.supply_atoms_floor(n));
            let due = part(haircut, n, all);
            assert!(
                is + due + 1 >= was && (haircut == 0 || is + due <= was + 3),
                "{was} became {is} by a haircut of {due}"
            );
            if action != 1 && action != 0 {
                assert_eq!(self.scene.shares(&self.lenders[index]), n);
            }
        }
    }

    /// Who redeems is paid exactly its part of assets less provision; who supplies pays at least what it would be paid.
    fn judge_actor(
        &self,
        action: usize,
        (purse, net): (u64, u64),
        (before, after): (&ReserveState, &ReserveState),
        (index, shares): (usize, u128),
    ) {
        let (now, left) = (self.purses()[index], self.scene.shares(&self.lenders[index]));
        if action == 0 {
            assert_eq!(now - purse, before.redeemable_atoms_floor(shares - left));
        } else {
            let paid = purse - now;
            assert!(after.redeemable_atoms_floor(left) <= net + paid + 1, "{paid} for {}", left - shares);
        }
    }

    fn note_settlement(&mut self, receipt: &Receipt, shares: [u128; 3], all: u128) -> u64 {
        let haircut = match receipt.events.first() {
            Some(Event::PositionLiquidated(event)) if event.written_off_atoms > 0 => event.haircut_atoms,
            Some(Event::DefaultSettled(event)) => event.losses[0].haircut_atoms,
            _ => return 0,
        };
        assert!(self.settled.is_none(), "a default is settled once");
        (self.settled, self.borne) = (Some((haircut, all)), shares);
        haircut
    }

    fn act(&mut self, action: usize, actor: usize) -> (Outcome, u64) {
        let Scene { world, sol, usdc, liquidator, borrower, keeper, .. } = &mut self.scene;
        let (lender, random) = (&self.lenders[actor], &mut self.random);
        let atoms: u64 =
            [1, 7, random.gen_range(1..1_000_000), random.gen_range(1..500_000_000)][random.gen_range(0..4)];
        let outcome = match action {
            0 => {
                let shares = world.lender_account(lender, usdc).state.shares.get();
                world.redeem(lender, usdc, shares / random.gen_range(1..6))
            }
            1 => world.supply(lender, usdc, atoms * 20),
            2 => world.repay_for(&self.payer, borrower, usdc, atoms),
            3 => world.mark_default(keeper, borrower),
            4 => {
                let limits = Limits::repay_max(random.gen_range(1..9_000_000_000));
                world.liquidate(liquidator, borrower, sol, usdc, limits)
            }
            5 => world.settle_default(keeper, borrower),
            6 => world.repay_recovery(&self.payer, usdc, atoms),
            7 => {
                let before = world.balance(lender, usdc);
                let outcome = world.claim_recovery(lender, usdc);
                self.taken[actor] += world.balance(lender, usdc) - before;
                outcome
            }
            _ => world.liquidate(liquidator, borrower, sol, usdc, Limits::NONE),
        };
        (outcome, atoms)
    }

    /// Sells everything at a bottom price, pays everything back, and lets everybody take what is left. Returns what was done,
    /// and whether there was a default.
    fn end(mut self) -> ([usize; 9], bool) {
        self.scene.price("20");
        self.step(3);
        if self.settled.is_none() {
            self.step(8);
        }
        if self.settled.is_none() {
            self.step(5);
        }
        // In a few walks the higher prices let the collateral pay for everything.
        if self.settled.is_none() {
            assert_eq!(self.scene.world.position(&self.scene.borrower).state.debt_count, 0, "a default without an end");
            return (self.done, false);
        }
        let (haircut, all) = self.settled.expect("settled");
        let usdc = self.scene.usdc.clone();
        assert!(haircut > 0);
        if self.scene.state().claims.outstanding_atoms() > 0 {
            self.scene.world.repay_recovery(&self.payer, &usdc, ALL).expect("a recovery");
        }
        for index in 0..3 {
            let lender = self.lenders[index].clone();
            if self.scene.world.quote_lender(&lender, &usdc).recovered_atoms > 0 {
                let before = self.scene.world.balance(&lender, &usdc);
                self.scene.world.claim_recovery(&lender, &usdc).expect("a claim");
                self.taken[index] += self.scene.world.balance(&lender, &usdc) - before;
            }
            // Everybody got back its exact part of the haircut by its shares at that moment, whole atoms of it.
            let exact = part(haircut, self.borne[index], all);
            assert!((exact.saturating_sub(1)..=exact).contains(&self.taken[index]), "{} of {exact}", self.taken[index]);
        }
        for index in 0..3 {
            let lender = self.lenders[index].clone();
            if self.scene.shares(&lender) > 1 << 30 {
                let whole = self.scene.whole(&lender);
                assert_eq!(self.scene.leave(&lender).expect("cash for all"), whole, "nothing is provided for any more");
            }
        }
        self.scene.world.check_invariants();
        (self.done, true)
    }
}

/// Step by step: who leaves before the mark still leaves a later haircut to the others, as the first story tells.
#[test]
fn whatever_the_order_each_step_moves_the_others_by_rounding_and_their_part_of_provision_and_haircut() {
    let (mut done, mut settled) = ([0; 9], 0);
    for seed in 0..walks() {
        let mut disorder = Disorder::new(seed);
        for turn in 0..60 {
            match disorder.random.gen_range(0..14) {
                // A part of the walks settles on the way, and goes on.
                8 if turn > 30 => disorder.step(8),
                action @ 0..=8 => disorder.step([0, 1, 2, 3, 4, 5, 6, 7, 3][action]),
                9 => disorder.step(0),
                10..=11 => disorder.step(4),
                12 => {
                    let price = disorder.random.gen_range(55..110);
                    disorder.scene.price(&price.to_string());
                }
                _ => {
                    let secs = disorder.random.gen_range(1..4_000);
                    disorder.scene.world.advance_with_prices(secs);
                }
            }
        }
        let (more, has_settled) = disorder.end();
        settled += u64::from(has_settled);
        done = std::array::from_fn(|index| done[index] + more[index]);
    }
    // Each kind of action happened, or this shows nothing of it.
    assert!(done.iter().all(|count| *count > 0) && settled > walks() / 2, "{done:?} {settled}");
}

/// How many walks: eight, or `PLIMSOLL_WALKS` where that is more; with fewer some kind of action might not happen.
fn walks() -> u64 {
    std::env::var("PLIMSOLL_WALKS").ok().and_then(|count| count.parse().ok()).unwrap_or(8).max(8)
}

#[test]
fn without_a_standing_mark_one_of_two_debts_does_not_take_the_other_s_collateral_either() -> Told {
    let (mut scene, eur) = two_debts();
    let (sol, usdc, borrower) = (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone());
    let (keeper, liquidator) = (scene.keeper.clone(), scene.liquidator.clone());
    // Two auction times of silence: the mark lapses. (A position nobody marked yet behaves alike.)
    scene.world.advance_with_prices(2 * 3_600 + 1);
    let receipt = scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation: {receipt:?}") };
    // Three quarters by value; shares are fixed with 2^-40 and rounded down to an atom.
    assert!(event.seize_atoms <= sol.atoms("75.0001"), "{} SOL for USDC's three quarters", event.seize_atoms);
    // And no more by asking again, or by marking anew.
    scene.world.refuses(PlimsollError::NothingToSeize, |world| {
        world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
    });
    scene.world.mark_default(&keeper, &borrower)?;
    scene.world.refuses(PlimsollError::NothingToSeize, |world| {
        world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)
    });
    scene.world.liquidate(&liquidator, &borrower, &sol, &eur, Limits::NONE)?;
    scene.world.settle_default(&keeper, &borrower)?;
    scene.world.check_invariants();
    Ok(())
}

#[test]
fn what_insurance_will_pay_is_not_left_behind_by_who_leaves() -> Told {
    let mut scene = Scene::fallen();
    let (usdc, runner, stayer) = (scene.usdc.clone(), scene.runner.clone(), scene.stayer.clone());
    let (sol, liquidator, borrower) = (scene.sol.clone(), scene.liquidator.clone(), scene.borrower.clone());
    scene.world.fund_insurance(&liquidator, &usdc, usdc.atoms("50000"))?;
    let before = [scene.whole(&runner), scene.whole(&stayer)];
    scene.mark()?;
    assert_eq!(scene.leave(&runner)?, before[0], "insurance covers all of it");
    let receipt = scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    let Event::PositionLiquidated(event) = receipt.event() else { panic!("not a liquidation: {receipt:?}") };
    assert_eq!(event.haircut_atoms, 0);
    assert!(scene.whole(&stayer) <= before[1] + 3, "nobody gains by a default");
    scene.world.check_invariants();
    Ok(())
}

#[test]
fn a_mark_anew_after_one_debt_took_its_share_expects_of_each_debt_what_it_will_lose() -> Told {
    let (mut scene, eur) = two_debts();
    let (sol, usdc, liquidator, borrower) =
        (scene.sol.clone(), scene.usdc.clone(), scene.liquidator.clone(), scene.borrower.clone());
    let provisions = |scene: &Scene| [&usdc, &eur].map(|token| scene.world.reserve(token).state.provided_atoms());
    let first = provisions(&scene);
    scene.world.liquidate(&liquidator, &borrower, &sol, &usdc, Limits::NONE)?;
    scene.mark()?;
    let again = provisions(&scene);
    for _ in 0..6 {
        scene.world.advance_with_prices(1_800);
        scene.mark()?;
    }
    let later = provisions(&scene);
    // What is left is EURC's to take, a quarter of what there was: its ALV is no less than a quarter of that of the whole,
    // by concavity. So no more is expected to be lost than before, but for an atom of rounding each time.
    assert!(again[1] <= first[1] + 1, "EURC: {first:?}, then {again:?}");
    // The debt left of USDC has nothing more to come.
    let owed = scene.world.reserve(&usdc).state.total_debt_atoms();
    assert!(again[0] == owed.min(again[0]) && later[0] >= first[0], "USDC: {first:?}, three hours later {later:?}");
    scene.world.check_invariants();
    Ok(())
}

#[test]
fn hours_without_a_call_do_not_let_a_wick_upwards_drain_a_provision() -> Told {
    let mut scene = Scene::fallen();
    scene.mark()?;
    let runner = scene.runner.clone();
    scene.world.advance_with_prices(3 * 3_600 - 1);
    scene.accrue();
    let net = scene.net(&runner);
    wick(&mut scene, "150", "80");
    scene.mark()?;
    let paid = scene.leave(&runner)?;
    // A second's interest on 100,000 USDC, of which a quarter is the runner's.
    assert!(paid.abs_diff(net) <= scene.usdc.atoms("0.01"), "{net} became {paid}");
    Ok(())
}
