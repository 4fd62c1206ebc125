/**
 * A market as it lives: a snapshot, then changes by websocket, and polling while there is none. Made for a page: the state is a
 * new object with every change, and `subscribe` fits React's `useSyncExternalStore`.
 * @module
 */
import {
    getBase64Encoder,
    type AccountNotificationsApi,
    type Address,
    type ProgramNotificationsApi,
    type RpcSubscriptions,
} from '@solana/kit';

import { decodeAccount, kindOf, legsOf, type Backstop, type Market, type Position, type Reserve } from './accounts.js';
import { CLOCK_ADDRESS, PROGRAM_ADDRESS } from './addresses.js';
import {
    decodeClock,
    fetchMarketView,
    fetchPositions,
    fetchPriceAccounts,
    fetchRaw,
    filtersOf,
    newestOffer,
    type PlimsollRpc,
    type RawAccount,
} from './chain.js';
import type { Now, OfferedReading } from './prices.js';
import type { Scene } from './scene.js';

/** What this client subscribes to. `createSolanaRpcSubscriptions(url)` has all of it. */
export type PlimsollSubscriptions = RpcSubscriptions<ProgramNotificationsApi & AccountNotificationsApi>;

/** Between two attempts to connect, at least and at most, milliseconds. */
const RECONNECT_MS = { least: 500, most: 15_000 };

/** How the connection is. `polling`: answers come, but no websocket. `lost`: the last answer is old. */
export type LiveStatus = 'connecting' | 'live' | 'polling' | 'lost';

/** A market at one moment. */
export type LiveState = Readonly<{
    /** How the connection is. */
    status: LiveStatus;
    /** Why, where it is lost. */
    error: unknown;
    /** Time as the chain had it last. */
    now: Now | undefined;
    /** Market. */
    market: Market | undefined;
    /** Reserves, by address. */
    reserves: ReadonlyMap<Address, Reserve>;
    /** Backstop pools, by address. */
    backstops: ReadonlyMap<Address, Backstop>;
    /** Positions, by address. */
    positions: ReadonlyMap<Address, Position>;
    /** Prices newer than those that reserves keep, by reserve: what an action may offer. */
    offers: ReadonlyMap<Address, OfferedReading>;
}>;

/** How a market is watched. */
export type LiveOptions = Readonly<{
    rpc: PlimsollRpc;
    /** Without them it polls. */
    rpcSubscriptions?: PlimsollSubscriptions;
    /** Market. */
    market: Address;
    /** Positions too, of everybody or of an owner. */
    positions?: 'all' | 'none' | Readonly<{ owner: Address }>;
    /** Between two looks at everything, milliseconds. */
    pollMs?: number;
    /** The same while changes come by websocket. */
    resnapshotMs?: number;
}>;

const EMPTY: LiveState = {
    status: 'connecting',
    error: undefined,
    now: undefined,
    market: undefined,
    reserves: new Map(),
    backstops: new Map(),
    positions: new Map(),
    offers: new Map(),
};

/** A market that is being watched. */
export class LiveMarket {
    readonly #options: LiveOptions;
    readonly #listeners = new Set<() => void>();
    readonly #stop = new AbortController();
    #state = EMPTY;
    #isConnected = false;
    /** Price accounts, by reserve. */
    #feeds: ReadonlyMap<Address, readonly Address[]> = new Map();
    /** What they said last. */
    readonly #prices = new Map<Address, RawAccount>();

    #begin: () => void = () => undefined;
    readonly #hasBegun: Promise<void>;

    private constructor(options: LiveOptions) {
        this.#options = options;
        this.#hasBegun = new Promise(resolve => (this.#begin = resolve));
    }

    /** Begins to watch. */
    static start(options: LiveOptions): LiveMarket {
        const live = new LiveMarket(options);
        void live.#poll();
        const { rpcSubscriptions } = options;
        // Which price accounts to listen to is known after the first look.
        if (rpcSubscriptions !== undefined) void live.#hasBegun.then(() => live.#listen(rpcSubscriptions));
        return live;
    }

    /** What is known now; another object after each change. */
    readonly state = (): LiveState => this.#state;

    /** Calls `listener` after each change, until the returned function is called. */
    readonly subscribe = (listener: () => void): (() => void) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    };

    /** Ends it. */
    stop(): void {
        this.#stop.abort();
        this.#listeners.clear();
    }

    /** Looks at everything now, as after an own transaction. */
    async refresh(): Promise<void> {
        const { rpc, market, positions = 'none' } = this.#options;
        const owner = typeof positions === 'object' ? positions.owner : undefined;
        const [view, held] = await Promise.all([
            fetchMarketView(rpc, market),
            positions === 'none' ? Promise.resolve([]) : fetchPositions(rpc, market, owner),
        ]);
        this.#feeds = await fetchPriceAccounts(rpc, view.reserves);
        await this.#readPrices();
        const byAddress = <T extends { address: Address }>(all: readonly T[]) => new Map(all.map(one => [one.address, one]));
        this.#set({
            status: this.#isConnected ? 'live' : 'polling',
            error: undefined,
            now: view.now,
            market: view.market,
            reserves: byAddress(view.reserves),
            backstops: byAddress(view.backstops),
            positions: byAddress(held),
        });
        this.#begin();
    }

    /** Reads the clock and the price accounts. */
    async #readPrices(): Promise<Now | undefined> {
        const addresses = [...new Set([...this.#feeds.values()].flat())];
        const { accounts } = await fetchRaw(this.#options.rpc, [CLOCK_ADDRESS, ...addresses]);
        for (const account of accounts.slice(1)) if (account !== undefined) this.#prices.set(account.address, account);
        return accounts[0] && decodeClock(accounts[0].data);
    }

    /** The newest price of each reserve, where it is newer than its own. */
    #offers({ reserves, now }: LiveState): Map<Address, OfferedReading> {
        if (now === undefined) return new Map();
        const accounts = [...this.#prices.values()];
        const newest = [...reserves.values()].flatMap(one =>
            newestOffer(one, this.#feeds.get(one.address) ?? [], accounts, now),
        );
        return new Map(newest.map(offer => [offer.reserve, offer]));
    }

    #set(change: Partial<LiveState>): void {
        if (this.#stop.signal.aborted) return;
        const state = { ...this.#state, ...change };
        this.#state = { ...state, offers: this.#offers(state) };
        for (const listener of this.#listeners) listener();
    }

    async #poll(): Promise<void> {
        const { pollMs = 2_000, resnapshotMs = 30_000 } = this.#options;
        let seenAt = 0;
        while (!this.#stop.signal.aborted) {
            try {
                const isDue = !this.#isConnected || Date.now() - seenAt > resnapshotMs;
                if (isDue) {
                    await this.refresh();
                    seenAt = Date.now();
                } else {
                    this.#set({ now: await this.#readPrices() });
                }
            } catch (error) {
                seenAt = 0;
                this.#set({ status: 'lost', error });
            }
            await this.#wait(pollMs);
        }
    }

    async #listen(rpcSubscriptions: PlimsollSubscriptions): Promise<void> {
        let waitMs = RECONNECT_MS.least;
        while (!this.#stop.signal.aborted) {
            // One connection's end ends the others, and all begin anew.
            const ends: AbortController[] = [];
            const end = () => ends.forEach(one => one.abort());
            const streams = this.#streams(
                rpcSubscriptions,
                () => {
                    const one = new AbortController();
                    ends.push(one);
                    return one.signal;
                },
                () => {
                    waitMs = RECONNECT_MS.least;
                },
            );
            this.#stop.signal.addEventListener('abort', end, { once: true });
            await Promise.race(streams.map(stream => stream.catch(() => undefined)));
            end();
            this.#stop.signal.removeEventListener('abort', end);
            await Promise.allSettled(streams);
            this.#isConnected = false;
            if (this.#state.status === 'live') this.#set({ status: 'polling' });
            await this.#wait(waitMs);
            waitMs = Math.min(waitMs * 2, RECONNECT_MS.most);
        }
    }

    #streams(rpcSubscriptions: PlimsollSubscriptions, signal: () => AbortSignal, onConnected: () => void): Promise<void>[] {
        const { market, positions = 'none' } = this.#options;
        const owner = typeof positions === 'object' ? positions.owner : undefined;
        const filters = [
            filtersOf('reserve', { market }),
            filtersOf('backstop', { market }),
            ...(positions === 'none' ? [] : [filtersOf('position', { market, owner })]),
        ];
        const watched = [market, CLOCK_ADDRESS, ...new Set([...this.#feeds.values()].flat())];
        let connected = 0;
        const all = filters.length + watched.length;
        const begun = () => {
            connected += 1;
            if (connected < all) return;
            onConnected();
            this.#isConnected = true;
            // What changed before all subscriptions stood.
            this.refresh().catch((error: unknown) => this.#set({ status: 'lost', error }));
        };
        const config = { commitment: 'confirmed', encoding: 'base64' } as const;
        const ofProgram = async (some: (typeof filters)[number]): Promise<void> => {
            const asked = rpcSubscriptions.programNotifications(PROGRAM_ADDRESS, { ...config, filters: some });
            const changes = await asked.subscribe({ abortSignal: signal() });
            begun();
            for await (const { value } of changes) this.#take(value.pubkey, value.account.owner, value.account.data[0]);
        };
        const ofAccount = async (address: Address): Promise<void> => {
            const changes = await rpcSubscriptions.accountNotifications(address, config).subscribe({ abortSignal: signal() });
            begun();
            for await (const { value } of changes) this.#take(address, value.owner, value.data[0]);
        };
        return [...filters.map(ofProgram), ...watched.map(ofAccount)];
    }

    /** Takes an account that changed. */
    #take(address: Address, owner: Address, base64: string): void {
        const data = getBase64Encoder().encode(base64);
        if (this.#prices.has(address)) {
            this.#prices.set(address, { address, owner, data });
            this.#set({});
            return;
        }
        if (address === CLOCK_ADDRESS) {
            this.#set({ now: decodeClock(data) });
            return;
        }
        const kind = kindOf(data);
        const state = this.#state;
        if (kind === 'market') this.#set({ market: decodeAccount(kind, address, data) });
        if (kind === 'reserve') this.#set({ reserves: added(state.reserves, decodeAccount(kind, address, data)) });
        if (kind === 'backstop') this.#set({ backstops: added(state.backstops, decodeAccount(kind, address, data)) });
        if (kind === 'position') this.#set({ positions: added(state.positions, decodeAccount(kind, address, data)) });
    }

    #wait(ms: number): Promise<void> {
        return new Promise(resolve => {
            const { signal } = this.#stop;
            const done = () => {
                clearTimeout(timer);
                signal.removeEventListener('abort', done);
                resolve();
            };
            const timer = setTimeout(done, ms);
            signal.addEventListener('abort', done, { once: true });
        });
    }
}

/** A map with one more, unless what it has is newer: accounts number their writes. */
function added<T extends { address: Address; state: { sequence: bigint } }>(
    map: ReadonlyMap<Address, T>,
    one: T,
): Map<Address, T> {
    const known = map.get(one.address);
    const copy = new Map(map);
    if (known === undefined || known.state.sequence <= one.state.sequence) copy.set(one.address, one);
    return copy;
}

/**
 * A scene from what is known live, without a request: a position with the reserves of its legs and of `more`. `undefined` where
 * something of it is not known (yet).
 */
export function liveScene(state: LiveState, position: Position, more: readonly Address[] = []): Scene | undefined {
    const { now, market, reserves, offers } = state;
    const wanted = new Set([...legsOf(position), ...more]);
    const found = [...wanted].flatMap(address => reserves.get(address) ?? []);
    if (now === undefined || market === undefined || found.length < wanted.size) return undefined;
    return { now, market, position, reserves: found, offers: found.flatMap(reserve => offers.get(reserve.address) ?? []) };
}
