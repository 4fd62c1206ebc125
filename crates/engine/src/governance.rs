//! Governance: loosen slowly, tighten without a blow (protocol, section 8).
//!
//! Every parameter has a number and a direction ([`parameters`]). What tightens takes effect when it is signed; what loosens,
//! or has no direction, waits as a [proposal](proposals) that anyone may execute once it is ripe. And nothing that enters
//! maintenance health moves at once, whatever is signed: it [walks](terms). A [depth](depth) is believed for a while only.

pub mod depth;
pub mod parameters;
pub mod proposals;
pub mod terms;

pub use parameters::{Direction, Parameter, ParameterValue, Subject};
