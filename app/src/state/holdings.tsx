/** What the connected account holds: SOL for fees, tokens, lender and provider accounts. */
import type { Address } from '@solana/kit';
import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import {
    fetchBackstopProviders,
    fetchLenders,
    fetchRaw,
    tokenAccountOf,
    type BackstopProvider,
    type Lender,
} from '@plimsoll/sdk';

import { useChain } from './chain';
import { useWallets } from './wallet';

/** Between two looks, milliseconds. */
const POLL_MS = 5_000;
/** Where a token account keeps its amount. */
const AMOUNT_OFFSET = 64;

/** What an account holds. */
export type Holdings = Readonly<{
    /** SOL for fees, lamports. */
    lamports: bigint;
    /** Tokens in associated accounts, atoms, by reserve. */
    tokens: ReadonlyMap<Address, bigint>;
    /** Lender accounts, by reserve. */
    lenders: ReadonlyMap<Address, Lender>;
    /** Provider accounts, by pool. */
    providers: ReadonlyMap<Address, BackstopProvider>;
}>;

type Value = Readonly<{ holdings: Holdings | undefined; refresh: () => Promise<void> }>;

const HoldingsContext = createContext<Value>({ holdings: undefined, refresh: () => Promise.resolve() });

/** What the connected account holds; `undefined` without one, or until it is known. */
export function useHoldings(): Value {
    return use(HoldingsContext);
}

/** Gives all below it the holdings. */
export function HoldingsProvider({ children }: { children: ReactNode }) {
    const { rpc, state } = useChain();
    const owner = useWallets().connected?.address;
    const [held, setHeld] = useState<{ owner: Address; holdings: Holdings }>();
    const reserves = useRef(state.reserves);
    const count = state.reserves.size;
    useEffect(() => {
        reserves.current = state.reserves;
    });

    const refresh = useCallback(async () => {
        if (owner === undefined || count === 0) return;
        const all = [...reserves.current.values()];
        const accounts = await Promise.all(all.map(reserve => tokenAccountOf(reserve, owner)));
        const [balance, raw, lenders, providers] = await Promise.all([
            rpc.getBalance(owner, { commitment: 'confirmed' }).send(),
            fetchRaw(rpc, accounts),
            fetchLenders(rpc, { owner }),
            fetchBackstopProviders(rpc, { owner }),
        ]);
        const tokens = new Map(
            all.map((reserve, index): [Address, bigint] => {
                const data = raw.accounts[index]?.data;
                if (data === undefined || data.length < AMOUNT_OFFSET + 8) return [reserve.address, 0n];
                const bytes = Uint8Array.from(data);
                return [reserve.address, new DataView(bytes.buffer).getBigUint64(AMOUNT_OFFSET, true)];
            }),
        );
        const holdings = {
            lamports: balance.value,
            tokens,
            lenders: new Map(lenders.map(lender => [lender.state.reserve, lender])),
            providers: new Map(providers.map(provider => [provider.state.backstop, provider])),
        };
        setHeld({ owner, holdings });
    }, [rpc, owner, count]);

    useEffect(() => {
        // A node that does not answer shows elsewhere.
        const look = () => void refresh().catch(() => undefined);
        look();
        const timer = setInterval(look, POLL_MS);
        return () => clearInterval(timer);
    }, [refresh]);

    const holdings = held !== undefined && held.owner === owner ? held.holdings : undefined;
    const value = useMemo(() => ({ holdings, refresh }), [holdings, refresh]);
    return <HoldingsContext value={value}>{children}</HoldingsContext>;
}
