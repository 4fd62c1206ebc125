/**
 * What an oracle network does all day: prices that stay as they are become new again, and their averages follow. Somebody else may
 * write another price in between (the page's localnet panel does); it is kept.
 */
import { getI64Decoder, getI64Encoder } from '@solana/kit';

import { fetchNow, fetchRaw, refreshReserves } from '@plimsoll/sdk';

import { nextPublishTime } from '../src/localnet/cheats';
import type { LocalMarket } from './market';

/** Between two rounds, milliseconds. */
const EVERY_MS = 2_000;
/** What part of the way to the price the average goes with each round. */
const AVERAGE_STEP = 6n;

/** Where a feed's account keeps price, average and publish time. */
const OFFSETS = {
    pull: { price: 73, average: 109, time: 93 },
    push: { price: 208, average: 48, time: 96 },
} as const;

/** One round: every price published anew, and handed to its reserve. */
export async function freshen(market: LocalMarket): Promise<void> {
    const { net } = market;
    const { unix } = await fetchNow(net.rpc);
    for (const listing of market.listings) {
        // Read and written at once, so that what somebody else writes in between is rarely lost.
        const [account] = (await fetchRaw(net.rpc, [listing.feed.account])).accounts;
        if (account === undefined) continue;
        const data = Uint8Array.from(account.data);
        const at = OFFSETS[listing.feed.kind];
        const read = (offset: number) => getI64Decoder().decode(data, offset);
        const [price, average] = [read(at.price), read(at.average)];
        const step = (price - average) / AVERAGE_STEP;
        data.set(getI64Encoder().encode(step === 0n ? price : average + step), at.average);
        data.set(getI64Encoder().encode(nextPublishTime(unix, read(at.time))), at.time);
        await net.writeAccount(listing.feed.account, account.owner, data);
    }
    await net.send(market.admin, refreshReserves(market.offers()));
}

/** Rounds until the returned function is called. */
export function keepFresh(market: LocalMarket, warn: (error: unknown) => void): () => void {
    let isOver = false;
    const run = async () => {
        while (!isOver) {
            await freshen(market).catch(warn);
            await new Promise(resolve => setTimeout(resolve, EVERY_MS));
        }
    };
    void run();
    return () => {
        isOver = true;
    };
}
