//! Products and quotients wider than a word, out of 64-bit words.
//!
//! The chain's processor multiplies and divides 64-bit words for one compute unit each, but knows neither the high half of
//! a product nor a wider dividend. The compiler's own routines for these cost about 50 units a product and 320 a
//! quotient, which was more than half of a liquidation; those here cost about 20 and 30 to 110, and are as exact.

use super::{high, low, widen};

/// The lower half of a word.
const LOW_HALF: u64 = 0xffff_ffff;

/// A `u128` from its words.
const fn join(high: u64, low: u64) -> u128 {
    (widen(high) << 64) | widen(low)
}

/// `a * b`.
#[inline(always)]
pub(crate) const fn product(a: u64, b: u64) -> u128 {
    // Other processors have an instruction for it. A test holds the two against each other.
    if cfg!(target_os = "solana") {
        product_by_halves(a, b)
    } else {
        widen(a) * widen(b)
    }
}

/// `a * b` by four products of halves. No sum wraps: a product of halves leaves room for two more of them.
#[inline(always)]
pub(super) const fn product_by_halves(a: u64, b: u64) -> u128 {
    let (a1, a0) = (a >> 32, a & LOW_HALF);
    let (b1, b0) = (b >> 32, b & LOW_HALF);
    let bottom = a0.wrapping_mul(b0);
    let cross = a1.wrapping_mul(b0).wrapping_add(bottom >> 32);
    let cross2 = a0.wrapping_mul(b1).wrapping_add(cross & LOW_HALF);
    let top = a1.wrapping_mul(b1).wrapping_add(cross >> 32).wrapping_add(cross2 >> 32);
    join(top, (cross2 << 32) | (bottom & LOW_HALF))
}

/// `a * b` in 256 bits: (high, low).
pub(super) const fn mul_wide(a: u128, b: u128) -> (u128, u128) {
    if high(b) == 0 {
        let (top, bottom) = mul_word(a, low(b));
        return (widen(top), bottom);
    }
    if high(a) == 0 {
        let (top, bottom) = mul_word(b, low(a));
        return (widen(top), bottom);
    }
    let low_product = product(low(a), low(b));
    // Each cross product is at most (2^64 - 1)^2, so adding two 64-bit carries cannot wrap.
    let cross = product(high(a), low(b)).wrapping_add(widen(high(low_product)));
    let cross2 = product(low(a), high(b)).wrapping_add(widen(low(cross)));
    let hi = product(high(a), high(b)).wrapping_add(widen(high(cross))).wrapping_add(widen(high(cross2)));
    (hi, join(low(cross2), low(low_product)))
}

/// `a * b` in 192 bits: (high, low).
pub(super) const fn mul_word(a: u128, b: u64) -> (u64, u128) {
    let bottom = product(low(a), b);
    if high(a) == 0 {
        return (0, bottom);
    }
    // At most (2^64 - 1)^2, so adding a 64-bit carry cannot wrap.
    let top = product(high(a), b).wrapping_add(widen(high(bottom)));
    (high(top), join(low(top), low(bottom)))
}

/// One half-word of schoolbook division: `(top * 2^32 + next) / divisor` and the remainder, for `top < divisor`,
/// `next < 2^32`, `divisor` normalised. (Knuth, Algorithm D, with two 32-bit digits.)
#[inline(always)]
fn divide_half(top: u64, next: u64, divisor: u64) -> (u64, u64) {
    let (d1, d0) = (divisor >> 32, divisor & LOW_HALF);
    let mut quotient = top / d1;
    let mut rest = top % d1;
    // At most two corrections.
    while quotient > LOW_HALF || quotient.wrapping_mul(d0) > ((rest << 32) | next) {
        quotient = quotient.wrapping_sub(1);
        rest = rest.wrapping_add(d1);
        if rest > LOW_HALF {
            break;
        }
    }
    (quotient, ((top << 32) | next).wrapping_sub(quotient.wrapping_mul(divisor)))
}

/// `(top * 2^64 + next) / divisor` and the remainder, for `top < divisor`.
#[inline(always)]
fn divide_word(top: u64, next: u64, divisor: u64) -> (u64, u64) {
    if divisor <= LOW_HALF {
        let upper = (top << 32) | (next >> 32);
        let lower = ((upper % divisor) << 32) | (next & LOW_HALF);
        return (((upper / divisor) << 32) | (lower / divisor), lower % divisor);
    }
    let shift = divisor.leading_zeros();
    // The upper bits of `next`, by two shifts because one of 64 does not exist.
    let top = (top << shift) | (next >> 1 >> (63 - shift));
    let (quotient, rest) = divide_normalised(top, next << shift, divisor << shift);
    (quotient, rest >> shift)
}

/// The same for a divisor of at least 2^63: without the search for its top bit.
#[inline(always)]
pub(crate) fn divide_normalised(top: u64, next: u64, divisor: u64) -> (u64, u64) {
    let (q1, rest) = divide_half(top, next >> 32, divisor);
    let (q0, rest) = divide_half(rest, next & LOW_HALF, divisor);
    ((q1 << 32) | q0, rest)
}

/// `n / d` and `n % d`, for `d` above zero.
#[inline(never)]
pub(crate) fn div_rem(n: u128, d: u128) -> (u128, u128) {
    if high(d) == 0 {
        let divisor = low(d);
        if high(n) == 0 {
            return (widen(low(n) / divisor), widen(low(n) % divisor));
        }
        let (q1, top) = (high(n) / divisor, high(n) % divisor);
        let (q0, rest) = divide_word(top, low(n), divisor);
        return (join(q1, q0), widen(rest));
    }
    if n < d {
        return (0, n);
    }
    // The quotient is one word: tried with the divisor's upper 64 bits, it is too large by one at most, and taken one
    // lower it is too small by one at most. (Warren, Hacker's Delight, 9-5.)
    let shift = high(d).leading_zeros();
    let (trial, _) = divide_word(high(n >> 1), low(n >> 1), high(d << shift));
    let quotient = (trial >> (63 - shift)).saturating_sub(1);
    let (_, taken) = mul_word(d, quotient);
    let rest = n - taken;
    if rest >= d {
        (widen(quotient) + 1, rest - d)
    } else {
        (widen(quotient), rest)
    }
}

/// `floor(n / d)`, for `d` above zero.
pub(crate) fn div_floor(n: u128, d: u128) -> u128 {
    div_rem(n, d).0
}

/// `ceil(n / d)`, for `d` above zero.
pub(crate) fn div_ceil(n: u128, d: u128) -> u128 {
    let (quotient, rest) = div_rem(n, d);
    // A rest means a divisor of two or more, so the quotient is not the largest number.
    quotient.wrapping_add(u128::from(rest != 0))
}

/// `floor(sqrt(n))` for `n` of at least 2^62, by Newton's method from above: it falls until it is there, in six steps at most.
/// No sum wraps: the first guess is 2^32, and no quotient is larger.
#[inline(always)]
fn root_normalised(n: u64) -> u64 {
    let mut root = 1u64 << 32;
    loop {
        let closer = root.wrapping_add(n / root) >> 1;
        if closer >= root {
            return root;
        }
        root = closer;
    }
}

/// `floor(sqrt(n))` of a word.
pub(crate) fn root_word(n: u64) -> u64 {
    // Times a power of four, so that one of the two top bits is set.
    let shift = n.leading_zeros() & !1;
    if shift == 64 {
        return 0;
    }
    root_normalised(n << shift) >> (shift / 2)
}

/// `floor(sqrt(n))`.
pub(crate) fn root(n: u128) -> u64 {
    let shift = n.leading_zeros() & !1;
    if shift == 128 {
        return 0;
    }
    let n = n << shift;
    let (top, next) = (high(n), low(n) >> 32);
    // The upper half is the root of the upper word. The lower half is the rest over twice the upper, too large by one at
    // most (Zimmermann, Karatsuba Square Root); the rest is at most twice the upper half itself, so half of it leaves room
    // for 31 more bits.
    let half = root_normalised(top);
    let rest = top.wrapping_sub(half.wrapping_mul(half));
    let lower = (((rest << 31) | (next >> 1)) / half).min(LOW_HALF);
    let root = (half << 32) | lower;
    let excess = u64::from(product(root, root) > n);
    root.wrapping_sub(excess) >> (shift / 2)
}

/// One limb of schoolbook division: `(top * 2^64 + next) / divisor` for `top < divisor`, `divisor` normalised.
/// Returns quotient limb and remainder. (Knuth, Algorithm D, with two 64-bit digits.)
pub(super) fn divide_limb(top: u128, next: u64, divisor: u128) -> (u64, u128) {
    let (d1, d0) = (widen(high(divisor)), low(divisor));
    let (mut quotient, mut rest) = div_rem(top, d1);
    // At most two corrections.
    while high(quotient) != 0 || product(low(quotient), d0) > join(low(rest), next) {
        quotient -= 1;
        rest += d1;
        if high(rest) != 0 {
            break;
        }
    }
    let (_, taken) = mul_word(divisor, low(quotient));
    (low(quotient), join(low(top), next).wrapping_sub(taken))
}
