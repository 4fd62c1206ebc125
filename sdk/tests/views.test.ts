import { describe, expect, test } from 'vitest';

import {
    blankPosition,
    chanceOfReaching,
    decodeAccount,
    legViews,
    opportunities,
    positionsOf,
    shockViews,
    spotNanoUsd,
    toWord128,
    walkingTerms,
    type Scene,
} from '../src/index.js';
import { getPositionEncoder } from '../src/generated/index.js';
import { loadEngineFromPackage } from '../src/node.js';
import { key, market, reserve } from './support/blank.js';

const engine = await loadEngineFromPackage();
const NOW = { unix: 1_000_000n, slot: 100n };

const risk = {
    maintenanceBps: 8_000n,
    debtWeightBps: 10_000n,
    zX100: 0n,
    horizonSecs: 600n,
    spreadBps: 0n,
    impactSqrtBps: 0n,
    // So deep that a sale of this size costs nothing: values are round.
    depthAtoms: 2n ** 63n,
    depthFloorAtoms: 1n,
    sigmaFloorBps: 100n,
    sigmaCapBps: 1_500n,
    sigmaRefBps: 400n,
    sigmaRiseBpsPerHour: 50n,
};
const bonus = {
    bonusMinBps: 100n,
    bonusMaxBps: 1_000n,
    healthMaxBonusBps: 9_000n,
    feeShareBps: 1_000n,
    throttleShareBps: 10_000n,
    throttleWindowSecs: 3_600n,
    reserved: [0n, 0n],
};
const oraclePolicy = {
    borrowAgeSecs: 60n,
    liquidateAgeSecs: 120n,
    confidenceSoftBps: 100n,
    confidenceHardBps: 500n,
    emaBandBps: 1_000n,
    staleSecs: 3_600n,
    deadSecs: 21_600n,
    sampleSecs: 300n,
    reserved: [0n, 0n],
};

function token(byte: number, decimals: number, dollars: bigint) {
    const price = dollars * 10n ** 8n;
    return reserve(key(byte), {
        market: key(1),
        decimals,
        risk,
        riskTarget: risk,
        bonus,
        oraclePolicy,
        throttleDepthAtoms: 2n ** 60n,
        accruedAt: NOW.unix,
        depthConfirmedAt: NOW.unix,
        depthValidSecs: 86_400n,
        reading: { price, average: price, confidence: 0n, publishTime: NOW.unix, slot: 0n, exponent: -8, reserved: [0, 0, 0] },
        volatility: {
            sigmaQ40: 0n,
            sigmaMaintenanceQ40: 0n,
            movedAt: NOW.unix,
            sampledAt: NOW.unix,
            sampledPrice: price,
            sampledExponent: -8n,
        },
    });
}

const [sol, usdc] = [token(10, 9, 100n), token(30, 6, 1n)];

/** A position of whole SOL that owes whole USDC. */
function scene(held: bigint, owed: bigint): Scene {
    const { state } = blankPosition(key(2), key(1), key(3));
    const collaterals = state.collaterals.map(slot => ({ ...slot }));
    const debts = state.debts.map(slot => ({ ...slot }));
    Object.assign(collaterals[0]!, { reserve: sol.address, atoms: held * 10n ** 9n, countedAtoms: held * 10n ** 9n });
    Object.assign(debts[0]!, { reserve: usdc.address, shares: toWord128((owed * 10n ** 6n) << 32n) });
    const full = { ...state, collateralCount: 1, debtCount: owed > 0n ? 1 : 0, collaterals, debts };
    const policy = { targetHealthBps: 10_500n, callLevelBps: 10_500n, bonusDefaultBps: 500n, auctionSecs: 600n, dustValue: 1n };
    return {
        now: NOW,
        market: market(key(1), policy),
        position: decodeAccount('position', key(2), getPositionEncoder().encode({ state: full })),
        reserves: [sol, usdc],
        offers: [],
    };
}

describe('legs', () => {
    test('say how far the liquidation price is', () => {
        // 10 SOL of $100 at 0.8 against 640 USDC: liquidatable at $80, a fifth below.
        const one = scene(10n, 640n);
        const { collaterals, debts } = legViews(one, engine.quotePosition(one));
        expect(collaterals.length).toBe(1);
        const { nanoUsd, liquidationPriceNanoUsd, distanceE9 } = collaterals[0]!;
        expect(nanoUsd).toBe(1_000n * 10n ** 9n);
        expect(liquidationPriceNanoUsd - 80n * 10n ** 9n).toBeLessThan(1_000n);
        expect(200_000_000n - distanceE9!).toBeLessThan(1_000n);
        expect(debts.map(debt => [debt.atoms, debt.nanoUsd])).toEqual([[640_000_000n, 640n * 10n ** 9n]]);
    });

    test('without a debt have no such price', () => {
        const one = scene(10n, 0n);
        expect(legViews(one, engine.quotePosition(one)).collaterals[0]?.distanceE9).toBeUndefined();
    });

    test('count at an offered price where it is newer', () => {
        const one = scene(10n, 640n);
        const reading = { ...sol.state.reading, price: 90n * 10n ** 8n, publishTime: NOW.unix + 1n };
        const offer = { reserve: sol.address, price: key(50), reading };
        expect(spotNanoUsd({ ...one, offers: [offer] }, sol.address)).toBe(90n * 10n ** 9n);
        const older = { ...offer, reading: { ...reading, publishTime: NOW.unix } };
        expect(spotNanoUsd({ ...one, offers: [older] }, sol.address)).toBe(100n * 10n ** 9n);
    });
});

describe('a market at a glance', () => {
    test('opportunities are the unhealthy, the most profitable first', () => {
        const [small, large, healthy] = [scene(10n, 820n), scene(100n, 8_200n), scene(10n, 500n)];
        const found = opportunities(engine, [small, healthy, large]);
        expect(found.map(one => one.scene)).toEqual([large, small]);
        for (const { quote, profitNanoUsd } of found) {
            const seized = (quote.seizeAtoms * 100n * 10n ** 9n) / 10n ** 9n;
            expect(profitNanoUsd).toBe(seized - (quote.repayAtoms + quote.feeAtoms) * 1_000n);
            expect(profitNanoUsd).toBeGreaterThan(0n);
        }
    });

    test('a fall of prices makes more and more liquidatable', () => {
        const scenes = [scene(10n, 640n), scene(10n, 500n), scene(10n, 0n)];
        const views = shockViews(engine, scenes, [10_000n, 7_900n, 6_000n, 4_000n]);
        expect(views.map(view => view.positions)).toEqual([0, 1, 2, 2]);
        // Values of collateral are rounded down, of debt up.
        expect(views[1]?.collateralNanoUsd).toBe(790n * 10n ** 9n - 1n);
        expect(views[1]?.debtNanoUsd).toBe(640n * 10n ** 9n + 1n);
        expect(views[1]?.uncoveredNanoUsd).toBe(0n);
        // At $40 the collateral of both is worth 400: 240 and 100 are not covered, to the rounding of values.
        expect(views[3]!.uncoveredNanoUsd - 340n * 10n ** 9n).toBeLessThan(10_000n);
        expect(shockViews(engine, scenes, [4_000n], [usdc.address]).map(view => view.positions)).toEqual([0]);
    });

    test('terms that walk are named, with both ends and the next step', () => {
        expect(walkingTerms(sol).terms).toEqual([]);
        const walking = { ...sol, state: { ...sol.state, riskTarget: { ...risk, maintenanceBps: 7_000n }, rampedAt: 5n } };
        expect(walkingTerms(walking)).toEqual({
            terms: [{ term: 'maintenanceBps', inForce: 8_000n, signed: 7_000n }],
            nextStepAt: 3_605n,
        });
    });

    test('positions of an owner', () => {
        const { position } = scene(1n, 0n);
        expect(positionsOf([position], key(3))).toEqual([position]);
        expect(positionsOf([position], key(4))).toEqual([]);
    });
});

describe('the chance of reaching a price', () => {
    const at = (lower: bigint, sigma: bigint, days: number) => chanceOfReaching(100n, lower, sigma, days);

    test('is that of the reflection principle', () => {
        // ln(100/90) = 0.10536, sigma 5% a day: z = 2.1072 in a day, 0.79645 in a week; erfc(z / sqrt 2).
        expect(at(90n, 50_000_000n, 1)).toBeCloseTo(0.035099, 5);
        expect(at(90n, 50_000_000n, 7)).toBeCloseTo(0.42577, 5);
    });

    test('is one where it is reached, zero where nothing moves, and grows with time', () => {
        expect(at(100n, 50_000_000n, 1)).toBe(1);
        expect(at(0n, 50_000_000n, 1)).toBe(0);
        expect(at(90n, 0n, 1)).toBe(0);
        expect(at(90n, 50_000_000n, 0)).toBe(0);
        expect(at(90n, 50_000_000n, 30)).toBeGreaterThan(at(90n, 50_000_000n, 7));
    });
});
