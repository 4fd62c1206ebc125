/** What tests ask of whoever made the market: prices that stop, actions that are paused. */
import { createServer } from 'node:http';

import * as raw from '../../../sdk/src/generated/index';
import { SELF } from '../../../sdk/src/instructions/common';
import { keepFresh } from '../../localnet/feeds';
import type { LocalMarket } from '../../localnet/market';

/** Listens on a free port; returns the address and how to stop. */
export async function control(market: LocalMarket): Promise<{ url: string; stop: () => void }> {
    const begin = () => keepFresh(market, error => console.error(`prices: ${String(error)}`));
    let stopFeeds: (() => void) | undefined = begin();
    const { net, admin } = market;
    const on = { ...SELF, guardian: admin, market: market.market };
    const commands: Record<string, (number: number) => Promise<unknown>> = {
        '/prices/stop': () => {
            stopFeeds?.();
            stopFeeds = undefined;
            return Promise.resolve();
        },
        '/prices/start': () => {
            stopFeeds ??= begin();
            return Promise.resolve();
        },
        '/pause': action => net.send(admin, raw.getPauseInstruction({ ...on, action, secs: 600n })),
        '/unpause': action => net.send(admin, raw.getUnpauseInstruction({ ...on, action })),
    };
    const server = createServer((request, response) => {
        const url = new URL(request.url ?? '/', 'http://control');
        const command = commands[url.pathname];
        if (command === undefined) {
            response.writeHead(404).end();
            return;
        }
        command(Number(url.searchParams.get('action') ?? 0)).then(
            () => response.writeHead(200).end(),
            (error: unknown) => response.writeHead(500).end(String(error)),
        );
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the control has no port');
    const stop = () => {
        stopFeeds?.();
        server.close();
        server.closeAllConnections();
    };
    return { url: `http://127.0.0.1:${address.port}`, stop };
}
