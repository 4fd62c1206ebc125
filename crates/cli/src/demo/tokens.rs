//! Mints and token accounts of both token programs, made by their own instructions.

use anchor_lang::prelude::Pubkey;
use anchor_spl::associated_token::{get_associated_token_address_with_program_id, spl_associated_token_account};
use anchor_spl::token_2022::spl_token_2022;
use anyhow::Result;
use plimsoll_client::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::chain::Chain;

/// Bytes of a mint without extensions.
const MINT_BYTES: usize = 82;

/// A token of the demo.
pub struct Token {
    /// What it is called.
    pub symbol: &'static str,
    /// Mint.
    pub mint: Pubkey,
    /// Decimals.
    pub decimals: u8,
    /// SPL Token or Token-2022.
    pub program: Pubkey,
}

impl Token {
    /// Creates the mint; the payer may mint.
    pub fn create(chain: &Chain, symbol: &'static str, decimals: u8, program: Pubkey) -> Result<Self> {
        let (mint, payer) = (Keypair::new(), chain.payer().pubkey());
        let lamports = chain.rpc().get_minimum_balance_for_rent_exemption(MINT_BYTES)?;
        let space = MINT_BYTES as u64;
        let create =
            solana_system_interface::instruction::create_account(&payer, &mint.pubkey(), lamports, space, &program);
        // One interface serves both programs.
        let initialize =
            spl_token_2022::instruction::initialize_mint2(&program, &mint.pubkey(), &payer, None, decimals)?;
        chain.send(&[create, initialize], &[&mint])?;
        Ok(Self { symbol, mint: mint.pubkey(), decimals, program })
    }

    /// A holder's token account.
    pub fn account(&self, owner: &Pubkey) -> Pubkey {
        get_associated_token_address_with_program_id(owner, &self.mint, &self.program)
    }

    /// Opens a holder's token account and mints atoms into it.
    pub fn give(&self, chain: &Chain, owner: &Pubkey, atoms: u64) -> Result<()> {
        chain.send(&self.gift(&chain.payer().pubkey(), owner, atoms)?, &[])?;
        Ok(())
    }

    /// The instructions for that.
    pub fn gift(&self, payer: &Pubkey, owner: &Pubkey, atoms: u64) -> Result<Vec<Instruction>> {
        let account = self.account(owner);
        let open = spl_associated_token_account::instruction::create_associated_token_account_idempotent(
            payer,
            owner,
            &self.mint,
            &self.program,
        );
        let mut instructions = vec![open];
        if atoms > 0 {
            let mint = spl_token_2022::instruction::mint_to(&self.program, &self.mint, &account, payer, &[], atoms)?;
            instructions.push(mint);
        }
        Ok(instructions)
    }

    /// Atoms as a decimal amount with symbol.
    pub fn show(&self, atoms: u64) -> String {
        format!("{} {}", self.number(atoms), self.symbol)
    }

    /// Atoms as a decimal amount.
    pub fn number(&self, atoms: u64) -> String {
        let scale = 10u64.pow(u32::from(self.decimals));
        let fraction = format!("{:0width$}", atoms % scale, width = usize::from(self.decimals));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            (atoms / scale).to_string()
        } else {
            format!("{}.{fraction}", atoms / scale)
        }
    }

    /// Atoms with all decimals, for a column.
    pub fn fixed(&self, atoms: u64) -> String {
        let scale = 10u64.pow(u32::from(self.decimals));
        format!("{}.{:0width$}", atoms / scale, atoms % scale, width = usize::from(self.decimals))
    }

    /// Whole tokens in atoms.
    pub fn whole(&self, tokens: u64) -> u64 {
        tokens * 10u64.pow(u32::from(self.decimals))
    }
}
