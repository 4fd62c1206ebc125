import type { Address } from '@solana/kit';
import { describe, expect, test } from 'vitest';

import {
    decodeAccount,
    decodeReturned,
    DecodeError,
    filtersOf,
    KINDS,
    kindOf,
    legsOf,
    QUOTES,
    type KindName,
    type Position,
} from '../src/index.js';
import { fixture, fromHex, shown, withoutTypes } from './support/fixtures.js';

type Fixture = { kind: string; data: string; state: string };

const somewhere = 'SysvarC1ock11111111111111111111111111111111' as Address;
const accounts = fixture<Fixture[]>('accounts');

describe.each(accounts)('a $kind', ({ kind, data, state }) => {
    const name = kind as KindName;
    const bytes = fromHex(data);

    test('has the fields that the Rust client reads', () => {
        expect(shown(decodeAccount(name, somewhere, bytes).state, 'bytes')).toBe(withoutTypes(state));
        expect(kindOf(bytes)).toBe(name);
    });

    test('keeps the bytes it was read from', () => {
        expect(decodeAccount(name, somewhere, bytes).data).toBe(bytes);
    });

    test('of another owner, kind, size or version is refused by name', () => {
        const refusal = (data: Uint8Array, owner?: Address): DecodeError => {
            try {
                decodeAccount(name, somewhere, data, owner);
            } catch (error) {
                if (error instanceof DecodeError) return error;
            }
            throw new Error('expected a refusal');
        };
        const article = `${somewhere} is a ${KINDS[name].name}`;
        expect(refusal(bytes, somewhere).message).toBe(
            `${somewhere} belongs to program ${somewhere}, not to Plimsoll; is this the right cluster and address?`,
        );
        expect(refusal(bytes.with(0, bytes[0]! ^ 1)).reason).toBe('kind');
        expect(refusal(bytes.subarray(0, 20)).message).toContain(`has 20 bytes, a ${KINDS[name].name} has ${bytes.length}`);
        expect(refusal(bytes.with(8, 2)).message).toBe(
            `${article} of layout version 2; this client knows version 1: update the client`,
        );
    });

    test('is found by filters at the places of its keys', () => {
        const loaded = decodeAccount(name, somewhere, bytes).state as unknown as Record<string, Address>;
        const wanted: Record<string, string[]> = {
            reserve: ['market'],
            position: ['market', 'owner'],
            lender: ['reserve', 'owner'],
            backstop: ['market', 'reserve'],
            provider: ['backstop', 'owner'],
            proposal: ['market'],
            market: [],
        };
        const fields = Object.fromEntries((wanted[kind] ?? []).map(field => [field, loaded[field] as Address]));
        const filters = filtersOf(name, fields);
        expect(filters.length).toBe(1 + Object.keys(fields).length);
        for (const [index, field] of Object.keys(fields).entries()) {
            const { offset, bytes: text } = filters[index + 1]!.memcmp;
            expect(String(text), field).toBe(loaded[field]);
            const at = Number(offset);
            const found = decodeAccount(name, somewhere, bytes).data.slice(at, at + 32);
            expect(shown(loaded[field], 'bytes')).toBe(`[${found.join(', ')}]`);
        }
    });
});

test('a position that claims too many slots is refused', () => {
    const bytes = fromHex(accounts.find(({ kind }) => kind === 'position')!.data);
    expect(() => decodeAccount('position', somewhere, bytes.with(12, 9))).toThrow(
        'claims 9 collaterals and 4 debts; a position has at most 8 and 4',
    );
    const position: Position = decodeAccount('position', somewhere, bytes.with(12, 2).with(13, 1));
    expect(legsOf(position).length).toBe(3);
});

describe.each(fixture<Fixture[]>('quotes'))('a quote of a $kind', ({ kind, data, state }) => {
    const decoder = QUOTES[kind as keyof typeof QUOTES]();

    test('has the fields that the Rust client reads, also without its trailing zeros', () => {
        const bytes = fromHex(data);
        expect(shown(decodeReturned<unknown>(decoder as never, bytes), 'bytes')).toBe(withoutTypes(state));
        bytes.fill(0, bytes.length - 40);
        expect(decodeReturned<unknown>(decoder as never, bytes.subarray(0, bytes.length - 40))).toEqual(decoder.decode(bytes));
    });

    test('with more bytes than it has is refused', () => {
        const longer = new Uint8Array(decoder.fixedSize + 1);
        const sentence = `return data has ${longer.length} bytes, this quote has ${decoder.fixedSize}`;
        expect(() => decodeReturned<unknown>(decoder as never, longer)).toThrow(sentence);
    });
});
