import { describe, expect, test } from 'vitest';

import {
    DecimalError,
    fromWord128,
    parseDecimal,
    showHealth,
    showPercent,
    showUsd,
    toDecimal,
    toFixedDecimal,
    toWord128,
    U64_MAX,
} from '../src/index.js';

describe('decimals', () => {
    test.each([
        [1_500_000n, 6, '1.5'],
        [0n, 6, '0'],
        [1n, 9, '0.000000001'],
        [-25n, 1, '-2.5'],
        [7n, 0, '7'],
        [U64_MAX, 18, '18.446744073709551615'],
        [10n ** 30n + 1n, 9, '1000000000000000000000.000000001'],
    ])('%s units of %s decimals are %s, and back', (units, decimals, text) => {
        expect(toDecimal(units, decimals)).toBe(text);
        if (units >= 0n) expect(parseDecimal(text, decimals)).toBe(units);
    });

    test('text a person writes is read exactly', () => {
        expect(parseDecimal('  12.50 ', 6)).toBe(12_500_000n);
        expect(parseDecimal('.5', 1)).toBe(5n);
        expect(parseDecimal('3.', 2)).toBe(300n);
        expect(parseDecimal('0.1000000', 1)).toBe(1n);
    });

    test.each(['', '.', '-1', '1e6', '1,5', '0x10', '1.2.3', 'NaN', '\u0661'])('"%s" is no amount', text => {
        expect(() => parseDecimal(text, 6)).toThrow(DecimalError);
    });

    test('more decimals than the token has are refused, not rounded', () => {
        expect(() => parseDecimal('1.0000001', 6)).toThrow(
            '"1.0000001" has more than 6 decimals, which this token does not have',
        );
    });

    test('what is shown is cut off, never rounded up', () => {
        expect(toFixedDecimal(1_999_999n, 6, 2)).toBe('1.99');
        expect(toFixedDecimal(1_999_999n, 6, 0)).toBe('1');
        expect(toFixedDecimal(5n, 1, 3)).toBe('0.500');
        expect(toFixedDecimal(-1_999n, 3, 1)).toBe('-1.9');
        expect(showHealth(999_999_999n)).toBe('0.9999');
        expect(showHealth(U64_MAX)).toBe('\u221e');
        expect(showPercent(59_999_999n)).toBe('5.99%');
        expect(showUsd(1_234_567_890_123n)).toBe('$1234.56');
    });
});

test('128-bit numbers survive their halves', () => {
    for (const number of [0n, 1n, U64_MAX, U64_MAX + 1n, 2n ** 128n - 1n]) {
        expect(fromWord128(toWord128(number))).toBe(number);
    }
});
