/**
 * The engine itself, compiled to WebAssembly: quotes, previews, safe limits. The same code decides on chain.
 *
 * ```ts
 * const engine = await loadEngine(fetch(engineUrl));
 * const quote = engine.quotePosition(scene);
 * ```
 * @module
 */
import { getArrayDecoder, getU64Decoder, type Decoder, type ReadonlyUint8Array } from '@solana/kit';

import {
    decodeAccount,
    legsOf,
    type Backstop,
    type BackstopProvider,
    type Lender,
    type Market,
    type Position,
    type Reserve,
} from './accounts.js';
import {
    mostDecoder,
    pointDecoder,
    previewDecoder,
    reserveQuoteDecoder,
    supplyPreviewDecoder,
    type CurvePoint,
    type Most,
    type Preview,
    type ReserveQuote,
    type SupplyPreview,
} from './answers.js';
import * as types from './generated/types/index.js';
import { E9, fromWord128, U64_MAX } from './numbers.js';
import type { Now } from './prices.js';
import {
    EngineError,
    named,
    Question,
    type Action,
    type PriceShock,
    type SizedAction,
    type SupplyChange,
} from './questions.js';
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

/** Changes of a lender's supply, by the numbers of `crates/wasm`. */
const SUPPLY_CHANGE = { supply: 1n, redeem: 2n } as const;
/** For how long the largest amount of an action stays possible, seconds, if prices stay. */
const SPARE_SECS = 60n;

const u64 = getU64Decoder();

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
