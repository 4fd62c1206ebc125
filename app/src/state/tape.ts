/** Prices since the page was opened, for a small line: a picture, not an amount. */
import { useEffect } from 'react';

import { priceOf } from '../views/prices';
import type { ReadyChain } from './chain';

/** Points kept: two minutes, at a point every two seconds. */
const KEPT = 60;
const tape = new Map<string, readonly number[]>();

/** Writes the tape, a point for each time the clock is read. */
export function useTape(chain: ReadyChain | undefined): void {
    const unix = chain?.state.now.unix;
    useEffect(() => {
        for (const [address, token] of chain?.tokens ?? []) {
            const values = [...(tape.get(address) ?? []), Number(priceOf(chain as ReadyChain, token).nanoUsd)];
            tape.set(address, values.slice(-KEPT));
        }
        // A point for each reading of the clock, whatever else changed.
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [unix]);
}

/** Prices of a reserve, oldest first. */
export const tapeOf = (reserve: string): readonly number[] => tape.get(reserve) ?? [];
