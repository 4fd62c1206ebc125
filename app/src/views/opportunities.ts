/** Positions with what the engine says of them, and what liquidating them would bring. */
import type { Address } from '@solana/kit';

import {
    collateralsOf,
    debtsOf,
    opportunities as opportunitiesOf,
    valueNanoUsd,
    type Backstop,
    type LiquidationQuote,
    type Opportunity,
    type Position,
    type PositionQuote,
    type Scene,
} from '@plimsoll/sdk';

import { sceneOf, type ReadyChain, type Token } from '../state/chain';
import { priceOf } from './prices';

/** A position with its quote. */
export type Quoted = Readonly<{ position: Position; scene: Scene; quote: PositionQuote }>;

/** The best liquidation of a position, with its tokens. */
export type Chance = Quoted & Readonly<{ seized: Token; repaid: Token; best: Opportunity }>;

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

/** The best pair of each position that can be liquidated, the most profitable first. */
export function opportunities(chain: ReadyChain, quoted: readonly Quoted[]): Chance[] {
    const seen = new Set<Address>();
    const scenes = quoted.map(({ scene }) => scene);
    return opportunitiesOf(chain.engine, scenes).flatMap((best): Chance[] => {
        const { position } = best.scene;
        const of = quoted.find(one => one.position === position);
        const collateral = collateralsOf(position)[best.collateralSlot];
        const debt = debtsOf(position)[best.debtSlot];
        if (of === undefined || collateral === undefined || debt === undefined || seen.has(position.address)) return [];
        const [seized, repaid] = [chain.tokens.get(collateral.reserve), chain.tokens.get(debt.reserve)];
        if (seized === undefined || repaid === undefined) return [];
        seen.add(position.address);
        return [{ ...of, seized, repaid, best }];
    });
}

/** What a plan is worth to who carries it out, at plain prices, nano-dollars. */
export function profitOf(chain: ReadyChain, plan: LiquidationQuote, seized: Token, repaid: Token): bigint {
    const worth = (token: Token, atoms: bigint) => valueNanoUsd(token.reserve, atoms, priceOf(chain, token).nanoUsd);
    return worth(seized, plan.seizeAtoms) - worth(repaid, plan.repayAtoms + plan.feeAtoms);
}

/** The pool that repays debts of a reserve, where there is one. */
export function poolOf(chain: ReadyChain, reserve: Address): Backstop | undefined {
    const pools = [...chain.state.backstops.values()].filter(pool => pool.state.reserve === reserve);
    return pools.sort((one, other) => other.state.generation - one.state.generation)[0];
}
