/** Accounts of zeros, with what a test says about them. */
import { getAddressDecoder, type Address } from '@solana/kit';

import { decodeAccount, KINDS, toWord128, U64_MAX, type Market, type Reserve } from '../../src/index.js';
import { getMarketEncoder, getReserveEncoder, type MarketState, type ReserveState } from '../../src/generated/index.js';

/** An address of one byte, repeated. */
export const key = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));

function zeros<K extends 'market' | 'reserve'>(kind: K): Uint8Array {
    const data = new Uint8Array(KINDS[kind].size);
    data.set(KINDS[kind].discriminator);
    data[8] = 1;
    return data;
}

export function market(address: Address, policy: Partial<MarketState['policy']>): Market {
    const { state } = decodeAccount('market', address, zeros('market'));
    const data = getMarketEncoder().encode({ state: { ...state, policy: { ...state.policy, ...policy } } });
    return decodeAccount('market', address, data);
}

/** A reserve without limits, at an index of one. */
export function reserve(address: Address, fields: Partial<ReserveState>): Reserve {
    const { state } = decodeAccount('reserve', address, zeros('reserve'));
    const caps = { ...state.caps, supplyAtoms: U64_MAX, borrowAtoms: U64_MAX, collateralAtoms: U64_MAX, outflowAtoms: U64_MAX };
    const data = getReserveEncoder().encode({ state: { ...state, debtIndex: toWord128(1n << 64n), caps, ...fields } });
    return decodeAccount('reserve', address, data);
}
