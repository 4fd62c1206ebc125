//! Histories of thousands of events, against exact arithmetic.

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

use super::size;
use crate::check;
use crate::worlds::ledger;

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
            let recovered = ((u128::from(lender.recovered_atoms) + u128::from(self.withdrawn[who])) << CLAIM_BITS)
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
        ((BigInt::from(count.shares_max) * per_share) << (FINE - PER_SHARE_BITS))
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
    crate::assert_seen!(events > 500_000 && payments > 100_000 && rescales > 5_000 && epochs > 2_000 && unbooked > 100);
}
