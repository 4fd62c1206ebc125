/**
 * A lender: previews a supply, supplies, and claims what was paid back of a loss.
 */
import type { Address, KeyPairSigner } from '@solana/kit';

import {
    blankLender,
    claimRecovery,
    describe,
    fetchLender,
    fetchMarket,
    fetchNow,
    fetchReserve,
    lenderAddress,
    openLender,
    sendInstructions,
    supply,
    type Engine,
    type PlimsollRpc,
    type SupplyPreview,
} from '../src/index.js';

/** Supplies atoms, opening the lender account where there is none. Returns what was foreseen. */
export async function supplyTo(
    rpc: PlimsollRpc,
    engine: Engine,
    owner: KeyPairSigner,
    reserveAddress: Address,
    atoms: bigint,
): Promise<SupplyPreview> {
    const reserve = await fetchReserve(rpc, reserveAddress);
    const market = await fetchMarket(rpc, reserve.state.market);
    const found = await fetchLender(rpc, reserveAddress, owner.address);
    const lender = found ?? blankLender(await lenderAddress(reserveAddress, owner.address), reserve, owner.address);
    const preview = engine.previewSupply(market, reserve, lender, { kind: 'supply', atoms }, await fetchNow(rpc));
    if (preview.refusal !== 0) throw new Error(describe(preview.refusal));
    const opening = found === undefined ? [(await openLender({ owner, reserve: reserveAddress })).instruction] : [];
    await sendInstructions(rpc, owner, [...opening, await supply({ owner, reserve, atoms })]);
    return preview;
}

/** Takes what was paid back of one's losses. Returns how much was foreseen, atoms. */
export async function claim(rpc: PlimsollRpc, engine: Engine, owner: KeyPairSigner, reserveAddress: Address): Promise<bigint> {
    const reserve = await fetchReserve(rpc, reserveAddress);
    const lender = await fetchLender(rpc, reserveAddress, owner.address);
    if (lender === undefined) throw new Error('nothing was ever supplied here');
    const { recoveredAtoms } = engine.quoteLender(reserve, lender, await fetchNow(rpc));
    if (recoveredAtoms > 0n) await sendInstructions(rpc, owner, [await claimRecovery({ owner, reserve })]);
    return recoveredAtoms;
}
