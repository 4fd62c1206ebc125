/**
 * Accounts that are not opened yet, as the program would open them: to preview a first action with.
 * @module
 */
import type { Address } from '@solana/kit';

import {
    decodeAccount,
    LAYOUT_VERSION,
    MAX_COLLATERALS,
    MAX_DEBTS,
    type Lender,
    type Position,
    type Reserve,
} from './accounts.js';
import { getLenderEncoder, getPositionEncoder } from './generated/accounts/index.js';
import type { PositionState } from './generated/types/index.js';

const NOBODY = '11111111111111111111111111111111' as Address;
const NOTHING = { lo: 0n, hi: 0n };

/** A lender account that holds nothing, following the reserve's claims from now on. */
export function blankLender(address: Address, reserve: Reserve, owner: Address): Lender {
    const { outstandingFactor, claimPerShare, lossPerShare, epoch, scale } = reserve.state.claims;
    const state = {
        version: LAYOUT_VERSION,
        bump: 0,
        pad: new Uint8Array(6),
        reserve: reserve.address,
        owner,
        shares: NOTHING,
        claim: NOTHING,
        outstandingFactor,
        claimPerShare,
        lossPerShare,
        epoch,
        scale,
        recoveredAtoms: 0n,
        recoveredRest: 0n,
        reserved: new Uint8Array(72),
    };
    return decodeAccount('lender', address, getLenderEncoder().encode({ state }));
}

/** A position that holds nothing. */
export function blankPosition(address: Address, market: Address, owner: Address, id = 0): Position {
    const slot = { reserve: NOBODY, atoms: 0n, countedAtoms: 0n, reserved: [0n, 0n] };
    const debt = { reserve: NOBODY, shares: NOTHING, provisionShares: NOTHING, shareAtDefaultQ40: 0n, reserved: 0n };
    const state: PositionState = {
        version: LAYOUT_VERSION,
        bump: 0,
        id,
        collateralCount: 0,
        debtCount: 0,
        isMarkPaid: 0,
        pad: new Uint8Array(1),
        sequence: 0n,
        market,
        owner,
        calledAt: 0n,
        flaggedAt: 0n,
        auctionSecs: 0n,
        auctionCountedAt: 0n,
        coolingUntilSlot: 0n,
        defaultedAt: 0n,
        protectionTriggerBps: 0n,
        protectionBonusBps: 0n,
        provisionedAt: 0n,
        collaterals: Array.from({ length: MAX_COLLATERALS }, () => slot),
        debts: Array.from({ length: MAX_DEBTS }, () => debt),
        takenAtoms: Array.from({ length: MAX_DEBTS }, () => Array.from({ length: MAX_COLLATERALS }, () => 0n)),
        reserved: new Uint8Array(288),
    };
    return decodeAccount('position', address, getPositionEncoder().encode({ state }));
}
