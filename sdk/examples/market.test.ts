/**
 * The examples on a real local validator, and the engine's previews beside the program's own answers.
 * `cargo xtask test sdk` starts the validator and names it in PLIMSOLL_RPC and PLIMSOLL_WS.
 */
import { getTransactionDecoder, getTransactionEncoder, type Address, type KeyPairSigner } from '@solana/kit';
import { beforeAll, describe, expect, test } from 'vitest';

import {
    ask,
    borrow,
    collateralsOf,
    deposit,
    fetchLender,
    fetchPosition,
    fetchReserve,
    historyOf,
    LiveMarket,
    liveScene,
    offersFor,
    openPosition,
    quoteLender,
    quoteLiquidation,
    quotePosition,
    repay,
    repayRecovery,
    reserveOf,
    sendInstructions,
    shockViews,
    TransactionFailure,
    walletSigner,
    withdraw,
    type Engine,
    type Scene,
} from '../src/index.js';
import { depositAndBorrow } from './borrow.js';
import { claim, supplyTo } from './lend.js';
import { liquidateFirstPair } from './liquidate.js';
import { Begun } from './support/begin.js';
import type { Localnet } from './support/localnet.js';
import { type Stage, whole } from './support/stage.js';

const E9 = 1_000_000_000n;

let begun: Begun;
let net: Localnet;
let engine: Engine;
let stage: Stage;

beforeAll(async () => {
    begun = await Begun.now();
    ({ net, engine, stage } = begun);
}, 60_000);

const person = (sol: bigint, usdc: bigint): Promise<KeyPairSigner> => begun.person(sol, usdc);
const sceneOf = (position: Address): Promise<Scene> => begun.scene(position);

/** The engine's quote is the program's, field by field, at the same moment. */
async function expectSameQuotes(position: Address): Promise<void> {
    await net.atRest(async () => {
        const scene = await sceneOf(position);
        const offers = offersFor(scene);
        const asked = quotePosition({ position: scene.position, offers });
        expect(engine.quotePosition(scene)).toEqual(await ask(net.rpc, stage.admin.address, 'position', asked));
        for (let debtSlot = 0; debtSlot < scene.position.state.debtCount; debtSlot += 1) {
            const pair = { collateralSlot: 0, debtSlot, repayMaxAtoms: 1_000_000_000n };
            for (const question of [pair, { collateralSlot: 0, debtSlot }]) {
                const instruction = quoteLiquidation({ position: scene.position, offers, ...question });
                const said = await ask(net.rpc, stage.admin.address, 'liquidation', instruction);
                expect(engine.quoteLiquidation(scene, question)).toEqual(said);
            }
        }
    });
}

describe('a borrower', () => {
    let owner: KeyPairSigner;
    let position: Address;
    let borrowed: bigint;

    beforeAll(async () => {
        owner = await person(200n, 1_000n);
        await stage.prices(15_000n);
        const tokens = { collateral: stage.sol.mint, debt: stage.usdc.mint };
        ({ position, borrowed } = await depositAndBorrow(net.rpc, engine, owner, stage.market, tokens, whole(stage.sol, 100n)));
    }, 60_000);

    test('deposits and borrows', async () => {
        const { state } = await fetchPosition(net.rpc, position);
        expect(collateralsOf(await fetchPosition(net.rpc, position)).map(slot => slot.atoms)).toEqual([whole(stage.sol, 100n)]);
        expect(state.debtCount).toBe(1);
        expect(borrowed).toBeGreaterThan(whole(stage.usdc, 4_000n));
        expect(await stage.held(owner.address, stage.usdc)).toBe(whole(stage.usdc, 1_000n) + borrowed);
    });

    test('is quoted the same by the engine and by the program', async () => {
        await stage.prices(14_900n);
        await expectSameQuotes(position);
        await stage.prices(9_000n);
        await expectSameQuotes(position);
        await stage.prices(15_000n);
    });

    test.each(['deposit', 'borrow', 'repay', 'withdraw'] as const)(
        'sees beforehand what a %s makes of the position',
        async kind => {
            await stage.prices(15_000n);
            const listing = kind === 'deposit' || kind === 'withdraw' ? stage.sol : stage.usdc;
            await net.atRest(async () => {
                // Even a stopped clock may go on with a transaction: until it did not.
                for (let isSameTime = false, tries = 0; !isSameTime; tries += 1) {
                    expect(tries, 'the clock goes on with every transaction').toBeLessThan(20);
                    const scene = await sceneOf(position);
                    const reserve = reserveOf(scene, listing.reserve);
                    const action = { kind, reserve: reserve.address, atoms: whole(listing, 1n) };
                    const preview = engine.preview(scene, action);
                    expect(preview.refusal).toBe(0);
                    const input = { position: scene.position, reserve, atoms: action.atoms, offers: offersFor(scene) };
                    const instruction = {
                        deposit: () => deposit({ ...input, depositor: owner, position }),
                        borrow: () => borrow({ ...input, owner }),
                        repay: () => repay({ payer: owner, position, reserve, atomsMax: action.atoms }),
                        withdraw: () => withdraw({ ...input, owner }),
                    }[kind];
                    await net.send(owner, await instruction());
                    const after = await sceneOf(position);
                    isSameTime = after.now.unix === scene.now.unix;
                    if (!isSameTime) continue;
                    const asked = quotePosition({ position: after.position, offers: offersFor(after) });
                    expect(preview.after).toEqual(await ask(net.rpc, owner.address, 'position', asked));
                    const moves = { sequence: 0n, coolingUntilSlot: 0n };
                    expect({ ...preview.position, ...moves }).toEqual({ ...after.position.state, ...moves });
                }
            });
        },
    );

    test('is told the program’s own refusal, before and after', async () => {
        await stage.prices(15_000n);
        const scene = await sceneOf(position);
        const reserve = reserveOf(scene, stage.usdc.reserve);
        const { atoms } = engine.most(scene, { kind: 'borrow', reserve: reserve.address });
        const tooMuch = atoms + whole(stage.usdc, 1n);
        const preview = engine.preview(scene, { kind: 'borrow', reserve: reserve.address, atoms: tooMuch });
        expect(preview.refusal).toBe(6300);
        const instruction = await borrow({
            owner,
            position: scene.position,
            reserve,
            atoms: tooMuch,
            offers: offersFor(scene, reserve.address),
        });
        const refused = net.send(owner, instruction);
        await expect(refused).rejects.toBeInstanceOf(TransactionFailure);
        await expect(refused).rejects.toThrow('(InitialHealthTooLow, code 6300)');
    });

    test('may borrow what the engine says is the most', async () => {
        await stage.prices(15_000n);
        await net.atRest(async () => {
            const scene = await sceneOf(position);
            const reserve = reserveOf(scene, stage.usdc.reserve);
            const { atoms } = engine.most(scene, { kind: 'borrow', reserve: reserve.address });
            const input = { owner, position: scene.position, reserve, offers: offersFor(scene, reserve.address) };
            await net.send(owner, await borrow({ ...input, atoms }));
            const after = engine.quotePosition(await sceneOf(position));
            expect(after.initialHealthE9).toBeGreaterThanOrEqual(E9);
            expect(after.initialHealthE9).toBeLessThan(E9 + 10_000n);
        });
    });
});

describe('a wallet', () => {
    const wallet = (key: KeyPairSigner, sign = true) =>
        walletSigner({
            account: { address: key.address },
            chain: 'solana:localnet',
            signTransaction: async (...inputs) => {
                if (!sign) throw new Error('the user declined');
                const signed = inputs.map(async ({ transaction }) => {
                    const decoded = getTransactionDecoder().decode(transaction);
                    const [signatures] = await key.signTransactions([decoded as never]);
                    const signed = { ...decoded, signatures: { ...decoded.signatures, ...signatures } };
                    return { signedTransaction: Uint8Array.from(getTransactionEncoder().encode(signed)) };
                });
                return Promise.all(signed);
            },
        });

    test('of the Wallet Standard signs and pays', async () => {
        const key = await net.fundedSigner();
        const owner = wallet(key);
        const { instruction, address } = await openPosition({ owner, market: stage.market });
        const stages: string[] = [];
        await sendInstructions(net.rpc, owner, [instruction], { onProgress: ({ stage }) => stages.push(stage) });
        expect((await fetchPosition(net.rpc, address)).state.owner).toBe(key.address);
        expect(stages).toEqual(['simulating', 'signing', 'confirming', 'confirmed']);
    });

    test('whose user declines says so, and nothing happens', async () => {
        const key = await net.fundedSigner();
        const owner = wallet(key, false);
        const { instruction, address } = await openPosition({ owner, market: stage.market });
        await expect(sendInstructions(net.rpc, owner, [instruction])).rejects.toThrow('the user declined');
        await expect(fetchPosition(net.rpc, address)).rejects.toThrow(`there is no position at ${address}`);
    });
});

describe('a fall of the price', () => {
    let owner: KeyPairSigner;
    let position: Address;
    let liquidator: KeyPairSigner;

    beforeAll(async () => {
        [owner, liquidator] = [await person(100n, 0n), await person(0n, 50_000n)];
        position = await begun.indebted(owner);
    }, 60_000);

    test('is shown before it comes: health at the liquidation price is one', async () => {
        const scene = await sceneOf(position);
        const quote = engine.quotePosition(scene);
        const price = quote.collaterals[0]!.liquidationPriceNanoUsd;
        const bps = (price * 10_000n) / 150_000_000_000n;
        const at = engine.shock(scene, [{ reserve: stage.sol.reserve, bps }]);
        expect(at.maintenanceHealthE9).toBeGreaterThan(E9 - 200_000n);
        expect(at.maintenanceHealthE9).toBeLessThan(E9 + 200_000n);
        expect(engine.shock(scene, [])).toEqual(quote);
    });

    test('reaches a page live', async () => {
        const { rpc, rpcSubscriptions } = net;
        const live = LiveMarket.start({
            rpc,
            rpcSubscriptions,
            market: stage.market,
            positions: 'all',
            pollMs: 200,
            resnapshotMs: 600_000,
        });
        try {
            const until = async (holds: () => boolean): Promise<void> => {
                for (let tries = 0; !holds(); tries += 1) {
                    if (tries > 400)
                        throw new Error(
                            `not seen within 10 s: ${JSON.stringify([...live.state().reserves.keys()])} ${live.state().status} ${String(live.state().error)}`,
                        );
                    await new Promise(resolve => setTimeout(resolve, 25));
                }
            };
            await until(() => live.state().status === 'live' && live.state().positions.has(position));
            const sequence = () => live.state().positions.get(position)?.state.sequence ?? 0n;
            const before = sequence();
            await net.send(
                owner,
                await repay({ payer: owner, position, reserve: await fetchReserve(rpc, stage.usdc.reserve), atomsMax: 1n }),
            );
            await until(() => sequence() > before);

            // A price that nobody has handed in yet, and what it makes of the position.
            const health = (): bigint => {
                const known = live.state().positions.get(position);
                const now = known && liveScene(live.state(), known);
                return now === undefined ? 0n : engine.quotePosition(now).maintenanceHealthE9;
            };
            const calm = health();
            expect(calm).toBeGreaterThan(E9);
            await stage.prices(12_000n);
            await until(() => health() < E9);
            expect(live.state().offers.get(stage.sol.reserve)?.price).toBe(stage.sol.feed.account);
            const scenes = [...live.state().positions.values()].flatMap(one => liveScene(live.state(), one) ?? []);
            const unhealthy = scenes.filter(one => engine.quotePosition(one).maintenanceHealthE9 < E9);
            expect(unhealthy.map(one => one.position.address)).toContain(position);
            expect(shockViews(engine, scenes, [10_000n])[0]?.positions).toBe(unhealthy.length);
            await stage.prices(15_000n);
            await until(() => health() > E9);
        } finally {
            live.stop();
        }
    });

    test('ends in a liquidation by somebody else, as quoted', async () => {
        await stage.prices(12_600n);
        const { retrySlot } = engine.quoteLiquidation(await sceneOf(position), { collateralSlot: 0, debtSlot: 0 });
        await net.passSlots(retrySlot);
        await expectSameQuotes(position);
        const scene = await sceneOf(position);
        const preview = engine.preview(scene, {
            kind: 'liquidate',
            seized: stage.sol.reserve,
            repaid: stage.usdc.reserve,
            repayMaxAtoms: 2n ** 64n - 1n,
        });
        const { event } = await liquidateFirstPair(net.rpc, engine, liquidator, position);
        if (event.name !== 'PositionLiquidated') throw new Error(event.name);
        expect(preview.refusal).toBe(0);
        // A second of interest may lie between.
        const distance = event.data.repayAtoms - preview.paidAtoms;
        expect(distance < 1_000n && distance > -1_000n).toBe(true);
        expect(event.data.healthAfterE9).toBeGreaterThan(E9);
        expect(await stage.held(liquidator.address, stage.sol)).toBe(event.data.seizeAtoms);
        const history = await historyOf(net.rpc, position);
        expect(history[0]?.event).toEqual(event);
        expect(history.at(-1)?.event.name).toBe('AccountChanged');
    });

    test('and what lenders lose in a crash comes back to them', async () => {
        const lender = await person(0n, 10_000n);
        const seen = await supplyTo(net.rpc, engine, lender, stage.usdc.reserve, whole(stage.usdc, 10_000n));
        expect((await fetchLender(net.rpc, stage.usdc.reserve, lender.address))?.state.shares.lo).toBe(
            seen.shares & (2n ** 64n - 1n),
        );
        await stage.prices(4_000n);
        await expectSameQuotes(position);
        const { event } = await liquidateFirstPair(net.rpc, engine, liquidator, position);
        if (event.name !== 'PositionLiquidated') throw new Error(event.name);
        expect(event.data.isTerminal).toBe(true);
        expect(event.data.haircutAtoms).toBeGreaterThan(0n);
        const reserve = await fetchReserve(net.rpc, stage.usdc.reserve);
        const payer = stage.admin;
        await net.send(payer, await repayRecovery({ payer, reserve, atomsMax: whole(stage.usdc, 500n) }));
        await net.atRest(async () => {
            const account = await fetchLender(net.rpc, stage.usdc.reserve, lender.address);
            const fresh = await fetchReserve(net.rpc, stage.usdc.reserve);
            const { now } = await sceneOf(position);
            const asked = await quoteLender({ owner: lender.address, reserve: stage.usdc.reserve });
            expect(engine.quoteLender(fresh, account!, now)).toEqual(await ask(net.rpc, payer.address, 'lender', asked));
        });
        const claimed = await claim(net.rpc, engine, lender, stage.usdc.reserve);
        expect(claimed).toBeGreaterThan(0n);
        expect(await stage.held(lender.address, stage.usdc)).toBe(claimed);
    });
});
