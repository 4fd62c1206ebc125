/**
 * A market to try things in: SOL (SPL Token, a pull feed) and USDC (Token-2022, a push feed), with lenders, insurance and a
 * backstop pool. Whoever integrates finds a market and does none of this.
 */
import {
    AccountRole,
    generateKeyPairSigner,
    getAddressEncoder,
    getI32Encoder,
    getI64Encoder,
    getU32Encoder,
    getU64Encoder,
    type Address,
    type Instruction,
    type KeyPairSigner,
} from '@solana/kit';

import * as raw from '../../src/generated/index.js';
import {
    backstopAddress,
    fetchMarkets,
    fetchNow,
    fetchReserve,
    fundInsurance,
    marketAddress,
    openLender,
    openTokenAccount,
    PYTH_PULL_PROGRAM_ADDRESS,
    PYTH_PUSH_PROGRAM_ADDRESS,
    reserveAddress,
    supply,
    SYSTEM_PROGRAM_ADDRESS,
    TOKEN_2022_PROGRAM_ADDRESS,
    TOKEN_PROGRAM_ADDRESS,
    tokenAccountAddress,
    collateralVaultAddress,
    liquidityVaultAddress,
    U64_MAX,
    type Offer,
} from '../../src/index.js';
import { SELF } from '../../src/instructions/common.js';
import type { Localnet } from './localnet.js';

const MINT_BYTES = 82n;
const DAY = 86_400n;
/** Exponent of all prices here. */
const EXPONENT = -8;

const concat = (...parts: ArrayLike<number>[]): Uint8Array => Uint8Array.from(parts.flatMap(part => Array.from(part)));
const u32 = (n: number) => getU32Encoder().encode(n);
const u64 = (n: bigint) => getU64Encoder().encode(n);
const i64 = (n: bigint) => getI64Encoder().encode(n);
const key = (a: Address) => getAddressEncoder().encode(a);

/** A price feed of either kind. */
export type Feed = Readonly<{ kind: 'pull' | 'push'; account: Address; id: Address }>;

/** A token of the market. */
export type Listing = Readonly<{
    symbol: string;
    decimals: number;
    mint: Address;
    program: Address;
    feed: Feed;
    reserve: Address;
}>;

/** Whole tokens in atoms. */
export const whole = (listing: Pick<Listing, 'decimals'>, tokens: bigint): bigint => tokens * 10n ** BigInt(listing.decimals);

/** Publishes a price now, in cents. The moving average is the same, as after a calm hour at this price. */
export async function publish(net: Localnet, feed: Feed, cents: bigint): Promise<void> {
    const { unix } = await fetchNow(net.rpc);
    const price = cents * 1_000_000n;
    const confidence = price / 2_000n;
    if (feed.kind === 'pull') {
        const discriminator = [34, 241, 35, 99, 157, 126, 244, 205];
        const nobody = new Uint8Array(32);
        const head = concat(discriminator, nobody, [1], key(feed.id), i64(price), u64(confidence));
        const times = concat(getI32Encoder().encode(EXPONENT), i64(unix), i64(unix - 1n));
        const data = concat(head, times, i64(price), u64(confidence), u64(1n));
        await net.writeAccount(feed.account, PYTH_PULL_PROGRAM_ADDRESS, concat(data, [0]));
        return;
    }
    const data = new Uint8Array(3_312);
    data.set(concat(u32(0xa1b2c3d4), u32(2), u32(3)), 0);
    data.set(getI32Encoder().encode(EXPONENT), 20);
    data.set(i64(price), 48);
    data.set(i64(unix), 96);
    data.set(concat(i64(price), u64(confidence), u32(1)), 208);
    data.set(u64(1n), 232);
    await net.writeAccount(feed.account, PYTH_PUSH_PROGRAM_ADDRESS, data);
}

async function createMint(net: Localnet, admin: KeyPairSigner, program: Address, decimals: number): Promise<Address> {
    const mint = await generateKeyPairSigner();
    const create: Instruction = {
        programAddress: SYSTEM_PROGRAM_ADDRESS,
        accounts: [
            { address: admin.address, role: AccountRole.WRITABLE_SIGNER, signer: admin } as never,
            { address: mint.address, role: AccountRole.WRITABLE_SIGNER, signer: mint } as never,
        ],
        data: concat(u32(0), u64(2_000_000n), u64(MINT_BYTES), key(program)),
    };
    const initialize: Instruction = {
        programAddress: program,
        accounts: [{ address: mint.address, role: AccountRole.WRITABLE }],
        data: concat([20, decimals], key(admin.address), [0]),
    };
    await net.send(admin, create, initialize);
    return mint.address;
}

/** The market, and who made it. */
export class Stage {
    private constructor(
        readonly net: Localnet,
        readonly admin: KeyPairSigner,
        readonly market: Address,
        readonly sol: Listing,
        readonly usdc: Listing,
    ) {}

    /** Writes the program and makes the market: SOL at $150, USDC at $1, a lender with 100,000 USDC, insurance, a pool. */
    static async create(net: Localnet, program: string): Promise<Stage> {
        await net.writeProgram(program);
        const taken = new Set((await fetchMarkets(net.rpc)).map(market => market.state.id));
        const id = Array.from({ length: taken.size + 1 }, (_, id) => id).find(id => !taken.has(id)) ?? 0;
        const admin = await net.fundedSigner(1_000);
        const market = await marketAddress(id);
        const create = raw.getCreateMarketInstruction({
            ...SELF,
            admin,
            market,
            id,
            policy: POLICY,
            treasury: admin.address,
            immutable: false,
        });
        await net.send(admin, create);
        const sol = await list(
            net,
            admin,
            market,
            { symbol: 'SOL', decimals: 9, program: TOKEN_PROGRAM_ADDRESS },
            'pull',
            15_000n,
        );
        const usdc = await list(
            net,
            admin,
            market,
            { symbol: 'USDC', decimals: 6, program: TOKEN_2022_PROGRAM_ADDRESS },
            'push',
            100n,
        );
        const stage = new Stage(net, admin, market, sol, usdc);
        await stage.fill();
        return stage;
    }

    private async fill(): Promise<void> {
        const { net, admin, usdc, sol, market } = this;
        const atoms = whole(usdc, 200_000n);
        await this.give(admin.address, usdc, atoms);
        const reserve = await fetchReserve(net.rpc, usdc.reserve);
        const opening = await openLender({ owner: admin, reserve: usdc.reserve });
        const lend = await supply({ owner: admin, reserve, atoms: whole(usdc, 100_000n) });
        const insure = await fundInsurance({ payer: admin, reserve, atoms: whole(usdc, 100n) });
        await net.send(admin, opening.instruction, lend, insure);
        const backstop = await backstopAddress(usdc.reserve, 0);
        const policy = {
            triggerHealthBps: 9_500n,
            triggerSecs: 300n,
            tipShareBps: 1_000n,
            warmUpSecs: 2_400n,
            cooldownSecs: 2_400n,
            windowSecs: 600n,
            reserved: [0n, 0n],
        };
        const pool = raw.getCreateBackstopInstruction({
            ...SELF,
            admin,
            market,
            reserve: usdc.reserve,
            backstop,
            policy,
            generation: 0,
        });
        const collateralReserve = sol.reserve;
        const capAtoms = whole(sol, 1_000n);
        const opt = raw.getSetBackstopCollateralInstruction({ ...SELF, admin, market, backstop, collateralReserve, capAtoms });
        await net.send(admin, pool, opt);
    }

    /** Mints atoms into somebody's token account, which is opened. */
    async give(owner: Address, listing: Listing, atoms: bigint): Promise<void> {
        const reserve = await fetchReserve(this.net.rpc, listing.reserve);
        const opening = await openTokenAccount({ payer: this.admin, owner, reserve });
        const mint: Instruction = {
            programAddress: listing.program,
            accounts: [
                { address: listing.mint, role: AccountRole.WRITABLE },
                { address: opening.address, role: AccountRole.WRITABLE },
                { address: this.admin.address, role: AccountRole.READONLY_SIGNER, signer: this.admin } as never,
            ],
            data: concat([7], u64(atoms)),
        };
        await this.net.send(this.admin, opening.instruction, ...(atoms > 0n ? [mint] : []));
    }

    /** Atoms in somebody's associated token account. */
    async held(owner: Address, listing: Listing): Promise<bigint> {
        const account = await tokenAccountAddress(owner, listing.mint, listing.program);
        const { value } = await this.net.rpc.getTokenAccountBalance(account, { commitment: 'confirmed' }).send();
        return BigInt(value.amount);
    }

    /** Publishes prices now, in cents. */
    async prices(solCents: bigint, usdcCents = 100n): Promise<void> {
        await publish(this.net, this.sol.feed, solCents);
        await publish(this.net, this.usdc.feed, usdcCents);
    }

    /** Both price accounts, as offers. */
    get offers(): Offer[] {
        return [this.sol, this.usdc].map(listing => ({ reserve: listing.reserve, price: listing.feed.account }));
    }
}

/** A token to list. */
export type Token = Pick<Listing, 'symbol' | 'decimals' | 'program'>;

/** Makes a token, its feed and its reserve. Terms are those of a volatile token unless others are given. */
export async function list(
    net: Localnet,
    admin: KeyPairSigner,
    market: Address,
    token: Token,
    kind: Feed['kind'],
    cents: bigint,
    terms = token.symbol === 'USDC' ? stable(token) : volatile(token),
): Promise<Listing> {
    const mint = await createMint(net, admin, token.program, token.decimals);
    const [account, id] = [(await generateKeyPairSigner()).address, (await generateKeyPairSigner()).address];
    const feed: Feed = { kind, account, id };
    await publish(net, feed, cents);
    const reserve = await reserveAddress(market, mint);
    const instruction = raw.getCreateReserveInstruction({
        ...SELF,
        admin,
        market,
        reserve,
        mint,
        liquidityVault: await liquidityVaultAddress(reserve),
        collateralVault: await collateralVaultAddress(reserve),
        price: account,
        tokenProgram: token.program,
        oracleKind: kind === 'pull' ? 0n : 1n,
        oracle: Uint8Array.from(key(kind === 'pull' ? id : account)),
        ...terms,
    });
    await net.send(admin, instruction);
    return { ...token, mint, feed, reserve };
}

/** Policy of the market. */
export const POLICY = {
    targetHealthBps: 10_500n,
    callLevelBps: 10_500n,
    dustValue: 10_000_000_000n,
    coolOffSlots: 5n,
    bonusDefaultBps: 500n,
    auctionSecs: 600n,
    sightingSecs: 60n,
    recoveryMarginBps: 1_000n,
    loosenDelaySecs: 2n * DAY,
    proposalLifeSecs: 3n * DAY,
    pauseMaxSecs: DAY,
    liquidationPauseMaxSecs: 3_600n,
    provisionReleaseBpsPerHour: 1_000n,
    flashFeeBps: 5n,
    markTipValue: 5_000_000_000n,
    reserved: [0n],
};

const oraclePolicy = {
    borrowAgeSecs: 60n,
    liquidateAgeSecs: 120n,
    confidenceSoftBps: 100n,
    confidenceHardBps: 500n,
    emaBandBps: 1_000n,
    staleSecs: 3_600n,
    deadSecs: 21_600n,
    sampleSecs: 300n,
    reserved: [0n, 0n],
};

const rates = {
    baseRateBps: 0n,
    kinkUtilisationBps: 8_000n,
    kinkRateBps: 600n,
    maxRateBps: 10_000n,
    insuranceShareBps: 1_000n,
    feeShareBps: 500n,
};

/** Terms of a volatile token: daily volatility 4%, depth of a large market. */
export function volatile(token: Token) {
    return {
        risk: {
            maintenanceBps: 8_000n,
            debtWeightBps: 11_000n,
            zX100: 233n,
            horizonSecs: 600n,
            spreadBps: 10n,
            impactSqrtBps: 1_000n,
            depthAtoms: whole(token, 1_000_000n),
            depthFloorAtoms: whole(token, 100_000n),
            sigmaFloorBps: 200n,
            sigmaCapBps: 1_500n,
            sigmaRefBps: 400n,
            sigmaRiseBpsPerHour: 50n,
        },
        initial: { initialBps: 7_000n, debtWeightBps: 12_000n, reserved: Array.from({ length: 6 }, () => 0n) },
        bonus: {
            bonusMinBps: 100n,
            bonusMaxBps: 1_000n,
            healthMaxBonusBps: 9_000n,
            feeShareBps: 1_000n,
            throttleShareBps: 500n,
            throttleWindowSecs: 3_600n,
            reserved: [0n, 0n],
        },
        oraclePolicy,
        rates,
        caps: {
            supplyAtoms: whole(token, 100_000n),
            borrowAtoms: whole(token, 50_000n),
            collateralAtoms: whole(token, 10_000n),
            rescueAllowanceBps: 1_000n,
            outflowAtoms: U64_MAX,
            outflowSecs: DAY,
        },
        sigmaBps: 400n,
        depthValidSecs: 30n * DAY,
    };
}

/** Terms of a stable token. */
export function stable(token: Token) {
    const terms = volatile(token);
    return {
        ...terms,
        risk: {
            ...terms.risk,
            maintenanceBps: 9_000n,
            debtWeightBps: 10_000n,
            depthAtoms: whole(token, 50_000_000n),
            depthFloorAtoms: whole(token, 5_000_000n),
            sigmaFloorBps: 10n,
            sigmaCapBps: 500n,
            sigmaRefBps: 50n,
            sigmaRiseBpsPerHour: 10n,
            impactSqrtBps: 100n,
        },
        initial: { ...terms.initial, initialBps: 8_500n, debtWeightBps: 10_000n },
        bonus: { ...terms.bonus, bonusMaxBps: 500n, healthMaxBonusBps: 9_500n },
        caps: {
            ...terms.caps,
            supplyAtoms: whole(token, 1_000_000n),
            borrowAtoms: whole(token, 900_000n),
            collateralAtoms: whole(token, 100_000n),
        },
        sigmaBps: 20n,
    };
}
