/**
 * A backstop provider: deposits, joins once warm, and takes what the pool gained.
 */
import type { Address, KeyPairSigner } from '@solana/kit';

import {
    claimBackstopGain,
    depositBackstop,
    fetchBackstop,
    fetchBackstopProvider,
    fetchNow,
    fetchReserve,
    joinBackstop,
    openBackstopProvider,
    openTokenAccount,
    sendInstructions,
    type BackstopProviderQuote,
    type Engine,
    type PlimsollRpc,
} from '../src/index.js';

/** Opens a provider account and deposits. */
export async function deposit(rpc: PlimsollRpc, owner: KeyPairSigner, pool: Address, atoms: bigint): Promise<void> {
    const backstop = await fetchBackstop(rpc, pool);
    const reserve = await fetchReserve(rpc, backstop.state.reserve);
    const opening = await openBackstopProvider({ owner, backstop });
    await sendInstructions(rpc, owner, [opening.instruction, await depositBackstop({ owner, backstop, reserve, atoms })]);
}

/** Lets a warm deposit join. Anyone may, so that no provider can wait and see. */
export async function join(rpc: PlimsollRpc, payer: KeyPairSigner, pool: Address, owner: Address): Promise<void> {
    await sendInstructions(rpc, payer, [await joinBackstop({ owner, backstop: await fetchBackstop(rpc, pool) })]);
}

/** Where a provider stands. */
export async function standing(
    rpc: PlimsollRpc,
    engine: Engine,
    pool: Address,
    owner: Address,
): Promise<BackstopProviderQuote> {
    const backstop = await fetchBackstop(rpc, pool);
    const provider = await fetchBackstopProvider(rpc, pool, owner);
    if (provider === undefined) throw new Error(`${owner} provides nothing to ${pool}`);
    return engine.quoteBackstopProvider(backstop, provider, await fetchNow(rpc));
}

/** Takes all that was gained, of every collateral. Returns how much of each, by reserve. */
export async function claimGains(
    rpc: PlimsollRpc,
    engine: Engine,
    owner: KeyPairSigner,
    pool: Address,
): Promise<Map<Address, bigint>> {
    const backstop = await fetchBackstop(rpc, pool);
    const { gainAtoms } = await standing(rpc, engine, pool, owner.address);
    const gained = new Map<Address, bigint>();
    for (const [slot, { reserve: address }] of backstop.state.collaterals.slice(0, backstop.state.collateralCount).entries()) {
        const atoms = gainAtoms[slot] ?? 0n;
        if (atoms === 0n) continue;
        const collateral = await fetchReserve(rpc, address);
        const account = await openTokenAccount({ payer: owner, reserve: collateral });
        await sendInstructions(rpc, owner, [account.instruction, await claimBackstopGain({ owner, backstop, collateral })]);
        gained.set(address, atoms);
    }
    return gained;
}
