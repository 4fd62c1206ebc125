use std::cell::RefCell;

use num_bigint::BigInt;
use num_traits::{One, Zero};
use plimsoll_engine::claims::*;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::shares::VIRTUAL_SHARES;
use plimsoll_engine::state::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, ledger};

/// What happens to a reserve and its lenders.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A lender's shares become these.
    Shares(usize, u128),
    Loss(u64),
    Recovery(Paid),
    /// A lender takes what was recovered.
    Claim(usize),
}

#[derive(Clone, Copy, Debug)]
enum Paid {
    Atoms(u64),
    /// That part of what is outstanding, of 2^16.
    Part(u16),
    /// All but so many atoms.
    AllBut(u64),
    All,
}

fn size(bits: u32) -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..bits).prop_map(|(x, shift)| (x >> shift).max(1))
}

/// Thousands of events. Shares are of one order within a sequence: from a few to all that can be.
fn events() -> impl Strategy<Value = Vec<Event>> {
    (0u32..84, 8u32..64, 50usize..2_500).prop_flat_map(|(shift, loss_shift, count)| {
        let shares = prop_oneof![
            1 => Just(0),
            4 => (1u128..1 << 20).prop_map(move |x| x << shift),
        ];
        let paid = prop_oneof![
            20 => size(64).prop_map(move |x| Paid::Atoms(x >> loss_shift)),
            40 => any::<u16>().prop_map(Paid::Part),
            40 => size(24).prop_map(|x| Paid::AllBut(x >> 40)),
            1 => Just(Paid::All),
        ];
        let event = prop_oneof![
            5 => (0..LENDERS, shares).prop_map(|(who, shares)| Event::Shares(who, shares)),
            4 => size(64).prop_map(move |x| Event::Loss((x >> loss_shift).max(1))),
            8 => paid.prop_map(Event::Recovery),
            3 => (0..LENDERS).prop_map(Event::Claim),
        ];
        prop::collection::vec(event, count)
    })
}

const LENDERS: usize = 4;
/// The virtual shares, after the lenders.
const VIRTUAL: usize = LENDERS;

/// What each is exactly owed and has lost: whole numbers over one denominator, reduced by nothing but an epoch's end.
struct Model {
    denominator: BigInt,
    outstanding: [BigInt; LENDERS + 1],
    /// Lost since the last epoch began; losses before it were paid.
    lost: [BigInt; LENDERS + 1],
    /// Paid until the last epoch began, over its own denominator.
    paid_before: [(BigInt, BigInt); LENDERS + 1],
}

impl Model {
    fn new() -> Self {
        let nothing = || std::array::from_fn(|_| BigInt::zero());
        let paid_before = std::array::from_fn(|_| (BigInt::zero(), BigInt::one()));
        Self { denominator: BigInt::one(), outstanding: nothing(), lost: nothing(), paid_before }
    }

    fn lose(&mut self, atoms: u64, shares: &[u128; LENDERS + 1]) {
        let all = BigInt::from(shares.iter().sum::<u128>());
        for ((owed, lost), shares) in self.outstanding.iter_mut().zip(&mut self.lost).zip(shares) {
            let part = &self.denominator * atoms * *shares;
            *owed = &*owed * &all + &part;
            *lost = &*lost * &all + part;
        }
        self.denominator *= all;
    }

    /// Pays `atoms` of what is outstanding in all.
    fn pay(&mut self, atoms: u64, of: u64) {
        for (owed, lost) in self.outstanding.iter_mut().zip(&mut self.lost) {
            *owed *= of - atoms;
            *lost *= of;
        }
        self.denominator *= of;
        if atoms == of {
            for ((before, denominator), lost) in self.paid_before.iter_mut().zip(&self.lost) {
                *before = &*before * &self.denominator + lost * &*denominator;
                *denominator *= &self.denominator;
            }
            *self =
                Self { paid_before: std::mem::replace(&mut self.paid_before, Self::new().paid_before), ..Self::new() };
        }
    }

    /// `(numerator, denominator)` of what was paid to one.
    fn paid(&self, who: usize) -> (BigInt, BigInt) {
        let (before, denominator) = &self.paid_before[who];
        let now = &self.lost[who] - &self.outstanding[who];
        (before * &self.denominator + now * denominator, denominator * &self.denominator)
    }
}

/// Bits that measure errors: 2^-128 of an atom.
const FINE: u32 = 128;

/// What happened to one lender, in numbers: the bound on what it may have recovered too little.
#[derive(Clone, Copy, Default)]
struct Count {
    losses: u64,
    syncs: u64,
    shares_max: u128,
}

struct World {
    reserve: ReserveState,
    lenders: [LenderState; LENDERS],
    withdrawn: [u64; LENDERS],
    counts: [Count; LENDERS],
    model: Model,
    payments: u64,
    rescales: u64,
    epochs: u64,
    unbooked: u64,
    paid_in: u128,
}

impl World {
    fn new() -> Self {
        let reserve = ledger();
        let mut lender: LenderState = bytemuck::Zeroable::zeroed();
        lender.follow(&reserve.claims);
        Self {
            reserve,
            lenders: [lender; LENDERS],
            withdrawn: [0; LENDERS],
            counts: Default::default(),
            model: Model::new(),
            payments: 0,
            rescales: 0,
            epochs: 0,
            unbooked: 0,
            paid_in: 0,
        }
    }

    fn shares(&self) -> [u128; LENDERS + 1] {
        std::array::from_fn(|who| self.lenders.get(who).map_or(VIRTUAL_SHARES, |lender| lender.shares.get()))
    }

    fn step(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Shares(who, shares) => {
                let lender = &mut self.lenders[who];
                lender.sync(&self.reserve.claims);
                lender.shares = Word128::new(shares);
                let count = &mut self.counts[who];
                count.syncs += 1;
                count.shares_max = count.shares_max.max(shares);
            }
            Event::Loss(atoms) => {
                let (before, shares) = (self.reserve.claims, self.shares());
                if self.reserve.claims.book_loss(atoms, shares.iter().sum()) {
                    self.model.lose(atoms, &shares);
                    self.counts.iter_mut().for_each(|count| count.losses += 1);
                } else {
                    self.unbooked += 1;
                    prop_assert_eq!(self.reserve.claims, before, "all or nothing");
                }
            }
            Event::Recovery(paid) => self.recover(paid)?,
            Event::Claim(who) => {
                let before = (self.reserve, self.lenders[who]);
                match self.reserve.claim_recovery(&mut self.lenders[who]) {
                    Ok(atoms) => {
                        prop_assert_eq!(self.lenders[who].recovered_atoms, 0, "the ledger covers all of it");
                        self.withdrawn[who] += atoms;
                        self.counts[who].syncs += 1;
                    }
                    Err(error) => {
                        prop_assert_eq!(error, EngineError::NothingRecovered);
                        prop_assert_eq!((self.reserve, self.lenders[who]), before, "untouched on error");
                    }
                }
            }
        }
        Ok(())
    }

    fn recover(&mut self, paid: Paid) -> Result<(), TestCaseError> {
        let before = self.reserve;
        let outstanding = before.claims.outstanding_atoms();
        let wanted = match paid {
            Paid::Atoms(atoms) => atoms,
            Paid::Part(part) => u64::try_from((u128::from(outstanding) * u128::from(part)) >> 16).unwrap(),
            Paid::AllBut(atoms) => outstanding.saturating_sub(atoms),
            Paid::All => outstanding,
        };
        let recovery = match self.reserve.repay_recovery(wanted) {
            Ok(recovery) => recovery,
            Err(error) => {
                let expected = if wanted == 0 { EngineError::ZeroAmount } else { EngineError::NothingOutstanding };
                prop_assert_eq!((error, outstanding.min(wanted)), (expected, 0));
                prop_assert_eq!(self.reserve, before, "untouched on error");
                return Ok(());
            }
        };
        let taken = recovery.atoms;
        let left = outstanding - taken;
        let dust = u64::try_from((u128::from(outstanding)).div_ceil(1 << 32)).unwrap();
        prop_assert!(taken > 0 && taken <= wanted);
        prop_assert!(left == 0 || left >= dust, "{left} left of {outstanding}");
        prop_assert!(taken == wanted || left == 0 || left == dust, "no less than asked for, but for dust");
        let claims = self.reserve.claims;
        prop_assert_eq!(claims.outstanding_atoms(), left);
        prop_assert_eq!(claims.epoch, before.claims.epoch + u32::from(left == 0));
        if left > 0 {
            let factor = claims.outstanding_factor.get();
            prop_assert!((1 << 95..=1 << 127).contains(&factor), "P is {factor:x}");
            self.rescales += u64::from(claims.scale - before.claims.scale);
        } else {
            self.epochs += 1;
        }
        let moved = |reserve: &ReserveState| u128::from(reserve.recovery_atoms) + u128::from(reserve.insurance_atoms);
        prop_assert_eq!(moved(&self.reserve), moved(&before) + u128::from(taken));
        self.payments += 1;
        self.paid_in += u128::from(taken);
        self.model.pay(taken, outstanding);
        Ok(())
    }

    /// `0 <= exact - recovered <= bound`, for every lender, the virtual shares and all together.
    fn judge(&self) -> Result<(), TestCaseError> {
        let claims = &self.reserve.claims;
        let (mut recovered_atoms, mut outstanding) = (0u128, BigInt::zero());
        for (who, lender) in self.lenders.iter().enumerate() {
            let claim = lender.claim_at(claims);
            let recovered = (u128::from(lender.recovered_atoms) + u128::from(self.withdrawn[who]) << CLAIM_BITS)
                + u128::from(lender.recovered_rest)
                + claim.paid;
            let count = Count { syncs: self.counts[who].syncs + 1, ..self.counts[who] };
            self.within(who, BigInt::from(recovered) << (FINE - CLAIM_BITS), self.bound(&count), "recovered")?;

            // What is not recovered is outstanding, but for a loss rounded down.
            let owed = BigInt::from(claim.outstanding) << (FINE - CLAIM_BITS);
            let exact = (&self.model.outstanding[who] << FINE) / &self.model.denominator;
            let lost_down = (BigInt::from(count.shares_max * u128::from(count.losses)) << (FINE - PER_SHARE_BITS))
                + (BigInt::from(count.syncs) << (FINE - CLAIM_BITS));
            prop_assert!(owed <= &exact + self.bound(&count), "outstanding of {who}: {owed} of {exact}");
            prop_assert!(owed >= exact - lost_down, "outstanding of {who} too small");
            recovered_atoms += recovered >> CLAIM_BITS;
            recovered_atoms -= u128::from(self.withdrawn[who]);
            outstanding += owed;
        }
        let part_of_insurance = self.reserve.recovery_insured_atoms;
        let count = Count { losses: self.counts[0].losses, syncs: 1, shares_max: VIRTUAL_SHARES };
        let atom = BigInt::one() << FINE;
        self.within(VIRTUAL, BigInt::from(part_of_insurance) << FINE, self.bound(&count) + atom, "insurance")?;

        prop_assert!(
            recovered_atoms <= u128::from(self.reserve.recovery_atoms),
            "the ledger covers what lenders may take"
        );
        let withdrawn: u128 = self.withdrawn.iter().map(|atoms| u128::from(*atoms)).sum();
        let ledger = u128::from(self.reserve.recovery_atoms);
        prop_assert_eq!(withdrawn + ledger + u128::from(part_of_insurance), self.paid_in, "every atom has its place");
        prop_assert_eq!(part_of_insurance, self.reserve.insurance_atoms);
        let slack: BigInt =
            self.counts.iter().map(|count| self.bound(&Count { syncs: count.syncs + 1, ..*count })).sum();
        prop_assert!(outstanding <= (BigInt::from(claims.outstanding_atoms()) << FINE) + slack);
        Ok(())
    }

    /// The bound of `docs/default.md`, 2^-128 of an atom: shares times 2^-104 for three roundings a loss, one a change of
    /// scale and two a sync; five roundings to 2^-48 a sync; a relative 2^-94 of all that is outstanding for each payment.
    fn bound(&self, count: &Count) -> BigInt {
        let per_share = 3 * count.losses + self.rescales + 2 * count.syncs;
        (BigInt::from(count.shares_max) * per_share << (FINE - PER_SHARE_BITS))
            + (BigInt::from(5 * count.syncs) << (FINE - CLAIM_BITS))
            + (BigInt::from(self.payments) << (FINE + 64 - 94))
    }

    fn within(&self, who: usize, got: BigInt, bound: BigInt, what: &str) -> Result<(), TestCaseError> {
        let (paid, denominator) = self.model.paid(who);
        prop_assert!(&got * &denominator <= &paid << FINE, "{what} of {who}: more than its part");
        prop_assert!((&got + bound) * denominator >= paid << FINE, "{what} of {who}: too little, {got}");
        Ok(())
    }
}

#[test]
fn claims_follow_exact_arithmetic_through_any_history() {
    let totals = RefCell::new([0u64; 5]);
    check(600, events(), |events| {
        let mut world = World::new();
        for (i, event) in events.iter().enumerate() {
            world.step(*event)?;
            if i % 97 == 0 {
                world.judge()?;
            }
        }
        world.judge()?;
        world.step(Event::Recovery(Paid::All))?;
        world.judge()?;
        let happened = [events.len() as u64, world.payments, world.rescales, world.epochs, world.unbooked];
        totals.borrow_mut().iter_mut().zip(happened).for_each(|(total, now)| *total += now);
        Ok(())
    });
    let [events, payments, rescales, epochs, unbooked] = totals.into_inner();
    println!(
        "{events} events, {payments} payments, {rescales} changes of scale, {epochs} epochs, {unbooked} not booked"
    );
    assert!(events > 500_000 && payments > 100_000 && rescales > 5_000 && epochs > 2_000 && unbooked > 100);
}

/// Accumulators as some history leaves them.
fn accumulators() -> impl Strategy<Value = ClaimAccumulators> {
    let factor = (any::<u128>(), 0u32..32).prop_map(|(x, shift)| (x | 1 << 127).wrapping_shr(1 + shift));
    (factor, any::<[u128; 2]>(), any::<[u8; 2]>(), size(64), 0u32..6).prop_map(
        |(factor, [l, k], shifts, outstanding, scale)| ClaimAccumulators {
            loss_per_share: Word128::new(l >> (1 + shifts[0] % 127)),
            outstanding_factor: Word128::new(factor),
            claim_per_share: Word128::new(k >> (1 + shifts[1] % 127)),
            outstanding: Word128::new(outstanding.into()),
            epoch: 3,
            scale,
        },
    )
}

#[test]
fn each_accumulator_rounds_its_own_way_by_a_unit_or_two() {
    let (losses, payments, rescales) = (RefCell::new(0), RefCell::new(0), RefCell::new(0));
    // Shares without an odd factor make L exact, so that nothing hides which way K went.
    let shares = prop_oneof![(20u32..105).prop_map(|bits| 1u128 << bits), 1u128 << 20..1 << 104];
    check(20_000, (accumulators(), size(64), shares), |(before, atoms, shares)| {
        let (l, k) = (int(before.loss_per_share.get()), int(before.claim_per_share.get()));
        let p = int(before.outstanding_factor.get()) * pow2_neg(127);
        let mut after = before;
        if after.book_loss(atoms, shares) {
            *losses.borrow_mut() += 1;
            let loss = int(atoms) * int(2).pow(104) / int(shares);
            let (new_l, new_k) = (int(after.loss_per_share.get()) - l, int(after.claim_per_share.get()) - &k);
            at_most(&new_l, &loss, "L")?;
            at_most(&(&loss - int(1)), &new_l, "L, by a unit")?;
            at_most(&(&loss / &p), &new_k, "K")?;
            at_most(&new_k, &((&loss + int(1)) / &p + int(1)), "K, by a unit of the loss and one of its own")?;
            prop_assert_eq!(after.outstanding_factor, before.outstanding_factor);
        }
        let (mut after, outstanding) = (before, before.outstanding_atoms());
        // Half of the time nearly everything, which changes the scale.
        let taken = after.pay(if atoms % 2 == 0 { atoms } else { outstanding.saturating_sub(1 + (atoms >> 40)) });
        if after.epoch == before.epoch {
            *payments.borrow_mut() += 1;
            let scale = int(2).pow(32 * (after.scale - before.scale).cast_signed());
            let exact = p * int(outstanding - taken) / int(outstanding) * &scale * int(2).pow(127);
            let factor = int(after.outstanding_factor.get());
            at_most(&exact, &factor, "P")?;
            at_most(&factor, &(exact + int(1)), "P, by a unit")?;
            let new_k = int(after.claim_per_share.get());
            at_most(&(&k / &scale), &new_k, "K in the new scale")?;
            at_most(&new_k, &(k / &scale + int(1)), "K in the new scale, by a unit")?;
            *rescales.borrow_mut() += usize::from(after.scale != before.scale);
        }
        Ok(())
    });
    let counts = [losses.into_inner(), payments.into_inner(), rescales.into_inner()];
    assert!(counts[0] > 10_000 && counts[1] > 5_000 && counts[2] > 2_000, "{counts:?}");
}

#[test]
fn a_claim_is_the_formula_of_the_protocol_rounded_up() {
    let parts = (accumulators(), accumulators(), any::<[u64; 3]>(), 0u32..8);
    let behind = RefCell::new([0; 8]);
    check(20_000, parts, |(mut then, mut now, seeds, scales)| {
        (then.scale, now.scale) = (0, scales);
        // What happened in between only raises L and, scale by scale, K; P falls.
        let (a, b) = (then.loss_per_share.get(), now.loss_per_share.get());
        (then.loss_per_share, now.loss_per_share) = (Word128::new(a.min(b)), Word128::new(a.max(b)));
        let before = if scales == 0 {
            now.claim_per_share.get().min(then.claim_per_share.get())
        } else {
            then.claim_per_share.get()
        };
        then.claim_per_share = Word128::new(before);
        now.claim_per_share =
            Word128::new(now.claim_per_share.get().max(before.checked_shr(32 * scales).unwrap_or(0) + 1));
        let (p0, p) = (then.outstanding_factor.get(), now.outstanding_factor.get());
        if scales == 0 {
            (then.outstanding_factor, now.outstanding_factor) = (Word128::new(p0.max(p)), Word128::new(p0.min(p)));
        } else if p >> 32 > p0 {
            return Ok(());
        }
        let shares = (u128::from(seeds[0]) << 40) >> (seeds[1] % 104);
        let mut lender = lender(&then, shares);
        lender.claim = Word128::new(u128::from(seeds[2]) << (seeds[1] % 48));

        let scale = int(2).pow(32 * scales.cast_signed());
        let p = int(now.outstanding_factor.get()) * pow2_neg(127);
        let p0 = int(then.outstanding_factor.get()) * pow2_neg(127);
        let old = int(lender.claim.get()) * &p / (p0 * &scale);
        let since = int(now.claim_per_share.get()) - int(then.claim_per_share.get()) / &scale;
        let new = int(shares) * since * p * pow2_neg(104 - 48);
        let lost = int(shares) * (int(now.loss_per_share.get()) - int(then.loss_per_share.get())) * pow2_neg(104 - 48);
        let all = int(lender.claim.get()) + &lost;
        if all > int(2).pow(64 + 48) {
            return Ok(());
        }
        behind.borrow_mut()[scales as usize] += 1;
        let exact = (old + new).min(all.clone());
        let claim = lender.claim_at(&now);
        // Down to the whole unit below what the claim and the loss are together.
        at_most(&(&exact - int(1)), &int(claim.outstanding), "outstanding")?;
        if int(claim.outstanding + claim.paid) > int(claim.outstanding) {
            at_most(&exact, &int(claim.outstanding), "outstanding, unless it is all")?;
        }
        let units = int(2 * shares) * pow2_neg(104 - 48) + int(5);
        at_most(&int(claim.outstanding), &(exact + units), "outstanding, by two units a share and five of its own")?;
        at_most(&int(claim.outstanding + claim.paid), &all, "claim and loss")?;
        at_most(&(all - int(1)), &int(claim.outstanding + claim.paid), "claim and loss, by a unit")?;
        Ok(())
    });
    assert!(behind.borrow().iter().all(|count| *count > 500), "{behind:?}");
}

/// A lender with shares since the reserve began, or since now.
fn lender(claims: &ClaimAccumulators, shares: u128) -> LenderState {
    let mut lender: LenderState = bytemuck::Zeroable::zeroed();
    lender.follow(claims);
    lender.shares = Word128::new(shares);
    lender
}

fn synced(lender: LenderState, claims: &ClaimAccumulators) -> (u64, u64) {
    let lender = lender.synced(claims);
    (lender.recovered_atoms, lender.claim_atoms())
}

#[test]
fn who_supplies_after_a_loss_gets_none_of_its_recovery_and_who_redeems_keeps_the_claim() {
    let mut claims = ClaimAccumulators::NONE;
    let half = 1u128 << 60;
    let (mut early, mut leaving) = (lender(&claims, half), lender(&claims, half));
    assert!(claims.book_loss(2_000_000, 2 * half));
    leaving.sync(&claims);
    leaving.shares = Word128::ZERO;
    let late = lender(&claims, half);
    // The early one doubles its shares: not its claim.
    early.sync(&claims);
    early.shares = Word128::new(2 * half);

    assert_eq!(claims.pay(1_500_000), 1_500_000);
    assert_eq!(synced(early, &claims), (750_000, 250_000));
    assert_eq!(synced(leaving, &claims), (750_000, 250_000));
    assert_eq!(synced(late, &claims), (0, 0));

    // The next loss is of those who hold shares now, and a payment goes to both losses by what is outstanding of each.
    assert!(claims.book_loss(1_500_000, 3 * half));
    assert_eq!(claims.pay(1_000_000), 1_000_000);
    assert_eq!(synced(early, &claims), (1_375_000, 625_000));
    assert_eq!(synced(leaving, &claims), (875_000, 125_000));
    assert_eq!(synced(late, &claims), (250_000, 250_000));
    assert_eq!(claims.pay(u64::MAX), 1_000_000, "no more than is outstanding");
    assert_eq!(synced(leaving, &claims), (1_000_000, 0));
    assert_eq!(claims.pay(1), 0, "nothing is");
}

#[test]
fn five_losses_each_almost_wholly_repaid_leave_an_old_claim_right() {
    // 2^40 atoms each: a payment of all but dust loses 2^32, one scale (but the first: P = 2^-32 is not below). Small ones
    // lose a decimal digit each.
    for (loss, rescales) in [(1u64 << 40, 4), (10, 0)] {
        let mut claims = ClaimAccumulators::NONE;
        let shares = 1u128 << 84;
        let old = lender(&claims, shares);
        let mut outstanding = 0;
        for _ in 0..5 {
            assert!(claims.book_loss(loss, shares));
            outstanding += loss;
            outstanding -= claims.pay(outstanding - 1);
            assert_eq!((claims.outstanding_atoms(), outstanding.div_ceil(loss)), (outstanding, 1), "dust is left");
        }
        assert_eq!(claims.scale, rescales);
        // The sole lender's claim is all that is outstanding, and the rest was paid to it.
        let (recovered, claim) = synced(old, &claims);
        assert_eq!(claim, outstanding);
        assert!((5 * loss - outstanding).abs_diff(recovered) <= 1, "{recovered}");
        assert_eq!(claims.pay(u64::MAX), outstanding);
        let (recovered, claim) = synced(old, &claims);
        assert!((5 * loss).abs_diff(recovered) <= 1 && claim == 0, "{recovered}");
        assert_eq!((claims.epoch, claims.scale), (1, 0));
    }
}

#[test]
fn every_loss_within_the_stated_range_is_booked() {
    // A share starts at 2^-20 of an atom. Lost in full at the smallest P, a thousand times its first price: still in range.
    check(20_000, (0u32..=84, 0u32..=10, 1u128 << 95..=1 << 127), |(shares, growth, factor)| {
        let shares = VIRTUAL_SHARES << shares;
        let atoms = ((shares >> 20) << growth).min(u128::from(u64::MAX));
        let mut claims = ClaimAccumulators { outstanding_factor: Word128::new(factor), ..ClaimAccumulators::NONE };
        prop_assert!(claims.book_loss(u64::try_from(atoms).unwrap(), shares));
        prop_assert_eq!(claims.outstanding.get(), atoms);
        Ok(())
    });
    let mut claims = ClaimAccumulators::NONE;
    assert!(claims.book_loss(u64::MAX, 1 << 104));
    // What exceeds any token's supply is not booked, nor what no counter could tell from an older loss.
    assert!(!claims.book_loss(1, 1 << 104));
    for counters in [(u32::MAX, 0), (0, u32::MAX)] {
        let mut claims = ClaimAccumulators { epoch: counters.0, scale: counters.1, ..ClaimAccumulators::NONE };
        assert!(!claims.book_loss(1, 1 << 20));
    }
}

/// A reserve of supplied and lent liquidity, a debt in it, and a lender's claim on what was lost before.
fn lent() -> impl Strategy<Value = (ReserveState, u128)> {
    (amount(), amount(), amount(), any::<u64>()).prop_map(|(supplied, lent, insurance, seed)| {
        let mut reserve = ledger();
        reserve.supply((supplied / 64).max(1), 0).unwrap();
        let shares = reserve.lend((lent % reserve.cash_atoms).max(1)).unwrap();
        reserve.insurance_atoms = insurance >> (seed % 64);
        (reserve, shares)
    })
}

#[test]
fn a_write_off_books_its_haircut_once_on_all_shares() {
    check(10_000, lent(), |(mut reserve, shares)| {
        let haircut = reserve.write_off(shares).haircut_atoms;
        prop_assert_eq!(reserve.claims.outstanding_atoms(), haircut);
        let mut expected = ClaimAccumulators::NONE;
        if haircut > 0 {
            expected.book_loss(haircut, reserve.supply_shares.get() + VIRTUAL_SHARES);
        }
        prop_assert_eq!(reserve.claims, expected);
        Ok(())
    });
}

#[test]
fn no_claim_changes_what_supply_redeem_repay_or_settle_do() {
    let words = (any::<[u128; 4]>(), any::<[u32; 2]>());
    check(10_000, (lent(), amount(), words), |((plain, debt), atoms, (words, counters))| {
        let mut claimed = plain;
        let [l, p, k, outstanding] = words.map(Word128::new);
        claimed.claims = ClaimAccumulators {
            loss_per_share: l,
            outstanding_factor: p,
            claim_per_share: k,
            outstanding,
            epoch: counters[0],
            scale: counters[1],
        };
        let same = |act: &dyn Fn(&mut ReserveState) -> String| {
            let (mut one, mut other) = (plain, claimed);
            let results = (act(&mut one), act(&mut other));
            (one.claims, other.claims) = (ClaimAccumulators::NONE, ClaimAccumulators::NONE);
            results.0 == results.1 && one == other
        };
        let acts: [&dyn Fn(&mut ReserveState) -> String; 4] = [
            &|reserve| format!("{:?}", reserve.write_off(debt)),
            &|reserve| format!("{:?}", reserve.redeem(u128::from(atoms), 0)),
            &|reserve| format!("{:?}", reserve.supply(atoms / 64, 0)),
            &|reserve| {
                let repayment = reserve.plan_repayment(debt, atoms.max(1)).unwrap();
                format!("{:?}", reserve.receive_repayment(&repayment))
            },
        ];
        for (i, act) in acts.into_iter().enumerate() {
            prop_assert!(same(act), "act {i}");
        }
        Ok(())
    });
}

#[test]
fn a_lender_account_is_empty_when_less_than_an_atom_is_left_in_any_form() {
    let empty = lender(&ClaimAccumulators::NONE, 0);
    assert!(empty.is_empty());
    assert!(LenderState { claim: Word128::new((1 << CLAIM_BITS) - 1), recovered_rest: 7, ..empty }.is_empty());
    assert!(!LenderState { claim: Word128::new(1 << CLAIM_BITS), ..empty }.is_empty());
    assert!(!LenderState { recovered_atoms: 1, ..empty }.is_empty());
    assert!(!LenderState { shares: Word128::new(1), ..empty }.is_empty());
}
