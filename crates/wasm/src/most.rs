//! How much of an action is possible: the largest amount that is not refused and leaves a wanted health.

use plimsoll_engine::error::EngineError;

use crate::action::{Action, BORROW, DEPOSIT, REPAY, WITHDRAW};
use crate::preview::{preview, Preview};
use crate::scene::Scene;
use crate::Mistake;

/// The largest amount of an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Most {
    /// Atoms; 0 where nothing is possible.
    pub atoms: u64,
    /// Code of the error that an atom more would be refused with; 0 where health would fall below what is wanted, or no more is
    /// there.
    pub refusal: u32,
    /// Zero.
    pub pad: u32,
}

/// Whether an amount is too large. A debt below the least one is too small, not too large.
fn is_too_large(preview: &Preview, least_health_e9: u64) -> bool {
    let is_too_small = preview.refusal == EngineError::DebtBelowMin.code();
    let is_refused = preview.refusal != 0 && !is_too_small;
    is_refused || (preview.has_after == 1 && preview.after.maintenance_health_e9 < least_health_e9)
}

/// The largest amount of a deposit, withdrawal, loan or repayment; the amount in `action` is not looked at.
///
/// Health falls as more is withdrawn or borrowed, so the border is found by halving: at most 64 previews.
///
/// # Errors
/// Those of [`Action::act`]; `Malformed` for a liquidation, whose plan sizes itself.
pub fn most(scene: &Scene, action: &Action, least_health_e9: u64) -> Result<Most, Mistake> {
    // A deposit or a repayment makes no health worse.
    let least_health_e9 = if matches!(action.kind, WITHDRAW | BORROW) { least_health_e9 } else { 0 };
    let mut above = upper_bound(scene, action)?;
    let ask = |atoms: u64| preview(scene, &Action { atoms, ..*action });
    let whole = ask(above)?;
    if above > 0 && !is_too_large(&whole, least_health_e9) {
        return Ok(Most { atoms: above, ..Most::default() });
    }
    let (mut most, mut refusal) = (0u64, whole.refusal);
    while above.saturating_sub(most) > 1 {
        let middle = most.midpoint(above);
        let asked = ask(middle)?;
        if is_too_large(&asked, least_health_e9) {
            (above, refusal) = (middle, asked.refusal);
        } else {
            most = middle;
        }
    }
    // What is left may be too small to be done at all.
    let asked = ask(most)?;
    if most == 0 || asked.refusal != 0 {
        return Ok(Most { atoms: 0, refusal: if most == 0 { refusal } else { asked.refusal }, pad: 0 });
    }
    Ok(Most { atoms: most, refusal, pad: 0 })
}

/// More than this there is not.
fn upper_bound(scene: &Scene, action: &Action) -> Result<u64, Mistake> {
    let leg = scene.leg(&action.reserve)?;
    let (position, reserve) = (&scene.position, &leg.reserve);
    Ok(match action.kind {
        DEPOSIT => reserve.caps.with_rescue().saturating_sub(reserve.collateral_atoms),
        WITHDRAW => {
            let slot = position.collateral_index(&action.reserve).and_then(|index| position.collaterals().get(index));
            slot.map_or(0, |slot| slot.atoms)
        }
        BORROW => reserve.cash_atoms,
        REPAY => {
            let slot = position.debt_index(&action.reserve).and_then(|index| position.debts().get(index));
            slot.map_or(0, |slot| reserve.debt_leg(slot.shares.get(), &leg.reading(), &scene.now).owed_atoms)
        }
        _ => return Err(Mistake::Malformed),
    })
}
