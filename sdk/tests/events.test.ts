import { getBase58Decoder } from '@solana/kit';
import { describe, expect, test } from 'vitest';

import { decodeEvent, DepositChange, EventError, EVENTS, eventsIn, PROGRAM_ADDRESS } from '../src/index.js';
import { fixture, fromHex, shown, withoutTypes } from './support/fixtures.js';

const events = fixture<{ name: string; data: string; state: string }[]>('events');

test('every event is known, and no other', () => {
    expect(EVENTS.map(event => event.name).sort()).toEqual(events.map(event => event.name).sort());
});

const changes = DepositChange as unknown as Record<string, number>;

describe.each(events)('$name', ({ name, data: wire, state }) => {
    test('has the fields that the Rust client reads', () => {
        const event = decodeEvent(fromHex(wire));
        expect(event.name).toBe(name);
        const data: Record<string, unknown> = { ...event.data };
        // An enumeration is a number here and a name there.
        const named = withoutTypes(state.slice(name.length + 1, -1));
        const plain =
            'change' in data ? named.replace(/change: (\w+)/, (_, change: string) => `change: ${changes[change]}`) : named;
        const fields = shown(data, 'text');
        expect(fields).toBe(plain);
    });

    test('cut short or too long is refused by name', () => {
        const bytes = fromHex(wire);
        const sentence = `event \`${name}\` does not have the fields this client knows; update the client`;
        expect(() => decodeEvent(bytes.subarray(0, bytes.length - 1))).toThrow(sentence);
        expect(() => decodeEvent(Uint8Array.from([...bytes, 0]))).toThrow(sentence);
    });
});

test('what is no event is told apart from what is unknown', () => {
    const bytes = fromHex(events[0]!.data);
    expect(() => decodeEvent(bytes.subarray(1))).toThrow(
        "inner instruction is no event: its first eight bytes are not Anchor's event tag",
    );
    expect(() => decodeEvent(bytes.with(8, bytes[8]! ^ 1))).toThrow(EventError);
});

test('of a transaction the program’s own known events are taken, in order', () => {
    const base58 = getBase58Decoder();
    const [first, second] = [events[0]!, events[1]!];
    const call = (programIdIndex: number, bytes: Uint8Array) => ({ programIdIndex, data: base58.decode(bytes) });
    const known = [first, second].map(event => call(1, fromHex(event.data)));
    const strange = fromHex(first.data).fill(7, 8, 16);
    const inner = [
        { instructions: [call(0, fromHex(first.data)), known[0]!, call(1, strange)] },
        { instructions: [call(1, Uint8Array.of(1, 2, 3)), known[1]!] },
    ];
    const names = eventsIn(inner, ['TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', PROGRAM_ADDRESS]).map(event => event.name);
    expect(names).toEqual([first.name, second.name]);
    expect(eventsIn(null, [])).toEqual([]);
});
