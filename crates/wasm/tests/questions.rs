//! Questions as bytes: none panics, and the answers keep their promises. What the answers are is held to the golden vectors and
//! to the program itself by the tests of `sdk/`.

use bytemuck::{bytes_of, Pod, Zeroable};
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::price::Reading;
use plimsoll_engine::quote::PositionQuote;
use plimsoll_engine::state::{
    BonusTerms, Caps, CollateralSlot, DebtSlot, InitialTerms, MarketPolicy, MarketState, OraclePolicy, PositionState,
    RateCurve, ReserveState, RiskTerms, LAYOUT_VERSION,
};
use plimsoll_engine::EngineError;
use plimsoll_wasm::action::{Action, BORROW, DEPOSIT, LIQUIDATE, REPAY, WITHDRAW};
use plimsoll_wasm::most::Most;
use plimsoll_wasm::preview::Preview;
use plimsoll_wasm::{call, Mistake, Question, OUTPUT_BYTES};
use proptest::prelude::*;

const NOW: (i64, u64) = (1_000_000, 500);
const MARKET: [u8; 32] = [1; 32];
const SOL: [u8; 32] = [10; 32];
const USDC: [u8; 32] = [30; 32];
const ONE_E9: u64 = 1_000_000_000;

fn account(state: &impl Pod) -> Vec<u8> {
    [&[0; 8], bytes_of(state)].concat()
}

fn reserve(decimals: u8, dollars: u64) -> ReserveState {
    let price = dollars * 100_000_000;
    let risk = RiskTerms {
        maintenance_bps: 8_000,
        debt_weight_bps: 10_000,
        z_x100: 233,
        horizon_secs: 600,
        spread_bps: 10,
        impact_sqrt_bps: 1_000,
        depth_atoms: 1 << 50,
        depth_floor_atoms: 1 << 40,
        sigma_floor_bps: 200,
        sigma_cap_bps: 1_500,
        sigma_ref_bps: 400,
        sigma_rise_bps_per_hour: 50,
    };
    let mut reserve = ReserveState {
        version: LAYOUT_VERSION,
        decimals,
        market: MARKET,
        cash_atoms: 1 << 45,
        debt_index: Word128::new(1 << 64),
        accrued_at: NOW.0 - 60,
        risk,
        risk_target: risk,
        initial: InitialTerms { initial_bps: 7_000, debt_weight_bps: 10_000, reserved: [0; 6] },
        bonus: BonusTerms {
            bonus_min_bps: 100,
            bonus_max_bps: 1_000,
            health_max_bonus_bps: 9_000,
            fee_share_bps: 1_000,
            throttle_share_bps: 10_000,
            throttle_window_secs: 3_600,
            reserved: [0; 2],
        },
        oracle_policy: OraclePolicy {
            borrow_age_secs: 60,
            liquidate_age_secs: 120,
            confidence_soft_bps: 100,
            confidence_hard_bps: 500,
            ema_band_bps: 1_000,
            stale_secs: 3_600,
            dead_secs: 21_600,
            sample_secs: 300,
            reserved: [0; 2],
        },
        rates: RateCurve {
            base_rate_bps: 0,
            kink_utilisation_bps: 8_000,
            kink_rate_bps: 600,
            max_rate_bps: 10_000,
            insurance_share_bps: 1_000,
            fee_share_bps: 500,
        },
        caps: Caps {
            supply_atoms: u64::MAX,
            borrow_atoms: u64::MAX,
            collateral_atoms: 1 << 55,
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        throttle_depth_atoms: 1 << 50,
        depth_confirmed_at: NOW.0,
        depth_valid_secs: 86_400,
        ..Zeroable::zeroed()
    };
    reserve.reading = Reading { price, average: price, publish_time: NOW.0, exponent: -8, ..Reading::default() };
    reserve.volatility.sigma_q40 = (1 << 40) / 25;
    reserve.volatility.sigma_maintenance_q40 = (1 << 40) / 25;
    reserve.volatility.moved_at = NOW.0;
    reserve.volatility.sampled_at = NOW.0;
    reserve.volatility.sampled_price = price;
    reserve.volatility.sampled_exponent = -8;
    reserve
}

/// A position of lamports of SOL at $100 that owes millionths of a dollar.
fn scene(held: u64, owed: u64) -> Vec<u8> {
    let policy = MarketPolicy {
        target_health_bps: 10_500,
        call_level_bps: 10_500,
        dust_value: 10_000_000_000,
        cool_off_slots: 5,
        bonus_default_bps: 500,
        auction_secs: 600,
        sighting_secs: 60,
        recovery_margin_bps: 1_000,
        ..Zeroable::zeroed()
    };
    let market = MarketState { version: LAYOUT_VERSION, policy, ..Zeroable::zeroed() };
    let mut position = PositionState { version: LAYOUT_VERSION, market: MARKET, ..Zeroable::zeroed() };
    position.collateral_count = 1;
    position.collaterals[0] = CollateralSlot { reserve: SOL, atoms: held, counted_atoms: held, ..Zeroable::zeroed() };
    let shares = Word128::new(u128::from(owed) << 32);
    if owed > 0 {
        position.debt_count = 1;
        position.debts[0] = DebtSlot { reserve: USDC, shares, ..Zeroable::zeroed() };
    }
    let (mut sol, mut usdc) = (reserve(9, 100), reserve(6, 1));
    (sol.collateral_atoms, sol.counted_atoms, usdc.debt_shares) = (held, held, shares);
    let mut bytes = [&NOW.0.to_le_bytes()[..], &NOW.1.to_le_bytes()].concat();
    bytes.extend(account(&market));
    bytes.extend(account(&position));
    bytes.extend(2u64.to_le_bytes());
    for (key, reserve) in [(SOL, sol), (USDC, usdc)] {
        bytes.extend(key);
        bytes.extend(account(&reserve));
        bytes.extend(0u64.to_le_bytes());
        bytes.extend(bytes_of(&Reading::default()));
    }
    bytes
}

fn ask<T: Pod>(question: Question, input: &[&[u8]]) -> T {
    let mut answer = vec![0; OUTPUT_BYTES];
    let written = call(question as u32, &input.concat(), &mut answer).expect("an answer");
    bytemuck::pod_read_unaligned(&answer[..written])
}

fn action(kind: u64, atoms: u64) -> Action {
    let reserve = if matches!(kind, BORROW | REPAY) { USDC } else { SOL };
    let repaid = if kind == LIQUIDATE { USDC } else { [0; 32] };
    Action { kind, reserve, repaid, atoms, other: u64::from(kind == DEPOSIT) }
}

fn preview(scene: &[u8], action: &Action) -> Preview {
    ask(Question::Preview, &[scene, bytes_of(action)])
}

fn most(scene: &[u8], kind: u64, least_health_e9: u64) -> Most {
    let limits = [least_health_e9, 0];
    ask(Question::Most, &[scene, bytes_of(&action(kind, 0)), bytes_of(&limits)])
}

/// A question of the right shape of every kind.
fn questions(scene: &[u8]) -> Vec<(Question, Vec<u8>)> {
    let with = |more: &[&[u8]]| [scene, &more.concat()].concat();
    let now = &scene[..16];
    let reserve = account(&reserve(9, 100));
    let alone = |more: &[&[u8]]| [now, &reserve, &more.concat()].concat();
    let sized = bytes_of(&action(BORROW, 1_000_000)).to_vec();
    vec![
        (Question::QuotePosition, with(&[])),
        (Question::QuoteLiquidation, with(&[bytes_of(&[0u64, 0, u64::MAX])])),
        (Question::Preview, with(&[&sized])),
        (Question::Preview, with(&[bytes_of(&action(LIQUIDATE, u64::MAX))])),
        (Question::Most, with(&[&sized, bytes_of(&[ONE_E9, 60])])),
        (Question::Shock, with(&[&1u64.to_le_bytes(), &SOL, &8_000u64.to_le_bytes()])),
        (Question::Reserve, alone(&[])),
        (Question::Curve, alone(&[bytes_of(&[1u64, 2, 5, 1 << 40])])),
        (Question::Accrue, alone(&[])),
    ]
}

#[test]
fn the_most_is_possible_and_more_is_not() {
    for (held, owed) in [(100_000_000_000, 3_000_000_000), (50_000_000_000, 1_000_000_000)] {
        let scene = scene(held, owed);
        for kind in [BORROW, WITHDRAW] {
            for least in [ONE_E9, 1_200_000_000] {
                let found = most(&scene, kind, least);
                assert!(found.atoms > 0, "{kind} {least}");
                let (at, beyond) =
                    (preview(&scene, &action(kind, found.atoms)), preview(&scene, &action(kind, found.atoms + 1)));
                assert_eq!(at.refusal, 0);
                assert!(at.after.maintenance_health_e9 >= least);
                assert!(beyond.refusal != 0 || beyond.after.maintenance_health_e9 < least, "{kind} {least}");
                assert_eq!(found.refusal, beyond.refusal);
            }
        }
        assert_eq!(most(&scene, REPAY, ONE_E9).atoms, preview(&scene, &action(REPAY, u64::MAX)).paid_atoms);
        assert_eq!(most(&scene, DEPOSIT, ONE_E9).atoms, (1 << 55) - held);
    }
}

#[test]
fn the_most_of_nothing_is_nothing() {
    // Nothing may be withdrawn below one, nor borrowed, and both say why.
    let unhealthy = scene(100_000_000_000, 9_900_000_000);
    for kind in [BORROW, WITHDRAW] {
        let found = most(&unhealthy, kind, ONE_E9);
        assert_eq!((found.atoms, found.refusal), (0, EngineError::InitialHealthTooLow.code()));
    }
    // What health would allow, but is less than the least debt.
    let small = scene(200_000_000, 0);
    assert_eq!(most(&small, BORROW, ONE_E9), Most { refusal: EngineError::DebtBelowMin.code(), ..Most::default() });
    let input = [&small[..], bytes_of(&action(LIQUIDATE, 1)), bytes_of(&[ONE_E9, 0])].concat();
    assert_eq!(call(Question::Most as u32, &input, &mut [0; OUTPUT_BYTES]), Err(Mistake::Malformed));
}

#[test]
fn a_refused_action_shows_by_how_much_and_a_senseless_one_shows_nothing() {
    let scene = scene(100_000_000_000, 3_000_000_000);
    let before: PositionQuote = ask(Question::QuotePosition, &[&scene]);
    let refused = preview(&scene, &action(BORROW, 6_000_000_000));
    assert_eq!((refused.refusal, refused.has_after), (EngineError::InitialHealthTooLow.code(), 1));
    assert!(refused.after.maintenance_health_e9 < ONE_E9 && refused.before == before);
    let senseless = preview(&scene, &action(WITHDRAW, u64::MAX));
    assert_eq!((senseless.refusal, senseless.has_after), (EngineError::AmountExceedsBalance.code(), 0));
    let healthy = preview(&scene, &action(LIQUIDATE, u64::MAX));
    assert_eq!(healthy.refusal, EngineError::Healthy.code());
}

#[test]
fn a_shock_is_where_the_liquidation_price_says() {
    let scene = scene(100_000_000_000, 5_000_000_000);
    let quote: PositionQuote = ask(Question::QuotePosition, &[&scene]);
    let price = quote.collaterals[0].liquidation_price_nano_usd;
    // $100 in nano-dollars, in basis points.
    let bps = price / 10_000_000;
    let shocked =
        |bps: u64| -> PositionQuote { ask(Question::Shock, &[&scene, &1u64.to_le_bytes(), &SOL, &bps.to_le_bytes()]) };
    assert!(shocked(bps).maintenance_health_e9 < ONE_E9 && shocked(bps + 1).maintenance_health_e9 >= ONE_E9);
    assert_eq!(shocked(10_000), quote);
}

#[test]
fn a_question_that_lacks_a_byte_or_has_one_too_many_is_malformed() {
    let scene = scene(100_000_000_000, 3_000_000_000);
    for (question, bytes) in questions(&scene) {
        let ask = |bytes: &[u8]| call(question as u32, bytes, &mut [0; OUTPUT_BYTES]);
        assert!(ask(&bytes).is_ok(), "{question:?}");
        assert_eq!(ask(&bytes[..bytes.len() - 1]), Err(Mistake::Malformed), "{question:?}");
        assert_eq!(ask(&[&bytes[..], &[0]].concat()), Err(Mistake::Malformed), "{question:?}");
        assert_eq!(call(question as u32, &bytes, &mut [0; 3]), Err(Mistake::TooLong), "{question:?}");
    }
    for number in [0, 15, u32::MAX] {
        assert_eq!(call(number, &scene, &mut [0; OUTPUT_BYTES]), Err(Mistake::UnknownQuestion));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Bytes of accounts that are anything at all: an answer or a mistake, never a panic.
    #[test]
    fn no_bytes_make_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<[u8; 8]>()), 0..24),
        held in 0u64..1 << 50,
        owed in 0u64..1 << 50,
    ) {
        for (question, mut bytes) in questions(&scene(held, owed)) {
            for (place, change) in &changes {
                let at = place.index(bytes.len() - 8);
                bytes[at..at + 8].copy_from_slice(change);
            }
            let _ = call(question as u32, &bytes, &mut [0; OUTPUT_BYTES]);
        }
    }
}
