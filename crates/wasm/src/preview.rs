//! Before and after an action.

use bytemuck::Zeroable;
use plimsoll_engine::quote::PositionQuote;
use plimsoll_engine::state::PositionState;

use crate::action::{Action, Moved};
use crate::scene::{code, Scene};
use crate::Mistake;

/// What an action would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Preview {
    /// Code of the error it would be refused with, 0 for none.
    pub refusal: u32,
    /// 1 where `after` is known: always, but where a refusal came before anything could change.
    pub has_after: u32,
    /// From the actor to the program, without the fee, atoms.
    pub paid_atoms: u64,
    /// From the program to the actor, atoms.
    pub received_atoms: u64,
    /// Fee on top of what is paid, atoms.
    pub fee_atoms: u64,
    /// 1 where a liquidation closes a terminal position.
    pub is_terminal: u64,
    /// Debt that is written off, atoms.
    pub written_off_atoms: u64,
    /// What of that insurance pays, atoms.
    pub insurance_atoms: u64,
    /// What of that lenders bear, atoms.
    pub haircut_atoms: u64,
    /// Where the position stands.
    pub before: PositionQuote,
    /// Where it would stand, also where health refuses it: so that one sees by how much.
    pub after: PositionQuote,
    /// The position as it would be; its slots are those of `after`.
    pub position: PositionState,
}

/// Previews an action.
///
/// # Errors
/// Those of [`Action::act`].
pub fn preview(scene: &Scene, action: &Action) -> Result<Preview, Mistake> {
    let before = scene.quote()?;
    let mut changed = scene.clone();
    let result = action.act(&mut changed)?;
    let Moved { paid_atoms, received_atoms, fee_atoms, is_terminal, write_off } = result.unwrap_or_default();
    let is_changed = changed.position != scene.position;
    Ok(Preview {
        refusal: code(&result),
        has_after: u32::from(is_changed),
        paid_atoms,
        received_atoms,
        fee_atoms,
        is_terminal: u64::from(is_terminal),
        written_off_atoms: write_off.owed_atoms,
        insurance_atoms: write_off.insurance_atoms,
        haircut_atoms: write_off.haircut_atoms,
        before,
        after: if is_changed { changed.quote()? } else { PositionQuote::zeroed() },
        position: changed.position,
    })
}
