/** A token's newest price, and what it may be used for. */
import { readingNanoUsd, type Reserve } from '@plimsoll/sdk';

import { bps, duration } from '../format';
import type { ReadyChain, Token } from '../state/chain';

/** A price and what it is good for. */
export type Price = Readonly<{
    /** Nano-dollars for a whole token. */
    nanoUsd: bigint;
    /** Confidence interval either way, nano-dollars. */
    confidence: bigint;
    /** Moving average, nano-dollars. */
    average: bigint;
    /** Confidence as a part of the price, basis points. */
    confidenceBps: bigint;
    ageSecs: bigint;
    /** `fresh`: for everything. `no-borrow`: not to open risk. `stale`: not to liquidate either. */
    state: 'fresh' | 'no-borrow' | 'stale';
    /** Why it is not fresh. */
    why: string;
}>;

/** The newest reading of a reserve: of its price account, or what it keeps. */
export function readingOf(chain: ReadyChain, reserve: Reserve) {
    return chain.offers.find(offer => offer.reserve === reserve.address)?.reading ?? reserve.state.reading;
}

/** The newest price of a token, judged by the reserve's own policy. */
export function priceOf(chain: ReadyChain, { reserve }: Pick<Token, 'reserve'>): Price {
    const { price, confidence, average, exponent, publishTime } = readingOf(chain, reserve);
    const policy = reserve.state.oraclePolicy;
    const ageSecs = chain.state.now.unix > publishTime ? chain.state.now.unix - publishTime : 0n;
    const parts = (number: bigint) => (price === 0n ? 0n : (number * 10_000n) / price);
    const gap = price > average ? price - average : average - price;
    const confidenceBps = parts(confidence);
    const judged = {
        nanoUsd: readingNanoUsd(price, exponent),
        confidence: readingNanoUsd(confidence, exponent),
        average: readingNanoUsd(average, exponent),
        confidenceBps,
        ageSecs,
    };
    const say = (state: Price['state'], why: string): Price => ({ ...judged, state, why });
    if (ageSecs > policy.liquidateAgeSecs)
        return say('stale', `${duration(ageSecs)} old: good for neither borrowing nor liquidating`);
    if (confidenceBps > policy.confidenceHardBps)
        return say('stale', `uncertain by ${bps(confidenceBps)}: good for neither borrowing nor liquidating`);
    if (ageSecs > policy.borrowAgeSecs) return say('no-borrow', `${duration(ageSecs)} old: too old to borrow or withdraw at`);
    if (confidenceBps > policy.confidenceSoftBps)
        return say('no-borrow', `uncertain by ${bps(confidenceBps)}: too much to borrow or withdraw at`);
    if (average > 0n && (gap * 10_000n) / average > policy.emaBandBps) {
        return say(
            'no-borrow',
            `${bps((gap * 10_000n) / average)} off its average: nothing is borrowed or withdrawn until they meet`,
        );
    }
    return say('fresh', '');
}
