/**
 * Transactions: built, signed by whatever wallet there is, sent, and seen through to their end.
 * @module
 */
import {
    appendTransactionMessageInstructions,
    assertIsSendableTransaction,
    assertIsTransactionWithBlockhashLifetime,
    createTransactionMessage,
    getBase58Decoder,
    getBase64EncodedWireTransaction,
    getSignatureFromTransaction,
    getTransactionDecoder,
    getTransactionEncoder,
    isTransactionMessageWithSingleSendingSigner,
    pipe,
    setTransactionMessageFeePayerSigner,
    setTransactionMessageLifetimeUsingBlockhash,
    signAndSendTransactionMessageWithSigners,
    signTransactionMessageWithSigners,
    type Address,
    type Instruction,
    type Signature,
    type TransactionModifyingSigner,
    type TransactionSigner,
} from '@solana/kit';

import { simulate, type PlimsollRpc } from './chain.js';
import { asFailure, failureOf } from './errors.js';
import { unitLimit, unitPrice } from './instructions/tokens.js';

/** Between two looks at a transaction, milliseconds. */
const POLL_MS = 250;
/** Between two sendings of the same transaction, milliseconds. */
const RESEND_MS = 2_000;
/** Most compute units of any transaction. */
const MOST_UNITS = 1_400_000;
/** Spare units beyond what a simulation used: prices and interest move on until it lands. */
const SPARE_PERCENT = 20n;
const SPARE_UNITS = 5_000n;

/** How a transaction is to be sent. */
export type SendOptions = Readonly<{
    /** Compute units it may use; without it what a simulation used, and a fifth more. */
    units?: number;
    /** What is paid for a unit above the base fee, micro-lamports. */
    microLamports?: bigint;
    /** Ends the waiting. What was sent may still land. */
    signal?: AbortSignal;
    /** Told how far it is. */
    onProgress?: (progress: SendProgress) => void;
}>;

/** How far a transaction is. */
export type SendProgress =
    | Readonly<{ stage: 'simulating' | 'signing' }>
    | Readonly<{ stage: 'confirming'; signature: Signature }>
    | Readonly<{ stage: 'confirmed'; signature: Signature; slot: bigint }>;

/** A transaction that is confirmed. */
export type Sent = Readonly<{
    /** Its signature. */
    signature: Signature;
    /** Slot it is in. */
    slot: bigint;
}>;

/** The transaction was not seen in time: it can no longer land. */
export class TransactionExpired extends Error {
    override readonly name = 'TransactionExpired';
    constructor(
        /** Its signature. */
        readonly signature: Signature,
    ) {
        super(`transaction ${signature} did not land while its blockhash was good; nothing has happened, try again`);
    }
}

/**
 * Simulates, signs, sends and confirms. The payer pays the fee and signs; other signers come with the instructions.
 *
 * @throws TransactionFailure where the program or the runtime refuses, in a sentence; {@link TransactionExpired}; whatever the
 * wallet throws where its user declines.
 */
export async function sendInstructions(
    rpc: PlimsollRpc,
    payer: TransactionSigner,
    instructions: readonly Instruction[],
    options: SendOptions = {},
): Promise<Sent> {
    options.onProgress?.({ stage: 'simulating' });
    const units = options.units ?? (await estimateUnits(rpc, payer.address, instructions));
    const price = options.microLamports === undefined ? [] : [unitPrice(options.microLamports)];
    const { value: lifetime } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send();
    const message = pipe(
        createTransactionMessage({ version: 0 }),
        message => setTransactionMessageFeePayerSigner(payer, message),
        message => setTransactionMessageLifetimeUsingBlockhash(lifetime, message),
        message => appendTransactionMessageInstructions([unitLimit(units), ...price, ...instructions], message),
    );
    options.onProgress?.({ stage: 'signing' });
    try {
        if (isTransactionMessageWithSingleSendingSigner(message)) {
            const bytes = await signAndSendTransactionMessageWithSigners(message);
            const signature = getBase58Decoder().decode(bytes) as Signature;
            return await confirm(rpc, signature, lifetime.lastValidBlockHeight, options);
        }
        const transaction = await signTransactionMessageWithSigners(message);
        assertIsTransactionWithBlockhashLifetime(transaction);
        assertIsSendableTransaction(transaction);
        const signature = getSignatureFromTransaction(transaction);
        const wire = getBase64EncodedWireTransaction(transaction);
        const send = () => rpc.sendTransaction(wire, { encoding: 'base64', preflightCommitment: 'confirmed' }).send();
        await send();
        return await confirm(rpc, signature, lifetime.lastValidBlockHeight, options, send);
    } catch (error) {
        throw asFailure(error);
    }
}

/** Compute units that instructions may use: what a simulation used, and a fifth more. */
export async function estimateUnits(rpc: PlimsollRpc, payer: Address, instructions: readonly Instruction[]): Promise<number> {
    const { units } = await simulate(rpc, payer, [unitLimit(MOST_UNITS), ...instructions]);
    const spared = (units * (100n + SPARE_PERCENT)) / 100n + SPARE_UNITS;
    return Number(spared < BigInt(MOST_UNITS) ? spared : BigInt(MOST_UNITS));
}

/** Waits for a transaction, and sends it again now and then: whoever has it already takes it again without harm. */
async function confirm(
    rpc: PlimsollRpc,
    signature: Signature,
    lastValidBlockHeight: bigint,
    { signal, onProgress }: SendOptions,
    send?: () => Promise<unknown>,
): Promise<Sent> {
    onProgress?.({ stage: 'confirming', signature });
    for (let sentAt = Date.now(); ;) {
        signal?.throwIfAborted();
        // The height first: what is not seen after it has passed can no longer come.
        const { blockHeight } = await rpc.getEpochInfo({ commitment: 'confirmed' }).send();
        const { value } = await rpc.getSignatureStatuses([signature]).send();
        const status = value[0];
        if (status !== null && status !== undefined) {
            if (status.err !== null) throw failureOf(status.err);
            if (status.confirmationStatus !== 'processed') {
                onProgress?.({ stage: 'confirmed', signature, slot: status.slot });
                return { signature, slot: status.slot };
            }
        } else if (blockHeight > lastValidBlockHeight) {
            throw new TransactionExpired(signature);
        }
        if (send !== undefined && Date.now() - sentAt > RESEND_MS) {
            sentAt = Date.now();
            // A node that refuses it now may have it already.
            await send().catch(() => undefined);
        }
        await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
}

/** What of a Wallet Standard wallet signs: `account`, and its feature `solana:signTransaction`. */
export type SigningWallet<A extends { readonly address: string }> = Readonly<{
    account: A;
    signTransaction: (
        ...inputs: { account: A; transaction: Uint8Array; chain?: `solana:${string}` }[]
    ) => Promise<readonly { signedTransaction: Uint8Array }[]>;
    chain?: `solana:${string}`;
}>;

/**
 * A signer of kit's from a Wallet Standard wallet:
 * `walletSigner({ account, signTransaction: wallet.features['solana:signTransaction'].signTransaction, chain })`.
 */
export function walletSigner<A extends { readonly address: string }>(wallet: SigningWallet<A>): TransactionModifyingSigner {
    const { account, chain } = wallet;
    return Object.freeze({
        address: account.address as Address,
        modifyAndSignTransactions: async (
            transactions: Parameters<TransactionModifyingSigner['modifyAndSignTransactions']>[0],
        ) => {
            const encoder = getTransactionEncoder();
            const inputs = transactions.map(transaction => ({
                account,
                transaction: Uint8Array.from(encoder.encode(transaction)),
                ...(chain === undefined ? {} : { chain }),
            }));
            const outputs = await wallet.signTransaction(...inputs);
            return transactions.map((transaction, index) => {
                const signed = outputs[index];
                if (signed === undefined) throw new Error('the wallet returned fewer transactions than it was given');
                const { lifetimeConstraint } = transaction as { lifetimeConstraint?: unknown };
                return { ...getTransactionDecoder().decode(signed.signedTransaction), lifetimeConstraint };
            }) as unknown as Awaited<ReturnType<TransactionModifyingSigner['modifyAndSignTransactions']>>;
        },
    });
}
