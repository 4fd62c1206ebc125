/**
 * What only a local validator (Surfpool) lets anybody do: give tokens, write a price, move the clock. This file is in a chunk of its
 * own, which is loaded on localnet only; nothing of it works anywhere else.
 */
import { getI64Decoder, getI64Encoder, getU64Encoder, type Address } from '@solana/kit';

import {
    fetchNow,
    fetchPriceAccounts,
    fetchRaw,
    ORACLE_PULL,
    tokenProgramOf,
    type PlimsollRpc,
    type Reserve,
} from '@plimsoll/sdk';

/** Where a price account keeps price, confidence and publish time. */
const PULL = { price: 73, confidence: 81, time: 93 } as const;
const PUSH = { price: 208, confidence: 216, time: 96 } as const;
const FEES_LAMPORTS = 100_000_000_000;
/** A confidence of a twentieth of a percent, as in a calm market. */
const CONFIDENCE_PART = 2_000n;

/** Calls a method by name. */
export async function call(url: string, method: string, ...params: unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
}

/** Whether the node is one that lets us. */
export async function isSurfpool(url: string): Promise<boolean> {
    try {
        const version = (await call(url, 'getVersion')) as Record<string, unknown>;
        return 'surfnet-version' in version;
    } catch {
        return false;
    }
}

const hex = (data: Uint8Array): string => Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('');

/** A validator: its address, and a connection to it. */
export type Local = Readonly<{ url: string; rpc: PlimsollRpc }>;

/** Gives an account SOL for fees. */
export async function giveFees({ url }: Local, owner: Address): Promise<void> {
    await call(url, 'requestAirdrop', owner, FEES_LAMPORTS);
}

/** Makes an account's tokens so many atoms. */
export async function setTokens({ url }: Local, owner: Address, reserve: Reserve, atoms: bigint): Promise<void> {
    const amount = Number(atoms);
    await call(url, 'surfnet_setTokenAccount', owner, reserve.state.mint, { amount }, tokenProgramOf(reserve));
}

/** How far ahead of the clock the program lets a price be, seconds. */
const AHEAD_SECS = 5n;

/**
 * When a price is published that is to count: after the last one, since a reserve takes only what is newer. The clock of a validator
 * whose slots are transactions may not have moved since.
 */
export function nextPublishTime(unix: bigint, last: bigint): bigint {
    const next = last + 1n;
    if (next <= unix) return unix;
    return next > unix + AHEAD_SECS ? unix + AHEAD_SECS : next;
}

/** Between writing a price and looking whether it is still there, milliseconds; and how often to try. */
const SETTLE_MS = 60;
const TRIES = 5;

/**
 * Writes the price account of a reserve with its price moved to so many basis points of what it is. Whoever publishes prices may
 * write the old one over it at that very moment: then it is written again.
 */
export async function movePrice({ url, rpc }: Local, reserve: Reserve, bps: bigint): Promise<void> {
    const at = reserve.state.oracleKind === ORACLE_PULL ? PULL : PUSH;
    const addresses = (await fetchPriceAccounts(rpc, [reserve])).get(reserve.address) ?? [];
    const read = async () => {
        const [account] = (await fetchRaw(rpc, addresses)).accounts;
        if (account === undefined) throw new Error('the feed has no price account');
        return { ...account, price: getI64Decoder().decode(account.data, at.price) };
    };
    const price = ((await read()).price * bps) / 10_000n;
    for (let tries = 0; tries < TRIES; tries += 1) {
        const [account, now] = await Promise.all([read(), fetchNow(rpc)]);
        const data = Uint8Array.from(account.data);
        data.set(getI64Encoder().encode(price), at.price);
        data.set(getU64Encoder().encode(price / CONFIDENCE_PART), at.confidence);
        const time = nextPublishTime(now.unix, getI64Decoder().decode(account.data, at.time));
        data.set(getI64Encoder().encode(time), at.time);
        const written = { lamports: 10_000_000, owner: account.owner, executable: false, data: hex(data) };
        await call(url, 'surfnet_setAccount', account.address, written);
        await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
        if ((await read()).price === price) return;
    }
    throw new Error('somebody else keeps writing this price');
}

/** Moves the clock ahead. */
export async function passTime({ url, rpc }: Local, secs: bigint): Promise<void> {
    const { unix } = await fetchNow(rpc);
    await call(url, 'surfnet_timeTravel', { absoluteTimestamp: Number((unix + secs) * 1_000n) });
}
