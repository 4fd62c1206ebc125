//! A reserve as a page shows it, and its value curve.

use bytemuck::bytes_of;
use plimsoll_engine::fixed::{mul_div_floor, saturate, Factor, Word128, BPS};
use plimsoll_engine::outflow::Outflow;
use plimsoll_engine::quote::to_e9;
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::Now;

use crate::bytes::{Input, Output};
use crate::scene::code;
use crate::Mistake;

/// Where a reserve stands now, interest included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct ReserveQuote {
    /// Debt as a part of cash and debt, 1e-9, rounded down.
    pub utilisation_e9: u64,
    /// What borrowers pay a year, 1e-9, rounded down from the rate that is booked.
    pub borrow_rate_e9: u64,
    /// What lenders earn a year: what borrowers pay, on the part that is lent, less the parts of insurance and protocol. 1e-9,
    /// rounded down.
    pub supply_rate_e9: u64,
    /// All debt, atoms, rounded up.
    pub debt_atoms: u64,
    /// Cash, atoms.
    pub cash_atoms: u64,
    /// What lenders own, atoms, rounded down.
    pub assets_atoms: u64,
    /// What of the debt is provided for as lost, atoms.
    pub provided_atoms: u64,
    /// What could be lent now, by cash, cap and outflow limit, atoms.
    pub lendable_atoms: u64,
    /// What could be supplied under the cap, atoms.
    pub suppliable_atoms: u64,
    /// What may be redeemed under the outflow limit, atoms.
    pub redeem_limit_atoms: u64,
    /// Room under the collateral cap, atoms.
    pub collateral_room_atoms: u64,
    /// What the sales throttle holds, atoms.
    pub throttle_capacity_atoms: u64,
    /// What is in it, atoms, rounded up.
    pub throttle_level_atoms: u64,
    /// Daily volatility in initial health, 1e-9.
    pub sigma_initial_e9: u64,
    /// Daily volatility in maintenance health, 1e-9.
    pub sigma_maintenance_e9: u64,
    /// Depth that maintenance health counts with, atoms: shrinks as volatility rises.
    pub depth_atoms: u64,
    /// What horizon and spread leave of the price in maintenance health, 1e-9.
    pub discount_e9: u64,
    /// Weight of this token as debt in maintenance health, 1e-9.
    pub debt_weight_e9: u64,
    /// The same in initial health, 1e-9.
    pub debt_weight_initial_e9: u64,
    /// Age of the kept price, seconds.
    pub price_age_secs: u64,
    /// When the depth expires unless it is confirmed, unix time.
    pub depth_expires_at: i64,
    /// Code of the error by which the kept price may not open risk, 0 for none.
    pub borrow_refusal: u32,
    /// Code of the error by which it may not liquidate, 0 for none.
    pub liquidate_refusal: u32,
}

/// Quotes a reserve at its kept price.
pub fn quote_reserve(reserve: &ReserveState, now: &Now) -> ReserveQuote {
    let (reading, policy) = (reserve.reading, &reserve.oracle_policy);
    let (debt_atoms, cash_atoms) = reserve.projected_debt_and_cash(now.unix);
    let assets_atoms = reserve.projected_assets_atoms(now.unix);
    let mut booked = *reserve;
    booked.accrue(now.unix);
    let utilisation = booked.utilisation();
    let rate = reserve.rates.rate(utilisation);
    let sigma = reserve.sigma_maintenance(&reading, now);
    let initial = reserve.initial_risk(now);
    let sigma_initial = reserve.sigma_initial(&reading);
    let throttle = reserve.throttle_at(now);
    ReserveQuote {
        utilisation_e9: to_e9(utilisation),
        borrow_rate_e9: to_e9(rate),
        supply_rate_e9: supply_rate_e9(reserve, utilisation, rate),
        debt_atoms,
        cash_atoms,
        assets_atoms,
        provided_atoms: booked.provided_atoms(),
        lendable_atoms: reserve.lending_room(now).atoms,
        suppliable_atoms: reserve.caps.supply_atoms.saturating_sub(assets_atoms),
        redeem_limit_atoms: reserve.outflow_left_atoms(Outflow::Redemption, now.unix),
        collateral_room_atoms: reserve.caps.collateral_atoms.saturating_sub(reserve.collateral_atoms),
        throttle_capacity_atoms: throttle.capacity_atoms,
        throttle_level_atoms: throttle.level_atoms(),
        sigma_initial_e9: to_e9(sigma_initial),
        sigma_maintenance_e9: to_e9(sigma),
        depth_atoms: reserve.risk.effective_depth_atoms(sigma),
        discount_e9: to_e9(reserve.risk.discount(sigma)),
        debt_weight_e9: to_e9(reserve.risk.debt_weight(reserve.risk.debt_weight_bps, sigma)),
        debt_weight_initial_e9: to_e9(initial.debt_weight(reserve.initial.debt_weight_bps, sigma_initial)),
        price_age_secs: reading.age_secs(now.unix),
        depth_expires_at: reserve.depth_expires_at(),
        borrow_refusal: code(&policy.permit_borrow(&reading, now)),
        liquidate_refusal: code(&policy.permit_liquidation(&reading, now)),
    }
}

fn supply_rate_e9(reserve: &ReserveState, utilisation: Factor, rate: Factor) -> u64 {
    let others = reserve.rates.insurance_share_bps.saturating_add(reserve.rates.fee_share_bps);
    let earned = to_e9(utilisation.times_floor(rate));
    let part = mul_div_floor(earned.into(), BPS.saturating_sub(others).into(), BPS.into());
    part.map_or(0, saturate)
}

/// A point of the value curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct CurvePoint {
    /// Plain value, nano-dollars, rounded down.
    pub plain: Word128,
    /// Asset liquidation value, nano-dollars, rounded down.
    pub alv: Word128,
}

/// Reads the question, writes a point for each amount.
pub(crate) fn curve(input: &mut Input, output: &mut Output) -> Result<(), Mistake> {
    let (now, reserve) = (input.now()?, input.reserve()?);
    let (is_initial, count): (u64, usize) = (input.pod()?, input.index()?);
    let reading = reserve.reading;
    let price = reading.price_of(reading.price, reserve.decimals);
    let curve = if is_initial == 1 {
        reserve.initial_curve(price, &reading, &now)
    } else {
        reserve.risk.curve(price, reserve.sigma_maintenance(&reading, &now))
    };
    for _ in 0..count {
        let atoms: u64 = input.pod()?;
        let (plain, alv) = (price.value_floor(atoms), curve.value(atoms));
        output.put(bytes_of(&CurvePoint { plain: Word128::new(plain.0), alv: Word128::new(alv.0) }))?;
    }
    input.end()
}
