/**
 * What the engine answers, and how it lies in bytes: the structures of `crates/wasm`.
 * @module
 */
import { getI64Decoder, getStructDecoder, getU32Decoder, getU64Decoder, type Decoder } from '@solana/kit';

import * as types from './generated/types/index.js';

/** What an action would do. */
export type Preview = Readonly<{
    /** Code of the error it would be refused with; 0 for none. */
    refusal: number;
    /** From the actor to the program, without the fee, atoms. */
    paidAtoms: bigint;
    /** From the program to the actor, atoms. */
    receivedAtoms: bigint;
    /** Fee on top of what is paid, atoms. */
    feeAtoms: bigint;
    /** A liquidation closes a terminal position. */
    isTerminal: boolean;
    /** Debt that is written off, atoms; what of it insurance pays; what of it lenders bear. */
    writtenOffAtoms: bigint;
    /** What of that insurance pays, atoms. */
    insuranceAtoms: bigint;
    /** What of that lenders bear, atoms. */
    haircutAtoms: bigint;
    /** Where the position stands. */
    before: types.PositionQuote;
    /**
     * Where it would stand, by the slots of `position`; also where health refuses the action, to see by how much. Missing where
     * nothing could change.
     */
    after: types.PositionQuote | undefined;
    /** The position as it would be. */
    position: types.PositionState;
}>;

/** The largest amount of an action. */
export type Most = Readonly<{
    /** Atoms; 0 where nothing is possible. */
    atoms: bigint;
    /** Code of the error that more would be refused with; 0 where health would fall below what is wanted, or no more is there. */
    refusal: number;
}>;

/** Where a reserve stands: see `ReserveQuote` of `crates/wasm`. Rates and factors are 1e-9. */
export type ReserveQuote = Readonly<{
    /** Debt as a part of cash and debt. */
    utilisationE9: bigint;
    /** What borrowers pay a year. */
    borrowRateE9: bigint;
    /** What lenders earn a year. */
    supplyRateE9: bigint;
    /** All debt, atoms, rounded up. */
    debtAtoms: bigint;
    /** Cash, atoms. */
    cashAtoms: bigint;
    /** What lenders own, atoms. */
    assetsAtoms: bigint;
    /** What of the debt is provided for as lost, atoms. */
    providedAtoms: bigint;
    /** What could be lent now, atoms. */
    lendableAtoms: bigint;
    /** What could be supplied under the cap, atoms. */
    suppliableAtoms: bigint;
    /** What may be redeemed under the outflow limit, atoms. */
    redeemLimitAtoms: bigint;
    /** Room under the collateral cap, atoms. */
    collateralRoomAtoms: bigint;
    /** What the sales throttle holds, atoms. */
    throttleCapacityAtoms: bigint;
    /** What is in it, atoms. */
    throttleLevelAtoms: bigint;
    /** Daily volatility in initial health. */
    sigmaInitialE9: bigint;
    /** Daily volatility in maintenance health. */
    sigmaMaintenanceE9: bigint;
    /** Depth that maintenance health counts with, atoms. */
    depthAtoms: bigint;
    /** What horizon and spread leave of the price in maintenance health. */
    discountE9: bigint;
    /** Weight of this token as debt in maintenance health. */
    debtWeightE9: bigint;
    /** The same in initial health. */
    debtWeightInitialE9: bigint;
    /** Age of the kept price, seconds. */
    priceAgeSecs: bigint;
    /** When the depth expires unless it is confirmed, unix time. */
    depthExpiresAt: bigint;
    /** Code of the error by which the kept price may not open risk; 0 for none. */
    borrowRefusal: number;
    /** Code of the error by which it may not liquidate; 0 for none. */
    liquidateRefusal: number;
}>;

/** A point of a reserve's value curve, nano-dollars. */
export type CurvePoint = Readonly<{ atoms: bigint; plain: bigint; alv: bigint }>;

/** What that would do. */
export type SupplyPreview = Readonly<{
    /** Code of the error it would be refused with; 0 for none. Then nothing changes. */
    refusal: number;
    /** Atoms supplied or paid out. */
    atoms: bigint;
    /** Shares minted or burned. */
    shares: bigint;
    /** The lender before. */
    before: types.LenderQuote;
    /** The lender after. */
    after: types.LenderQuote;
    /** The reserve after. */
    reserve: ReserveQuote;
}>;

const u32 = getU32Decoder();
const u64 = getU64Decoder();

/** @internal */
export const reserveQuoteDecoder: Decoder<ReserveQuote> = getStructDecoder([
    ['utilisationE9', u64],
    ['borrowRateE9', u64],
    ['supplyRateE9', u64],
    ['debtAtoms', u64],
    ['cashAtoms', u64],
    ['assetsAtoms', u64],
    ['providedAtoms', u64],
    ['lendableAtoms', u64],
    ['suppliableAtoms', u64],
    ['redeemLimitAtoms', u64],
    ['collateralRoomAtoms', u64],
    ['throttleCapacityAtoms', u64],
    ['throttleLevelAtoms', u64],
    ['sigmaInitialE9', u64],
    ['sigmaMaintenanceE9', u64],
    ['depthAtoms', u64],
    ['discountE9', u64],
    ['debtWeightE9', u64],
    ['debtWeightInitialE9', u64],
    ['priceAgeSecs', u64],
    ['depthExpiresAt', getI64Decoder()],
    ['borrowRefusal', u32],
    ['liquidateRefusal', u32],
]);

/** @internal */
export const previewDecoder = getStructDecoder([
    ['refusal', u32],
    ['hasAfter', u32],
    ['paidAtoms', u64],
    ['receivedAtoms', u64],
    ['feeAtoms', u64],
    ['isTerminal', u64],
    ['writtenOffAtoms', u64],
    ['insuranceAtoms', u64],
    ['haircutAtoms', u64],
    ['before', types.getPositionQuoteDecoder()],
    ['after', types.getPositionQuoteDecoder()],
    ['position', types.getPositionStateDecoder()],
]);

/** @internal */
export const mostDecoder = getStructDecoder([
    ['atoms', u64],
    ['refusal', u32],
    ['pad', u32],
]);

/** @internal */
export const supplyPreviewDecoder = getStructDecoder([
    ['refusal', u32],
    ['pad', u32],
    ['atoms', u64],
    ['shares', types.getWord128Decoder()],
    ['before', types.getLenderQuoteDecoder()],
    ['after', types.getLenderQuoteDecoder()],
    ['reserve', reserveQuoteDecoder],
]);

/** @internal */
export const pointDecoder = getStructDecoder([
    ['plain', types.getWord128Decoder()],
    ['alv', types.getWord128Decoder()],
]);
