/** A wallet that really signs: registered by the Wallet Standard in the page, its key here, outside of it. */
import type { Page } from 'playwright-core';

import { createKeyPairSignerFromPrivateKeyBytes, getAddressEncoder, signBytes, type Address } from '@solana/kit';

/** A test wallet. */
export type TestWallet = Readonly<{
    address: Address;
    name: string;
    /** How often it signed. */
    signatures: () => number;
    /** What it does with the next signature that is asked for. */
    next: (what: 'sign' | 'reject') => void;
}>;

/** Registered before any script of the page, as an extension does. Runs in the page: nothing from outside but its arguments. */
function register([name, address, publicKey, chains]: [string, string, number[], string[]]): void {
    type Any = Record<string, unknown>;
    const features = ['solana:signTransaction'];
    const account = { address, publicKey: new Uint8Array(publicKey), chains, features };
    const listeners = new Set<(change: Any) => void>();
    const signer = `__sign_${address}`;
    const sign = async (bytes: Uint8Array) => {
        const ask = (window as unknown as Record<string, (bytes: number[]) => Promise<number[] | null>>)[signer];
        const signature = await ask?.([...bytes]);
        if (signature === undefined || signature === null) throw new Error('User rejected the request.');
        return new Uint8Array(signature);
    };
    const wallet = {
        version: '1.0.0',
        name,
        icon: 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=',
        chains,
        accounts: [account],
        features: {
            'standard:connect': { version: '1.0.0', connect: () => Promise.resolve({ accounts: [account] }) },
            'standard:disconnect': { version: '1.0.0', disconnect: () => Promise.resolve() },
            'standard:events': {
                version: '1.0.0',
                on: (_: string, listener: (change: Any) => void) => {
                    listeners.add(listener);
                    return () => listeners.delete(listener);
                },
            },
            'solana:signTransaction': {
                version: '1.0.0',
                supportedTransactionVersions: ['legacy', 0],
                signTransaction: (...inputs: { transaction: Uint8Array }[]) =>
                    Promise.all(
                        inputs.map(async input => {
                            const wire = new Uint8Array(input.transaction);
                            const count = wire[0] ?? 0;
                            // Slot 0 is the fee payer's, and this page's users pay their own fees.
                            wire.set(await sign(wire.subarray(1 + 64 * count)), 1);
                            return { signedTransaction: wire };
                        }),
                    ),
            },
        },
    };
    const callback = (api: { register: (wallet: unknown) => void }) => api.register(wallet);
    window.dispatchEvent(new CustomEvent('wallet-standard:register-wallet', { detail: callback }));
    window.addEventListener('wallet-standard:app-ready', event => callback((event as CustomEvent).detail as never));
}

/** Gives a page a wallet before it is opened. */
export async function addWallet(page: Page, name: string, chains = ['solana:localnet']): Promise<TestWallet> {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const signer = await createKeyPairSignerFromPrivateKeyBytes(secret);
    let [count, isRejecting] = [0, false];
    await page.exposeFunction(`__sign_${signer.address}`, async (bytes: number[]): Promise<number[] | null> => {
        if (isRejecting) {
            isRejecting = false;
            return null;
        }
        count += 1;
        return [...(await signBytes(signer.keyPair.privateKey, Uint8Array.from(bytes)))];
    });
    const publicKey = [...getAddressEncoder().encode(signer.address)];
    await page.addInitScript(register, [name, signer.address, publicKey, chains] as [string, string, number[], string[]]);
    return {
        address: signer.address,
        name,
        signatures: () => count,
        next: what => {
            isRejecting = what === 'reject';
        },
    };
}
