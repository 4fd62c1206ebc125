//! Where one transaction's compute units go: the trace of every sBPF instruction executed, attributed to functions by the
//! debug information of the same program.
//!
//! An instruction costs one unit. A system call costs what the runtime's price list says; a call of another program costs
//! what that program's log line says, and what is left of the total is the price of calling, divided evenly among the calls.

pub mod attribution;
pub mod symbols;
pub mod syscalls;
pub mod trace;

pub use attribution::Profile;
pub use symbols::Symbols;
pub use trace::{Trace, Tracer};
