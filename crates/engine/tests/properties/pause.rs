//! Pauses against a model that remembers every one: how long, how often, and that nothing but time and the guardian ends them.

use bytemuck::Zeroable;
use plimsoll_engine::error::EngineError::{InvalidPause, PauseTooSoon, Paused};
use plimsoll_engine::fixed::Factor;
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::recovery::RecoverySale;
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::check;
use crate::worlds::*;

const DAY: i64 = 86_400;

fn at(unix: i64) -> Now {
    Now { unix, ..NOW }
}

fn market(pause_max_secs: u64, liquidation_pause_max_secs: u64) -> MarketState {
    let policy = MarketPolicy { pause_max_secs, liquidation_pause_max_secs, ..valid_market() };
    policy.validate().unwrap();
    MarketState { policy, ..MarketState::zeroed() }
}

fn markets() -> impl Strategy<Value = MarketState> {
    let most = |bound: u64| prop_oneof![1 => Just(0), 1 => Just(bound), 1 => 1u64..100, 4 => 0..=bound];
    (most(7 * 86_400), most(3_600)).prop_map(|(all, liquidations)| market(all, liquidations))
}

/// What the guardian tries.
#[derive(Clone, Debug)]
enum Attempt {
    Pause(u64),
    Unpause,
}

fn attempts(longest: u64) -> impl Strategy<Value = Vec<(i64, usize, Attempt)>> {
    let wait = prop_oneof![1 => Just(0), 2 => 1i64..10, 3 => 0i64..7_200, 2 => 0i64..2 * DAY, 1 => 0i64..20 * DAY];
    let secs =
        prop_oneof![1 => Just(0), 1 => Just(longest), 1 => Just(longest + 1), 6 => 0..=longest, 1 => any::<u64>()];
    let attempt = prop_oneof![2 => secs.prop_map(Attempt::Pause), 1 => Just(Attempt::Unpause)];
    prop::collection::vec((wait, 0usize..5, attempt), 1..60)
}

/// One pause: when it began, when it was to end, when it ended.
#[derive(Clone, Copy, Debug)]
struct Spell {
    from: i64,
    planned: i64,
    until: i64,
}

/// How long a pause may be, and how long after its planned end the next may not begin.
fn bounds(market: &MarketState, action: Pausable, secs: i64) -> (u64, i64) {
    match action {
        Pausable::Liquidate => (market.policy.liquidation_pause_max_secs, secs.max(DAY)),
        _ => (market.policy.pause_max_secs, secs),
    }
}

#[test]
fn whatever_the_guardian_tries_pauses_are_short_rare_and_end_by_themselves() {
    let inputs = markets().prop_flat_map(|market| {
        let longest = market.policy.pause_max_secs.min(2 * market.policy.liquidation_pause_max_secs.max(1));
        (Just(market), prop_oneof![attempts(longest), attempts(market.policy.pause_max_secs)])
    });
    let seen = std::cell::RefCell::new([0; 4]);
    check(3_000, inputs, |(mut market, attempts)| {
        let (mut unix, mut spells) = (NOW.unix, [(); 5].map(|()| Vec::<Spell>::new()));
        for (wait, index, attempt) in attempts {
            unix += wait;
            let (action, now, before) = (Pausable::ALL[index], at(unix), market);
            let last = spells[index].last().copied();
            let (outcome, expected) = match attempt {
                Attempt::Pause(secs) => {
                    let planned = i64::try_from(secs).ok().and_then(|secs| unix.checked_add(secs));
                    let next = last
                        .map_or(i64::MIN, |last| last.planned + bounds(&market, action, last.planned - last.from).1);
                    let expected = match planned {
                        Some(_) if secs == 0 || secs > bounds(&market, action, 0).0 => Err(InvalidPause),
                        None => Err(InvalidPause),
                        Some(_) if unix < next => Err(PauseTooSoon),
                        Some(planned) => {
                            spells[index].push(Spell { from: unix, planned, until: planned });
                            Ok(())
                        }
                    };
                    (market.pause(action, secs, &now), expected)
                }
                Attempt::Unpause => {
                    let running = last.is_none_or(|last| last.until <= unix);
                    if !running {
                        spells[index].last_mut().unwrap().until = unix;
                    }
                    (market.unpause(action, &now), if running { Err(InvalidPause) } else { Ok(()) })
                }
            };
            if let Ok(times) = outcome {
                prop_assert_eq!(times, market.pauses[action as usize], "what it returns is what it wrote");
            }
            let outcome = outcome.map(|_| ());
            prop_assert_eq!(outcome, expected);
            seen.borrow_mut()[match (outcome, &attempt) {
                (Ok(()), Attempt::Pause(_)) => 0,
                (Ok(()), Attempt::Unpause) => 1,
                (Err(PauseTooSoon), _) => 2,
                _ => 3,
            }] += 1;
            if outcome.is_err() {
                prop_assert_eq!(market, before);
            }
            if matches!((&attempt, outcome), (Attempt::Unpause, Ok(()))) {
                prop_assert_eq!(market.pauses[index].not_before, before.pauses[index].not_before);
            }
            for (other, spells) in spells.iter().enumerate() {
                let paused = spells.last().filter(|last| unix < last.until);
                let (action, until) = (Pausable::ALL[other], paused.map_or(0, |last| last.until));
                prop_assert_eq!(market.paused_until(action, &now), until);
                prop_assert_eq!(market.require_running(action, &now), if until == 0 { Ok(()) } else { Err(Paused) });
                if until != 0 {
                    prop_assert_eq!(market.require_running(action, &at(until - 1)), Err(Paused));
                    prop_assert_eq!(market.require_running(action, &at(until)), Ok(()));
                }
            }
        }
        for (action, spells) in Pausable::ALL.into_iter().zip(&spells) {
            rare_and_short(&market, action, spells)?;
        }
        Ok(())
    });
    let seen = seen.into_inner();
    crate::assert_seen!(seen.iter().all(|count| *count > 2_000), "paused, unpaused, too soon, invalid: {seen:?}");
}

fn rare_and_short(market: &MarketState, action: Pausable, spells: &[Spell]) -> Result<(), TestCaseError> {
    let longest = i64::try_from(bounds(market, action, 0).0).unwrap();
    for spell in spells {
        prop_assert!(spell.until - spell.from <= longest);
    }
    for pair in spells.windows(2) {
        // Of the time from one pause to the next, half.
        prop_assert!(pair[1].from - pair[0].from >= 2 * (pair[0].planned - pair[0].from));
    }
    if action == Pausable::Liquidate {
        // The most that a window holds begins with a pause or ends with one.
        for start in spells.iter().flat_map(|spell| [spell.from, spell.until - DAY]) {
            let inside = |spell: &Spell| (spell.until.min(start + DAY) - spell.from.max(start)).max(0);
            let paused: i64 = spells.iter().map(inside).sum();
            prop_assert!(paused <= longest, "{paused} s of a day");
        }
    }
    Ok(())
}

#[test]
fn five_actions_have_numbers_and_no_other_number_is_one() {
    use Pausable::*;
    assert_eq!(Pausable::ALL, [Supply, Borrow, Withdraw, Liquidate, FlashBorrow]);
    for number in 0..=u8::MAX {
        let action = Pausable::of(number);
        assert_eq!(action, Pausable::ALL.get(usize::from(number)).copied());
        assert!(action.is_none_or(|action| action as u8 == number));
    }
}

#[test]
fn a_sale_has_fallen_no_further_than_it_could_since_the_pause_and_no_further_than_without_one() {
    let inputs = (1u64..=3_600, 60u64..=86_400, 0i64..2 * DAY, 0..=Factor::ONE.0, any::<bool>());
    check(4_000, inputs, |(secs, auction_secs, later, fallen, unpaused)| {
        let mut market = market(0, 3_600);
        market.policy.auction_secs = auction_secs;
        market.pause(Pausable::Liquidate, secs, &NOW).unwrap();
        let mut end = NOW.unix + i64::try_from(secs).unwrap();
        if unpaused {
            end -= i64::try_from(secs / 2).unwrap();
            let _ = market.unpause(Pausable::Liquidate, &at(end));
        }
        let now = at(NOW.unix + later);
        let recovery = Some(RecoverySale { fallen: Some(Factor(fallen)), entitled_atoms: 7 });
        let standing = Standing { recovery, auction_secs: 5, ..Standing::default() };
        let seen = standing.in_market(&market, &now);
        // 2^-40 of the auction at a time, rounded down.
        let since = u128::try_from((now.unix - end).max(0)).unwrap();
        let line = u64::try_from((since << 40) / u128::from(auction_secs)).unwrap();
        let expected = Factor(fallen.min(line));
        prop_assert_eq!(seen.recovery, Some(RecoverySale { fallen: Some(expected), entitled_atoms: 7 }));
        prop_assert_eq!(seen.paused_until, if now.unix < end { end } else { 0 });
        prop_assert_eq!(Standing { paused_until: 0, recovery, ..seen }, standing);
        // Where nothing was ever paused nothing is different.
        let never = MarketState { pauses: Zeroable::zeroed(), ..market };
        prop_assert_eq!(standing.in_market(&never, &now), standing);
        Ok(())
    });
}
