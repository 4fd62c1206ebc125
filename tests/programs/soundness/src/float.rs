//! The little floating point that the network's own crates use (rent): multiply, compare, to and from u64.

use crate::Operation;

pub const OPERATIONS: &[Operation] = &[
    ("u64 to f64", |d, a, _| d.u64((a as u64 as f64).to_bits())),
    ("multiply", |d, a, b| d.u64((a as u64 as f64 * (b as u64 as f64)).to_bits())),
    ("rent", |d, a, b| {
        let factor = f64::from_bits(0x3ff0_0000_0000_0000 | (b as u64 >> 12));
        d.u64(((a as u64 >> 20) as f64 * factor) as u64);
    }),
    ("f64 to u64", |d, a, _| d.u64(f64::from_bits(a as u64 >> 2) as u64)),
];
