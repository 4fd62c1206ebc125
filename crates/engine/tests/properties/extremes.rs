//! Every public function on inputs nobody should send: no panic, whatever the bytes. Overflow checks are on in this profile.

use bytemuck::Pod;
use plimsoll_engine::alv::Curve;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::*;
use plimsoll_engine::health::*;
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::liquidation::*;
use plimsoll_engine::price::*;
use plimsoll_engine::quote::*;
use plimsoll_engine::recovery::*;
use plimsoll_engine::settlement::*;
use plimsoll_engine::standing::*;
use plimsoll_engine::state::*;
use plimsoll_engine::throttle::*;
use plimsoll_engine::transitions::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;

/// Words at the edges of every field's range, and any other.
pub fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => prop::sample::select(vec![0, 1, 2, 9_999, 10_000, 10_001, 1 << 32, 1 << 40, i64::MAX as u64, i64::MIN as u64, u64::MAX - 1, u64::MAX]),
        2 => 0u64..100_000,
        2 => (any::<u64>(), 0u32..64).prop_map(|(x, shift)| x >> shift),
        1 => any::<u64>(),
    ]
}

/// Any state of an account: fields at their edges, a pattern that repeats at a stride of no field's size.
pub fn state<T: Pod + std::fmt::Debug>() -> impl Strategy<Value = T> {
    prop::collection::vec(word(), 1..48).prop_map(|words| {
        let mut bytes = vec![0u8; std::mem::size_of::<T>()];
        for (chunk, word) in bytes.chunks_mut(8).zip(words.iter().cycle()) {
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
        bytemuck::pod_read_unaligned(&bytes)
    })
}

pub fn now() -> impl Strategy<Value = Now> {
    (word(), word()).prop_map(|(unix, slot)| Now { unix: unix.cast_signed(), slot })
}

fn wide() -> impl Strategy<Value = u128> {
    (word(), word()).prop_map(|(lo, hi)| Word128 { lo, hi }.get())
}

#[test]
fn numbers_do_not_panic() {
    check(10_000, (wide(), wide(), wide(), any::<u32>(), any::<i32>(), word()), |(a, b, c, shift, signed, w)| {
        let _ =
            (mul_div_floor(a, b, c), mul_div_ceil(a, b, c), mul_shift_floor(a, b, shift), mul_shift_ceil(a, b, shift));
        let _ = (
            mul_shift_floor(a, b, shift % 130),
            mul_shift_ceil(a, b, shift % 130),
            shr_floor(a, shift),
            shr_ceil(a, shift),
        );
        let _ = (
            scale_floor(a, signed),
            scale_ceil(a, signed),
            scale_floor(a, signed % 130),
            scale_ceil(a, signed % 130),
            saturate(a),
        );
        let (f, g, v) = (Factor(w), Factor(saturate(b)), Value(a));
        let _ = (
            Factor::from_bps_floor(w),
            Factor::from_bps_ceil(w),
            Factor::ratio_floor(a, b),
            f.times_floor(g),
            f.times_ceil(g),
            f.plus(g),
            f.minus(g),
            f.to_bps_floor(),
        );
        let _ = (
            v.times_floor(f),
            v.times_ceil(f),
            v.over_floor(f),
            v.over_ceil(f),
            v.plus(Value(b)),
            v.minus(Value(b)),
            v.of_floor(Value(b)),
        );
        let _ = (
            owed_ceil(a, b),
            share_loss(w, saturate(a), saturate(b)),
            after_haircut(w, saturate(a), saturate(b)),
            to_e9(f),
        );
        let _ = (repayment_step(v, f, g), solvent_bonus(f, v, Value(b)));
        Ok(())
    });
}

#[test]
fn prices_and_curves_do_not_panic() {
    check(
        10_000,
        ((word(), any::<i32>(), any::<u8>()), (word(), word(), word()), word(), wide(), now()),
        |((number, exponent, decimals), (discount, depth, impact), atoms, value, now)| {
            for exponent in [exponent, exponent % 40] {
                let price = Price::new(number, exponent, decimals);
                let value = Value(value);
                let _ = (
                    price.value_floor(atoms),
                    price.value_ceil(atoms),
                    price.atoms_floor(value),
                    price.atoms_ceil(value),
                );
                let curve = Curve::new(price, Factor(discount), depth, impact);
                let _ = (curve.value(atoms), curve.value_and_slope(atoms), curve.atoms_for(value));
                let raw = RawPrice {
                    price: number.cast_signed(),
                    confidence: depth,
                    average: atoms.cast_signed(),
                    exponent,
                    publish_time: impact.cast_signed(),
                };
                let _ = Reading::checked(&raw, &now).map(|reading| {
                    (reading.age_secs(now.unix), reading.newer(Some(reading)), reading.price_of(number, decimals))
                });
            }
            Ok(())
        },
    );
}

#[test]
fn policies_do_not_panic() {
    check(
        10_000,
        (state::<ReserveConfig>(), state::<MarketPolicy>(), state::<Reading>(), any::<u8>(), now(), word()),
        |(config, market, reading, decimals, now, w)| {
            let sigma = Factor(w);
            let _ = (
                config.risk.adverse_move(sigma),
                config.risk.discount(sigma),
                config.risk.effective_depth_atoms(sigma),
                config.risk.sigma_within(sigma),
            );
            let _ = (
                config.risk.curve(reading.price_of(w, decimals), sigma),
                config.risk.debt_weight(w, sigma),
                config.risk.stressed_depth_atoms(),
            );
            let policy = config.oracle_policy;
            let _ = (
                policy.permit_borrow(&reading, &now),
                policy.permit_liquidation(&reading, &now),
                policy.permit_absorption(&reading, &now),
                policy.fade(w),
                policy.confidence_excess(&reading),
            );
            let _ = (market.dust(), market.debt_min(), market.validate(), config.validate(&market, decimals, &reading));
            let _ = (
                config.rates.rate(sigma),
                bonus(&config.bonus, sigma, w, market.auction_secs),
                is_terminal(Value(w.into()), Value(1), &market),
            );
            let mut reserve: ReserveState = bytemuck::Zeroable::zeroed();
            reserve.decimals = decimals;
            let _ = configure_reserve(&mut reserve, &config, &market, &reading, &now);
            let _ = require_debt_min(Value(w.into()), &market);
            Ok(())
        },
    );
}

#[test]
fn reserves_do_not_panic() {
    check(
        10_000,
        (state::<ReserveState>(), state::<Reading>(), word(), wide(), now()),
        |(reserve, reading, atoms, shares, now)| {
            let _ = (
                reserve.collateral_leg(atoms, &reading, &now),
                reserve.collateral_leg_undecayed(atoms, &reading, &now),
            );
            let _ = (reserve.debt_leg(shares, &reading, &now), reserve.debt_leg_of(atoms, &reading, &now));
            let _ = (
                reserve.initial_collateral_leg(atoms, atoms, &reading, &now),
                reserve.initial_debt_leg(atoms, &reading, &now),
            );
            let _ = (
                reserve.counted_by_others(atoms),
                reserve.sigma_maintenance(&reading, &now),
                reserve.sigma_initial(&reading),
                reserve.utilisation(),
            );
            let _ = (
                reserve.total_debt_atoms(),
                reserve.assets_atoms(),
                reserve.projected_index(now.unix),
                reserve.is_supply_lost(),
            );
            let _ = (
                reserve.supply_shares_floor(atoms),
                reserve.supply_atoms_floor(shares),
                reserve.debt_shares_ceil(atoms),
                reserve.debt_shares_floor(atoms),
            );
            let each = |step: fn(&mut ReserveState, u64, u128, &Now)| step(&mut { reserve }, atoms, shares, &now);
            each(|r, _, _, now| r.accrue(now.unix));
            each(|r, atoms, _, _| {
                let _ = r.supply(atoms, 0);
            });
            each(|r, _, shares, _| {
                let _ = r.redeem(shares, 0);
            });
            each(|r, atoms, _, _| {
                let _ = r.lend(atoms);
            });
            each(|r, atoms, shares, _| {
                let _ = r.plan_repayment(shares, atoms);
            });
            each(|r, atoms, shares, _| {
                let _ = r.receive_repayment(&Repayment { atoms, shares });
            });
            each(|r, atoms, _, _| {
                let _ = r.receive_insurance(atoms);
            });
            each(|r, _, _, _| {
                let _ = r.take_fees();
            });
            each(|r, atoms, _, _| {
                let _ = r.take_collateral(atoms, true, atoms & 1 == 0);
            });
            each(|r, atoms, shares, _| {
                let _ = r.give_collateral(atoms, saturate(shares));
            });
            each(|r, _, shares, _| {
                let _ = r.write_off(shares);
            });
            each(|r, atoms, shares, _| r.forfeit_collateral(atoms, saturate(shares)));
            each(|r, atoms, _, now| {
                r.fill_throttle(atoms, now);
            });
            let (throttle, urgency) = (reserve.throttle_at(&now), urgency(&reserve.bonus, Factor(atoms)));
            let _ = (throttle.level_atoms(), throttle.allowance(urgency), throttle.wait_secs(urgency));
            let _ = (throttle.wait_secs(Factor(atoms)), reserve.throttle.empty_at_unix(), reserve.exceeds_cap(atoms));
            let _ = { reserve }.keep_reading(Some(&reading), &now);
            Ok(())
        },
    );
}

#[test]
fn claims_do_not_panic() {
    check(
        20_000,
        (state::<ReserveState>(), state::<LenderState>(), word(), wide()),
        |(reserve, lender, atoms, shares)| {
            let (mut booked, mut paid, mut both) = (reserve.claims, reserve.claims, reserve.claims);
            let _ = (reserve.claims.outstanding_atoms(), reserve.claims.dust_atoms());
            let _ = (booked.book_loss(atoms, shares), paid.pay(atoms), both.book_loss(atoms, shares), both.pay(atoms));
            for claims in [reserve.claims, booked, paid, both, ClaimAccumulators::NONE] {
                // Lenders of any history, of this epoch, and of this scale too.
                for (epoch, scale) in
                    [(lender.epoch, lender.scale), (claims.epoch, lender.scale), (claims.epoch, claims.scale)]
                {
                    let mut lender = LenderState { epoch, scale, ..lender };
                    let (claim, before) = (lender.claim_at(&claims), lender);
                    prop_assert!(claim.outstanding.checked_add(claim.paid).is_some());
                    lender.sync(&claims);
                    prop_assert!(lender.recovered_atoms >= before.recovered_atoms);
                    let _ = plimsoll_engine::quote::quote_lender(
                        &reserve,
                        &lender,
                        &Now { unix: atoms.cast_signed(), slot: 0 },
                    );
                    let _ = (lender.claim_atoms(), lender.is_empty(), { reserve }.claim_recovery(&mut lender));
                }
            }
            let _ = { reserve }.repay_recovery(atoms);
            Ok(())
        },
    );
}

#[test]
fn positions_do_not_panic() {
    let slot = prop_oneof![0usize..10, Just(usize::MAX)];
    check(
        10_000,
        (state::<PositionState>(), state::<ReserveState>(), state::<MarketPolicy>(), slot, word(), wide(), now()),
        |(position, reserve, market, slot, atoms, shares, now)| {
            let _ = (position.collaterals(), position.debts(), position.has_debt());
            let _ = (position.standing((slot, slot), &market, &now, Ok(())), position.is_flagged(&market, &now));
            let _ = (position.collateral_index(&reserve.market), position.debt_index(&reserve.market));
            let _ = ({ position }.collateral_slot(&reserve.mint, true), { position }.debt_slot(&reserve.mint));
            let _ = (
                { position }.collateral_slot(&reserve.mint, false),
                { position }.add_collateral(slot, atoms, true),
                { position }.remove_collateral(slot, atoms),
            );
            let _ = (
                { position }.add_debt(slot, shares),
                { position }.remove_debt(slot, shares, PaidFor::Nothing),
                { position }.cool_off(&market, &now),
            );
            for (i, debt) in position.debts().iter().enumerate() {
                let _ = (
                    { position }.remove_debt(i, debt.shares.get(), PaidFor::Nothing),
                    { position }.remove_debt(slot, debt.shares.get(), PaidFor::Collateral),
                );
            }
            for (i, collateral) in position.collaterals().iter().enumerate() {
                let _ = (
                    { position }.remove_collateral(i, collateral.atoms),
                    { position }.remove_collateral(slot, collateral.atoms),
                );
            }
            let _ =
                (uncount(&mut { position }, slot, &mut { reserve }), count(&mut { position }, slot, &mut { reserve }));
            let plan = plan_of(atoms, shares);
            let mut exposure = Exposure::default();
            let leg = CollateralLeg { alv: Value(shares), maintenance: Factor(atoms), ..Default::default() };
            exposure.push_collateral(leg).unwrap();
            exposure.push_debt(reserve.debt_leg_of(atoms, &reserve.reading, &now)).unwrap();
            let _ = (
                { position }.mark(&exposure, &exposure, &market, &now),
                { position }.provide(slot, atoms, &mut { reserve }, &market, &now),
                { position }.provide(0, atoms, &mut { reserve }, &market, &now),
                (reserve.provision_atoms(), reserve.require_little_provision(), reserve.redeemable_atoms_floor(shares)),
            );
            { reserve }.release_provision(shares);
            for plan in [Ok(plan), Err(EngineError::Throttled)] {
                let _ = { position }.see(&exposure, &plan, Ok(()), &market, &now);
            }
            { position }.see_exposure(&exposure, &market);
            { position }.see_liquidation(&LiquidationPlan { health_after: Factor(atoms), ..plan }, &market, &now);
            let _ = (
                { position }.set_order(atoms, saturate(shares), &market),
                require_rescue(&exposure, &exposure, &market),
            );
            let both = (&mut { reserve }, &mut { reserve });
            let _ = apply_liquidation(&plan, &mut { position }, (slot, slot % 4), both, &market, &now);
            Ok(())
        },
    );
}

pub fn plan_of(atoms: u64, shares: u128) -> LiquidationPlan {
    LiquidationPlan {
        repay_atoms: atoms,
        seize_atoms: saturate(shares),
        fee_atoms: atoms,
        gross_factor: Factor::MAX,
        health_before: Factor::ZERO,
        health_after: Factor::MAX,
        is_terminal: true,
        is_protection: false,
        is_throttled: true,
        allowance: Allowance { share_atoms: atoms, left_atoms: atoms },
        takes_last_collateral: true,
        closes_debt: true,
        collateral_value: Value(shares),
        debt_value: Value(u128::MAX),
    }
}

#[test]
fn plans_and_quotes_do_not_panic() {
    let leg = || (state::<ReserveState>(), state::<Reading>(), word());
    let legs = (prop::collection::vec(leg(), 0..4), prop::collection::vec(leg(), 0..3));
    check(
        6_000,
        (legs, state::<MarketPolicy>(), state::<BonusTerms>(), [word(), word(), word(), word()], now(), any::<bool>()),
        |((collaterals, debts), market, terms, words, now, fresh)| {
            let mut exposure = Exposure::default();
            let mut initial = InitialExposure::default();
            // Prices that may liquidate half the time, or no plan would get past them.
            let usable = |reading: &Reading| {
                if fresh {
                    Reading { publish_time: now.unix, confidence: 0, ..*reading }
                } else {
                    *reading
                }
            };
            for (i, (reserve, reading, atoms)) in collaterals.iter().enumerate() {
                let leg = reserve.collateral_leg(*atoms, &usable(reading), &now);
                exposure.push_collateral(leg).unwrap();
                let first = InitialLeg { value: Value(words[0].into()), factor: Factor(words[1]), price: leg.price };
                initial.collaterals[i] = InitialCollateral { leg: first, curve: leg.curve, others_atoms: words[2] };
            }
            for (j, (reserve, reading, atoms)) in debts.iter().enumerate() {
                let leg = reserve.debt_leg_of(*atoms, &usable(reading), &now);
                exposure.push_debt(leg).unwrap();
                initial.debts[j] = InitialLeg { value: leg.plain, factor: leg.weight, price: leg.price };
            }
            let order = ProtectionOrder { trigger: Factor(words[2]), bonus: Factor(words[3]), refusal: None };
            let recovery = Some(RecoverySale { fallen: Factor(words[1]), entitled_atoms: words[2] }).filter(|_| fresh);
            let standing = Standing {
                cooling_until_slot: words[0],
                auction_secs: words[1],
                order: Some(order),
                recovery,
                paused_until: 0,
            };
            let throttle = Throttle { capacity_atoms: words[3], empty_in_q32: words[1], window_secs: words[0] };
            let sale = SaleTerms { bonus: terms, throttle };
            for (collateral, debt) in
                [(0, 0), (collaterals.len().saturating_sub(1), debts.len().saturating_sub(1)), (9, 9)]
            {
                let request =
                    LiquidationRequest { collateral, debt, repay_max_atoms: words[2], seize_min_atoms: words[3] };
                let plan = plan_liquidation(&exposure, &sale, &market, &standing, &request, &now);
                let _ = quote_liquidation(&exposure, &plan, &sale, &standing, &now);
            }
            let position =
                PositionState { flagged_at: now.unix, auction_secs: words[1], ..bytemuck::Zeroable::zeroed() };
            let rooms = [LendingRoom { atoms: words[3] }; MAX_DEBTS];
            let decimals = [words[0].to_le_bytes()[0]; MAX_COLLATERALS];
            let _ = (exposure.expected_loss(), exposure.expected_loss_atoms(0), exposure.expected_loss_atoms(9));
            let _ = quote_position(&exposure, &Ok(initial), &rooms, &decimals, (&position, &market), &now);
            let _ =
                quote_position(&exposure, &Err(EngineError::StalePrice), &rooms, &decimals, (&position, &market), &now);
            let _ = (
                require_default(&exposure, &market),
                exposure.health(),
                require_healthy(&InitialTotals::default(), &exposure),
            );
            Ok(())
        },
    );
}
