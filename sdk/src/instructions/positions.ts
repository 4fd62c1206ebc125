/** What a borrower does, and what anyone may do for a position. */
import { AccountRole, type Address, type Instruction, type TransactionSigner } from '@solana/kit';

import type { Position, Reserve } from '../accounts.js';
import { positionAddress } from '../addresses.js';
import * as raw from '../generated/instructions/index.js';
import { U64_MAX } from '../numbers.js';
import type { Offer } from '../prices.js';
import { accountOrOwn, BuildError, legs, legsWithCollateral, remaining, SELF, token, withAccounts } from './common.js';

/** An instruction, and the address of what it opens. */
export type Opening = Readonly<{ instruction: Instruction; address: Address }>;

/** Open an empty position. The owner pays its rent. */
export async function openPosition(input: {
    /** Owner. */
    owner: TransactionSigner;
    /** Market. */
    market: Address;
    /** Number of the position. */
    id?: number;
}): Promise<Opening> {
    const { owner, market, id = 0 } = input;
    const address = await positionAddress(market, owner.address, id);
    return { instruction: raw.getOpenPositionInstruction({ ...SELF, owner, market, position: address, id }), address };
}

/** Close an empty position. The owner receives its rent. */
export function closePosition(input: { owner: TransactionSigner; position: Address }): Instruction {
    return raw.getClosePositionInstruction({ ...SELF, ...input });
}

/**
 * Add collateral to a position. Anyone may, to an open slot; only the owner opens one. Refused where the collateral cap has no
 * room; for a position below the call level {@link rescue} may exceed it.
 */
export async function deposit(input: {
    /** Who deposits. */
    depositor: TransactionSigner;
    /** Position. */
    position: Address;
    /** Reserve of the token. */
    reserve: Reserve;
    /** Atoms. */
    atoms: bigint;
    /** Token account that pays; the associated one if none is named. */
    from?: Address;
}): Promise<Instruction> {
    const { depositor, position, reserve, atoms } = input;
    return raw.getDepositCollateralInstruction({
        ...SELF,
        ...token(reserve),
        depositor,
        position,
        reserve: reserve.address,
        depositorCollateral: await accountOrOwn(input.from, depositor.address, reserve),
        collateralVault: reserve.state.collateralVault,
        amountAtoms: atoms,
        offered: 0,
    });
}

/**
 * Add collateral to a position below the call level: may exceed the collateral cap by the rescue allowance, up to the target health.
 *
 * @throws BuildError where an offer does not fit the position.
 */
export async function rescue(input: {
    /** Who deposits. */
    depositor: TransactionSigner;
    /** Position. */
    position: Position;
    /** Reserve of the token. */
    reserve: Reserve;
    /** Atoms. */
    atoms: bigint;
    /** Token account that pays; the associated one if none is named. */
    from?: Address;
    /** Prices. */
    offers?: readonly Offer[];
}): Promise<Instruction> {
    const { depositor, position, reserve, atoms } = input;
    const all = legsWithCollateral(position, reserve.address);
    const { accounts, offered } = remaining(all, [reserve.address], () => false, input.offers);
    const instruction = raw.getDepositCollateralInstruction({
        ...SELF,
        ...token(reserve),
        depositor,
        position: position.address,
        reserve: reserve.address,
        depositorCollateral: await accountOrOwn(input.from, depositor.address, reserve),
        collateralVault: reserve.state.collateralVault,
        market: position.state.market,
        amountAtoms: atoms,
        offered,
    });
    return withAccounts(instruction, accounts);
}

/** The owner of a position signs what only the owner may do. */
function requireOwner(owner: TransactionSigner, position: Position): void {
    if (owner.address !== position.state.owner) {
        throw new BuildError(`position ${position.address} belongs to ${position.state.owner}, not to ${owner.address}`);
    }
}

/**
 * Take collateral out of one's position. With debt, every leg needs a good price; without, none.
 *
 * @throws BuildError where an offer does not fit the position, or another signs than its owner.
 */
export async function withdraw(input: {
    /** Owner of the position. */
    owner: TransactionSigner;
    /** Position. */
    position: Position;
    /** Reserve of the token. */
    reserve: Reserve;
    /** Atoms. */
    atoms: bigint;
    /** Token account that receives; the associated one if none is named. */
    to?: Address;
    /** Prices; ignored where the position has no debt. */
    offers?: readonly Offer[];
}): Promise<Instruction> {
    const { owner, position, reserve, atoms } = input;
    requireOwner(owner, position);
    const { accounts, offered } =
        position.state.debtCount > 0
            ? remaining(legs(position), [reserve.address], () => false, input.offers)
            : { accounts: [], offered: 0 };
    const instruction = raw.getWithdrawCollateralInstruction({
        ...SELF,
        ...token(reserve),
        owner,
        market: position.state.market,
        position: position.address,
        reserve: reserve.address,
        ownerCollateral: await accountOrOwn(input.to, owner.address, reserve),
        collateralVault: reserve.state.collateralVault,
        amountAtoms: atoms,
        offered,
    });
    return withAccounts(instruction, accounts);
}

/**
 * Borrow against one's position. Every leg and the borrowed token need a good price. Collateral that does not count last-in yet
 * is made writable.
 *
 * @throws BuildError where an offer does not fit the position, or another signs than its owner.
 */
export async function borrow(input: {
    /** Owner of the position. */
    owner: TransactionSigner;
    /** Position. */
    position: Position;
    /** Reserve to borrow from. */
    reserve: Reserve;
    /** Atoms. */
    atoms: bigint;
    /** Token account that receives; the associated one if none is named. */
    to?: Address;
    /** Prices, for collaterals, debts and the borrowed reserve. */
    offers?: readonly Offer[];
}): Promise<Instruction> {
    const { owner, position, reserve, atoms } = input;
    requireOwner(owner, position);
    const all = legs(position, reserve.address);
    const { accounts, offered } = remaining(all, [reserve.address], leg => leg.isUncounted, input.offers);
    const instruction = raw.getBorrowInstruction({
        ...SELF,
        ...token(reserve),
        owner,
        market: position.state.market,
        position: position.address,
        reserve: reserve.address,
        ownerLiquidity: await accountOrOwn(input.to, owner.address, reserve),
        liquidityVault: reserve.state.liquidityVault,
        amountAtoms: atoms,
        offered,
    });
    return withAccounts(instruction, accounts);
}

/** Repay a position's debt. Anyone may; needs no price. */
export async function repay(input: {
    /** Who pays. */
    payer: TransactionSigner;
    /** Position. */
    position: Address;
    /** Reserve of the debt. */
    reserve: Reserve;
    /** Most to pay, atoms; without it all that is owed. */
    atomsMax?: bigint;
    /** Token account that pays; the associated one if none is named. */
    from?: Address;
}): Promise<Instruction> {
    const { payer, position, reserve, atomsMax = U64_MAX } = input;
    return raw.getRepayInstruction({
        ...SELF,
        ...token(reserve),
        payer,
        position,
        reserve: reserve.address,
        payerLiquidity: await accountOrOwn(input.from, payer.address, reserve),
        liquidityVault: reserve.state.liquidityVault,
        amountAtomsMax: atomsMax,
    });
}

/** Set a protection order on one's position, or remove it (both 0). */
export function setProtectionOrder(input: {
    /** Owner of the position. */
    owner: TransactionSigner;
    /** Position. */
    position: Position;
    /** Health below which keepers may deleverage, bps. */
    triggerBps: bigint;
    /** Bonus they earn, bps. */
    bonusBps: bigint;
}): Instruction {
    const { owner, position, triggerBps, bonusBps } = input;
    requireOwner(owner, position);
    const { market } = position.state;
    return raw.getSetProtectionOrderInstruction({ ...SELF, owner, market, position: position.address, triggerBps, bonusBps });
}

/** Stop counting a debt-free position's collateral against what others may borrow. Anyone may. */
export function uncountPosition(input: { position: Address; reserve: Address }): Instruction {
    return raw.getUncountPositionInstruction({ ...SELF, ...input });
}

/** Hand newer prices to reserves, and book their interest. Anyone may. */
export function refreshReserves(offers: readonly Offer[]): Instruction {
    const accounts = offers.flatMap(({ reserve, price }) => [
        { address: reserve, role: AccountRole.WRITABLE },
        { address: price, role: AccountRole.READONLY },
    ]);
    return withAccounts(raw.getRefreshReservesInstruction(SELF), accounts);
}

/** Book a reserve's interest up to now. Anyone may. */
export function accrueInterest(reserve: Address): Instruction {
    return raw.getAccrueInterestInstruction({ ...SELF, reserve });
}

/** Record that a reserve's price has grown old; from then on it fades. Anyone may. */
export function noticeStalePrice(reserve: Address): Instruction {
    return raw.getNoticeStalePriceInstruction({ ...SELF, reserve });
}

/** Ask where a position stands: simulate it, and decode the return data. */
export function quotePosition(input: { position: Position; offers?: readonly Offer[] }): Instruction {
    const { position, offers } = input;
    const { accounts, offered } = remaining(legs(position), [], () => false, offers);
    const { market } = position.state;
    return withAccounts(raw.getQuotePositionInstruction({ market, position: position.address, offered }), accounts);
}
