import { describe, expect, test } from 'vitest';

import { amount, bps, chance, duration, exact, grouped, health, part, short, usd, value } from './format';

describe('numbers as text', () => {
    test('money is exact to the nearest cent, however large', () => {
        expect(usd(1_234_567_890_123_456_789n)).toBe('$1,234,567,890.12');
        expect(usd(14_999_999_999_999n)).toBe('$15,000.00');
        expect(usd(994_999_999n)).toBe('$0.99');
        expect(usd(-1_500_000_000n)).toBe('\u2212$1.50');
        expect(usd(0n)).toBe('$0.00');
        expect(usd(1_234n)).toBe('$0.000001');
        // More digits than a float has.
        expect(usd(9_007_199_254_740_993_020_000_000n)).toBe('$9,007,199,254,740,993.02');
    });

    test('amounts never look like nothing unless they are', () => {
        expect(amount(1_500_000n, 6)).toBe('1.5');
        expect(amount(1n, 6)).toBe('0.000001');
        expect(amount(0n, 6)).toBe('0');
        expect(amount(12_345_678_912_345n, 9)).toBe('12,345.6789');
        expect(exact(12_345_678_912_345n, 9)).toBe('12345.678912345');
    });

    test('short amounts keep two places', () => {
        expect(short(1_234_567_000_000n, 6)).toBe('1.23M');
        expect(short(9_999_990_000n, 6)).toBe('9,999.99');
        expect(short(12_000_000_000n, 6)).toBe('12.00K');
    });

    test('parts, bps, health, time', () => {
        expect(part(1n, 3n)).toBe('33.3%');
        expect(part(1n, 0n)).toBe('0.0%');
        expect(bps(8_000n)).toBe('80%');
        expect(bps(125n)).toBe('1.25%');
        expect(health(1_050_000_000n)).toBe('1.050');
        expect(health(2n ** 64n - 1n)).toBe('\u221e');
        expect(duration(0n)).toBe('0 s');
        expect(duration(90n)).toBe('1 min 30 s');
        expect(duration(86_400n)).toBe('1 d');
        expect(duration(3_661n)).toBe('1 h 1 min');
        expect(grouped('-1234.5')).toBe('-1,234.5');
        expect(value(1_500_000_000n, 9, 150_000_000_000n)).toBe(225_000_000_000n);
    });

    test('an estimate is never more exact than it is', () => {
        expect([0, 0.0004, 0.043, 0.437, 0.999].map(chance)).toEqual(['< 0.1%', '< 0.1%', '4.3%', '44%', '> 99%']);
    });
});
