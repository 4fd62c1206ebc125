//! Governance: every parameter has a number and the right direction, terms walk, proposals wait, roles are accepted.

use core::mem::{offset_of, size_of};
use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};

use bytemuck::{bytes_of, bytes_of_mut, Zeroable};
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Value;
use plimsoll_engine::governance::proposals::{tighten, Role};
use plimsoll_engine::governance::{Direction, Parameter, ParameterValue, Subject};
use plimsoll_engine::price::Reading;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::health::{token, Token};
use crate::oracle::*;
use crate::worlds::*;

const HOUR: i64 = 3_600;

fn market() -> MarketState {
    MarketState { policy: valid_market(), ..MarketState::zeroed() }
}

/// The values of all parameters of a market and a reserve that are read from them.
fn values(market: &MarketState, reserve: &ReserveState) -> BTreeMap<u16, [u8; 32]> {
    let (mut of_market, mut of_reserve) = (*market, *reserve);
    let all = Parameter::ALL.iter().map(|&parameter| {
        let (of_market, of_reserve) = (
            Subject::Market(&mut of_market).read(parameter),
            Subject::Reserve(&mut of_reserve, market).read(parameter),
        );
        assert_eq!(of_reserve.is_ok(), parameter.is_of_reserve(), "{parameter:?}");
        assert_ne!(of_market.is_ok(), of_reserve.is_ok(), "{parameter:?}");
        (parameter as u16, of_market.or(of_reserve).unwrap().0)
    });
    all.collect()
}

/// The bytes of a field.
macro_rules! bytes_of_field {
    ($of:ty, $field:ident: $kind:ty) => {
        offset_of!($of, $field)..offset_of!($of, $field) + size_of::<$kind>()
    };
}

/// The bytes of a field of a field.
macro_rules! bytes_within {
    ($of:ty, $outer:ident: $inner:ty, $field:ident: $kind:ty) => {{
        let start = offset_of!($of, $outer) + offset_of!($inner, $field);
        start..start + size_of::<$kind>()
    }};
}

#[test]
fn every_setting_is_one_parameter_but_for_those_that_are_fixed() {
    // Fixed for the life of a market: positions and reserves were made against them.
    let (market_settings, market_fixed): (Vec<Range<usize>>, Vec<Range<usize>>) = (
        vec![
            bytes_of_field!(MarketState, policy: MarketPolicy),
            bytes_of_field!(MarketState, pending_admin: Pubkey),
            bytes_of_field!(MarketState, pending_guardian: Pubkey),
            bytes_of_field!(MarketState, pending_council: Pubkey),
            bytes_of_field!(MarketState, treasury: Pubkey),
        ],
        vec![
            bytes_within!(MarketState, policy: MarketPolicy, dust_value: u64),
            bytes_within!(MarketState, policy: MarketPolicy, bonus_default_bps: u64),
            bytes_within!(MarketState, policy: MarketPolicy, auction_secs: u64),
            bytes_within!(MarketState, policy: MarketPolicy, reserved: [u64; 1]),
        ],
    );
    let (reserve_settings, reserve_fixed): (Vec<Range<usize>>, Vec<Range<usize>>) = (
        vec![
            bytes_of_field!(ReserveState, risk_target: RiskTerms),
            bytes_of_field!(ReserveState, initial: InitialTerms),
            bytes_of_field!(ReserveState, bonus: BonusTerms),
            bytes_of_field!(ReserveState, oracle_policy: OraclePolicy),
            bytes_of_field!(ReserveState, rates: RateCurve),
            bytes_of_field!(ReserveState, caps: Caps),
            bytes_of_field!(ReserveState, depth_valid_secs: u64),
            bytes_of_field!(ReserveState, oracle: Pubkey),
        ],
        vec![
            bytes_within!(ReserveState, initial: InitialTerms, reserved: [u64; 6]),
            bytes_within!(ReserveState, bonus: BonusTerms, reserved: [u64; 2]),
            bytes_within!(ReserveState, oracle_policy: OraclePolicy, reserved: [u64; 2]),
        ],
    );
    let (market, reserve) = (market(), valid_reserve());
    let before = values(&market, &reserve);
    let mut bytes_of_parameter: BTreeMap<u16, usize> = BTreeMap::new();
    let mut changed_by = |market: &MarketState, reserve: &ReserveState| -> Option<u16> {
        let after = values(market, reserve);
        let mut changed = before.keys().copied().filter(|number| before[number] != after[number]);
        let (first, second) = (changed.next(), changed.next());
        assert_eq!(second, None, "a byte of {first:?} and {second:?}");
        first.inspect(|number| *bytes_of_parameter.entry(*number).or_default() += 1)
    };
    let within = |ranges: &[Range<usize>], at: usize| ranges.iter().any(|range| range.contains(&at));
    for at in 0..size_of::<MarketState>() {
        let mut flipped = market;
        bytes_of_mut(&mut flipped)[at] ^= 0x55;
        let is_parameter = within(&market_settings, at) && !within(&market_fixed, at);
        assert_eq!(changed_by(&flipped, &reserve).is_some(), is_parameter, "byte {at} of the market");
    }
    for at in 0..size_of::<ReserveState>() {
        let mut flipped = reserve;
        bytes_of_mut(&mut flipped)[at] ^= 0x55;
        let is_parameter = within(&reserve_settings, at) && !within(&reserve_fixed, at);
        assert_eq!(changed_by(&market, &flipped).is_some(), is_parameter, "byte {at} of the reserve");
    }
    for &parameter in Parameter::ALL {
        let bytes = if parameter as u16 >= 200 { 32 } else { 8 };
        assert_eq!(bytes_of_parameter.get(&(parameter as u16)), Some(&bytes), "{parameter:?}");
    }
}

#[test]
fn every_number_is_of_one_parameter() {
    let numbers: BTreeSet<u16> = Parameter::ALL.iter().map(|&parameter| parameter as u16).collect();
    assert_eq!(numbers.len(), Parameter::ALL.len());
    for number in 0..=u16::MAX {
        match Parameter::of(number) {
            Ok(parameter) => assert!(parameter as u16 == number && numbers.contains(&number)),
            Err(error) => assert!(error == EngineError::InvalidParameter && !numbers.contains(&number), "{number}"),
        }
    }
}

#[test]
fn a_number_is_eight_bytes_and_nothing_behind_them() {
    check(2_000, (amount(), 8usize..32, 1u8..), |(number, at, byte)| {
        let value = ParameterValue::number(number);
        prop_assert_eq!(value.as_number(), Ok(number));
        let mut key = value;
        key.0[at] = byte;
        prop_assert_eq!(key.as_number(), Err(EngineError::InvalidParameter));
        Ok(())
    });
}

/// Another value than this, a part of it away or anything, down or up.
fn other_than(old: u64, up: bool, seed: u64) -> u64 {
    let by = match seed % 4 {
        0 => 1,
        1 => old / pick(seed >> 2, 500, 5_000),
        2 => old / pick(seed >> 2, 3, 100),
        _ => old / pick(seed >> 2, 1, 3),
    };
    if up {
        old.saturating_add(by.max(1))
    } else {
        old.saturating_sub(by.max(1))
    }
}

/// A leg of a random world whose price may open risk, with room between its weights.
fn legs() -> impl Strategy<Value = (Leg, MarketState)> {
    (unhealthy_position(), any::<[u64; 3]>()).prop_map(|(mut world, seeds)| {
        let from = usize::try_from(seeds[0] >> 1).unwrap();
        let mut leg = if seeds[0] & 1 == 0 {
            world.collaterals.swap_remove(from % world.collaterals.len())
        } else {
            world.debts.swap_remove(from % world.debts.len())
        };
        leg.reading.confidence = 0;
        leg.reserve.reading = leg.reading;
        leg.reserve.initial.debt_weight_bps += seeds[1] % 5_000;
        (leg, MarketState { policy: world.market, ..MarketState::zeroed() })
    })
}

/// Initial and maintenance health of a holding, each as collateral and as debt: larger is laxer, smaller is laxer.
struct Looks {
    initial: (Exact, Exact),
    maintenance: (Exact, Exact),
    /// What rounding may do to a collateral value.
    slack: Exact,
}

fn looks(reserve: &ReserveState, reading: &Reading, atoms: u64, now: &Now) -> Looks {
    let reading = &Reading { publish_time: now.unix, ..*reading };
    let initial = reserve.initial_collateral_leg(atoms, 0, reading, now).unwrap();
    let debt = reserve.initial_debt_leg(atoms, reading, now).unwrap();
    let (collateral, owed) = (reserve.collateral_leg(atoms, reading, now), reserve.debt_leg_of(atoms, reading, now));
    Looks {
        initial: (nano(initial.value.times_floor(initial.factor)), nano(debt.value.times_ceil(debt.factor))),
        maintenance: (nano(collateral.weighted()), nano(owed.weighted())),
        // As where `initial <= maintenance` is shown of terms that stand still.
        slack: int(2) + nano(collateral.alv.max(initial.value)) * pow2_neg(39),
    }
}

/// Like `looks`; `None` where the debt is too large to be one.
fn looks_if_any(reserve: &ReserveState, reading: &Reading, atoms: u64, now: &Now) -> Option<Looks> {
    let is_small = Value::LIMIT.0 > reserve.debt_leg_of(atoms, reading, now).plain.0.saturating_mul(2);
    is_small.then(|| looks(reserve, reading, atoms, now))
}

#[test]
fn what_tightens_never_raises_initial_health_nor_a_limit() {
    let tried = std::cell::RefCell::new(BTreeMap::<u16, u32>::new());
    check(1_500, (legs(), any::<u64>()), |((leg, market), seed)| {
        let Some(before) = looks_if_any(&leg.reserve, &leg.reading, leg.atoms, &NOW) else { return Ok(()) };
        for &parameter in Parameter::ALL.iter().filter(|parameter| parameter.is_of_reserve()) {
            let mut reserve = leg.reserve;
            let mut subject = Subject::Reserve(&mut reserve, &market);
            let up = match parameter.direction() {
                Direction::Neither => continue,
                Direction::Lower => false,
                Direction::Higher => true,
            };
            let old = subject.read(parameter).unwrap().as_number().unwrap();
            let new = other_than(old, up, seed.rotate_left(u32::from(parameter as u16)));
            if tighten(&mut subject, parameter, &ParameterValue::number(new), &NOW).is_err() {
                continue;
            }
            *tried.borrow_mut().entry(parameter as u16).or_default() += 1;
            let after = looks(&reserve, &leg.reading, leg.atoms, &NOW);
            at_most(&after.initial.0, &(&before.initial.0 + &before.slack), &format!("{parameter:?} {old} -> {new}"))?;
            at_most(&before.initial.1, &after.initial.1, &format!("{parameter:?} {old} -> {new}, as debt"))?;
            prop_assert!(after.maintenance == before.maintenance, "{:?} moves maintenance health", parameter);
            // And when the walk has arrived: what is in force no longer hides what was signed.
            let there = ReserveState { risk: reserve.risk_target, ..reserve };
            let arrived = looks(&there, &leg.reading, leg.atoms, &NOW);
            at_most(&arrived.initial.0, &(&before.initial.0 + &before.slack), &format!("{parameter:?} arrived"))?;
            at_most(&before.initial.1, &arrived.initial.1, &format!("{parameter:?} arrived, as debt"))?;
            at_most(
                &arrived.maintenance.0,
                &(&before.maintenance.0 + &before.slack),
                &format!("{parameter:?} in force"),
            )?;
            at_most(&before.maintenance.1, &arrived.maintenance.1, &format!("{parameter:?} in force, as debt"))?;
            let (caps, before) = (reserve.caps, leg.reserve.caps);
            prop_assert!(caps.supply_atoms <= before.supply_atoms && caps.borrow_atoms <= before.borrow_atoms);
            prop_assert!(caps.with_rescue() <= before.with_rescue());
        }
        Ok(())
    });
    for &parameter in Parameter::ALL.iter().filter(|parameter| parameter.is_of_reserve()) {
        if parameter.direction() != Direction::Neither {
            let times = tried.borrow().get(&(parameter as u16)).copied().unwrap_or(0);
            crate::assert_seen!(times > 100, "{parameter:?}: {times}");
        }
    }
}

#[test]
fn the_tighter_of_two_terms_is_as_tight_as_each() {
    check(6_000, (token(), risk_terms(), amount()), |(Token { reserve, reading }, other, atoms)| {
        // Of the same depth within 2^16, or one always decides alone.
        let depth = |risk: RiskTerms| RiskTerms { depth_atoms: risk.depth_atoms.max(1 << 40), ..risk };
        let (own, other) = (depth(reserve.risk), depth(other));
        // No sample is to come: it would be clipped at the limits in force.
        let of = |risk, risk_target| {
            let mut reserve = ReserveState { risk, risk_target, ..reserve };
            reserve.volatility.sampled_at = NOW.unix;
            reserve
        };
        if reserve.initial_debt_leg(atoms, &reading, &NOW).is_err() {
            return Ok(());
        }
        let of_both = [of(own, other), of(other, own)].map(|reserve| looks(&reserve, &reading, atoms, &NOW));
        prop_assert!(of_both[0].initial == of_both[1].initial, "whichever is in force");
        for risk in [own, other] {
            let alone = looks(&of(risk, risk), &reading, atoms, &NOW);
            at_most(&of_both[0].initial.0, &(&alone.initial.0 + &alone.slack), "as collateral")?;
            at_most(&alone.initial.1, &of_both[0].initial.1, "as debt")?;
        }
        Ok(())
    });
}

/// The terms as numbers.
fn terms(risk: &RiskTerms) -> Vec<u64> {
    bytemuck::cast_slice::<u8, u64>(bytes_of(risk)).to_vec()
}

/// What invariants join with the terms.
const JOINED: [Parameter; 6] = [
    Parameter::Initial,
    Parameter::InitialDebtWeight,
    Parameter::BonusMax,
    Parameter::BonusHealth,
    Parameter::CollateralCap,
    Parameter::RescueAllowance,
];

/// Signs random changes of the terms and of what is joined with them, either way; those that are refused change nothing.
fn sign(reserve: &mut ReserveState, market: &MarketState, now: &Now, seeds: &[u64]) {
    for seed in seeds {
        let before = *reserve;
        let (terms, signed) = (&before.risk, &before.risk_target);
        let parameter = match usize::try_from(seed % 18).unwrap() {
            of @ 0..12 => Parameter::of(100 + u16::try_from(of).unwrap()).unwrap(),
            of => JOINED[of - 12],
        };
        let old = Subject::Reserve(reserve, market).read(parameter).unwrap().as_number().unwrap();
        // Of what is joined, as often a value that suits one of both terms and not the other.
        let other = other_than(old, seed & 1 << 60 == 0, seed >> 4);
        let new = match parameter {
            _ if seed & 1 << 61 == 0 => other,
            Parameter::Initial => terms.maintenance_bps.max(signed.maintenance_bps) - 1,
            Parameter::InitialDebtWeight => terms.debt_weight_bps.min(signed.debt_weight_bps),
            _ => other,
        };
        if Subject::Reserve(reserve, market).write(parameter, &ParameterValue::number(new), now).is_err() {
            assert!(bytes_of(reserve) == bytes_of(&before), "{parameter:?}: refused, but not without effect");
        } else if (parameter as u16) < 120 {
            assert_eq!(reserve.ramped_at, now.unix, "the first step is an hour away");
            assert!(!reserve.walk_terms(&Now { unix: now.unix + HOUR - 1, ..*now }));
        }
    }
}

#[test]
fn terms_walk_from_where_they_are_a_step_an_hour_and_initial_health_is_never_laxer_on_the_way() {
    let walks = (legs(), prop::collection::vec(any::<u64>(), 1..12), any::<u64>());
    let walked = std::cell::Cell::new(0);
    check(300, walks, |((mut leg, market), seeds, seed)| {
        let mut now = Now { unix: NOW.unix + 7_200, ..NOW };
        let Some(before) = looks_if_any(&leg.reserve, &leg.reading, leg.atoms, &now) else { return Ok(()) };
        let reserve = &mut leg.reserve;
        sign(reserve, &market, &now, &seeds);
        let after = looks(reserve, &leg.reading, leg.atoms, &now);
        prop_assert!(after.maintenance == before.maintenance, "a signature moves nobody");
        let (mut steps, mut random) = (0, seed);
        while reserve.risk != reserve.risk_target {
            // Now and then somebody signs again, in the middle of the walk.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if steps < 200 && random >> 57 == 0 {
                sign(reserve, &market, &now, &[random.rotate_left(17), random.rotate_left(31)]);
            }
            // Walks to a depth that expired: `depth`.
            reserve.depth_confirmed_at = now.unix;
            let (ramped_at, was) = (reserve.ramped_at, *reserve);
            // Touched at random before the hour is over: nothing.
            let early = Now { unix: ramped_at + i64::try_from(random >> 33).unwrap() % HOUR, ..now };
            prop_assert!(!reserve.walk_terms(&early) && bytes_of(reserve) == bytes_of(&was));
            // After the hour or long after: one step.
            let late = if random & 1 << 20 == 0 { 0 } else { i64::try_from(random >> 40).unwrap() % 86_400 };
            now.unix = ramped_at + HOUR + late;
            reserve.depth_confirmed_at = now.unix;
            if reserve.risk == reserve.risk_target {
                break;
            }
            prop_assert!(reserve.walk_terms(&now) && reserve.ramped_at == now.unix);
            let (old, new, target) = (terms(&was.risk), terms(&reserve.risk), terms(&reserve.risk_target));
            for ((old, new), target) in old.into_iter().zip(new).zip(target) {
                let most = (old.max(target) / 1_000).max(1);
                prop_assert!(old.abs_diff(new) <= most, "{} -> {} of {}", old, new, target);
                prop_assert!((old.min(target)..=old.max(target)).contains(&new), "{} -> {} of {}", old, new, target);
                prop_assert!(old == target || new != old, "{} stays, and is to be {}", old, target);
            }
            let in_force = ReserveConfig { risk: reserve.risk, ..reserve.config() };
            let valid = in_force.validate(&market.policy, reserve.decimals, &reserve.reading);
            prop_assert!(valid.is_ok(), "{:?} after {} steps: {:?}", valid, steps, in_force.risk);
            if steps < 8 || steps % 32 == 0 {
                let Looks { initial, maintenance, slack } = looks(reserve, &leg.reading, leg.atoms, &now);
                at_most(&initial.0, &(maintenance.0 + slack), "initial on the walk")?;
                at_most(&maintenance.1, &initial.1, "initial on the walk, as debt")?;
            }
            steps += 1;
            // Falling by a thousandth, 2^64 is through after 44,000 steps; of values here, each changed a few times by at
            // most half or all of itself, after a few thousand.
            prop_assert!(steps < 20_000, "{:?} never becomes {:?}", reserve.risk, reserve.risk_target);
        }
        let there = *reserve;
        now.unix += 86_399;
        prop_assert!(!reserve.walk_terms(&now) && bytes_of(reserve) == bytes_of(&there), "arrived");
        walked.set(walked.get() + steps);
        Ok(())
    });
    crate::assert_seen!(walked.get() > 20_000, "{}", walked.get());
}

#[test]
fn a_change_stands_the_worst_of_all_that_the_walk_meets() {
    let (market, now) = (market(), NOW);
    let sign = |reserve: &mut ReserveState, parameter, value| {
        tighten(&mut Subject::Reserve(reserve, &market), parameter, &ParameterValue::number(value), &now)
    };
    // The least depth that is accepted.
    let least = |reserve: &ReserveState| {
        let (mut refused, mut accepted) = (0, reserve.risk_target.depth_atoms);
        while accepted - refused > 1 {
            let middle = refused + (accepted - refused) / 2;
            let is_accepted = sign(&mut { *reserve }, Parameter::Depth, middle).is_ok();
            (refused, accepted) = if is_accepted { (refused, middle) } else { (middle, accepted) };
        }
        accepted
    };
    let mut reserve = valid_reserve();
    sign(&mut reserve, Parameter::CollateralCap, 1_000_000_000_000).unwrap();
    sign(&mut reserve, Parameter::DepthFloor, 1).unwrap();
    reserve.risk = reserve.risk_target;
    let before = least(&reserve);
    sign(&mut reserve, Parameter::Initial, 3_000).unwrap();
    sign(&mut reserve, Parameter::Maintenance, 4_000).unwrap();
    // A factor of 0.4 bears far less depth, but 0.8 is in force for weeks while a little less depth arrives tomorrow.
    assert_eq!(least(&reserve), before);
    assert_eq!(sign(&mut reserve, Parameter::Depth, before - 1), Err(EngineError::CapTooLargeForDepth));
    reserve.risk = reserve.risk_target;
    assert!(least(&reserve) < before / 4, "{} of {before}", least(&reserve));
}

/// A limit of the design, told: what validity asks of the price, a tightening must meet too.
#[test]
fn where_an_atom_has_become_worth_too_much_no_parameter_of_the_reserve_changes_either_way() {
    let (market, mut reserve) = (market(), valid_reserve());
    let supply_cap = |reserve: &mut ReserveState| {
        tighten(&mut Subject::Reserve(reserve, &market), Parameter::SupplyCap, &ParameterValue::number(1), &NOW)
    };
    // 100,000 atoms are to be worth 10 USD at most: at nine decimals, a price of 100,000 USD.
    reserve.reading.price = 99_999 * 100_000_000;
    assert_eq!(supply_cap(&mut { reserve }), Ok(()));
    reserve.reading.price = 100_001 * 100_000_000;
    let before = reserve;
    assert_eq!(supply_cap(&mut reserve), Err(EngineError::DustTooSmall));
    assert!(bytes_of(&reserve) == bytes_of(&before));
}

#[test]
fn however_far_away_a_target_is_a_step_toward_it_is_no_larger() {
    let (market, mut reserve) = (market(), valid_reserve());
    let most = ParameterValue::number(u64::MAX);
    tighten(&mut Subject::Reserve(&mut reserve, &market), Parameter::SigmaRise, &most, &NOW).unwrap();
    assert!(reserve.walk_terms(&Now { unix: NOW.unix + HOUR, ..NOW }));
    assert_eq!(reserve.risk.sigma_rise_bps_per_hour, 101);
}

/// What is done to one parameter.
#[derive(Clone, Copy, Debug)]
enum Act {
    Tighten(u64),
    Propose(u64),
    Execute,
    Cancel,
}

fn acts(values: impl Strategy<Value = u64>) -> impl Strategy<Value = Vec<(Act, i64)>> {
    let act = (0..5, values).prop_map(|(kind, value)| match kind {
        0 => Act::Tighten(value),
        1 | 2 => Act::Propose(value),
        3 => Act::Execute,
        _ => Act::Cancel,
    });
    // To the second around ripeness and expiry, as often as anywhere.
    let wait = prop_oneof![
        3 => 0i64..100_000,
        3 => prop::sample::select(vec![172_799i64, 172_800, 172_801, 259_199, 259_200, 431_999, 432_000]),
        1 => 0i64..1_000_000,
    ];
    prop::collection::vec((act, wait), 1..40)
}

/// Plays acts on a parameter of a reserve, against a model of plain numbers.
fn play(
    parameter: Parameter,
    acts: &[(Act, i64)],
    valid: impl Fn(&ReserveState, u64, &Now) -> Result<(), EngineError>,
) -> Result<u32, TestCaseError> {
    let (market, mut reserve, mut now) = (market(), valid_reserve(), NOW);
    let mut stands: Option<(ProposalState, u64, u64, i64)> = None;
    let mut executed = 0;
    for (act, wait) in acts {
        now.unix += wait;
        let before = reserve;
        let mut subject = Subject::Reserve(&mut reserve, &market);
        let old = subject.read(parameter).unwrap().as_number().unwrap();
        let (lower, neither) = (parameter.direction() == Direction::Lower, parameter.direction() == Direction::Neither);
        assert!(lower != neither);
        let (outcome, expected, value) = match *act {
            Act::Tighten(new) => {
                let expected = if new == old {
                    Err(EngineError::NothingChanges)
                } else if neither || new > old {
                    Err(EngineError::NotTighter)
                } else {
                    valid(&before, new, &now)
                };
                (tighten(&mut subject, parameter, &ParameterValue::number(new), &now), expected, new)
            }
            Act::Propose(new) => {
                if stands.is_some() {
                    continue;
                }
                let mut proposal = ProposalState::zeroed();
                let number = ParameterValue::number(new);
                let outcome = proposal.write(&mut subject, parameter, &number, &market.policy, &now);
                if new == old {
                    prop_assert_eq!(outcome, Err(EngineError::NothingChanges));
                } else if lower && new < old {
                    prop_assert_eq!(outcome, Err(EngineError::TightensAtOnce));
                } else if outcome.is_ok() {
                    let times = (proposal.written_at, proposal.ripe_at, proposal.expires_at);
                    prop_assert_eq!(times, (now.unix, now.unix + 172_800, now.unix + 432_000));
                    stands = Some((proposal, old, new, now.unix));
                }
                prop_assert!(bytes_of(&reserve) == bytes_of(&before), "a proposal changes nothing yet");
                continue;
            }
            Act::Execute => {
                let Some((proposal, against, new, written_at)) = stands else { continue };
                let expected = if now.unix < written_at + 172_800 {
                    Err(EngineError::ProposalNotRipe)
                } else if now.unix >= written_at + 432_000 {
                    Err(EngineError::ProposalExpired)
                } else if against != old {
                    Err(EngineError::ProposalOutdated)
                } else {
                    valid(&before, new, &now)
                };
                let outcome = proposal.execute(&mut subject, &now);
                if outcome.is_ok() {
                    (stands, executed) = (None, executed + 1);
                }
                (outcome, expected, new)
            }
            Act::Cancel => {
                if let Some((proposal, against, _, written_at)) = stands {
                    let is_over = against != old || now.unix >= written_at + 432_000;
                    prop_assert_eq!(proposal.is_over(&mut subject, &now), is_over);
                    stands = None;
                }
                continue;
            }
        };
        prop_assert_eq!(outcome, expected, "{:?}", act);
        match outcome {
            Ok(()) => {
                let new = Subject::Reserve(&mut reserve, &market).read(parameter).unwrap().as_number();
                prop_assert_eq!(new, Ok(value));
            }
            Err(_) => prop_assert!(bytes_of(&reserve) == bytes_of(&before), "refused, but not without effect"),
        }
    }
    Ok(executed)
}

#[test]
fn a_proposal_is_executed_ripe_in_its_time_and_against_the_value_it_was_written_against_only() {
    let executed = std::cell::Cell::new(0);
    check(1_500, acts(prop_oneof![0u64..6, any::<u64>()]), |acts| {
        executed.set(executed.get() + play(Parameter::SupplyCap, &acts, |_, _, _| Ok(()))?);
        Ok(())
    });
    check(1_500, acts(0u64..64), |acts| {
        let valid = |_: &ReserveState, age, _: &Now| match age {
            1..=60 => Ok(()),
            _ => Err(EngineError::InvalidOraclePolicy),
        };
        executed.set(executed.get() + play(Parameter::BorrowAge, &acts, valid)?);
        Ok(())
    });
    crate::assert_seen!(executed.get() > 1_000, "{}", executed.get());
}

#[test]
fn a_cap_grows_from_nothing_to_a_seed_and_then_by_doubling_once_in_a_delay() {
    // 100,000 USD at 150 USD, nine decimals; what the depth bears is above it.
    let seed = 666_666_666_666u64;
    let executed = std::cell::Cell::new(0);
    let values = prop_oneof![
        Just(0u64),
        prop::sample::select(vec![seed, seed + 1, 2 * seed, 2 * seed + 1, 4 * seed]),
        (0u32..48, any::<u64>()).prop_map(|(shift, x)| x >> (16 + shift)),
    ];
    check(3_000, acts(values), |acts| {
        let valid = |reserve: &ReserveState, cap: u64, now: &Now| {
            let current = reserve.caps.collateral_atoms;
            let most = if current == 0 { seed } else { 2 * current };
            if cap > current && (cap > most || now.unix < reserve.cap_raised_at + 172_800) {
                return Err(EngineError::CapGrowsTooFast);
            }
            // What the depth bears is shown elsewhere.
            let config = ReserveConfig { caps: Caps { collateral_atoms: cap, ..reserve.caps }, ..reserve.config() };
            config.validate(&valid_market(), 9, &reserve.reading)
        };
        executed.set(executed.get() + play(Parameter::CollateralCap, &acts, valid)?);
        Ok(())
    });
    crate::assert_seen!(executed.get() > 300, "{}", executed.get());
    // As fast as can be: nothing within the delay, then the seed, then doubling a delay apart.
    let (market, mut reserve, mut now) = (market(), valid_reserve(), NOW);
    reserve.caps.collateral_atoms = 0;
    let raise = |reserve: &mut ReserveState, cap: u64, now: &Now| {
        let cap = ParameterValue::number(cap);
        Subject::Reserve(reserve, &market).write(Parameter::CollateralCap, &cap, now)
    };
    assert_eq!(raise(&mut reserve, seed + 1, &now), Err(EngineError::CapGrowsTooFast));
    assert_eq!(raise(&mut reserve, seed, &now), Ok(()));
    for doublings in 1..6 {
        now.unix += 172_799;
        assert_eq!(raise(&mut reserve, seed << doublings, &now), Err(EngineError::CapGrowsTooFast));
        // Tightened in between, and raised again to where it was: no.
        let mut tightened = reserve;
        raise(&mut tightened, 1, &now).unwrap();
        assert_eq!(raise(&mut tightened, 2, &now), Err(EngineError::CapGrowsTooFast));
        now.unix += 1;
        assert_eq!(raise(&mut reserve, (seed << doublings) + 1, &now), Err(EngineError::CapGrowsTooFast));
        assert_eq!(raise(&mut reserve, seed << doublings, &now), Ok(()));
        // No other change begins the delay anew.
        let (mut other, supply_cap) = (reserve, ParameterValue::number(reserve.caps.supply_atoms - 1));
        let later = Now { unix: now.unix + 1, ..now };
        Subject::Reserve(&mut other, &market).write(Parameter::SupplyCap, &supply_cap, &later).unwrap();
        assert_eq!(other.cap_raised_at, now.unix);
    }
}

#[test]
fn a_token_joins_a_launched_market_without_a_collateral_cap_only() {
    let (none, some) = (
        ReserveConfig { caps: Caps { collateral_atoms: 0, ..valid_config().caps }, ..valid_config() },
        ReserveConfig { caps: Caps { collateral_atoms: 1, ..valid_config().caps }, ..valid_config() },
    );
    let mut market = market();
    assert_eq!((market.require_new(&none), market.require_new(&some)), (Ok(()), Ok(())), "set up freely");
    market.launch().unwrap();
    assert_eq!((market.require_new(&none), market.require_new(&some)), (Ok(()), Err(EngineError::CapGrowsTooFast)));
}

#[test]
fn a_role_goes_to_whom_it_was_promised_once_and_to_nobody_else() {
    let roles = [Role::Admin, Role::Guardian, Role::Council];
    let promised = |market: &mut MarketState, role, key: Pubkey| match role {
        Role::Admin => market.pending_admin = key,
        Role::Guardian => market.pending_guardian = key,
        Role::Council => market.pending_council = key,
    };
    check(4_000, (0usize..3, 0usize..3, any::<[u8; 32]>(), any::<[u8; 32]>()), |(one, asked, key, other)| {
        let mut market = MarketState { admin: [1; 32], guardian: [2; 32], council: [3; 32], ..market() };
        let empty = market;
        for role in roles {
            // Nobody was promised anything: not even to the key of zeros.
            for signer in [[0; 32], key] {
                prop_assert_eq!(market.accept_role(role, &signer), Err(EngineError::NotPending));
            }
        }
        promised(&mut market, roles[one], key);
        let before = market;
        let outcome = market.accept_role(roles[asked], &other);
        let is_theirs = one == asked && key == other && key != [0; 32];
        prop_assert_eq!(outcome.is_ok(), is_theirs);
        market = before;
        prop_assert_eq!(market.accept_role(roles[one], &key), Ok(()));
        prop_assert_eq!(market.accept_role(roles[one], &key), Err(EngineError::NotPending));
        let mut expected = empty;
        match roles[one] {
            Role::Admin => expected.admin = key,
            Role::Guardian => expected.guardian = key,
            Role::Council => expected.council = key,
        }
        prop_assert!(bytes_of(&market) == bytes_of(&expected), "and nothing else");
        Ok(())
    });
    assert_eq!([0, 1, 2].map(Role::of), roles.map(Ok));
    assert!((3..=255).all(|number| Role::of(number) == Err(EngineError::InvalidParameter)));
}

#[test]
fn the_document_lists_every_parameter_with_its_number_and_direction() {
    let document = include_str!("../../../../docs/governance.md");
    let (_, table) = document.split_once("| number | name | tighter | what |").expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: Vec<Vec<&str>> = rows.map(|row| row.split('|').map(str::trim).skip(1).take(3).collect()).collect();
    let known = Parameter::ALL.iter().map(|&parameter| {
        let direction = format!("{:?}", parameter.direction()).to_lowercase();
        vec![(parameter as u16).to_string(), format!("{parameter:?}"), direction]
    });
    assert_eq!(listed, known.collect::<Vec<_>>());
}
