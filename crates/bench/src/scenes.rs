//! The transactions that are measured. One file a part of the protocol; names end up in `benches/compute_units.md`.

mod liquidating;

use plimsoll_testkit::Refused;

use crate::sheet::Sheet;

/// What a scene returns: a refusal ends the measuring.
pub type Played = Result<(), Box<Refused>>;

/// Plays every scene.
///
/// # Errors
/// The refusal of a transaction that must succeed.
pub fn play(sheet: &mut Sheet) -> Played {
    liquidating::play(sheet)
}
