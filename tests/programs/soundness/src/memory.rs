//! Copying, filling and comparing blocks of odd sizes at odd places; values at unaligned addresses.

use core::hint::black_box;

use crate::{Digest, Operation};

/// A block of `len` bytes that depends on the seed.
fn block(len: usize, seed: u128) -> Vec<u8> {
    let seed = seed.to_le_bytes();
    (0..len).map(|i| seed[i % 16].wrapping_add((i / 16) as u8).wrapping_mul(i as u8 | 1)).collect()
}

/// Sizes that end at, before and after the widths a copy loop works in, and one that is random.
fn sizes(b: u128) -> [usize; 8] {
    [0, 1, 3, 8, 15, 33, 64, (b % 300) as usize]
}

pub const OPERATIONS: &[Operation] = &[
    ("memcpy", |d, a, b| {
        let from = block(320, a);
        let mut to = vec![0xa5; 340];
        for size in sizes(b) {
            let (source, target) = ((b >> 64) as usize % 16, (b >> 72) as usize % 16);
            black_box(&mut to)[target..target + size].copy_from_slice(&from[source..source + size]);
            d.bytes(&to);
        }
    }),
    ("memmove up", |d, a, b| moved(d, a, b, |bytes, size, by| bytes.copy_within(0..size, by))),
    ("memmove down", |d, a, b| moved(d, a, b, |bytes, size, by| bytes.copy_within(by..by + size, 0))),
    ("memset", |d, a, b| {
        let mut bytes = block(340, a);
        for size in sizes(b) {
            let start = (b >> 64) as usize % 16;
            black_box(&mut bytes)[start..start + size].fill(b as u8);
            d.bytes(&bytes);
        }
    }),
    ("memcmp", |d, a, b| {
        let left = block(320, a);
        for size in sizes(b) {
            let mut right = left.clone();
            d.bool(black_box(&left)[..size] == right[..size]);
            if size > 0 {
                right[(b >> 80) as usize % size] ^= (b >> 96) as u8;
            }
            d.bool(black_box(&left)[..size] == right[..size]);
            d.i64(black_box(&left)[..size].cmp(&right[..size]) as i64);
        }
    }),
    ("unaligned values", |d, a, b| {
        let bytes = block(48, a ^ b);
        for at in 0..16 {
            d.u64(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default()));
            d.u64(u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap_or_default())));
            d.u128(u128::from_le_bytes(bytes[at..at + 16].try_into().unwrap_or_default()));
        }
    }),
    ("unaligned writes", |d, a, b| {
        let mut bytes = block(48, a ^ b);
        for at in 0..16 {
            let turned = black_box(a).rotate_left(at as u32);
            bytes[at..at + 8].copy_from_slice(&(turned as u64).to_le_bytes());
            bytes[at + 16..at + 32].copy_from_slice(&(turned ^ b).to_be_bytes());
            d.bytes(&bytes);
        }
    }),
    ("arrays by value", |d, a, b| {
        let grid = black_box([[a as u64; 9]; 7]);
        let mut other = grid;
        other[3][4] ^= b as u64;
        d.bool(other == grid);
        d.u64(other.iter().flatten().fold(0, |sum, word| sum ^ word.rotate_left(7)));
        let boxed = black_box(Box::new(other));
        d.u64(boxed.clone()[3].iter().fold(0, |sum, word| sum ^ word));
    }),
    ("swap and rotate", |d, a, b| {
        let mut bytes = block(97, a);
        bytes.rotate_left((b % 97) as usize);
        bytes.swap(0, (b % 96) as usize + 1);
        bytes.reverse();
        d.bytes(&bytes);
    }),
];

fn moved(d: &mut Digest, a: u128, b: u128, act: fn(&mut [u8], usize, usize)) {
    let mut bytes = block(340, a);
    for size in sizes(b) {
        for by in [1, 7, 8, 31] {
            act(black_box(&mut bytes), size, by);
        }
        d.bytes(&bytes);
    }
}
