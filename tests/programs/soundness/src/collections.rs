//! Sorting, maps, text: what a program takes from the standard library.

use core::hint::black_box;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::Operation;

/// Numbers that depend on both operands, with repetitions.
fn numbers(count: usize, a: u128, b: u128) -> Vec<u64> {
    let (mut state, step) = (a as u64 | 1, (b as u64) | 1);
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_add(step) % 1_009
    };
    (0..count).map(next).collect()
}

pub const OPERATIONS: &[Operation] = &[
    ("sort", |d, a, b| {
        let mut values = numbers(70, a, b);
        values.sort();
        values.iter().for_each(|value| d.u64(*value));
        d.u64(values.binary_search(&values[35]).is_ok() as u64);
        values.dedup();
        d.u64(values.len() as u64);
    }),
    ("sort_unstable_by", |d, a, b| {
        let mut values = numbers(70, a, b);
        values.sort_unstable_by(|x, y| y.cmp(x));
        values.iter().for_each(|value| d.u64(*value));
    }),
    ("stable sort of pairs", |d, a, b| {
        let mut pairs: Vec<(u128, u8)> =
            numbers(40, a, b).iter().map(|n| (u128::from(*n).wrapping_mul(a), *n as u8)).collect();
        pairs.sort_by_key(|pair| pair.1 % 5);
        pairs.iter().for_each(|pair| d.u128(pair.0));
    }),
    ("BTreeMap", |d, a, b| {
        let mut map = BTreeMap::new();
        for value in numbers(40, a, b) {
            *map.entry(value % 23).or_insert(0u128) += u128::from(value) * (a >> 64);
        }
        map.retain(|key, _| key % 3 != 0);
        map.iter().for_each(|(key, value)| {
            d.u64(*key);
            d.u128(*value);
        });
        d.u64(map.range(4..17).map(|(key, _)| key).sum());
        d.option(map.remove(&5));
        d.option(map.first_key_value().map(|(_, value)| *value));
    }),
    ("BTreeSet", |d, a, b| {
        let (left, right): (BTreeSet<u64>, BTreeSet<u64>) =
            (numbers(30, a, b).into_iter().collect(), numbers(30, b, a).into_iter().collect());
        left.union(&right).for_each(|value| d.u64(*value));
        left.intersection(&right).for_each(|value| d.u64(*value));
    }),
    ("HashMap", |d, a, b| {
        let mut map = HashMap::new();
        for value in numbers(40, a, b) {
            *map.entry(value % 13).or_insert(0u64) ^= value;
        }
        let mut pairs: Vec<_> = map.into_iter().collect();
        pairs.sort();
        pairs.iter().for_each(|(key, value)| {
            d.u64(*key);
            d.u64(*value);
        });
    }),
    ("VecDeque", |d, a, b| {
        let mut queue: VecDeque<u64> = numbers(30, a, b).into();
        queue.rotate_left((b % 30) as usize);
        while let Some(value) = queue.pop_back() {
            d.u64(value);
            queue.pop_front();
        }
    }),
    ("Vec", |d, a, b| {
        let mut values = numbers(30, a, b);
        values.insert(7, 1);
        values.remove((b % 30) as usize);
        values.retain(|value| value % 4 != 0);
        values.extend_from_within(..values.len() / 2);
        let folded = values
            .chunks(3)
            .zip(values.iter().rev())
            .fold(0u64, |sum, (chunk, value)| sum.wrapping_mul(31).wrapping_add(chunk.iter().sum::<u64>()) ^ value);
        d.u64(folded);
        d.u64(values.iter().copied().max().unwrap_or_default());
    }),
    ("format and parse", |d, a, b| {
        let text = format!("{a} {:>45} {a:#x} {:?} {:08b}", b as i128, (a as u8, Some("x")), b as u8);
        d.bytes(text.as_bytes());
        d.option(a.to_string().parse().ok());
        d.option_i128((b as i128).to_string().parse().ok());
    }),
    ("String", |d, a, b| {
        let text = black_box(format!("{:x}-{:x}", a as u64, b as u64));
        d.bytes(text.to_uppercase().as_bytes());
        d.bytes(text.replace('1', "one").as_bytes());
        d.u64(text.split('-').map(|part| part.len() as u64).sum());
        d.u64(text.find('f').unwrap_or(99) as u64);
        d.u64(text.chars().rev().fold(0, |sum, c| sum * 7 % 1_000_003 + c as u64));
    }),
];
