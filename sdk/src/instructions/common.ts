/** What the builders share: the program's own accounts, and the remaining accounts of an action on a position. */
import { AccountRole, type AccountMeta, type Address, type Instruction } from '@solana/kit';

import { collateralsOf, debtsOf, tokenAccountOf, tokenProgramOf, type Position, type Reserve } from '../accounts.js';
import { EVENT_AUTHORITY, PROGRAM_ADDRESS } from '../addresses.js';
import type { Offer } from '../prices.js';

/** Why an instruction cannot be built. */
export class BuildError extends Error {
    override readonly name = 'BuildError';
}

/** What every instruction that says something needs beside its own accounts. */
export const SELF = { eventAuthority: EVENT_AUTHORITY, program: PROGRAM_ADDRESS } as const;

/** One leg of a position in slot order. */
export type Leg = Readonly<{
    reserve: Address;
    /** A collateral that is not fully counted last-in. */
    isUncounted: boolean;
}>;

/** The legs of a position, collaterals before debts. `newDebt` comes last where the position does not owe it yet. */
export function legs(position: Position, newDebt?: Address): Leg[] {
    const all: Leg[] = [
        ...collateralsOf(position).map(slot => ({ reserve: slot.reserve, isUncounted: slot.countedAtoms < slot.atoms })),
        ...debtsOf(position).map(slot => ({ reserve: slot.reserve, isUncounted: false })),
    ];
    if (newDebt !== undefined && all.every(leg => leg.reserve !== newDebt)) {
        all.push({ reserve: newDebt, isUncounted: false });
    }
    return all;
}

/** The legs of a position about to hold a collateral, which comes last among the collaterals where it is new. */
export function legsWithCollateral(position: Position, reserve: Address): Leg[] {
    const all = legs(position);
    if (all.every(leg => leg.reserve !== reserve)) {
        all.splice(position.state.collateralCount, 0, { reserve, isUncounted: false });
    }
    return all;
}

/**
 * Remaining accounts of an action on a position, and the mask of what is offered: reserves that the instruction does not name,
 * then the offered prices, both in slot order.
 *
 * @throws {@link BuildError} where an offer does not fit the position.
 */
export function remaining(
    all: readonly Leg[],
    named: readonly Address[],
    isWritable: (leg: Leg) => boolean,
    offers: readonly Offer[] = [],
): { accounts: AccountMeta[]; offered: number } {
    offers.forEach(({ reserve }, index) => {
        if (all.every(leg => leg.reserve !== reserve)) {
            const sentence = `a price is offered for reserve ${reserve}, which is neither collateral nor debt of the position`;
            throw new BuildError(sentence);
        }
        if (offers.slice(0, index).some(earlier => earlier.reserve === reserve)) {
            throw new BuildError(`two prices are offered for reserve ${reserve}; offer the newer one`);
        }
    });
    const unnamed = all.filter(leg => !named.includes(leg.reserve));
    const accounts: AccountMeta[] = unnamed.map(leg => ({
        address: leg.reserve,
        role: isWritable(leg) ? AccountRole.WRITABLE : AccountRole.READONLY,
    }));
    let offered = 0;
    all.forEach((leg, index) => {
        const offer = offers.find(offer => offer.reserve === leg.reserve);
        if (offer !== undefined) {
            accounts.push({ address: offer.price, role: AccountRole.READONLY });
            offered |= 1 << index;
        }
    });
    return { accounts, offered };
}

/** An instruction with remaining accounts. */
export function withAccounts(instruction: Instruction, accounts: readonly AccountMeta[]): Instruction {
    return Object.freeze({ ...instruction, accounts: [...(instruction.accounts ?? []), ...accounts] });
}

/** What moves a reserve's token: mint and token program. */
export function token(reserve: Reserve): { mint: Address; tokenProgram: Address } {
    return { mint: reserve.state.mint, tokenProgram: tokenProgramOf(reserve) };
}

/** The associated token account of an owner, where the caller names no other. */
export function accountOrOwn(given: Address | undefined, owner: Address, reserve: Reserve): Promise<Address> {
    return given === undefined ? tokenAccountOf(reserve, owner) : Promise.resolve(given);
}
