use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::health::*;
use plimsoll_engine::interest::owed_ceil;
use plimsoll_engine::price::{Price, Reading};
use plimsoll_engine::state::*;
use proptest::prelude::*;

use crate::check;
use crate::oracle::*;
use crate::worlds::*;

/// A reserve of random terms with a price that may open risk. Volatility anywhere within its limits and beyond, at both
/// speeds, with a sample to come or not.
#[derive(Clone, Debug)]
pub struct Token {
    pub reserve: ReserveState,
    pub reading: Reading,
}

pub fn token() -> impl Strategy<Value = Token> {
    (risk_terms(), quote(), any::<[u64; 9]>()).prop_map(|(risk, quote, seeds)| {
        let mut reserve = valid_reserve();
        reserve.decimals = quote.decimals;
        (reserve.risk, reserve.risk_target) = (risk, risk);
        reserve.initial.initial_bps = pick(seeds[0], 1, risk.maintenance_bps - 1);
        reserve.initial.debt_weight_bps = pick(seeds[1], risk.debt_weight_bps, 20_000);
        let sigma = |seed| Factor::from_bps_floor(pick(seed, 0, 2 * risk.sigma_cap_bps)).0;
        reserve.volatility.sigma_q40 = sigma(seeds[2]);
        reserve.volatility.sigma_maintenance_q40 = sigma(seeds[3]);
        let number = quote.number;
        let ago = |seed: u64, secs: u64| NOW.unix - i64::try_from(seed % secs).unwrap();
        reserve.volatility.sampled_at = ago(seeds[6], if seeds[6] & 1 << 40 == 0 { 300 } else { 200_000 });
        reserve.volatility.moved_at = ago(seeds[7], 200_000);
        let sampled = u128::from(number) * u128::from(pick(seeds[8], 5_000, 20_000)) / 10_000;
        reserve.volatility.sampled_price = u64::try_from(sampled).unwrap_or(number).max(1);
        reserve.volatility.sampled_exponent = quote.exponent.into();
        let average = u64::try_from(u128::from(number) * u128::from(pick(seeds[4], 9_200, 10_900)) / 10_000)
            .unwrap_or(number)
            .max(1);
        let confidence = u64::try_from(u128::from(number) * u128::from(seeds[5] % 101) / 10_000).unwrap();
        let reading = Reading {
            price: number,
            average,
            confidence,
            exponent: quote.exponent,
            publish_time: NOW.unix,
            ..Reading::default()
        };
        Token { reserve, reading }
    })
}

/// Kept volatility as observations leave it.
pub trait WithinLimits {
    fn within_limits(self) -> Self;
}

impl WithinLimits for ReserveState {
    fn within_limits(mut self) -> Self {
        let within = |sigma| self.risk.sigma_within(Factor(sigma)).0;
        self.volatility.sigma_q40 = within(self.volatility.sigma_q40);
        self.volatility.sigma_maintenance_q40 = within(self.volatility.sigma_maintenance_q40);
        self
    }
}

#[test]
fn volatility_in_maintenance_health_is_never_above_that_in_initial_health() {
    check(8_000, (token(), any::<u64>()), |(Token { reserve, reading }, seed)| {
        let now = plimsoll_engine::Now { unix: NOW.unix + i64::try_from(seed % 200_000).unwrap(), ..NOW };
        for reading in [reading, reserve.reading] {
            prop_assert!(reserve.sigma_maintenance(&reading, &now) <= reserve.sigma_initial(&reading));
        }
        // A sample changes neither, where what is kept lies within the limits.
        let kept = ReserveState { reading, ..reserve }.within_limits();
        let mut observed = kept;
        observed.observe(&now);
        let both =
            |reserve: &ReserveState| (reserve.sigma_maintenance(&reading, &now), reserve.sigma_initial(&reading));
        prop_assert_eq!(both(&observed), both(&kept));
        Ok(())
    });
}

#[test]
fn initial_health_is_never_laxer_than_maintenance_for_collateral() {
    check(8_000, (token(), amount(), amount()), |(Token { reserve, reading }, atoms, others)| {
        let Ok(initial) = reserve.initial_collateral_leg(atoms, others, &reading, &NOW) else { return Ok(()) };
        let maintenance = reserve.collateral_leg(atoms, &reading, &NOW);
        // Last in takes a difference of two values of Q: its noise is theirs.
        let all = nano(
            reserve
                .risk
                .curve(maintenance.price, reserve.sigma_maintenance(&reading, &NOW))
                .value(atoms.saturating_add(others)),
        );
        let slack = int(2) + all * pow2_neg(39);
        at_most(&nano(initial.value.times_floor(initial.factor)), &(nano(maintenance.weighted()) + slack), "initial")
    });
}

#[test]
fn initial_health_is_never_laxer_than_maintenance_for_debt() {
    check(8_000, (token(), amount()), |(Token { reserve, reading }, owed)| {
        let Ok(initial) = reserve.initial_debt_leg(owed, &reading, &NOW) else { return Ok(()) };
        let maintenance = reserve.debt_leg_of(owed, &reading, &NOW);
        prop_assert!(initial.value >= maintenance.plain && initial.factor >= maintenance.weight);
        prop_assert!(initial.value.times_ceil(initial.factor) >= maintenance.weighted());
        Ok(())
    });
}

#[test]
fn last_in_telescopes_however_borrowers_split() {
    check(4_000, (token(), prop::collection::vec(amount(), 1..40)), |(Token { reserve, reading }, openers)| {
        let (mut counted, mut granted) = (0u64, zero());
        for atoms in &openers {
            let atoms = atoms / 40;
            let Ok(leg) = reserve.initial_collateral_leg(atoms, counted, &reading, &NOW) else { return Ok(()) };
            granted += nano(leg.value.times_floor(leg.factor));
            counted += atoms;
        }
        let Ok(all) = reserve.initial_collateral_leg(counted, 0, &reading, &NOW) else { return Ok(()) };
        // Each step may be short of monotone by the slack of the curve.
        let slack = (int(2) + nano(all.value) * pow2_neg(40)) * int(openers.len() as u64);
        at_most(&granted, &(nano(all.value) * factor(all.factor) + slack), "together no more than m_init * ALV(Q)")
    });
}

#[test]
fn counting_own_collateral_twice_is_impossible() {
    let reserve = ReserveState { counted_atoms: 100, ..valid_reserve() };
    assert_eq!(
        (reserve.counted_by_others(30), reserve.counted_by_others(100), reserve.counted_by_others(101)),
        (70, 0, 0)
    );
}

#[test]
fn a_whole_market_sold_at_once_under_stress_leaves_lenders_whole() {
    check(
        3_000,
        (risk_terms(), quote(), amount(), prop::collection::vec(1u64..1_000, 1..8)),
        |(risk, quote, depth, parts)| {
            // The largest cap `validate` accepts for this depth, to within a hundredth.
            let mut config = ReserveConfig {
                risk: RiskTerms { depth_atoms: depth.max(1 << 32), depth_floor_atoms: 1 << 10, ..risk },
                ..valid_config()
            };
            config.initial.initial_bps = 1;
            config.initial.debt_weight_bps = 20_000;
            config.bonus = BonusTerms {
                bonus_max_bps: 300,
                health_max_bonus_bps: 9_999,
                throttle_share_bps: 10_000,
                ..config.bonus
            };
            config.bonus.bonus_min_bps = 0;
            let reading = valid_reading();
            let valid = |cap: u64| {
                let caps = Caps { collateral_atoms: cap, rescue_allowance_bps: 1_000, ..config.caps };
                ReserveConfig { caps, ..config }.validate(&valid_market(), 9, &reading).is_ok()
            };
            prop_assert!(valid(0));
            let (mut low, mut high) = (0, u64::MAX / 2);
            while high - low > low / 100 + 1 {
                let middle = low + (high - low) / 2;
                (low, high) = if valid(middle) { (middle, high) } else { (low, middle) };
            }
            // Everybody borrows all that maintenance allows, in positions that fill the cap and the rescue allowance.
            let all = low + low / 10;
            let whole: u64 = parts.iter().sum();
            let curve = |depth: u64| ExactCurve {
                price: quote.atom_price(),
                discount: int(1),
                depth: int(depth),
                impact: bps(config.risk.impact_sqrt_bps),
            };
            let lent = parts.iter().fold(zero(), |sum, part| {
                sum + curve(config.risk.depth_atoms).value(&(int(all) * frac(*part, whole)))
                    * bps(config.risk.maintenance_bps)
            });
            at_most(
                &lent,
                &curve(config.risk.stressed_depth_atoms()).value(&int(all)),
                "what the sale of everything brings",
            )
        },
    );
}

fn at(age_secs: i64) -> Reading {
    Reading { publish_time: NOW.unix - age_secs, ..valid_reading() }
}

/// A reserve whose reading of this age was noticed to be old so many seconds ago.
fn noticed(age_secs: i64, noticed_secs: i64) -> (ReserveState, Reading) {
    let mut reserve = ReserveState { reading: at(age_secs), ..valid_reserve() };
    reserve.notice_stale(&plimsoll_engine::Now { unix: NOW.unix - noticed_secs, slot: 0 }).unwrap();
    (reserve, at(age_secs))
}

#[test]
fn an_old_reading_counts_plainly_and_fades_in_a_line_to_nothing_once_noticed() {
    let reserve = valid_reserve();
    let plain = reserve.collateral_leg(1_000_000_000, &at(0), &NOW).plain;
    // A unit below 150 USD: 10^-8 has no exact binary form and is rounded down.
    assert_eq!(plain, Value(149_999_999_999));
    let stale = Some(EngineError::StalePrice);
    let young = reserve.collateral_leg(1_000_000_000, &at(60), &NOW);
    assert!(young.alv < plain && young.unusable.is_none());
    for age in [61, 3_600, 1 << 40] {
        let forgotten = reserve.collateral_leg(1_000_000_000, &at(age), &NOW);
        assert_eq!(
            (forgotten.plain, forgotten.alv, forgotten.unusable, forgotten.is_dead),
            (plain, plain, stale, false),
            "age {age}"
        );
    }
    // From the notice on, over dead_secs - stale_secs = 18,000 seconds.
    for (secs, value, is_dead) in
        [(0, 149_999_999_999, false), (9_000, 74_999_999_999, false), (18_000, 0, true), (1 << 40, 0, true)]
    {
        let (reserve, reading) = noticed(1 << 41, secs);
        let leg = reserve.collateral_leg(1_000_000_000, &reading, &NOW);
        assert_eq!(
            (leg.plain, leg.alv, leg.unusable, leg.is_dead),
            (Value(value), Value(value), stale, is_dead),
            "noticed {secs}"
        );
        let kept = reserve.collateral_leg_undecayed(1_000_000_000, &reading, &NOW);
        assert_eq!((kept.plain, kept.alv, kept.unusable), (plain, plain, stale), "noticed {secs}");
        let debt = reserve.debt_leg_of(1_000_000_000, &reading, &NOW);
        assert_eq!((debt.plain >= plain, debt.unusable, debt.is_dead), (true, stale, is_dead));
        // A newer reading, however old, is not the noticed one.
        let newer = reserve.collateral_leg(1_000_000_000, &at((1 << 41) - 1), &NOW);
        assert_eq!((newer.plain, newer.is_dead), (plain, false));
    }
}

#[test]
fn an_old_reading_is_noticed_once_and_a_newer_one_clears_it() {
    let mut reserve = ReserveState { reading: at(3_600), ..valid_reserve() };
    assert_eq!(reserve.notice_stale(&NOW), Err(EngineError::PriceNotStale));
    reserve.reading = at(3_601);
    assert_eq!((reserve.notice_stale(&NOW), reserve.stale_noticed_at), (Ok(()), NOW.unix));
    assert_eq!(reserve.notice_stale(&NOW), Err(EngineError::PriceNotStale));
    assert!(!reserve.keep_reading(Some(&at(3_601)), &NOW) && reserve.stale_noticed_at == NOW.unix);
    assert!(reserve.keep_reading(Some(&at(3_000)), &NOW) && reserve.stale_noticed_at == 0);
}

#[test]
fn confidence_beyond_the_soft_limit_moves_prices_for_the_borrower_and_beyond_the_hard_limit_forbids() {
    let reserve = valid_reserve();
    let with = |confidence| Reading { confidence, ..valid_reading() };
    // Soft 1%: 1.50 USD of 150. At 4.50 USD, 3 USD are too many.
    let (calm, wide) = (with(150_000_000), with(450_000_000));
    let plain = |reading| reserve.collateral_leg(1_000_000_000, reading, &NOW).plain;
    assert_eq!((plain(&calm), plain(&wide)), (Value(149_999_999_999), Value(152_999_999_999)));
    let owed = |reading| reserve.debt_leg_of(1_000_000_000, reading, &NOW).plain;
    assert_eq!((owed(&calm), owed(&wide)), (Value(150_000_000_001), Value(147_000_000_001)));
    let unusable = |confidence| reserve.collateral_leg(1, &with(confidence), &NOW).unusable;
    assert_eq!((unusable(750_000_000), unusable(750_000_001)), (None, Some(EngineError::ConfidenceTooWide)));
}

#[test]
fn each_reason_not_to_open_risk_has_its_error() {
    let reserve = valid_reserve();
    let refusal = |reading: Reading| {
        let (collateral, debt) = (
            reserve.initial_collateral_leg(1, 0, &reading, &NOW).err(),
            reserve.initial_debt_leg(1, &reading, &NOW).err(),
        );
        assert_eq!(collateral, debt);
        collateral
    };
    assert_eq!(refusal(at(30)), None);
    assert_eq!(refusal(at(31)), Some(EngineError::StalePrice));
    assert_eq!(refusal(Reading { confidence: 150_000_000, ..at(0) }), None);
    assert_eq!(refusal(Reading { confidence: 150_000_001, ..at(0) }), Some(EngineError::ConfidenceTooWide));
    // A band of 10% of the average.
    assert_eq!(refusal(Reading { price: 11_000, average: 10_000, confidence: 0, ..at(0) }), None);
    assert_eq!(
        refusal(Reading { price: 11_001, average: 10_000, confidence: 0, ..at(0) }),
        Some(EngineError::PriceOffAverage)
    );
    assert_eq!(
        refusal(Reading { price: 8_999, average: 10_000, confidence: 0, ..at(0) }),
        Some(EngineError::PriceOffAverage)
    );
    let absurd = reserve.initial_debt_leg(u64::MAX, &Reading { price: 1 << 60, average: 1 << 60, ..at(0) }, &NOW);
    assert_eq!(absurd.err(), Some(EngineError::AmountTooLarge));
}

#[test]
fn both_healths_must_be_at_least_one() {
    let exposure = |collateral: u128, debt: u128| {
        let mut exposure = Exposure::default();
        exposure
            .push_collateral(CollateralLeg { alv: Value(collateral), maintenance: Factor::ONE, ..Default::default() })
            .unwrap();
        exposure.push_debt(DebtLeg { plain: Value(debt), weight: Factor::ONE, ..Default::default() }).unwrap();
        exposure
    };
    let totals =
        |collateral, debt| InitialTotals { weighted_collateral: Value(collateral), weighted_debt: Value(debt) };
    assert_eq!(require_healthy(&totals(10, 10), &exposure(10, 10)), Ok(()));
    assert_eq!(require_healthy(&totals(9, 10), &exposure(9, 10)), Err(EngineError::InitialHealthTooLow));
    assert_eq!(require_healthy(&totals(10, 10), &exposure(9, 10)), Err(EngineError::MaintenanceHealthTooLow));
    assert_eq!((exposure(9, 10).health(), Exposure::default().health()), (Factor::ratio_floor(9, 10), Factor::MAX));
}

#[test]
fn a_ninth_collateral_and_a_fifth_debt_are_refused() {
    let mut exposure = Exposure::default();
    for _ in 0..MAX_COLLATERALS {
        assert_eq!(exposure.push_collateral(CollateralLeg::default()), Ok(()));
    }
    for _ in 0..MAX_DEBTS {
        assert_eq!(exposure.push_debt(DebtLeg::default()), Ok(()));
    }
    assert_eq!(exposure.push_collateral(CollateralLeg::default()), Err(EngineError::CollateralSlotsFull));
    assert_eq!(exposure.push_debt(DebtLeg::default()), Err(EngineError::DebtSlotsFull));
    assert_eq!((exposure.collaterals().len(), exposure.debts().len()), (MAX_COLLATERALS, MAX_DEBTS));
}

fn exposure_of(collateral: u128, debt: u128, unusable: &[Option<EngineError>; 2]) -> Exposure {
    let mut exposure = Exposure::default();
    let [first, second] = *unusable;
    let alv = Value(collateral);
    let leg = CollateralLeg { alv, maintenance: Factor::ONE, unusable: first, ..Default::default() };
    exposure.push_collateral(leg).unwrap();
    exposure
        .push_debt(DebtLeg { plain: Value(debt), weight: Factor::ONE, unusable: second, ..Default::default() })
        .unwrap();
    exposure
}

#[test]
fn a_rescue_is_a_deposit_that_takes_a_called_position_no_higher_than_the_target() {
    let price = || {
        let unusable = [EngineError::StalePrice, EngineError::ConfidenceTooWide].map(Some);
        prop_oneof![9 => Just(None), 1 => prop::sample::select(unusable.to_vec())]
    };
    // Levels with an exact binary form among them, or no health would be exactly the level.
    let level = || prop_oneof![1 => Just(10_625u64), 1 => Just(11_250), 4 => 10_000u64..=12_500];
    let healths = [9_000u128..13_000, 9_000..13_000];
    check(8_000, (level(), level(), [price(), price()], healths, any::<[u64; 3]>()), |input| {
        let (call, target, unusable, [from, to], seeds) = input;
        let market = MarketPolicy { call_level_bps: call, target_health_bps: target, ..valid_market() };
        let debt = (u128::from(seeds[0]) >> 8 << 4) + 16;
        // At the levels and next to them, by a unit or by half a bp, as often as anywhere.
        let near = |level: u64, seed: u64| {
            let step = if seed & 8 == 0 { 1 } else { debt.div_ceil(20_000) };
            (u128::from(level) * debt).div_ceil(10_000) + u128::from(seed >> 4) % 5 * step - 2 * step
        };
        let from = if seeds[1] & 1 == 0 { near(call, seeds[1] >> 1) } else { debt * from / 10_000 };
        let to = if seeds[2] & 1 == 0 { near(target, seeds[2] >> 1) } else { debt * to / 10_000 };
        let outcome = require_rescue(&exposure_of(from, debt, &unusable), &exposure_of(to, debt, &unusable), &market);
        // Levels are rounded up to 2^-40 and health is rounded down.
        let up = |bps: u64| frac((u128::from(bps) << 40).div_ceil(10_000), 1u64 << 40);
        let is_rescue = frac(from, debt) < up(call) && frac(to, debt) < up(target) + pow2_neg(40);
        let expected = match unusable.into_iter().flatten().next() {
            Some(error) => Err(error),
            None if is_rescue => Ok(()),
            None => Err(EngineError::CollateralCapExceeded),
        };
        prop_assert_eq!(outcome, expected);
        Ok(())
    });
}

#[test]
fn less_depth_closes_the_door_at_once_and_moves_no_threshold() {
    let (now, reading) = (NOW, valid_reading());
    let mut reserve = valid_reserve();
    let atoms = 400_000_000_000_000;
    let (initial, maintenance) = (
        |r: &ReserveState| r.initial_collateral_leg(atoms, 0, &reading, &now).unwrap().value,
        |r: &ReserveState| r.collateral_leg(atoms, &reading, &now).alv,
    );
    let before = (initial(&reserve), maintenance(&reserve));
    // More depth to come changes neither, until it is in force.
    reserve.risk_target.depth_atoms *= 2;
    assert_eq!((initial(&reserve), maintenance(&reserve)), before);
    reserve.risk_target.depth_atoms = reserve.risk.depth_atoms / 2;
    assert!(initial(&reserve) < before.0);
    assert_eq!(maintenance(&reserve), before.1);
    // As if it were in force already.
    let mut there = reserve;
    there.risk.depth_atoms = reserve.risk_target.depth_atoms;
    assert_eq!(initial(&reserve), initial(&there));
}

/// What a leg of each side counts at a price number, by the parts that it is made of.
fn at_number(token: &Token, number: u64, atoms: u64, owed_atoms: u64) -> (Price, Value, Value, Price, Value, Factor) {
    let (reserve, reading) = (&token.reserve, &token.reading);
    let sigma = reserve.sigma_maintenance(reading, &NOW);
    let collateral = reading.price_of(number, reserve.decimals);
    let debt = reading.price_of(number.max(1), reserve.decimals);
    (
        collateral,
        collateral.value_floor(atoms),
        reserve.risk.curve(collateral, sigma).value(atoms),
        debt,
        debt.value_ceil(owed_atoms),
        reserve.risk.debt_weight(reserve.risk.debt_weight_bps, sigma),
    )
}

#[test]
fn a_default_is_marked_at_the_borrowers_prices_and_a_provision_falls_at_the_others() {
    check(5_000, (token(), amount(), any::<u64>(), 0..2_000u64), |(mut token, atoms, shares, confidence_bps)| {
        token.reserve.debt_shares = Word128::new(u128::from(shares) << 32);
        token.reading.confidence = part_of(token.reading.price, confidence_bps);
        let (reserve, reading) = (&token.reserve, &token.reading);
        let shares = u128::from(shares) << 30;
        let owed = owed_ceil(shares, reserve.projected_index(NOW.unix));
        let counted = reading.confidence.min(part_of(reading.price, reserve.oracle_policy.confidence_hard_bps));
        let high = reading.price.max(reading.average).saturating_add(counted);
        let low = reading.price.min(reading.average).saturating_sub(counted);

        let usable = reserve.oracle_policy.permit_liquidation(reading, &NOW).err();
        let legs = [
            (
                high,
                low,
                reserve.collateral_leg_favourable(atoms, reading, &NOW),
                reserve.debt_leg_favourable(shares, reading, &NOW),
            ),
            (
                low,
                high,
                reserve.collateral_leg_adverse(atoms, reading, &NOW),
                reserve.debt_leg_adverse(shares, reading, &NOW),
            ),
        ];
        for (number, of_debt, collateral, debt) in legs {
            let (price, plain, alv, ..) = at_number(&token, number, atoms, owed);
            prop_assert_eq!((collateral.price, collateral.plain, collateral.alv), (price, plain, alv));
            prop_assert_eq!((collateral.atoms, collateral.unusable, collateral.is_dead), (atoms, usable, false));
            prop_assert_eq!(collateral.maintenance, Factor::from_bps_floor(reserve.risk.maintenance_bps));
            let (.., price, plain, weight) = at_number(&token, of_debt, atoms, owed);
            prop_assert_eq!((debt.owed_atoms, debt.price, debt.plain), (owed, price, plain));
            prop_assert_eq!((debt.weight, debt.unusable, debt.is_dead), (weight, usable, false));
        }
        Ok(())
    });
}

#[test]
fn shares_are_projected_as_the_atoms_that_they_owe() {
    check(2_000, (token(), any::<u64>(), 0i64..100_000_000), |(mut token, shares, secs)| {
        (token.reserve.debt_shares, token.reserve.accrued_at) =
            (Word128::new(u128::from(shares) << 32), NOW.unix - secs);
        let (reserve, reading) = (&token.reserve, &token.reading);
        let shares = u128::from(shares) << 31;
        let leg = reserve.debt_leg(shares, reading, &NOW);
        let of_atoms = reserve.debt_leg_of(owed_ceil(shares, reserve.projected_index(NOW.unix)), reading, &NOW);
        prop_assert_eq!((leg.owed_atoms, leg.price, leg.plain), (of_atoms.owed_atoms, of_atoms.price, of_atoms.plain));
        prop_assert_eq!(
            (leg.weight, leg.unusable, leg.is_dead),
            (of_atoms.weight, of_atoms.unusable, of_atoms.is_dead)
        );
        prop_assert!(leg.owed_atoms > 0 || shares == 0);
        Ok(())
    });
}

/// Part of a number in basis points, rounded down.
fn part_of(number: u64, bps: u64) -> u64 {
    u64::try_from(u128::from(number) * u128::from(bps) / 10_000).unwrap_or(u64::MAX)
}
