/** What a liquidation would bring: every pair of every position, asked of the engine, best first. */
import type { Address } from '@solana/kit';

import {
    collateralsOf,
    debtsOf,
    type Backstop,
    type LiquidationQuote,
    type Position,
    type PositionQuote,
    type Scene,
} from '@plimsoll/sdk';

import { value } from '../format';
import { sceneOf, type ReadyChain, type Token } from '../state/chain';
import { priceOf } from './prices';

/** A position with its quote. */
export type Quoted = Readonly<{ position: Position; scene: Scene; quote: PositionQuote }>;

/** A pair of a position that can be liquidated. */
export type Opportunity = Quoted &
    Readonly<{
        seized: Token;
        repaid: Token;
        pair: Readonly<{ collateralSlot: number; debtSlot: number }>;
        liquidation: LiquidationQuote;
        /** What is seized, less repayment and fee, at plain prices, nano-dollars. */
        profit: bigint;
    }>;

/** Every position with debt, the least healthy first. */
export function quotedPositions(chain: ReadyChain): Quoted[] {
    const all = [...chain.state.positions.values()].filter(position => position.state.debtCount > 0);
    const quoted = all.map(position => {
        const scene = sceneOf(chain, position);
        return { position, scene, quote: chain.engine.quotePosition(scene) };
    });
    const health = ({ quote }: Quoted) => quote.maintenanceHealthE9;
    return quoted.sort((one, other) => (health(one) < health(other) ? -1 : health(one) > health(other) ? 1 : 0));
}

/** What a plan is worth to who carries it out, at plain prices, nano-dollars. */
export function profitOf(chain: ReadyChain, plan: LiquidationQuote, seized: Token, repaid: Token): bigint {
    const gets = value(plan.seizeAtoms, seized.decimals, priceOf(chain, seized).nanoUsd);
    const pays = value(plan.repayAtoms + plan.feeAtoms, repaid.decimals, priceOf(chain, repaid).nanoUsd);
    return gets - pays;
}

/** The best pair of a position; `undefined` where it can be liquidated by none. */
export function bestPair(chain: ReadyChain, quoted: Quoted): Opportunity | undefined {
    let best: Opportunity | undefined;
    collateralsOf(quoted.position).forEach((collateral, collateralSlot) =>
        debtsOf(quoted.position).forEach((debt, debtSlot) => {
            const [seized, repaid] = [chain.tokens.get(collateral.reserve), chain.tokens.get(debt.reserve)];
            if (seized === undefined || repaid === undefined) return;
            const pair = { collateralSlot, debtSlot };
            const liquidation = chain.engine.quoteLiquidation(quoted.scene, pair);
            if (liquidation.refusal !== 0) return;
            const profit = profitOf(chain, liquidation, seized, repaid);
            if (best === undefined || profit > best.profit) best = { ...quoted, seized, repaid, pair, liquidation, profit };
        }),
    );
    return best;
}

/** All that can be liquidated, the most profitable first. */
export function opportunities(chain: ReadyChain, quoted: readonly Quoted[]): Opportunity[] {
    const canBe = ({ quote, position }: Quoted) =>
        quote.maintenanceHealthE9 < 1_000_000_000n || position.state.protectionTriggerBps > 0n;
    const found = quoted.filter(canBe).map(one => bestPair(chain, one));
    return found
        .filter(one => one !== undefined)
        .sort((one, other) => (one.profit > other.profit ? -1 : one.profit < other.profit ? 1 : 0));
}

/** The pool that repays debts of a reserve, where there is one. */
export function poolOf(chain: ReadyChain, reserve: Address): Backstop | undefined {
    const pools = [...chain.state.backstops.values()].filter(pool => pool.state.reserve === reserve);
    return pools.sort((one, other) => other.state.generation - one.state.generation)[0];
}
