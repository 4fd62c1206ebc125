/**
 * Errors as sentences: the same that the program and the Rust client say.
 * @module
 */
import { isSolanaError, SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM } from '@solana/kit';

import { SENTENCES } from './sentences.js';

/** A code with its name and sentence. */
export type Refusal = Readonly<{
    /** Code as it stands in a transaction error or in a quote. */
    code: number;
    /** Name of the error. */
    name: string;
    /** What it says about the world. */
    sentence: string;
}>;

const BY_CODE = new Map<number, Refusal>(SENTENCES.map(([code, name, sentence]) => [code, { code, name, sentence }]));
const BY_NAME = new Map<string, Refusal>([...BY_CODE.values()].map(refusal => [refusal.name, refusal]));

/** Every refusal this client knows, in the order of codes. */
export const REFUSALS: readonly Refusal[] = [...BY_CODE.values()];

/** Name and sentence of a code of the program or of its framework. */
export function explain(code: number): Refusal | undefined {
    return BY_CODE.get(code);
}

/** A refusal by its name. */
export function refusalNamed(name: string): Refusal | undefined {
    return BY_NAME.get(name);
}

/** A code as one line: `Price is too old ... (StalePrice, code 6100)`. */
export function describe(code: number): string {
    const refusal = explain(code);
    return refusal === undefined ? `unknown error (code ${code})` : `${refusal.sentence} (${refusal.name}, code ${code})`;
}

/** A transaction failed: which instruction of it, and why. */
export class TransactionFailure extends Error {
    override readonly name = 'TransactionFailure';
    constructor(
        message: string,
        /** Index of the instruction in its transaction; `undefined` where the transaction failed as a whole. */
        readonly instruction: number | undefined,
        /** The refusal, where it is one this client knows. */
        readonly refusal: Refusal | undefined,
        options?: ErrorOptions & { logs?: readonly string[] | null },
    ) {
        super(message, options);
        this.logs = options?.logs ?? [];
    }
    /** What the programs logged. */
    readonly logs: readonly string[];
}

/** How JSON-RPC writes a transaction error. */
type WireError = string | { InstructionError?: readonly [number | bigint, string | { Custom?: number | bigint }] } | object;

/**
 * Reads a transaction error as a node writes it (`meta.err`, or `err` of a simulation). A custom code is taken for this program's:
 * ask it of transactions to this program alone.
 */
export function failureOf(error: unknown, logs?: readonly string[] | null): TransactionFailure {
    const wire = error as WireError;
    if (typeof wire === 'object' && wire !== null && 'InstructionError' in wire && wire.InstructionError !== undefined) {
        const [index, reason] = wire.InstructionError as readonly [number | bigint, string | { Custom?: number | bigint }];
        const code = typeof reason === 'object' && reason.Custom !== undefined ? Number(reason.Custom) : undefined;
        return refused(Number(index), code, typeof reason === 'string' ? reason : show(reason), logs);
    }
    return new TransactionFailure(`transaction failed: ${show(error)}`, undefined, undefined, { logs: logs ?? null });
}

function refused(index: number, code: number | undefined, reason: string, logs?: readonly string[] | null, cause?: unknown) {
    const refusal = code === undefined ? undefined : explain(code);
    const options = { cause, logs: logs ?? null };
    if (code !== undefined && refusal !== undefined) {
        return new TransactionFailure(`instruction ${index}: ${describe(code)}`, index, refusal, options);
    }
    return new TransactionFailure(`instruction ${index} failed: ${reason}`, index, undefined, options);
}

function show(value: unknown): string {
    if (typeof value === 'string') return value;
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner));
}

/** What kit says of an instruction, on an error or somewhere among its causes. */
function causes(error: unknown): unknown[] {
    const all: unknown[] = [];
    for (let next: unknown = error; next !== undefined && next !== null && all.length < 8;) {
        all.push(next);
        next = (next as { cause?: unknown }).cause;
    }
    return all;
}

/**
 * The failure behind whatever kit or a wallet threw, as a sentence; what was thrown itself where it is none of a transaction's
 * (a rejected signature, a lost connection).
 */
export function asFailure(error: unknown): unknown {
    if (error instanceof TransactionFailure) return error;
    for (const cause of causes(error)) {
        const context = (cause as { context?: { index?: number; code?: number; logs?: readonly string[] | null } }).context;
        if (isSolanaError(cause, SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM)) {
            const { index, code } = cause.context as { index: number; code: number };
            return refused(index, Number(code), `custom program error ${code}`, logsOf(error), error);
        }
        if (context !== undefined && isSolanaError(cause) && typeof context.index === 'number') {
            return refused(context.index, undefined, cause.message, logsOf(error), error);
        }
    }
    return error;
}

function logsOf(error: unknown): readonly string[] | null {
    for (const cause of causes(error)) {
        const logs = (cause as { context?: { logs?: readonly string[] | null } }).context?.logs;
        if (logs !== undefined && logs !== null) return logs;
    }
    return null;
}
