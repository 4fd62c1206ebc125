/** Backstop pools: what providers do, and what anyone does for them. */
import type { Address, Instruction, TransactionSigner } from '@solana/kit';

import type { Backstop, Position, Reserve } from '../accounts.js';
import { backstopAddress, backstopProviderAddress } from '../addresses.js';
import * as raw from '../generated/instructions/index.js';
import type { Offer } from '../prices.js';
import { accountOrOwn, legs, remaining, SELF, token, withAccounts } from './common.js';
import type { Opening } from './positions.js';

/** Let a backstop pool repay an unhealthy position's debt and take the collateral, for a tip. Anyone may. */
export async function backstopLiquidate(input: {
    /** Position. */
    position: Position;
    /** Reserve of the collateral to seize. */
    seized: Reserve;
    /** Reserve of the debt to repay. */
    repaid: Address;
    /** Generation of its pool. */
    generation: number;
    /** Token account that receives the tip, in collateral. */
    tipTo: Address;
    /** Least tip to accept, collateral atoms. */
    tipMinAtoms?: bigint;
    /** Prices. */
    offers?: readonly Offer[];
}): Promise<Instruction> {
    const { position, seized, repaid, generation, tipTo, tipMinAtoms = 0n } = input;
    const { accounts, offered } = remaining(legs(position), [seized.address, repaid], () => false, input.offers);
    const { mint, tokenProgram } = token(seized);
    const instruction = raw.getBackstopLiquidateInstruction({
        ...SELF,
        market: position.state.market,
        position: position.address,
        seizedReserve: seized.address,
        repaidReserve: repaid,
        backstop: await backstopAddress(repaid, generation),
        tipAccount: tipTo,
        collateralVault: seized.state.collateralVault,
        collateralMint: mint,
        collateralTokenProgram: tokenProgram,
        tipMinAtoms,
        offered,
    });
    return withAccounts(instruction, accounts);
}

/** A provider in a backstop pool. */
export type Providing = {
    /** Provider. */
    owner: TransactionSigner;
    /** Pool. */
    backstop: Backstop;
};

async function provider({ owner, backstop }: Providing) {
    return { owner, backstop: backstop.address, provider: await backstopProviderAddress(backstop.address, owner.address) };
}

async function change(input: Providing & { reserve: Reserve; account: Address | undefined }) {
    const { owner, reserve, account } = input;
    return {
        ...SELF,
        ...token(reserve),
        ...(await provider(input)),
        reserve: reserve.address,
        ownerLiquidity: await accountOrOwn(account, owner.address, reserve),
        liquidityVault: reserve.state.liquidityVault,
    };
}

/** Open a provider account, before the first deposit. The provider pays its rent. */
export async function openBackstopProvider(input: Providing): Promise<Opening> {
    const accounts = await provider(input);
    return { instruction: raw.getOpenBackstopProviderInstruction({ ...SELF, ...accounts }), address: accounts.provider };
}

/** Close an empty provider account. The provider receives its rent. */
export async function closeBackstopProvider(input: Providing): Promise<Instruction> {
    return raw.getCloseBackstopProviderInstruction({ ...SELF, ...(await provider(input)) });
}

/** Deposit in a pool; it warms up first. `reserve` is the pool's, `from` pays (the associated token account if none is named). */
export async function depositBackstop(
    input: Providing & { reserve: Reserve; atoms: bigint; from?: Address },
): Promise<Instruction> {
    const accounts = await change({ ...input, account: input.from });
    return raw.getDepositBackstopInstruction({ ...accounts, amountAtoms: input.atoms });
}

/** Take back what is warming up. */
export async function cancelBackstopDeposit(input: Providing & { reserve: Reserve; to?: Address }): Promise<Instruction> {
    return raw.getCancelBackstopDepositInstruction(await change({ ...input, account: input.to }));
}

/** Request a withdrawal; it cools down, and absorbs until it is taken. */
export async function requestBackstopWithdrawal(input: Providing & { atoms: bigint }): Promise<Instruction> {
    return raw.getRequestBackstopWithdrawalInstruction({ ...SELF, ...(await provider(input)), amountAtoms: input.atoms });
}

/** Take a matured withdrawal. */
export async function withdrawBackstop(input: Providing & { reserve: Reserve; to?: Address }): Promise<Instruction> {
    return raw.getWithdrawBackstopInstruction(await change({ ...input, account: input.to }));
}

/** Let a provider's warm deposit join. Anyone may. */
export async function joinBackstop(input: { owner: Address; backstop: Backstop }): Promise<Instruction> {
    const provider = await backstopProviderAddress(input.backstop.address, input.owner);
    return raw.getJoinBackstopInstruction({ ...SELF, backstop: input.backstop.address, provider });
}

/** Take all that was gained of a collateral. `to` receives, the associated token account if none is named. */
export async function claimBackstopGain(input: Providing & { collateral: Reserve; to?: Address }): Promise<Instruction> {
    const { owner, collateral, to } = input;
    return raw.getClaimBackstopGainInstruction({
        ...SELF,
        ...token(collateral),
        ...(await provider(input)),
        collateralReserve: collateral.address,
        ownerCollateral: await accountOrOwn(to, owner.address, collateral),
        collateralVault: collateral.state.collateralVault,
    });
}

/** Ask where a provider stands: simulate it, and decode the return data. */
export async function quoteBackstopProvider(input: { owner: Address; backstop: Address }): Promise<Instruction> {
    const provider = await backstopProviderAddress(input.backstop, input.owner);
    return raw.getQuoteBackstopProviderInstruction({ backstop: input.backstop, provider });
}
