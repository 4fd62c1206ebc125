//! A position's reserves ("legs") and the prices offered for them, from untrusted accounts to typed values.
//!
//! Remaining accounts hold, in slot order (collaterals, then debts), every reserve of the position that is not named in
//! the instruction, then one price account for each bit set in `offered`; bit k stands for leg k of *all* legs.
//! A leg without an offer counts at the newest reading its reserve keeps. Nothing missing, repeated or added.

use anchor_lang::prelude::*;
use plimsoll_engine::health::{Exposure, InitialTotals};
use plimsoll_engine::price::Reading;
use plimsoll_engine::quote::{InitialCollateral, InitialExposure, LendingRoom};
use plimsoll_engine::state::{
    CollateralSlot, DebtSlot, PositionState, ReserveState, MAX_COLLATERALS, MAX_DEBTS, MAX_LEGS,
};
use plimsoll_engine::Now;

use crate::error::{OrRefuse, PlimsollError};
use crate::oracle;
use crate::state::{edit_reserve, ReserveInfo};

/// One leg: its reserve, and the reading offered for it.
#[derive(Clone, Copy)]
struct Leg<'a, 'info> {
    reserve: ReserveInfo<'a, 'info>,
    offered: Option<Reading>,
}

/// All legs of a position, in slot order.
pub struct Legs<'a, 'info> {
    legs: [Option<Leg<'a, 'info>>; MAX_LEGS],
    now: Now,
}

/// Which prices count, and how old readings of collateral do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OldReadings {
    /// They fade: liquidation.
    Fade,
    /// They count in full: default.
    Keep,
    /// They count in full, and all prices are those in the borrower's favour: the mark of a default.
    Favour,
    /// They count in full, and all prices are those against the borrower: what a provision falls to.
    Against,
}

impl<'a, 'info> Legs<'a, 'info> {
    /// Collects and checks the legs of `position`.
    #[inline(never)]
    pub fn collect(
        position: &PositionState,
        named: &[&'a AccountInfo<'info>],
        remaining: &'a [AccountInfo<'info>],
        offered: u16,
        now: Now,
    ) -> Result<Box<Self>> {
        let mut legs = Box::new(Self { legs: [None; MAX_LEGS], now });
        let mut rest = remaining.iter();
        let collaterals = position.collaterals().iter().map(|slot| &slot.reserve);
        let keys = collaterals.chain(position.debts().iter().map(|slot| &slot.reserve));
        let mut count = 0;
        for (leg, key) in legs.legs.iter_mut().zip(keys) {
            let is_this = |info: &&&AccountInfo| info.key.as_ref() == key;
            let account = match named.iter().find(is_this) {
                Some(info) => info,
                None => rest.next().ok_or(PlimsollError::LegMissing)?,
            };
            require!(account.key.as_ref() == key, PlimsollError::LegOutOfOrder);
            let reserve = ReserveInfo::of(account)?;
            require!(reserve.view()?.market == position.market, PlimsollError::WrongMarket);
            *leg = Some(Leg { reserve, offered: None });
            count += 1;
        }
        require!(u32::from(offered) >> count == 0, PlimsollError::OfferMismatch);
        for (index, leg) in legs.legs.iter_mut().flatten().enumerate() {
            if offered >> index & 1 == 1 {
                let account = rest.next().ok_or(PlimsollError::OfferMismatch)?;
                leg.offered = Some(oracle::read(account, &*leg.reserve.view()?, &now)?);
            }
        }
        require!(rest.next().is_none(), PlimsollError::ExtraAccount);
        Ok(legs)
    }

    /// What was offered for the leg of `reserve`.
    pub fn offered(&self, reserve: &Pubkey) -> Option<&Reading> {
        self.legs.iter().flatten().find(|leg| leg.reserve.account().key == reserve).and_then(|leg| leg.offered.as_ref())
    }

    fn leg(&self, index: usize) -> Result<&Leg<'a, 'info>> {
        Ok(self.legs.get(index).and_then(Option::as_ref).ok_or(PlimsollError::LegMismatch)?)
    }

    /// Account of a leg's reserve.
    pub fn account(&self, index: usize) -> Result<&'a AccountInfo<'info>> {
        Ok(self.leg(index)?.reserve.account())
    }

    /// Calls `each` with every collateral: slot, reserve, newest reading.
    fn each_collateral(
        &self,
        position: &PositionState,
        mut each: impl FnMut(usize, &CollateralSlot, &ReserveState, &Reading) -> Result<()>,
    ) -> Result<()> {
        for (index, slot) in position.collaterals().iter().enumerate() {
            let leg = self.leg(index)?;
            let reserve = leg.reserve.view()?;
            each(index, slot, &reserve, &reserve.reading.newer(leg.offered))?;
        }
        Ok(())
    }

    /// Calls `each` with every debt: slot, reserve, newest reading.
    fn each_debt(
        &self,
        position: &PositionState,
        mut each: impl FnMut(usize, &DebtSlot, &ReserveState, &Reading) -> Result<()>,
    ) -> Result<()> {
        let first = position.collaterals().len();
        for (index, slot) in position.debts().iter().enumerate() {
            let leg = self.leg(first + index)?;
            let reserve = leg.reserve.view()?;
            each(index, slot, &reserve, &reserve.reading.newer(leg.offered))?;
        }
        Ok(())
    }

    /// All legs in maintenance health.
    #[inline(never)]
    pub fn exposure(&self, position: &PositionState, old: OldReadings) -> Result<Box<Exposure>> {
        let mut exposure = Box::<Exposure>::default();
        self.each_collateral(position, |_, slot, reserve, reading| {
            let leg = match old {
                OldReadings::Fade => reserve.collateral_leg(slot.atoms, reading, &self.now),
                OldReadings::Keep => reserve.collateral_leg_undecayed(slot.atoms, reading, &self.now),
                OldReadings::Favour => reserve.collateral_leg_favourable(slot.atoms, reading, &self.now),
                OldReadings::Against => reserve.collateral_leg_adverse(slot.atoms, reading, &self.now),
            };
            exposure.push_collateral(leg).or_refuse()
        })?;
        self.each_debt(position, |_, slot, reserve, reading| {
            exposure
                .push_debt(match old {
                    OldReadings::Favour => reserve.debt_leg_favourable(slot.shares.get(), reading, &self.now),
                    OldReadings::Against => reserve.debt_leg_adverse(slot.shares.get(), reading, &self.now),
                    OldReadings::Fade | OldReadings::Keep => reserve.debt_leg(slot.shares.get(), reading, &self.now),
                })
                .or_refuse()
        })?;
        Ok(exposure)
    }

    /// Whether every price may open risk, where a protection order wants to know.
    pub fn prices_for_order(&self, position: &PositionState) -> Result<plimsoll_engine::Result<()>> {
        if position.has_order() {
            self.prices()
        } else {
            Ok(Ok(()))
        }
    }

    /// Whether every price of the position may open risk.
    #[inline(never)]
    pub fn prices(&self) -> Result<plimsoll_engine::Result<()>> {
        let mut permitted = Ok(());
        for leg in self.legs.iter().flatten() {
            let reserve = leg.reserve.view()?;
            let reading = reserve.reading.newer(leg.offered);
            permitted = permitted.and(reserve.oracle_policy.permit_borrow(&reading, &self.now));
        }
        Ok(permitted)
    }

    /// Totals of initial health. What is owed now is read from the same legs in maintenance health.
    #[inline(never)]
    pub fn initial_totals(&self, position: &PositionState, exposure: &Exposure) -> Result<InitialTotals> {
        let mut totals = InitialTotals::default();
        self.each_collateral(position, |_, slot, reserve, reading| {
            let others = reserve.counted_by_others(slot.counted_atoms);
            totals.add_collateral(&reserve.initial_collateral_leg(slot.atoms, others, reading, &self.now).or_refuse()?);
            Ok(())
        })?;
        self.each_debt(position, |index, _, reserve, reading| {
            let owed = exposure.debts()[index].owed_atoms;
            totals.add_debt(&reserve.initial_debt_leg(owed, reading, &self.now).or_refuse()?);
            Ok(())
        })?;
        Ok(totals)
    }

    /// Initial legs for a quote; the engine's refusal where a price forbids opening risk.
    #[inline(never)]
    pub fn initial_exposure(&self, position: &PositionState) -> Result<Box<plimsoll_engine::Result<InitialExposure>>> {
        let mut initial = Box::<InitialExposure>::default();
        let mut refusal = None;
        self.each_collateral(position, |index, slot, reserve, reading| {
            let others_atoms = reserve.counted_by_others(slot.counted_atoms);
            match reserve.initial_collateral_leg(slot.atoms, others_atoms, reading, &self.now) {
                Ok(leg) => {
                    let curve = reserve.initial_curve(leg.price, reading, &self.now);
                    initial.collaterals[index] = InitialCollateral { leg, curve, others_atoms };
                }
                Err(error) => refusal = refusal.or(Some(error)),
            }
            Ok(())
        })?;
        self.each_debt(position, |index, slot, reserve, reading| {
            let owed = reserve.debt_leg(slot.shares.get(), reading, &self.now).owed_atoms;
            match reserve.initial_debt_leg(owed, reading, &self.now) {
                Ok(leg) => initial.debts[index] = leg,
                Err(error) => refusal = refusal.or(Some(error)),
            }
            Ok(())
        })?;
        Ok(Box::new(refusal.map_or_else(|| Ok(*initial), Err)))
    }

    /// What each debt's reserve could lend, and the decimals of each collateral.
    pub fn rooms(&self, position: &PositionState) -> Result<([LendingRoom; MAX_DEBTS], [u8; MAX_COLLATERALS])> {
        let (mut rooms, mut decimals) = ([LendingRoom::default(); MAX_DEBTS], [0; MAX_COLLATERALS]);
        self.each_debt(position, |index, _, reserve, _| {
            rooms[index] = reserve.lending_room(&self.now);
            Ok(())
        })?;
        self.each_collateral(position, |index, _, reserve, _| {
            decimals[index] = reserve.decimals;
            Ok(())
        })?;
        Ok((rooms, decimals))
    }

    /// Counts last-in what of the position's collateral is not counted yet; those reserves must be writable.
    pub fn count_collaterals(&self, position: &mut PositionState) -> Result<()> {
        for index in 0..position.collaterals().len() {
            let slot = &position.collaterals()[index];
            if slot.counted_atoms < slot.atoms {
                let mut reserve = edit_reserve(self.account(index)?)?;
                reserve.require_no_flash().or_refuse()?;
                plimsoll_engine::transitions::count(position, index, &mut reserve).or_refuse()?;
                reserve.sequence = reserve.sequence.wrapping_add(1);
            }
        }
        Ok(())
    }
}
