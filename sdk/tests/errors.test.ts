import { readFileSync } from 'node:fs';

import {
    SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM,
    SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
    SolanaError,
} from '@solana/kit';
import { describe as group, expect, test } from 'vitest';

import { asFailure, describe, explain, failureOf, REFUSALS, refusalNamed, TransactionFailure } from '../src/index.js';

type Idl = { errors: { code: number; name: string; msg: string }[] };
const idl = JSON.parse(readFileSync(new URL('../../idl/plimsoll.json', import.meta.url), 'utf8')) as Idl;

test('every error of the IDL has its own sentence', () => {
    for (const { code, name, msg } of idl.errors) {
        expect(explain(code)).toEqual({ code, name, sentence: msg });
        expect(refusalNamed(name)?.code).toBe(code);
    }
    // The others are the framework's.
    expect(REFUSALS.filter(({ code }) => code >= 6000).length).toBe(idl.errors.length);
    expect(REFUSALS.length).toBeGreaterThan(idl.errors.length + 20);
});

group('a failure of a transaction is a sentence', () => {
    const stale =
        'Price is too old for this action; offer a newer price account or refresh the reserve first (StalePrice, code 6100)';

    test('as a node writes it', () => {
        const failure = failureOf({ InstructionError: [2, { Custom: 6100n }] }, ['Program log: x']);
        expect(failure.message).toBe(`instruction 2: ${stale}`);
        expect(failure.refusal?.name).toBe('StalePrice');
        expect([failure.instruction, failure.logs]).toEqual([2, ['Program log: x']]);
        expect(failureOf({ InstructionError: [0, { Custom: 2006 }] }).message).toContain('(ConstraintSeeds, code 2006)');
    });

    test('also where the code is another program’s, or there is none', () => {
        expect(failureOf({ InstructionError: [0, { Custom: 1 }] }).message).toBe('instruction 0 failed: {"Custom":1}');
        expect(failureOf({ InstructionError: [3, 'InvalidArgument'] }).message).toBe('instruction 3 failed: InvalidArgument');
        expect(failureOf('AccountInUse').message).toBe('transaction failed: AccountInUse');
        expect(failureOf({ InsufficientFundsForRent: { account_index: 1 } }).refusal).toBeUndefined();
        expect(describe(7)).toBe('unknown error (code 7)');
    });

    test('as kit throws it, behind a failed preflight', () => {
        const cause = new SolanaError(SOLANA_ERROR__INSTRUCTION_ERROR__CUSTOM, { code: 6100, index: 1 });
        const thrown = new SolanaError(SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE, {
            accounts: null,
            cause,
            fee: null,
            loadedAccountsDataSize: null,
            loadedAddresses: null,
            logs: ['Program log: y'],
            postBalances: null,
            postTokenBalances: null,
            preBalances: null,
            preTokenBalances: null,
            replacementBlockhash: null,
            returnData: null,
            unitsConsumed: 0n,
            innerInstructions: null,
        } as never);
        const failure = asFailure(thrown);
        expect(failure).toBeInstanceOf(TransactionFailure);
        expect((failure as TransactionFailure).message).toBe(`instruction 1: ${stale}`);
        expect((failure as TransactionFailure).logs).toEqual(['Program log: y']);
        expect(asFailure(failure)).toBe(failure);
    });

    test('and what is none stays what it is', () => {
        const declined = new Error('User rejected the request');
        expect(asFailure(declined)).toBe(declined);
    });
});
