/** The newest prices there are: the price accounts themselves, not only what reserves keep of them. */
import type { AccountNotificationsApi, Address, RpcSubscriptions } from '@solana/kit';
import { getBase64Encoder } from '@solana/kit';

import { fetchPriceAccounts, fetchRaw, type PlimsollRpc, type RawAccount, type Reserve } from '@plimsoll/sdk';

/** Between two looks at all price accounts, milliseconds. */
const POLL_MS = 3_000;
/** Between two searches for more accounts of a feed, milliseconds. */
const SEARCH_MS = 60_000;

/** Price accounts as they are. */
export type Prices = Readonly<{
    /** Which accounts belong to a reserve's feed. */
    byReserve: ReadonlyMap<Address, readonly Address[]>;
    /** The accounts. */
    accounts: ReadonlyMap<Address, RawAccount>;
}>;

type Options = Readonly<{
    rpc: PlimsollRpc;
    rpcSubscriptions: RpcSubscriptions<AccountNotificationsApi> | undefined;
    reserves: () => readonly Reserve[];
}>;

/** Price accounts that are being watched. */
export class PriceWatch {
    readonly #options: Options;
    readonly #listeners = new Set<() => void>();
    readonly #stop = new AbortController();
    #listening = new Set<Address>();
    #state: Prices = { byReserve: new Map(), accounts: new Map() };

    constructor(options: Options) {
        this.#options = options;
        void this.#poll();
    }

    readonly state = (): Prices => this.#state;

    readonly subscribe = (listener: () => void): (() => void) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    };

    stop(): void {
        this.#stop.abort();
        this.#listeners.clear();
    }

    #set(change: Partial<Prices>): void {
        if (this.#stop.signal.aborted) return;
        this.#state = { ...this.#state, ...change };
        for (const listener of this.#listeners) listener();
    }

    async #poll(): Promise<void> {
        const { rpc, reserves } = this.#options;
        let searchedAt = 0;
        while (!this.#stop.signal.aborted) {
            const all = reserves();
            try {
                const isNew = all.some(reserve => !this.#state.byReserve.has(reserve.address));
                if (all.length > 0 && (isNew || Date.now() - searchedAt > SEARCH_MS)) {
                    this.#set({ byReserve: await fetchPriceAccounts(rpc, all) });
                    searchedAt = Date.now();
                }
                const addresses = [...this.#state.byReserve.values()].flat();
                if (addresses.length > 0) await this.#look(addresses);
                for (const address of addresses) this.#listen(address);
            } catch {
                // The market's own connection says that the node is lost; prices come back with it.
            }
            await new Promise(resolve => setTimeout(resolve, all.length === 0 ? 200 : POLL_MS));
        }
    }

    async #look(addresses: readonly Address[]): Promise<void> {
        const { accounts } = await fetchRaw(this.#options.rpc, addresses);
        const found = accounts.filter(account => account !== undefined);
        this.#set({ accounts: new Map(found.map(account => [account.address, account])) });
    }

    /** Hears of a change at once, where the node has websockets; polling goes on beside it. */
    #listen(address: Address): void {
        const { rpcSubscriptions } = this.#options;
        if (rpcSubscriptions === undefined || this.#listening.has(address)) return;
        this.#listening.add(address);
        const hear = async () => {
            const config = { commitment: 'confirmed', encoding: 'base64' } as const;
            const asked = rpcSubscriptions.accountNotifications(address, config);
            const changes = await asked.subscribe({ abortSignal: this.#stop.signal });
            for await (const { value } of changes) {
                const data = getBase64Encoder().encode(value.data[0]);
                const accounts = new Map(this.#state.accounts);
                accounts.set(address, { address, owner: value.owner, data });
                this.#set({ accounts });
            }
        };
        // When it ends, the next poll begins anew.
        void hear()
            .catch(() => undefined)
            .finally(() => this.#listening.delete(address));
    }
}
