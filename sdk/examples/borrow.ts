/**
 * A borrower: opens a position, deposits SOL, looks at what it may borrow, and borrows half of that.
 */
import type { Address, KeyPairSigner } from '@solana/kit';

import {
    blankPosition,
    borrow,
    deposit,
    fetchPriceAccounts,
    fetchReserves,
    fetchScene,
    fetchSceneOf,
    offersFor,
    openPosition,
    openTokenAccount,
    reserveOf,
    sendInstructions,
    type Engine,
    type PlimsollRpc,
} from '../src/index.js';

/** Returns the position, and how much was borrowed, atoms. */
export async function depositAndBorrow(
    rpc: PlimsollRpc,
    engine: Engine,
    owner: KeyPairSigner,
    market: Address,
    tokens: Readonly<{ collateral: Address; debt: Address }>,
    depositAtoms: bigint,
): Promise<Readonly<{ position: Address; borrowed: bigint }>> {
    const reserves = await fetchReserves(rpc, market);
    const collateral = reserves.find(reserve => reserve.state.mint === tokens.collateral)!;
    const debt = reserves.find(reserve => reserve.state.mint === tokens.debt)!;

    // What a deposit would make of a position that is not there yet.
    const opening = await openPosition({ owner, market });
    const blank = blankPosition(opening.address, market, owner.address);
    const before = await fetchSceneOf(rpc, blank, { more: [collateral.address] });
    const seen = engine.preview(before, { kind: 'deposit', reserve: collateral.address, atoms: depositAtoms });
    if (seen.refusal !== 0) throw new Error('the deposit would be refused');

    // Open and deposit, in one transaction.
    const paying = await deposit({ depositor: owner, position: opening.address, reserve: collateral, atoms: depositAtoms });
    await sendInstructions(rpc, owner, [opening.instruction, paying]);

    // How much may be borrowed, at the newest prices there are?
    const prices = await fetchPriceAccounts(rpc, [collateral, debt]);
    const scene = await fetchScene(rpc, opening.address, { more: [debt.address], prices });
    const most = engine.most(scene, { kind: 'borrow', reserve: debt.address });
    const atoms = most.atoms / 2n;
    const instruction = await borrow({
        owner,
        position: scene.position,
        reserve: reserveOf(scene, debt.address),
        atoms,
        offers: offersFor(scene, debt.address),
    });
    const account = await openTokenAccount({ payer: owner, reserve: debt });
    await sendInstructions(rpc, owner, [account.instruction, instruction]);
    return { position: opening.address, borrowed: atoms };
}
