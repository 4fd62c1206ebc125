/**
 * Accounts from bytes: address and state together, after owner, discriminator, size and layout version were checked.
 *
 * The bytes are kept beside what was read from them, because the engine wants them as they are.
 * @module
 */
import { type Address, type Decoder, type ReadonlyUint8Array } from '@solana/kit';

import { PROGRAM_ADDRESS, TOKEN_2022_PROGRAM_ADDRESS, TOKEN_PROGRAM_ADDRESS, tokenAccountAddress } from './addresses.js';
import * as accounts from './generated/accounts/index.js';
import type * as types from './generated/types/index.js';

/** The layout version this client knows. */
export const LAYOUT_VERSION = 1;
/** Most collaterals of a position. */
export const MAX_COLLATERALS = 8;
/** Most debts of a position. */
export const MAX_DEBTS = 4;
/** `tokenKind` of a reserve whose token is one of Token-2022. */
const TOKEN_2022_KIND = 1;
const DISCRIMINATOR_BYTES = 8;

/** An account's address and state, and the bytes they were read from. */
export type Loaded<T> = Readonly<{
    /** Its address. */
    address: Address;
    /** Its state. */
    state: T;
    /** All of its bytes, discriminator included. */
    data: ReadonlyUint8Array;
}>;

/** A market. */
export type Market = Loaded<types.MarketState>;
/** A reserve. */
export type Reserve = Loaded<types.ReserveState>;
/** A position. */
export type Position = Loaded<types.PositionState>;
/** A lender account. */
export type Lender = Loaded<types.LenderState>;
/** A backstop pool. */
export type Backstop = Loaded<types.BackstopState>;
/** A provider account in a backstop pool. */
export type BackstopProvider = Loaded<types.BackstopProviderState>;
/** A proposal. */
export type Proposal = Loaded<types.ProposalState>;

/** A kind of account: what a person calls it, its first bytes, its length, and what reads it. */
export type Kind<T> = Readonly<{
    name: string;
    discriminator: ReadonlyUint8Array;
    size: number;
    decoder: () => Decoder<{ state: T }>;
}>;

function kind<T>(
    name: string,
    discriminator: ReadonlyUint8Array,
    size: () => number,
    decoder: () => Decoder<{ state: T }>,
): Kind<T> {
    return { name, discriminator, size: size(), decoder };
}

/** What kinds of account there are, by what a person calls them. */
export const KINDS = {
    market: kind('market', accounts.MARKET_DISCRIMINATOR, accounts.getMarketSize, accounts.getMarketDecoder),
    reserve: kind('reserve', accounts.RESERVE_DISCRIMINATOR, accounts.getReserveSize, accounts.getReserveDecoder),
    position: kind('position', accounts.POSITION_DISCRIMINATOR, accounts.getPositionSize, accounts.getPositionDecoder),
    lender: kind('lender account', accounts.LENDER_DISCRIMINATOR, accounts.getLenderSize, accounts.getLenderDecoder),
    backstop: kind('backstop pool', accounts.BACKSTOP_DISCRIMINATOR, accounts.getBackstopSize, accounts.getBackstopDecoder),
    provider: kind(
        'provider account',
        accounts.BACKSTOP_PROVIDER_DISCRIMINATOR,
        accounts.getBackstopProviderSize,
        accounts.getBackstopProviderDecoder,
    ),
    proposal: kind('proposal', accounts.PROPOSAL_DISCRIMINATOR, accounts.getProposalSize, accounts.getProposalDecoder),
} as const;

/** Name of a kind of account. */
export type KindName = keyof typeof KINDS;
/** State of a kind of account. */
export type StateOf<K extends KindName> = (typeof KINDS)[K] extends Kind<infer T> ? T : never;

/** Why bytes are not the account they were taken for. */
export class DecodeError extends Error {
    override readonly name = 'DecodeError';
    constructor(
        message: string,
        /** Which of the checks failed. */
        readonly reason: 'owner' | 'kind' | 'size' | 'version' | 'slots',
        /** Address of the account. */
        readonly address: Address,
    ) {
        super(message);
    }
}

function startsWith(data: ReadonlyUint8Array, start: ReadonlyUint8Array): boolean {
    return data.length >= start.length && start.every((byte, index) => data[index] === byte);
}

/**
 * Decodes an account's bytes. `owner` is the program that owns the account, where the caller knows it.
 *
 * @throws {@link DecodeError}
 */
export function decodeAccount<K extends KindName>(
    name: K,
    address: Address,
    data: ReadonlyUint8Array,
    owner?: Address,
): Loaded<StateOf<K>> {
    const kind = KINDS[name] as unknown as Kind<StateOf<K> & { version: number }>;
    if (owner !== undefined && owner !== PROGRAM_ADDRESS) {
        const sentence = `${address} belongs to program ${owner}, not to Plimsoll; is this the right cluster and address?`;
        throw new DecodeError(sentence, 'owner', address);
    }
    if (!startsWith(data, kind.discriminator)) {
        throw new DecodeError(`${address} is not a ${kind.name}: its first eight bytes are another account's`, 'kind', address);
    }
    if (data.length !== kind.size) {
        throw new DecodeError(`${address} has ${data.length} bytes, a ${kind.name} has ${kind.size}`, 'size', address);
    }
    const version = data[DISCRIMINATOR_BYTES] ?? 0;
    if (version !== LAYOUT_VERSION) {
        const sentence = `${address} is a ${kind.name} of layout version ${version}; this client knows version ${LAYOUT_VERSION}: update the client`;
        throw new DecodeError(sentence, 'version', address);
    }
    const { state } = kind.decoder().decode(data);
    if (name === 'position') {
        requireSlots(address, state as unknown as types.PositionState);
    }
    return { address, state, data };
}

function requireSlots(address: Address, { collateralCount, debtCount }: types.PositionState): void {
    if (collateralCount > MAX_COLLATERALS || debtCount > MAX_DEBTS) {
        const most = `a position has at most ${MAX_COLLATERALS} and ${MAX_DEBTS}`;
        throw new DecodeError(
            `${address} claims ${collateralCount} collaterals and ${debtCount} debts; ${most}`,
            'slots',
            address,
        );
    }
}

/** Which kind of account bytes are; `undefined` where they are none of the program's. */
export function kindOf(data: ReadonlyUint8Array): KindName | undefined {
    return (Object.keys(KINDS) as KindName[]).find(name => startsWith(data, KINDS[name].discriminator));
}

/** Token program of a reserve's mint. */
export function tokenProgramOf(reserve: Reserve): Address {
    return reserve.state.tokenKind === TOKEN_2022_KIND ? TOKEN_2022_PROGRAM_ADDRESS : TOKEN_PROGRAM_ADDRESS;
}

/** Associated token account of an owner for a reserve's token. */
export function tokenAccountOf(reserve: Reserve, owner: Address): Promise<Address> {
    return tokenAccountAddress(owner, reserve.state.mint, tokenProgramOf(reserve));
}

/** Used collateral slots of a position. */
export function collateralsOf(position: Position): readonly types.CollateralSlot[] {
    return position.state.collaterals.slice(0, position.state.collateralCount);
}

/** Used debt slots of a position. */
export function debtsOf(position: Position): readonly types.DebtSlot[] {
    return position.state.debts.slice(0, position.state.debtCount);
}

/** Reserves of all legs of a position: collaterals, then debts, in slot order. */
export function legsOf(position: Position): Address[] {
    return [...collateralsOf(position), ...debtsOf(position)].map(slot => slot.reserve);
}
