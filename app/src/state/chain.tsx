/** The market as it lives, the engine, and what all views ask of them. */
import { address, createSolanaRpc, createSolanaRpcSubscriptions, type Address } from '@solana/kit';
import { createContext, use, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';

import {
    blankPosition,
    fetchMarkets,
    LiveMarket,
    loadEngine,
    positionAddress,
    type Engine,
    type LiveState,
    type Market,
    type OfferedReading,
    type PlimsollRpc,
    type Position,
    type Reserve,
    type Scene,
} from '@plimsoll/sdk';
import engineUrl from '../../../sdk/wasm/engine.wasm?url';

import { loadConfig, type Config } from '../config';
import { key } from '../format';

/** Between two attempts to begin, milliseconds. */
const RETRY_MS = 3_000;

/** What stands once the page has begun. */
type Base = Readonly<{
    config: Config;
    rpc: PlimsollRpc;
    engine: Engine;
    markets: readonly Market[];
    market: Address;
    live: LiveMarket;
}>;

/** Why the page could not begin. */
export type BootFailure = Readonly<{ kind: 'config' | 'unreachable' | 'wrong-cluster' | 'no-market'; detail: string }>;

type Boot =
    | Readonly<{ stage: 'loading' }>
    | Readonly<{ stage: 'failed'; failure: BootFailure }>
    | Readonly<{ stage: 'ready'; base: Base }>;

class BootError extends Error {
    constructor(readonly failure: BootFailure) {
        super(failure.detail);
    }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function or<T>(kind: BootFailure['kind'], work: Promise<T>): Promise<T> {
    try {
        return await work;
    } catch (error) {
        throw new BootError({ kind, detail: reason(error) });
    }
}

async function begin(wanted: Address | undefined): Promise<Base> {
    const [config, engine] = await Promise.all([or('config', loadConfig()), or('config', loadEngine(fetch(engineUrl)))]);
    const rpc = createSolanaRpc(config.rpc);
    const rpcSubscriptions = config.ws === undefined ? undefined : createSolanaRpcSubscriptions(config.ws);
    const genesis = await or('unreachable', rpc.getGenesisHash().send());
    if (config.genesis !== undefined && config.genesis !== genesis) {
        const detail = `This page is for a cluster whose genesis is ${key(config.genesis)}; the node's is ${key(genesis)}.`;
        throw new BootError({ kind: 'wrong-cluster', detail });
    }
    const markets = await or('unreachable', fetchMarkets(rpc));
    const chosen = markets.find(one => one.address === (wanted ?? config.market)) ?? markets[0];
    if (chosen === undefined) {
        throw new BootError({ kind: 'no-market', detail: 'The node answers, but no Plimsoll market is there.' });
    }
    const market = chosen.address;
    const subscriptions = rpcSubscriptions === undefined ? {} : { rpcSubscriptions };
    const live = LiveMarket.start({ rpc, market, positions: 'all', ...subscriptions });
    return { config, rpc, engine, markets, market, live };
}

/** A token of the market. */
export type Token = Readonly<{ reserve: Reserve; symbol: string; name: string; decimals: number }>;

/** What views see. */
export type Chain = Base &
    Readonly<{
        /** The market at this moment. */
        state: LiveState;
        /** The newest price of each reserve that is newer than its own. */
        offers: readonly OfferedReading[];
        /** Tokens, by reserve. */
        tokens: ReadonlyMap<Address, Token>;
        /** Looks at everything now. */
        refresh: () => Promise<void>;
    }>;

const ChainContext = createContext<Chain | undefined>(undefined);

/** The chain. Only below {@link ChainProvider}. */
export function useChain(): Chain {
    const chain = use(ChainContext);
    if (chain === undefined) throw new Error('useChain stands outside of ChainProvider');
    return chain;
}

/** A chain whose market and clock are known. */
export type ReadyChain = Chain & { state: { market: Market; now: NonNullable<LiveState['now']> } };

/** The chain, or `undefined` until market and clock are known. */
export function useReadyChain(): ReadyChain | undefined {
    const chain = useChain();
    return chain.state.market === undefined || chain.state.now === undefined ? undefined : (chain as ReadyChain);
}

function wantedMarket(): Address | undefined {
    const found = new URLSearchParams(window.location.search).get('market');
    try {
        return found === null ? undefined : address(found);
    } catch {
        return undefined;
    }
}

/** Begins, and gives all below it the chain. */
export function ChainProvider(props: {
    children: ReactNode;
    loading: ReactNode;
    failed: (failure: BootFailure, retry: () => void) => ReactNode;
}) {
    const [boot, setBoot] = useState<Boot>({ stage: 'loading' });
    const [attempt, setAttempt] = useState(0);
    useEffect(() => {
        let isOver = false;
        let base: Base | undefined;
        let timer: ReturnType<typeof setTimeout> | undefined;
        begin(wantedMarket()).then(
            made => {
                base = made;
                if (isOver) return made.live.stop();
                setBoot({ stage: 'ready', base: made });
            },
            (error: unknown) => {
                if (isOver) return;
                const failure =
                    error instanceof BootError ? error.failure : ({ kind: 'unreachable', detail: reason(error) } as const);
                setBoot({ stage: 'failed', failure });
                if (failure.kind === 'unreachable') timer = setTimeout(() => setAttempt(attempt + 1), RETRY_MS);
            },
        );
        return () => {
            isOver = true;
            clearTimeout(timer);
            base?.live.stop();
        };
    }, [attempt]);

    if (boot.stage === 'loading') return props.loading;
    if (boot.stage === 'failed') return props.failed(boot.failure, () => setAttempt(attempt + 1));
    return <Living base={boot.base}>{props.children}</Living>;
}

function Living({ base, children }: { base: Base; children: ReactNode }) {
    const state = useSyncExternalStore(base.live.subscribe, base.live.state);
    const chain = useMemo<Chain>(() => {
        const reserves = [...state.reserves.values()];
        return {
            ...base,
            state,
            offers: [...state.offers.values()],
            tokens: new Map(sortedTokens(base.config, reserves).map(token => [token.reserve.address, token])),
            refresh: () => base.live.refresh(),
        };
    }, [base, state]);
    return <ChainContext value={chain}>{children}</ChainContext>;
}

/** Tokens in the order of the configuration, then those it does not name. */
function sortedTokens(config: Config, reserves: readonly Reserve[]): Token[] {
    const rank = (reserve: Reserve) => {
        const index = config.tokens.findIndex(token => token.mint === reserve.state.mint);
        return index < 0 ? config.tokens.length : index;
    };
    return [...reserves]
        .sort((one, other) => rank(one) - rank(other))
        .map(reserve => {
            const named = config.tokens.find(token => token.mint === reserve.state.mint);
            const symbol = named?.symbol ?? key(reserve.state.mint);
            return { reserve, symbol, name: named?.name ?? 'Unlisted token', decimals: reserve.state.decimals };
        });
}

/** A position with everything that decides about it, at the newest prices there are. */
export function sceneOf(chain: ReadyChain, position: Position): Scene {
    const { now, market, reserves } = chain.state;
    return { now, market, position, reserves: [...reserves.values()], offers: chain.offers };
}

/** The position number 0 of an owner: as it is, or as it would be opened. */
export async function positionOf(chain: ReadyChain, owner: Address): Promise<{ position: Position; isOpen: boolean }> {
    const address = await positionAddress(chain.market, owner, 0);
    const found = chain.state.positions.get(address);
    return { position: found ?? blankPosition(address, chain.market, owner), isOpen: found !== undefined };
}
