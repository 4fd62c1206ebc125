/** What a lender does, and what anyone may pay into a reserve. */
import type { Address, Instruction, TransactionSigner } from '@solana/kit';

import type { Reserve } from '../accounts.js';
import { lenderAddress } from '../addresses.js';
import * as raw from '../generated/instructions/index.js';
import { accountOrOwn, SELF, token } from './common.js';
import type { Opening } from './positions.js';

/** Open a lender account in a reserve, before the first supply. The owner pays its rent. */
export async function openLender(input: { owner: TransactionSigner; reserve: Address }): Promise<Opening> {
    const address = await lenderAddress(input.reserve, input.owner.address);
    return { instruction: raw.getOpenLenderInstruction({ ...SELF, ...input, lender: address }), address };
}

/** Close an empty lender account. The owner receives its rent. */
export async function closeLender(input: { owner: TransactionSigner; reserve: Address }): Promise<Instruction> {
    const lender = await lenderAddress(input.reserve, input.owner.address);
    return raw.getCloseLenderInstruction({ ...SELF, owner: input.owner, lender });
}

async function changeSupply(owner: TransactionSigner, reserve: Reserve, liquidity: Address | undefined) {
    return {
        ...SELF,
        ...token(reserve),
        owner,
        market: reserve.state.market,
        reserve: reserve.address,
        lender: await lenderAddress(reserve.address, owner.address),
        ownerLiquidity: await accountOrOwn(liquidity, owner.address, reserve),
        liquidityVault: reserve.state.liquidityVault,
    };
}

/** Supply liquidity for shares. */
export async function supply(input: {
    /** Lender. */
    owner: TransactionSigner;
    /** Reserve. */
    reserve: Reserve;
    /** Atoms. */
    atoms: bigint;
    /** Least shares to accept. */
    sharesMin?: bigint;
    /** Token account that pays; the associated one if none is named. */
    from?: Address;
}): Promise<Instruction> {
    const accounts = await changeSupply(input.owner, input.reserve, input.from);
    return raw.getSupplyInstruction({ ...accounts, amountAtoms: input.atoms, sharesMin: input.sharesMin ?? 0n });
}

/** Redeem shares for liquidity. */
export async function redeem(input: {
    /** Lender. */
    owner: TransactionSigner;
    /** Reserve. */
    reserve: Reserve;
    /** Shares to burn. */
    shares: bigint;
    /** Least atoms to accept. */
    atomsMin?: bigint;
    /** Token account that receives; the associated one if none is named. */
    to?: Address;
}): Promise<Instruction> {
    const accounts = await changeSupply(input.owner, input.reserve, input.to);
    return raw.getRedeemInstruction({ ...accounts, shares: input.shares, assetsMinAtoms: input.atomsMin ?? 0n });
}

/** Take what was paid back of one's losses. */
export async function claimRecovery(input: { owner: TransactionSigner; reserve: Reserve; to?: Address }): Promise<Instruction> {
    return raw.getClaimRecoveryInstruction(await changeSupply(input.owner, input.reserve, input.to));
}

/** A payment into a reserve. */
export type Payment = {
    /** Who pays. */
    payer: TransactionSigner;
    /** Reserve. */
    reserve: Reserve;
    /** Token account that pays; the associated one if none is named. */
    from?: Address;
};

async function payment({ payer, reserve, from }: Payment) {
    return {
        ...SELF,
        ...token(reserve),
        payer,
        reserve: reserve.address,
        payerLiquidity: await accountOrOwn(from, payer.address, reserve),
        liquidityVault: reserve.state.liquidityVault,
    };
}

/** Pay back what a reserve's lenders lost, at most what is outstanding. Anyone may. */
export async function repayRecovery(input: Payment & { atomsMax: bigint }): Promise<Instruction> {
    return raw.getRepayRecoveryInstruction({ ...(await payment(input)), amountAtomsMax: input.atomsMax });
}

/** Add to a reserve's insurance. Anyone may; it is not returned. */
export async function fundInsurance(input: Payment & { atoms: bigint }): Promise<Instruction> {
    return raw.getFundInsuranceInstruction({ ...(await payment(input)), amountAtoms: input.atoms });
}

/** Borrow until the {@link flashRepay} of the same reserve that follows in the transaction. Both stand at its top level. */
export async function flashBorrow(input: {
    /** Who borrows. */
    borrower: TransactionSigner;
    /** Reserve to borrow from. */
    reserve: Reserve;
    /** Atoms. */
    atoms: bigint;
    /** Token account that receives; the associated one if none is named. */
    to?: Address;
}): Promise<Instruction> {
    const { borrower, reserve, atoms } = input;
    return raw.getFlashBorrowInstruction({
        ...SELF,
        ...token(reserve),
        borrower,
        market: reserve.state.market,
        reserve: reserve.address,
        borrowerLiquidity: await accountOrOwn(input.to, borrower.address, reserve),
        liquidityVault: reserve.state.liquidityVault,
        amountAtoms: atoms,
    });
}

/** Return a flash loan: principal and fee. */
export async function flashRepay(input: Payment): Promise<Instruction> {
    return raw.getFlashRepayInstruction(await payment(input));
}

/** Ask where a lender stands: simulate it, and decode the return data. */
export async function quoteLender(input: { owner: Address; reserve: Address }): Promise<Instruction> {
    const lender = await lenderAddress(input.reserve, input.owner);
    return raw.getQuoteLenderInstruction({ reserve: input.reserve, lender });
}

/** Ask what a lender has at stake in one position: simulate it, and decode the return data. */
export async function quoteLenderExposure(input: {
    owner: Address;
    reserve: Address;
    position: Address;
}): Promise<Instruction> {
    const lender = await lenderAddress(input.reserve, input.owner);
    return raw.getQuoteLenderExposureInstruction({ reserve: input.reserve, lender, position: input.position });
}
