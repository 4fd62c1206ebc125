/** Liquidation, defaults, and the quotes that go before them. */
import type { Address, Instruction, TransactionSigner } from '@solana/kit';

import { debtsOf, type Position, type Reserve } from '../accounts.js';
import * as raw from '../generated/instructions/index.js';
import { U64_MAX } from '../numbers.js';
import type { Offer } from '../prices.js';
import { accountOrOwn, legs, remaining, SELF, token, withAccounts } from './common.js';

/** Repay an unhealthy position's debt and take collateral for it. Anyone may. */
export async function liquidate(input: {
    /** Liquidator. */
    liquidator: TransactionSigner;
    /** Position. */
    position: Position;
    /** Reserve of the collateral to seize. */
    seized: Reserve;
    /** Reserve of the debt to repay. */
    repaid: Reserve;
    /** Hard bound on the repayment, atoms; the fee comes on top. Without it as much as the plan wants. */
    repayMaxAtoms?: bigint;
    /** Least collateral to accept, atoms. */
    seizeMinAtoms?: bigint;
    /** Token account that pays; the associated one if none is named. */
    from?: Address;
    /** Token account that receives; the associated one if none is named. */
    to?: Address;
    /** Prices. */
    offers?: readonly Offer[];
}): Promise<Instruction> {
    const { liquidator, position, seized, repaid, repayMaxAtoms = U64_MAX, seizeMinAtoms = 0n } = input;
    const named = [seized.address, repaid.address];
    const { accounts, offered } = remaining(legs(position), named, () => false, input.offers);
    const [paying, receiving] = [token(repaid), token(seized)];
    const instruction = raw.getLiquidateInstruction({
        ...SELF,
        liquidator,
        market: position.state.market,
        position: position.address,
        seizedReserve: seized.address,
        repaidReserve: repaid.address,
        liquidatorLiquidity: await accountOrOwn(input.from, liquidator.address, repaid),
        liquidityVault: repaid.state.liquidityVault,
        liquidityMint: paying.mint,
        liquidityTokenProgram: paying.tokenProgram,
        liquidatorCollateral: await accountOrOwn(input.to, liquidator.address, seized),
        collateralVault: seized.state.collateralVault,
        collateralMint: receiving.mint,
        collateralTokenProgram: receiving.tokenProgram,
        repayMaxAtoms,
        seizeMinAtoms,
        offered,
    });
    return withAccounts(instruction, accounts);
}

/** Look at a position and record a margin call, a flag, or that both are over. Anyone may. */
export function flagPosition(input: {
    /** Position. */
    position: Position;
    /** Reserve of a collateral by which it is judged. */
    collateral: Address;
    /** Reserve of a debt by which it is judged. */
    debt: Address;
    /** Prices. */
    offers?: readonly Offer[];
}): Instruction {
    const { position, collateral, debt } = input;
    const { accounts, offered } = remaining(legs(position), [collateral, debt], () => false, input.offers);
    const instruction = raw.getFlagPositionInstruction({
        ...SELF,
        market: position.state.market,
        position: position.address,
        collateralReserve: collateral,
        debtReserve: debt,
        offered,
    });
    return withAccounts(instruction, accounts);
}

/** Mark a default and book the loss that is expected of it, or book it anew. Anyone may; whoever does first may be tipped. */
export function markDefault(input: {
    /** Position. */
    position: Position;
    /** Reserve of its first debt, and the token account that receives a tip of its insurance; none: no tip. */
    tip?: Readonly<{ reserve: Reserve; to: Address }>;
    /** Prices. */
    offers?: readonly Offer[];
}): Instruction {
    const { position, tip } = input;
    const debts = new Set<Address>(debtsOf(position).map(slot => slot.reserve));
    const { accounts, offered } = remaining(legs(position), [], leg => debts.has(leg.reserve), input.offers);
    const paid = tip && { tipAccount: tip.to, liquidityVault: tip.reserve.state.liquidityVault, ...token(tip.reserve) };
    const { market } = position.state;
    const instruction = raw.getMarkDefaultInstruction({ ...SELF, ...paid, market, position: position.address, offered });
    return withAccounts(instruction, accounts);
}

/** Settle a default. Anyone may. */
export function settleDefault(input: { position: Position; offers?: readonly Offer[] }): Instruction {
    const { position, offers } = input;
    const { accounts, offered } = remaining(legs(position), [], () => true, offers);
    const { market } = position.state;
    return withAccounts(raw.getSettleDefaultInstruction({ ...SELF, market, position: position.address, offered }), accounts);
}

/** Ask what a liquidation would do: simulate it, and decode the return data. */
export function quoteLiquidation(input: {
    /** Position. */
    position: Position;
    /** Slot of the collateral to seize. */
    collateralSlot: number;
    /** Slot of the debt to repay. */
    debtSlot: number;
    /** Hard bound on the repayment, atoms. */
    repayMaxAtoms?: bigint;
    /** Prices. */
    offers?: readonly Offer[];
}): Instruction {
    const { position, collateralSlot, debtSlot, repayMaxAtoms = U64_MAX } = input;
    const { accounts, offered } = remaining(legs(position), [], () => false, input.offers);
    const { market } = position.state;
    const data = { market, position: position.address, collateralSlot, debtSlot, repayMaxAtoms, offered };
    return withAccounts(raw.getQuoteLiquidationInstruction(data), accounts);
}
