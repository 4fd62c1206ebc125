//! Marks, provisions, tips and the sizes of a recovery sale: each number against its formula.

use bytemuck::Zeroable;
use num_traits::ToPrimitive;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::health::{CollateralLeg, DebtLeg, Exposure};
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationRequest, SaleTerms};
use plimsoll_engine::price::Price;
use plimsoll_engine::recovery::RecoverySale;
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::liquidation::noise;
use crate::oracle::*;
use crate::recovery::{exact_price, on_sale, selling};
use crate::worlds::*;
use crate::{assert_seen, check};

/// One dollar an atom.
fn dollar() -> Price {
    Price::new(100_000_000, -8, 0)
}

/// A collateral that is worth so much, in ten atoms, and two debts of so much.
fn exposure(collateral_usd: u64, debts_usd: [u64; 2]) -> Exposure {
    let usd = |usd: u64| Value(u128::from(usd * Value::PER_USD));
    let mut exposure = Exposure::default();
    let (plain, alv) = (usd(collateral_usd), usd(collateral_usd));
    let maintenance = Factor::from_bps_floor(8_000);
    exposure.push_collateral(CollateralLeg { atoms: 10, plain, alv, maintenance, ..Default::default() }).unwrap();
    for debt in debts_usd {
        let leg =
            DebtLeg { owed_atoms: debt, price: dollar(), plain: usd(debt), weight: Factor::ONE, ..Default::default() };
        exposure.push_debt(leg).unwrap();
    }
    exposure
}

/// The position of that exposure.
fn position() -> PositionState {
    let mut position: PositionState = Zeroable::zeroed();
    position.collateral_slot(&[1; 32], true).unwrap();
    position.add_collateral(0, 10, false).unwrap();
    for reserve in [[2; 32], [3; 32]] {
        let slot = position.debt_slot(&reserve).unwrap();
        position.add_debt(slot, 1 << 40).unwrap();
    }
    position
}

fn shares(position: &PositionState) -> Vec<u64> {
    position.debts().iter().map(|slot| slot.share_at_default_q40).collect()
}

#[test]
fn a_mark_begins_where_all_prices_say_default_and_ends_where_one_does_not() {
    let market = valid_market();
    let (lost, sound) = (exposure(90, [75, 25]), exposure(200, [75, 25]));
    let at = |secs: i64| Now { unix: NOW.unix + secs, ..NOW };

    let mut marked = position();
    assert_eq!(marked.mark(&lost, &lost, &market, &at(0)), Ok(()));
    assert_eq!((marked.defaulted_at, shares(&marked)), (NOW.unix, vec![3 << 38, 1 << 38]));

    // A standing mark is left alone, with its shares.
    marked.provisioned_at = NOW.unix;
    let mut again = marked;
    assert_eq!(again.mark(&exposure(90, [25, 75]), &exposure(90, [25, 75]), &market, &at(60)), Ok(()));
    assert_eq!(again, marked);

    // Wicks: terminal at one of the two prices only.
    assert_eq!(position().mark(&sound, &lost, &market, &at(0)), Err(EngineError::NotTerminal));
    assert_eq!(position().mark(&lost, &sound, &market, &at(0)), Err(EngineError::NotTerminal));

    // Seen to pay: mark, shares and what was taken end, once.
    let mut ended = marked;
    ended.taken_atoms[1][0] = 3;
    assert_eq!(ended.mark(&sound, &sound, &market, &at(60)), Ok(()));
    assert_eq!((ended.defaulted_at, shares(&ended), ended.taken_atoms[1][0]), (0, vec![0, 0], 0));
    assert_eq!(ended.mark(&sound, &sound, &market, &at(60)), Err(EngineError::NotTerminal));

    // What is still provided for may be let go.
    ended.debts[1].provision_shares = Word128::new(1);
    assert_eq!(ended.mark(&sound, &sound, &market, &at(60)), Ok(()));

    // A mark that nobody renewed lapses at prices in the borrower's favour, and begins anew without them: at its old shares.
    let lapsed = at(2 * 600 + 1);
    let mut dropped = marked;
    assert_eq!(dropped.mark(&sound, &lost, &market, &lapsed), Ok(()));
    assert_eq!((dropped.defaulted_at, shares(&dropped)), (0, shares(&marked)));
    let mut renewed = marked;
    assert_eq!(renewed.mark(&lost, &lost, &market, &lapsed), Ok(()));
    assert_eq!((renewed.defaulted_at, shares(&renewed)), (lapsed.unix, shares(&marked)));
}

#[test]
fn what_is_expected_to_be_lost_of_a_debt_is_what_its_share_leaves_unpaid() {
    let lost = exposure(90, [75, 25]);
    let of = |position: &PositionState, debt| position.expect_loss(&lost, &lost, debt).least_atoms;
    // By value: ten dollars are missing, three quarters of them from the first.
    let mut position = position();
    assert_eq!([of(&position, 0), of(&position, 1)], [8, 3]);
    // By shares of a half each the first may take 45 of 75, and the second all of its 25.
    position.debts[0].share_at_default_q40 = 1 << 39;
    position.debts[1].share_at_default_q40 = 1 << 39;
    assert_eq!([of(&position, 0), of(&position, 1)], [30, 0]);
    // The first took four of its share of seven: of the ten that are left it may take three, of a value of nine each.
    position.taken_atoms[0][0] = 4;
    assert_eq!([of(&position, 0), of(&position, 1)], [75 - 27, 0]);
    let loss = position.expect_loss(&exposure(190, [75, 25]), &lost, 0);
    assert_eq!((loss.least_atoms, loss.most_atoms), (75 - 57, 75 - 27));
}

#[test]
fn whoever_marks_is_paid_once_a_hundredth_of_the_provision_at_most_from_insurance() {
    check(3_000, (any::<[u32; 3]>(), 0..200u64), |([provided, insurance, cents], price_usd)| {
        let (provided, insurance) = (u64::from(provided), u64::from(insurance >> 8));
        let market = MarketPolicy { mark_tip_value: u64::from(cents) * 10_000_000, ..valid_market() };
        let price = Price::new((price_usd + 1) * 100_000_000, -8, 0);
        let mut reserve = ReserveState { insurance_atoms: insurance, ..ledger() };
        let mut position = position();
        prop_assert_eq!(position.pay_marker(provided, price, &mut reserve, &market), 0, "nothing is marked");
        prop_assert_eq!((reserve.insurance_atoms, position.is_mark_paid), (insurance, 0));
        position.defaulted_at = NOW.unix;
        let tip = price.atoms_floor(Value(market.mark_tip_value.into())).min(provided / 100).min(insurance);
        prop_assert_eq!(position.pay_marker(provided, price, &mut reserve, &market), tip);
        prop_assert_eq!((reserve.insurance_atoms, position.is_mark_paid), (insurance - tip, u8::from(tip > 0)));
        if tip > 0 {
            prop_assert_eq!(position.pay_marker(provided, price, &mut reserve, &market), 0, "once");
            prop_assert_eq!(reserve.insurance_atoms, insurance - tip);
        }
        Ok(())
    });
}

#[test]
fn whoever_marks_for_nothing_leaves_the_tip_to_the_next() {
    let market = MarketPolicy { mark_tip_value: 11 * Value::PER_USD / 2, ..valid_market() };
    let mut position = PositionState { defaulted_at: NOW.unix, ..position() };
    let mut reserve = ledger();
    assert_eq!((position.pay_marker(1_000, dollar(), &mut reserve, &market), position.is_mark_paid), (0, 0));
    reserve.insurance_atoms = 7;
    assert_eq!((position.pay_marker(1_000, dollar(), &mut reserve, &market), position.is_mark_paid), (5, 1));
    assert_eq!(reserve.insurance_atoms, 2);
}

#[test]
fn lenders_bear_what_insurance_does_not_and_newcomers_wait_for_it() {
    check(
        3_000,
        (any::<[u32; 5]>(), 0i64..100_000_000, any::<u64>()),
        |([cash, lent, part, insured, accrued], secs, shares)| {
            let mut reserve = ledger();
            reserve.rates = valid_config().rates;
            reserve.supply(u64::from(cash) + u64::from(lent) + 2, 0).unwrap();
            let debt = reserve.lend(u64::from(lent) + 1).unwrap();
            let provided = debt / 1_000_000 * u128::from(part % 1_000_000);
            reserve.provision_shares = Word128::new(provided);
            (reserve.insurance_atoms, reserve.insurance_accrued_atoms) =
                (u64::from(insured >> 6), u64::from(accrued >> 12));
            prop_assert_eq!(reserve.provided_atoms(), owed_ceil(provided, reserve.debt_index.get()));
            let insured = reserve.insurance_atoms + reserve.insurance_accrued_atoms;
            let borne = reserve.provided_atoms().saturating_sub(insured).min(reserve.assets_atoms());
            prop_assert_eq!(reserve.provision_atoms(), borne);
            // Half a hundredth of what lenders own.
            let is_little = u128::from(borne) * 200 <= u128::from(reserve.assets_atoms());
            prop_assert_eq!(
                reserve.require_little_provision(),
                if is_little { Ok(()) } else { Err(EngineError::ProvisionTooHigh) }
            );
            let shares = reserve.supply_shares.get() / 1_000 * u128::from(shares % 1_001);
            let projected = reserve.projected_redeemable_atoms(shares, secs);
            reserve.accrue(secs);
            prop_assert_eq!(projected, reserve.redeemable_atoms_floor(shares));
            Ok(())
        },
    );
    let mut reserve = ledger();
    reserve.cash_atoms = 20_000;
    for (provided, verdict) in [(100u128, Ok(())), (101, Err(EngineError::ProvisionTooHigh))] {
        reserve.provision_shares = Word128::new(provided << 32);
        assert_eq!(reserve.require_little_provision(), verdict, "{provided}");
    }
}

#[test]
fn a_bounded_purchase_takes_what_the_price_allows_and_says_what_it_paid() {
    let (seen, beyond) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    check(1_500, (on_sale(), any::<prop::sample::Index>(), 1u64..1_000), |((world, fallen), pair, part)| {
        let world = World { market: MarketPolicy { dust_value: 1, ..world.market }, ..world };
        let pairs = world.pairs();
        let (i, j) = pairs[pair.index(pairs.len())];
        let all = world.collaterals[i].atoms;
        let world = selling(&world, fallen, all);
        let debt = world.exposure().debts()[j];
        let exact = |atoms: u64| exact_price(&world, i, atoms, fallen) / world.debt_price(j);
        // Atoms of debt from above and from below: an atom, the units of four roundings, and noise.
        let grain = int(2) + int(4) / world.debt_price(j);
        let above = |atoms: u64| exact(atoms) * (int(1) + noise()) + &grain;
        let below = |atoms: u64| exact(atoms) * (int(1) - noise()) - &grain;
        if above(all) >= int(debt.owed_atoms) || exact(all) < int(10_000) || all < 10_000 {
            return Ok(());
        }
        let whole = world.plan(i, j, u64::MAX).unwrap();
        prop_assert_eq!(whole.seize_atoms, all, "the debt is worth more than all of it");
        at_most(&int(whole.repay_atoms), &above(all), "all of it")?;
        let said = factor(whole.gross_factor) * int(whole.repay_atoms) * world.debt_price(j);
        let seized = int(all) * world.collateral_price(i);
        at_most(&said, &(seized.clone() * (int(1) + pow2_neg(30)) + int(2)), "what is said")?;
        let slack = pow2_neg(30) + frac(4, whole.repay_atoms);
        at_most(&(seized * (int(1) - slack)), &(said + int(2) + world.debt_price(j) * int(2)), "what is paid for")?;

        // Two chords: what the price at a part of the whole leaves of the bound buys more.
        let bound = (u128::from(whole.repay_atoms) * u128::from(part) / 1_000) as u64;
        if bound < 10 {
            return Ok(());
        }
        let less = world.plan(i, j, bound).unwrap();
        prop_assert!(less.repay_atoms <= bound && less.seize_atoms < all);
        let first_for = |bound: u64| (u128::from(all) * u128::from(bound) / u128::from(whole.repay_atoms)) as u64;
        let first = first_for(bound);
        // Roundings may take the first chord beyond the bound: then the second goes as far less as those may be.
        let grain_atoms = grain.ceil().to_integer().to_u64().unwrap_or(u64::MAX);
        let spared = first_for(bound.saturating_sub(grain_atoms));
        prop_assert!(less.seize_atoms >= spared, "{} for a part of {}", less.seize_atoms, spared);
        if above(first) > int(bound) {
            beyond.set(beyond.get() + 1);
            return Ok(());
        }
        prop_assert!(less.seize_atoms >= first, "{} for a part of {}", less.seize_atoms, first);
        let gap = (int(bound) - above(first)).max(int(0));
        let second = int(first) + int(all - first) * gap / (int(whole.repay_atoms) - below(first));
        at_most(&second, &int(less.seize_atoms.saturating_add(2)), "the second chord")?;
        let gained = second.to_integer().to_u64().unwrap_or(0).saturating_sub(first);
        seen.set(seen.get() + u32::from(gained > 3));
        Ok(())
    });
    let (seen, beyond) = (seen.get(), beyond.get());
    assert_seen!(
        seen > 500 && beyond > 10,
        "{seen} where the second chord matters, {beyond} that may go beyond the bound"
    );
}

/// What a bounded purchase at the first moment of a sale pays and takes: so many atoms at a price, for a debt of so many.
fn bought(collateral: (u64, Price), debt: (u64, Price), bound: u64) -> Result<(u64, u64), EngineError> {
    let mut exposure = Exposure::default();
    let ((atoms, price), (owed_atoms, debt_price)) = (collateral, debt);
    let (plain, maintenance) = (price.value_floor(atoms), Factor::ONE);
    exposure
        .push_collateral(CollateralLeg { atoms, price, plain, alv: plain, maintenance, ..Default::default() })
        .unwrap();
    let (plain, weight) = (debt_price.value_ceil(owed_atoms), Factor::ONE);
    exposure.push_debt(DebtLeg { owed_atoms, price: debt_price, plain, weight, ..Default::default() }).unwrap();
    let recovery = Some(RecoverySale { fallen: Some(Factor::ZERO), entitled_atoms: atoms });
    let standing = Standing { recovery, ..Standing::default() };
    let sale = SaleTerms { bonus: valid_config().bonus, throttle: WIDE };
    let market = MarketPolicy { dust_value: 1, ..valid_market() };
    let request = LiquidationRequest { collateral: 0, debt: 0, repay_max_atoms: bound, seize_min_atoms: 0 };
    let plan = plan_liquidation(&exposure, &sale, &market, &standing, &request, &NOW)?;
    Ok((plan.repay_atoms, plan.seize_atoms))
}

#[test]
fn a_bounded_purchase_takes_the_first_chord_at_the_bound_and_below_it() {
    let debt = (5_000, dollar());
    let bought = |atoms, price_usd: u64, bound| bought((atoms, Price::new(price_usd, 0, 0)), debt, bound);
    // At the beginning a sale asks what a bonus of three hundredths leaves, 102 dollars for 99.03 and an atom of rounding.
    assert_eq!(bought(1_030, 1, 100), Ok((100, 102)), "at the bound");
    assert_eq!(bought(21, 50, 100), Ok((98, 2)), "below it: a third would cost 146");
    assert_eq!(bought(21, 50, 48), Err(EngineError::NothingToSeize), "not one");
}

#[test]
fn a_chord_that_rounding_takes_beyond_the_bound_is_drawn_again_by_as_much_less() {
    // A nano-dollar an atom, and a million atoms of the debt for one: prices are whole nano-dollars, rounded up.
    let (collateral, debt) = ((1_000, Price::new(1, -9, 0)), (5_000_000_000, Price::new(1, -9, 6)));
    assert_eq!(bought(collateral, debt, u64::MAX), Ok((972_000_001, 1_000)));
    // The chord says 103 for 100.1, and they cost an atom more than this bound; 99 are to be had for four nano-dollars less.
    assert_eq!(bought(collateral, debt, 101_000_001), Ok((101_000_001, 103)));
    assert_eq!(bought(collateral, debt, 101_000_000), Ok((98_000_001, 99)));
    assert_eq!(bought(collateral, debt, 4_000_001), Err(EngineError::NothingToSeize));
}
