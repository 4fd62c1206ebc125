/**
 * A local validator (Surfpool), and what only it can do: write accounts and programs, stop and move the clock.
 */
import { readFile } from 'node:fs/promises';

import {
    createSolanaRpc,
    createSolanaRpcSubscriptions,
    generateKeyPairSigner,
    type Address,
    type Instruction,
    type KeyPairSigner,
    type ReadonlyUint8Array,
} from '@solana/kit';

import { fetchNow, PROGRAM_ADDRESS, sendInstructions, type Sent } from '../../src/index.js';

/** What of a program fits in one request. */
const PROGRAM_CHUNK = 200_000;
const LAMPORTS_PER_SOL = 1_000_000_000;

const hex = (bytes: ReadonlyUint8Array): string => Buffer.from(bytes).toString('hex');

/** A connection to a local validator. */
export class Localnet {
    readonly rpc;
    readonly rpcSubscriptions;

    constructor(
        readonly url: string,
        wsUrl: string,
    ) {
        this.rpc = createSolanaRpc(url);
        this.rpcSubscriptions = createSolanaRpcSubscriptions(wsUrl);
    }

    /** Calls a method by name. */
    async call(method: string, ...params: unknown[]): Promise<unknown> {
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
        const answer = await fetch(this.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
        const { result, error } = (await answer.json()) as { result?: unknown; error?: { message: string } };
        if (error !== undefined) throw new Error(`${method}: ${error.message}`);
        return result;
    }

    /** A key with SOL for fees and rent. */
    async fundedSigner(sol = 100): Promise<KeyPairSigner> {
        const signer = await generateKeyPairSigner();
        await this.call('requestAirdrop', signer.address, sol * LAMPORTS_PER_SOL);
        for (let tries = 0; tries < 200; tries += 1) {
            const { value } = await this.rpc.getBalance(signer.address, { commitment: 'confirmed' }).send();
            if (value > 0n) return signer;
            await new Promise(resolve => setTimeout(resolve, 25));
        }
        throw new Error('the airdrop did not come');
    }

    /** Writes an account: how a local validator gets a price that only the oracle network could sign elsewhere. */
    async writeAccount(address: Address, owner: Address, data: ReadonlyUint8Array): Promise<void> {
        await this.call('surfnet_setAccount', address, { lamports: 10_000_000, owner, executable: false, data: hex(data) });
    }

    /** Writes Plimsoll where it is to be, past the loader. */
    async writeProgram(file: string): Promise<void> {
        const program = await readFile(file);
        for (let at = 0; at < program.length; at += PROGRAM_CHUNK) {
            await this.call('surfnet_writeProgram', PROGRAM_ADDRESS, hex(program.subarray(at, at + PROGRAM_CHUNK)), at);
        }
    }

    /** Moves the clock ahead. */
    async passTime(secs: bigint): Promise<void> {
        const { unix } = await fetchNow(this.rpc);
        await this.call('surfnet_timeTravel', { absoluteTimestamp: Number(unix + secs) * 1_000 });
    }

    /** Sends transactions of no matter, each of which is a slot here, until a slot is reached. */
    async passSlots(until: bigint): Promise<void> {
        while ((await fetchNow(this.rpc)).slot < until) await this.fundedSigner(1);
    }

    /** Stops the clock while `work` runs, so that what is read one after another belongs to one moment. */
    async atRest<T>(work: () => Promise<T>): Promise<T> {
        await this.call('surfnet_pauseClock');
        try {
            return await work();
        } finally {
            await this.call('surfnet_resumeClock');
        }
    }

    /** Sends, signed by `payer` and the signers in the instructions. */
    send(payer: KeyPairSigner, ...instructions: Instruction[]): Promise<Sent> {
        return sendInstructions(this.rpc, payer, instructions);
    }
}
