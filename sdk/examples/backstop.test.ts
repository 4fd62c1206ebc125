/** A backstop provider's life, on a local validator. */
import type { Address, KeyPairSigner } from '@solana/kit';
import { beforeAll, expect, test } from 'vitest';

import {
    ask,
    backstopAddress,
    backstopLiquidate,
    eventsOf,
    fetchBackstop,
    fetchBackstopProvider,
    fetchNow,
    fetchReserve,
    offersFor,
    quoteBackstopProvider,
    requestBackstopWithdrawal,
    reserveOf,
    tokenAccountOf,
    withdrawBackstop,
} from '../src/index.js';
import { claimGains, deposit, join, standing } from './provide.js';
import { Begun } from './support/begin.js';
import { whole } from './support/stage.js';

let begun: Begun;
let pool: Address;
let provider: KeyPairSigner;

beforeAll(async () => {
    begun = await Begun.now();
    pool = await backstopAddress(begun.stage.usdc.reserve, 0);
    provider = await begun.person(0n, 10_000n);
}, 60_000);

/** The engine says of the provider what the program says. */
async function expectSameQuote(): Promise<void> {
    const { net, engine, stage } = begun;
    await net.atRest(async () => {
        const asked = await quoteBackstopProvider({ owner: provider.address, backstop: pool });
        const said = await ask(net.rpc, stage.admin.address, 'provider', asked);
        expect(await standing(net.rpc, engine, pool, provider.address)).toEqual(said);
    });
}

test('a deposit warms up, joins, buys what falls, and gains', async () => {
    const { net, engine, stage } = begun;
    const atoms = whole(stage.usdc, 10_000n);
    await deposit(net.rpc, provider, pool, atoms);
    const warming = await standing(net.rpc, engine, pool, provider.address);
    expect([warming.depositAtoms, warming.warmingAtoms]).toEqual([0n, atoms]);
    await expectSameQuote();

    await net.passTime(warming.warmAt - (await fetchNow(net.rpc)).unix + 1n);
    await join(net.rpc, stage.admin, pool, provider.address);
    expect((await standing(net.rpc, engine, pool, provider.address)).depositAtoms).toBe(atoms);

    const position = await begun.indebted(await begun.person(100n, 0n));
    await stage.prices(12_000n);
    const first = await begun.scene(position);
    await net.passSlots(first.position.state.coolingUntilSlot + 1n);
    await stage.prices(12_000n);
    const scene = await begun.scene(position);
    const seized = reserveOf(scene, stage.sol.reserve);
    await stage.give(stage.admin.address, stage.sol, 0n);
    const instruction = await backstopLiquidate({
        position: scene.position,
        seized,
        repaid: stage.usdc.reserve,
        generation: 0,
        tipTo: await tokenAccountOf(seized, stage.admin.address),
        tipMinAtoms: 1n,
        offers: offersFor(scene),
    });
    const { signature } = await net.send(stage.admin, instruction);
    const [bought] = (await eventsOf(net.rpc, signature)) ?? [];
    if (bought?.event.name !== 'PositionAbsorbed') throw new Error(bought?.event.name);
    expect(await stage.held(stage.admin.address, stage.sol)).toBeGreaterThan(0n);

    await expectSameQuote();
    const after = await standing(net.rpc, engine, pool, provider.address);
    expect(after.depositAtoms).toBeLessThan(atoms);
    const gained = await claimGains(net.rpc, engine, provider, pool);
    expect(gained.get(stage.sol.reserve)).toBe(after.gainAtoms[0]);
    expect(await stage.held(provider.address, stage.sol)).toBe(after.gainAtoms[0]);
}, 60_000);

test('a withdrawal cools down, and is paid', async () => {
    const { net, engine, stage } = begun;
    const backstop = await fetchBackstop(net.rpc, pool);
    const { depositAtoms } = await standing(net.rpc, engine, pool, provider.address);
    await net.send(provider, await requestBackstopWithdrawal({ owner: provider, backstop, atoms: depositAtoms / 2n }));
    const asked = await standing(net.rpc, engine, pool, provider.address);
    expect(asked.withdrawalAtoms).toBe(depositAtoms / 2n);
    await net.passTime(asked.maturesAt - (await fetchNow(net.rpc)).unix + 1n);
    const before = await stage.held(provider.address, stage.usdc);
    const reserve = await fetchReserve(net.rpc, stage.usdc.reserve);
    await net.send(provider, await withdrawBackstop({ owner: provider, backstop, reserve }));
    expect((await stage.held(provider.address, stage.usdc)) - before).toBe(depositAtoms / 2n);
    expect((await fetchBackstopProvider(net.rpc, pool, provider.address))?.state.requestedAtoms).toBe(0n);
});
