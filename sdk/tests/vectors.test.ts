/**
 * The golden vectors through the engine as the browser runs it: every kind that asks what a page asks. The other kinds play
 * histories of a market; the engine's own tests and `plimsoll vectors` do that.
 */
import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import {
    blankPosition,
    decodeAccount,
    EngineError,
    explain,
    fromWord128,
    toWord128,
    U64_MAX,
    type Engine,
    type Reserve,
    type Scene,
} from '../src/index.js';
import { getPositionEncoder, type BonusTerms, type Reading, type RiskTerms } from '../src/generated/index.js';
import { loadEngineFromPackage } from '../src/node.js';
import { key, market, reserve } from './support/blank.js';
import { Fraction } from './support/fraction.js';

type Json = string | number | boolean | Json[] | { [name: string]: Json };
type Fields = { [name: string]: Json };
type Case = { kind: string; note: string; in: Fields; out: Fields; tol_rel: string };

const read = (name: string): Case[] =>
    (JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')) as { cases: Case[] }).cases;
const cases = [...read('reference'), ...read('plimsoll')];
const of = (kind: string): Case[] => cases.filter(one => one.kind === kind);

const engine: Engine = await loadEngineFromPackage();
const NOW = { unix: 1_000_000_000n, slot: 1_000n };
const Q40 = 1n << 40n;
const NANO = 1_000_000_000n;

const has = (fields: Fields, name: string): boolean => fields[name] !== undefined;
const text = (fields: Fields, name: string): string => String(fields[name]);
const fraction = (fields: Fields, name: string): Fraction => Fraction.parse(text(fields, name));
const integer = (fields: Fields, name: string): bigint => BigInt(text(fields, name));
const orZero = (fields: Fields, name: string): bigint => (has(fields, name) ? integer(fields, name) : 0n);
const object = (fields: Fields, name: string): Fields => fields[name] as Fields;
const objects = (fields: Fields, name: string): Fields[] => fields[name] as Fields[];
const bps = (fields: Fields, name: string): bigint => fraction(fields, name).times(10_000n).floor();
const floor = (fields: Fields, name: string, scale: bigint): bigint => fraction(fields, name).times(scale).floor();
const ceil = (fields: Fields, name: string, scale: bigint): bigint => fraction(fields, name).times(scale).ceil();

/** A result passes where `|got - expected| <= max(tol_rel * |expected|, least)`. */
function expectNear(one: Case, name: string, got: Fraction, isAtoms: boolean): void {
    const expected = fraction(one.out, name);
    const absolute = one.out['abs_tol'];
    const named = typeof absolute === 'object' ? (absolute as Fields)[name] : absolute;
    const least = isAtoms ? Fraction.parse(String(named ?? 0)) : Fraction.parse('1e-6');
    const distance = got.minus(expected).abs();
    const relative = Fraction.parse(one.tol_rel).product(expected.abs());
    const isNear = distance.isAtMost(least) || distance.isAtMost(relative);
    expect(isNear, `${name}: expected ${text(one.out, name)}, got ${got.numerator}/${got.denominator}`).toBe(true);
}

const atoms = (one: Case, name: string, got: bigint): void => expectNear(one, name, Fraction.of(got), true);
const e9 = (one: Case, name: string, got: bigint): void => expectNear(one, name, Fraction.of(got, NANO), false);

function reading(fields: Fields): Reading {
    const names = ['price', 'average', 'confidence'];
    const texts = names.map(name =>
        has(fields, name) ? text(fields, name) : name === 'average' ? text(fields, 'price') : '0',
    );
    // With as many decimals as fit an oracle's 63 bits, as `vectors/README.md` says.
    let exponent = -Math.max(...texts.map(Fraction.decimals));
    let numbers = texts.map(number =>
        Fraction.parse(number)
            .times(10n ** BigInt(-exponent))
            .floor(),
    );
    while (exponent > -18 && numbers.every(number => number * 10n < 2n ** 63n)) {
        numbers = numbers.map(number => number * 10n);
        exponent -= 1;
    }
    const [price = 0n, average = 0n, confidence = 0n] = numbers;
    const publishTime = NOW.unix - orZero(fields, 'age_secs');
    return { price, average, confidence, publishTime, slot: 0n, exponent, reserved: [0, 0, 0] };
}

function riskTerms(fields: Fields): RiskTerms {
    return {
        maintenanceBps: orZero(fields, 'maintenance_bps'),
        debtWeightBps: orZero(fields, 'debt_weight_bps'),
        zX100: integer(fields, 'z_x100'),
        horizonSecs: integer(fields, 'tau_secs'),
        spreadBps: orZero(fields, 'spread_bps'),
        impactSqrtBps: orZero(fields, 'impact_sqrt_bps'),
        depthAtoms: orZero(fields, 'depth_atoms'),
        depthFloorAtoms: 1n,
        sigmaFloorBps: 0n,
        // Volatility is what the case says it is.
        sigmaCapBps: U64_MAX >> 14n,
        sigmaRefBps: orZero(fields, 'sigma_ref_bps'),
        sigmaRiseBpsPerHour: 0n,
    };
}

function volatility(fields: Fields) {
    const sigma = Fraction.of(integer(fields, 'sigma_bps') * Q40, 10_000n).ceil();
    // No reading of a case is new enough to be a sample.
    const sampled = { sampledAt: NOW.unix, sampledPrice: 0n, sampledExponent: 0n, movedAt: NOW.unix };
    return { sigmaQ40: sigma, sigmaMaintenanceQ40: sigma, ...sampled };
}

test('every kind that a page asks is here', () => {
    const counts = ['alv', 'bonus', 'repay_to_target', 'interest', 'plan'].map(kind => [kind, of(kind).length > 0]);
    expect(counts.every(([, some]) => some)).toBe(true);
});

test.each(of('alv'))('alv: $note', one => {
    const decimals = Number(integer(one.in, 'decimals'));
    const risk = riskTerms(one.in);
    const at = reserve(key(1), { decimals, risk, riskTarget: risk, reading: reading(one.in), volatility: volatility(one.in) });
    const [point] = engine.curve(at, NOW, [integer(one.in, 'collateral_atoms')]);
    expectNear(one, 'alv_usd', Fraction.of(point!.alv, NANO), false);
});

function bonusTerms(fields: Partial<BonusTerms>): BonusTerms {
    const zero = { bonusMinBps: 0n, bonusMaxBps: 0n, healthMaxBonusBps: 0n, feeShareBps: 0n };
    return { ...zero, throttleShareBps: 10_000n, throttleWindowSecs: 1n, reserved: [0n, 0n], ...fields };
}

test.each(of('bonus'))('bonus: $note', one => {
    const names = { bonusMinBps: 'b_min', bonusMaxBps: 'b_max', healthMaxBonusBps: 'h_max_bonus' };
    const terms = Object.fromEntries(Object.entries(names).map(([field, name]) => [field, bps(one.in, name)]));
    const got = engine.bonus(bonusTerms(terms), {
        healthQ40: floor(one.in, 'health', Q40),
        liquidatableSecs: integer(one.in, 'flagged_secs'),
        auctionSecs: integer(one.in, 'auction_secs'),
        collateral: floor(one.in, 'collateral_value', NANO),
        debt: ceil(one.in, 'debt_value', NANO),
    });
    expectNear(one, 'bonus', Fraction.of(got, Q40), false);
});

test.each(of('repay_to_target'))('repay to target: $note', one => {
    const got = engine.repayToTarget({
        debt: ceil(one.in, 'debt_health_value', NANO),
        collateral: floor(one.in, 'collateral_health_value', NANO),
        target: ceil(one.in, 'target_health', Q40),
        weight: ceil(one.in, 'debt_weight', Q40),
        gross: floor(one.in, 'bonus_factor', Q40),
        maintenance: floor(one.in, 'collateral_factor', Q40),
    });
    if (one.out['repay_value'] === 'full') {
        expect(got).toBeUndefined();
    } else {
        expectNear(one, 'repay_value', Fraction.of(got!, NANO), false);
    }
});

test.each(of('interest'))('interest: $note', one => {
    const rates = object(one.in, 'rates');
    let at: Reserve = reserve(key(1), {
        rates: {
            baseRateBps: integer(rates, 'base_rate_bps'),
            kinkUtilisationBps: integer(rates, 'kink_utilisation_bps'),
            kinkRateBps: integer(rates, 'kink_rate_bps'),
            maxRateBps: integer(rates, 'max_rate_bps'),
            insuranceShareBps: integer(rates, 'insurance_share_bps'),
            feeShareBps: integer(rates, 'fee_share_bps'),
        },
        cashAtoms: integer(one.in, 'cash_atoms'),
        debtShares: toWord128(integer(one.in, 'debt_atoms') << 32n),
        insuranceAtoms: orZero(one.in, 'insurance_atoms'),
        feeAtoms: orZero(one.in, 'fee_atoms'),
    });
    const intervals = (one.in['intervals_secs'] as Json[]).map(secs => BigInt(String(secs)));
    let unix = 0n;
    let quote = engine.reserve(at, { unix, slot: 0n });
    for (const secs of intervals) {
        unix += secs;
        quote = engine.reserve(at, { unix, slot: 0n });
        at = engine.accrue(at, { unix, slot: 0n });
    }
    const { state } = at;
    expectNear(one, 'debt_index', Fraction.of(fromWord128(state.debtIndex), 1n << 64n), false);
    atoms(one, 'debt_atoms', quote.debtAtoms);
    atoms(one, 'lender_assets_atoms', quote.assetsAtoms);
    atoms(one, 'insurance_atoms', state.insuranceAtoms + state.insuranceAccruedAtoms);
    atoms(one, 'fee_atoms', state.feeAtoms + state.feeAccruedAtoms);
});

/** The scene of a plan: its position, and a reserve for each leg. */
function sceneOf(input: Fields): Scene {
    const [oracle, policy, bonus] = [object(input, 'oracle'), object(input, 'market'), object(input, 'bonus')];
    const liquidateAgeSecs = integer(oracle, 'liquidate_age_secs');
    const oraclePolicy = {
        borrowAgeSecs: has(oracle, 'borrow_age_secs') ? integer(oracle, 'borrow_age_secs') : liquidateAgeSecs,
        liquidateAgeSecs,
        confidenceSoftBps: integer(oracle, 'confidence_soft_bps'),
        confidenceHardBps: integer(oracle, 'confidence_hard_bps'),
        emaBandBps: 0n,
        staleSecs: integer(oracle, 'stale_secs'),
        deadSecs: integer(oracle, 'dead_secs'),
        sampleSecs: 0n,
        reserved: [0n, 0n],
    };
    const terms = bonusTerms({
        bonusMinBps: integer(bonus, 'bonus_min_bps'),
        bonusMaxBps: integer(bonus, 'bonus_max_bps'),
        healthMaxBonusBps: integer(bonus, 'health_max_bonus_bps'),
        feeShareBps: integer(bonus, 'fee_share_bps'),
    });
    const place = key(1);
    const leg = (fields: Fields, byte: number, held: Partial<Reserve['state']>): Reserve => {
        const risk = riskTerms(fields);
        return reserve(key(byte), {
            market: place,
            decimals: Number(integer(fields, 'decimals')),
            oraclePolicy,
            risk,
            riskTarget: risk,
            reading: reading(fields),
            volatility: volatility(fields),
            staleNoticedAt: has(fields, 'noticed_secs') ? NOW.unix - integer(fields, 'noticed_secs') : 0n,
            accruedAt: NOW.unix,
            ...held,
            ...throttle(input, terms),
        });
    };
    const collaterals = objects(input, 'collaterals');
    const debts = objects(input, 'debts');
    const shares = (fields: Fields) => toWord128(integer(fields, 'owed_atoms') << 32n);
    const reserves = [
        ...collaterals.map((fields, index) => leg(fields, 10 + index, { collateralAtoms: integer(fields, 'atoms') })),
        ...debts.map((fields, index) => leg(fields, 30 + index, { debtShares: shares(fields) })),
    ];
    const dustValue = floor(policy, 'dust_usd', NANO);
    return {
        now: NOW,
        market: market(place, {
            targetHealthBps: integer(policy, 'target_health_bps'),
            dustValue,
            bonusDefaultBps: integer(policy, 'bonus_default_bps'),
            auctionSecs: integer(policy, 'auction_secs'),
        }),
        position: positionOf(input, collaterals, debts.map(shares)),
        reserves,
        offers: [],
    };
}

function throttle(input: Fields, terms: BonusTerms): Partial<Reserve['state']> {
    const none = { empty: NOW.unix << 32n, capacity: U64_MAX, window: 1n };
    let { empty, capacity, window } = none;
    if (has(input, 'throttle')) {
        const fields = object(input, 'throttle');
        [capacity, window] = [integer(fields, 'capacity_atoms'), integer(fields, 'window_secs')];
        const secs = has(fields, 'level_atoms')
            ? Fraction.of(integer(fields, 'level_atoms') * window, capacity)
            : has(fields, 'empty_in_secs')
              ? fraction(fields, 'empty_in_secs')
              : Fraction.of(0n);
        empty += secs.times(1n << 32n).floor();
    }
    return {
        bonus: { ...terms, throttleWindowSecs: window },
        throttleDepthAtoms: capacity,
        throttle: { emptyAtQ32: empty, reserved: [0n, 0n, 0n] },
    };
}

function positionOf(input: Fields, collaterals: Fields[], shares: ReturnType<typeof toWord128>[]): Scene['position'] {
    const { state } = blankPosition(key(2), key(1), key(3));
    const counted = orZero(input, 'auction_counted_secs');
    const order = has(input, 'protection') ? object(input, 'protection') : {};
    const full = {
        ...state,
        collateralCount: collaterals.length,
        debtCount: shares.length,
        collaterals: state.collaterals.map((slot, index) => {
            const fields = collaterals[index];
            if (fields === undefined) return slot;
            return { ...slot, reserve: key(10 + index), atoms: integer(fields, 'atoms'), countedAtoms: 0n };
        }),
        debts: state.debts.map((slot, index) => {
            const owed = shares[index];
            return owed === undefined ? slot : { ...slot, reserve: key(30 + index), shares: owed };
        }),
        flaggedAt: counted > 0n ? NOW.unix : 0n,
        auctionSecs: counted,
        auctionCountedAt: counted > 0n ? NOW.unix : 0n,
        coolingUntilSlot: input['is_cooling'] === true ? NOW.slot : 0n,
        protectionTriggerBps: orZero(order, 'trigger_bps'),
        protectionBonusBps: orZero(order, 'bonus_bps'),
    };
    return decodeAccount('position', key(2), getPositionEncoder().encode({ state: full }));
}

test.each(of('plan'))('plan: $note', one => {
    const request = object(one.in, 'request');
    const [collateralSlot, debtSlot] = [Number(integer(request, 'collateral')), Number(integer(request, 'debt'))];
    const repayMaxAtoms = integer(request, 'repay_max_atoms');
    const scene = sceneOf(one.in);
    if (one.out['refusal'] === 'LegMismatch') {
        // A slot that is not there: the program says so before it plans, and the question names no reserve.
        expect(() => engine.quoteLiquidation(scene, { collateralSlot, debtSlot, repayMaxAtoms })).toThrow(EngineError);
        return;
    }
    const preview = engine.preview(scene, {
        kind: 'liquidate',
        seized: key(10 + collateralSlot),
        repaid: key(30 + debtSlot),
        repayMaxAtoms,
        seizeMinAtoms: orZero(request, 'seize_min_atoms'),
    });
    const quote = engine.quoteLiquidation(scene, { collateralSlot, debtSlot, repayMaxAtoms });
    const refusal = preview.refusal === 0 ? undefined : explain(preview.refusal)?.name;
    expect(refusal).toBe(one.out['refusal']);
    if (refusal !== undefined) return;

    atoms(one, 'repay_atoms', quote.repayAtoms);
    atoms(one, 'seize_atoms', quote.seizeAtoms);
    atoms(one, 'fee_atoms', quote.feeAtoms);
    e9(one, 'gross_factor', quote.grossFactorE9);
    // "No debt" is the largest number of each format.
    const health = (number: bigint): bigint => (number === U64_MAX ? 16_777_216n * NANO : number);
    e9(one, 'health_before', health(quote.healthBeforeE9));
    e9(one, 'health_after', health(quote.healthAfterE9));
    expect(quote.isTerminal === 1).toBe(one.out['is_terminal']);
    if (has(one.out, 'is_throttled')) expect(quote.isThrottled === 1).toBe(one.out['is_throttled']);
    if (has(one.out, 'is_protection')) expect(quote.isProtection === 1).toBe(one.out['is_protection']);
    if (has(one.out, 'throttle_left_atoms')) atoms(one, 'throttle_left_atoms', quote.throttleLeftAtoms);

    // What the preview moves is what the quote says, and what it leaves is what the case says.
    expect([preview.paidAtoms, preview.receivedAtoms, preview.feeAtoms]).toEqual([
        quote.repayAtoms,
        quote.seizeAtoms,
        quote.feeAtoms,
    ]);
    const owed = integer(objects(one.in, 'debts')[debtSlot]!, 'owed_atoms');
    expect(preview.paidAtoms === owed).toBe(one.out['closes_debt']);
    const left = preview.position.collaterals.slice(0, preview.position.collateralCount).some(slot => slot.atoms > 0n);
    expect(!left).toBe(one.out['takes_last_collateral']);
});
