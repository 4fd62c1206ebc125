//! What the program costs: compute units and transaction bytes of every instruction, in LiteSVM, on the file that is deployed;
//! where the units go; and how large everything is.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod baseline;
pub mod limits;
pub mod profile;
pub mod report;
pub mod scenes;
pub mod sheet;
pub mod sizes;

use anyhow::{anyhow, Result};
use sheet::Sheet;

/// Plays every scene onto a sheet.
///
/// # Errors
/// The refusal of a transaction that must succeed, and the measure before it.
pub fn play(mut sheet: Sheet) -> Result<Sheet> {
    scenes::play(&mut sheet).map_err(|refused| anyhow!("after the measure {}: {refused:?}", sheet.last))?;
    Ok(sheet)
}
