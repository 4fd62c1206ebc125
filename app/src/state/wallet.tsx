/** Wallets by the Wallet Standard: which there are, which is connected, and its signer. */
import { getWallets } from '@wallet-standard/app';
import type { Wallet, WalletAccount } from '@wallet-standard/base';
import type { StandardConnectFeature, StandardDisconnectFeature, StandardEventsFeature } from '@wallet-standard/features';
import type { Address, TransactionSigner } from '@solana/kit';
import { createContext, use, useCallback, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';

import { walletSigner, type SigningWallet } from '@plimsoll/sdk';

import { remembered, remember } from '../storage';
import { useChain } from './chain';

const MEMORY = 'plimsoll.wallet';

/** What of a wallet this page needs: to connect, and to sign without sending. */
type Features = StandardConnectFeature &
    Partial<StandardDisconnectFeature> &
    Partial<StandardEventsFeature> & {
        'solana:signTransaction': { signTransaction: SigningWallet<WalletAccount>['signTransaction'] };
    };
/** A wallet that can be used here. */
export type UsableWallet = Wallet & Readonly<{ features: Features }>;

/** The wallet's user said no. */
export class SignatureRejected extends Error {
    override readonly name = 'SignatureRejected';
}

/** A connected account. */
export type Connected = Readonly<{
    wallet: UsableWallet;
    account: WalletAccount;
    address: Address;
    /** Whether the account is one of this page's cluster. */
    isRightCluster: boolean;
    signer: TransactionSigner;
}>;

/** Wallets and the connection. */
export type Wallets = Readonly<{
    available: readonly UsableWallet[];
    connected: Connected | undefined;
    connect: (wallet: UsableWallet) => Promise<void>;
    disconnect: () => void;
}>;

const WalletContext = createContext<Wallets | undefined>(undefined);

/** Wallets. Only below {@link WalletProvider}. */
export function useWallets(): Wallets {
    const wallets = use(WalletContext);
    if (wallets === undefined) throw new Error('useWallets stands outside of WalletProvider');
    return wallets;
}

const isUsable = (wallet: Wallet): wallet is UsableWallet =>
    'standard:connect' in wallet.features && 'solana:signTransaction' in wallet.features;

let known: readonly UsableWallet[] = [];
function usable(): readonly UsableWallet[] {
    const found = getWallets().get().filter(isUsable);
    const isSame = found.length === known.length && found.every((wallet, index) => wallet === known[index]);
    if (!isSame) known = found;
    return known;
}

function subscribe(listener: () => void): () => void {
    const { on } = getWallets();
    const off = [on('register', listener), on('unregister', listener)];
    return () => off.forEach(stop => stop());
}

/** Gives all below it the wallets. */
export function WalletProvider({ children }: { children: ReactNode }) {
    const { config } = useChain();
    const chain = `solana:${config.cluster}` as const;
    const available = useSyncExternalStore(subscribe, usable);
    const [chosen, setChosen] = useState<{ wallet: UsableWallet; account: WalletAccount }>();

    const connect = useCallback(async (wallet: UsableWallet, silent = false) => {
        const { accounts } = await wallet.features['standard:connect'].connect(silent ? { silent } : undefined);
        const account = (accounts.length > 0 ? accounts : wallet.accounts)[0];
        if (account === undefined) {
            if (silent) return;
            throw new Error(`${wallet.name} gave this page no account; choose one in the wallet and try again`);
        }
        remember(MEMORY, wallet.name);
        setChosen({ wallet, account });
    }, []);

    const disconnect = useCallback(() => {
        remember(MEMORY, undefined);
        void chosen?.wallet.features['standard:disconnect']?.disconnect();
        setChosen(undefined);
    }, [chosen]);

    // Connects again to the wallet of the last visit, without asking.
    useEffect(() => {
        if (chosen !== undefined) return;
        const last = available.find(wallet => wallet.name === remembered(MEMORY));
        // State changes when the wallet has answered, not in the effect itself.
        // eslint-disable-next-line react-hooks/set-state-in-effect
        if (last !== undefined) connect(last, true).catch(() => undefined);
    }, [available, chosen, connect]);

    // Another account chosen in the wallet.
    useEffect(() => {
        const events = chosen?.wallet.features['standard:events'];
        return events?.on('change', ({ accounts }) => {
            if (accounts === undefined || chosen === undefined) return;
            const account = accounts.find(one => one.address === chosen.account.address) ?? accounts[0];
            setChosen(account === undefined ? undefined : { wallet: chosen.wallet, account });
        });
    }, [chosen]);

    const connected = useMemo(() => (chosen === undefined ? undefined : connectedOf(chosen, chain)), [chosen, chain]);
    const value = useMemo(() => ({ available, connected, connect, disconnect }), [available, connected, connect, disconnect]);
    return <WalletContext value={value}>{children}</WalletContext>;
}

function connectedOf(chosen: { wallet: UsableWallet; account: WalletAccount }, chain: `solana:${string}`): Connected {
    const { wallet, account } = chosen;
    const { signTransaction } = wallet.features['solana:signTransaction'];
    const signing: SigningWallet<WalletAccount>['signTransaction'] = async (...inputs) => {
        try {
            return await signTransaction(...inputs);
        } catch (cause) {
            throw new SignatureRejected('You declined the signature. Nothing was sent.', { cause });
        }
    };
    return {
        wallet,
        account,
        address: account.address as Address,
        isRightCluster: account.chains.includes(chain),
        signer: walletSigner({ account, chain, signTransaction: signing }),
    };
}
