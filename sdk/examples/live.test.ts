/** A market that is watched over a network which fails, and comes back. */
import { createSolanaRpc, createSolanaRpcSubscriptions } from '@solana/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { accrueInterest, LiveMarket, type LiveState } from '../src/index.js';
import { Begun, endpoints } from './support/begin.js';
import { Link } from './support/network.js';

let begun: Begun;
let rpcLink: Link;
let wsLink: Link;
let live: LiveMarket;

beforeAll(async () => {
    begun = await Begun.now();
    const { rpc, ws } = endpoints();
    const [toRpc, toWs] = [await Link.to(rpc), await Link.to(ws)];
    [rpcLink, wsLink] = [toRpc.link, toWs.link];
    live = LiveMarket.start({
        rpc: createSolanaRpc(`http://127.0.0.1:${toRpc.port}`),
        rpcSubscriptions: createSolanaRpcSubscriptions(`ws://127.0.0.1:${toWs.port}`),
        market: begun.stage.market,
        pollMs: 100,
        resnapshotMs: 600_000,
    });
}, 60_000);

afterAll(() => {
    live.stop();
    rpcLink.close();
    wsLink.close();
});

async function until(what: string, holds: (state: LiveState) => boolean): Promise<void> {
    for (let tries = 0; !holds(live.state()); tries += 1) {
        if (tries > 800)
            throw new Error(`not within 20 s: ${what}; it is ${live.state().status}, ${String(live.state().error)}`);
        await new Promise(resolve => setTimeout(resolve, 25));
    }
}

const sequence = (): bigint => live.state().reserves.get(begun.stage.usdc.reserve)?.state.sequence ?? 0n;

/** Changes the reserve, and waits until that is seen. */
async function expectSeen(what: string): Promise<void> {
    const before = sequence();
    await begun.net.send(begun.stage.admin, accrueInterest(begun.stage.usdc.reserve));
    await until(what, () => sequence() > before);
}

test('changes come by websocket', async () => {
    await until('live', state => state.status === 'live');
    await expectSeen('a change by websocket');
    expect(live.state().status).toBe('live');
});

test('without the websocket it polls, and finds back', async () => {
    wsLink.cut();
    await until('polling', state => state.status === 'polling');
    await expectSeen('a change by polling');
    expect(live.state().status).toBe('polling');
    wsLink.mend();
    await until('live again', state => state.status === 'live');
    await expectSeen('a change by websocket again');
});

test('without a node it says so, keeps what it knew, and finds back', async () => {
    rpcLink.cut();
    wsLink.cut();
    await until('lost', state => state.status === 'lost');
    const { reserves, error } = live.state();
    expect(reserves.size).toBe(2);
    expect(error).toBeDefined();
    rpcLink.mend();
    wsLink.mend();
    await until('live again', state => state.status === 'live' && state.error === undefined);
    await expectSeen('a change after all');
});

test('every change is another object, and whoever left is not told', async () => {
    const seen: LiveState[] = [];
    const leave = live.subscribe(() => seen.push(live.state()));
    await expectSeen('a change');
    leave();
    const count = seen.length;
    expect(new Set(seen).size).toBe(count);
    await expectSeen('another change');
    expect(seen.length).toBe(count);
});
