//! A depth is believed for a while: what expires, what confirming does, what an immutable market allows.

use std::cell::Cell;

use bytemuck::{bytes_of, Zeroable};
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value};
use plimsoll_engine::governance::depth::confirm_depth;
use plimsoll_engine::governance::proposals::{tighten, Role};
use plimsoll_engine::governance::{Parameter, ParameterValue, Subject};
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

fn secs(secs: u64) -> i64 {
    i64::try_from(secs).unwrap()
}

/// Confirms in a market that is not immutable.
fn confirm(reserve: &mut ReserveState, depth_atoms: u64, now: &Now) -> Result<(), EngineError> {
    confirm_depth(&mut Subject::Reserve(reserve, &market()), depth_atoms, now)
}

/// Initial and maintenance value of a holding.
fn values(reserve: &ReserveState, now: &Now) -> (Value, Value) {
    let reading = plimsoll_engine::price::Reading { publish_time: now.unix, ..valid_reading() };
    let atoms = 400_000_000_000_000;
    (
        reserve.initial_collateral_leg(atoms, 0, &reading, now).unwrap().value,
        reserve.collateral_leg(atoms, &reading, now).alv,
    )
}

#[test]
fn an_expired_depth_halves_initial_health_at_once_and_maintenance_health_in_steps() {
    let mut reserve = valid_reserve();
    let depth_atoms = reserve.risk.depth_atoms;
    assert!(depth_atoms / 2 > reserve.risk.depth_floor_atoms);
    let expires_at = reserve.depth_expires_at();
    assert_eq!(expires_at, NOW.unix + 30 * 86_400);
    let last = Now { unix: expires_at - 1, ..NOW };
    let first = Now { unix: expires_at, ..NOW };
    assert!(!reserve.is_depth_expired(&last) && reserve.is_depth_expired(&first));
    assert!(!reserve.walk_terms(&last), "nowhere to walk while it is believed");
    let (before, after) = (values(&reserve, &last), values(&reserve, &first));
    assert!(after.0 < before.0);
    assert_eq!(after.1, before.1, "nobody is liquidatable by a date");
    // The initial value is that of half the depth, to the last digit.
    let mut half = valid_reserve();
    (half.risk.depth_atoms, half.risk_target.depth_atoms) = (depth_atoms / 2, depth_atoms / 2);
    assert_eq!(after.0, values(&half, &last).0);

    let (mut now, mut steps) = (first, 0);
    let throttle = reserve.throttle_at(&first).capacity_atoms;
    while reserve.walk_terms(&now) {
        let before = reserve;
        assert!(
            !reserve.walk_terms(&Now { unix: now.unix + HOUR - 1, ..now }) && bytes_of(&reserve) == bytes_of(&before)
        );
        now.unix += HOUR;
        steps += 1;
        assert_eq!(reserve.throttle_at(&now).capacity_atoms, throttle, "the throttle ignores expiry");
    }
    // 0.999^693 is a little less than half.
    assert_eq!(steps, 693);
    assert_eq!((reserve.risk.depth_atoms, reserve.risk_target.depth_atoms), (depth_atoms / 2, depth_atoms));
    // Confirmed, it walks back, and initial health waits for it.
    confirm(&mut reserve, depth_atoms, &now).unwrap();
    assert_eq!(reserve.depth_expires_at(), now.unix + 30 * 86_400);
    assert_eq!(values(&reserve, &now).0, after.0);
    now.unix += HOUR;
    assert!(reserve.walk_terms(&now));
    assert_eq!(reserve.risk.depth_atoms, depth_atoms / 2 + depth_atoms / 2 / 1_000);
}

#[test]
fn confirming_keeps_or_lowers_and_never_raises() {
    let mut reserve = valid_reserve();
    let (depth_atoms, now) = (reserve.risk.depth_atoms, Now { unix: NOW.unix + 40 * 86_400, ..NOW });
    let before = reserve;
    assert_eq!(confirm(&mut reserve, depth_atoms + 1, &now), Err(EngineError::NotTighter));
    let floor_atoms = reserve.risk.depth_floor_atoms;
    assert_eq!(confirm(&mut reserve, floor_atoms - 1, &now), Err(EngineError::InvalidDepth));
    assert_eq!(
        confirm_depth(&mut Subject::Market(&mut market()), depth_atoms, &now),
        Err(EngineError::InvalidParameter)
    );
    assert!(bytes_of(&reserve) == bytes_of(&before), "a refused one confirms nothing");
    // Other ways of signing a depth confirm nothing.
    let lower = ParameterValue::number(depth_atoms - 1);
    tighten(&mut Subject::Reserve(&mut reserve, &market()), Parameter::Depth, &lower, &now).unwrap();
    assert!(reserve.is_depth_expired(&now));
    confirm(&mut reserve, depth_atoms - 2, &now).unwrap();
    assert_eq!((reserve.risk.depth_atoms, reserve.risk_target.depth_atoms), (depth_atoms, depth_atoms - 2));
    assert_eq!((reserve.depth_confirmed_at, reserve.ramped_at), (now.unix, now.unix));
    assert!(!reserve.is_depth_expired(&now));
    // Kept: the hour of the walk goes on.
    let later = Now { unix: now.unix + 60, ..now };
    confirm(&mut reserve, depth_atoms - 2, &later).unwrap();
    assert_eq!((reserve.depth_confirmed_at, reserve.ramped_at), (later.unix, now.unix));
}

/// Expiry, confirmation and changes of depth at random, walked by anyone at any time.
#[test]
fn at_every_moment_initial_is_no_laxer_and_the_depth_in_force_is_at_least_what_the_cap_was_judged_at() {
    let histories = (token(), prop::collection::vec(any::<u64>(), 1..60), 2u64..40);
    let (expired, confirmed, lowered) = (Cell::new(0), Cell::new(0), Cell::new(0));
    check(400, histories, |(Token { mut reserve, reading }, seeds, half_days)| {
        reserve.depth_valid_secs = half_days * 43_200;
        reserve.throttle_depth_atoms = reserve.risk.depth_atoms;
        reserve.caps.collateral_atoms = 0;
        let mut now = NOW;
        for seed in seeds {
            now.unix += secs(seed % (3 * 86_400));
            let signed = reserve.risk_target.depth_atoms;
            let lower = signed - signed / (2 + seed % 50);
            match seed >> 32 & 7 {
                0 => confirmed.set(confirmed.get() + usize::from(confirm(&mut reserve, signed, &now).is_ok())),
                1 => lowered.set(lowered.get() + usize::from(confirm(&mut reserve, lower, &now).is_ok())),
                _ => {}
            }
            let was = reserve;
            if reserve.walk_terms(&now) {
                let (old, new) = (was.risk.depth_atoms, reserve.risk.depth_atoms);
                prop_assert!(old.abs_diff(new) <= (old / 1_000).max(1), "{} -> {}", old, new);
            }
            expired.set(expired.get() + usize::from(reserve.is_depth_expired(&now)));
            let unexpired = reserve.throttle_depth_atoms.min(reserve.risk_target.depth_atoms);
            let least = (unexpired / 2).max(reserve.risk_target.depth_floor_atoms);
            prop_assert!(reserve.risk.depth_atoms >= least, "{} of {}", reserve.risk.depth_atoms, unexpired);
            prop_assert!(reserve.initial_risk(&now).depth_atoms >= least);
            // What the cap was judged at: half the depth on the worst day.
            let sigma = Factor::from_bps_ceil(reserve.risk.sigma_cap_bps);
            let judged = RiskTerms { depth_atoms: unexpired, ..reserve.risk }.stressed_depth_atoms();
            let worst = reserve.risk.effective_depth_atoms(sigma);
            prop_assert!(worst.saturating_add(1) >= judged, "{} on the worst day, judged at {}", worst, judged);
            let reading = &plimsoll_engine::price::Reading { publish_time: now.unix, ..reading };
            let atoms = 1 + (seed >> 8) % reserve.risk.depth_atoms.max(1);
            if let Ok(initial) = reserve.initial_collateral_leg(atoms, 0, reading, &now) {
                let maintenance = reserve.collateral_leg(atoms, reading, &now);
                // As where `initial <= maintenance` is shown of terms that stand still.
                let slack = int(2) + nano(maintenance.alv.max(initial.value)) * pow2_neg(39);
                at_most(&nano(initial.value), &(nano(maintenance.alv) + slack), "initial")?;
            }
        }
        Ok(())
    });
    let (expired, confirmed, lowered) = (expired.get(), confirmed.get(), lowered.get());
    crate::assert_seen!(expired > 1_000 && confirmed > 500 && lowered > 200, "{expired} {confirmed} {lowered}");
}

#[test]
fn while_a_depth_has_expired_other_parameters_change_as_if_it_had_not() {
    let (market, mut reserve) = (market(), valid_reserve());
    // A floor that never counts.
    (reserve.risk.depth_floor_atoms, reserve.risk_target.depth_floor_atoms) = (1, 1);
    // The largest cap that is accepted.
    let cap = |reserve: &mut ReserveState, atoms| {
        reserve.caps.collateral_atoms = atoms;
        Subject::Reserve(reserve, &market).try_value(Parameter::SupplyCap, &ParameterValue::number(1)).is_ok()
    };
    let (mut most, mut refused) = (0, u64::MAX);
    while refused - most > 1 {
        let middle = most + (refused - most) / 2;
        (most, refused) = if cap(&mut { reserve }, middle) { (middle, refused) } else { (most, middle) };
    }
    assert!(most > 0);
    let now = Now { unix: NOW.unix + 300 * 86_400, ..NOW };
    for hour in 0..1_000 {
        reserve.walk_terms(&Now { unix: now.unix + hour * HOUR, ..now });
    }
    assert_eq!(reserve.risk.depth_atoms, reserve.risk_target.depth_atoms / 2);
    assert!(cap(&mut { reserve }, most) && !cap(&mut { reserve }, most + 1));
}

#[test]
fn an_immutable_market_stands_at_its_floor_and_from_its_launch_on_changes_nothing() {
    let mut market = market();
    market.make_immutable();
    (market.admin, market.guardian, market.council) = ([1; 32], [2; 32], [3; 32]);
    (market.pending_admin, market.pending_guardian, market.pending_council) = ([4; 32], [5; 32], [6; 32]);
    let config = valid_config();
    assert!(config.risk.depth_atoms > config.risk.depth_floor_atoms);
    assert_eq!(market.require_new(&config), Err(EngineError::DepthNotAtFloor));
    let floor = RiskTerms { depth_floor_atoms: config.risk.depth_atoms, ..config.risk };
    assert_eq!(market.require_new(&ReserveConfig { risk: floor, ..config }), Ok(()));

    let mut reserve = valid_reserve();
    (reserve.risk, reserve.risk_target) = (floor, floor);
    let one = ParameterValue::number(1);
    let lower = ParameterValue::number(floor.depth_atoms - 1);
    let mut subject = Subject::Reserve(&mut reserve, &market);
    assert_eq!(tighten(&mut subject, Parameter::DepthFloor, &lower, &NOW), Err(EngineError::DepthNotAtFloor));
    assert_eq!(tighten(&mut subject, Parameter::SupplyCap, &one, &NOW), Ok(()));
    let mut proposal = ProposalState::zeroed();
    let two = ParameterValue::number(2);
    proposal.write(&mut subject, Parameter::SupplyCap, &two, &valid_market(), &NOW).unwrap();

    assert!(!market.is_frozen());
    market.launch().unwrap();
    assert!(market.is_frozen());
    let roles = [market.admin, market.guardian, market.council];
    let pending = [market.pending_admin, market.pending_guardian, market.pending_council];
    assert_eq!((roles, pending), ([[0; 32]; 3], [[0; 32]; 3]));
    for role in [Role::Admin, Role::Guardian, Role::Council] {
        assert_eq!(market.accept_role(role, &[4; 32]), Err(EngineError::NotPending));
        assert_eq!(market.accept_role(role, &[0; 32]), Err(EngineError::NotPending));
    }
    // What was proposed before cannot be executed, and is anyone's to remove.
    let ripe = Now { unix: proposal.ripe_at, ..NOW };
    let before = reserve;
    let mut subject = Subject::Reserve(&mut reserve, &market);
    assert_eq!(proposal.execute(&mut subject, &ripe), Err(EngineError::ImmutableMarket));
    assert!(proposal.is_over(&mut subject, &ripe));
    for &parameter in Parameter::ALL {
        let mut copy = market;
        for subject in [&mut Subject::Reserve(&mut reserve, &market), &mut Subject::Market(&mut copy)] {
            let Ok(old) = subject.read(parameter) else { continue };
            let other = ParameterValue(old.0.map(|byte| byte ^ u8::from(old.0[31] != 0 || byte != 0)));
            let changed = if other == old { one } else { other };
            assert_eq!(subject.write(parameter, &changed, &ripe), Err(EngineError::ImmutableMarket), "{parameter:?}");
        }
        assert!(bytes_of(&copy) == bytes_of(&market));
    }
    assert!(bytes_of(&reserve) == bytes_of(&before));
    // Its depth never expires below what it is.
    let late = Now { unix: NOW.unix + 10 * 365 * 86_400, ..NOW };
    assert!(reserve.is_depth_expired(&late) && !reserve.walk_terms(&late));
    assert_eq!(reserve.initial_risk(&late), floor);
    // A market that is not immutable keeps its roles.
    let mut other = MarketState { admin: [1; 32], ..super::depth::market() };
    other.launch().unwrap();
    assert!(!other.is_frozen() && other.admin == [1; 32]);
    assert_eq!(other.require_depth(&config.risk), Ok(()));
}
