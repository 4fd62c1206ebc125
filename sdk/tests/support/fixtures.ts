/** Files that the Rust client wrote (`crates/client/tests/typescript.rs`), and its way of showing values. */
import { readFileSync } from 'node:fs';

import { getAddressEncoder, isAddress } from '@solana/kit';

/** A file of `tests/fixtures`. */
export function fixture<T>(name: string): T {
    return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Bytes from hexadecimal text. */
export function fromHex(text: string): Uint8Array {
    return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** A value as Rust's `{:?}` shows it, without the names of types. Keys of accounts are bytes there, keys of events text. */
export function shown(value: unknown, keys: 'bytes' | 'text'): string {
    if (typeof value === 'string') {
        if (!isAddress(value)) throw new Error(`a text that is no address: ${value}`);
        return keys === 'text' ? value : `[${getAddressEncoder().encode(value).join(', ')}]`;
    }
    if (value instanceof Uint8Array || Array.isArray(value)) {
        return `[${Array.from(value as ArrayLike<unknown>, one => shown(one, keys)).join(', ')}]`;
    }
    if (typeof value === 'object' && value !== null) {
        const fields = Object.entries(value).map(([name, inner]) => `${snake(name)}: ${shown(inner, keys)}`);
        return `{ ${fields.join(', ')} }`;
    }
    return String(value);
}

/** What Rust shows, without the names of types. */
export function withoutTypes(text: string): string {
    return text.replace(/\b[A-Z]\w* \{/g, '{');
}

function snake(name: string): string {
    return name.replace(/(?<=[a-z0-9])[A-Z]|(?<=[a-z])[0-9]+$/g, part => `_${part.toLowerCase()}`);
}
