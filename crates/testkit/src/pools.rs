//! A market to sell in: the constant-product pool of `tests/programs/pool`, and its way to call any program.

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

use anchor_lang::prelude::Pubkey;
use plimsoll_client::{address, AccountMeta, Instruction};
use pool::{amount_out, in_order, Swap, FORWARD, POOL_SEED};

use crate::{Role, Token, World};

/// Address of the pool program in a world.
pub const POOL_PROGRAM: Pubkey = Pubkey::new_from_array(*b"the pool of the tests, a program");

/// The program as built from this source.
fn program_file() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/deploy/pool.so");
        fs::read(&path).unwrap_or_else(|error| {
            panic!("the pool is not built ({error}: target/deploy/pool.so); run `cargo xtask build`")
        })
    })
}

/// A pool of two tokens.
#[derive(Clone, Debug)]
pub struct Pool {
    authority: Pubkey,
}

impl Pool {
    /// The pool's vault of a token.
    pub fn vault(&self, token: &Token) -> Pubkey {
        address::token_account(&self.authority, &token.mint, &token.kind.program())
    }

    /// What a swap of one token for another would get now, atoms.
    pub fn quote(&self, world: &World, (from, to): (&Token, &Token), amount_in: u64) -> u64 {
        amount_out(amount_in, world.atoms_in(&self.vault(from)), world.atoms_in(&self.vault(to)))
    }

    /// A swap of one token for another.
    pub fn swap(&self, role: &impl Role, (from, to): (&Token, &Token), swap: Swap) -> Instruction {
        let wallet = |token: &Token| address::token_account(&role.address(), &token.mint, &token.kind.program());
        let accounts = vec![
            AccountMeta::new_readonly(role.address(), true),
            AccountMeta::new_readonly(self.authority, false),
            AccountMeta::new(wallet(from), false),
            AccountMeta::new(wallet(to), false),
            AccountMeta::new(self.vault(from), false),
            AccountMeta::new(self.vault(to), false),
            AccountMeta::new_readonly(from.mint, false),
            AccountMeta::new_readonly(to.mint, false),
            AccountMeta::new_readonly(from.kind.program(), false),
            AccountMeta::new_readonly(to.kind.program(), false),
        ];
        Instruction { program_id: POOL_PROGRAM, accounts, data: swap.encode() }
    }
}

impl World {
    /// Puts the pool program on the chain.
    pub fn add_pool_program(&mut self) {
        let program = (self.loaded_as)(program_file());
        self.svm.add_program(POOL_PROGRAM, &program).expect("the pool program loads");
        self.name(POOL_PROGRAM, "pool program");
    }

    /// A pool of two tokens with so many atoms of each.
    pub fn add_pool(&mut self, parts: [(&Token, u64); 2]) -> Pool {
        self.add_pool_program();
        let [(one, _), (other, _)] = parts;
        let [first, second] = in_order(one.mint.as_array(), other.mint.as_array());
        let (authority, _) = Pubkey::find_program_address(&[POOL_SEED, first, second], &POOL_PROGRAM);
        for (token, atoms) in parts {
            let vault = self.open_wallet(&authority, token);
            self.mint(&vault, token, atoms);
        }
        Pool { authority }
    }

    /// The same call, made by the pool program instead of the transaction.
    pub fn forwarded(call: &Instruction) -> Instruction {
        let mut accounts = vec![AccountMeta::new_readonly(call.program_id, false)];
        accounts.extend_from_slice(&call.accounts);
        Instruction { program_id: POOL_PROGRAM, accounts, data: [&[FORWARD], &call.data[..]].concat() }
    }
}
