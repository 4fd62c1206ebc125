/**
 * What a page shows of many positions at once: what may be liquidated, and what a fall of prices would make so.
 * @module
 */
import type { Address } from '@solana/kit';

import { collateralsOf, debtsOf, type Position, type Reserve } from './accounts.js';
import type { Engine } from './engine.js';
import type { LiquidationQuote, PositionQuote, RiskTerms } from './generated/types/index.js';
import { E9 } from './numbers.js';
import { readingNanoUsd } from './prices.js';
import { reserveOf, type Scene } from './scene.js';

/** One leg of a position, with what a quote says of it. */
export type LegView = Readonly<{
    /** Reserve. */
    reserve: Reserve;
    /** Atoms held, or owed now. */
    atoms: bigint;
    /** Value at the newest price, nano-dollars, rounded down. */
    nanoUsd: bigint;
}>;

/** A collateral. */
export type CollateralView = LegView &
    Readonly<{
        /** What a forced sale would fetch, nano-dollars. */
        alvNanoUsd: bigint;
        /** Price of a whole token at which the position becomes liquidatable, all others fixed; 0 where none does. */
        liquidationPriceNanoUsd: bigint;
        /** By how much the price must fall until then, 1e-9 of it; `undefined` where no fall does. Zero or less: it is there. */
        distanceE9: bigint | undefined;
        /** Most that can be withdrawn now, atoms. */
        withdrawMaxAtoms: bigint;
    }>;

/** A debt. */
export type DebtView = LegView &
    Readonly<{
        /** Most that can be borrowed on top now, atoms. */
        borrowMaxAtoms: bigint;
    }>;

/** The newest spot price of a reserve in a scene, nano-dollars for a whole token, rounded down. */
export function spotNanoUsd(scene: Pick<Scene, 'reserves' | 'offers'>, address: Address): bigint {
    const { reading } = reserveOf(scene, address).state;
    const offered = scene.offers.find(offer => offer.reserve === address)?.reading;
    const newest = offered !== undefined && offered.publishTime > reading.publishTime ? offered : reading;
    return readingNanoUsd(newest.price, newest.exponent);
}

/** Value of atoms at a price of a whole token, nano-dollars, rounded down. */
export function valueNanoUsd(reserve: Reserve, atoms: bigint, nanoUsd: bigint): bigint {
    return (atoms * nanoUsd) / 10n ** BigInt(reserve.state.decimals);
}

/** The legs of a position with what its quote says of them, in slot order. */
export function legViews(scene: Scene, quote: PositionQuote): { collaterals: CollateralView[]; debts: DebtView[] } {
    const leg = (address: Address, atoms: bigint): LegView & { price: bigint } => {
        const [reserve, price] = [reserveOf(scene, address), spotNanoUsd(scene, address)];
        return { reserve, atoms, price, nanoUsd: valueNanoUsd(reserve, atoms, price) };
    };
    const collaterals = collateralsOf(scene.position).map((slot, index) => {
        const { price, ...view } = leg(slot.reserve, slot.atoms);
        const said = quote.collaterals[index] ?? { alvNanoUsd: 0n, liquidationPriceNanoUsd: 0n, withdrawMaxAtoms: 0n };
        const at = said.liquidationPriceNanoUsd;
        return { ...view, ...said, distanceE9: at === 0n || price === 0n ? undefined : ((price - at) * E9) / price };
    });
    const debts = debtsOf(scene.position).map((slot, index) => {
        const said = quote.debts[index] ?? { owedAtoms: 0n, borrowMaxAtoms: 0n };
        const { price: _, ...view } = leg(slot.reserve, said.owedAtoms);
        return { ...view, borrowMaxAtoms: said.borrowMaxAtoms };
    });
    return { collaterals, debts };
}

/** A liquidation that can be done now. */
export type Opportunity = Readonly<{
    /** Position, with what decides about it. */
    scene: Scene;
    /** Slots. */
    collateralSlot: number;
    debtSlot: number;
    /** What it would do. */
    quote: LiquidationQuote;
    /** What is seized less what is paid, at spot prices, nano-dollars; before fees of the network and what a sale costs. */
    profitNanoUsd: bigint;
}>;

/** Every liquidation of a pair of slots that is not refused, the most profitable first. */
export function opportunities(engine: Engine, scenes: Iterable<Scene>): Opportunity[] {
    const found: Opportunity[] = [];
    for (const scene of scenes) {
        const { collateralCount, debtCount, protectionTriggerBps } = scene.position.state;
        if (debtCount === 0) continue;
        if (protectionTriggerBps === 0n && engine.quotePosition(scene).maintenanceHealthE9 >= E9) continue;
        for (let collateralSlot = 0; collateralSlot < collateralCount; collateralSlot += 1) {
            for (let debtSlot = 0; debtSlot < debtCount; debtSlot += 1) {
                const quote = engine.quoteLiquidation(scene, { collateralSlot, debtSlot });
                if (quote.refusal !== 0) continue;
                const profitNanoUsd = profit(scene, collateralSlot, debtSlot, quote);
                found.push({ scene, collateralSlot, debtSlot, quote, profitNanoUsd });
            }
        }
    }
    return found.sort((a, b) => (a.profitNanoUsd < b.profitNanoUsd ? 1 : a.profitNanoUsd > b.profitNanoUsd ? -1 : 0));
}

function profit(scene: Scene, collateralSlot: number, debtSlot: number, quote: LiquidationQuote): bigint {
    const value = (address: Address | undefined, atoms: bigint): bigint => {
        if (address === undefined) return 0n;
        return valueNanoUsd(reserveOf(scene, address), atoms, spotNanoUsd(scene, address));
    };
    const seized = value(collateralsOf(scene.position)[collateralSlot]?.reserve, quote.seizeAtoms);
    return seized - value(debtsOf(scene.position)[debtSlot]?.reserve, quote.repayAtoms + quote.feeAtoms);
}

/** What a fall of prices would make of a market. */
export type ShockView = Readonly<{
    /** Prices in basis points of what they are. */
    bps: bigint;
    /** Positions that would be liquidatable. */
    positions: number;
    /** Their collateral at the prices of then, nano-dollars. */
    collateralNanoUsd: bigint;
    /** Their debt, nano-dollars. */
    debtNanoUsd: bigint;
    /** Debt beyond what a forced sale of their collateral would fetch then, nano-dollars. */
    uncoveredNanoUsd: bigint;
}>;

/**
 * What becomes liquidatable where the prices of some reserves fall to so many basis points: 9,500 for a fall of a twentieth. Without
 * reserves named, all collateral falls and all debts stay.
 */
export function shockViews(
    engine: Engine,
    scenes: readonly Scene[],
    levels: readonly bigint[],
    reserves?: readonly Address[],
): ShockView[] {
    return levels.map(bps => {
        let [positions, collateralNanoUsd, debtNanoUsd, uncoveredNanoUsd] = [0, 0n, 0n, 0n];
        for (const scene of scenes) {
            if (scene.position.state.debtCount === 0) continue;
            const falling = reserves ?? collateralsOf(scene.position).map(slot => slot.reserve);
            const quote = engine.shock(
                scene,
                falling.map(reserve => ({ reserve, bps })),
            );
            if (quote.maintenanceHealthE9 >= E9) continue;
            const fetched = quote.collaterals.reduce((sum, { alvNanoUsd }) => sum + alvNanoUsd, 0n);
            positions += 1;
            collateralNanoUsd += quote.collateralNanoUsd;
            debtNanoUsd += quote.debtNanoUsd;
            if (quote.debtNanoUsd > fetched) uncoveredNanoUsd += quote.debtNanoUsd - fetched;
        }
        return { bps, positions, collateralNanoUsd, debtNanoUsd, uncoveredNanoUsd };
    });
}

/** A risk term that walks: in force, signed, and when the next step may be taken. */
export type WalkingTerm = Readonly<{ term: keyof RiskTerms; inForce: bigint; signed: bigint }>;

/** Between two steps of a reserve's terms, seconds. */
const STEP_SECS = 3_600n;

/** Terms of a reserve that are not yet where they were signed to be, and when they may take their next step. */
export function walkingTerms(reserve: Reserve): { terms: WalkingTerm[]; nextStepAt: bigint } {
    const { risk, riskTarget, rampedAt } = reserve.state;
    const names = Object.keys(risk) as (keyof RiskTerms)[];
    const moving = names.filter(term => risk[term] !== riskTarget[term]);
    return {
        terms: moving.map(term => ({ term, inForce: risk[term], signed: riskTarget[term] })),
        nextStepAt: rampedAt + STEP_SECS,
    };
}

/**
 * An estimate, for showing and nothing else: the chance that a price which wanders with this daily volatility touches a lower one
 * within some days (reflection principle, no drift). Between 0 and 1.
 */
export function chanceOfReaching(priceNanoUsd: bigint, lowerNanoUsd: bigint, sigmaDailyE9: bigint, days: number): number {
    if (lowerNanoUsd >= priceNanoUsd) return 1;
    if (lowerNanoUsd <= 0n || sigmaDailyE9 <= 0n || days <= 0) return 0;
    const distance = Math.log(Number(priceNanoUsd) / Number(lowerNanoUsd));
    const spread = (Number(sigmaDailyE9) / 1e9) * Math.sqrt(days);
    return Math.min(1, 2 * upperTail(distance / spread));
}

/** Chance that a standard normal number exceeds x (for x of at least 0), within 1e-7 (Abramowitz and Stegun, 26.2.17). */
function upperTail(x: number): number {
    const t = 1 / (1 + 0.2316419 * x);
    const terms = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
    const sum = terms.reduceRight((sum, term) => (sum + term) * t, 0);
    return (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

/** Positions of an owner among many. */
export function positionsOf(positions: Iterable<Position>, owner: Address): Position[] {
    return [...positions].filter(position => position.state.owner === owner);
}
