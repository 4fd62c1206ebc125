/**
 * What only a local validator (Surfpool) lets anybody do: give tokens, write a price, move the clock. This file is in a chunk of its
 * own, which is loaded on localnet only; nothing of it works anywhere else.
 */
import { getI64Decoder, getI64Encoder, getU64Encoder, type Address } from '@solana/kit';

import { fetchPriceAccounts, fetchRaw, ORACLE_PULL, tokenProgramOf } from '@plimsoll/sdk';

import type { ReadyChain, Token } from '../state/chain';

/** Where a price account keeps price, confidence and publish time. */
const PULL = { price: 73, confidence: 81, time: 93 } as const;
const PUSH = { price: 208, confidence: 216, time: 96 } as const;
/** What a test wallet is given: worth about so many nano-dollars of each token. */
const GIFT_NANO_USD = 30_000n * 1_000_000_000n;
const FEES_LAMPORTS = 100_000_000_000;
/** A confidence of a twentieth of a percent, as in a calm market. */
const CONFIDENCE_PART = 2_000n;

/** Calls a method by name. */
export async function call(url: string, method: string, ...params: unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
}

/** Whether the node is one that lets us. */
export async function isSurfpool(url: string): Promise<boolean> {
    try {
        const version = (await call(url, 'getVersion')) as Record<string, unknown>;
        return 'surfnet-version' in version;
    } catch {
        return false;
    }
}

const hex = (data: Uint8Array): string => Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('');

/** Gives an account SOL for fees, and of each token what is worth some ten thousand dollars, beside what it has. */
export async function fund(
    chain: ReadyChain,
    owner: Address,
    held: (token: Token) => bigint,
    price: (token: Token) => bigint,
): Promise<void> {
    const { rpc: url } = chain.config;
    await call(url, 'requestAirdrop', owner, FEES_LAMPORTS);
    for (const token of chain.tokens.values()) {
        const gift = (GIFT_NANO_USD * 10n ** BigInt(token.decimals)) / (price(token) || 1n);
        const amount = Number(held(token) + gift);
        const program = tokenProgramOf(token.reserve);
        await call(url, 'surfnet_setTokenAccount', owner, token.reserve.state.mint, { amount }, program);
    }
}

/** Writes a price account with its price moved to so many basis points of what it is. */
export async function movePrice(chain: ReadyChain, token: Token, bps: bigint): Promise<void> {
    const found = (await fetchPriceAccounts(chain.rpc, [token.reserve])).get(token.reserve.address) ?? [];
    const [account] = (await fetchRaw(chain.rpc, found)).accounts;
    if (account === undefined) throw new Error(`${token.symbol} has no price account`);
    const at = token.reserve.state.oracleKind === ORACLE_PULL ? PULL : PUSH;
    const data = Uint8Array.from(account.data);
    const price = (getI64Decoder().decode(data, at.price) * bps) / 10_000n;
    data.set(getI64Encoder().encode(price), at.price);
    data.set(getU64Encoder().encode(price / CONFIDENCE_PART), at.confidence);
    data.set(getI64Encoder().encode(chain.state.now.unix), at.time);
    const written = { lamports: 10_000_000, owner: account.owner, executable: false, data: hex(data) };
    await call(chain.config.rpc, 'surfnet_setAccount', account.address, written);
}

/** Moves the clock ahead. */
export async function passTime(chain: ReadyChain, secs: bigint): Promise<void> {
    const absoluteTimestamp = Number((chain.state.now.unix + secs) * 1_000n);
    await call(chain.config.rpc, 'surfnet_timeTravel', { absoluteTimestamp });
}
