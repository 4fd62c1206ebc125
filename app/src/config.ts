/**
 * Where the page looks: a file beside it, so that one build serves every cluster.
 */
import type { Address } from '@solana/kit';

/** A cluster as wallets name it. */
export type Cluster = 'mainnet' | 'devnet' | 'testnet' | 'localnet';

/** What `/config.json` says. */
export type Config = Readonly<{
    /** Cluster. */
    cluster: Cluster;
    /** JSON-RPC address. */
    rpc: string;
    /** Websocket address; without it the page polls. */
    ws?: string;
    /** Genesis hash of the cluster: another one behind `rpc` is the wrong cluster. */
    genesis?: string;
    /** Market to begin with; without it the first there is. */
    market?: Address;
    /** What tokens are called: accounts on chain do not say. */
    tokens: readonly Readonly<{ mint: Address; symbol: string; name: string }>[];
    /** Explorer of transactions, `{signature}` in its place. */
    explorer?: string;
}>;

/** Why the configuration cannot be used. */
export class ConfigError extends Error {
    override readonly name = 'ConfigError';
}

const CLUSTERS: readonly string[] = ['mainnet', 'devnet', 'testnet', 'localnet'];

/**
 * Judges what was read.
 *
 * @throws {@link ConfigError}
 */
export function parseConfig(value: unknown): Config {
    const found = value as Partial<Config> | null;
    if (typeof found !== 'object' || found === null) throw new ConfigError('config.json is not an object');
    if (typeof found.rpc !== 'string') throw new ConfigError('config.json names no rpc, the JSON-RPC address of a node');
    if (typeof found.cluster !== 'string' || !CLUSTERS.includes(found.cluster)) {
        throw new ConfigError(`config.json names no cluster; it is one of ${CLUSTERS.join(', ')}`);
    }
    if (!Array.isArray(found.tokens)) throw new ConfigError('config.json has no list of tokens');
    return found as Config;
}

/** Reads the configuration beside the page. */
export async function loadConfig(): Promise<Config> {
    const answer = await fetch('config.json', { cache: 'no-store' });
    if (!answer.ok) throw new ConfigError(`config.json could not be read: ${answer.status} ${answer.statusText}`);
    return parseConfig(await answer.json());
}
