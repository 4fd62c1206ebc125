//! The program's entry point.

use solana_account_info::AccountInfo;
use solana_cpi::{invoke, invoke_signed, invoke_signed_unchecked};
use solana_instruction::{AccountMeta, Instruction};
use solana_program_entrypoint::{entrypoint, ProgramResult};
use solana_program_error::ProgramError;
use solana_pubkey::{pubkey, Pubkey};

use crate::{amount_out, in_order, PoolError, Swap, FORWARD, POOL_SEED, SWAP, TRANSFERS};

const TOKEN_PROGRAMS: [Pubkey; 2] =
    [pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"), pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")];
const ASSOCIATED_TOKEN_PROGRAM: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// `TransferChecked` of both token programs: tag, amount, decimals.
const TRANSFER_CHECKED: u8 = 12;
/// Where a mint keeps its decimals, and a token account its amount.
const MINT_DECIMALS: usize = 44;
const ACCOUNT_AMOUNT: usize = 64;

entrypoint!(process);

impl From<PoolError> for ProgramError {
    fn from(error: PoolError) -> Self {
        Self::Custom(error as u32)
    }
}

fn require(condition: bool, error: PoolError) -> ProgramResult {
    if condition {
        Ok(())
    } else {
        Err(error.into())
    }
}

fn process(program: &Pubkey, accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    match data.split_first() {
        Some((&SWAP, arguments)) => swap(program, accounts, Swap::decode(arguments).ok_or(PoolError::Malformed)?),
        Some((&FORWARD, call)) => forward(accounts, call),
        Some((&TRANSFERS, [])) => transfers(accounts),
        _ => Err(PoolError::Malformed.into()),
    }
}

/// Calls the first account with the others.
fn forward(accounts: &[AccountInfo], data: &[u8]) -> ProgramResult {
    let (callee, rest) = accounts.split_first().ok_or(PoolError::WrongAccounts)?;
    let meta = |account: &AccountInfo| AccountMeta {
        pubkey: *account.key,
        is_signer: account.is_signer,
        is_writable: account.is_writable,
    };
    let call = Instruction { program_id: *callee.key, accounts: rest.iter().map(meta).collect(), data: data.to_vec() };
    invoke(&call, accounts)
}

/// Both transfers of a liquidation, an atom each, with nothing checked and nothing decided. (The liquidator gives both: the
/// vaults are another program's. To the token program that is the same.)
fn transfers(accounts: &[AccountInfo]) -> ProgramResult {
    let [liquidator, _, _, _, _, repaying, repaid, debt_mint, debt_program, seizing, seized, mint, program, ..] =
        accounts
    else {
        return Err(PoolError::WrongAccounts.into());
    };
    for side in [
        Side { trader: repaying, vault: repaid, mint: debt_mint, token_program: debt_program },
        Side { trader: seizing, vault: seized, mint, token_program: program },
    ] {
        let transfer = side.transfer(side.trader, side.vault, liquidator, 1)?;
        let accounts = [side.trader.clone(), side.mint.clone(), side.vault.clone(), liquidator.clone()];
        // No account is borrowed here.
        invoke_signed_unchecked(&transfer, &accounts, &[])?;
    }
    Ok(())
}

/// One side of a swap.
struct Side<'a, 'info> {
    trader: &'a AccountInfo<'info>,
    vault: &'a AccountInfo<'info>,
    mint: &'a AccountInfo<'info>,
    token_program: &'a AccountInfo<'info>,
}

impl Side<'_, '_> {
    fn check(&self, authority: &Pubkey) -> ProgramResult {
        let program = self.token_program.key;
        require(TOKEN_PROGRAMS.contains(program) && self.mint.owner == program, PoolError::WrongMint)?;
        let seeds = [authority.as_ref(), program.as_ref(), self.mint.key.as_ref()];
        let (vault, _) = Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM);
        require(*self.vault.key == vault && self.vault.owner == program, PoolError::WrongVault)
    }

    /// What lies in the vault.
    fn held(&self) -> Result<u64, ProgramError> {
        let data = self.vault.try_borrow_data()?;
        let amount = data.get(ACCOUNT_AMOUNT..).and_then(|rest| rest.first_chunk::<8>());
        Ok(u64::from_le_bytes(*amount.ok_or(PoolError::WrongVault)?))
    }

    /// `TransferChecked` from one token account of this side to another.
    fn transfer(
        &self,
        from: &AccountInfo,
        to: &AccountInfo,
        by: &AccountInfo,
        atoms: u64,
    ) -> Result<Instruction, ProgramError> {
        let decimals = *self.mint.try_borrow_data()?.get(MINT_DECIMALS).ok_or(PoolError::WrongMint)?;
        let accounts = vec![
            AccountMeta::new(*from.key, false),
            AccountMeta::new_readonly(*self.mint.key, false),
            AccountMeta::new(*to.key, false),
            AccountMeta::new_readonly(*by.key, true),
        ];
        let data = [&[TRANSFER_CHECKED][..], &atoms.to_le_bytes(), &[decimals]].concat();
        Ok(Instruction { program_id: *self.token_program.key, accounts, data })
    }
}

fn swap(program: &Pubkey, accounts: &[AccountInfo], swap: Swap) -> ProgramResult {
    let [trader, authority, from, to, vault_in, vault_out, mint_in, mint_out, program_in, program_out] = accounts
    else {
        return Err(PoolError::WrongAccounts.into());
    };
    require(trader.is_signer, PoolError::NotSigned)?;
    require(mint_in.key != mint_out.key, PoolError::WrongMint)?;
    let [first, second] = in_order(mint_in.key.as_array(), mint_out.key.as_array());
    let (expected, bump) = Pubkey::find_program_address(&[POOL_SEED, first, second], program);
    require(*authority.key == expected, PoolError::WrongAuthority)?;
    let paid = Side { trader: from, vault: vault_in, mint: mint_in, token_program: program_in };
    let received = Side { trader: to, vault: vault_out, mint: mint_out, token_program: program_out };
    paid.check(authority.key)?;
    received.check(authority.key)?;

    let out = amount_out(swap.amount_in, paid.held()?, received.held()?);
    require(swap.amount_in > 0 && out > 0, PoolError::ZeroAmount)?;
    require(out >= swap.amount_out_min, PoolError::BelowMinimum)?;

    invoke(&paid.transfer(paid.trader, paid.vault, trader, swap.amount_in)?, accounts)?;
    let payment = received.transfer(received.vault, received.trader, authority, out)?;
    invoke_signed(&payment, accounts, &[&[POOL_SEED, first, second, &[bump]]])
}
