import { expect, test } from 'vitest';

import { standingOf, wordOf } from './Health';

const CALL = 1_050_000_000n;

test('a health has one word', () => {
    const words: [bigint, string][] = [
        [2n ** 64n - 1n, 'No debt'],
        [1_250_000_000n, 'Safe'],
        [1_249_999_999n, 'Watch'],
        [CALL, 'Watch'],
        [CALL - 1n, 'Margin call'],
        [1_000_000_000n, 'Margin call'],
        [999_999_999n, 'Liquidatable'],
        [0n, 'Liquidatable'],
    ];
    for (const [health, word] of words) expect(wordOf(standingOf(health, CALL))).toBe(word);
});
