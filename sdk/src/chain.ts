/**
 * Accounts from a node, and questions put to the program by simulation.
 * @module
 */
import {
    appendTransactionMessageInstructions,
    compileTransaction,
    createTransactionMessage,
    getAddressEncoder,
    getBase58Decoder,
    getBase64EncodedWireTransaction,
    getBase64Encoder,
    getI64Decoder,
    getU64Decoder,
    pipe,
    setTransactionMessageFeePayer,
    setTransactionMessageLifetimeUsingBlockhash,
    type Address,
    type Base58EncodedBytes,
    type Blockhash,
    type Decoder,
    type GetAccountInfoApi,
    type GetBalanceApi,
    type GetEpochInfoApi,
    type GetLatestBlockhashApi,
    type GetMultipleAccountsApi,
    type GetProgramAccountsApi,
    type GetRecentPrioritizationFeesApi,
    type GetSignaturesForAddressApi,
    type GetSignatureStatusesApi,
    type GetTokenAccountBalanceApi,
    type GetTransactionApi,
    type Instruction,
    type ReadonlyUint8Array,
    type Rpc,
    type SendTransactionApi,
    type SimulateTransactionApi,
} from '@solana/kit';

import {
    decodeAccount,
    KINDS,
    legsOf,
    type Backstop,
    type BackstopProvider,
    type KindName,
    type Lender,
    type Loaded,
    type Market,
    type Position,
    type Proposal,
    type Reserve,
    type StateOf,
} from './accounts.js';
import {
    backstopProviderAddress,
    CLOCK_ADDRESS,
    lenderAddress,
    PROGRAM_ADDRESS,
    PYTH_PULL_PROGRAM_ADDRESS,
} from './addresses.js';
import { failureOf } from './errors.js';
import * as types from './generated/types/index.js';
import { unitLimit } from './instructions/tokens.js';
import { ORACLE_PULL, PriceError, PULL_FEED_OFFSET, readPrice, type Now, type OfferedReading } from './prices.js';
import type { Scene } from './scene.js';

/** What this client asks of a node. `createSolanaRpc(url)` has all of it. */
export type PlimsollRpc = Rpc<
    GetAccountInfoApi &
        GetBalanceApi &
        GetEpochInfoApi &
        GetLatestBlockhashApi &
        GetMultipleAccountsApi &
        GetProgramAccountsApi &
        GetRecentPrioritizationFeesApi &
        GetSignaturesForAddressApi &
        GetSignatureStatusesApi &
        GetTokenAccountBalanceApi &
        GetTransactionApi &
        SendTransactionApi &
        SimulateTransactionApi
>;

/** How final what is read must be. */
const COMMITMENT = 'confirmed';
/** Accounts a node gives at once. */
const AT_ONCE = 100;
/** Most compute units of any transaction. */
const MOST_UNITS = 1_400_000;

/** An account as a node gave it. */
export type RawAccount = Readonly<{ address: Address; owner: Address; data: ReadonlyUint8Array }>;

/** Where keys lie by which accounts are found: bytes from the account's start. */
export const OFFSETS = {
    reserve: { market: 24n },
    position: { market: 24n, owner: 56n },
    lender: { reserve: 16n, owner: 48n },
    backstop: { market: 24n, reserve: 56n },
    provider: { backstop: 16n, owner: 48n },
    proposal: { market: 24n },
    market: {},
} as const;

/** An account is not there. */
export class MissingAccountError extends Error {
    override readonly name = 'MissingAccountError';
    constructor(
        /** Its address. */
        readonly address: Address,
        kind: string,
    ) {
        super(`there is no ${kind} at ${address}; is this the right cluster and address?`);
    }
}

const base64 = getBase64Encoder();

/** Accounts by address, and the slot they were read at; `undefined` for those that are not there. */
export async function fetchRaw(
    rpc: PlimsollRpc,
    addresses: readonly Address[],
): Promise<{ slot: bigint; accounts: (RawAccount | undefined)[] }> {
    const accounts: (RawAccount | undefined)[] = [];
    let slot = 0n;
    for (let from = 0; from < addresses.length; from += AT_ONCE) {
        const some = addresses.slice(from, from + AT_ONCE);
        const answer = await rpc.getMultipleAccounts(some, { encoding: 'base64', commitment: COMMITMENT }).send();
        slot = from === 0 || answer.context.slot < slot ? answer.context.slot : slot;
        answer.value.forEach((found, index) => {
            const address = some[index] as Address;
            accounts.push(found === null ? undefined : { address, owner: found.owner, data: base64.encode(found.data[0]) });
        });
    }
    return { slot, accounts };
}

/** Decodes an account a node gave, or did not. */
function required<K extends KindName>(name: K, address: Address, found: RawAccount | undefined): Loaded<StateOf<K>> {
    if (found === undefined || found.data.length === 0) throw new MissingAccountError(address, KINDS[name].name);
    return decodeAccount(name, address, found.data, found.owner);
}

async function fetchOne<K extends KindName>(rpc: PlimsollRpc, name: K, address: Address): Promise<Loaded<StateOf<K>>> {
    const { accounts } = await fetchRaw(rpc, [address]);
    return required(name, address, accounts[0]);
}

async function fetchMaybe<K extends KindName>(
    rpc: PlimsollRpc,
    name: K,
    address: Address,
): Promise<Loaded<StateOf<K>> | undefined> {
    const { accounts } = await fetchRaw(rpc, [address]);
    const found = accounts[0];
    return found === undefined || found.data.length === 0 ? undefined : decodeAccount(name, address, found.data, found.owner);
}

/** A condition on an account's bytes, as nodes take it. */
export type Filter = Readonly<{ memcmp: Readonly<{ offset: bigint; bytes: Base58EncodedBytes; encoding: 'base58' }> }>;

function filter(offset: bigint, bytes: ReadonlyUint8Array): Filter {
    const text = getBase58Decoder().decode(bytes) as unknown as Base58EncodedBytes;
    return { memcmp: { offset, bytes: text, encoding: 'base58' } };
}

/** The filters of one kind of account, with keys at places of it. */
export function filtersOf<K extends KindName>(
    name: K,
    fields: Partial<Record<keyof (typeof OFFSETS)[K], Address>> = {},
): Filter[] {
    const offsets = OFFSETS[name] as Record<string, bigint>;
    const keys = Object.entries(fields as Record<string, Address | undefined>).filter(([, key]) => key !== undefined);
    const more = keys.map(([field, key]) => filter(offsets[field] as bigint, getAddressEncoder().encode(key as Address)));
    return [filter(0n, KINDS[name].discriminator), ...more];
}

async function fetchProgramAccounts(rpc: PlimsollRpc, program: Address, filters: readonly Filter[]): Promise<RawAccount[]> {
    const config = { encoding: 'base64', commitment: COMMITMENT, filters: [...filters] } as const;
    const found = await rpc.getProgramAccounts(program, config).send();
    return found.map(({ pubkey, account }) => ({
        address: pubkey,
        owner: account.owner,
        data: base64.encode(account.data[0]),
    }));
}

async function fetchAll<K extends KindName>(
    rpc: PlimsollRpc,
    name: K,
    fields: Partial<Record<keyof (typeof OFFSETS)[K], Address>>,
): Promise<Loaded<StateOf<K>>[]> {
    const found = await fetchProgramAccounts(rpc, PROGRAM_ADDRESS, filtersOf(name, fields));
    return found.map(account => decodeAccount(name, account.address, account.data, account.owner));
}

/** A market. */
export const fetchMarket = (rpc: PlimsollRpc, address: Address): Promise<Market> => fetchOne(rpc, 'market', address);
/** All markets. */
export const fetchMarkets = (rpc: PlimsollRpc): Promise<Market[]> => fetchAll(rpc, 'market', {});
/** A reserve. */
export const fetchReserve = (rpc: PlimsollRpc, address: Address): Promise<Reserve> => fetchOne(rpc, 'reserve', address);
/** All reserves of a market. */
export const fetchReserves = (rpc: PlimsollRpc, market: Address): Promise<Reserve[]> => fetchAll(rpc, 'reserve', { market });
/** A position. */
export const fetchPosition = (rpc: PlimsollRpc, address: Address): Promise<Position> => fetchOne(rpc, 'position', address);
/** Positions of a market, all or an owner's. */
export const fetchPositions = (rpc: PlimsollRpc, market: Address, owner?: Address): Promise<Position[]> =>
    fetchAll(rpc, 'position', { market, owner });
/** A lender account of an owner; `undefined` where there is none. */
export const fetchLender = async (rpc: PlimsollRpc, reserve: Address, owner: Address): Promise<Lender | undefined> =>
    fetchMaybe(rpc, 'lender', await lenderAddress(reserve, owner));
/** Lender accounts, of a reserve or of an owner. */
export const fetchLenders = (rpc: PlimsollRpc, by: { reserve?: Address; owner?: Address }): Promise<Lender[]> =>
    fetchAll(rpc, 'lender', by);
/** A backstop pool. */
export const fetchBackstop = (rpc: PlimsollRpc, address: Address): Promise<Backstop> => fetchOne(rpc, 'backstop', address);
/** Backstop pools of a market, or of a reserve. */
export const fetchBackstops = (rpc: PlimsollRpc, by: { market?: Address; reserve?: Address }): Promise<Backstop[]> =>
    fetchAll(rpc, 'backstop', by);
/** A provider account of an owner in a pool; `undefined` where there is none. */
export const fetchBackstopProvider = async (
    rpc: PlimsollRpc,
    backstop: Address,
    owner: Address,
): Promise<BackstopProvider | undefined> => fetchMaybe(rpc, 'provider', await backstopProviderAddress(backstop, owner));
/** Provider accounts, of a pool or of an owner. */
export const fetchBackstopProviders = (
    rpc: PlimsollRpc,
    by: { backstop?: Address; owner?: Address },
): Promise<BackstopProvider[]> => fetchAll(rpc, 'provider', by);
/** Proposals of a market that wait. */
export const fetchProposals = (rpc: PlimsollRpc, market: Address): Promise<Proposal[]> => fetchAll(rpc, 'proposal', { market });

/** The time the chain has, from the bytes of its clock. */
export function decodeClock(data: ReadonlyUint8Array): Now {
    return { slot: getU64Decoder().decode(data, 0), unix: getI64Decoder().decode(data, 32) };
}

/** The time the chain has. */
export async function fetchNow(rpc: PlimsollRpc): Promise<Now> {
    const { accounts } = await fetchRaw(rpc, [CLOCK_ADDRESS]);
    if (accounts[0] === undefined) throw new MissingAccountError(CLOCK_ADDRESS, 'clock');
    return decodeClock(accounts[0].data);
}

/** What a page shows of a market at once. */
export type MarketView = Readonly<{ now: Now; market: Market; reserves: readonly Reserve[]; backstops: readonly Backstop[] }>;

/** A market with its reserves and backstop pools, and the time. */
export async function fetchMarketView(rpc: PlimsollRpc, address: Address): Promise<MarketView> {
    const [now, market, reserves, backstops] = await Promise.all([
        fetchNow(rpc),
        fetchMarket(rpc, address),
        fetchReserves(rpc, address),
        fetchBackstops(rpc, { market: address }),
    ]);
    return { now, market, reserves, backstops };
}

/** Price accounts of reserves, by reserve. A push feed is one account; a pull feed has as many as somebody keeps. */
export async function fetchPriceAccounts(rpc: PlimsollRpc, reserves: readonly Reserve[]): Promise<Map<Address, Address[]>> {
    const find = async (reserve: Reserve): Promise<[Address, Address[]]> => {
        if (reserve.state.oracleKind !== ORACLE_PULL) return [reserve.address, [reserve.state.oracle]];
        const feed = filter(PULL_FEED_OFFSET, getAddressEncoder().encode(reserve.state.oracle));
        const found = await fetchProgramAccounts(rpc, PYTH_PULL_PROGRAM_ADDRESS, [feed]);
        return [reserve.address, found.map(account => account.address)];
    };
    return new Map(await Promise.all(reserves.map(find)));
}

/** What a scene is made of, beside the position. */
export type SceneOptions = Readonly<{
    /** Reserves beside those of the position's legs: what an action may add. */
    more?: readonly Address[];
    /** Price accounts that may be offered, by reserve, from {@link fetchPriceAccounts}. Without any, kept readings count. */
    prices?: ReadonlyMap<Address, readonly Address[]>;
}>;

/**
 * A position with all that decides about it, as one moment of the chain had it: what previews ask for.
 *
 * Of several price accounts the newest that the program would read is offered, and only if it is newer than the reserve's own.
 */
export async function fetchScene(rpc: PlimsollRpc, position: Address, options: SceneOptions = {}): Promise<Scene> {
    const first = await fetchPosition(rpc, position);
    return fetchSceneOf(rpc, first, options);
}

/** The same for a position whose legs are known; it is read again, with everything else. */
export async function fetchSceneOf(rpc: PlimsollRpc, known: Position, options: SceneOptions = {}): Promise<Scene> {
    const legs = [...new Set([...legsOf(known), ...(options.more ?? [])])];
    const prices = legs.flatMap(leg => options.prices?.get(leg) ?? []);
    const addresses = [CLOCK_ADDRESS, known.state.market, known.address, ...legs, ...prices];
    const { accounts } = await fetchRaw(rpc, addresses);
    const [clock, market, position] = accounts;
    if (clock === undefined) throw new MissingAccountError(CLOCK_ADDRESS, 'clock');
    const now = decodeClock(clock.data);
    const reserves = legs.map((leg, index) => required('reserve', leg, accounts[3 + index]));
    const priceAccounts = accounts.slice(3 + legs.length).filter(account => account !== undefined);
    const scene = {
        now,
        market: required('market', known.state.market, market),
        // A position that is not opened yet is as the caller made it.
        position: position === undefined || position.data.length === 0 ? known : required('position', known.address, position),
        reserves,
        offers: reserves.flatMap(reserve =>
            newestOffer(reserve, options.prices?.get(reserve.address) ?? [], priceAccounts, now),
        ),
    };
    // Somebody opened a leg in between: begin again with it.
    if (legsOf(scene.position).some(leg => !legs.includes(leg))) return fetchSceneOf(rpc, scene.position, options);
    return scene;
}

/** The newest of a reserve's price accounts, if it is newer than the reading that the reserve keeps. */
export function newestOffer(
    reserve: Reserve,
    addresses: readonly Address[],
    accounts: readonly RawAccount[],
    now: Now,
): OfferedReading[] {
    let best: OfferedReading | undefined;
    for (const account of accounts.filter(account => addresses.includes(account.address))) {
        try {
            const reading = readPrice(reserve, account, now);
            const least = best?.reading.publishTime ?? reserve.state.reading.publishTime;
            if (reading.publishTime > least) best = { reserve: reserve.address, price: account.address, reading };
        } catch (error) {
            // What the program would refuse is not offered.
            if (!(error instanceof PriceError)) throw error;
        }
    }
    return best === undefined ? [] : [best];
}

/** What a simulation left. */
export type Simulated = Readonly<{ units: bigint; returnData: ReadonlyUint8Array | undefined; logs: readonly string[] }>;

/**
 * Runs instructions without sending them, unsigned.
 *
 * @throws TransactionFailure where they would fail.
 */
export async function simulate(rpc: PlimsollRpc, payer: Address, instructions: readonly Instruction[]): Promise<Simulated> {
    const { value: lifetime } = await rpc.getLatestBlockhash({ commitment: COMMITMENT }).send();
    const transaction = compile(payer, instructions, lifetime);
    const config = { encoding: 'base64', commitment: COMMITMENT, sigVerify: false, replaceRecentBlockhash: true } as const;
    const { value } = await rpc.simulateTransaction(getBase64EncodedWireTransaction(transaction), config).send();
    if (value.err !== null) throw failureOf(value.err, value.logs);
    const returned = value.returnData?.data[0];
    return {
        units: value.unitsConsumed ?? 0n,
        returnData: returned === undefined ? undefined : base64.encode(returned),
        logs: value.logs ?? [],
    };
}

function compile(
    payer: Address,
    instructions: readonly Instruction[],
    lifetime: Readonly<{ blockhash: Blockhash; lastValidBlockHeight: bigint }>,
) {
    const message = pipe(
        createTransactionMessage({ version: 0 }),
        message => setTransactionMessageFeePayer(payer, message),
        message => setTransactionMessageLifetimeUsingBlockhash(lifetime, message),
        message => appendTransactionMessageInstructions([...instructions], message),
    );
    return compileTransaction(message);
}

/** Decodes return data. Nodes strip its trailing zeros. */
export function decodeReturned<T>(decoder: Decoder<T> & { fixedSize: number }, returned: ReadonlyUint8Array): T {
    if (returned.length > decoder.fixedSize) {
        const sentence = `return data has ${returned.length} bytes, this quote has ${decoder.fixedSize}`;
        throw new RangeError(`${sentence}; was it another instruction's, or another version's?`);
    }
    const whole = new Uint8Array(decoder.fixedSize);
    whole.set(returned);
    return decoder.decode(whole);
}

/** Decoders of what the program's quotes return. */
export const QUOTES = {
    position: types.getPositionQuoteDecoder,
    liquidation: types.getLiquidationQuoteDecoder,
    lender: types.getLenderQuoteDecoder,
    lenderExposure: types.getLenderExposureQuoteDecoder,
    provider: types.getBackstopProviderQuoteDecoder,
} as const;

/**
 * Asks the program itself: simulates one of the quote instructions, and decodes what it returns. `payer` must exist; it pays
 * nothing.
 */
export async function ask<K extends keyof typeof QUOTES>(
    rpc: PlimsollRpc,
    payer: Address,
    kind: K,
    instruction: Instruction,
): Promise<ReturnType<ReturnType<(typeof QUOTES)[K]>['decode']>> {
    const { returnData } = await simulate(rpc, payer, [unitLimit(MOST_UNITS), instruction]);
    const decoder = QUOTES[kind]() as Decoder<unknown> & { fixedSize: number };
    return decodeReturned(decoder, returnData ?? new Uint8Array()) as ReturnType<ReturnType<(typeof QUOTES)[K]>['decode']>;
}
