//! Every kind of panic. Each must fail the transaction: a panic that is passed over would go on with wrong state.

use core::{cell::RefCell, hint::black_box};

pub struct Panic {
    pub name: &'static str,
    /// Panics with `fatal`, does not with `harmless`.
    pub provoke: fn(u64),
    pub fatal: u64,
    pub harmless: u64,
}

const fn panic(name: &'static str, fatal: u64, harmless: u64, provoke: fn(u64)) -> Panic {
    Panic { name, provoke, fatal, harmless }
}

pub const PANICS: &[Panic] = &[
    panic("index", 3, 2, |n| {
        let values = black_box([1u64, 2, 3]);
        black_box(values[n as usize]);
    }),
    panic("slice end", 4, 3, |n| {
        let values = black_box([1u64, 2, 3]);
        black_box(&values[1..n as usize]);
    }),
    panic("slice order", 2, 1, |n| {
        let values = black_box([1u64, 2, 3]);
        black_box(&values[n as usize..1]);
    }),
    panic("text boundary", 2, 1, |n| {
        black_box(&black_box("h\u{e9}llo")[n as usize..]);
    }),
    panic("unwrap of None", 0, 1, |n| {
        black_box(n.checked_sub(1).unwrap());
    }),
    panic("expect of Err", 256, 255, |n| {
        black_box(u8::try_from(n).expect("fits in a byte"));
    }),
    panic("u64 add", u64::MAX, 1, |n| {
        black_box(n + black_box(1));
    }),
    panic("u64 sub", 0, 1, |n| {
        black_box(n - black_box(1));
    }),
    panic("u64 mul", u64::MAX, 1, |n| {
        black_box(n * black_box(2));
    }),
    panic("u8 add", 255, 254, |n| {
        black_box(n as u8 + black_box(1));
    }),
    panic("u128 mul", 4, 2, |n| {
        black_box(u128::from(n) * black_box(u128::MAX / 3));
    }),
    panic("u128 add", 2, 1, |n| {
        black_box(u128::from(n) + black_box(u128::MAX - 1));
    }),
    panic("i128 sub", 1, 0, |n| {
        black_box(black_box(i128::MIN) - i128::from(n));
    }),
    panic("i64 negation", 0, 1, |n| {
        black_box(-(black_box(i64::MIN) + n as i64));
    }),
    panic("u64 shift", 64, 63, |n| {
        black_box(black_box(1u64) << n);
    }),
    panic("u64 division by zero", 0, 1, |n| {
        black_box(black_box(100) / n);
    }),
    panic("u64 remainder by zero", 0, 1, |n| {
        black_box(black_box(100) % n);
    }),
    panic("u128 division by zero", 0, 1, |n| {
        black_box(black_box(100u128) / u128::from(n));
    }),
    panic("i128 division overflow", 1, 2, |n| {
        black_box(black_box(i128::MIN) / -i128::from(n));
    }),
    panic("explicit", 1, 0, |n| {
        if n == 1 {
            panic!("explicit, with a number: {n}");
        }
    }),
    panic("assert", 1, 0, |n| assert!(n == 0, "assertion with a message")),
    panic("assert_eq", 1, 0, |n| assert_eq!(n, 0)),
    panic("unreachable", 1, 0, |n| {
        if n == 1 {
            unreachable!();
        }
    }),
    panic("RefCell", 1, 0, |n| {
        let cell = RefCell::new(n);
        let first = cell.borrow_mut();
        if n == 0 {
            drop(first);
            black_box(cell.borrow_mut());
        } else {
            black_box(cell.borrow_mut());
        }
    }),
    panic("out of memory", 100_000, 100, |n| {
        black_box(vec![1u64; n as usize]);
    }),
    panic("abort", 1, 0, |n| {
        if n == 1 {
            std::process::abort();
        }
    }),
    panic("too deep", 200, 5, |n| {
        black_box(deep(n));
    }),
];

#[inline(never)]
fn deep(n: u64) -> u64 {
    if n == 0 {
        0
    } else {
        black_box(deep(n - 1)) ^ n
    }
}
