//! Random inputs: prices, terms that `validate` accepts, reserves, and positions that are healthy or not.

use bytemuck::Zeroable;
use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{Factor, Value, Word128};
use plimsoll_engine::health::{CollateralLeg, DebtLeg, Exposure};
use plimsoll_engine::interest::INDEX_ONE;
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationPlan, LiquidationRequest, SaleTerms};
use plimsoll_engine::price::{Price, Reading};
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::*;
use plimsoll_engine::throttle::Throttle;
use plimsoll_engine::transitions::configure_reserve;
use plimsoll_engine::Now;
use proptest::prelude::*;

use crate::oracle::*;

/// The moment of every test that needs one.
pub const NOW: Now = Now { unix: 1_000_000_000, slot: 1_000 };

/// Any magnitude of a `u64`, the edges often.
pub fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![
        1 => prop::sample::select(vec![0, 1, 2, 3, u64::MAX - 1, u64::MAX, 1 << 63, (1 << 63) - 1]),
        9 => (0u32..64, any::<u64>()).prop_map(|(shift, x)| x >> shift),
    ]
}

/// A price within the protocol's range, and the decimals of its token.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    pub number: u64,
    pub exponent: i32,
    pub decimals: u8,
}

impl Quote {
    pub fn price(&self) -> Price {
        Price::new(self.number, self.exponent, self.decimals)
    }

    /// Nano-dollars an atom.
    pub fn atom_price(&self) -> Exact {
        atom_price(self.number, self.exponent, self.decimals)
    }
}

/// A price from 1e-12 to 1e9 USD.
pub fn quote() -> impl Strategy<Value = Quote> {
    (-18i32..=4, any::<u64>(), 0u32..64, 0u8..=18).prop_map(|(exponent, x, shift, decimals)| Quote {
        number: number_in_range(exponent, x >> shift),
        exponent,
        decimals,
    })
}

fn number_in_range(exponent: i32, wanted: u64) -> u64 {
    let power = |p: i32| u32::try_from(p).map_or(1, |p| 10u128.pow(p));
    let (least, most) = (power(-12 - exponent), power(9 - exponent).min(u128::from(u64::MAX >> 1)));
    u64::try_from(u128::from(wanted).clamp(least, most)).unwrap()
}

/// `low..=high` picked by a random number.
pub fn pick(seed: u64, low: u64, high: u64) -> u64 {
    low + seed % (high - low + 1)
}

/// Risk terms that `validate` accepts, for a token of any depth.
pub fn risk_terms() -> impl Strategy<Value = RiskTerms> {
    (any::<[u64; 12]>(), amount()).prop_map(|(seeds, depth)| risk_of(&seeds, depth.max(1)))
}

fn risk_of(seeds: &[u64; 12], depth_atoms: u64) -> RiskTerms {
    let sigma_cap_bps = pick(seeds[0], 3, if seeds[0] & 1 == 0 { 1_500 } else { 100_000 });
    let sigma_ref_bps = pick(seeds[1], 2, sigma_cap_bps);
    let horizon_secs = pick(seeds[2], 1, if seeds[2] & 1 == 0 { 3_600 } else { 86_400 });
    // z/100 * cap/10,000 * sqrt(horizon/86,400) < 1/2, solved for z.
    let z_most = (250_000_000_000u128 * 86_400 / u128::from(horizon_secs) / u128::from(sigma_cap_bps).pow(2))
        .isqrt()
        .saturating_sub(1);
    RiskTerms {
        maintenance_bps: pick(seeds[3], 500, 9_400),
        debt_weight_bps: pick(seeds[4], 10_000, 13_000),
        z_x100: pick(seeds[5], 0, u64::try_from(z_most.min(1_000)).unwrap()),
        horizon_secs,
        spread_bps: pick(seeds[6], 0, 300),
        impact_sqrt_bps: pick(seeds[7], 0, if seeds[7] & 1 == 0 { 300 } else { 40_000 }),
        depth_atoms,
        depth_floor_atoms: (depth_atoms >> (seeds[8] % 8)).max(1),
        sigma_floor_bps: pick(seeds[9], 1, sigma_ref_bps),
        sigma_cap_bps,
        sigma_ref_bps,
        sigma_rise_bps_per_hour: 10,
    }
}

/// A configuration like a person would write, which `validate` accepts for USDC-like numbers.
pub fn valid_market() -> MarketPolicy {
    MarketPolicy {
        target_health_bps: 10_500,
        call_level_bps: 10_500,
        dust_value: 10 * Value::PER_USD,
        cool_off_slots: 10,
        bonus_default_bps: 300,
        auction_secs: 600,
        sighting_secs: 60,
        recovery_margin_bps: 500,
        loosen_delay_secs: 172_800,
        proposal_life_secs: 259_200,
        pause_max_secs: 86_400,
        liquidation_pause_max_secs: 3_600,
        provision_release_bps_per_hour: 1_000,
        flash_fee_bps: 5,
        mark_tip_value: 0,
        reserved: [0; 1],
    }
}

pub fn valid_config() -> ReserveConfig {
    ReserveConfig {
        oracle_kind: 0,
        oracle: [7; 32],
        risk: RiskTerms {
            maintenance_bps: 8_000,
            debt_weight_bps: 10_000,
            z_x100: 233,
            horizon_secs: 600,
            spread_bps: 10,
            impact_sqrt_bps: 100,
            depth_atoms: 2_000_000_000_000_000,
            depth_floor_atoms: 500_000_000_000_000,
            sigma_floor_bps: 100,
            sigma_cap_bps: 1_600,
            sigma_ref_bps: 400,
            sigma_rise_bps_per_hour: 100,
        },
        initial: InitialTerms { initial_bps: 7_500, debt_weight_bps: 10_500, reserved: [0; 6] },
        bonus: BonusTerms {
            bonus_min_bps: 100,
            bonus_max_bps: 800,
            health_max_bonus_bps: 9_000,
            fee_share_bps: 1_000,
            throttle_share_bps: 1_000,
            throttle_window_secs: 3_600,
            reserved: [0; 2],
        },
        oracle_policy: OraclePolicy {
            borrow_age_secs: 30,
            liquidate_age_secs: 60,
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
            collateral_atoms: 100_000_000_000_000,
            rescue_allowance_bps: 1_000,
            outflow_atoms: u64::MAX,
            outflow_secs: 86_400,
        },
        sigma_bps: 450,
        depth_valid_secs: 30 * 86_400,
    }
}

/// 150 USD, nine decimals in `valid_config`.
pub fn valid_reading() -> Reading {
    Reading {
        price: 15_000_000_000,
        average: 15_000_000_000,
        confidence: 10_000_000,
        exponent: -8,
        publish_time: NOW.unix,
        ..Reading::default()
    }
}

/// A reserve of `valid_config`.
pub fn valid_reserve() -> ReserveState {
    let mut reserve = ReserveState { decimals: 9, ..ReserveState::zeroed() };
    configure_reserve(&mut reserve, &valid_config(), &valid_market(), &valid_reading(), &NOW).unwrap();
    reserve
}

/// A reserve without limits, prices or risk: for ledgers alone.
pub fn ledger() -> ReserveState {
    let mut reserve = ReserveState::zeroed();
    reserve.debt_index = Word128::new(INDEX_ONE);
    reserve.claims = ClaimAccumulators::NONE;
    reserve.caps = Caps {
        supply_atoms: u64::MAX,
        borrow_atoms: u64::MAX,
        collateral_atoms: u64::MAX,
        outflow_atoms: u64::MAX,
        ..Zeroable::zeroed()
    };
    reserve
}

/// One leg of a generated position.
#[derive(Clone, Debug)]
pub struct Leg {
    pub config: ReserveConfig,
    pub reserve: ReserveState,
    pub reading: Reading,
    pub atoms: u64,
}

/// A position with all it needs. In every leg the configuration satisfies `validate`.
#[derive(Clone, Debug)]
pub struct World {
    pub market: MarketPolicy,
    pub standing: Standing,
    /// Of every collateral; wide where a property does not set it.
    pub throttle: Throttle,
    pub collaterals: Vec<Leg>,
    pub debts: Vec<Leg>,
}

/// A throttle that leaves more than any position has.
pub const WIDE: Throttle = Throttle { capacity_atoms: u64::MAX, empty_in_q32: 0, window_secs: 3_600 };

/// An unhealthy position of 1 to 8 collaterals and 1 to 4 debts, health between 0.5 and 1.
pub fn unhealthy_position() -> impl Strategy<Value = World> {
    let seeds = any::<[u64; 24]>();
    let legs = |most: usize| prop_oneof![2 => prop::collection::vec(seeds, 1..=2), 1 => prop::collection::vec(seeds, 1..=most)];
    (legs(MAX_COLLATERALS), legs(MAX_DEBTS), any::<[u64; 8]>())
        .prop_filter_map("no such position", |(collaterals, debts, seeds)| world(&collaterals, &debts, &seeds))
        .prop_filter("healthy", |world| {
            let exposure = world.exposure();
            exposure.weighted_collateral() < exposure.weighted_debt()
        })
}

fn world(collaterals: &[[u64; 24]], debts: &[[u64; 24]], seeds: &[u64; 8]) -> Option<World> {
    let market = MarketPolicy {
        target_health_bps: pick(seeds[0], 10_100, if seeds[0] & 1 == 0 { 10_600 } else { 20_000 }),
        call_level_bps: 10_000,
        dust_value: pick(seeds[1], 1, 100) * Value::PER_USD,
        bonus_default_bps: pick(seeds[2], 1, 500),
        ..valid_market()
    };
    market.validate().ok()?;
    let collaterals: Vec<Leg> = collaterals.iter().map(|seeds| collateral(&market, seeds)).collect::<Option<_>>()?;
    let mut world = World {
        market,
        standing: Standing { auction_secs: pick(seeds[3], 0, 900), ..Standing::default() },
        throttle: WIDE,
        collaterals,
        debts: Vec::new(),
    };
    let per_cent = match seeds[4] % 5 {
        0 | 1 => pick(seeds[5], 500_000, 900_000),
        2 => pick(seeds[5], 990_000, 999_999),
        _ => pick(seeds[5], 900_000, 999_999),
    };
    let target = world.exposure().weighted_collateral().0 * 1_000_000 / u128::from(per_cent);
    let weights: u128 = debts.iter().map(|seeds| u128::from(seeds[20] % 1_000 + 1)).sum();
    for seeds in debts {
        let share = target * u128::from(seeds[20] % 1_000 + 1) / weights;
        world.debts.push(debt(&market, seeds, share)?);
    }
    Some(world)
}

/// A price for which dust is worth at least 1e5 atoms.
fn quoted(market: &MarketPolicy, seeds: &[u64; 24]) -> Option<(Reading, u8)> {
    let exponent = -i32::try_from(seeds[12] % 13).unwrap();
    let number = number_in_range(exponent, seeds[13] >> (seeds[14] % 64));
    let enough = |decimals: &u8| atom_price(number, exponent, *decimals) * int(100_000) <= int(market.dust_value);
    let decimals = (0..=18).find(enough)?;
    let decimals = u8::try_from(pick(seeds[15], decimals.into(), u64::from(decimals + 6).min(18))).unwrap();
    // Confidence up to 3%: beyond the soft limit of 1% it moves the price.
    let confidence = u64::try_from(u128::from(number) * u128::from(seeds[16] % 300) / 10_000).unwrap();
    Some((
        Reading { price: number, average: number, confidence, exponent, publish_time: NOW.unix, ..Reading::default() },
        decimals,
    ))
}

fn leg(market: &MarketPolicy, config: ReserveConfig, reading: Reading, decimals: u8, atoms: u64) -> Option<Leg> {
    let mut reserve = ReserveState { decimals, ..ReserveState::zeroed() };
    // A reserve starts with a calm price; the one it is judged by comes later.
    let calm = Reading { confidence: 0, average: reading.price, publish_time: NOW.unix, ..reading };
    configure_reserve(&mut reserve, &config, market, &calm, &NOW).ok()?;
    reserve.reading = reading;
    Some(Leg { config, reserve, reading, atoms })
}

fn collateral(market: &MarketPolicy, seeds: &[u64; 24]) -> Option<Leg> {
    let (reading, decimals) = quoted(market, seeds)?;
    let seeds12: [u64; 12] = std::array::from_fn(|i| seeds[i]);
    let nano_usd = u128::from(Value::PER_USD) << (seeds[17] % 30);
    let worth = int(nano_usd) * int(pick(seeds[18], 1_000, 2_000))
        / int(1_000)
        / atom_price(reading.price, reading.exponent, decimals);
    let atoms = u64::try_from(worth.to_integer()).unwrap_or(u64::MAX).clamp(1, u64::MAX >> 4);
    let mut config = valid_config();
    config.risk = risk_of(&seeds12, (atoms >> (seeds[19] % 6)).max(1));
    config.initial.initial_bps = config.risk.maintenance_bps / 2;
    config.initial.debt_weight_bps = config.risk.debt_weight_bps;
    let default = market.bonus_default_bps;
    let most = (9_999 * 10_000 / config.risk.maintenance_bps - 10_000).min(5_000);
    config.bonus.bonus_min_bps = pick(seeds[20], 0, default);
    config.bonus.bonus_max_bps = pick(seeds[21], default, most.max(default));
    let least_health = ((10_000 + config.bonus.bonus_max_bps) * config.risk.maintenance_bps).div_ceil(10_000);
    config.bonus.health_max_bonus_bps = pick(seeds[22], least_health, 9_999.max(least_health));
    config.bonus.fee_share_bps = pick(seeds[23], 0, 10_000);
    // As wide as validation wants it in the smallest market; properties of the throttle bring their own.
    config.bonus.throttle_share_bps = 10_000;
    config.sigma_bps = pick(seeds[19], config.risk.sigma_floor_bps, config.risk.sigma_cap_bps);
    // The whole cap is in this position: the depth that makes such a cap admissible, within a factor of two.
    config.caps = Caps { collateral_atoms: atoms, rescue_allowance_bps: 0, ..config.caps };
    while matches!(
        config.validate(market, decimals, &reading),
        Err(EngineError::CapTooLargeForDepth | EngineError::InvalidThrottle)
    ) {
        config.risk.depth_atoms = config.risk.depth_atoms.checked_mul(2)?;
        config.risk.depth_floor_atoms = config.risk.depth_floor_atoms.checked_mul(2)?;
    }
    leg(market, config, reading, decimals, atoms)
}

fn debt(market: &MarketPolicy, seeds: &[u64; 24], weighted_nano_usd: u128) -> Option<Leg> {
    let (reading, decimals) = quoted(market, seeds)?;
    let seeds12: [u64; 12] = std::array::from_fn(|i| seeds[i]);
    let mut config = valid_config();
    config.risk = risk_of(&seeds12, 1 << 40);
    config.risk.maintenance_bps = 5_000;
    config.initial =
        InitialTerms { initial_bps: 4_000, debt_weight_bps: config.risk.debt_weight_bps, reserved: [0; 6] };
    config.bonus = BonusTerms { bonus_min_bps: 0, bonus_max_bps: 5_000, health_max_bonus_bps: 9_000, ..config.bonus };
    config.caps.collateral_atoms = 0;
    config.sigma_bps = pick(seeds[19], config.risk.sigma_floor_bps, config.risk.sigma_cap_bps);
    let mut leg = leg(market, config, reading, decimals, 1)?;
    let weight = factor(leg.reserve.debt_leg_of(1, &reading, &NOW).weight);
    let atoms = int(weighted_nano_usd) / weight / atom_price(reading.price, reading.exponent, decimals);
    leg.atoms = u64::try_from(atoms.to_integer()).ok()?.checked_add(1)?;
    Some(leg)
}

impl World {
    /// As maintenance health sees it.
    pub fn exposure(&self) -> Exposure {
        let mut exposure = Exposure::default();
        for leg in &self.collaterals {
            exposure.push_collateral(leg.reserve.collateral_leg(leg.atoms, &leg.reading, &NOW)).unwrap();
        }
        for leg in &self.debts {
            exposure.push_debt(leg.reserve.debt_leg_of(leg.atoms, &leg.reading, &NOW)).unwrap();
        }
        exposure
    }

    /// A liquidation of one pair.
    pub fn plan(&self, collateral: usize, debt: usize, repay_max_atoms: u64) -> Result<LiquidationPlan, EngineError> {
        let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms: 0 };
        plan_liquidation(&self.exposure(), &self.sale(collateral), &self.market, &self.standing, &request, &NOW)
    }

    /// Terms of the seized collateral.
    pub fn sale(&self, collateral: usize) -> SaleTerms {
        SaleTerms { bonus: self.collaterals[collateral].config.bonus, throttle: self.throttle }
    }

    /// The position after a plan.
    pub fn after(&self, collateral: usize, debt: usize, plan: &LiquidationPlan) -> World {
        let mut world = self.clone();
        world.collaterals[collateral].atoms -= plan.seize_atoms;
        world.debts[debt].atoms -= plan.repay_atoms;
        world
    }

    /// Every pair of slots.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        (0..self.collaterals.len()).flat_map(|i| (0..self.debts.len()).map(move |j| (i, j))).collect()
    }

    /// Price of a collateral's atom in health: moved for the borrower by what confidence exceeds. Nano-dollars.
    pub fn collateral_price(&self, i: usize) -> Exact {
        let Leg { reserve, reading, .. } = &self.collaterals[i];
        atom_price(reading.price + reserve.oracle_policy.confidence_excess(reading), reading.exponent, reserve.decimals)
    }

    /// Price of a debt's atom in health. Nano-dollars.
    pub fn debt_price(&self, j: usize) -> Exact {
        let Leg { reserve, reading, .. } = &self.debts[j];
        atom_price(reading.price - reserve.oracle_policy.confidence_excess(reading), reading.exponent, reserve.decimals)
    }

    /// ALV times m of a collateral, without rounding, nano-dollars.
    pub fn weighted_collateral(&self, i: usize, atoms: &Exact) -> Exact {
        let Leg { reserve, reading, .. } = &self.collaterals[i];
        let sigma = reserve.sigma_maintenance(reading, &NOW);
        let curve = ExactCurve {
            price: self.collateral_price(i),
            discount: factor(reserve.risk.discount(sigma)),
            depth: int(reserve.risk.effective_depth_atoms(sigma)),
            impact: bps(reserve.risk.impact_sqrt_bps),
        };
        curve.value(atoms) * bps(reserve.risk.maintenance_bps)
    }

    /// D times W of a debt, without rounding, nano-dollars.
    pub fn weighted_debt(&self, j: usize, atoms: &Exact) -> Exact {
        let Leg { reserve, reading, .. } = &self.debts[j];
        let sigma = reserve.sigma_maintenance(reading, &NOW);
        let weight = factor(reserve.risk.debt_weight(reserve.risk.debt_weight_bps, sigma));
        self.debt_price(j) * weight * atoms
    }

    /// The two sides of health, without rounding.
    pub fn sides(&self) -> (Exact, Exact) {
        let collateral = (0..self.collaterals.len())
            .fold(zero(), |sum, i| sum + self.weighted_collateral(i, &int(self.collaterals[i].atoms)));
        let debt = (0..self.debts.len()).fold(zero(), |sum, j| sum + self.weighted_debt(j, &int(self.debts[j].atoms)));
        (collateral, debt)
    }

    /// Whether the position is as `Factor` says, for messages.
    pub fn health(&self) -> Factor {
        self.exposure().health()
    }
}

/// A position of one collateral and one debt with these weighted values, in dollars, exact in binary.
pub fn even(collateral_usd: u64, debt_usd: u64) -> Exposure {
    let usd = |usd: u64| Value(u128::from(usd * Value::PER_USD));
    let (mut exposure, plain) = (Exposure::default(), usd(collateral_usd));
    let collateral = CollateralLeg { atoms: 1, plain, alv: plain, maintenance: Factor::ONE, ..Default::default() };
    exposure.push_collateral(collateral).unwrap();
    let debt = DebtLeg { owed_atoms: 1, plain: usd(debt_usd), weight: Factor::ONE, ..Default::default() };
    exposure.push_debt(debt).unwrap();
    exposure
}
