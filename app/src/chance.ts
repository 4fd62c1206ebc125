/**
 * How likely a price touches a threshold within a time, if it wanders as it did lately. The only floats of the page: this is a
 * statement about the world, not an amount of anything.
 */

const E9 = 1e9;

/** The standard normal distribution, to seven places (Abramowitz and Stegun 7.1.26). */
export function normal(x: number): number {
    const z = Math.abs(x) / Math.SQRT2;
    const t = 1 / (1 + 0.3275911 * z);
    const polynomial = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const erf = 1 - polynomial * Math.exp(-z * z);
    return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

/**
 * The chance that a price without drift comes to `threshold` at least once within `days`: by the reflection principle
 * `2 * N(-|ln(price / threshold)| / (sigma * sqrt(days)))`, sigma a day (1e-9). Between 0 and 1.
 */
export function chanceOfTouching(
    priceNanoUsd: bigint,
    thresholdNanoUsd: bigint,
    sigmaE9: bigint,
    days: number,
    side: 'below' | 'above' = 'below',
): number {
    const isThere = side === 'below' ? priceNanoUsd <= thresholdNanoUsd : priceNanoUsd >= thresholdNanoUsd;
    if (isThere) return 1;
    if (thresholdNanoUsd <= 0n || sigmaE9 <= 0n) return 0;
    const distance = Math.abs(Math.log(Number(priceNanoUsd) / Number(thresholdNanoUsd)));
    return Math.min(1, 2 * normal(-distance / ((Number(sigmaE9) / E9) * Math.sqrt(days))));
}

/** A chance in words: never more exact than it is. */
export function showChance(chance: number): string {
    if (chance >= 0.995) return '> 99%';
    if (chance < 0.001) return '< 0.1%';
    return chance < 0.1 ? `${(chance * 100).toFixed(1)}%` : `${Math.round(chance * 100)}%`;
}
