/**
 * Numbers as the program has them: `bigint`, and decimal text that is exact. Nothing here is a float.
 * @module
 */
import type { Word128 } from './generated/types/index.js';

/** What quotes say where there is no debt, or no limit: the largest 64-bit number. */
export const U64_MAX = 2n ** 64n - 1n;

/** Units in one, of health, factors and volatility: 1e-9. */
export const E9 = 1_000_000_000n;

/** A 128-bit number from the two halves in which accounts keep it. */
export function fromWord128(word: Word128): bigint {
    return (word.hi << 64n) | word.lo;
}

/** The two halves of a 128-bit number. */
export function toWord128(number: bigint): Word128 {
    return { lo: number & U64_MAX, hi: number >> 64n };
}

/**
 * A whole number of smallest units as decimal text: `toDecimal(1_500_000n, 6)` is `1.5`. Exact; without trailing zeros.
 */
export function toDecimal(units: bigint, decimals: number): string {
    const sign = units < 0n ? '-' : '';
    const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
    const whole = digits.slice(0, digits.length - decimals);
    const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
    return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/**
 * The same, cut off (toward zero) after so many places: for showing, not for counting. Keeps the places it is asked for.
 */
export function toFixedDecimal(units: bigint, decimals: number, places: number): string {
    const sign = units < 0n ? '-' : '';
    const digits = (units < 0n ? -units : units).toString().padStart(decimals + 1, '0');
    const whole = digits.slice(0, digits.length - decimals);
    const fraction = digits
        .slice(digits.length - decimals)
        .padEnd(places, '0')
        .slice(0, places);
    return places === 0 ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/** Why text is no amount. */
export class DecimalError extends Error {
    override readonly name = 'DecimalError';
}

/**
 * Decimal text as a whole number of smallest units: `parseDecimal('1.5', 6)` is `1_500_000n`.
 *
 * @throws {@link DecimalError} where the text is no plain decimal number, or has more decimals than the token.
 */
export function parseDecimal(text: string, decimals: number): bigint {
    const found = /^(\d+)(?:\.(\d*))?$|^\.(\d+)$/.exec(text.trim());
    if (found === null) {
        throw new DecimalError(`"${text}" is not an amount; write a number such as 12.5`);
    }
    const whole = found[1] ?? '0';
    const fraction = (found[2] ?? found[3] ?? '').replace(/0+$/, '');
    if (fraction.length > decimals) {
        throw new DecimalError(`"${text}" has more than ${decimals} decimals, which this token does not have`);
    }
    return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** A health as decimal text; `none` (that is, without debt) is the infinity sign. */
export function showHealth(healthE9: bigint, places = 4): string {
    return healthE9 === U64_MAX ? '\u221e' : toFixedDecimal(healthE9, 9, places);
}

/** A factor in 1e-9 as a percentage. */
export function showPercent(factorE9: bigint, places = 2): string {
    return `${toFixedDecimal(factorE9, 7, places)}%`;
}

/** Nano-dollars as dollars. */
export function showUsd(nanoUsd: bigint, places = 2): string {
    return `$${toFixedDecimal(nanoUsd, 9, places)}`;
}

/** `floor(a * b / c)`. */
export function mulDivFloor(a: bigint, b: bigint, c: bigint): bigint {
    return (a * b) / c;
}

/** `ceil(a * b / c)` for numbers that are not negative. */
export function mulDivCeil(a: bigint, b: bigint, c: bigint): bigint {
    return (a * b + c - 1n) / c;
}
