/** Instructions of other programs that go with this one's: token accounts, and what a transaction may use. */
import {
    AccountRole,
    getStructEncoder,
    getU32Encoder,
    getU64Encoder,
    getU8Encoder,
    type Address,
    type Instruction,
    type TransactionSigner,
} from '@solana/kit';

import { tokenProgramOf, type Reserve } from '../accounts.js';
import { SYSTEM_PROGRAM_ADDRESS, TOKEN_ACCOUNTS_PROGRAM_ADDRESS, tokenAccountAddress } from '../addresses.js';
import type { Opening } from './positions.js';

const COMPUTE_BUDGET_ADDRESS = 'ComputeBudget111111111111111111111111111111' as Address;
/** `CreateIdempotent` of the program of associated token accounts. */
const CREATE_IDEMPOTENT = 1;

/** Open an owner's associated token account for a reserve's token; does nothing where it is there. */
export async function openTokenAccount(input: {
    /** Who pays its rent. */
    payer: TransactionSigner;
    /** Owner; the payer if none is named. */
    owner?: Address;
    /** Reserve of the token. */
    reserve: Reserve;
}): Promise<Opening> {
    const { payer, owner = payer.address, reserve } = input;
    const program = tokenProgramOf(reserve);
    const address = await tokenAccountAddress(owner, reserve.state.mint, program);
    const readonly = (address: Address) => ({ address, role: AccountRole.READONLY });
    const instruction = Object.freeze({
        programAddress: TOKEN_ACCOUNTS_PROGRAM_ADDRESS,
        accounts: [
            { address: payer.address, role: AccountRole.WRITABLE_SIGNER, signer: payer },
            { address, role: AccountRole.WRITABLE },
            readonly(owner),
            readonly(reserve.state.mint),
            readonly(SYSTEM_PROGRAM_ADDRESS),
            readonly(program),
        ],
        data: new Uint8Array([CREATE_IDEMPOTENT]),
    });
    return { instruction, address };
}

/** Most compute units that the transaction may use. Without it, 200,000 an instruction. */
export function unitLimit(units: number): Instruction {
    const encoder = getStructEncoder([
        ['tag', getU8Encoder()],
        ['units', getU32Encoder()],
    ]);
    return Object.freeze({ programAddress: COMPUTE_BUDGET_ADDRESS, data: encoder.encode({ tag: 2, units }) });
}

/** What is paid for a unit above the base fee, micro-lamports. */
export function unitPrice(microLamports: bigint): Instruction {
    const encoder = getStructEncoder([
        ['tag', getU8Encoder()],
        ['price', getU64Encoder()],
    ]);
    return Object.freeze({ programAddress: COMPUTE_BUDGET_ADDRESS, data: encoder.encode({ tag: 3, price: microLamports }) });
}
