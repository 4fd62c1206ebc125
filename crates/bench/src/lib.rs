//! What the program costs: compute units and transaction bytes of every instruction, in LiteSVM, on the file that is deployed;
//! where the units go; and how fast the engine is on the machine at hand.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod profile;
pub mod scenes;
pub mod sheet;
