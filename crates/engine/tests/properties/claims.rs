mod history;

use std::cell::RefCell;

use plimsoll_engine::claims::*;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::shares::VIRTUAL_SHARES;
use plimsoll_engine::state::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::{amount, ledger};

/// Amounts of every size of at least 64 - `bits` bits, but for a few.
fn size(bits: u32) -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..bits).prop_map(|(x, shift)| (x >> shift).max(1))
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
    crate::assert_seen!(counts[0] > 10_000 && counts[1] > 5_000 && counts[2] > 2_000, "{counts:?}");
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
    crate::assert_seen!(behind.borrow().iter().all(|count| *count > 500), "{behind:?}");
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
    let nothing = claims;
    assert_eq!(claims.pay(1), 0, "nothing is");
    assert_eq!(claims, nothing, "nor does a payment of nothing begin an epoch");
}

#[test]
fn what_was_recovered_is_taken_once_and_as_far_as_the_ledger_goes() {
    let mut reserve = ledger();
    let mut lender = lender(&reserve.claims, 1 << 60);
    assert_eq!(reserve.claim_recovery(&mut lender), Err(EngineError::NothingRecovered), "nothing was lost");
    // Halves of powers of two: nothing is rounded.
    assert!(reserve.claims.book_loss(1 << 20, 1 << 60));
    assert_eq!(reserve.claims.pay(1 << 19), 1 << 19);
    // The ledger has less than is recovered: the rest stays the lender's.
    reserve.recovery_atoms = 300_000;
    assert_eq!(reserve.claim_recovery(&mut lender), Ok(300_000));
    assert_eq!((reserve.recovery_atoms, lender.recovered_atoms, lender.claim_atoms()), (0, 224_288, 1 << 19));
    let before = (reserve, lender);
    assert_eq!(reserve.claim_recovery(&mut lender), Err(EngineError::NothingRecovered), "the ledger is empty");
    assert_eq!((reserve, lender), before);
    reserve.recovery_atoms = 250_000;
    assert_eq!(reserve.claim_recovery(&mut lender), Ok(224_288));
    assert_eq!((reserve.recovery_atoms, lender.recovered_atoms), (25_712, 0));
    assert_eq!(reserve.claim_recovery(&mut lender), Err(EngineError::NothingRecovered), "once");
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
