/** Prices since the page was opened, for a small line: a picture, not an amount. */
import { useEffect, useState } from 'react';

import { priceOf } from '../views/prices';
import type { ReadyChain } from './chain';

const KEPT = 60;
const tape = new Map<string, number[]>();

/** Prices of each reserve, oldest first. */
export function usePriceTape(chain: ReadyChain): ReadonlyMap<string, readonly number[]> {
    const [, setCount] = useState(0);
    const { unix } = chain.state.now;
    useEffect(() => {
        for (const [address, token] of chain.tokens) {
            const values = tape.get(address) ?? [];
            values.push(Number(priceOf(chain, token).nanoUsd));
            tape.set(address, values.slice(-KEPT));
        }
        setCount(count => count + 1);
        // A point a clock tick, whatever else changed.
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [unix]);
    return tape;
}
