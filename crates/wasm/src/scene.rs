//! One position with all that decides about it: market, reserves, offered prices, time. The views are those of the program
//! (`legs.rs`), of bytes instead of accounts.

use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::{mul_div_floor, saturate, BPS};
use plimsoll_engine::health::{Exposure, InitialTotals};
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationRequest};
use plimsoll_engine::price::Reading;
use plimsoll_engine::quote::{self, InitialCollateral, InitialExposure, LendingRoom, LiquidationQuote, PositionQuote};
use plimsoll_engine::state::{MarketState, PositionState, Pubkey, ReserveState, MAX_COLLATERALS, MAX_DEBTS, MAX_LEGS};
use plimsoll_engine::{Now, Result as Refusable};

use crate::bytes::Input;
use crate::Mistake;

/// Reserves a scene holds: every leg, and one that an action adds.
pub const RESERVES_MAX: usize = MAX_LEGS + 1;

/// A reserve, and the reading offered for it.
#[derive(Clone)]
pub struct Leg {
    /// Its address.
    pub key: Pubkey,
    /// Its state.
    pub reserve: ReserveState,
    /// What is offered.
    pub offered: Option<Reading>,
}

impl Leg {
    /// The reading that counts: nobody picks the nicer of two.
    pub fn reading(&self) -> Reading {
        self.reserve.reading.newer(self.offered)
    }
}

/// A position with its market and reserves. In a question: unix time, slot, market, position, count of reserves, and each
/// reserve as address, account, 1 where a reading is offered, and that reading (or zeros).
#[derive(Clone)]
pub struct Scene {
    /// Now, as the chain will say.
    pub now: Now,
    /// Market.
    pub market: MarketState,
    /// Position.
    pub position: PositionState,
    /// Reserves, in any order.
    legs: [Option<Leg>; RESERVES_MAX],
}

/// Refusals of the engine inside the mistakes of a caller.
pub type Answer<T> = Result<Refusable<T>, Mistake>;

impl Scene {
    /// Reads a scene.
    ///
    /// # Errors
    /// `Malformed`, `UnknownVersion`, `WrongMarket`.
    pub fn read(input: &mut Input) -> Result<Self, Mistake> {
        let (now, market, position) = (input.now()?, input.market()?, input.position()?);
        let mut legs = [const { None }; RESERVES_MAX];
        for index in 0..input.index()? {
            let (key, reserve) = (input.pod()?, input.reserve()?);
            let (is_offered, reading): (u64, Reading) = (input.pod()?, input.pod()?);
            if reserve.market != position.market {
                return Err(Mistake::WrongMarket);
            }
            let offered = (is_offered != 0).then_some(reading);
            *legs.get_mut(index).ok_or(Mistake::Malformed)? = Some(Leg { key, reserve, offered });
        }
        Ok(Self { now, market, position, legs })
    }

    /// A reserve by its address.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn leg(&self, key: &Pubkey) -> Result<&Leg, Mistake> {
        self.legs.iter().flatten().find(|leg| leg.key == *key).ok_or(Mistake::ReserveMissing)
    }

    /// The same, to be changed.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn leg_mut(&mut self, key: &Pubkey) -> Result<&mut Leg, Mistake> {
        self.legs.iter_mut().flatten().find(|leg| leg.key == *key).ok_or(Mistake::ReserveMissing)
    }

    /// Moves all prices of a reserve to `bps` of what they are: spot, average and confidence, and the price of the last sample
    /// of volatility with them, so that the shock is a change of price alone. It does not make an old price younger.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn shock(&mut self, key: &Pubkey, bps: u64) -> Result<(), Mistake> {
        let moved = |number: u64| mul_div_floor(number.into(), bps.into(), BPS.into()).map_or(u64::MAX, saturate);
        let leg = self.leg_mut(key)?;
        for reading in [Some(&mut leg.reserve.reading), leg.offered.as_mut()].into_iter().flatten() {
            reading.price = moved(reading.price).max(1);
            reading.average = moved(reading.average).max(1);
            reading.confidence = moved(reading.confidence);
        }
        let sampled = &mut leg.reserve.volatility.sampled_price;
        *sampled = moved(*sampled).max(1);
        Ok(())
    }

    /// The same scene so many seconds later, as far as interest and the rise of volatility go: readings age no further, since
    /// somebody who acts then offers newer ones.
    pub fn later(&mut self, secs: u64) {
        let secs = i64::try_from(secs).unwrap_or(i64::MAX);
        self.now.unix = self.now.unix.saturating_add(secs);
        for leg in self.legs.iter_mut().flatten() {
            for reading in [Some(&mut leg.reserve.reading), leg.offered.as_mut()].into_iter().flatten() {
                reading.publish_time = reading.publish_time.saturating_add(secs);
            }
            let sampled_at = &mut leg.reserve.volatility.sampled_at;
            *sampled_at = sampled_at.saturating_add(secs);
        }
    }

    /// All legs in maintenance health, old readings fading.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn exposure(&self) -> Result<Exposure, Mistake> {
        let mut exposure = Exposure::default();
        for slot in self.position.collaterals() {
            let leg = self.leg(&slot.reserve)?;
            let leg = leg.reserve.collateral_leg(slot.atoms, &leg.reading(), &self.now);
            exposure.push_collateral(leg).map_err(|_| Mistake::Malformed)?;
        }
        for slot in self.position.debts() {
            let leg = self.leg(&slot.reserve)?;
            let leg = leg.reserve.debt_leg(slot.shares.get(), &leg.reading(), &self.now);
            exposure.push_debt(leg).map_err(|_| Mistake::Malformed)?;
        }
        Ok(exposure)
    }

    /// Whether every price of the position may open risk.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn prices(&self) -> Answer<()> {
        let collaterals = self.position.collaterals().iter().map(|slot| &slot.reserve);
        let keys = collaterals.chain(self.position.debts().iter().map(|slot| &slot.reserve));
        let mut permitted = Ok(());
        for key in keys {
            let leg = self.leg(key)?;
            permitted = permitted.and(leg.reserve.oracle_policy.permit_borrow(&leg.reading(), &self.now));
        }
        Ok(permitted)
    }

    /// Totals of initial health.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn initial_totals(&self, exposure: &Exposure) -> Answer<InitialTotals> {
        let mut totals = InitialTotals::default();
        for slot in self.position.collaterals() {
            let leg = self.leg(&slot.reserve)?;
            let others = leg.reserve.counted_by_others(slot.counted_atoms);
            match leg.reserve.initial_collateral_leg(slot.atoms, others, &leg.reading(), &self.now) {
                Ok(initial) => totals.add_collateral(&initial),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        for (slot, debt) in self.position.debts().iter().zip(exposure.debts()) {
            let leg = self.leg(&slot.reserve)?;
            match leg.reserve.initial_debt_leg(debt.owed_atoms, &leg.reading(), &self.now) {
                Ok(initial) => totals.add_debt(&initial),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Ok(Ok(totals))
    }

    /// Initial legs for a quote.
    fn initial_exposure(&self, exposure: &Exposure) -> Answer<InitialExposure> {
        let mut initial = InitialExposure::default();
        let mut refusal = None;
        for (slot, into) in self.position.collaterals().iter().zip(&mut initial.collaterals) {
            let (leg, now) = (self.leg(&slot.reserve)?, &self.now);
            let (reserve, reading) = (&leg.reserve, leg.reading());
            let others_atoms = reserve.counted_by_others(slot.counted_atoms);
            match reserve.initial_collateral_leg(slot.atoms, others_atoms, &reading, now) {
                Ok(leg) => {
                    let curve = reserve.initial_curve(leg.price, &reading, now);
                    *into = InitialCollateral { leg, curve, others_atoms };
                }
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        for ((slot, debt), into) in self.position.debts().iter().zip(exposure.debts()).zip(&mut initial.debts) {
            let leg = self.leg(&slot.reserve)?;
            match leg.reserve.initial_debt_leg(debt.owed_atoms, &leg.reading(), &self.now) {
                Ok(leg) => *into = leg,
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Ok(refusal.map_or(Ok(initial), Err))
    }

    /// What `quote_position` returns.
    ///
    /// # Errors
    /// `ReserveMissing`.
    pub fn quote(&self) -> Result<PositionQuote, Mistake> {
        let exposure = self.exposure()?;
        let initial = self.initial_exposure(&exposure)?;
        let (mut rooms, mut decimals) = ([LendingRoom::default(); MAX_DEBTS], [0; MAX_COLLATERALS]);
        for (slot, room) in self.position.debts().iter().zip(&mut rooms) {
            *room = self.leg(&slot.reserve)?.reserve.lending_room(&self.now);
        }
        for (slot, decimals) in self.position.collaterals().iter().zip(&mut decimals) {
            *decimals = self.leg(&slot.reserve)?.reserve.decimals;
        }
        let whose = (&self.position, &self.market.policy);
        Ok(quote::quote_position(&exposure, &initial, &rooms, &decimals, whose, &self.now))
    }

    /// What `quote_liquidation` returns for a pair of slots.
    ///
    /// # Errors
    /// `ReserveMissing` also where a slot is not open.
    pub fn quote_liquidation(&self, pair: (u64, u64), repay_max_atoms: u64) -> Result<LiquidationQuote, Mistake> {
        let slot = |number: u64| usize::try_from(number).map_err(|_| Mistake::Malformed);
        let (collateral, debt) = (slot(pair.0)?, slot(pair.1)?);
        let seized = self.position.collaterals().get(collateral).ok_or(Mistake::ReserveMissing)?.reserve;
        self.position.debts().get(debt).ok_or(Mistake::ReserveMissing)?;
        let (exposure, policy) = (self.exposure()?, &self.market.policy);
        let sale = self.leg(&seized)?.reserve.sale_terms(&self.now);
        let standing = self.position.standing((collateral, debt), policy, &self.now, self.prices()?);
        let standing = standing.in_market(&self.market, &self.now);
        let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms: 0 };
        let plan = plan_liquidation(&exposure, &sale, policy, &standing, &request, &self.now);
        Ok(quote::quote_liquidation(&exposure, &plan, &sale, &standing, &self.now))
    }
}

/// A refusal as a code, 0 for none.
pub fn code<T>(result: &Refusable<T>) -> u32 {
    result.as_ref().err().copied().map_or(0, EngineError::code)
}
