/** What the page is told about a local market. */
import type { Config } from '../src/config';
import type { LocalMarket } from './market';

/** The configuration that `/config.json` gives. */
export async function configOf(market: LocalMarket, rpc: string, ws: string): Promise<Config> {
    const genesis = (await market.net.call('getGenesisHash')) as string;
    const tokens = market.listings.map(({ mint, symbol, name }) => ({ mint, symbol, name }));
    return { cluster: 'localnet', rpc, ws, genesis, market: market.market, tokens };
}
