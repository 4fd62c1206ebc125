/**
 * Numbers as text for people. Money stays whole numbers of smallest units up to here; nothing is a float.
 */
import { toDecimal, toFixedDecimal, U64_MAX } from '@plimsoll/sdk';

/** Digits in groups of three: `1234567.8` is `1,234,567.8`. */
export function grouped(decimal: string): string {
    const [whole = '', fraction] = decimal.split('.');
    const sign = whole.startsWith('-') ? '-' : '';
    const digits = whole.slice(sign.length).replace(/\B(?=(\d{3})+$)/g, ',');
    return fraction === undefined ? `${sign}${digits}` : `${sign}${digits}.${fraction}`;
}

/** Nano-dollars as dollars and cents, to the nearest. Below a cent more places. */
export function usd(nanoUsd: bigint, places?: number): string {
    const size = nanoUsd < 0n ? -nanoUsd : nanoUsd;
    const digits = places ?? (size === 0n || size >= 10_000_000n ? 2 : 6);
    const half = digits < 9 ? 5n * 10n ** BigInt(8 - digits) : 0n;
    const text = grouped(toFixedDecimal(size + half, 9, digits));
    return nanoUsd < 0n ? `\u2212$${text}` : `$${text}`;
}

const STEPS: readonly (readonly [bigint, string])[] = [
    [1_000_000_000n, 'B'],
    [1_000_000n, 'M'],
    [10_000n, 'K'],
];

/** A whole number of units with `decimals`, short: `1.24M`. */
export function short(units: bigint, decimals: number): string {
    const one = 10n ** BigInt(decimals);
    for (const [size, letter] of STEPS) {
        const divisor = letter === 'K' ? 1_000n : size;
        if (units >= size * one) return `${toFixedDecimal((units * 100n) / (divisor * one), 2, 2)}${letter}`;
    }
    return grouped(trimmed(toFixedDecimal(units, decimals, 2)));
}

/** Nano-dollars, short: `$1.24M`. */
export function usdShort(nanoUsd: bigint): string {
    return nanoUsd < 10_000_000_000_000n ? usd(nanoUsd) : `$${short(nanoUsd, 9)}`;
}

const trimmed = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

/** Atoms of a token, cut off after `places`; what is not nothing never looks like nothing. */
export function amount(atoms: bigint, decimals: number, places = 4): string {
    const shown = trimmed(toFixedDecimal(atoms, decimals, Math.min(places, decimals)));
    return shown === '0' && atoms !== 0n ? grouped(toDecimal(atoms, decimals)) : grouped(shown);
}

/** Atoms as what an input takes: exact, without groups. */
export const exact = (atoms: bigint, decimals: number): string => toDecimal(atoms, decimals);

/** A health, 1e-9, with two places; without debt the infinity sign. */
export function health(e9: bigint): string {
    if (e9 === U64_MAX) return '\u221e';
    return e9 >= 100n * 1_000_000_000n ? '> 100' : toFixedDecimal(e9, 9, 3);
}

/** A factor in 1e-9 as a percentage. */
export const percent = (e9: bigint, places = 2): string => `${toFixedDecimal(e9, 7, places)}%`;

/** Basis points as a percentage, without trailing zeros. */
export const bps = (value: bigint): string => `${trimmed(toFixedDecimal(value, 2, 2))}%`;

/** A part of a whole as a percentage with one place; 0 of nothing. */
export function part(of: bigint, whole: bigint): string {
    return whole === 0n ? '0.0%' : `${toFixedDecimal((of * 1_000n) / whole, 1, 1)}%`;
}

/** A key, short. */
export const key = (address: string): string => `${address.slice(0, 4)}\u2026${address.slice(-4)}`;

const UNITS: readonly (readonly [bigint, string])[] = [
    [86_400n, 'd'],
    [3_600n, 'h'],
    [60n, 'min'],
    [1n, 's'],
];

/** Seconds as the two largest units: `1 h 5 min`. */
export function duration(secs: bigint): string {
    if (secs <= 0n) return '0 s';
    const parts: string[] = [];
    let rest = secs;
    for (const [size, name] of UNITS) {
        const count = rest / size;
        rest %= size;
        if (count > 0n) parts.push(`${count} ${name}`);
        if (parts.length === 2 || (parts.length === 1 && count === 0n)) break;
    }
    return parts.join(' ');
}

/** How long ago, or in how long. */
export function since(unix: bigint, now: bigint): string {
    return unix <= now ? `${duration(now - unix)} ago` : `in ${duration(unix - now)}`;
}

/** A moment in the reader's own time. */
export function moment(unix: bigint): string {
    const date = new Date(Number(unix) * 1_000);
    return date.toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}

/** `floor(atoms * price)` in nano-dollars, for a price of a whole token. */
export function value(atoms: bigint, decimals: number, priceNanoUsd: bigint): bigint {
    return (atoms * priceNanoUsd) / 10n ** BigInt(decimals);
}

/** An estimated chance, between 0 and 1, in words: never more exact than it is. */
export function chance(estimate: number): string {
    if (estimate >= 0.995) return '> 99%';
    if (estimate < 0.001) return '< 0.1%';
    return estimate < 0.1 ? `${(estimate * 100).toFixed(1)}%` : `${Math.round(estimate * 100)}%`;
}
