//! Configurations that break one invariant each, by those who may configure, and by those who may not.

use super::common::*;
use plimsoll_engine::interest::MAX_RATE_BPS;
use plimsoll_engine::state::{MarketPolicy, ReserveConfig};
use plimsoll_testkit::{policy, volatile};

const MOST: u64 = u64::MAX;

type ConfigEdit = fn(&mut ReserveConfig);
type PolicyEdit = fn(&mut MarketPolicy);

/// Each breaks one invariant of a configuration that is valid without it.
const BROKEN: &[(&str, PlimsollError, ConfigEdit)] = {
    use PlimsollError::*;
    &[
        ("no maintenance factor", InvalidWeights, |c| c.risk.maintenance_bps = 0),
        ("a maintenance factor of one", InvalidWeights, |c| c.risk.maintenance_bps = 10_000),
        ("a debt weight below one", InvalidWeights, |c| c.risk.debt_weight_bps = 9_999),
        ("a debt weight above five", InvalidWeights, |c| {
            (c.risk.debt_weight_bps, c.initial.debt_weight_bps) = (50_001, 60_000)
        }),
        ("no initial factor", InvalidWeights, |c| c.initial.initial_bps = 0),
        ("an initial factor as large as maintenance", InvalidWeights, |c| {
            c.initial.initial_bps = c.risk.maintenance_bps
        }),
        ("an initial debt weight below maintenance", InvalidWeights, |c| {
            c.risk.debt_weight_bps = c.initial.debt_weight_bps + 1
        }),
        ("an initial debt weight above ten", InvalidWeights, |c| c.initial.debt_weight_bps = 100_001),
        ("reserved bytes in the initial terms", InvalidWeights, |c| c.initial.reserved[5] = 1),
        ("no horizon", InvalidHaircut, |c| c.risk.horizon_secs = 0),
        ("a horizon above a day", InvalidHaircut, |c| c.risk.horizon_secs = 86_401),
        ("a confidence multiple above ten", InvalidHaircut, |c| c.risk.z_x100 = 1_001),
        ("a spread of one", InvalidHaircut, |c| c.risk.spread_bps = 10_000),
        ("an impact above four", InvalidHaircut, |c| c.risk.impact_sqrt_bps = 40_001),
        ("no volatility floor", InvalidVolatility, |c| c.risk.sigma_floor_bps = 0),
        ("a volatility floor above the reference", InvalidVolatility, |c| {
            c.risk.sigma_floor_bps = c.risk.sigma_ref_bps + 1
        }),
        ("a volatility reference above the cap", InvalidVolatility, |c| {
            c.risk.sigma_ref_bps = c.risk.sigma_cap_bps + 1
        }),
        ("a volatility cap above ten", InvalidVolatility, |c| (c.risk.sigma_cap_bps, c.risk.z_x100) = (100_001, 1)),
        ("a volatility that never rises", InvalidVolatility, |c| c.risk.sigma_rise_bps_per_hour = 0),
        ("a horizon move of one half and more", InvalidVolatility, |c| c.risk.horizon_secs = 86_400),
        ("no volatility to start with", InvalidVolatility, |c| c.sigma_bps = 0),
        ("a volatility to start with above ten", InvalidVolatility, |c| c.sigma_bps = 100_001),
        ("no depth floor", InvalidDepth, |c| c.risk.depth_floor_atoms = 0),
        ("a depth floor above the depth", InvalidDepth, |c| c.risk.depth_floor_atoms = c.risk.depth_atoms + 1),
        ("a least bonus above the market's default", InvalidBonus, |c| c.bonus.bonus_min_bps = 501),
        ("a largest bonus below the market's default", InvalidBonus, |c| c.bonus.bonus_max_bps = 499),
        ("a largest bonus that health cannot pay", InvalidBonus, |c| c.bonus.health_max_bonus_bps = 8_799),
        ("a largest bonus at health one", InvalidBonus, |c| c.bonus.health_max_bonus_bps = 10_000),
        ("a largest bonus of one", InvalidBonus, |c| {
            // Small enough a factor that health could pay it.
            (c.risk.maintenance_bps, c.initial.initial_bps, c.bonus.bonus_max_bps) = (4_000, 3_000, 10_000);
        }),
        ("a fee above the bonus", InvalidBonus, |c| c.bonus.fee_share_bps = 10_001),
        ("no throttle share", InvalidBonus, |c| c.bonus.throttle_share_bps = 0),
        ("a throttle share above the depth", InvalidBonus, |c| c.bonus.throttle_share_bps = 10_001),
        ("a throttle window below a minute", InvalidBonus, |c| c.bonus.throttle_window_secs = 59),
        ("a throttle window above a day", InvalidBonus, |c| c.bonus.throttle_window_secs = 86_401),
        ("a throttle whose quarter is worth less than dust", InvalidThrottle, |c| {
            // A quarter of 1 bp of 200 tokens is worth 0.005 of them, dust 1 USD.
            (c.risk.depth_atoms, c.risk.depth_floor_atoms) = (c.risk.depth_atoms / 5_000, 1);
            (c.bonus.throttle_share_bps, c.caps.collateral_atoms) = (1, 0);
        }),
        ("reserved bytes in the bonus", InvalidBonus, |c| c.bonus.reserved[1] = 1),
        ("no age to borrow at", InvalidOraclePolicy, |c| c.oracle_policy.borrow_age_secs = 0),
        ("an age to borrow at above that to liquidate", InvalidOraclePolicy, |c| c.oracle_policy.borrow_age_secs = 121),
        ("an age to liquidate at above the stale one", InvalidOraclePolicy, |c| {
            c.oracle_policy.liquidate_age_secs = 3_601
        }),
        ("a stale age that is the dead one", InvalidOraclePolicy, |c| c.oracle_policy.stale_secs = 21_600),
        ("a dead age above a week", InvalidOraclePolicy, |c| c.oracle_policy.dead_secs = 7 * 86_400 + 1),
        ("no soft confidence", InvalidOraclePolicy, |c| c.oracle_policy.confidence_soft_bps = 0),
        ("a soft confidence above the hard one", InvalidOraclePolicy, |c| c.oracle_policy.confidence_soft_bps = 501),
        ("a hard confidence above a half", InvalidOraclePolicy, |c| c.oracle_policy.confidence_hard_bps = 5_001),
        ("no band of the average", InvalidOraclePolicy, |c| c.oracle_policy.ema_band_bps = 0),
        ("a band of the average above a half", InvalidOraclePolicy, |c| c.oracle_policy.ema_band_bps = 5_001),
        ("no sampling interval", InvalidOraclePolicy, |c| c.oracle_policy.sample_secs = 0),
        ("a sampling interval above a day", InvalidOraclePolicy, |c| c.oracle_policy.sample_secs = 86_401),
        ("reserved bytes in the oracle policy", InvalidOraclePolicy, |c| c.oracle_policy.reserved[1] = 1),
        ("an oracle kind of 2", InvalidOraclePolicy, |c| c.oracle_kind = 2),
        ("an oracle kind of 256", InvalidOraclePolicy, |c| c.oracle_kind = 256),
        ("an oracle kind whose low byte is known", InvalidOraclePolicy, |c| c.oracle_kind += 256),
        ("a base rate above the kink's", InvalidRates, |c| c.rates.base_rate_bps = 1_001),
        ("a rate at the kink above the largest", InvalidRates, |c| c.rates.kink_rate_bps = 10_001),
        ("a rate above the ceiling in code", InvalidRates, |c| c.rates.max_rate_bps = MAX_RATE_BPS + 1),
        ("a kink at zero", InvalidRates, |c| c.rates.kink_utilisation_bps = 0),
        ("a kink at one", InvalidRates, |c| c.rates.kink_utilisation_bps = 10_000),
        ("shares of interest above all of it", InvalidRates, |c| c.rates.insurance_share_bps = 9_501),
        ("shares of interest that overflow", InvalidRates, |c| {
            (c.rates.insurance_share_bps, c.rates.fee_share_bps) = (MOST, MOST)
        }),
        ("an outflow limit of nothing", InvalidOutflowLimit, |c| c.caps.outflow_atoms = 0),
        ("an outflow limit over less than a minute", InvalidOutflowLimit, |c| c.caps.outflow_secs = 59),
        ("an outflow limit over more than a week", InvalidOutflowLimit, |c| c.caps.outflow_secs = 7 * 86_400 + 1),
        ("no outflow limit, over no time", InvalidOutflowLimit, |c| {
            (c.caps.outflow_atoms, c.caps.outflow_secs) = (MOST, 0);
        }),
        ("a collateral cap too large for the depth", CapTooLargeForDepth, |c| {
            c.caps.collateral_atoms = 16_500 * 1_000_000_000
        }),
        ("a collateral cap without bound", CapTooLargeForDepth, |c| c.caps.collateral_atoms = MOST),
        ("a depth too small for the cap", CapTooLargeForDepth, |c| c.risk.depth_atoms /= 2),
        ("a worst day too thin for the cap", CapTooLargeForDepth, |c| c.risk.sigma_ref_bps = 400),
        ("an impact too large for the cap", CapTooLargeForDepth, |c| c.risk.impact_sqrt_bps = 2_000),
        ("a rescue allowance too large for the depth", CapTooLargeForDepth, |c| c.caps.rescue_allowance_bps = 2_500),
        ("a rescue allowance above the cap itself", CapTooLargeForDepth, |c| {
            (c.caps.rescue_allowance_bps, c.caps.collateral_atoms) = (10_001, 1);
        }),
    ]
};

#[test]
fn a_reserve_with_one_broken_term_is_not_created() {
    for kind in [Spec::pull as fn(Spec) -> Spec, Spec::push] {
        let mut scene = Scene::new();
        let (token, config) = scene.unborn(kind(Spec::volatile("NEW", "10")));
        for (case, error, edit) in BROKEN {
            let mut broken = config;
            edit(&mut broken);
            let case = format!("{case}, kind {}", config.oracle_kind);
            scene.refuses_case(&case, *error, |scene| scene.world.create_reserve(&token, broken));
        }
        scene.world.create_reserve(&token, config).expect("unbroken");
    }
}

#[test]
fn terms_at_their_bounds_are_accepted() {
    let edges: &[(&str, ConfigEdit)] = &[
        ("least weights", |c| (c.risk.maintenance_bps, c.initial.initial_bps) = (2, 1)),
        ("equal debt weights", |c| c.risk.debt_weight_bps = c.initial.debt_weight_bps),
        ("largest debt weights", |c| (c.risk.debt_weight_bps, c.initial.debt_weight_bps) = (50_000, 100_000)),
        ("a horizon of a second", |c| c.risk.horizon_secs = 1),
        ("no discount", |c| (c.risk.z_x100, c.risk.spread_bps, c.risk.impact_sqrt_bps) = (0, 0, 0)),
        ("one volatility", |c| {
            (c.risk.sigma_floor_bps, c.risk.sigma_ref_bps, c.risk.sigma_cap_bps) = (3_000, 3_000, 3_000);
        }),
        ("a floor as deep as the depth", |c| c.risk.depth_floor_atoms = c.risk.depth_atoms),
        ("one bonus", |c| (c.bonus.bonus_min_bps, c.bonus.bonus_max_bps) = (500, 500)),
        ("a bonus that health can just pay", |c| c.bonus.health_max_bonus_bps = 8_800),
        ("the whole bonus as a fee", |c| c.bonus.fee_share_bps = 10_000),
        ("equal ages", |c| (c.oracle_policy.borrow_age_secs, c.oracle_policy.liquidate_age_secs) = (3_600, 3_600)),
        ("equal confidences", |c| {
            (c.oracle_policy.confidence_soft_bps, c.oracle_policy.confidence_hard_bps) = (5_000, 5_000)
        }),
        ("a flat rate", |c| {
            (c.rates.base_rate_bps, c.rates.kink_rate_bps, c.rates.max_rate_bps) =
                (MAX_RATE_BPS, MAX_RATE_BPS, MAX_RATE_BPS);
        }),
        ("all interest to insurance", |c| (c.rates.insurance_share_bps, c.rates.fee_share_bps) = (10_000, 0)),
        ("no collateral", |c| c.caps.collateral_atoms = 0),
        ("the least outflow limit", |c| (c.caps.outflow_atoms, c.caps.outflow_secs) = (1, 60)),
        ("the slowest outflow limit", |c| (c.caps.outflow_atoms, c.caps.outflow_secs) = (MOST - 1, 7 * 86_400)),
    ];
    for (case, edit) in edges {
        let mut scene = Scene::new();
        let (token, mut config) = scene.unborn(Spec::volatile("NEW", "10"));
        edit(&mut config);
        scene.world.create_reserve(&token, config).unwrap_or_else(|refused| panic!("{case}: {refused:?}"));
    }
}

#[test]
fn dust_must_be_worth_many_atoms() {
    let mut scene = Scene::new();
    // A dollar of dust is 100,000 atoms of a token at 10 USD with 6 decimals, and one less at a higher price.
    let (fine, config) = scene.unborn(Spec::volatile("FINE", "9.99").decimals(6));
    let (coarse, _) = scene.unborn(Spec::volatile("COARSE", "10.01").decimals(6));
    scene.refuses(PlimsollError::DustTooSmall, |scene| {
        scene.world.create_reserve(&coarse, ReserveConfig { oracle: coarse.oracle, ..config })
    });
    scene.world.create_reserve(&fine, config).expect("just enough");
    for decimals in [0, 2, 5] {
        let (coarse, config) = scene.unborn(Spec::volatile("COARSE", "150").decimals(decimals));
        scene.refuses(PlimsollError::DustTooSmall, |scene| scene.world.create_reserve(&coarse, config));
    }
}

#[test]
fn a_mint_with_too_many_decimals_is_refused() {
    let mut scene = Scene::new();
    for decimals in [19, 255] {
        let mint = scene.world.create_mint(decimals, Kind::Spl);
        let (token, config) = scene.unborn(Spec::volatile("FINE", "1"));
        let token = Token { mint, decimals, reserve: address::reserve(&scene.world.market, &mint), ..token };
        scene.refuses(PlimsollError::InvalidDecimals, |scene| scene.world.create_reserve(&token, config));
    }
    let mint = scene.world.create_mint(18, Kind::Spl);
    // Dear enough that a depth of 64 bits of atoms is a market.
    let (token, mut config) = scene.unborn(Spec::volatile("FINE", "100"));
    config.risk.depth_atoms = MOST;
    let token = Token { mint, decimals: 18, reserve: address::reserve(&scene.world.market, &mint), ..token };
    scene.world.create_reserve(&token, config).expect("18 decimals");
}

/// Runs `check` for a configuration with each word, but the oracle's key, at its largest.
fn each_word_at_its_largest(config: &ReserveConfig, mut check: impl FnMut(usize, ReserveConfig)) {
    let words = size_of::<ReserveConfig>() / 8;
    let key = std::mem::offset_of!(ReserveConfig, oracle) / 8;
    for word in (0..words).filter(|word| !(key..key + 4).contains(word)) {
        let mut extreme = *config;
        bytemuck::cast_slice_mut::<ReserveConfig, u64>(std::slice::from_mut(&mut extreme))[word] = MOST;
        check(word, extreme);
    }
}

#[test]
fn overflow_sized_terms_are_refused_by_name_or_harmless() {
    let harmless = [
        std::mem::offset_of!(ReserveConfig, risk)
            + std::mem::offset_of!(plimsoll_engine::state::RiskTerms, depth_atoms),
        std::mem::offset_of!(ReserveConfig, risk)
            + std::mem::offset_of!(plimsoll_engine::state::RiskTerms, sigma_rise_bps_per_hour),
        std::mem::offset_of!(ReserveConfig, caps) + std::mem::offset_of!(plimsoll_engine::state::Caps, supply_atoms),
        std::mem::offset_of!(ReserveConfig, caps) + std::mem::offset_of!(plimsoll_engine::state::Caps, borrow_atoms),
        std::mem::offset_of!(ReserveConfig, caps) + std::mem::offset_of!(plimsoll_engine::state::Caps, outflow_atoms),
    ];
    let mut scene = Scene::new();
    let (token, config) = scene.unborn(Spec::volatile("NEW", "10"));
    scene.open_wallets(&token);
    let configuration = u32::from(PlimsollError::InvalidMarketPolicy)..=u32::from(PlimsollError::InvalidOutflowLimit);
    each_word_at_its_largest(&config, |word, extreme| {
        let world = scene.world.clone();
        let before = scene.world.snapshot();
        match scene.world.create_reserve(&token, extreme) {
            Ok(_) => {
                assert!(harmless.contains(&(word * 8)), "word {word} takes the largest number");
                let (lender, borrower, usdc) = (scene.lender.clone(), scene.borrower.clone(), scene.usdc.clone());
                scene.world.supply(&lender, &token, token.atoms("1000")).expect("a supply");
                scene.world.deposit(&borrower, &token, token.atoms("1")).expect("a deposit");
                scene.world.borrow(&borrower, &usdc, 1).expect("a borrow");
                scene.world.pass_cool_off();
                scene.price_sol("100");
                scene.liquidate(Limits::NONE).expect("a liquidation");
                scene.world.check_invariants();
            }
            Err(refused) => {
                let code = refused.code().unwrap_or_default();
                assert!(configuration.contains(&code), "word {word}: {refused:?}");
                assert!(!harmless.contains(&(word * 8)), "word {word}: {refused:?}");
                before.assert_unchanged(&scene.world);
            }
        }
        scene.world = world;
    });
}

/// Each breaks one bound of a policy that is valid without it.
const BROKEN_POLICIES: &[(&str, PolicyEdit)] = &[
    ("a target below 1.01", |p| (p.target_health_bps, p.call_level_bps) = (10_099, 10_000)),
    ("a target above 2", |p| p.target_health_bps = 20_001),
    ("a target of one", |p| (p.target_health_bps, p.call_level_bps) = (10_000, 10_000)),
    ("a call level below one", |p| p.call_level_bps = 9_999),
    ("a call level above the target", |p| p.call_level_bps = 10_501),
    ("no dust", |p| p.dust_value = 0),
    ("a cool-off above 25 slots", |p| p.cool_off_slots = 26),
    ("no default bonus", |p| p.bonus_default_bps = 0),
    ("a default bonus of one", |p| p.bonus_default_bps = 10_000),
    ("a recovery margin of one", |p| p.recovery_margin_bps = 10_000),
    ("an auction below a minute", |p| p.auction_secs = 59),
    ("an auction above a day", |p| p.auction_secs = 86_401),
    ("a loosening delay below a day", |p| p.loosen_delay_secs = 86_399),
    ("a loosening delay above thirty days", |p| p.loosen_delay_secs = 30 * 86_400 + 1),
    ("a proposal life below an hour", |p| p.proposal_life_secs = 3_599),
    ("a proposal life above thirty days", |p| p.proposal_life_secs = 30 * 86_400 + 1),
    ("a pause above a week", |p| p.pause_max_secs = 7 * 86_400 + 1),
    ("a liquidation pause above an hour", |p| p.liquidation_pause_max_secs = 3_601),
    ("a tip of more than dust", |p| p.mark_tip_value = p.dust_value + 1),
    ("no release of provisions", |p| p.provision_release_bps_per_hour = 0),
    ("a release of more than all provisions", |p| p.provision_release_bps_per_hour = 10_001),
    ("a flash fee above one percent", |p| p.flash_fee_bps = 101),
    ("reserved bytes", |p| p.reserved[0] = 1),
];

#[test]
fn a_market_with_one_broken_policy_is_not_created() {
    let mut scene = Scene::new();
    for (case, edit) in BROKEN_POLICIES {
        let mut broken = policy();
        edit(&mut broken);
        scene.refuses_case(case, PlimsollError::InvalidMarketPolicy, |scene| scene.world.create_market(2, broken));
    }
    scene.world.create_market(2, policy()).expect("unbroken");
}

#[test]
fn overflow_sized_policies_are_refused_but_for_dust() {
    let dust = std::mem::offset_of!(MarketPolicy, dust_value) / 8;
    for word in 0..size_of::<MarketPolicy>() / 8 {
        let mut scene = Scene::new();
        let mut extreme = policy();
        bytemuck::cast_slice_mut::<MarketPolicy, u64>(std::slice::from_mut(&mut extreme))[word] = MOST;
        if word == dust {
            scene.world.create_market(2, extreme).expect("a market where nothing is worth a debt");
            let (_, outcome) = scene.world.try_add(Spec::volatile("SOL", "150"));
            plimsoll_testkit::refused(outcome, PlimsollError::InvalidThrottle);
        } else {
            scene.refuses_case(&format!("word {word}"), PlimsollError::InvalidMarketPolicy, |scene| {
                scene.world.create_market(2, extreme)
            });
        }
    }
}

#[test]
fn only_the_admin_creates_a_reserve() {
    let mut scene = Scene::new();
    let (token, config) = scene.unborn(Spec::volatile("NEW", "10"));
    let (stranger, treasury) = (scene.stranger.clone(), scene.world.treasury.clone());
    for person in [&stranger, &treasury] {
        scene.refuses(PlimsollError::NotAdmin, |scene| {
            let create = ix::CreateReserve {
                admin: person.address(),
                market: scene.world.market,
                mint: token.mint,
                token_program: token.kind.program(),
                price: token.price,
                config,
            };
            scene.world.send(&[create.instruction()], &[person])
        });
    }
}

#[test]
fn what_exists_is_not_created_again() {
    let mut scene = Scene::new();
    let (sol, usdc, borrower, lender) =
        (scene.sol.clone(), scene.usdc.clone(), scene.borrower.clone(), scene.lender.clone());
    scene.refuses(SYSTEM_ACCOUNT_IN_USE, |scene| scene.world.create_market(1, policy()));
    let mut config = volatile(sol.decimals);
    config.oracle = sol.oracle;
    scene.refuses(SYSTEM_ACCOUNT_IN_USE, |scene| scene.world.create_reserve(&sol, config));
    scene.refuses(SYSTEM_ACCOUNT_IN_USE, |scene| scene.world.open_position(&borrower));
    scene.refuses(SYSTEM_ACCOUNT_IN_USE, |scene| scene.world.open_lender(&lender, &usdc));
    // Neither by another signer.
    let stranger = scene.stranger.clone();
    let create = ix::CreateMarket {
        admin: stranger.address(),
        id: 1,
        policy: policy(),
        treasury: stranger.address(),
        immutable: false,
    };
    scene.refuses(SYSTEM_ACCOUNT_IN_USE, |scene| scene.world.send(&[create.instruction()], &[&stranger]));
}

#[test]
fn lamports_sent_ahead_do_not_stop_an_account_from_being_created() {
    let mut scene = Scene::new();
    let (token, config) = scene.unborn(Spec::volatile("NEW", "10"));
    let stranger = scene.world.person("early bird");
    let borrower = Borrower::of(&stranger, 7);
    let targets = [
        address::market(9),
        token.reserve,
        token.vault(Vault::Liquidity),
        token.vault(Vault::Collateral),
        scene.world.position_address(&borrower),
    ];
    for target in targets {
        scene.world.svm.airdrop(&target, 1_000_000).expect("an airdrop");
    }
    scene.world.create_reserve(&token, config).expect("a reserve");
    scene.world.open_position(&borrower).expect("a position");
    scene.world.create_market(9, policy()).expect("a market");
}
