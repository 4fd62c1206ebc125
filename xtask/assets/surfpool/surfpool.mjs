// Starts the Surfpool validator (an npm native module) and prints one JSON line when it is ready:
//   {"rpc":"http://127.0.0.1:8899","ws":"ws://127.0.0.1:8900"}
//
// Options (a leading `start`, as the Surfpool CLI has it, and options unknown here are ignored):
//   --port N                   JSON-RPC port; without it a free one
//   --ws-port N                websocket port; without it port + 1, or a free one
//   --host ADDRESS             where fixed ports listen (127.0.0.1)
//   --airdrop PUBKEY           fund this account, repeatable
//   --airdrop-lamports N       how much (10^13)
//   --block-production-mode M  transaction | clock | manual (transaction)
//   --slot-time MS             length of a slot in clock mode (400)
//   --exit-with-stdin          stop when standard input closes, that is, when the parent has died
import net from 'node:net';
import { createRequire } from 'node:module';

const args = process.argv.slice(2);
if (args.includes('--version')) {
  console.log('surfpool 1.5.0 (native module)');
  process.exit(0);
}

const values = (name) => args.flatMap((arg, i) => (arg === `--${name}` ? [args[i + 1]] : []));
const option = (name, fallback) => values(name).at(-1) ?? fallback;
const whole = (name, fallback) => {
  const text = option(name, fallback);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) fail(`--${name}: expected a whole number, found "${text}"`);
  return number;
};
function fail(message) {
  console.error(`surfpool: ${message}`);
  process.exit(2);
}

const MODES = ['transaction', 'clock', 'manual'];
const mode = option('block-production-mode', 'transaction');
// The native module ignores what it does not know, silently.
if (!MODES.includes(mode)) fail(`--block-production-mode: expected one of ${MODES.join(', ')}, found "${mode}"`);

const host = option('host', '127.0.0.1');
const port = whole('port');
const wsPort = whole('ws-port', port === undefined ? undefined : String(port + 1));
const config = {
  offline: true,
  blockProductionMode: mode,
  slotTimeMs: whole('slot-time', '400'),
  airdropAddresses: values('airdrop'),
  airdropSol: whole('airdrop-lamports', '10000000000000'),
};

// Taken before the validator starts: a port in use must be an error, not a pipe to somebody else's validator.
const listeners = [];
async function listen(fixedPort) {
  if (fixedPort === undefined) return undefined;
  const server = net.createServer();
  await new Promise((resolve) => {
    server.once('error', (error) => fail(`port ${fixedPort} on ${host}: ${error.message}; stop what uses it or choose another --port`));
    server.listen(fixedPort, host, resolve);
  });
  listeners.push(server);
  return server;
}
const rpcServer = await listen(port);
const wsServer = await listen(wsPort);

const { Surfnet } = createRequire(import.meta.url)('@solana/surfpool-linux-x64-gnu');
const validator = Surfnet.startWithConfig(config);

/** Joins a fixed port to the random one the native module listens on; returns the address to use. */
function address(server, own) {
  if (server === undefined) return own;
  const scheme = own.slice(0, own.indexOf(':'));
  const target = Number(new URL(own.replace(/^ws/, 'http')).port);
  server.on('connection', (client) => {
    const upstream = net.connect(target, '127.0.0.1');
    client.setNoDelay();
    upstream.setNoDelay();
    client.pipe(upstream).pipe(client);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  return `${scheme}://${host}:${server.address().port}`;
}
console.log(JSON.stringify({ rpc: address(rpcServer, validator.rpcUrl), ws: address(wsServer, validator.wsUrl) }));

// The native side queues events until somebody takes them.
setInterval(() => {
  try {
    validator.drainEvents();
  } catch {
    // stopping
  }
}, 200);

let stopping = false;
function stop() {
  if (stopping) return;
  stopping = true;
  for (const server of listeners) server.close();
  try {
    validator.stop();
  } catch {
    // already gone
  }
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
if (args.includes('--exit-with-stdin')) process.stdin.on('end', stop).on('close', stop).resume();
