/**
 * A market to try the page with, on a local validator: SOL, ETH, USDC and USDT with lenders, insurance, a backstop pool and
 * borrowers, some of them close to the edge, and a small default behind it.
 */
import type { Address, Instruction, KeyPairSigner } from '@solana/kit';

import {
    backstopAddress,
    borrow,
    collateralsOf,
    debtsOf,
    deposit,
    depositBackstop,
    fetchBackstop,
    fetchPosition,
    fetchReserve,
    fundInsurance,
    joinBackstop,
    liquidate,
    marketAddress,
    openBackstopProvider,
    openLender,
    openPosition,
    openTokenAccount,
    refreshReserves,
    repayRecovery,
    settleDefault,
    supply,
    TOKEN_2022_PROGRAM_ADDRESS,
    TOKEN_PROGRAM_ADDRESS,
    type Offer,
    type Position,
} from '@plimsoll/sdk';
import type { Localnet } from '@plimsoll/stage/localnet';
import { list, POLICY, publish, stable, volatile, whole, type Listing } from '@plimsoll/stage/stage';

import * as raw from '../../sdk/src/generated/index';
import { SELF } from '../../sdk/src/instructions/common';
import { mintTo } from './tokens';

/** What a token is called; accounts on chain do not say. */
export type Named = Listing & Readonly<{ name: string }>;
/** The tokens of the market, by symbol. */
export type Tokens = Readonly<{ SOL: Named; ETH: Named; USDC: Named; USDT: Named }>;
/** Symbol of one of them. */
export type Symbol_ = keyof Tokens;

/** Prices at the beginning, cents. */
const CENTS: Readonly<Record<Symbol_, bigint>> = { SOL: 15_000n, ETH: 310_000n, USDC: 100n, USDT: 100n };
/** Market number. */
const MARKET_ID = 0;
/** Between two prices of the history, seconds: a sample of volatility each. */
const CALM_SECS = 21_600n;
/** How prices wandered before the demo begins, thousandths of what they are; ETH the other way. */
const WANDERING = [
    1_012n,
    996n,
    1_015n,
    1_002n,
    987n,
    1_004n,
    1_021n,
    1_008n,
    993n,
    1_006n,
    989n,
    1_003n,
    1_017n,
    1_001n,
    1_014n,
    998n,
];
/** A throttle of 1,000 SOL or 50 ETH an hour: small enough to be met. */
const THROTTLE_SHARE_BPS = 10n;

const POOL_POLICY = {
    triggerHealthBps: 9_500n,
    triggerSecs: 300n,
    tipShareBps: 1_000n,
    warmUpSecs: 2_400n,
    cooldownSecs: 2_400n,
    windowSecs: 600n,
    reserved: [0n, 0n],
};

type Amounts = Readonly<Partial<Record<Symbol_, bigint>>>;
/** A borrower: what is deposited and what is borrowed, whole tokens. */
type Book = Readonly<{ deposits: Amounts; debts: Amounts }>;

/** Who stays in the market: from calm to close to the edge. */
const BORROWERS: readonly Book[] = [
    { deposits: { SOL: 400n }, debts: { USDC: 18_000n } },
    { deposits: { SOL: 120n, ETH: 6n }, debts: { USDC: 19_500n } },
    { deposits: { ETH: 30n }, debts: { USDC: 52_000n } },
    { deposits: { SOL: 90n }, debts: { USDC: 6_000n, USDT: 2_600n } },
    { deposits: { ETH: 9n }, debts: { USDT: 17_300n } },
    { deposits: { SOL: 60n }, debts: { USDC: 5_750n } },
    { deposits: { SOL: 45n, ETH: 2n }, debts: { USDT: 8_100n } },
    { deposits: { SOL: 25n }, debts: { USDC: 2_410n } },
];

/** The market, and who made it. */
export class LocalMarket {
    private constructor(
        readonly net: Localnet,
        readonly admin: KeyPairSigner,
        readonly market: Address,
        readonly tokens: Tokens,
    ) {}

    /** Writes the program and makes the market with all its people. `say` is told what happens. */
    static async create(net: Localnet, program: string, say: (what: string) => void = () => {}): Promise<LocalMarket> {
        say('writing the program');
        await net.writeProgram(program);
        const admin = await net.fundedSigner(10_000);
        const market = await marketAddress(MARKET_ID);
        const treasury = admin.address;
        const create = { ...SELF, admin, market, id: MARKET_ID, policy: POLICY, treasury, immutable: false };
        await net.send(admin, raw.getCreateMarketInstruction(create));
        say('listing SOL, ETH, USDC and USDT');
        const made = new LocalMarket(net, admin, market, await listAll(net, admin, market));
        say('lenders, insurance and a backstop pool');
        await made.#fund();
        say('an old default, and what came back of it');
        await made.#past();
        say('borrowers');
        for (const book of BORROWERS) await made.open(book);
        return made;
    }

    /** All tokens. */
    get listings(): Named[] {
        return Object.values(this.tokens);
    }

    /** Mints whole tokens into somebody's token account, which is opened. */
    async give(owner: Address, symbol: Symbol_, tokens: bigint): Promise<void> {
        await this.net.send(this.admin, ...(await this.#gift(owner, symbol, tokens)));
    }

    async #gift(owner: Address, symbol: Symbol_, tokens: bigint): Promise<Instruction[]> {
        const listing = this.tokens[symbol];
        const reserve = await fetchReserve(this.net.rpc, listing.reserve);
        const account = await openTokenAccount({ payer: this.admin, owner, reserve });
        return [account.instruction, mintTo(listing, account.address, this.admin, whole(listing, tokens))];
    }

    /** Publishes prices, and hands them to the reserves. */
    async publish(cents: Partial<Record<Symbol_, bigint>> = {}): Promise<void> {
        const all = Object.entries({ ...CENTS, ...cents }) as [Symbol_, bigint][];
        await Promise.all(all.map(([symbol, price]) => publish(this.net, this.tokens[symbol].feed, price)));
        await this.net.send(this.admin, refreshReserves(this.offers()));
    }

    /** The price accounts of some reserves, or of all. */
    offers(reserves?: readonly Address[]): Offer[] {
        const some = this.listings.filter(listing => reserves?.includes(listing.reserve) ?? true);
        return some.map(listing => ({ reserve: listing.reserve, price: listing.feed.account }));
    }

    /** Somebody new deposits and borrows. */
    async open({ deposits, debts }: Book): Promise<{ owner: KeyPairSigner; position: Address }> {
        const { net } = this;
        const owner = await net.fundedSigner(5);
        const opening = await openPosition({ owner, market: this.market });
        const paying: Instruction[] = [opening.instruction];
        let gifts: Instruction[] = [];
        for (const [symbol, tokens] of Object.entries(deposits) as [Symbol_, bigint][]) {
            const listing = this.tokens[symbol];
            const reserve = await fetchReserve(net.rpc, listing.reserve);
            gifts = [...gifts, ...(await this.#gift(owner.address, symbol, tokens))];
            const atoms = whole(listing, tokens);
            paying.push(await deposit({ depositor: owner, position: opening.address, reserve, atoms }));
        }
        await net.send(this.admin, ...gifts);
        await net.send(owner, ...paying);
        for (const [symbol, tokens] of Object.entries(debts) as [Symbol_, bigint][]) {
            await this.publish();
            await this.#borrow(owner, opening.address, symbol, tokens);
        }
        return { owner, position: opening.address };
    }

    async #borrow(owner: KeyPairSigner, address: Address, symbol: Symbol_, tokens: bigint): Promise<void> {
        const listing = this.tokens[symbol];
        const [position, reserve] = await Promise.all([
            fetchPosition(this.net.rpc, address),
            fetchReserve(this.net.rpc, listing.reserve),
        ]);
        const account = await openTokenAccount({ payer: owner, reserve });
        const offers = this.offers([...legs(position), listing.reserve]);
        const take = await borrow({ owner, position, reserve, atoms: whole(listing, tokens), offers });
        await this.net.send(owner, account.instruction, take);
    }

    async #fund(): Promise<void> {
        const { net, admin, market } = this;
        await this.publish();
        for (const [symbol, lent, insured] of [
            ['USDC', 260_000n, 800n],
            ['USDT', 90_000n, 150n],
        ] as const) {
            const reserve = await fetchReserve(net.rpc, this.tokens[symbol].reserve);
            const lender = await net.fundedSigner(5);
            await net.send(admin, ...(await this.#gift(lender.address, symbol, lent)));
            const opening = await openLender({ owner: lender, reserve: reserve.address });
            const atoms = whole(this.tokens[symbol], lent);
            await net.send(lender, opening.instruction, await supply({ owner: lender, reserve, atoms }));
            const insurance = await fundInsurance({ payer: admin, reserve, atoms: whole(this.tokens[symbol], insured) });
            await net.send(admin, ...(await this.#gift(admin.address, symbol, insured)), insurance);
        }
        const { reserve } = this.tokens.USDC;
        const backstop = await backstopAddress(reserve, 0);
        const pool = { ...SELF, admin, market, reserve, backstop, policy: POOL_POLICY, generation: 0 };
        const optIn = (symbol: Symbol_, tokens: bigint) =>
            raw.getSetBackstopCollateralInstruction({
                ...SELF,
                admin,
                market,
                backstop,
                collateralReserve: this.tokens[symbol].reserve,
                capAtoms: whole(this.tokens[symbol], tokens),
            });
        await net.send(admin, raw.getCreateBackstopInstruction(pool), optIn('SOL', 500n), optIn('ETH', 25n));
        await this.#provide(backstop, 12_000n);
    }

    /** A provider deposits, waits, and joins. */
    async #provide(address: Address, tokens: bigint): Promise<void> {
        const { net } = this;
        const owner = await net.fundedSigner(5);
        await this.give(owner.address, 'USDC', tokens);
        const reserve = await fetchReserve(net.rpc, this.tokens.USDC.reserve);
        const backstop = await fetchBackstop(net.rpc, address);
        const opening = await openBackstopProvider({ owner, backstop });
        const atoms = whole(this.tokens.USDC, tokens);
        await net.send(owner, opening.instruction, await depositBackstop({ owner, backstop, reserve, atoms }));
        await net.passTime(POOL_POLICY.warmUpSecs + 60n);
        await net.send(owner, await joinBackstop({ owner: owner.address, backstop }));
        await this.publish();
    }

    /** Two positions that a crash liquidated, one of them below its debt; the treasury paid half of that back. */
    async #past(): Promise<void> {
        const { net, admin } = this;
        const first = await this.open({ deposits: { SOL: 80n }, debts: { USDT: 7_300n } });
        const second = await this.open({ deposits: { SOL: 50n }, debts: { USDC: 4_700n } });
        const liquidator = await net.fundedSigner(5);
        await this.give(liquidator.address, 'USDT', 20_000n);
        await this.give(liquidator.address, 'USDC', 20_000n);
        await this.#pass(600n, { SOL: 11_000n });
        await this.liquidate(liquidator, second.position);
        await this.#pass(600n, { SOL: 8_600n });
        await this.liquidate(liquidator, first.position);
        const left = await fetchPosition(net.rpc, first.position);
        if (left.state.debtCount > 0) {
            await net.send(admin, settleDefault({ position: left, offers: this.offers(legs(left)) }));
        }
        const reserve = await fetchReserve(net.rpc, this.tokens.USDT.reserve);
        await this.give(admin.address, 'USDT', 200n);
        await net.send(admin, await repayRecovery({ payer: admin, reserve, atomsMax: whole(this.tokens.USDT, 200n) }));
        // Days as they usually are, in which volatility comes down again.
        for (const per1000 of WANDERING) {
            await this.#pass(CALM_SECS, {
                SOL: (CENTS.SOL * per1000) / 1_000n,
                ETH: (CENTS.ETH * (2_000n - per1000)) / 1_000n,
            });
        }
        await this.#pass(CALM_SECS);
    }

    async #pass(secs: bigint, cents: Partial<Record<Symbol_, bigint>> = {}): Promise<void> {
        await this.net.passTime(secs);
        await this.publish(cents);
    }

    /** Liquidates the first pair of a position. */
    async liquidate(liquidator: KeyPairSigner, address: Address): Promise<void> {
        const { rpc } = this.net;
        const position = await fetchPosition(rpc, address);
        const [seized, repaid] = await Promise.all(
            [collateralsOf(position)[0], debtsOf(position)[0]].map(slot => fetchReserve(rpc, slot!.reserve)),
        );
        const account = await openTokenAccount({ payer: liquidator, reserve: seized! });
        const offers = this.offers(legs(position));
        const take = await liquidate({ liquidator, position, seized: seized!, repaid: repaid!, offers });
        await this.net.send(liquidator, account.instruction, take);
    }
}

const legs = (position: Position): Address[] => [...collateralsOf(position), ...debtsOf(position)].map(slot => slot.reserve);

async function listAll(net: Localnet, admin: KeyPairSigner, market: Address): Promise<Tokens> {
    const add = async (
        symbol: Symbol_,
        name: string,
        decimals: number,
        {
            kind,
            program = TOKEN_PROGRAM_ADDRESS,
            isStable = false,
        }: { kind: 'pull' | 'push'; program?: Address; isStable?: boolean },
    ): Promise<Named> => {
        const token = { symbol, decimals, program };
        const plain = isStable ? stable(token) : ethTerms(token);
        const terms = { ...plain, bonus: { ...plain.bonus, throttleShareBps: THROTTLE_SHARE_BPS } };
        return { ...(await list(net, admin, market, token, kind, CENTS[symbol], terms)), name };
    };
    return {
        SOL: await add('SOL', 'Solana', 9, { kind: 'pull' }),
        ETH: await add('ETH', 'Ether', 8, { kind: 'pull' }),
        USDC: await add('USDC', 'USD Coin', 6, { kind: 'push', program: TOKEN_2022_PROGRAM_ADDRESS, isStable: true }),
        USDT: await add('USDT', 'Tether', 6, { kind: 'pull', isStable: true }),
    };
}

/** Ether is as deep as SOL in dollars, so a twentieth in tokens. */
function ethTerms(token: Parameters<typeof volatile>[0]) {
    const terms = volatile(token);
    if (token.symbol !== 'ETH') return terms;
    const part = (atoms: bigint) => atoms / 20n;
    return {
        ...terms,
        risk: { ...terms.risk, depthAtoms: part(terms.risk.depthAtoms), depthFloorAtoms: part(terms.risk.depthFloorAtoms) },
        caps: {
            ...terms.caps,
            supplyAtoms: part(terms.caps.supplyAtoms),
            borrowAtoms: part(terms.caps.borrowAtoms),
            collateralAtoms: part(terms.caps.collateralAtoms),
        },
    };
}
