//! The recovery sale against exact numbers: where it begins and ends, that slicing gains nothing, and who may take how much.

use bytemuck::Zeroable;
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::liquidation::{is_terminal, LiquidationPlan};
use plimsoll_engine::recovery::RecoverySale;
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::liquidation::noise;
use crate::oracle::*;
use crate::worlds::*;

/// A marked position that is terminal, and how far its price has fallen.
pub fn on_sale() -> impl Strategy<Value = (World, u64)> {
    let fallen = prop_oneof![Just(0), Just(Factor::ONE.0), 0..=Factor::ONE.0];
    // Debts grow until the collateral is worth between all and a third of them.
    let terminal = (unhealthy_position(), 100u128..300).prop_filter_map("not terminal", |(mut world, percent)| {
        let exposure = world.exposure();
        let (collateral, debt) = (exposure.collateral_value().0, exposure.debt_value().0);
        for leg in &mut world.debts {
            let grown = u128::from(leg.atoms) * (collateral / (debt / 1_000 + 1) + 1) / 1_000 * percent / 100;
            leg.atoms = u64::try_from(grown).ok()?.max(leg.atoms);
        }
        let exposure = world.exposure();
        is_terminal(exposure.collateral_value(), exposure.debt_value(), &world.market).then_some(world)
    });
    (terminal, fallen)
}

/// The position with its sale of one pair at this moment.
pub fn selling(world: &World, fallen: u64, entitled_atoms: u64) -> World {
    let recovery = Some(RecoverySale { fallen: Some(Factor(fallen)), entitled_atoms });
    World { standing: Standing { recovery, ..world.standing }, ..world.clone() }
}

/// What `atoms` of a collateral cost by the protocol, nano-dollars.
pub fn exact_price(world: &World, i: usize, atoms: u64, fallen: u64) -> Exact {
    let lb = int(1) + frac(world.market.bonus_default_bps, 10_000);
    let keep = int(1) - frac(world.market.recovery_margin_bps, 10_000);
    let first = |atoms: u64| world.collateral_price(i) * int(atoms) / &lb;
    let last = |atoms: u64| (nano(world.exposure().collaterals()[i].curve.value(atoms)) * &keep).min(first(atoms));
    let all = world.collaterals[i].atoms;
    let t = factor(Factor(fallen));
    first(atoms) * (int(1) - &t) + (last(all) - last(all - atoms)) * t
}

fn paid(world: &World, j: usize, plan: &LiquidationPlan) -> Exact {
    int(plan.repay_atoms) * world.debt_price(j)
}

#[test]
fn a_sale_asks_the_price_of_the_moment_and_at_most_an_atom_more() {
    check(2_000, (on_sale(), any::<prop::sample::Index>(), 1u64..=1_000), |((world, fallen), pair, part)| {
        let pairs = world.pairs();
        let (i, j) = pairs[pair.index(pairs.len())];
        let all = world.collaterals[i].atoms;
        let entitled = u64::try_from(u128::from(all) * u128::from(part) / 1_000).unwrap();
        let world = selling(&world, fallen, entitled);
        let Ok(plan) = world.plan(i, j, u64::MAX) else { return Ok(()) };
        prop_assert!(plan.is_terminal && plan.seize_atoms <= entitled && plan.repay_atoms <= world.debts[j].atoms);
        let exact = exact_price(&world, i, plan.seize_atoms, fallen);
        // A unit for each of the roundings, one atom of debt, and the curve's own noise on all that there is.
        let noise_of_all = world.collateral_price(i) * int(all) * noise();
        let slack = world.debt_price(j) + int(8) + &noise_of_all;
        at_most(&paid(&world, j, &plan), &(&exact + &slack), "no more")?;
        at_most(&exact, &(paid(&world, j, &plan) + int(8) + &noise_of_all), "no less")?;
        Ok(())
    });
}

#[test]
fn many_small_purchases_at_one_moment_pay_what_one_large_one_pays() {
    let bounds = prop::collection::vec(1u64..400, 1..12);
    check(1_000, (on_sale(), bounds), |((world, fallen), parts)| {
        let (i, j) = (0, 0);
        let all = world.collaterals[i].atoms;
        let Ok(one) = selling(&world, fallen, all).plan(i, j, u64::MAX) else { return Ok(()) };
        let (mut now, mut seized, mut repaid, mut calls) = (world.clone(), 0u64, 0u64, 0u64);
        for part in parts.iter().map(|part| one.repay_atoms / 1_000 * part + 1).chain([u64::MAX]) {
            let left = now.collaterals[i].atoms;
            if left == 0 || now.debts[j].atoms == 0 {
                break;
            }
            let Ok(plan) = selling(&now, fallen, left).plan(i, j, part) else { continue };
            // Selling at a discount from more than debt never lifts it out of the terminal state; price falls would.
            if !plan.is_terminal {
                return Ok(());
            }
            (seized, repaid, calls) = (seized + plan.seize_atoms, repaid + plan.repay_atoms, calls + 1);
            now = now.after(i, j, &plan);
        }
        // For the same collateral no less is paid: what was seized, priced at once, with the noise of each call.
        let exact = exact_price(&world, i, seized, fallen);
        let each = int(8) + world.collateral_price(i) * int(all) * noise();
        at_most(&exact, &(int(repaid) * world.debt_price(j) + each * int(calls)), "slices")
    });
}

#[test]
fn each_debt_takes_its_share_of_each_collateral_and_no_more() {
    let shares = prop::collection::vec(1u64..1 << 40, 1..=MAX_DEBTS);
    let takes = prop::collection::vec((0usize..MAX_DEBTS, 1u64..=1_000), 1..20);
    check(4_000, (shares, 1u64..1 << 60, takes), |(shares, atoms, takes)| {
        let mut position: PositionState = Zeroable::zeroed();
        position.collateral_slot(&[1; 32], true).unwrap();
        position.add_collateral(0, atoms, false).unwrap();
        for (j, share) in shares.iter().enumerate() {
            let slot = position.debt_slot(&[2 + j as u8; 32]).unwrap();
            position.add_debt(slot, 1).unwrap();
            position.debts[slot].share_at_default_q40 = *share;
        }
        (position.defaulted_at, position.provisioned_at) = (NOW.unix, NOW.unix);
        let sum: u128 = shares.iter().map(|share| u128::from(*share)).sum();
        let mut taken = vec![0u64; shares.len()];
        for (j, part) in takes {
            let j = j % shares.len();
            let sale = position.recovery_sale((0, j), &valid_market(), &NOW).unwrap();
            let entitled = u64::try_from(u128::from(atoms) * u128::from(shares[j]) / sum).unwrap();
            prop_assert_eq!(sale.entitled_atoms, entitled - taken[j], "debt {}", j);
            let take = u64::try_from(u128::from(sale.entitled_atoms) * u128::from(part) / 1_000).unwrap();
            position.taken_atoms[j][0] += take;
            taken[j] += take;
            position.collaterals[0].atoms -= take;
        }
        Ok(())
    });
}

/// Before any mark too: the first of two debts that is sold for may not take what is the other's to take.
#[test]
fn the_first_terminal_sale_takes_a_debts_share_where_there_are_several_and_all_where_there_is_one() {
    let seen = std::cell::Cell::new([0; 2]);
    check(2_000, (on_sale(), any::<prop::sample::Index>()), |((world, _), pair)| {
        let pairs = world.pairs();
        let (i, j) = pairs[pair.index(pairs.len())];
        let Ok(plan) = world.plan(i, j, u64::MAX) else { return Ok(()) };
        prop_assert!(plan.is_terminal);
        let (all, owed) = (world.collaterals[i].atoms, world.debts[j].atoms);
        let [mut one, mut several] = seen.get();
        if world.debts.len() == 1 {
            prop_assert!(plan.seize_atoms == all || plan.repay_atoms == owed, "cut short: {:?}", plan);
            one += 1;
        } else {
            let value = |j: usize| int(world.debts[j].atoms) * world.debt_price(j);
            let sum = (0..world.debts.len()).map(value).fold(int(0), |sum, value| sum + value);
            // A share is kept in Q40, of values that are rounded up to a unit, with a price good to 2^-59.
            let slack = int(1) + int(all) * (pow2_neg(39) + int(8) / &sum);
            at_most(&int(plan.seize_atoms), &(int(all) * value(j) / sum + slack), "its share")?;
            several += 1;
        }
        seen.set([one, several]);
        Ok(())
    });
    crate::assert_seen!(seen.get().into_iter().all(|count| count > 100), "{:?}", seen.get());
}

#[test]
fn the_price_falls_over_the_auction_from_the_mark_on() {
    let market = valid_market();
    let mut position: PositionState = Zeroable::zeroed();
    let slot = position.debt_slot(&[2; 32]).unwrap();
    position.add_debt(slot, 1).unwrap();
    let at = |position: &PositionState, unix: i64| position.recovery_sale((0, 0), &market, &Now { unix, ..NOW });
    assert_eq!(at(&position, NOW.unix), None);
    let at = |position: &PositionState, unix: i64| at(position, unix).unwrap().fallen;
    position.debts[slot].share_at_default_q40 = 1;
    assert_eq!(at(&position, NOW.unix), None, "a sale without a mark");
    (position.defaulted_at, position.provisioned_at) = (NOW.unix, NOW.unix);
    assert_eq!(at(&position, NOW.unix), Some(Factor::ZERO));
    assert_eq!(at(&position, NOW.unix + 150), Some(Factor(Factor::ONE.0 / 4)));
    assert_eq!(at(&position, NOW.unix + 600), Some(Factor::ONE));
    // Two auction times without being booked anew, and it has lapsed.
    assert_eq!(at(&position, NOW.unix + 1_200), Some(Factor::ONE));
    assert_eq!(at(&position, NOW.unix + 1_201), None);
    position.provisioned_at += 1;
    assert_eq!(at(&position, NOW.unix + 1_201), Some(Factor::ONE));
    assert_eq!(at(&position, NOW.unix - 5), Some(Factor::ZERO));
}
