//! Tokens as a test holds them, and the wallets and vaults they lie in.

use std::sync::Arc;

use anchor_lang::prelude::Pubkey;
use anchor_spl::associated_token::spl_associated_token_account::instruction::create_associated_token_account;
use anchor_spl::token_2022::spl_token_2022::instruction as token_instruction;
use plimsoll_client::address;
use plimsoll_engine::state::{ORACLE_PYTH_PULL, ORACLE_PYTH_PUSH};
use solana_signer::Signer;

use crate::{Role, World};

/// Whole tokens that every wallet starts with.
pub const WALLET_TOKENS: u64 = 1_000_000;
/// Bytes of a mint without extensions.
const MINT_BYTES: usize = 82;

/// Which token program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SPL Token.
    Spl,
    /// Token-2022.
    Token2022,
}

impl Kind {
    /// Address of the program.
    pub fn program(self) -> Pubkey {
        match self {
            Self::Spl => anchor_spl::token::ID,
            Self::Token2022 => anchor_spl::token_2022::ID,
        }
    }
}

/// One of a reserve's vaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vault {
    /// Liquidity.
    Liquidity,
    /// Collateral.
    Collateral,
}

/// A token with its mint, price feed and addresses in the market.
#[derive(Clone, Debug)]
pub struct Token {
    /// Short name, for messages.
    pub name: Arc<str>,
    /// Mint.
    pub mint: Pubkey,
    /// Decimals.
    pub decimals: u8,
    /// Token program.
    pub kind: Kind,
    /// Reserve in the market.
    pub reserve: Pubkey,
    /// Kind of price account.
    pub oracle_kind: u8,
    /// Price account.
    pub price: Pubkey,
    /// Feed id (pull) or address of the price account (push), as the reserve stores it.
    pub oracle: [u8; 32],
}

impl Token {
    /// Whether the price account is a Pyth pull update.
    pub fn is_pull(&self) -> bool {
        debug_assert!([ORACLE_PYTH_PULL, ORACLE_PYTH_PUSH].contains(&self.oracle_kind));
        self.oracle_kind == ORACLE_PYTH_PULL
    }

    /// Atoms of a decimal amount of whole tokens: `usdc.atoms("12.5")`.
    #[track_caller]
    pub fn atoms(&self, amount: &str) -> u64 {
        let atoms = crate::prices::scaled(amount, u32::from(self.decimals));
        u64::try_from(atoms).unwrap_or_else(|_| panic!("{amount} {} is negative", self.name))
    }

    /// Vault of the reserve.
    pub fn vault(&self, vault: Vault) -> Pubkey {
        match vault {
            Vault::Liquidity => address::liquidity_vault(&self.reserve),
            Vault::Collateral => address::collateral_vault(&self.reserve),
        }
    }
}

impl World {
    /// Creates a mint of the house's, which may freeze accounts of it too, as the issuers of stable coins may.
    pub fn create_mint(&mut self, decimals: u8, kind: Kind) -> Pubkey {
        let mint = self.fresh_address();
        self.put_account(mint, kind.program(), vec![0; MINT_BYTES]);
        let house = self.house.address();
        let initialize = token_instruction::initialize_mint2(&kind.program(), &mint, &house, Some(&house), decimals);
        self.must_send(&[initialize.expect("a token program")]);
        mint
    }

    /// The token account of somebody, created with [`WALLET_TOKENS`] where there is none yet.
    pub fn wallet(&mut self, role: &(impl Role + ?Sized), token: &Token) -> Pubkey {
        let wallet = address::token_account(&role.address(), &token.mint, &token.kind.program());
        if self.svm.get_account(&wallet).is_none() {
            self.open_wallet(&role.address(), token);
            let atoms = 10u64.checked_pow(u32::from(token.decimals)).and_then(|one| one.checked_mul(WALLET_TOKENS));
            self.mint(&wallet, token, atoms.unwrap_or(u64::MAX / 1_000));
        }
        wallet
    }

    /// Creates the token account of an owner, empty.
    pub fn open_wallet(&mut self, owner: &Pubkey, token: &Token) -> Pubkey {
        let (house, program) = (self.house.address(), token.kind.program());
        self.must_send(&[create_associated_token_account(&house, owner, &token.mint, &program)]);
        address::token_account(owner, &token.mint, &program)
    }

    /// Mints to a token account.
    pub fn mint(&mut self, account: &Pubkey, token: &Token, atoms: u64) {
        let house = self.house.address();
        let mint = token_instruction::mint_to(&token.kind.program(), &token.mint, account, &house, &[], atoms);
        self.must_send(&[mint.expect("a token program")]);
    }

    /// The issuer freezes a token account.
    pub fn freeze(&mut self, account: &Pubkey, token: &Token) {
        let house = self.house.address();
        let freeze = token_instruction::freeze_account(&token.kind.program(), account, &token.mint, &house, &[]);
        self.must_send(&[freeze.expect("a token program")]);
    }

    /// Atoms in a token account, 0 where there is none.
    pub fn atoms_in(&self, account: &Pubkey) -> u64 {
        let Some(account) = self.svm.get_account(account) else { return 0 };
        let amount = account.data.get(64..72).and_then(|bytes| bytes.try_into().ok());
        u64::from_le_bytes(amount.expect("a token account"))
    }

    /// Atoms in somebody's wallet, opened where there is none yet.
    pub fn purse(&mut self, role: &(impl Role + ?Sized), token: &Token) -> u64 {
        let wallet = self.wallet(role, token);
        self.atoms_in(&wallet)
    }

    /// Atoms in somebody's wallet, 0 where there is none.
    pub fn balance(&self, role: &(impl Role + ?Sized), token: &Token) -> u64 {
        self.atoms_in(&address::token_account(&role.address(), &token.mint, &token.kind.program()))
    }

    /// Sends tokens straight to a vault, past the program: a donation, which must change nothing.
    pub fn donate(&mut self, role: &impl Role, token: &Token, vault: Vault, atoms: u64) {
        let (wallet, target, program) = (self.wallet(role, token), token.vault(vault), token.kind.program());
        let owner = role.address();
        let transfer = token_instruction::transfer_checked(
            &program,
            &wallet,
            &token.mint,
            &target,
            &owner,
            &[],
            atoms,
            token.decimals,
        );
        self.send(&[transfer.expect("a token program")], &[role]).expect("a transfer to a vault");
        *self.donations.entry(target).or_default() += u128::from(atoms);
    }

    /// A key nobody used before.
    pub(crate) fn fresh_address(&mut self) -> Pubkey {
        self.fresh_keypair().pubkey()
    }
}
