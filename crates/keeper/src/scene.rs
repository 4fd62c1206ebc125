//! All that decides about one position, and what the program will make of it.
//!
//! A view of a pair is what `liquidate` sees after it took the offered prices: the pair's reserves with the newer reading kept
//! and interest booked, the others as they lie there.

use plimsoll_client::accounts::{Backstop, Market, Position, Reserve};
use plimsoll_client::instructions::Offer;
use plimsoll_engine::health::{CollateralLeg, DebtLeg, Exposure};
use plimsoll_engine::liquidation::SaleTerms;
use plimsoll_engine::price::Reading;
use plimsoll_engine::standing::Standing;
use plimsoll_engine::state::ReserveState;
use plimsoll_engine::{Now, Result};

use crate::book::Offered;

/// A transaction holds the offers of so many legs beside everything else; with more, only the pair's prices are offered.
pub const OFFERED_LEGS_MAX: usize = 6;

/// A reserve, and the price that is offered for it where that is newer than the kept one.
#[derive(Clone, Debug)]
pub struct Leg {
    /// The reserve.
    pub reserve: Reserve,
    /// What is offered.
    pub offered: Option<Offered>,
}

/// All that decides about one position.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Market.
    pub market: Market,
    /// Position.
    pub position: Position,
    /// Its legs: collaterals, then debts, in slot order.
    pub legs: Vec<Leg>,
    /// Backstop pools of its debts.
    pub pools: Vec<Backstop>,
    /// Now, as the chain will say.
    pub now: Now,
}

/// Which prices count: as the program's `OldReadings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// Old readings fade: liquidation.
    Fade,
    /// They count in full: settlement.
    Keep,
    /// In full, at prices in the borrower's favour: the mark of a default.
    Favour,
    /// In full, at prices against the borrower: what a provision falls to.
    Against,
}

/// What an action on one pair of slots sees.
#[derive(Clone, Debug)]
pub struct View {
    /// Slots: collateral, debt.
    pub pair: (usize, usize),
    /// The position's legs.
    pub exposure: Exposure,
    /// Terms of the collateral.
    pub sale: SaleTerms,
    /// Of the position.
    pub standing: Standing,
    /// Reserve of the collateral, reading kept.
    pub seized: ReserveState,
    /// Reserve of the debt, reading kept and interest booked.
    pub repaid: ReserveState,
    /// Whether every price may open risk.
    pub prices: Result<()>,
    /// What is offered.
    pub offers: Vec<Offer>,
}

impl Scene {
    /// Collateral slots.
    pub fn collaterals(&self) -> &[Leg] {
        self.legs.get(..self.position.state.collaterals().len()).unwrap_or(&self.legs)
    }

    /// Debt slots.
    pub fn debts(&self) -> &[Leg] {
        self.legs.get(self.position.state.collaterals().len()..).unwrap_or(&[])
    }

    /// All pairs of a collateral that is not empty and a debt.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let collaterals = self.position.state.collaterals().iter().enumerate().filter(|(_, slot)| slot.atoms > 0);
        let debts = self.position.state.debts().len();
        collaterals.flat_map(move |(collateral, _)| (0..debts).map(move |debt| (collateral, debt)))
    }

    /// Whether the price of a leg is offered in an action on a pair, or on the whole position.
    fn is_offered(&self, leg: usize, pair: Option<(usize, usize)>) -> bool {
        let is_newer = self.legs.get(leg).is_some_and(|leg| leg.offered.is_some());
        let first_debt = self.position.state.collaterals().len();
        let is_of_pair = pair.is_none_or(|(collateral, debt)| leg == collateral || leg == first_debt + debt);
        is_newer && (self.legs.len() <= OFFERED_LEGS_MAX || is_of_pair)
    }

    /// What is offered in an action on a pair, or on the whole position.
    pub fn offers(&self, pair: Option<(usize, usize)>) -> Vec<Offer> {
        let legs = self.legs.iter().enumerate().filter(|(index, _)| self.is_offered(*index, pair));
        let offer = |leg: &Leg| leg.offered.map(|offered| Offer { reserve: leg.reserve.address, price: offered.price });
        legs.filter_map(|(_, leg)| offer(leg)).collect()
    }

    /// The reading that counts for a leg.
    fn reading(&self, index: usize, leg: &Leg, pair: Option<(usize, usize)>) -> Reading {
        let offered = leg.offered.filter(|_| self.is_offered(index, pair));
        leg.reserve.state.reading.newer(offered.map(|offered| offered.reading))
    }

    /// Whether every price may open risk.
    pub fn prices(&self, pair: Option<(usize, usize)>) -> Result<()> {
        let permit = |(index, leg): (usize, &Leg)| {
            let reading = self.reading(index, leg, pair);
            leg.reserve.state.oracle_policy.permit_borrow(&reading, &self.now)
        };
        self.legs.iter().enumerate().map(permit).fold(Ok(()), Result::and)
    }

    /// All legs.
    ///
    /// # Errors
    /// `CollateralSlotsFull`, `DebtSlotsFull`: never of a position of the program.
    pub fn exposure(&self, old: Old, pair: Option<(usize, usize)>) -> Result<Exposure> {
        let (position, now) = (&self.position.state, &self.now);
        let mut exposure = Exposure::default();
        let first_debt = position.collaterals().len();
        for (index, (slot, leg)) in position.collaterals().iter().zip(&self.legs).enumerate() {
            let (reserve, reading) = (self.kept(index, leg, pair), self.reading(index, leg, pair));
            exposure.push_collateral(collateral_leg(&reserve, slot.atoms, &reading, now, old))?;
        }
        for (index, (slot, leg)) in position.debts().iter().zip(self.debts()).enumerate() {
            let index = first_debt + index;
            let (reserve, reading) = (self.kept(index, leg, pair), self.reading(index, leg, pair));
            exposure.push_debt(debt_leg(&reserve, slot.shares.get(), &reading, now, old))?;
        }
        Ok(exposure)
    }

    /// A reserve as the program sees it when it works out the legs: of the pair with the reading kept.
    fn kept(&self, index: usize, leg: &Leg, pair: Option<(usize, usize)>) -> ReserveState {
        let mut state = leg.reserve.state;
        let first_debt = self.position.state.collaterals().len();
        let is_of_pair = pair.is_some_and(|(collateral, debt)| index == collateral || index == first_debt + debt);
        if is_of_pair {
            let reading = self.reading(index, leg, pair);
            state.keep_reading(Some(&reading), &self.now);
        }
        state
    }

    /// What an action on a pair sees. None where there is no such pair.
    pub fn view(&self, pair: (usize, usize)) -> Option<View> {
        let at = (pair.0, self.position.state.collaterals().len() + pair.1);
        let (seized_leg, repaid_leg) = (self.collaterals().get(pair.0)?, self.debts().get(pair.1)?);
        let (seized, mut repaid) = (self.kept(at.0, seized_leg, Some(pair)), self.kept(at.1, repaid_leg, Some(pair)));
        repaid.accrue(self.now.unix);
        let prices = self.prices(Some(pair));
        let policy = &self.market.state.policy;
        let standing = self.position.state.standing(pair, policy, &self.now, prices);
        Some(View {
            pair,
            exposure: self.exposure(Old::Fade, Some(pair)).ok()?,
            sale: seized.sale_terms(&self.now),
            standing: standing.in_market(&self.market.state, &self.now),
            seized,
            repaid,
            prices,
            offers: self.offers(Some(pair)),
        })
    }
}

fn collateral_leg(reserve: &ReserveState, atoms: u64, reading: &Reading, now: &Now, old: Old) -> CollateralLeg {
    match old {
        Old::Fade => reserve.collateral_leg(atoms, reading, now),
        Old::Keep => reserve.collateral_leg_undecayed(atoms, reading, now),
        Old::Favour => reserve.collateral_leg_favourable(atoms, reading, now),
        Old::Against => reserve.collateral_leg_adverse(atoms, reading, now),
    }
}

fn debt_leg(reserve: &ReserveState, shares: u128, reading: &Reading, now: &Now, old: Old) -> DebtLeg {
    match old {
        Old::Fade | Old::Keep => reserve.debt_leg(shares, reading, now),
        Old::Favour => reserve.debt_leg_favourable(shares, reading, now),
        Old::Against => reserve.debt_leg_adverse(shares, reading, now),
    }
}
