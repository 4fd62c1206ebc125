/**
 * What the engine can be asked, and how it is written in bytes.
 * @module
 */
import { getAddressEncoder, getI64Encoder, getU64Encoder, type Address, type ReadonlyUint8Array } from '@solana/kit';

import { legsOf, MAX_COLLATERALS, MAX_DEBTS } from './accounts.js';
import * as types from './generated/types/index.js';
import { toWord128, U64_MAX } from './numbers.js';
import type { Now } from './prices.js';
import type { Scene } from './scene.js';

/** Actions, by the numbers of `crates/wasm`. */
const ACTION = { deposit: 1n, withdraw: 2n, borrow: 3n, repay: 4n, liquidate: 5n } as const;
/** Most reserves of a scene. */
const RESERVES_MAX = MAX_COLLATERALS + MAX_DEBTS + 1;

/** Why the engine gave no answer. A refusal of an action is an answer, not this. */
export class EngineError extends Error {
    override readonly name = 'EngineError';
}

/** What somebody may do to a position. Amounts are atoms. */
export type Action =
    | Readonly<{ kind: 'deposit'; reserve: Address; atoms: bigint; byOwner?: boolean }>
    | Readonly<{ kind: 'withdraw'; reserve: Address; atoms: bigint }>
    | Readonly<{ kind: 'borrow'; reserve: Address; atoms: bigint }>
    | Readonly<{ kind: 'repay'; reserve: Address; atoms: bigint }>
    | Readonly<{ kind: 'liquidate'; seized: Address; repaid: Address; repayMaxAtoms: bigint; seizeMinAtoms?: bigint }>;

/** An action whose amount is asked for. */
export type SizedAction = Readonly<{ kind: 'deposit' | 'withdraw' | 'borrow' | 'repay'; reserve: Address }>;

/** A reserve's price moved to so many basis points of what it is: 8,000 is a fall of a fifth. */
export type PriceShock = Readonly<{ reserve: Address; bps: bigint }>;

/** What a lender may do. */
export type SupplyChange = Readonly<{ kind: 'supply'; atoms: bigint }> | Readonly<{ kind: 'redeem'; shares: bigint }>;

/**
 * Writes a question.
 * @internal
 */
export class Question {
    readonly #parts: ReadonlyUint8Array[] = [];

    bytes(...parts: ReadonlyUint8Array[]): this {
        this.#parts.push(...parts);
        return this;
    }

    u64(...numbers: bigint[]): this {
        for (const number of numbers) {
            if (number < 0n || number > U64_MAX) throw new EngineError(`${number} is not a 64-bit amount`);
            this.#parts.push(getU64Encoder().encode(number));
        }
        return this;
    }

    key(address: Address): this {
        return this.bytes(getAddressEncoder().encode(address));
    }

    word128(number: bigint): this {
        return this.bytes(types.getWord128Encoder().encode(toWord128(number)));
    }

    now({ unix, slot }: Now): this {
        return this.bytes(getI64Encoder().encode(unix)).u64(slot);
    }

    scene({ now, market, position, reserves, offers }: Scene, ...more: Address[]): this {
        const wanted = new Set<Address>([...legsOf(position), ...more]);
        const legs = reserves.filter(reserve => wanted.has(reserve.address));
        if (legs.length > RESERVES_MAX) throw new EngineError(`a scene has at most ${RESERVES_MAX} reserves`);
        this.now(now).bytes(market.data, position.data).u64(BigInt(legs.length));
        for (const reserve of legs) {
            const offer = offers.find(offer => offer.reserve === reserve.address);
            this.key(reserve.address)
                .bytes(reserve.data)
                .u64(offer === undefined ? 0n : 1n);
            this.bytes(types.getReadingEncoder().encode(offer?.reading ?? NO_READING));
        }
        return this;
    }

    action(action: Action): this {
        if (action.kind === 'liquidate') {
            this.u64(ACTION.liquidate).key(action.seized).key(action.repaid);
            return this.u64(action.repayMaxAtoms, action.seizeMinAtoms ?? 0n);
        }
        const byOwner = action.kind === 'deposit' && (action.byOwner ?? true);
        return this.u64(ACTION[action.kind])
            .key(action.reserve)
            .bytes(NO_KEY)
            .u64(action.atoms, byOwner ? 1n : 0n);
    }

    get parts(): readonly ReadonlyUint8Array[] {
        return this.#parts;
    }
}

const NO_KEY = new Uint8Array(32);
const NO_READING: types.Reading = {
    price: 0n,
    confidence: 0n,
    average: 0n,
    publishTime: 0n,
    slot: 0n,
    exponent: 0,
    reserved: [0, 0, 0],
};

/**
 * Reserves that an action names.
 * @internal
 */
export function named(action: Action | SizedAction): Address[] {
    return action.kind === 'liquidate' ? [action.seized, action.repaid] : [action.reserve];
}
