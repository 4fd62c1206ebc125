//! What somebody does to a position: the engine's transitions in the order of the program's instructions, each of which this
//! follows (`programs/plimsoll/src/instructions`). The first part changes state, the second judges what came of it.

use plimsoll_engine::error::EngineError;
use plimsoll_engine::fixed::Value;
use plimsoll_engine::health::{require_healthy, require_rescue};
use plimsoll_engine::liquidation::{plan_liquidation, LiquidationRequest};
use plimsoll_engine::pause::Pausable;
use plimsoll_engine::settlement::WriteOff;
use plimsoll_engine::state::Pubkey;
use plimsoll_engine::transitions::{self, PaidFor};
use plimsoll_engine::Result as Refusable;

use crate::scene::{Answer, Scene};
use crate::Mistake;

/// `kind` of an action: add collateral. `atoms`; `other` 1 where the owner does it.
pub const DEPOSIT: u64 = 1;
/// Take collateral out. `atoms`.
pub const WITHDRAW: u64 = 2;
/// Borrow. `atoms`.
pub const BORROW: u64 = 3;
/// Repay. `atoms`: at most.
pub const REPAY: u64 = 4;
/// Liquidate. `atoms`: repayment at most; `other`: seizure at least, atoms.
pub const LIQUIDATE: u64 = 5;

/// An action on the position of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Action {
    /// Which.
    pub kind: u64,
    /// Reserve of the token; of a liquidation the collateral's.
    pub reserve: Pubkey,
    /// Reserve of the debt that a liquidation repays; zeros otherwise.
    pub repaid: Pubkey,
    /// How much.
    pub atoms: u64,
    /// See the kinds.
    pub other: u64,
}

/// What moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// From the actor to the program, without the fee, atoms.
    pub paid_atoms: u64,
    /// From the program to the actor, atoms.
    pub received_atoms: u64,
    /// Fee on top of what is paid, atoms.
    pub fee_atoms: u64,
    /// The liquidation closed a terminal position.
    pub is_terminal: bool,
    /// Debt that was written off.
    pub write_off: WriteOff,
}

impl Action {
    /// Does it to a scene. A refusal may leave the scene half changed: state to be shown, not to be kept.
    ///
    /// # Errors
    /// `ReserveMissing`, `Malformed`.
    pub fn act(&self, scene: &mut Scene) -> Answer<Moved> {
        match self.kind {
            DEPOSIT => self.deposit(scene),
            WITHDRAW => self.withdraw(scene),
            BORROW => self.borrow(scene),
            REPAY => self.repay(scene),
            LIQUIDATE => self.liquidate(scene),
            _ => Err(Mistake::Malformed),
        }
    }

    fn deposit(&self, scene: &mut Scene) -> Answer<Moved> {
        let counted = scene.position.has_debt();
        let is_rescue = scene.leg(&self.reserve)?.reserve.exceeds_cap(self.atoms);
        let before = if is_rescue { Some(scene.exposure()?) } else { None };
        let changed = (|| {
            let reserve = &mut scene.leg_mut(&self.reserve)?.reserve;
            Ok(reserve.require_no_flash().and_then(|()| reserve.take_collateral(self.atoms, counted, is_rescue)))
        })()?;
        let slot = scene.position.collateral_slot(&self.reserve, self.other == 1);
        let changed = changed.and(slot).and_then(|slot| scene.position.add_collateral(slot, self.atoms, counted));
        if let (Ok(()), Some(before)) = (changed, before) {
            if let Err(refusal) = require_rescue(&before, &scene.exposure()?, &scene.market.policy) {
                return Ok(Err(refusal));
            }
        }
        Ok(changed.map(|()| Moved { paid_atoms: self.atoms, ..Moved::default() }))
    }

    fn withdraw(&self, scene: &mut Scene) -> Answer<Moved> {
        let now = scene.now;
        let Some(index) = scene.position.collateral_index(&self.reserve) else {
            return Ok(Err(EngineError::SlotNotOpen));
        };
        let has_debt = scene.position.has_debt();
        let permitted = refuse(self.atoms == 0, EngineError::ZeroAmount)
            .and_then(|()| scene.leg(&self.reserve).map_or(Ok(()), |leg| leg.reserve.require_no_flash()))
            .and_then(|()| if has_debt { scene.market.require_running(Pausable::Withdraw, &now) } else { Ok(()) });
        let changed = permitted.and_then(|()| {
            let slot = scene.position.collaterals.get(index).ok_or(EngineError::LegMismatch)?;
            slot.atoms.checked_sub(self.atoms).ok_or(EngineError::AmountExceedsBalance)
        });
        let left = match changed {
            Ok(left) => left,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let counted = scene.position.collaterals().get(index).map_or(0, |slot| slot.counted_atoms.saturating_sub(left));
        let leg = scene.leg_mut(&self.reserve)?;
        if has_debt {
            leg.reserve.keep_reading(leg.offered.as_ref(), &now);
        }
        if let Err(refusal) = leg.reserve.give_collateral(self.atoms, counted) {
            return Ok(Err(refusal));
        }
        // As the program does: the slot closes last, so that its price counts.
        if let Some(slot) = scene.position.collaterals.get_mut(index) {
            slot.atoms = left;
            slot.counted_atoms = slot.counted_atoms.saturating_sub(counted);
        }
        let judged = if has_debt { judge_risk(scene)? } else { Ok(()) };
        let closed = scene.position.remove_collateral(index, 0).map(drop);
        Ok(judged.and(closed).map(|()| Moved { received_atoms: self.atoms, ..Moved::default() }))
    }

    fn borrow(&self, scene: &mut Scene) -> Answer<Moved> {
        let now = scene.now;
        let index = scene
            .market
            .require_running(Pausable::Borrow, &now)
            .and(scene.leg(&self.reserve)?.reserve.require_no_flash())
            .and_then(|()| scene.position.debt_slot(&self.reserve));
        let leg = scene.leg_mut(&self.reserve)?;
        let reserve = &mut leg.reserve;
        let lent = index.and_then(|index| {
            reserve.keep_reading(leg.offered.as_ref(), &now);
            reserve.accrue(now.unix);
            Ok((index, reserve.lend(self.atoms)?))
        });
        let lent = lent.and_then(|(index, shares)| scene.position.add_debt(index, shares).map(|()| index));
        let index = match lent {
            Ok(index) => index,
            Err(refusal) => return Ok(Err(refusal)),
        };
        count_collaterals(scene)?;
        let judged = judge_risk(scene)?;
        let debt = scene.exposure()?.debts().get(index).map_or(Value::ZERO, |leg| leg.plain);
        let judged = judged.and_then(|()| transitions::require_debt_min(debt, &scene.market.policy));
        Ok(judged.map(|()| Moved { received_atoms: self.atoms, ..Moved::default() }))
    }

    fn repay(&self, scene: &mut Scene) -> Answer<Moved> {
        let now = scene.now;
        let Some(index) = scene.position.debt_index(&self.reserve) else { return Ok(Err(EngineError::SlotNotOpen)) };
        let shares = scene.position.debts().get(index).map_or(0, |slot| slot.shares.get());
        let reserve = &mut scene.leg_mut(&self.reserve)?.reserve;
        reserve.accrue(now.unix);
        let received = reserve.plan_repayment(shares, self.atoms).and_then(|repayment| {
            reserve.receive_repayment(&repayment)?;
            reserve.flow_in(repayment.atoms);
            Ok(repayment)
        });
        let repaid = received.and_then(|repayment| {
            let released = scene.position.remove_debt(index, repayment.shares, PaidFor::Nothing)?;
            Ok((repayment, released))
        });
        match repaid {
            Ok((repayment, released)) => {
                scene.leg_mut(&self.reserve)?.reserve.release_provision(released);
                Ok(Ok(Moved { paid_atoms: repayment.atoms, ..Moved::default() }))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn liquidate(&self, scene: &mut Scene) -> Answer<Moved> {
        let (now, policy) = (scene.now, scene.market.policy);
        let slots = (scene.position.collateral_index(&self.reserve), scene.position.debt_index(&self.repaid));
        let (Some(collateral), Some(debt)) = slots else { return Ok(Err(EngineError::SlotNotOpen)) };
        let seized = scene.leg_mut(&self.reserve)?;
        seized.reserve.keep_reading(seized.offered.as_ref(), &now);
        let sale = seized.reserve.sale_terms(&now);
        let repaid = scene.leg_mut(&self.repaid)?;
        repaid.reserve.keep_reading(repaid.offered.as_ref(), &now);
        repaid.reserve.accrue(now.unix);

        let (repay_max_atoms, seize_min_atoms) = (self.atoms, self.other);
        let request = LiquidationRequest { collateral, debt, repay_max_atoms, seize_min_atoms };
        let standing = scene.position.standing((collateral, debt), &policy, &now, scene.prices()?);
        let standing = standing.in_market(&scene.market, &now);
        let plan = match plan_liquidation(&scene.exposure()?, &sale, &policy, &standing, &request, &now) {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (mut seized, mut repaid) = (scene.leg(&self.reserve)?.reserve, scene.leg(&self.repaid)?.reserve);
        let reserves = (&mut seized, &mut repaid);
        let applied =
            transitions::apply_liquidation(&plan, &mut scene.position, (collateral, debt), reserves, &policy, &now);
        let mut write_off = Ok(WriteOff::default());
        let is_only_debt = scene.position.debt_count == 1 && scene.position.debt_index(&self.repaid) == Some(0);
        if plan.takes_last_collateral && is_only_debt {
            let shares = scene.position.debts().first().map_or(0, |slot| slot.shares.get());
            let written_off = repaid.write_off(shares);
            let released = scene.position.remove_debt(0, shares, PaidFor::Collateral);
            write_off = released.map(|released| {
                repaid.release_provision(released);
                written_off
            });
        }
        scene.leg_mut(&self.reserve)?.reserve = seized;
        scene.leg_mut(&self.repaid)?.reserve = repaid;
        Ok(applied.and(write_off).map(|write_off| Moved {
            paid_atoms: plan.repay_atoms,
            received_atoms: plan.seize_atoms,
            fee_atoms: plan.fee_atoms,
            is_terminal: plan.is_terminal,
            write_off,
        }))
    }
}

fn refuse(condition: bool, error: EngineError) -> Refusable<()> {
    if condition {
        Err(error)
    } else {
        Ok(())
    }
}

/// Counts last-in what of the position's collateral is not counted yet.
fn count_collaterals(scene: &mut Scene) -> Result<(), Mistake> {
    for index in 0..scene.position.collaterals().len() {
        let Some(slot) = scene.position.collaterals().get(index).copied() else { break };
        if slot.counted_atoms < slot.atoms {
            let mut reserve = scene.leg(&slot.reserve)?.reserve;
            transitions::count(&mut scene.position, index, &mut reserve).map_err(|_| Mistake::Malformed)?;
            scene.leg_mut(&slot.reserve)?.reserve = reserve;
        }
    }
    Ok(())
}

/// What follows an action that increases risk: both healths, the end of flag and call, the cool-off.
fn judge_risk(scene: &mut Scene) -> Answer<()> {
    let exposure = scene.exposure()?;
    let judged = scene.initial_totals(&exposure)?.and_then(|totals| require_healthy(&totals, &exposure));
    if judged.is_ok() {
        let policy = scene.market.policy;
        scene.position.see_exposure(&exposure, &policy);
        scene.position.cool_off(&policy, &scene.now);
    }
    Ok(judged)
}
