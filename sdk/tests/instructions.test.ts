import {
    AccountRole,
    createNoopSigner,
    getAddressDecoder,
    type AccountMeta,
    type Address,
    type Instruction,
} from '@solana/kit';
import { expect, test } from 'vitest';

import * as sdk from '../src/index.js';
import { getPositionEncoder } from '../src/generated/index.js';
import { fixture } from './support/fixtures.js';

const key = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const actor = createNoopSigner(key(2));

function reserve(byte: number, tokenKind: number): sdk.Reserve {
    const [mint, liquidityVault, collateralVault] = [key(byte + 1), key(byte + 2), key(byte + 3)];
    const state = { tokenKind, market: key(1), mint, liquidityVault, collateralVault } as unknown as sdk.ReserveState;
    return { address: key(byte), state, data: new Uint8Array() };
}

/** Two collaterals, the second not fully counted, and two debts. */
function somePosition(): sdk.Position {
    const { state } = sdk.blankPosition(key(3), key(1), actor.address);
    const collaterals = state.collaterals.map(slot => ({ ...slot }));
    const debts = state.debts.map(slot => ({ ...slot }));
    Object.assign(collaterals[0]!, { reserve: key(10), atoms: 7n, countedAtoms: 7n });
    Object.assign(collaterals[1]!, { reserve: key(20), atoms: 7n, countedAtoms: 6n });
    Object.assign(debts[0]!, { reserve: key(30) });
    Object.assign(debts[1]!, { reserve: key(40) });
    const full = { ...state, collateralCount: 2, debtCount: 2, collaterals, debts };
    return sdk.decodeAccount('position', key(3), getPositionEncoder().encode({ state: full }));
}

const [sol, btc, usdc, usdt, fresh] = [reserve(10, 0), reserve(20, 1), reserve(30, 1), reserve(40, 0), reserve(50, 0)];
const position = somePosition();
const owned = { owner: actor, position };
// Out of slot order, and not for every leg.
const offers = [
    { reserve: usdc.address, price: key(61) },
    { reserve: btc.address, price: key(62) },
];
const freshOffer = [{ reserve: fresh.address, price: key(63) }];
const backstop = { address: await sdk.backstopAddress(usdc.address, 4) } as sdk.Backstop;
const providing = { owner: actor, backstop };

const built: Record<string, () => Instruction | Promise<Instruction | sdk.Opening>> = {
    openPosition: () => sdk.openPosition({ owner: actor, market: key(1), id: 9 }),
    closePosition: () => sdk.closePosition({ owner: actor, position: key(3) }),
    deposit: () => sdk.deposit({ depositor: actor, position: key(3), reserve: btc, atoms: 5n }),
    rescue: () => sdk.rescue({ depositor: actor, position, reserve: btc, atoms: 5n, offers }),
    rescueNew: () => sdk.rescue({ depositor: actor, position, reserve: fresh, atoms: 5n, from: key(70), offers: freshOffer }),
    withdraw: () => sdk.withdraw({ ...owned, reserve: sol, atoms: 6n, offers }),
    borrow: () => sdk.borrow({ ...owned, reserve: usdt, atoms: 7n, offers }),
    borrowNew: () => sdk.borrow({ ...owned, reserve: fresh, atoms: 7n, to: key(70), offers: freshOffer }),
    repay: () => sdk.repay({ payer: actor, position: key(3), reserve: usdc }),
    setProtectionOrder: () => sdk.setProtectionOrder({ ...owned, triggerBps: 10_300n, bonusBps: 100n }),
    uncountPosition: () => sdk.uncountPosition({ position: key(3), reserve: sol.address }),
    quotePosition: () => sdk.quotePosition({ position, offers }),
    liquidate: () =>
        sdk.liquidate({ liquidator: actor, position, seized: btc, repaid: usdc, repayMaxAtoms: 8n, seizeMinAtoms: 9n, offers }),
    flagPosition: () => sdk.flagPosition({ position, collateral: sol.address, debt: usdt.address, offers }),
    markDefault: () => sdk.markDefault({ position, offers }),
    markDefaultTipped: () => sdk.markDefault({ position, tip: { reserve: usdc, to: key(70) }, offers }),
    settleDefault: () => sdk.settleDefault({ position, offers }),
    quoteLiquidation: () => sdk.quoteLiquidation({ position, collateralSlot: 1, debtSlot: 0, repayMaxAtoms: 10n, offers }),
    openLender: () => sdk.openLender({ owner: actor, reserve: usdc.address }),
    closeLender: () => sdk.closeLender({ owner: actor, reserve: usdc.address }),
    supply: () => sdk.supply({ owner: actor, reserve: usdc, atoms: 11n, sharesMin: 1n << 70n }),
    redeem: () => sdk.redeem({ owner: actor, reserve: usdc, shares: 1n << 90n, atomsMin: 12n }),
    claimRecovery: () => sdk.claimRecovery({ owner: actor, reserve: usdc }),
    repayRecovery: () => sdk.repayRecovery({ payer: actor, reserve: usdc, atomsMax: 13n }),
    fundInsurance: () => sdk.fundInsurance({ payer: actor, reserve: usdc, atoms: 14n }),
    flashBorrow: () => sdk.flashBorrow({ borrower: actor, reserve: usdc, atoms: 15n }),
    flashRepay: () => sdk.flashRepay({ payer: actor, reserve: usdc }),
    quoteLender: () => sdk.quoteLender({ owner: actor.address, reserve: usdc.address }),
    quoteLenderExposure: () => sdk.quoteLenderExposure({ owner: actor.address, reserve: usdc.address, position: key(3) }),
    backstopLiquidate: () =>
        sdk.backstopLiquidate({
            position,
            seized: btc,
            repaid: usdc.address,
            generation: 4,
            tipTo: key(70),
            tipMinAtoms: 16n,
            offers,
        }),
    openBackstopProvider: () => sdk.openBackstopProvider(providing),
    closeBackstopProvider: () => sdk.closeBackstopProvider(providing),
    depositBackstop: () => sdk.depositBackstop({ ...providing, reserve: usdc, atoms: 17n }),
    cancelBackstopDeposit: () => sdk.cancelBackstopDeposit({ ...providing, reserve: usdc }),
    withdrawBackstop: () => sdk.withdrawBackstop({ ...providing, reserve: usdc, to: key(70) }),
    requestBackstopWithdrawal: () => sdk.requestBackstopWithdrawal({ ...providing, atoms: 18n }),
    joinBackstop: () => sdk.joinBackstop({ owner: actor.address, backstop }),
    claimBackstopGain: () => sdk.claimBackstopGain({ ...providing, collateral: btc }),
    quoteBackstopProvider: () => sdk.quoteBackstopProvider({ owner: actor.address, backstop: backstop.address }),
    refreshReserves: () => sdk.refreshReserves(offers),
    accrueInterest: () => sdk.accrueInterest(usdc.address),
    noticeStalePrice: () => sdk.noticeStalePrice(usdc.address),
    unitLimit: () => sdk.unitLimit(300_000),
    unitPrice: () => sdk.unitPrice(5_000n),
};

const wanted = fixture<{ name: string; program: string; accounts: string[]; data: string }[]>('instructions');

function marks({ address, role }: AccountMeta): string {
    const isSigner = role === AccountRole.READONLY_SIGNER || role === AccountRole.WRITABLE_SIGNER;
    const isWritable = role === AccountRole.WRITABLE || role === AccountRole.WRITABLE_SIGNER;
    return `${address} ${isSigner ? 's' : ''}${isWritable ? 'w' : ''}`.trim();
}

test('the Rust client builds the same list', () => {
    expect(Object.keys(built)).toEqual(wanted.map(({ name }) => name));
});

test.each(wanted)('$name is the instruction that the Rust client builds', async ({ name, ...expected }) => {
    const made = await built[name]!();
    const instruction = 'instruction' in made ? made.instruction : made;
    expect({
        program: instruction.programAddress,
        accounts: (instruction.accounts ?? []).map(marks),
        data: Buffer.from(instruction.data ?? []).toString('hex'),
    }).toEqual(expected);
});

test('an offer for a stranger, or two for one reserve, is refused in the Rust client’s words', () => {
    const strange = [{ reserve: fresh.address, price: key(63) }];
    expect(() => sdk.quotePosition({ position, offers: strange })).toThrow(
        `a price is offered for reserve ${fresh.address}, which is neither collateral nor debt of the position`,
    );
    const twice = [offers[0]!, { ...offers[0]!, price: key(64) }];
    expect(() => sdk.quotePosition({ position, offers: twice })).toThrow(
        `two prices are offered for reserve ${usdc.address}; offer the newer one`,
    );
});

test('an action of the owner signed by another is refused before it costs anything', async () => {
    const stranger = createNoopSigner(key(99));
    const refused = sdk.borrow({ owner: stranger, position, reserve: usdt, atoms: 1n });
    await expect(refused).rejects.toThrow(
        `position ${position.address} belongs to ${actor.address}, not to ${stranger.address}`,
    );
});

test('addresses are those that the Rust client derives', async () => {
    const [market, at, owner, mint] = [key(1), key(2), key(3), key(4)];
    const expected = fixture<Record<string, unknown>>('addresses');
    expect({
        eventAuthority: sdk.EVENT_AUTHORITY,
        market7: await sdk.marketAddress(7),
        reserve: await sdk.reserveAddress(market, mint),
        liquidityVault: await sdk.liquidityVaultAddress(at),
        collateralVault: await sdk.collateralVaultAddress(at),
        position500: await sdk.positionAddress(market, owner, 500),
        lender: await sdk.lenderAddress(at, owner),
        backstop3: await sdk.backstopAddress(at, 3),
        provider: await sdk.backstopProviderAddress(key(5), owner),
        depthProposal: await sdk.proposalAddress(at, expected['depthParameter'] as number),
        depthParameter: expected['depthParameter'],
        tokenAccount: await sdk.tokenAccountAddress(owner, mint, sdk.TOKEN_2022_PROGRAM_ADDRESS),
    }).toEqual(expected);
});
