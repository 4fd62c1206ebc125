//! Calling conventions: more arguments than registers, 128-bit ones, structures in and out, pointers to functions,
//! recursion, frames nearly full.

use core::{hint::black_box, mem::MaybeUninit};

use crate::Operation;

#[derive(Clone, Copy)]
struct Three {
    a: u64,
    b: u64,
    c: u64,
}

#[inline(never)]
fn two(a: u128, b: u128) -> u128 {
    a.wrapping_mul(3) ^ b
}

#[inline(never)]
fn six(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> u64 {
    a ^ b.rotate_left(1) ^ c.rotate_left(2) ^ d.rotate_left(3) ^ e.rotate_left(4) ^ f.rotate_left(5)
}

#[inline(never)]
#[allow(clippy::too_many_arguments)]
fn ten(a: u64, b: u32, c: u16, d: u8, e: i64, f: i32, g: i16, h: i8, i: bool, j: u64) -> u64 {
    let signed = (e ^ i64::from(f)).wrapping_add(i64::from(g)).wrapping_mul(i64::from(h));
    six(a, u64::from(b), u64::from(c), u64::from(d), signed as u64, u64::from(i)) ^ j.rotate_left(9)
}

#[inline(never)]
fn five_wide(a: u128, b: u128, c: u128, d: u128, e: u64) -> u128 {
    a.wrapping_mul(b) ^ c.wrapping_sub(d) ^ u128::from(e)
}

#[inline(never)]
#[allow(clippy::too_many_arguments)]
fn ten_wide(a: u128, b: u64, c: u128, d: u64, e: i128, f: u8, g: u128, h: u64, i: u128, j: u128) -> u128 {
    let narrow = u128::from(b) ^ u128::from(d).rotate_left(11) ^ u128::from(f) ^ u128::from(h).rotate_left(70);
    narrow ^ a ^ c.rotate_left(1) ^ (e as u128).rotate_left(2) ^ g.rotate_left(3) ^ i.rotate_left(4) ^ j.rotate_left(5)
}

/// A local of nearly the whole frame, its address taken, together with arguments on the stack.
#[inline(never)]
#[allow(clippy::too_many_arguments)]
fn full_frame(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64, j: u64) -> u64 {
    const WORDS: usize = 480;
    let mut words = MaybeUninit::<[u64; WORDS]>::uninit();
    // Written through a pointer, so that the compiler cannot keep the array anywhere else.
    let start = black_box(words.as_mut_ptr().cast::<u64>());
    for k in 0..WORDS {
        // SAFETY: `k` is within the array.
        unsafe { start.add(k).write(a.wrapping_add(k as u64)) };
    }
    // SAFETY: the loop wrote every word.
    let words = black_box(unsafe { words.assume_init_ref() });
    let sum = words.iter().step_by(7).fold(0u64, |sum, word| sum.wrapping_mul(31) ^ word);
    sum ^ six(b, c, d, e, f, g) ^ six(g, h, i, j, b, c).rotate_left(17)
}

#[inline(never)]
fn structure(a: u64, b: u64) -> Three {
    Three { a: a ^ b, b: a.wrapping_add(b), c: a.rotate_left((b & 63) as u32) }
}

#[inline(never)]
fn structures(x: Three, y: Three, words: [u64; 6]) -> u64 {
    x.a ^ y.b ^ x.c.wrapping_mul(y.a) ^ words.iter().fold(0u64, |sum, word| sum.wrapping_mul(31) ^ word)
}

#[inline(never)]
fn optional(a: u128, b: u128) -> Option<u128> {
    a.checked_add(b)
}

#[inline(never)]
fn result(a: u128) -> Result<u128, u64> {
    if a & 2 == 0 {
        Ok(a >> 1)
    } else {
        Err(a as u64)
    }
}

#[inline(never)]
fn tuple(a: u128, b: u64) -> (u128, u64, bool) {
    (a ^ u128::from(b), b.wrapping_mul(3), a > u128::from(b))
}

#[inline(never)]
fn recursive(depth: u64, sum: u128) -> u128 {
    if depth == 0 {
        return sum;
    }
    let mut local = [depth; 16];
    let below = recursive(depth - 1, sum.wrapping_mul(3).wrapping_add(u128::from(black_box(&mut local)[3])));
    below ^ u128::from(black_box(&local)[7])
}

trait Shape {
    fn area(&self, factor: u64) -> u128;
}

struct Line(u64);
struct Square(u128);

impl Shape for Line {
    fn area(&self, factor: u64) -> u128 {
        u128::from(self.0) * u128::from(factor)
    }
}

impl Shape for Square {
    fn area(&self, factor: u64) -> u128 {
        self.0 / (u128::from(factor) + 1)
    }
}

pub const OPERATIONS: &[Operation] = &[
    ("two wide arguments", |d, a, b| d.u128(two(a, b))),
    ("six arguments", |d, a, b| {
        let (a, b) = (a as u64, b as u64);
        d.u64(six(a, b, a ^ b, a & b, a | b, !a));
    }),
    ("ten arguments of all widths", |d, a, b| {
        let even = a & 1 == 0;
        d.u64(ten(a as u64, b as u32, a as u16, b as u8, a as i64, b as i32, a as i16, b as i8, even, !b as u64));
    }),
    ("five arguments, four wide", |d, a, b| d.u128(five_wide(a, b, a ^ b, !a, b as u64))),
    ("ten arguments, six wide", |d, a, b| {
        d.u128(ten_wide(a, b as u64, a ^ b, a as u64, b as i128, a as u8, !b, (a >> 64) as u64, a & b, a | b));
    }),
    ("ten arguments and a full frame", |d, a, b| {
        let (a, b) = (a as u64, b as u64);
        d.u64(full_frame(a, b, 1, a ^ b, 3, !a, 5, b, a, a & b));
    }),
    ("structures by value", |d, a, b| {
        let (x, y) = (structure(a as u64, b as u64), structure(b as u64, a as u64));
        d.u64(structures(x, y, [a as u64, b as u64, 1, 2, 3, (a >> 64) as u64]));
    }),
    ("options, results, tuples", |d, a, b| {
        d.option(optional(a, b));
        match result(b) {
            Ok(value) => d.u128(value),
            Err(value) => d.u64(!value),
        }
        let (x, y, z) = tuple(a, b as u64);
        d.u128(x);
        d.u64(y);
        d.bool(z);
    }),
    ("pointers to functions", |d, a, b| {
        let functions: [fn(u128, u128) -> u128; 2] = [two, |a, b| a.wrapping_sub(b)];
        d.u128(black_box(functions)[(a & 1) as usize](a, b));
        let closure = |x: u64, y: u128| y.wrapping_mul(u128::from(x)).wrapping_add(b);
        let object: &dyn Fn(u64, u128) -> u128 = &closure;
        d.u128(black_box(object)(a as u64, b));
    }),
    ("trait objects", |d, a, b| {
        let shapes: [Box<dyn Shape>; 2] = [Box::new(Line(a as u64)), Box::new(Square(b))];
        black_box(&shapes).iter().for_each(|shape| d.u128(shape.area(b as u64)));
    }),
    ("recursion", |d, a, b| d.u128(recursive((a % 24) as u64, b))),
    ("match", |d, a, b| {
        d.u128(match a % 9 {
            0 => b,
            1 => b ^ 5,
            2 => b << 3,
            3 => !b,
            4 => b >> 9,
            5 => 77,
            6 => a ^ b,
            7 => a & b,
            _ => 0,
        });
    }),
];
