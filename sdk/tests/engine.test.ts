import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { blankLender, blankPosition, Engine, EngineError, loadEngine, U64_MAX, type Scene } from '../src/index.js';
import { loadEngineFromPackage } from '../src/node.js';
import { key, market, reserve } from './support/blank.js';

const NOW = { unix: 1_000n, slot: 7n };
const engine = await loadEngineFromPackage();

function scene(): Scene {
    const place = key(1);
    const at = reserve(key(9), { market: place, decimals: 6 });
    return { now: NOW, market: market(place, {}), position: blankPosition(key(2), place, key(3)), reserves: [at], offers: [] };
}

describe('loading', () => {
    const file = new URL('../wasm/engine.wasm', import.meta.url);

    test('takes bytes, a module or an answer of fetch', async () => {
        const bytes = await readFile(file);
        const module = await WebAssembly.compile(bytes);
        const sources = [bytes, module, new Response(bytes), Promise.resolve(new Response(bytes))];
        for (const source of sources) expect(await loadEngine(source)).toBeInstanceOf(Engine);
    });

    test('says what is wrong with anything else', async () => {
        await expect(loadEngine(new Response('', { status: 404, statusText: 'Not Found' }))).rejects.toThrow(
            'the engine could not be fetched: 404 Not Found',
        );
        await expect(loadEngine(Uint8Array.of(1, 2, 3))).rejects.toThrow(EngineError);
        const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
        await expect(loadEngine(empty)).rejects.toThrow('it lacks memory, input, output or call');
    });
});

describe('a mistake of the caller is an error, and the engine goes on', () => {
    const goesOn = (): void => expect(engine.quotePosition(scene()).maintenanceHealthE9).toBe(U64_MAX);

    test('an unknown question', () => {
        expect(() => engine.ask(99, [])).toThrow('unknown question');
        goesOn();
    });

    test('too few bytes, and too many', () => {
        expect(() => engine.ask(1, [new Uint8Array(10)])).toThrow('malformed question');
        expect(() => engine.ask(6, [new Uint8Array(1 << 17)])).toThrow('malformed question');
        goesOn();
    });

    test('another layout version', () => {
        const { market, ...rest } = scene();
        const newer = { ...market, data: Uint8Array.from(market.data).with(8, 2) };
        expect(() => engine.quotePosition({ ...rest, market: newer })).toThrow('layout version');
        goesOn();
    });

    test('a reserve that is missing, or of another market', () => {
        const some = scene();
        const action = { kind: 'deposit', reserve: key(9), atoms: 1n } as const;
        expect(() => engine.preview({ ...some, reserves: [] }, action)).toThrow('a reserve of the position is missing');
        const foreign = reserve(key(9), { market: key(77) });
        expect(() => engine.preview({ ...some, reserves: [foreign] }, action)).toThrow('belongs to another market');
        goesOn();
    });

    test('an amount that is none', () => {
        const action = { kind: 'deposit', reserve: key(9) } as const;
        expect(() => engine.preview(scene(), { ...action, atoms: -1n })).toThrow('-1 is not a 64-bit amount');
        expect(() => engine.preview(scene(), { ...action, atoms: U64_MAX + 1n })).toThrow('is not a 64-bit amount');
        goesOn();
    });

    test('more points than fit', () => {
        const at = scene().reserves[0]!;
        expect(() =>
            engine.curve(
                at,
                NOW,
                Array.from({ length: 3_000 }, () => 1n),
            ),
        ).toThrow('the answer does not fit');
        goesOn();
    });
});

test('a trap is an error, and the next question is answered by a new instance', async () => {
    // call traps; input and output are at zero.
    const trapping = Uint8Array.of(
        ...[0, 97, 115, 109, 1, 0, 0, 0],
        ...[1, 11, 2, 96, 0, 1, 127, 96, 2, 127, 127, 1, 127],
        ...[3, 4, 3, 0, 0, 1],
        ...[5, 3, 1, 0, 2],
        ...[
            7, 34, 4, 6, 109, 101, 109, 111, 114, 121, 2, 0, 5, 105, 110, 112, 117, 116, 0, 0, 6, 111, 117, 116, 112, 117, 116,
            0, 1,
        ],
        ...[4, 99, 97, 108, 108, 0, 2],
        ...[10, 15, 3, 4, 0, 65, 0, 11, 4, 0, 65, 0, 11, 3, 0, 0, 11],
    );
    const broken = await loadEngine(trapping);
    for (const _ of [1, 2]) expect(() => broken.ask(1, [])).toThrow('the engine stopped at a defect of its own');
});

describe('what is not opened yet', () => {
    test('can be previewed: a deposit opens a slot', () => {
        const preview = engine.preview(scene(), { kind: 'deposit', reserve: key(9), atoms: 5n });
        expect([preview.refusal, preview.paidAtoms, preview.position.collateralCount]).toEqual([0, 5n, 1]);
        expect(preview.position.collaterals[0]).toMatchObject({ reserve: key(9), atoms: 5n, countedAtoms: 0n });
        expect(preview.after?.collaterals[0]?.withdrawMaxAtoms).toBe(5n);
    });

    test('only by its owner', () => {
        const preview = engine.preview(scene(), { kind: 'deposit', reserve: key(9), atoms: 5n, byOwner: false });
        expect(preview.refusal).toBe(6202);
    });

    test('a first supply mints shares at the first price', () => {
        const some = scene();
        const at = some.reserves[0]!;
        const preview = engine.previewSupply(
            some.market,
            at,
            blankLender(key(4), at, key(3)),
            { kind: 'supply', atoms: 10n },
            NOW,
        );
        expect([preview.refusal, preview.shares, preview.before.assetsAtoms, preview.after.assetsAtoms]).toEqual([
            0,
            10n << 20n,
            0n,
            10n,
        ]);
        expect(preview.reserve.cashAtoms).toBe(10n);
    });

    test('nothing can be redeemed of nothing', () => {
        const some = scene();
        const at = some.reserves[0]!;
        const preview = engine.previewSupply(
            some.market,
            at,
            blankLender(key(4), at, key(3)),
            { kind: 'redeem', shares: 1n },
            NOW,
        );
        expect([preview.refusal, preview.atoms, preview.after]).toEqual([6001, 0n, preview.before]);
    });
});
