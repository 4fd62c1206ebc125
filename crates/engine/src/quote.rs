//! Typed answers to "where does this position stand" and "what would a liquidation do", from the functions that act.

use crate::error::EngineError;
use crate::fixed::{mul_div_ceil, product, saturate, shr_ceil, Factor, Value};
use crate::health::{CollateralLeg, DebtLeg, Exposure, InitialLeg, InitialTotals};
use crate::liquidation::{LiquidationPlan, SaleTerms};
use crate::outflow::Outflow;
use crate::standing::Standing;
use crate::state::{wire, MarketPolicy, PositionState, MAX_COLLATERALS, MAX_DEBTS};
use crate::throttle::urgency;

mod stakes;

pub use stakes::*;

wire! {
    /// One collateral in a [`PositionQuote`].
    #[derive(Default)]
    pub struct CollateralQuote {
        /// Asset liquidation value, nano-dollars, rounded down.
        pub alv_nano_usd: u64,
        /// Price of a whole token at which the position becomes liquidatable, all other prices fixed, nano-dollars, rounded up.
        /// 0: no price does; the largest `u64`: already liquidatable at any.
        pub liquidation_price_nano_usd: u64,
        /// Most that can be withdrawn now, atoms, rounded down.
        pub withdraw_max_atoms: u64,
    }
}

wire! {
    /// One debt in a [`PositionQuote`].
    #[derive(Default)]
    pub struct DebtQuote {
        /// Owed now, atoms, rounded up.
        pub owed_atoms: u64,
        /// Most that can be borrowed on top now, atoms, rounded down.
        pub borrow_max_atoms: u64,
    }
}

wire! {
    /// Where a position stands.
    #[derive(Default)]
    pub struct PositionQuote {
        /// Maintenance health, 1e-9, rounded down; below 1e9 it is liquidatable. The largest `u64` without debt.
        pub maintenance_health_e9: u64,
        /// Initial health, 1e-9, rounded down; below 1e9 nothing can be borrowed or withdrawn. 0 where `initial_refusal` is set.
        pub initial_health_e9: u64,
        /// Plain value of all collateral, nano-dollars, rounded down.
        pub collateral_nano_usd: u64,
        /// Plain value of all debt, nano-dollars, rounded up.
        pub debt_nano_usd: u64,
        /// Code of the error a borrow would meet because of a price, 0 for none.
        pub initial_refusal: u32,
        /// 1 where maintenance health is below the call level.
        pub is_called: u32,
        /// Health below which the borrower is called, 1e-9.
        pub call_level_e9: u64,
        /// When it was flagged, unix time; 0 when it is not, or the flag is dead.
        pub flagged_at: i64,
        /// Liquidatable time counted since the flag, seconds; the bonus is largest from the market's `auction_secs` on.
        pub auction_secs: u64,
        /// Collaterals in slot order.
        pub collaterals: [CollateralQuote; MAX_COLLATERALS],
        /// Debts in slot order.
        pub debts: [DebtQuote; MAX_DEBTS],
    }
}

wire! {
    /// What a liquidation would do now.
    #[derive(Default)]
    pub struct LiquidationQuote {
        /// Code of the error it would be refused with, 0 for none; sizes and factor are zero then.
        pub refusal: u32,
        /// 1 in the terminal state.
        pub is_terminal: u32,
        /// 1 where the position is healthy and its owner's protection order allows it.
        pub is_protection: u32,
        /// 1 where the throttle leaves less than is wanted.
        pub is_throttled: u32,
        /// First slot in which it would not be refused for cooling off; 0 where that is not the reason.
        pub retry_slot: u64,
        /// First unix time at which the throttle leaves an atom again, or a pause is over; 0 where neither is the reason.
        pub retry_unix: i64,
        /// Up to which this position may fill the throttle, collateral atoms; 0 with a terminal plan, which does not ask it.
        pub throttle_share_atoms: u64,
        /// How much of that is free now, collateral atoms. The whole throttle empties in a line over its window.
        pub throttle_left_atoms: u64,
        /// Liquidatable time counted since the flag, seconds.
        pub auction_secs: u64,
        /// Repayment, debt atoms.
        pub repay_atoms: u64,
        /// Fee on top, debt atoms.
        pub fee_atoms: u64,
        /// Collateral received, atoms.
        pub seize_atoms: u64,
        /// Value seized for one unit repaid, 1e-9.
        pub gross_factor_e9: u64,
        /// Maintenance health before, 1e-9.
        pub health_before_e9: u64,
        /// Maintenance health after, 1e-9.
        pub health_after_e9: u64,
        /// Plain value of all collateral before, nano-dollars.
        pub collateral_nano_usd: u64,
        /// Plain value of all debt before, nano-dollars.
        pub debt_nano_usd: u64,
    }
}

/// A factor in 1e-9, rounded down; the largest stays the largest.
pub fn to_e9(factor: Factor) -> u64 {
    if factor == Factor::MAX {
        return u64::MAX;
    }
    saturate(product(factor.0, 1_000_000_000) >> crate::fixed::FACTOR_BITS)
}

/// Basis points in 1e-9, saturating.
pub fn bps_to_e9(bps: u64) -> u64 {
    bps.saturating_mul(100_000)
}

/// A value in nano-dollars, saturating (above 18 billion USD).
fn nano_usd(value: Value) -> u64 {
    saturate(value.0)
}

/// Initial legs of a position in slot order, as far as prices allow them.
#[derive(Clone, Debug, Default)]
pub struct InitialExposure {
    /// Collaterals.
    pub collaterals: [InitialCollateral; MAX_COLLATERALS],
    /// Debts.
    pub debts: [InitialLeg; MAX_DEBTS],
}

/// What is needed to invert a collateral's initial value.
#[derive(Clone, Copy, Debug, Default)]
pub struct InitialCollateral {
    /// Its leg.
    pub leg: InitialLeg,
    /// The curve at the initial price.
    pub curve: crate::alv::Curve,
    /// Collateral of others that counts before it, atoms.
    pub others_atoms: u64,
}

/// What a debt's reserve allows, whatever health says.
#[derive(Clone, Copy, Debug, Default)]
pub struct LendingRoom {
    /// Smaller of cash and room under the borrow cap, atoms.
    pub atoms: u64,
}

/// Quotes a position. `initial` is an error where a price forbids opening risk.
pub fn quote_position(
    maintenance: &Exposure,
    initial: &Result<InitialExposure, EngineError>,
    rooms: &[LendingRoom; MAX_DEBTS],
    decimals: &[u8; MAX_COLLATERALS],
    (position, market): (&PositionState, &MarketPolicy),
    now: &crate::Now,
) -> PositionQuote {
    let health = maintenance.health();
    let mut quote = PositionQuote {
        maintenance_health_e9: to_e9(health),
        collateral_nano_usd: nano_usd(maintenance.collateral_value()),
        debt_nano_usd: nano_usd(maintenance.debt_value()),
        is_called: u32::from(health < Factor::from_bps_ceil(market.call_level_bps)),
        call_level_e9: bps_to_e9(market.call_level_bps),
        flagged_at: if position.is_flagged(market, now) { position.flagged_at } else { 0 },
        auction_secs: position.auction_secs_at(market, now),
        ..PositionQuote::default()
    };
    let headroom = headroom(maintenance, initial.as_ref().ok());
    if let (Ok(_), Some(headroom)) = (initial, &headroom) {
        quote.initial_health_e9 = to_e9(headroom.totals.health());
    }
    if let Err(error) = initial {
        quote.initial_refusal = error.code();
    }
    for (i, leg) in maintenance.collaterals().iter().enumerate() {
        let Some(slot) = quote.collaterals.get_mut(i) else { break };
        slot.alv_nano_usd = nano_usd(leg.alv);
        slot.liquidation_price_nano_usd = liquidation_price(maintenance, leg, decimals.get(i).copied().unwrap_or(0));
        slot.withdraw_max_atoms = match (&headroom, initial) {
            _ if maintenance.debts().is_empty() => leg.atoms,
            (Some(headroom), Ok(initial)) => {
                initial.collaterals.get(i).map_or(0, |first| headroom.withdraw_max(leg, first))
            }
            _ => 0,
        };
    }
    for (i, leg) in maintenance.debts().iter().enumerate() {
        let Some(slot) = quote.debts.get_mut(i) else { break };
        slot.owed_atoms = leg.owed_atoms;
        if let (Some(headroom), Ok(initial)) = (&headroom, initial) {
            let room = rooms.get(i).map_or(0, |room| room.atoms);
            slot.borrow_max_atoms = initial.debts.get(i).map_or(0, |first| headroom.borrow_max(leg, first).min(room));
        }
    }
    quote
}

/// By how much both healths exceed one.
struct Headroom<'a> {
    maintenance: &'a Exposure,
    totals: InitialTotals,
}

fn headroom<'a>(maintenance: &'a Exposure, initial: Option<&InitialExposure>) -> Option<Headroom<'a>> {
    let initial = initial?;
    let mut totals = InitialTotals::default();
    for slot in initial.collaterals.iter().take(maintenance.collaterals().len()) {
        totals.add_collateral(&slot.leg);
    }
    for leg in initial.debts.iter().take(maintenance.debts().len()) {
        totals.add_debt(leg);
    }
    Some(Headroom { maintenance, totals })
}

impl Headroom<'_> {
    /// Linear in the debt: `(C - D_w) / W` in the debt's token, the smaller of both healths. One atom less for rounding.
    fn borrow_max(&self, leg: &DebtLeg, first: &InitialLeg) -> u64 {
        let initial = self.totals.weighted_collateral.minus(self.totals.weighted_debt).over_floor(first.factor);
        let weighted = self.maintenance.weighted_collateral().minus(self.maintenance.weighted_debt());
        let by_initial = first.price.atoms_floor(initial);
        let by_maintenance = leg.price.atoms_floor(weighted.over_floor(leg.weight));
        // Shares round the debt up by an atom, values by a unit each.
        by_initial.min(by_maintenance).saturating_sub(2)
    }

    /// What must stay for both healths to be one; inverts the curve (closed form). Rounded down.
    fn withdraw_max(&self, leg: &CollateralLeg, first: &InitialCollateral) -> u64 {
        let slack = Value(4);
        let needed_now = self
            .maintenance
            .weighted_debt()
            .minus(self.maintenance.weighted_collateral().minus(leg.weighted()))
            .plus(slack)
            .over_ceil(leg.maintenance);
        let own = first.leg.value.times_floor(first.leg.factor);
        let needed_first = self
            .totals
            .weighted_debt
            .minus(self.totals.weighted_collateral.minus(own))
            .plus(slack)
            .over_ceil(first.leg.factor)
            .plus(first.curve.value(first.others_atoms));
        let stay_now = leg.curve.atoms_for(needed_now);
        let stay_first = first.curve.atoms_for(needed_first).map(|all| all.saturating_sub(first.others_atoms));
        match (stay_now, stay_first) {
            (Some(now), Some(first)) => leg.atoms.saturating_sub(now.max(first)),
            _ => 0,
        }
    }
}

/// ALV is linear in the price: `p * (D_w - C_others) / C_i`, for a whole token, rounded up.
fn liquidation_price(exposure: &Exposure, leg: &CollateralLeg, decimals: u8) -> u64 {
    let others = exposure.weighted_collateral().minus(leg.weighted());
    let debt = exposure.weighted_debt();
    if debt <= others {
        return 0;
    }
    let Some(ten) = 10u64.checked_pow(u32::from(decimals)) else { return u64::MAX };
    // In 2^-40 nano-dollars until the end: a nano-dollar is much of a cheap token's price.
    let price = mul_div_ceil(leg.price.value_q40_ceil(ten), debt.minus(others).0, leg.weighted().0);
    price.map_or(u64::MAX, |price| saturate(shr_ceil(price, 40)))
}

/// Quotes a liquidation from its plan or refusal.
pub fn quote_liquidation(
    exposure: &Exposure,
    plan: &Result<LiquidationPlan, EngineError>,
    sale: &SaleTerms,
    standing: &Standing,
    now: &crate::Now,
) -> LiquidationQuote {
    let health = exposure.health();
    let urgency = urgency(&sale.bonus, health);
    let allowance = match plan {
        Ok(plan) => plan.allowance,
        Err(_) => sale.throttle.allowance(urgency),
    };
    let common = LiquidationQuote {
        health_before_e9: to_e9(health),
        collateral_nano_usd: nano_usd(exposure.collateral_value()),
        debt_nano_usd: nano_usd(exposure.debt_value()),
        throttle_share_atoms: allowance.share_atoms,
        throttle_left_atoms: allowance.left_atoms,
        auction_secs: standing.auction_secs,
        ..LiquidationQuote::default()
    };
    match plan {
        Err(error) => {
            let wait_secs = i64::try_from(sale.throttle.wait_secs(urgency)).unwrap_or(i64::MAX);
            LiquidationQuote {
                refusal: error.code(),
                retry_slot: match error {
                    EngineError::CoolingOff => standing.cooling_until_slot.saturating_add(1),
                    _ => 0,
                },
                retry_unix: match error {
                    EngineError::Throttled => now.unix.saturating_add(wait_secs),
                    EngineError::Paused => standing.paused_until,
                    _ => 0,
                },
                ..common
            }
        }
        Ok(plan) => LiquidationQuote {
            is_terminal: u32::from(plan.is_terminal),
            is_protection: u32::from(plan.is_protection),
            is_throttled: u32::from(plan.is_throttled),
            repay_atoms: plan.repay_atoms,
            fee_atoms: plan.fee_atoms,
            seize_atoms: plan.seize_atoms,
            gross_factor_e9: to_e9(plan.gross_factor),
            health_after_e9: to_e9(plan.health_after),
            ..common
        },
    }
}

impl crate::state::ReserveState {
    /// What this reserve could lend now: cash, and room under the borrow cap and the outflow limit, with interest up to now.
    pub fn lending_room(&self, now: &crate::Now) -> LendingRoom {
        if self.status == crate::state::RESERVE_CLOSED {
            return LendingRoom::default();
        }
        let (debt, cash) = self.projected_debt_and_cash(now.unix);
        let room = self.caps.borrow_atoms.saturating_sub(debt);
        LendingRoom { atoms: cash.min(room).min(self.outflow_left_atoms(Outflow::Borrow, now.unix)) }
    }
}
