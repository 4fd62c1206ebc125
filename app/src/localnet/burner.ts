/**
 * Test wallets, for localnet only: keys made in this browser tab, forgotten with it, worth nothing. They sign without asking.
 */
import { getWallets } from '@wallet-standard/app';
import type { Wallet, WalletAccount } from '@wallet-standard/base';
import { getAddressDecoder, getBase64Decoder, getBase64Encoder } from '@solana/kit';

const ICON =
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCI+PHJlY3Qgd2lkdGg9IjI0IiBoZWlnaHQ9IjI0IiByeD0iNSIgZmlsbD0iIzdkNTAwMCIvPjxwYXRoIGQ9Ik05IDVoNm0tNSAwdjVsLTQgN2ExLjUgMS41IDAgMCAwIDEuMyAyLjJoOS40QTEuNSAxLjUgMCAwIDAgMTggMTdsLTQtN1Y1IiBmaWxsPSJub25lIiBzdHJva2U9IiNmZmYiIHN0cm9rZS13aWR0aD0iMS42IiBzdHJva2UtbGluZWNhcD0icm91bmQiIHN0cm9rZS1saW5lam9pbj0icm91bmQiLz48L3N2Zz4=' as const;
const CHAIN = 'solana:localnet';
const SIGNATURE_BYTES = 64;

type Keys = Readonly<{ privateKey: CryptoKey; publicKey: Uint8Array }>;

/** The key of this tab, so that a reload keeps the position. */
async function keysOf(name: string): Promise<Keys> {
    const place = `plimsoll.burner.${name}`;
    const kept = sessionStorage.getItem(place);
    if (kept !== null) {
        const [secret = '', open = ''] = kept.split(' ');
        const pkcs8 = Uint8Array.from(getBase64Encoder().encode(secret));
        const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
        return { privateKey, publicKey: Uint8Array.from(getBase64Encoder().encode(open)) };
    }
    const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
    const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    const secret = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
    const text = (bytes: Uint8Array) => getBase64Decoder().decode(bytes);
    sessionStorage.setItem(place, `${text(secret)} ${text(publicKey)}`);
    return { privateKey: pair.privateKey, publicKey };
}

/** Puts a signature into a transaction: a number of signatures, the signatures, the message. */
async function signed(wire: Uint8Array, { privateKey, publicKey }: Keys): Promise<Uint8Array> {
    const transaction = Uint8Array.from(wire);
    const count = transaction[0] ?? 0;
    const message = transaction.slice(1 + SIGNATURE_BYTES * count);
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, message));
    // Keys follow the message's version byte (where it has one), its three-byte header and their number.
    const start = ((message[0] ?? 0) & 0x80) === 0 ? 4 : 5;
    for (let index = 0; index < count; index += 1) {
        const key = message.slice(start + 32 * index, start + 32 * (index + 1));
        if (key.every((byte, at) => byte === publicKey[at])) transaction.set(signature, 1 + SIGNATURE_BYTES * index);
    }
    return transaction;
}

async function burner(letter: string): Promise<Wallet> {
    const keys = await keysOf(letter);
    const features = ['solana:signTransaction'] as const;
    const account: WalletAccount = {
        address: getAddressDecoder().decode(keys.publicKey),
        publicKey: keys.publicKey,
        chains: [CHAIN],
        features,
    };
    return {
        version: '1.0.0',
        name: `Test wallet ${letter} (localnet)`,
        icon: ICON,
        chains: [CHAIN],
        accounts: [account],
        features: {
            'standard:connect': { version: '1.0.0', connect: () => Promise.resolve({ accounts: [account] }) },
            'standard:disconnect': { version: '1.0.0', disconnect: () => Promise.resolve() },
            'solana:signTransaction': {
                version: '1.0.0',
                supportedTransactionVersions: ['legacy', 0],
                signTransaction: async (...inputs: { transaction: Uint8Array }[]) =>
                    Promise.all(inputs.map(async input => ({ signedTransaction: await signed(input.transaction, keys) }))),
            },
        },
    };
}

let isDone = false;

/** Adds two test wallets to those of the browser: one to borrow with, one to liquidate with. */
export async function registerBurners(): Promise<void> {
    if (isDone) return;
    isDone = true;
    getWallets().register(...(await Promise.all(['A', 'B'].map(burner))));
}
