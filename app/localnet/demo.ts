/**
 * The page with a market to try it on. `cargo xtask demo --app` starts the validator and names it:
 *
 *     node dist-localnet/demo.js --rpc URL --ws URL --so FILE [--port N] [--exit-with-stdin]
 *
 * Prints one line of JSON, `{"url": ...}`, when the page can be opened; runs until it is told to stop,
 * or, with --exit-with-stdin, until whoever started it is gone.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Localnet } from '@plimsoll/stage/localnet';

import { configOf } from './config';
import { keepFresh } from './feeds';
import { LocalMarket } from './market';
import { serve } from './serve';

const { values } = parseArgs({
    options: {
        rpc: { type: 'string' },
        ws: { type: 'string' },
        so: { type: 'string' },
        port: { type: 'string', default: '0' },
        'exit-with-stdin': { type: 'boolean', default: false },
    },
});
const { rpc, ws, so } = values;
if (rpc === undefined || ws === undefined || so === undefined) {
    console.error('demo: --rpc, --ws and --so are needed; `cargo xtask demo --app` gives them');
    process.exit(2);
}
const net = new Localnet(rpc, ws);
const market = await LocalMarket.create(net, so, what => console.error(`  ${what}`));
const stopFeeds = keepFresh(market, error => console.error(`  prices: ${String(error)}`));
const config = await configOf(market, rpc, ws);
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const page = await serve(dist, () => config, Number(values.port));
console.log(JSON.stringify({ url: page.url }));

const stop = () => {
    stopFeeds();
    page.stop();
    process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
if (values['exit-with-stdin']) process.stdin.on('end', stop).on('close', stop).resume();
