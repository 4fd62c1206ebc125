/**
 * One market on the validator that PLIMSOLL_RPC and PLIMSOLL_WS name, with prices that stay fresh, and the built page served beside
 * it. `cargo xtask test app` starts the validator.
 */
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';

import { Localnet } from '@plimsoll/stage/localnet';

import { configOf } from '../../localnet/config';
import { LocalMarket } from '../../localnet/market';
import { serve } from '../../localnet/serve';
import type { Config } from '../../src/config';
import { control } from './control';

declare module 'vitest' {
    export interface ProvidedContext {
        /** Where the page is. */
        page: string;
        /** What its configuration says. */
        config: Config;
        /** Reserves, by symbol. */
        reserves: Record<string, string>;
        /** Where to ask for what only the market's maker can do. */
        control: string;
    }
}

export default async function setup({ provide }: TestProject): Promise<() => void> {
    const { PLIMSOLL_RPC: rpc, PLIMSOLL_WS: ws, PLIMSOLL_SO: so = '../target/deploy/plimsoll.so' } = process.env;
    if (rpc === undefined || ws === undefined) {
        throw new Error('PLIMSOLL_RPC and PLIMSOLL_WS name the validator; `cargo xtask test app` sets them');
    }
    const market = await LocalMarket.create(new Localnet(rpc, ws), so);
    const maker = await control(market);
    provide('control', maker.url);
    const config = await configOf(market, rpc, ws);
    const page = await serve(fileURLToPath(new URL('../../dist', import.meta.url)), () => config);
    provide('page', page.url);
    provide('config', config);
    provide('reserves', Object.fromEntries(market.listings.map(({ symbol, reserve }) => [symbol, reserve])));
    return () => {
        maker.stop();
        page.stop();
    };
}
