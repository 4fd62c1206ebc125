/**
 * Addresses that follow from others: every account of the program, and the accounts around it.
 * @module
 */
import { getAddressEncoder, getProgramDerivedAddress, getU16Encoder, getU8Encoder, type Address } from '@solana/kit';

import { EVENT_AUTHORITY } from './generated/constants.js';
import { PLIMSOLL_PROGRAM_ADDRESS } from './generated/programs/index.js';

export { EVENT_AUTHORITY };

/** The program. */
export const PROGRAM_ADDRESS: Address = PLIMSOLL_PROGRAM_ADDRESS;
/** The clock. */
export const CLOCK_ADDRESS = 'SysvarC1ock11111111111111111111111111111111' as Address;
/** The sysvar that shows a transaction's instructions. */
export const INSTRUCTIONS_ADDRESS = 'Sysvar1nstructions1111111111111111111111111' as Address;
/** The system program. */
export const SYSTEM_PROGRAM_ADDRESS = '11111111111111111111111111111111' as Address;
/** The program of associated token accounts. */
export const TOKEN_ACCOUNTS_PROGRAM_ADDRESS = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL' as Address;
/** SPL Token. */
export const TOKEN_PROGRAM_ADDRESS = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA' as Address;
/** Token-2022. */
export const TOKEN_2022_PROGRAM_ADDRESS = 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb' as Address;
/** Program of Pyth pull prices (`PriceUpdateV2`). */
export const PYTH_PULL_PROGRAM_ADDRESS = 'rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ' as Address;
/** Program of Pyth push prices. */
export const PYTH_PUSH_PROGRAM_ADDRESS = 'FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH' as Address;

type Seed = string | Uint8Array;

const key = (address: Address): Uint8Array => Uint8Array.from(getAddressEncoder().encode(address));
const u16 = (number: number): Uint8Array => Uint8Array.from(getU16Encoder().encode(number));
const u8 = (number: number): Uint8Array => Uint8Array.from(getU8Encoder().encode(number));

async function derive(...seeds: Seed[]): Promise<Address> {
    const [address] = await getProgramDerivedAddress({ programAddress: PROGRAM_ADDRESS, seeds });
    return address;
}

/** Market number `id`. */
export function marketAddress(id: number): Promise<Address> {
    return derive('market', u16(id));
}

/** Reserve of a token in a market. */
export function reserveAddress(market: Address, mint: Address): Promise<Address> {
    return derive('reserve', key(market), key(mint));
}

/** Vault of a reserve's supplied liquidity. */
export function liquidityVaultAddress(reserve: Address): Promise<Address> {
    return derive('liquidity_vault', key(reserve));
}

/** Vault of a reserve's collateral. */
export function collateralVaultAddress(reserve: Address): Promise<Address> {
    return derive('collateral_vault', key(reserve));
}

/** Position number `id` of an owner in a market. */
export function positionAddress(market: Address, owner: Address, id: number): Promise<Address> {
    return derive('position', key(market), key(owner), u16(id));
}

/** Lender account of an owner in a reserve. */
export function lenderAddress(reserve: Address, owner: Address): Promise<Address> {
    return derive('lender', key(reserve), key(owner));
}

/** Backstop pool of a reserve, by its generation. */
export function backstopAddress(reserve: Address, generation: number): Promise<Address> {
    return derive('backstop', key(reserve), u8(generation));
}

/** Provider account of an owner in a backstop pool. */
export function backstopProviderAddress(backstop: Address, owner: Address): Promise<Address> {
    return derive('backstop_provider', key(backstop), key(owner));
}

/** Proposal for a parameter of a market or reserve. */
export function proposalAddress(target: Address, parameter: number): Promise<Address> {
    return derive('proposal', key(target), u16(parameter));
}

/** Associated token account of an owner, under the token program of the mint. */
export async function tokenAccountAddress(owner: Address, mint: Address, tokenProgram: Address): Promise<Address> {
    const [address] = await getProgramDerivedAddress({
        programAddress: TOKEN_ACCOUNTS_PROGRAM_ADDRESS,
        seeds: [key(owner), key(tokenProgram), key(mint)],
    });
    return address;
}
