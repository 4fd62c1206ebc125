//! The backstop's accounts: product-sum with scale, warm-up and cooldown.

use bytemuck::Zeroable;
use plimsoll_engine::backstop::providers::Join;
use plimsoll_engine::backstop::sums::PRODUCT_ONE;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Word128;
use plimsoll_engine::state::*;
use plimsoll_engine::Now;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::check;
use crate::oracle::*;
use crate::pools::*;
use crate::worlds::{valid_market, NOW};

/// How hard a sequence is on its pool.
#[derive(Clone, Copy, Debug)]
enum Temper {
    /// Purchases of a millionth, and of single atoms.
    Calm,
    /// Purchases of any part.
    Mixed,
    /// Most purchases leave next to nothing, so that scales pass.
    Wild,
}

fn temper() -> impl Strategy<Value = Temper> {
    prop::sample::select(vec![Temper::Calm, Temper::Mixed, Temper::Wild])
}

/// Numbers that follow from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Any magnitude up to `most`, at least one.
    fn amount(&mut self, most: u64) -> u64 {
        let shift = self.roll() % 64;
        ((self.roll() >> shift) % most.max(1)).max(1)
    }

    fn purchase(&mut self, temper: Temper, spendable: u64) -> u64 {
        let spent = match temper {
            Temper::Calm => spendable >> (20 + self.roll() % 44),
            Temper::Wild if self.roll() & 3 > 0 => spendable - (spendable >> (self.roll() % 64)),
            _ => self.amount(spendable),
        };
        spent.clamp(1, spendable)
    }
}

/// Plays `events` random events. Ledgers are checked after each, fairness after every `stride` of them and at the end.
fn play(
    pool: &mut Pool,
    (events, stride): (usize, usize),
    temper: Temper,
    dice: &mut Dice,
) -> Result<(), TestCaseError> {
    for event in 0..events {
        if !pool.state.is_open() && pool.state.spendable_atoms() == 0 {
            // Used up: the next generation.
            pool.check()?;
            *pool = Pool::new(pool.providers.len(), pool.state.collateral_count, pool.grain_bits);
        }
        let (who, index) = (dice.roll() as usize % pool.providers.len(), dice.roll() as usize % pool.collaterals.len());
        let spendable = pool.state.spendable_atoms();
        match dice.roll() % 16 {
            0..=3 => {
                let atoms = dice.amount(u64::MAX - pool.state.deposit_atoms);
                let wanted = if pool.state.is_open() { Ok(()) } else { Err(EngineError::BackstopClosed) };
                prop_assert_eq!(pool.deposit(who, atoms), wanted);
            }
            4 => {
                let deposit = pool.state.deposit_of(&pool.providers[who]);
                if deposit > 0 {
                    let atoms = if dice.roll() & 1 == 0 { deposit } else { dice.amount(deposit) };
                    prop_assert_eq!(pool.withdraw(who, atoms), Ok(atoms));
                }
            }
            5 => {
                let gain = pool.state.gain_of(&pool.providers[who], index);
                if gain > 0 {
                    prop_assert_eq!(pool.claim(who, index), Ok(gain));
                }
            }
            _ if spendable == 0 => {
                prop_assert_eq!(pool.clone().offset(index, 1, 1), Err(EngineError::BackstopEmpty));
            }
            _ => {
                let spent = dice.purchase(temper, spendable);
                // Up to 2^46 atoms for one, as far as the ledger has room.
                let most =
                    spent.saturating_mul(1 << (dice.roll() % 47)).min(u64::MAX - pool.state.collaterals[index].atoms);
                prop_assert_eq!(pool.offset(index, spent, dice.amount(most).min(most)), Ok(()));
            }
        }
        pool.check_ledgers()?;
        if event % stride == 0 {
            pool.check_fair()?;
        }
    }
    pool.check_fair()
}

#[test]
fn deposits_and_gains_are_the_exact_fractions_but_for_dust() {
    check(400, (any::<u64>(), 1usize..50, temper()), |(seed, events, temper)| {
        play(&mut Pool::new(3, 2, None), (events, 1), temper, &mut Dice(seed))
    });
}

/// Exact fractions would have half a million digits after so many events: the model cuts them at 2^-192, far below the dust.
fn play_long(seed: u64, events: usize, temper: Temper) -> Result<(), TestCaseError> {
    play(&mut Pool::new(4, 2, Some(192)), (events, 32), temper, &mut Dice(seed))
}

#[test]
fn ten_thousand_events_leave_no_more_than_dust() {
    for temper in [Temper::Calm, Temper::Mixed, Temper::Wild] {
        check(1, any::<u64>(), |seed| play_long(seed, 10_000, temper));
    }
}

#[test]
fn sequences_of_any_length_leave_no_more_than_dust() {
    check(60, (any::<u64>(), 1usize..1_000, temper()), |(seed, events, temper)| play_long(seed, events, temper));
}

#[test]
fn a_deposit_is_rounded_down_where_the_next_atom_is_nearest() {
    // P at 3 * 2^95, where its digits are fewest; then D = 2^62 and a rest r with 3r = 1 mod D, so that the large deposit
    // comes out 1/D short of an atom: less than a unit of P is worth to it.
    let mut pool = Pool::new(2, 1, None);
    pool.deposit(0, 1 << 32).unwrap();
    pool.offset(0, (1 << 32) - 3, 1).unwrap();
    pool.deposit(1, (1 << 62) - 3).unwrap();
    let left = ((1u64 << 63) + 1) / 3;
    pool.offset(0, (1 << 62) - left, 1).unwrap();
    pool.check().unwrap();
    assert_eq!(pool.state.deposit_of(&pool.providers[1]), left - 3);
}

#[test]
fn sleeping_over_any_number_of_scales_loses_no_gain() {
    check(300, (any::<u64>(), 8u64..=62), |(seed, bits)| {
        let mut dice = Dice(seed);
        // One sleeps, one comes again and claims after each purchase. Collateral is cheap, so that even a part of an atom of
        // the sleeper's deposit earns atoms.
        let mut pool = Pool::new(2, 1, Some(512));
        pool.deposit(0, (dice.roll() >> 1).max(1 << 40)).unwrap();
        while pool.state.is_open() {
            let room = u64::MAX - pool.state.deposit_atoms;
            pool.deposit(1, ((1 << bits) + dice.roll() % (1 << bits)).min(room)).unwrap();
            let spent = pool.state.spendable_atoms();
            let room = u64::MAX - pool.state.collaterals[0].atoms;
            prop_assert_eq!(pool.offset(0, spent, spent.saturating_mul(1 << 46).min(room / 2)), Ok(()));
            pool.check()?;
            if pool.state.gain_of(&pool.providers[1], 0) > 0 {
                pool.claim(1, 0).unwrap();
            }
        }
        let (asleep, fair) = (pool.state.gain_of(&pool.providers[0], 0), pool.fair_of(0, 0).1);
        at_most(&int(asleep), fair, "no more than earned")?;
        // Waking changes nothing; the claim pays it.
        pool.state.sync(&mut pool.providers[0]);
        prop_assert_eq!(pool.state.gain_of(&pool.providers[0], 0), asleep);
        prop_assert_eq!(pool.claim(0, 0), Ok(asleep));
        Ok(())
    });
}

#[test]
fn every_scale_that_is_stored_counts_for_who_slept_over_it() {
    // The sums of later scales, each worth 2^-32 of the one before: 2^32 times as much in each earns the same again.
    let mut pool = empty_pool(1);
    let mut provider = BackstopProviderState { deposit_atoms: 1_000, product: pool.product, ..Zeroable::zeroed() };
    for scale in 0..3u32 {
        pool.scale = scale;
        pool.collaterals[0].sums[scale as usize] = Word128::new(1 << (80 - 20 + 32 * scale.min(2)));
        assert_eq!(pool.gain_of(&provider, 0), (1_000 * u64::from(scale + 1)) >> 20, "scale {scale}");
    }
    provider.deposit_atoms = 1 << 40;
    let one = (1u64 << 40) >> 20;
    assert_eq!(pool.gain_of(&provider, 0), 3 * one);
    // Who joined in the second scale counts what came after it, and the rest of it.
    (provider.scale, provider.sums[0]) = (1, Word128::new(1 << 91));
    assert_eq!(pool.gain_of(&provider, 0), (one << 32) / 2 + (one << 32));
}

#[test]
fn a_pool_whose_scales_are_used_up_refuses_deposits_and_still_buys_and_pays() {
    let mut pool = Pool::new(3, 1, None);
    while pool.state.is_open() {
        pool.deposit(0, 1 << 40).unwrap();
        pool.deposit(1, 1 << 41).unwrap();
        // Small purchases, so that much is left when the pool closes.
        while pool.state.is_open() && pool.state.deposit_atoms > 1 << 20 {
            pool.offset(0, pool.state.deposit_atoms / 2, 1_000_000).unwrap();
        }
    }
    assert_eq!(pool.deposit(2, 1), Err(EngineError::BackstopClosed));
    let before = pool.state.gain_of(&pool.providers[1], 0);
    pool.offset(0, pool.state.deposit_atoms / 2, 1_000_000).unwrap();
    pool.check().unwrap();
    assert!(pool.state.gain_of(&pool.providers[1], 0) > before + 400_000);
    let (gain, deposit) = (pool.state.gain_of(&pool.providers[1], 0), pool.state.deposit_of(&pool.providers[1]));
    assert!(deposit > 1_000, "{deposit}");
    assert_eq!(pool.claim(1, 0), Ok(gain));
    assert_eq!(pool.withdraw(1, deposit), Ok(deposit));
    pool.check().unwrap();
    // To the last atom.
    while pool.state.spendable_atoms() > 0 {
        pool.offset(0, pool.state.deposit_atoms.div_ceil(3).min(pool.state.spendable_atoms()), 99).unwrap();
        pool.check().unwrap();
    }
}

#[test]
fn what_warms_up_when_the_pool_closes_can_only_be_taken_back() {
    let mut pool = empty_pool(1);
    let (mut provider, mut now) = (BackstopProviderState::zeroed(), NOW);
    pool.deposit(&mut provider, 500, &now).unwrap();
    pool.scale = 7;
    now.unix += 86_400;
    assert_eq!(pool.join(&mut provider, &now), Err(EngineError::BackstopClosed));
    assert_eq!(pool.take_back(&mut provider, &now), Ok(500));
    assert_eq!((pool.warming_atoms, pool.deposit_atoms, provider.warming_atoms), (0, 0, 0));
}

#[test]
fn joining_just_before_a_bargain_gains_nothing() {
    check(2_000, (any::<u64>(), 0u64..86_400), |(seed, early)| {
        let mut dice = Dice(seed);
        let mut pool = Pool::new(2, 1, None);
        pool.deposit(0, dice.amount(1 << 50).max(1_000)).unwrap();
        let atoms = dice.amount(1 << 60);
        pool.state.deposit(&mut pool.providers[1], atoms, &pool.now).unwrap();
        pool.later(early);
        // However hard somebody tries.
        let refused = pool.state.join(&mut { pool.providers[1] }, &pool.now);
        prop_assert_eq!(refused, Err(EngineError::DepositWarming));
        let deposits = pool.state.deposit_atoms;
        pool.state.offset(0, deposits / 2, 1_000_000).unwrap();
        let newcomer = &pool.providers[1];
        prop_assert_eq!((pool.state.gain_of(newcomer, 0), newcomer.warming_atoms), (0, atoms));
        prop_assert!(pool.state.gain_of(&pool.providers[0], 0) >= 999_998);
        // Warm, it joins by anyone's hand, and neither lost nor earned.
        pool.later(86_400 - early);
        prop_assert_eq!(pool.state.join(&mut pool.providers[1], &pool.now), Ok(Join::Joined { atoms }));
        prop_assert_eq!(pool.state.gain_of(&pool.providers[1], 0), 0);
        prop_assert_eq!(pool.state.deposit_of(&pool.providers[1]), atoms);
        Ok(())
    });
}

#[test]
fn a_warm_deposit_is_no_standing_choice_to_join() {
    let mut pool = empty_pool(1);
    let (mut provider, mut now) = (BackstopProviderState::zeroed(), NOW);
    let window = i64::try_from(pool.policy.window_secs).unwrap();
    assert_eq!(pool.join(&mut provider, &now), Err(EngineError::NothingWarming));
    pool.deposit(&mut provider, 500, &now).unwrap();
    now.unix += 86_400 + window;
    let warm_at = now.unix + 86_400;
    assert_eq!(pool.join(&mut provider, &now), Ok(Join::Restarted { warm_at }));
    assert_eq!((pool.warming_atoms, pool.deposit_atoms), (500, 0));
    // Adding to it starts the wait of both anew, and every look in the window lets it join.
    now.unix = warm_at - 1;
    pool.deposit(&mut provider, 7, &now).unwrap();
    now.unix += 86_400 - 1;
    assert_eq!(pool.join(&mut provider, &now), Err(EngineError::DepositWarming));
    now.unix += window;
    assert_eq!(pool.request_withdrawal(&mut provider, 507, &now), Ok(()));
    assert_eq!((pool.warming_atoms, pool.deposit_atoms, provider.warm_at), (0, 507, 0));
    // Before it is warm it is nobody's but its owner's.
    pool.deposit(&mut provider, 9, &now).unwrap();
    assert_eq!(pool.take_back(&mut provider, &now), Ok(9));
    assert_eq!(pool.take_back(&mut provider, &now), Err(EngineError::NothingWarming));
    // Warm, it is the pool's.
    pool.deposit(&mut provider, 9, &now).unwrap();
    now.unix += 86_400;
    assert_eq!(pool.take_back(&mut provider, &now), Err(EngineError::NothingWarming));
    assert_eq!(pool.deposit_atoms, 516);
}

#[test]
fn leaving_just_before_a_bad_bargain_does_not_escape_it() {
    check(2_000, (any::<u64>(), 0u64..43_200 + 3_600), |(seed, early)| {
        let mut dice = Dice(seed);
        let mut pool = Pool::new(2, 1, None);
        pool.deposit(0, dice.amount(1 << 50).max(1_000)).unwrap();
        pool.deposit(1, dice.amount(1 << 50).max(1_000)).unwrap();
        let deposit = pool.state.deposit_of(&pool.providers[1]);
        pool.state.request_withdrawal(&mut pool.providers[1], deposit, &pool.now).unwrap();
        pool.later(early);
        if early < 43_200 {
            let early = pool.state.withdraw(&mut { pool.providers[1] }, &pool.now);
            prop_assert_eq!(early, Err(EngineError::WithdrawalCooling));
        }
        // Requested, even matured: what is not taken absorbs like the rest. A bargain that brings nothing is a bad one.
        let spent = dice.amount(pool.state.spendable_atoms());
        pool.offset(0, spent, 0).unwrap();
        pool.check()?;
        pool.later(43_200u64.saturating_sub(early));
        let taken = pool.state.withdraw(&mut pool.providers[1], &pool.now).unwrap();
        at_most(&int(taken), pool.fair_of(1, 0).0, "no more than what absorbing left")
    });
}

#[test]
fn a_matured_withdrawal_lapses_after_its_window() {
    let mut pool = Pool::new(1, 1, None);
    pool.deposit(0, 1_000).unwrap();
    let mut provider = pool.providers[0];
    let (mut state, mut now) = (pool.state, pool.now);
    assert_eq!(state.withdraw(&mut provider, &now), Err(EngineError::NoWithdrawalRequested));
    assert_eq!(state.request_withdrawal(&mut provider, 0, &now), Err(EngineError::ZeroAmount));
    assert_eq!(state.request_withdrawal(&mut provider, 1_001, &now), Err(EngineError::AmountExceedsBalance));
    state.request_withdrawal(&mut provider, 400, &now).unwrap();
    now.unix += 43_200 - 1;
    assert_eq!(state.withdraw(&mut provider, &now), Err(EngineError::WithdrawalCooling));
    now.unix += 3_600;
    assert_eq!({ state }.withdraw(&mut { provider }, &now), Ok(400));
    now.unix += 1;
    assert_eq!(state.withdraw(&mut provider, &now), Err(EngineError::WithdrawalLapsed));
    // A new request waits as long as the first.
    state.request_withdrawal(&mut provider, 1_000, &now).unwrap();
    assert_eq!(state.withdraw(&mut provider, &now), Err(EngineError::WithdrawalCooling));
    now.unix += 43_200;
    assert_eq!(state.withdraw(&mut provider, &now), Ok(1_000));
    assert!(provider.is_empty());
    assert_eq!((state.deposit_atoms, provider.requested_atoms, provider.matures_at), (0, 0, 0));
}

#[test]
fn a_purchase_never_spends_the_last_atom_nor_gains_what_cannot_be_counted() {
    let mut pool = Pool::new(1, 1, None);
    pool.deposit(0, 1_000).unwrap();
    assert_eq!(pool.clone().offset(0, 1_000, 1), Err(EngineError::BackstopEmpty));
    assert_eq!(pool.clone().offset(0, u64::MAX, 1), Err(EngineError::BackstopEmpty));
    assert_eq!(pool.clone().offset(1, 1, 1), Err(EngineError::CollateralNotOptedIn));
    // 2^47 for each atom is one too many, and nothing was booked.
    let before = pool.state;
    assert_eq!(pool.state.offset(0, 1, 1_000 << 47), Err(EngineError::GainTooLarge));
    assert_eq!(pool.state, before);
    assert_eq!(pool.clone().offset(0, 1, (1_000 << 47) - 1), Ok(()));
    pool.offset(0, 999, 999 << 46).unwrap();
    assert_eq!(pool.state.deposit_atoms, 1);
    pool.check().unwrap();
    let mut full = pool.state;
    full.deposit_atoms = 1_000;
    full.collaterals[0].atoms = u64::MAX;
    assert_eq!(full.offset(0, 1, 1), Err(EngineError::AmountTooLarge));
}

/// A history of caps, set at random times, against the same told plainly: a list of (time, cap in force from then on).
#[test]
fn a_cap_of_a_launched_market_falls_at_once_and_rises_after_the_delay() {
    const DELAY: i64 = 172_800;
    let policy = MarketPolicy { loosen_delay_secs: 172_800, ..valid_market() };
    let mut market = MarketState { policy, ..MarketState::zeroed() };
    market.launch().unwrap();
    let rises = std::cell::Cell::new((0, 0));
    check(2_000, prop::collection::vec((0i64..=DELAY + DELAY / 2, 0u64..6), 1..12), |sets| {
        let (mut pool, mut now) = (empty_pool(1), NOW);
        pool.collaterals[0].cap_atoms = 0;
        let (mut in_force, mut waits) = (0, None);
        for (secs, cap_atoms) in sets {
            // The last second before a cap that waits, and its first one.
            if let Some((at, _)) = waits {
                prop_assert_eq!(pool.collaterals[0].cap_at(&Now { unix: at - 1, ..now }), in_force);
            }
            now.unix += secs;
            if let Some((_, next)) = waits.filter(|(at, _)| now.unix >= *at) {
                (in_force, waits) = (next, None);
                rises.set((rises.get().0 + 1, rises.get().1));
            }
            prop_assert_eq!(pool.collaterals[0].cap_at(&now), in_force);
            let told = pool.opt_in(&[1; 32], cap_atoms, &market, &now).unwrap();
            rises.set((rises.get().0, rises.get().1 + usize::from(waits.is_some())));
            (in_force, waits) = if cap_atoms > in_force {
                prop_assert_eq!(told, now.unix + DELAY);
                (in_force, Some((told, cap_atoms)))
            } else {
                prop_assert_eq!(told, now.unix);
                (cap_atoms, None)
            };
            prop_assert_eq!(pool.collaterals[0].cap_at(&now), in_force);
        }
        Ok(())
    });
    let (risen, replaced) = rises.get();
    crate::assert_seen!(risen > 500 && replaced > 500, "{risen} took effect, {replaced} were replaced before");
}

#[test]
fn a_pool_opts_in_to_sixteen_collaterals_and_never_to_its_own_token() {
    let mut pool = empty_pool(15);
    pool.reserve = [99; 32];
    let market = MarketState::zeroed();
    let opt_in =
        |pool: &mut BackstopState, reserve: u8, cap_atoms: u64| pool.opt_in(&[reserve; 32], cap_atoms, &market, &NOW);
    assert_eq!(pool.product.get(), PRODUCT_ONE);
    assert_eq!(opt_in(&mut pool, 99, 1), Err(EngineError::CollateralIsDebt));
    assert_eq!(pool.collateral_index(&[16; 32]), Err(EngineError::CollateralNotOptedIn));
    // An empty slot is no opt-in to the address of zeros.
    assert_eq!(pool.collateral_index(&[0; 32]), Err(EngineError::CollateralNotOptedIn));
    // A cap of zero opts out of what was opted in to, and takes no slot.
    assert_eq!(opt_in(&mut pool, 16, 0), Err(EngineError::CollateralNotOptedIn));
    assert_eq!(pool.collateral_count, 15);
    assert_eq!(opt_in(&mut pool, 16, 1), Ok(NOW.unix));
    assert_eq!(pool.collateral_index(&[16; 32]), Ok(15));
    assert_eq!(opt_in(&mut pool, 17, 1), Err(EngineError::BackstopCollateralsFull));
    // Again: the cap, and what is held stays.
    pool.collaterals[3].atoms = 5;
    assert_eq!(opt_in(&mut pool, 4, 0), Ok(NOW.unix));
    assert_eq!((pool.collaterals[3].cap_atoms, pool.collaterals[3].atoms, pool.collateral_count), (0, 5, 16));
}

#[test]
fn each_bound_of_a_policy_broken_alone_is_refused() {
    let market = valid_market();
    assert_eq!(valid_backstop_policy().validate(&market), Ok(()));
    let breaches: &[fn(&mut BackstopPolicy)] = &[
        |p| p.trigger_health_bps = 0,
        |p| p.trigger_health_bps = 10_000,
        |p| p.trigger_secs = 0,
        |p| p.trigger_secs = 1_200,
        |p| p.tip_share_bps = 5_001,
        |p| p.warm_up_secs = 43_199,
        |p| p.warm_up_secs = 30 * 86_400 + 1,
        |p| p.cooldown_secs = 86_401,
        |p| p.window_secs = 10_801,
        |p| p.window_secs = 299,
        |p| p.reserved[1] = 1,
    ];
    for (i, breach) in breaches.iter().enumerate() {
        let mut policy = valid_backstop_policy();
        breach(&mut policy);
        assert_eq!(policy.validate(&market), Err(EngineError::InvalidBackstopPolicy), "breach {i}");
    }
    // A cooldown that a flag outlives.
    let slow = MarketPolicy { auction_secs: 25_000, ..market };
    assert_eq!(valid_backstop_policy().validate(&slow), Err(EngineError::InvalidBackstopPolicy));
    assert_eq!(valid_backstop_policy().validate(&MarketPolicy { auction_secs: 21_600, ..market }), Ok(()));
    // The longest warm-up there may be.
    let long = BackstopPolicy { warm_up_secs: 2_592_000, ..valid_backstop_policy() };
    assert_eq!(long.validate(&market), Ok(()));
    // Exactly two auction times of cooldown, and a window of a quarter.
    let short =
        BackstopPolicy { cooldown_secs: 1_200, window_secs: 300, trigger_secs: 1_199, ..valid_backstop_policy() };
    assert_eq!(short.validate(&market), Ok(()));
}
