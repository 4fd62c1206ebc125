//! The same functions, compiled for the chain and for the host: `tests/tests/soundness.rs` runs both on the same random
//! operands and compares. A difference is a fault of the compiler for the chain, whose pieces (upstream rustc, an overlay
//! on the standard library, a linker) are put together by this project.
//!
//! Every operation is `fn(&mut Digest, u128, u128)`; a family is a table of named ones. The answer holds a digest for each
//! operation, so that a difference comes with a name.

mod calls;
mod collections;
mod digest;
#[cfg(target_os = "solana")]
mod entry;
mod float;
mod memory;
mod narrow;
mod panics;
mod signed;
mod unsigned;

pub use digest::Digest;
pub use panics::{Panic, PANICS};

/// What an operation is called, and what it does with two operands.
pub type Operation = (&'static str, fn(&mut Digest, u128, u128));

pub struct Family {
    pub name: &'static str,
    pub operations: &'static [Operation],
}

/// The first byte of an instruction is the index here.
pub const FAMILIES: &[Family] = &[
    Family { name: "unsigned", operations: unsigned::OPERATIONS },
    Family { name: "signed", operations: signed::OPERATIONS },
    Family { name: "narrow", operations: narrow::OPERATIONS },
    Family { name: "float", operations: float::OPERATIONS },
    Family { name: "memory", operations: memory::OPERATIONS },
    Family { name: "collections", operations: collections::OPERATIONS },
    Family { name: "calls", operations: calls::OPERATIONS },
];

/// The first byte of an instruction that panics: then the index in `PANICS` and eight bytes of operand.
pub const PANIC: u8 = 255;

/// For each operation of a family, the digest of its results on all operands.
pub fn evaluate(family: &Family, operands: &[(u128, u128)]) -> Vec<u64> {
    let digest = |operation: &Operation| {
        let mut digest = Digest::default();
        for &(a, b) in operands {
            operation.1(&mut digest, a, b);
        }
        digest.value()
    };
    family.operations.iter().map(digest).collect()
}

/// An instruction's data for these operands.
pub fn encode(family: u8, operands: &[(u128, u128)]) -> Vec<u8> {
    let mut data = vec![family];
    for (a, b) in operands {
        data.extend_from_slice(&a.to_le_bytes());
        data.extend_from_slice(&b.to_le_bytes());
    }
    data
}

/// The operands in an instruction's data, after its first byte.
pub fn decode(data: &[u8]) -> Vec<(u128, u128)> {
    let number = |bytes: &[u8]| u128::from_le_bytes(bytes.try_into().expect("sixteen bytes"));
    data.chunks_exact(32).map(|pair| (number(&pair[..16]), number(&pair[16..]))).collect()
}
