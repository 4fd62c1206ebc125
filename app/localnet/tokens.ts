/** The one instruction of the token programs that a local market needs: minting. */
import { AccountRole, getU64Encoder, type Address, type Instruction, type KeyPairSigner } from '@solana/kit';

const MINT_TO = 7;

/** Mints atoms into a token account. */
export function mintTo(
    token: Readonly<{ mint: Address; program: Address }>,
    account: Address,
    authority: KeyPairSigner,
    atoms: bigint,
): Instruction {
    return {
        programAddress: token.program,
        accounts: [
            { address: token.mint, role: AccountRole.WRITABLE },
            { address: account, role: AccountRole.WRITABLE },
            { address: authority.address, role: AccountRole.READONLY_SIGNER, signer: authority } as never,
        ],
        data: Uint8Array.from([MINT_TO, ...getU64Encoder().encode(atoms)]),
    };
}
