/**
 * The engine itself, compiled to WebAssembly: quotes, previews, safe limits. The same code decides on chain.
 *
 * ```ts
 * const engine = await loadEngine(fetch(engineUrl));
 * const quote = engine.quotePosition(scene);
 * ```
 * @module
 */
import {
    getAddressEncoder,
    getArrayDecoder,
    getI64Decoder,
    getI64Encoder,
    getStructDecoder,
    getU32Decoder,
    getU64Decoder,
    getU64Encoder,
    type Address,
    type Decoder,
    type ReadonlyUint8Array,
} from '@solana/kit';

import type { Backstop, BackstopProvider, Lender, Market, Position, Reserve } from './accounts.js';
import { decodeAccount, legsOf, MAX_COLLATERALS, MAX_DEBTS } from './accounts.js';
import * as types from './generated/types/index.js';
import { E9, fromWord128, toWord128, U64_MAX } from './numbers.js';
import type { Now } from './prices.js';
import type { Scene } from './scene.js';

/** Questions, by the numbers of `crates/wasm`. */
const QUESTION = {
    quotePosition: 1,
    quoteLiquidation: 2,
    preview: 3,
    most: 4,
    shock: 5,
    reserve: 6,
    curve: 7,
    accrue: 8,
    quoteLender: 9,
    quoteLenderExposure: 10,
    quoteBackstopProvider: 11,
    previewSupply: 12,
    bonus: 13,
    repayToTarget: 14,
} as const;

/** Numbers below zero that stand for a mistake of the caller. */
const MISTAKES: Readonly<Record<number, string>> = {
    [-1]: 'unknown question: the engine is older or newer than this client; build both from one source',
    [-2]: 'malformed question: an account has the wrong length, or a number is out of its range',
    [-3]: 'an account has a layout version this engine does not know; update the client',
    [-4]: 'a reserve of the position is missing; load every leg with it',
    [-5]: 'a reserve belongs to another market than the position',
    [-6]: 'the answer does not fit; ask for fewer points',
};

const ACTION = { deposit: 1n, withdraw: 2n, borrow: 3n, repay: 4n, liquidate: 5n } as const;
const SUPPLY_CHANGE = { supply: 1n, redeem: 2n } as const;
/** For how long the largest amount of an action stays possible, seconds, if prices stay. */
const SPARE_SECS = 60n;
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

/** A reserve's price moved to so many basis points of what it is: 8,000 is a fall of a fifth. */
export type PriceShock = Readonly<{ reserve: Address; bps: bigint }>;

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

/** What a lender may do. */
export type SupplyChange = Readonly<{ kind: 'supply'; atoms: bigint }> | Readonly<{ kind: 'redeem'; shares: bigint }>;

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

const reserveQuoteDecoder: Decoder<ReserveQuote> = getStructDecoder([
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

const previewDecoder = getStructDecoder([
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

const mostDecoder = getStructDecoder([
    ['atoms', u64],
    ['refusal', u32],
    ['pad', u32],
]);

const supplyPreviewDecoder = getStructDecoder([
    ['refusal', u32],
    ['pad', u32],
    ['atoms', u64],
    ['shares', types.getWord128Decoder()],
    ['before', types.getLenderQuoteDecoder()],
    ['after', types.getLenderQuoteDecoder()],
    ['reserve', reserveQuoteDecoder],
]);

const pointDecoder = getStructDecoder([
    ['plain', types.getWord128Decoder()],
    ['alv', types.getWord128Decoder()],
]);

/** What a module of the engine exports. */
type Exports = Readonly<{
    memory: WebAssembly.Memory;
    input(): number;
    output(): number;
    call(question: number, length: number): number;
}>;

/** Bytes of both buffers of the engine. */
const BUFFER_BYTES = 1 << 16;

/** Where the engine's module comes from: bytes, a compiled module, or an answer of `fetch`. */
export type EngineSource = BufferSource | WebAssembly.Module | Response | Promise<Response>;

/**
 * Loads the engine. In a browser give it `fetch(url)`; in Node there is `loadEngineFromPackage` of `@plimsoll/sdk/node`.
 *
 * @throws {@link EngineError} where it cannot be fetched or is no module.
 */
export async function loadEngine(source: EngineSource): Promise<Engine> {
    const given = await source;
    if (given instanceof WebAssembly.Module) return new Engine(given);
    let bytes: BufferSource;
    if (typeof Response !== 'undefined' && given instanceof Response) {
        if (!given.ok) throw new EngineError(`the engine could not be fetched: ${given.status} ${given.statusText}`);
        bytes = await given.arrayBuffer();
    } else {
        bytes = given as BufferSource;
    }
    try {
        return new Engine(await WebAssembly.compile(bytes));
    } catch (cause) {
        throw new EngineError(`this is not the engine's module: ${String(cause)}`, { cause });
    }
}

/** Writes a question. */
class Question {
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

/** Reserves that an action names. */
function named(action: Action | SizedAction): Address[] {
    return action.kind === 'liquidate' ? [action.seized, action.repaid] : [action.reserve];
}

/** The engine. Every method is pure: the same question has the same answer. */
export class Engine {
    readonly #module: WebAssembly.Module;
    #exports: Exports;

    /** From a compiled module; {@link loadEngine} does that. */
    constructor(module: WebAssembly.Module) {
        this.#module = module;
        this.#exports = this.#instantiate();
    }

    #instantiate(): Exports {
        const exports = new WebAssembly.Instance(this.#module, {}).exports as unknown as Exports;
        const functions = [exports.input, exports.output, exports.call];
        if (!(exports.memory instanceof WebAssembly.Memory) || functions.some(one => typeof one !== 'function')) {
            throw new EngineError('this module is not the engine: it lacks memory, input, output or call');
        }
        return exports;
    }

    /** Asks with bytes and returns bytes. The methods below are what it is for. */
    ask(question: number, parts: readonly ReadonlyUint8Array[]): Uint8Array {
        const length = parts.reduce((sum, part) => sum + part.length, 0);
        if (length > BUFFER_BYTES) throw new EngineError(MISTAKES[-2] ?? '');
        const { memory, input, output, call } = this.#exports;
        let written: number;
        try {
            let at = input();
            const bytes = new Uint8Array(memory.buffer);
            for (const part of parts) {
                bytes.set(part, at);
                at += part.length;
            }
            written = call(question, length);
        } catch (cause) {
            // A trap leaves the instance's stack where it was: begin with a new one.
            this.#exports = this.#instantiate();
            throw new EngineError(`the engine stopped at a defect of its own (${String(cause)}); please report this`, {
                cause,
            });
        }
        if (written < 0) throw new EngineError(MISTAKES[written] ?? `the engine gave no answer: ${written}`);
        return new Uint8Array(memory.buffer).slice(output(), output() + written);
    }

    #decode<T>(question: number, asked: Question, decoder: Decoder<T>): T {
        return decoder.decode(this.ask(question, asked.parts));
    }

    /** What `quote_position` returns: both healths, values, liquidation prices, what may still be borrowed or withdrawn. */
    quotePosition(scene: Scene): types.PositionQuote {
        return this.#decode(QUESTION.quotePosition, new Question().scene(scene), types.getPositionQuoteDecoder());
    }

    /** What `quote_liquidation` returns for a pair of slots, with at most so much repaid. */
    quoteLiquidation(
        scene: Scene,
        pair: Readonly<{ collateralSlot: number; debtSlot: number; repayMaxAtoms?: bigint }>,
    ): types.LiquidationQuote {
        const asked = new Question().scene(scene);
        asked.u64(BigInt(pair.collateralSlot), BigInt(pair.debtSlot), pair.repayMaxAtoms ?? U64_MAX);
        return this.#decode(QUESTION.quoteLiquidation, asked, types.getLiquidationQuoteDecoder());
    }

    /** Before and after an action. */
    preview(scene: Scene, action: Action): Preview {
        const asked = new Question().scene(scene, ...named(action)).action(action);
        const { hasAfter, isTerminal, after, ...rest } = this.#decode(QUESTION.preview, asked, previewDecoder);
        return { ...rest, isTerminal: isTerminal === 1n, after: hasAfter === 1 ? after : undefined };
    }

    /**
     * The largest amount of an action that is not refused, and that leaves at least this maintenance health (1e-9; one by
     * default): the end of a slider. With seconds to spare, so that interest until it lands does not undo it.
     */
    most(scene: Scene, action: SizedAction, options: Readonly<{ leastHealthE9?: bigint; spareSecs?: bigint }> = {}): Most {
        const { leastHealthE9 = E9, spareSecs = SPARE_SECS } = options;
        const asked = new Question().scene(scene, action.reserve).action({ ...action, atoms: 0n });
        const { atoms, refusal } = this.#decode(QUESTION.most, asked.u64(leastHealthE9, spareSecs), mostDecoder);
        return { atoms, refusal };
    }

    /**
     * Where the position would stand at other prices. Spot, average and confidence move together, volatility stays as it is,
     * and an old price stays old.
     */
    shock(scene: Scene, shocks: readonly PriceShock[]): types.PositionQuote {
        const legs = new Set(legsOf(scene.position));
        const own = shocks.filter(shock => legs.has(shock.reserve));
        const asked = new Question().scene(scene).u64(BigInt(own.length));
        for (const { reserve, bps } of own) asked.key(reserve).u64(bps);
        return this.#decode(QUESTION.shock, asked, types.getPositionQuoteDecoder());
    }

    /** Where a reserve stands at its kept price, interest included. */
    reserve(reserve: Reserve, now: Now): ReserveQuote {
        return this.#decode(QUESTION.reserve, new Question().now(now).bytes(reserve.data), reserveQuoteDecoder);
    }

    /** Plain and asset liquidation value of amounts of a token, at its kept price. */
    curve(
        reserve: Reserve,
        now: Now,
        amounts: readonly bigint[],
        which: 'maintenance' | 'initial' = 'maintenance',
    ): CurvePoint[] {
        const asked = new Question().now(now).bytes(reserve.data);
        asked.u64(which === 'initial' ? 1n : 0n, BigInt(amounts.length), ...amounts);
        const points = this.#decode(QUESTION.curve, asked, getArrayDecoder(pointDecoder, { size: amounts.length }));
        return points.map(({ plain, alv }, index) => ({
            atoms: amounts[index] ?? 0n,
            plain: fromWord128(plain),
            alv: fromWord128(alv),
        }));
    }

    /** The reserve with interest booked up to now. */
    accrue(reserve: Reserve, now: Now): Reserve {
        const state = this.ask(QUESTION.accrue, new Question().now(now).bytes(reserve.data).parts);
        const data = new Uint8Array([...reserve.data.slice(0, 8), ...state]);
        return decodeAccount('reserve', reserve.address, data);
    }

    /** What `quote_lender` returns. */
    quoteLender(reserve: Reserve, lender: Lender, now: Now): types.LenderQuote {
        const asked = new Question().now(now).bytes(reserve.data, lender.data);
        return this.#decode(QUESTION.quoteLender, asked, types.getLenderQuoteDecoder());
    }

    /** What `quote_lender_exposure` returns for a debt of a position. */
    quoteLenderExposure(reserve: Reserve, lender: Lender, position: Position, now: Now): types.LenderExposureQuote {
        const slot = position.state.debts
            .slice(0, position.state.debtCount)
            .findIndex(debt => debt.reserve === reserve.address);
        if (slot < 0) throw new EngineError(`position ${position.address} owes nothing to reserve ${reserve.address}`);
        const asked = new Question().now(now).bytes(reserve.data, lender.data, position.data).u64(BigInt(slot));
        return this.#decode(QUESTION.quoteLenderExposure, asked, types.getLenderExposureQuoteDecoder());
    }

    /** What `quote_backstop_provider` returns. */
    quoteBackstopProvider(pool: Backstop, provider: BackstopProvider, now: Now): types.BackstopProviderQuote {
        const asked = new Question().now(now).bytes(pool.data, provider.data);
        return this.#decode(QUESTION.quoteBackstopProvider, asked, types.getBackstopProviderQuoteDecoder());
    }

    /** Before and after a lender's supply or redemption. */
    previewSupply(market: Market, reserve: Reserve, lender: Lender, change: SupplyChange, now: Now): SupplyPreview {
        const asked = new Question().now(now).bytes(market.data, reserve.data, lender.data).u64(SUPPLY_CHANGE[change.kind]);
        asked.u64(change.kind === 'supply' ? change.atoms : 0n).word128(change.kind === 'redeem' ? change.shares : 0n);
        const { pad: _, shares, ...rest } = this.#decode(QUESTION.previewSupply, asked, supplyPreviewDecoder);
        return { ...rest, shares: fromWord128(shares) };
    }

    /** Bonus of the moment, capped by solvency, Q40. Health is a factor in Q40, values are nano-dollars. */
    bonus(
        terms: types.BonusTerms,
        at: Readonly<{ healthQ40: bigint; liquidatableSecs: bigint; auctionSecs: bigint; collateral: bigint; debt: bigint }>,
    ): bigint {
        const asked = new Question().bytes(types.getBonusTermsEncoder().encode(terms));
        asked.u64(at.healthQ40, at.liquidatableSecs, at.auctionSecs).word128(at.collateral).word128(at.debt);
        return this.#decode(QUESTION.bonus, asked, u64);
    }

    /**
     * Smallest repayment (nano-dollars) that reaches the target where weights are linear, `undefined` where none does. Values are
     * nano-dollars, factors Q40.
     */
    repayToTarget(
        at: Readonly<{ debt: bigint; collateral: bigint; target: bigint; weight: bigint; gross: bigint; maintenance: bigint }>,
    ): bigint | undefined {
        const asked = new Question().word128(at.debt).word128(at.collateral);
        asked.u64(at.target, at.weight, at.gross, at.maintenance);
        const answer = this.ask(QUESTION.repayToTarget, asked.parts);
        return u64.decode(answer) === 0n ? undefined : fromWord128(types.getWord128Decoder().decode(answer, 8));
    }
}
