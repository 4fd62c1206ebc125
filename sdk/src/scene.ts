/**
 * One position with all that decides about it, as one moment of the chain had it.
 * @module
 */
import type { Address } from '@solana/kit';

import { collateralsOf, debtsOf, type Market, type Position, type Reserve } from './accounts.js';
import type { Now, OfferedReading } from './prices.js';

/** A position with its market, the reserves of its legs (and any others an action may add), prices and time. */
export type Scene = Readonly<{
    /** Time as the chain has it. */
    now: Now;
    /** Market. */
    market: Market;
    /** Position. */
    position: Position;
    /** Reserves, in any order; at least those of all legs. */
    reserves: readonly Reserve[];
    /** Prices that are offered; a reserve without one counts at the reading it keeps. */
    offers: readonly OfferedReading[];
}>;

/** A reserve of a scene. */
export function reserveOf(scene: Pick<Scene, 'reserves'>, address: Address): Reserve {
    const found = scene.reserves.find(reserve => reserve.address === address);
    if (found === undefined) {
        throw new Error(`reserve ${address} is not in the scene; load it with the position`);
    }
    return found;
}

/** The offers of a scene for the legs of its position and for `more`: what an instruction may name. */
export function offersFor(scene: Scene, ...more: Address[]): OfferedReading[] {
    const legs = [...collateralsOf(scene.position), ...debtsOf(scene.position)].map(slot => slot.reserve);
    const wanted = new Set<Address>([...legs, ...more]);
    return scene.offers.filter(offer => wanted.has(offer.reserve));
}
