/**
 * Events, decoded from the program's calls to itself, and the history they make.
 * @module
 */
import { getBase58Encoder, type Address, type ReadonlyUint8Array, type Signature } from '@solana/kit';

import { PROGRAM_ADDRESS } from './addresses.js';
import type { PlimsollRpc } from './chain.js';
import { EVENTS, type PlimsollEvent } from './generated/events.js';

export { EVENTS, type PlimsollEvent } from './generated/events.js';

/** First eight bytes of a call that carries an event. */
const EVENT_TAG = [228, 69, 165, 46, 81, 203, 154, 29];

/** Why the data of an inner instruction is no event of this client's. */
export class EventError extends Error {
    override readonly name = 'EventError';
}

const starts = (data: ReadonlyUint8Array, start: readonly number[], at = 0): boolean =>
    start.every((byte, index) => data[at + index] === byte);

/** Whether the data of an inner instruction carries an event. */
export function isEvent(data: ReadonlyUint8Array): boolean {
    return data.length >= 16 && starts(data, EVENT_TAG);
}

/**
 * Decodes the data of an inner instruction.
 *
 * @throws {@link EventError}
 */
export function decodeEvent(data: ReadonlyUint8Array): PlimsollEvent {
    if (!isEvent(data)) {
        throw new EventError("inner instruction is no event: its first eight bytes are not Anchor's event tag");
    }
    const event = EVENTS.find(known => starts(data, known.discriminator, 8));
    if (event === undefined) {
        throw new EventError(`event [${[...data.slice(8, 16)].join(', ')}] is unknown to this client; update the client`);
    }
    const malformed = `event \`${event.name}\` does not have the fields this client knows; update the client`;
    let decoded: readonly [unknown, number];
    try {
        decoded = event.decoder.read(data, 16);
    } catch (cause) {
        throw new EventError(malformed, { cause });
    }
    if (decoded[1] !== data.length) throw new EventError(malformed);
    return { name: event.name, data: decoded[0] } as PlimsollEvent;
}

/** An event of the history: what happened, when, and where to look it up. */
export type HistoryEntry = Readonly<{
    /** What happened. */
    event: PlimsollEvent;
    /** Signature of the transaction. */
    signature: Signature;
    /** Slot. */
    slot: bigint;
    /** Unix time of its block, where the node knows it; a local Surfpool says a thousandth of it. */
    unix: bigint | undefined;
}>;

type Inner = Readonly<{ instructions: readonly Readonly<{ programIdIndex: number; data: string }>[] }>;

/** The program's events among the inner instructions of a transaction (encoding `json`). Those of newer versions are left out. */
export function eventsIn(
    innerInstructions: readonly Inner[] | null | undefined,
    accountKeys: readonly string[],
): PlimsollEvent[] {
    const base58 = getBase58Encoder();
    const events: PlimsollEvent[] = [];
    for (const { programIdIndex, data } of (innerInstructions ?? []).flatMap(inner => inner.instructions)) {
        if (accountKeys[programIdIndex] !== PROGRAM_ADDRESS) continue;
        const bytes = base58.encode(data);
        const isKnown = isEvent(bytes) && EVENTS.some(known => starts(bytes, known.discriminator, 8));
        if (isKnown) events.push(decodeEvent(bytes));
    }
    return events;
}

/** The program's events of one transaction; `undefined` where the node does not (yet) know it, or it failed. */
export async function eventsOf(rpc: PlimsollRpc, signature: Signature): Promise<HistoryEntry[] | undefined> {
    const config = { encoding: 'json', commitment: 'confirmed', maxSupportedTransactionVersion: 0 } as const;
    const found = await rpc.getTransaction(signature, config).send();
    if (found === null || found.meta === null || found.meta.err !== null) return undefined;
    const loaded = found.meta.loadedAddresses;
    const keys = [...found.transaction.message.accountKeys, ...(loaded?.writable ?? []), ...(loaded?.readonly ?? [])];
    const inner = found.meta.innerInstructions as unknown as readonly Inner[] | null;
    const unix = found.blockTime ?? undefined;
    return eventsIn(inner, keys).map(event => ({ event, signature, slot: found.slot, unix }));
}

/**
 * What happened to an account, newest first: the events of the transactions that named it.
 *
 * @param limit Most transactions to look at.
 */
export async function historyOf(
    rpc: PlimsollRpc,
    account: Address,
    { limit = 25, before }: { limit?: number; before?: Signature } = {},
): Promise<HistoryEntry[]> {
    const signatures = await rpc.getSignaturesForAddress(account, { limit, before, commitment: 'confirmed' }).send();
    const good = signatures.filter(entry => entry.err === null);
    const events = await Promise.all(good.map(entry => eventsOf(rpc, entry.signature)));
    return events.flatMap(entries => (entries ?? []).reverse());
}
