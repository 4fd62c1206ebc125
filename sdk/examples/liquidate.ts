/**
 * A liquidator: asks the engine what a liquidation would bring, and does it if it pays.
 */
import type { Address, KeyPairSigner } from '@solana/kit';

import {
    debtsOf,
    collateralsOf,
    describe,
    eventsOf,
    fetchPriceAccounts,
    fetchReserves,
    fetchScene,
    liquidate,
    offersFor,
    openTokenAccount,
    reserveOf,
    sendInstructions,
    type Engine,
    type HistoryEntry,
    type PlimsollRpc,
} from '../src/index.js';

/** Returns what happened; throws where the position cannot be liquidated. */
export async function liquidateFirstPair(
    rpc: PlimsollRpc,
    engine: Engine,
    liquidator: KeyPairSigner,
    position: Address,
): Promise<HistoryEntry> {
    const known = await fetchScene(rpc, position);
    const prices = await fetchPriceAccounts(rpc, await fetchReserves(rpc, known.market.address));
    const scene = await fetchScene(rpc, position, { prices });
    const seized = reserveOf(scene, collateralsOf(scene.position)[0]!.reserve);
    const repaid = reserveOf(scene, debtsOf(scene.position)[0]!.reserve);

    const quote = engine.quoteLiquidation(scene, { collateralSlot: 0, debtSlot: 0 });
    if (quote.refusal !== 0) throw new Error(describe(quote.refusal));

    // Prices move: at least what is quoted less a hundredth, or nothing.
    const instruction = await liquidate({
        liquidator,
        position: scene.position,
        seized,
        repaid,
        seizeMinAtoms: (quote.seizeAtoms * 99n) / 100n,
        offers: offersFor(scene),
    });
    const account = await openTokenAccount({ payer: liquidator, reserve: seized });
    const { signature } = await sendInstructions(rpc, liquidator, [account.instruction, instruction]);
    const events = await eventsOf(rpc, signature);
    const liquidated = events?.find(({ event }) => event.name === 'PositionLiquidated');
    if (liquidated === undefined) throw new Error('the node does not know the transaction yet');
    return liquidated;
}
