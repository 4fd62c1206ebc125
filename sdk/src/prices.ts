/**
 * Price accounts, of both kinds of Pyth. A price is offered with an action by naming its account; what the account says is
 * read here only to know beforehand what the program will read.
 * @module
 */
import {
    getAddressDecoder,
    getI32Decoder,
    getI64Decoder,
    getU32Decoder,
    getU64Decoder,
    type Address,
    type ReadonlyUint8Array,
} from '@solana/kit';

import type { Reserve } from './accounts.js';
import { PYTH_PULL_PROGRAM_ADDRESS, PYTH_PUSH_PROGRAM_ADDRESS } from './addresses.js';
import type { Reading } from './generated/types/index.js';
import { E9 } from './numbers.js';

/** `oracleKind` of a reserve that reads pull prices; any other reads a push price account. */
export const ORACLE_PULL = 0;
/** Where a pull price says whose feed it is. */
export const PULL_FEED_OFFSET = 41n;

const PULL_DISCRIMINATOR = [34, 241, 35, 99, 157, 126, 244, 205];
const PULL_BYTES = 133;
const FULLY_VERIFIED = 1;
const PUSH_BYTES = 240;
const PUSH_MAGIC = 0xa1b2c3d4;
const PUSH_VERSION = 2;
const PUSH_PRICE_ACCOUNT = 3;
const TRADING = 1;
/** How far ahead of the clock a price may be, seconds. */
const FUTURE_SECS = 5n;

/** Time as the chain has it. */
export type Now = Readonly<{
    /** Unix time, seconds. */
    unix: bigint;
    /** Slot. */
    slot: bigint;
}>;

/** A price account offered for a reserve. A reserve without an offer counts at the newest reading it keeps. */
export type Offer = Readonly<{
    /** Reserve. */
    reserve: Address;
    /** Price account. */
    price: Address;
}>;

/** The same, with what the account says: what previews need. */
export type OfferedReading = Offer & Readonly<{ reading: Reading }>;

/** Why a price account cannot be offered: the name of the error the program would refuse it with. */
export class PriceError extends Error {
    override readonly name = 'PriceError';
    constructor(
        /** Name of the program's error. */
        readonly refusal: string,
        address: Address,
    ) {
        super(`price account ${address} would be refused with ${refusal}`);
    }
}

type Raw = { price: bigint; confidence: bigint; average: bigint; exponent: number; publishTime: bigint };

/**
 * What the program would read from a price account offered for a reserve.
 *
 * @throws {@link PriceError}
 */
export function readPrice(
    reserve: Reserve,
    account: Readonly<{ address: Address; owner: Address; data: ReadonlyUint8Array }>,
    now: Now,
): Reading {
    const refuse = (refusal: string): never => {
        throw new PriceError(refusal, account.address);
    };
    const raw =
        reserve.state.oracleKind === ORACLE_PULL ? readPull(reserve, account, refuse) : readPush(reserve, account, refuse);
    if (raw.price <= 0n || raw.average <= 0n) refuse('PriceNotPositive');
    const isInRange = (number: bigint): boolean => {
        // 1e-12 to 1e9 dollars, as integers of 1e-18.
        const scaled = number * 10n ** BigInt(Math.max(raw.exponent + 18, 0));
        return scaled >= 10n ** 6n && scaled <= E9 * 10n ** 18n;
    };
    const isExponent = raw.exponent >= -18 && raw.exponent <= 4;
    if (!isExponent || !isInRange(raw.price) || !isInRange(raw.average)) refuse('PriceOutOfRange');
    if (raw.publishTime > now.unix + FUTURE_SECS) refuse('PriceFromFuture');
    return { ...raw, slot: now.slot, reserved: [0, 0, 0] };
}

type Account = Readonly<{ address: Address; owner: Address; data: ReadonlyUint8Array }>;
type Refuse = (refusal: string) => never;

function readPull(reserve: Reserve, { owner, data }: Account, refuse: Refuse): Raw {
    if (owner !== PYTH_PULL_PROGRAM_ADDRESS) refuse('WrongPriceOwner');
    const isUpdate = data.length >= PULL_BYTES && PULL_DISCRIMINATOR.every((byte, index) => data[index] === byte);
    if (!isUpdate) refuse('MalformedPrice');
    if (data[40] !== FULLY_VERIFIED) refuse('PriceUnverified');
    if (getAddressDecoder().decode(data, Number(PULL_FEED_OFFSET)) !== reserve.state.oracle) refuse('WrongFeed');
    return {
        price: getI64Decoder().decode(data, 73),
        confidence: getU64Decoder().decode(data, 81),
        exponent: getI32Decoder().decode(data, 89),
        publishTime: getI64Decoder().decode(data, 93),
        average: getI64Decoder().decode(data, 109),
    };
}

function readPush(reserve: Reserve, { address, owner, data }: Account, refuse: Refuse): Raw {
    if (owner !== PYTH_PUSH_PROGRAM_ADDRESS) refuse('WrongPriceOwner');
    if (address !== reserve.state.oracle) refuse('WrongFeed');
    const u32 = (offset: number): number => getU32Decoder().decode(data, offset);
    const isPrice =
        data.length >= PUSH_BYTES && u32(0) === PUSH_MAGIC && u32(4) === PUSH_VERSION && u32(8) === PUSH_PRICE_ACCOUNT;
    if (!isPrice) refuse('MalformedPrice');
    if (u32(224) !== TRADING) refuse('PriceNotTrading');
    return {
        exponent: getI32Decoder().decode(data, 20),
        average: getI64Decoder().decode(data, 48),
        publishTime: getI64Decoder().decode(data, 96),
        price: getI64Decoder().decode(data, 208),
        confidence: getU64Decoder().decode(data, 216),
    };
}

/** A number of a reading, in nano-dollars for a whole token, rounded down. */
export function readingNanoUsd(number: bigint, exponent: number): bigint {
    const power = exponent + 9;
    return power >= 0 ? number * 10n ** BigInt(power) : number / 10n ** BigInt(-power);
}

/** Spot price of a reserve's kept reading, nano-dollars for a whole token, rounded down. */
export function priceNanoUsd(reserve: Reserve): bigint {
    return readingNanoUsd(reserve.state.reading.price, reserve.state.reading.exponent);
}
