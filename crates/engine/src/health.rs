//! Health: what each leg of a position counts, and what all of them together say.
//!
//! ```text
//! health = sum_i ALV_i * m_i / sum_j D_j        healthy at >= 1
//! ```
//!
//! *Maintenance* health decides liquidation; *initial* health decides whether risk may be opened. A leg is projected
//! from its reserve, the position's amount and the newest reading; legs are small, reserves are not copied.

use crate::alv::Curve;
use crate::error::{EngineError, Result};
use crate::fixed::{Factor, Value};
use crate::interest::owed_ceil;
use crate::price::{Price, Reading};
use crate::state::{MarketPolicy, ReserveState, MAX_COLLATERALS, MAX_DEBTS};
use crate::Now;

/// One collateral, as maintenance health sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CollateralLeg {
    /// Atoms of the position.
    pub atoms: u64,
    /// Price of an atom.
    pub price: Price,
    /// What a sale brings.
    pub curve: Curve,
    /// V: plain value, decayed where the reading is old. Rounded down.
    pub plain: Value,
    /// Asset liquidation value; plain value, decayed, where the reading is old. Rounded down.
    pub alv: Value,
    /// m.
    pub maintenance: Factor,
    /// Why this leg's price cannot liquidate, if it cannot.
    pub unusable: Option<EngineError>,
    /// The price is old, that was noticed, and nobody brought a newer one in all the time of its fading.
    pub is_dead: bool,
}

/// One debt, as maintenance health sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct DebtLeg {
    /// Atoms owed now, rounded up.
    pub owed_atoms: u64,
    /// Price of an atom.
    pub price: Price,
    /// D: plain value, rounded up.
    pub plain: Value,
    /// W.
    pub weight: Factor,
    /// Why this leg's price cannot liquidate, if it cannot.
    pub unusable: Option<EngineError>,
    /// The price is old, that was noticed, and nobody brought a newer one in all the time of its fading.
    pub is_dead: bool,
}

/// What a leg counts in initial health.
#[derive(Clone, Copy, Debug, Default)]
pub struct InitialLeg {
    /// Last-in asset liquidation value of a collateral (rounded down), or plain value of a debt (rounded up).
    pub value: Value,
    /// m_init or W_init.
    pub factor: Factor,
    /// Price of an atom: low for collateral, high for debt.
    pub price: Price,
}

impl ReserveState {
    /// Projects `atoms` of this token as collateral into maintenance health.
    pub fn collateral_leg(&self, atoms: u64, reading: &Reading, now: &Now) -> CollateralLeg {
        let for_borrower = reading.price.saturating_add(self.oracle_policy.confidence_excess(reading));
        self.collateral_leg_at(for_borrower, atoms, reading, now)
    }

    /// Projects collateral at a price number of the caller's.
    fn collateral_leg_at(&self, number: u64, atoms: u64, reading: &Reading, now: &Now) -> CollateralLeg {
        let policy = &self.oracle_policy;
        let maintenance = Factor::from_bps_floor(self.risk.maintenance_bps);
        let price = reading.price_of(number, self.decimals);
        let curve = self.risk.curve(price, self.sigma_maintenance(reading, now));
        let plain = price.value_floor(atoms);
        let unusable = policy.permit_liquidation(reading, now).err();
        if unusable == Some(EngineError::StalePrice) {
            // An old reading counts plainly, for the borrower, and fades: a dead feed must not make a position immortal.
            let fade = self.fade(reading, now);
            let (faded, is_dead) = (plain.times_floor(fade), fade == Factor::ZERO);
            return CollateralLeg { atoms, price, curve, plain: faded, alv: faded, maintenance, unusable, is_dead };
        }
        CollateralLeg { atoms, price, curve, plain, alv: curve.value(atoms), maintenance, unusable, is_dead: false }
    }

    /// Like [`Self::collateral_leg`], but an old reading does not fade: what a default counts.
    pub fn collateral_leg_undecayed(&self, atoms: u64, reading: &Reading, now: &Now) -> CollateralLeg {
        self.collateral_leg(atoms, reading, now).undecayed()
    }

    /// Like [`Self::collateral_leg_undecayed`], at the price most in the borrower's favour: the larger of spot and average,
    /// plus the confidence (up to the hard limit). What a default is marked at, so that no wick marks one.
    pub fn collateral_leg_favourable(&self, atoms: u64, reading: &Reading, now: &Now) -> CollateralLeg {
        let high = reading.price.max(reading.average).saturating_add(self.oracle_policy.confidence_counted(reading));
        self.collateral_leg_at(high, atoms, reading, now).undecayed()
    }

    /// The same at the price most against the borrower: the smaller of spot and average, less the confidence. What a provision
    /// must see before it falls.
    pub fn collateral_leg_adverse(&self, atoms: u64, reading: &Reading, now: &Now) -> CollateralLeg {
        let low = reading.price.min(reading.average).saturating_sub(self.oracle_policy.confidence_counted(reading));
        self.collateral_leg_at(low, atoms, reading, now).undecayed()
    }

    /// Projects debt shares of this token into maintenance health, with interest up to now.
    pub fn debt_leg(&self, shares: u128, reading: &Reading, now: &Now) -> DebtLeg {
        self.debt_leg_of(owed_ceil(shares, self.projected_index(now.unix)), reading, now)
    }

    /// Projects a debt of `owed_atoms` into maintenance health.
    pub fn debt_leg_of(&self, owed_atoms: u64, reading: &Reading, now: &Now) -> DebtLeg {
        let for_borrower = reading.price.saturating_sub(self.oracle_policy.confidence_excess(reading));
        self.debt_leg_at(for_borrower, owed_atoms, reading, now)
    }

    /// Projects debt shares at the price most in the borrower's favour: the smaller of spot and average, less the confidence
    /// (up to the hard limit).
    pub fn debt_leg_favourable(&self, shares: u128, reading: &Reading, now: &Now) -> DebtLeg {
        let low = reading.price.min(reading.average).saturating_sub(self.oracle_policy.confidence_counted(reading));
        self.debt_leg_at(low, owed_ceil(shares, self.projected_index(now.unix)), reading, now)
    }

    /// Projects debt shares at the price most against the borrower: the larger of spot and average, plus the confidence.
    pub fn debt_leg_adverse(&self, shares: u128, reading: &Reading, now: &Now) -> DebtLeg {
        let high = reading.price.max(reading.average).saturating_add(self.oracle_policy.confidence_counted(reading));
        self.debt_leg_at(high, owed_ceil(shares, self.projected_index(now.unix)), reading, now)
    }

    /// Projects a debt at a price number of the caller's.
    fn debt_leg_at(&self, number: u64, owed_atoms: u64, reading: &Reading, now: &Now) -> DebtLeg {
        let policy = &self.oracle_policy;
        let price = reading.price_of(number.max(1), self.decimals);
        DebtLeg {
            owed_atoms,
            price,
            plain: price.value_ceil(owed_atoms),
            weight: self.risk.debt_weight(self.risk.debt_weight_bps, self.sigma_maintenance(reading, now)),
            unusable: policy.permit_liquidation(reading, now).err(),
            is_dead: self.fade(reading, now) == Factor::ZERO,
        }
    }

    /// Projects `atoms` of collateral into initial health, counted last in: `ALV(Q) - ALV(Q - atoms)`, where Q is
    /// `others_atoms` and this position's together. Low price: the smaller of spot and average, less confidence.
    ///
    /// # Errors
    /// What [`OraclePolicy::permit_borrow`](crate::state::OraclePolicy::permit_borrow) refuses.
    pub fn initial_collateral_leg(
        &self,
        atoms: u64,
        others_atoms: u64,
        reading: &Reading,
        now: &Now,
    ) -> Result<InitialLeg> {
        self.oracle_policy.permit_borrow(reading, now)?;
        let low = reading.price.min(reading.average).saturating_sub(reading.confidence);
        let price = reading.price_of(low, self.decimals);
        let curve = self.initial_curve(price, reading);
        let everything = curve.value(others_atoms.saturating_add(atoms));
        let value = if others_atoms == 0 { everything } else { everything.minus(curve.value(others_atoms)) };
        Ok(InitialLeg { value, factor: Factor::from_bps_floor(self.initial.initial_bps), price })
    }

    /// The curve of initial health: volatility as observed, and the tighter of the terms in force and signed, so that what
    /// tightens closes the door at once.
    pub fn initial_curve(&self, price: Price, reading: &Reading) -> Curve {
        let terms = self.initial_risk();
        terms.curve(price, self.sigma_initial_under(&terms, reading))
    }

    /// Projects a debt of `owed_atoms` into initial health. High price: the larger of spot and average, plus confidence.
    ///
    /// # Errors
    /// What [`OraclePolicy::permit_borrow`](crate::state::OraclePolicy::permit_borrow) refuses; `AmountTooLarge`.
    pub fn initial_debt_leg(&self, owed_atoms: u64, reading: &Reading, now: &Now) -> Result<InitialLeg> {
        self.oracle_policy.permit_borrow(reading, now)?;
        let high = reading.price.max(reading.average).saturating_add(reading.confidence);
        let price = reading.price_of(high, self.decimals);
        let value = price.value_ceil(owed_atoms);
        if value >= Value::LIMIT {
            return Err(EngineError::AmountTooLarge);
        }
        let terms = self.initial_risk();
        let sigma = self.sigma_initial_under(&terms, reading);
        Ok(InitialLeg { value, factor: terms.debt_weight(self.initial.debt_weight_bps, sigma), price })
    }

    /// Collateral of other positions that counts last-in, given what of this position's is counted.
    pub fn counted_by_others(&self, own_counted_atoms: u64) -> u64 {
        self.counted_atoms.saturating_sub(own_counted_atoms)
    }
}

/// All legs of a position in slot order, projected into maintenance health.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    collaterals: [CollateralLeg; MAX_COLLATERALS],
    debts: [DebtLeg; MAX_DEBTS],
    collateral_count: usize,
    debt_count: usize,
}

impl Exposure {
    /// Adds the next collateral.
    ///
    /// # Errors
    /// `CollateralSlotsFull`.
    pub fn push_collateral(&mut self, leg: CollateralLeg) -> Result<()> {
        *self.collaterals.get_mut(self.collateral_count).ok_or(EngineError::CollateralSlotsFull)? = leg;
        self.collateral_count += 1;
        Ok(())
    }

    /// Adds the next debt.
    ///
    /// # Errors
    /// `DebtSlotsFull`.
    pub fn push_debt(&mut self, leg: DebtLeg) -> Result<()> {
        *self.debts.get_mut(self.debt_count).ok_or(EngineError::DebtSlotsFull)? = leg;
        self.debt_count += 1;
        Ok(())
    }

    /// Collaterals in slot order.
    pub fn collaterals(&self) -> &[CollateralLeg] {
        self.collaterals.get(..self.collateral_count).unwrap_or(&[])
    }

    /// Debts in slot order.
    pub fn debts(&self) -> &[DebtLeg] {
        self.debts.get(..self.debt_count).unwrap_or(&[])
    }

    /// V: plain value of all collateral, rounded down.
    pub fn collateral_value(&self) -> Value {
        self.collaterals().iter().fold(Value::ZERO, |sum, leg| sum.plus(leg.plain))
    }

    /// D: plain value of all debt, rounded up.
    pub fn debt_value(&self) -> Value {
        self.debts().iter().fold(Value::ZERO, |sum, leg| sum.plus(leg.plain))
    }

    /// C: `sum ALV_i * m_i`, rounded down.
    pub fn weighted_collateral(&self) -> Value {
        self.collaterals().iter().fold(Value::ZERO, |sum, leg| sum.plus(leg.weighted()))
    }

    /// D_w: `sum D_j`, rounded up.
    pub fn weighted_debt(&self) -> Value {
        self.debts().iter().fold(Value::ZERO, |sum, leg| sum.plus(leg.weighted()))
    }

    /// Maintenance health, rounded down; [`Factor::MAX`] without debt.
    pub fn health(&self) -> Factor {
        self.weighted_collateral().of_floor(self.weighted_debt())
    }
}

impl CollateralLeg {
    /// At its last reading, where that is old: it does not fade.
    fn undecayed(self) -> Self {
        if self.unusable != Some(EngineError::StalePrice) {
            return self;
        }
        let plain = self.price.value_floor(self.atoms);
        Self { plain, alv: plain, ..self }
    }

    /// `ALV * m`, rounded down.
    pub fn weighted(&self) -> Value {
        self.alv.times_floor(self.maintenance)
    }
}

impl DebtLeg {
    /// `D * W`, rounded up.
    pub fn weighted(&self) -> Value {
        self.plain.times_ceil(self.weight)
    }
}

/// Totals of initial health.
#[derive(Clone, Copy, Debug, Default)]
pub struct InitialTotals {
    /// `sum ALV_init * m_init`, rounded down.
    pub weighted_collateral: Value,
    /// `sum D_init * W_init`, rounded up.
    pub weighted_debt: Value,
}

impl InitialTotals {
    /// Adds a collateral.
    pub fn add_collateral(&mut self, leg: &InitialLeg) {
        self.weighted_collateral = self.weighted_collateral.plus(leg.value.times_floor(leg.factor));
    }

    /// Adds a debt.
    pub fn add_debt(&mut self, leg: &InitialLeg) {
        self.weighted_debt = self.weighted_debt.plus(leg.value.times_ceil(leg.factor));
    }

    /// Initial health, rounded down; [`Factor::MAX`] without debt.
    pub fn health(&self) -> Factor {
        self.weighted_collateral.of_floor(self.weighted_debt)
    }
}

/// Whether risk may stay open after an action: both healths at least one, compared without division.
///
/// # Errors
/// `InitialHealthTooLow`, `MaintenanceHealthTooLow`.
pub fn require_healthy(initial: &InitialTotals, maintenance: &Exposure) -> Result<()> {
    if initial.weighted_collateral < initial.weighted_debt {
        return Err(EngineError::InitialHealthTooLow);
    }
    if maintenance.weighted_collateral() < maintenance.weighted_debt() {
        return Err(EngineError::MaintenanceHealthTooLow);
    }
    Ok(())
}

/// Whether a deposit that takes health from `before` to `after` is a rescue, which may exceed the collateral cap: health
/// below the call level before, and at most the target after (a rescue must not bounce, nor be a way around the cap).
///
/// # Errors
/// `CollateralCapExceeded` where it is none; `StalePrice`, `ConfidenceTooWide` where a leg's price cannot tell.
pub fn require_rescue(before: &Exposure, after: &Exposure, market: &MarketPolicy) -> Result<()> {
    let collaterals = before.collaterals().iter().map(|leg| leg.unusable);
    let unusable = collaterals.chain(before.debts().iter().map(|leg| leg.unusable)).flatten().next();
    unusable.map_or(Ok(()), Err)?;
    let called = before.health() < Factor::from_bps_ceil(market.call_level_bps);
    if !called || after.health() > Factor::from_bps_ceil(market.target_health_bps) {
        return Err(EngineError::CollateralCapExceeded);
    }
    Ok(())
}
